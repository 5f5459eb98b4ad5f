//! Records as bytes: magic, kind, version, length, checksum, body.
//!
//! A reader can tell a whole record from a torn one, and finds the next whole one after damage.

use crate::domain::click::{ClickRecord, LpClickRecord};
use serde::Serialize;
use std::ops::Range;

/// The first byte of every record: lets a reader find its way after damage.
const MAGIC: u8 = 0xC7;

/// Bytes before the body: magic, kind, version, length (4), checksum (4).
const HEADER_BYTES: usize = 11;

/// The longest body. A click's values are bounded to far less; a longer length is damage.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The version of the bodies written now.
const VERSION: u8 = 1;

const KIND_CLICK: u8 = 1;
const KIND_LP_CLICK: u8 = 2;

/// What a journal keeps, its texts borrowed from the journal's bytes.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are clicks, and each lives for one insert")]
pub enum Record<'a> {
    /// An arrival on a campaign.
    Click(ClickRecord<&'a str>),
    /// A lander's button pressed.
    LpClick(LpClickRecord),
}

/// Appends a click's bytes. Says whether it could be encoded: a body over [`BODY_BYTES_MAX`] cannot.
#[must_use]
pub fn encode_click<Text: Serialize>(click: &ClickRecord<Text>, room: &mut Room, out: &mut Vec<u8>) -> bool {
    encode(KIND_CLICK, click, room, out)
}

/// Appends a lander click's bytes.
#[must_use]
pub fn encode_lp_click(click: &LpClickRecord, room: &mut Room, out: &mut Vec<u8>) -> bool {
    encode(KIND_LP_CLICK, click, room, out)
}

fn encode(kind: u8, body: &impl Serialize, room: &mut Room, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.extend_from_slice(&[MAGIC, kind, VERSION, 0, 0, 0, 0, 0, 0, 0, 0]);
    let is_whole = append(body, room, out) && seal(out, start);
    if !is_whole {
        out.truncate(start);
    }
    is_whole
}

/// Room that nearly every body fits into: a slice is filled faster than a vector that grows field by field.
const USUAL_BYTES: usize = 2_048;

/// What a body is written into first. Kept between records, since clearing such room for each would cost as much as
/// filling it.
pub struct Room(Box<[u8; USUAL_BYTES]>);

impl Default for Room {
    fn default() -> Self {
        Self(Box::new([0; USUAL_BYTES]))
    }
}

fn append(body: &impl Serialize, room: &mut Room, out: &mut Vec<u8>) -> bool {
    match postcard::to_slice(body, room.0.as_mut_slice()) {
        Ok(filled) => {
            out.extend_from_slice(filled);
            true
        }
        Err(_) => postcard::to_io(body, &mut *out).is_ok(),
    }
}

/// Fills in length and checksum.
fn seal(out: &mut [u8], start: usize) -> bool {
    let Some(frame) = out.get_mut(start..) else { return false };
    let Some((header, body)) = frame.split_at_mut_checked(HEADER_BYTES) else { return false };
    let [_, kind, version, l0, l1, l2, l3, c0, c1, c2, c3] = header else { return false };
    let Some(len) = u32::try_from(body.len()).ok().filter(|_| body.len() <= BODY_BYTES_MAX) else {
        return false;
    };
    [*l0, *l1, *l2, *l3] = len.to_le_bytes();
    [*c0, *c1, *c2, *c3] = checksum(*kind, *version, len, body).to_le_bytes();
    true
}

fn checksum(kind: u8, version: u8, len: u32, body: &[u8]) -> u32 {
    let [l0, l1, l2, l3] = len.to_le_bytes();
    crc32c::crc32c_append(crc32c::crc32c(&[kind, version, l0, l1, l2, l3]), body)
}

/// What stands at a place in a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A whole frame that takes so many bytes.
    Whole(usize),
    /// The bytes end before the frame does.
    Torn,
    /// No frame starts here.
    Damaged,
}

/// Looks at the start of some bytes: lengths and checksum, not the meaning of the body.
#[must_use]
pub fn find(bytes: &[u8]) -> Found {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return if bytes.first().is_none_or(|first| *first == MAGIC) { Found::Torn } else { Found::Damaged };
    };
    let [magic, kind, version, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    let len = u32::from_le_bytes([l0, l1, l2, l3]);
    let body_len = usize::try_from(len).unwrap_or(usize::MAX);
    if magic != MAGIC || body_len > BODY_BYTES_MAX {
        return Found::Damaged;
    }
    let Some(body) = rest.get(..body_len) else { return Found::Torn };
    if u32::from_le_bytes([c0, c1, c2, c3]) != checksum(kind, version, len, body) {
        return Found::Damaged;
    }
    Found::Whole(HEADER_BYTES + body_len)
}

/// Reads a whole frame; `None` for one that this version does not know.
#[must_use]
pub fn read(frame: &[u8]) -> Option<Record<'_>> {
    let ([_, kind, version, ..], body) = frame.split_first_chunk::<HEADER_BYTES>()?;
    match (*kind, *version) {
        (KIND_CLICK, 1) => postcard::from_bytes(body).ok().map(Record::Click),
        (KIND_LP_CLICK, 1) => postcard::from_bytes(body).ok().map(Record::LpClick),
        _ => None,
    }
}

/// The damaged stretch at the start of some bytes: up to the next whole frame, or all of them.
#[must_use]
pub fn damaged_stretch(bytes: &[u8]) -> Range<usize> {
    let next = (1..bytes.len()).find(|at| {
        bytes
            .get(*at..)
            .is_some_and(|rest| rest.first() == Some(&MAGIC) && matches!(find(rest), Found::Whole(_)))
    });
    0..next.unwrap_or(bytes.len())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::click_id::ClickId;
    use crate::domain::{Country, Device};
    use proptest::prelude::*;

    pub fn click(ms: i64, seed: u8) -> ClickRecord {
        ClickRecord {
            id: ClickId::new(ms, [seed; 10]),
            clicked_at_ms: ms,
            campaign_id: 1,
            source_id: Some(2),
            path_id: Some(3),
            rule_id: None,
            lander_id: None,
            offer_id: Some(4),
            refusal: None,
            external_id: Some("ext".into()),
            cost_original_micros: Some(10_000),
            cost_currency: None,
            cost_micros: 10_000,
            country: Country::parse("DE"),
            region: None,
            city: None,
            isp: None,
            asn: None,
            connection: None,
            device: Device::Mobile,
            brand: None,
            model: None,
            os: Some("Android".into()),
            os_version: None,
            browser: None,
            browser_version: None,
            language: None,
            referrer_host: None,
            address: Some([203, 0, 113, seed].into()),
            agent_id: 7,
            agent: "agent".into(),
            domain: None,
            is_unique: true,
            bot: None,
            is_test: false,
            is_cut: false,
            params: vec![("utm_source".into(), "x".into())],
            subs: vec![(1, "zone".into())],
        }
    }

    pub fn encoded(click: &ClickRecord) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(encode_click(click, &mut Room::default(), &mut bytes));
        bytes
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let click = click(1_700_000_000_000, 1);
        let pressed = LpClickRecord {
            id: ClickId::new(5, [1; 10]),
            click_id: ClickId::new(4, [2; 10]),
            clicked_at_ms: 5,
            campaign_id: 1,
            lander_id: Some(9),
            offer_id: None,
        };
        let mut bytes = encoded(&click);
        assert!(encode_lp_click(&pressed, &mut Room::default(), &mut bytes));
        let Found::Whole(taken) = find(&bytes) else { panic!("no frame") };
        let (first, second) = bytes.split_at(taken);
        let Some(Record::Click(read_back)) = read(first) else { panic!("no click") };
        assert_eq!(read_back.kept(), click);
        assert_eq!(find(second), Found::Whole(second.len()));
        assert_eq!(read(second), Some(Record::LpClick(pressed)));
    }

    proptest! {
        #[test]
        fn every_cut_is_seen(cut in 0_usize..200, seed in any::<u8>()) {
            let bytes = encoded(&click(9, seed));
            let kept = bytes.len().saturating_sub(cut + 1);
            prop_assert_eq!(find(&bytes[..kept]), Found::Torn);
        }

        #[test]
        fn every_flipped_bit_is_seen(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = encoded(&click(9, 1));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(!matches!(find(&bytes), Found::Whole(_)));
        }

        #[test]
        fn after_damage_the_next_whole_record_is_found(noise in prop::collection::vec(any::<u8>(), 1..80)) {
            let mut bytes = noise.clone();
            bytes.extend(encoded(&click(9, 1)));
            prop_assume!(find(&bytes) == Found::Damaged);
            prop_assert_eq!(damaged_stretch(&bytes).end, noise.len());
        }

        #[test]
        fn reading_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = (find(&noise), read(&noise));
            let _ = damaged_stretch(&noise);
        }
    }
}
