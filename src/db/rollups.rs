//! Rollups: the sums behind dashboards and lists, kept in the writing transactions.

use super::schema::{rollup_hours, rollup_quarters};
use super::{AnyConnection, Result, rollup_upsert, sums, word};
use crate::domain::figures::{Bots, Figures};
use crate::domain::rollup::{Attribution, Counters, QUARTER_MS, RollupDelta, RollupKey, hour_of};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use std::collections::BTreeMap;

pub use super::rollup_raw::raw;

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
    #[diesel(embed)]
    sums: SumColumns,
}

impl From<SumRow> for Summed {
    fn from(row: SumRow) -> Self {
        Self { key: row.group_key, is_bot: row.is_bot, sums: row.sums.into() }
    }
}

/// What is summed over humans and machines apart, or over one of both.
#[derive(Clone, Copy)]
enum Who {
    Each,
    One(bool),
}

fn sum(
    conn: &mut AnyConnection,
    grain: Grain,
    group: &str,
    query: &SumQuery,
    (who, more): (Who, &str),
) -> Result<Vec<Summed>> {
    let (is_bot, only, groups) = match who {
        Who::Each => ("is_bot", "", format!("{group}, is_bot")),
        Who::One(true) => ("TRUE", " AND is_bot", group.to_owned()),
        Who::One(false) => ("FALSE", " AND NOT is_bot", group.to_owned()),
    };
    let campaigns = number_filter("campaign_id", query.campaign_ids.as_deref());
    let rows: Vec<SumRow> = sums::ask(conn, |conn, width| {
        let text = format!(
            "SELECT {group} AS group_key, {is_bot} AS is_bot{} FROM {} WHERE bucket_ms >= $1 AND bucket_ms < $2 \
             AND attribution = $3 AND is_test = $4{only}{campaigns}{more} GROUP BY {groups}",
            sums::columns(width, |name| name),
            grain.table(),
        );
        diesel::sql_query(text)
            .bind::<BigInt, _>(query.from_ms)
            .bind::<BigInt, _>(query.to_ms)
            .bind::<Text, _>(query.attribution.as_str())
            .bind::<Bool, _>(query.is_test)
            .load(conn)
    })?;
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
    sum(conn, grain, "campaign_id", query, (Who::Each, ""))
}

/// Sums by bucket.
///
/// # Errors
/// The database fails.
pub fn by_bucket(conn: &mut AnyConnection, grain: Grain, query: &SumQuery) -> Result<Vec<Summed>> {
    // Humans and machines one after the other: rows come in the order of buckets, so nothing need be sorted.
    let mut sums = sum(conn, grain, "bucket_ms", query, (Who::One(false), ""))?;
    sums.extend(sum(conn, grain, "bucket_ms", query, (Who::One(true), ""))?);
    Ok(sums)
}

/// Sums by quarter hour, of the quarters of some hours alone.
///
/// # Errors
/// The database fails.
pub fn by_quarter_of(conn: &mut AnyConnection, hours_ms: &[i64], query: &SumQuery) -> Result<Vec<Summed>> {
    let quarters: Vec<i64> =
        hours_ms.iter().flat_map(|hour| [0, 1, 2, 3].map(|quarter| hour + quarter * QUARTER_MS)).collect();
    let only = number_filter("bucket_ms", Some(&quarters));
    sum(conn, Grain::Quarter, "bucket_ms", query, (Who::Each, &only))
}

/// Whether any real click has been counted: until then pages show test data.
///
/// # Errors
/// The database fails.
pub fn has_real_clicks(conn: &mut AnyConnection) -> Result<bool> {
    has_clicks(conn, false)
}

/// Whether any test click has been counted.
///
/// # Errors
/// The database fails.
pub fn has_test_clicks(conn: &mut AnyConnection) -> Result<bool> {
    has_clicks(conn, true)
}

/// By the first columns of the key, so that nothing else is read.
fn has_clicks(conn: &mut AnyConnection, is_test: bool) -> Result<bool> {
    let found: Option<i64> = rollup_hours::table
        .filter(rollup_hours::attribution.eq(Attribution::ClickTime.as_str()))
        .filter(rollup_hours::is_test.eq(is_test))
        .filter(rollup_hours::clicks.gt(0))
        .select(rollup_hours::clicks)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// The columns of [`Counters`] in an answer.
#[derive(QueryableByName)]
pub(super) struct SumColumns {
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

impl From<SumColumns> for Counters {
    fn from(row: SumColumns) -> Self {
        let columns = Self {
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
        // Adding keeps the bound.
        let mut sums = Self::default();
        sums.add(&columns);
        sums
    }
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
        sums: SumColumns,
    }
    let keys = "bucket_ms, campaign_id, attribution, is_bot, is_test";
    let rows: Vec<Kept> = sums::ask(conn, |conn, width| {
        let text = format!(
            "SELECT {keys}{} FROM {} WHERE bucket_ms >= $1 AND bucket_ms < $2 GROUP BY {keys}",
            sums::columns(width, |name| name),
            grain.table()
        );
        diesel::sql_query(text).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms).load(conn)
    })?;
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
