//! Who is this: address -> country, user agent -> device, bot or not, unique or not.

pub mod agent;
pub mod country;

pub use agent::Agent;
