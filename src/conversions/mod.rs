//! The conversion ledger: read a postback, judge it, record it, answer with the verdict.

mod batch;
mod caps;
mod change;
mod claim;
mod earn;
mod identity;
mod judge;
mod macros_seen;
mod pixel;
mod price;
mod record;
mod refusals;
mod repeat;
mod request;
mod writer;

pub mod sentences;

pub use crate::db::postbacks::PIXEL;
pub use batch::split;
pub use change::change_row;
pub use judge::{Judged, Verdict, read};
pub use macros_seen::looks_like_macro;
pub use pixel::SNIPPET_WORDS;
pub use request::{BODY_BYTES_MAX, Incoming};
pub use writer::{NotStored, Postbacks};
