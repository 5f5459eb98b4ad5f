//! What a person says about a file of conversions, and how far its import is.

use super::sheet::{DayOrder, Mapping};
use super::words::word_enum;
use serde::{Deserialize, Serialize};

word_enum! {
    /// How a file of conversions is written.
    pub enum ImportFormat {
        /// A table with a header: which column is which is chosen.
        Csv => "csv",
        /// Lines like `clickid:payout=5.00:cnv_status=approved`.
        Colon => "colon",
        /// Lines like `subid,payout,tid,status`, without a header.
        Comma => "comma",
    }
}

word_enum! {
    /// What becomes of the good rows where others are refused.
    pub enum ImportMode {
        /// Nothing is recorded unless every row can be.
        AllOrNothing => "all_or_nothing",
        /// The good rows are recorded, the others listed.
        GoodRows => "good_rows",
    }
}

word_enum! {
    /// How far an import is.
    pub enum ImportState {
        /// It is being looked at; nothing is recorded.
        Draft => "draft",
        /// It is about to be run.
        Waiting => "waiting",
        /// It is being run.
        Running => "running",
        /// It is through.
        Done => "done",
        /// A row was refused, so nothing was recorded.
        Refused => "refused",
        /// It cannot be run.
        Failed => "failed",
    }
}

impl ImportState {
    /// Whether it goes on by itself.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Running)
    }
}

/// Rows that are recorded all or none, in one transaction: postbacks wait for its end. Ten thousand kept the longest of them
/// waiting for 1.1 to 2.0 seconds, on either database, in a debug build on two busy cores; most of that is our own code,
/// unoptimized there. `benches/bulk.py` measures an optimized build.
pub const ALL_OR_NOTHING_MAX: usize = 10_000;

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// How it is written.
    pub format: ImportFormat,
    /// Which column is which, in a table.
    pub mapping: Mapping,
    /// The zone of times that name none, an IANA name.
    pub zone: String,
    /// What `03/04/2026` means, where somebody chose.
    pub day_order: Option<DayOrder>,
    /// Destinations are told of what it records. Not unless asked for: the tracker before may have told them.
    #[serde(default)]
    pub is_told: bool,
}

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Rows that have their verdict.
    pub done: i64,
    /// New conversions, and changes of known ones.
    pub accepted: i64,
    /// Nothing new.
    pub duplicate: i64,
    /// Kept until something is known that is missing now.
    pub parked: i64,
    /// Not taken.
    pub refused: i64,
}

impl ImportCounts {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            done: self.done + other.done,
            accepted: self.accepted + other.accepted,
            duplicate: self.duplicate + other.duplicate,
            parked: self.parked + other.parked,
            refused: self.refused + other.refused,
        }
    }

    /// Rows that are not counted: refused, or parked.
    #[must_use]
    pub const fn uncounted(self) -> i64 {
        self.parked + self.refused
    }
}
