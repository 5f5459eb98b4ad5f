//! `clickledger migrate`: bring the tables up to date, and end.

use super::say;
use crate::config::Config;
use crate::server::open_database;

/// Opens the database, which migrates it.
pub fn migrate(config: &Config) -> anyhow::Result<()> {
    open_database(config)?;
    say("The database is up to date.")
}
