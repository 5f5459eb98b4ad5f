//! A network's own report beside our conversions: exactly what differs is found, and repaired through the ledger.

use crate::app::{Answer, Campaign, Click, TestApp, send};
use crate::pages::Person;
use chrono::{NaiveDate, TimeDelta, TimeZone as _};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ZONE: chrono_tz::Tz = chrono_tz::America::New_York;
const LISTS: [&str; 7] =
    ["only_ours", "only_theirs", "status_differs", "amount_differs", "day_differs", "repeated", "unreadable"];

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).unwrap()
    }
}

/// A row as both sides begin with it.
#[derive(Clone)]
struct Row {
    click: String,
    txid: String,
    cents: usize,
    status: &'static str,
    day: i64,
    minute: usize,
}

impl Row {
    fn csv(&self, first: NaiveDate) -> String {
        let day = first + TimeDelta::days(self.day);
        format!(
            "{} {:02}:{:02},{},{},{}.{:02},{}\n",
            day,
            self.minute / 60,
            self.minute % 60,
            self.click,
            self.txid,
            self.cents / 100,
            self.cents % 100,
            self.status
        )
    }
}

const HEADER: &str = "Date,Sub ID,Order ID,Commission,Status\n";

fn file(rows: &[Row], first: NaiveDate) -> String {
    let rows: String = rows.iter().map(|row| row.csv(first)).collect();
    format!("{HEADER}{rows}")
}

async fn ask(app: &TestApp, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = app.request(Method::POST, &format!("/api/v1{path}")).bearer_auth(&app.write_token);
    send(request.header("content-type", kind).body(body.into())).await
}

/// The address of a report of three days.
fn address(campaign: &Campaign, first: NaiveDate) -> String {
    let last = first + TimeDelta::days(2);
    format!(
        "/reconciliations?advertiser_id={}&from={first}&to={last}&time_zone=America/New_York",
        campaign.advertiser
    )
}

async fn reconcile(app: &TestApp, campaign: &Campaign, first: NaiveDate, file: &str) -> Value {
    ask(app, &address(campaign, first), "text/csv", file).await.expect(201)
}

async fn repair(app: &TestApp, made: &Value, body: Value) -> Value {
    let path = format!("/reconciliations/{}/repair", made["id"]);
    app.api(Method::POST, &path, Some(body)).await.expect(200)
}

/// How many rows each list has.
fn counts(made: &Value) -> BTreeMap<&'static str, i64> {
    LISTS.iter().map(|list| (*list, made["lists"][*list]["count"].as_i64().unwrap())).collect()
}

/// The transactions of a list.
fn txids(made: &Value, list: &str) -> BTreeSet<String> {
    let rows = made["lists"][list]["rows"].as_array().unwrap();
    let txid = |row: &Value| {
        let side = if row["theirs"].is_null() { &row["ours"] } else { &row["theirs"] };
        side["txid"].as_str().unwrap().to_owned()
    };
    rows.iter().map(txid).collect()
}

/// Clicks of six days ago, and the first of the three days that are compared.
async fn old_clicks(app: &TestApp, campaign: &Campaign, many: usize) -> (Vec<String>, NaiveDate) {
    let live: Click = app.click(campaign).await;
    app.stored(&live).await;
    let mut ids = Vec::new();
    for _ in 0..many {
        let record = app.like(&live, Duration::from_secs(6 * 24 * 3_600)).await;
        app.bring_click(&record);
        ids.push(record.id.to_string());
    }
    let today = ZONE.from_utc_datetime(&chrono::Utc::now().naive_utc()).date_naive();
    (ids, today - TimeDelta::days(4))
}

async fn import(app: &TestApp, campaign: &Campaign, file: String, expected: i64) {
    let path =
        format!("/conversions/import?advertiser_id={}&time_zone=America/New_York", campaign.advertiser);
    let ran = ask(app, &path, "text/csv", file).await.expect(200);
    assert_eq!(ran["accepted"], expected, "{ran}");
}

/// Their thousand rows, with twelve differences of each kind to ours.
struct Planted {
    ours: Vec<Row>,
    theirs: Vec<Row>,
    expected: BTreeMap<&'static str, BTreeSet<String>>,
}

fn plant(clicks: &[String]) -> Planted {
    let mut chance = Chance(42);
    let mut ours: Vec<Row> = (0..1_000)
        .map(|number| Row {
            click: clicks[chance.below(clicks.len() as u64)].clone(),
            txid: format!("t{number}"),
            cents: 100 + chance.below(900),
            status: ["approved", "approved", "pending"][chance.below(3)],
            day: i64::try_from(chance.below(3)).unwrap(),
            minute: chance.below(24 * 60),
        })
        .collect();
    let mut theirs = Vec::new();
    let mut expected: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let mut note = |list: &'static str, row: &Row| expected.entry(list).or_default().insert(row.txid.clone());
    // A stride that shares no factor with a thousand: the planted ones lie everywhere.
    let kind_of = |number: usize| (number * 617 % 1_000) / 12;
    for (number, mine) in ours.iter_mut().enumerate() {
        let mut row = mine.clone();
        match kind_of(number) {
            0 => {
                note("only_ours", &row);
                continue;
            }
            1 => {
                note("status_differs", &row);
                row.status = if row.status == "pending" { "approved" } else { "trash" };
            }
            2 => {
                note("amount_differs", &row);
                row.cents += 1;
            }
            3 => {
                note("day_differs", &row);
                // A third of ours was the day before the period, and some of theirs are of the day after.
                if number % 3 == 0 {
                    (mine.day, row.day) = (-1, 0);
                } else {
                    row.day += 1;
                }
            }
            4 => {
                let stray = number % 4 == 0;
                let click = if stray { "01jcz7m3v8f4n9q2r5t6w7x8y9".to_owned() } else { row.click.clone() };
                let more = Row { txid: format!("n{number}"), click, ..row.clone() };
                note("only_theirs", &more);
                theirs.push(more);
            }
            _ => {}
        }
        theirs.push(row);
    }
    Planted { ours, theirs, expected }
}

stories! {
    async fn sixty_planted_differences_are_found_and_repaired(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (clicks, first) = old_clicks(app, &campaign, 40).await;
        let planted = plant(&clicks);
        import(app, &campaign, file(&planted.ours, first), 1_000).await;
        let report = file(&planted.theirs, first);
        assert_eq!(planted.theirs.len(), 1_000);
        let made = reconcile(app, &campaign, first, &report).await;
        for (list, expected) in &planted.expected {
            assert_eq!((expected.len(), &txids(&made, list)), (12, expected), "{list}");
        }
        let found = counts(&made);
        assert_eq!(found.values().sum::<i64>(), 60, "and nothing else: {found:?}");
        assert_eq!((&made["rows"], &made["matched"]), (&json!(1_000), &json!(988)));
        let total = &made["totals"][0];
        let cents = |rows: &[Row], counts: &dyn Fn(&Row) -> bool| -> usize {
            rows.iter().filter(|row| counts(row)).map(|row| row.cents).sum()
        };
        let ours = cents(&planted.ours, &|row| (0..3).contains(&row.day));
        let theirs = cents(&planted.theirs, &|row| (0..3).contains(&row.day) && row.status != "trash");
        let amount = |cents: usize| format!("{}.{:02}", cents / 100, cents % 100);
        assert_eq!((&total["our_amount"], &total["their_amount"]), (&json!(amount(ours)), &json!(amount(theirs))));
        let by_day: i64 = made["days"].as_array().unwrap().iter().map(|day| day["ours"].as_i64().unwrap()).sum();
        assert_eq!(total["ours"], by_day);

        let path = format!("/reconciliations/{}/repair", made["id"]);
        let refused = app.api(Method::POST, &path, Some(json!({"list": "only_ours"}))).await;
        assert_eq!(refused.expect(422)["fields"][0]["field"], "status");
        let strays = planted.theirs.iter().filter(|row| row.txid.starts_with('n') && row.click == "01jcz7m3v8f4n9q2r5t6w7x8y9").count();
        let strays = i64::try_from(strays).unwrap();
        assert!((1..12).contains(&strays), "some can be repaired and some not: {strays}");
        for (body, repaired) in [
            (json!({"list": "only_theirs"}), 12 - strays),
            (json!({"list": "status_differs"}), 12),
            (json!({"list": "amount_differs"}), 12),
            (json!({"list": "day_differs"}), 0),
            (json!({"list": "only_ours", "status": "rejected", "why": "their list of the month"}), 12),
        ] {
            let done = repair(app, &made, body.clone()).await;
            assert_eq!((&done["repaired"], done["rows"].as_array().unwrap().len()), (&json!(repaired), 12), "{body}: {done}");
        }
        let written = || {
            let changes = app.number("select count(*) from conversion_changes");
            (changes, app.number("select count(*) from postbacks_received"), app.number("select count(*) from conversions"))
        };
        let before = written();
        let by_hand = "select count(*) from conversion_changes where cause = 'person' and why like 'reconciliation %'";
        assert_eq!(app.number(by_hand), 36);
        let again = repair(app, &made, json!({"list": "only_theirs"})).await;
        assert_eq!((&again["repaired"], again["rows"].as_array().unwrap().len()), (&json!(0), usize::try_from(strays).unwrap()));
        assert!(again["rows"][0]["message"].as_str().unwrap().contains("click"), "{again}");
        let one = &made["lists"]["amount_differs"]["rows"][0]["id"];
        repair(app, &made, json!({"rows": [one]})).await;
        assert_eq!(written(), before, "twice changes nothing more");

        let opened = app.api(Method::GET, &format!("/reconciliations/{}", made["id"]), None).await.expect(200);
        assert_eq!((counts(&opened), &opened["totals"]), (counts(&made), &made["totals"]), "it shows what it was");
        assert_eq!(opened["lists"]["amount_differs"]["repaired"], 12);
        let second = reconcile(app, &campaign, first, &report).await;
        let left = counts(&second);
        let expected = [("only_ours", 0), ("only_theirs", strays), ("status_differs", 0), ("amount_differs", 0), ("day_differs", 12), ("repeated", 0), ("unreadable", 0)];
        assert_eq!(left, BTreeMap::from(expected));
        let all = app.api(Method::GET, "/reconciliations", None).await.expect(200);
        assert_eq!((&all["total"], &all["items"][0]["id"]), (&json!(2), &second["id"]));
    }

    async fn a_report_without_click_ids_is_read_as_it_is(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (clicks, first) = old_clicks(app, &campaign, 3).await;
        let row = |at: usize, txid: &str| Row { click: clicks[at].clone(), txid: txid.to_owned(), cents: 500, status: "approved", day: 1, minute: 600 };
        import(app, &campaign, file(&[row(0, "a"), row(1, "b"), row(2, "c")], first), 3).await;
        let theirs = "order_id;commission;currency;status\na;5,00;EUR;perhaps\na;6;USD;approved\nb;x;USD;approved\n;1;USD;approved\nnew;1;USD;approved\n";
        let made = reconcile(app, &campaign, first, theirs).await;
        let expected = [("only_ours", 1), ("only_theirs", 1), ("status_differs", 1), ("amount_differs", 1), ("day_differs", 0), ("repeated", 1), ("unreadable", 2)];
        assert_eq!(counts(&made), BTreeMap::from(expected), "{made}");
        let note = |list: &str| made["lists"][list]["rows"][0]["note"].as_str().unwrap().to_owned();
        assert!(note("status_differs").contains("`perhaps` is no status") && note("amount_differs").contains("EUR"));
        assert!(note("repeated").contains("line 2") && note("unreadable").contains("`x` is not an amount"));
        assert!(made["totals"].as_array().unwrap().iter().any(|total| total["difference_ratio"].is_null()), "no share of nothing");
        for list in ["only_theirs", "status_differs", "amount_differs", "repeated", "unreadable", "day_differs"] {
            let done = repair(app, &made, json!({"list": list})).await;
            assert_eq!(done["repaired"], 0, "{list}: {done}");
            let rows = done["rows"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["message"].as_str().unwrap().len() > 10), "{done}");
        }
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"status_map": {"perhaps": "pending"}})).await;
        assert_eq!(repair(app, &made, json!({"list": "status_differs"})).await["repaired"], 1, "the word has a meaning now");
        let only_ours = &made["lists"]["only_ours"]["rows"][0];
        app.patch(&format!("/conversions/{}", only_ours["ours"]["conversion_id"]), json!({"status": "pending", "why": "a mail"})).await;
        let late = repair(app, &made, json!({"list": "only_ours", "status": "reversed", "why": "so"})).await;
        assert!(late["rows"][0]["message"].as_str().unwrap().contains("changed since"), "{late}");
        assert_eq!(late["repaired"], 0);
    }

    async fn hostile_reports_are_refused_with_a_sentence(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        let place = address(&campaign, first);
        let many = format!("txid\n{}", "t\n".repeat(60_000));
        let files: Vec<(Vec<u8>, &str)> = vec![
            (Vec::new(), "empty"),
            ((0..=255).collect(), "no text"),
            (b"PK\x03\x04rest".to_vec(), "workbook"),
            (b"txid,status\n".to_vec(), "no row"),
            (b"status,amount\napproved,1\n".to_vec(), "column of the transaction"),
            (b"txid,status\na,\"approved\nb,x\n".to_vec(), "never closed"),
            (many.into_bytes(), "more than 50000 rows"),
            (b"\xff\xfea\0\0".to_vec(), "UTF-16"),
        ];
        for (file, said) in files {
            let refused = ask(app, &place, "text/csv", file).await.expect(422);
            let message = refused["fields"][0]["message"].as_str().unwrap();
            assert!(message.contains(said), "{said}: {message}");
        }
        for (query, field) in [
            ("from=soon&to=2026-11-03", "from"),
            ("from=2026-11-03&to=2026-11-01", "to"),
            ("from=2020-11-03&to=2026-11-01", "to"),
            ("from=2026-11-01", "to"),
            ("from=2026-11-01&to=2026-11-03&time_zone=Mars", "time_zone"),
            ("from=2026-11-01&to=2026-11-03&day_order=x", "day_order"),
            ("from=2026-11-01&to=2026-11-03&colour=1", "colour"),
            ("from=2026-11-01&to=2026-11-03&revenue=gone", "file"),
            ("from=2026-11-01&to=2026-11-03&advertiser_id=999", "advertiser_id"),
        ] {
            let path = format!("/reconciliations?advertiser_id={}&{query}", campaign.advertiser);
            let refused = ask(app, &path, "text/csv", "txid,amount\n1,2\n").await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field, "{query}: {refused}");
        }
        let odd = format!("txid,click_id,status,amount\n=cmd(),{},'; drop table,1\n\0,{{click_id}},approved,-5\n{},x,approved,1\n", "y".repeat(300), "t".repeat(300));
        let made = ask(app, &place, "text/csv", odd).await.expect(201);
        let found = counts(&made);
        assert_eq!((found["only_theirs"], found["unreadable"]), (2, 1), "{made}");
        let done = repair(app, &made, json!({"list": "only_theirs"})).await;
        assert_eq!(done["repaired"], 0, "{done}");
        for body in [json!({}), json!({"rows": []}), json!({"rows": ["x"]}), json!({"list": "all"}), json!({"list": "only_ours", "status": "approved"}), json!({"rows": [1], "colour": 1})] {
            let path = format!("/reconciliations/{}/repair", made["id"]);
            assert_eq!(app.api(Method::POST, &path, Some(body.clone())).await.status, 422, "{body}");
        }
        assert_eq!(app.api(Method::POST, "/reconciliations/99/repair", Some(json!({"list": "only_ours"}))).await.status, 404);
        assert_eq!(app.api(Method::GET, "/reconciliations/99", None).await.status, 404);
        assert_eq!(ask(app, &place, "application/json", "{}").await.status, 415);
        assert_eq!(ask(app, &place, "text/csv", vec![b'a'; 32 * 1024 * 1024 + 1]).await.status, 413);
        for (kind, body) in [("multipart/form-data", ""), ("multipart/form-data; boundary=x", "--x\r\nbroken")] {
            assert_eq!(ask(app, &place, kind, body).await.status, 400, "{kind}");
        }
        let form = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"may.csv\"\r\n\r\ntxid,amount\na,1\n\r\n--x--\r\n";
        let made = ask(app, &place, "multipart/form-data; boundary=x", form).await.expect(201);
        assert_eq!((&made["file_name"], &made["rows"]), (&json!("may.csv"), &json!(1)));
    }

    async fn a_person_goes_from_the_file_to_the_repair(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (clicks, first) = old_clicks(app, &campaign, 3).await;
        let row = |at: usize, txid: &str, cents| Row { click: clicks[at].clone(), txid: txid.to_owned(), cents, status: "approved", day: 1, minute: 600 };
        import(app, &campaign, file(&[row(0, "a", 500), row(1, "b", 500)], first), 2).await;
        let report = file(&[row(0, "a", 600), row(2, "<b>new", 300)], first);
        let (advertiser, last) = (campaign.advertiser.to_string(), (first + TimeDelta::days(2)).to_string());
        let from = first.to_string();
        let person = Person::enter(app).await;
        assert!(person.page("/reconcile").await.contains("Nothing compared yet"));
        let fields = |advertiser, from, kind, text| [("advertiser_id", advertiser), ("from", from), ("to", last.as_str()), ("time_zone", "America/New_York"), (kind, text)];
        for (advertiser, from, text, said) in [
            ("", from.as_str(), report.as_str(), "Choose the advertiser"),
            (advertiser.as_str(), "2100-12-31", report.as_str(), "ends before it starts"),
            (advertiser.as_str(), from.as_str(), "", "The file is empty"),
            (advertiser.as_str(), from.as_str(), "PK\u{3}\u{4}", "workbook"),
        ] {
            let refused = person.upload("/reconcile", &fields(advertiser, from, "pasted", text)).await;
            assert_eq!(refused.status, 422, "{said}");
            assert!(refused.text.contains(said), "{said}: {}", refused.text);
        }
        let kept = person.upload("/reconcile", &fields(&advertiser, &from, "file", &report)).await;
        assert_eq!(kept.status, 303, "{kept:?}");
        let columns = kept.location().to_owned();
        let text = person.page(&columns).await;
        assert!(text.contains("&#60;b&#62;new") && !text.contains("<b>new"), "their text is escaped: {text}");
        assert!(text.contains("<option value=\"Order ID\" selected>"), "guessed: {text}");
        let id = columns.split('/').nth(2).unwrap().to_owned();
        assert_eq!(person.ask(Method::GET, &format!("/reconcile/{id}")).await.status, 404, "not compared yet");
        let twice = person.send(&columns, "txid=Order+ID&click_id=Order+ID").await;
        assert!(twice.status == 422 && twice.text.contains("already: choose another"), "{twice:?}");
        let none = person.send(&columns, "status=Status").await;
        assert!(none.status == 422 && none.text.contains("column of the transaction"), "{none:?}");
        let chosen = "txid=Order+ID&click_id=Sub+ID&revenue=Commission&status=Status&time=Date";
        let made = person.send(&columns, chosen).await;
        assert_eq!(made.location(), format!("/reconcile/{id}"), "{made:?}");
        assert_eq!(person.send(&columns, chosen).await.status, 404, "once");
        let days = person.page(&format!("/reconcile/{id}")).await;
        assert!(days.contains("Only ours (1)") && days.contains("Only theirs (1)") && days.contains("Amount differs (1)"), "{days}");
        assert!(days.contains("All days") && days.contains("\u{2212}10.00%"), "{days}");

        let list = |list: &str| format!("/reconcile/{id}?list={list}");
        let theirs = person.page(&list("only_theirs")).await;
        assert!(theirs.contains("Repair all 1") && theirs.contains("&#60;b&#62;new"), "{theirs}");
        let csv = person.page(&format!("/reconcile/{id}/csv?list=amount_differs")).await;
        assert!(csv.starts_with("list,row,their_transaction") && csv.contains(",6.00,USD,") && csv.contains(",5.00,USD,"), "{csv}");
        let place = format!("/reconcile/{id}");
        for (form, said) in [("list=only_ours&scope=ticked", "Tick the rows"), ("list=only_ours&scope=list", "rejected or reversed"), ("list=only_ours&scope=list&status=rejected", "Write why")] {
            let refused = person.send(&place, form).await;
            assert!(refused.status == 422 && refused.text.contains(said), "{form}: {refused:?}");
        }
        for form in ["list=only_ours&scope=list&status=reversed&why=gone", "list=only_theirs&scope=list", "list=amount_differs&scope=list"] {
            let done = person.send(&place, form).await;
            assert!(done.status == 303 && done.location().contains("repaired=1&left=0"), "{form}: {done:?}");
            assert!(person.page(done.location()).await.contains("1 row is repaired."), "{form}");
        }
        assert_eq!(app.figures(&campaign, ["approved", "reversed", "revenue"]), ["2", "1", "9.00"]);
        assert!(person.page("/reconcile").await.contains("their list.csv"));
        let again = person.upload("/reconcile", &fields(&advertiser, &from, "pasted", &report)).await;
        let again = again.location().replace("/columns", "");
        let made = person.send(&format!("{again}/columns"), chosen).await;
        let text = person.page(made.location()).await;
        assert!(text.contains("Only ours (0)") && text.contains("Only theirs (0)") && text.contains("Amount differs (0)"), "{text}");
    }
}
