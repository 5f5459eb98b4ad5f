//! Clickledger: a self-hosted affiliate tracker.

pub mod domain;
pub mod visitor;
