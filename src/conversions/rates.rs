//! How fast one advertiser may send, so that none takes the writer from the others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Seconds of the rate that may come at once, after as long a silence: networks send in bursts.
const BURST_SECONDS: i64 = 5;

const SECOND_NS: i64 = 1_000_000_000;

/// Counts what advertisers send. It remembers one number for each: when all it sent would have come at exactly its rate.
pub struct Rates {
    /// Nanoseconds from one postback to the next; 0 where there is no limit.
    interval_ns: i64,
    due_ns: Mutex<HashMap<i64, i64>>,
}

impl Rates {
    /// With so many a second for each advertiser; 0 for no limit.
    #[must_use]
    pub fn new(per_second_max: u32) -> Self {
        let interval_ns = SECOND_NS.checked_div(i64::from(per_second_max)).unwrap_or(0);
        Self { interval_ns, due_ns: Mutex::default() }
    }

    /// Counts one more, and says whether it is too many.
    pub fn is_over(&self, advertiser_id: i64, now_ms: i64) -> bool {
        if self.interval_ns == 0 {
            return false;
        }
        let now_ns = now_ms.saturating_mul(SECOND_NS / 1_000);
        let mut all = self.due_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let due_ns = all.entry(advertiser_id).or_insert(now_ns);
        let ahead_ns = (*due_ns).max(now_ns).saturating_sub(now_ns);
        // One that finds nothing ahead of it is let in, however slow the rate.
        if ahead_ns > 0 && ahead_ns.saturating_add(self.interval_ns) > BURST_SECONDS * SECOND_NS {
            return true;
        }
        *due_ns = now_ns.saturating_add(ahead_ns).saturating_add(self.interval_ns);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_let_in_and_then_the_rate() {
        let rates = Rates::new(10);
        let let_in = |now_ms| (0..100).filter(|_| !rates.is_over(1, now_ms)).count();
        assert_eq!(let_in(1_000), 50);
        assert_eq!(let_in(1_000), 0);
        assert_eq!(let_in(2_000), 10);
        assert!(!rates.is_over(2, 2_000), "another advertiser is not held up");
        assert_eq!(let_in(3_600_000), 50, "a silence is worth one burst and no more");
        assert_eq!(let_in(0), 0, "a clock that was set back opens no door");
    }

    #[test]
    fn nothing_is_no_limit() {
        let rates = Rates::new(0);
        assert!((0..10_000).all(|_| !rates.is_over(1, 0)));
    }
}
