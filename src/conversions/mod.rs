//! The conversion ledger: read a postback, judge it, record it, answer with the verdict.

mod again;
mod batch;
mod caps;
mod change;
mod claim;
mod earn;
mod effects;
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
mod release;
mod repeat;
mod replay;
mod request;
mod signature;
mod signed;
mod sweep;
mod trust;
mod words;
mod writer;

pub mod sentences;

pub use crate::db::postbacks::PIXEL;
pub use again::Released;
pub use batch::split;
pub use change::change_row;
pub use hand::{CHANGED_MAX, HandChange, HandOutcome};
pub use judge::{Judged, Verdict, read};
pub use macros_seen::looks_like_macro;
pub use pixel::SNIPPET_WORDS;
pub use replay::{REPLAYED_MAX, ReplayOrder, ReplayOutcome, Replayed, may_replay, replay_totals};
pub use request::{BODY_BYTES_MAX, Incoming};
pub use trust::Admission;
pub use writer::{NotStored, Postbacks};
