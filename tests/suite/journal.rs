//! The journal seen from outside: what it says of itself while the database takes nothing, and a dead node's journal moved
//! into another database.

use crate::app::{Place, block_on, click_id_in, client, send};
use crate::kills::set_up;
use crate::program::{Program, another_token, command, on_each, run};
use crate::raw_http::Connection;
use crate::sql;
use clickledger::db::{AnyConnection, Backend, Db, Error, Priority};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Clicks of each story.
const CLICKS: usize = 40;

/// The value of a line of `/metrics`.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

/// Clicks, and what each was given; the database need not be there.
fn click(program: &Program, slug: &str) -> Vec<String> {
    let address: SocketAddr = program.base.trim_start_matches("http://").parse().unwrap();
    let mut connection = Connection::open(address).unwrap();
    let one = |n: usize| {
        let answer = connection.get(&format!("/c/{slug}?sub1={n}")).unwrap();
        assert_eq!(answer.status, 302);
        click_id_in(answer.location.as_deref().unwrap()).unwrap()
    };
    (0..CLICKS).map(one).collect()
}

/// Does something while another transaction keeps every click out of the database.
fn with_clicks_kept_out<T>(place: &Place, act: impl FnOnce() -> T) -> T {
    let db = Db::open(&place.url, false).unwrap();
    let done = db.write(Priority::Pages, |conn: &mut AnyConnection| {
        if db.backend() == Backend::Postgres {
            sql::run(conn, "lock table clicks in exclusive mode")?;
        }
        Ok::<_, Error>(act())
    });
    done.unwrap()
}

fn stored(place: &Place) -> i64 {
    let db = Db::open(&place.url, false).unwrap();
    db.read(|conn: &mut AnyConnection| sql::number(conn, "select count(*) from clicks")).unwrap()
}

fn metrics(program: &Program, token: Option<&str>) -> (u16, String) {
    let mut found = (0, String::new());
    block_on(async {
        let request = client().get(format!("{}/metrics", program.base));
        let answer = send(token.into_iter().fold(request, |request, token| request.bearer_auth(token))).await;
        found = (answer.status, answer.text);
    });
    found
}

#[test]
fn what_waits_is_told_and_a_dead_nodes_journal_is_moved_elsewhere() {
    on_each(|place| {
        let (slug, _) = set_up(&place);
        let token = another_token(&place);
        let program = Program::start(&place);
        assert_eq!(metrics(&program, None).0, 401, "the figures are nobody else's business");
        let answered = with_clicks_kept_out(&place, || {
            let answered = click(&program, &slug);
            let (status, text) = metrics(&program, Some(&token));
            assert_eq!(status, 200, "{text}");
            let clicks = i32::try_from(CLICKS).unwrap();
            assert_eq!(metric(&text, "clickledger_clicks_total{outcome=\"offer\"}"), f64::from(clicks));
            assert_eq!(metric(&text, "clickledger_redirect_seconds_count"), f64::from(clicks));
            assert!(metric(&text, "clickledger_journal_waiting_bytes") > 1_000.0, "{text}");
            assert_eq!(metric(&text, "clickledger_journal_lost_total"), 0.0);
            assert_eq!(metric(&text, "clickledger_journal_reserve"), 1.0);
            // Gone at once: nothing of this was moved.
            program.kill();
            answered
        });
        assert_eq!(stored(&place), 0);
        let other = Place::new(if place.url.starts_with("sqlite") {
            crate::app::Backend::Sqlite
        } else {
            crate::app::Backend::Postgres
        });
        let other = other.unwrap();
        for _ in 0..2 {
            let mut import = command(&other);
            import.args(["import", "journal"]).arg(place.folder.path());
            let done = run(import, "");
            assert!(done.status.success(), "{done:?}");
            assert_eq!(stored(&other), i64::try_from(answered.len()).unwrap(), "each once, however often");
        }
        // Nothing was taken away: where they came from they are moved as well.
        let program = Program::start(&place);
        let begun = Instant::now();
        while stored(&place) < i64::try_from(answered.len()).unwrap() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} stored", stored(&place));
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut import = command(&other);
        import.args(["import", "journal"]).arg(place.folder.path());
        let refused = run(import, "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("a living process"), "{said}");
        let moved = metrics(&program, Some(&token)).1;
        assert_eq!(metric(&moved, "clickledger_journal_waiting_bytes"), 0.0);
        assert!(metric(&moved, "clickledger_ingested_records_total") >= 1.0, "{moved}");
    });
}

#[test]
fn a_folder_without_a_journal_is_refused() {
    let place = Place::new(crate::app::Backend::Sqlite).unwrap();
    let empty = tempfile::tempdir().unwrap();
    for (folder, why) in [(empty.path().to_path_buf(), "holds no journal"), ("/nowhere".into(), "no folder")]
    {
        let mut import = command(&place);
        import.args(["import", "journal"]).arg(folder);
        let refused = run(import, "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(why), "{said}");
    }
}
