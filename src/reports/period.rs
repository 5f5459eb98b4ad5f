//! Periods: whole days in a time zone, or two moments; cut into hours, days, weeks or months.

use crate::domain::rollup::{QUARTER_MS, quarter_of};
use crate::domain::words::word_enum;
use crate::domain::zone::{TimeZone, days_later};
use chrono::{Datelike as _, Months, NaiveDate};
use std::collections::BTreeSet;
use std::fmt;

/// The first and the last year that a period may touch: nobody tracked clicks before, and sums stay on quarter hours
/// (zones had odder offsets in earlier times).
pub const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// The most buckets of a report by time: two years of hours.
pub const BUCKETS_MAX: usize = 17_600;

word_enum! {
    /// A period by its usual name, seen from now. Today counts as the last of the last days.
    pub enum Preset {
        /// Today.
        Today => "today",
        /// Yesterday.
        Yesterday => "yesterday",
        /// The last seven days.
        Last7Days => "last_7_days",
        /// The last thirty days.
        Last30Days => "last_30_days",
        /// This month, to its end.
        ThisMonth => "this_month",
        /// Last month.
        LastMonth => "last_month",
    }
}

word_enum! {
    /// How long a bucket is.
    pub enum Step {
        /// An hour of the clock; shorter where clocks are changed inside it.
        Hour => "hour",
        /// A day, of 23 to 25 hours.
        Day => "day",
        /// A week from Monday on.
        Week => "week",
        /// A month.
        Month => "month",
    }
}

/// Why a period cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeriodError {
    /// The end comes before the start.
    EndsBeforeStart,
    /// Outside [`YEARS`].
    OutOfYears,
    /// A moment that is not at a full quarter hour.
    NotOnQuarter,
    /// More than [`BUCKETS_MAX`] buckets.
    TooFine,
}

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndsBeforeStart => f.write_str("The period ends before it starts"),
            Self::OutOfYears => {
                write!(f, "The period must lie in the years {} to {}", YEARS.start(), YEARS.end())
            }
            Self::NotOnQuarter => {
                f.write_str("A period between two moments starts and ends at full quarter hours, like 10:15")
            }
            Self::TooFine => f.write_str("The period is too long for steps so short: choose days or months"),
        }
    }
}

impl std::error::Error for PeriodError {}

/// From a moment to another, seen from a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    zone: TimeZone,
    days: Option<(NaiveDate, NaiveDate)>,
    from_ms: i64,
    to_ms: i64,
}

/// A piece of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Start, Unix milliseconds.
    pub start_ms: i64,
    /// End, exclusive.
    pub end_ms: i64,
    /// `2026-11-01 13:00` (with the zone's short name in the hour that comes twice), `2026-11-01`, `2026-W45`, `2026-11`.
    pub label: String,
}

/// What a period is compared to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The period itself up to the moment of comparison: figures that may be compared.
    pub so_far: Period,
    /// The equally long period before, up to the same time of day.
    pub before: Period,
    /// All of the period before: for a chart that shows how the day went on.
    pub whole_before: Period,
    /// The time of day to which both were cut, `15:30`: now, rounded up to a full quarter hour.
    pub cut_at: Option<String>,
}

impl Period {
    /// Whole days, both included.
    ///
    /// # Errors
    /// The days are in the wrong order, or too far away.
    pub fn days(zone: TimeZone, from: NaiveDate, to: NaiveDate) -> Result<Self, PeriodError> {
        if to < from {
            return Err(PeriodError::EndsBeforeStart);
        }
        if !YEARS.contains(&from.year()) || !YEARS.contains(&to.year()) {
            return Err(PeriodError::OutOfYears);
        }
        let (from_ms, to_ms) = (zone.day_start(from), zone.day_start(days_later(to, 1)));
        Ok(Self { zone, days: Some((from, to)), from_ms, to_ms })
    }

    /// From one moment up to another, which is not part of it.
    ///
    /// # Errors
    /// They are in the wrong order, too far away, or not at full quarter hours, which the sums are kept by.
    pub fn moments(zone: TimeZone, from_ms: i64, to_ms: i64) -> Result<Self, PeriodError> {
        if to_ms < from_ms {
            return Err(PeriodError::EndsBeforeStart);
        }
        if !YEARS.contains(&zone.date(from_ms).year()) || !YEARS.contains(&zone.date(to_ms).year()) {
            return Err(PeriodError::OutOfYears);
        }
        if quarter_of(from_ms) != from_ms || quarter_of(to_ms) != to_ms {
            return Err(PeriodError::NotOnQuarter);
        }
        Ok(Self { zone, days: None, from_ms, to_ms })
    }

    /// A period by its usual name.
    ///
    /// # Errors
    /// Now is outside [`YEARS`].
    pub fn preset(preset: Preset, zone: TimeZone, now_ms: i64) -> Result<Self, PeriodError> {
        let today = zone.date(now_ms);
        let month = first_of_month(today);
        let (from, to) = match preset {
            Preset::Today => (today, today),
            Preset::Yesterday => (days_later(today, -1), days_later(today, -1)),
            Preset::Last7Days => (days_later(today, -6), today),
            Preset::Last30Days => (days_later(today, -29), today),
            Preset::ThisMonth => (month, days_later(next_month(month), -1)),
            Preset::LastMonth => {
                let last = days_later(month, -1);
                (first_of_month(last), last)
            }
        };
        Self::days(zone, from, to)
    }

    /// The zone it is seen from.
    #[must_use]
    pub const fn zone(&self) -> TimeZone {
        self.zone
    }

    /// Its first and last day, where it consists of days.
    #[must_use]
    pub const fn whole_days(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.days
    }

    /// Start, Unix milliseconds.
    #[must_use]
    pub const fn from_ms(&self) -> i64 {
        self.from_ms
    }

    /// End, exclusive, Unix milliseconds.
    #[must_use]
    pub const fn to_ms(&self) -> i64 {
        self.to_ms
    }

    /// The pieces of a period, without gap or overlap; empty ones are there too.
    ///
    /// # Errors
    /// There would be more than [`BUCKETS_MAX`].
    pub fn buckets(&self, step: Step) -> Result<Vec<Bucket>, PeriodError> {
        let mut buckets: Vec<Bucket> = Vec::new();
        let mut start_ms = self.from_ms;
        while start_ms < self.to_ms {
            if buckets.len() == BUCKETS_MAX {
                return Err(PeriodError::TooFine);
            }
            let end_ms = self.step_end(step, start_ms).min(self.to_ms);
            buckets.push(Bucket { start_ms, end_ms, label: self.label(step, start_ms) });
            start_ms = end_ms;
        }
        self.tell_twins_apart(&mut buckets);
        Ok(buckets)
    }

    fn step_end(&self, step: Step, start_ms: i64) -> i64 {
        if step == Step::Hour {
            return self.zone.hour_end(start_ms);
        }
        let mut day = self.zone.date(start_ms);
        // A day that a zone skipped has no length: go on to the next.
        loop {
            day = match step {
                Step::Week => days_later(day, 7 - i64::from(day.weekday().num_days_from_monday())),
                Step::Month => next_month(day),
                Step::Hour | Step::Day => days_later(day, 1),
            };
            let end_ms = self.zone.day_start(day);
            if end_ms > start_ms || day == NaiveDate::MAX {
                return end_ms.max(start_ms + 1);
            }
        }
    }

    fn label(&self, step: Step, start_ms: i64) -> String {
        let local = self.zone.local(start_ms);
        let pattern = match step {
            Step::Hour => "%Y-%m-%d %H:%M",
            Step::Day => "%Y-%m-%d",
            Step::Week => "%G-W%V",
            Step::Month => "%Y-%m",
        };
        local.format(pattern).to_string()
    }

    /// Where clocks are put back an hour comes twice: both say by which clock.
    fn tell_twins_apart(&self, buckets: &mut [Bucket]) {
        // The second may be the next but one: where clocks go from 03:45 to 02:45, the hour of 02:00 is interrupted.
        let mut twins = BTreeSet::new();
        for distance in 1..=2 {
            let pairs = buckets.iter().zip(buckets.iter().skip(distance)).enumerate();
            twins.extend(
                pairs
                    .filter(|(_, (one, other))| one.label == other.label)
                    .flat_map(|(at, _)| [at, at + distance]),
            );
        }
        for at in twins {
            if let Some(bucket) = buckets.get_mut(at) {
                bucket.label = format!("{} {}", bucket.label, self.zone.short_name(bucket.start_ms));
            }
        }
    }

    /// What this period is compared to: today so far to yesterday up to the same time of day; the last seven days
    /// likewise to the seven before; what is over to the equally long period before.
    #[must_use]
    pub fn compared(&self, now_ms: i64) -> Compared {
        // To the end of the quarter hour that is running: all that came so far, which is what the page shows.
        let end_ms = quarter_of(now_ms.saturating_add(QUARTER_MS - 1));
        let is_running = (self.from_ms..self.to_ms).contains(&now_ms) && end_ms < self.to_ms;
        let cut_ms = if is_running { end_ms } else { self.to_ms };
        let so_far = if is_running { self.cut(cut_ms) } else { *self };
        let cut_at = is_running.then(|| self.zone.local(cut_ms).format("%H:%M").to_string());
        let Some((from, to)) = self.days else {
            let length = cut_ms - self.from_ms;
            let start = self.from_ms - (self.to_ms - self.from_ms);
            let whole_before = Self { from_ms: start, to_ms: self.from_ms, ..*self };
            let before = if is_running { whole_before.cut(start + length) } else { whole_before };
            return Compared { so_far, before, whole_before, cut_at };
        };
        let last = if is_running { self.zone.date(cut_ms - 1) } else { to };
        let days = (last - from).num_days() + 1;
        let (first_before, last_before) = (days_later(from, -days), days_later(from, -1));
        let whole_before = Self {
            zone: self.zone,
            days: Some((first_before, last_before)),
            from_ms: self.zone.day_start(first_before),
            to_ms: self.from_ms,
        };
        let same_time = last_before.and_time(self.zone.local(cut_ms).time());
        let before = if is_running { whole_before.cut(self.zone.moment(same_time)) } else { whole_before };
        Compared { so_far, before, whole_before, cut_at }
    }

    fn cut(&self, to_ms: i64) -> Self {
        Self { days: None, to_ms: to_ms.clamp(self.from_ms, self.to_ms), ..*self }
    }
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn next_month(day: NaiveDate) -> NaiveDate {
    first_of_month(day).checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
