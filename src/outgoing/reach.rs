//! Which addresses may be called: hosts of the public internet, and by a setting those of the own network.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges that no host of the public internet has, each with the word it is called by.
/// Source: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890 and its updates).
const SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0/8", "an unspecified"),
    ("10.0.0.0/8", "a private"),
    ("100.64.0.0/10", "a provider's inner"),
    ("127.0.0.0/8", "a loopback"),
    ("169.254.0.0/16", "a link-local"),
    ("172.16.0.0/12", "a private"),
    ("192.0.0.0/24", "a protocol's"),
    ("192.0.2.0/24", "a documentation"),
    ("192.88.99.0/24", "a relay's"),
    ("192.168.0.0/16", "a private"),
    ("198.18.0.0/15", "a benchmark's"),
    ("198.51.100.0/24", "a documentation"),
    ("203.0.113.0/24", "a documentation"),
    ("224.0.0.0/4", "a multicast"),
    ("240.0.0.0/4", "a reserved"),
    ("::/128", "an unspecified"),
    ("::1/128", "a loopback"),
    ("64:ff9b:1::/48", "a private"),
    ("100::/64", "a discarded"),
    ("2001::/23", "a protocol's"),
    ("2001:db8::/32", "a documentation"),
    ("3fff::/20", "a documentation"),
    ("5f00::/16", "a routing"),
    ("fc00::/7", "a private"),
    ("fe80::/10", "a link-local"),
    ("fec0::/10", "a private"),
    ("ff00::/8", "a multicast"),
];

/// The ranges, read once.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    special: Vec<(IpNet, &'static str)>,
    may_be_private: bool,
}

impl Reach {
    /// `may_be_private`: every address may be called.
    pub(super) fn new(may_be_private: bool) -> Self {
        let special = SPECIAL.iter().filter_map(|(range, kind)| Some((range.parse().ok()?, *kind))).collect();
        Self { special, may_be_private }
    }

    /// What kind of address it is where it may not be called.
    pub(super) fn refused(&self, address: IpAddr) -> Option<&'static str> {
        if self.may_be_private { None } else { self.kind(address) }
    }

    fn kind(&self, address: IpAddr) -> Option<&'static str> {
        let own = self.special.iter().find(|(range, _)| range.contains(&address)).map(|(_, kind)| *kind);
        own.or_else(|| match address {
            IpAddr::V6(v6) => inner(v6).and_then(|v4| self.kind(IpAddr::V4(v4))),
            IpAddr::V4(_) => None,
        })
    }
}

/// The IPv4 address that an IPv6 one leads to: mapped, compatible, translated (NAT64) or 6to4.
fn inner(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_is_read() {
        assert_eq!(Reach::new(false).special.len(), SPECIAL.len());
    }

    #[test]
    fn public_addresses_may_be_called() {
        let reach = Reach::new(false);
        for address in
            ["1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            assert_eq!(reach.refused(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn inner_addresses_may_not_be_called_in_whatever_disguise() {
        let reach = Reach::new(false);
        for address in [
            "127.0.0.1",
            "127.255.0.3",
            "0.0.0.0",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "2002:c0a8:1::1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "2001:0:53aa::1",
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert!(reach.refused(address).is_some(), "{address}");
            assert_eq!(Reach::new(true).refused(address), None, "{address}");
        }
    }
}
