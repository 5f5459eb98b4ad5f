//! The sealed click: what a lander's button needs to know, encrypted and authenticated, so that it can
//! travel in the lander's address or a cookie and be trusted when it comes back.

use super::memory::Seen;
use crate::domain::click::ClickRecord;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::ops::Deref;

/// The longest token, in characters: cookies hold 4,096 bytes, addresses should stay far below.
const TOKEN_CHARS_MAX: usize = 2_800;

/// What the seal of a visitor's memory is bound to.
const PURPOSE_SEEN: &[u8] = b"clickledger visitor memory 1";

/// What the seal of a second hop is bound to.
const PURPOSE_HOP: &[u8] = b"clickledger second hop 1";

/// Bytes of the nonce. Random: with 24 bytes two are never alike.
const NONCE_BYTES: usize = 24;

/// The longest sealed thing that is looked at: an address of a second hop.
const SEALED_CHARS_MAX: usize = 24_000;

/// What the seal is bound to, so that no other sealed thing passes for a click.
const PURPOSE: &[u8] = b"clickledger click token 1";

/// Seals and opens clicks with a key made from the installation's.
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// With a key derived from the installation's 32 bytes.
    #[must_use]
    pub fn new(installation_key: &[u8; 32]) -> Self {
        // HMAC takes a key of any length.
        let derived: [u8; 32] = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(installation_key)
            .map(|mut mac| {
                mac.update(PURPOSE);
                mac.finalize().into_bytes().into()
            })
            .unwrap_or(*installation_key);
        Self(XChaCha20Poly1305::new(&derived.into()))
    }

    /// Seals a click. What a button's target seldom needs is left out where the token would be too long.
    #[must_use]
    pub fn seal_click<Text: Deref<Target = str>>(&self, record: &ClickRecord<Text>) -> String {
        let mut small = ClickRecord { agent: Box::default(), params: Vec::new(), ..record.kept() };
        let token = self.seal(&small);
        if token.len() <= TOKEN_CHARS_MAX {
            return token;
        }
        small.external_id = None;
        let token = self.seal(&small);
        if token.len() <= TOKEN_CHARS_MAX {
            return token;
        }
        small.subs.clear();
        self.seal(&small)
    }

    fn seal(&self, record: &ClickRecord) -> String {
        self.seal_as(PURPOSE, record)
    }

    /// Seals what a visitor has seen.
    #[must_use]
    pub fn seal_seen(&self, seen: &Seen) -> String {
        self.seal_as(PURPOSE_SEEN, seen)
    }

    /// Opens what a visitor has seen; `None` where we did not seal it.
    #[must_use]
    pub fn open_seen(&self, sealed: &str) -> Option<Seen> {
        self.open_as(PURPOSE_SEEN, sealed)
    }

    /// Seals an address for the second hop of a double meta refresh, until a moment.
    #[must_use]
    pub fn seal_hop(&self, url: &str, until_ms: i64) -> String {
        self.seal_as(PURPOSE_HOP, &(url, until_ms))
    }

    /// Opens the address of a second hop; `None` where we did not seal it, or its time is over.
    #[must_use]
    pub fn open_hop(&self, sealed: &str, now_ms: i64) -> Option<String> {
        let (url, until_ms): (String, i64) = self.open_as(PURPOSE_HOP, sealed)?;
        (now_ms < until_ms).then_some(url)
    }

    fn seal_as<T: Serialize>(&self, purpose: &[u8], value: &T) -> String {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let body = postcard::to_stdvec(value).unwrap_or_default();
        let payload = Payload { msg: &body, aad: purpose };
        let mut sealed = nonce.to_vec();
        // Encryption in memory fails on absurd lengths only.
        sealed.extend(self.0.encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
        BASE64URL_NOPAD.encode(&sealed)
    }

    /// Opens a token; `None` where we did not seal it, or it was changed.
    #[must_use]
    pub fn open_click(&self, token: &str) -> Option<ClickRecord> {
        if token.len() > TOKEN_CHARS_MAX * 2 {
            return None;
        }
        self.open_as(PURPOSE, token)
    }

    fn open_as<T: DeserializeOwned>(&self, purpose: &[u8], token: &str) -> Option<T> {
        if token.len() > SEALED_CHARS_MAX {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: body, aad: purpose };
        let opened = self.0.decrypt(&XNonce::from(*nonce), payload).ok()?;
        postcard::from_bytes(&opened).ok()
    }
}
