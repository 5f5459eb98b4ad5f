//! How destinations take what they are told: counts by state, durations, the last success and the last failure. All of it is
//! read from indexes that begin with the destination.

use super::schema::{deliveries, delivery_attempts, destinations};
use super::{AnyConnection, Result, word};
use crate::domain::delivery::DeliveryState;
use crate::domain::lander::EntityStatus;
use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use std::collections::{BTreeMap, HashMap};

/// How many deliveries have each state.
pub type States = BTreeMap<DeliveryState, i64>;

/// What was queued for some destinations since a time, by state; to one that is not named nothing was.
///
/// # Errors
/// The database fails.
pub fn states(conn: &mut AnyConnection, ids: &[i64], since_ms: i64) -> Result<HashMap<i64, States>> {
    let mut all: HashMap<i64, States> = HashMap::new();
    for some in ids.chunks(super::search::VALUES_MAX) {
        let rows: Vec<(i64, String, i64)> = deliveries::table
            .filter(deliveries::destination_id.eq_any(some))
            .filter(deliveries::created_at_ms.ge(since_ms))
            .group_by((deliveries::destination_id, deliveries::state))
            .select((deliveries::destination_id, deliveries::state, count_star()))
            .load(conn)?;
        for (id, state, count) in rows {
            all.entry(id).or_default().insert(word(&state, DeliveryState::parse)?, count);
        }
    }
    Ok(all)
}

/// What waits to be sent to some destinations, whenever it was queued.
///
/// # Errors
/// The database fails.
pub fn waiting(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, i64>> {
    let mut all = HashMap::new();
    for some in ids.chunks(super::search::VALUES_MAX) {
        let rows: Vec<(i64, i64)> = deliveries::table
            .filter(deliveries::destination_id.eq_any(some))
            // In the index's own words, else SQLite does not see that it holds all of them.
            .filter(sql::<Bool>("state = 'due'"))
            .group_by(deliveries::destination_id)
            .select((deliveries::destination_id, count_star()))
            .load(conn)?;
        all.extend(rows);
    }
    Ok(all)
}

/// How many are due in all, and when the oldest of them was queued.
///
/// # Errors
/// The database fails.
pub fn queue(conn: &mut AnyConnection) -> Result<(i64, Option<i64>)> {
    Ok(deliveries::table
        .filter(sql::<Bool>("state = 'due'"))
        .select((count_star(), min(deliveries::created_at_ms)))
        .first(conn)?)
}

/// How long attempts took, milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// Half took at most this.
    pub median_ms: i64,
    /// The slowest.
    pub slowest_ms: i64,
}

/// How long a destination's attempts since a time took; `None` where there was none.
///
/// # Errors
/// The database fails.
pub fn durations(conn: &mut AnyConnection, id: i64, since_ms: i64) -> Result<Option<Durations>> {
    let own = || {
        delivery_attempts::table
            .filter(delivery_attempts::destination_id.eq(id))
            .filter(delivery_attempts::at_ms.ge(since_ms))
    };
    let (count, slowest): (i64, Option<i64>) =
        own().select((count_star(), max(delivery_attempts::duration_ms))).first(conn)?;
    let Some(slowest_ms) = slowest else { return Ok(None) };
    let median_ms: Option<i64> = own()
        .order(delivery_attempts::duration_ms)
        .offset((count - 1) / 2)
        .limit(1)
        .select(delivery_attempts::duration_ms)
        .first(conn)
        .optional()?;
    Ok(Some(Durations { median_ms: median_ms.unwrap_or(slowest_ms), slowest_ms }))
}

/// When a destination took something last.
///
/// # Errors
/// The database fails.
pub fn last_taken(conn: &mut AnyConnection, id: i64) -> Result<Option<i64>> {
    Ok(delivery_attempts::table
        .filter(delivery_attempts::destination_id.eq(id))
        .filter(delivery_attempts::error.is_null())
        .order(delivery_attempts::at_ms.desc())
        .select(delivery_attempts::at_ms)
        .first(conn)
        .optional()?)
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Its delivery.
    pub delivery_id: i64,
    /// What was answered, where anything was.
    pub code: Option<i64>,
    /// Why it is none that counts.
    pub error: String,
}

/// The last attempt at a destination that failed.
///
/// # Errors
/// The database fails.
pub fn last_failed(conn: &mut AnyConnection, id: i64) -> Result<Option<Failed>> {
    let row: Option<(i64, i64, Option<i64>, Option<String>)> = delivery_attempts::table
        .filter(delivery_attempts::destination_id.eq(id))
        .filter(delivery_attempts::error.is_not_null())
        .order(delivery_attempts::at_ms.desc())
        .select((
            delivery_attempts::at_ms,
            delivery_attempts::delivery_id,
            delivery_attempts::code,
            delivery_attempts::error,
        ))
        .first(conn)
        .optional()?;
    let failed = |(at_ms, delivery_id, code, error): (i64, i64, Option<i64>, Option<String>)| Failed {
        at_ms,
        delivery_id,
        code,
        error: error.unwrap_or_default(),
    };
    Ok(row.map(failed))
}

/// The attempts of a while at one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whose.
    pub destination_id: i64,
    /// How many.
    pub count: i64,
    /// How many of them failed.
    pub failed: i64,
    /// How many of them took longer than was asked.
    pub slow: i64,
}

/// The attempts since a time at the destinations in use, those for tests alone or the others, with how many took longer than
/// so many milliseconds.
///
/// # Errors
/// The database fails.
pub fn tried(conn: &mut AnyConnection, since_ms: i64, slow_ms: i64, is_test: bool) -> Result<Vec<Tried>> {
    let in_use: Vec<i64> = destinations::table
        .filter(destinations::status.eq(EntityStatus::Active.as_str()))
        .filter(destinations::is_test.eq(is_test))
        .select(destinations::id)
        .load(conn)?;
    let mut all = Vec::new();
    for some in in_use.chunks(super::search::VALUES_MAX) {
        let failed = sql::<BigInt>("cast(sum(case when error is null then 0 else 1 end) as bigint)");
        let slow = sql::<BigInt>("cast(sum(case when duration_ms > ")
            .bind::<BigInt, _>(slow_ms)
            .sql(" then 1 else 0 end) as bigint)");
        let rows: Vec<(i64, i64, i64, i64)> = delivery_attempts::table
            .filter(delivery_attempts::destination_id.eq_any(some))
            .filter(delivery_attempts::at_ms.ge(since_ms))
            .group_by(delivery_attempts::destination_id)
            .select((delivery_attempts::destination_id, count_star(), failed, slow))
            .load(conn)?;
        let tried = |(destination_id, count, failed, slow): (i64, i64, i64, i64)| Tried {
            destination_id,
            count,
            failed,
            slow,
        };
        all.extend(rows.into_iter().map(tried));
    }
    all.sort_unstable_by_key(|tried| tried.destination_id);
    Ok(all)
}
