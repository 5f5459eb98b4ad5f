//! The conversion ledger: read a postback, judge it, record it, answer with the verdict.

mod caps;
mod change;
mod claim;
mod judge;
mod keyless;
mod macros_seen;
mod nonces;
mod rates;
mod record;
mod refusals;
mod request;
mod signature;
mod signed;
mod sweep;
mod trust;
mod writer;

pub mod sentences;

pub use change::change_row;
pub use judge::{Judged, Verdict, read};
pub use macros_seen::looks_like_macro;
pub use request::{BODY_BYTES_MAX, Incoming};
pub use trust::Admission;
pub use writer::{NotStored, Postbacks};
