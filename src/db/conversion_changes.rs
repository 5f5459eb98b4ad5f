//! The append-only history of conversions: every change of status or money, with its cause.

use super::judged_again::received_last;
use super::schema::conversion_changes;
use super::{AnyConnection, Result};
use diesel::prelude::*;

/// The cause of a change that counted money anew: it says nothing that its advertiser did not say before.
pub const RECALCULATION: &str = "recalculation";

/// One change of a conversion.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = conversion_changes, treat_none_as_default_value = false)]
pub struct Change {
    /// The conversion.
    pub conversion_id: i64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// The status before; none where it was recorded.
    pub from_status: Option<String>,
    /// The status after.
    pub to_status: String,
    /// Revenue in the account currency before.
    pub from_revenue_micros: Option<i64>,
    /// And after.
    pub to_revenue_micros: i64,
    /// Payout in the account currency before.
    pub from_payout_micros: Option<i64>,
    /// And after.
    pub to_payout_micros: i64,
    /// What kind of cause: `postback`, `pixel`, `person`, `import`, [`RECALCULATION`].
    pub cause: String,
    /// The postback that did it.
    pub postback_id: Option<i64>,
    /// The user who did it.
    pub user_id: Option<i64>,
    /// Why, in words.
    pub why: String,
    /// The transaction whose amount was added.
    pub source_txid: Option<String>,
}

/// The changes of some conversions, oldest first.
///
/// # Errors
/// The database fails.
pub fn changes_of(conn: &mut AnyConnection, conversion_ids: &[i64]) -> Result<Vec<Change>> {
    Ok(conversion_changes::table
        .filter(conversion_changes::conversion_id.eq_any(conversion_ids))
        .order(conversion_changes::id)
        .select(Change::as_select())
        .load(conn)?)
}

/// Whether something newer than a moment changed a conversion: a postback that was received after it, or a person.
///
/// # Errors
/// The database fails.
pub fn is_changed_by_newer(conn: &mut AnyConnection, conversion_id: i64, at_ms: i64) -> Result<bool> {
    let postbacks: Vec<Option<i64>> = conversion_changes::table
        .filter(conversion_changes::conversion_id.eq(conversion_id))
        .filter(conversion_changes::at_ms.gt(at_ms))
        .filter(conversion_changes::cause.ne(RECALCULATION))
        .select(conversion_changes::postback_id)
        .load(conn)?;
    if postbacks.contains(&None) {
        return Ok(true);
    }
    let postbacks: Vec<i64> = postbacks.into_iter().flatten().collect();
    Ok(received_last(conn, &postbacks)?.is_some_and(|last_ms| last_ms > at_ms))
}
