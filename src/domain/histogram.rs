//! Measurements in buckets, counted by many threads without waiting for each other.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of values by bucket. A value lies in the first bucket whose bound is not below it.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// The counts of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// The upper bounds, rising.
    pub bounds: &'static [u64],
    /// So many values in each bucket, and last those above all bounds.
    pub counts: Vec<u64>,
    /// The sum of all values.
    pub sum: u64,
}

impl Histogram {
    /// An empty one; the bounds rise.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0) }
    }

    /// Counts a value.
    pub fn observe(&self, value: u64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted by now.
    #[must_use]
    pub fn buckets(&self) -> Buckets {
        Buckets {
            bounds: self.bounds,
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Buckets {
    /// Nothing counted yet.
    #[must_use]
    pub fn empty(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0 }
    }

    /// Adds what another histogram of the same bounds counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lies_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new(&[1, 10, 100]);
        for value in [0, 1, 2, 10, 11, 100, 101, 5_000] {
            histogram.observe(value);
        }
        let mut buckets = histogram.buckets();
        assert_eq!(buckets.counts, [2, 2, 2, 2]);
        assert_eq!((buckets.count(), buckets.sum), (8, 5_225));
        let again = buckets.clone();
        buckets.add(&again);
        assert_eq!((buckets.count(), buckets.sum), (16, 10_450));
        assert_eq!(Buckets::empty(&[1, 10, 100]).count(), 0);
    }
}
