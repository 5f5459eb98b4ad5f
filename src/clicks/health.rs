//! How the journal is doing, at one moment.

use super::ingester::Ingested;
use super::journal::Journal;
use std::sync::atomic::Ordering;

/// How the journal is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Bytes of this process's journal that are not in the database yet.
    pub waiting_bytes: u64,
    /// How many may wait, where that is limited; at that, clicks are not kept any more.
    pub bytes_max: Option<u64>,
    /// How old what waits may be, milliseconds; 0 where nothing waits.
    pub age_ms: i64,
    /// Bytes of its segments on the disk, moved ones that are kept for a while included.
    pub disk_bytes: u64,
    /// Space is set aside for a full disk.
    pub has_reserve: bool,
    /// Clicks that could not be kept since the start.
    pub lost: u64,
    /// Records in quarantine, until a person takes them away.
    pub quarantined: u64,
    /// Since when the database has been refusing clicks, Unix milliseconds.
    pub failing_since_ms: Option<i64>,
}

impl Health {
    /// Looks at the journal's folder and at what its threads count. Reads a folder, so not from an event loop.
    #[must_use]
    pub fn look(journal: &Journal, ingested: &Ingested, now_ms: i64) -> Self {
        let gauges = ingested.gauges();
        let waiting_bytes = journal.bytes_after(&gauges.moved_to());
        let behind_ms = now_ms.saturating_sub(ingested.through_ms().max(journal.begun_at_ms())).max(0);
        Self {
            waiting_bytes,
            bytes_max: journal.bytes_max(),
            age_ms: if waiting_bytes == 0 { 0 } else { behind_ms },
            disk_bytes: journal.disk_bytes(),
            has_reserve: journal.has_reserve(),
            lost: journal.lost.load(Ordering::Relaxed),
            quarantined: journal.quarantined(),
            failing_since_ms: gauges.failing_since_ms(),
        }
    }
}
