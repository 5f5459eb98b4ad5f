//! The ingester: moves the journal into the database. Rows, sums and the journal's position are one
//! transaction, so a crash at any instruction neither loses nor doubles a row.

use super::gauges::Gauges;
use super::journal::{Journal, now_ms};
use super::mover::{MoveError, Mover, ROWS_MAX};
use super::reader::{self, Until};
use super::space::QUARANTINE;
use crate::db::journal_positions;
use crate::db::{Backend, Db, Priority};
use crate::domain::click_id::ClickId;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long it sleeps when there was little to move: the age of what dashboards show.
const IDLE: Duration = Duration::from_millis(100);

/// How long it waits after the database failed.
const RETRY: Duration = Duration::from_secs(1);

/// How often moved segments are looked through for deletion.
const CLEAN_EVERY: Duration = Duration::from_secs(30);

/// How often lander clicks are looked for that missed their click, as two nodes brought both in the same moment.
const LATE_EVERY: Duration = Duration::from_secs(1);

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
    gauges: Arc<Gauges>,
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

    /// What is measured of the moving.
    #[must_use]
    pub fn gauges(&self) -> &Gauges {
        &self.gauges
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
    mover: Mover,
    signal: Arc<Signal>,
    through: watch::Sender<i64>,
    gauges: Arc<Gauges>,
    cleaned_at: Instant,
    counted_late_at: Instant,
    moved: Vec<(PathBuf, Instant)>,
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
        let gauges = Arc::<Gauges>::default();
        let ingested =
            Ingested { through: receiver, signal: Arc::clone(&signal), gauges: Arc::clone(&gauges) };
        let root = journal.folder().parent().unwrap_or_else(|| Path::new(".")).to_path_buf();
        let mover = Mover::new(Arc::clone(&db), writer_id, root.join(QUARANTINE), Arc::clone(&gauges));
        let mut own = Self {
            db,
            journal,
            root,
            mover,
            signal,
            through: sender,
            gauges,
            cleaned_at: Instant::now(),
            counted_late_at: Instant::now(),
            moved: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("ingester".to_owned()).spawn(move || own.run())?;
        Ok((ingested, thread))
    }

    fn run(&mut self) {
        self.adopt_dead();
        while !self.signal.is_stopped.load(Ordering::Acquire) {
            let pause = match self.move_own() {
                Ok(rows) => {
                    self.gauges.succeed();
                    if rows >= ROWS_MAX / 2 {
                        self.journal.weigh(&self.gauges.moved_to());
                        continue;
                    }
                    IDLE
                }
                Err(why) => {
                    self.gauges.fail(now_ms());
                    tracing::error!(%why, "clicks stay in the journal: the database refuses them");
                    RETRY
                }
            };
            self.journal.weigh(&self.gauges.moved_to());
            if self.counted_late_at.elapsed() >= LATE_EVERY {
                self.counted_late_at = Instant::now();
                if let Err(why) = self.mover.count_late() {
                    tracing::warn!(%why, "lander clicks that came beside their click are counted later");
                }
            }
            if self.cleaned_at.elapsed() >= CLEAN_EVERY {
                self.cleaned_at = Instant::now();
                self.adopt_dead();
                self.clean();
                self.journal.reserve.restore();
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
            let moved = self.mover.move_some(&folder, &id, &ends)?;
            self.gauges.set_moved_to(&moved.to);
            rows += moved.count;
            if moved.count == 0 {
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
        let rows = self.mover.move_whole(folder, id)?;
        // What was moved must be safe from a power cut before its only other copy goes.
        if self.db.checkpoint()? && (self.db.backend() == Backend::Sqlite || is_old(folder)) {
            std::fs::remove_dir_all(folder)?;
            self.db.write(Priority::Maintenance, |conn| journal_positions::delete(conn, id))?;
        }
        Ok(rows)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What others see, with the hand that moves it.
    fn ingested(through_ms: i64) -> (Ingested, watch::Sender<i64>) {
        let (sender, through) = watch::channel(through_ms);
        (Ingested { through, signal: Arc::default(), gauges: Arc::default() }, sender)
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
