//! The conversion ledger: read a postback, judge it, record it, answer with the verdict.

mod batch;
mod caps;
mod change;
mod claim;
mod earn;
mod foreign;
mod hand;
mod identity;
mod judge;
mod keyless;
mod macros_seen;
mod nonces;
mod pixel;
mod price;
mod rates;
mod record;
mod refusals;
mod repeat;
mod request;
mod signature;
mod signed;
mod sweep;
mod trust;
mod words;
mod writer;

pub mod sentences;

pub use crate::db::postbacks::PIXEL;
pub use batch::split;
pub use change::change_row;
pub use foreign::Imported;
pub use hand::{CHANGED_MAX, HandChange, HandOutcome};
pub use judge::{Judged, Verdict, read};
pub use macros_seen::looks_like_macro;
pub use pixel::SNIPPET_WORDS;
pub use request::{BODY_BYTES_MAX, Incoming};
pub use trust::Admission;
pub use writer::{NotStored, Postbacks};
