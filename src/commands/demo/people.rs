//! Made-up visitors: their devices, addresses and languages. Nobody real: addresses are from the ranges that are kept for
//! documentation.

use super::random::Random;
use crate::domain::bot::BotReason;
use crate::visitor::agent::{self, Agent};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What kind of device; the order of a campaign's mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Android,
    Iphone,
    Tablet,
    Desktop,
}

pub(super) const KINDS: [Kind; 4] = [Kind::Android, Kind::Iphone, Kind::Tablet, Kind::Desktop];

/// Every agent that may click, by kind of device, the usual ones first.
pub(super) struct People {
    kinds: [Vec<Arc<Agent>>; 4],
    crawlers: Vec<Arc<Agent>>,
    nobody: Arc<Agent>,
}

/// Versions of Chrome that are about, the present one first.
const CHROMES: [u32; 6] = [142, 141, 140, 138, 135, 131];

/// Android phones: model, and the name of its build.
const PHONES: [(&str, &str, &str); 10] = [
    ("15", "SM-S921B", "AP3A.240905.015.A2"),
    ("14", "SM-A546B", "UP1A.231005.007"),
    ("14", "SM-A155F", "UP1A.231005.007"),
    ("14", "23090RA98G", "UP1A.231005.007"),
    ("13", "2201117TG", "TKQ1.221114.001"),
    ("14", "CPH2577", "UKQ1.230924.001"),
    ("13", "V2207", "TP1A.220624.014"),
    ("14", "moto g54 5G", "U1TDS34.94-12-9-10"),
    ("15", "Pixel 8", "AP4A.250105.002"),
    ("12", "RMX3511", "SP1A.210812.016"),
];

const CRAWLERS: [&str; 6] = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "python-requests/2.32.3",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "curl/8.5.0",
];

fn android() -> Vec<String> {
    let mut texts: Vec<String> = CHROMES
        .iter()
        .map(|version| {
            format!(
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Mobile Safari/537.36"
            )
        })
        .collect();
    for (android, model, build) in PHONES {
        texts.push(format!(
            "Mozilla/5.0 (Linux; Android {android}; {model} Build/{build}; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/141.0.7390.122 Mobile Safari/537.36"
        ));
        if model.starts_with("SM-") {
            texts.push(format!(
                "Mozilla/5.0 (Linux; Android {android}; {model}) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
            ));
        }
    }
    texts
}

fn iphone() -> Vec<String> {
    let systems =
        [("18_6", "18.6"), ("18_5", "18.5"), ("17_6_1", "17.6"), ("18_3_2", "18.3"), ("16_7_10", "16.6")];
    let mut texts: Vec<String> = systems
        .iter()
        .map(|(system, version)| {
            format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Mobile/15E148 Safari/604.1"
            )
        })
        .collect();
    texts.extend(CHROMES.iter().take(3).map(|version| {
        format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{version}.0.7390.96 Mobile/15E148 Safari/604.1"
        )
    }));
    texts
}

fn tablet() -> Vec<String> {
    vec![
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1".to_owned(),
        "Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36".to_owned(),
        "Mozilla/5.0 (iPad; CPU OS 16_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0.7339.101 Mobile/15E148 Safari/604.1".to_owned(),
    ]
}

fn desktop() -> Vec<String> {
    let windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
    let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)";
    let mut texts = Vec::new();
    for version in CHROMES {
        let chrome = format!("AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36");
        texts.push(format!("{windows} {chrome}"));
        texts.push(format!("{windows} {chrome} Edg/{version}.0.0.0"));
        texts.push(format!("{mac} {chrome}"));
    }
    texts.push(format!("{mac} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15"));
    texts.push("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0".to_owned());
    texts.push("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".to_owned());
    texts.push("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36".to_owned());
    texts
}

impl People {
    /// Reads every agent as a real click's would be read.
    pub(super) fn new() -> Self {
        let read = |texts: Vec<String>| texts.iter().map(|text| agent::of(text)).collect();
        Self {
            kinds: [read(android()), read(iphone()), read(tablet()), read(desktop())],
            crawlers: CRAWLERS.iter().map(|text| agent::of(text)).collect(),
            nobody: agent::of(""),
        }
    }

    /// All agents with their keys, for the table of raw agents.
    pub(super) fn agents(&self) -> Vec<(i64, &str)> {
        let all = self.kinds.iter().flatten().chain(&self.crawlers).chain([&self.nobody]);
        all.map(|agent| (agent.hash, &*agent.text)).collect()
    }

    /// Somebody with a device of a kind.
    pub(super) fn person(&self, random: &mut Random, kind: Kind) -> &Agent {
        let [android, iphone, tablet, desktop] = &self.kinds;
        let agents = match kind {
            Kind::Android => android,
            Kind::Iphone => iphone,
            Kind::Tablet => tablet,
            Kind::Desktop => desktop,
        };
        drawn(random, agents).unwrap_or(&self.nobody)
    }

    /// A machine, and what gives it away.
    pub(super) fn machine(&self, random: &mut Random) -> (&Agent, BotReason) {
        match random.below(100) {
            0..70 => (drawn(random, &self.crawlers).unwrap_or(&self.nobody), BotReason::Crawler),
            70..80 => (&self.nobody, BotReason::EmptyAgent),
            80..92 => (self.person(random, Kind::Android), BotReason::Prefetch),
            _ => (self.person(random, Kind::Desktop), BotReason::Head),
        }
    }
}

fn drawn<'a>(random: &mut Random, agents: &'a [Arc<Agent>]) -> Option<&'a Agent> {
    let at = random.skewed(u64::try_from(agents.len()).unwrap_or(0));
    agents.get(usize::try_from(at).unwrap_or(0)).map(|agent| &**agent)
}

/// An address that belongs to nobody.
pub(super) fn address(random: &mut Random) -> IpAddr {
    let host = u8::try_from(random.between(1, 254)).unwrap_or(1);
    match random.below(6) {
        0 => Ipv4Addr::new(192, 0, 2, host).into(),
        1 => Ipv4Addr::new(198, 51, 100, host).into(),
        2 => Ipv4Addr::new(203, 0, 113, host).into(),
        _ => {
            let [a, b, c, d, e, f] = random.bytes::<6>();
            let pair = |high, low| u16::from_be_bytes([high, low]);
            Ipv6Addr::new(0x2001, 0x0db8, pair(a, b), pair(0, c), 0, 0, pair(d, e), pair(0, f)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::Device;

    #[test]
    fn everybody_is_what_they_seem() {
        let people = People::new();
        let expected = [
            (vec![Device::Mobile], vec!["Android"]),
            (vec![Device::Mobile], vec!["iOS"]),
            (vec![Device::Tablet], vec!["iOS", "Android"]),
            (vec![Device::Desktop], vec!["Windows", "macOS", "Linux", "ChromeOS"]),
        ];
        for (agents, (devices, systems)) in people.kinds.iter().zip(expected) {
            for agent in agents {
                assert!(devices.contains(&agent.device), "{agent:?}");
                assert!(systems.contains(&agent.os.as_deref().unwrap()), "{agent:?}");
                assert!(!agent.is_crawler && agent.browser.is_some(), "{agent:?}");
            }
        }
        assert!(people.crawlers.iter().all(|agent| agent.is_crawler));
    }

    #[test]
    fn addresses_are_for_documentation() {
        let mut random = Random::of(1, 1);
        for _ in 0..500 {
            match address(&mut random) {
                IpAddr::V4(v4) => assert!(v4.is_documentation(), "{v4}"),
                IpAddr::V6(v6) => assert_eq!(v6.segments()[..2], [0x2001, 0x0db8]),
            }
        }
    }
}
