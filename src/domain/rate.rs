//! Exchange rates: how many units of the account currency one unit of another is worth on a day. Exact, in billionths.

mod ecb;
mod sheet;

use super::money::{Currency, Money, divide_half_even};
use chrono::{DateTime, NaiveDate};

pub use ecb::{Published, read_ecb};
pub use sheet::{RATES_MAX, Sheet, read_sheet};

/// A rate of one to one.
pub const ONE_NANOS: i64 = 1_000_000_000;

/// How many days a rate stands in for the days after it that have none: over the longest holidays banks publish again
/// within two weeks, and an older rate would be a guess.
pub const STALE_DAYS_MAX: i64 = 14;

/// The largest rate, in units: no currency is worth more, and a product with the largest amount stays in bounds.
const UNITS_MAX: i64 = 1_000_000;

/// The first and the last year of a rate: others are slips of the pen.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2100;

/// The rate of a currency on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The currency.
    pub currency: Currency,
    /// The day, UTC.
    pub day: NaiveDate,
    /// Units of the account currency for one unit, in billionths.
    pub rate_nanos: i64,
}

impl Rate {
    /// Reads a rate as people write it.
    ///
    /// # Errors
    /// The field that is wrong and what to change.
    pub fn read(
        (currency, day, rate): (&str, &str, &str),
        account: Currency,
    ) -> Result<Self, (&'static str, String)> {
        let currency = read_currency(currency, account).map_err(|why| ("currency", why))?;
        let day = read_day(day).map_err(|why| ("day", why))?;
        let rate_nanos = read_nanos(rate).map_err(|why| ("rate", why))?;
        Ok(Self { currency, day, rate_nanos })
    }
}

fn read_currency(text: &str, account: Currency) -> Result<Currency, String> {
    match Currency::parse(text) {
        None => Err(format!("{:?} is no currency: write three letters, like EUR", short(text))),
        Some(currency) if currency == account => {
            Err(format!("{account} is the account currency: its rate is always 1"))
        }
        Some(currency) => Ok(currency),
    }
}

fn read_day(text: &str) -> Result<NaiveDate, String> {
    use chrono::Datelike as _;
    let day =
        NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|day| YEARS.contains(&day.year()));
    day.ok_or_else(|| format!("{:?} is no day: write it like 2026-11-21", short(text)))
}

/// Reads a rate: digits with a dot, at most nine decimals, more than nothing.
///
/// # Errors
/// One sentence that says what to write.
pub fn read_nanos(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || !is_digits(whole) || !is_digits(decimals) {
        return Err(format!("{:?} is no rate: write digits with a dot, like 1.0854", short(text)));
    }
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 9 {
        return Err("A rate has at most nine decimals".to_owned());
    }
    let too_large = || format!("A rate is at most {UNITS_MAX}");
    let units: i64 = match whole.trim_start_matches('0') {
        "" => 0,
        digits => digits.parse().ok().filter(|units| *units <= UNITS_MAX).ok_or_else(too_large)?,
    };
    let fraction: i64 = format!("{decimals:0<9}").parse().unwrap_or(0);
    let nanos = units * ONE_NANOS + fraction;
    match nanos {
        0 => Err("A rate is more than 0".to_owned()),
        nanos if nanos > UNITS_MAX * ONE_NANOS => Err(too_large()),
        nanos => Ok(nanos),
    }
}

/// A rate as it is shown: digits with a dot, 2 to 9 decimals.
#[must_use]
pub fn shown(rate_nanos: i64) -> String {
    let (units, fraction) = (rate_nanos / ONE_NANOS, rate_nanos.rem_euclid(ONE_NANOS));
    let digits = format!("{fraction:09}");
    format!("{units}.{:0<2}", digits.trim_end_matches('0'))
}

/// An amount in the account currency, rounded half-even to one micro.
#[must_use]
pub fn convert(amount: Money, rate_nanos: i64) -> Money {
    exchange(amount, rate_nanos, ONE_NANOS)
}

/// An amount of a currency with one rate, in a currency with another, rounded half-even to one micro.
#[must_use]
pub fn exchange(amount: Money, from_nanos: i64, to_nanos: i64) -> Money {
    if from_nanos == to_nanos {
        return amount;
    }
    let product = i128::from(amount.micros()) * i128::from(from_nanos);
    let micros = divide_half_even(product, i128::from(to_nanos)).unwrap_or(0);
    Money::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// The UTC day of a moment.
#[must_use]
pub fn day_of(unix_ms: i64) -> NaiveDate {
    DateTime::from_timestamp_millis(unix_ms).unwrap_or_default().date_naive()
}

fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_are_read_as_they_are_written() {
        assert_eq!(read_nanos("1.0854"), Ok(1_085_400_000));
        assert_eq!(read_nanos(" .000000001"), Ok(1));
        assert_eq!(read_nanos("1000000"), Ok(1_000_000 * ONE_NANOS));
        for wrong in [
            "",
            ".",
            "0",
            "0.0",
            "-1",
            "1,5",
            "1e3",
            "x",
            "1.0000000001",
            "1000000.1",
            "99999999999999999999",
        ] {
            assert!(read_nanos(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            (shown(1_085_400_000), shown(ONE_NANOS), shown(1)),
            ("1.0854".into(), "1.00".into(), "0.000000001".into())
        );
    }

    #[test]
    fn each_field_of_a_rate_is_checked() {
        let read = |currency, day, rate| {
            Rate::read((currency, day, rate), Currency::USD).map_err(|(field, _)| field)
        };
        assert!(read("eur", "2026-11-21", "1.1").is_ok());
        assert_eq!(read("USD", "2026-11-21", "1.1"), Err("currency"));
        assert_eq!(read("EURO", "2026-11-21", "1.1"), Err("currency"));
        assert_eq!(read("EUR", "21.11.2026", "1.1"), Err("day"));
        assert_eq!(read("EUR", "0026-11-21", "1.1"), Err("day"));
        assert_eq!(read("EUR", "2026-11-21", "1,1"), Err("rate"));
    }

    #[test]
    fn amounts_are_rounded_half_even_once() {
        let micros = |amount, nanos| convert(Money::from_micros(amount), nanos).micros();
        assert_eq!(micros(5_000_000, 1_085_400_000), 5_427_000);
        assert_eq!((micros(1, 500_000_000), micros(3, 500_000_000)), (0, 2));
        assert_eq!(micros(-3, 500_000_000), -2);
        let pounds = exchange(Money::from_micros(10_000_000), 1_100_000_000, 1_250_000_000);
        assert_eq!(pounds.micros(), 8_800_000);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(nanos in 1..=UNITS_MAX * ONE_NANOS) {
            prop_assert_eq!(read_nanos(&shown(nanos)), Ok(nanos));
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Rate::read((&text, &text, &text), Currency::USD);
        }
    }
}
