//! Follows what is changed on other nodes and on the command line.

use super::catalog::LiveCatalog;
use crate::db::Db;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often it looks: a change is live on every node within a second.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The thread that reads the catalog anew when another process has changed something.
pub struct Follower {
    end: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Follower {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(db: Arc<Db>, catalog: Arc<LiveCatalog>) -> io::Result<Self> {
        let end = Arc::<(Mutex<bool>, Condvar)>::default();
        let heard = Arc::clone(&end);
        let follow = move || {
            let mut is_reached = true;
            while !has_ended(&heard) {
                let outcome = catalog.follow(&db, now_ms());
                if let (Err(why), true) = (&outcome, is_reached) {
                    tracing::warn!(%why, "changes of other nodes cannot be seen: clicks are routed by what was known");
                }
                is_reached = outcome.is_ok();
            }
        };
        Ok(Self { end, thread: std::thread::Builder::new().name("catalog".to_owned()).spawn(follow)? })
    }

    /// Ends the thread.
    pub fn stop(self) {
        *self.end.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the catalog's follower had ended by a panic");
        }
    }
}

/// Waits for the next look, or for the end.
fn has_ended(end: &(Mutex<bool>, Condvar)) -> bool {
    let is_ended = end.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = end.1.wait_timeout_while(is_ended, LOOK_EVERY, |is_ended| !*is_ended);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
