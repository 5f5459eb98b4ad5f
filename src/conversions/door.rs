//! The door of the conversion ledger: what comes is read and put into the writer's queue, and waits for its verdict.

use super::hand::{HandChange, HandOutcome};
use super::judge::{self, Judged, Verdict};
use super::pixel;
use super::rates::Rates;
use super::refusals::Refusals;
use super::request::Incoming;
use super::sweep::{SWEEP_TICK, Sweeps};
use super::trust::{self, Admission};
use super::writer::{Job, Shared, now_ms};
use crate::clicks::Ingested;
use crate::db::{self, Db};
use crate::domain::click_id::ClickId;
use crate::domain::old_door::OldDoor;
use crate::domain::verdict::Code;
use crate::rounds::Rounds;
use crate::routing::{LiveCatalog, Memory};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};

/// Postbacks that may wait to be written: about a second's worth. One more is told to come again.
const QUEUE_MAX: usize = 8_192;

/// Postbacks that may wait for their click to be moved, and for how long.
const WAITING_MAX: usize = 500;
const CLICK_WAIT: Duration = Duration::from_secs(1);

/// When a postback is answered "come again", written or not: the promise is five seconds.
const ANSWER_LONGEST: Duration = Duration::from_millis(4_800);

/// The postback could not be stored: the sender should come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStored;

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
    sweeper: Mutex<Option<Rounds>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    waiting: Semaphore,
    rates: Rates,
    /// What pages report, by address: anyone can.
    reports: Refusals,
}

impl Postbacks {
    /// Starts the writer and the sweeper; what is recorded is told to the visitors' memory. `writer_id` names this process's own rows of the sums.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        db: Arc<Db>,
        known: (Arc<LiveCatalog>, Arc<Memory>),
        ingested: Arc<Ingested>,
        writer_id: i64,
        admission: Admission,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let rates = Rates::new(admission.per_second_max);
        let shared = Arc::new(Shared::new(db, known, ingested, writer_id, admission));
        let (imports, imports_due) = channel();
        let (queue, mut sweeps) = (sender.clone(), Sweeps::default());
        let (writing, sweeping, importing) = (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&shared));
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let sweeper = Rounds::start("sweeper", SWEEP_TICK, move || sweeping.look(&queue, &mut sweeps))?;
        let threads = vec![
            named("postbacks").spawn(move || writing.keep_writing(&receiver))?,
            named("imports").spawn(move || importing.keep_importing(&imports_due))?,
        ];
        Ok(Self {
            shared,
            queue: Mutex::new(Some(sender)),
            imports: Mutex::new(Some(imports)),
            sweeper: Mutex::new(Some(sweeper)),
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
        // The writer ends when nobody can send any more, the sweeper included.
        let sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        sweeper.into_iter().for_each(Rounds::stop);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a postback thread had ended by a panic");
            }
        }
    }
}
