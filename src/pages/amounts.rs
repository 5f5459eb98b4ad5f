//! Money as pages show it.

use crate::domain::money::{Currency, Money};

/// An amount with its currency: `$1,234.50`, `−$3.00`, `12.00 PLN`.
pub(super) fn amount(money: Money, currency: Currency) -> String {
    let text = money.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("−", digits));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "00"));
    let whole = separated(whole);
    match symbol(currency) {
        Some(symbol) => format!("{sign}{symbol}{whole}.{decimals}"),
        None => format!("{sign}{whole}.{decimals} {currency}"),
    }
}

/// A gain with its plus sign.
pub(super) fn signed(money: Money, currency: Currency) -> String {
    let text = amount(money, currency);
    if money.micros() > 0 { format!("+{text}") } else { text }
}

fn symbol(currency: Currency) -> Option<&'static str> {
    match currency.as_str() {
        "USD" => Some("$"),
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        _ => None,
    }
}

fn separated(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_and_separated() {
        let show = |micros| amount(Money::from_micros(micros), Currency::USD);
        assert_eq!(show(1_234_567_500_000), "$1,234,567.50");
        assert_eq!(show(-3_000_000), "−$3.00");
        assert_eq!(signed(Money::from_micros(5_000_000), Currency::USD), "+$5.00");
    }
}
