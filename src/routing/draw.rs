//! Draws by weight, as a function of random numbers given from outside.

use crate::domain::click::ClickRecord;
use std::net::IpAddr;

/// Random numbers for one click's draws. Given from outside, so that routing itself is a function.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// For the path.
    pub path: u64,
    /// For the lander.
    pub lander: u64,
    /// For the offer.
    pub offer: u64,
}

impl Draws {
    /// Fresh ones.
    #[must_use]
    pub fn random() -> Self {
        Self { path: rand::random(), lander: rand::random(), offer: rand::random() }
    }

    /// The same ones for every button that a visitor of a sticky campaign presses on a path: by address and agent.
    #[must_use]
    pub fn of_visitor(click: &ClickRecord) -> Self {
        let address = click.address.map_or(0, |address| match address.to_canonical() {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        });
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        let (high, low) = (half(address >> 64), half(address));
        let ids = click.agent_id.unsigned_abs() ^ click.path_id.unwrap_or(0).unsigned_abs().rotate_left(32);
        let random = mixed(mixed(mixed(high) ^ low) ^ ids);
        Self { path: random, lander: random, offer: random }
    }

    /// Others that follow from these.
    pub(super) fn next(self) -> Self {
        Self { path: mixed(self.path), lander: mixed(self.lander), offer: mixed(self.offer) }
    }
}

/// Another random number that follows from one (SplitMix64).
const fn mixed(random: u64) -> u64 {
    let z = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Draws by weight until something comes of it, what is new to the visitor first. Entries beyond the 128th are never
/// drawn; paths and their entries are fewer.
pub(super) fn draw_until<'a, T, R>(
    entries: &'a [T],
    weight: impl Fn(&T) -> u64,
    is_new: impl Fn(&T) -> bool,
    random: u64,
    mut then: impl FnMut(&'a T, usize) -> Option<R>,
) -> Option<R> {
    let (mut gone, mut random) = (0_u128, random);
    for turn in 0..entries.len() {
        let left = |at: usize| at < 128 && gone >> at & 1 == 0;
        let at = pick(entries, |at, entry| if left(at) && is_new(entry) { weight(entry) } else { 0 }, random)
            .or_else(|| pick(entries, |at, entry| if left(at) { weight(entry) } else { 0 }, random))?;
        if let Some(outcome) = entries.get(at).and_then(|entry| then(entry, turn)) {
            return Some(outcome);
        }
        gone |= 1 << at;
        random = mixed(random);
    }
    None
}

/// Picks one by weight; weight 0 is never picked. The bias of the remainder is below 1 in 10^13 for the largest sum of
/// weights.
fn pick<T>(entries: &[T], weight: impl Fn(usize, &T) -> u64, random: u64) -> Option<usize> {
    let weights = || entries.iter().enumerate().map(|(at, entry)| (at, weight(at, entry)));
    let total: u64 = weights().map(|(_, weight)| weight).sum();
    let mut left = random.checked_rem(total)?;
    for (at, weight) in weights() {
        if left < weight {
            return Some(at);
        }
        left -= weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(entries: &[(&'static str, u64)], random: u64) -> Option<&'static str> {
        draw_until(entries, |(_, weight)| *weight, |_| false, random, |(name, _), _| Some(*name))
    }

    #[test]
    fn weights_are_kept_and_zero_is_never_drawn() {
        let entries = [("a", 70), ("b", 0), ("c", 30)];
        let mut counts = std::collections::HashMap::new();
        for random in 0..1_000 {
            *counts.entry(draw(&entries, random).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(counts.get("a"), Some(&700));
        assert_eq!(counts.get("c"), Some(&300));
        assert_eq!(draw(&[("a", 0)], 5), None);
        assert_eq!(draw(&[], 5), None);
    }

    #[test]
    fn what_comes_to_nothing_is_drawn_once_and_what_is_new_first() {
        let entries = [("a", 70), ("b", 1), ("c", 30)];
        for random in 0..100 {
            let mut tried = Vec::new();
            let none: Option<()> = draw_until(
                &entries,
                |(_, weight)| *weight,
                |_| false,
                random,
                |(name, _), _| {
                    tried.push(*name);
                    None
                },
            );
            tried.sort_unstable();
            assert_eq!((none, tried), (None, vec!["a", "b", "c"]));
            let new = draw_until(
                &entries,
                |(_, weight)| *weight,
                |(name, _)| *name == "b",
                random,
                |(name, _), _| Some(*name),
            );
            assert_eq!(new, Some("b"));
        }
    }
}
