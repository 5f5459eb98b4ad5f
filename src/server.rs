//! The server: its state, its workers, and the order in which it starts and ends.

use crate::clicks::{Durability, Ingested, Ingester, Journal};
use crate::config::{Config, DurabilitySetting, ProxyHeaderSetting};
use crate::conversions::{Admission, Postbacks, keep_forwarding};
use crate::db::{Db, Priority, partitions, settings};
use crate::deliveries::{Gauges, Sender};
use crate::domain::vault::Vault;
use crate::entities::rate_fetch;
use crate::http::metrics::Metrics;
use crate::http::{App, HttpConfig, Proxies, ProxyHeader, Recent, Tracker, Worker, now_ms};
use crate::outgoing::Outgoing;
use crate::rounds::Rounds;
use crate::routing::{LiveCatalog, Memory, Sealer, follow, watch_caps};
use crate::visitor::{Geo, GeoFiles, Uniques, Visitor, VisitorLog, keep};
use crate::{api, pages, tracking};
use actix_web::dev::ServerHandle;
use actix_web::{HttpResponse, HttpServer, guard, web};
use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long requests in flight may take at a clean end, in seconds.
const DRAIN_SECONDS: u64 = 20;

/// How long the server says "not ready" before it stops listening, so that a proxy looks elsewhere.
const NOT_READY_PAUSE: Duration = Duration::from_millis(500);

/// How long a client may take to send a request's head.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a start waits for clicks of the process before to be moved, where offers have caps of clicks: some millions
/// are. Beyond it visitors waiting outside weigh more than a cap.
const LEFT_CLICKS_WAIT: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The token of the one-time setup link, while there is no user.
    pub setup_token: Option<String>,
    running: actix_web::dev::Server,
    parts: Parts,
}

/// What has to end in order.
struct Parts {
    journal: Arc<Journal>,
    ingested: Arc<Ingested>,
    ingester: JoinHandle<()>,
    tracker: web::Data<Tracker>,
    /// The threads that make rounds, in the order in which they end.
    rounds: [Rounds; 4],
    /// Its fetch may take long, and nobody waits for it.
    rates: Rounds,
    deliveries: Sender,
    is_draining: Arc<AtomicBool>,
}

/// Ends a server from outside.
#[derive(Clone)]
pub struct Stopper {
    handle: ServerHandle,
    is_draining: Arc<AtomicBool>,
}

impl Stopper {
    /// Stops accepting, answers what is in flight. The server's `run` then ends.
    pub async fn stop(&self, pause: Duration) {
        self.is_draining.store(true, Ordering::Release);
        tokio::time::sleep(pause).await;
        self.handle.stop(true).await;
    }
}

/// Opens a database as a configuration says, migrated.
///
/// # Errors
/// It cannot be opened; the message says what to change.
pub fn open_database(config: &Config) -> anyhow::Result<Db> {
    let is_power_safe = config.durability == DurabilitySetting::Power;
    Ok(Db::open(&config.database_url()?, is_power_safe)?)
}

/// The same for a server, which may come up before its database does.
fn wait_for_database(config: &Config) -> anyhow::Result<Db> {
    let is_power_safe = config.durability == DurabilitySetting::Power;
    let patience = Duration::from_secs(config.database_wait.into());
    let say = |why: &_| tracing::warn!(%why, "waiting up to {} seconds for the database", patience.as_secs());
    Ok(Db::open_patiently(&config.database_url()?, is_power_safe, (patience, say))?)
}

/// Refuses a key that is not the one this database was made with: what is sealed could not be opened.
fn check_key(db: &Db, key: &[u8; 32]) -> anyhow::Result<()> {
    let digest = Sha256::digest([b"clickledger key fingerprint".as_slice(), key].concat());
    let own = data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or_default());
    let known =
        db.write(Priority::Maintenance, |conn| settings::put_first(conn, settings::KEY_FINGERPRINT, &own))?;
    if known == own {
        return Ok(());
    }
    bail!(
        "this database was made with another secret key: set CLICKLEDGER_SECRET_KEY (or secret.key in the data folder) \
         to the first one's"
    )
}

/// This process's number among the writers of sums; kept in the data folder, so that a restart goes on with
/// its own rows.
///
/// # Errors
/// The data folder cannot be written.
pub fn writer_id(config: &Config) -> anyhow::Result<i64> {
    let path = config.data_dir.join("writer.id");
    if let Ok(text) = std::fs::read_to_string(&path)
        && let Ok(id) = text.trim().parse()
    {
        return Ok(id);
    }
    let id = i64::from(rand::random::<u32>() >> 1);
    std::fs::write(&path, id.to_string()).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(id)
}

fn proxies(config: &Config) -> Proxies {
    let header = match config.proxy_header {
        ProxyHeaderSetting::XForwardedFor => ProxyHeader::XForwardedFor,
        ProxyHeaderSetting::Forwarded => ProxyHeader::Forwarded,
    };
    Proxies { trusted: config.trusted_proxies.clone(), header }
}

/// Who may send postbacks, as far as the installation says so.
fn admission(config: &Config, vault: &Arc<Vault>) -> Admission {
    Admission {
        vault: Arc::clone(vault),
        per_second_max: config.postbacks_per_second,
        without_key: config.postback_without_key.clone(),
    }
}

/// Where addresses are: by what the binary brings, and by the user's own databases.
fn places(config: &Config) -> anyhow::Result<Arc<Geo>> {
    Ok(Arc::new(Geo::open(&GeoFiles {
        country: config.geo_country.clone(),
        city: config.geo_city.clone(),
        asn: config.geo_asn.clone(),
        connection: config.geo_connection.clone(),
    })?))
}

/// Who visitors are: by where they are, and by who was here before.
fn visitor(config: &Config, key: &[u8; 32], geo: Arc<Geo>) -> anyhow::Result<(Arc<Visitor>, Rounds)> {
    let uniques = Uniques::keyed(key);
    let log = VisitorLog::open(&config.data_dir, &uniques, now_ms());
    let visitor = Arc::new(Visitor::new(geo, uniques));
    let keeper = keep(Arc::clone(&visitor), log).context("no thread for visitors' data")?;
    Ok((visitor, keeper))
}

/// Builds a server and starts listening. Port 0 takes a free one.
///
/// # Errors
/// A setting, the database or the data folder cannot be used; the message says what to change.
pub fn build(config: &Config) -> anyhow::Result<Server> {
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("the data folder {} cannot be made", config.data_dir.display()))?;
    let db = Arc::new(wait_for_database(config)?);
    let key = config.secret_key()?;
    check_key(&db, &key)?;
    let now = now_ms();
    db.write(Priority::Maintenance, |conn| {
        settings::put_first(conn, settings::CURRENCY, &config.currency)?;
        if let Some(url) = &config.public_url {
            settings::put(conn, settings::PUBLIC_URL, url)?;
        }
        partitions::ensure(conn, now, partitions::ahead_of(now))
    })?;
    let durability = match config.durability {
        DurabilitySetting::Process => Durability::Process,
        DurabilitySetting::Power => Durability::Power,
    };
    let journal = Journal::begin(&config.data_dir.join("journal"), durability, config.journal_max)
        .with_context(|| format!("the journal in {} cannot be begun", config.data_dir.display()))?;
    let writer_id = writer_id(config)?;
    let (ingested, ingester) = Ingester::start(Arc::clone(&db), Arc::clone(&journal), writer_id)?;
    let ingested = Arc::new(ingested);
    let geo = places(config)?;
    let catalog = Arc::new(LiveCatalog::load(&db, Arc::clone(&geo))?);
    let caps = count_caps(&db, &catalog, &ingested)?;
    let memory = Arc::new(Memory::load(&db)?);
    let known = (Arc::clone(&catalog), Arc::clone(&memory));
    let vault = Arc::new(Vault::new(&key));
    let admission = admission(config, &vault);
    let postbacks = Postbacks::start(Arc::clone(&db), known, Arc::clone(&ingested), writer_id, admission)?;
    let http = HttpConfig {
        public_url: config.public_url.clone(),
        proxies: proxies(config),
        dashboard_host: config.dashboard_host.clone(),
        script_path: config.script_path.clone(),
    };
    let (visitor, keeper) = visitor(config, &key, geo)?;
    let tracker = web::Data::new(Tracker {
        catalog: Arc::clone(&catalog),
        visitor,
        sealer: Sealer::new(&key),
        memory,
        postbacks,
        ingested: Arc::clone(&ingested),
        recent: Recent::default(),
        metrics: Metrics::default(),
        deliveries: Arc::new(Gauges::default()),
        db: Arc::clone(&db),
        proxies: proxies(config),
        is_secure: http.is_https(),
    });
    let setup_token = crate::http::setup::offer(&db).map_err(|error| anyhow::anyhow!("{error}"))?;
    let outgoing =
        Outgoing::start(config.allow_private_destinations).context("other hosts cannot be called")?;
    let counted = (now_ms as fn() -> i64, Arc::clone(&tracker.deliveries));
    let deliveries =
        Sender::start(Arc::clone(&db), Arc::clone(&catalog), Arc::clone(&vault), outgoing.clone(), counted)
            .context("no thread for postbacks out")?;
    let mut app = App::new(Arc::clone(&db), catalog, vault, outgoing, http);
    app.error_page = pages::error_page;
    let is_draining = Arc::new(AtomicBool::new(false));
    let follower = follow(Arc::clone(&db), Arc::clone(&app.catalog)).context("no thread for the catalog")?;
    let forwarder = keep_forwarding(Arc::clone(&db), app.outgoing.clone(), now_ms)
        .context("no thread for postbacks that are sent on")?;
    let rates = rate_fetch::keep_fetching(db, app.outgoing.clone(), now_ms)
        .context("no thread for exchange rates")?;
    let rounds = [keeper, follower, caps, forwarder];
    let parts = Parts { journal, ingested, ingester, tracker, rounds, rates, deliveries, is_draining };
    let (running, address) = listen(config, web::Data::new(app), &parts)?;
    Ok(Server { address, setup_token, running, parts })
}

/// What is used of caps, before the first click: clicks that a process before this one left in its journal are among
/// them, so the ingester goes first where clicks are capped.
fn count_caps(db: &Arc<Db>, catalog: &Arc<LiveCatalog>, ingested: &Ingested) -> anyhow::Result<Rounds> {
    if catalog.caps().has_click_caps() {
        let begun = Instant::now();
        // It says how far it is for the first time once it has moved what others left.
        while ingested.through_ms() == 0 && begun.elapsed() < LEFT_CLICKS_WAIT {
            std::thread::sleep(Duration::from_millis(5));
        }
        if ingested.through_ms() == 0 {
            tracing::warn!("caps of clicks are counted without what still lies in the journal");
        }
        catalog.caps().recount(db)?;
    }
    watch_caps(Arc::clone(catalog), Arc::clone(db)).context("no thread for the offers' caps")
}

fn listen(
    config: &Config,
    app: web::Data<App>,
    parts: &Parts,
) -> anyhow::Result<(actix_web::dev::Server, SocketAddr)> {
    let (tracker, journal) = (parts.tracker.clone(), Arc::clone(&parts.journal));
    let (db, is_draining) = (Arc::clone(&app.db), Arc::clone(&parts.is_draining));
    let workers = config
        .workers
        .map_or_else(|| std::thread::available_parallelism().map_or(2, usize::from), usize::from);
    let script_path = config.script_path.clone();
    let server = HttpServer::new(move || {
        let own = journal.worker();
        if let Err(why) = &own {
            tracing::error!(%why, "a worker has no journal: its clicks get no id");
        }
        let worker = Rc::new(Worker { journal: own.ok(), metrics: tracker.metrics.worker() });
        let ready = Ready { db: Arc::clone(&db), is_draining: Arc::clone(&is_draining) };
        // Tracking first: the router asks in order, and the click path should be found at once.
        actix_web::App::new()
            .app_data(tracker.clone())
            .app_data(app.clone())
            .app_data(worker)
            .app_data(web::Data::new(Arc::clone(&journal)))
            .configure(|served| tracking::configure(served, &script_path))
            .app_data(web::Data::new(ready))
            .route("/healthz", looked_at().to(|| async { "ok\n" }))
            .route("/readyz", looked_at().to(readyz))
            .configure(api::configure)
            .configure(pages::configure)
    })
    .workers(workers)
    .disable_signals()
    .shutdown_timeout(DRAIN_SECONDS)
    .client_request_timeout(REQUEST_HEAD_TIMEOUT)
    // A page leaves in two pieces, its head and its compressed end. Held back until the first is acknowledged, the
    // second would come 40 ms later, longer than all else takes.
    .tcp_nodelay(true)
    .bind(config.listen)
    .with_context(|| format!("cannot listen on {}: is another process there?", config.listen))?;
    let address = server.addrs().first().copied().context("no address to listen on")?;
    Ok((server.run(), address))
}

/// `GET` or `HEAD`: balancers ask by either.
fn looked_at() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

struct Ready {
    db: Arc<Db>,
    is_draining: Arc<AtomicBool>,
}

/// 200 while requests should come here; 503 while the process ends. A database that is away does not count: visitors
/// are sent on without it, by this node as by any other, and a balancer that took all of them out would end that.
async fn readyz(ready: web::Data<Ready>) -> HttpResponse {
    if ready.is_draining.load(Ordering::Acquire) {
        return HttpResponse::ServiceUnavailable().body("ending\n");
    }
    let db = Arc::clone(&ready.db);
    let asked = web::block(move || db.read(|conn| settings::find(conn, settings::CURRENCY))).await;
    match asked {
        Ok(Ok(_)) => HttpResponse::Ok().body("ready\n"),
        Ok(Err(_)) | Err(_) => HttpResponse::Ok()
            .body("ready for clicks, which the journal keeps; the database does not answer\n"),
    }
}

impl Server {
    /// A handle that ends it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper { handle: self.running.handle(), is_draining: Arc::clone(&self.parts.is_draining) }
    }

    /// Serves until it is stopped, then ends in order: the journal on the disk, postbacks written, clicks
    /// moved (or left in the journal for the next start).
    ///
    /// # Errors
    /// A worker of the web server failed.
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { running, parts, .. } = self;
        let outcome = running.await;
        let ending = tokio::task::spawn_blocking(move || parts.end());
        ending.await.context("the end was interrupted")?;
        outcome.context("the web server failed")
    }

    /// Serves until the process is asked to end.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_until(self, end: EndSignal) -> anyhow::Result<()> {
        let stopper = self.stopper();
        actix_web::rt::spawn(async move {
            end.wait().await;
            tracing::info!("ending: answering what is in flight");
            stopper.stop(NOT_READY_PAUSE).await;
        });
        self.run().await
    }
}

/// The signals that ask this process to end. They are heard from the moment it is made.
#[cfg(unix)]
pub struct EndSignal {
    terminate: actix_web::rt::signal::unix::Signal,
    interrupt: actix_web::rt::signal::unix::Signal,
}

#[cfg(unix)]
impl EndSignal {
    /// Begins to listen. Done before anybody is told that the server is there: who is told may ask it to
    /// end at once.
    ///
    /// # Errors
    /// The operating system does not let it listen.
    pub fn listen() -> anyhow::Result<Self> {
        use actix_web::rt::signal::unix::{SignalKind, signal};
        let heard = |kind| signal(kind).context("the signals to end cannot be heard");
        Ok(Self { terminate: heard(SignalKind::terminate())?, interrupt: heard(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// The interrupt key, which asks this process to end.
#[cfg(not(unix))]
pub struct EndSignal;

#[cfg(not(unix))]
impl EndSignal {
    /// Begins to listen.
    ///
    /// # Errors
    /// None here.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        if let Err(why) = actix_web::rt::signal::ctrl_c().await {
            tracing::warn!(%why, "the interrupt key is not heard");
        }
    }
}

impl Parts {
    fn end(self) {
        self.journal.stop();
        self.tracker.postbacks.stop();
        self.deliveries.stop();
        drop(self.rates);
        self.rounds.into_iter().for_each(Rounds::stop);
        self.ingested.stop();
        if self.ingester.join().is_err() {
            tracing::error!("the ingester had ended by a panic; the journal keeps what it had not moved");
        }
    }
}
