//! `clickledger user ...`: accounts without a browser.

use super::{read_line, say};
use crate::config::Config;
use crate::domain::role::Role;
use crate::http;
use crate::server::open_database;
use anyhow::bail;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make a user. The first admin voids the setup link.
    Create {
        #[command(flatten)]
        who: Who,
        /// admin, manager, buyer, advertiser or partner.
        #[arg(long, default_value = "admin", value_parser = read_role)]
        role: Role,
    },
    /// Set a user's password and end its sessions.
    ResetPassword(Who),
}

#[derive(Debug, Args)]
pub struct Who {
    /// The address the user signs in with.
    #[arg(long)]
    email: String,
    /// Read the password from one line of standard input.
    #[arg(long)]
    password_stdin: bool,
}

fn read_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("one of: {}", Role::choices()))
}

impl Who {
    fn password(&self) -> anyhow::Result<String> {
        if !self.password_stdin {
            bail!("give the password on standard input: clickledger user ... --password-stdin < file");
        }
        read_line()
    }
}

/// Does what was asked.
pub fn run(config: &Config, command: &UserCommand) -> anyhow::Result<()> {
    let db = open_database(config)?;
    match command {
        UserCommand::Create { who, role } => {
            let id = http::create_user(&db, &who.email, &who.password()?, *role, http::now_ms())
                .map_err(explain)?;
            say(&format!("Made user {id}: {} ({role})", who.email))
        }
        UserCommand::ResetPassword(who) => {
            http::reset_password(&db, &who.email, &who.password()?, http::now_ms()).map_err(explain)?;
            say(&format!("{} has a new password; its sessions have ended", who.email))
        }
    }
}

/// An error of the doors as a line for the command line.
pub(super) fn explain(error: http::Error) -> anyhow::Error {
    match error {
        http::Error::Fields(errors) | http::Error::Conflict(errors) => {
            let lines: Vec<String> =
                errors.0.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
            anyhow::anyhow!(lines.join("; "))
        }
        other => anyhow::anyhow!("{other}"),
    }
}
