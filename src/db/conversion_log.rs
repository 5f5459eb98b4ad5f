//! The log of conversions: pages of them, narrowed.

use super::conversions::{Conversion, Row};
use super::log::{given, page};
use super::schema::conversions;
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Result, conversion_anomalies};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::anomaly::Unusual;
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
    /// One source only.
    pub source_id: Option<i64>,
    /// At least so many whole seconds after the click.
    pub min_seconds: Option<i64>,
    /// At most so many.
    pub max_seconds: Option<i64>,
    /// Unusual ones only.
    pub unusual: Option<Unusual>,
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
        let mut rows = given!(
            rows,
            query,
            conversions,
            converted_at_ms,
            [campaign_id, offer_id, source_id, status, is_test]
        );
        let after_ms = || conversions::converted_at_ms - conversions::clicked_at_ms;
        if let Some(seconds) = query.min_seconds {
            rows = rows.filter(after_ms().ge(seconds.saturating_mul(1_000)));
        }
        if let Some(seconds) = query.max_seconds {
            // The seconds that are shown are whole ones.
            rows = rows.filter(after_ms().lt(seconds.saturating_add(1).saturating_mul(1_000)));
        }
        if let Some(unusual) = query.unusual {
            rows = rows.filter(conversion_anomalies::is(unusual));
        }
        if !query.q.is_empty() {
            let pattern = contains(&query.q);
            let found = fold_case(conversions::txid).like(pattern.clone()).escape('\\');
            rows = rows.filter(found.or(fold_case(conversions::event).like(pattern).escape('\\')));
        }
        rows
    };
    page!(conn, query, conversions, converted_at_ms, matching)
}
