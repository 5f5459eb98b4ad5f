//! What is measured of the way from the journal into the database: for `/metrics`, the dashboard and alarms.

use crate::db::journal_positions::Position;
use crate::domain::histogram::Histogram;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Rows of a transaction, by bucket.
const BATCH_BOUNDS: &[u64] = &[1, 10, 100, 1_000, 2_500, 5_000, 10_000];

/// Counted by the ingester, read by others.
pub struct Gauges {
    /// Records moved since the start.
    pub rows: AtomicU64,
    /// Records of each transaction.
    pub batch_rows: Histogram,
    /// Transactions that failed since the start.
    pub failures: AtomicU64,
    /// Since when the database has been refusing, Unix milliseconds; 0 while it takes what comes.
    failing_since_ms: AtomicI64,
    moved_to: Mutex<BTreeMap<i64, Position>>,
}

impl Default for Gauges {
    fn default() -> Self {
        Self {
            rows: AtomicU64::new(0),
            batch_rows: Histogram::new(BATCH_BOUNDS),
            failures: AtomicU64::new(0),
            failing_since_ms: AtomicI64::new(0),
            moved_to: Mutex::default(),
        }
    }
}

impl Gauges {
    /// A transaction moved so many records.
    pub(super) fn count_batch(&self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.rows.fetch_add(records, Ordering::Relaxed);
        self.batch_rows.observe(records);
    }

    /// How far this process's own journal has been moved.
    pub(super) fn set_moved_to(&self, positions: &BTreeMap<i64, Position>) {
        self.moved_to.lock().unwrap_or_else(PoisonError::into_inner).clone_from(positions);
    }

    /// The database took what came.
    pub(super) fn succeed(&self) {
        self.failing_since_ms.store(0, Ordering::Relaxed);
    }

    /// It did not.
    pub(super) fn fail(&self, now_ms: i64) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let since = &self.failing_since_ms;
        let _already = since.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Since when the database has been refusing clicks, Unix milliseconds; `None` while it takes them.
    #[must_use]
    pub fn failing_since_ms(&self) -> Option<i64> {
        Some(self.failing_since_ms.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    /// How far this process's own journal has been moved.
    pub(super) fn moved_to(&self) -> BTreeMap<i64, Position> {
        self.moved_to.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
