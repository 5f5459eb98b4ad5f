//! When sessions and tokens were last used, written behind the request: a database that takes nothing must neither hold up
//! a request nor refuse it for the sake of a date on the settings page.

use crate::db::{self, Db, Priority, users};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Uses that wait to be written, each session and token once. Beyond it some are left out: an installation with so many
/// signed in within a minute loses nothing but a date.
const WAITING_MAX: usize = 1_024;

/// What was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Used {
    /// A session, by its number.
    Session(i64),
    /// An API token, by its number.
    Token(i64),
}

/// Uses on their way to the database.
#[derive(Debug, Default)]
pub(super) struct LastUses {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    uses: HashMap<Used, i64>,
    /// A thread writes, and looks for more before it ends. There is never a second one, however long it waits.
    is_writing: bool,
}

impl LastUses {
    /// Notes a use and returns at once.
    pub(super) fn note(self: &Arc<Self>, db: &Arc<Db>, used: Used, now_ms: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.uses.len() < WAITING_MAX || waiting.uses.contains_key(&used) {
            waiting.uses.insert(used, now_ms);
        }
        if waiting.is_writing {
            return;
        }
        let (own, db) = (Arc::clone(self), Arc::clone(db));
        let begun = std::thread::Builder::new().name("last-uses".to_owned()).spawn(move || own.write(&db));
        waiting.is_writing = begun.is_ok();
    }

    fn write(&self, db: &Db) {
        loop {
            let uses = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.is_writing = !waiting.uses.is_empty();
                std::mem::take(&mut waiting.uses)
            };
            if uses.is_empty() {
                return;
            }
            let written = db.write(Priority::Maintenance, |conn| {
                for (used, now_ms) in &uses {
                    match used {
                        Used::Session(id) => users::touch_session(conn, *id, *now_ms)?,
                        Used::Token(id) => users::touch_token(conn, *id, *now_ms)?,
                    }
                }
                Ok::<_, db::Error>(())
            });
            // The next use is noted again.
            if let Err(error) = written {
                tracing::warn!(%error, "the last use of sessions and tokens could not be noted");
            }
        }
    }
}
