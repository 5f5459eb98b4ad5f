//! People's tables: a file of whatever program, read into rows of text with names for its columns.

mod amount;
mod columns;
mod table;
mod text;
mod time;

pub use amount::plain_amount;
pub use columns::{Field, Mapping, guess};
pub use table::{Layout, Row, Sheet, read};
pub use text::{Encoding, decode};
pub use time::{DayOrder, Moments, is_day_order_open};

/// Bytes of one file: fifty thousand wide rows of a network's export are about half of it.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Rows of one file, the header aside: what a person can look through, and a server can judge in one go.
pub const ROWS_MAX: usize = 50_000;

/// Columns of one file: exports of the largest networks have about a hundred.
pub const COLUMNS_MAX: usize = 200;

/// Bytes of one cell: none of ours is longer than a click id of a network, and a quote that is not closed shows itself.
pub const CELL_BYTES_MAX: usize = 4_096;

/// Bytes of a row's own text that are kept to be shown beside its fault.
pub const SHOWN_BYTES_MAX: usize = 1_024;

/// What keeps a whole file from being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line of the file, counted from 1; none where it is about the file as a whole.
    pub line: Option<u64>,
    /// One sentence that says what to change.
    pub message: String,
}

impl Fault {
    /// About the file as a whole.
    #[must_use]
    pub fn of_file(message: impl Into<String>) -> Self {
        Self { line: None, message: message.into() }
    }

    /// About a line of it.
    #[must_use]
    pub fn at(line: u64, message: impl Into<String>) -> Self {
        Self { line: Some(line), message: message.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "Line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// A text without what comes after so many bytes, cut between two characters.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
