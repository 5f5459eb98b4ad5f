//! The `clickledger` program: parse the command line, call it.

use std::process::ExitCode;

fn main() -> ExitCode {
    match clickledger::commands::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            // One line with its causes; a backtrace helps nobody who has to change a setting.
            tracing::error!("{why:#}");
            ExitCode::FAILURE
        }
    }
}
