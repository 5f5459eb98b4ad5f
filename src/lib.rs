//! Clickledger: a self-hosted affiliate tracker.

pub mod api;
pub mod clicks;
pub mod commands;
pub mod config;
pub mod conversions;
pub mod db;
pub mod domain;
pub mod entities;
pub mod http;
pub mod pages;
pub mod reports;
pub mod routing;
pub mod server;
pub mod tracking;
pub mod visitor;
