//! For tests: databases of their own on both sides, and the few things that only tests do to one.

use super::{Db, Error, Priority};
use diesel::connection::SimpleConnection as _;

#[allow(dead_code, missing_docs, reason = "shared with the integration suite, which uses all of it")]
#[path = "../../tests/suite/cluster.rs"]
mod cluster;

/// Runs a test on SQLite in a folder of its own and, where there is a server, on a PostgreSQL database of
/// its own.
pub(crate) fn on_each_database(test: impl Fn(&Db)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Db::open(&format!("sqlite://{}/test.db", folder.path().display()), false).unwrap());
    let migrate = |url: &str| drop(Db::open(url, false).unwrap());
    match cluster::Database::create(migrate) {
        Some(database) => test(&Db::open(&database.url, false).unwrap()),
        None => println!("skipped on PostgreSQL: no server programs"),
    }
}

/// Runs statements as they are.
pub(crate) fn run(db: &Db, statements: &str) {
    db.write::<(), Error>(Priority::Pages, |conn| Ok(conn.batch_execute(statements)?)).unwrap();
}

/// Takes all traffic away and leaves campaigns, offers and the like.
pub(crate) fn empty_of_traffic(db: &Db) {
    run(
        db,
        "delete from delivery_attempts; delete from deliveries; delete from conversion_changes; delete from conversions; delete from lp_clicks; delete from clicks; \
         delete from postbacks_received; delete from rollup_quarters; delete from rollup_hours",
    );
}
