//! Signatures of postbacks, as API.md defines them: `sig` over the sorted parameters, or the header
//! `X-Clickledger-Signature: t=<unix seconds>,v1=<hex>` over `t.raw_body`. Both are HMAC-SHA256 in lower-case hex.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signatures of one header that are looked at: a sender signs with two secrets while it changes from one to the other.
const HEADER_SIGNATURES_MAX: usize = 8;

/// A parameter, decoded to bytes and not changed otherwise.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// The parameters of a query string or a form, in their order.
pub(super) fn pairs(text: &[u8]) -> Vec<Pair> {
    let pieces = text.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty());
    let pair = |piece: &[u8]| {
        let mut parts = piece.splitn(2, |byte| *byte == b'=');
        (decoded(parts.next().unwrap_or_default()), decoded(parts.next().unwrap_or_default()))
    };
    pieces.map(pair).collect()
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).collect()
}

/// The first value under a name that is not empty.
pub(super) fn value_of<'a>(pairs: &'a [Pair], name: &str) -> Option<&'a [u8]> {
    let own = |pair: &&Pair| pair.0 == name.as_bytes() && !pair.1.is_empty();
    pairs.iter().find(own).map(|(_, value)| value.as_slice())
}

/// The text of parameters that is signed, without those of some names.
pub(super) fn text(pairs: &[Pair], without: &[&str]) -> String {
    let mut kept: Vec<&Pair> =
        pairs.iter().filter(|(name, _)| !without.iter().any(|other| other.as_bytes() == name)).collect();
    kept.sort();
    let written = |(name, value): &Pair| {
        format!("{}={}", percent_encode(name, RESERVED), percent_encode(value, RESERVED))
    };
    kept.into_iter().map(written).collect::<Vec<_>>().join("&")
}

/// The signature of some bytes, given in parts.
pub(super) fn signature(secret: &str, parts: &[&[u8]]) -> String {
    // HMAC takes a key of any length; were there none, the empty text would fit no signature.
    let signed = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        parts.iter().for_each(|part| mac.update(part));
        HEXLOWER.encode(&mac.finalize().into_bytes())
    });
    signed.unwrap_or_default()
}

/// Whether one of some signatures is that of some bytes with one of some secrets. Takes as long whichever fits, and
/// however much of one fits.
pub(super) fn fits(secrets: &[String], parts: &[&[u8]], given: &[&[u8]]) -> bool {
    let mut fits = Choice::from(0);
    for secret in secrets {
        let own = signature(secret, parts);
        for given in given.iter().filter(|given| !given.is_empty()) {
            fits |= own.as_bytes().ct_eq(given);
        }
    }
    fits.into()
}

/// The header's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// When it was signed, as it was written and signed; empty where that is missing.
    pub(super) time: &'a str,
    /// The signatures.
    pub(super) signatures: Vec<&'a [u8]>,
}

/// Reads the header. Parts of other names are for versions to come, and passed over.
pub(super) fn header(text: &str) -> Header<'_> {
    let mut read = Header::default();
    for part in text.split(',') {
        match part.trim().split_once('=') {
            Some(("t", time)) if read.time.is_empty() => read.time = time,
            Some(("v1", hex)) if read.signatures.len() < HEADER_SIGNATURES_MAX => {
                read.signatures.push(hex.as_bytes());
            }
            _ => {}
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &str = "k3y";

    fn signed(query: &str) -> String {
        signature(SECRET, &[text(&pairs(query.as_bytes()), &["sig"]).as_bytes()])
    }

    #[test]
    fn the_contracts_examples_come_out() {
        let query = "cid=abc&payout=5.00&ts=1700000000";
        assert_eq!(text(&pairs(query.as_bytes()), &["sig"]), query);
        assert_eq!(signed(query), "53c8c3412d7861c0efa2add3b4a93aacd184a0870e447bde75eed743c26afca9");
        let body = br#"{"cid":"abc","payout":"5.00"}"#;
        let of_body = signature(SECRET, &[b"1700000000", b".", body]);
        assert_eq!(of_body, "e4cf704edc051fc42fc44ae5437bd4fb1017477001a31e66702fd6bbb2c02ad0");
    }

    #[test]
    fn order_and_encoding_do_not_matter_and_sig_is_left_out() {
        let own = signed("b=%C3%A4+x&a=1&a=0&c=~._-&d=*");
        assert_eq!(own, signed("sig=00&d=%2a&c=%7E%2E_-&a=0&a=1&b=%c3%a4%20x&"));
        let text = text(&pairs("b=%C3%A4+x&a=1&a=0&c=~._-&d=*".as_bytes()), &["sig"]);
        assert_eq!(text, "a=0&a=1&b=%C3%A4%20x&c=~._-&d=%2A");
    }

    #[test]
    fn values_are_signed_as_they_came_and_not_as_they_are_read() {
        assert_ne!(signed("a=1"), signed("a=1%20"), "a space around it");
        assert_ne!(signed("a=%ff"), signed("a=%fe"), "bytes that are no text");
        assert_ne!(signed("a=1&b="), signed("a=1"), "an empty one");
    }

    #[test]
    fn any_of_several_signatures_and_secrets_will_do() {
        let secrets = ["new".to_owned(), "old".to_owned()];
        let with = |secret: &str| signature(secret, &[b"x"]);
        let (new, old, other) = (with("new"), with("old"), with("other"));
        assert!(fits(&secrets, &[b"x"], &[other.as_bytes(), old.as_bytes()]));
        assert!(fits(&secrets, &[b"x"], &[new.as_bytes()]));
        assert!(!fits(&secrets, &[b"x"], &[other.as_bytes(), b""]));
        assert!(!fits(&secrets, &[b"x"], &[new.to_uppercase().as_bytes()]), "lower-case hex alone");
        assert!(!fits(&[], &[b"x"], &[new.as_bytes()]) && !fits(&secrets, &[b"x"], &[]));
    }

    #[test]
    fn the_header_is_read_part_by_part() {
        let read = header("t=1700000000, v1=aa,v0=zz,v1=bb");
        assert_eq!((read.time, read.signatures), ("1700000000", vec![b"aa".as_slice(), b"bb"]));
        assert_eq!(header("nonsense"), Header::default());
        assert_eq!(header(&"v1=a,".repeat(50)).signatures.len(), HEADER_SIGNATURES_MAX);
    }

    /// The same signature from a program that has nothing of ours in it, where it is installed.
    #[test]
    fn openssl_comes_to_the_same() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let query = "cid=01jcz7m3v8f4n9q2r5t6w7x8y9&payout=5.00&ts=1700000000&txid=a%20b%2F%C3%A4";
        let mut asked = Command::new("openssl");
        asked.args(["dgst", "-sha256", "-hmac", SECRET, "-r"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut running) = asked.spawn() else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "openssl is not installed");
            return;
        };
        running.stdin.take().unwrap().write_all(query.as_bytes()).unwrap();
        let said = String::from_utf8(running.wait_with_output().unwrap().stdout).unwrap();
        assert_eq!(said.split_whitespace().next(), Some(signed(query).as_str()));
    }

    proptest! {
        #[test]
        fn a_changed_byte_of_a_query_breaks_its_signature(
            query in "[a-z]{1,4}=[ -~]{0,12}(&[a-z]{1,4}=[ -~]{0,12}){0,4}",
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let own = signed(&query);
            let mut changed = query.into_bytes();
            let at = at.index(changed.len());
            let before = pairs(&changed);
            changed[at] = byte;
            let after = pairs(&changed);
            let fits = fits(&[SECRET.to_owned()], &[text(&after, &["sig"]).as_bytes()], &[own.as_bytes()]);
            let sorted = |mut pairs: Vec<Pair>| {
                pairs.retain(|(name, _)| name != b"sig");
                pairs.sort();
                pairs
            };
            // Another way to write the same parameters is not another request.
            prop_assert_eq!(fits, sorted(before) == sorted(after));
        }

        #[test]
        fn a_changed_byte_of_a_body_breaks_its_signature(
            body in prop::collection::vec(any::<u8>(), 1..80),
            at in any::<prop::sample::Index>(),
            flip in 1..=255_u8,
        ) {
            let own = signature(SECRET, &[b"1700000000", b".", &body]);
            let mut changed = body.clone();
            changed[at.index(body.len())] ^= flip;
            let given: &[&[u8]] = &[own.as_bytes()];
            prop_assert!(fits(&[SECRET.to_owned()], &[b"1700000000", b".", &body], given));
            prop_assert!(!fits(&[SECRET.to_owned()], &[b"1700000000", b".", &changed], given));
            prop_assert!(!fits(&[SECRET.to_owned()], &[b"1700000001", b".", &body], given));
        }
    }
}
