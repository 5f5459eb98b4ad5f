//! How each advertiser's postbacks are doing: counts by verdict, who has gone silent, whose refusals jumped.

use crate::db::{self, AnyConnection, postback_counts, report_names};
use crate::domain::lander::EntityStatus;
use crate::domain::rollup::{HOUR_MS, hour_of};
use crate::domain::verdict::PostbackResult;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Silence is said after a day without a postback, for a week.
const SILENT_FROM_MS: i64 = DAY_MS;
const SILENT_UNTIL_MS: i64 = 8 * DAY_MS;

/// An advertiser is used to send where it sent on so many of the seven days up to its last postback.
const DAYS: i64 = 7;
const DAYS_SENT_MIN: i64 = 5;

/// Refusals jumped where over half of at least so many postbacks of an hour were refused, and under a tenth of at least as
/// many in the week before.
const HOUR_MIN: i64 = 20;
const JUMP_PERCENT: i64 = 50;
const USUAL_PERCENT: i64 = 10;

/// A whole hour is read once and kept so long: what was parked in it may be settled later.
const KEPT_MS: i64 = 6 * HOUR_MS;

/// Hours that are remembered, about a hundred bytes each: a week of a thousand advertisers. Then all are forgotten at once.
const HOURS_MAX: usize = 200_000;

/// How long after its end an hour may still be written to: a postback is stored within seconds.
const LATE_MS: i64 = 10 * 60 * 1_000;

/// How many postbacks, by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Made or changed a conversion.
    pub accepted: i64,
    /// Said what was known.
    pub duplicate: i64,
    /// Wait.
    pub parked: i64,
    /// Did not count.
    pub refused: i64,
}

impl Verdicts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.accepted + self.duplicate + self.parked + self.refused
    }

    /// Refusals of all, in per cent, rounded down; 0 where nothing came.
    #[must_use]
    pub const fn refused_percent(&self) -> i64 {
        if self.total() == 0 { 0 } else { self.refused * 100 / self.total() }
    }

    const fn add_all(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.parked += other.parked;
        self.refused += other.refused;
    }

    const fn add(&mut self, result: PostbackResult, count: i64) {
        match result {
            PostbackResult::Accepted => self.accepted += count,
            PostbackResult::Duplicate => self.duplicate += count,
            PostbackResult::Parked => self.parked += count,
            PostbackResult::Refused => self.refused += count,
        }
    }
}

/// Whole hours that were counted before. A cache: it can be thrown away at any time.
#[derive(Debug, Default)]
pub struct Hours(Mutex<HashMap<Place, Hour>>);

/// An advertiser's hour, of real data or of tests.
type Place = (i64, bool, i64);

#[derive(Clone, Copy, Debug)]
struct Hour {
    read_at_ms: i64,
    verdicts: Verdicts,
}

impl Hours {
    /// The verdicts on an advertiser's postbacks of a period that ends now. Whole hours come from memory, the pieces at both
    /// ends from the database.
    ///
    /// # Errors
    /// The database fails.
    pub fn verdicts(
        &self,
        conn: &mut AnyConnection,
        advertiser_id: i64,
        (from_ms, now_ms): (i64, i64),
        is_test: bool,
    ) -> db::Result<Verdicts> {
        let mut verdicts = Verdicts::default();
        let mut at_ms = from_ms;
        while at_ms < now_ms {
            let start_ms = hour_of(at_ms);
            let end_ms = start_ms + HOUR_MS;
            let piece = if at_ms == start_ms && end_ms + LATE_MS <= now_ms {
                self.hour(conn, (advertiser_id, is_test, start_ms), now_ms)?
            } else {
                count(conn, advertiser_id, (at_ms, end_ms.min(now_ms)), is_test)?
            };
            verdicts.add_all(&piece);
            at_ms = end_ms;
        }
        Ok(verdicts)
    }

    fn hour(&self, conn: &mut AnyConnection, place: Place, now_ms: i64) -> db::Result<Verdicts> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place).copied();
        if let Some(hour) = known.filter(|hour| now_ms - hour.read_at_ms < KEPT_MS) {
            return Ok(hour.verdicts);
        }
        let (advertiser_id, is_test, start_ms) = place;
        let verdicts = count(conn, advertiser_id, (start_ms, start_ms + HOUR_MS), is_test)?;
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hours.len() >= HOURS_MAX {
            hours.clear();
        }
        hours.insert(place, Hour { read_at_ms: now_ms, verdicts });
        Ok(verdicts)
    }
}

fn count(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    period: (i64, i64),
    is_test: bool,
) -> db::Result<Verdicts> {
    let mut verdicts = Verdicts::default();
    for (result, count) in postback_counts::heard_of(conn, advertiser_id, period, is_test)? {
        verdicts.add(result, count);
    }
    Ok(verdicts)
}

/// Something about an advertiser that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Whose.
    pub advertiser_id: i64,
    /// Its name.
    pub advertiser: String,
    /// What.
    pub kind: AlertKind,
}

/// What about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// It sent nothing for a day, and was used to.
    Silent {
        /// When its last postback came, Unix milliseconds.
        last_ms: i64,
        /// On how many of the seven days up to then it sent.
        days: i64,
    },
    /// Its refusals jumped.
    Refusals {
        /// The last hour.
        hour: Verdicts,
        /// The week before.
        week: Verdicts,
    },
}

/// What somebody should look at, among the advertisers in use: refusals first, by name.
///
/// # Errors
/// The database fails.
pub fn alerts(conn: &mut AnyConnection, hours: &Hours, now_ms: i64, is_test: bool) -> db::Result<Vec<Alert>> {
    let names = report_names::advertisers(conn)?;
    let ids: Vec<i64> = names.keys().copied().collect();
    let statuses = db::advertisers::statuses(conn, &ids)?;
    let mut active: Vec<(i64, String)> =
        names.into_iter().filter(|(id, _)| statuses.get(id) == Some(&EntityStatus::Active)).collect();
    active.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    let last_hour = last_hour(conn, now_ms, is_test)?;
    let (mut jumps, mut silences) = (Vec::new(), Vec::new());
    for (advertiser_id, advertiser) in active {
        if let Some(kind) = silence(conn, advertiser_id, now_ms, is_test)? {
            silences.push(Alert { advertiser_id, advertiser, kind });
        } else if let Some(hour) = last_hour.get(&advertiser_id).filter(|hour| is_high(hour)) {
            let before_ms = now_ms - HOUR_MS;
            let week =
                hours.verdicts(conn, advertiser_id, (before_ms - DAYS * DAY_MS, before_ms), is_test)?;
            if is_jump(hour, &week) {
                jumps.push(Alert {
                    advertiser_id,
                    advertiser,
                    kind: AlertKind::Refusals { hour: *hour, week },
                });
            }
        }
    }
    jumps.append(&mut silences);
    Ok(jumps)
}

fn last_hour(conn: &mut AnyConnection, now_ms: i64, is_test: bool) -> db::Result<HashMap<i64, Verdicts>> {
    let mut verdicts: HashMap<i64, Verdicts> = HashMap::new();
    for one in postback_counts::heard(conn, now_ms - HOUR_MS, now_ms)? {
        if one.is_test == is_test {
            verdicts.entry(one.advertiser_id).or_default().add(one.result, one.count);
        }
    }
    Ok(verdicts)
}

/// Over half of enough postbacks were refused.
const fn is_high(hour: &Verdicts) -> bool {
    hour.total() >= HOUR_MIN && hour.refused * 100 > hour.total() * JUMP_PERCENT
}

/// And it was not so before.
const fn is_jump(hour: &Verdicts, week: &Verdicts) -> bool {
    is_high(hour) && week.total() >= HOUR_MIN && week.refused * 100 < week.total() * USUAL_PERCENT
}

/// Nothing for a day, from an advertiser that sent on most days before. Said for a week: after that somebody knows.
fn silence(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    now_ms: i64,
    is_test: bool,
) -> db::Result<Option<AlertKind>> {
    let asked = (now_ms - SILENT_UNTIL_MS, now_ms);
    let last = postback_counts::last_between(conn, advertiser_id, asked, is_test)?;
    let Some(last_ms) = last.filter(|last_ms| now_ms - last_ms >= SILENT_FROM_MS) else { return Ok(None) };
    let mut days = 0;
    for day in 0..DAYS {
        let end_ms = last_ms + 1 - day * DAY_MS;
        let came = postback_counts::last_between(conn, advertiser_id, (end_ms - DAY_MS, end_ms), is_test)?;
        days += i64::from(came.is_some());
    }
    Ok((days >= DAYS_SENT_MIN).then_some(AlertKind::Silent { last_ms, days }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Error, Priority, partitions, scratch};
    use crate::domain::advertiser::Advertiser;
    use crate::domain::money::Currency;

    const NOW_MS: i64 = 1_790_000_123_456;

    /// Postbacks of an advertiser, so many milliseconds ago.
    fn came(db: &Db, advertiser_id: i64, result: &str, code: &str, ago: impl IntoIterator<Item = i64>) {
        let rows = ago.into_iter().map(|ago_ms| {
            let at_ms = NOW_MS - ago_ms;
            format!(
                "({at_ms}, {advertiser_id}, 'GET', '', '', '', '', '{result}', '{code}', '', false, false)"
            )
        });
        let rows: Vec<String> = rows.collect();
        let months = |conn: &mut AnyConnection| partitions::ensure(conn, NOW_MS - 20 * DAY_MS, NOW_MS);
        db.write::<_, Error>(Priority::Pages, months).unwrap();
        scratch::run(
            db,
            &format!(
                "insert into postbacks_received (received_at_ms, advertiser_id, method, address, raw_query, raw_body, \
                 request_hash, result, code, message, is_test, is_waiting) values {}",
                rows.join(", ")
            ),
        );
    }

    /// Advertisers, numbered from one.
    fn advertisers(db: &Db, names: &[&str]) {
        for name in names {
            let status = if name.starts_with("Paused") { EntityStatus::Paused } else { EntityStatus::Active };
            let value = Advertiser { name: (*name).to_owned(), status, ..Advertiser::blank(Currency::USD) };
            let insert = |conn: &mut AnyConnection| db::advertisers::insert(conn, &value, name, 1);
            db.write::<_, Error>(Priority::Pages, insert).unwrap();
        }
    }

    fn alerts_of(db: &Db) -> Vec<(String, AlertKind)> {
        let found: Result<_, Error> = db.read(|conn| alerts(conn, &Hours::default(), NOW_MS, false));
        found.unwrap().into_iter().map(|alert| (alert.advertiser, alert.kind)).collect()
    }

    #[test]
    fn silence_is_said_of_those_who_used_to_send() {
        scratch::on_each_database(|db| {
            advertisers(db, &["Silent", "Seldom", "Lively", "Long gone", "Paused"]);
            let days = |from: i64, to: i64| (from..to).map(|day| day * DAY_MS + HOUR_MS);
            came(db, 1, "accepted", "recorded", days(2, 7));
            came(db, 2, "accepted", "recorded", days(2, 6));
            came(db, 3, "accepted", "recorded", days(0, 7));
            came(db, 4, "accepted", "recorded", days(9, 16));
            came(db, 5, "accepted", "recorded", days(2, 7));
            let last_ms = NOW_MS - 2 * DAY_MS - HOUR_MS;
            assert_eq!(alerts_of(db), [("Silent".to_owned(), AlertKind::Silent { last_ms, days: 5 })]);
        });
    }

    #[test]
    fn a_jump_of_refusals_is_said_where_it_was_not_so_before() {
        scratch::on_each_database(|db| {
            advertisers(db, &["Jumped", "Always so", "Too few", "New"]);
            let minutes = |count: i64| (0..count).map(|minute| minute * 60_000 + 1);
            let earlier = |count: i64| (0..count).map(|n| 2 * HOUR_MS + n * HOUR_MS);
            came(db, 1, "refused", "unknown_status", minutes(30));
            came(db, 1, "accepted", "recorded", minutes(10));
            came(db, 1, "accepted", "recorded", earlier(100));
            came(db, 2, "refused", "unknown_status", minutes(30).chain(earlier(20)));
            came(db, 2, "accepted", "recorded", earlier(60));
            came(db, 3, "refused", "unknown_status", minutes(19));
            came(db, 3, "accepted", "recorded", earlier(60));
            came(db, 4, "refused", "unknown_status", minutes(30));
            let hour = Verdicts { accepted: 10, refused: 30, ..Verdicts::default() };
            let week = Verdicts { accepted: 100, ..Verdicts::default() };
            assert_eq!(alerts_of(db), [("Jumped".to_owned(), AlertKind::Refusals { hour, week })]);
        });
    }

    #[test]
    fn counts_are_those_of_the_moment_whatever_is_remembered() {
        scratch::on_each_database(|db| {
            let hours = Hours::default();
            let of = |ms: i64, now_ms: i64| {
                let counted: Result<Verdicts, Error> =
                    db.read(|conn| hours.verdicts(conn, 1, (now_ms - ms, now_ms), false));
                counted.unwrap()
            };
            came(
                db,
                1,
                "accepted",
                "recorded",
                [0, 1, DAY_MS, DAY_MS + 1, 3 * DAY_MS, 7 * DAY_MS, 7 * DAY_MS + 1],
            );
            came(db, 1, "parked", "parked_unknown_click", [5 * HOUR_MS]);
            came(db, 2, "refused", "unknown_status", [5 * HOUR_MS]);
            let expected = |accepted, parked| Verdicts { accepted, parked, ..Verdicts::default() };
            // What comes at this very moment belongs to the next.
            assert_eq!((of(DAY_MS, NOW_MS), of(7 * DAY_MS, NOW_MS)), (expected(2, 1), expected(5, 1)));
            came(db, 1, "accepted", "recorded", [2]);
            assert_eq!(of(DAY_MS, NOW_MS), expected(3, 1), "the hour that is running is read anew");
            scratch::run(
                db,
                "update postbacks_received set result = 'accepted', code = 'recorded' where result = 'parked'",
            );
            assert_eq!(of(DAY_MS, NOW_MS), expected(3, 1), "a whole hour is remembered");
            assert_eq!(of(DAY_MS, NOW_MS + KEPT_MS).parked, 0, "and read anew in the end");
        });
    }
}
