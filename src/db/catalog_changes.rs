//! Whether anything changed that clicks are routed by, on this node or another. Triggers keep the count.

use super::schema::catalog_changes;
use super::{AnyConnection, Result};
use diesel::dsl::{count_star, max};
use diesel::prelude::*;

/// Rows that PostgreSQL keeps before the old ones are taken away.
const ROWS_MAX: i64 = 10_000;

/// How long a row is kept at least: far longer than any transaction that could still add one before it.
const KEPT_MS: i64 = 60 * 60 * 1_000;

/// Where the changes stand: another value than before means that something changed.
///
/// On PostgreSQL a transaction that took its number early may commit late: the number of rows tells it then, where the
/// highest does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    rows: i64,
    highest: i64,
    version: i64,
}

/// Where the changes stand now.
///
/// # Errors
/// The database fails.
pub fn marker(conn: &mut AnyConnection) -> Result<Marker> {
    let (rows, highest, version): (i64, Option<i64>, Option<i64>) = catalog_changes::table
        .select((count_star(), max(catalog_changes::id), max(catalog_changes::version)))
        .first(conn)?;
    Ok(Marker { rows, highest: highest.unwrap_or(0), version: version.unwrap_or(0) })
}

impl Marker {
    /// Whether old rows should be taken away.
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.rows > ROWS_MAX
    }
}

/// Takes old rows away.
///
/// # Errors
/// The database fails.
pub fn prune(conn: &mut AnyConnection, now_ms: i64) -> Result<()> {
    let old = catalog_changes::table.filter(catalog_changes::changed_at_ms.lt(now_ms - KEPT_MS));
    diesel::delete(old).execute(conn)?;
    Ok(())
}
