//! The thread that sends: it takes what is due, host by host, and keeps what came of it.
//!
//! Each host has a number of calls that run at one time. It shrinks while the host is in trouble and grows while it
//! answers, so that one that does not answer holds up nobody else. What was sent and not yet marked when a process dies is
//! sent again once its lease is over, with the same key: at least once.

use super::answered::{Sent, after, is_in_trouble, kept};
use super::gauges::Gauges;
use super::telling::{Facts, NotTold, Prepared, TIMEOUT, prepare};
use crate::db::deliveries::{self, Due, Outcome};
use crate::db::{self, Db, Priority, delivery_health};
use crate::domain::delivery::DeliveryState;
use crate::domain::vault::Vault;
use crate::outgoing::{Answer, Failure, Outgoing};
use crate::routing::{Catalog, LiveCatalog};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender as Post, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Calls to one host at one time, at most: as many connections as a browser and its neighbours would open.
const TOGETHER_MAX: usize = 16;

/// Calls to all hosts at one time: each holds a connection and up to 64 KiB of an answer.
const TOGETHER_IN_ALL: usize = 512;

/// So many times as many are held as run at one time: the next one starts at once, while the ones before are written down.
const AHEAD: usize = 2;

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long it gathers what came back before that is written, all in one transaction.
const GATHERED: Duration = Duration::from_millis(10);

/// How long one is held, milliseconds: [`AHEAD`] calls after each other that all run into their timeout, and a little.
const LEASE_MS: i64 = 30_000;

/// How often it is looked for what was never told because its destination was off, and how many are taken at once.
const GIVE_UP_EVERY: Duration = Duration::from_secs(60);
const GIVE_UP_ROWS: i64 = 1_000;

/// How often it is looked how long the queue is, for who watches this process.
const QUEUE_LOOKED_EVERY: Duration = Duration::from_secs(5);

/// The thread's handle.
pub struct Sender {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Sender {
    /// Starts the thread, which counts what it does in `gauges`; `now_ms` is the clock.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(
        db: Arc<Db>,
        catalog: Arc<LiveCatalog>,
        vault: Arc<Vault>,
        outgoing: Outgoing,
        (now_ms, gauges): (fn() -> i64, Arc<Gauges>),
    ) -> io::Result<Self> {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let (post, done) = channel();
        let mut work = Work {
            db,
            catalog,
            vault,
            outgoing,
            now_ms,
            is_stopped: Arc::clone(&is_stopped),
            hosts: HashMap::new(),
            running: 0,
            unsaved: Vec::new(),
            given_up_at: Instant::now(),
            queue_looked_at: None,
            gauges,
            post,
        };
        let thread =
            std::thread::Builder::new().name("deliveries".to_owned()).spawn(move || work.run(&done))?;
        Ok(Self { is_stopped, thread })
    }

    /// Ends the thread, once what is being sent has its answer.
    pub fn stop(self) {
        self.is_stopped.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            tracing::error!(
                "the thread of deliveries had ended by a panic; what is due stays in the database"
            );
        }
    }
}

/// One that is held and ready to be sent.
struct Ready {
    due: Due,
    prepared: Prepared,
}

/// One that came back.
struct Done {
    host: String,
    due: Due,
    sent: Sent,
    success_match: String,
    outcome: Result<Answer, Failure>,
}

/// What runs and waits for one host.
struct Host {
    running: usize,
    together: usize,
    waiting: VecDeque<Ready>,
}

impl Default for Host {
    fn default() -> Self {
        Self { running: 0, together: TOGETHER_MAX, waiting: VecDeque::new() }
    }
}

impl Host {
    /// How many more are held for it.
    fn room(&self) -> usize {
        (self.together * AHEAD).saturating_sub(self.running + self.waiting.len())
    }

    fn learn(&mut self, is_in_trouble: bool) {
        self.together =
            if is_in_trouble { (self.together / 2).max(1) } else { (self.together + 1).min(TOGETHER_MAX) };
    }
}

struct Work {
    db: Arc<Db>,
    catalog: Arc<LiveCatalog>,
    vault: Arc<Vault>,
    outgoing: Outgoing,
    now_ms: fn() -> i64,
    is_stopped: Arc<AtomicBool>,
    hosts: HashMap<String, Host>,
    running: usize,
    /// What the database did not take: nothing more is sent before it does.
    unsaved: Vec<Outcome>,
    given_up_at: Instant,
    queue_looked_at: Option<Instant>,
    gauges: Arc<Gauges>,
    post: Post<Done>,
}

impl Work {
    fn run(&mut self, done: &Receiver<Done>) {
        while !self.is_stopped.load(Ordering::Acquire) {
            self.take_in(done, LOOK_EVERY);
            self.start_waiting();
            if self.save() {
                if let Err(why) = self.fetch() {
                    tracing::warn!(%why, "what is due could not be read: it is sent later");
                }
                self.start_waiting();
            }
        }
        self.end(done);
    }

    /// Waits for what comes back.
    fn take_in(&mut self, done: &Receiver<Done>, longest: Duration) {
        let Ok(first) = done.recv_timeout(longest) else { return };
        self.hear(first);
        let until = Instant::now() + GATHERED;
        // The next one goes out at once: a place that waits for what is written down would stand empty.
        self.start_waiting();
        while let Ok(next) = done.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.hear(next);
            self.start_waiting();
        }
    }

    fn hear(&mut self, done: Done) {
        self.running = self.running.saturating_sub(1);
        if let Some(host) = self.hosts.get_mut(&done.host) {
            host.running = host.running.saturating_sub(1);
            host.learn(is_in_trouble(&done.outcome));
        }
        let now = (self.now_ms)();
        self.unsaved.push(after(&done.due, done.sent, &done.outcome, &done.success_match, now));
    }

    /// Writes down what came back; whether nothing is left to write.
    fn save(&mut self) -> bool {
        if self.unsaved.is_empty() {
            return true;
        }
        match self.db.write(Priority::Maintenance, |conn| deliveries::note(conn, &self.unsaved)) {
            Ok(()) => {
                self.gauges.count(&self.unsaved);
                self.unsaved.clear();
            }
            Err(why) => {
                let why: db::Error = why;
                tracing::warn!(%why, "what was sent could not be written down yet");
            }
        }
        self.unsaved.is_empty()
    }

    /// Takes what is due, as far as there is room.
    fn fetch(&mut self) -> db::Result<()> {
        let now = (self.now_ms)();
        if self.given_up_at.elapsed() >= GIVE_UP_EVERY {
            self.given_up_at = Instant::now();
            let given_up =
                self.db.write(Priority::Maintenance, |conn| deliveries::give_up(conn, now, GIVE_UP_ROWS))?;
            self.gauges.given_up.fetch_add(u64::try_from(given_up).unwrap_or(0), Ordering::Relaxed);
        }
        if self.queue_looked_at.is_none_or(|at| at.elapsed() >= QUEUE_LOOKED_EVERY) {
            self.queue_looked_at = Some(Instant::now());
            self.gauges.note_queue(self.db.read(delivery_health::queue)?);
        }
        if !self.db.read(|conn| deliveries::has_due(conn, now))? {
            self.hosts.retain(|_, host| {
                host.running > 0 || !host.waiting.is_empty() || host.together < TOGETHER_MAX
            });
            return Ok(());
        }
        let catalog = self.catalog.get();
        let due_at = self.db.read(|conn| deliveries::destinations_due(conn, now))?;
        let mut wanted: Vec<(i64, String, i64)> = Vec::new();
        let mut in_all = (TOGETHER_IN_ALL * AHEAD).saturating_sub(self.held());
        let mut taken: HashMap<String, usize> = HashMap::new();
        for id in due_at {
            let Some(route) = catalog.destination(id) else { continue };
            let host = host_of(&route.destination.url);
            let already = taken.entry(host.clone()).or_default();
            let room = self.hosts.get(&host).map_or(TOGETHER_MAX * AHEAD, Host::room);
            let room = room.saturating_sub(*already).min(in_all);
            if room > 0 {
                *already += room;
                in_all -= room;
                wanted.push((id, host, i64::try_from(room).unwrap_or(i64::MAX)));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let leased: Vec<(String, Vec<Due>)> = self.db.write(Priority::Maintenance, |conn| {
            let lease = |(id, host, room): &(i64, String, i64)| {
                Ok::<_, db::Error>((host.clone(), deliveries::lease(conn, *id, now, now + LEASE_MS, *room)?))
            };
            wanted.iter().map(lease).collect()
        })?;
        for (host, due) in leased {
            self.prepare(&catalog, &host, due)?;
        }
        Ok(())
    }

    fn held(&self) -> usize {
        self.running + self.hosts.values().map(|host| host.waiting.len()).sum::<usize>()
    }

    /// Fills what was taken; what is not told is written down at once.
    fn prepare(&mut self, catalog: &Catalog, host: &str, due: Vec<Due>) -> db::Result<()> {
        let facts: Vec<Option<Facts>> = self.db.read(|conn| {
            due.iter().map(|one| Facts::load(conn, catalog, one.conversion_id)).collect::<db::Result<_>>()
        })?;
        for (one, facts) in due.into_iter().zip(facts) {
            let Some(route) = catalog.destination(one.destination_id) else { continue };
            match prepare(route, &one, facts.as_ref(), catalog, &self.vault) {
                Ok(prepared) => {
                    let host = self.hosts.entry(host.to_owned()).or_default();
                    host.waiting.push_back(Ready { due: one, prepared });
                }
                Err(not_told) => self.unsaved.push(untold(&one, not_told)),
            }
        }
        self.save();
        Ok(())
    }

    /// Starts what waits, as far as its host and all of them have room.
    fn start_waiting(&mut self) {
        for (name, host) in &mut self.hosts {
            while host.running < host.together && self.running < TOGETHER_IN_ALL {
                let Some(ready) = host.waiting.pop_front() else { break };
                host.running += 1;
                self.running += 1;
                let (post, name, now_ms) = (self.post.clone(), name.clone(), self.now_ms);
                let (due, call, success_match) =
                    (ready.due, ready.prepared.call, ready.prepared.success_match);
                let (at_ms, began) = (now_ms(), Instant::now());
                let body = call.body.as_deref().map(|body| String::from_utf8_lossy(body).into_owned());
                let url = call.url.clone();
                self.outgoing.send_then(call, move |outcome| {
                    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
                    let sent = Sent { at_ms, duration_ms, url, body };
                    // Nobody listens any more only where the process ends.
                    let _ = post.send(Done { host: name, due, sent, success_match, outcome });
                });
            }
        }
    }

    /// Waits for what is being sent, and gives back what was not begun.
    fn end(&mut self, done: &Receiver<Done>) {
        let waiting = self.hosts.values_mut().flat_map(|host| host.waiting.drain(..));
        let left: Vec<i64> = waiting.map(|ready| ready.due.id).collect();
        let begun = Instant::now();
        while self.running > 0 && begun.elapsed() < TIMEOUT {
            self.take_in(done, LOOK_EVERY);
        }
        if !self.save() {
            tracing::error!(
                deliveries = self.unsaved.len(),
                "were sent and could not be marked: they are sent again"
            );
        }
        let given_back: db::Result<()> =
            self.db.write(Priority::Maintenance, |conn| deliveries::release(conn, &left));
        if let Err(why) = given_back {
            tracing::warn!(%why, "deliveries that were held are sent once their leases are over");
        }
    }
}

/// What becomes of a delivery that is not sent.
fn untold(due: &Due, why: NotTold) -> Outcome {
    let (state, why) = match why {
        NotTold::Skipped(why) => (DeliveryState::Skipped, why),
        NotTold::Failed(why) => (DeliveryState::Failed, why),
    };
    Outcome {
        id: due.id,
        state,
        next_attempt_at_ms: None,
        skip_reason: Some(kept(why.as_bytes())),
        failures: due.failures,
        attempt: None,
    }
}

/// The host of an address, with its port; macros stand behind it alone.
fn host_of(url: &str) -> String {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.split(['/', '?', '#', '{']).next().unwrap_or("").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_apart_by_name_and_port() {
        assert_eq!(host_of("https://A.example:8443/x?y={sub1}"), "a.example:8443");
        assert_eq!(host_of("http://a.example?c={external_id}"), "a.example");
    }

    #[test]
    fn a_host_in_trouble_is_sent_less_and_gets_more_again() {
        let mut host = Host::default();
        assert_eq!(host.room(), TOGETHER_MAX * AHEAD);
        for _ in 0..10 {
            host.learn(true);
        }
        assert_eq!((host.together, host.room()), (1, AHEAD));
        host.running = 1;
        host.learn(false);
        assert_eq!((host.together, host.room()), (2, 2 * AHEAD - 1));
        for _ in 0..100 {
            host.learn(false);
        }
        assert_eq!(host.together, TOGETHER_MAX);
    }
}
