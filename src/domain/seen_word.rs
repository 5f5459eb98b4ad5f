//! Words that came from an advertiser and that nobody has given a meaning yet.

use super::words::word_enum;

word_enum! {
    /// What a word stood for.
    pub enum WordKind {
        /// What became of a conversion: the postback was refused.
        Status => "status",
        /// What happened: the offer does not list it.
        Event => "event",
    }
}

/// Words that are kept of one advertiser and kind. Networks have a dozen; whoever sends more sends something else there.
pub const WORDS_MAX: i64 = 200;

/// How long a word is kept after it came last, milliseconds: thirty days.
pub const WORD_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// A word with how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenWord {
    /// What it stood for.
    pub kind: WordKind,
    /// The word, folded.
    pub word: String,
    /// How often it came.
    pub seen: i64,
    /// When it came first, Unix milliseconds.
    pub first_seen_at_ms: i64,
    /// When it came last.
    pub last_seen_at_ms: i64,
}
