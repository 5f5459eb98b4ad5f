//! Rollups: the sums behind dashboards and lists, kept in the writing transactions.

use super::schema::{rollup_hours, rollup_quarters};
use super::{AnyConnection, Result, rollup_upsert, word};
use crate::domain::click_id::ClickId;
use crate::domain::figures::{Bots, Figures};
use crate::domain::rollup::{Attribution, Counters, HOUR_MS, QUARTER_MS, RollupDelta, RollupKey, hour_of};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How fine the buckets of a query are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// UTC hours: serve every zone with whole-hour offsets.
    Hour,
    /// Quarter hours: serve every zone.
    Quarter,
}

impl Grain {
    /// Its table.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Hour => "rollup_hours",
            Self::Quarter => "rollup_quarters",
        }
    }
}

/// Which rows a query sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumQuery {
    /// Start, Unix milliseconds, at a bucket's edge.
    pub from_ms: i64,
    /// End, exclusive, at a bucket's edge.
    pub to_ms: i64,
    /// By which time conversions count.
    pub attribution: Attribution,
    /// Test data, or real data.
    pub is_test: bool,
    /// These campaigns only.
    pub campaign_ids: Option<Vec<i64>>,
}

/// Sums of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summed {
    /// The campaign's number, or the bucket's start, as asked.
    pub key: i64,
    /// Made by machines.
    pub is_bot: bool,
    /// The sums.
    pub sums: Counters,
}

/// Adds changes to the sums, in key order, under the writer's own rows.
///
/// # Errors
/// The database fails.
pub fn apply(conn: &mut AnyConnection, delta: &RollupDelta, writer_id: i64) -> Result<()> {
    let mut hours: BTreeMap<RollupKey, Counters> = BTreeMap::new();
    let changed = || delta.iter().filter(|(_, sums)| **sums != Counters::default());
    for (key, sums) in changed() {
        let hour = RollupKey { quarter_ms: hour_of(key.quarter_ms), ..*key };
        hours.entry(hour).or_default().add(sums);
    }
    rollup_upsert::add(conn, Grain::Quarter, changed(), writer_id)?;
    rollup_upsert::add(conn, Grain::Hour, hours.iter(), writer_id)
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = BigInt)]
    group_key: i64,
    #[diesel(sql_type = Bool)]
    is_bot: bool,
    #[diesel(sql_type = BigInt)]
    clicks: i64,
    #[diesel(sql_type = BigInt)]
    uniques: i64,
    #[diesel(sql_type = BigInt)]
    lp_views: i64,
    #[diesel(sql_type = BigInt)]
    lp_clicks: i64,
    #[diesel(sql_type = BigInt)]
    lp_clickers: i64,
    #[diesel(sql_type = BigInt)]
    cost_micros: i64,
    #[diesel(sql_type = BigInt)]
    costed_clicks: i64,
    #[diesel(sql_type = BigInt)]
    leads: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    approved: i64,
    #[diesel(sql_type = BigInt)]
    rejected: i64,
    #[diesel(sql_type = BigInt)]
    reversed: i64,
    #[diesel(sql_type = BigInt)]
    revenue_micros: i64,
    #[diesel(sql_type = BigInt)]
    pending_revenue_micros: i64,
    #[diesel(sql_type = BigInt)]
    payout_micros: i64,
    #[diesel(sql_type = BigInt)]
    pending_payout_micros: i64,
    #[diesel(sql_type = BigInt)]
    sale_amount_micros: i64,
    #[diesel(sql_type = BigInt)]
    sales: i64,
}

impl From<SumRow> for Summed {
    fn from(row: SumRow) -> Self {
        let sums = Counters {
            clicks: row.clicks,
            uniques: row.uniques,
            lp_views: row.lp_views,
            lp_clicks: row.lp_clicks,
            lp_clickers: row.lp_clickers,
            cost_micros: row.cost_micros,
            costed_clicks: row.costed_clicks,
            leads: row.leads,
            pending: row.pending,
            approved: row.approved,
            rejected: row.rejected,
            reversed: row.reversed,
            revenue_micros: row.revenue_micros,
            pending_revenue_micros: row.pending_revenue_micros,
            payout_micros: row.payout_micros,
            pending_payout_micros: row.pending_payout_micros,
            sale_amount_micros: row.sale_amount_micros,
            sales: row.sales,
        };
        Self { key: row.group_key, is_bot: row.is_bot, sums }
    }
}

fn counter_sums() -> String {
    Counters::NAMES.iter().fold(String::new(), |mut list, name| {
        // `SUM` of bigint is numeric on PostgreSQL. Writing to a String cannot fail.
        let _ = write!(list, ", CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}");
        list
    })
}

fn sum(
    conn: &mut AnyConnection,
    grain: Grain,
    group: &str,
    query: &SumQuery,
    more: &str,
) -> Result<Vec<Summed>> {
    let text = format!(
        "SELECT {group} AS group_key, is_bot{} FROM {} WHERE bucket_ms >= $1 AND bucket_ms < $2 \
         AND attribution = $3 AND is_test = $4{}{more} GROUP BY {group}, is_bot",
        counter_sums(),
        grain.table(),
        number_filter("campaign_id", query.campaign_ids.as_deref())
    );
    let rows: Vec<SumRow> = diesel::sql_query(text)
        .bind::<BigInt, _>(query.from_ms)
        .bind::<BigInt, _>(query.to_ms)
        .bind::<Text, _>(query.attribution.as_str())
        .bind::<Bool, _>(query.is_test)
        .load(conn)?;
    Ok(rows.into_iter().map(Summed::from).collect())
}

/// Numbers stand in the text: there may be more of them than a statement takes values.
fn number_filter(column: &str, numbers: Option<&[i64]>) -> String {
    let Some(numbers) = numbers else { return String::new() };
    let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
    format!(" AND {column} IN ({})", if list.is_empty() { "NULL".to_owned() } else { list.join(",") })
}

/// Sums by campaign.
///
/// # Errors
/// The database fails.
pub fn by_campaign(conn: &mut AnyConnection, grain: Grain, query: &SumQuery) -> Result<Vec<Summed>> {
    sum(conn, grain, "campaign_id", query, "")
}

/// Sums by bucket.
///
/// # Errors
/// The database fails.
pub fn by_bucket(conn: &mut AnyConnection, grain: Grain, query: &SumQuery) -> Result<Vec<Summed>> {
    // Humans and machines one after the other: rows come in the order of buckets, so nothing need be sorted.
    let mut sums = sum(conn, grain, "bucket_ms", query, " AND NOT is_bot")?;
    sums.extend(sum(conn, grain, "bucket_ms", query, " AND is_bot")?);
    Ok(sums)
}

/// Sums by quarter hour, of the quarters of some hours alone.
///
/// # Errors
/// The database fails.
pub fn by_quarter_of(conn: &mut AnyConnection, hours_ms: &[i64], query: &SumQuery) -> Result<Vec<Summed>> {
    let quarters: Vec<i64> =
        hours_ms.iter().flat_map(|hour| [0, 1, 2, 3].map(|quarter| hour + quarter * QUARTER_MS)).collect();
    sum(conn, Grain::Quarter, "bucket_ms", query, &number_filter("bucket_ms", Some(&quarters)))
}

/// Whether any real click has been counted: until then pages show test data.
///
/// # Errors
/// The database fails.
pub fn has_real_clicks(conn: &mut AnyConnection) -> Result<bool> {
    let real = rollup_hours::table.filter(rollup_hours::is_test.eq(false)).filter(rollup_hours::clicks.gt(0));
    let found: Option<i64> = real.select(rollup_hours::clicks).first(conn).optional()?;
    Ok(found.is_some())
}

/// Whether any test click has been counted.
///
/// # Errors
/// The database fails.
pub fn has_test_clicks(conn: &mut AnyConnection) -> Result<bool> {
    let test = rollup_hours::table.filter(rollup_hours::is_test.eq(true)).filter(rollup_hours::clicks.gt(0));
    let found: Option<i64> = test.select(rollup_hours::clicks).first(conn).optional()?;
    Ok(found.is_some())
}

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
    sums: RawSums,
}

#[derive(QueryableByName)]
struct RawSums {
    #[diesel(sql_type = BigInt)]
    clicks: i64,
    #[diesel(sql_type = BigInt)]
    uniques: i64,
    #[diesel(sql_type = BigInt)]
    lp_views: i64,
    #[diesel(sql_type = BigInt)]
    lp_clicks: i64,
    #[diesel(sql_type = BigInt)]
    lp_clickers: i64,
    #[diesel(sql_type = BigInt)]
    cost_micros: i64,
    #[diesel(sql_type = BigInt)]
    costed_clicks: i64,
    #[diesel(sql_type = BigInt)]
    leads: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    approved: i64,
    #[diesel(sql_type = BigInt)]
    rejected: i64,
    #[diesel(sql_type = BigInt)]
    reversed: i64,
    #[diesel(sql_type = BigInt)]
    revenue_micros: i64,
    #[diesel(sql_type = BigInt)]
    pending_revenue_micros: i64,
    #[diesel(sql_type = BigInt)]
    payout_micros: i64,
    #[diesel(sql_type = BigInt)]
    pending_payout_micros: i64,
    #[diesel(sql_type = BigInt)]
    sale_amount_micros: i64,
    #[diesel(sql_type = BigInt)]
    sales: i64,
}

impl From<RawSums> for Counters {
    fn from(row: RawSums) -> Self {
        Self {
            clicks: row.clicks,
            uniques: row.uniques,
            lp_views: row.lp_views,
            lp_clicks: row.lp_clicks,
            lp_clickers: row.lp_clickers,
            cost_micros: row.cost_micros,
            costed_clicks: row.costed_clicks,
            leads: row.leads,
            pending: row.pending,
            approved: row.approved,
            rejected: row.rejected,
            reversed: row.reversed,
            revenue_micros: row.revenue_micros,
            pending_revenue_micros: row.pending_revenue_micros,
            payout_micros: row.payout_micros,
            pending_payout_micros: row.pending_payout_micros,
            sale_amount_micros: row.sale_amount_micros,
            sales: row.sales,
        }
    }
}

/// A sum over raw rows: the column it fills and the SQL for one row.
type RawSum = (&'static str, &'static str);

/// What a click adds, straight from its row.
const CLICK_SUMS: &[RawSum] = &[
    ("clicks", "1"),
    ("uniques", "CASE WHEN is_unique THEN 1 ELSE 0 END"),
    ("lp_views", "CASE WHEN lander_id IS NOT NULL THEN 1 ELSE 0 END"),
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
    sums: &[RawSum],
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<RawRow>> {
    let mut text = format!("SELECT {time} - {time} % 900000 AS quarter_ms, campaign_id, is_bot, is_test");
    for name in Counters::NAMES {
        let value = sums.iter().find(|(known, _)| known == name).map_or("0", |(_, value)| value);
        let _ = write!(text, ", CAST(COALESCE(SUM({value}), 0) AS BIGINT) AS {name}");
    }
    // Ids of clicks are ordered by time and serve as its index, which keeps rebuilding from reading all clicks.
    let ids = if table == "clicks" { " AND id >= $3 AND id < $4" } else { "" };
    let _ = write!(
        text,
        " FROM {table} WHERE {time} >= $1 AND {time} < $2{ids} \
         GROUP BY {time} - {time} % 900000, campaign_id, is_bot, is_test"
    );
    let statement = diesel::sql_query(text).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms);
    if ids.is_empty() {
        return Ok(statement.load(conn)?);
    }
    let (low, high) = (ClickId::floor(from_ms - ID_SLACK_MS), ClickId::floor(to_ms + ID_SLACK_MS));
    let (low, high) = (low.bytes().to_vec(), high.bytes().to_vec());
    Ok(statement.bind::<Binary, _>(low).bind::<Binary, _>(high).load(conn)?)
}

/// What the kept sums of a grain say of a period, over all writers, each under its bucket's start: for comparison
/// with [`raw`].
///
/// # Errors
/// The database fails.
pub fn kept(conn: &mut AnyConnection, grain: Grain, from_ms: i64, to_ms: i64) -> Result<RollupDelta> {
    #[derive(QueryableByName)]
    struct Kept {
        #[diesel(sql_type = BigInt)]
        bucket_ms: i64,
        #[diesel(sql_type = BigInt)]
        campaign_id: i64,
        #[diesel(sql_type = Text)]
        attribution: String,
        #[diesel(sql_type = Bool)]
        is_bot: bool,
        #[diesel(sql_type = Bool)]
        is_test: bool,
        #[diesel(embed)]
        sums: RawSums,
    }
    let keys = "bucket_ms, campaign_id, attribution, is_bot, is_test";
    let text = format!(
        "SELECT {keys}{} FROM {} WHERE bucket_ms >= $1 AND bucket_ms < $2 GROUP BY {keys}",
        counter_sums(),
        grain.table()
    );
    let rows: Vec<Kept> =
        diesel::sql_query(text).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms).load(conn)?;
    let mut delta = RollupDelta::new();
    for row in rows {
        let key = RollupKey {
            quarter_ms: row.bucket_ms,
            campaign_id: row.campaign_id,
            attribution: word(&row.attribution, Attribution::parse)?,
            is_bot: row.is_bot,
            is_test: row.is_test,
        };
        delta.add(key, &row.sums.into());
    }
    Ok(delta)
}

/// Throws the sums of a period away and makes them anew from the raw rows. The edges lie on hours. Other writers wait
/// meanwhile, even on PostgreSQL: a click that came between the reading and the deleting would be counted twice.
///
/// # Errors
/// The database fails.
pub fn rebuild(conn: &mut AnyConnection, from_ms: i64, to_ms: i64, writer_id: i64) -> Result<()> {
    if let AnyConnection::Pg(pg) = &mut *conn {
        // In the order in which `apply` takes them, so that nobody waits in a circle.
        pg.batch_execute(
            "lock table rollup_quarters in exclusive mode; lock table rollup_hours in exclusive mode",
        )?;
    }
    let quarters = rollup_quarters::table.filter(rollup_quarters::bucket_ms.ge(from_ms));
    diesel::delete(quarters.filter(rollup_quarters::bucket_ms.lt(to_ms))).execute(conn)?;
    let hours = rollup_hours::table.filter(rollup_hours::bucket_ms.ge(from_ms));
    diesel::delete(hours.filter(rollup_hours::bucket_ms.lt(to_ms))).execute(conn)?;
    let delta = raw(conn, from_ms, to_ms)?;
    apply(conn, &delta, writer_id)
}

/// Takes all test data's sums away.
///
/// # Errors
/// The database fails.
pub fn delete_test(conn: &mut AnyConnection) -> Result<()> {
    diesel::delete(rollup_quarters::table.filter(rollup_quarters::is_test.eq(true))).execute(conn)?;
    diesel::delete(rollup_hours::table.filter(rollup_hours::is_test.eq(true))).execute(conn)?;
    Ok(())
}

/// Puts summed groups together into rows of figures, by key.
#[must_use]
pub fn rows(summed: &[Summed], bots: Bots) -> BTreeMap<i64, Figures> {
    let mut rows: BTreeMap<i64, Figures> = BTreeMap::new();
    for group in summed {
        rows.entry(group.key).or_insert_with(|| Figures::new(bots)).add(group.is_bot, &group.sums);
    }
    rows
}
