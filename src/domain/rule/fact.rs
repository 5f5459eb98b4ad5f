//! What a condition may ask of a visitor, and by which operators.

use crate::domain::input::WORD_CHARS_MAX;
use crate::domain::macros::SUBS;
use crate::domain::words::word_enum;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

word_enum! {
    /// The facts that have a name of their own.
    pub enum NamedFact {
        /// Country.
        Country => "country",
        /// Region.
        Region => "region",
        /// City.
        City => "city",
        /// The network's name.
        Isp => "isp",
        /// The network's number.
        Asn => "asn",
        /// The kind of connection.
        Connection => "connection",
        /// The kind of device.
        Device => "device",
        /// The device's maker.
        Brand => "brand",
        /// The device's model.
        Model => "model",
        /// The operating system.
        Os => "os",
        /// Its version.
        OsVersion => "os_version",
        /// The browser.
        Browser => "browser",
        /// Its version.
        BrowserVersion => "browser_version",
        /// The browser's first language.
        Language => "language",
        /// The whole referring address.
        Referrer => "referrer",
        /// Its host.
        ReferrerHost => "referrer_host",
        /// The user agent.
        UserAgent => "user_agent",
        /// The tracking host that was clicked on, without its port.
        Domain => "domain",
        /// The source's own click id.
        ExternalId => "external_id",
        /// The visitor's address.
        Address => "address",
        /// The day of week.
        DayOfWeek => "day_of_week",
        /// The hour of the day.
        Hour => "hour",
        /// The visitor's first click in the campaign's window.
        Unique => "unique",
        /// The click is held to be a machine's.
        Bot => "bot",
    }
}

word_enum! {
    /// How a fact is compared with values.
    pub enum Op {
        /// It is one of them.
        Is => "is",
        /// It is none of them.
        IsNot => "is_not",
        /// One of them stands in it.
        Contains => "contains",
        /// One of them, a regular expression, fits.
        Matches => "matches",
        /// It is one of them, or on a list.
        In => "in",
        /// It is none of them, and on no list.
        NotIn => "not_in",
        /// It is greater than the one value.
        Greater => "greater",
        /// It is less than the one value.
        Less => "less",
    }
}

impl Op {
    /// Holds where the values do not.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(self, Self::IsNot | Self::NotIn)
    }
}

/// What kind of thing a fact is: decides what it may be compared with, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A country.
    Country,
    /// A kind of device.
    Device,
    /// A language.
    Language,
    /// A text.
    Text,
    /// A text from outside, which may be a number.
    Open,
    /// A version: numbers with dots between them.
    Version,
    /// A network's number.
    Asn,
    /// An address.
    Address,
    /// A day of week.
    Day,
    /// An hour of the day.
    Hour,
    /// Yes or no.
    Flag,
}

const EQUAL: &[Op] = &[Op::Is, Op::IsNot, Op::In, Op::NotIn];
const TEXT: &[Op] = &[Op::Is, Op::IsNot, Op::Contains, Op::Matches, Op::In, Op::NotIn];
const ORDERED: &[Op] = &[Op::Is, Op::IsNot, Op::In, Op::NotIn, Op::Greater, Op::Less];

impl Kind {
    /// The operators that make sense.
    #[must_use]
    pub const fn ops(self) -> &'static [Op] {
        match self {
            Self::Country | Self::Device | Self::Language | Self::Asn | Self::Address | Self::Day => EQUAL,
            Self::Text => TEXT,
            Self::Open | Self::Version => Op::ALL,
            Self::Hour => ORDERED,
            Self::Flag => &[Op::Is, Op::IsNot],
        }
    }
}

/// A fact: what is asked of the visitor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// One with a name of its own.
    Named(NamedFact),
    /// A sub value, 1 to 20: `sub1`.
    Sub(u8),
    /// A parameter of the campaign's address by its name: `query:zone`.
    Query(Box<str>),
    /// A request header by its name in small letters: `header:x-requested-with`.
    Header(Box<str>),
}

impl Fact {
    /// Reads a fact; `None` where there is none of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(named) = NamedFact::parse(text) {
            return Some(Self::Named(named));
        }
        if let Some(name) = text.strip_prefix("query:") {
            let name = name.trim();
            let is_name = !name.is_empty()
                && name.chars().count() <= WORD_CHARS_MAX
                && !name.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '&' | '=' | '#'));
            return is_name.then(|| Self::Query(name.into()));
        }
        if let Some(name) = text.strip_prefix("header:") {
            let name = name.trim();
            let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            let is_name = !name.is_empty() && name.len() <= WORD_CHARS_MAX && name.bytes().all(is_letter);
            return is_name.then(|| Self::Header(name.to_ascii_lowercase().into()));
        }
        let digits = text.strip_prefix("sub").filter(|digits| !digits.starts_with(['0', '+']))?;
        digits.parse().ok().filter(|slot| (1..=SUBS).contains(slot)).map(Self::Sub)
    }

    /// What kind of thing it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Sub(_) | Self::Query(_) | Self::Header(_) => Kind::Open,
            Self::Named(named) => match named {
                NamedFact::Country => Kind::Country,
                NamedFact::Device => Kind::Device,
                NamedFact::Language => Kind::Language,
                NamedFact::Asn => Kind::Asn,
                NamedFact::Address => Kind::Address,
                NamedFact::OsVersion | NamedFact::BrowserVersion => Kind::Version,
                NamedFact::DayOfWeek => Kind::Day,
                NamedFact::Hour => Kind::Hour,
                NamedFact::Unique | NamedFact::Bot => Kind::Flag,
                _ => Kind::Text,
            },
        }
    }

    /// Its name in a sentence: `OS version`, `parameter zone`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Named(named) => match named {
                NamedFact::Isp => "ISP".to_owned(),
                NamedFact::Asn => "ASN".to_owned(),
                NamedFact::Os => "OS".to_owned(),
                NamedFact::OsVersion => "OS version".to_owned(),
                NamedFact::DayOfWeek => "day of week".to_owned(),
                other => other.as_str().replace('_', " "),
            },
            Self::Sub(slot) => format!("sub{slot}"),
            Self::Query(name) => format!("parameter {name}"),
            Self::Header(name) => format!("header {name}"),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => f.write_str(named.as_str()),
            Self::Sub(slot) => write!(f, "sub{slot}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::domain::words::read_word(deserializer, Self::parse, "the name of a fact")
    }
}
