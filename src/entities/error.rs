//! Why a change was not made, so that a page and the API can say it alike.

use crate::db;
use crate::domain::input::FieldErrors;
use std::fmt;

/// A change that was not made.
#[derive(Debug)]
pub enum Error {
    /// Fields that must be mended, each with its message.
    Fields(FieldErrors),
    /// A value that must be there once is another's.
    Conflict {
        /// The field it stands in.
        field: &'static str,
        /// One sentence that says what to change.
        message: String,
    },
    /// There is no such thing.
    NotFound,
    /// The database failed.
    Db(db::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fields(errors) => {
                let said = errors.0.iter().map(|error| format!("{}: {}", error.field, error.message));
                f.write_str(&said.collect::<Vec<_>>().join("; "))
            }
            Self::Conflict { field, message } => write!(f, "{field}: {message}"),
            Self::NotFound => f.write_str("there is no such thing"),
            Self::Db(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}
