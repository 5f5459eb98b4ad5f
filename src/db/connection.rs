//! Connections: one enum over both databases, pools for readers and writers.

use super::write_gate::{Priority, Turn, WriteGate};
use super::{Error, Result, migrate};
use diesel::connection::SimpleConnection as _;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection, R2D2Connection as _};
use diesel::{Connection as _, PgConnection, SqliteConnection};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A connection to the database of record, whichever it is.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// SQLite, built in.
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    Pg(PgConnection),
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// SQLite, built in.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// Readers at once: pages and the API run on so many blocking threads at most.
const READERS_MAX: u32 = 8;

/// Writers at once on PostgreSQL: postbacks, ingester, pages, maintenance, and some to spare.
const WRITERS_MAX: u32 = 6;

/// How long to wait for a free connection before saying that the database cannot be reached. Well
/// under the five seconds in which every postback is answered.
const CONNECTION_WAIT: Duration = Duration::from_millis(2_500);

/// Why the database could not be opened, said so that a person can mend it.
#[derive(Debug)]
pub struct OpenError(String);

/// What a client library says of a PostgreSQL server that is not there yet, or is on its way up or down. Whatever else goes
/// wrong at a start would go wrong a moment later too.
const PASSING: &[&str] = &[
    "Connection refused",
    "Is the server running",
    "could not connect",
    "starting up",
    "shutting down",
    "timeout expired",
    "could not translate host name",
    "No route to host",
    "Network is unreachable",
];

/// How long after a start that failed the next attempt is made.
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(500);

impl OpenError {
    /// Whether it may pass by itself.
    fn is_passing(&self) -> bool {
        PASSING.iter().any(|words| self.0.contains(words))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

/// Makes connections to the database that was named, and to no other.
#[derive(Clone)]
struct Manager {
    backend: Backend,
    address: String,
    is_power_safe: bool,
}

impl Manager {
    fn connect_sqlite(&self) -> std::result::Result<SqliteConnection, diesel::r2d2::Error> {
        let mut conn =
            SqliteConnection::establish(&self.address).map_err(diesel::r2d2::Error::ConnectionError)?;
        // By the same rules as on PostgreSQL: a search for "ä" finds "Ä".
        super::search::fold_case_utils::register_impl(&mut conn, |text: String| text.to_lowercase())
            .map_err(diesel::r2d2::Error::QueryError)?;
        Ok(conn)
    }
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> std::result::Result<AnyConnection, Self::Error> {
        let refused = diesel::r2d2::Error::ConnectionError;
        let mut conn = match self.backend {
            Backend::Sqlite => AnyConnection::Sqlite(self.connect_sqlite()?),
            Backend::Postgres => AnyConnection::Pg(PgConnection::establish(&self.address).map_err(refused)?),
        };
        let setup = match self.backend {
            Backend::Sqlite if self.is_power_safe => format!("{SQLITE_SETUP} pragma synchronous = full;"),
            Backend::Sqlite => SQLITE_SETUP.to_owned(),
            Backend::Postgres => PG_SETUP.to_owned(),
        };
        conn.batch_execute(&setup).map_err(diesel::r2d2::Error::QueryError)?;
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut AnyConnection) -> std::result::Result<(), Self::Error> {
        conn.ping().map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut AnyConnection) -> bool {
        std::thread::panicking() || conn.is_broken()
    }
}

enum Writers {
    Sqlite(Box<WriteGate<PooledConnection<Manager>>>),
    Pg(Pool<Manager>),
}

/// The file that a SQLite database was opened from. A file that is taken away stays open, and what is written to it is gone
/// when the process ends: so it is looked at before each transaction, at the price of a microsecond.
struct OpenedFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl OpenedFile {
    fn new(path: &str) -> Self {
        let path = PathBuf::from(path);
        Self { identity: identity(&path), path }
    }

    fn check(&self) -> Result<()> {
        if self.identity == identity(&self.path) {
            return Ok(());
        }
        Err(Error::Unavailable(format!(
            "the database file {} was taken away or replaced: put it back, or restart to go on with what is there",
            self.path.display()
        )))
    }
}

/// Which file a path leads to; `None` where it leads to none, or the system does not say.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Elsewhere an open file cannot be taken away.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

/// The database of record.
pub struct Db {
    backend: Backend,
    file: Option<OpenedFile>,
    readers: Pool<Manager>,
    writers: Writers,
}

impl Db {
    /// Opens the database that a URL names and brings its tables up to date.
    ///
    /// `sqlite:///path/file.db`, `sqlite://relative/file.db`, `postgres://user:password@host/name`.
    /// With `is_power_safe` each commit reaches the disk before it is answered.
    ///
    /// # Errors
    /// Says what is wrong with the URL or the database; a password in it is not repeated.
    pub fn open(url: &str, is_power_safe: bool) -> std::result::Result<Self, OpenError> {
        let (backend, address) = read_url(url)?;
        let shown = without_password(url);
        migrate::run(backend, &address).map_err(|why| {
            OpenError(format!("The database {shown} cannot be used: {}", in_one_line(&why.to_string())))
        })?;
        let pool = |size: u32| {
            Pool::builder()
                .max_size(size)
                .min_idle(Some(0))
                .connection_timeout(CONNECTION_WAIT)
                .build(Manager { backend, address: address.clone(), is_power_safe })
                .map_err(|why| OpenError(format!("The database {shown} cannot be opened: {why}")))
        };
        let writers = match backend {
            Backend::Sqlite => {
                let one = pool(1)?.get();
                let one =
                    one.map_err(|why| OpenError(format!("The database {shown} cannot be opened: {why}")))?;
                Writers::Sqlite(Box::new(WriteGate::new(one)))
            }
            Backend::Postgres => Writers::Pg(pool(WRITERS_MAX)?),
        };
        let file = (backend == Backend::Sqlite).then(|| OpenedFile::new(&address));
        Ok(Self { backend, file, readers: pool(READERS_MAX)?, writers })
    }

    /// The same, waiting so long for a server that does not answer yet: at a machine's start it may come up after us.
    /// `say` is told once why it waits.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub fn open_patiently(
        url: &str,
        is_power_safe: bool,
        (patience, say): (Duration, impl Fn(&OpenError)),
    ) -> std::result::Result<Self, OpenError> {
        let begun = Instant::now();
        let mut has_said = false;
        loop {
            match Self::open(url, is_power_safe) {
                Err(why) if why.is_passing() && begun.elapsed() < patience => {
                    if !has_said {
                        say(&why);
                        has_said = true;
                    }
                    std::thread::sleep(OPEN_AGAIN_AFTER);
                }
                outcome => return outcome,
            }
        }
    }

    /// Which database it is.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Reads. Blocks: call it on a blocking thread.
    ///
    /// # Errors
    /// The database cannot be reached, or what the reader returns.
    pub fn read<T, E: From<Error>>(
        &self,
        reader: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut conn = self.readers.get().map_err(|why| Error::Unavailable(why.to_string()))?;
        reader(&mut conn)
    }

    /// Reads several things as they were at one moment, whatever others write meanwhile. Blocks: call it on a blocking
    /// thread.
    ///
    /// # Errors
    /// The database cannot be reached, or what the reader returns.
    pub fn snapshot<T, E: From<Error>>(
        &self,
        reader: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.read(|conn| {
            savepoint(conn, |conn| {
                // SQLite's transactions see one moment anyway.
                if let AnyConnection::Pg(pg) = &mut *conn {
                    let one_moment = "set transaction isolation level repeatable read, read only";
                    pg.batch_execute(one_moment).map_err(Error::from)?;
                }
                reader(conn)
            })
        })
    }

    /// Writes in one transaction: all of it or nothing. Blocks: call it on a blocking thread.
    ///
    /// # Errors
    /// The database cannot be reached, or what the writer returns; nothing is kept then.
    pub fn write<T, E: From<Error>>(
        &self,
        priority: Priority,
        writer: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match &self.writers {
            Writers::Sqlite(gate) => {
                let mut turn: Turn<'_, _> = gate.enter(priority);
                self.check_file()?;
                let gone = || E::from(Error::Unavailable("the writing connection is gone".to_owned()));
                in_transaction(turn.get().ok_or_else(gone)?, writer)
            }
            Writers::Pg(pool) => {
                let mut conn = pool.get().map_err(|why| Error::Unavailable(why.to_string()))?;
                in_transaction(&mut conn, writer)
            }
        }
    }

    /// Refuses to write into a file that is not there any more.
    fn check_file(&self) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), OpenedFile::check)
    }

    /// Whether a more urgent writer waits for this one's turn to end.
    #[must_use]
    pub fn is_wanted_before(&self, priority: Priority) -> bool {
        match &self.writers {
            Writers::Sqlite(gate) => gate.is_wanted_before(priority),
            Writers::Pg(_) => false,
        }
    }

    /// Writes SQLite's log back into its file and makes both reach the disk; nothing on PostgreSQL.
    /// Says whether all that was committed before is now safe from a power cut.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub fn checkpoint(&self) -> Result<bool> {
        let Writers::Sqlite(gate) = &self.writers else { return Ok(true) };
        let mut turn = gate.enter(Priority::Maintenance);
        self.check_file()?;
        let conn =
            turn.get().ok_or_else(|| Error::Unavailable("the writing connection is gone".to_owned()))?;
        migrate::checkpoint(conn)
    }
}

/// A wrapper, so that any caller's error type can come out of Diesel's transaction.
enum Aborted<E> {
    Inner(E),
    Diesel(diesel::result::Error),
}

impl<E> From<diesel::result::Error> for Aborted<E> {
    fn from(error: diesel::result::Error) -> Self {
        Self::Diesel(error)
    }
}

fn in_transaction<T, E: From<Error>>(
    conn: &mut AnyConnection,
    writer: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let outcome = conn.transaction(|conn| {
        if let AnyConnection::Sqlite(sqlite) = &mut *conn {
            // Take the write lock before anything is read: a transaction that reads first and writes
            // later fails at once when another process wrote in between.
            sqlite.batch_execute("delete from settings where 0")?;
        }
        writer(conn).map_err(Aborted::Inner)
    });
    outcome.map_err(|aborted| match aborted {
        Aborted::Inner(error) => error,
        Aborted::Diesel(error) => E::from(Error::from(error)),
    })
}

/// A savepoint inside a transaction: what fails in it is undone alone.
///
/// # Errors
/// What the writer returns; nothing of it is kept then.
pub fn savepoint<T, E: From<Error>>(
    conn: &mut AnyConnection,
    writer: impl FnOnce(&mut AnyConnection) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    conn.transaction(|conn| writer(conn).map_err(Aborted::Inner)).map_err(|aborted| match aborted {
        Aborted::Inner(error) => error,
        Aborted::Diesel(error) => E::from(Error::from(error)),
    })
}

/// WAL lets readers go on while one writes; NORMAL syncs at checkpoints, and the journal's segments are
/// kept until then. 16 MiB of page cache per connection.
pub(super) const SQLITE_SETUP: &str = "pragma busy_timeout = 10000; pragma journal_mode = wal; \
    pragma synchronous = normal; pragma foreign_keys = on; pragma cache_size = -16384; pragma temp_store = memory;";

/// A statement that hangs must not hold a page or a postback for ever.
const PG_SETUP: &str = "set statement_timeout = '120s'; set lock_timeout = '10s'; set timezone = 'UTC'; set client_min_messages = warning;";

/// The database and the address its driver takes.
fn read_url(url: &str) -> std::result::Result<(Backend, String), OpenError> {
    if let Some(path) = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")) {
        if path.is_empty() {
            return Err(OpenError(
                "DATABASE_URL names no file: write sqlite:///path/clickledger.db".to_owned(),
            ));
        }
        make_folder(path)?;
        return Ok((Backend::Sqlite, path.to_owned()));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let wants_tls = ["sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"];
        if !cfg!(feature = "postgres-tls") && wants_tls.iter().any(|mode| url.contains(mode)) {
            return Err(OpenError(
                "DATABASE_URL asks for TLS, and this build has none: build with --features postgres-tls"
                    .to_owned(),
            ));
        }
        return Ok((Backend::Postgres, url.to_owned()));
    }
    let scheme = url.split(':').next().unwrap_or("");
    Err(OpenError(format!(
        "DATABASE_URL has the scheme {scheme:?}, which is not known: write sqlite:///path/clickledger.db or \
         postgres://user:password@host/name"
    )))
}

fn make_folder(path: &str) -> std::result::Result<(), OpenError> {
    let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .map_err(|why| OpenError(format!("The folder {} cannot be made: {why}", folder.display())))
}

/// Drivers explain themselves in several lines; the log takes one.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A database URL as it may be shown and logged.
fn without_password(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) if parsed.password().is_some() => {
            let is_hidden = parsed.set_password(Some("***")).is_ok();
            if is_hidden { parsed.to_string() } else { parsed.scheme().to_owned() }
        }
        Ok(_) => url.to_owned(),
        Err(_) => "in DATABASE_URL".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_explained_without_the_password() {
        let error = read_url("mysql://root:secret@host/x").unwrap_err().to_string();
        assert!(error.contains("\"mysql\"") && !error.contains("secret"), "{error}");
        assert_eq!(without_password("postgres://a:secret@h/x"), "postgres://a:***@h/x");
    }

    #[test]
    fn tls_is_never_dropped_in_silence() {
        let outcome = read_url("postgres://a@h/x?sslmode=require");
        assert_eq!(outcome.is_err(), !cfg!(feature = "postgres-tls"));
    }
}
