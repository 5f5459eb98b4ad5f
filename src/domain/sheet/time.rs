//! Moments as tables write them: with or without a zone, the day first or the month.

use super::super::words::word_enum;
use super::super::zone::TimeZone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};

/// Characters of a moment: RFC 3339 with nanoseconds and an offset has 35.
const CHARS_MAX: usize = 40;

/// The first and the last second that a table may name: 2000-01-01 and 2100-01-01. What lies outside is no time of a
/// conversion but another number.
const SECONDS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

word_enum! {
    /// Which number of `03/04/2026` is the day.
    pub enum DayOrder {
        /// The month comes first, as in the United States.
        MonthFirst => "month_first",
        /// The day comes first, as in most of the world.
        DayFirst => "day_first",
    }
}

/// How a table's moments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// The zone of moments that name none.
    pub zone: TimeZone,
    /// What `03/04/2026` means; `None` where nobody chose.
    pub order: Option<DayOrder>,
}

impl Moments {
    /// Reads a moment: ISO with or without an offset, `2026-11-21 08:00`, `21.11.2026`, `11/21/2026`, Unix seconds or
    /// milliseconds. A day alone is its first moment.
    ///
    /// # Errors
    /// One sentence that says what to write.
    pub fn read(&self, text: &str) -> Result<i64, String> {
        let text = text.trim();
        let shown = super::cut(text, 60);
        if text.chars().count() > CHARS_MAX {
            return Err(format!("`{shown}` is no time: write one like 2026-11-21 08:00:00"));
        }
        if let Some(unix_ms) = unix(text) {
            return bounded(unix_ms, shown);
        }
        if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
            return bounded(exact.timestamp_millis(), shown);
        }
        if let Some(exact) = with_offset(text) {
            return bounded(exact, shown);
        }
        let (day, time) = split(text);
        let Some(time) = read_time(time) else {
            return Err(format!("`{shown}` is no time: write one like 2026-11-21 08:00:00"));
        };
        let day = self.read_day(day, shown)?;
        bounded(self.zone.moment(NaiveDateTime::new(day, time)), shown)
    }

    fn read_day(&self, text: &str, shown: &str) -> Result<NaiveDate, String> {
        let none = || format!("`{shown}` is no time: write one like 2026-11-21 08:00:00");
        let parts = |sign| numbers(text, sign);
        let day = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day);
        let year = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        if let Some([y, m, d]) = parts('-').or_else(|| parts('/')).filter(|[y, ..]| *y > 999) {
            return day(year(y), m, d).ok_or_else(none);
        }
        if let Some([d, m, y]) = parts('.').or_else(|| parts('-').filter(|[d, ..]| *d > 12)) {
            return day(year(y), m, d).ok_or_else(none);
        }
        let Some([first, second, y]) = parts('/').or_else(|| parts('-')) else { return Err(none()) };
        let (month_first, day_first) = (day(year(y), first, second), day(year(y), second, first));
        match (month_first, day_first, self.order) {
            (Some(one), Some(other), _) if one == other => Ok(one),
            (Some(_), Some(_), None) => {
                Err(format!("`{shown}` could be two days: choose whether the day or the month comes first"))
            }
            // Where a choice was made, a row that does not fit it is a mistake somewhere.
            (month_first, _, Some(DayOrder::MonthFirst)) => month_first
                .ok_or_else(|| format!("`{shown}` is no time with the month first: check which comes first")),
            (_, day_first, Some(DayOrder::DayFirst)) => day_first
                .ok_or_else(|| format!("`{shown}` is no time with the day first: check which comes first")),
            (one, other, None) => one.or(other).ok_or_else(none),
        }
    }
}

/// Whether somebody must choose which number is the day: one of these moments reads both ways, and none tells which.
#[must_use]
pub fn is_day_order_open<'a>(mut moments: impl Iterator<Item = &'a str>) -> bool {
    let open = Moments { zone: TimeZone::UTC, order: None };
    moments
        .any(|text| !text.is_empty() && open.read(text).is_err_and(|why| why.contains("could be two days")))
}

/// Seconds or milliseconds since 1970, by their size; decimals of a second are dropped.
fn unix(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() < 9 || !is_number(whole) || !is_number(decimals) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    if SECONDS.contains(&number) { number.checked_mul(1_000) } else { Some(number) }
}

/// `2026-11-21 08:00:00 +0100` and the like, which are not RFC 3339.
fn with_offset(text: &str) -> Option<i64> {
    if let Some(utc) = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")) {
        let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
        let found = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(utc, form).ok());
        return found.map(|at| at.and_utc().timestamp_millis());
    }
    let forms = ["%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z"];
    let found = forms.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
    found.map(|at| at.timestamp_millis())
}

/// The day, and the time of day where one stands behind it.
fn split(text: &str) -> (&str, &str) {
    match text.split_once(['T', ' ']) {
        Some((day, time)) => (day.trim_end_matches(','), time.trim()),
        None => (text, ""),
    }
}

fn read_time(text: &str) -> Option<NaiveTime> {
    if text.is_empty() {
        return Some(NaiveTime::MIN);
    }
    let forms = ["%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%I:%M:%S%p", "%I:%M%p"];
    forms.iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok())
}

/// Three whole numbers with a sign between them.
fn numbers(text: &str, sign: char) -> Option<[u32; 3]> {
    let mut parts = text.split(sign).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| is_number)
    });
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

fn bounded(unix_ms: i64, shown: &str) -> Result<i64, String> {
    if SECONDS.contains(&unix_ms.div_euclid(1_000)) {
        return Ok(unix_ms);
    }
    Err(format!("`{shown}` lies before 2000 or after 2099: check the column and the way the time is written"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EIGHT: i64 = 1_795_248_000_000;

    fn read_as(text: &str, zone: &str, order: Option<DayOrder>) -> Result<i64, String> {
        Moments { zone: TimeZone::parse(zone).unwrap(), order }.read(text)
    }

    #[test]
    fn the_usual_forms_are_read() {
        for text in [
            "2026-11-21T08:00:00Z",
            "2026-11-21T09:00:00+01:00",
            "2026-11-21T08:00:00.000Z",
            "2026-11-21 09:00:00 +0100",
            "2026-11-21 08:00:00 UTC",
            "2026-11-21 08:00",
            "2026-11-21 08:00:00",
            "2026-11-21T08:00",
            "2026/11/21 08:00:00",
            "21.11.2026 08:00",
            "21.11.2026, 08:00:00",
            "21-11-2026 08:00",
            "21/11/2026 08:00",
            "11/21/2026 8:00 AM",
            "1795248000",
            "1795248000000",
            "1795248000.000",
        ] {
            assert_eq!(read_as(text, "UTC", None), Ok(EIGHT), "{text}");
        }
        assert_eq!(read_as("2026-11-21 09:00", "Europe/Berlin", None), Ok(EIGHT));
        assert_eq!(read_as("2026-11-21T08:00:00Z", "Europe/Berlin", None), Ok(EIGHT));
        assert_eq!(read_as("2026-11-21", "UTC", None), Ok(EIGHT - 8 * 3_600_000));
    }

    #[test]
    fn two_days_are_not_guessed_between() {
        assert!(read_as("03/04/2026", "UTC", None).unwrap_err().contains("two days"));
        assert_eq!(read_as("04/04/2026", "UTC", None), read_as("2026-04-04", "UTC", None));
        let month = read_as("03/04/2026", "UTC", Some(DayOrder::MonthFirst));
        assert_eq!(month, read_as("2026-03-04", "UTC", None));
        let day = read_as("03/04/2026", "UTC", Some(DayOrder::DayFirst));
        assert_eq!(day, read_as("2026-04-03", "UTC", None));
        assert!(read_as("21/11/2026", "UTC", Some(DayOrder::MonthFirst)).is_err());
        assert!(is_day_order_open(["", "21/11/2026", "03/04/2026"].into_iter()));
        assert!(!is_day_order_open(["21/11/2026", "2026-03-04", "x"].into_iter()));
    }

    #[test]
    fn what_is_no_moment_is_said() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "31.02.2026",
            "12",
            "25:00",
            "1999-01-01",
            "99999999999999999",
            "21.11.26",
        ] {
            assert!(read_as(text, "UTC", None).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC{0,50}", digits in "[0-9/.: TZ+-]{0,30}") {
            for order in [None, Some(DayOrder::DayFirst), Some(DayOrder::MonthFirst)] {
                let _ = (read_as(&text, "Asia/Kolkata", order), read_as(&digits, "America/New_York", order));
            }
        }
    }
}
