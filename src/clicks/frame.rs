//! Records as bytes: magic, kind, version, length, checksum, body.
//!
//! A reader can tell a whole record from a torn one, and finds the next whole one after damage.

use crate::domain::click::{ClickRecord, LpClickRecord};
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

/// What a journal keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// An arrival on a campaign.
    Click(Box<ClickRecord>),
    /// A lander's button pressed.
    LpClick(LpClickRecord),
}

/// Appends a record's bytes. Says whether it could be encoded: a body over [`BODY_BYTES_MAX`] cannot.
#[must_use]
pub fn encode(record: &Record, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let kind = match record {
        Record::Click(_) => KIND_CLICK,
        Record::LpClick(_) => KIND_LP_CLICK,
    };
    out.extend_from_slice(&[MAGIC, kind, VERSION, 0, 0, 0, 0, 0, 0, 0, 0]);
    let written = match record {
        Record::Click(click) => postcard::to_io(click.as_ref(), &mut *out).is_ok(),
        Record::LpClick(click) => postcard::to_io(click, &mut *out).is_ok(),
    };
    let is_whole = written && seal(out, start);
    if !is_whole {
        out.truncate(start);
    }
    is_whole
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
#[derive(Debug, PartialEq)]
pub enum Found {
    /// A whole record and the bytes it takes.
    Record(Record, usize),
    /// A whole record that this version cannot read, and the bytes it takes.
    Unreadable(usize),
    /// The bytes end before the record does.
    Torn,
    /// No record starts here.
    Damaged,
}

/// Reads the record at the start of some bytes.
#[must_use]
pub fn decode(bytes: &[u8]) -> Found {
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
    let bytes_taken = HEADER_BYTES + body_len;
    let record = match (kind, version) {
        (KIND_CLICK, 1) => postcard::from_bytes(body).ok().map(|click| Record::Click(Box::new(click))),
        (KIND_LP_CLICK, 1) => postcard::from_bytes(body).ok().map(Record::LpClick),
        _ => None,
    };
    record.map_or(Found::Unreadable(bytes_taken), |record| Found::Record(record, bytes_taken))
}

/// The damaged stretch at the start of some bytes: up to the next whole record, or all of them.
#[must_use]
pub fn damaged_stretch(bytes: &[u8]) -> Range<usize> {
    let next = (1..bytes.len()).find(|at| {
        bytes.get(*at..).is_some_and(|rest| {
            rest.first() == Some(&MAGIC) && matches!(decode(rest), Found::Record(..) | Found::Unreadable(_))
        })
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

    #[test]
    fn a_record_comes_back_as_it_went() {
        let records = [
            Record::Click(Box::new(click(1_700_000_000_000, 1))),
            Record::LpClick(LpClickRecord {
                id: ClickId::new(5, [1; 10]),
                click_id: ClickId::new(4, [2; 10]),
                clicked_at_ms: 5,
                campaign_id: 1,
                lander_id: Some(9),
                offer_id: None,
            }),
        ];
        let mut bytes = Vec::new();
        for record in &records {
            assert!(encode(record, &mut bytes));
        }
        let Found::Record(first, taken) = decode(&bytes) else { panic!("no record") };
        assert_eq!(first, records[0]);
        assert_eq!(decode(&bytes[taken..]), Found::Record(records[1].clone(), bytes.len() - taken));
    }

    proptest! {
        #[test]
        fn every_cut_is_seen(cut in 0_usize..200, seed in any::<u8>()) {
            let mut bytes = Vec::new();
            prop_assert!(encode(&Record::Click(Box::new(click(9, seed))), &mut bytes));
            let kept = bytes.len().saturating_sub(cut + 1);
            prop_assert_eq!(decode(&bytes[..kept]), Found::Torn);
        }

        #[test]
        fn every_flipped_bit_is_seen(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = Vec::new();
            prop_assert!(encode(&Record::Click(Box::new(click(9, 1))), &mut bytes));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(!matches!(decode(&bytes), Found::Record(..) | Found::Unreadable(_)));
        }

        #[test]
        fn after_damage_the_next_whole_record_is_found(noise in prop::collection::vec(any::<u8>(), 1..80)) {
            let mut bytes = noise.clone();
            prop_assert!(encode(&Record::Click(Box::new(click(9, 1))), &mut bytes));
            prop_assume!(matches!(decode(&bytes), Found::Damaged));
            prop_assert_eq!(damaged_stretch(&bytes).end, noise.len());
        }

        #[test]
        fn reading_noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&noise);
            let _ = damaged_stretch(&noise);
        }
    }
}
