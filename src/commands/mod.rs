//! What the command line can do: one file per command.

pub mod demo;
mod import;
mod migrate;
mod serve;
mod show_demo;
mod token;
mod user;

use crate::config::{Config, LogFormat};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Self-hosted affiliate tracker: every click on the ledger, every conversion accounted for.
#[derive(Debug, Parser)]
#[command(name = "clickledger", version, about, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clicks, postbacks and dashboards (the default).
    Serve,
    /// Bring the database's tables up to date, and end. Every command does so first.
    Migrate,
    /// Make a month of made-up data in a database of its own, and serve it.
    Demo(show_demo::DemoCommand),
    /// Bring in what was kept elsewhere.
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Users.
    #[command(subcommand)]
    User(user::UserCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
}

/// Parses the command line and does what it says.
///
/// # Errors
/// What a person has to change, in one line.
pub fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    start_log(cli.config.log_format);
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(&cli.config),
        Command::Migrate => migrate::migrate(&cli.config),
        Command::Demo(command) => show_demo::run(&cli.config, &command),
        Command::Import(command) => import::run(&cli.config, &command),
        Command::User(command) => user::run(&cli.config, &command),
        Command::Token(command) => token::run(&cli.config, &command),
    }
}

/// The log goes to standard error, coloured where a person reads it; what to log is set by `RUST_LOG`.
fn start_log(format: LogFormat) {
    use std::io::IsTerminal as _;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let is_coloured = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_coloured)
        .with_writer(std::io::stderr)
        // Where nobody reads the log any more, complaining of that to the same place would be a panic.
        .log_internal_errors(false);
    match format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Writes lines for a person, or for a program that reads them, to standard output.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// One line from standard input, for a password that should stand in no command line.
fn read_line() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
