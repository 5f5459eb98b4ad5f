//! Floods of refused postbacks: beyond a limit they are counted, not stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Refusals a minute per key and address that are stored.
const PER_MINUTE_MAX: u32 = 60;

/// Keys and addresses remembered within a minute; when there are more, all new ones are over.
const PLACES_MAX: usize = 50_000;

#[derive(Default)]
struct Minute {
    minute: i64,
    counts: HashMap<u64, u32>,
}

/// Counts refusals of the running minute.
#[derive(Default)]
pub struct Refusals {
    state: Mutex<Minute>,
    hasher: std::hash::RandomState,
}

impl Refusals {
    /// Counts one more from an address at a key, and says whether it is over the limit.
    pub fn is_over(&self, key: &str, address: &str, now_ms: i64) -> bool {
        use std::hash::BuildHasher as _;
        let place = self.hasher.hash_one((key, address));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now_ms.div_euclid(60_000);
        if state.minute != minute {
            *state = Minute { minute, counts: HashMap::new() };
        }
        if !state.counts.contains_key(&place) && state.counts.len() >= PLACES_MAX {
            return true;
        }
        let count = state.counts.entry(place).or_default();
        *count = count.saturating_add(1);
        *count > PER_MINUTE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixty_first_of_a_minute_is_over() {
        let refusals = Refusals::default();
        let over = (0..61).map(|_| refusals.is_over("k", "a", 0)).filter(|over| *over).count();
        assert_eq!(over, 1);
        assert!(!refusals.is_over("k", "b", 0));
        assert!(!refusals.is_over("k", "a", 60_000));
    }
}
