//! Ranges of addresses: sorted and merged, so that a look-up is one binary search however many there are.

use ipnet::IpNet;
use std::net::IpAddr;

/// A set of address ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    v4: Box<[(u32, u32)]>,
    v6: Box<[(u128, u128)]>,
}

impl Ranges {
    /// Of single addresses and networks.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(net) => v4.push((u32::from(net.network()), u32::from(net.broadcast()))),
                IpNet::V6(net) => v6.push((u128::from(net.network()), u128::from(net.broadcast()))),
            }
        }
        Self { v4: merged(v4), v6: merged(v6) }
    }

    /// Whether an address lies in one of them. An IPv4 address written as IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => is_within(&self.v4, u32::from(address)),
            IpAddr::V6(address) => is_within(&self.v6, u128::from(address)),
        }
    }
}

/// Reads an address or a network: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let single = text.parse::<IpAddr>().ok().map(|address| IpNet::from(address.to_canonical()));
    single.or_else(|| text.parse::<IpNet>().ok().map(|network| network.trunc()))
}

fn merged<T: Copy + Ord>(mut ranges: Vec<(T, T)>) -> Box<[(T, T)]> {
    ranges.sort_unstable();
    let mut kept: Vec<(T, T)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match kept.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => kept.push((start, end)),
        }
    }
    kept.into()
}

fn is_within<T: Copy + Ord>(ranges: &[(T, T)], wanted: T) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= wanted);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|(_, end)| wanted <= *end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    #[test]
    fn both_families_are_found() {
        let nets = ["10.0.0.0/8", "203.0.113.7", "2001:db8::/32"].map(|text| network(text).unwrap());
        let ranges = Ranges::new(nets);
        for (address, is_inside) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("::ffff:10.0.0.1", true),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::", false),
        ] {
            assert_eq!(ranges.contains(address.parse().unwrap()), is_inside, "{address}");
        }
        assert!(!Ranges::default().contains(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    proptest! {
        #[test]
        fn merging_changes_nothing(nets in prop::collection::vec((0_u32..4_096, 20_u8..=32), 0..20), wanted in 0_u32..4_200) {
            let nets: Vec<IpNet> = nets
                .into_iter()
                .map(|(address, prefix)| IpNet::new(Ipv4Addr::from(address).into(), prefix).unwrap().trunc())
                .collect();
            let wanted = IpAddr::from(Ipv4Addr::from(wanted));
            prop_assert_eq!(Ranges::new(nets.clone()).contains(wanted), nets.iter().any(|net| net.contains(&wanted)));
        }
    }
}
