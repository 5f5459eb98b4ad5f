//! Who is this: address -> country, user agent -> device, bot or not, unique or not.

pub mod agent;
mod bots;
pub mod country;
mod unique;

pub use agent::Agent;
pub use bots::{Signals, judge};
pub use unique::{Uniques, VISITORS_MAX};
