//! The click id: a UUIDv7 written as 26 characters of lower-case Crockford base32.
//!
//! Sortable by time, unguessable (74 random bits), safe where a network folds case or limits length.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Crockford's alphabet: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters of a click id in text.
pub const TEXT_LEN: usize = 26;

/// Sixteen bytes: 48 bits of Unix milliseconds, version 7, variant 2, 74 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClickId([u8; 16]);

impl ClickId {
    /// Makes an id from a time in Unix milliseconds and ten random bytes.
    #[must_use]
    pub fn new(unix_ms: i64, random: [u8; 10]) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = unix_ms.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        Self([t0, t1, t2, t3, t4, t5, 0x70 | (r0 & 0x0f), r1, 0x80 | (r2 & 0x3f), r3, r4, r5, r6, r7, r8, r9])
    }

    /// From the sixteen bytes of the database; `None` where there are not sixteen.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The sixteen bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The time in the id, Unix milliseconds.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        i64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5])
    }

    /// The smallest id of a time: all ids made before it sort below.
    #[must_use]
    pub fn floor(unix_ms: i64) -> Self {
        let [_, _, t0, t1, t2, t3, t4, t5] = unix_ms.max(0).to_be_bytes();
        Self([t0, t1, t2, t3, t4, t5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Reads the text form in any case; `None` for what we never hand out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: &[u8; TEXT_LEN] = text.as_bytes().try_into().ok()?;
        let mut value = 0_u128;
        for (at, byte) in bytes.iter().enumerate() {
            let lower = byte.to_ascii_lowercase();
            let digit = ALPHABET.iter().position(|letter| *letter == lower)?;
            if at == 0 && digit > 7 {
                return None;
            }
            value = (value << 5) | u128::try_from(digit).ok()?;
        }
        let id = Self(value.to_be_bytes());
        let [_, _, _, _, _, _, version, _, variant, ..] = id.0;
        (version >> 4 == 7 && variant >> 6 == 2).then_some(id)
    }

    /// Writes the text form at the end of a string, without allocating in between.
    pub fn push_to(&self, out: &mut String) {
        let value = u128::from_be_bytes(self.0);
        for at in (0..TEXT_LEN).rev() {
            let digit = usize::try_from((value >> (at * 5)) & 31).unwrap_or(0);
            out.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'0')));
        }
    }
}

impl fmt::Display for ClickId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(TEXT_LEN);
        self.push_to(&mut text);
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_read_back_in_any_case(ms in 0..(1_i64 << 48), random in any::<[u8; 10]>()) {
            let id = ClickId::new(ms, random);
            let text = id.to_string();
            prop_assert_eq!(text.len(), TEXT_LEN);
            prop_assert_eq!(ClickId::parse(&text), Some(id));
            prop_assert_eq!(ClickId::parse(&text.to_uppercase()), Some(id));
            prop_assert_eq!(id.unix_ms(), ms);
            prop_assert!(ClickId::floor(ms) <= id && id < ClickId::floor(ms + 1));
        }

        #[test]
        fn text_order_is_time_order(a in 0..(1_i64 << 48), b in 0..(1_i64 << 48), r in any::<[u8; 10]>()) {
            let (left, right) = (ClickId::new(a, r).to_string(), ClickId::new(b, r).to_string());
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        }

        #[test]
        fn other_texts_are_not_ids(text in "\\PC{0,40}") {
            if let Some(id) = ClickId::parse(&text) {
                prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn other_uuid_versions_are_foreign() {
        let mut id = ClickId::new(1_700_000_000_000, [7; 10]);
        id.0[6] = 0x4f;
        assert_eq!(ClickId::parse(&id.to_string()), None);
    }
}
