//! How many clicks came from an address lately: a table of fixed size, without locks.

use std::hash::Hasher as _;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

/// Places for addresses: 512 KiB, taken when the count is first switched on. A flood of addresses pushes out those that
/// clicked least, so that the ones which click much stay.
const PLACES: usize = 1 << 16;

/// An address may stand in any of so many neighbouring places.
const WAYS: usize = 4;

const COUNT_BITS: u32 = 20;
const PERIOD_BITS: u32 = 16;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const PERIOD_MAX: u64 = (1 << PERIOD_BITS) - 1;

/// Counts clicks by address within periods of so many minutes. IPv6 addresses count by their first 64 bits: whoever has
/// one has them all.
pub(super) struct AddressCounts {
    /// Per process, so that nobody can choose addresses that push out others.
    key: [u8; 16],
    places: OnceLock<Box<[AtomicU64]>>,
}

impl Default for AddressCounts {
    fn default() -> Self {
        Self { key: rand::random(), places: OnceLock::new() }
    }
}

/// What stands in a place: a mark of the address (28 bits), the period, the count. Zero is nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place(u64);

impl Place {
    const fn of(mark: u64, period: u64, count: u64) -> Self {
        Self(mark << (PERIOD_BITS + COUNT_BITS) | period << COUNT_BITS | count)
    }

    const fn mark(self) -> u64 {
        self.0 >> (PERIOD_BITS + COUNT_BITS)
    }

    const fn period(self) -> u64 {
        self.0 >> COUNT_BITS & PERIOD_MAX
    }

    const fn count(self) -> u64 {
        self.0 & COUNT_MAX
    }

    /// What it is worth to remember in a period: nothing of another one.
    const fn worth(self, period: u64) -> u64 {
        if self.period() == period { self.count() } else { 0 }
    }
}

impl AddressCounts {
    /// Counts a click and says how many there were in this period, this one included.
    pub(super) fn count(&self, address: IpAddr, now_ms: i64, minutes: u32) -> u32 {
        let places = self.places.get_or_init(|| (0..PLACES).map(|_| AtomicU64::new(0)).collect());
        let length_ms = i64::from(minutes.max(1)) * 60_000;
        let period = u64::try_from(now_ms.div_euclid(length_ms)).unwrap_or(0) & PERIOD_MAX;
        let hash = self.hash(address);
        // A mark of zero would be nobody's.
        let mark = (hash >> (PERIOD_BITS + COUNT_BITS)) | 1;
        let (buckets, _) = places.as_chunks::<WAYS>();
        let index = usize::try_from(hash & 0xffff_ffff).unwrap_or(0) % buckets.len().max(1);
        let count = buckets.get(index).map_or(1, |bucket| count_in(bucket, mark, period));
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn hash(&self, address: IpAddr) -> u64 {
        let network = match address.to_canonical() {
            IpAddr::V4(four) => four.to_ipv6_mapped(),
            IpAddr::V6(six) => {
                let [a, b, c, d, ..] = six.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
            }
        };
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(&network.octets());
        hasher.finish()
    }
}

/// Two threads that meet here may in the worst case miss a click, or count an address in two places: the count tells a
/// crowd from a person, to which one click more or less is nothing.
fn count_in(bucket: &[AtomicU64; WAYS], mark: u64, period: u64) -> u64 {
    let seen = bucket.each_ref().map(|place| Place(place.load(Ordering::Relaxed)));
    let own = seen.iter().position(|place| place.mark() == mark);
    let chosen = own
        .or_else(|| (0..WAYS).min_by_key(|at| seen.get(*at).map_or(u64::MAX, |place| place.worth(period))));
    let Some(place) = chosen.and_then(|at| bucket.get(at)) else { return 1 };
    let next = |held: u64| {
        let held = Place(held);
        let count = if held.mark() == mark { held.worth(period) } else { 0 };
        Place::of(mark, period, (count + 1).min(COUNT_MAX))
    };
    let before = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(next(held).0));
    next(before.unwrap_or_default()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const NOW_MS: i64 = 1_780_000_020_000;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    #[test]
    fn counts_by_address_and_period() {
        let counts = AddressCounts::default();
        for expected in 1..=5 {
            assert_eq!(counts.count(address(1), NOW_MS, 1), expected);
        }
        assert_eq!(counts.count(address(2), NOW_MS, 1), 1);
        assert_eq!(counts.count("::ffff:0.0.0.1".parse().unwrap(), NOW_MS, 1), 6);
        assert_eq!(counts.count(address(1), NOW_MS + 60_000, 1), 1, "another minute");
        let six = |text: &str| counts.count(text.parse().unwrap(), NOW_MS, 1);
        assert_eq!((six("2001:db8::1"), six("2001:db8::ffff:1"), six("2001:db8:0:1::1")), (1, 2, 1));
    }

    #[test]
    fn a_flood_of_addresses_does_not_push_out_the_one_that_clicks_much() {
        let counts = AddressCounts::default();
        let mut last = 0;
        for number in 0..400_000 {
            counts.count(address(number + 10), NOW_MS, 60);
            if number % 1_000 == 0 {
                (0..20).for_each(|_| last = counts.count(address(1), NOW_MS, 60));
            }
        }
        assert_eq!(last, 8_000);
        assert_eq!(counts.places.get().unwrap().len(), PLACES);
    }

    #[test]
    fn a_count_has_an_end_and_no_person_is_taken_for_another() {
        assert_eq!(Place::of(3, 9, COUNT_MAX).count(), COUNT_MAX);
        let bucket = [const { AtomicU64::new(0) }; WAYS];
        bucket[0].store(Place::of(3, 9, COUNT_MAX).0, Ordering::Relaxed);
        assert_eq!(count_in(&bucket, 3, 9), COUNT_MAX);
        let counts = AddressCounts::default();
        let most = (0..20_000).map(|number| counts.count(address(number), NOW_MS, 60)).max();
        assert_eq!(most, Some(1));
    }

    #[test]
    fn threads_count_together() {
        let counts = AddressCounts::default();
        assert_eq!(counts.count(address(1), NOW_MS, 60), 1);
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| (0..10_000).for_each(|_| _ = counts.count(address(1), NOW_MS, 60)));
            }
        });
        assert_eq!(counts.count(address(1), NOW_MS, 60), 40_002);
    }
}
