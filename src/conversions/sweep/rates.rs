//! Postbacks that wait for an exchange rate: judged again once rates were added, by this node or another.

use super::SWEEP_ROWS_MAX;
use crate::conversions::again::Again;
use crate::conversions::writer::{Job, Shared};
use crate::db::{self, judged_again, rates};
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use tokio::sync::oneshot;

/// When the last rate was written, and how many there were.
pub(super) type Version = (Option<i64>, i64);

impl Shared {
    /// Judges what waits for a rate again, where rates were added since the last look.
    pub(super) fn sweep_rates(&self, queue: &SyncSender<Job>, seen: &mut Option<Version>) -> db::Result<()> {
        let version = self.db.read(rates::version)?;
        if *seen == Some(version) {
            return Ok(());
        }
        let mut after = 0;
        while !self.is_stopped.load(Ordering::Acquire) {
            let due = self.db.read(|conn| judged_again::waiting_for_rate(conn, after, SWEEP_ROWS_MAX))?;
            let Some(last) = due.last() else { break };
            after = last.id;
            for parked in due {
                let (id, judged) =
                    (parked.id, self.judge_again(&self.catalog.get(), parked, Again::default())?);
                let (reply, _) = oneshot::channel();
                if queue.send(Job { judged, parked: Some(id), reply }).is_err() {
                    return Ok(());
                }
            }
        }
        *seen = Some(version);
        Ok(())
    }
}
