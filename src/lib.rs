//! Clickledger: a self-hosted affiliate tracker.

pub mod commands;
pub mod db;
pub mod domain;
pub mod reports;
pub mod visitor;
