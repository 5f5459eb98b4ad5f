//! What pages report by pixel and script: without money and pending, until a postback confirms it, and never more than that.

use crate::app::{Answer, Campaign, Click, TestApp, send};
use crate::pages::Person;
use crate::postbacks::{standing, stored_as};
use clickledger::domain::origin::Origin;
use clickledger::domain::status::Status;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A campaign to an advertiser whose pixel is on.
async fn with_pixel(app: &TestApp, advertiser: Value, offer: Value) -> Campaign {
    let mut fields = json!({"pixel": true});
    fields.as_object_mut().unwrap().extend(advertiser.as_object().unwrap().clone());
    let advertiser = app.advertiser(fields).await;
    assert_eq!(advertiser["pixel"], true);
    let offer = app.offer(&advertiser, offer).await;
    app.campaign_to(&advertiser, &offer, json!({})).await
}

/// The script's call, as a page of another site sends it.
async fn convert(app: &TestApp, body: impl Into<reqwest::Body>) -> Answer {
    let request = app.request(Method::POST, "/t/any/convert").header("origin", "https://shop.example");
    send(request.header("content-type", "text/plain;charset=UTF-8").body(body)).await
}

async fn report(app: &TestApp, click: &Click, fields: Value) -> Answer {
    let mut said = json!({"click_id": click.id});
    said.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    convert(app, said.to_string()).await
}

async fn told(app: &TestApp, click: &Click) -> Value {
    let found = app.conversions(click);
    assert_eq!(found.len(), 1, "{found:?}");
    app.api(Method::GET, &format!("/conversions/{}", found[0].id), None).await.expect(200)
}

const FIGURES: [&str; 7] =
    ["leads", "pending", "approved", "revenue", "pending_revenue", "payout", "sale_amount"];

stories! {
    async fn a_pixel_that_is_off_is_refused_and_says_so(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        assert!(!click.cookies.iter().any(|cookie| cookie.contains("cl_pixel")), "{:?}", click.cookies);
        let answer = report(app, &click, json!({"event": "sale", "txid": "o1"})).await;
        let verdict = answer.expect(200);
        assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!("pixel_off")));
        assert!(verdict["message"].as_str().unwrap().contains("switch it on"), "{verdict}");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert_eq!(app.get(&format!("/t.gif?cid={}", click.id)).await.status, 200);
        assert!(app.conversions(&click).is_empty());
        let kept = format!(
            "select count(*) from postbacks_received where code = 'pixel_off' and method = 'PIXEL' and advertiser_id = {}",
            campaign.advertiser
        );
        assert_eq!(app.number(&kept), 2, "the advertiser's log tells of it");
        assert_eq!(app.postback(&click, "3").await.code(), "recorded", "its postbacks go on");
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"pixel": true})).await;
        let other = app.click(&campaign).await;
        assert_eq!(report(app, &other, json!({})).await.code(), "recorded");
    }

    async fn what_a_page_reports_is_pending_and_without_money(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        let said = json!({"event": "Sale", "amount": 49.9, "txid": "o1", "payout": 9, "status": "approved", "test": 1});
        let answer = report(app, &click, said.clone()).await;
        assert_eq!((answer.json()["result"].clone(), answer.code()), (json!("accepted"), "recorded".to_owned()));
        assert_eq!(answer.json()["click_id"], click.id);
        assert_eq!(standing(app, &click), (Status::Pending, 0));
        let made = told(app, &click).await;
        for (name, value) in [
            ("origin", json!("pixel")), ("unconfirmed", json!(true)), ("txid", json!("o1")), ("event", json!("sale")),
            ("revenue", json!("0.00")), ("payout", json!("0.00")), ("sale_amount", Value::Null),
            ("revenue_reported", json!("49.90")), ("is_test", json!(false)), ("over_cap", json!(false)),
        ] {
            assert_eq!(made[name], value, "{name}");
        }
        assert_eq!(made["changes"][0]["by"], "pixel");
        for _ in 0..3 {
            let again = report(app, &click, said.clone()).await;
            assert_eq!((again.code(), &again.json()["conversion_id"]), ("duplicate".to_owned(), &made["id"]));
        }
        assert_eq!(report(app, &click, json!({})).await.code(), "duplicate", "without a transaction there is one");
        assert_eq!(app.figures(&campaign, FIGURES), ["1", "1", "0", "0.00", "0.00", "0.00", "0.00"]);
        let person = Person::enter(app).await;
        let page = person.page(&format!("/conversions/{}", made["id"])).await;
        assert!(page.contains("no postback has confirmed it yet") && page.contains("unconfirmed"), "{page}");
        let story = person.page(&format!("/clicks/{}", click.id)).await;
        assert!(story.contains("Pixel of Net"), "{story}");
        let number = app.number("select min(id) from postbacks_received");
        assert!(person.page(&format!("/postbacks/{number}")).await.contains("PIXEL …"));
        let snippets = person.page(&format!("/advertisers/{}", campaign.advertiser)).await;
        assert!(snippets.contains("/t.gif?cid=") && snippets.contains("data-known"), "{snippets}");
    }

    async fn a_postback_confirms_a_report_once_with_its_money(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        report(app, &click, json!({"amount": "49.90", "txid": "o1"})).await;
        let first = app.say(&click, "payout=5&txid=n77&status=approved&sale_amount=40").await;
        assert_eq!((first.json()["result"].clone(), first.code()), (json!("accepted"), "updated".to_owned()));
        assert_eq!(standing(app, &click), (Status::Approved, 5_000_000));
        let made = told(app, &click).await;
        for (name, value) in [
            ("id", first.json()["conversion_id"].clone()), ("origin", json!("pixel")), ("unconfirmed", json!(false)),
            ("txid", json!("n77")), ("status", json!("approved")), ("revenue", json!("5.00")), ("sale_amount", json!("40.00")),
        ] {
            assert_eq!(made[name], value, "{name}");
        }
        let change = &made["changes"][1];
        assert_eq!((&change["by"], &change["from"]["status"], &change["to"]["status"]), (&json!("postback"), &json!("pending"), &json!("approved")));
        let why = change["why"].as_str().unwrap();
        assert!(why.contains("pixel") && why.contains("o1") && why.contains("49.90"), "{why}");
        assert_eq!(app.say(&click, "payout=5&txid=n77&status=approved&sale_amount=40").await.code(), "duplicate");
        assert_eq!(app.figures(&campaign, FIGURES), ["1", "0", "1", "5.00", "0.00", "0.00", "40.00"]);
        // A page never moves what a postback made.
        for again in [json!({"txid": "n77", "amount": 1}), json!({})] {
            assert_eq!(report(app, &click, again).await.code(), "duplicate");
        }
        assert_eq!(app.say(&click, "txid=n77&status=refund").await.code(), "updated");
        assert_eq!(report(app, &click, json!({"txid": "n77"})).await.code(), "duplicate");
        assert_eq!(standing(app, &click), (Status::Reversed, 5_000_000));
    }

    async fn in_whatever_order_postbacks_count_as_if_alone(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let plain = app.campaign(json!({})).await;
        let tales: [&[&str]; 8] = [
            &["pixel txid=a", "payout=5&txid=a"],
            &["payout=5&txid=a", "pixel txid=a"],
            &["pixel", "payout=5", "pixel", "payout=5&txid=b", "pixel txid=b"],
            &["pixel txid=a", "payout=5", "payout=5&txid=b&status=approved"],
            &["pixel txid=a", "pixel txid=b", "payout=5&txid=b", "payout=6&txid=a", "payout=7&txid=c"],
            &["pixel txid=a", "pixel", "payout=5&status=pending", "payout=6&status=approved"],
            &["pixel txid=a", "payout=5&txid=x&status=rejected", "pixel txid=x", "txid=x&status=approved"],
            &["pixel event=lead", "pixel", "event=lead&payout=1", "payout=5&status=refund"],
        ];
        for tale in tales {
            let (click, alone) = (app.click(&campaign).await, app.click(&plain).await);
            for said in tale {
                match said.strip_prefix("pixel") {
                    Some(rest) => {
                        let fields: Value = rest.trim().split('&').filter_map(|pair| pair.split_once('='))
                            .map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into();
                        let answer = report(app, &click, fields).await;
                        assert!(["accepted", "duplicate"].contains(&answer.json()["result"].as_str().unwrap()), "{answer:?}");
                    }
                    None => {
                        let answer = app.say(&click, said).await;
                        assert_eq!(answer.json()["result"], app.say(&alone, said).await.json()["result"], "{tale:?}");
                    }
                }
            }
            let counted = |click: &Click| {
                let mut found: Vec<_> = app.conversions(click).into_iter().map(|made| made.value).filter(|made| !made.is_unconfirmed)
                    .map(|made| (made.event, made.txid, made.status, made.revenue_micros, made.place, made.sale_amount_micros)).collect();
                found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
                found
            };
            assert_eq!(counted(&click), counted(&alone), "{tale:?}");
        }
        let [ours, theirs] = [app.figures(&campaign, ["approved", "revenue", "reversed"]), app.figures(&plain, ["approved", "revenue", "reversed"])];
        assert_eq!(ours, theirs);
    }

    async fn a_crowd_of_reports_and_postbacks_makes_one_conversion(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        for txid in ["t", ""] {
            let click = app.click(&campaign).await;
            let start = std::sync::Arc::new(tokio::sync::Barrier::new(32));
            let sending = (0..32).map(|n| {
                let (start, click) = (start.clone(), &click);
                async move {
                    start.wait().await;
                    if n % 4 == 3 {
                        app.say(click, &format!("payout=5&txid={txid}")).await
                    } else {
                        report(app, click, json!({"txid": txid})).await
                    }
                }
            });
            let answers = futures_util::future::join_all(sending).await;
            let of = |code: &str| answers.iter().filter(|answer| answer.code() == code).count();
            assert_eq!(of("recorded") + of("updated") + of("duplicate"), 32, "{answers:?}");
            assert_eq!((of("recorded"), of("updated") <= 1), (1, true), "{answers:?}");
            assert_eq!(standing(app, &click), (Status::Approved, 5_000_000));
            assert!(!app.conversions(&click)[0].value.is_unconfirmed);
        }
        assert_eq!(app.figures(&campaign, ["leads", "approved", "revenue"]), ["2", "2", "10.00"]);
    }

    async fn copies_of_one_report_count_once(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        let sending = (0..32).map(|_| report(app, &click, json!({"txid": "t", "amount": 5})));
        let answers = futures_util::future::join_all(sending).await;
        assert_eq!(answers.iter().filter(|answer| answer.code() == "recorded").count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.code() == "duplicate").count(), 31);
        assert_eq!((app.conversions(&click).len(), app.figures(&campaign, ["leads"])), (1, ["1".to_owned()]));
    }

    async fn a_cap_is_not_touched_until_a_postback_confirms(app: TestApp) {
        let caps = json!([{"count": 1, "of": "conversions", "per": "total"}, {"amount": "4.00", "of": "revenue", "per": "total"}]);
        let campaign = with_pixel(app, json!({}), json!({"caps": caps})).await;
        let (a, b, c) = (app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await);
        for click in [&a, &b] {
            report(app, click, json!({"txid": "o"})).await;
            assert_eq!(app.conversions(click)[0].value.place, None);
        }
        assert_eq!(app.number("select coalesce(sum(value), 0) from cap_uses"), 0);
        assert_eq!(app.click(&campaign).await.id.len(), 26, "visitors still come here");
        assert_eq!(app.say(&b, "payout=3&txid=o").await.code(), "updated");
        assert_eq!(app.number("select value from cap_uses where cap like 'conversions%'"), 1);
        assert_eq!(app.number("select value from cap_uses where cap like 'revenue%'"), 3_000_000);
        assert!(!told(app, &b).await["over_cap"].as_bool().unwrap());
        assert_eq!(app.say(&a, "payout=3&txid=o").await.code(), "updated");
        assert!(told(app, &a).await["over_cap"].as_bool().unwrap(), "the second one is over it");
        assert_eq!(report(app, &c, json!({})).await.code(), "recorded");
        assert_eq!(app.number("select value from cap_uses where cap like 'conversions%'"), 2);
    }

    async fn one_click_reports_so_often_and_no_more(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        for n in 0..20 {
            assert_eq!(report(app, &click, json!({"txid": format!("o{n}")})).await.code(), "recorded");
        }
        let stored = "select count(*) from postbacks_received";
        let before = app.number(stored);
        let over = report(app, &click, json!({"txid": "o20"})).await;
        assert_eq!((over.status, over.code()), (429, "rate_limited".to_owned()));
        assert_eq!(over.headers["retry-after"], "60");
        assert_eq!((app.conversions(&click).len(), app.number(stored)), (20, before));
        assert_eq!(report(app, &click, json!({"txid": "o7"})).await.code(), "duplicate");
        assert_eq!(app.say(&click, "payout=5&txid=n1").await.code(), "updated", "a postback is not kept out");
        assert_eq!(app.figures(&campaign, ["leads", "pending", "approved", "revenue"]), ["20", "19", "1", "5.00"]);
    }

    async fn one_address_reports_so_often_and_no_more(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        // Two full minutes may begin within it.
        let mut limited = 0;
        for _ in 0..140 {
            let answer = convert(app, json!({"click_id": "01jcz7m3v8f4n9q2r5t6w7x8y9"}).to_string()).await;
            match answer.status {
                200 => assert_eq!(answer.code(), "parked_unknown_click"),
                429 => limited += 1,
                _ => panic!("{answer:?}"),
            }
        }
        assert!(limited >= 20, "{limited}");
        assert_eq!(stored_as(app, "parked_unknown_click") + limited, 140, "what is over is not stored");
        let image = app.get(&format!("/t.gif?cid={}", click.id)).await;
        assert_eq!(image.status, 200, "it is an image all the same");
        assert_eq!(app.postback(&click, "5").await.code(), "recorded", "postbacks are not kept out");
    }
}

stories! {
    async fn an_image_reports_too(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        for (address, txid) in [("/t.gif", "a"), ("/pixel.gif", "b")] {
            let click = app.click(&campaign).await;
            let path = format!("{address}?cid={}&event=sale&txid={txid}&amount=5", click.id);
            assert_eq!(send(app.request(Method::HEAD, &path)).await.status, 405, "a look records nothing");
            assert!(app.conversions(&click).is_empty());
            let answer = app.get(&path).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"));
            assert_eq!(answer.header("cache-control"), "no-store");
            let made = &app.conversions(&click)[0].value;
            assert_eq!((made.txid.as_str(), made.origin, made.is_unconfirmed), (txid, Origin::Pixel, true));
            assert_eq!(made.revenue_reported_micros, Some(5_000_000));
        }
        for query in ["", "cid=", "cid={click_id}", "cid=%ff%00", "event=%27%22%3Cscript%3E&txid=%00", "&&&=;"] {
            let answer = app.get(&format!("/t.gif?{query}")).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/gif"), "{query}");
        }
        assert_eq!((stored_as(app, "missing_click_id"), stored_as(app, "unresolved_macro")), (4, 1));
        assert_eq!(send(app.request(Method::POST, "/t.gif")).await.status, 405);
    }

    async fn the_image_finds_its_click_by_cookie(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        let cookie = click.cookies.iter().find_map(|cookie| cookie.split(';').find(|part| part.starts_with("cl_pixel="))).unwrap();
        let other = app.click(&campaign).await;
        let ask = |path: String| send(app.request(Method::GET, &path).header("cookie", format!("a=b; {cookie}")));
        assert_eq!(ask("/t.gif?event=sale&txid=t1".to_owned()).await.status, 200);
        assert_eq!(app.conversions(&click)[0].value.txid, "t1");
        ask(format!("/t.gif?cid={}&txid=t2", other.id)).await;
        assert_eq!(app.conversions(&other)[0].value.txid, "t2", "what the page names comes first");
        assert_eq!(app.conversions(&click).len(), 1);
    }

    async fn a_landers_button_names_the_click_to_the_image(app: TestApp) {
        let advertiser = app.advertiser(json!({"pixel": true})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let lander = app.post("/landers", json!({"name": "L", "url": "https://land.example/?cid={click_id}"})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}], "offers": [{"offer_id": offer["id"]}]}]);
        let campaign = app.campaign_to(&advertiser, &offer, json!({"paths": paths})).await;
        let answer = app.get(&format!("/c/{}", campaign.slug)).await;
        assert!(!answer.cookies.iter().any(|cookie| cookie.starts_with("cl_pixel=")), "{answer:?}");
        let id = answer.location().split("cid=").nth(1).unwrap();
        let pressed = app.get(&format!("/go/1?cid={id}")).await;
        let wanted = format!("cl_pixel={id}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
        assert_eq!(pressed.header("set-cookie"), wanted);
    }

    async fn what_is_no_report_is_told_so(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        for (body, status, code) in [
            (String::new(), 200, "missing_click_id"),
            ("x".to_owned(), 400, "unreadable"),
            ("7".to_owned(), 400, "unreadable"),
            ("[]".to_owned(), 400, "unreadable"),
            (json!({"event": "sale"}).to_string(), 200, "missing_click_id"),
            (json!({"click_id": null}).to_string(), 200, "missing_click_id"),
            (json!({"click_id": {"a": 1}}).to_string(), 200, "parked_foreign_click"),
            (json!({"click_id": "CLICK-ID"}).to_string(), 200, "unresolved_macro"),
            (json!({"click_id": click.id, "txid": "t".repeat(300)}).to_string(), 400, "unreadable"),
            (json!({"click_id": click.id, "event": "refund"}).to_string(), 200, "transition_refused"),
            (json!({"click_id": click.id, "txid": "t".repeat(40_000)}).to_string(), 413, "unreadable"),
            (json!({"click_id": click.id, "amount": "much", "event": "\u{0}\u{7}<b>"}).to_string(), 200, "recorded"),
            (json!({"click_id": click.id, "amount": -5, "txid": "x"}).to_string(), 200, "recorded"),
            (json!({"click_id": click.id.to_uppercase(), "amount": 1e30, "txid": "y"}).to_string(), 200, "recorded"),
        ] {
            let answer = convert(app, body.clone()).await;
            assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{body:.80} {answer:?}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "the page must be able to read it");
            assert!(!answer.json()["message"].as_str().unwrap().is_empty());
        }
        assert_eq!(app.get("/t/any/convert").await.status, 405);
        let asked = send(app.request(Method::OPTIONS, "/t/any/convert")).await;
        assert_eq!((asked.status, asked.header("access-control-allow-methods")), (204, "POST"));
    }

    async fn a_report_waits_for_its_click(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({})).await;
        let known = app.click(&campaign).await;
        let record = app.like(&known, Duration::from_secs(60)).await;
        let click = Click { id: record.id.to_string(), ..known.clone() };
        assert_eq!(report(app, &click, json!({"txid": "t"})).await.code(), "parked_unknown_click");
        app.bring_click(&record);
        app.until("the report is recorded", || app.conversions(&click).len() == 1).await;
        assert_eq!(standing(app, &click), (Status::Pending, 0));
        let whose = format!("select count(*) from postbacks_received where code = 'recorded' and advertiser_id = {}", campaign.advertiser);
        assert_eq!(app.number(&whose), 1);
        let old = app.like(&known, Duration::from_secs(31 * 86_400)).await;
        app.bring_click(&old);
        let late = Click { id: old.id.to_string(), ..known };
        assert_eq!(report(app, &late, json!({})).await.code(), "parked_outside_window");
    }

    async fn an_advertisers_map_names_a_pages_event(app: TestApp) {
        let campaign = with_pixel(app, json!({"event_map": {"purchase": {"event": "sale", "status": "approved"}}}), json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(report(app, &click, json!({"event": "Purchase"})).await.code(), "recorded");
        assert_eq!(standing(app, &click), (Status::Pending, 0));
        assert_eq!(app.say(&click, "event=purchase&payout=5").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 5_000_000));
    }

    async fn what_the_page_knew_of_money_never_counts(app: TestApp) {
        let campaign = with_pixel(app, json!({}), json!({"revenue": null, "revenue_percent": "10"})).await;
        let click = app.click(&campaign).await;
        report(app, &click, json!({"txid": "o1", "amount": "999999"})).await;
        let answer = app.say(&click, "txid=o1").await;
        assert_eq!(answer.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 0), "a share of nothing that the advertiser sent");
        // In a currency without a rate it waits, and the report stays what it was.
        let other = app.click(&campaign).await;
        report(app, &other, json!({"txid": "o2"})).await;
        assert_eq!(app.say(&other, "txid=o2&payout=5&currency=EUR").await.code(), "parked_no_rate");
        assert!(app.conversions(&other)[0].value.is_unconfirmed);
    }
}
