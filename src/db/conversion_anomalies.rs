//! What is unusual about conversions, beside the rows themselves: added later where others show it, and counted.

use super::schema::conversions;
use super::{AnyConnection, Result, on_each};
use crate::domain::anomaly::{Anomalies, Anomaly, Unusual};
use crate::domain::click_id::ClickId;
use diesel::dsl::sql;
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

/// The newest conversions since a time, tests left out, at most so many; the oldest of them first.
///
/// # Errors
/// The database fails.
pub fn since(conn: &mut AnyConnection, from_ms: i64, rows_max: i64) -> Result<Vec<Compared>> {
    let text = "select c.id, c.click_id, c.converted_at_ms, c.said_device_id, k.address, c.anomalies \
                from (select id, click_id, converted_at_ms, said_device_id, anomalies from conversions \
                where converted_at_ms >= $1 and not is_test order by converted_at_ms desc limit $2) c \
                left join clicks k on k.id = c.click_id";
    let asked = || diesel::sql_query(text).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(rows_max);
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
