//! The journal: every click is appended to a file before it is answered.
//!
//! Each worker of the server has a file series of its own and writes it once per turn of its event loop;
//! no other thread is involved before the answer. A thread of each worker's own makes its files reach the
//! disk every 50 ms, or before the answer where the installation asks for safety from power cuts.

use super::batch::{Batch, NotKept, Written};
use super::frame::{self, Room};
use super::space::{Limit, Reserve};
use crate::db::journal_positions::Position;
use crate::domain::click::{ClickRecord, LpClickRecord};
use serde::Serialize;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// A segment is closed when it has grown over this: small enough to be deleted soon, large enough that
/// files are few.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// What the name of a folder begins with while it is made.
pub(super) const MAKING: &str = ".making-";

/// Zeros that a segment is made longer by at a time, where clicks wait for the disk. What is written over them makes the file
/// no longer, and a file that grows takes the disk half as long again to keep. A quarter of a megabyte holds 800 clicks.
const AHEAD_BYTES: usize = 256 * 1024;

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
    begun_at_ms: i64,
    pub(super) limit: Limit,
    /// Clicks that could not be kept.
    pub lost: AtomicU64,
}

/// What other threads see of a worker's file series.
pub struct WorkerState {
    /// The worker's number, from 0.
    pub worker: i64,
    written: Mutex<Position>,
    unsynced: Mutex<Unsynced>,
    /// Somebody waits for the disk, or the thread is to end.
    changed: Condvar,
    is_stopped: AtomicBool,
}

/// What is written and has perhaps not reached the disk.
#[derive(Default)]
struct Unsynced {
    files: Vec<Arc<File>>,
    /// Those who wait for it: a worker hears once for a whole batch, and wakes its handlers on its own thread.
    waiting: Vec<oneshot::Sender<Result<(), NotKept>>>,
}

impl WorkerState {
    fn new(worker: i64) -> Arc<Self> {
        Arc::new(Self {
            worker,
            written: Mutex::default(),
            unsynced: Mutex::default(),
            changed: Condvar::new(),
            is_stopped: AtomicBool::new(false),
        })
    }

    /// How far whole records are written.
    pub fn written(&self) -> Position {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep_syncing(&self) {
        while !self.is_stopped.load(Ordering::Acquire) {
            let unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
            let nobody_waits = |unsynced: &mut Unsynced| {
                unsynced.waiting.is_empty() && !self.is_stopped.load(Ordering::Acquire)
            };
            drop(self.changed.wait_timeout_while(unsynced, SYNC_EVERY, nobody_waits));
            self.sync();
        }
    }

    /// Makes everything written so far reach the disk.
    fn sync(&self) {
        let due = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        let mut outcome = Ok(());
        for file in &due.files {
            if let Err(why) = file.sync_data() {
                tracing::error!(%why, "a journal file could not be made to reach the disk");
                outcome = Err(NotKept);
            }
        }
        for waiting in due.waiting {
            // A worker that has ended waits no more.
            let _unheard = waiting.send(outcome);
        }
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
        Ok(Arc::new(Self {
            folder: own,
            id,
            durability,
            _lock: lock,
            reserve,
            workers: Mutex::default(),
            begun_at_ms: now_ms(),
            limit: Limit::new(bytes_max),
            lost: AtomicU64::new(0),
        }))
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

    /// A file series for one more worker, with the thread that makes it reach the disk. It stays on the thread that asks
    /// for it.
    ///
    /// # Errors
    /// The first segment cannot be made, or no thread started.
    pub fn worker(self: &Arc<Self>) -> io::Result<Rc<WorkerJournal>> {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let worker = i64::try_from(workers.len()).unwrap_or(i64::MAX);
        let state = WorkerState::new(worker);
        let mut inner = Inner {
            room: Room::default(),
            buffer: Vec::with_capacity(64 * 1024),
            batch: Rc::default(),
            is_flush_due: false,
            file: None,
            at: Position::default(),
            is_ahead: self.durability == Durability::Power,
            prepared: 0,
        };
        inner.next_segment(self, &state)?;
        let syncing = Arc::clone(&state);
        let name = format!("journal-sync-{worker}");
        std::thread::Builder::new().name(name).spawn(move || syncing.keep_syncing())?;
        workers.push(Arc::clone(&state));
        Ok(Rc::new(WorkerJournal { journal: Arc::clone(self), state, inner: RefCell::new(inner) }))
    }

    /// Ends the syncing threads, after all is on the disk.
    pub fn stop(&self) {
        for state in self.workers() {
            state.is_stopped.store(true, Ordering::Release);
            state.changed.notify_all();
            state.sync();
        }
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
    batch: Rc<Batch>,
    is_flush_due: bool,
    file: Option<Arc<File>>,
    at: Position,
    /// Segments are made longer than what stands in them.
    is_ahead: bool,
    /// The length that the segment was made.
    prepared: i64,
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
            let lost = Rc::<Batch>::default();
            lost.finish(Err(NotKept));
            return Written::new(lost);
        }
        let batch = Rc::clone(&inner.batch);
        if !inner.is_flush_due {
            inner.is_flush_due = true;
            let own = Rc::clone(self);
            tokio::task::spawn_local(async move {
                tokio::task::yield_now().await;
                own.flush();
            });
        }
        Written::new(batch)
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
        let (sender, on_disk) = oneshot::channel();
        self.state.unsynced.lock().unwrap_or_else(PoisonError::into_inner).waiting.push(sender);
        self.state.changed.notify_one();
        tokio::task::spawn_local(async move { batch.finish(on_disk.await.unwrap_or(Err(NotKept))) });
    }

    /// Counts a record that could not be kept.
    pub fn count_lost(&self) {
        self.journal.lost.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.cut();
    }
}

impl Inner {
    fn write(&mut self, journal: &Journal, state: &WorkerState) -> io::Result<()> {
        if self.file.is_none() || u64::try_from(self.at.byte_offset).unwrap_or(0) >= SEGMENT_BYTES {
            self.next_segment(journal, state)?;
        }
        let Some(file) = self.file.clone() else { return Err(io::ErrorKind::NotFound.into()) };
        if self.is_ahead {
            self.prepare(&file);
        }
        if let Err(why) = (&*file).write_all(&self.buffer) {
            // Half a record must not stand before the next one.
            self.prepared = self.at.byte_offset;
            let whole = u64::try_from(self.at.byte_offset).unwrap_or(0);
            if file.set_len(whole).and_then(|()| (&*file).seek(SeekFrom::Start(whole))).is_err() {
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

    /// Makes the segment longer where what is to be written would not fit. A disk without room for that may still have room
    /// for the clicks themselves.
    fn prepare(&mut self, file: &File) {
        static ZEROS: [u8; AHEAD_BYTES] = [0; AHEAD_BYTES];
        let end = self.at.byte_offset.saturating_add(i64::try_from(self.buffer.len()).unwrap_or(0));
        if end <= self.prepared {
            return;
        }
        let at = |offset: i64| SeekFrom::Start(u64::try_from(offset).unwrap_or(0));
        let begin = self.prepared.max(self.at.byte_offset);
        let mut file = file;
        if file.seek(at(begin)).and_then(|_| file.write_all(&ZEROS)).is_ok() {
            self.prepared = begin.saturating_add(i64::try_from(AHEAD_BYTES).unwrap_or(0));
        }
        // A place that cannot be found again would be an error of the write that follows.
        let _ = file.seek(at(self.at.byte_offset));
    }

    /// Takes what was made ahead off a segment that ends.
    fn cut(&mut self) {
        if let Some(file) = self.file.take().filter(|_| self.is_ahead)
            && let Err(why) = file.set_len(u64::try_from(self.at.byte_offset).unwrap_or(0))
        {
            tracing::warn!(%why, "a journal segment keeps the room that was made in it ahead");
        }
        self.prepared = 0;
    }

    fn next_segment(&mut self, journal: &Journal, state: &WorkerState) -> io::Result<()> {
        let segment = self.at.segment + 1;
        let path = journal.folder.join(segment_name(state.worker, segment));
        let file = OpenOptions::new().create_new(true).write(true).open(path)?;
        self.cut();
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
    use super::super::reader::Until;
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
            assert_eq!(i64::try_from(bytes.len()).unwrap(), at.byte_offset, "cut where its worker ended");
            journal.stop();
        }
    }

    #[tokio::test]
    async fn what_waits_for_the_disk_is_written_over_room_made_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::begin(folder.path(), Durability::Power, None).unwrap();
        let path = journal.folder().join(segment_name(0, 1));
        let len = || std::fs::metadata(&path).unwrap().len();
        let ahead = u64::try_from(AHEAD_BYTES).unwrap();
        tokio::task::LocalSet::new()
            .run_until(async {
                let worker = journal.worker().unwrap();
                assert_eq!(len(), 0);
                assert_eq!(worker.append_click(&click(1, 1)).await, Ok(()));
                assert_eq!(len(), ahead);
                assert!(journal.disk_bytes() < ahead, "what is written counts");
                let mut count = 1;
                while len() == ahead {
                    assert_eq!(worker.append_click(&click(1, 1)).await, Ok(()));
                    count += 1;
                }
                let written = journal.workers()[0].written();
                let placed =
                    super::super::reader::read(journal.folder(), 0, Position::default(), Until::End, 10_000);
                let placed = placed.unwrap();
                assert_eq!((placed.len(), placed.last().unwrap().end), (count, written));
                assert!(placed.iter().all(|one| one.record().is_some()));
            })
            .await;
        assert_eq!(len(), journal.disk_bytes(), "cut where its worker ended");
        journal.stop();
    }

    #[test]
    fn names_of_segments_read_back() {
        assert_eq!(read_segment_name(&segment_name(3, 12)), Some((3, 12)));
        assert_eq!(read_segment_name("reserve"), None);
    }
}
