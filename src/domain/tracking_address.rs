//! Addresses of trackers: the names of our own hosts, and whether an address leads to a tracker's door.
//!
//! Addresses are compared as browsers read them: user names, dots, escapes and letters' case make no difference.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use url::Url;

/// The first part of the addresses that send visitors on: campaigns, partners' links, landers' buttons, second hops.
const DOORS: [&str; 4] = ["c", "o", "go", "r"];

/// The door of campaigns.
const CAMPAIGN_DOOR: &str = "c";

/// A host without its port, as it was written.
#[must_use]
pub fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of a bare IPv6 address are no port's: in a host such an address stands in brackets.
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !is_inside(name) => name,
        _ => host,
    }
}

/// Whether a text ends within an IPv6 address.
fn is_inside(text: &str) -> bool {
    text.contains(':') && !text.ends_with(']')
}

/// A host's name in the letters in which names are compared, and its port where it is not the usual one.
fn place(host: &str) -> (Cow<'_, str>, Option<u16>) {
    let name = host_name(host);
    let port = host.get(name.len() + 1..).and_then(|port| port.parse().ok());
    (folded(name), port.filter(|port| !matches!(port, 80 | 443)))
}

fn folded(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The hosts that an installation is known to answer at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnHosts(Vec<(String, Option<u16>)>);

impl OwnHosts {
    /// Adds a host, with its port where it has one of its own.
    pub fn add(&mut self, host: &str) {
        let (name, port) = place(host);
        if !name.is_empty() {
            self.0.push((name.into_owned(), port));
        }
    }

    /// Adds the host of an address; one that cannot be read adds none.
    pub fn add_url(&mut self, url: &str) {
        if let Some((name, port)) = Url::parse(url).ok().as_ref().and_then(place_of) {
            self.0.push((name.into_owned(), port));
        }
    }

    /// Whether an address is one of theirs, or of the host that a request came to.
    #[must_use]
    pub fn have(&self, address: &TrackingAddress, asked: Option<&str>) -> bool {
        let is_same = |name: &str, port: Option<u16>| {
            *name == *address.host && (address.port.is_none() || address.port == port)
        };
        self.0.iter().any(|(name, port)| is_same(name, *port))
            || asked.map(place).is_some_and(|(name, port)| is_same(&name, port))
    }
}

fn place_of(url: &Url) -> Option<(Cow<'_, str>, Option<u16>)> {
    let port = url.port().filter(|port| !matches!(port, 80 | 443));
    Some((folded(url.host_str()?), port))
}

/// An address in the form of a tracker's doors, ours or another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingAddress {
    host: String,
    port: Option<u16>,
    /// The last part of a campaign's address; `None` behind other doors.
    pub slug: Option<String>,
}

impl TrackingAddress {
    /// The place of any address, with its path and its query.
    #[must_use]
    pub fn parted(address: &str) -> Option<(Self, String, String)> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (host, port) = place_of(&url)?;
        let place = Self { host: host.into_owned(), port, slug: None };
        Some((place, url.path().to_owned(), url.query().unwrap_or_default().to_owned()))
    }

    /// Reads an address; `None` where it leads to no tracker's door.
    #[must_use]
    pub fn read(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let (host, port) = place_of(&url)?;
        let path = percent_decode_str(url.path()).decode_utf8_lossy();
        // Decoded dots are taken as browsers take them, and doubled slashes as one.
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            match part {
                ".." => drop(parts.pop()),
                other => parts.push(other),
            }
        }
        let (door, rest) = parts.split_first()?;
        let slug = match rest {
            [slug] if *door == CAMPAIGN_DOOR => Some((*slug).to_owned()),
            _ => None,
        };
        DOORS.contains(door).then(|| Self { host: host.into_owned(), port, slug })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slug(address: &str) -> Option<Option<String>> {
        TrackingAddress::read(address).map(|read| read.slug)
    }

    #[test]
    fn a_campaign_is_known_however_its_address_is_written() {
        for written in [
            "http://trk.example/c/SG",
            "HTTP://x:y@TRK.example.:80/c/SG?x=1#y",
            "http://trk.example//c/SG",
            "http://trk.example/%63/SG",
            "http://trk.example/./c/SG",
            "http://trk.example/x/../c/%53G",
            "http://trk.example\\c\\SG",
            " http:/trk.example/c/\tSG",
        ] {
            let read = TrackingAddress::read(written).expect(written);
            assert_eq!((read.slug.as_deref(), &*read.host, read.port), (Some("SG"), "trk.example", None));
        }
        assert_eq!(slug("https://trk.example/c/"), Some(None));
        assert_eq!(slug("https://trk.example/c/a/b"), Some(None));
        assert_eq!(slug("https://trk.example/go/1"), Some(None));
        for other in ["https://trk.example/", "https://trk.example/card/c/x", "myapp://c/x", "/c/x", ""] {
            assert_eq!(slug(other), None, "{other}");
        }
    }

    #[test]
    fn own_hosts_are_known_by_name_and_by_a_port_of_their_own() {
        let mut own = OwnHosts::default();
        own.add("Trk.example");
        own.add_url("http://10.0.0.1:8080");
        own.add_url("no address");
        let have = |address: &str, asked| own.have(&TrackingAddress::read(address).unwrap(), asked);
        assert!(have("https://trk.example/c/x", None));
        assert!(!have("https://trk.example:8443/c/x", None), "another server on that host");
        assert!(have("http://10.0.0.1:8080/c/x", None));
        assert!(!have("http://other.example/c/x", None));
        assert!(have("http://other.example:81/c/x", Some("Other.example:81")));
        assert!(!have("http://other.example:81/c/x", Some("other.example:82")));
        assert!(have("http://[::1]:81/c/x", Some("[::1]:81")));
    }

    #[test]
    fn a_port_is_no_part_of_a_name() {
        for (host, name) in [
            ("trk.example:8080", "trk.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("::1", "::1"),
            ("", ""),
        ] {
            assert_eq!(host_name(host), name);
        }
    }
}
