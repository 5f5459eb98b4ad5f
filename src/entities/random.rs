//! Random words: slugs that people read aloud, keys that stand in addresses, tokens that open doors.
//!
//! All from the operating system's randomness by way of `rand`'s cryptographic generator.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

/// Letters of a slug: none that is taken for another when read from paper (no `i l o 0 1`).
const SLUG_LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// 31^8 slugs: a stranger who guesses finds none, and a collision is tried again.
const SLUG_CHARS: usize = 8;

/// Letters of a key: 32, so that each carries five bits; safe where a network folds case.
const KEY_LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz123456789";
/// 20 letters of five bits are 100 bits: enough against guessing over a network.
const KEY_CHARS: usize = 20;

/// 256 bits: a token is the whole proof of who somebody is.
const TOKEN_BYTES: usize = 32;

fn letters(alphabet: &[u8], count: usize) -> String {
    let letter = || alphabet.get(rand::random_range(0..alphabet.len())).copied().unwrap_or(b'x');
    (0..count).map(|_| char::from(letter())).collect()
}

/// A campaign's address part.
#[must_use]
pub fn slug() -> String {
    letters(SLUG_LETTERS, SLUG_CHARS)
}

/// A postback key or a partner key.
#[must_use]
pub fn key() -> String {
    letters(KEY_LETTERS, KEY_CHARS)
}

/// A secret token, safe in an address, a cookie and a header.
#[must_use]
pub fn token() -> String {
    BASE64URL_NOPAD.encode(&rand::random::<[u8; TOKEN_BYTES]>())
}

/// A secret to sign with: 64 hex digits, which every language and shell can hold.
#[must_use]
pub fn secret() -> String {
    HEXLOWER.encode(&rand::random::<[u8; TOKEN_BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_have_their_length_and_letters() {
        assert_eq!(KEY_LETTERS.len(), 32);
        assert!(SLUG_LETTERS.iter().all(|letter| !b"ilo01".contains(letter)));
        let (slug, key, token) = (slug(), key(), token());
        assert!(slug.len() == 8 && slug.bytes().all(|b| SLUG_LETTERS.contains(&b)), "{slug}");
        assert!(key.len() == 20 && key.bytes().all(|b| KEY_LETTERS.contains(&b)), "{key}");
        let secret = secret();
        assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()), "{secret}");
        assert_eq!(BASE64URL_NOPAD.decode(token.as_bytes()).unwrap().len(), 32);
    }

    #[test]
    fn no_two_are_alike() {
        let tokens: HashSet<String> = (0..1_000).map(|_| token()).collect();
        let keys: HashSet<String> = (0..1_000).map(|_| key()).collect();
        assert_eq!((tokens.len(), keys.len()), (1_000, 1_000));
    }
}
