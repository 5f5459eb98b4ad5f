//! What the sender counts, and how long its queue is, for who watches this process.

use crate::db::deliveries::Outcome;
use crate::domain::delivery::DeliveryState;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The figures. What is counted is counted since this process began; the queue is that of all nodes.
#[derive(Debug, Default)]
pub struct Gauges {
    /// Attempts that were taken.
    pub sent: AtomicU64,
    /// Attempts that were not.
    pub failed: AtomicU64,
    /// Deliveries that are not tried again.
    pub given_up: AtomicU64,
    /// Deliveries for which there was nothing to send.
    pub skipped: AtomicU64,
    /// Deliveries to be sent, when it was last looked.
    pub due: AtomicU64,
    oldest_due_ms: AtomicI64,
}

impl Gauges {
    /// Counts what was written down.
    pub(super) fn count(&self, outcomes: &[Outcome]) {
        let add = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        for one in outcomes {
            if let Some(attempt) = &one.attempt {
                add(if attempt.error.is_none() { &self.sent } else { &self.failed });
            }
            match one.state {
                DeliveryState::Failed => add(&self.given_up),
                DeliveryState::Skipped => add(&self.skipped),
                DeliveryState::Due | DeliveryState::Sent => {}
            }
        }
    }

    /// Keeps how long the queue is, and when its oldest delivery was queued.
    pub(super) fn note_queue(&self, (due, oldest_ms): (i64, Option<i64>)) {
        self.due.store(u64::try_from(due).unwrap_or(0), Ordering::Relaxed);
        self.oldest_due_ms.store(oldest_ms.unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// How old the oldest delivery that is due is, milliseconds; 0 where none is.
    #[must_use]
    pub fn oldest_due_age_ms(&self, now_ms: i64) -> u64 {
        let oldest_ms = match self.oldest_due_ms.load(Ordering::Relaxed) {
            0 => i64::MAX,
            known => known,
        };
        u64::try_from(now_ms.saturating_sub(oldest_ms)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_is_not_old() {
        let gauges = Gauges::default();
        assert_eq!(gauges.oldest_due_age_ms(5_000), 0);
        gauges.note_queue((3, Some(2_000)));
        assert_eq!((gauges.due.load(Ordering::Relaxed), gauges.oldest_due_age_ms(5_000)), (3, 3_000));
        gauges.note_queue((0, None));
        assert_eq!((gauges.due.load(Ordering::Relaxed), gauges.oldest_due_age_ms(5_000)), (0, 0));
    }
}
