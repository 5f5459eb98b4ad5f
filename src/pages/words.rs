//! Figures and times as pages write them: `$1,234.56`, `+21.5%`, `–`.

use super::parts::Tone;
use super::tables::Cell;
use crate::domain::figures::{Figures, Metric, Value};
use crate::domain::money::{Currency, Money, divide_half_even};
use crate::reports::TimeZone;

/// What stands where there is no figure.
pub const NONE: &str = "–";
/// A real minus sign: as wide as the plus.
const MINUS: &str = "−";

/// Writes money in one currency.
#[derive(Clone, Copy, Debug)]
pub struct MoneyWords {
    currency: Currency,
}

impl MoneyWords {
    /// For amounts in this currency.
    pub const fn new(currency: Currency) -> Self {
        Self { currency }
    }

    /// What stands before an amount: a symbol, or the code where none is unmistakable.
    pub fn before(&self) -> String {
        match self.currency.as_str() {
            "USD" => "$".to_owned(),
            "EUR" => "€".to_owned(),
            "GBP" => "£".to_owned(),
            "JPY" => "¥".to_owned(),
            "INR" => "₹".to_owned(),
            "BRL" => "R$".to_owned(),
            code => format!("{code}\u{a0}"),
        }
    }

    /// Coins are worth too much for cents.
    fn decimals(&self) -> usize {
        if matches!(self.currency.as_str(), "BTC" | "ETH") { 6 } else { 2 }
    }

    fn write(&self, money: Money, decimals: usize, is_signed: bool) -> String {
        let step = 10_i128.pow(u32::try_from(6_usize.saturating_sub(decimals)).unwrap_or(0));
        let rounded = divide_half_even(i128::from(money.micros()), step).unwrap_or(0);
        let sign = match rounded {
            n if n < 0 => MINUS,
            n if n > 0 && is_signed => "+",
            _ => "",
        };
        let size = rounded.unsigned_abs();
        let unit = 10_u128.pow(u32::try_from(decimals).unwrap_or(0));
        let (whole, part) = (grouped(&(size / unit).to_string()), size % unit);
        format!("{sign}{}{whole}.{part:0decimals$}", self.before())
    }

    /// An amount: `$1,234.56`.
    pub fn amount(&self, money: Money) -> String {
        self.write(money, self.decimals(), false)
    }

    /// A gain or a loss: `+$12.00`, `−$3.10`.
    pub fn signed(&self, money: Money) -> String {
        self.write(money, self.decimals(), true)
    }

    /// A single price to its last decimal: `$0.0125`.
    pub fn exact(&self, money: Money) -> String {
        let micros = money.micros().unsigned_abs();
        let needed = (2..6_u32).find(|digits| micros.is_multiple_of(10_u64.pow(6 - digits))).unwrap_or(6);
        self.write(money, usize::try_from(needed).unwrap_or(6), false)
    }

    /// Money per one of something: the smaller it is, the more decimals it needs.
    pub fn per_unit(&self, money: Option<Money>) -> String {
        let Some(money) = money else { return NONE.to_owned() };
        let decimals = match money.micros().unsigned_abs() {
            1..10_000 => 4,
            0..1_000_000 => 3,
            _ => 2,
        };
        self.write(money, decimals.max(self.decimals()), false)
    }

    /// One figure in words, without regard to its colour.
    pub fn figure(&self, figures: &Figures, metric: Metric) -> String {
        let is_of_cost = matches!(metric, Metric::Cost | Metric::Cpc | Metric::Cpa | Metric::CpaApproved);
        if is_of_cost && figures.is_cost_unknown() {
            return NONE.to_owned();
        }
        match figures.value(metric) {
            Value::Count(n) => count(n),
            Value::Amount(money) if metric == Metric::Profit => self.signed(money),
            Value::Amount(money) => self.amount(money),
            Value::PerUnit(money) => self.per_unit(money),
            Value::Ratio(ratio) if metric == Metric::Roi => signed_percent(ratio, 1),
            Value::Ratio(ratio) => percent(ratio, if metric == Metric::Cr { 2 } else { 1 }),
        }
    }

    /// One figure in a table's cell; profit and ROI alone have a colour.
    pub fn cell(&self, figures: &Figures, metric: Metric) -> Cell {
        Cell::tone(&self.figure(figures, metric), tone(figures, metric))
    }
}

/// The colour of a figure. A profit without a known cost is none yet, and has none.
pub fn tone(figures: &Figures, metric: Metric) -> Tone {
    if !matches!(metric, Metric::Profit | Metric::Roi) || figures.is_cost_unknown() {
        return Tone::Plain;
    }
    match figures.sort_key(metric).unwrap_or(0) {
        n if n > 0 => Tone::Gain,
        n if n < 0 => Tone::Loss,
        _ => Tone::Plain,
    }
}

/// A number of things, thousands separated.
pub fn count(n: i64) -> String {
    let sign = if n < 0 { MINUS } else { "" };
    format!("{sign}{}", grouped(&n.unsigned_abs().to_string()))
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Ten-thousandths as per cent with so many decimals.
pub fn percent(ratio: Option<i64>, decimals: usize) -> String {
    write_percent(ratio, decimals, false)
}

/// The same with a sign before gains too.
pub fn signed_percent(ratio: Option<i64>, decimals: usize) -> String {
    write_percent(ratio, decimals, true)
}

fn write_percent(ratio: Option<i64>, decimals: usize, is_signed: bool) -> String {
    let Some(ratio) = ratio else { return NONE.to_owned() };
    let (step, unit) = match decimals {
        0 => (100, 1),
        1 => (10, 10),
        _ => (1, 100),
    };
    let rounded = divide_half_even(i128::from(ratio), step).unwrap_or(0);
    let sign = match rounded {
        n if n < 0 => MINUS,
        n if n > 0 && is_signed => "+",
        _ => "",
    };
    let size = rounded.unsigned_abs();
    let whole = grouped(&(size / unit).to_string());
    match decimals {
        0 => format!("{sign}{whole}%"),
        1 => format!("{sign}{whole}.{}%", size % unit),
        _ => format!("{sign}{whole}.{:02}%", size % unit),
    }
}

/// A moment in a zone: with its day, and its year where that is another than now's.
pub fn moment(zone: TimeZone, at_ms: i64, now_ms: i64) -> String {
    let local = zone.local(at_ms);
    let is_this_year = local.format("%Y").to_string() == zone.local(now_ms).format("%Y").to_string();
    let pattern = if is_this_year { "%-d %b %H:%M:%S" } else { "%-d %b %Y %H:%M:%S" };
    local.format(pattern).to_string()
}

/// The time of day in a zone.
pub fn clock(zone: TimeZone, at_ms: i64) -> String {
    zone.local(at_ms).format("%H:%M:%S").to_string()
}

/// How long something took or is ago: `4 min`, `2 h`, `3 d`.
pub fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    match seconds {
        0 if ms > 0 => format!("{ms} ms"),
        0..60 => format!("{seconds} s"),
        60..3_600 if seconds % 60 == 0 || seconds >= 600 => format!("{} min", seconds / 60),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something happened, to the minute.
pub fn ago(ms: i64) -> String {
    match ms.max(0) / 60_000 {
        0 => "now".to_owned(),
        minutes => span(minutes * 60_000),
    }
}

/// A text cut to so many characters, with a sign that it was.
pub fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max.saturating_sub(1)).chain(['…']).collect()
}

/// A number with its noun: `1 click`, `2 clicks`.
pub fn counted(n: i64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollup::Counters;

    fn dollars() -> MoneyWords {
        MoneyWords::new(Currency::USD)
    }

    #[test]
    fn money_is_whole_separated_and_signed() {
        let money = Money::from_micros;
        assert_eq!(dollars().amount(money(1_234_567_890_000)), "$1,234,567.89");
        assert_eq!(dollars().amount(money(-28_115_000)), "−$28.12");
        assert_eq!(dollars().signed(money(999_995)), "+$1.00");
        assert_eq!(dollars().signed(money(-4_000)), "$0.00", "what rounds to nothing is neither");
        let francs = MoneyWords::new(Currency::parse("CHF").unwrap());
        assert_eq!(francs.amount(money(12_500_000)), "CHF\u{a0}12.50");
    }

    #[test]
    fn small_prices_keep_their_decimals() {
        let price = |micros| dollars().per_unit(Some(Money::from_micros(micros)));
        assert_eq!(
            [price(4_153_000), price(29_000), price(400), price(0)],
            ["$4.15", "$0.029", "$0.0004", "$0.000"]
        );
        assert_eq!(dollars().per_unit(None), "–");
        let exact = |micros| dollars().exact(Money::from_micros(micros));
        assert_eq!([exact(5_000_000), exact(12_500), exact(1)], ["$5.00", "$0.0125", "$0.000001"]);
    }

    #[test]
    fn ratios_are_per_cent_and_a_missing_base_is_a_dash() {
        assert_eq!(percent(Some(333), 2), "3.33%");
        assert_eq!(signed_percent(Some(-10_000), 1), "−100.0%");
        assert_eq!(signed_percent(Some(12_345_678), 1), "+123,456.8%");
        assert_eq!(percent(None, 1), "–");
    }

    #[test]
    fn an_unknown_cost_is_not_a_green_profit() {
        let mut figures = Figures::default();
        figures.add(false, &Counters { clicks: 1, revenue_micros: 5_000_000, ..Counters::default() });
        assert_eq!(tone(&figures, Metric::Profit), Tone::Plain);
        figures.add(false, &Counters { clicks: 1, costed_clicks: 1, cost_micros: 1, ..Counters::default() });
        assert_eq!(tone(&figures, Metric::Profit), Tone::Gain);
    }

    #[test]
    fn spans_are_short() {
        assert_eq!(
            [span(400), span(12_000), span(252_000), span(3_600_000), span(259_200_000)],
            ["400 ms", "12 s", "4 min 12 s", "1 h", "3 d"]
        );
        assert_eq!(shortened("abcdef", 4), "abc…");
    }
}
