//! Follows what is changed on other nodes and on the command line.

use super::catalog::LiveCatalog;
use crate::db::Db;
use crate::rounds::Rounds;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often it looks: a change is live on every node within a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Starts the thread that reads the catalog anew when another process has changed something.
///
/// # Errors
/// No thread can be started.
pub fn follow(db: Arc<Db>, catalog: Arc<LiveCatalog>) -> io::Result<Rounds> {
    let mut is_reached = true;
    Rounds::start("catalog", LOOK_EVERY, move || {
        let outcome = catalog.follow(&db, now_ms());
        if let (Err(why), true) = (&outcome, is_reached) {
            tracing::warn!(%why, "changes of other nodes cannot be seen: clicks are routed by what was known");
        }
        is_reached = outcome.is_ok();
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
