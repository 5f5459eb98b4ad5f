//! Whether a postback is signed as its advertiser must: by `sig`, by the header, or by both. Every part of it that is read
//! must be signed, else somebody could add to a signed request what its sender never said.

use super::request::{self, Incoming};
use super::sentences;
use super::signature::{self, Header, Pair, pairs, text, value_of};
use crate::domain::advertiser::HmacMode;
use crate::domain::vault::Vault;
use crate::domain::verdict::Code;
use crate::routing::AdvertiserRoute;
use sha2::{Digest as _, Sha256};

/// How far the time of a signature may lie from ours, before or after, in seconds.
pub(super) const TIME_OFF_MAX_S: i64 = 5 * 60;

/// The parameter of the signature.
const SIG: &str = "sig";

/// A request that is signed as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The hash of its nonce, else of everything that is signed: two requests with the same are one, or a replay.
    pub nonce: [u8; 32],
    /// The hash of what it says, its time and signature aside.
    pub content: [u8; 32],
}

/// Why a request is refused.
type Refused = (Code, String);

/// The parts of a request, as they are signed.
struct Parts<'a> {
    incoming: &'a Incoming,
    /// The parameters of the address, and of a form.
    params: Vec<Pair>,
    has_query: bool,
    has_body: bool,
    /// The body is a form, so that `sig` signs it.
    is_form: bool,
}

impl<'a> Parts<'a> {
    fn of(incoming: &'a Incoming) -> Self {
        let mut params = pairs(&incoming.query);
        let has_query = params.iter().any(|(name, _)| name != SIG.as_bytes());
        let is_form = incoming.has_form();
        if is_form {
            params.extend(pairs(&incoming.body));
        }
        Self { incoming, params, has_query, has_body: incoming.has_body(), is_form }
    }

    /// The body, where no parameters stand for it.
    fn raw_body(&self) -> &'a [u8] {
        if self.is_form { &[] } else { &self.incoming.body }
    }

    fn hash(&self, without: &[&str], time: &str) -> [u8; 32] {
        let params = text(&self.params, without);
        let mut hasher = Sha256::new();
        for part in [time.as_bytes(), params.as_bytes(), self.raw_body()] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }

    fn signed(&self, time: &str) -> Signed {
        let params = request::read(self.incoming).unwrap_or_default();
        let nonce = params.get("nonce");
        Signed {
            nonce: nonce.map_or_else(
                || self.hash(&[SIG], time),
                |nonce| Sha256::digest([b"nonce ", nonce.as_bytes()].concat()).into(),
            ),
            content: self.hash(&[SIG, "ts", "nonce"], ""),
        }
    }
}

/// Checks a postback's signature. `None` where none is looked at, or none came and none must.
///
/// # Errors
/// The refusal, with one sentence that says what to change.
pub(super) fn check(
    route: &AdvertiserRoute,
    incoming: &Incoming,
    vault: &Vault,
) -> Result<Option<Signed>, Refused> {
    let mode = route.advertiser.hmac_mode;
    if mode == HmacMode::Off || incoming.is_by_person() {
        return Ok(None);
    }
    let parts = Parts::of(incoming);
    let sig = value_of(&parts.params, SIG);
    let header = incoming.signature.as_deref().filter(|text| !text.trim().is_empty());
    let bad = |message: &str| Err((Code::BadSignature, message.to_owned()));
    if sig.is_none() && header.is_none() {
        return match mode {
            HmacMode::Off | HmacMode::Optional => Ok(None),
            HmacMode::Required => bad(sentences::NO_SIGNATURE),
        };
    }
    let secrets = route.secrets(vault, incoming.received_at_ms);
    if secrets.is_empty() {
        return bad(sentences::NO_SECRET);
    }
    let header = header.map(signature::header);
    if header.is_none() && parts.has_body && !parts.is_form {
        return bad(sentences::UNSIGNED_BODY);
    }
    if sig.is_none() && parts.has_query {
        return bad(sentences::UNSIGNED_QUERY);
    }
    if let Some(sig) = sig
        && !signature::fits(&secrets, &[text(&parts.params, &[SIG]).as_bytes()], &[sig])
    {
        return bad(sentences::BAD_SIG);
    }
    if let Some(Header { time, signatures }) = &header
        && !fits(incoming, |body| signature::fits(&secrets, &[time.as_bytes(), b".", body], signatures))
    {
        return bad(sentences::BAD_HEADER);
    }
    let ts = sig.map(|_| time_of(route, &parts.params));
    let time = header.as_ref().map(|header| header.time);
    for written in ts.iter().map(String::as_str).chain(time) {
        check_time(written, incoming.received_at_ms)?;
    }
    Ok(Some(parts.signed(time.unwrap_or(""))))
}

/// Whether what came as a body is signed: the whole array where this is one of its elements.
fn fits(incoming: &Incoming, check: impl FnOnce(&[u8]) -> bool) -> bool {
    match &incoming.whole {
        Some(whole) => whole.fits(check),
        None => check(&incoming.body),
    }
}

/// The time of a signature among parameters: under its own name, or the one that the advertiser's map gives it. Empty where
/// none came.
fn time_of(route: &AdvertiserRoute, params: &[Pair]) -> String {
    let mapped = route.advertiser.param_map.iter().filter(|(_, ours)| *ours == "ts");
    let mut names = mapped.map(|(theirs, _)| theirs.as_str()).chain(["ts"]);
    let found = names.find_map(|name| value_of(params, name)).unwrap_or_default();
    String::from_utf8_lossy(found).into_owned()
}

/// Whether a signature's time is near enough.
fn check_time(written: &str, now_ms: i64) -> Result<(), Refused> {
    let expired = |message: String| Err((Code::ExpiredSignature, message));
    if written.trim().is_empty() {
        return expired(sentences::NO_TIME.to_owned());
    }
    let Ok(seconds) = written.trim().parse::<i64>() else { return expired(sentences::no_time(written)) };
    let age_s = now_ms.div_euclid(1_000).saturating_sub(seconds);
    if age_s.saturating_abs() > TIME_OFF_MAX_S {
        return expired(sentences::wrong_time(age_s));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::credentials::{Credentials, Previous, SECRET, secret_place};
    use crate::domain::advertiser::Advertiser;
    use crate::domain::money::Currency;
    use proptest::prelude::*;

    /// The contract's examples are signed at this time, in seconds, with this secret.
    const AT_S: i64 = 1_700_000_000;
    const KEY: &str = "k3y";
    const SIGNED: &str = "cid=abc&payout=5.00&ts=1700000000&sig=53c8c3412d7861c0efa2add3b4a93aacd184a0870e447bde75eed743c26afca9";
    const BODY: &str = r#"{"cid":"abc","payout":"5.00"}"#;
    const HEADER: &str = "t=1700000000,v1=e4cf704edc051fc42fc44ae5437bd4fb1017477001a31e66702fd6bbb2c02ad0";

    fn route(hmac_mode: HmacMode) -> (AdvertiserRoute, Vault) {
        let vault = Vault::new(&[7; 32]);
        let credentials = Credentials {
            key: "key".to_owned(),
            secret_sealed: Some(vault.seal(secret_place(1, SECRET), KEY, [1; 24])),
            ..Credentials::default()
        };
        let advertiser = Advertiser { hmac_mode, ..Advertiser::blank(Currency::USD) };
        (AdvertiserRoute::new(1, credentials, advertiser), vault)
    }

    fn ask_as(mode: HmacMode, incoming: &Incoming) -> Result<Option<Signed>, Refused> {
        let (route, vault) = route(mode);
        check(&route, incoming, &vault)
    }

    fn code(incoming: &Incoming) -> Option<Code> {
        ask_as(HmacMode::Required, incoming).err().map(|(code, _)| code)
    }

    fn query(query: &str) -> Incoming {
        Incoming { query: query.into(), received_at_ms: AT_S * 1_000, ..Incoming::default() }
    }

    fn json(body: &[u8], header: &str) -> Incoming {
        Incoming {
            content_type: Some("application/json".to_owned()),
            body: body.to_vec(),
            signature: Some(header.to_owned()),
            ..query("")
        }
    }

    #[test]
    fn the_contracts_examples_are_let_in() {
        assert_eq!(code(&query(SIGNED)), None);
        assert_eq!(code(&json(BODY.as_bytes(), HEADER)), None);
        let form = Incoming {
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            body: SIGNED.into(),
            ..query("")
        };
        assert_eq!(code(&form), None);
        let several = format!("{HEADER},v1={}", "0".repeat(64));
        assert_eq!(code(&json(BODY.as_bytes(), &several)), None);
    }

    #[test]
    fn the_mode_says_what_must_be_signed() {
        let (unsigned, wrong) = (query("cid=abc"), query(&SIGNED.replace("5.00", "6.00")));
        assert_eq!(ask_as(HmacMode::Off, &wrong), Ok(None));
        assert_eq!(ask_as(HmacMode::Optional, &unsigned), Ok(None));
        assert_eq!(ask_as(HmacMode::Optional, &wrong).unwrap_err().0, Code::BadSignature);
        assert_eq!(ask_as(HmacMode::Required, &unsigned).unwrap_err().1, sentences::NO_SIGNATURE);
        assert_eq!(code(&query("cid=abc&sig=")), Some(Code::BadSignature), "an empty one is none");
        let (mut none, vault) = route(HmacMode::Optional);
        none.secret_sealed = None;
        assert_eq!(check(&none, &query(SIGNED), &vault).unwrap_err().1, sentences::NO_SECRET);
    }

    #[test]
    fn what_is_not_signed_is_not_let_in_beside_what_is() {
        for extra in ["payout=500", "x=1"] {
            let mut added = json(BODY.as_bytes(), HEADER);
            added.query = extra.into();
            assert_eq!(ask_as(HmacMode::Required, &added).unwrap_err().1, sentences::UNSIGNED_QUERY);
        }
        let added = Incoming { signature: None, query: SIGNED.into(), ..json(BODY.as_bytes(), "") };
        assert_eq!(ask_as(HmacMode::Required, &added).unwrap_err().1, sentences::UNSIGNED_BODY);
        let form = Incoming {
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            body: b"payout=500".to_vec(),
            ..query(SIGNED)
        };
        assert_eq!(code(&form), Some(Code::BadSignature), "a form is signed with the parameters");
        let both = Incoming { query: SIGNED.into(), ..json(BODY.as_bytes(), HEADER) };
        assert_eq!(code(&both), None);
        let headless = Incoming { signature: Some("v1=00".to_owned()), ..query(SIGNED) };
        assert_eq!(code(&headless), Some(Code::BadSignature), "one that is right mends none that is wrong");
    }

    #[test]
    fn a_signature_holds_for_five_minutes_before_and_after() {
        for (off_s, expected) in [
            (0, None),
            (300, None),
            (-300, None),
            (301, Some(Code::ExpiredSignature)),
            (-301, Some(Code::ExpiredSignature)),
        ] {
            let at = Incoming { received_at_ms: (AT_S + off_s) * 1_000 + 999, ..query(SIGNED) };
            assert_eq!(code(&at), expected, "{off_s}");
            let at = Incoming { received_at_ms: (AT_S + off_s) * 1_000, ..json(BODY.as_bytes(), HEADER) };
            assert_eq!(code(&at), expected, "{off_s}");
        }
        let mac = |text: &str| {
            use hmac::{Hmac, KeyInit as _, Mac as _};
            let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
            mac.update(text.as_bytes());
            data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes())
        };
        for timeless in ["cid=abc", "cid=abc&ts=", "cid=abc&ts=now", "cid=abc&ts=1700000000000"] {
            let signed = format!("{timeless}&sig={}", mac(timeless));
            assert_eq!(code(&query(&signed)), Some(Code::ExpiredSignature), "{timeless}");
        }
        let headless = format!("v1={}", mac(&format!(".{BODY}")));
        assert_eq!(code(&json(BODY.as_bytes(), &headless)), Some(Code::ExpiredSignature));
    }

    #[test]
    fn the_secret_before_works_until_its_moment() {
        let (mut route, vault) = route(HmacMode::Required);
        let old = vault.seal(secret_place(1, crate::db::credentials::PREVIOUS_SECRET), KEY, [2; 24]);
        route.secret_sealed = Some(vault.seal(secret_place(1, SECRET), "another", [3; 24]));
        assert_eq!(check(&route, &query(SIGNED), &vault).unwrap_err().0, Code::BadSignature);
        route.previous_secret = Some(Previous { value: old, until_ms: AT_S * 1_000 + 1 });
        assert!(check(&route, &query(SIGNED), &vault).is_ok());
        let late = Incoming { received_at_ms: AT_S * 1_000 + 1, ..query(SIGNED) };
        assert_eq!(check(&route, &late, &vault).unwrap_err().0, Code::BadSignature);
    }

    #[test]
    fn a_nonce_is_known_again_and_what_it_says_is_compared() {
        let (_, vault) = route(HmacMode::Off);
        drop(vault);
        let signed = |query_text: &str| Parts::of(&query(query_text)).signed("");
        let first = signed("cid=a&nonce=n&ts=1&sig=x");
        assert_eq!(first, signed("ts=2&nonce=n&cid=a&sig=y"), "signed again, it says the same");
        let other = signed("cid=b&nonce=n&ts=1");
        assert!(first.nonce == other.nonce && first.content != other.content);
        assert_ne!(first.nonce, signed("cid=a&nonce=m&ts=1").nonce);
        let (early, late) = (signed("cid=a&ts=1"), signed("cid=a&ts=2"));
        assert_ne!(early.nonce, late.nonce, "without a nonce another time is another request");
        let of_body = |body: &str| Parts::of(&json(body.as_bytes(), HEADER)).signed("1");
        let (one, two) = (of_body(r#"{"nonce":"n","a":1}"#), of_body(r#"{"nonce":"n","a":2}"#));
        assert!(one.nonce == two.nonce && one.content != two.content);
    }

    proptest! {
        #[test]
        fn a_changed_byte_of_a_request_is_refused(
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut changed = SIGNED.as_bytes().to_vec();
            let at_byte = at.index(changed.len());
            prop_assume!(changed[at_byte] != byte);
            changed[at_byte] = byte;
            let changed = Incoming { query: changed, ..query("") };
            prop_assert!(code(&changed).is_some());
            let mut body = BODY.as_bytes().to_vec();
            let at_byte = at.index(body.len());
            prop_assume!(body[at_byte] != byte);
            body[at_byte] = byte;
            prop_assert_eq!(code(&json(&body, HEADER)), Some(Code::BadSignature));
            let mut header = HEADER.as_bytes().to_vec();
            let at_byte = at.index(header.len());
            header[at_byte] = if header[at_byte] == b'7' { b'6' } else { b'7' };
            prop_assert!(code(&json(BODY.as_bytes(), &String::from_utf8(header).unwrap())).is_some());
        }
    }
}
