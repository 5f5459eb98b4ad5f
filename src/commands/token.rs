//! `clickledger token create`: an API token for a script. Prints the token alone.

use super::{say, user::explain};
use crate::config::Config;
use crate::db::users;
use crate::domain::role::TokenScope;
use crate::http;
use crate::server::open_database;
use anyhow::Context as _;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make an API token for a user and print it. It is shown this once.
    Create {
        /// The user's address.
        #[arg(long)]
        email: String,
        /// read or write.
        #[arg(long, default_value = "read", value_parser = read_scope)]
        scope: TokenScope,
        /// What it is for.
        #[arg(long, default_value = "command line")]
        name: String,
    },
}

fn read_scope(text: &str) -> Result<TokenScope, String> {
    TokenScope::parse(text).ok_or_else(|| format!("one of: {}", TokenScope::choices()))
}

/// Does what was asked.
pub fn run(config: &Config, command: &TokenCommand) -> anyhow::Result<()> {
    let TokenCommand::Create { email, scope, name } = command;
    let db = open_database(config)?;
    let wanted = email.trim().to_lowercase();
    let user = db.read(|conn| users::find_by_email(conn, &wanted))?;
    let user =
        user.with_context(|| format!("there is no user {wanted}: make one with `clickledger user create`"))?;
    let (_, token) = http::tokens::create(&db, user.id, name, *scope, http::now_ms()).map_err(explain)?;
    say(&token)
}
