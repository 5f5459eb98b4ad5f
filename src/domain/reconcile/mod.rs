//! A network's own report beside our conversions: what is on one side alone, and what the two say differently.

mod compare;
mod days;
mod matching;
mod span;
#[cfg(test)]
mod tests;

pub use compare::{Compared, Finding, compare};
pub use days::{DayFigures, DayLine, per_day, totals};
pub use matching::{Matching, match_up};
pub use span::{DAYS_MAX, Span, read_day};

use super::click_id::ClickId;
use super::money::{Currency, Money};
use super::status::Status;
use super::words::word_enum;

word_enum! {
    /// In which way a row and a conversion do not agree. One conversion may stand in several of the last three.
    pub enum List {
        /// Our conversion, which no row of theirs is about.
        OnlyOurs => "only_ours",
        /// Their row, which no conversion of ours is about.
        OnlyTheirs => "only_theirs",
        /// Both have it, with another status.
        StatusDiffers => "status_differs",
        /// Both have it, with another amount or in another currency.
        AmountDiffers => "amount_differs",
        /// Both have it, on another day.
        DayDiffers => "day_differs",
        /// Their row says again what an earlier row says: it was left out.
        Repeated => "repeated",
        /// Their row, or a part of it, cannot be read.
        Unreadable => "unreadable",
    }
}

impl List {
    /// Its name as people read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OnlyOurs => "Only ours",
            Self::OnlyTheirs => "Only theirs",
            Self::StatusDiffers => "Status differs",
            Self::AmountDiffers => "Amount differs",
            Self::DayDiffers => "Day differs",
            Self::Repeated => "Repeated rows",
            Self::Unreadable => "Unreadable rows",
        }
    }

    /// Whether it is a difference between the two sides, and no fault of the file.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        !matches!(self, Self::Repeated | Self::Unreadable)
    }

    /// Whether its rows can be repaired.
    #[must_use]
    pub const fn is_repairable(self) -> bool {
        matches!(self, Self::OnlyOurs | Self::OnlyTheirs | Self::StatusDiffers | Self::AmountDiffers)
    }
}

word_enum! {
    /// What a repair made of a row.
    pub enum Repair {
        /// Their row was recorded.
        Recorded => "recorded",
        /// Our conversion was changed.
        Changed => "changed",
        /// It stood so already.
        Unchanged => "unchanged",
    }
}

/// What a row says of the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StatusSaid {
    /// Nothing.
    #[default]
    Nothing,
    /// One of ours.
    Known(Status),
    /// A word that nobody has given a meaning.
    Unknown(String),
}

impl StatusSaid {
    /// The status, where it is known.
    #[must_use]
    pub const fn known(&self) -> Option<Status> {
        match self {
            Self::Known(status) => Some(*status),
            Self::Nothing | Self::Unknown(_) => None,
        }
    }
}

/// A row of their report, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// Their transaction; empty where none came.
    pub txid: String,
    /// The click, where they name one in the form of ours.
    pub click_id: Option<ClickId>,
    /// The event, by the advertiser's map; none where the row names none.
    pub event: Option<String>,
    /// The status, by the advertiser's map.
    pub status: StatusSaid,
    /// What they owe for it.
    pub amount: Option<Money>,
    /// In which currency.
    pub currency: Currency,
    /// When it happened, Unix milliseconds.
    pub at_ms: Option<i64>,
    /// What cannot be read of it: the rest of it counts all the same.
    pub fault: Option<String>,
}

impl Theirs {
    /// Whether anything of it can be found by.
    #[must_use]
    pub const fn has_identity(&self) -> bool {
        !self.txid.is_empty() || self.click_id.is_some()
    }

    /// Whether it earns, or may: what was declined or taken back is no money on either side.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.status.known().is_none_or(is_counted)
    }
}

/// A conversion of ours, as far as a report is compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Its number.
    pub id: i64,
    /// Its click.
    pub click_id: ClickId,
    /// The sender's transaction; empty where none came.
    pub txid: String,
    /// What happened.
    pub event: String,
    /// Its status.
    pub status: Status,
    /// What it earned in its own currency.
    pub amount: Money,
    /// Its own currency.
    pub currency: Currency,
    /// When it happened, Unix milliseconds.
    pub at_ms: i64,
    /// An event that is no conversion and earned nothing: nobody misses it in a report.
    pub is_silent: bool,
}

/// Whether a status earns, or may.
const fn is_counted(status: Status) -> bool {
    matches!(status, Status::Approved | Status::Pending)
}
