//! A private PostgreSQL cluster for the tests of one run, made from the installed server programs.
//!
//! All test processes share it. Each holds a shared lock on a file while it lives; a watchdog that is no
//! child of a test waits for the exclusive one, ends the cluster and removes its folder. So nothing is left
//! behind, however the tests end. `CLICKLEDGER_TEST_POSTGRES` names a server to use instead.

use diesel::connection::{Connection as _, SimpleConnection as _};
use diesel::{PgConnection, RunQueryDsl as _};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the server may take to answer for the first time.
const START_LONGEST: Duration = Duration::from_secs(60);

/// How long a database may refuse to be copied because somebody is still leaving it.
const COPY_LONGEST: Duration = Duration::from_secs(20);

/// Runs the server as its child, waits until no test process is left, ends the server, removes the folder.
/// A second look after a moment, since a runner with a process for each test has gaps between two.
const WATCHDOG: &str = r#"
folder=$1; users=$2; programs=$3; as=$4; shift 4
exec 8>"$folder.watchdog"; flock -n 8 || exit 0
cd "$folder"
$as "$programs/postgres" -D "$folder/data" "$@" >"$folder/log" 2>&1 8>&- &
while :; do
    flock -x "$users" true
    sleep 1
    exec 9>>"$users"
    flock -n -x 9 && break
    exec 9>&-
done
kill -INT "$(head -n 1 "$folder/data/postmaster.pid")"
wait
rm -rf "$folder" "$folder.watchdog"
"#;

/// Where the cluster lives, and the lock that keeps it alive.
struct Cluster {
    url: String,
    template: Option<String>,
    _users: Option<File>,
}

/// A database of its own, dropped with the value.
pub struct Database {
    admin_url: String,
    name: String,
    /// Its address for the server under test.
    pub url: String,
}

impl Database {
    /// A new database: a copy of a migrated one if `migrate` can make it, else empty. `None` where this
    /// machine has no server programs.
    pub fn create(migrate: fn(&str)) -> Option<Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| Cluster::find(migrate)).as_ref()?;
        let name = format!("clickledger_{}_{:08x}", std::process::id(), rand::random::<u32>());
        let copy_of = cluster.template.as_deref();
        create(&cluster.url, &name, copy_of);
        let url = with_name(&cluster.url, &name);
        Some(Self { admin_url: cluster.url.clone(), name, url })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A failing test must not fail a second time here; the cluster goes as a whole anyway.
        if let Ok(mut conn) = PgConnection::establish(&self.admin_url) {
            let _gone = conn.batch_execute(&format!("drop database if exists {} with (force)", self.name));
        }
    }
}

fn with_name(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(name);
    url.to_string()
}

fn create(admin_url: &str, name: &str, copy_of: Option<&str>) {
    let mut conn = PgConnection::establish(admin_url).unwrap();
    let from = copy_of.map(|template| format!(" template {template}")).unwrap_or_default();
    let begun = Instant::now();
    while let Err(why) = conn.batch_execute(&format!("create database {name}{from}")) {
        let is_busy = why.to_string().contains("being accessed");
        assert!(is_busy && begun.elapsed() < COPY_LONGEST, "no database of its own: {why}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Cluster {
    fn find(migrate: fn(&str)) -> Option<Self> {
        if let Ok(url) = std::env::var("CLICKLEDGER_TEST_POSTGRES") {
            return Some(Self { url, template: None, _users: None });
        }
        let Some(programs) = programs() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "no PostgreSQL server programs");
            return None;
        };
        Some(Self::shared(&programs, migrate))
    }

    /// The cluster of this run, started by whoever comes first.
    fn shared(programs: &Path, migrate: fn(&str)) -> Self {
        let mut hasher = DefaultHasher::new();
        env!("CARGO_MANIFEST_DIR").hash(&mut hasher);
        // Short: the path of a socket may have about a hundred letters.
        let folder = std::env::temp_dir().join(format!("clickledger-pg-{:016x}", hasher.finish()));
        let beside = |kind: &str| PathBuf::from(format!("{}.{kind}", folder.display()));
        let gate = open(&beside("gate"));
        gate.lock().unwrap();
        let users = open(&beside("users"));
        users.lock_shared().unwrap();
        let url = format!(
            "postgres://postgres@localhost/postgres?host={}",
            folder.display().to_string().replace('/', "%2F")
        );
        let is_guarded = open(&beside("watchdog")).try_lock().is_err();
        if !is_guarded {
            remove_stale(&folder);
            start(programs, &folder, &beside("users"));
        }
        wait_until_it_answers(&url, &folder);
        let template = template_name();
        if !exists(&url, &template) {
            let draft = format!("{template}_draft");
            create(&url, &draft, None);
            migrate(&with_name(&url, &draft));
            let mut conn = PgConnection::establish(&url).unwrap();
            let begun = Instant::now();
            while let Err(why) = conn.batch_execute(&format!("alter database {draft} rename to {template}")) {
                assert!(begun.elapsed() < COPY_LONGEST, "{why}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        drop(gate);
        Self { url, template: Some(template), _users: Some(users) }
    }
}

fn open(path: &Path) -> File {
    File::options().create(true).truncate(false).write(true).read(true).open(path).unwrap()
}

/// The folder with the newest installed server programs.
fn programs() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = installed
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut all = folders.into_iter().rev().map(|(_, folder)| folder).chain(others);
    all.find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// The words before a server program: it refuses to run as root.
fn as_words() -> &'static str {
    if is_root() { "setpriv --reuid=postgres --regid=postgres --clear-groups --" } else { "" }
}

/// What a watchdog that was killed has left behind.
fn remove_stale(folder: &Path) {
    if let Ok(text) = std::fs::read_to_string(folder.join("data/postmaster.pid"))
        && let Some(pid) = text.lines().next()
    {
        // The number may be another process's by now: only a server on this very folder is ended.
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&words).contains(&*folder.to_string_lossy()) {
            let _ended = Command::new("kill").args(["-QUIT", pid]).status();
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    let _gone = std::fs::remove_dir_all(folder);
}

#[allow(clippy::zombie_processes, reason = "the watchdog outlives this process: that is what it is for")]
fn start(programs: &Path, folder: &Path, users: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;
    std::fs::create_dir(folder).unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    if is_root() {
        let owned = Command::new("chown").arg("postgres:postgres").arg(folder).status().unwrap();
        assert!(owned.success(), "there is no user postgres to run the server as");
    }
    let making =
        "cd \"$1\" && $2 \"$3/initdb\" -D \"$1/data\" -U postgres -A trust -E UTF8 --locale=C --no-sync";
    let made = Command::new("sh")
        .args(["-c", making, "sh"])
        .arg(folder)
        .arg(as_words())
        .arg(programs)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
    let socket = folder.display().to_string();
    let mut watchdog = Command::new("sh");
    watchdog.args(["-c", WATCHDOG, "clickledger-test-postgres"]).arg(folder).arg(users).arg(programs);
    watchdog.arg(as_words());
    let settings = [
        "listen_addresses=",
        "fsync=off",
        "full_page_writes=off",
        "max_connections=300",
        "shared_buffers=64MB",
        "autovacuum=off",
        "logging_collector=off",
    ];
    watchdog.args(settings.iter().flat_map(|setting| ["-c", setting])).args(["-k", &socket]);
    // No child of the tests: their runner must not wait for it, and an interrupt must not reach it.
    watchdog.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    watchdog.spawn().unwrap();
}

fn wait_until_it_answers(url: &str, folder: &Path) {
    let begun = Instant::now();
    while let Err(why) = PgConnection::establish(url) {
        if begun.elapsed() > START_LONGEST {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("PostgreSQL does not answer: {why}\n{log}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[derive(diesel::QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

fn exists(url: &str, name: &str) -> bool {
    let mut conn = PgConnection::establish(url).unwrap();
    let count = format!("select count(*) as n from pg_database where datname = '{name}'");
    diesel::sql_query(count).get_result::<Found>(&mut conn).unwrap().n > 0
}

/// Named after what the migrations say, so that a cluster never serves a template of older ones.
fn template_name() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().flatten().map(|entry| entry.path().join("up.sql")).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        (&file, std::fs::read(&file).unwrap_or_default()).hash(&mut hasher);
    }
    format!("template_{:016x}", hasher.finish())
}
