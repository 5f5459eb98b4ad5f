//! Reading a journal: whole records from a position on, damage reported and set aside.

use super::frame::{self, Found, Record};
use super::journal::{read_segment_name, segment_name};
use crate::db::journal_positions::Position;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

/// Bytes read at once: holds about ten thousand clicks.
const CHUNK_BYTES: u64 = 4 * 1024 * 1024;

/// A stretch of a journal: a whole frame, or what is torn or damaged.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The worker whose series it stands in.
    pub worker: i64,
    /// Where the next one begins.
    pub end: Position,
    chunk: Rc<Vec<u8>>,
    range: Range<usize>,
    is_whole: bool,
}

impl Placed {
    /// Its bytes as they stand in the file.
    pub fn bytes(&self) -> &[u8] {
        self.chunk.get(self.range.clone()).unwrap_or_default()
    }

    /// The record, read where it lies; `None` for a stretch that cannot be read.
    pub fn record(&self) -> Option<Record<'_>> {
        self.is_whole.then(|| frame::read(self.bytes())).flatten()
    }
}

/// How far a series may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A living worker has written whole records up to here.
    Written(Position),
    /// A dead process's series: to its end, where a torn record may stand.
    End,
}

/// The workers of a journal's folder with their segments' numbers, in order.
///
/// # Errors
/// The folder cannot be read.
pub fn series(folder: &Path) -> io::Result<Vec<(i64, Vec<i64>)>> {
    let mut found: std::collections::BTreeMap<i64, Vec<i64>> = std::collections::BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        if let Some((worker, segment)) = entry?.file_name().to_str().and_then(read_segment_name) {
            found.entry(worker).or_default().push(segment);
        }
    }
    found.values_mut().for_each(|segments| segments.sort_unstable());
    Ok(found.into_iter().collect())
}

/// Reads records of one worker's series from a position on, at most so many.
///
/// # Errors
/// A file cannot be read.
pub fn read(
    folder: &Path,
    worker: i64,
    from: Position,
    until: Until,
    rows_max: usize,
) -> io::Result<Vec<Placed>> {
    let mut placed = Vec::new();
    let mut at = from;
    if at.segment == 0 {
        at = Position { segment: 1, byte_offset: 0 };
    }
    while placed.len() < rows_max {
        let last_segment = match until {
            Until::Written(position) => position.segment,
            Until::End => last_segment(folder, worker)?,
        };
        if at.segment > last_segment {
            break;
        }
        let is_last = at.segment == last_segment;
        let end = match until {
            Until::Written(position) if is_last => Some(position.byte_offset),
            _ => None,
        };
        let bytes = chunk(&folder.join(segment_name(worker, at.segment)), at.byte_offset, end)?;
        let is_whole_rest = u64::try_from(bytes.len()).unwrap_or(0) < CHUNK_BYTES;
        let before = at.byte_offset;
        let is_torn_final = is_whole_rest && !(matches!(until, Until::Written(_)) && is_last);
        take(&Rc::new(bytes), worker, &mut at, is_torn_final, rows_max, &mut placed);
        if at.byte_offset == before {
            if is_last {
                break;
            }
            at = Position { segment: at.segment + 1, byte_offset: 0 };
        }
    }
    Ok(placed)
}

/// Takes frames from a chunk. Where no more bytes can follow, a torn one is damage.
fn take(
    chunk: &Rc<Vec<u8>>,
    worker: i64,
    at: &mut Position,
    is_final: bool,
    rows_max: usize,
    placed: &mut Vec<Placed>,
) {
    let mut start = 0;
    while placed.len() < rows_max {
        let rest = chunk.get(start..).unwrap_or_default();
        // Room that was made ahead and never written: no record begins with a zero.
        if rest.iter().all(|byte| *byte == 0) {
            return;
        }
        let (is_whole, taken) = match frame::find(rest) {
            Found::Whole(taken) => (true, taken),
            Found::Torn if !is_final => return,
            Found::Torn | Found::Damaged => (false, frame::damaged_stretch(rest).end),
        };
        let range = start..start + taken;
        start = range.end;
        at.byte_offset += i64::try_from(taken).unwrap_or(0);
        placed.push(Placed { worker, end: *at, chunk: Rc::clone(chunk), range, is_whole });
    }
}

fn last_segment(folder: &Path, worker: i64) -> io::Result<i64> {
    let all = series(folder)?;
    let own = all.iter().find(|(known, _)| *known == worker);
    Ok(own.and_then(|(_, segments)| segments.last().copied()).unwrap_or(0))
}

fn chunk(path: &Path, from: i64, end: Option<i64>) -> io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        // Moved whole and deleted: the next segment follows.
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) => return Err(why),
    };
    let from = u64::try_from(from).unwrap_or(0);
    file.seek(SeekFrom::Start(from))?;
    let rest = end.map_or(u64::MAX, |end| u64::try_from(end).unwrap_or(0).saturating_sub(from));
    let mut bytes = Vec::new();
    file.take(rest.min(CHUNK_BYTES)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::click;
    use super::*;
    use proptest::prelude::*;

    fn encoded(count: u8) -> (Vec<Vec<u8>>, Vec<u8>) {
        let frames: Vec<Vec<u8>> = (0..count)
            .map(|n| {
                let mut bytes = Vec::new();
                assert!(frame::encode_click(
                    &click(i64::from(n), n),
                    &mut frame::Room::default(),
                    &mut bytes
                ));
                bytes
            })
            .collect();
        let all = frames.concat();
        (frames, all)
    }

    fn ids(placed: &[Placed]) -> Vec<i64> {
        placed
            .iter()
            .filter_map(|placed| match placed.record() {
                Some(Record::Click(click)) => Some(click.clicked_at_ms),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn segments_follow_each_other_and_reading_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (frames, _) = encoded(5);
        std::fs::write(folder.path().join(segment_name(0, 1)), frames[..3].concat()).unwrap();
        std::fs::write(folder.path().join(segment_name(0, 2)), frames[3..].concat()).unwrap();
        let first = read(folder.path(), 0, Position::default(), Until::End, 2).unwrap();
        assert_eq!(ids(&first), [0, 1]);
        let rest = read(folder.path(), 0, first[1].end, Until::End, 100).unwrap();
        assert_eq!(ids(&rest), [2, 3, 4]);
        assert_eq!(rest[2].end.segment, 2);
        assert!(read(folder.path(), 0, rest[2].end, Until::End, 100).unwrap().is_empty());
    }

    #[test]
    fn a_living_series_is_read_only_as_far_as_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (frames, all) = encoded(3);
        std::fs::write(folder.path().join(segment_name(0, 1)), &all).unwrap();
        let written = Position { segment: 1, byte_offset: i64::try_from(frames[0].len()).unwrap() };
        let placed = read(folder.path(), 0, Position::default(), Until::Written(written), 100).unwrap();
        assert_eq!(ids(&placed), [0]);
    }

    #[test]
    fn room_that_was_made_ahead_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let (frames, all) = encoded(3);
        let ahead = vec![0; 300_000];
        let write = |segment: i64, bytes: Vec<u8>| {
            std::fs::write(folder.path().join(segment_name(0, segment)), bytes).unwrap();
        };
        // One ended without being cut, one was never written, and the last record was torn by the end of its process.
        write(1, [&all[..], &ahead].concat());
        write(2, ahead.clone());
        write(3, [&frames[0], &frames[1][..20], &ahead].concat());
        let placed = read(folder.path(), 0, Position::default(), Until::End, 100).unwrap();
        assert_eq!(ids(&placed), [0, 1, 2, 0]);
        assert_eq!(placed.len(), 5, "the torn one is set aside");
        assert!(read(folder.path(), 0, placed[4].end, Until::End, 100).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn a_cut_anywhere_loses_only_the_torn_record(cut in any::<prop::sample::Index>()) {
            let folder = tempfile::tempdir().unwrap();
            let (frames, all) = encoded(4);
            let kept = cut.index(all.len() + 1);
            std::fs::write(folder.path().join(segment_name(0, 1)), &all[..kept]).unwrap();
            let placed = read(folder.path(), 0, Position::default(), Until::End, 100).unwrap();
            let mut whole = 0;
            let mut end = 0;
            for frame in &frames {
                end += frame.len();
                whole += usize::from(end <= kept);
            }
            prop_assert_eq!(ids(&placed).len(), whole);
            prop_assert!(placed.iter().filter(|placed| placed.record().is_none()).count() <= 1);
        }
    }
}
