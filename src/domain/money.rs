//! Exact money: 64-bit micro-units, and the ratios that reports make of them. No float anywhere.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Micro-units in one unit of a currency.
pub const MICROS_PER_UNIT: i64 = 1_000_000;

/// The largest amount taken from outside, in units. Above it a value is a mistake or an attack
/// (STORAGE: amounts over 10^9 units are malformed), and sums stay far from the end of 64 bits.
pub const MAX_UNITS: i64 = 1_000_000_000;

/// An amount in micro-units of a currency that stands beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// Not digits with at most one decimal sign.
    NotANumber,
    /// A comma followed by exactly three digits: a decimal sign or a thousands separator, nobody knows.
    AmbiguousComma,
    /// More than six decimals where exactness is asked for.
    TooPrecise,
    /// Beyond [`MAX_UNITS`].
    TooLarge,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "is not an amount: write digits with a dot, like 12.50",
            Self::AmbiguousComma => {
                "has a comma before three digits, which could mean thousands: write a dot, like 1.250 or 1250"
            }
            Self::TooPrecise => "has more than six decimals",
            Self::TooLarge => "is over 1,000,000,000",
        })
    }
}

/// An amount read leniently, with what had to be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The amount.
    pub money: Money,
    /// More than six decimals came and were rounded half-even.
    pub is_rounded: bool,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From micro-units.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// In micro-units.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The same amount with its sign turned.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// Reads an amount as people and the API write it: a dot, at most six decimals.
    ///
    /// # Errors
    /// [`MoneyError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        if text.contains(',') {
            return Err(MoneyError::NotANumber);
        }
        let read = Self::read(text)?;
        if read.is_rounded { Err(MoneyError::TooPrecise) } else { Ok(read.money) }
    }

    /// Reads an amount as networks send it: a dot or one comma as decimal sign; more than six
    /// decimals are rounded half-even, and that is said.
    ///
    /// # Errors
    /// [`MoneyError`] says what is wrong with the text.
    pub fn read(text: &str) -> Result<Read, MoneyError> {
        let text = text.trim();
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, decimals) = match (digits.split_once('.'), digits.split_once(',')) {
            (None, None) => (digits, ""),
            (Some(parts), None) => parts,
            (None, Some((_, decimals))) if decimals.len() == 3 => return Err(MoneyError::AmbiguousComma),
            (None, Some(parts)) => parts,
            (Some(_), Some(_)) => return Err(MoneyError::NotANumber),
        };
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && decimals.is_empty()) || !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::NotANumber);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > 10 {
            return Err(MoneyError::TooLarge);
        }
        let units = whole.bytes().fold(0_i64, |n, b| n * 10 + i64::from(b - b'0'));
        let (fraction, is_rounded) = read_decimals(decimals, units);
        let micros = units * MICROS_PER_UNIT + fraction;
        if micros > MAX_UNITS * MICROS_PER_UNIT {
            return Err(MoneyError::TooLarge);
        }
        Ok(Read { money: Self(if is_negative { -micros } else { micros }), is_rounded })
    }
}

/// The decimals as micros, rounded half-even where more than six came (trailing zeros are none).
fn read_decimals(decimals: &str, units: i64) -> (i64, bool) {
    let mut micros = 0_i64;
    let mut bytes = decimals.bytes();
    for _ in 0..6 {
        micros = micros * 10 + i64::from(bytes.next().unwrap_or(b'0') - b'0');
    }
    let next = bytes.next().unwrap_or(b'0');
    let rest_is_zero = bytes.all(|b| b == b'0');
    let is_odd = (units * MICROS_PER_UNIT + micros) % 2 != 0;
    let is_up = next > b'5' || (next == b'5' && (!rest_is_zero || is_odd));
    (micros + i64::from(is_up), next != b'0' || !rest_is_zero)
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Digits with a dot and 2 to 6 decimals, as the API writes money: `5.00`, `0.0125`, `-3.10`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (units, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let digits = format!("{fraction:06}");
        let kept = digits.trim_end_matches('0');
        write!(f, "{sign}{units}.{kept:0<2}")
    }
}

/// Divides with half-even rounding; `None` where nothing stands under the line.
#[must_use]
pub fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator == 0 {
        return None;
    }
    let (n, d) = if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let (quotient, remainder) = (n.div_euclid(d), n.rem_euclid(d));
    let is_up = remainder * 2 > d || (remainder * 2 == d && quotient % 2 != 0);
    Some(quotient + i128::from(is_up))
}

/// A ratio in ten-thousandths, rounded half-even: 333 is 3.33 %.
#[must_use]
pub fn ratio(numerator: i64, denominator: i64) -> Option<i64> {
    let scaled = divide_half_even(i128::from(numerator) * 10_000, i128::from(denominator))?;
    Some(clamp(scaled))
}

/// Money per one of something, to the micro, rounded half-even.
#[must_use]
pub fn per_unit(total: Money, count: i64) -> Option<Money> {
    divide_half_even(i128::from(total.0), i128::from(count)).map(|micros| Money(clamp(micros)))
}

/// The share of an amount given in millionths (a per cent is 10,000), rounded half-even to one micro.
#[must_use]
pub fn share(amount: Money, millionths: i64) -> Money {
    let product = i128::from(amount.0) * i128::from(millionths);
    Money(clamp(divide_half_even(product, 1_000_000).unwrap_or(0)))
}

/// An amount in the account currency, by a rate in billionths, rounded half-even to one micro.
#[must_use]
pub fn in_account(amount: Money, rate_nanos: i64) -> Money {
    let product = i128::from(amount.0) * i128::from(rate_nanos);
    Money(clamp(divide_half_even(product, 1_000_000_000).unwrap_or(0)))
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// A currency by its three-letter ISO 4217 code, upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// The codes of ISO 4217 that money is really paid in, and the two coins that networks pay in.
const CURRENCIES: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP \
    BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF \
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD \
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR \
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD \
    TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG BTC ETH";

impl Currency {
    /// US dollars: the account currency until another is set.
    pub const USD: Self = Self(*b"USD");

    /// Reads a code in any case; `None` for what is not a known currency.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        let code: [u8; 3] = upper.as_bytes().try_into().ok()?;
        CURRENCIES.split_ascii_whitespace().any(|known| known.as_bytes() == code).then_some(Self(code))
    }

    /// The code: `USD`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("USD")
    }

    /// Every known code, for a list to choose from.
    pub fn all() -> impl Iterator<Item = &'static str> {
        CURRENCIES.split_ascii_whitespace()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Three letters in JSON; three bytes in the journal, where what we wrote needs no second check.
impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.as_str())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 3]>::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("unknown currency"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_of_networks_are_read_as_they_write_them() {
        let micros = |text: &str| Money::read(text).map(|read| read.money.micros());
        assert_eq!(micros("12.50"), Ok(12_500_000));
        assert_eq!(micros("12,5"), Ok(12_500_000));
        assert_eq!(micros(" .5 "), Ok(500_000));
        assert_eq!(micros("5."), Ok(5_000_000));
        assert_eq!(micros("-3"), Ok(-3_000_000));
        assert_eq!(micros("1,250"), Err(MoneyError::AmbiguousComma));
        assert_eq!(micros("1,250.00"), Err(MoneyError::NotANumber));
        assert_eq!(micros("abc"), Err(MoneyError::NotANumber));
        assert_eq!(micros(""), Err(MoneyError::NotANumber));
        assert_eq!(micros("-"), Err(MoneyError::NotANumber));
        assert_eq!(micros("1e3"), Err(MoneyError::NotANumber));
        assert_eq!(micros("$5"), Err(MoneyError::NotANumber));
        assert_eq!(micros("1000000000"), Ok(1_000_000_000_000_000));
        assert_eq!(micros("1000000000.000001"), Err(MoneyError::TooLarge));
        assert_eq!(micros(&"9".repeat(31)), Err(MoneyError::TooLarge));
        assert_eq!(micros(&"0".repeat(10_000)), Ok(0));
    }

    #[test]
    fn the_seventh_decimal_rounds_half_even_and_is_said() {
        let read = |text| Money::read(text).map(|read| (read.money.micros(), read.is_rounded));
        assert_eq!(read("0.0000005"), Ok((0, true)));
        assert_eq!(read("0.0000015"), Ok((2, true)));
        assert_eq!(read("0.00000050001"), Ok((1, true)));
        assert_eq!(read("0.1234560000"), Ok((123_456, false)));
        assert_eq!(Money::parse("0.1234567"), Err(MoneyError::TooPrecise));
    }

    #[test]
    fn a_ratio_without_a_base_is_none() {
        assert_eq!(ratio(5, 0), None);
        assert_eq!(ratio(1, 30), Some(333));
        assert_eq!(ratio(-1, 2), Some(-5_000));
        assert_eq!(per_unit(Money::from_micros(15_000_000), 120), Some(Money::from_micros(125_000)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in -MAX_UNITS * MICROS_PER_UNIT..=MAX_UNITS * MICROS_PER_UNIT) {
            let money = Money::from_micros(micros);
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Money::read(&text);
        }

        #[test]
        fn rounding_is_within_half_a_step(n in any::<i64>(), d in 1..i64::MAX) {
            let rounded = divide_half_even(i128::from(n), i128::from(d)).unwrap();
            let off = (i128::from(n) - rounded * i128::from(d)).abs();
            prop_assert!(off * 2 <= i128::from(d));
        }
    }
}
