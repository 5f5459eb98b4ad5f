//! A network's own report beside our conversions: read, compared, kept, and repaired through the ledger.

mod asked;
mod changes;
mod make;
mod records;
mod repair;
mod rows;

pub use asked::ReportAsked;
pub use make::{NotMade, OURS_MAX};
pub use repair::{Asked, Chosen, NotRepaired, REPAIRED_MAX, Repaired};
pub use rows::{guess, sheet_of};
