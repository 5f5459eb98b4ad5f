//! Money in other currencies: what waits for a rate, what it is worth once there is one, and how rates are added.

use crate::app::{Answer, TestApp, send};
use crate::ledger::campaign_with;
use crate::pages::Person;
use crate::postbacks::{standing, stored_as};
use clickledger::domain::rate::day_of;
use clickledger::domain::status::Status;
use clickledger::http::now_ms;
use reqwest::Method;
use serde_json::json;

/// A day so many days before today, UTC.
fn day(before: u64) -> String {
    (day_of(now_ms()) - chrono::Days::new(before)).to_string()
}

async fn rate(app: &TestApp, currency: &str, day: &str, rate: &str) -> Answer {
    let body = json!({"currency": currency, "day": day, "rate": rate});
    app.api(Method::PUT, "/fx-rates", Some(body)).await
}

async fn sheet(app: &TestApp, query: &str, text: &str) -> Answer {
    let request =
        app.request(Method::POST, &format!("/api/v1/fx-rates{query}")).bearer_auth(&app.write_token);
    send(request.header("content-type", "text/csv").body(text.to_owned())).await
}

stories! {
    async fn what_waits_for_a_rate_is_counted_once_there_is_one(app: TestApp) {
        let campaign = campaign_with(app, json!({"currency": "EUR"}), json!({"currency": "EUR"})).await;
        let (sent, own) = (app.click(&campaign).await, app.click(&campaign).await);
        assert_eq!(app.say(&sent, "payout=5&sale_amount=50").await.code(), "parked_no_rate");
        assert_eq!(app.say(&own, "").await.code(), "parked_no_rate", "the offer's own amount is in euros too");
        let rejected = app.click(&campaign).await;
        assert_eq!(app.say(&rejected, "payout=0&status=rejected").await.code(), "recorded", "nothing needs no rate");
        rate(app, "EUR", &day(15), "2").await.expect(200);
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert_eq!(stored_as(app, "parked_no_rate"), 2, "a rate of two weeks ago is no rate of today");
        rate(app, "EUR", &day(14), "1.085").await.expect(200);
        app.until("what waited is counted", || stored_as(app, "parked_no_rate") == 0).await;
        assert_eq!(standing(app, &sent), (Status::Approved, 5_425_000));
        assert_eq!(standing(app, &own), (Status::Approved, 2_170_000));
        assert_eq!(app.figures(&campaign, ["leads", "revenue", "sale_amount"]), ["3", "7.595", "54.25"]);
        let shown = app.api(Method::GET, &format!("/conversions/{}", app.conversions(&sent)[0].id), None).await.expect(200);
        assert_eq!((&shown["revenue"], &shown["currency"]), (&json!("5.00"), &json!("EUR")));
        assert_eq!((&shown["revenue_account"], &shown["rate"]), (&json!("5.425"), &json!("1.085")));
        // What is counted keeps its rate, what comes goes by the new one.
        rate(app, "EUR", &day(0), "1.2").await.expect(200);
        let later = app.click(&campaign).await;
        assert_eq!(app.say(&later, "payout=5").await.code(), "recorded");
        assert_eq!(standing(app, &later).1, 6_000_000);
        assert_eq!(app.say(&sent, "payout=10").await.code(), "updated");
        assert_eq!(standing(app, &sent).1, 10_850_000);
    }

    async fn another_currency_than_the_first_goes_by_the_rates_too(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let added = sheet(app, "", &format!("currency,day,rate\nEUR,{0},1.10\nGBP,{0},1.25\n", day(0))).await.expect(200);
        assert_eq!(added, json!({"rows": 2, "accepted": 2, "refused": []}));
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=10&currency=EUR&txid=a").await.code(), "recorded");
        assert_eq!(app.say(&click, "payout=11&currency=USD&txid=a").await.code(), "duplicate", "the same in dollars");
        assert_eq!(app.say(&click, "payout=17.6&currency=GBP&txid=a").await.code(), "updated");
        let made = app.conversions(&click)[0].value.clone();
        assert_eq!((made.revenue_original_micros, made.revenue_micros), (20_000_000, 22_000_000));
        assert_eq!((made.currency.as_str(), made.rate_nanos), ("EUR", 1_100_000_000));
        assert_eq!(app.say(&click, "payout=-11&currency=USD&status=refund&txid=a").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 11_000_000));
        assert_eq!(app.say(&click, "payout=-5&currency=CHF&status=refund&txid=a").await.code(), "parked_no_rate");
        assert_eq!(app.figures(&campaign, ["revenue"]), ["11.00"]);
        rate(app, "CHF", &day(1), "1.1").await.expect(200);
        app.until("the refund is taken", || stored_as(app, "parked_no_rate") == 0).await;
        assert_eq!(app.figures(&campaign, ["revenue"]), ["5.50"]);
        let upsells = campaign_with(app, json!({"duplicate_mode": "add"}), json!({})).await;
        let click = app.click(&upsells).await;
        for amount in ["payout=10&currency=EUR&txid=a", "payout=10&currency=GBP&txid=b", "payout=10&txid=c"] {
            assert_eq!(app.say(&click, amount).await.json()["result"], "accepted");
        }
        assert_eq!(app.figures(&upsells, ["leads", "revenue"]), ["1", "33.50"]);
    }

    async fn a_file_of_rates_is_looked_at_and_kept_whole_or_not_at_all(app: TestApp) {
        let wrong = "EUR,2026-11-20,1.1\nEUR,2026-11-20,1.2\nUSD,2026-11-20,1\nGBP;20.11.2026;1\nGBP,2026-11-20,-1\nx";
        let looked = sheet(app, "?dry_run=true", wrong).await.expect(200);
        assert_eq!((&looked["rows"], &looked["accepted"]), (&json!(6), &json!(1)));
        assert_eq!(looked["refused"].as_array().unwrap().len(), 5);
        let refused = sheet(app, "", wrong).await.expect(422);
        assert_eq!(refused["fields"][0]["field"], "rows[2]");
        assert_eq!(app.number("select count(*) from fx_rates"), 0);
        assert_eq!(sheet(app, "?dry_run=yes", wrong).await.status, 422);
        sheet(app, "?dry_run=true", "EUR,2026-11-20,1.1").await.expect(200);
        assert_eq!(app.number("select count(*) from fx_rates"), 0, "a look keeps nothing");
        for (currency, day, value, field) in [("USD", "2026-11-20", "1", "currency"), ("EUR", "today", "1", "day"), ("EUR", "2026-11-20", "0", "rate")] {
            assert_eq!(rate(app, currency, day, value).await.expect(422)["fields"][0]["field"], field);
        }
        let made = app.api(Method::POST, "/fx-rates", Some(json!({"currency": "eur", "day": "2026-11-20", "rate": "1.1"}))).await;
        assert_eq!(made.expect(201), json!({"currency": "EUR", "day": "2026-11-20", "rate": "1.10"}));
        rate(app, "EUR", "2026-11-20", "1.15").await.expect(200);
        let listed = app.api(Method::GET, "/fx-rates?currency=EUR", None).await.expect(200);
        assert_eq!((&listed["total"], &listed["items"][0]["rate"]), (&json!(1), &json!("1.15")));
        assert_eq!(app.api(Method::GET, "/fx-rates?colour=1", None).await.status, 422);
        assert_eq!(app.api(Method::DELETE, "/fx-rates", None).await.status, 405);
    }

    async fn the_banks_document_is_taken_as_it_is(app: TestApp) {
        let send_xml = |text: &str| {
            let request = app.request(Method::POST, "/api/v1/fx-rates").bearer_auth(&app.write_token);
            send(request.header("content-type", "text/xml; charset=utf-8").body(text.to_owned()))
        };
        let text = "<Cube><Cube time='2026-11-20'><Cube currency='USD' rate='1.25'/><Cube currency='GBP' rate='0.8'/></Cube></Cube>";
        assert_eq!(send_xml(text).await.expect(200)["accepted"], 2);
        let listed = app.api(Method::GET, "/fx-rates", None).await.expect(200);
        let of = |at: usize| (listed["items"][at]["currency"].clone(), listed["items"][at]["rate"].clone());
        // 1.25 / 0.8 of a pound.
        assert_eq!((of(0), of(1)), ((json!("EUR"), json!("1.25")), (json!("GBP"), json!("1.5625"))));
        assert_eq!(send_xml("<html>").await.expect(422)["fields"][0]["field"], "body");
        let yens = "<Cube time='2026-11-20'><Cube currency='JPY' rate='160'/></Cube>";
        assert!(send_xml(yens).await.expect(422).to_string().contains("no rate of USD"));
    }

    async fn rates_are_kept_on_their_page(app: TestApp) {
        let person = Person::enter(app).await;
        assert!(person.page("/settings/rates").await.contains("No rates yet"));
        let refused = person.send("/settings/rates", "currency=%3Ci%3E&day=2026-11-20&rate=1.1").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("is no currency") && !refused.text.contains("<i>"), "{}", refused.text);
        let saved = person.send("/settings/rates", "currency=EUR&day=2026-11-20&rate=1.0854").await;
        assert_eq!(saved.status, 303, "{saved:?}");
        let page = person.page("/settings/rates?saved=1").await;
        assert!(page.contains("1.0854") && page.contains("judged again"), "{page}");
        let send_rows = async |name: &str, rows: &str, action: &str| {
            person.upload("/settings/rates/file", &[(name, rows), ("action", action)]).await
        };
        let twice = "GBP,2026-11-20,1.25\nGBP,2026-11-20,1.26";
        let looked = send_rows("pasted", twice, "preview").await;
        assert!(looked.text.contains("Row 2: GBP of 2026-11-20 stands here twice"), "{}", looked.text);
        assert_eq!(send_rows("pasted", twice, "save").await.status, 422);
        let right = send_rows("pasted", "GBP,2026-11-20,1.25", "preview").await;
        assert!(right.text.contains("One rate, nothing is wrong"), "{}", right.text);
        assert_eq!(send_rows("pasted", "GBP,2026-11-20,1.25", "save").await.status, 303);
        assert!(person.page("/settings/rates").await.contains("GBP"));
        assert_eq!(app.number("select count(*) from fx_rates where source = 'file'"), 1);
        // A file does the same, and what was looked at stands in the form.
        let looked = send_rows("file", "\u{feff}currency;day;rate\r\nCHF;2026-11-20;1.12\r\nJPY;2026-11-20;0.0065\r\n", "preview").await;
        assert!(looked.text.contains("2 rates, nothing is wrong: save below") && looked.text.contains("CHF;2026-11-20;1.12"), "{}", looked.text);
        assert_eq!(app.number("select count(*) from fx_rates"), 2, "a look keeps nothing");
        let wrong = send_rows("file", "CHF,2026-11-20,<i>", "save").await;
        assert!(wrong.status == 422 && wrong.text.contains("Row 1:") && !wrong.text.contains("<i>"), "{}", wrong.text);
        assert_eq!(send_rows("file", "CHF,2026-11-20,1.12\nJPY,2026-11-20,0.0065\n", "save").await.status, 303);
        assert_eq!(app.number("select count(*) from fx_rates where source = 'file'"), 3);
        for (name, rows, said) in [("file", "", "Choose a file"), ("pasted", " \n", "empty"), ("file", "PK\u{3}\u{4}rest", "workbook")] {
            let refused = send_rows(name, rows, "save").await;
            assert!(refused.status == 422 && refused.text.contains(said), "{said}: {}", refused.text);
        }
        let short = person.send("/settings/rates/file", "pasted=GBP%2C2026-11-20%2C1.25&action=save").await;
        assert_eq!(short.status, 415, "{short:?}");
    }

    async fn rates_are_fetched_from_an_address(app: TestApp) {
        let put = |url: String| app.api(Method::PUT, "/fx-rates/source", Some(json!({"url": url})));
        let fetch = || app.api(Method::POST, "/fx-rates/fetch", None);
        assert_eq!(fetch().await.expect(422)["fields"][0]["field"], "rates_url");
        for wrong in ["ftp://x/", "x", "http://"] {
            assert_eq!(put(wrong.to_owned()).await.status, 422, "{wrong}");
        }
        let bank = Bank::open();
        put(bank.url()).await.expect(200);
        for (document, why) in [
            ("", "No rate is in it"),
            ("<html>", ""),
            ("EUR,2026-11-20,x", "Row 1 of the document"),
            ("\u{fffd}\u{0}\u{1}", ""),
        ] {
            bank.answer(document);
            let refused = fetch().await.expect(422).to_string();
            assert!(refused.contains(why), "{document:?}: {refused}");
            let stand = app.api(Method::GET, "/fx-rates/source", None).await.expect(200);
            assert!(stand["error"].is_string() && stand["fetched_at"].is_null(), "{stand}");
        }
        bank.answer("<Cube time='2026-11-20'><Cube currency='USD' rate='1.25'/></Cube>");
        assert_eq!(fetch().await.expect(200), json!({"rates": 1}));
        bank.answer("GBP,2026-11-20,1.3\n");
        assert_eq!(fetch().await.expect(200), json!({"rates": 1}));
        let stand = app.api(Method::GET, "/fx-rates/source", None).await.expect(200);
        assert!(stand["error"].is_null() && stand["fetched_at"].is_string(), "{stand}");
        assert_eq!(app.number("select count(*) from fx_rates where source in ('ecb', 'fetched')"), 2);
        let person = Person::enter(app).await;
        assert!(person.page("/settings/rates").await.contains(&bank.url()));
        let refused = person.send("/settings/rates/fetch", "rates_url=http%3A%2F%2F127.0.0.1%3A1%2F").await;
        assert!(refused.status == 422 && refused.text.contains("No connection"), "{}", refused.text);
        let off = person.send("/settings/rates/fetch", "rates_url=").await;
        assert_eq!(off.status, 303);
        assert_eq!(app.api(Method::GET, "/fx-rates/source", None).await.expect(200)["url"], "");
    }
}

/// A host on loopback that answers every request with the document it was given last.
struct Bank {
    port: u16,
    document: std::sync::Arc<std::sync::Mutex<String>>,
}

impl Bank {
    fn open() -> Self {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let document = std::sync::Arc::<std::sync::Mutex<String>>::default();
        let told = std::sync::Arc::clone(&document);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let body = told.lock().unwrap().clone();
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        Self { port, document }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/rates", self.port)
    }

    fn answer(&self, document: &str) {
        *self.document.lock().unwrap() = document.to_owned();
    }
}
