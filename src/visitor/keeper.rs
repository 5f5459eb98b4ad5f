//! The thread behind the clicks: writes down who was here, and sees changed database files, so that no click waits for a
//! disk.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Visitor, VisitorLog};
use crate::rounds::{Round, Rounds};

/// How often visitors are written down.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// How many of these turns go by until files are looked at: a new database is in use within six seconds.
const LOOK_TURNS: u32 = 3;

/// Starts the thread with the log of a data folder. When it ends, everything is written down.
///
/// # Errors
/// The operating system gives no thread.
pub fn keep(visitor: Arc<Visitor>, mut log: VisitorLog) -> io::Result<Rounds> {
    let mut turn: u32 = 0;
    Rounds::start_to_last("visitors", KEEP_EVERY, move |round| {
        log.keep(&visitor.uniques, now_ms());
        turn = turn.wrapping_add(1);
        if round == Round::Due && turn.is_multiple_of(LOOK_TURNS) {
            visitor.geo.look_again();
        }
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
