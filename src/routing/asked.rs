//! What rules may ask of one click: its record, and what of the request is not kept.

use super::query::decode;
use crate::domain::click::ClickRecord;
use crate::domain::rule::{Fact, NamedFact, Visit};
use crate::domain::tracking_address::host_name;
use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;

/// The headers of a request, as routing asks for them.
pub trait Headers: fmt::Debug {
    /// The first value of a header by its name in small letters, where it is text.
    fn header(&self, name: &str) -> Option<&str>;
}

/// No headers: a click made by ourselves.
#[derive(Clone, Copy, Debug)]
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn header(&self, _: &str) -> Option<&str> {
        None
    }
}

/// A click, as its rules ask it.
pub(super) struct Asked<'a, Text = &'a str> {
    pub(super) record: &'a ClickRecord<Text>,
    pub(super) now_ms: i64,
    pub(super) query: &'a str,
    pub(super) referrer: Option<&'a str>,
    pub(super) headers: &'a dyn Headers,
}

impl<Text: Deref<Target = str>> Asked<'_, Text> {
    /// The first value of a parameter; an empty one counts as absent.
    fn param(&self, wanted: &str) -> Option<Cow<'_, str>> {
        let pairs = self.query.split('&').take(super::query::PARAMS_MAX);
        let mut named =
            pairs.filter_map(|pair| pair.split_once('=')).filter(|(name, _)| decode(name) == wanted);
        named.find(|(_, value)| !value.is_empty()).map(|(_, value)| decode(value))
    }

    fn named(&self, fact: NamedFact) -> Option<&str> {
        let click = self.record;
        match fact {
            NamedFact::Country => click.country.as_ref().map(crate::domain::Country::as_str),
            NamedFact::Region => click.region.as_deref(),
            NamedFact::City => click.city.as_deref(),
            NamedFact::Isp => click.isp.as_deref(),
            NamedFact::Connection => click.connection.as_deref(),
            NamedFact::Device => Some(click.device.as_str()),
            NamedFact::Brand => click.brand.as_deref(),
            NamedFact::Model => click.model.as_deref(),
            NamedFact::Os => click.os.as_deref(),
            NamedFact::OsVersion => click.os_version.as_deref(),
            NamedFact::Browser => click.browser.as_deref(),
            NamedFact::BrowserVersion => click.browser_version.as_deref(),
            NamedFact::Language => click.language.as_ref().map(crate::domain::Language::as_str),
            NamedFact::Referrer => self.referrer,
            NamedFact::ReferrerHost => click.referrer_host.as_deref(),
            NamedFact::UserAgent => Some(&*click.agent),
            NamedFact::Domain => click.domain.as_deref().map(host_name),
            NamedFact::ExternalId => click.external_id.as_deref(),
            NamedFact::Asn
            | NamedFact::Address
            | NamedFact::DayOfWeek
            | NamedFact::Hour
            | NamedFact::Unique
            | NamedFact::Bot => None,
        }
    }
}

impl<Text: Deref<Target = str>> Visit for Asked<'_, Text> {
    fn text(&self, fact: &Fact) -> Option<Cow<'_, str>> {
        match fact {
            Fact::Named(named) => self.named(*named).map(Cow::Borrowed),
            Fact::Sub(slot) => self.record.sub(*slot).map(Cow::Borrowed),
            Fact::Query(name) => self.param(name),
            Fact::Header(name) => self.headers.header(name).map(Cow::Borrowed),
        }
    }

    fn address(&self) -> IpAddr {
        self.record.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    fn asn(&self) -> Option<i64> {
        self.record.asn
    }

    fn at_ms(&self) -> i64 {
        self.now_ms
    }

    fn is_unique(&self) -> bool {
        self.record.is_unique
    }

    fn is_bot(&self) -> bool {
        self.record.bot.is_some()
    }
}
