//! The ingester: moves the journal into the database. Rows, sums and the journal's position are one
//! transaction, so a crash at any instruction neither loses nor doubles a row.

use super::journal::Journal;
use super::move_rows::{self, Inserted, KnownAgents};
use super::reader::{self, Placed, Until};
use crate::db::journal_positions::{self, Position};
use crate::db::{self, Backend, Db, Priority};
use crate::domain::click_id::ClickId;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Rows moved in one transaction at most: larger ones gain nothing and hold the write lock longer.
const ROWS_MAX: usize = 10_000;

/// How long it sleeps when there was little to move: the age of what dashboards show.
const IDLE: Duration = Duration::from_millis(100);

/// How long it waits after the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// How often moved segments are looked through for deletion.
const CLEAN_EVERY: Duration = Duration::from_secs(30);

/// PostgreSQL segments are kept so long after they were moved, for a failover to a standby that lags.
const KEEP_ON_POSTGRES: Duration = Duration::from_secs(3_600);

/// How long a click may be on its way from the making of its id to the journal; clocks of nodes may differ by
/// as much.
const ON_ITS_WAY_MS: i64 = 1_000;

/// How long it goes on at a clean end; the journal keeps the rest.
pub const FINISH_LONGEST: Duration = Duration::from_secs(10);

/// What others see of the ingester.
pub struct Ingested {
    through: watch::Receiver<i64>,
    signal: Arc<Signal>,
}

#[derive(Default)]
struct Signal {
    is_wanted: Mutex<bool>,
    changed: Condvar,
    is_stopped: AtomicBool,
}

impl Ingested {
    /// Everything recorded before this time (Unix milliseconds) on this process is in the database.
    #[must_use]
    pub fn through_ms(&self) -> i64 {
        *self.through.borrow()
    }

    /// A receiver that hears of every move.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.through.clone()
    }

    /// Asks the ingester not to sleep.
    pub fn hurry(&self) {
        *self.signal.is_wanted.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.signal.changed.notify_all();
    }

    /// Stops the thread: it moves what is written, for at most [`FINISH_LONGEST`], and ends.
    pub fn stop(&self) {
        self.signal.is_stopped.store(true, Ordering::Release);
        self.signal.changed.notify_all();
    }

    /// Waits until everything recorded before a time is in the database, but not longer than told.
    pub async fn wait_for(&self, ms: i64, longest: Duration) -> bool {
        let mut through = self.through.clone();
        if *through.borrow() > ms {
            return true;
        }
        self.hurry();
        tokio::time::timeout(longest, through.wait_for(|through| *through > ms))
            .await
            .is_ok_and(|seen| seen.is_ok())
    }

    /// Read your own writes: waits until a click that was answered before this call is in the database, but
    /// not longer than told.
    ///
    /// The time in an id is not enough to know that: between it and the journal lies the routing of the
    /// click, and a look at the journal may fall between the two. What was answered by now was in the journal
    /// by now, so a young click waits for a look that begins later than now.
    pub async fn wait_for_click(&self, id: ClickId, longest: Duration) -> bool {
        let (made_at_ms, asked_at_ms) = (id.unix_ms(), now_ms());
        let is_settled = made_at_ms.saturating_add(ON_ITS_WAY_MS) < self.through_ms();
        // An id from the future was made by no click.
        if is_settled || made_at_ms > asked_at_ms.saturating_add(ON_ITS_WAY_MS) {
            return true;
        }
        // A look within this very millisecond would not count as later.
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.wait_for(asked_at_ms, longest).await
    }
}

/// The thread that moves this process's journal, and those of dead processes, into the database.
pub struct Ingester {
    db: Arc<Db>,
    journal: Arc<Journal>,
    /// `<data>/journal`: this process's folder and perhaps dead ones' beside it.
    root: PathBuf,
    writer_id: i64,
    signal: Arc<Signal>,
    through: watch::Sender<i64>,
    agents: KnownAgents,
    cleaned_at: Instant,
    moved: Vec<(PathBuf, Instant)>,
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Ingester {
    /// Starts the thread. `writer_id` names this process's own rows of the sums.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        db: Arc<Db>,
        journal: Arc<Journal>,
        writer_id: i64,
    ) -> std::io::Result<(Ingested, std::thread::JoinHandle<()>)> {
        let (sender, receiver) = watch::channel(0);
        let signal = Arc::<Signal>::default();
        let ingested = Ingested { through: receiver, signal: Arc::clone(&signal) };
        let root = journal.folder().parent().unwrap_or_else(|| Path::new(".")).to_path_buf();
        let mut own = Self {
            db,
            journal,
            root,
            writer_id,
            signal,
            through: sender,
            agents: KnownAgents::default(),
            cleaned_at: Instant::now(),
            moved: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("ingester".to_owned()).spawn(move || own.run())?;
        Ok((ingested, thread))
    }

    fn run(&mut self) {
        self.adopt_dead();
        while !self.signal.is_stopped.load(Ordering::Acquire) {
            let pause = match self.move_own() {
                Ok(rows) if rows >= ROWS_MAX / 2 => continue,
                Ok(_) => IDLE,
                Err(why) => {
                    tracing::error!(%why, "clicks stay in the journal: the database refuses them");
                    RETRY
                }
            };
            if self.cleaned_at.elapsed() >= CLEAN_EVERY {
                self.cleaned_at = Instant::now();
                self.adopt_dead();
                self.clean();
            }
            self.sleep(pause);
        }
        self.finish(FINISH_LONGEST);
    }

    fn sleep(&self, pause: Duration) {
        let wanted = self.signal.is_wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.signal.changed.wait_timeout_while(wanted, pause, |wanted| {
            !*wanted && !self.signal.is_stopped.load(Ordering::Acquire)
        });
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Moves what this process has written by now.
    fn move_own(&mut self) -> Result<usize, MoveError> {
        // Taken before the ends are looked at: whatever was recorded before it lies before them.
        let seen_at_ms = now_ms();
        let ends: BTreeMap<i64, Until> = self
            .journal
            .workers()
            .iter()
            .map(|state| (state.worker, Until::Written(state.written())))
            .collect();
        let folder = self.journal.folder().to_path_buf();
        let id = self.journal.id().to_owned();
        let mut rows = 0;
        loop {
            let moved = self.move_some(&folder, &id, &ends)?;
            rows += moved;
            if moved == 0 {
                break;
            }
        }
        self.through.send_if_modified(|through| {
            let is_later = seen_at_ms > *through;
            *through = seen_at_ms.max(*through);
            is_later
        });
        Ok(rows)
    }

    /// Moves the journals of processes that are no more, and removes their folders.
    fn adopt_dead(&mut self) {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let folder = entry.path();
            let Some(id) = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            let is_made = !id.starts_with(super::journal::MAKING) && folder.join("lock").exists();
            if folder == self.journal.folder() || !is_made {
                continue;
            }
            let Ok(lock) = File::open(folder.join("lock")) else { continue };
            if lock.try_lock().is_err() {
                continue;
            }
            let Some(id) = folder.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            match self.adopt(&folder, &id) {
                Ok(rows) => tracing::info!(journal = id, rows, "moved what an earlier process had left"),
                Err(why) => {
                    tracing::error!(journal = id, %why, "an earlier process's journal cannot be moved yet")
                }
            }
        }
    }

    fn adopt(&mut self, folder: &Path, id: &str) -> Result<usize, MoveError> {
        let ends: BTreeMap<i64, Until> =
            reader::series(folder)?.into_iter().map(|(worker, _)| (worker, Until::End)).collect();
        let mut rows = 0;
        loop {
            let moved = self.move_some(folder, id, &ends)?;
            rows += moved;
            if moved == 0 {
                break;
            }
        }
        // What was moved must be safe from a power cut before its only other copy goes.
        if self.db.checkpoint()? && (self.db.backend() == Backend::Sqlite || is_old(folder)) {
            std::fs::remove_dir_all(folder)?;
            self.db.write(Priority::Maintenance, |conn| journal_positions::delete(conn, id))?;
        }
        Ok(rows)
    }

    /// One transaction's worth of a journal. Returns how many places were moved.
    fn move_some(
        &mut self,
        folder: &Path,
        id: &str,
        ends: &BTreeMap<i64, Until>,
    ) -> Result<usize, MoveError> {
        let positions = self.db.read(|conn| journal_positions::find(conn, id))?;
        let mut placed = Vec::new();
        for (worker, until) in ends {
            let from = positions.get(worker).copied().unwrap_or_default();
            let room = ROWS_MAX.saturating_sub(placed.len());
            placed.extend(reader::read(folder, *worker, from, *until, room)?);
        }
        if placed.is_empty() {
            return Ok(0);
        }
        self.move_halving(id, &positions, &placed)?;
        Ok(placed.len())
    }

    /// Moves a batch; one that the database refuses is halved until the record at fault stands alone,
    /// which is then set aside, and ingestion goes on.
    fn move_halving(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<BTreeMap<i64, Position>, MoveError> {
        match self.move_batch(id, before, placed) {
            Ok(MovedTo { positions, count, .. }) if count == placed.len() => Ok(positions),
            Ok(MovedTo { positions, count, .. }) => {
                let rest = placed.get(count..).unwrap_or_default();
                self.move_halving(id, &positions, rest)
            }
            Err(MoveError::Db(db::Error::Query(why))) if placed.len() == 1 => {
                tracing::error!(%why, "the database refuses a record: it is set aside");
                self.set_aside(id, before, placed)
            }
            Err(MoveError::Db(db::Error::Query(_))) => {
                let (left, right) = placed.split_at(placed.len() / 2);
                let between = self.move_halving(id, before, left)?;
                self.move_halving(id, &between, right)
            }
            Err(other) => Err(other),
        }
    }

    fn move_batch(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<MovedTo, MoveError> {
        let (db, agents) = (Arc::clone(&self.db), &mut self.agents);
        let writer_id = self.writer_id;
        let moved = db.write(Priority::Ingester, |conn| {
            let locked = journal_positions::lock(conn, id)?;
            if locked != *before {
                // Somebody else moved it, or the database went back in time: read again from there.
                return Err(MoveError::Elsewhere);
            }
            let is_wanted = || db.is_wanted_before(Priority::Ingester);
            let Inserted { count, unreadable } =
                move_rows::insert(conn, placed, agents, writer_id, &is_wanted)?;
            let positions = ends_of(before, placed.get(..count).unwrap_or_default());
            put_positions(conn, id, before, &positions)?;
            Ok(MovedTo { positions, count, unreadable })
        });
        match &moved {
            Ok(to) => {
                self.keep_damaged(id, to.unreadable.iter().filter_map(|at| placed.get(*at)));
                self.agents.commit();
            }
            Err(_) => self.agents.forget(),
        }
        moved
    }

    /// Keeps a record that the database refuses in `quarantine/`, and goes past it.
    fn set_aside(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<BTreeMap<i64, Position>, MoveError> {
        for one in placed {
            match one.record() {
                Some(record) => self.quarantine(id, one, format!("{record:?}\n").as_bytes())?,
                None => self.quarantine(id, one, one.bytes())?,
            }
        }
        let after = ends_of(before, placed);
        self.db.write(Priority::Ingester, |conn| put_positions(conn, id, before, &after))?;
        Ok(after)
    }

    fn keep_damaged<'a>(&self, id: &str, unreadable: impl Iterator<Item = &'a Placed>) {
        for one in unreadable {
            tracing::error!(
                journal = id,
                bytes = one.bytes().len(),
                "a torn or damaged stretch of the journal was cut out"
            );
            if let Err(why) = self.quarantine(id, one, one.bytes()) {
                tracing::error!(%why, "it could not be kept in quarantine");
            }
        }
    }

    fn quarantine(&self, id: &str, one: &Placed, bytes: &[u8]) -> std::io::Result<()> {
        let folder = self.root.join("quarantine");
        std::fs::create_dir_all(&folder)?;
        let name = format!("{id}-w{}-{:010}-{:012}", one.worker, one.end.segment, one.end.byte_offset);
        std::fs::write(folder.join(name), bytes)
    }

    /// Deletes segments that were moved whole: on SQLite once a checkpoint has made the rows reach the
    /// disk, on PostgreSQL after an hour.
    fn clean(&mut self) {
        let is_sqlite = self.db.backend() == Backend::Sqlite;
        if is_sqlite && !self.moved.is_empty() && matches!(self.db.checkpoint(), Ok(true)) {
            for (path, _) in self.moved.drain(..) {
                delete_file(&path);
            }
        }
        if !is_sqlite {
            self.moved.retain(|(path, at)| {
                let is_due = at.elapsed() >= KEEP_ON_POSTGRES;
                if is_due {
                    delete_file(path);
                }
                !is_due
            });
        }
        let Ok(positions) = self.db.read(|conn| journal_positions::find(conn, self.journal.id())) else {
            return;
        };
        let Ok(series) = reader::series(self.journal.folder()) else { return };
        for (worker, segments) in series {
            let at = positions.get(&worker).copied().unwrap_or_default();
            for segment in segments.into_iter().filter(|segment| *segment < at.segment) {
                let path = self.journal.folder().join(super::journal::segment_name(worker, segment));
                if !self.moved.iter().any(|(known, _)| *known == path) {
                    self.moved.push((path, Instant::now()));
                }
            }
        }
    }
}

impl Ingester {
    /// Moves everything written by now, for a clean end; gives up after a while, since the journal keeps
    /// the rest.
    fn finish(&mut self, longest: Duration) {
        let started = Instant::now();
        while started.elapsed() < longest {
            match self.move_own() {
                Ok(0) => return,
                Ok(_) => {}
                Err(why) => {
                    tracing::warn!(%why, "the rest stays in the journal until the next start");
                    return;
                }
            }
        }
    }
}

fn delete_file(path: &Path) {
    if let Err(why) = std::fs::remove_file(path) {
        tracing::warn!(%why, "a moved journal segment could not be deleted");
    }
}

fn is_old(folder: &Path) -> bool {
    let changed = reader::series(folder).ok().into_iter().flatten().flat_map(|(worker, segments)| {
        segments.into_iter().filter_map(move |segment| {
            std::fs::metadata(folder.join(super::journal::segment_name(worker, segment)))
                .ok()?
                .modified()
                .ok()
        })
    });
    changed.max().is_none_or(|last| last.elapsed().is_ok_and(|age| age >= KEEP_ON_POSTGRES))
}

struct MovedTo {
    positions: BTreeMap<i64, Position>,
    count: usize,
    unreadable: Vec<usize>,
}

/// Why a batch was not moved.
#[derive(Debug)]
pub(super) enum MoveError {
    Db(db::Error),
    Files(std::io::Error),
    Elsewhere,
}

impl From<db::Error> for MoveError {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl From<std::io::Error> for MoveError {
    fn from(error: std::io::Error) -> Self {
        Self::Files(error)
    }
}

impl std::fmt::Display for MoveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Files(error) => write!(f, "a journal file cannot be read: {error}"),
            Self::Elsewhere => f.write_str("another process moved this journal meanwhile"),
        }
    }
}

/// Where each worker's series stands after some places.
fn ends_of(before: &BTreeMap<i64, Position>, placed: &[Placed]) -> BTreeMap<i64, Position> {
    let mut ends = before.clone();
    for one in placed {
        ends.insert(one.worker, one.end);
    }
    ends
}

fn put_positions(
    conn: &mut db::AnyConnection,
    id: &str,
    before: &BTreeMap<i64, Position>,
    after: &BTreeMap<i64, Position>,
) -> Result<(), MoveError> {
    for (worker, at) in after {
        if before.get(worker) != Some(at) {
            journal_positions::put(conn, id, *worker, *at, now_ms())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What others see, with the hand that moves it.
    fn ingested(through_ms: i64) -> (Ingested, watch::Sender<i64>) {
        let (sender, through) = watch::channel(through_ms);
        (Ingested { through, signal: Arc::default() }, sender)
    }

    fn id(unix_ms: i64) -> ClickId {
        ClickId::new(unix_ms, [0; 10])
    }

    const SHORT: Duration = Duration::from_millis(30);

    #[tokio::test]
    async fn a_young_click_waits_for_a_look_that_begins_later() {
        let now = now_ms();
        // The journal was looked at while the click was still being routed: its id is older than that look.
        let (ingested, sender) = ingested(now);
        assert!(!ingested.wait_for_click(id(now - 5), SHORT).await, "that look cannot have seen it");
        assert!(*ingested.signal.is_wanted.lock().unwrap(), "the ingester was told to hurry");
        let looking = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            sender.send_replace(now_ms() + 1);
        };
        let (has_come, ()) =
            tokio::join!(ingested.wait_for_click(id(now - 5), Duration::from_secs(5)), looking);
        assert!(has_come);
    }

    #[tokio::test]
    async fn an_old_click_and_one_from_the_future_wait_for_nothing() {
        let now = now_ms();
        let (ingested, _sender) = ingested(now);
        for made_at_ms in [now - 60_000, now + 60_000] {
            assert!(ingested.wait_for_click(id(made_at_ms), SHORT).await);
        }
        assert!(!*ingested.signal.is_wanted.lock().unwrap());
    }
}
