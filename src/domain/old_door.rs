//! The doors of the tracker before that the installation keeps open: where its postbacks went, and its landers' buttons.

use super::advertiser::is_allowed;
use super::old_address::is_own_part;
use super::words::word_enum;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

word_enum! {
    /// An address without a key that postbacks went to elsewhere.
    pub enum OldDoor {
        /// `/postback?cid=`, as Voluum, RedTrack and BeMob have it.
        WithoutKey => "without_key",
        /// `/click.php?cnv_id=` and `/click?cnv_id=`, as Binom has it.
        Binom => "binom",
        /// `/cf/cv?click_id=` and `/cf/postback?cid=`, as ClickFlare has it.
        ClickFlare => "clickflare",
    }
}

/// Characters of an old postback key: the shortest that are given out have seven, and a shorter one is guessed.
pub const OLD_KEY_CHARS_MIN: usize = 6;
/// And the longest.
pub const OLD_KEY_CHARS_MAX: usize = 64;

/// What is kept open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OldDoors {
    /// The addresses without a key that take postbacks.
    pub postbacks: Vec<OldDoor>,
    /// Where those may come from. From nowhere where it is empty.
    pub addresses: Vec<IpNet>,
    /// The key that stood before `/postback`, one for all networks as Keitaro has it; empty for none.
    pub key: String,
    /// Where postbacks without an advertiser's key go on to that name a click of the tracker before; empty for nowhere.
    pub forward_unknown_to: String,
    /// `/click` and `/click/2` on landers are buttons here.
    pub buttons: bool,
}

impl OldDoors {
    /// Whether an address without a key takes postbacks.
    #[must_use]
    pub fn has(&self, door: OldDoor) -> bool {
        self.postbacks.contains(&door) && !self.addresses.is_empty()
    }

    /// Whether a postback without a key may come to a door from an address.
    #[must_use]
    pub fn lets_in(&self, door: OldDoor, address: IpAddr) -> bool {
        self.has(door) && is_allowed(&self.addresses, address)
    }

    /// Whether this is the one key of the tracker before.
    #[must_use]
    pub fn is_key(&self, key: &str) -> bool {
        !self.key.is_empty() && self.key == key
    }
}

/// Reads a key as it stood in an old postback address.
///
/// # Errors
/// One sentence that says what to change.
pub fn read_old_key(text: &str) -> Result<String, String> {
    let key = text.trim();
    let is_plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_plain {
        return Err("Write the part before /postback alone: letters, digits, - and _".to_owned());
    }
    if !(OLD_KEY_CHARS_MIN..=OLD_KEY_CHARS_MAX).contains(&key.len()) {
        return Err(format!(
            "A key has {OLD_KEY_CHARS_MIN} to {OLD_KEY_CHARS_MAX} characters: a shorter one is guessed"
        ));
    }
    if is_own_part(key) {
        return Err(format!("/{key}/postback is no address of another tracker"));
    }
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_open_without_a_list() {
        let mut doors = OldDoors { postbacks: vec![OldDoor::Binom], ..OldDoors::default() };
        let listed: IpAddr = "203.0.113.7".parse().unwrap();
        assert!(!doors.has(OldDoor::Binom) && !doors.lets_in(OldDoor::Binom, listed));
        doors.addresses = vec!["203.0.113.0/24".parse().unwrap()];
        assert!(doors.lets_in(OldDoor::Binom, listed));
        assert!(!doors.lets_in(OldDoor::Binom, "198.51.100.1".parse().unwrap()));
        assert!(!doors.lets_in(OldDoor::WithoutKey, listed) && !doors.is_key(""));
    }

    #[test]
    fn a_key_is_long_enough_and_no_word_of_ours() {
        assert_eq!(read_old_key(" fa0a0c2 ").as_deref(), Ok("fa0a0c2"));
        for wrong in ["", "abc", "a/b/c/d", "settings", "Advertisers", "ключключ", &"a".repeat(65)] {
            assert!(read_old_key(wrong).is_err(), "{wrong}");
        }
    }
}
