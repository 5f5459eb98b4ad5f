//! The database goes away while the server runs: visitors are sent on, postbacks are told to come again, and
//! when it is back every click is there.

use crate::app::{Backend, Place, TestApp, send};
use clickledger::config::Config;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use reqwest::Method;
use serde_json::json;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A way to the database's server that can be cut and mended.
struct Bridge {
    address: SocketAddr,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Bridge {
    fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (is_cut, open) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (cut, carried) = (Arc::clone(&is_cut), Arc::clone(&open));
        // Ends with the test's process.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if cut.load(Ordering::Acquire) {
                    continue;
                }
                let Ok(far) = UnixStream::connect(&socket) else { continue };
                carried.lock().unwrap().push(near.try_clone().unwrap());
                let (near_back, far_back) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || carry(near, far));
                std::thread::spawn(move || carry(far_back, near_back));
            }
        });
        Self { address, is_cut, open }
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
        for stream in self.open.lock().unwrap().drain(..) {
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }

    fn mend(&self) {
        self.is_cut.store(false, Ordering::Release);
    }
}

fn carry(mut from: impl Read, mut to: impl Write) {
    let _until_cut = std::io::copy(&mut from, &mut to);
}

/// A place whose database is reached over a bridge. `None` where the server is another's, out of our reach.
fn bridged() -> Option<(Place, Bridge, String)> {
    let place = Place::new(Backend::Postgres)?;
    let url = url::Url::parse(&place.url).unwrap();
    let folder = url.query_pairs().find(|(name, _)| name == "host").map(|(_, value)| value.into_owned())?;
    let bridge = Bridge::to(PathBuf::from(folder).join(".s.PGSQL.5432"));
    let through = format!("postgres://postgres@{}{}", bridge.address, url.path());
    Some((place, bridge, through))
}

#[test]
fn visitors_go_on_while_the_database_is_away() {
    crate::app::block_on(async {
        let Some((place, bridge, through)) = bridged() else { return };
        let mut config = place.config();
        config.database_url = Some(through);
        let app = TestApp::start_with(place, &config);
        let campaign = app.campaign(json!({})).await;
        let before = app.click(&campaign).await;
        assert_eq!(app.postback(&before, "1").await.code(), "recorded");

        bridge.cut();
        let mut during = Vec::new();
        for _ in 0..50 {
            let begun = Instant::now();
            during.push(app.click(&campaign).await);
            assert!(begun.elapsed() < Duration::from_secs(1), "a visitor waited {:?}", begun.elapsed());
        }
        let begun = Instant::now();
        let refused = app.postback(&during[0], "1").await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "the answer took {:?}", begun.elapsed());
        assert!(refused.headers.contains_key("retry-after"));
        let ready = app.get("/readyz").await;
        assert_eq!(ready.status, 200, "visitors are sent on: no balancer may take the node out");
        assert!(ready.text.contains("the database does not answer"), "{ready:?}");
        assert_eq!(app.get("/healthz").await.status, 200);
        let api = app.api(Method::GET, "/offers", None).await;
        assert_eq!(api.status, 503, "a dead database does not look like an empty one: {api:?}");

        figures_are_told(&app, 51).await;

        bridge.mend();
        app.settled().await;
        assert_eq!(app.postback(&during[0], "1").await.code(), "recorded", "it came again");
        assert_eq!(app.get("/readyz").await.status, 200);
        assert_eq!(app.figures(&campaign, ["clicks", "approved", "revenue"]), ["51", "2", "2.00"]);
        app.finish().await;
    });
}

/// `/metrics` answers soon, by a token that was used before, long after the last answer of the database has aged.
async fn figures_are_told(app: &TestApp, clicks: u32) {
    let ask = || send(app.request(Method::GET, "/metrics").bearer_auth(&app.write_token));
    for pause in [0, 6] {
        tokio::time::sleep(Duration::from_secs(pause)).await;
        for _ in 0..3 {
            let begun = Instant::now();
            let told = ask().await;
            assert_eq!(told.status, 200, "{told:?}");
            let wanted = format!("clickledger_clicks_total{{outcome=\"offer\"}} {clicks}\n");
            assert!(told.text.contains(&wanted), "{}", told.text);
            assert!(begun.elapsed() < Duration::from_secs(2), "the answer took {:?}", begun.elapsed());
        }
    }
}

/// Clicks while something is wrong with the database, and after it is mended; then each must be there once.
async fn goes_on_while(app: &TestApp, break_it: impl FnOnce(), mend_it: impl FnOnce()) {
    let campaign = app.campaign(json!({})).await;
    let before = app.click(&campaign).await;
    assert_eq!(app.postback(&before, "1").await.code(), "recorded");
    app.settled().await;
    break_it();
    let mut during = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        during.push(app.click(&campaign).await);
        assert!(begun.elapsed() < Duration::from_secs(1), "a visitor waited {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    let refused = app.postback(&during[0], "1").await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "the answer took {:?}", begun.elapsed());
    figures_are_told(app, 51).await;
    let begun = Instant::now();
    let read = send(app.request(Method::GET, "/api/v1/offers").bearer_auth(&app.read_token)).await;
    assert_eq!(read.status, 200, "what can be read is read, by a token whose use cannot be noted: {read:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "the answer took {:?}", begun.elapsed());
    mend_it();
    app.settled().await;
    // It comes again. The first copy may have been waiting for the database, and been written after its sender was told to
    // come again: then this one repeats it.
    let again = app.postback(&during[0], "1").await.code();
    assert!(again == "recorded" || again == "duplicate", "{again}");
    assert_eq!(app.figures(&campaign, ["clicks", "approved", "revenue"]), ["51", "2", "2.00"]);
    let quarantine = app.place.folder.path().join("journal").join("quarantine");
    assert!(!quarantine.exists(), "no record was at fault");
}

#[test]
fn a_database_file_that_is_taken_away_takes_no_click_with_it() {
    crate::app::block_on(async {
        let app = TestApp::start(Backend::Sqlite).unwrap();
        let file = app.place.folder.path().join("clickledger.db");
        let aside = file.with_extension("aside");
        goes_on_while(
            &app,
            || std::fs::rename(&file, &aside).unwrap(),
            || std::fs::rename(&aside, &file).unwrap(),
        )
        .await;
        app.finish().await;
    });
}

#[test]
fn a_database_that_another_process_locks_blames_no_click() {
    crate::app::block_on(async {
        let app = TestApp::start(Backend::Sqlite).unwrap();
        let mut other = diesel::SqliteConnection::establish(
            app.place.folder.path().join("clickledger.db").to_str().unwrap(),
        )
        .unwrap();
        let other = RefCell::new(&mut other);
        goes_on_while(
            &app,
            || other.borrow_mut().batch_execute("begin immediate").unwrap(),
            || other.borrow_mut().batch_execute("rollback").unwrap(),
        )
        .await;
        app.finish().await;
    });
}

/// More clicks than a journal with a limit may hold while the database is away: those that got an id are all there later,
/// the others were sent on without one and counted.
async fn stays_below_its_limit(app: &TestApp, break_it: impl FnOnce(), mend_it: impl FnOnce()) {
    let campaign = app.campaign(json!({})).await;
    app.click(&campaign).await;
    app.settled().await;
    break_it();
    let (mut kept, mut unkept) = (0, 0);
    // About 350 bytes each: the limit of the test comes after some three thousand.
    let path = format!("/c/{}?sub1={}", campaign.slug, "z".repeat(120));
    for _ in 0..80 {
        let asked = (0..50).map(|_| app.get(&path));
        for answer in futures_util::future::join_all(asked).await {
            assert_eq!(answer.status, 302);
            let has_id = !answer.location().ends_with("ref=");
            *(if has_id { &mut kept } else { &mut unkept }) += 1;
        }
    }
    assert!(kept > 500 && unkept > 500, "{kept} kept, {unkept} sent on without an id");
    let waiting = std::fs::read_dir(app.place.folder.path().join("journal")).unwrap().flatten();
    let bytes: u64 = waiting
        .filter_map(|journal| std::fs::read_dir(journal.path()).ok())
        .flat_map(Iterator::flatten)
        .filter(|file| file.file_name().to_string_lossy().ends_with(".log"))
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(bytes <= 1_000_000 + 2_000, "{bytes} bytes wait");
    let told = send(app.request(Method::GET, "/metrics").bearer_auth(&app.write_token)).await.text;
    assert!(told.contains("clickledger_journal_waiting_bytes_max 1000000\n"), "{told}");
    assert!(told.contains(&format!("clickledger_journal_lost_total {unkept}\n")), "{told}");
    mend_it();
    app.until("what was kept is there", || app.number("select count(*) from clicks") == kept + 1).await;
    let after = app.click(&campaign).await;
    assert!(!after.id.is_empty(), "there is room again");
}

#[test]
fn a_journal_with_a_limit_stays_below_it() {
    crate::app::block_on(async {
        let place = Place::new(Backend::Sqlite).unwrap();
        let config = Config { journal_max: Some(1_000_000), ..place.config() };
        let app = TestApp::start_with(place, &config);
        let file = app.place.folder.path().join("clickledger.db");
        let aside = file.with_extension("aside");
        let (away, back) =
            (|| std::fs::rename(&file, &aside).unwrap(), || std::fs::rename(&aside, &file).unwrap());
        stays_below_its_limit(&app, away, back).await;
        app.finish().await;
        let Some((place, bridge, through)) = bridged() else { return };
        let config = Config { journal_max: Some(1_000_000), database_url: Some(through), ..place.config() };
        let app = TestApp::start_with(place, &config);
        stays_below_its_limit(&app, || bridge.cut(), || bridge.mend()).await;
        app.finish().await;
    });
}
