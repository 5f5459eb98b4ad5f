//! Advertisers, offers, landers, sources, campaigns, destinations, lists and hosts: create, change, archive.
//!
//! Takes fields as they came, checks them in themselves and against the database, writes them, and gives
//! pages and API the same errors. Every change is one transaction. Nothing is ever erased.

mod chains;
mod editing;
mod error;
mod links;
mod preview;
mod references;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;

pub mod advertisers;
pub mod campaigns;
pub mod credentials;
pub mod destinations;
pub mod domains;
pub mod landers;
pub mod lists;
pub mod offers;
pub mod random;
pub mod rate_fetch;
pub mod rates;
pub mod settings;
pub mod sources;

pub use editing::{Fields, account_currency};
pub use error::Error;
pub use links::{campaign_url, on_host, pixel_path, postback_template, postback_url};
pub use preview::preview;
