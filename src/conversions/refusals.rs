//! Floods of postbacks that are refused for who sent them: beyond a limit they are counted, not stored.

use crate::domain::verdict::Code;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
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
pub struct Refusals {
    state: Mutex<Minute>,
    hasher: std::hash::RandomState,
    /// How many were over the limit, for each code.
    turned_away: Vec<AtomicU64>,
}

impl Default for Refusals {
    fn default() -> Self {
        let turned_away = Code::ALL.iter().map(|_| AtomicU64::new(0)).collect();
        Self { state: Mutex::default(), hasher: std::hash::RandomState::default(), turned_away }
    }
}

impl Refusals {
    /// Counts one more from an address at a key, and says whether it is over the limit.
    pub fn is_over(&self, code: Code, key: &str, address: &str, now_ms: i64) -> bool {
        let is_over = self.count(key, address, now_ms);
        if is_over {
            self.turn_away(code);
        }
        is_over
    }

    /// Counts one that is not stored.
    pub fn turn_away(&self, code: Code) {
        let own = Code::ALL.iter().zip(&self.turned_away).find(|(known, _)| **known == code);
        if let Some((_, count)) = own {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were not stored, for each code that can be.
    pub fn turned_away(&self) -> impl Iterator<Item = (Code, u64)> {
        let counts = self.turned_away.iter().map(|count| count.load(Ordering::Relaxed));
        let all = Code::ALL.iter().copied().zip(counts);
        all.filter(|(code, _)| code.is_security() || *code == Code::RateLimited)
    }

    fn count(&self, key: &str, address: &str, now_ms: i64) -> bool {
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
        let is_over = |code, key: &str, now_ms| refusals.is_over(code, key, "a", now_ms);
        let codes = [Code::BadKey, Code::BadSignature, Code::Replayed];
        let over = (0..61).zip(codes.iter().cycle()).filter(|(_, code)| is_over(**code, "k", 0)).count();
        assert_eq!(over, 1, "whatever they were refused for");
        assert!(!is_over(Code::BadKey, "other", 0));
        assert!(!is_over(Code::BadKey, "k", 60_000));
        let turned_away: Vec<(Code, u64)> = refusals.turned_away().filter(|(_, count)| *count > 0).collect();
        assert_eq!(turned_away, [(Code::BadKey, 1)]);
        assert_eq!(refusals.turned_away().count(), 6);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let refusals = Refusals::default();
        for n in 0..PLACES_MAX {
            assert!(!refusals.is_over(Code::BadKey, &n.to_string(), "a", 0));
        }
        assert!(refusals.is_over(Code::BadKey, "one more", "a", 0));
        assert!(!refusals.is_over(Code::BadKey, "5", "a", 0), "those that are known go on being counted");
    }
}
