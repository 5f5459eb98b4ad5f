//! The journal's room on the disk: how much it takes, and what is kept aside for the hour when the disk is full.

use super::journal::{Journal, read_segment_name};
use crate::db::journal_positions::Position;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Space kept aside for the hour when the disk is full: about 150,000 clicks.
pub const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// The folder beside the journals for records that the database refuses and for damaged ones.
pub(super) const QUARANTINE: &str = "quarantine";

/// The space set aside, as a file that is removed when it is needed.
pub(super) struct Reserve {
    path: PathBuf,
    is_there: Mutex<bool>,
}

impl Reserve {
    /// Sets space aside in a folder, where there is enough.
    pub(super) fn begin(folder: &Path) -> Self {
        let path = folder.join("reserve");
        let made = allocate(&path);
        if let Err(why) = &made {
            tracing::warn!(%why, "no space could be set aside for a full disk");
        }
        Self { path, is_there: Mutex::new(made.is_ok()) }
    }

    /// Gives the space back to the disk; says whether there was any.
    pub(super) fn release(&self) -> bool {
        let mut is_there = self.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut *is_there) {
            return false;
        }
        tracing::error!("the disk is full: the journal uses the space set aside; make room now");
        std::fs::remove_file(&self.path).is_ok()
    }

    /// Sets the space aside again once the disk has room for it twice over.
    pub(super) fn restore(&self) {
        let mut is_there = self.is_there.lock().unwrap_or_else(PoisonError::into_inner);
        let room = || self.path.parent().and_then(|folder| fs4::available_space(folder).ok()).unwrap_or(0);
        if !*is_there && room() >= 2 * RESERVE_BYTES {
            *is_there = allocate(&self.path).is_ok();
            if *is_there {
                tracing::info!("the disk has room: space is set aside again for the journal");
            }
        }
    }

    fn is_there(&self) -> bool {
        *self.is_there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn allocate(path: &Path) -> io::Result<()> {
    use fs4::FileExt as _;
    let made = File::create(path).and_then(|file| file.allocate(RESERVE_BYTES));
    if made.is_err() {
        // Half a reserve only takes room that clicks need. Where it cannot be removed it was not made.
        let _gone = std::fs::remove_file(path);
    }
    made
}

/// How much may wait for the database. What is written between two looks at the folder is added to what the last one
/// found, so the limit is never passed by more than what workers write in the same instant.
pub(super) struct Limit {
    bytes_max: Option<u64>,
    /// What waited at the last look.
    found: AtomicU64,
    /// What was written since.
    added: AtomicU64,
    is_reached: AtomicBool,
}

impl Limit {
    pub(super) const fn new(bytes_max: Option<u64>) -> Self {
        Self {
            bytes_max,
            found: AtomicU64::new(0),
            added: AtomicU64::new(0),
            is_reached: AtomicBool::new(false),
        }
    }

    /// Whether so many bytes more may wait; they count from now on where they may.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let Some(bytes_max) = self.bytes_max else { return true };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let added = self.added.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes);
        let has_room = self.found.load(Ordering::Acquire).saturating_add(added) <= bytes_max;
        if !has_room {
            self.added.fetch_sub(bytes, Ordering::AcqRel);
        }
        if self.is_reached.swap(!has_room, Ordering::AcqRel) == has_room {
            if has_room {
                tracing::info!("the journal is below its limit again: clicks are kept");
            } else {
                tracing::error!(
                    bytes_max,
                    "the journal is at its limit: visitors are sent on without a click id until the database takes clicks"
                );
            }
        }
        has_room
    }
}

impl Journal {
    /// How much may wait for the database, where that is limited.
    #[must_use]
    pub const fn bytes_max(&self) -> Option<u64> {
        self.limit.bytes_max
    }

    /// Looks how much waits, where that is limited. Reads a folder, so not from an event loop.
    pub(super) fn weigh(&self, moved_to: &BTreeMap<i64, Position>) {
        if self.limit.bytes_max.is_none() {
            return;
        }
        // What is written during the look may count twice until the next one, and never not at all.
        let added = self.limit.added.load(Ordering::Acquire);
        self.limit.found.store(self.bytes_after(moved_to), Ordering::Release);
        self.limit.added.fetch_sub(added, Ordering::AcqRel);
    }

    /// Whether the space for a full disk is set aside.
    #[must_use]
    pub fn has_reserve(&self) -> bool {
        self.reserve.is_there()
    }

    /// Bytes of records after some positions; a worker that has none is counted from its start.
    #[must_use]
    pub fn bytes_after(&self, positions: &BTreeMap<i64, Position>) -> u64 {
        let mut bytes = 0;
        for (worker, segment, len) in self.segments() {
            let at = positions.get(&worker).copied().unwrap_or_default();
            bytes += match segment.cmp(&at.segment) {
                std::cmp::Ordering::Greater => len,
                std::cmp::Ordering::Equal => len.saturating_sub(u64::try_from(at.byte_offset).unwrap_or(0)),
                std::cmp::Ordering::Less => 0,
            };
        }
        bytes
    }

    /// Bytes of all its segments, moved ones that are kept for a while included.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.segments().iter().map(|(_, _, len)| len).sum()
    }

    /// Records that were set aside, by any process of this data folder, and not taken away since.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        let folder = self.folder().parent().map(|root| root.join(QUARANTINE));
        let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
        entries.map_or(0, |entries| u64::try_from(entries.flatten().count()).unwrap_or(u64::MAX))
    }

    /// Worker, number and length of each segment: of one that is being written, as far as it is written.
    fn segments(&self) -> Vec<(i64, i64, u64)> {
        let entries = std::fs::read_dir(self.folder()).into_iter().flatten().flatten();
        let written: BTreeMap<i64, Position> =
            self.workers().iter().map(|state| (state.worker, state.written())).collect();
        let segment = |entry: std::fs::DirEntry| {
            let (worker, segment) = read_segment_name(entry.file_name().to_str()?)?;
            let own = written.get(&worker).filter(|at| at.segment == segment);
            let len = match own {
                Some(at) => u64::try_from(at.byte_offset).unwrap_or(0),
                None => entry.metadata().ok()?.len(),
            };
            Some((worker, segment, len))
        };
        entries.filter_map(segment).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::{Durability, segment_name};
    use super::*;

    #[test]
    fn bytes_are_counted_from_where_the_database_stands() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), Durability::Process, None).unwrap();
        for (worker, segment, len) in [(0, 1, 100), (0, 2, 50), (1, 1, 30)] {
            std::fs::write(journal.folder().join(segment_name(worker, segment)), vec![0; len]).unwrap();
        }
        assert_eq!(journal.disk_bytes(), 180);
        assert_eq!(journal.bytes_after(&BTreeMap::new()), 180);
        let at = |segment, byte_offset| Position { segment, byte_offset };
        assert_eq!(journal.bytes_after(&BTreeMap::from([(0, at(1, 60)), (1, at(1, 30))])), 90);
        assert_eq!(journal.bytes_after(&BTreeMap::from([(0, at(2, 50)), (1, at(1, 30))])), 0);
        journal.stop();
    }

    #[test]
    fn what_waits_stays_below_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), Durability::Process, Some(100)).unwrap();
        assert!(journal.limit.has_room(60));
        assert!(!journal.limit.has_room(41), "a hundred and one");
        assert!(journal.limit.has_room(40), "what was refused does not count");
        std::fs::write(journal.folder().join(segment_name(0, 1)), [0; 100]).unwrap();
        journal.weigh(&BTreeMap::new());
        assert!(!journal.limit.has_room(1));
        journal.weigh(&BTreeMap::from([(0, Position { segment: 1, byte_offset: 70 })]));
        assert!(journal.limit.has_room(70), "what was moved makes room");
        assert!(!journal.limit.has_room(1));
        journal.stop();
    }

    #[test]
    fn the_reserve_is_used_once_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::begin(folder.path());
        let len = || std::fs::metadata(folder.path().join("reserve")).map_or(0, |file| file.len());
        assert!(reserve.is_there());
        assert_eq!(len(), RESERVE_BYTES);
        assert!(reserve.release());
        assert!(!reserve.release(), "it was given away");
        assert_eq!(len(), 0);
        reserve.restore();
        assert!(reserve.is_there());
        assert_eq!(len(), RESERVE_BYTES);
    }
}
