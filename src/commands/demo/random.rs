//! Random numbers that are the same for the same seed, on every machine and in every version.

/// SplitMix64: small, quick, and good enough to make up visitors. Never for secrets.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for one thing, whatever others draw.
    pub(super) const fn of(seed: u64, thing: u64) -> Self {
        let mut mixed = Self(seed ^ thing.wrapping_mul(0xd6e8_feb8_6659_fd93));
        mixed.next();
        mixed
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, another; 0 where there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number between two, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).unwrap_or(1);
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True so many times in a thousand.
    pub(super) fn is_one_of_mille(&mut self, mille: u64) -> bool {
        self.below(1_000) < mille
    }

    /// One of a list; the first are drawn most often, as it is with devices, zones and creatives.
    pub(super) fn skewed(&mut self, count: u64) -> u64 {
        let first = self.below(count.max(1));
        self.below(first + 1)
    }

    /// One of some, by weight; the first where nothing weighs.
    pub(super) fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut drawn = self.below(weights.iter().sum());
        for (at, weight) in weights.iter().enumerate() {
            if drawn < *weight {
                return at;
            }
            drawn -= weight;
        }
        0
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_be_bytes()) {
                *to = from;
            }
        }
        bytes
    }

    /// So many hexadecimal digits.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let drawn = self.next();
            for at in 0..16 {
                let digit = usize::try_from(drawn >> (at * 4) & 15).unwrap_or(0);
                text.push(char::from(DIGITS.get(digit).copied().unwrap_or(b'0')));
            }
        }
        text.truncate(digits);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_says_the_same() {
        let drawn = |seed| {
            let mut random = Random::of(seed, 3);
            (random.next(), random.hex(5), random.bytes::<10>())
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn draws_stay_within() {
        let mut random = Random::of(1, 1);
        for _ in 0..1_000 {
            assert!(random.below(7) < 7 && (-2..=2).contains(&random.between(-2, 2)));
            assert!(random.skewed(9) < 9 && random.weighted(&[0, 1, 0, 4]) % 2 == 1);
        }
        assert_eq!((random.below(0), random.hex(20).len()), (0, 20));
    }
}
