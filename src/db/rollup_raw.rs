//! The sums asked of clicks and conversions themselves: what every kept sum must agree with.

use super::rollups::SumColumns;
use super::{AnyConnection, Result, sums};
use crate::domain::click_id::ClickId;
use crate::domain::rollup::{Attribution, HOUR_MS, RollupDelta, RollupKey};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};

#[derive(QueryableByName)]
struct RawRow {
    #[diesel(sql_type = BigInt)]
    quarter_ms: i64,
    #[diesel(sql_type = BigInt)]
    campaign_id: i64,
    #[diesel(sql_type = Bool)]
    is_bot: bool,
    #[diesel(sql_type = Bool)]
    is_test: bool,
    #[diesel(embed)]
    sums: SumColumns,
}

/// A sum over raw rows: the column it fills and the SQL for one row.
type RawSum = (&'static str, &'static str);

/// What a click adds, straight from its row.
const CLICK_SUMS: &[RawSum] = &[
    ("clicks", "1"),
    ("uniques", "CASE WHEN is_unique THEN 1 ELSE 0 END"),
    // As `ClickRecord::is_lp_view` says.
    (
        "lp_views",
        "CASE WHEN lander_id IS NOT NULL OR (offer_id IS NULL AND refusal IS NULL) THEN 1 ELSE 0 END",
    ),
    ("lp_clicks", "lp_clicks"),
    ("lp_clickers", "CASE WHEN lp_clicks > 0 THEN 1 ELSE 0 END"),
    ("cost_micros", "cost_micros"),
    ("costed_clicks", "CASE WHEN cost_original_micros IS NOT NULL THEN 1 ELSE 0 END"),
];

/// What a conversion adds, straight from its row.
const CONVERSION_SUMS: &[RawSum] = &[
    ("leads", "CASE WHEN counts_as_conversion THEN 1 ELSE 0 END"),
    ("pending", "CASE WHEN counts_as_conversion AND status = 'pending' THEN 1 ELSE 0 END"),
    ("approved", "CASE WHEN counts_as_conversion AND status = 'approved' THEN 1 ELSE 0 END"),
    ("rejected", "CASE WHEN counts_as_conversion AND status = 'rejected' THEN 1 ELSE 0 END"),
    ("reversed", "CASE WHEN counts_as_conversion AND status = 'reversed' THEN 1 ELSE 0 END"),
    ("revenue_micros", "CASE WHEN counts_in_revenue AND status = 'approved' THEN revenue_micros ELSE 0 END"),
    (
        "pending_revenue_micros",
        "CASE WHEN counts_in_revenue AND status = 'pending' THEN revenue_micros ELSE 0 END",
    ),
    ("payout_micros", "CASE WHEN payout_status = 'approved' THEN payout_micros ELSE 0 END"),
    ("pending_payout_micros", "CASE WHEN payout_status = 'pending' THEN payout_micros ELSE 0 END"),
    (
        "sale_amount_micros",
        "CASE WHEN status IN ('approved', 'pending') THEN COALESCE(sale_amount_micros, 0) ELSE 0 END",
    ),
    (
        "sales",
        "CASE WHEN status IN ('approved', 'pending') AND sale_amount_micros IS NOT NULL THEN 1 ELSE 0 END",
    ),
];

/// Which clicks are asked: those of the period's ids, without those that were imported and are no traffic of ours.
const CLICK_FILTER: &str = " AND id >= $3 AND id < $4 AND NOT EXISTS (SELECT 1 FROM foreign_clicks \
    WHERE foreign_clicks.click_id = clicks.id AND NOT foreign_clicks.is_counted)";

/// How far a click's time may lie from the time in its id, where raw clicks are looked up by time.
const ID_SLACK_MS: i64 = HOUR_MS;

/// The plain way: the sums of a period asked of the raw tables. Every faster way is tested against it.
///
/// # Errors
/// The database fails.
pub fn raw(conn: &mut AnyConnection, from_ms: i64, to_ms: i64) -> Result<RollupDelta> {
    let mut delta = RollupDelta::new();
    for attribution in Attribution::ALL {
        let time = match attribution {
            Attribution::ClickTime => "clicked_at_ms",
            Attribution::ConversionTime => "converted_at_ms",
        };
        let parts = [("clicks", "clicked_at_ms", CLICK_SUMS), ("conversions", time, CONVERSION_SUMS)];
        for (table, time, sums) in parts {
            for row in raw_part(conn, table, time, sums, (from_ms, to_ms))? {
                let key = RollupKey {
                    quarter_ms: row.quarter_ms,
                    campaign_id: row.campaign_id,
                    attribution: *attribution,
                    is_bot: row.is_bot,
                    is_test: row.is_test,
                };
                delta.add(key, &row.sums.into());
            }
        }
    }
    Ok(delta)
}

fn raw_part(
    conn: &mut AnyConnection,
    table: &str,
    time: &str,
    added: &[RawSum],
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<RawRow>> {
    // Ids of clicks are ordered by time and serve as its index, which keeps rebuilding from reading all clicks.
    let ids = if table == "clicks" { CLICK_FILTER } else { "" };
    let value = |name| added.iter().find(|(known, _)| *known == name).map_or("0", |(_, value)| *value);
    let (low, high) = (ClickId::floor(from_ms - ID_SLACK_MS), ClickId::floor(to_ms + ID_SLACK_MS));
    sums::ask(conn, |conn, width| {
        let text = format!(
            "SELECT {time} - {time} % 900000 AS quarter_ms, campaign_id, is_bot, is_test{} \
             FROM {table} WHERE {time} >= $1 AND {time} < $2{ids} \
             GROUP BY {time} - {time} % 900000, campaign_id, is_bot, is_test",
            sums::columns(width, value)
        );
        let statement = diesel::sql_query(text).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms);
        if ids.is_empty() {
            return statement.load(conn);
        }
        let (low, high) = (low.bytes().to_vec(), high.bytes().to_vec());
        statement.bind::<Binary, _>(low).bind::<Binary, _>(high).load(conn)
    })
}
