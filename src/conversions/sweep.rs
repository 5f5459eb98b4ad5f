//! What is done beside the postbacks that come: parked ones are judged again when their click has come, and signed requests
//! of the past are forgotten.

mod rates;

use super::again::Again;
use super::nonces;
use super::writer::{Job, Shared, now_ms};
use crate::db::{self, Priority, judged_again};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often parked postbacks are matched with clicks that have come.
pub(super) const SWEEP_TICK: Duration = Duration::from_millis(500);
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Each tick looks at what was parked lately; a full look is taken seldom.
const SWEEP_LATELY_MS: i64 = 15 * 60 * 1_000;
const SWEEP_ALL_EVERY: Duration = Duration::from_secs(10 * 60);

/// Parked postbacks that one look takes.
const SWEEP_ROWS_MAX: i64 = 500;

/// How often signed requests of the past are taken away.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// When the sweeper did what.
pub(super) struct Sweeps {
    swept: Instant,
    swept_all: Instant,
    forgot: Instant,
    /// What was parked before is looked at by a full look alone.
    since_ms: i64,
    rates_seen: Option<rates::Version>,
    /// The last day's conversions were read for comparing.
    is_remembered: bool,
}

impl Default for Sweeps {
    fn default() -> Self {
        let now = Instant::now();
        Self { swept: now, swept_all: now, forgot: now, since_ms: 0, rates_seen: None, is_remembered: false }
    }
}

impl Shared {
    /// Does what is due.
    pub(super) fn look(&self, queue: &SyncSender<Job>, at: &mut Sweeps) {
        if self.has_parked.swap(false, Ordering::AcqRel) || at.swept.elapsed() >= SWEEP_EVERY {
            at.swept = Instant::now();
            if !at.is_remembered {
                match self.remember_crowds() {
                    Ok(()) => at.is_remembered = true,
                    Err(why) => tracing::warn!(%why, "the last day's conversions could not be read"),
                }
            }
            self.flag_crowds();
            if let Err(why) = self.sweep(queue, at.since_ms) {
                tracing::warn!(%why, "parked postbacks could not be looked through");
            }
            if let Err(why) = self.sweep_foreign(queue) {
                tracing::warn!(%why, "postbacks with foreign ids could not be looked through");
            }
            if let Err(why) = self.sweep_rates(queue, &mut at.rates_seen) {
                tracing::warn!(%why, "postbacks without a rate could not be looked through");
            }
            at.since_ms = now_ms() - SWEEP_LATELY_MS;
            if at.swept_all.elapsed() >= SWEEP_ALL_EVERY {
                at.swept_all = Instant::now();
                at.since_ms = 0;
                // One may have been parked in the very moment in which its rate came.
                at.rates_seen = None;
            }
        }
        if at.forgot.elapsed() >= FORGET_EVERY {
            at.forgot = Instant::now();
            if let Err(why) = self.forget_nonces() {
                tracing::warn!(%why, "signed requests of the past could not be taken away");
            }
        }
    }

    /// Judges parked postbacks whose click has come again, through the same writer.
    fn sweep(&self, queue: &SyncSender<Job>, since_ms: i64) -> db::Result<()> {
        let due = self.db.read(|conn| judged_again::waiting_with_click(conn, since_ms, SWEEP_ROWS_MAX))?;
        for parked in due {
            let (id, judged) = (parked.id, self.judge_again(&self.catalog.get(), parked, Again::default())?);
            let (reply, _) = oneshot::channel();
            if queue.send(Job { judged, parked: Some(id), reply }).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes signed requests away that are too old to come again. Where nobody signs, nothing is written.
    fn forget_nonces(&self) -> db::Result<()> {
        let before_ms = now_ms().saturating_sub(nonces::KEPT_MS);
        let mut is_more = self.db.read(|conn| db::nonces::has_before(conn, before_ms))?;
        while is_more && !self.is_stopped.load(Ordering::Acquire) {
            is_more = self.db.write(Priority::Maintenance, |conn| db::nonces::sweep(conn, before_ms))?;
        }
        Ok(())
    }
}
