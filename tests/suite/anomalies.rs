//! What is unusual about conversions: held against their clicks and against each other, shown, and without any say in money.

use crate::app::{BROWSER, Campaign, Click, PHONE, TestApp, send};
use crate::pages::Person;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The conversion of a click as the API tells it.
async fn told(app: &TestApp, click: &Click) -> Value {
    let found = app.conversions(click);
    assert_eq!(found.len(), 1, "{found:?}");
    app.api(Method::GET, &format!("/conversions/{}", found[0].id), None).await.expect(200)
}

async fn unusual(app: &TestApp, click: &Click) -> Value {
    told(app, click).await["anomalies"].clone()
}

/// A click of a phone or a computer from an address.
async fn click_from(app: &TestApp, campaign: &Campaign, address: &str, agent: &str) -> Click {
    let click = app
        .click_as(campaign, "", |request| {
            request.header("x-forwarded-for", address).header("user-agent", agent)
        })
        .await;
    app.settled().await;
    click
}

/// Nothing is too soon, so that stories about something else see that alone.
async fn in_no_hurry(app: &TestApp) {
    app.patch("/settings", json!({"anomaly_fast_seconds": 0})).await;
}

/// The numbers of the conversions that the log shows with a filter.
async fn listed(app: &TestApp, filter: &str) -> Vec<i64> {
    let found = app.api(Method::GET, &format!("/conversions?{filter}"), None).await.expect(200);
    let mut ids: Vec<i64> =
        found["items"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    assert_eq!(found["total"], ids.len());
    ids.sort_unstable();
    ids
}

stories! {
    async fn what_a_sender_says_is_kept_and_held_against_the_click(app: TestApp) {
        in_no_hurry(app).await;
        let advertiser = app.advertiser(json!({"param_map": {"usr_ip": "ip", "geo": "country", "hw": "device", "/user/idfa": "device_id"}})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = click_from(app, &campaign, "8.8.8.8", BROWSER).await;
        let body = json!({"cid": click.id, "payout": 5, "usr_ip": "80.10.246.2:80", "geo": "br", "hw": "Smartphone", "user": {"idfa": "ABC-1"}});
        assert_eq!(app.post_body(&click.key, "application/json", body.to_string()).await.code(), "recorded");
        let made = told(app, &click).await;
        assert_eq!(made["said"], json!({"ip": "80.10.246.2", "country": "BR", "device": "mobile", "device_id": "abc-1", "agent": null}));
        assert_eq!(made["anomalies"], json!(["other_country", "other_device"]));
        assert_eq!(made["revenue"], "5.00");
        let person = Person::enter(app).await;
        let page = person.page(&format!("/conversions/{}", made["id"])).await;
        for wanted in ["Who converted was in Brazil (BR), and who clicked in United States (US).", "Who converted used a phone, and who clicked a computer.",
            "Brazil (BR) · click: United States (US)", "80.10.246.2 · click: 8.8.8.8", "abc-1"] {
            assert!(page.contains(wanted), "{wanted} is not in {page}");
        }
        let log = person.page("/conversions").await;
        assert!(log.contains("other country +1"), "{log}");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["1", "5.00"]);
    }

    async fn the_address_tells_the_country_that_is_not_said_and_nonsense_is_nothing(app: TestApp) {
        in_no_hurry(app).await;
        let campaign = app.campaign(json!({})).await;
        let long = "x".repeat(400);
        for (said, country, anomalies) in [
            ("ip=8.8.4.4", json!("US"), json!([])),
            ("ip=80.10.246.2&country={geo}", json!("FR"), json!(["other_country"])),
            ("ip=80.10.246.2&country=US", json!("US"), json!([])),
            ("ip=%00&country=%00&device=%00&device_id=%00", Value::Null, json!([])),
            ("ip=999.1.1.1&country=Atlantis&device=toaster", Value::Null, json!([])),
            (&format!("ip={long}&country={long}&device={long}&device_id={long}"), Value::Null, json!([])),
            ("device=tablet&device_id=00000000-0000-0000-0000-000000000000", Value::Null, json!([])),
        ] {
            let click = click_from(app, &campaign, "8.8.8.8", PHONE).await;
            let answer = app.say(&click, &format!("payout=5&{said}")).await;
            assert_eq!((answer.status, answer.code()), (200, "recorded".to_owned()), "{said}");
            let made = told(app, &click).await;
            assert_eq!((&made["said"]["country"], &made["anomalies"]), (&country, &anomalies), "{said}");
            assert!(made["said"]["device_id"].is_null(), "{said}");
        }
    }

    async fn a_pages_report_tells_by_its_own_request_and_its_postback_takes_that_over(app: TestApp) {
        let advertiser = app.advertiser(json!({"pixel": true})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = click_from(app, &campaign, "8.8.8.8", BROWSER).await;
        let path = format!("/t.gif?cid={}&ip=9.9.9.9&country=BR", click.id);
        let report = app.request(Method::GET, &path).header("x-forwarded-for", "80.10.246.2").header("user-agent", PHONE);
        assert_eq!(send(report).await.status, 200);
        let made = told(app, &click).await;
        assert_eq!(made["said"], json!({"ip": "80.10.246.2", "country": "FR", "device": "mobile", "device_id": null, "agent": PHONE}));
        assert_eq!(made["anomalies"], json!(["too_fast", "other_country", "other_device"]));
        assert_eq!(app.say(&click, "payout=5&device_id=d1").await.code(), "updated");
        let confirmed = told(app, &click).await;
        assert_eq!(confirmed["said"], json!({"ip": "80.10.246.2", "country": "FR", "device": "mobile", "device_id": "d1", "agent": PHONE}));
        assert_eq!((&confirmed["anomalies"], &confirmed["unconfirmed"]), (&made["anomalies"], &json!(false)));
    }

    async fn too_fast_is_what_comes_sooner_than_is_set(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let fast = app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.postback(&fast, "5").await.code(), "recorded");
        assert_eq!(unusual(app, &fast).await, json!(["too_fast"]));
        for (ago_s, limit, wanted) in [(60, 5, json!([])), (60, 61, json!(["too_fast"])), (0, 0, json!([]))] {
            app.patch("/settings", json!({"anomaly_fast_seconds": limit})).await;
            let earlier = app.like(&fast, Duration::from_secs(ago_s)).await;
            app.bring_click(&earlier);
            let click = Click { id: earlier.id.to_string(), ..fast.clone() };
            assert_eq!(app.postback(&click, "5").await.code(), "recorded");
            assert_eq!(unusual(app, &click).await, wanted, "{ago_s} s, {limit} s");
        }
        app.patch("/settings", json!({"anomaly_fast_seconds": 5})).await;
        let by_hand = app.click(&campaign).await;
        app.settled().await;
        app.post("/conversions", json!({"click_id": by_hand.id, "why": "their mail"})).await;
        assert_eq!(unusual(app, &by_hand).await, json!([]), "a person's times are seldom exact");
        let tested = app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.say(&tested, "payout=5&test=1&country=BR").await.code(), "recorded");
        assert_eq!(unusual(app, &tested).await, json!([]), "a test is nobody's");
    }

    async fn one_device_id_on_several_clicks_flags_all_of_them(app: TestApp) {
        in_no_hurry(app).await;
        let campaign = app.campaign(json!({})).await;
        let clicks = [app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await];
        app.settled().await;
        let [first, second, third] = &clicks;
        assert_eq!(app.say(first, "payout=5&device_id=D7").await.code(), "recorded");
        assert_eq!(unusual(app, first).await, json!([]));
        assert_eq!(app.say(second, "payout=5&device_id=d7").await.code(), "recorded");
        assert_eq!(app.say(third, "payout=5&device_id=D8").await.code(), "recorded");
        for (click, wanted) in [(first, json!(["same_device_id"])), (second, json!(["same_device_id"])), (third, json!([]))] {
            assert_eq!(unusual(app, click).await, wanted);
        }
        // A change of such a conversion leaves its marks as they are.
        assert_eq!(app.say(first, "payout=5&status=rejected").await.code(), "updated");
        assert_eq!(unusual(app, first).await, json!(["same_device_id"]));
        assert_eq!(app.figures(&campaign, ["leads", "approved", "rejected", "revenue"]), ["3", "2", "1", "10.00"]);
    }

    async fn many_conversions_from_one_address_flag_all_of_them_on_every_node(app: TestApp) {
        in_no_hurry(app).await;
        app.patch("/settings", json!({"anomaly_address_clicks": 3})).await;
        let campaign = app.campaign(json!({})).await;
        let mut clicks = Vec::new();
        for host in ["2001:db8:7:7::1", "2001:db8:7:7::2", "2001:db8:7:7:ffff::3", "2001:db8:7:8::1"] {
            clicks.push(click_from(app, &campaign, host, BROWSER).await);
        }
        let own = [app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await];
        app.settled().await;
        for click in own.iter().chain([&clicks[0], &clicks[0], &clicks[1], &clicks[3]]) {
            app.postback(click, "5").await;
        }
        assert!(listed(app, "anomaly=any").await.is_empty(), "loopback is nobody's, and two clicks are not many");
        app.with_another_node(|base| async move {
            let wanted: Vec<i64> = clicks[..2].iter().map(|click| app.conversions(click)[0].id).collect();
            // The other node reads the last day at its start, beside serving.
            app.until("the other node knows the last day", || {
                std::thread::sleep(Duration::from_millis(700));
                true
            }).await;
            let there = format!("{base}/postback/{}?cid={}&payout=5", clicks[2].key, clicks[2].id);
            assert!(reqwest::get(there).await.unwrap().text().await.unwrap().contains("recorded"));
            let mut wanted = wanted;
            wanted.push(app.conversions(&clicks[2])[0].id);
            assert_eq!(listed(app, "anomaly=many_from_address").await, wanted);
        }).await;
    }

    async fn the_log_is_narrowed_by_what_is_unusual_and_by_seconds(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let fast = app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.say(&fast, "payout=5&txid=quick").await.code(), "recorded");
        let mut ids = vec![app.conversions(&fast)[0].id];
        for (ago_s, said) in [(60, "txid=plain"), (600, "txid=strange&device=tablet")] {
            let earlier = app.like(&fast, Duration::from_millis(ago_s * 1_000 + 300)).await;
            app.bring_click(&earlier);
            let click = Click { id: earlier.id.to_string(), ..fast.clone() };
            assert_eq!(app.say(&click, &format!("payout=5&{said}")).await.code(), "recorded");
            ids.push(app.conversions(&click)[0].id);
        }
        let [quick, plain, strange] = ids[..] else { panic!("{ids:?}") };
        for (filter, wanted) in [
            ("anomaly=any", vec![quick, strange]),
            ("anomaly=too_fast", vec![quick]),
            ("anomaly=other_device", vec![strange]),
            ("anomaly=same_device_id", vec![]),
            ("min_seconds=60", vec![plain, strange]),
            ("max_seconds=100", vec![quick, plain]),
            ("min_seconds=30&max_seconds=100", vec![plain]),
            ("min_seconds=599&anomaly=any", vec![strange]),
            ("source_id=9", vec![]),
        ] {
            assert_eq!(listed(app, filter).await, wanted, "{filter}");
        }
        for wrong in ["anomaly=odd", "min_seconds=-1", "max_seconds=soon", "max_seconds=99999999999999999999"] {
            assert_eq!(app.api(Method::GET, &format!("/conversions?{wrong}"), None).await.status, 422, "{wrong}");
        }
        let person = Person::enter(app).await;
        let page = person.page("/conversions?anomaly=any&min_seconds=30").await;
        assert!(page.contains("strange") && !page.contains(">quick<") && !page.contains(">plain<"), "{page}");
        assert!(page.contains(r#"name="min_seconds" value="30""#), "{page}");
        let odd = person.page("/conversions?anomaly=odd&min_seconds=-5&max_seconds=x").await;
        assert!(odd.contains("Left out what this page does not know"), "{odd}");
    }

    async fn thresholds_are_settings_in_words(app: TestApp) {
        let person = Person::enter(app).await;
        let page = person.page("/settings/anomalies").await;
        assert!(page.contains(r#"name="anomaly_fast_seconds" type="text" value="5""#), "{page}");
        let first = app.api(Method::GET, "/settings", None).await.expect(200);
        for (name, value) in [("anomaly_fast_seconds", json!(5)), ("anomaly_other_country", json!(true)),
            ("anomaly_other_device", json!(true)), ("anomaly_device_clicks", json!(2)), ("anomaly_address_clicks", json!(10))] {
            assert_eq!(first[name], value, "{name}");
        }
        let wrong = "anomaly_fast_seconds=9&anomaly_other_country=true&anomaly_device_clicks=1&anomaly_address_clicks=0";
        let refused = person.send("/settings/anomalies", wrong).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Must be 0, which switches it off, or a whole number from 2 to 100"), "{}", refused.text);
        let saved = person.send("/settings/anomalies", "anomaly_fast_seconds=9&anomaly_device_clicks=0&anomaly_address_clicks=0").await;
        assert_eq!(saved.location(), "/settings/anomalies?saved=1");
        let now = app.api(Method::GET, "/settings", None).await.expect(200);
        assert_eq!((&now["anomaly_fast_seconds"], &now["anomaly_other_country"], &now["anomaly_device_clicks"]), (&json!(9), &json!(false), &json!(0)));
    }

    async fn a_source_and_an_offer_with_unusually_many_are_named(app: TestApp) {
        let person = Person::enter(app).await;
        let source = app.post("/sources", json!({"name": "Gold traffic", "kind": "partner"})).await;
        let campaign = app.campaign(json!({"source_id": source["id"]})).await;
        let first = app.click(&campaign).await;
        app.settled().await;
        for n in 0..4 {
            assert_eq!(app.say(&first, &format!("payout=5&txid={n}")).await.code(), "recorded");
        }
        assert!(!person.page("/").await.contains("unusual conversions"), "four are not worth a word");
        assert_eq!(app.say(&first, "payout=5&txid=4").await.code(), "recorded");
        for path in ["/", "/attention"] {
            let page = person.page(path).await;
            for wanted in ["Gold traffic: unusual conversions", "Shop: unusual conversions", &format!("/conversions?source={}&#38;anomaly=any", source["id"]),
                "5 of 5 conversions in the last 24 hours are unusual (100.0%), and none came in the 14 days before"] {
                assert!(page.contains(wanted), "{path}: {wanted} is not in {page}");
            }
        }
        // Who was always so is not unusual.
        for n in 0..5_u64 {
            let earlier = app.like(&first, Duration::from_secs(86_400 * (2 + n))).await;
            app.bring_click(&earlier);
            let click = Click { id: earlier.id.to_string(), ..first.clone() };
            let at = earlier.clicked_at_ms / 1_000 + 1;
            assert_eq!(app.say(&click, &format!("payout=5&conversion_time={at}")).await.code(), "recorded");
            assert_eq!(unusual(app, &click).await, json!(["too_fast"]));
        }
        for path in ["/", "/attention"] {
            let page = person.page(path).await;
            assert!(!page.contains("unusual conversions"), "{path}: {page}");
        }
    }

    async fn a_source_stands_beside_the_others_of_its_offers(app: TestApp) {
        let person = Person::enter(app).await;
        let advertiser = app.advertiser(json!({})).await;
        let (offer, other_offer) = (app.offer(&advertiser, json!({})).await, app.offer(&advertiser, json!({"name": "Else"})).await);
        let mut pages = Vec::new();
        // Each with two clicks, of which so many convert, after so many minutes.
        for (name, to, converts, minutes) in [("Own", &offer, 1, 10), ("Peer", &offer, 2, 20), ("Second", &offer, 2, 40), ("Elsewhere", &other_offer, 2, 1)] {
            let source = app.post("/sources", json!({"name": name, "kind": "partner"})).await;
            pages.push(format!("/sources/{}/edit", source["id"]));
            if name == "Own" {
                let page = person.page(&pages[0]).await;
                assert!(page.contains("No campaign in use leads from this source to an offer"), "{page}");
            }
            let campaign = app.campaign_to(&advertiser, to, json!({"name": name, "source_id": source["id"]})).await;
            let model = app.click(&campaign).await;
            for n in 0..2 {
                let earlier = app.like(&model, Duration::from_secs(minutes * 60)).await;
                app.bring_click(&earlier);
                let click = Click { id: earlier.id.to_string(), ..model.clone() };
                if n < converts {
                    let status = if n == 0 { "approved" } else { "rejected" };
                    let strange = if name == "Own" { "&device=tablet" } else { "" };
                    assert_eq!(app.say(&click, &format!("payout=5&status={status}{strange}")).await.code(), "recorded");
                }
            }
            if name == "Own" {
                let page = person.page(&pages[0]).await;
                assert!(page.contains("No other source had traffic to the same offers"), "{page}");
            }
        }
        let page = person.page(&pages[0]).await;
        // Three clicks each: one to learn from, two that may convert. Rejected ones are no conversions.
        for wanted in [
            ("CR", "33.33%", "33.33%"), ("Approved", "100.0%", "50.0%"), ("Time to convert", "10 min", "30 min"), ("Unusual", "100.0%", "0.0%"),
        ] {
            let (label, own, others) = wanted;
            let row = format!(">{label}</th><td class=\"n\">{own}</td><td class=\"n\">{others}</td>");
            assert!(page.contains(&row), "{row} is not in {page}");
        }
        assert!(page.contains("the median of 2 other sources"), "{page}");
        assert!(person.page(&pages[3]).await.contains("No other source had traffic to the same offers"));
    }
}
