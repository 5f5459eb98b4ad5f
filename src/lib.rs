//! Clickledger: a self-hosted affiliate tracker.

pub mod pages;
