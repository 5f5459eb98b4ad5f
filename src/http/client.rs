//! The client's address: the peer's, or what a trusted proxy says it is.

use super::limits::FORWARDED_HOPS_MAX;
use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The header in which the proxies say whom they heard from. One of them and never both: a proxy overwrites or adds to
/// the one that it knows and hands the other through as the client wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Proxies of ours, and how they speak.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Whose word counts.
    pub trusted: Vec<IpNet>,
    /// In which header.
    pub header: ProxyHeader,
}

impl Proxies {
    /// The client's address.
    ///
    /// Each proxy adds to the right of its header whom it heard from, so the list is walked from the right while the
    /// speaker is trusted: the first address that is not a proxy of ours is the client. Whatever stands further left was
    /// written by the client and is not looked at.
    #[must_use]
    pub fn client(&self, request: &HttpRequest) -> IpAddr {
        let mut speaker = peer(request);
        if !self.trusts(speaker) {
            return speaker;
        }
        for hop in self.hops(request).take(FORWARDED_HOPS_MAX) {
            let Some(address) = hop.and_then(read) else { break };
            speaker = address;
            if !self.trusts(speaker) {
                break;
            }
        }
        speaker
    }

    /// Whether a proxy of ours says that its client came by https.
    #[must_use]
    pub fn is_https(&self, request: &HttpRequest) -> bool {
        if !self.trusts(peer(request)) {
            return false;
        }
        let said = match self.header {
            ProxyHeader::XForwardedFor => entries(request, X_FORWARDED_PROTO.clone()).next(),
            ProxyHeader::Forwarded => {
                entries(request, FORWARDED).next().and_then(|entry| parameter(entry, "proto"))
            }
        };
        said.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https"))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// What each hop says, nearest first; `None` for one that names nobody.
    fn hops<'a>(&self, request: &'a HttpRequest) -> impl Iterator<Item = Option<&'a [u8]>> {
        let header = self.header;
        let name = match header {
            ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
            ProxyHeader::Forwarded => FORWARDED,
        };
        entries(request, name).map(move |entry| match header {
            ProxyHeader::XForwardedFor => Some(entry),
            ProxyHeader::Forwarded => parameter(entry, "for"),
        })
    }
}

fn peer(request: &HttpRequest) -> IpAddr {
    // Without a peer there is no network: a unit test.
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip().to_canonical())
}

/// The entries of a header that may come in several lines, the last first. Nothing is copied, and nothing left of what
/// is asked for is looked at: a client may have written anything there, in any number of lines.
fn entries(request: &HttpRequest, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = request.headers().get_all(&name).count();
    let nearest = (lines.saturating_sub(FORWARDED_HOPS_MAX)..lines).rev();
    nearest
        .filter_map(move |at| request.headers().get_all(&name).nth(at))
        .flat_map(|line| FromTheRight { rest: Some(line.as_bytes()), separator: b',' })
}

/// Cuts a text at a separator, from the right, but not within quotes. From the right, because that end is the nearest
/// proxy's: a quote that a client opened further left and never closed hides nothing of it.
struct FromTheRight<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Iterator for FromTheRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        let mut is_quoted = false;
        let cut = (0..text.len()).rev().find(|at| {
            is_quoted ^= is_quote(text, *at);
            text.get(*at) == Some(&self.separator) && !is_quoted
        });
        match cut.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
            Some((left, entry)) => {
                self.rest = Some(left);
                Some(entry.trim_ascii())
            }
            None => Some(text.trim_ascii()),
        }
    }
}

/// Whether a quotation begins or ends here: a quote behind a backslash is a letter of what is quoted.
fn is_quote(text: &[u8], at: usize) -> bool {
    let escapes =
        || text.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == b'\\').count();
    text.get(at) == Some(&b'"') && escapes() % 2 == 0
}

/// The value of a parameter of an entry of `Forwarded`: `for` of `for="[2001:db8::1]:4711";proto=https`, unquoted.
fn parameter<'a>(entry: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut pairs = FromTheRight { rest: Some(entry), separator: b';' };
    pairs.find_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (known, value) = pair.split_at_checked(at)?;
        let value = value.strip_prefix(b"=")?.trim_ascii();
        let is_it = known.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        is_it.then_some(unquoted.unwrap_or(value))
    })
}

/// Reads `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::1` and `[2001:db8::1]:4711`.
fn read(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?;
    let bare = hop.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    fn proxies(header: ProxyHeader) -> Proxies {
        Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()], header }
    }

    fn request(peer: &str, name: &HeaderName, lines: &[&[u8]]) -> HttpRequest {
        let mut request = TestRequest::get().peer_addr(peer.parse().unwrap());
        for line in lines {
            request = request.append_header((name.clone(), HeaderValue::from_bytes(line).unwrap()));
        }
        request.to_http_request()
    }

    fn seen(peer: &str, lines: &[&str]) -> String {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        proxies(ProxyHeader::XForwardedFor).client(&request(peer, &X_FORWARDED_FOR, &lines)).to_string()
    }

    fn forwarded(lines: &[&str]) -> String {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        proxies(ProxyHeader::Forwarded).client(&request("10.0.0.1:1", &FORWARDED, &lines)).to_string()
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
        let written: &[u8] = b"\xff\xfe, \"unclosed, 198.51.100.1";
        let request = request("10.0.0.1:1", &X_FORWARDED_FOR, &[b"\xff", written]);
        let client = proxies(ProxyHeader::XForwardedFor).client(&request);
        assert_eq!(client.to_string(), "198.51.100.1", "bytes that are no text hide nothing to their right");
    }

    #[test]
    fn all_forms_of_an_address_are_read_and_rubbish_stops_the_walk() {
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(seen("[fd00::1]:1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1:1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("[::ffff:10.0.0.1]:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1, "]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:1", &["198.51.100.1, fe80::1%eth0, 10.0.0.3"]), "10.0.0.3");
        assert_eq!(seen("10.0.0.1:1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_walk_has_an_end() {
        let inside = ["10.0.0.7"; 400].join(",");
        assert_eq!(seen("10.0.0.1:1", &[&format!("198.51.100.1,{inside}")]), "10.0.0.7");
        let lines = vec!["10.0.0.7"; 90];
        assert_eq!(seen("10.0.0.1:1", &[&["198.51.100.1"], lines.as_slice()].concat()), "10.0.0.7");
    }

    #[test]
    fn the_standard_s_header_is_read_where_the_proxies_speak_it() {
        for (line, client) in [
            ("for=198.51.100.1", "198.51.100.1"),
            ("For=\"198.51.100.1:4711\";proto=https;by=10.0.0.1", "198.51.100.1"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:DB8::1]\" ; host=\"a;b,c\"", "2001:db8::1"),
            ("for=[2001:db8::1]", "2001:db8::1"),
            ("for=1.2.3.4, for=198.51.100.1, for=10.0.0.9", "198.51.100.1"),
            ("for=\"1.2.3.4, for=198.51.100.1", "198.51.100.1"),
            ("for=1.2.3.4;x=\"\\\", for=198.51.100.1;proto=http", "198.51.100.1"),
            ("for=1.2.3.4, for=198.51.100.1;host=\"a\\\"b\"", "198.51.100.1"),
            ("for=1.2.3.4, for=unknown", "10.0.0.1"),
            ("for=1.2.3.4, for=_hidden", "10.0.0.1"),
            ("for=1.2.3.4, proto=https", "10.0.0.1"),
            ("for=1.2.3.4, for=\"198.51.100.1", "10.0.0.1"),
            ("for", "10.0.0.1"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(forwarded(&[line]), client, "{line}");
        }
        assert_eq!(forwarded(&["for=1.2.3.4", "for=198.51.100.1", "for=10.0.0.9"]), "198.51.100.1");
    }

    #[test]
    fn the_header_that_the_proxies_do_not_speak_is_the_client_s_own() {
        let both = TestRequest::get()
            .peer_addr("10.0.0.1:1".parse().unwrap())
            .append_header((X_FORWARDED_FOR, "1.1.1.1"))
            .append_header((FORWARDED, "for=2.2.2.2;proto=https"))
            .to_http_request();
        let (plain, standard) = (proxies(ProxyHeader::XForwardedFor), proxies(ProxyHeader::Forwarded));
        assert_eq!(plain.client(&both).to_string(), "1.1.1.1");
        assert_eq!(standard.client(&both).to_string(), "2.2.2.2");
        assert!(!plain.is_https(&both));
        assert!(standard.is_https(&both));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_the_nearest_stranger_is_the_client(
            written in prop::collection::vec(prop::collection::vec(0x20_u8..=0xfe, 0..60), 0..5),
            header in prop::sample::select(vec![ProxyHeader::XForwardedFor, ProxyHeader::Forwarded]),
        ) {
            // The proxy adds to the last line, as most do.
            let (name, own) = match header {
                ProxyHeader::XForwardedFor => (X_FORWARDED_FOR, "198.51.100.1"),
                ProxyHeader::Forwarded => (FORWARDED, "for=\"198.51.100.1:99\";proto=http"),
            };
            let mut lines: Vec<Vec<u8>> = written;
            for line in &mut lines {
                line.retain(|byte| *byte != 0x7f);
            }
            match lines.last_mut() {
                Some(last) => last.extend(format!(", {own}").bytes()),
                None => lines.push(own.into()),
            }
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let client = proxies(header).client(&request("10.0.0.1:1", &name, &lines));
            prop_assert_eq!(client.to_string(), "198.51.100.1");
        }
    }
}
