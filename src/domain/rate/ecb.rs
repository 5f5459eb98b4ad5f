//! The reference rates of the European Central Bank, in the form of `eurofxref-daily.xml`: for each day what one euro is
//! worth in other currencies.

use super::{ONE_NANOS, Rate, read_day};
use crate::domain::money::{Currency, divide_half_even};

/// Digits of a published rate: none has half as many, and products of three stay within 128 bits.
const DIGITS_MAX: usize = 12;

/// What was published for one day: units for one euro, as a whole number and its decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    day: chrono::NaiveDate,
    units: Vec<(Currency, Figure)>,
}

/// A decimal number: `whole / 10^decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Figure {
    whole: i128,
    decimals: u32,
}

impl Figure {
    const ONE: Self = Self { whole: 1, decimals: 0 };

    fn read(text: &str) -> Option<Self> {
        let (units, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{units}{decimals}");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let whole =
            digits.parse().ok().filter(|whole| *whole > 0 && is_number && digits.len() <= DIGITS_MAX)?;
        Some(Self { whole, decimals: u32::try_from(decimals.len()).ok()? })
    }

    /// How many of this for one of another, in billionths, rounded half-even once.
    fn nanos_for(self, other: Self) -> Option<i64> {
        let over = self.whole * i128::from(ONE_NANOS) * 10_i128.pow(other.decimals);
        let nanos = divide_half_even(over, other.whole * 10_i128.pow(self.decimals))?;
        i64::try_from(nanos).ok().filter(|nanos| *nanos > 0)
    }
}

/// Reads what the bank publishes; several days where there are several. Currencies that we do not know are passed over.
///
/// # Errors
/// One sentence that says why it cannot be read.
pub fn read_ecb(text: &str) -> Result<Vec<Published>, String> {
    let mut days: Vec<Published> = Vec::new();
    for piece in text.split("<Cube").skip(1) {
        let tag = piece.split('>').next().unwrap_or("");
        if let Some(day) = attribute(tag, "time") {
            days.push(Published { day: read_day(day)?, units: Vec::new() });
        }
        let (Some(currency), Some(rate)) = (attribute(tag, "currency"), attribute(tag, "rate")) else {
            continue;
        };
        let Some(day) = days.last_mut() else {
            return Err("A rate stands before its day (`time`)".to_owned());
        };
        // A currency that is suspended has `N/A` in some editions.
        if let (Some(currency), Some(units)) = (Currency::parse(currency), Figure::read(rate)) {
            day.units.push((currency, units));
        }
    }
    if days.iter().all(|day| day.units.is_empty()) {
        return Err(
            "No rates are in it: it must be like eurofxref-daily.xml of the European Central Bank".to_owned()
        );
    }
    Ok(days)
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}="))?;
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    rest.get(1..)?.split_once(quote).map(|(value, _)| value)
}

impl Published {
    /// The rates to an account currency; none where the bank does not publish that one.
    #[must_use]
    pub fn rates_to(&self, account: Currency) -> Vec<Rate> {
        let euro = Currency::parse("EUR").map(|euro| (euro, Figure::ONE));
        let all = || self.units.iter().copied().chain(euro);
        let Some((_, to)) = all().find(|(currency, _)| *currency == account) else { return Vec::new() };
        let rate = |(currency, units): (Currency, Figure)| {
            Some(Rate { currency, day: self.day, rate_nanos: to.nanos_for(units)? })
        };
        all().filter(|(currency, _)| *currency != account).filter_map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAILY: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
<gesmes:subject>Reference rates</gesmes:subject><Cube><Cube time='2026-11-20'>
<Cube currency='USD' rate='1.0854'/><Cube currency="JPY" rate="164.10"/><Cube currency='XXX' rate='3'/><Cube currency='GBP' rate='N/A'/>
</Cube></Cube></gesmes:Envelope>"#;

    fn rates(account: &str) -> Vec<(String, i64)> {
        let days = read_ecb(DAILY).unwrap();
        let rates = days[0].rates_to(Currency::parse(account).unwrap());
        rates.into_iter().map(|rate| (rate.currency.to_string(), rate.rate_nanos)).collect()
    }

    #[test]
    fn cross_rates_are_exact_and_rounded_once() {
        let of = |currency: &str, nanos| (currency.to_owned(), nanos);
        // 1.0854 / 164.10 = 0.00661425959...
        assert_eq!(rates("USD"), [of("JPY", 6_614_260), of("EUR", 1_085_400_000)]);
        assert_eq!(rates("EUR"), [of("USD", 921_319_329), of("JPY", 6_093_845)]);
        assert_eq!(rates("CHF"), []);
    }

    #[test]
    fn what_is_no_table_of_rates_is_said() {
        for wrong in [
            "",
            "<html>",
            "<Cube><Cube time='2026-11-20'></Cube>",
            "<Cube currency='USD' rate='1'/>",
            "<Cube time='soon'>",
        ] {
            assert!(read_ecb(wrong).is_err(), "{wrong}");
        }
        let days = read_ecb(
            "<Cube time='2026-11-20'><Cube currency='USD' rate='1'/><Cube time='2026-11-19'><Cube currency='USD' rate='2'/>",
        );
        assert_eq!(days.unwrap().len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(text in "(<Cube|[ a-z='\"<>0-9é/.]| time=| rate=| currency=){0,30}") {
            for day in read_ecb(&text).unwrap_or_default() {
                let _ = day.rates_to(Currency::USD);
            }
        }
    }
}
