//! Postbacks out: who is told of a conversion, the outbox that is written with it, and the thread that sends.

mod advice;
mod answered;
mod fire;
mod sender;
mod telling;
mod trial;

pub use answered::{ANSWER_KEPT_BYTES, Judged, judge};
pub use fire::{Happening, fired};
pub use sender::Sender;
pub use telling::{Facts, NotTold, Prepared, TIMEOUT, prepare};
pub use trial::{Trial, try_now};
