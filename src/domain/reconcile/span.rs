//! The days that are compared.

use crate::domain::zone::{TimeZone, days_later};
use chrono::{Datelike as _, NaiveDate};

/// Days of one comparison: a network's report is of a month or a quarter, and a year of them can still be looked through.
pub const DAYS_MAX: i64 = 366;

/// The years that days may lie in: what lies outside is a slip of the hand.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// Whole days in a time zone, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The zone whose days they are.
    pub zone: TimeZone,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Span {
    /// Checks the days.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn new(zone: TimeZone, from: NaiveDate, to: NaiveDate) -> Result<Self, String> {
        if to < from {
            return Err("The period ends before it starts: write the earlier day first".to_owned());
        }
        if !YEARS.contains(&from.year()) || !YEARS.contains(&to.year()) {
            return Err(format!("The period must lie in the years {} to {}", YEARS.start(), YEARS.end()));
        }
        if (to - from).num_days() >= DAYS_MAX {
            return Err(format!("The period has more than {DAYS_MAX} days: compare a shorter one"));
        }
        Ok(Self { zone, from, to })
    }

    /// Its first moment, Unix milliseconds.
    #[must_use]
    pub fn from_ms(&self) -> i64 {
        self.zone.day_start(self.from)
    }

    /// The moment after its last, Unix milliseconds.
    #[must_use]
    pub fn to_ms(&self) -> i64 {
        self.zone.day_start(days_later(self.to, 1))
    }

    /// The day of a moment.
    #[must_use]
    pub fn day(&self, at_ms: i64) -> NaiveDate {
        self.zone.date(at_ms)
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(&self, at_ms: i64) -> bool {
        (self.from..=self.to).contains(&self.day(at_ms))
    }
}

/// Reads a day as `2026-11-30`.
///
/// # Errors
/// One sentence that says what to write.
pub fn read_day(text: &str) -> Result<NaiveDate, String> {
    text.trim().parse().map_err(|_unparsed| "Write a day like 2026-11-30".to_owned())
}
