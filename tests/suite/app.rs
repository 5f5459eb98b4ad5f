//! The real server on a thread of its own, with a database of its own, and the words that stories use.

use crate::sql;
use clickledger::config::Config;
use clickledger::db::{
    AnyConnection, Db, Priority, click_log, clicks, conversions, partitions, rollups, users,
};
use clickledger::domain::click::ClickRecord;
use clickledger::domain::click_id::ClickId;
use clickledger::domain::figures::{Figures, Metric, Value};
use clickledger::domain::role::{Role, TokenScope};
use clickledger::domain::rollup::{HOUR_MS, RollupDelta, hour_of};
use clickledger::http::{now_ms, tokens};
use clickledger::reports::{self, By, Period, Query, TimeZone};
use clickledger::server::{self, Stopper};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

mod answer;
mod place;

pub use answer::{Answer, BROWSER, PHONE, client, send};
pub use place::{Backend, Place};

/// How long to wait for what comes by itself: clicks in the database, parked postbacks matched.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The running server and what stories need beside it.
pub struct TestApp {
    /// Where it listens: `http://127.0.0.1:1234`.
    pub base: String,
    /// Its database, for looking behind the answers.
    pub db: Arc<Db>,
    /// A token that may write.
    pub write_token: String,
    /// A token that may read.
    pub read_token: String,
    http: Option<reqwest::Client>,
    answered: Mutex<Vec<ClickId>>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
    /// Its data folder and its database.
    pub place: Place,
}

/// A click that was answered, and where its postbacks go.
#[derive(Clone, Debug)]
pub struct Click {
    /// Its id as it was handed out.
    pub id: String,
    /// The key of the advertiser whose offer the campaign leads to.
    pub key: String,
    /// Where the visitor was sent.
    pub location: String,
    /// The cookies that came with it.
    pub cookies: Vec<String>,
}

impl Click {
    /// The id as bytes.
    pub fn number(&self) -> ClickId {
        ClickId::parse(&self.id).unwrap()
    }
}

/// A campaign that leads straight to an offer of an advertiser.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its number.
    pub id: i64,
    /// The last part of its address.
    pub slug: String,
    /// The offer it leads to.
    pub offer: i64,
    /// The offer's advertiser.
    pub advertiser: i64,
    /// That advertiser's postback key.
    pub key: String,
}

impl TestApp {
    /// Starts a server with one admin and two tokens of his. `None` where the database is not to be had.
    pub fn start(backend: Backend) -> Option<Self> {
        let place = Place::new(backend)?;
        let config = place.config();
        Some(Self::start_with(place, &config))
    }

    /// Starts a server with settings of the story's own.
    pub fn start_with(place: Place, config: &Config) -> Self {
        let db = Arc::new(Db::open(&place.url, false).unwrap());
        let admin = db
            .write::<_, clickledger::db::Error>(Priority::Pages, |conn| {
                users::insert(conn, "admin@example.com", "no password fits this", Role::Admin, 1)
            })
            .unwrap();
        let token = |scope| tokens::create(&db, admin, "suite", scope, 1).unwrap().1;
        let (write_token, read_token) = (token(TokenScope::Write), token(TokenScope::Read));
        let (address, stopper, thread) = serve(config.clone());
        Self {
            base: format!("http://{address}"),
            db,
            write_token,
            read_token,
            http: Some(client()),
            answered: Mutex::default(),
            stopper,
            thread: Some(thread),
            place,
        }
    }

    /// Ends the server in order, then checks what must hold after every story: each click id that was handed
    /// out is stored once, and every sum is what the raw rows say.
    pub async fn finish(mut self) {
        self.stop().await;
        let answered = std::mem::take(&mut *self.answered.lock().unwrap());
        assert_stored_once(&self.db, &answered);
        assert_sums_are_raw(&self.db);
    }

    /// Runs a story with a second server beside this one, on the same database; it gets the second one's address.
    pub async fn with_another_node<F: Future<Output = ()>>(&self, story: impl FnOnce(String) -> F) {
        let (address, stopper, thread) = serve(self.place.config());
        story(format!("http://{address}")).await;
        stopper.stop(Duration::ZERO).await;
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    async fn stop(&mut self) {
        // Connections that are kept would hold the end up.
        self.http = None;
        self.stopper.stop(Duration::ZERO).await;
        let thread = self.thread.take().unwrap();
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    }

    /// A request to the server, with whatever the story adds to it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.as_ref().unwrap().request(method, format!("{}{path}", self.base))
    }

    /// `GET` as a person's browser.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// A request of the API with the token that may write.
    pub async fn api(&self, method: Method, path: &str, body: Option<Json>) -> Answer {
        let mut request = self.request(method, &format!("/api/v1{path}")).bearer_auth(&self.write_token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        send(request).await
    }

    /// Makes something by the API and returns it.
    pub async fn post(&self, path: &str, body: Json) -> Json {
        self.api(Method::POST, path, Some(body)).await.expect(201)
    }

    /// Changes something by the API and returns it.
    pub async fn patch(&self, path: &str, body: Json) -> Json {
        self.api(Method::PATCH, path, Some(body)).await.expect(200)
    }

    /// An advertiser: `{"name": ...}` and what the story adds.
    pub async fn advertiser(&self, fields: Json) -> Json {
        self.post("/advertisers", merged(json!({"name": "Net"}), fields)).await
    }

    /// An offer of an advertiser that pays 2.00.
    pub async fn offer(&self, advertiser: &Json, fields: Json) -> Json {
        let usual = json!({"name": "Shop", "advertiser_id": advertiser["id"], "revenue": "2.00",
            "url": "https://shop.example/?ref={click_id}"});
        self.post("/offers", merged(usual, fields)).await
    }

    /// A campaign straight to an offer.
    pub async fn campaign_to(&self, advertiser: &Json, offer: &Json, fields: Json) -> Campaign {
        let usual = json!({"name": "Push", "paths": [{"offers": [{"offer_id": offer["id"]}]}]});
        let made = self.post("/campaigns", merged(usual, fields)).await;
        Campaign {
            id: made["id"].as_i64().unwrap(),
            slug: made["slug"].as_str().unwrap().to_owned(),
            offer: offer["id"].as_i64().unwrap(),
            advertiser: advertiser["id"].as_i64().unwrap(),
            key: advertiser["postback_key"].as_str().unwrap().to_owned(),
        }
    }

    /// A campaign with an advertiser and an offer of its own; the fields are the campaign's.
    pub async fn campaign(&self, fields: Json) -> Campaign {
        let advertiser = self.advertiser(json!({})).await;
        let offer = self.offer(&advertiser, json!({})).await;
        self.campaign_to(&advertiser, &offer, fields).await
    }

    /// A person clicks.
    pub async fn click(&self, campaign: &Campaign) -> Click {
        self.click_as(campaign, "", |request| request).await
    }

    /// A click with a query (`sub1=a&...`) and whatever the request needs besides.
    pub async fn click_as(
        &self,
        campaign: &Campaign,
        query: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Click {
        let path = format!("/c/{}?{query}", campaign.slug);
        let answer = send(with(self.request(Method::GET, &path))).await;
        let id = click_id_in(answer.location()).unwrap_or_else(|| panic!("no click id: {answer:?}"));
        let click = Click {
            id,
            key: campaign.key.clone(),
            location: answer.location().to_owned(),
            cookies: answer.cookies,
        };
        self.answered.lock().unwrap().push(click.number());
        click
    }

    /// The advertiser's postback with an amount.
    pub async fn postback(&self, click: &Click, payout: &str) -> Answer {
        self.say(click, &format!("payout={payout}")).await
    }

    /// The advertiser's postback with any parameters beside the click id.
    pub async fn say(&self, click: &Click, parameters: &str) -> Answer {
        self.get(&format!("/postback/{}?cid={}&{parameters}", click.key, click.id)).await
    }

    /// A postback with a body.
    pub async fn post_body(&self, key: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, &format!("/postback/{key}")).header("content-type", kind);
        send(request.body(body)).await
    }

    /// Waits until a click is in the database and gives it as it is stored.
    pub async fn stored(&self, click: &Click) -> click_log::StoredClick {
        let id = click.number();
        let mut found = None;
        self.until("the click is stored", || {
            found = self.db.read(|conn| click_log::find(conn, id)).unwrap();
            found.is_some()
        })
        .await;
        found.unwrap()
    }

    /// Waits for something that comes by itself.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The conversions of a click, oldest first.
    pub fn conversions(&self, click: &Click) -> Vec<conversions::Conversion> {
        let mut found = self.db.read(|conn| conversions::of_clicks(conn, &[click.number()])).unwrap();
        found.sort_by_key(|conversion| conversion.id);
        found
    }

    /// One number out of the database.
    pub fn number(&self, query: &str) -> i64 {
        self.db.read(|conn: &mut AnyConnection| sql::number(conn, query)).unwrap()
    }

    /// The texts that a query gives for its first column.
    pub fn texts(&self, query: &str) -> Vec<String> {
        self.db.read(|conn| crate::sql::texts(conn, query)).unwrap()
    }

    /// Stores a click as if the ingester of another process had brought it.
    pub fn bring_click(&self, record: &ClickRecord) {
        self.db
            .write(Priority::Ingester, |conn: &mut AnyConnection| {
                partitions::ensure(conn, record.clicked_at_ms, record.clicked_at_ms)?;
                clicks::insert_agents(conn, &[(record.agent_id, &record.agent)])?;
                clicks::insert(conn, &[record])?;
                let mut sums = RollupDelta::new();
                sums.add_click(record);
                rollups::apply(conn, &sums, 77)
            })
            .unwrap();
    }

    /// A second click like a stored one, of another time: `ago` before now. Not stored yet.
    pub async fn like(&self, click: &Click, ago: Duration) -> ClickRecord {
        let at_ms = now_ms() - i64::try_from(ago.as_millis()).unwrap();
        let record = self.stored(click).await.record;
        ClickRecord { id: ClickId::new(at_ms, rand::random()), clicked_at_ms: at_ms, ..record }
    }

    /// Waits until every click that was answered is in the database.
    pub async fn settled(&self) {
        let answered = self.answered.lock().unwrap().clone();
        self.until("all answered clicks are stored", || {
            let stored: HashSet<ClickId> =
                self.db.read(|conn: &mut AnyConnection| sql::click_ids(conn)).unwrap().into_iter().collect();
            answered.iter().all(|id| stored.contains(id))
        })
        .await;
    }

    /// The report by campaign over all time.
    pub fn report_by_campaign(&self) -> HashMap<i64, Figures> {
        let report = self.db.read(|conn: &mut AnyConnection| {
            let (from_ms, to_ms) = sql::span(conn)?.unwrap_or_default();
            let period = Period::moments(TimeZone::UTC, hour_of(from_ms), hour_of(to_ms) + HOUR_MS).unwrap();
            reports::report(conn, &Query::new(period, By::Campaign))
        });
        report.unwrap().rows.into_iter().filter_map(|row| Some((row.key?, row.figures))).collect()
    }

    /// Figures of a campaign over all time, as text: `app.figures(&campaign, ["clicks", "revenue"])`.
    pub fn figures<const N: usize>(&self, campaign: &Campaign, names: [&str; N]) -> [String; N] {
        let row = self.report_by_campaign().get(&campaign.id).copied().unwrap_or_default();
        names.map(|name| match row.value(Metric::parse(name).unwrap()) {
            Value::Count(n) => n.to_string(),
            Value::Amount(money) => money.to_string(),
            other => format!("{other:?}"),
        })
    }
}

/// Checks that each click id is stored exactly once.
pub fn assert_stored_once(db: &Db, answered: &[ClickId]) {
    let stored = db.read(|conn: &mut AnyConnection| sql::click_ids(conn)).unwrap();
    let mut counts: HashMap<ClickId, usize> = HashMap::new();
    for id in stored {
        *counts.entry(id).or_default() += 1;
    }
    let wrong: Vec<_> = answered.iter().filter(|id| counts.get(id) != Some(&1)).collect();
    assert!(wrong.is_empty(), "of {} answered clicks these are not stored once: {wrong:?}", answered.len());
}

/// Checks every sum that is kept against the raw rows, over all time.
pub fn assert_sums_are_raw(db: &Db) {
    let differences = db
        .read(|conn: &mut AnyConnection| {
            let Some((from_ms, to_ms)) = sql::span(conn)? else { return Ok(Vec::new()) };
            reports::verify(conn, from_ms, to_ms + 1)
        })
        .unwrap();
    assert!(differences.is_empty(), "sums differ from the raw rows: {differences:#?}");
}

/// The click id in the address that an offer's template made.
pub fn click_id_in(location: &str) -> Option<String> {
    let (_, query) = location.split_once('?')?;
    let id = query.split('&').find_map(|pair| pair.strip_prefix("ref="))?;
    ClickId::parse(id).map(|_| id.to_owned())
}

/// Runs a story on threads of its own.
pub fn block_on(story: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(story);
}

fn merged(mut usual: Json, fields: Json) -> Json {
    let Json::Object(fields) = fields else { panic!("the fields must be an object") };
    for (name, value) in fields {
        usual[name] = value;
    }
    usual
}

/// Runs a server on a thread of its own until its stopper says so.
fn serve(config: Config) -> (SocketAddr, Stopper, JoinHandle<()>) {
    let (ready, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = server::build(&config).unwrap();
            ready.send((server.address, server.stopper())).unwrap();
            server.run().await.unwrap();
        });
    });
    let (address, stopper) = started.recv().expect("the server did not start");
    (address, stopper, thread)
}
