//! The thread behind the clicks: sees changed database files, so that no click waits for a disk.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Visitor;

/// How often files are looked at: a new database is in use within two of these.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The running thread. Dropped without being stopped, it ends by itself.
pub struct Keeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts it.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(visitor: Arc<Visitor>) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("visitors".to_owned()).spawn(move || {
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                visitor.geo.look_again();
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Ends it in order.
    pub fn stop(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that keeps visitors' data had ended by a panic");
        }
    }
}
