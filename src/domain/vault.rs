//! Secrets at rest: sealed with the installation's key and bound to the place where they lie, so that a sealed text that
//! is copied into another row or column cannot be opened there.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What the vault's own key is derived for.
const PURPOSE: &[u8] = b"clickledger secrets at rest 1";

/// Bytes of a nonce. Random: with 24 bytes two are never alike.
pub const NONCE_BYTES: usize = 24;

/// Where a sealed secret lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The number of the row.
    pub row: i64,
    /// The column.
    pub column: &'static str,
}

impl Place {
    fn bytes(self) -> Vec<u8> {
        format!("{}\0{}\0{}", self.table, self.row, self.column).into_bytes()
    }
}

/// Seals and opens secrets.
pub struct Vault(XChaCha20Poly1305);

impl Vault {
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

    /// Seals a secret for its place. The nonce is random and new each time.
    #[must_use]
    pub fn seal(&self, place: Place, secret: &str, nonce: [u8; NONCE_BYTES]) -> String {
        let payload = Payload { msg: secret.as_bytes(), aad: &place.bytes() };
        let mut sealed = nonce.to_vec();
        // Encryption in memory fails on absurd lengths only.
        sealed.extend(self.0.encrypt(&XNonce::from(nonce), payload).unwrap_or_default());
        BASE64URL_NOPAD.encode(&sealed)
    }

    /// Opens a secret; `None` where it was sealed by another installation or for another place, or was changed.
    #[must_use]
    pub fn open(&self, place: Place, sealed: &str) -> Option<String> {
        let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: body, aad: &place.bytes() };
        String::from_utf8(self.0.decrypt(&XNonce::from(*nonce), payload).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { table: "advertisers", row: 1, column: "hmac_secret_sealed" };

    #[test]
    fn a_secret_is_opened_in_its_place_alone() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(HERE, "k3y", [1; NONCE_BYTES]);
        assert!(!sealed.contains("k3y"));
        assert_eq!(vault.open(HERE, &sealed).as_deref(), Some("k3y"));
        assert_ne!(sealed, vault.seal(HERE, "k3y", [2; NONCE_BYTES]), "alike ones are not seen to be alike");
        for elsewhere in [
            Place { row: 11, ..HERE },
            Place { table: "destinations", ..HERE },
            Place { column: "previous_secret_sealed", ..HERE },
        ] {
            assert_eq!(vault.open(elsewhere, &sealed), None, "{elsewhere:?}");
        }
        assert_eq!(Vault::new(&[8; 32]).open(HERE, &sealed), None);
    }

    #[test]
    fn what_was_changed_is_not_opened() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(HERE, "k3y", [1; NONCE_BYTES]);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(vault.open(HERE, &String::from_utf8(changed).unwrap()), None, "{at}");
        }
        for nothing in ["", "AAAA", "not base64!"] {
            assert_eq!(vault.open(HERE, nothing), None);
        }
    }
}
