//! What of offers' caps is used: one number for each cap and window. A cache of what the conversions say, changed in their
//! transactions; clicks are counted in memory and summed here when a process starts.

use super::schema::{cap_uses, clicks, conversions};
use super::{AnyConnection, Result};
use crate::domain::cap::{Cap, CapOf, Window};
use crate::domain::click_id::ClickId;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Text};
use std::collections::{BTreeMap, BTreeSet};

/// The first half of the locks on PostgreSQL under which caps are counted; the second is the offer's. No other lock of ours
/// has two halves.
const LOCK_CLASS: i32 = 1;

/// Where something is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapUse {
    /// The offer.
    pub offer_id: i64,
    /// The cap's key.
    pub cap: String,
    /// The first moment of the window, Unix milliseconds.
    pub window_ms: i64,
}

/// Holds the counts of some offers until the transaction ends. In one order for all nodes, so that no two wait for each
/// other; SQLite's one writer needs no such lock.
///
/// # Errors
/// The database fails.
pub fn lock(conn: &mut AnyConnection, offers: &BTreeSet<i64>) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    // Two offers that share the lower half merely wait for each other.
    let half = |id: &i64| i32::try_from(id & i64::from(i32::MAX)).unwrap_or(0);
    let keys: BTreeSet<i32> = offers.iter().map(half).collect();
    diesel::sql_query(
        "select pg_advisory_xact_lock($1, k) from (select k from unnest($2) as k order by k) as keys",
    )
    .bind::<Integer, _>(LOCK_CLASS)
    .bind::<Array<Integer>, _>(keys.into_iter().collect::<Vec<_>>())
    .execute(pg)?;
    Ok(())
}

/// What is kept of some counts; those that nobody has counted yet are left out.
///
/// # Errors
/// The database fails.
pub fn find<'a>(
    conn: &mut AnyConnection,
    places: impl Iterator<Item = &'a CapUse>,
) -> Result<BTreeMap<CapUse, i64>> {
    let wanted: BTreeSet<&CapUse> = places.collect();
    let offers: BTreeSet<i64> = wanted.iter().map(|place| place.offer_id).collect();
    let windows: BTreeSet<i64> = wanted.iter().map(|place| place.window_ms).collect();
    let rows: Vec<(i64, String, i64, i64)> = cap_uses::table
        .filter(cap_uses::offer_id.eq_any(offers))
        .filter(cap_uses::window_ms.eq_any(windows))
        .select((cap_uses::offer_id, cap_uses::cap, cap_uses::window_ms, cap_uses::value))
        .load(conn)?;
    let found = rows.into_iter().map(|(offer_id, cap, window_ms, value)| {
        let place = CapUse { offer_id, cap, window_ms };
        (place, value)
    });
    Ok(found.filter(|(place, _)| wanted.contains(place)).collect())
}

/// Keeps counts.
///
/// # Errors
/// The database fails.
pub fn put(conn: &mut AnyConnection, used: &[(CapUse, i64)]) -> Result<()> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            for (place, value) in used {
                diesel::replace_into(cap_uses::table)
                    .values((
                        cap_uses::offer_id.eq(place.offer_id),
                        cap_uses::cap.eq(&place.cap),
                        cap_uses::window_ms.eq(place.window_ms),
                        cap_uses::value.eq(value),
                    ))
                    .execute(sqlite)?;
            }
        }
        AnyConnection::Pg(pg) => {
            let (places, values): (Vec<&CapUse>, Vec<i64>) =
                used.iter().map(|(place, value)| (place, *value)).unzip();
            diesel::sql_query(
                "insert into cap_uses (offer_id, cap, window_ms, value) select * from unnest($1, $2, $3, $4) \
                 on conflict (offer_id, cap, window_ms) do update set value = excluded.value",
            )
            .bind::<Array<BigInt>, _>(places.iter().map(|place| place.offer_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(places.iter().map(|place| place.cap.as_str()).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(places.iter().map(|place| place.window_ms).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(values)
            .execute(pg)?;
        }
    }
    Ok(())
}

/// Takes an offer's counts away: they are summed anew when they are next asked for.
///
/// # Errors
/// The database fails.
pub fn forget(conn: &mut AnyConnection, offer_id: i64) -> Result<()> {
    lock(conn, &BTreeSet::from([offer_id]))?;
    diesel::delete(cap_uses::table.filter(cap_uses::offer_id.eq(offer_id))).execute(conn)?;
    Ok(())
}

/// What the stored rows say is used of a cap in a window.
///
/// # Errors
/// The database fails.
pub fn sum(conn: &mut AnyConnection, offer_id: i64, cap: &Cap, window: Window) -> Result<i64> {
    if cap.of == CapOf::Clicks {
        clicks_in(conn, offer_id, window)
    } else {
        places_in(conn, offer_id, cap, window)
    }
}

/// The conversions that hold a place, or what they hold.
fn places_in(conn: &mut AnyConnection, offer_id: i64, cap: &Cap, window: Window) -> Result<i64> {
    let mut held = conversions::table
        .filter(conversions::offer_id.eq(offer_id))
        .filter(conversions::converted_at_ms.ge(window.start_ms))
        .filter(conversions::converted_at_ms.lt(window.end_ms))
        .filter(conversions::cap_revenue_micros.is_not_null())
        .into_boxed();
    held = match (&cap.event, cap.of) {
        (Some(event), _) => held.filter(conversions::event.eq(event)),
        (None, CapOf::Conversions) => held.filter(conversions::counts_as_conversion.eq(true)),
        (None, CapOf::Revenue) => held.filter(conversions::counts_in_revenue.eq(true)),
        (None, CapOf::Payout | CapOf::Clicks) => held,
    };
    let what = match cap.of {
        CapOf::Conversions | CapOf::Clicks => "count(*)",
        CapOf::Revenue => "CAST(COALESCE(SUM(cap_revenue_micros), 0) AS BIGINT)",
        CapOf::Payout => "CAST(COALESCE(SUM(cap_payout_micros), 0) AS BIGINT)",
    };
    Ok(held.select(sql::<BigInt>(what)).first(conn)?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Clicks of people that went straight to an offer, and lander buttons that led them there. Both have ids in the order of
/// time, and the table of clicks has no other index by time.
fn clicks_in(conn: &mut AnyConnection, offer_id: i64, window: Window) -> Result<i64> {
    let (first, after) = (ClickId::floor(window.start_ms), ClickId::floor(window.end_ms));
    let (first, after) = (first.bytes(), after.bytes());
    let straight: i64 = clicks::table
        .filter(clicks::id.ge(first.as_slice()).and(clicks::id.lt(after.as_slice())))
        .filter(clicks::offer_id.eq(offer_id))
        .filter(clicks::is_bot.eq(false).and(clicks::is_test.eq(false)))
        // What was imported took no place when it came.
        .filter(sql::<Bool>(
            "not exists (select 1 from foreign_clicks where foreign_clicks.click_id = clicks.id)",
        ))
        .count()
        .get_result(conn)?;
    let pressed: Count = diesel::sql_query(
        "select count(*) as count from lp_clicks where id >= $1 and id < $2 and offer_id = $3 and not exists \
         (select 1 from clicks where clicks.id = lp_clicks.click_id and (clicks.is_bot or clicks.is_test))",
    )
    .bind::<Binary, _>(first.as_slice())
    .bind::<Binary, _>(after.as_slice())
    .bind::<BigInt, _>(offer_id)
    .get_result(conn)?;
    Ok(straight.saturating_add(pressed.count))
}
