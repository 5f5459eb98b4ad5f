//! Starting: what goes wrong is said in one line, and the command line does what API.md says.

use crate::app::{Backend, Place, block_on, client, send};
use crate::program::{Program, command, on_each, run, token};
use clickledger::db::{self, Db, users};
use std::collections::BTreeSet;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Output;
use std::time::Duration;

/// A failed start: its one line, which must hold all these words and no password.
fn one_line(output: &Output, words: &[&str]) -> String {
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    assert!(!said.contains("hunter2") && !said.contains("backtrace") && !said.contains("panicked"), "{said}");
    said
}

#[test]
fn an_unknown_database_is_explained() {
    let place = Place::new(Backend::Sqlite).unwrap();
    let mut start = command(&place);
    start.env("DATABASE_URL", "mysql://root:hunter2@localhost/x");
    one_line(&run(start, ""), &["DATABASE_URL", "mysql", "postgres://"]);
}

#[test]
fn a_database_that_does_not_answer_is_explained() {
    let place = Place::new(Backend::Sqlite).unwrap();
    let mut start = command(&place);
    start.env("DATABASE_URL", "postgres://someone:hunter2@127.0.0.1:1/x?connect_timeout=2");
    start.env("CLICKLEDGER_DATABASE_WAIT", "0");
    one_line(&run(start, ""), &["127.0.0.1", "cannot be used"]);
}

#[test]
fn a_database_that_comes_up_later_is_waited_for() {
    let Some(place) = Place::new(Backend::Postgres) else { return };
    // A door to the server's socket that opens a moment after the start.
    let folder = tempfile::tempdir().unwrap();
    // A server named from outside has no socket here.
    let Some((_, host)) = place.url.split_once("host=") else { return };
    let real = host.split('&').next().unwrap().to_owned();
    let through = place.url.replace(&real, folder.path().to_str().unwrap());
    let named = |folder: &Path| folder.join(".s.PGSQL.5432");
    let (door, to) = (named(folder.path()), named(Path::new(&real.replace("%2F", "/"))));
    let (open, opened) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        opened.recv().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        for stream in UnixListener::bind(door).unwrap().incoming() {
            let (inner, outer) = (UnixStream::connect(&to).unwrap(), stream.unwrap());
            for (mut from, mut to) in
                [(inner.try_clone().unwrap(), outer.try_clone().unwrap()), (outer, inner)]
            {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    let mut start = command(&place);
    start.env("DATABASE_URL", &through).arg("migrate");
    one_line(&run(start, ""), &["cannot be used"]);
    let mut start = command(&place);
    start.env("DATABASE_URL", &through);
    open.send(()).unwrap();
    Program::from(start).kill();
}

#[test]
fn a_folder_that_cannot_be_made_is_explained() {
    let place = Place::new(Backend::Sqlite).unwrap();
    let file = place.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut start = command(&place);
    start.env("CLICKLEDGER_DATA_DIR", file.join("inside"));
    one_line(&run(start, ""), &["inside"]);
}

#[test]
fn a_port_that_is_taken_is_explained() {
    let place = Place::new(Backend::Sqlite).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut start = command(&place);
    start.env("CLICKLEDGER_LISTEN", taken.local_addr().unwrap().to_string());
    one_line(&run(start, ""), &["cannot listen on"]);
}

#[test]
fn a_place_database_that_is_broken_is_explained() {
    let place = Place::new(Backend::Sqlite).unwrap();
    let file = place.folder.path().join("city.mmdb");
    std::fs::write(&file, "no database").unwrap();
    let mut start = command(&place);
    start.env("CLICKLEDGER_GEO_CITY", &file);
    one_line(&run(start, ""), &["CLICKLEDGER_GEO_CITY", "city.mmdb", "MaxMind-format"]);
}

#[test]
fn another_secret_key_is_refused() {
    on_each(|place| {
        Program::start(&place).kill();
        let mut start = command(&place);
        start.env("CLICKLEDGER_SECRET_KEY", "ab".repeat(32));
        one_line(&run(start, ""), &["secret key", "CLICKLEDGER_SECRET_KEY"]);
        let mut short = command(&place);
        short.env("CLICKLEDGER_SECRET_KEY", "abc");
        one_line(&run(short, ""), &["64 hex digits"]);
        Program::start(&place).kill();
    });
}

#[test]
fn the_setup_link_is_printed_while_there_is_no_user() {
    on_each(|place| {
        let mut program = Program::start(&place);
        let said = program.all_it_says();
        let link = said.split_whitespace().find(|word| word.contains("/setup/")).expect("a setup link");
        assert!(link.starts_with(&program.base), "{said}");
        program.kill();
        let mut again = Program::start(&place);
        let said = again.all_it_says();
        assert!(said.contains("/setup/") && !said.contains(link), "a new one each time: {said}");
        again.kill();
        token(&place);
        let mut with_user = Program::start(&place);
        let said = with_user.all_it_says();
        assert!(!said.contains("/setup/"), "{said}");
        with_user.kill();
    });
}

#[test]
fn users_and_tokens_are_made_by_the_command_line() {
    on_each(|place| {
        let create = |arguments: &[&str], input: &str| {
            let mut create = command(&place);
            create.args(arguments);
            run(create, input)
        };
        let user = ["user", "create", "--email", "Ann@Example.com", "--role", "manager", "--password-stdin"];
        let made = create(&user, "a quiet river bends\n");
        assert!(made.status.success(), "{made:?}");
        assert!(!String::from_utf8_lossy(&made.stdout).contains("river"));
        one_line(&create(&user, "a quiet river bends\n"), &["email"]);
        let other = ["user", "create", "--email", "ben@example.com", "--password-stdin"];
        one_line(&create(&other, "short\n"), &["password"]);
        let nobody = ["token", "create", "--email", "nobody@example.com", "--scope", "write"];
        one_line(&create(&nobody, ""), &["nobody@example.com"]);

        let made = create(&["token", "create", "--email", "ann@example.com", "--scope", "write"], "");
        assert!(made.status.success(), "{made:?}");
        let printed = String::from_utf8(made.stdout).unwrap();
        assert_eq!(printed.lines().count(), 1, "the token alone: {printed:?}");
        let token = printed.trim_end();
        assert!(token.starts_with("clk_") && !token.contains(char::is_whitespace), "{printed:?}");
        let program = Program::start(&place);
        block_on(async {
            let url = format!("{}/api/v1/offers", program.base);
            assert_eq!(send(client().get(&url).bearer_auth(token)).await.status, 200);
            assert_eq!(send(client().get(&url)).await.status, 401);
        });
        program.kill();
        let reset = ["user", "reset-password", "--email", "ann@example.com", "--password-stdin"];
        assert!(create(&reset, "another river bends\n").status.success());
    });
}

#[test]
fn migrate_brings_the_tables_and_ends() {
    on_each(|place| {
        for _ in 0..2 {
            let mut migrate = command(&place);
            migrate.arg("migrate");
            let done = run(migrate, "");
            assert!(done.status.success(), "{done:?}");
        }
        let db = Db::open(&place.url, false).unwrap();
        assert_eq!(db.read(users::count).unwrap(), 0);
    });
}

#[test]
fn migrations_go_down_and_up_again() {
    on_each(|place| {
        let (backend, address) = match place.url.strip_prefix("sqlite://") {
            Some(path) => (db::Backend::Sqlite, path.to_owned()),
            None => (db::Backend::Postgres, place.url.clone()),
        };
        for _ in 0..2 {
            let db = Db::open(&place.url, false).unwrap();
            assert_eq!(db.read(users::count).unwrap(), 0);
            drop(db);
            db::revert_all(backend, &address).unwrap();
            assert_eq!(crate::sql::tables(&place), 0, "every table went with its migration");
        }
        let db = Db::open(&place.url, false).unwrap();
        assert_eq!(db.read(users::count).unwrap(), 0);
    });
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |folder: &str| -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let entries = std::fs::read_dir(root).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}

#[test]
fn two_that_start_at_once_share_one_database() {
    on_each(|place| {
        let other = tempfile::tempdir().unwrap();
        // Both nodes need the same key.
        let nodes = [place.folder.path(), other.path()].map(|folder| {
            let mut start = command(&place);
            start.env("CLICKLEDGER_DATA_DIR", folder).env("CLICKLEDGER_SECRET_KEY", "5a".repeat(32));
            start
        });
        let starting = nodes.map(|node| std::thread::spawn(move || Program::from(node)));
        let programs = starting.map(|node| node.join().unwrap());
        block_on(async {
            for program in &programs {
                assert_eq!(send(client().get(format!("{}/readyz", program.base))).await.status, 200);
            }
        });
        for program in programs {
            let (is_well, took) = program.end();
            assert!(is_well && took < Duration::from_secs(15), "{took:?}");
        }
    });
}

#[test]
fn it_ends_in_order_from_the_moment_it_serves() {
    let place = Place::new(Backend::Sqlite).unwrap();
    for _ in 0..5 {
        let (is_well, took) = Program::start(&place).end();
        assert!(is_well, "asked to end, it died");
        assert!(took < Duration::from_secs(15), "{took:?}");
    }
}
