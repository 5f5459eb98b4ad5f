//! Amounts as tables write them: with a sign of money, with separators of thousands.

/// Signs of money that stand before or behind an amount.
const SIGNS: &[char] = &['$', '€', '£', '¥', '₹', '₽', '₴', '₺', '₩'];

/// An amount without what people add to it: `$1,250.00`, `1.250,00 €` and `USD 5` become `1250.00`, `1250,00` and `5`. What
/// could mean two things stays as it is, for whoever reads amounts to refuse it.
#[must_use]
pub fn plain_amount(text: &str) -> String {
    let (sign, rest) = match text.trim().strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.trim()),
    };
    let rest = rest.trim_matches(|c: char| SIGNS.contains(&c) || c.is_whitespace());
    let rest = without_code(rest).trim();
    let (sign, rest) = match rest.strip_prefix('-') {
        Some(rest) if sign.is_empty() => ("-", rest),
        _ => (sign, rest),
    };
    let plain = without_thousands(rest).unwrap_or_else(|| rest.to_owned());
    format!("{sign}{plain}")
}

/// Takes a currency's three letters away, before or behind.
fn without_code(text: &str) -> &str {
    let is_code = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    match text.split_once(char::is_whitespace) {
        Some((code, rest)) if is_code(code) => rest,
        Some((rest, code)) if is_code(code.trim()) => rest,
        _ => text,
    }
}

/// Takes separators of thousands away, where another sign shows which is which or there are several of them: `1,250` alone
/// could be one and a quarter.
fn without_thousands(text: &str) -> Option<String> {
    let spaceless: String =
        text.chars().filter(|c| !matches!(c, '\u{a0}' | '\u{202f}' | ' ' | '\'')).collect();
    let (comma, dot) = (spaceless.rfind(','), spaceless.rfind('.'));
    let (thousands, decimals) = match (comma, dot) {
        (Some(comma), Some(dot)) if comma < dot => (',', Some('.')),
        (Some(_), Some(_)) => ('.', Some(',')),
        (Some(_), None) if spaceless.matches(',').count() > 1 => (',', None),
        (None, Some(_)) if spaceless.matches('.').count() > 1 => ('.', None),
        _ => return is_digits(&spaceless).then_some(spaceless),
    };
    let whole = decimals.and_then(|sign| spaceless.split_once(sign)).map_or(&*spaceless, |(whole, _)| whole);
    let mut parts = whole.split(thousands);
    let is_first = parts.next().is_some_and(|part| (1..=3).contains(&part.len()));
    let is_grouped = is_first && parts.all(|part| part.len() == 3);
    is_grouped.then(|| spaceless.replace(thousands, ""))
}

/// Digits and at most one decimal sign.
fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_add_is_taken_away() {
        for (written, plain) in [
            ("5.00", "5.00"),
            ("$1,250.00", "1250.00"),
            ("1.250,00 €", "1250,00"),
            ("USD 5", "5"),
            ("5.5 eur", "5.5"),
            ("-$5", "-5"),
            ("$-5", "-5"),
            ("1 250,50", "1250,50"),
            ("1\u{a0}250", "1250"),
            ("1,250,000", "1250000"),
            ("1,250", "1,250"),
            ("1,25,0.00", "1,25,0.00"),
            ("free", "free"),
            ("", ""),
        ] {
            assert_eq!(plain_amount(written), plain, "{written}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_digits_stay(text in "\\PC{0,30}") {
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert_eq!(digits(&plain_amount(&text)), digits(&text));
        }
    }
}
