//! What senders write: each fault with its verdict, each advertiser's own words, each form of a request.

use crate::app::{Click, send};
use crate::postbacks::{standing, stored_as};
use clickledger::domain::status::Status;
use reqwest::Method;
use serde_json::{Value, json};

stories! {
    async fn what_cannot_be_counted_says_why(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let huge = format!("1{}", "0".repeat(30));
        let cases = [
            ("payout={payout}", "unresolved_macro", "payout"),
            ("payout=5&status=%23status%23", "unresolved_macro", "status"),
            ("payout=5&txid=REPLACE", "unresolved_macro", "txid"),
            ("payout=abc", "malformed_revenue", "abc"),
            ("payout=-5", "malformed_revenue", "negative"),
            ("payout=1,234", "malformed_revenue", "1,234"),
            ("payout=1.2.3", "malformed_revenue", "1.2.3"),
            ("payout=NaN", "malformed_revenue", "NaN"),
            ("payout=1e9", "malformed_revenue", "1e9"),
            ("payout=5&status=maybe", "unknown_status", "maybe"),
            ("payout=5&currency=DOLLAR", "unknown_currency", "DOLLAR"),
        ];
        for (parameters, code, named) in cases {
            let answer = app.say(&click, parameters).await;
            let verdict = answer.expect(200);
            assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!(code)), "{parameters}");
            assert!(verdict["message"].as_str().unwrap().contains(named), "{verdict}");
        }
        assert_eq!(app.postback(&click, &huge).await.code(), "malformed_revenue");
        for query in ["payout=5", "cid=&payout=5", ""] {
            let answer = app.get(&format!("/postback/{}?{query}", campaign.key)).await;
            assert_eq!(answer.expect(200)["code"], "missing_click_id", "{query}");
        }
        assert_eq!(app.say(&click, "payout=5&currency=EUR").await.code(), "parked_no_rate");
        assert!(app.conversions(&click).is_empty());
        let stored = app.number("select count(*) from postbacks_received");
        assert_eq!(stored, 11 + 1 + 3 + 1, "every one is kept");
        assert_eq!(app.say(&click, "payout=1,5&status=SALE").await.code(), "recorded", "one comma is a decimal sign");
        assert_eq!(standing(app, &click), (Status::Approved, 1_500_000));
    }

    async fn a_missing_status_means_what_the_advertiser_says(app: TestApp) {
        for (policy, code, status) in [
            ("pending", "recorded", Some(Status::Pending)),
            ("approved", "recorded", Some(Status::Approved)),
            ("refused", "missing_status", None),
        ] {
            let advertiser = app.advertiser(json!({"name": policy, "missing_status": policy})).await;
            let offer = app.offer(&advertiser, json!({})).await;
            let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
            let click = app.click(&campaign).await;
            assert_eq!(app.postback(&click, "5").await.code(), code, "{policy}");
            assert_eq!(app.conversions(&click).first().map(|made| made.value.status), status, "{policy}");
        }
    }

    async fn an_advertisers_own_words_are_read(app: TestApp) {
        let advertiser = app.advertiser(json!({
            "param_map": {"s2": "cid", "/order/total": "revenue", "/order/state": "status"},
            "status_map": {"geil": "approved", "9": "rejected"},
            "event_map": {"storno": {"event": "sale", "status": "reversed"}},
        })).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        let body = json!({"s2": click.id, "order": {"total": 7.25, "state": "GEIL"}});
        let answer = app.post_body(&campaign.key, "application/json", body.to_string()).await;
        assert_eq!(answer.code(), "recorded", "{answer:?}");
        assert_eq!(standing(app, &click), (Status::Approved, 7_250_000));
        let answer = app.get(&format!("/postback/{}?s2={}&goal=Storno", campaign.key, click.id)).await;
        assert_eq!(answer.code(), "updated");
        assert_eq!(standing(app, &click).0, Status::Reversed);
    }

    async fn a_key_that_nobody_has_is_refused_and_kept(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let stranger = Click { key: "nobodyhasthiskey".to_owned(), ..click.clone() };
        let answer = app.postback(&stranger, "5").await;
        let verdict = answer.expect(403);
        assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!("bad_key")));
        assert_eq!(stored_as(app, "bad_key"), 1);
        let mut limited = 0;
        for _ in 0..80 {
            let answer = app.postback(&stranger, "5").await;
            match answer.status {
                403 => {}
                429 => {
                    assert_eq!(answer.code(), "rate_limited");
                    assert!(answer.headers.contains_key("retry-after"));
                    limited += 1;
                }
                _ => panic!("{answer:?}"),
            }
        }
        assert!(limited > 0, "a flood is counted, not stored");
        assert!(stored_as(app, "bad_key") <= 121);
        assert_eq!(app.postback(&click, "5").await.code(), "recorded", "the true key is not kept out");
    }

    async fn query_form_and_json_say_the_same(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let form = "application/x-www-form-urlencoded";
        let mut clicks = Vec::new();
        for n in 0..6 {
            let click = app.click(&campaign).await;
            let (key, id) = (&campaign.key, &click.id);
            let answer = match n {
                0 => app.get(&format!("/postback/{key}?cid={id}&payout=1.5&status=1")).await,
                1 => app.get(&format!("/v1/postback/{key}?cid={id}&payout=1.5&status=1")).await,
                2 => app.post_body(key, form, format!("cid={id}&payout=1.5&status=1")).await,
                3 => app.post_body(key, "application/json", json!({"cid": id, "payout": 1.5, "status": 1}).to_string()).await,
                4 => app.post_body(key, "application/json; charset=utf-8", json!({"cid": id, "payout": "1.5", "status": "ok"}).to_string()).await,
                _ => {
                    let path = format!("/postback/{key}?cid={id}");
                    let request = app.request(Method::POST, &path).header("content-type", form);
                    send(request.body("payout=1.5&status=1")).await
                }
            };
            assert_eq!(answer.code(), "recorded", "way {n}: {answer:?}");
            assert_eq!(standing(app, &click), (Status::Approved, 1_500_000), "way {n}");
            clicks.push(click);
        }
        assert_eq!(app.figures(&campaign, ["conversions", "revenue"]), ["6", "9.00"]);
    }

    async fn what_is_no_amount_in_json_is_not_passed_over(app: TestApp) {
        let click = app.click(&app.campaign(json!({})).await).await;
        for (amount, code) in [("true", "malformed_revenue"), ("[5]", "malformed_revenue"),
            (r#"{"value":5}"#, "malformed_revenue"), ("[]", "recorded"), ("null", "duplicate")] {
            let body = format!(r#"{{"cid":"{}","payout":{amount},"extra":{{"deep":[1]}}}}"#, click.id);
            // A slash at the end is somebody's habit, not another address.
            let answer = app.post_body(&format!("{}/", click.key), "application/json", body).await;
            assert_eq!(answer.code(), code, "{amount}: {}", answer.text);
        }
    }

    async fn whatever_is_sent_gets_a_verdict_and_is_kept(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let (key, id) = (&campaign.key, &click.id);
        let json_kind = "application/json";
        let form = "application/x-www-form-urlencoded";
        let mut expected = 0;
        let mut check = |answer: crate::app::Answer, codes: &[&str], statuses: &[u16]| {
            expected += 1;
            assert!(statuses.contains(&answer.status), "{codes:?}: {answer:?}");
            assert!(codes.contains(&answer.code().as_str()), "{codes:?}: {answer:?}");
        };
        let long = "x".repeat(10_000);
        check(app.post_body(key, form, format!("cid={id}&payout=5&txid={long}")).await, &["unreadable"], &[400]);
        check(app.post_body(key, form, format!("cid={long}&payout=5")).await, &["unreadable"], &[400]);
        let megabyte = format!("cid={id}&payout=5&p1={}", "y".repeat(1_000_000));
        check(app.post_body(key, form, megabyte).await, &["unreadable"], &[400]);
        for body in ["{", "[]", "\"text\"", "17", "{\"cid\":", "{\"cid\":\"a\",}", "\u{0}"] {
            check(app.post_body(key, json_kind, body).await, &["unreadable"], &[400]);
        }
        check(app.post_body(key, "text/xml", "<cid>5</cid>").await, &["unreadable"], &[400]);
        check(app.post_body(key, "multipart/form-data; boundary=x", "--x--").await, &["unreadable"], &[400]);
        let many: String = (0..600).map(|n| format!("a{n}=1&")).collect();
        check(app.post_body(key, form, many).await, &["unreadable"], &[400]);
        let nested = format!("{}1{}", "{\"a\":".repeat(3_000), "}".repeat(3_000));
        check(app.post_body(key, json_kind, nested).await, &["unreadable", "missing_click_id"], &[200, 400]);
        let broken = vec![b'c', b'i', b'd', b'=', 0xff, 0xfe, 0, b'&', b'p', b'=', 0xc3];
        check(app.post_body(key, form, broken.clone()).await, &["parked_foreign_click"], &[200]);
        check(app.get(&format!("/postback/{key}?cid=%ff%00%c3&payout=1")).await, &["parked_foreign_click"], &[200]);
        check(app.get(&format!("/postback/{key}?cid={id}&payout=5&txid=a%00b%ff")).await, &["recorded"], &[200]);
        check(app.get(&format!("/postback/{key}?cid={id}&cid=other&payout=6&payout=7&txid=two")).await, &["recorded"], &[200]);
        check(app.post_body(key, form, "").await, &["missing_click_id"], &[200]);
        check(app.post_body(key, json_kind, "{}").await, &["missing_click_id"], &[200]);
        check(app.get(&format!("/postback/{key}?&&&=&==&%")).await, &["missing_click_id"], &[200]);

        let first_wins = app.conversions(&click).into_iter().find(|made| made.value.txid == "two").unwrap();
        assert_eq!(first_wins.value.revenue_micros, 6_000_000, "of repeated parameters the first");
        assert_eq!(app.number("select count(*) from postbacks_received"), expected, "every one is kept");
        let raw = app.db.read(|conn| clickledger::db::postbacks::list(conn, &clickledger::db::postbacks::PostbackQuery {
            code: Some("parked_foreign_click".to_owned()), limit: 10, ..Default::default()
        })).unwrap();
        assert!(raw.items.iter().any(|kept| kept.value.raw_body == broken), "byte by byte as it came");
    }

    async fn each_postback_is_kept_as_it_came(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let path = format!("/postback/{}?cid={}&payout=5&x=%C3%A4+b&&y", campaign.key, click.id);
        let request = app.request(Method::POST, &path).header("x-forwarded-for", "198.51.100.9");
        let answer = send(request.header("content-type", "application/json").body("{\"txid\": \"a\"}")).await;
        assert_eq!(answer.code(), "recorded");
        let query = clickledger::db::postbacks::PostbackQuery { limit: 10, ..Default::default() };
        let kept = app.db.read(|conn| clickledger::db::postbacks::list(conn, &query)).unwrap();
        let kept = &kept.items[0].value;
        assert_eq!(kept.method, "POST");
        assert_eq!(kept.address, "198.51.100.9");
        assert_eq!(kept.content_type.as_deref(), Some("application/json"));
        assert_eq!(String::from_utf8_lossy(&kept.raw_query), path.split_once('?').unwrap().1);
        assert_eq!(kept.raw_body, b"{\"txid\": \"a\"}");
        assert_eq!((kept.txid.as_deref(), kept.event.as_deref()), (Some("a"), Some("sale")));
        assert_eq!(kept.conversion_id, app.conversions(&click).first().map(|made| made.id));
    }

    async fn a_test_is_flagged_and_counted_apart(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=5&test=1").await.code(), "recorded");
        assert!(app.conversions(&click)[0].value.is_test);
        assert_eq!(app.figures(&campaign, ["clicks", "conversions", "revenue"]), ["1", "0", "0.00"]);
        let of_tests = app.campaign(json!({"name": "Trial", "is_test": true})).await;
        let click = app.click(&of_tests).await;
        assert!(app.stored(&click).await.record.is_test);
        assert_eq!(app.postback(&click, "5").await.code(), "recorded");
        assert!(app.conversions(&click)[0].value.is_test);
        assert_eq!(app.figures(&of_tests, ["clicks", "revenue"]), ["0", "0.00"]);
    }

    async fn other_trackers_templates_are_understood(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let cases = [
            ("cnv_id={}&payout=3&cnv_status=approved&cnv_currency=USD", 3_000_000),
            ("subid={}&sum=3&tid=7&status=lead", 3_000_000),
            ("clickid={}&revenue=3&rdtk_event_id=8", 3_000_000),
            ("click_id={}&amount=3&order_id=o1&goal=sale", 3_000_000),
            ("aff_sub={}&payout=3&transaction_id=t9", 3_000_000),
        ];
        for (template, micros) in cases {
            let click = app.click(&campaign).await;
            let query = template.replace("{}", &click.id);
            let answer = app.get(&format!("/postback/{}?{query}", campaign.key)).await;
            assert_eq!(answer.code(), "recorded", "{template}");
            assert_eq!(standing(app, &click).1, micros, "{template}");
        }
        let click = app.click(&campaign).await;
        let answer = app.get(&format!("/postback/{}?txid={}&payout=3", campaign.key, click.id)).await;
        assert_eq!(answer.code(), "recorded", "our id in the only field they have");
    }

    async fn a_changed_key_and_an_archived_advertiser_hold_at_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"status_map": {"zz": "rejected"}})).await;
        assert_eq!(app.say(&click, "payout=1&status=zz").await.code(), "recorded");
        assert_eq!(standing(app, &click).0, Status::Rejected);
        let shown: Value = app.api(Method::GET, &format!("/advertisers/{}", campaign.advertiser), None).await.expect(200);
        assert_eq!(shown["postback_key"], campaign.key);
    }
}
