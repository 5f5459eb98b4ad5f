//! Migrations: run at start, under a lock, so that two processes that start at once do it once.

use super::connection::SQLITE_SETUP;
use super::{AnyConnection, Backend, Error, Result};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use std::fs::File;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// The key of PostgreSQL's advisory lock: "clickled" as eight bytes.
const LOCK_KEY: i64 = 0x636c_6963_6b6c_6564;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Brings the tables of a database up to date.
pub(super) fn run(backend: Backend, address: &str) -> std::result::Result<(), Failure> {
    with_lock(backend, address, |conn| {
        match conn {
            AnyConnection::Sqlite(c) => c.run_pending_migrations(SQLITE)?,
            AnyConnection::Pg(c) => c.run_pending_migrations(POSTGRES)?,
        };
        Ok(())
    })
}

/// Takes every migration back: for tests that go up, down and up again.
///
/// # Errors
/// The database cannot be reached, or a step fails.
pub fn revert_all(backend: Backend, address: &str) -> std::result::Result<(), Failure> {
    with_lock(backend, address, |conn| {
        match conn {
            AnyConnection::Sqlite(c) => c.revert_all_migrations(SQLITE)?,
            AnyConnection::Pg(c) => c.revert_all_migrations(POSTGRES)?,
        };
        Ok(())
    })
}

fn with_lock(
    backend: Backend,
    address: &str,
    work: impl FnOnce(&mut AnyConnection) -> std::result::Result<(), Failure>,
) -> std::result::Result<(), Failure> {
    match backend {
        Backend::Sqlite => {
            // Beside the database, since SQLite's own lock ends with each migration's transaction.
            let lock = File::create(format!("{address}.lock"))?;
            lock.lock()?;
            let mut conn = SqliteConnection::establish(address)?;
            conn.batch_execute(SQLITE_SETUP)?;
            work(&mut AnyConnection::Sqlite(conn))
        }
        Backend::Postgres => {
            let mut conn = PgConnection::establish(address)?;
            conn.batch_execute(&format!(
                "set client_min_messages = warning; select pg_advisory_lock({LOCK_KEY})"
            ))?;
            // Ends with the session.
            work(&mut AnyConnection::Pg(conn))
        }
    }
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = BigInt)]
    busy: i64,
    #[diesel(sql_type = BigInt)]
    log: i64,
    #[diesel(sql_type = BigInt)]
    checkpointed: i64,
}

/// One checkpoint of SQLite's log; true where all of it went into the file.
pub(super) fn checkpoint(conn: &mut AnyConnection) -> Result<bool> {
    let AnyConnection::Sqlite(sqlite) = conn else { return Ok(true) };
    let done: Checkpoint =
        diesel::sql_query("pragma wal_checkpoint(passive)").get_result(sqlite).map_err(Error::from)?;
    Ok(done.busy == 0 && done.log == done.checkpointed)
}
