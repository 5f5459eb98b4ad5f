//! What can go wrong with the database, as far as the rooms above tell it apart.

use std::fmt;

/// A failed use of the database.
#[derive(Debug)]
pub enum Error {
    /// It cannot be reached, or has no connection free: try again later.
    Unavailable(String),
    /// A value that must be there once is there already; names the constraint or columns.
    Taken(String),
    /// A statement failed.
    Query(diesel::result::Error),
}

/// The outcome of a use of the database.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A row that we wrote cannot be read back.
    pub(crate) fn broken_row(what: &str) -> Self {
        Self::Query(diesel::result::Error::DeserializationError(format!("unreadable value {what:?}").into()))
    }

    /// The same, with the row named for whoever has to mend it by hand.
    pub(crate) fn in_row(self, table: &str, id: i64) -> Self {
        match self {
            Self::Query(diesel::result::Error::DeserializationError(why)) => {
                let why = format!("row {id} of table {table}: {why}");
                Self::Query(diesel::result::Error::DeserializationError(why.into()))
            }
            other => other,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Taken(what) => write!(f, "already taken: {what}"),
            Self::Query(error) => write!(f, "a statement failed: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};
        match error {
            Diesel::DatabaseError(Kind::UniqueViolation, info) => {
                let what = info.constraint_name().unwrap_or_else(|| info.message());
                Self::Taken(what.to_owned())
            }
            Diesel::DatabaseError(kind, info) if is_about_the_database(&kind, info.message()) => {
                Self::Unavailable(info.message().to_owned())
            }
            other => Self::Query(other),
        }
    }
}

/// What the databases say when they, and not the statement, are at fault. The drivers hand over no code for these.
const NOT_THE_STATEMENT: &[&str] = &[
    // SQLite, in the words of its source.
    "database is locked",
    "database table is locked",
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "database disk image is malformed",
    "file is not a database",
    // PostgreSQL, where it speaks English; in another language these come as failed statements.
    "canceling statement due to lock timeout",
    "canceling statement due to statement timeout",
    "deadlock detected",
    "No space left on device",
    "out of shared memory",
    "out of memory",
    "the database system is",
    "terminating connection",
];

fn is_about_the_database(kind: &diesel::result::DatabaseErrorKind, message: &str) -> bool {
    use diesel::result::DatabaseErrorKind as Kind;
    match kind {
        Kind::ClosedConnection
        | Kind::UnableToSendCommand
        | Kind::SerializationFailure
        | Kind::ReadOnlyTransaction => true,
        Kind::Unknown => NOT_THE_STATEMENT.iter().any(|said| message.contains(said)),
        _ => false,
    }
}
