//! How destinations take what they are told, and which of them somebody should look at.

use super::health::DAY_MS;
use crate::db::delivery_health::{self, Durations, Failed, States};
use crate::db::{self, AnyConnection, report_names};
use crate::domain::delivery::DeliveryState;
use crate::domain::money::ratio;
use crate::domain::rollup::HOUR_MS;

/// A destination is slow where half of its attempts took longer: what waits for it waits too.
const SLOW_MS: i64 = 3_000;

/// How a destination takes what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationHealth {
    /// What was queued in the last day, by state.
    pub day: States,
    /// And in the last seven.
    pub week: States,
    /// How long the attempts of the last day took.
    pub durations: Option<Durations>,
    /// When it took something last, Unix milliseconds.
    pub last_taken_ms: Option<i64>,
    /// The last attempt that failed.
    pub last_failed: Option<Failed>,
}

/// Reads it.
///
/// # Errors
/// The database fails.
pub fn destination_health(conn: &mut AnyConnection, id: i64, now_ms: i64) -> db::Result<DestinationHealth> {
    let mut states = |since_ms| -> db::Result<States> {
        Ok(delivery_health::states(conn, &[id], since_ms)?.remove(&id).unwrap_or_default())
    };
    Ok(DestinationHealth {
        day: states(now_ms - DAY_MS)?,
        week: states(now_ms - 7 * DAY_MS)?,
        durations: delivery_health::durations(conn, id, now_ms - DAY_MS)?,
        last_taken_ms: delivery_health::last_taken(conn, id)?,
        last_failed: delivery_health::last_failed(conn, id)?,
    })
}

/// What was sent, of what was sent or failed, in ten-thousandths; `None` where nothing ended.
#[must_use]
pub fn share_sent(states: &States) -> Option<i64> {
    let count = |state| states.get(&state).copied().unwrap_or(0);
    let sent = count(DeliveryState::Sent);
    ratio(sent, sent.saturating_add(count(DeliveryState::Failed)))
}

/// Something about a destination that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationAlert {
    /// Which.
    pub destination_id: i64,
    /// Its name.
    pub destination: String,
    /// What.
    pub kind: DestinationAlertKind,
}

/// What about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DestinationAlertKind {
    /// Everything that was sent there in the last hour failed.
    Failing {
        /// How often it was tried.
        count: i64,
        /// The last of them.
        last: Option<Failed>,
    },
    /// Half of what was sent there in the last hour took longer than it should.
    Slow {
        /// How often it was tried.
        count: i64,
        /// How many of them were slow.
        slow: i64,
    },
}

/// What somebody should look at, among the destinations in use: those that fail first.
///
/// # Errors
/// The database fails.
pub fn destination_alerts(
    conn: &mut AnyConnection,
    now_ms: i64,
    is_test: bool,
) -> db::Result<Vec<DestinationAlert>> {
    let tried = delivery_health::tried(conn, now_ms - HOUR_MS, SLOW_MS, is_test)?;
    if tried.is_empty() {
        return Ok(Vec::new());
    }
    let names = report_names::destinations(conn)?;
    let (mut failing, mut slow) = (Vec::new(), Vec::new());
    for one in tried {
        let destination_id = one.destination_id;
        let destination = names.get(&destination_id).cloned().unwrap_or_default();
        if one.failed == one.count {
            let last = delivery_health::last_failed(conn, destination_id)?;
            let kind = DestinationAlertKind::Failing { count: one.count, last };
            failing.push(DestinationAlert { destination_id, destination, kind });
        } else if one.slow.saturating_mul(2) > one.count {
            let kind = DestinationAlertKind::Slow { count: one.count, slow: one.slow };
            slow.push(DestinationAlert { destination_id, destination, kind });
        }
    }
    failing.append(&mut slow);
    Ok(failing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Error, scratch};

    const NOW_MS: i64 = 1_790_000_123_456;

    /// Destinations, numbered from one, and one delivery of each: its number is the destination's.
    fn destinations(db: &Db, names: &[&str]) {
        scratch::run(
            db,
            "insert into conversions (click_id, event, txid, seq, advertiser_id, campaign_id, clicked_at_ms, converted_at_ms, \
             recorded_at_ms, updated_at_ms, status, revenue_original_micros, currency, rate_nanos, revenue_micros, \
             payout_status, payout_micros, counts_as_conversion, counts_in_revenue, is_over_cap, is_bot, is_test) \
             values ('', 'sale', '', 0, 1, 1, 0, 0, 0, 0, 'approved', 0, 'USD', 1, 0, 'approved', 0, true, true, false, false, \
             false)",
        );
        for (at, name) in names.iter().enumerate() {
            let (id, status) = (at + 1, if name.starts_with("Paused") { "paused" } else { "active" });
            let is_test = name.starts_with("Test");
            scratch::run(
                db,
                &format!(
                    "insert into destinations (name, url, status, is_test, created_at_ms, updated_at_ms) \
                     values ('{name}', '', '{status}', {is_test}, 0, 0)"
                ),
            );
            scratch::run(
                db,
                &format!(
                    "insert into deliveries (destination_id, conversion_id, occasion, idempotency_key, state, created_at_ms) \
                     select {id}, max(id), 0, 'k{id}', 'due', {NOW_MS} from conversions"
                ),
            );
        }
    }

    /// Attempts at a destination, each so long ago, with its error and how long it took.
    fn tried(db: &Db, id: i64, attempts: &[(i64, &str, i64)]) {
        for (ago_ms, error, duration_ms) in attempts {
            let error = if error.is_empty() { "null".to_owned() } else { format!("'{error}'") };
            let at_ms = NOW_MS - ago_ms;
            scratch::run(
                db,
                &format!(
                    "insert into delivery_attempts (delivery_id, at_ms, url, duration_ms, error, destination_id) \
                     values ({id}, {at_ms}, '', {duration_ms}, {error}, {id})"
                ),
            );
        }
    }

    #[test]
    fn what_fails_or_is_slow_for_an_hour_is_said() {
        scratch::on_each_database(|db| {
            destinations(db, &["Dead", "Mended", "Slow", "Idle", "Paused", "Test"]);
            tried(db, 1, &[(2 * HOUR_MS, "", 10), (9, "refused", 10), (5, "timed out", 9_000)]);
            tried(db, 2, &[(9, "refused", 10), (5, "", 10)]);
            tried(db, 3, &[(1, "", 3_001), (2, "refused", 9_000), (3, "", 3_000)]);
            tried(db, 4, &[(HOUR_MS + 1, "refused", 10)]);
            tried(db, 5, &[(1, "refused", 10)]);
            tried(db, 6, &[(1, "refused", 10)]);
            let alerts = |is_test| {
                let found: Result<_, Error> = db.read(|conn| destination_alerts(conn, NOW_MS, is_test));
                found.unwrap()
            };
            let found = alerts(false);
            let names: Vec<&str> = found.iter().map(|alert| alert.destination.as_str()).collect();
            assert_eq!(names, ["Dead", "Slow"]);
            let DestinationAlertKind::Failing { count: 2, last: Some(last) } = &found[0].kind else {
                panic!("{found:?}")
            };
            assert_eq!((last.error.as_str(), last.at_ms), ("timed out", NOW_MS - 5));
            assert_eq!(found[1].kind, DestinationAlertKind::Slow { count: 3, slow: 2 });
            assert_eq!(alerts(true).len(), 1, "those for tests stand apart");
        });
    }

    #[test]
    fn health_is_that_of_the_day_and_of_the_week() {
        scratch::on_each_database(|db| {
            destinations(db, &["One", "Other"]);
            let queued = |key: &str, state: &str, ago_ms: i64| {
                let at_ms = NOW_MS - ago_ms;
                scratch::run(
                    db,
                    &format!(
                        "insert into deliveries (destination_id, conversion_id, occasion, idempotency_key, state, \
                         created_at_ms) select 1, max(id), {ago_ms}, '{key}', '{state}', {at_ms} from conversions"
                    ),
                );
            };
            queued("a", "sent", 5);
            queued("b", "failed", 2 * DAY_MS);
            queued("c", "sent", 8 * DAY_MS);
            tried(
                db,
                1,
                &[(9, "", 10), (8, "", 30), (7, "refused", 20), (6, "refused", 900), (2 * DAY_MS, "", 1)],
            );
            tried(db, 2, &[(1, "", 5_000)]);
            let read = |id| {
                let found: Result<DestinationHealth, Error> =
                    db.read(|conn| destination_health(conn, id, NOW_MS));
                found.unwrap()
            };
            let health = read(1);
            assert_eq!(health.day, States::from([(DeliveryState::Due, 1), (DeliveryState::Sent, 1)]));
            assert_eq!(health.week.get(&DeliveryState::Failed), Some(&1));
            assert_eq!((share_sent(&health.day), share_sent(&health.week)), (Some(10_000), Some(5_000)));
            assert_eq!(health.durations, Some(Durations { median_ms: 20, slowest_ms: 900 }));
            assert_eq!(health.last_taken_ms, Some(NOW_MS - 8));
            assert_eq!(health.last_failed.unwrap().at_ms, NOW_MS - 6);
            let other = read(2);
            assert_eq!((other.last_failed, share_sent(&other.day)), (None, None));
            let queue: Result<_, Error> = db.read(delivery_health::queue);
            assert_eq!(queue.unwrap(), (2, Some(NOW_MS)));
        });
    }
}
