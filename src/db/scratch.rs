//! For tests: databases of their own on both sides, and the few things that only tests do to one.

use super::{Db, Error, Priority};
use diesel::connection::{Connection as _, SimpleConnection as _};

/// Runs a test on SQLite in a folder of its own and, where `CLICKLEDGER_TEST_POSTGRES` names a server, on a PostgreSQL
/// database of its own.
pub(crate) fn on_each_database(test: impl Fn(&Db)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Db::open(&format!("sqlite://{}/test.db", folder.path().display()), false).unwrap());
    let Ok(server) = std::env::var("CLICKLEDGER_TEST_POSTGRES") else {
        println!("CLICKLEDGER_TEST_POSTGRES names no server: tried on SQLite alone");
        return;
    };
    let name = format!("clickledger_test_{}_{}", std::process::id(), rand::random::<u32>());
    let on_server = |statement: String| {
        diesel::PgConnection::establish(&server).unwrap().batch_execute(&statement).unwrap();
    };
    on_server(format!("create database {name}"));
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    test(&Db::open(url.as_str(), false).unwrap());
    on_server(format!("drop database {name} with (force)"));
}

/// Runs statements as they are.
pub(crate) fn run(db: &Db, statements: &str) {
    db.write::<(), Error>(Priority::Pages, |conn| Ok(conn.batch_execute(statements)?)).unwrap();
}

/// Takes all traffic away and leaves campaigns, offers and the like.
pub(crate) fn empty_of_traffic(db: &Db) {
    run(
        db,
        "delete from conversion_changes; delete from conversions; delete from lp_clicks; delete from clicks; \
         delete from postbacks_received; delete from rollup_quarters; delete from rollup_hours",
    );
}
