//! The conversion ledger: read a postback, judge it, record it, answer with the verdict.

mod batch;
mod by_hand;
mod caps;
mod change;
mod checks;
mod claim;
mod earn;
mod hand;
mod hold;
mod identity;
pub mod import;
mod judge;
mod keyless;
mod macros_seen;
mod nonces;
mod person;
mod pixel;
mod price;
mod rates;
pub mod reconcile;
mod record;
mod refusals;
mod repeat;
mod request;
mod signature;
mod signed;
mod sweep;
mod trial;
mod trust;
mod words;
mod writer;

pub mod sentences;

pub use crate::db::postbacks::PIXEL;
pub use batch::split;
pub use by_hand::{HandRecord, NotRecorded};
pub use change::change_row;
pub use checks::{Check, Standing, Step};
pub use hand::{CHANGED_MAX, HandChange, HandOutcome};
pub use judge::{Judged, Verdict, read};
pub use macros_seen::looks_like_macro;
pub use pixel::SNIPPET_WORDS;
pub use request::{BODY_BYTES_MAX, Incoming};
pub use trial::Trial;
pub use trust::Admission;
pub use writer::{NotStored, Postbacks};
