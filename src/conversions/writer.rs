//! The postback writer: takes what waits into one transaction, and answers each after the commit. A
//! transaction for each request would be an order of magnitude slower.

use super::crowds::Crowds;
use super::door::NotStored;
use super::foreign::Foreign;
use super::hand::{HandChange, HandOutcome};
use super::judge::{Judged, Verdict};
use super::nonces::{self, Nonces};
use super::record::Group;
use super::refusals::Refusals;
use super::trust::Admission;
use crate::clicks::Ingested;
use crate::db::judged_again::{self, Standing};
use crate::db::ledger::Numbers;
use crate::db::{self, AnyConnection, Db, Priority, conversions, partitions};
use crate::domain::verdict::Code;
use crate::routing::{LiveCatalog, Memory};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Postbacks of one transaction at most.
pub(super) const GROUP_MAX: usize = 256;

/// How often the writer looks whether it should end, where nothing comes.
const WAKE_EVERY: Duration = Duration::from_secs(5);

/// A postback in the writer's queue.
pub(super) struct Job {
    pub(super) judged: Judged,
    /// The number of a parked one that is judged again.
    pub(super) parked: Option<i64>,
    pub(super) reply: oneshot::Sender<Result<Verdict, NotStored>>,
}

/// What a group asks of requests that came before, of postbacks that are judged again, and what it parks by foreign ids.
type Beside<'a> = (&'a mut Nonces, &'a mut HashMap<i64, Standing>, &'a mut Foreign);

/// What the door and the threads behind it share.
pub(super) struct Shared {
    pub(super) db: Arc<Db>,
    pub(super) catalog: Arc<LiveCatalog>,
    pub(super) admission: Admission,
    pub(super) refusals: Refusals,
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

impl Shared {
    /// Of a process that has written nothing yet.
    pub(super) fn new(
        db: Arc<Db>,
        (catalog, memory): (Arc<LiveCatalog>, Arc<Memory>),
        ingested: Arc<Ingested>,
        writer_id: i64,
        admission: Admission,
    ) -> Self {
        Self {
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
        }
    }

    /// Writes until nobody can send any more.
    pub(super) fn keep_writing(&self, queue: &Receiver<Job>) {
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

    pub(super) fn change_by_hand(
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
