//! Pages without redirects: the script, the visits it registers, the links it fills in.

use crate::app::{Answer, BROWSER, Backend, Click, PATIENCE, TestApp, block_on, click_id_in, send};
use crate::browser::Browser;
use crate::pages::Person;
use crate::postbacks::standing;
use clickledger::domain::status::Status;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

/// What the script may weigh as browsers take it, compressed.
const SCRIPT_BYTES_MAX: usize = 3_000;

async fn visit(app: &TestApp, slug: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request(Method::POST, &format!("/t/{slug}")).header("origin", "https://page.example");
    send(request.header("content-type", "text/plain;charset=UTF-8").body(body)).await
}

fn of(answer: &Answer, key: &str) -> Click {
    let id = answer.expect(200)["click_id"].as_str().unwrap().to_owned();
    Click { id, key: key.to_owned(), location: String::new(), cookies: Vec::new() }
}

stories! {
    async fn the_script_is_small_and_may_be_kept(app: TestApp) {
        let first = app.get("/t.js").await;
        assert_eq!(first.status, 200);
        assert_eq!(first.headers["content-type"], "text/javascript; charset=utf-8");
        let compressed = app.request(Method::GET, "/t.js").header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(compressed.headers()["content-encoding"], "gzip");
        let bytes = compressed.bytes().await.unwrap().len();
        assert!(bytes <= SCRIPT_BYTES_MAX && bytes < first.text.len(), "{bytes} bytes");
        let again = app.request(Method::GET, "/t.js").header("if-none-match", &first.headers["etag"]);
        assert_eq!(send(again).await.status, 304);
    }

    async fn a_visit_is_a_click_whose_links_lead_on(app: TestApp) {
        let source = app.post("/sources", json!({"name": "Social", "external_id_param": "xid",
            "tokens": [{"slot": 1, "param": "zone", "label": "Zone"}]})).await;
        let campaign = app.campaign(json!({"source_id": source["id"]})).await;
        let said = json!({"query": "zone=z7&xid=e1&other=1", "referrer": "https://news.example/a?b=1"});
        let answer = visit(app, &campaign.slug, said.to_string()).await;
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        let click = of(&answer, &campaign.key);
        let stored = app.stored(&click).await.record;
        assert_eq!(stored.sub(1), Some("z7"));
        assert_eq!(stored.external_id.as_deref(), Some("e1"));
        assert_eq!(stored.referrer_host.as_deref(), Some("news.example"));
        assert!(stored.is_unique && stored.bot.is_none());
        assert_eq!((stored.path_id.is_some(), stored.offer_id, stored.lander_id), (true, None, None));

        let known = json!({"query": "", "referrer": "", "known": true}).to_string();
        let again = of(&visit(app, &campaign.slug, known).await, &campaign.key);
        assert!(!app.stored(&again).await.record.is_unique, "the page has seen him");
        // Straight from the page to the offer, without a button of ours: an offer of his path all the same.
        assert_eq!(app.postback(&again, "2").await.code(), "recorded");

        let pressed = app.get(&format!("/go/1?cid={}", click.id)).await;
        assert_eq!(click_id_in(pressed.location()).as_deref(), Some(click.id.as_str()));
        assert_eq!(app.postback(&click, "3").await.code(), "recorded");
        app.settled().await;
        assert_eq!(app.figures(&campaign, ["clicks", "uniques", "approved", "revenue"]), ["2", "1", "2", "5.00"]);
        // The page is itself the lander.
        assert_eq!(app.figures(&campaign, ["lp_views", "lp_clicks"]), ["2", "1"]);
    }

    async fn what_is_no_visit_is_told_so(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for (body, status) in [
            (String::new(), 400),
            ("query".to_owned(), 400),
            ("7".to_owned(), 400),
            (json!({"query": 7}).to_string(), 400),
            (json!({"query": "a".repeat(40_000)}).to_string(), 413),
            (json!({"query": "zone=%ff%00&&&=;"}).to_string(), 200),
            (json!({"referrer": "javascript:alert(1)"}).to_string(), 200),
            ("{}".to_owned(), 200),
        ] {
            let answer = visit(app, &campaign.slug, body.clone()).await;
            assert_eq!(answer.status, status, "{body:.60} {answer:?}");
            assert_eq!(answer.headers["access-control-allow-origin"], "*", "the page must be able to read it");
            assert_eq!(answer.json()["error"].is_string(), status != 200);
        }
        assert_eq!(visit(app, "nobody", "{}").await.status, 404);
        assert_eq!(app.get(&format!("/t/{}", campaign.slug)).await.status, 405);
        let asked = send(app.request(Method::OPTIONS, &format!("/t/{}", campaign.slug))).await;
        assert_eq!((asked.status, asked.headers["access-control-allow-methods"].as_str()), (204, "POST"));
    }
}

/// Serves one page to whoever asks, for as long as the test's process lives.
fn serve(page: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _asked = stream.read(&mut [0; 4_096]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n";
            let _sent = write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    address
}

async fn value(browser: &Browser, script: &str) -> Value {
    browser.client.execute(script, vec![]).await.unwrap()
}

/// Waits for the click id that the page's script has, another one than before.
async fn click_id(browser: &Browser, before: &str) -> String {
    let begun = Instant::now();
    loop {
        let found = value(browser, "return window.clickledger ? clickledger.clickId() : ''").await;
        let found = found.as_str().unwrap_or_default().to_owned();
        if found.len() == 26 && found != before {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "no click id but {found:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

const HREFS: &str = "return [...document.querySelectorAll('a')].map(a => a.getAttribute('href'))";

#[test]
fn a_page_on_another_site_registers_its_visit_in_a_browser() {
    block_on(async {
        let Some(browser) = Browser::start().await else { return };
        // By its own name a browser without a screen is a machine, and no machine is a visitor.
        browser.devtools("Emulation.setUserAgentOverride", json!({"userAgent": BROWSER})).await;
        let app = TestApp::start(Backend::Sqlite).unwrap();
        let campaign = app.campaign(json!({})).await;
        let base = &app.base;
        let page = serve(format!(
            "<!doctype html><meta charset=\"utf-8\"><title>Page</title>\
             <script async src=\"{base}/t.js\" data-campaign=\"{}\"></script>\
             <a data-clickledger href=\"{base}/go/1\">One</a>\
             <a data-clickledger href=\"https://shop.example/?ref={{click_id}}\">Two</a>\
             <a data-clickledger=\"subid\" href=\"https://shop.example/x?a=1#top\">Three</a>\
             <a href=\"https://other.example/\">Four</a>",
            campaign.slug
        ));
        browser.client.goto(&format!("http://{page}/?sub1=a")).await.unwrap();
        let id = click_id(&browser, "").await;
        let wanted = json!([
            format!("{base}/go/1?cid={id}"),
            format!("https://shop.example/?ref={id}"),
            format!("https://shop.example/x?a=1&subid={id}#top"),
            "https://other.example/",
        ]);
        assert_eq!(value(&browser, HREFS).await, wanted);
        // The same page again, and another page of the site: the same visit. Another ad's click is another visit.
        for query in ["?sub1=a", ""] {
            browser.client.goto(&format!("http://{page}/{query}")).await.unwrap();
            assert_eq!(click_id(&browser, "").await, id);
        }
        browser.client.goto(&format!("http://{page}/?sub1=b")).await.unwrap();
        let second = click_id(&browser, &id).await;
        assert_ne!(second, id);
        // One who comes by a redirect brings his click id along.
        browser.client.goto(&format!("http://{page}/?cid={id}")).await.unwrap();
        assert_eq!(click_id(&browser, &second).await, id);

        let click = |id: &str| Click {
            id: id.to_owned(),
            key: campaign.key.clone(),
            location: String::new(),
            cookies: Vec::new(),
        };
        assert!(app.stored(&click(&id)).await.record.is_unique);
        assert!(!app.stored(&click(&second)).await.record.is_unique);
        let pressed = app.get(&format!("/go/1?cid={id}")).await;
        assert_eq!(click_id_in(pressed.location()).as_deref(), Some(id.as_str()));
        assert_eq!(app.postback(&click(&id), "4").await.code(), "recorded");
        app.settled().await;
        assert_eq!(
            app.figures(&campaign, ["clicks", "uniques", "approved", "revenue"]),
            ["2", "1", "1", "4.00"]
        );
        browser.end().await;
        app.finish().await;
    });
}

/// Waits for what a page's script leaves in a variable.
async fn left_in(browser: &Browser, name: &str) -> Value {
    let begun = Instant::now();
    loop {
        let found = value(browser, &format!("return window.{name} || null")).await;
        if !found.is_null() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing in {name}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[test]
fn a_page_on_another_site_reports_a_conversion_in_a_browser() {
    block_on(async {
        let Some(browser) = Browser::start().await else { return };
        browser.devtools("Emulation.setUserAgentOverride", json!({"userAgent": BROWSER})).await;
        let app = TestApp::start(Backend::Sqlite).unwrap();
        let advertiser = app.advertiser(json!({"pixel": true})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let (base, slug) = (&app.base, &campaign.slug);
        // The report is made at once, while the visit is still being registered.
        let page = |more: &str| {
            serve(format!(
                "<!doctype html><meta charset=\"utf-8\"><title>Page</title>\
                 <script src=\"{base}/t.js\" data-campaign=\"{slug}\"{more}></script>\
                 <script>clickledger.convert(\"sale\", {{amount: 49.9, txid: \"o1\"}}).then(function (v) {{ window.told = v; }});</script>\
                 <a data-clickledger href=\"https://shop.example/?ref={{click_id}}\">Shop</a>"
            ))
        };
        browser.client.goto(&format!("http://{}/?sub1=a", page(""))).await.unwrap();
        let told = left_in(&browser, "told").await;
        let id = click_id(&browser, "").await;
        assert_eq!(
            (&told["result"], &told["code"], &told["click_id"]),
            (&json!("accepted"), &json!("recorded"), &json!(id))
        );
        assert_eq!(value(&browser, HREFS).await, json!([format!("https://shop.example/?ref={id}")]));
        let click = Click { id, key: campaign.key.clone(), location: String::new(), cookies: Vec::new() };
        assert_eq!(standing(&app, &click), (Status::Pending, 0));
        let person = Person::enter(&app).await;
        let list = person.page("/conversions").await;
        assert!(list.contains("unconfirmed") && list.contains("o1"), "{list}");
        // Whatever a page calls it with, the promise is kept and nothing is thrown.
        let odd = "var odd = {}; odd.amount = odd; window.codes = null; \
            Promise.all([clickledger.convert('sale', odd), clickledger.convert(), clickledger.convert('sale', {txid: 'o1'})])\
            .then(function (all) { window.codes = all.map(function (v) { return v.code; }); })";
        value(&browser, odd).await;
        assert_eq!(left_in(&browser, "codes").await, json!(["not_stored", "duplicate", "duplicate"]));
        assert_eq!(app.say(&click, "payout=5&txid=o1").await.code(), "updated");
        assert_eq!(standing(&app, &click), (Status::Approved, 5_000_000));
        assert!(!person.page("/conversions").await.contains("unconfirmed"));

        // A page that only thanks makes no visit of somebody who came by himself.
        browser.client.goto(&format!("http://{}/thanks", page(" data-known"))).await.unwrap();
        let told = left_in(&browser, "told").await;
        assert_eq!((&told["result"], &told["code"]), (&json!("refused"), &json!("missing_click_id")));
        app.settled().await;
        assert_eq!(
            app.figures(&campaign, ["clicks", "leads", "pending", "approved", "revenue"]),
            ["1", "1", "0", "1", "5.00"]
        );
        browser.end().await;
        app.finish().await;
    });
}
