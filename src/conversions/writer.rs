//! The postback writer: takes what waits into one transaction, and answers each after the commit. A
//! transaction for each request would be an order of magnitude slower.

use super::crowds::Crowds;
use super::foreign::Foreign;
use super::hand::{HandChange, HandOutcome};
use super::judge::{self, Judged, Verdict};
use super::nonces::{self, Nonces};
use super::pixel;
use super::rates::Rates;
use super::record::Group;
use super::refusals::Refusals;
use super::request::Incoming;
use super::trust::{self, Admission};
use crate::clicks::Ingested;
use crate::db::judged_again::{self, Standing};
use crate::db::ledger::Numbers;
use crate::db::{self, AnyConnection, Db, Priority, conversions, partitions};
use crate::domain::click_id::ClickId;
use crate::domain::old_door::OldDoor;
use crate::domain::verdict::Code;
use crate::routing::{LiveCatalog, Memory};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Semaphore, oneshot};

/// Postbacks of one transaction at most.
pub(super) const GROUP_MAX: usize = 256;

/// Postbacks that may wait to be written: about a second's worth. One more is told to come again.
const QUEUE_MAX: usize = 8_192;

/// Postbacks that may wait for their click to be moved, and for how long.
const WAITING_MAX: usize = 500;
const CLICK_WAIT: Duration = Duration::from_secs(1);

/// When a postback is answered "come again", written or not: the promise is five seconds.
const ANSWER_LONGEST: Duration = Duration::from_millis(4_800);

/// How often the writer looks whether it should end, where nothing comes.
const WAKE_EVERY: Duration = Duration::from_secs(5);

/// The postback could not be stored: the sender should come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStored;

pub(super) struct Job {
    pub(super) judged: Judged,
    /// The number of a parked one that is judged again.
    pub(super) parked: Option<i64>,
    pub(super) reply: oneshot::Sender<Result<Verdict, NotStored>>,
}

/// What a group asks of requests that came before, of postbacks that are judged again, and what it parks by foreign ids.
type Beside<'a> = (&'a mut Nonces, &'a mut HashMap<i64, Standing>, &'a mut Foreign);

/// A postback on its way.
enum Submitted {
    /// It needs no writing.
    Answered(Verdict),
    /// The writer will answer.
    Queued(oneshot::Receiver<Result<Verdict, NotStored>>),
}

impl Submitted {
    async fn verdict(self, deadline: tokio::time::Instant) -> Result<Verdict, NotStored> {
        match self {
            Self::Answered(verdict) => Ok(verdict),
            Self::Queued(answer) => match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) | Err(_) => Err(NotStored),
            },
        }
    }
}

/// The door of the conversion ledger.
pub struct Postbacks {
    pub(super) shared: Arc<Shared>,
    queue: Mutex<Option<SyncSender<Job>>>,
    /// Numbers of imports to be run.
    pub(super) imports: Mutex<Option<Sender<i64>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    waiting: Semaphore,
    rates: Rates,
    /// What pages report, by address: anyone can.
    reports: Refusals,
}

pub(super) struct Shared {
    pub(super) db: Arc<Db>,
    pub(super) catalog: Arc<LiveCatalog>,
    pub(super) admission: Admission,
    refusals: Refusals,
    pub(super) memory: Arc<Memory>,
    pub(super) ingested: Arc<Ingested>,
    pub(super) writer_id: i64,
    /// Reserved for the rows to come; the writer's own.
    numbers: Mutex<Numbers>,
    pub(super) has_parked: AtomicBool,
    /// What conversions share with others of the last day.
    pub(super) crowds: Crowds,
    partitions_to_ms: AtomicI64,
    pub(super) is_stopped: AtomicBool,
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Postbacks {
    /// Starts the writer and the sweeper; what is recorded is told to the visitors' memory. `writer_id` names this process's own rows of the sums.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        db: Arc<Db>,
        (catalog, memory): (Arc<LiveCatalog>, Arc<Memory>),
        ingested: Arc<Ingested>,
        writer_id: i64,
        admission: Admission,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let rates = Rates::new(admission.per_second_max);
        let shared = Arc::new(Shared {
            db,
            catalog,
            admission,
            refusals: Refusals::default(),
            memory,
            ingested,
            writer_id,
            numbers: Mutex::default(),
            has_parked: AtomicBool::new(true),
            crowds: Crowds::default(),
            partitions_to_ms: AtomicI64::new(0),
            is_stopped: AtomicBool::new(false),
        });
        let (writing, sweeping, importing) = (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&shared));
        let (imports, imports_due) = channel();
        let queue = sender.clone();
        let threads = vec![
            std::thread::Builder::new()
                .name("postbacks".to_owned())
                .spawn(move || writing.keep_writing(&receiver))?,
            std::thread::Builder::new()
                .name("sweeper".to_owned())
                .spawn(move || sweeping.keep_sweeping(&queue))?,
            std::thread::Builder::new()
                .name("imports".to_owned())
                .spawn(move || importing.keep_importing(&imports_due))?,
        ];
        Ok(Self {
            shared,
            queue: Mutex::new(Some(sender)),
            imports: Mutex::new(Some(imports)),
            threads: Mutex::new(threads),
            waiting: Semaphore::new(WAITING_MAX),
            rates,
            reports: Refusals::default(),
        })
    }

    /// Judges a postback, stores it, and comes back with its verdict.
    ///
    /// # Errors
    /// It could not be stored in time; nothing was counted that a second copy would count again.
    pub async fn receive(&self, incoming: Incoming) -> Result<Verdict, NotStored> {
        self.receive_at(incoming, OldDoor::WithoutKey).await
    }

    /// The same for one that came to an old address: where no key says whose it is, that door's list says who may.
    ///
    /// # Errors
    /// As [`Postbacks::receive`].
    pub async fn receive_at(&self, incoming: Incoming, door: OldDoor) -> Result<Verdict, NotStored> {
        let begun = tokio::time::Instant::now();
        let submitted = self.submit(incoming, door, begun + CLICK_WAIT).await?;
        submitted.verdict(begun + ANSWER_LONGEST).await
    }

    /// The same for many that came together: judged in their order, each stored and answered by itself.
    pub async fn receive_all(&self, all: Vec<Incoming>) -> Vec<Result<Verdict, NotStored>> {
        let begun = tokio::time::Instant::now();
        let mut submitted = Vec::with_capacity(all.len());
        for incoming in all {
            // All of them wait no longer for their clicks than one would.
            submitted.push(self.submit(incoming, OldDoor::WithoutKey, begun + CLICK_WAIT).await);
        }
        let mut verdicts = Vec::with_capacity(submitted.len());
        for one in submitted {
            verdicts.push(match one {
                Ok(submitted) => submitted.verdict(begun + ANSWER_LONGEST).await,
                Err(not_stored) => Err(not_stored),
            });
        }
        verdicts
    }

    /// Reads a postback and puts it into the writer's queue.
    async fn submit(
        &self,
        incoming: Incoming,
        door: OldDoor,
        wait_until: tokio::time::Instant,
    ) -> Result<Submitted, NotStored> {
        let judged = self.read(incoming, door).await?;
        self.submit_judged(judged, wait_until).await
    }

    /// Says of a postback what can be said without writing.
    pub(super) async fn read(&self, incoming: Incoming, door: OldDoor) -> Result<Judged, NotStored> {
        let is_nobodys =
            incoming.key.is_empty() || self.shared.catalog.get().old_doors().is_key(&incoming.key);
        let mut judged = if is_nobodys && !incoming.is_pixel() {
            self.read_without_key(incoming, door).await?
        } else {
            judge::read(incoming, &self.shared.catalog.get())
        };
        trust::check(&mut judged, &self.shared.admission.vault);
        Ok(judged)
    }

    /// Writes what was read, and comes back with its verdict.
    ///
    /// # Errors
    /// As [`Postbacks::receive`].
    pub(super) async fn write(&self, judged: Judged) -> Result<Verdict, NotStored> {
        let begun = tokio::time::Instant::now();
        self.submit_judged(judged, begun + CLICK_WAIT).await?.verdict(begun + ANSWER_LONGEST).await
    }

    async fn submit_judged(
        &self,
        judged: Judged,
        wait_until: tokio::time::Instant,
    ) -> Result<Submitted, NotStored> {
        if let Some(verdict) = self.turned_away(&judged) {
            return Ok(Submitted::Answered(verdict));
        }
        if judged.incoming.is_pixel() {
            let from = pixel::neighbourhood(&judged.incoming.address);
            if self.reports.is_over(Code::RateLimited, "", &from, now_ms()) {
                return Ok(Submitted::Answered(Verdict::reports_too_fast()));
            }
        }
        if let Some(id) = judged.click_id() {
            // What is not there by then is parked.
            let _late = tokio::time::timeout_at(wait_until, self.wait_for_click(id)).await;
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(NotStored)?;
        match queue.try_send(Job { judged, parked: None, reply }) {
            Ok(()) => Ok(Submitted::Queued(answer)),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(NotStored),
        }
    }

    /// Makes a person's change of some conversions, at most [`CHANGED_MAX`], all in one transaction. For a blocking thread.
    ///
    /// # Errors
    /// The database fails; nothing is changed then.
    ///
    /// [`CHANGED_MAX`]: super::CHANGED_MAX
    pub fn change_by_hand(
        &self,
        ids: &[i64],
        asked: &HandChange,
        user_id: i64,
    ) -> db::Result<Vec<(i64, HandOutcome)>> {
        self.shared.change_by_hand(ids, asked, user_id)
    }

    /// The verdict on one that is not even stored: after too many that were refused for who sent them, and where its
    /// advertiser sends faster than one may. A test of ours is neither.
    fn turned_away(&self, judged: &Judged) -> Option<Verdict> {
        let (from, refusals) = (&judged.incoming, &self.shared.refusals);
        if from.is_test {
            return None;
        }
        let code = judged.claim.as_ref().err().map(|refusal| refusal.code);
        if let Some(code) = code.filter(|code| code.is_security()) {
            let is_over = refusals.is_over(code, &from.key, &from.address, from.received_at_ms);
            return is_over.then(Verdict::too_many_refused);
        }
        let route = judged.advertiser.as_ref()?;
        let is_over = self.rates.is_over(route.id, from.received_at_ms);
        is_over.then(|| {
            refusals.turn_away(Code::RateLimited);
            Verdict::too_fast(&route.advertiser.name)
        })
    }

    /// How many were turned away and not stored, by why: a security code, or `rate_limited` for an advertiser's own rate.
    pub fn count_turned_away(&self) -> Vec<(Code, u64)> {
        self.shared.refusals.turned_away().collect()
    }

    /// Waits for a click that may still be on its way, where not too many wait already. A sender that hangs up
    /// gives its place back.
    pub(super) async fn wait_for_click(&self, id: ClickId) {
        if let Ok(_place) = self.waiting.try_acquire() {
            self.shared.ingested.wait_for_click(id, CLICK_WAIT).await;
        }
    }

    /// Ends the threads, after all that waits is written.
    pub fn stop(&self) {
        self.shared.is_stopped.store(true, Ordering::Release);
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.imports.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a postback thread had ended by a panic");
            }
        }
    }
}

impl Shared {
    fn keep_writing(&self, queue: &Receiver<Job>) {
        loop {
            let first = match queue.recv_timeout(WAKE_EVERY) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut jobs = vec![first];
            while jobs.len() < GROUP_MAX {
                match queue.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            self.write_group(jobs);
        }
    }

    /// One transaction for all; where a statement fails, one for each, so that one bad postback harms no
    /// other.
    fn write_group(&self, jobs: Vec<Job>) {
        let outcome = self.write(&jobs);
        match outcome {
            Ok(verdicts) => {
                for (job, verdict) in jobs.into_iter().zip(verdicts) {
                    answer(job, Ok(verdict));
                }
            }
            Err(db::Error::Unavailable(why)) => {
                tracing::error!(%why, postbacks = jobs.len(), "postbacks were not stored: their senders come again");
                jobs.into_iter().for_each(|job| answer(job, Err(NotStored)));
            }
            Err(_) => {
                for job in jobs {
                    let outcome = self.write(std::slice::from_ref(&job));
                    let verdict = outcome.map(|mut verdicts| verdicts.pop());
                    match verdict {
                        Ok(Some(verdict)) => answer(job, Ok(verdict)),
                        Ok(None) => answer(job, Err(NotStored)),
                        Err(why) => {
                            tracing::error!(%why, "a postback could not be stored");
                            answer(job, Err(NotStored));
                        }
                    }
                }
            }
        }
    }

    fn write(&self, jobs: &[Job]) -> db::Result<Vec<Verdict>> {
        let now_ms = now_ms();
        let catalog = self.catalog.get();
        let all: Vec<&Judged> = jobs.iter().map(|job| &job.judged).collect();
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let parked: Vec<i64> = jobs.iter().filter_map(|job| job.parked).collect();
        let (verdicts, effects) = self.db.write(Priority::Postbacks, |conn| {
            self.ensure_partitions(conn, now_ms)?;
            let mut held = judged_again::hold(conn, &parked)?;
            let mut group = Group::begin(conn, &catalog, now_ms, &all, &mut numbers)?;
            let mut nonces = Nonces::begin(conn, &all, now_ms)?;
            let (mut verdicts, mut foreign) = (Vec::with_capacity(jobs.len()), Foreign::default());
            for job in jobs {
                verdicts.push(self.write_one(
                    conn,
                    &mut group,
                    (&mut nonces, &mut held, &mut foreign),
                    job,
                )?);
            }
            let effects = group.finish(conn, self.writer_id)?;
            foreign.write(conn, now_ms)?;
            nonces.write(conn)?;
            Ok::<_, db::Error>((verdicts, effects))
        })?;
        self.tell(effects);
        if verdicts.iter().any(|verdict| verdict.code == Code::ParkedUnknownClick) {
            self.look_for_parked();
        }
        Ok(verdicts)
    }

    /// Wakes the sweeper: its look and the click of what was just parked may have missed each other.
    pub(super) fn look_for_parked(&self) {
        self.has_parked.store(true, Ordering::Release);
    }

    fn change_by_hand(
        &self,
        ids: &[i64],
        asked: &HandChange,
        user_id: i64,
    ) -> db::Result<Vec<(i64, HandOutcome)>> {
        self.change_held(ids, |_, group| {
            Ok(ids.iter().map(|id| (*id, group.change_by_hand(*id, asked, user_id))).collect())
        })
    }

    /// Changes some conversions, which a group holds meanwhile, in one transaction.
    pub(super) fn change_held<T>(
        &self,
        ids: &[i64],
        change: impl FnOnce(&mut AnyConnection, &mut Group<'_>) -> db::Result<T>,
    ) -> db::Result<T> {
        let catalog = self.catalog.get();
        let (now_ms, mut numbers) = (now_ms(), Numbers::default());
        let (outcomes, effects) = self.db.write(Priority::Pages, |conn| {
            let mut clicks = conversions::clicks_of(conn, ids)?;
            clicks.sort_unstable();
            clicks.dedup();
            let mut group = Group::of_clicks(conn, &catalog, now_ms, &clicks, (&mut numbers, 0))?;
            let outcomes = change(conn, &mut group)?;
            Ok::<_, db::Error>((outcomes, group.finish(conn, self.writer_id)?))
        })?;
        self.tell(effects);
        Ok(outcomes)
    }

    pub(super) fn ensure_partitions(&self, conn: &mut AnyConnection, now_ms: i64) -> db::Result<()> {
        if now_ms < self.partitions_to_ms.load(Ordering::Acquire) {
            return Ok(());
        }
        let ahead_ms = partitions::ahead_of(now_ms);
        partitions::ensure(conn, now_ms, ahead_ms)?;
        self.partitions_to_ms.store(ahead_ms, Ordering::Release);
        Ok(())
    }

    fn write_one(
        &self,
        conn: &mut AnyConnection,
        group: &mut Group<'_>,
        (nonces, held, foreign): Beside<'_>,
        job: &Job,
    ) -> db::Result<Verdict> {
        if let Some(id) = job.parked {
            // Judged meanwhile, by this process or another.
            let is_open = |parked: &Standing| parked.is_waiting || parked.code == Code::ParkedForeignClick;
            let is_waiting = held.get(&id).is_some_and(is_open);
            if !is_waiting {
                return Ok(Verdict::new(Code::Duplicate, "This postback has its verdict already"));
            }
        }
        if let Some(earlier) = nonces.earlier(&job.judged) {
            return nonces::answer_again(conn, group, &self.refusals, &job.judged, earlier);
        }
        let mut settled = group.settle(conn, &job.judged)?;
        job.judged.remark(&mut settled.verdict);
        if settled.verdict.code == Code::RateLimited && job.parked.is_none() {
            // Counted by whoever answers, and not stored.
            return Ok(settled.verdict);
        }
        nonces.remember(&job.judged, &settled.verdict)?;
        let mut row = job.judged.to_row(&settled.verdict);
        row.advertiser_id = row.advertiser_id.or(settled.advertiser_id);
        let postback_id = match job.parked {
            Some(id) => {
                judged_again::settle(conn, id, &row, group.now_ms)?;
                if let Some(parked) = held.get_mut(&id) {
                    (parked.is_waiting, parked.code) = (row.is_waiting, row.code);
                }
                id
            }
            None => group.draft.keep(conn, row)?,
        };
        foreign.note(group.catalog, job, &settled.verdict, postback_id);
        if let Some(mut change) = settled.change {
            change.postback_id = Some(postback_id);
            group.draft.note(change);
        }
        Ok(settled.verdict)
    }
}

fn answer(job: Job, outcome: Result<Verdict, NotStored>) {
    // Whoever asked may have gone: what was written stays written.
    let _gone = job.reply.send(outcome);
}
