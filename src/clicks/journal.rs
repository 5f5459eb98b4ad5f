//! The journal: every click is appended to a file before it is answered.
//!
//! Each worker of the server has a file series of its own and writes it once per turn of its event loop;
//! no other thread is involved before the answer. A background thread makes the files reach the disk
//! every 50 ms, or before the answer where the installation asks for safety from power cuts.

use super::batch::{Batch, NotKept, Written};
use super::frame::{self, Room};
use super::space::{Limit, Reserve};
use crate::db::journal_positions::Position;
use crate::domain::click::{ClickRecord, LpClickRecord};
use serde::Serialize;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A segment is closed when it has grown over this: small enough to be deleted soon, large enough that
/// files are few.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// What the name of a folder begins with while it is made.
pub(super) const MAKING: &str = ".making-";

/// How often files are made to reach the disk.
const SYNC_EVERY: Duration = Duration::from_millis(50);

/// When a click is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is in the operating system's hands: nothing is lost when the process dies; at most the
    /// last 50 ms on a power cut.
    Process,
    /// When it is on the disk.
    Power,
}

/// The journal of this process.
pub struct Journal {
    folder: PathBuf,
    id: String,
    durability: Durability,
    // Held for as long as this process lives: a folder whose lock is free is a dead process's.
    _lock: File,
    pub(super) reserve: Reserve,
    workers: Mutex<Vec<Arc<WorkerState>>>,
    sync: SyncSignal,
    begun_at_ms: i64,
    pub(super) limit: Limit,
    /// Clicks that could not be kept.
    pub lost: AtomicU64,
}

#[derive(Default)]
struct SyncSignal {
    is_stopped: AtomicBool,
    wanted: Mutex<bool>,
    changed: Condvar,
}

/// What other threads see of a worker's file series.
pub struct WorkerState {
    /// The worker's number, from 0.
    pub worker: i64,
    written: Mutex<Position>,
    unsynced: Mutex<Unsynced>,
}

#[derive(Default)]
struct Unsynced {
    files: Vec<Arc<File>>,
    batches: Vec<Arc<Batch>>,
}

impl WorkerState {
    /// How far whole records are written.
    pub fn written(&self) -> Position {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of a worker's segment file.
pub(super) fn segment_name(worker: i64, segment: i64) -> String {
    format!("w{worker}-{segment:010}.log")
}

/// Reads such a name back.
pub(super) fn read_segment_name(name: &str) -> Option<(i64, i64)> {
    let (worker, segment) = name.strip_prefix('w')?.strip_suffix(".log")?.split_once('-')?;
    Some((worker.parse().ok()?, segment.parse().ok()?))
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Journal {
    /// Begins a journal of its own for this process under `<folder>/<random id>/`. What waits for the database in it grows
    /// to `bytes_max` at most; without that, as long as the disk has room.
    ///
    /// # Errors
    /// The folder cannot be made, locked or written.
    pub fn begin(folder: &Path, durability: Durability, bytes_max: Option<u64>) -> io::Result<Arc<Self>> {
        let id = format!("{:032x}", rand::random::<u128>());
        // Made and locked under another name: a folder under its own name whose lock is free is a dead
        // process's, and another process may take it over at any moment.
        let (making, own) = (folder.join(format!("{MAKING}{id}")), folder.join(&id));
        std::fs::create_dir_all(&making)?;
        let lock = File::create(making.join("lock"))?;
        lock.lock()?;
        std::fs::rename(&making, &own)?;
        let reserve = Reserve::begin(&own);
        let journal = Arc::new(Self {
            folder: own,
            id,
            durability,
            _lock: lock,
            reserve,
            workers: Mutex::default(),
            sync: SyncSignal::default(),
            begun_at_ms: now_ms(),
            limit: Limit::new(bytes_max),
            lost: AtomicU64::new(0),
        });
        let syncing = Arc::clone(&journal);
        std::thread::Builder::new().name("journal-sync".to_owned()).spawn(move || syncing.keep_syncing())?;
        Ok(journal)
    }

    /// The journal's own name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When it was begun, Unix milliseconds.
    #[must_use]
    pub const fn begun_at_ms(&self) -> i64 {
        self.begun_at_ms
    }

    /// Every worker's state.
    #[must_use]
    pub fn workers(&self) -> Vec<Arc<WorkerState>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A file series for one more worker. It stays on the thread that asks for it.
    ///
    /// # Errors
    /// The first segment cannot be made.
    pub fn worker(self: &Arc<Self>) -> io::Result<Rc<WorkerJournal>> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = i64::try_from(workers.len()).unwrap_or(i64::MAX);
        let state = Arc::new(WorkerState { worker, written: Mutex::default(), unsynced: Mutex::default() });
        let mut inner = Inner {
            room: Room::default(),
            buffer: Vec::with_capacity(64 * 1024),
            batch: Arc::default(),
            is_flush_due: false,
            file: None,
            at: Position::default(),
        };
        inner.next_segment(self, &state)?;
        workers.push(Arc::clone(&state));
        Ok(Rc::new(WorkerJournal { journal: Arc::clone(self), state, inner: RefCell::new(inner) }))
    }

    fn keep_syncing(&self) {
        while !self.sync.is_stopped.load(Ordering::Acquire) {
            {
                let wanted = self.sync.wanted.lock().unwrap_or_else(PoisonError::into_inner);
                let waiting = self.sync.changed.wait_timeout_while(wanted, SYNC_EVERY, |wanted| !*wanted);
                *waiting.unwrap_or_else(PoisonError::into_inner).0 = false;
            }
            self.sync_all();
        }
    }

    /// Makes everything written so far reach the disk.
    pub fn sync_all(&self) {
        for state in self.workers() {
            let due = std::mem::take(&mut *state.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
            let mut outcome = Ok(());
            for file in &due.files {
                if let Err(why) = file.sync_data() {
                    tracing::error!(%why, "a journal file could not be made to reach the disk");
                    outcome = Err(NotKept);
                }
            }
            for batch in due.batches {
                batch.finish(outcome);
            }
        }
    }

    /// Ends the syncing thread, after all is on the disk.
    pub fn stop(&self) {
        self.sync.is_stopped.store(true, Ordering::Release);
        self.sync.changed.notify_all();
        self.sync_all();
    }
}

/// A worker's end of the journal: lives on that worker's thread.
pub struct WorkerJournal {
    journal: Arc<Journal>,
    state: Arc<WorkerState>,
    inner: RefCell<Inner>,
}

struct Inner {
    room: Room,
    buffer: Vec<u8>,
    batch: Arc<Batch>,
    is_flush_due: bool,
    file: Option<Arc<File>>,
    at: Position,
}

impl WorkerJournal {
    /// Keeps a click; resolves when it is written. The bytes are in the buffer when this returns, in
    /// order; the write follows once all connections that are ready in this turn have added theirs.
    pub fn append_click<Text: Serialize>(self: &Rc<Self>, click: &ClickRecord<Text>) -> Written {
        self.append(|room, buffer| frame::encode_click(click, room, buffer))
    }

    /// Keeps a lander click, in the same way.
    pub fn append_lp_click(self: &Rc<Self>, click: &LpClickRecord) -> Written {
        self.append(|room, buffer| frame::encode_lp_click(click, room, buffer))
    }

    fn append(self: &Rc<Self>, encode: impl FnOnce(&mut Room, &mut Vec<u8>) -> bool) -> Written {
        let mut inner = self.inner.borrow_mut();
        let Inner { room, buffer, .. } = &mut *inner;
        if !encode(room, buffer) {
            tracing::error!("a record was too large for the journal");
            let lost = Arc::<Batch>::default();
            lost.finish(Err(NotKept));
            return Written(lost);
        }
        let batch = Arc::clone(&inner.batch);
        if !inner.is_flush_due {
            inner.is_flush_due = true;
            let own = Rc::clone(self);
            tokio::task::spawn_local(async move {
                tokio::task::yield_now().await;
                own.flush();
            });
        }
        Written(batch)
    }

    /// Writes what has gathered, at once.
    pub fn flush(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.is_flush_due = false;
        let batch = std::mem::take(&mut inner.batch);
        if inner.buffer.is_empty() {
            batch.finish(Ok(()));
            return;
        }
        if !self.journal.limit.has_room(inner.buffer.len()) {
            inner.buffer.clear();
            batch.finish(Err(NotKept));
            return;
        }
        let mut outcome = inner.write(&self.journal, &self.state);
        if outcome.is_err() && self.journal.reserve.release() {
            outcome = inner.write(&self.journal, &self.state);
        }
        inner.buffer.clear();
        if let Err(why) = outcome {
            tracing::error!(%why, "clicks could not be kept; visitors are sent on without a click id");
            batch.finish(Err(NotKept));
            return;
        }
        if self.journal.durability == Durability::Process {
            batch.finish(Ok(()));
            return;
        }
        self.state.unsynced.lock().unwrap_or_else(PoisonError::into_inner).batches.push(batch);
        *self.journal.sync.wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.journal.sync.changed.notify_one();
    }

    /// Counts a record that could not be kept.
    pub fn count_lost(&self) {
        self.journal.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl Inner {
    fn write(&mut self, journal: &Journal, state: &WorkerState) -> io::Result<()> {
        if self.file.is_none() || u64::try_from(self.at.byte_offset).unwrap_or(0) >= SEGMENT_BYTES {
            self.next_segment(journal, state)?;
        }
        let Some(file) = self.file.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(why) = (&*file).write_all(&self.buffer) {
            // Half a record must not stand before the next one.
            let whole = u64::try_from(self.at.byte_offset).unwrap_or(0);
            if file.set_len(whole).is_err() {
                self.file = None;
            }
            return Err(why);
        }
        self.at.byte_offset += i64::try_from(self.buffer.len()).unwrap_or(0);
        *state.written.lock().unwrap_or_else(PoisonError::into_inner) = self.at;
        let mut unsynced = state.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        if !unsynced.files.iter().any(|known| Arc::ptr_eq(known, &file)) {
            unsynced.files.push(file);
        }
        Ok(())
    }

    fn next_segment(&mut self, journal: &Journal, state: &WorkerState) -> io::Result<()> {
        let segment = self.at.segment + 1;
        let path = journal.folder.join(segment_name(state.worker, segment));
        // Appending: after a cut the next write goes to the new end.
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        // The new name must survive a power cut as the bytes in it do.
        File::open(&journal.folder)?.sync_all()?;
        self.file = Some(Arc::new(file));
        self.at = Position { segment, byte_offset: 0 };
        *state.written.lock().unwrap_or_else(PoisonError::into_inner) = self.at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::tests::click;
    use super::*;

    #[tokio::test]
    async fn one_turn_is_one_write_and_all_are_answered() {
        for durability in [Durability::Process, Durability::Power] {
            let folder = tempfile::tempdir().unwrap();
            let journal = Journal::begin(folder.path(), durability, None).unwrap();
            let local = tokio::task::LocalSet::new();
            local
                .run_until(async {
                    let worker = journal.worker().unwrap();
                    let waiting: Vec<Written> =
                        (0..5).map(|n| worker.append_click(&click(i64::from(n), n))).collect();
                    assert_eq!(journal.workers()[0].written().byte_offset, 0, "written too early");
                    for written in waiting {
                        assert_eq!(written.await, Ok(()));
                    }
                })
                .await;
            let at = journal.workers()[0].written();
            let bytes = std::fs::read(journal.folder().join(segment_name(0, 1))).unwrap();
            assert_eq!(i64::try_from(bytes.len()).unwrap(), at.byte_offset);
            journal.stop();
        }
    }

    #[test]
    fn names_of_segments_read_back() {
        assert_eq!(read_segment_name(&segment_name(3, 12)), Some((3, 12)));
        assert_eq!(read_segment_name("reserve"), None);
    }
}
