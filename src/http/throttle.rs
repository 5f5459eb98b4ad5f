//! Slows down the guessing of passwords, without letting a guesser lock the owner out.
//!
//! Failures are counted per account **and** address, and per address over all accounts; never per account
//! alone, since then a stranger's failures would shut the owner out. An attempt counts as failed from the
//! moment it begins and is forgiven when it succeeds, so that a hundred at once are not a hundred free ones.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Failures on one account from one address before the waiting begins: people mistype.
const PAIR_FAILURES_FREE: u32 = 5;
/// The longest wait between two attempts on one account from one address.
const PAIR_WAIT_MS_MAX: i64 = 15 * 60 * 1_000;
/// A pair without an attempt for so long is forgotten.
const PAIR_KEPT_MS: i64 = 60 * 60 * 1_000;
/// Failures from one address, whatever the account, within one window: an office behind one address
/// mistypes less.
const ADDRESS_FAILURES_MAX: u32 = 20;
/// That window.
const ADDRESS_WINDOW_MS: i64 = 15 * 60 * 1_000;
/// Pairs and addresses remembered, at most some megabytes. Beyond it the longest unused goes: whoever
/// has so many addresses is not held by counting them.
const ENTRIES_MAX: usize = 10_000;
/// Characters of an account that are told apart: the longest e-mail address.
const ACCOUNT_CHARS_MAX: usize = 254;

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    first_ms: i64,
    last_ms: i64,
}

/// What is remembered of failed attempts.
#[derive(Default)]
pub(super) struct Throttle {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    pairs: HashMap<(String, IpAddr), Failures>,
    addresses: HashMap<IpAddr, Failures>,
}

impl Throttle {
    /// Begins an attempt, or says how many seconds to wait first. A refused one is not counted.
    pub(super) fn begin(&self, account: &str, address: IpAddr, now_ms: i64) -> Result<(), u64> {
        let (pair, address) = keys(account, address);
        let mut inside = self.lock();
        let wait_ms = inside
            .pairs
            .get(&pair)
            .map_or(0, |failures| pair_wait_ms(failures, now_ms))
            .max(inside.addresses.get(&address).map_or(0, |failures| address_wait_ms(failures, now_ms)));
        if wait_ms > 0 {
            return Err(u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000));
        }
        count(&mut inside.pairs, pair, PAIR_KEPT_MS, now_ms, |failures| failures.last_ms);
        count(&mut inside.addresses, address, ADDRESS_WINDOW_MS, now_ms, |failures| failures.first_ms);
        Ok(())
    }

    /// The attempt succeeded: the account's own failures from there are forgotten.
    pub(super) fn succeed(&self, account: &str, address: IpAddr) {
        let (pair, address) = keys(account, address);
        let mut inside = self.lock();
        inside.pairs.remove(&pair);
        take_one_back(inside.addresses.get_mut(&address));
    }

    /// The attempt was never decided, by a fault of ours.
    pub(super) fn take_back(&self, account: &str, address: IpAddr) {
        let (pair, address) = keys(account, address);
        let mut inside = self.lock();
        take_one_back(inside.pairs.get_mut(&pair));
        take_one_back(inside.addresses.get_mut(&address));
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take_one_back(failures: Option<&mut Failures>) {
    if let Some(failures) = failures {
        failures.count = failures.count.saturating_sub(1);
    }
}

fn keys(account: &str, address: IpAddr) -> ((String, IpAddr), IpAddr) {
    let address = network(address);
    let account = account.chars().take(ACCOUNT_CHARS_MAX).collect();
    ((account, address), address)
}

/// Whoever has one IPv6 address has the other 2^64 of its network too.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// 1, 2, 4, ... seconds after the last attempt, from the sixth on.
fn pair_wait_ms(failures: &Failures, now_ms: i64) -> i64 {
    if now_ms.saturating_sub(failures.last_ms) > PAIR_KEPT_MS {
        return 0;
    }
    let Some(step) = failures.count.checked_sub(PAIR_FAILURES_FREE) else { return 0 };
    let pause = 1_000_i64.saturating_mul(1_i64 << step.min(20)).min(PAIR_WAIT_MS_MAX);
    failures.last_ms.saturating_add(pause).saturating_sub(now_ms)
}

fn address_wait_ms(failures: &Failures, now_ms: i64) -> i64 {
    if failures.count < ADDRESS_FAILURES_MAX {
        return 0;
    }
    failures.first_ms.saturating_add(ADDRESS_WINDOW_MS).saturating_sub(now_ms)
}

fn count<K: Eq + Hash + Clone>(
    entries: &mut HashMap<K, Failures>,
    key: K,
    kept_ms: i64,
    now_ms: i64,
    since: fn(&Failures) -> i64,
) {
    let is_old = |failures: &Failures| now_ms.saturating_sub(since(failures)) > kept_ms;
    if entries.len() >= ENTRIES_MAX && !entries.contains_key(&key) {
        entries.retain(|_, failures| !is_old(failures));
        if entries.len() >= ENTRIES_MAX {
            let oldest = entries.iter().min_by_key(|(_, failures)| failures.last_ms);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                entries.remove(&oldest);
            }
        }
    }
    let failures = entries.entry(key).or_default();
    if failures.count == 0 || is_old(failures) {
        *failures = Failures { count: 0, first_ms: now_ms, last_ms: now_ms };
    }
    failures.count = failures.count.saturating_add(1);
    failures.last_ms = now_ms;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn waits_grow_from_the_sixth_attempt_on() {
        let throttle = Throttle::default();
        for _ in 0..5 {
            throttle.begin("a", at("203.0.113.1"), 0).unwrap();
        }
        assert_eq!(throttle.begin("a", at("203.0.113.1"), 0), Err(1));
        throttle.begin("a", at("203.0.113.1"), 1_000).unwrap();
        assert_eq!(throttle.begin("a", at("203.0.113.1"), 1_000), Err(2));
        throttle.begin("a", at("203.0.113.1"), 3_000).unwrap();
        assert_eq!(throttle.begin("a", at("203.0.113.1"), 3_001), Err(4));
    }

    #[test]
    fn a_stranger_does_not_lock_the_owner_out() {
        let throttle = Throttle::default();
        while throttle.begin("owner", at("198.51.100.1"), 0).is_ok() {}
        assert_eq!(throttle.begin("owner", at("203.0.113.1"), 0), Ok(()));
    }

    #[test]
    fn an_address_that_tries_many_accounts_waits_its_window_out() {
        let throttle = Throttle::default();
        for account in 0..20 {
            throttle.begin(&account.to_string(), at("203.0.113.1"), 0).unwrap();
        }
        assert_eq!(throttle.begin("another", at("203.0.113.1"), 0), Err(900));
        assert_eq!(throttle.begin("another", at("203.0.113.1"), ADDRESS_WINDOW_MS + 1), Ok(()));
    }

    #[test]
    fn success_forgives_and_a_fault_of_ours_does_not_count() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.begin("a", at("203.0.113.1"), 0).unwrap();
            throttle.succeed("a", at("203.0.113.1"));
            throttle.begin("b", at("203.0.113.1"), 0).unwrap();
            throttle.take_back("b", at("203.0.113.1"));
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let throttle = Throttle::default();
        for host in 0..20 {
            throttle.begin(&host.to_string(), at(&format!("2001:db8::{host:x}")), 0).unwrap();
        }
        assert!(throttle.begin("x", at("2001:db8::ffff"), 0).is_err());
        assert!(throttle.begin("x", at("2001:db8:0:1::1"), 0).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..ENTRIES_MAX + 50 {
            let address = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            throttle.begin("a", address, i64::try_from(n).unwrap()).unwrap();
        }
        let inside = throttle.lock();
        assert!(inside.pairs.len() <= ENTRIES_MAX && inside.addresses.len() <= ENTRIES_MAX);
    }
}
