//! The log of conversions: pages of them, narrowed.

use super::conversions::{Conversion, Row};
use super::log::{given, page};
use super::schema::conversions;
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Result, conversion_anomalies};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::anomaly::Unusual;
use crate::domain::click_id::ClickId;
use crate::domain::destination::Destination;
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

/// Conversions, the newest first, among which one for a test is looked for: what came longer ago looks like nothing that comes
/// now.
const LOOKED_AT_MAX: i64 = 10_000;

/// The newest conversion that a destination would be told of; the newest one at all where there is none. Whether it would be
/// stands beside it.
///
/// # Errors
/// The database fails.
pub fn newest_for(conn: &mut AnyConnection, destination: &Destination) -> Result<Option<(i64, bool)>> {
    let newest: Option<i64> = conversions::table.select(diesel::dsl::max(conversions::id)).first(conn)?;
    let Some(newest) = newest else { return Ok(None) };
    let mut rows = conversions::table
        .filter(conversions::id.gt(newest - LOOKED_AT_MAX))
        .filter(conversions::is_test.eq(destination.is_test))
        .into_boxed();
    if let Some(id) = destination.source_id {
        rows = rows.filter(conversions::source_id.eq(id));
    }
    if let Some(id) = destination.campaign_id {
        rows = rows.filter(conversions::campaign_id.eq(id));
    }
    if let Some(id) = destination.offer_id {
        rows = rows.filter(conversions::offer_id.eq(id));
    }
    if !destination.events.is_empty() {
        rows = rows.filter(conversions::event.eq_any(&destination.events));
    }
    if !destination.statuses.is_empty() {
        let statuses: Vec<&str> = destination.statuses.iter().map(|status| status.as_str()).collect();
        rows = rows.filter(conversions::status.eq_any(statuses));
    }
    let fitting: Option<i64> =
        rows.order(conversions::id.desc()).select(conversions::id).first(conn).optional()?;
    Ok(Some(fitting.map_or((newest, false), |id| (id, true))))
}
