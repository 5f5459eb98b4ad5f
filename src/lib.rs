//! Clickledger: a self-hosted affiliate tracker.

pub mod clicks;
pub mod conversions;
pub mod db;
pub mod domain;
pub mod pages;
pub mod routing;
pub mod visitor;
