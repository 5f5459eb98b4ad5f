//! Who has been here before: a bounded table of the visitors of each campaign.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use siphasher::sip::SipHasher13;

/// Visitors remembered at most. Full, the table takes 29 MiB (15 bytes each); beyond, the longest unseen are forgotten
/// and may count as unique once more.
pub const VISITORS_MAX: usize = 2_000_000;

/// So many locks that threads hardly meet. Not a power of two: a generation of a shard then holds 14,285 visitors, just
/// under the 14,336 at which a hash map of 16,384 places doubles its memory.
const SHARDS: usize = 70;

/// A shard keeps its newer and its older visitors apart; the older go as a whole when the newer ones are full.
const GENERATION_LEN_MAX: usize = VISITORS_MAX / SHARDS / 2;

/// Additions of a shard that wait to be written down, at most: 3 MiB in all, for a quarter of a million new visitors
/// between two turns of the thread that writes. Beyond, that thread writes the table whole.
const FRESH_LEN_MAX: usize = 4_096;

/// A visitor seen first so much later than now was seen by a clock that was wrong, and would not be new for years.
const AHEAD_MAX_MS: i64 = 86_400_000;

/// Bytes of [`Entry`].
pub(super) const ENTRY_BYTES: usize = 12;

/// A visitor as the log of visitors keeps him: the hash and the second, the lowest byte first.
pub(super) type Entry = [u8; ENTRY_BYTES];

/// The visitors seen lately, shared by all threads.
pub struct Uniques {
    /// Secret, so that nobody can choose addresses that fall together.
    key: [u8; 16],
    /// Tells tables of different keys apart.
    mark: [u8; 8],
    shards: Vec<Mutex<Shard>>,
}

impl Uniques {
    /// An empty table of this process alone; memory grows with the visitors.
    #[must_use]
    pub fn new() -> Self {
        Self::keyed(&rand::random())
    }

    /// An empty table whose hashes mean the same after a restart: by the installation's secret key.
    #[must_use]
    pub fn keyed(secret: &[u8; 32]) -> Self {
        let digest = Sha256::digest([b"clickledger visitors".as_slice(), secret].concat());
        let (key, rest) =
            digest.split_first_chunk().map_or(([0; 16], [].as_slice()), |(key, rest)| (*key, rest));
        let mark = rest.first_chunk().copied().unwrap_or_default();
        Self { key, mark, shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Whether this visitor is new to the campaign: not seen in the `window_ms` before now. If so, the window begins now;
    /// if not, it goes on from when it began. Times are kept to the second.
    #[must_use]
    pub fn first_seen(
        &self,
        campaign_id: i64,
        address: IpAddr,
        agent_hash: i64,
        now_ms: i64,
        window_ms: i64,
    ) -> bool {
        let hash = self.hash(campaign_id, address, agent_hash);
        let now = Seconds::of(now_ms);
        self.shard(hash).is_none_or(|mut shard| shard.first_seen(Visitor::of(hash), now, window_ms))
    }

    /// How many visitors are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether nobody is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells tables of different keys apart.
    pub(super) const fn mark(&self) -> &[u8; 8] {
        &self.mark
    }

    /// Hands over who was added since the last time. Says whether that is everybody: more may have come than wait.
    pub(super) fn take_fresh(&self, out: &mut Vec<Entry>) -> bool {
        let mut is_complete = true;
        for shard in &self.shards {
            let mut shard = lock(shard);
            out.append(&mut shard.fresh);
            is_complete &= !std::mem::take(&mut shard.has_dropped);
        }
        is_complete
    }

    /// Hands over the whole table, a shard at a time, those first who will be forgotten first. A shard is locked while it
    /// is copied, which takes a tenth of a millisecond.
    pub(super) fn each_shard(&self, see: &mut dyn FnMut(&[Entry])) {
        let mut entries = Vec::new();
        for shard in &self.shards {
            entries.clear();
            entries.extend(lock(shard).entries());
            see(&entries);
        }
    }

    /// Takes in who was here before.
    pub(super) fn remember(&self, entries: &[Entry], now_ms: i64) {
        for entry in entries {
            let (visitor, since) = read(*entry);
            if since.ms() > now_ms.saturating_add(AHEAD_MAX_MS) {
                continue;
            }
            if let Some(mut shard) = self.shard(u64::from_le_bytes(visitor.0)) {
                shard.remember(visitor, since);
            }
        }
    }

    /// The same for a visitor on any machine and in any version: the bytes are written one by one.
    fn hash(&self, campaign_id: i64, address: IpAddr, agent_hash: i64) -> u64 {
        let address = match address {
            IpAddr::V4(four) => four.to_ipv6_mapped(),
            IpAddr::V6(six) => six,
        };
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(&campaign_id.to_le_bytes());
        hasher.write(&address.octets());
        hasher.write(&agent_hash.to_le_bytes());
        hasher.finish()
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard>> {
        // 32 bits of the middle, scaled to the number of shards: the maps use the lowest 14 and the highest 7.
        let middle = (hash >> 16) & u64::from(u32::MAX);
        let index = (middle * SHARDS as u64) >> 32;
        self.shards.get(usize::try_from(index).ok()?).map(lock)
    }
}

impl Default for Uniques {
    fn default() -> Self {
        Self::new()
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // A thread that panicked here left at worst one visitor unrecorded.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A visitor's hash, as bytes: key and value are then 12 bytes in a row and not 16.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Visitor([u8; 8]);

impl Visitor {
    fn of(hash: u64) -> Self {
        Self(hash.to_le_bytes())
    }
}

impl std::hash::Hash for Visitor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from_le_bytes(self.0));
    }
}

/// A time in whole seconds since 1970, which four bytes hold until 2106.
#[derive(Clone, Copy)]
struct Seconds([u8; 4]);

impl Seconds {
    fn of(time_ms: i64) -> Self {
        Self(u32::try_from(time_ms.max(0) / 1_000).unwrap_or(u32::MAX).to_le_bytes())
    }

    fn ms(self) -> i64 {
        i64::from(u32::from_le_bytes(self.0)) * 1_000
    }

    fn is_within(self, window_ms: i64, now: Self) -> bool {
        // A clock set back gives a negative age, which is within any window.
        window_ms > 0 && now.ms() - self.ms() < window_ms
    }
}

fn written(visitor: Visitor, since: Seconds) -> Entry {
    let mut entry = [0; ENTRY_BYTES];
    entry.iter_mut().zip(visitor.0.iter().chain(&since.0)).for_each(|(place, byte)| *place = *byte);
    entry
}

fn read(entry: Entry) -> (Visitor, Seconds) {
    let [h0, h1, h2, h3, h4, h5, h6, h7, since @ ..] = entry;
    (Visitor([h0, h1, h2, h3, h4, h5, h6, h7]), Seconds(since))
}

type Generation = HashMap<Visitor, Seconds, BuildHasherDefault<AsItIs>>;

#[derive(Default)]
struct Shard {
    newer: Generation,
    older: Generation,
    /// Additions that wait to be written down.
    fresh: Vec<Entry>,
    /// Whether more were added than wait.
    has_dropped: bool,
}

impl Shard {
    fn first_seen(&mut self, visitor: Visitor, now: Seconds, window_ms: i64) -> bool {
        if let Some(since) = self.newer.get_mut(&visitor) {
            let is_new = !since.is_within(window_ms, now);
            if is_new {
                *since = now;
                self.note(visitor, now);
            }
            return is_new;
        }
        // Whoever comes back moves to the newer ones, so that the longest unseen are forgotten first.
        let since = self.older.remove(&visitor).filter(|since| since.is_within(window_ms, now));
        self.make_room();
        self.newer.insert(visitor, since.unwrap_or(now));
        if since.is_none() {
            self.note(visitor, now);
        }
        since.is_none()
    }

    fn note(&mut self, visitor: Visitor, since: Seconds) {
        if self.fresh.len() < FRESH_LEN_MAX {
            self.fresh.push(written(visitor, since));
        } else {
            self.has_dropped = true;
        }
    }

    /// Takes in one who was here before; of two times the later one, when the window began anew.
    fn remember(&mut self, visitor: Visitor, since: Seconds) {
        let known = self.newer.get(&visitor).copied().or_else(|| self.older.remove(&visitor));
        let since = known.filter(|known| known.ms() > since.ms()).unwrap_or(since);
        if !self.newer.contains_key(&visitor) {
            self.make_room();
        }
        self.newer.insert(visitor, since);
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.older.iter().chain(&self.newer).map(|(visitor, since)| written(*visitor, *since))
    }

    fn make_room(&mut self) {
        if self.newer.len() >= GENERATION_LEN_MAX {
            // The emptied map keeps its memory for the next newer ones.
            self.older.clear();
            std::mem::swap(&mut self.newer, &mut self.older);
        }
    }

    fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

/// The keys are hashes already, made with a secret key: hashing them again would add nothing.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap as Model;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::atomic::{AtomicUsize, Ordering};

    const HOUR_MS: i64 = 3_600_000;
    const NOW_MS: i64 = 1_780_000_000_000;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    #[test]
    fn a_visitor_is_new_once_per_window() {
        let uniques = Uniques::new();
        let see = |at_ms: i64| uniques.first_seen(1, address(1), 7, NOW_MS + at_ms, HOUR_MS);
        assert!(see(0));
        assert!(!see(1));
        assert!(!see(HOUR_MS - 1_000));
        assert!(see(HOUR_MS), "the window counts from the first visit, not from the last");
        assert!(!see(HOUR_MS + 5));
        assert!(!see(-5_000), "a clock set back makes nobody new");
    }

    #[test]
    fn campaign_address_and_agent_each_make_another_visitor() {
        let uniques = Uniques::new();
        assert!(uniques.first_seen(1, address(1), 7, NOW_MS, HOUR_MS));
        assert!(uniques.first_seen(2, address(1), 7, NOW_MS, HOUR_MS));
        assert!(uniques.first_seen(1, address(2), 7, NOW_MS, HOUR_MS));
        assert!(uniques.first_seen(1, address(1), 8, NOW_MS, HOUR_MS));
        let mapped = IpAddr::V6(Ipv4Addr::from(1).to_ipv6_mapped());
        assert!(!uniques.first_seen(1, mapped, 7, NOW_MS, HOUR_MS), "the same address in another form");
        assert!(uniques.first_seen(1, IpAddr::V6(Ipv6Addr::LOCALHOST), 7, NOW_MS, HOUR_MS));
        assert_eq!(uniques.len(), 5);
    }

    #[test]
    fn without_a_window_every_click_is_unique() {
        let uniques = Uniques::new();
        assert!((0..3).all(|_| uniques.first_seen(1, address(1), 7, NOW_MS, 0)));
    }

    #[test]
    fn the_bound_holds_and_the_longest_unseen_go_first() {
        let uniques = Uniques::new();
        let count = u32::try_from(VISITORS_MAX + VISITORS_MAX / 4).unwrap();
        for number in 0..count {
            assert!(uniques.first_seen(1, address(number), 7, NOW_MS, HOUR_MS));
            if number % 50_000 == 0 {
                let again = !uniques.first_seen(1, address(0), 7, NOW_MS, HOUR_MS);
                assert!(again, "seen all the time");
            }
        }
        assert!(uniques.len() <= VISITORS_MAX && uniques.len() > VISITORS_MAX / 3, "{}", uniques.len());
        assert!(!uniques.first_seen(1, address(count - 1), 7, NOW_MS, HOUR_MS), "the last one is remembered");
        assert!(uniques.first_seen(1, address(1), 7, NOW_MS, HOUR_MS), "the first one is forgotten");
        assert!(uniques.shards.iter().all(|shard| {
            let shard = lock(shard);
            shard.newer.capacity().max(shard.older.capacity()) <= 14_336
        }));
    }

    #[test]
    fn of_threads_that_race_on_a_visitor_exactly_one_finds_him_new() {
        let uniques = Uniques::new();
        let found = AtomicUsize::new(0);
        let visitors = 20_000;
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for number in 0..visitors {
                        if uniques.first_seen(1, address(number), 7, NOW_MS, HOUR_MS) {
                            found.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(found.into_inner(), usize::try_from(visitors).unwrap());
    }

    proptest! {
        /// While the table is not full it says what a plain map of (campaign, address, agent) would.
        #[test]
        fn agrees_with_a_plain_map(visits in prop::collection::vec((0..3_i64, 0..4_u32, 0..2_i64, 0..5_000_i64), 1..300)) {
            let (uniques, mut model) = (Uniques::new(), Model::new());
            let (mut now, window) = (NOW_MS / 1_000, 6_000);
            for (campaign, number, agent, passed) in visits {
                now += passed;
                let since = model.entry((campaign, number, agent)).or_insert(i64::MIN / 2);
                let expected = now - *since >= window;
                if expected {
                    *since = now;
                }
                let found = uniques.first_seen(campaign, address(number), agent, now * 1_000, window * 1_000);
                prop_assert_eq!(found, expected);
            }
        }
    }
}
