//! The log of conversions: pages of them, narrowed.

use super::conversions::{Conversion, Row};
use super::log::{given, page};
use super::schema::conversions;
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Result};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::click_id::ClickId;
use diesel::prelude::*;

/// Which conversions a log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversionQuery {
    /// Start by conversion time, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// End, exclusive.
    pub to_ms: Option<i64>,
    /// One campaign only.
    pub campaign_id: Option<i64>,
    /// One offer only.
    pub offer_id: Option<i64>,
    /// One status only.
    pub status: Option<String>,
    /// One click only.
    pub click_id: Option<ClickId>,
    /// In the transaction or the event.
    pub q: String,
    /// Test data only, real data only, or both.
    pub is_test: Option<bool>,
    /// Rows before the page.
    pub offset: i64,
    /// Rows of the page.
    pub limit: i64,
}

/// A page of conversions, newest first. The total is counted up to [`COUNTED_MAX`] and one.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &ConversionQuery) -> Result<Listed<Conversion>> {
    let matching = || {
        let rows = conversions::table.into_boxed();
        let mut rows =
            given!(rows, query, conversions, converted_at_ms, [campaign_id, offer_id, status, is_test]);
        if !query.q.is_empty() {
            let pattern = contains(&query.q);
            let found = fold_case(conversions::txid).like(pattern.clone()).escape('\\');
            rows = rows.filter(found.or(fold_case(conversions::event).like(pattern).escape('\\')));
        }
        rows
    };
    page!(conn, query, conversions, converted_at_ms, matching)
}
