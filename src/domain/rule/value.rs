//! One value of a condition, read into the form in which it is kept.

use super::compare::is_number;
use super::fact::{Fact, Kind, NamedFact, Op};
use super::pattern::Pattern;
use super::ranges;
use crate::domain::click::{EXTERNAL_ID_CHARS_MAX, VALUE_CHARS_MAX};
use crate::domain::input::{self, Reading};
use crate::domain::{Country, Device, Language};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The value that stands for a fact that is not known: no country, no referrer.
pub const UNKNOWN: &str = "(unknown)";

/// The days, from Monday.
pub(super) const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The time zone of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Reads an IANA name; `None` where no zone has it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        name.trim().parse().ok().map(Self)
    }

    /// The IANA name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The day of week (0 is Monday) and the hour that clocks there show.
    pub(super) fn day_and_hour(self, unix_ms: i64) -> (u32, u32) {
        use chrono::{Datelike as _, Timelike as _};
        let utc = chrono::DateTime::from_timestamp_millis(unix_ms).unwrap_or_default();
        let local = utc.with_timezone(&self.0);
        (local.weekday().num_days_from_monday(), local.hour())
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::domain::words::read_word(deserializer, Self::parse, "the name of a time zone")
    }
}

/// Reads one value as this fact and operator take it.
pub(super) fn read(value: &Value, fact: &Fact, op: Op) -> Reading<String> {
    let chars_max = match (op, fact) {
        (Op::Matches, _) => super::PATTERN_CHARS_MAX + 1,
        (_, Fact::Named(NamedFact::ExternalId | NamedFact::Referrer | NamedFact::UserAgent)) => {
            EXTERNAL_ID_CHARS_MAX
        }
        _ => VALUE_CHARS_MAX,
    };
    let text = match value {
        Value::Bool(flag) => flag.to_string(),
        other => input::line(other, chars_max)?,
    };
    if text.is_empty() {
        return Err(format!("Write a value; {UNKNOWN} stands for what is not known"));
    }
    match op {
        Op::Matches => return Pattern::parse(&text).map(|_| text).map_err(|error| error.to_string()),
        Op::Contains => return Ok(text),
        Op::Greater | Op::Less if fact.kind() == Kind::Open => {
            return if is_number(&text) { Ok(text) } else { Err("Write a number, like 0.05".to_owned()) };
        }
        _ => {}
    }
    if text.eq_ignore_ascii_case(UNKNOWN) {
        return unknown(fact, op);
    }
    by_kind(&text, fact.kind())
}

fn unknown(fact: &Fact, op: Op) -> Reading<String> {
    let is_always_known =
        matches!(fact.kind(), Kind::Address | Kind::Day | Kind::Hour | Kind::Flag | Kind::Device);
    if is_always_known || !matches!(op, Op::Is | Op::IsNot | Op::In | Op::NotIn) {
        return Err(format!("The {} is always known: write a value of it", fact.label()));
    }
    Ok(UNKNOWN.to_owned())
}

fn by_kind(text: &str, kind: Kind) -> Reading<String> {
    match kind {
        Kind::Text | Kind::Open => Ok(text.to_owned()),
        Kind::Country => Country::find(text).map(|country| country.as_str().to_owned()).ok_or_else(|| {
            format!("{text:?} is no country: write two letters, like DE, or its English name")
        }),
        Kind::Device => Device::parse(&text.to_ascii_lowercase())
            .map(|device| device.as_str().to_owned())
            .ok_or_else(|| format!("{text:?} is no device: write one of {}", Device::choices())),
        Kind::Language => Language::parse(text)
            .map(|language| language.to_string())
            .ok_or_else(|| format!("{text:?} is no language: write its letters, like de or fil")),
        Kind::Version if text.bytes().next().is_some_and(|b| b.is_ascii_digit()) => Ok(text.to_owned()),
        Kind::Version => Err(format!("{text:?} is no version: write numbers with dots, like 17.4")),
        Kind::Asn => asn(text)
            .map(|number| number.to_string())
            .ok_or_else(|| format!("{text:?} is no network's number: write it like 3320 or AS3320")),
        Kind::Address => ranges::network(text).map(network_text).ok_or_else(|| {
            format!("{text:?} is no address: write one like 203.0.113.7, or a range like 203.0.113.0/24")
        }),
        Kind::Day => day(text)
            .and_then(|day| DAYS.get(day))
            .map(|day| (*day).to_owned())
            .ok_or_else(|| format!("{text:?} is no day: write one of {}", DAYS.join(", "))),
        Kind::Hour => hours(text)
            .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") })
            .ok_or_else(|| format!("{text:?} is no hour: write 0 to 23, or a span like 22-5")),
        Kind::Flag => flag(text).map(|flag| flag.to_string()).ok_or_else(|| "Write true or false".to_owned()),
    }
}

/// A network's number, with or without `AS` before it.
pub(super) fn asn(text: &str) -> Option<i64> {
    let text = text.trim();
    let has_letters = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("as"));
    let digits = if has_letters { text.get(2..)? } else { text };
    digits.parse::<u32>().ok().map(i64::from)
}

/// A single address is written without its length.
pub(super) fn network_text(network: ipnet::IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

/// The number of a day, 0 for Monday: by its name, its first three letters, or 1 to 7.
pub(super) fn day(text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    if let Ok(number) = text.parse::<usize>() {
        return number.checked_sub(1).filter(|day| *day < DAYS.len());
    }
    DAYS.iter().position(|day| *day == text || (text.len() == 3 && day.starts_with(&text)))
}

/// An hour, or a span of hours with both ends in it; a span may go over midnight.
pub(super) fn hours(text: &str) -> Option<(u32, u32)> {
    let hour = |text: &str| text.trim().parse::<u32>().ok().filter(|hour| *hour < 24);
    match text.split_once(['-', '\u{2013}']) {
        Some((from, to)) => Some((hour(from)?, hour(to)?)),
        None => hour(text).map(|hour| (hour, hour)),
    }
}

/// Yes or no.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}
