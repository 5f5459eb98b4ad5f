//! `clickledger import`: bring in what was kept elsewhere.

use super::say;
use crate::clicks::import_journals;
use crate::config::Config;
use crate::server;
use anyhow::bail;
use clap::Subcommand;
use std::path::PathBuf;
use std::sync::Arc;

/// What can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Clicks that a node had not moved into the database when it died.
    ///
    /// Nothing is taken away from the folder, and clicks that are there already are not counted twice.
    Journal {
        /// A data folder, its journal folder, or one journal in it.
        folder: PathBuf,
    },
}

/// Imports.
///
/// # Errors
/// What a person has to change, in one line.
pub fn run(config: &Config, command: &ImportCommand) -> anyhow::Result<()> {
    let ImportCommand::Journal { folder } = command;
    if !folder.is_dir() {
        bail!("{} is no folder", folder.display());
    }
    std::fs::create_dir_all(&config.data_dir)?;
    let db = Arc::new(server::open_database(config)?);
    let writer_id = server::writer_id(config)?;
    let quarantine = config.data_dir.join("journal");
    for one in import_journals(&db, folder, writer_id, &quarantine)? {
        say(&format!("Journal {}: {} records read and in the database", one.journal, one.records))?;
        if one.set_aside > 0 {
            let folder = quarantine.join("quarantine");
            say(&format!(
                "  {} damaged or refused pieces are not: they are kept in {}",
                one.set_aside,
                folder.display()
            ))?;
        }
    }
    Ok(())
}
