//! Who is this: address -> place and network, user agent -> device, bot or not, unique or not.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::{BotReason, Language};

mod address_counts;
pub mod agent;
mod bot_switches;
mod bots;
pub mod country;
mod data_centres;
mod geo;
mod keeper;
mod unique;
mod visitor_log;

use address_counts::AddressCounts;
pub use agent::{Agent, Hints};
pub use bot_switches::{AddressLimit, BotSwitches, LIMIT_CLICKS, LIMIT_MINUTES};
pub use bots::{Signals, judge};
pub use geo::{Geo, GeoError, GeoFiles, Place};
pub use keeper::keep;
pub use unique::{Uniques, VISITORS_MAX};
pub use visitor_log::VisitorLog;

/// A referrer's host is kept to this length: longer ones than 253 bytes do not exist in the domain name system.
pub const HOST_BYTES_MAX: usize = 255;

/// What arrives with a click and tells of its visitor.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The visitor's own address, not a proxy's.
    pub address: IpAddr,
    /// `User-Agent`, empty where there is none.
    pub agent_text: &'a str,
    /// What the browser says beside it.
    pub hints: Hints<'a>,
    /// `Referer`.
    pub referrer: Option<&'a str>,
    /// `Accept-Language`.
    pub accept_language: Option<&'a str>,
    /// What tells a machine.
    pub signals: Signals<'a>,
}

/// The visitor's facts, as far as the request alone tells them.
#[derive(Debug, Clone)]
pub struct Described<'a> {
    /// Where the visitor is, and whose network that is.
    pub place: Place,
    /// Device, system and browser.
    pub agent: Arc<Agent>,
    /// Why it is no person's click, if it is not.
    pub bot: Option<BotReason>,
    /// The first of the languages that the browser asks for.
    pub language: Option<Language>,
    /// Where the visitor came from: a host in small letters.
    pub referrer_host: Option<Cow<'a, str>>,
}

/// Describes visitors and remembers who was here. One per process, shared by its threads.
#[derive(Default)]
pub struct Visitor {
    /// Who was here before.
    pub uniques: Uniques,
    /// Where addresses are.
    pub geo: Arc<Geo>,
    /// How much addresses click, where that is asked.
    addresses: AddressCounts,
}

impl Visitor {
    /// Begins with these, and has the agent patterns prepared in the background.
    #[must_use]
    pub fn new(geo: Arc<Geo>, uniques: Uniques) -> Self {
        agent::warm_up();
        Self { uniques, geo, addresses: AddressCounts::default() }
    }

    /// Everything that the request says about its visitor, with the guesses that are switched on.
    #[must_use]
    pub fn describe<'a>(&self, arrival: &Arrival<'a>, switches: BotSwitches, now_ms: i64) -> Described<'a> {
        let agent = agent::with_hints(arrival.agent_text, &arrival.hints);
        let place = self.geo.place(arrival.address);
        let bot = judge(&arrival.signals, &agent);
        Described {
            bot: bot.or_else(|| self.suspect(arrival.address, &place, switches, now_ms)),
            place,
            agent,
            language: arrival.accept_language.and_then(first_language),
            referrer_host: arrival.referrer.and_then(host),
        }
    }

    /// What is switched on to be guessed of a visitor whom nothing else gives away. Only such clicks count for an
    /// address: a browser that loads ahead makes no crowd of its owner.
    fn suspect(
        &self,
        address: IpAddr,
        place: &Place,
        switches: BotSwitches,
        now_ms: i64,
    ) -> Option<BotReason> {
        if switches.data_centres && place.asn().is_some_and(data_centres::has) {
            return Some(BotReason::DataCentre);
        }
        let limit = switches.address_limit?;
        let count = self.addresses.count(address, now_ms, limit.minutes);
        (count > limit.clicks).then_some(BotReason::TooManyClicks)
    }
}

/// The language of the first tag: `pt` of `pt-BR,pt;q=0.9,en;q=0.8`.
fn first_language(accept_language: &str) -> Option<Language> {
    Language::parse(accept_language.split([',', ';']).next()?.trim())
}

/// The host of an address, in small letters, without user, port and final dot; `None` where there is none or it holds
/// what no host holds. App referrers (`android-app://com.example`) have the app's name there.
fn host(referrer: &str) -> Option<Cow<'_, str>> {
    let (_, rest) = referrer.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let place = authority.rsplit('@').next()?;
    let host = match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => place.split(':').next()?,
    };
    let host = host.trim_end_matches('.');
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    let host = host.get(..HOST_BYTES_MAX).unwrap_or(host);
    let has_capitals = host.bytes().any(|byte| byte.is_ascii_uppercase());
    Some(if has_capitals { Cow::Owned(host.to_ascii_lowercase()) } else { Cow::Borrowed(host) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Device;

    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 \
        (KHTML, like Gecko) Version/17.4.1 Mobile/15E148 Safari/604.1";

    fn arrival(agent_text: &'static str) -> Arrival<'static> {
        Arrival {
            address: IpAddr::from([8, 8, 8, 8]),
            agent_text,
            hints: Hints::default(),
            referrer: Some("https://WWW.Example.com:8443/page?q=1"),
            accept_language: Some("pt-BR,pt;q=0.9,en;q=0.8"),
            signals: Signals::default(),
        }
    }

    #[test]
    fn describes_a_visitor() {
        let described = Visitor::default().describe(&arrival(PHONE), BotSwitches::default(), 0);
        assert_eq!(described.place.country.unwrap().as_str(), "US");
        assert_eq!(described.agent.device, Device::Mobile);
        assert_eq!(described.bot, None);
        assert_eq!(described.language.unwrap().as_str(), "pt");
        assert_eq!(described.referrer_host.as_deref(), Some("www.example.com"));
    }

    #[test]
    fn too_many_clicks_of_an_address_are_a_machine_s_only_where_that_is_switched_on() {
        let visitor = Visitor::default();
        let bot = |switches, agent_text, now_ms| visitor.describe(&arrival(agent_text), switches, now_ms).bot;
        let limit = AddressLimit { clicks: 3, minutes: 1 };
        let on = BotSwitches { address_limit: Some(limit), ..BotSwitches::default() };
        assert!((0..10).all(|_| bot(BotSwitches::default(), PHONE, 0).is_none()));
        assert!((0..10).all(|_| bot(on, "curl/8.5.0", 0) == Some(BotReason::Crawler)));
        assert!((0..3).all(|_| bot(on, PHONE, 0).is_none()));
        assert_eq!(bot(on, PHONE, 59_000), Some(BotReason::TooManyClicks));
        assert_eq!(bot(on, PHONE, 60_000), None, "the next minute");
        assert_eq!(bot(BotSwitches::default(), PHONE, 59_000), None);
    }

    #[test]
    fn describes_a_visitor_who_says_nothing() {
        let nothing = Arrival {
            address: IpAddr::from([10, 0, 0, 1]),
            agent_text: "",
            hints: Hints::default(),
            referrer: None,
            accept_language: None,
            signals: Signals::default(),
        };
        let described = Visitor::default().describe(&nothing, BotSwitches::default(), 0);
        assert_eq!(
            (described.place.country, described.language, described.referrer_host),
            (None, None, None)
        );
        assert_eq!(described.bot, Some(BotReason::EmptyAgent));
    }

    #[test]
    fn the_host_of_a_referrer() {
        for (referrer, expected) in [
            ("http://a.example/", Some("a.example")),
            ("https://user:secret@A.Example.:80/x", Some("a.example")),
            ("https://b.example?x=://c.example", Some("b.example")),
            ("android-app://com.google.android.gm/", Some("com.google.android.gm")),
            ("https://[2001:DB8::1]:443/", Some("2001:db8::1")),
            ("https://xn--bcher-kva.example/", Some("xn--bcher-kva.example")),
            ("https://", None),
            ("about:blank", None),
            ("a.example/page", None),
            ("https://a b/", None),
            ("https://b\u{fc}cher.example/", None),
            ("", None),
        ] {
            assert_eq!(host(referrer).as_deref(), expected, "{referrer}");
        }
        assert_eq!(host(&format!("http://{}/", "a".repeat(400))).unwrap().len(), HOST_BYTES_MAX);
    }

    #[test]
    fn the_first_language() {
        for (header, expected) in [
            ("en-US,en;q=0.9", Some("en")),
            ("de", Some("de")),
            (" fil;q=1", Some("fil")),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(
                first_language(header).map(|language| language.to_string()).as_deref(),
                expected,
                "{header}"
            );
        }
    }
}
