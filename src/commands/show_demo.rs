//! `clickledger demo`: a month of made-up data in a database of its own, then served.

use super::demo::{DemoOptions, fill};
use super::{say, serve};
use crate::config::Config;
use crate::db::{Db, Priority, settings, users};
use crate::domain::role::Role;
use crate::http;
use crate::server::open_database;
use clap::Args;
use std::time::Instant;

/// The folder under the data folder where the demo has its database and journal.
const FOLDER: &str = "demo";

/// Who signs in to the demo. The password is random, and new each time.
const EMAIL: &str = "demo@example.com";

/// A setting that marks a database as a demo's.
const MADE_FROM: &str = "demo";

#[derive(Debug, Args)]
pub struct DemoCommand {
    /// How many clicks the month has: up to 10 million.
    #[arg(long, default_value_t = 60_000)]
    clicks: u64,
    /// The same seed makes the same month.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Make the data and end, without serving it.
    #[arg(long)]
    no_serve: bool,
}

/// Fills the demo's database unless it is filled, and serves it.
pub fn run(config: &Config, command: &DemoCommand) -> anyhow::Result<()> {
    let config = own_place(config);
    let db = open_database(&config)?;
    let wanted = format!("{} clicks, seed {}", command.clicks, command.seed);
    let made = db.read(|conn| settings::find(conn, MADE_FROM))?;
    match made {
        Some(made) => say(&format!("The demo is there already ({made}); remove it to make another"))?,
        None => make(&db, command, &wanted)?,
    }
    let password = crate::entities::random::token();
    set_password(&db, &password)?;
    say(&format!("Sign in as {EMAIL} with the password {password}"))?;
    drop(db);
    if command.no_serve { Ok(()) } else { serve::serve(&config) }
}

/// A database of its own: a folder below the data folder, unless a database was named.
fn own_place(config: &Config) -> Config {
    Config { data_dir: config.data_dir.join(FOLDER), ..config.clone() }
}

fn make(db: &Db, command: &DemoCommand, wanted: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    let options = DemoOptions { clicks: command.clicks, seed: command.seed, now_ms: http::now_ms() };
    let mut said = 0;
    let summary = fill(db, &options, &mut |clicks| {
        if clicks / 1_000_000 > said {
            said = clicks / 1_000_000;
            tracing::info!(clicks, "made");
        }
    })?;
    db.write(Priority::Maintenance, |conn| settings::put(conn, MADE_FROM, wanted))?;
    say(&format!(
        "Made {} campaigns, {} clicks, {} lander clicks, {} conversions and {} postbacks in {:.1} s",
        summary.campaigns,
        summary.clicks,
        summary.lp_clicks,
        summary.conversions,
        summary.postbacks,
        started.elapsed().as_secs_f64()
    ))
}

fn set_password(db: &Db, password: &str) -> anyhow::Result<()> {
    let known = db.read(|conn| users::find_by_email(conn, EMAIL))?;
    let outcome = match known {
        Some(_) => http::reset_password(db, EMAIL, password, http::now_ms()),
        None => http::create_user(db, EMAIL, password, Role::Admin, http::now_ms()).map(|_| ()),
    };
    outcome.map_err(super::user::explain)
}
