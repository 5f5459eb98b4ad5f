//! The campaign address's parameters, read by the source's token map.

use super::catalog::SourceRoute;
use crate::domain::click::{EXTERNAL_ID_CHARS_MAX, VALUE_CHARS_MAX, cut};
use crate::domain::macros::SUBS;
use crate::domain::money::Money;
use crate::domain::source::AD_PLATFORM_IDS;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Parameters read from one address: more are passed over, so that no visitor can make us work for long.
pub const PARAMS_MAX: usize = 200;

/// utm parameters kept of one click: the five that exist, and some of people's own.
const KEPT_PARAMS_MAX: usize = 20;

/// What an address's parameters mean.
#[derive(Debug, Default)]
pub struct QueryValues<'a> {
    /// The source's own click id.
    pub external_id: Option<Cow<'a, str>>,
    /// The number in the cost parameter.
    pub cost: Option<Money>,
    /// Sub values by slot.
    pub subs: Vec<(u8, Cow<'a, str>)>,
    /// utm and ad-platform ids.
    pub params: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// A value was longer than what is kept.
    pub is_cut: bool,
}

impl<'a> QueryValues<'a> {
    /// Reads a query string. The first of repeated parameters wins; an empty value counts as absent.
    #[must_use]
    pub fn read(query: &'a str, source: Option<&SourceRoute>) -> Self {
        let mut values = Self::default();
        for piece in query.split('&').take(PARAMS_MAX) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            if name.is_empty() || value.is_empty() {
                continue;
            }
            values.take(decode(name), decode(value), source);
        }
        values.subs.sort_by_key(|(slot, _)| *slot);
        values
    }

    fn take(&mut self, name: Cow<'a, str>, value: Cow<'a, str>, source: Option<&SourceRoute>) {
        let mut slot = sub_slot(&name);
        if let Some(source) = source.map(|route| &route.source) {
            let is_named = |param: &Option<String>| param.as_deref() == Some(&*name);
            if is_named(&source.external_id_param) && self.external_id.is_none() {
                self.external_id = Some(self.kept(value.clone(), EXTERNAL_ID_CHARS_MAX));
            }
            if is_named(&source.cost_param) && self.cost.is_none() {
                // A negative cost or a macro that was not replaced is no cost: shown as unknown, not as free.
                self.cost = Money::read(&value).ok().map(|read| read.money).filter(|cost| cost.micros() >= 0);
            }
            if let Some(token) = source.tokens.iter().find(|token| token.param == *name) {
                slot = Some(token.slot);
            }
        }
        if let Some(slot) = slot {
            if !self.subs.iter().any(|(known, _)| *known == slot) {
                let kept = self.kept(value, VALUE_CHARS_MAX);
                self.subs.push((slot, kept));
            }
        } else if (name.starts_with("utm_") || AD_PLATFORM_IDS.contains(&&*name))
            && self.params.len() < KEPT_PARAMS_MAX
            && !self.params.iter().any(|(known, _)| *known == name)
        {
            let (name, value) = (self.kept(name, VALUE_CHARS_MAX), self.kept(value, VALUE_CHARS_MAX));
            self.params.push((name, value));
        }
    }

    fn kept(&mut self, value: Cow<'a, str>, chars_max: usize) -> Cow<'a, str> {
        let (short, is_cut) = cut(&value, chars_max);
        self.is_cut |= is_cut;
        let has_nul = short.contains('\0');
        match value {
            _ if has_nul => Cow::Owned(short.replace('\0', "\u{fffd}")),
            Cow::Borrowed(text) if is_cut => Cow::Borrowed(text.get(..short.len()).unwrap_or(text)),
            Cow::Owned(_) if is_cut => Cow::Owned(short.to_owned()),
            whole => whole,
        }
    }
}

fn sub_slot(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("sub").filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse().ok().filter(|slot| (1..=SUBS).contains(slot))
}

/// Percent-decodes, `+` as a space; bytes that are no UTF-8 become U+FFFD.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// Appends a query to an address, before its fragment.
pub(super) fn with_query(url: &str, query: &str) -> String {
    if query.is_empty() {
        return url.to_owned();
    }
    let (head, fragment) = match url.split_once('#') {
        Some((head, fragment)) => (head, Some(fragment)),
        None => (url, None),
    };
    let joint = if head.contains('?') { '&' } else { '?' };
    let mut joined = format!("{head}{joint}");
    for byte in query.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#') {
            joined.push(char::from(byte));
        } else {
            joined.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Some(fragment) = fragment {
        joined.push('#');
        joined.push_str(fragment);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;
    use crate::domain::source::{Source, Token};
    use proptest::prelude::*;

    fn source() -> SourceRoute {
        let mut source = Source::blank(Currency::USD);
        source.external_id_param = Some("click_id".to_owned());
        source.cost_param = Some("bid".to_owned());
        source.tokens = vec![Token { slot: 1, param: "zone".to_owned(), label: String::new(), theirs: None }];
        SourceRoute { id: 1, source }
    }

    #[test]
    fn parameters_mean_what_the_source_says() {
        let route = source();
        let read = QueryValues::read(
            "click_id=a%20b&bid=0.05&zone=7&zone=8&sub2=x+y&utm_source=n&gclid=g&other=1&sub21=z&sub3=",
            Some(&route),
        );
        assert_eq!(read.external_id.as_deref(), Some("a b"));
        assert_eq!(read.cost, Some(Money::from_micros(50_000)));
        assert_eq!(read.subs, [(1, "7".into()), (2, "x y".into())]);
        assert_eq!(read.params.len(), 2);
        assert!(!read.is_cut);
    }

    #[test]
    fn a_macro_that_was_not_replaced_is_no_cost() {
        let route = source();
        assert_eq!(QueryValues::read("bid={bid}", Some(&route)).cost, None);
        assert_eq!(QueryValues::read("bid=-1", Some(&route)).cost, None);
    }

    #[test]
    fn long_values_are_cut_and_flagged() {
        let query = format!("sub1={}", "ä".repeat(300));
        let read = QueryValues::read(&query, None);
        assert_eq!(read.subs[0].1.chars().count(), VALUE_CHARS_MAX);
        assert!(read.is_cut);
    }

    proptest! {
        #[test]
        fn reading_never_panics(query in "\\PC*") {
            let _ = QueryValues::read(&query, Some(&source()));
        }
    }

    #[test]
    fn the_query_goes_before_the_fragment() {
        assert_eq!(with_query("https://a.example/x", "a=1"), "https://a.example/x?a=1");
        assert_eq!(with_query("https://a.example/?b=2#top", "a=1"), "https://a.example/?b=2&a=1#top");
        assert_eq!(with_query("https://a.example/", "a=\u{e4}\r\n"), "https://a.example/?a=%C3%A4%0D%0A");
    }
}
