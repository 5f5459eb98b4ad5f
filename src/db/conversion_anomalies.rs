//! What is unusual about conversions, beside the rows themselves: added later where others show it, and counted.

use super::schema::conversions;
use super::{AnyConnection, Result, on_each};
use crate::domain::anomaly::{Anomalies, Anomaly, Unusual};
use crate::domain::click_id::ClickId;
use diesel::dsl::{count_star, sql};
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use std::net::IpAddr;

/// Rows of one statement: a database takes a bounded number of values.
const IDS_MAX: usize = 500;

/// A row's set with these added: what others showed of it meanwhile stays.
pub(super) fn with(anomalies: Anomalies) -> SqlLiteral<BigInt> {
    sql(&format!("anomalies | {}", anomalies.bits()))
}

/// Whether a row is unusual. The condition of the index of unusual ones stands in it as it does there.
pub(super) fn is(unusual: Unusual) -> SqlLiteral<Bool> {
    match unusual {
        Unusual::Any => sql("(conversions.anomalies <> 0)"),
        Unusual::One(anomaly) => {
            let bit = anomaly.bit();
            sql(&format!("(conversions.anomalies <> 0 and (conversions.anomalies & {bit}) <> 0)"))
        }
    }
}

/// Adds something unusual to conversions that are stored.
///
/// # Errors
/// The database fails.
pub fn flag(conn: &mut AnyConnection, ids: &[i64], anomaly: Anomaly) -> Result<()> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    for some in ids.chunks(IDS_MAX) {
        let of_these = || conversions::table.filter(conversions::id.eq_any(some));
        if let AnyConnection::Pg(pg) = conn {
            // In the order in which groups change theirs, so that no two wait for each other.
            let held = of_these().select(conversions::id).order(conversions::id).for_update();
            held.load::<i64>(pg)?;
        }
        let mut new = Anomalies::default();
        new.add(anomaly);
        diesel::update(of_these()).set(conversions::anomalies.eq(with(new))).execute(conn)?;
    }
    Ok(())
}

/// A conversion as far as it is compared with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its number.
    pub id: i64,
    /// Its click.
    pub click_id: ClickId,
    /// Its own time, Unix milliseconds.
    pub converted_at_ms: i64,
    /// The device id that came with it.
    pub device_id: Option<String>,
    /// The address of its click.
    pub address: Option<IpAddr>,
    /// What is known to be unusual about it.
    pub anomalies: Anomalies,
}

#[derive(QueryableByName)]
struct ComparedRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Binary)]
    click_id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    converted_at_ms: i64,
    #[diesel(sql_type = Nullable<Text>)]
    said_device_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    address: Option<String>,
    #[diesel(sql_type = BigInt)]
    anomalies: i64,
}

/// The clicks are found one by one, by their ids.
const SINCE: &str = "select c.id, c.click_id, c.converted_at_ms, c.said_device_id, k.address, c.anomalies \
                     from (select id, click_id, converted_at_ms, said_device_id, anomalies from conversions \
                     where converted_at_ms >= $1 and not is_test order by converted_at_ms desc limit $2) c \
                     left join clicks k on k.id = c.click_id";

/// The newest conversions since a time, tests left out, at most so many; the oldest of them first.
///
/// # Errors
/// The database fails.
pub fn since(conn: &mut AnyConnection, from_ms: i64, rows_max: i64) -> Result<Vec<Compared>> {
    let asked = || diesel::sql_query(SINCE).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(rows_max);
    let rows: Vec<ComparedRow> = on_each!(conn, |c| asked().load(c))?;
    let compared = |row: ComparedRow| {
        Some(Compared {
            id: row.id,
            click_id: ClickId::from_slice(&row.click_id)?,
            converted_at_ms: row.converted_at_ms,
            device_id: row.said_device_id,
            address: row.address.and_then(|text| text.parse().ok()),
            anomalies: Anomalies::from_bits(row.anomalies),
        })
    };
    let mut all: Vec<Compared> = rows.into_iter().filter_map(compared).collect();
    all.sort_unstable_by_key(|one| (one.converted_at_ms, one.id));
    Ok(all)
}

/// Unusual conversions of a campaign on an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct UnusualCount {
    /// The campaign.
    #[diesel(sql_type = BigInt)]
    pub campaign_id: i64,
    /// The offer.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub offer_id: Option<i64>,
    /// Whether they count as conversions.
    #[diesel(sql_type = Bool)]
    pub counts_as_conversion: bool,
    /// How many.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

const COUNTS: &str = "select campaign_id, offer_id, counts_as_conversion, count(*) as count from conversions \
                      where anomalies <> 0 and converted_at_ms >= $1 and converted_at_ms < $2 \
                      group by campaign_id, offer_id, counts_as_conversion";

/// The unusual conversions of a time, by campaign and offer. Tests are never unusual.
///
/// # Errors
/// The database fails.
pub fn counts(conn: &mut AnyConnection, from_ms: i64, to_ms: i64) -> Result<Vec<UnusualCount>> {
    let asked = || diesel::sql_query(COUNTS).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms);
    Ok(on_each!(conn, |c| asked().load(c))?)
}

/// All conversions of some offers in a time. The few tests among them are counted too: without them the index would not do.
///
/// # Errors
/// The database fails.
pub fn all_of_offers(
    conn: &mut AnyConnection,
    offers: &[i64],
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<(i64, i64)>> {
    let mut found = Vec::new();
    for some in offers.chunks(IDS_MAX) {
        let rows: Vec<(Option<i64>, i64)> = conversions::table
            .filter(conversions::offer_id.eq_any(some))
            .filter(conversions::converted_at_ms.ge(from_ms).and(conversions::converted_at_ms.lt(to_ms)))
            .group_by(conversions::offer_id)
            .select((conversions::offer_id, count_star()))
            .load(conn)?;
        found.extend(rows.into_iter().filter_map(|(offer, count)| Some((offer?, count))));
    }
    Ok(found)
}

/// How soon conversions of a source come, and how many of them are unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct SourceTimes {
    /// The source.
    #[diesel(sql_type = BigInt)]
    pub source_id: i64,
    /// How many conversions.
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// How many of them are unusual.
    #[diesel(sql_type = BigInt)]
    pub unusual: i64,
    /// From the click to the conversion, in milliseconds, as half of them take.
    #[diesel(sql_type = BigInt)]
    pub median_ms: i64,
}

/// Offers that one look compares: more lead nobody's campaigns to at once, and a statement has a bounded number of parts.
const OFFERS_MAX: usize = 100;

/// Conversions that one look reads, the newest of each offer: enough for a median, and a fraction of a second.
const TIMED_MAX: usize = 100_000;

/// The question about some offers: the newest conversions of each, in places by the time they took within their source.
fn times_query(offers: &[i64]) -> String {
    let each = TIMED_MAX / offers.len().max(1);
    let of_offer = |id: &i64| {
        format!(
            "select * from (select source_id, anomalies, converted_at_ms - clicked_at_ms as after_ms from conversions \
             where offer_id = {id} and converted_at_ms >= $1 and converted_at_ms < $2 and not is_test \
             and counts_as_conversion and source_id is not null order by converted_at_ms desc limit {each}) as of_{id}"
        )
    };
    let newest: Vec<String> = offers.iter().map(of_offer).collect();
    format!(
        "select source_id, count(*) as count, \
         cast(sum(case when anomalies <> 0 then 1 else 0 end) as bigint) as unusual, \
         cast(min(case when place * 2 >= of_source then after_ms end) as bigint) as median_ms from \
         (select source_id, anomalies, after_ms, row_number() over (partition by source_id order by after_ms) as place, \
         count(*) over (partition by source_id) as of_source from ({}) as newest) as placed group by source_id",
        newest.join(" union all ")
    )
}

/// The same for each source, of the conversions on some offers within a time, tests left out.
///
/// # Errors
/// The database fails.
pub fn times_of_sources(
    conn: &mut AnyConnection,
    offers: &[i64],
    (from_ms, to_ms): (i64, i64),
) -> Result<Vec<SourceTimes>> {
    // The newest offers: the others of so many have seldom traffic yet.
    let offers = offers.get(offers.len().saturating_sub(OFFERS_MAX)..).unwrap_or(offers);
    if offers.is_empty() {
        return Ok(Vec::new());
    }
    let text = times_query(offers);
    let asked = || diesel::sql_query(text.as_str()).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms);
    Ok(on_each!(conn, |c| asked().load(c))?)
}

#[cfg(test)]
#[path = "conversion_anomalies_tests.rs"]
mod tests;
