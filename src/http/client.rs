//! The client's address: the peer's, or what a trusted proxy says it is.

use super::limits::FORWARDED_HOPS_MAX;
use actix_web::HttpRequest;
use actix_web::http::header::X_FORWARDED_FOR;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The client's address.
///
/// Each proxy adds to the right of `X-Forwarded-For` whom it heard from, so the list is walked from the
/// right while the speaker is trusted: the first address that is not a proxy of ours is the client.
/// Whatever stands further left was written by the client and is not looked at.
pub(super) fn address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let mut speaker = peer(request);
    for hop in hops(request) {
        if !is_within(speaker, trusted) {
            break;
        }
        let Some(address) = read(&hop) else { break };
        speaker = address;
    }
    speaker
}

/// Whether the peer itself is a proxy of ours.
pub(super) fn is_trusted_peer(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    is_within(peer(request), trusted)
}

fn peer(request: &HttpRequest) -> IpAddr {
    // Without a peer there is no network: a unit test.
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

fn is_within(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// The hops, nearest first.
fn hops(request: &HttpRequest) -> Vec<String> {
    let mut hops: Vec<String> = request
        .headers()
        .get_all(X_FORWARDED_FOR)
        .flat_map(|value| value.to_str().unwrap_or("").split(',').map(|hop| hop.trim().to_owned()))
        .collect();
    hops.reverse();
    hops.truncate(FORWARDED_HOPS_MAX);
    hops
}

/// Reads `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` and `[2001:db8::1]:4711`.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut request = TestRequest::get().peer_addr(peer.parse().unwrap());
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        address(&request.to_http_request(), &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(seen("203.0.113.9:1", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9:1", &["10.0.0.1"]), "203.0.113.9");
    }

    #[test]
    fn what_the_client_wrote_before_the_proxy_is_not_believed() {
        assert_eq!(seen("10.0.0.1:1", &["1.2.3.4, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:1", &["1.2.3.4", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:1", &["10.9.9.9, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
    }

    #[test]
    fn all_forms_of_an_address_are_read_and_rubbish_stops_the_walk() {
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(seen("[fd00::1]:1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("[::ffff:10.0.0.1]:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:1", &[]), "10.0.0.1");
    }
}
