//! Time zones: when a day begins, and how long its hours are.

use super::rollup::{HOUR_MS, QUARTER_MS, quarter_of};
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset as _, TimeZone as _};
use chrono_tz::{OffsetName as _, Tz};
use std::fmt;

/// Seconds to look around a missing time for the moment it was skipped: more than the widest jump (a whole
/// day at the date line, from -11 to +13).
const JUMP_SECONDS: i64 = 26 * 3_600;

/// A time zone of the IANA database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeZone(Tz);

/// No time zone has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone(String);

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a time zone: write a name of the IANA list, like Europe/Berlin or UTC", self.0)
    }
}

impl std::error::Error for UnknownZone {}

impl TimeZone {
    /// Universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Reads an IANA name.
    ///
    /// # Errors
    /// [`UnknownZone`] where no zone has this name.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        name.trim().parse().map(Self).map_err(|_unparsed| UnknownZone(name.chars().take(64).collect()))
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The names of all zones, by letter.
    pub fn names() -> impl Iterator<Item = &'static str> {
        chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// The date and time that clocks there show at a moment.
    #[must_use]
    pub fn local(self, unix_ms: i64) -> NaiveDateTime {
        let utc = DateTime::from_timestamp_millis(unix_ms).unwrap_or_default();
        utc.with_timezone(&self.0).naive_local()
    }

    /// The day there at a moment.
    #[must_use]
    pub fn date(self, unix_ms: i64) -> NaiveDate {
        self.local(unix_ms).date()
    }

    /// The short name that the zone has at a moment: `CEST`, or `+0545` where it has none.
    #[must_use]
    pub fn short_name(self, unix_ms: i64) -> String {
        let utc = DateTime::from_timestamp_millis(unix_ms).unwrap_or_default();
        let offset = self.0.offset_from_utc_datetime(&utc.naive_utc());
        offset.abbreviation().map_or_else(|| offset.fix().to_string(), str::to_owned)
    }

    /// The first moment at which clocks there show this time or, where they jump over it, a later one.
    #[must_use]
    pub fn moment(self, local: NaiveDateTime) -> i64 {
        match self.0.from_local_datetime(&local) {
            LocalResult::Single(at) => at.timestamp_millis(),
            LocalResult::Ambiguous(first, second) => first.timestamp_millis().min(second.timestamp_millis()),
            LocalResult::None => self.after_jump(local),
        }
    }

    /// The first moment of a day: midnight, or where clocks jump over it the end of the jump.
    #[must_use]
    pub fn day_start(self, day: NaiveDate) -> i64 {
        self.moment(day.and_time(NaiveTime::MIN))
    }

    /// The moment of the jump that skips a local time.
    fn after_jump(self, local: NaiveDateTime) -> i64 {
        let around = local.and_utc().timestamp();
        first_where(around - JUMP_SECONDS, around + JUMP_SECONDS, |seconds| {
            self.local(seconds.saturating_mul(1_000)) >= local
        })
        .saturating_mul(1_000)
    }

    fn offset_ms(self, unix_ms: i64) -> i64 {
        let utc = DateTime::from_timestamp_millis(unix_ms).unwrap_or_default();
        i64::from(self.0.offset_from_utc_datetime(&utc.naive_utc()).fix().local_minus_utc()) * 1_000
    }

    /// The beginning of the clock hour that holds a moment: the full hour there, or the moment clocks were changed where
    /// that came later.
    #[must_use]
    pub fn hour_start(self, unix_ms: i64) -> i64 {
        let offset = self.offset_ms(unix_ms);
        let local = unix_ms + offset;
        let start = local - local.rem_euclid(HOUR_MS) - offset;
        if self.offset_ms(start) == offset {
            return start;
        }
        let changed = first_where(start.div_euclid(1_000), unix_ms.div_euclid(1_000), |seconds| {
            self.offset_ms(seconds.saturating_mul(1_000)) == offset
        });
        // As hours end: on a quarter.
        quarter_of(changed.saturating_mul(1_000) + QUARTER_MS - 1).clamp(start, unix_ms)
    }

    /// The end of the clock hour that holds a moment: the next full hour there, or the moment clocks are
    /// changed where that comes first.
    #[must_use]
    pub fn hour_end(self, unix_ms: i64) -> i64 {
        let offset = self.offset_ms(unix_ms);
        let local = unix_ms + offset;
        let end = local - local.rem_euclid(HOUR_MS) + HOUR_MS - offset;
        if self.offset_ms(end - 1) == offset {
            return end;
        }
        let changed = first_where(unix_ms.div_euclid(1_000), end.div_euclid(1_000), |seconds| {
            self.offset_ms(seconds.saturating_mul(1_000)) != offset
        });
        // Some zones changed their clocks a minute past the hour, and sums stand on quarter hours.
        quarter_of(changed.saturating_mul(1_000) + QUARTER_MS - 1).clamp(unix_ms + 1, end)
    }
}

/// The first number in `low..=high` from which on something holds.
fn first_where(mut low: i64, mut high: i64, holds: impl Fn(i64) -> bool) -> i64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// So many days later, or earlier where negative; the end of the calendar where there are no more.
#[must_use]
pub fn days_later(day: NaiveDate, days: i64) -> NaiveDate {
    let step = Days::new(days.unsigned_abs());
    let (moved, end) = if days < 0 {
        (day.checked_sub_days(step), NaiveDate::MIN)
    } else {
        (day.checked_add_days(step), NaiveDate::MAX)
    };
    moved.unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_zone_is_named() {
        assert_eq!(TimeZone::parse(" Europe/Berlin ").unwrap().name(), "Europe/Berlin");
        let error = TimeZone::parse("Berlin").unwrap_err().to_string();
        assert!(error.contains("\"Berlin\"") && error.contains("Europe/Berlin"), "{error}");
        assert!(TimeZone::names().count() > 400);
    }

    #[test]
    fn a_day_without_midnight_begins_after_the_jump() {
        let zone = TimeZone::parse("America/Sao_Paulo").unwrap();
        let start = zone.day_start(NaiveDate::from_ymd_opt(2018, 11, 4).unwrap());
        assert_eq!(zone.local(start).to_string(), "2018-11-04 01:00:00");
        assert_eq!(zone.local(start - 1).to_string(), "2018-11-03 23:59:59.999");
    }

    #[test]
    fn a_skipped_day_has_no_length() {
        let zone = TimeZone::parse("Pacific/Apia").unwrap();
        let day = |d| zone.day_start(NaiveDate::from_ymd_opt(2011, 12, d).unwrap());
        assert_eq!(day(30), day(31));
        assert_eq!(day(30) - day(29), 24 * HOUR_MS);
    }

    #[test]
    fn short_names_tell_the_two_hours_apart() {
        let zone = TimeZone::parse("Europe/Berlin").unwrap();
        let change =
            zone.moment(NaiveDate::from_ymd_opt(2026, 10, 25).unwrap().and_hms_opt(3, 0, 0).unwrap());
        assert_eq!(
            (zone.short_name(change - 1 - HOUR_MS), zone.short_name(change)),
            ("CEST".into(), "CET".into())
        );
    }
}
