//! Who is this: address -> country, user agent -> device, bot or not, unique or not.

pub mod agent;
mod bots;
pub mod country;

pub use agent::Agent;
pub use bots::{Signals, judge};
