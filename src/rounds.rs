//! The thread that makes its rounds: it wakes every so often, looks once, and ends when it is asked to.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Why a thread looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Its time has come.
    Due,
    /// It ends after this.
    Last,
}

/// A running thread. Whoever drops it does not wait: it ends by itself, once the round under way is through.
pub struct Rounds {
    name: &'static str,
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Rounds {
    /// Starts a thread that does its work each time so long has passed since it was last through; the first time then, too.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        name: &'static str,
        every: Duration,
        mut work: impl FnMut() + Send + 'static,
    ) -> io::Result<Self> {
        Self::start_to_last(name, every, move |round| {
            if round == Round::Due {
                work();
            }
        })
    }

    /// The same for work that has a last round, made when it is asked to end.
    ///
    /// # Errors
    /// As [`Rounds::start`].
    pub fn start_to_last(
        name: &'static str,
        every: Duration,
        mut work: impl FnMut(Round) + Send + 'static,
    ) -> io::Result<Self> {
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Nothing is ever sent: the other side goes away when the thread is to end.
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                work(Round::Due);
            }
            work(Round::Last);
        })?;
        Ok(Self { name, end, thread })
    }

    /// Ends it, and waits for the round under way.
    pub fn stop(self) {
        drop(self.end);
        if self.thread.join().is_err() {
            tracing::error!(thread = self.name, "a thread that makes rounds had ended by a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    const NEVER: Duration = Duration::from_secs(3_600);

    #[test]
    fn it_looks_again_and_again_until_it_is_stopped() {
        let looked = Arc::new(AtomicU32::new(0));
        let own = Arc::clone(&looked);
        let work = move || {
            own.fetch_add(1, Ordering::AcqRel);
        };
        let rounds = Rounds::start("often", Duration::from_millis(1), work).unwrap();
        let begun = Instant::now();
        while looked.load(Ordering::Acquire) < 3 {
            assert!(begun.elapsed() < Duration::from_secs(10), "it does not look");
            std::thread::yield_now();
        }
        rounds.stop();
        let last = looked.load(Ordering::Acquire);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(looked.load(Ordering::Acquire), last);
    }

    #[test]
    fn it_ends_at_once_with_its_last_round() {
        let begun = Instant::now();
        let (said, heard) = channel();
        let work = move |round| said.send(round).unwrap();
        Rounds::start_to_last("seldom", NEVER, work).unwrap().stop();
        assert_eq!(heard.iter().collect::<Vec<_>>(), [Round::Last]);
        assert!(begun.elapsed() < Duration::from_secs(60), "it waited for its time");
    }

    #[test]
    fn dropped_it_ends_by_itself() {
        let (said, heard) = channel();
        let work = move |round| said.send(round).unwrap();
        drop(Rounds::start_to_last("left", NEVER, work).unwrap());
        assert_eq!(heard.recv_timeout(Duration::from_secs(60)), Ok(Round::Last));
        assert!(
            heard.recv_timeout(Duration::from_secs(60)).is_err(),
            "the thread is gone, and its work with it"
        );
    }
}
