//! Lists: pages, and the search text as both databases compare it.

use diesel::sql_types::Text;

/// Rows of a page when nothing is said.
pub const PAGE_SIZE: i64 = 50;
/// The most rows of a page.
pub const PAGE_SIZE_MAX: i64 = 500;
/// The last page that may be asked for: beyond it the database would count for nothing.
pub const PAGE_MAX: i64 = 100_000;

/// Values in one statement: SQLite takes a bounded number.
pub(super) const VALUES_MAX: usize = 500;

/// What part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// The page, from 1.
    pub page: i64,
    /// Rows of a page.
    pub page_size: i64,
    /// Text to search for.
    pub q: String,
    /// Only this status; `None` hides what is archived.
    pub status: Option<String>,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { page: 1, page_size: PAGE_SIZE, q: String::new(), status: None }
    }
}

impl ListQuery {
    /// Rows before the page.
    #[must_use]
    pub fn offset(&self) -> i64 {
        (self.page.clamp(1, PAGE_MAX) - 1) * self.limit()
    }

    /// Rows of the page, within bounds.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.page_size.clamp(1, PAGE_SIZE_MAX)
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Rows in all.
    pub total: i64,
}

/// A thing as it is kept: with its number and its times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved<T> {
    /// Its number.
    pub id: i64,
    /// Unix milliseconds.
    pub created_at_ms: i64,
    /// Unix milliseconds.
    pub updated_at_ms: i64,
    /// The thing.
    pub value: T,
}

diesel::define_sql_function! {
    /// Lower case by Unicode, whatever the locale of the database: a migration makes it on PostgreSQL, each connection on
    /// SQLite. `LIKE` ignores case on SQLite only, so both sides are folded.
    fn fold_case(text: Text) -> Text;
}

/// The pattern for "contains", its wildcards taken as plain text.
#[must_use]
pub(super) fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_plain_text() {
        assert_eq!(contains("5%_A"), "%5\\%\\_a%");
    }

    #[test]
    fn pages_are_bounded() {
        let query = ListQuery { page: i64::MAX, page_size: i64::MAX, ..ListQuery::default() };
        assert_eq!(query.offset(), (PAGE_MAX - 1) * PAGE_SIZE_MAX);
    }
}
