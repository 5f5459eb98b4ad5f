//! A delivery: one conversion told to one destination, once for each occasion.

use super::words::word_enum;

word_enum! {
    /// How far one has come.
    pub enum DeliveryState {
        /// It is to be sent, for the first time or again.
        Due => "due",
        /// It was taken.
        Sent => "sent",
        /// It was not, and is not tried again by itself.
        Failed => "failed",
        /// There was nothing to send; its reason says why.
        Skipped => "skipped",
    }
}

/// How long one is tried by itself, milliseconds: a day.
pub const TRIED_MS: i64 = 24 * 3_600_000;

/// Attempts of one delivery that are shown, the newest: a day of tries makes about sixty, and by hand it may be sent again
/// and again.
pub const ATTEMPTS_SHOWN_MAX: i64 = 200;

/// Deliveries that one request sends again: they go out behind each other, and a mistake must not tell a source of all that
/// ever was.
pub const RESENT_MAX: usize = 5_000;

/// The longest pause after the first failure, and after any, milliseconds.
const PAUSE_FIRST_MS: i64 = 5_000;
const PAUSE_LONGEST_MS: i64 = 3_600_000;

/// The longest pause after so many failures: twice as long each time, up to an hour.
#[must_use]
pub fn pause_at_most_ms(failures: i64) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1).max(0)).unwrap_or(u32::MAX).min(20);
    PAUSE_FIRST_MS.saturating_mul(1_i64 << doublings).min(PAUSE_LONGEST_MS)
}

/// The pause after so many failures: any time up to the longest one, so that what failed together is not tried together.
/// `dice` is random.
#[must_use]
pub fn pause_ms(failures: i64, dice: u32) -> i64 {
    let pause = i128::from(pause_at_most_ms(failures)) * i128::from(dice) / i128::from(u32::MAX);
    i64::try_from(pause).unwrap_or(PAUSE_LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let longest: Vec<i64> = (1..=12).map(pause_at_most_ms).collect();
        assert_eq!(longest[..4], [5_000, 10_000, 20_000, 40_000]);
        assert_eq!(longest[9..], [2_560_000, 3_600_000, 3_600_000]);
        for failures in [i64::MIN, 0, i64::MAX] {
            assert!((5_000..=3_600_000).contains(&pause_at_most_ms(failures)), "{failures}");
        }
        assert_eq!((pause_ms(1, 0), pause_ms(1, u32::MAX), pause_ms(3, u32::MAX)), (0, 5_000, 20_000));
    }
}
