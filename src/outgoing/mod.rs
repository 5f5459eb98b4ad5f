//! Requests to other hosts: bounded in time, size and hops, and never to an address of the own network unless a setting
//! allows it.
//!
//! A name is resolved here, and the connection goes to the very addresses that were looked at: a name that answers one
//! thing first and another later gains nothing. Each redirect is looked at anew.

mod client;
mod reach;
mod tokens;

pub use client::{Answer, Call, Failure, HOPS_MAX, Method, Outgoing};
pub use tokens::Grant;
