//! The thread behind the clicks: writes down who was here, and sees changed database files, so that no click waits for a
//! disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Visitor, VisitorLog};

/// How often visitors are written down.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// How many of these turns go by until files are looked at: a new database is in use within six seconds.
const LOOK_TURNS: u32 = 3;

/// The running thread. Dropped without being stopped, it ends by itself.
pub struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts it with the log of a data folder.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(visitor: Arc<Visitor>, mut log: VisitorLog) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("visitors".to_owned()).spawn(move || {
            let mut turn: u32 = 0;
            while stopped.recv_timeout(KEEP_EVERY) == Err(RecvTimeoutError::Timeout) {
                log.keep(&visitor.uniques, now_ms());
                turn = turn.wrapping_add(1);
                if turn.is_multiple_of(LOOK_TURNS) {
                    visitor.geo.look_again();
                }
            }
            log.keep(&visitor.uniques, now_ms());
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it in order, with everything written down.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that keeps visitors' data had ended by a panic");
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
