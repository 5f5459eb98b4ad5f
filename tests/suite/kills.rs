//! `kill -9` under load: what was answered is there after the next start, once, and was told to whoever must know.

use crate::app::{
    Backend, Place, assert_stored_once, assert_sums_are_raw, block_on, click_id_in, client, send,
};
use crate::program::{Program, command, token};
use crate::raw_http::Connection;
use crate::receiver::Receiver;
use clickledger::db::{AnyConnection, Db};
use clickledger::domain::click_id::ClickId;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Connections that click, and connections that also send postbacks.
const CLICKERS: usize = 4;
const SENDERS: usize = 4;

/// The most requests of one connection and one life of the server.
const REQUESTS_MAX: usize = 3_000;

/// How long the next start may take to bring everything into the database.
const INGEST_LONGEST: Duration = Duration::from_secs(60);

/// How long what was being told may take: the lease of a process that died is over after half a minute.
const DELIVERIES_LONGEST: Duration = Duration::from_secs(120);

fn rounds() -> usize {
    std::env::var("CLICKLEDGER_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// What clients were told.
#[derive(Default)]
struct Told {
    clicks: Mutex<Vec<ClickId>>,
    /// The clicks whose postback had an answer.
    postbacks: Mutex<Vec<String>>,
}

impl Told {
    fn counts(&self) -> (usize, usize) {
        (self.clicks.lock().unwrap().len(), self.postbacks.lock().unwrap().len())
    }
}

/// Clicks, and converts each click where `key` is given, until the server is gone.
fn load(address: SocketAddr, slug: &str, key: Option<&str>, is_over: &AtomicBool, told: &Told, lane: usize) {
    let Some(mut connection) = Connection::open(address) else { return };
    for n in 0..REQUESTS_MAX {
        if is_over.load(Ordering::Acquire) {
            return;
        }
        let Some(answer) = connection.get(&format!("/c/{slug}?sub1={lane}-{n}")) else { return };
        assert_eq!(answer.status, 302);
        let id = answer.location.as_deref().and_then(click_id_in).expect("an id in the address");
        told.clicks.lock().unwrap().push(ClickId::parse(&id).unwrap());
        let Some(key) = key else { continue };
        let Some(answer) = connection.get(&format!("/postback/{key}?cid={id}&payout=0.50&txid={id}")) else {
            return;
        };
        let verdict: Value = serde_json::from_slice(&answer.body).expect("a verdict");
        // On a slow machine the click may take more than a second to come: then the postback waits for it.
        let is_kept = verdict["code"] == "recorded" || verdict["code"] == "parked_unknown_click";
        assert!(answer.status == 200 && is_kept, "{verdict}");
        told.postbacks.lock().unwrap().push(id);
    }
}

/// One life: serves under load and is killed at a random moment.
fn live_and_die(place: &Place, slug: &str, key: &str, told: &Told, durability: &str) {
    let program = start(place, durability);
    let address: SocketAddr = program.base.trim_start_matches("http://").parse().unwrap();
    let is_over = AtomicBool::new(false);
    let pause = Duration::from_millis(rand::random_range(0..600));
    std::thread::scope(|scope| {
        for lane in 0..CLICKERS + SENDERS {
            let key = (lane >= CLICKERS).then_some(key);
            let is_over = &is_over;
            scope.spawn(move || load(address, slug, key, is_over, told, lane));
        }
        // However slow the start, some of each kind are answered; the rest is chance.
        let (begun, before) = (Instant::now(), told.counts());
        while told.counts().0 < before.0 + 20 || told.counts().1 < before.1 + 4 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?} since {before:?}", told.counts());
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(pause);
        program.kill();
        is_over.store(true, Ordering::Release);
    });
}

/// The program, which may call this machine.
fn start(place: &Place, durability: &str) -> Program {
    let mut command = command(place);
    command.env("CLICKLEDGER_ALLOW_PRIVATE_DESTINATIONS", "true").env("CLICKLEDGER_DURABILITY", durability);
    Program::from(command)
}

/// What was told: each conversion with its delivery's key. One that was sent when its process died is sent again once its
/// lease is over, with the same key.
fn deliveries_told(db: &Db, receiver: &Receiver) -> HashMap<String, HashSet<String>> {
    let due = "select count(*) from deliveries where state = 'due'";
    let begun = Instant::now();
    while db.read(|conn: &mut AnyConnection| crate::sql::number(conn, due)).unwrap() > 0 {
        assert!(begun.elapsed() < DELIVERIES_LONGEST, "deliveries stay due");
        std::thread::sleep(Duration::from_millis(200));
    }
    let mut keys: HashMap<String, HashSet<String>> = HashMap::new();
    for seen in receiver.rest() {
        let txid = seen.line.split(['=', ' ']).nth(2).expect("a transaction").to_owned();
        keys.entry(txid).or_default().insert(seen.header("idempotency-key").to_owned());
    }
    keys
}

/// A campaign of one offer: its slug, and its advertiser's key.
pub fn set_up(place: &Place) -> (String, String) {
    set_up_telling(place, None)
}

/// The same, with a receiver that is told of every conversion.
fn set_up_telling(place: &Place, receiver: Option<&Receiver>) -> (String, String) {
    let token = token(place);
    let program = Program::start(place);
    let mut made = (String::new(), String::new());
    block_on(async {
        let http = client();
        let post = async |path: &str, body: Value| {
            send(http.post(format!("{}/api/v1{path}", program.base)).bearer_auth(&token).json(&body))
                .await
                .expect(201)
        };
        let advertiser = post("/advertisers", json!({"name": "Net"})).await;
        let offer = json!({"name": "Shop", "advertiser_id": advertiser["id"], "url": "https://shop.example/?ref={click_id}"});
        let offer = post("/offers", offer).await;
        let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
        let campaign = post("/campaigns", json!({"name": "Push", "paths": paths})).await;
        if let Some(receiver) = receiver {
            let url = format!("{}/told?txid={{txid}}", receiver.base);
            post("/destinations", json!({"name": "Told", "url": url})).await;
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        made = (text(&campaign["slug"]), text(&advertiser["postback_key"]));
    });
    program.kill();
    made
}

/// Waits until all that was answered is stored and counted, or time is up: the checks then say what is
/// missing.
fn wait_for_ingestion(db: &Db, told: &[ClickId]) {
    let parked = "select count(*) from postbacks_received where code = 'parked_unknown_click'";
    let begun = Instant::now();
    while begun.elapsed() < INGEST_LONGEST {
        let stored: HashSet<ClickId> =
            db.read(|conn: &mut AnyConnection| crate::sql::click_ids(conn)).unwrap().into_iter().collect();
        let waiting = db.read(|conn: &mut AnyConnection| crate::sql::number(conn, parked)).unwrap();
        if waiting == 0 && told.iter().all(|id| stored.contains(id)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn kill_again_and_again(backend: Backend) {
    let Some(place) = Place::new(backend) else { return };
    let receiver = Receiver::start();
    let (slug, key) = set_up_telling(&place, Some(&receiver));
    let told = Told::default();
    for round in 0..rounds() {
        let durability = if round % 2 == 0 { "process" } else { "power" };
        live_and_die(&place, &slug, &key, &told, durability);
    }
    let db = Db::open(&place.url, false).unwrap();
    let last = start(&place, "process");
    let (clicks, postbacks) = (told.clicks.into_inner().unwrap(), told.postbacks.into_inner().unwrap());
    assert!(
        clicks.len() > 50 && postbacks.len() > 10,
        "{} clicks, {} postbacks",
        clicks.len(),
        postbacks.len()
    );
    wait_for_ingestion(&db, &clicks);
    let keys = deliveries_told(&db, &receiver);
    let (is_well, _) = last.end();
    assert!(is_well, "it did not end in order");

    assert_stored_once(&db, &clicks);
    assert_sums_are_raw(&db);
    let number = |query: &str| db.read(|conn: &mut AnyConnection| crate::sql::number(conn, query)).unwrap();
    for click in &postbacks {
        // The transaction id is the click's own text: no other postback has it.
        let kept = number(&format!(
            "select count(*) from conversions where txid = '{click}' and status = 'approved'"
        ));
        assert_eq!(kept, 1, "the conversion of {click}");
        let stored = number(&format!(
            "select count(*) from postbacks_received where txid = '{click}' and code = 'recorded'"
        ));
        assert_eq!(stored, 1, "the request of {click}");
        assert_eq!(keys.get(click).map(HashSet::len), Some(1), "told of {click}, always with the same key");
    }
    assert_eq!(
        number("select count(*) from (select txid from conversions group by txid having count(*) > 1) t"),
        0
    );
    println!("{} clicks and {} postbacks were answered", clicks.len(), postbacks.len());
}

#[test]
fn nothing_answered_is_lost_or_doubled_on_sqlite() {
    kill_again_and_again(Backend::Sqlite);
}

#[test]
fn nothing_answered_is_lost_or_doubled_on_postgres() {
    kill_again_and_again(Backend::Postgres);
}

#[test]
fn an_orderly_end_leaves_nothing_in_the_journal() {
    crate::program::on_each(|place| {
        let (slug, key) = set_up(&place);
        let program = Program::start(&place);
        let address: SocketAddr = program.base.trim_start_matches("http://").parse().unwrap();
        let told = Told::default();
        let is_over = AtomicBool::new(false);
        let ended = std::thread::scope(|scope| {
            for lane in 0..2 {
                let (key, is_over, told, slug) = ((lane > 0).then_some(&*key), &is_over, &told, &*slug);
                scope.spawn(move || load(address, slug, key, is_over, told, lane));
            }
            std::thread::sleep(Duration::from_millis(300));
            is_over.store(true, Ordering::Release);
            program.end()
        });
        assert!(ended.0, "it did not end in order");
        assert!(ended.1 < Duration::from_secs(20), "the end took {:?}", ended.1);
        let db = Db::open(&place.url, false).unwrap();
        // Nothing runs that could still bring a click.
        assert_stored_once(&db, &told.clicks.into_inner().unwrap());
        assert_sums_are_raw(&db);
    });
}
