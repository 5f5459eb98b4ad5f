//! Comparing numbers and versions that are written as text, without a float: it would tell 0.1 from 0.10.

use std::cmp::Ordering;

/// Compares versions part by part: `17.4` is less than `17.10`, `14` is `14.0`. `None` where one of them does not begin
/// with a number.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    let is_version = |text: &str| text.bytes().next().is_some_and(|b| b.is_ascii_digit());
    if !is_version(one) || !is_version(other) {
        return None;
    }
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let (one, other) = (ones.next(), others.next());
        if one.is_none() && other.is_none() {
            return Some(Ordering::Equal);
        }
        let order = whole(digits(one.unwrap_or("0")), digits(other.unwrap_or("0")));
        if order != Ordering::Equal {
            return Some(order);
        }
    }
}

/// The digits that a part of a version begins with: `1` of `1rc2`.
fn digits(part: &str) -> &str {
    let end = part.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(part.len());
    part.get(..end).unwrap_or("")
}

/// Compares decimal numbers exactly. `None` where one of them is no number.
#[must_use]
pub fn compare_numbers(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Decimal::parse(one)?, Decimal::parse(other)?);
    Some(match (one.is_negative, other.is_negative) {
        (false, false) => one.size(&other),
        (true, true) => other.size(&one),
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
    })
}

/// Whether a text is a decimal number.
pub(super) fn is_number(text: &str) -> bool {
    Decimal::parse(text).is_some()
}

struct Decimal<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (is_signed, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { is_negative: is_signed && !is_zero, whole, fraction })
    }

    fn size(&self, other: &Self) -> Ordering {
        whole(self.whole, other.whole).then_with(|| self.fraction.cmp(other.fraction))
    }
}

/// Compares whole numbers of any length, written in digits.
fn whole(one: &str, other: &str) -> Ordering {
    let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_compare_part_by_part() {
        for (one, other, order) in [
            ("17.4", "17.10", Ordering::Less),
            ("14", "14.0.0", Ordering::Equal),
            ("10.1", "9.9", Ordering::Greater),
            ("1rc2", "1", Ordering::Equal),
            ("007", "7", Ordering::Equal),
        ] {
            assert_eq!(compare_versions(one, other), Some(order), "{one} {other}");
        }
        assert_eq!(compare_versions("XP", "10"), None);
        assert_eq!(compare_versions("", "10"), None);
    }

    #[test]
    fn decimals_are_no_versions() {
        assert_eq!(compare_numbers("0.05", "0.1"), Some(Ordering::Less));
        assert_eq!(compare_numbers("-1", "0.5"), Some(Ordering::Less));
        assert_eq!(compare_numbers("-0", "0.00"), Some(Ordering::Equal));
        assert_eq!(compare_numbers(".5", "0.50"), Some(Ordering::Equal));
        for wrong in ["", ".", "-", "1e3", "1,5", "{bid}", "--1"] {
            assert_eq!(compare_numbers(wrong, "1"), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_compare_as_numbers(one in -1_000_000_i64..1_000_000, other in -1_000_000_i64..1_000_000) {
            let text = |n: i64| {
                let sign = if n < 0 { "-" } else { "" };
                format!("{sign}{}.{:03}", n.abs() / 1_000, n.abs() % 1_000)
            };
            prop_assert_eq!(compare_numbers(&text(one), &text(other)), Some(one.cmp(&other)));
        }

        #[test]
        fn versions_compare_as_lists(one in prop::collection::vec(0_u32..50, 1..4), other in prop::collection::vec(0_u32..50, 1..4)) {
            let text = |parts: &[u32]| parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            let padded = |parts: &[u32]| { let mut parts = parts.to_vec(); parts.resize(4, 0); parts };
            prop_assert_eq!(compare_versions(&text(&one), &text(&other)), Some(padded(&one).cmp(&padded(&other))));
        }
    }
}
