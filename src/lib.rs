//! Clickledger: a self-hosted affiliate tracker.

pub mod api;
pub mod db;
pub mod domain;
pub mod entities;
pub mod http;
pub mod routing;
