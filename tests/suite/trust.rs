//! Who may send postbacks: keys and their rotation, addresses, signatures, replays and floods.

use crate::app::{Campaign, Click, TestApp, block_on, send};
use crate::pages::Person;
use crate::postbacks::stored_as;
use crate::sql;
use clickledger::config::Config;
use clickledger::db::{AnyConnection, Priority};
use clickledger::http::now_ms;
use reqwest::Method;
use serde_json::{Value, json};

/// Gives a campaign's advertiser a new key and answers it.
async fn rotate_key(app: &TestApp, campaign: &Campaign, body: Value) -> Value {
    let path = format!("/advertisers/{}/rotate-key", campaign.advertiser);
    app.api(Method::POST, &path, Some(body)).await.expect(200)
}

/// A click as the campaign's advertiser answers it with another key.
fn with_key(click: &Click, key: &Value) -> Click {
    Click { key: key.as_str().unwrap().to_owned(), ..click.clone() }
}

/// Runs a statement behind the server's back.
pub fn behind(app: &TestApp, statement: &str) {
    app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, statement)).unwrap();
}

stories! {
    async fn the_old_key_works_until_its_moment(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let made = rotate_key(app, &campaign, json!({"overlap_hours": 2})).await;
        let new = with_key(&click, &made["postback_key"]);
        assert_ne!(new.key, click.key);
        assert_eq!(made["previous_key"], json!(click.key));
        assert!(made["template"].as_str().unwrap().contains(&new.key), "{made}");
        let answer = app.postback(&click, "1").await.expect(200);
        assert_eq!(answer["code"], "recorded");
        let said = answer["message"].as_str().unwrap();
        let until = made["previous_key_until"].as_str().unwrap();
        let until = format!("sent to the old key, which ends on {} {} UTC", &until[..10], &until[11..16]);
        assert!(said.contains(&until), "{said} / {until}");
        let answer = app.postback(&new, "1").await.expect(200);
        assert_eq!(answer["code"], "duplicate");
        assert!(!answer["message"].as_str().unwrap().contains("old key"), "{answer}");
        // Its moment is over: no restart is needed, and the log of the advertiser has it.
        behind(app, &format!("update advertisers set previous_key_until_ms = {}", now_ms() - 1));
        let mut ended = app.postback(&click, "1").await;
        for _ in 0..100 {
            if ended.status == 403 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            ended = app.postback(&click, "1").await;
        }
        let verdict = ended.expect(403);
        assert_eq!(verdict["code"], "bad_key");
        assert!(verdict["message"].as_str().unwrap().contains("ended on"), "{verdict}");
        let own = format!("select count(*) from postbacks_received where code = 'bad_key' and advertiser_id = {}", campaign.advertiser);
        assert_eq!(app.number(&own), 1);
        let shown = app.api(Method::GET, &format!("/advertisers/{}", campaign.advertiser), None).await.expect(200);
        assert_eq!((&shown["previous_key"], &shown["previous_key_until"]), (&json!(null), &json!(null)));
    }

    async fn a_key_can_end_at_once_and_one_old_key_is_kept(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let second = rotate_key(app, &campaign, json!({})).await;
        let third = rotate_key(app, &campaign, json!({"overlap_hours": 24})).await;
        assert_eq!(third["previous_key"], second["postback_key"]);
        assert_eq!(app.postback(&click, "1").await.status, 403, "the key before the one before");
        assert_eq!(app.postback(&with_key(&click, &second["postback_key"]), "1").await.code(), "recorded");
        let fourth = rotate_key(app, &campaign, json!({"overlap_hours": 0})).await;
        assert_eq!(fourth["previous_key"], json!(null));
        for gone in [&second, &third] {
            assert_eq!(app.postback(&with_key(&click, &gone["postback_key"]), "1").await.status, 403);
        }
        let path = format!("/advertisers/{}/rotate-key", campaign.advertiser);
        let refused = app.api(Method::POST, &path, Some(json!({"overlap_hours": 9000}))).await.expect(422);
        assert_eq!(refused["fields"][0]["field"], "overlap_hours");
        assert_eq!(app.api(Method::POST, "/advertisers/999/rotate-key", Some(json!({}))).await.status, 404);
        assert_eq!(app.api(Method::GET, &path, None).await.status, 405);
        let read = app.request(Method::POST, &format!("/api/v1{path}")).bearer_auth(&app.read_token);
        assert_eq!(send(read.json(&json!({}))).await.status, 403);
        assert_eq!(stored_as(app, "bad_key"), 3);
    }

    async fn a_key_is_made_on_the_page(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let person = Person::enter(app).await;
        let path = format!("/advertisers/{}", campaign.advertiser);
        assert!(!person.page(&path).await.contains("works until"));
        let sent = person.send(&format!("{path}/rotate-key"), "overlap_hours=168").await;
        let page = person.page(sent.location()).await;
        assert!(page.contains(&format!("{}, works until", click.key)), "{page}");
        assert!(page.contains("has a new key"), "{page}");
        assert_eq!(app.postback(&click, "1").await.code(), "recorded");
        assert_eq!(person.send(&format!("{path}/rotate-key"), "overlap_hours=x").await.status, 422);
    }

    async fn only_listed_addresses_may_send(app: TestApp) {
        let advertiser = app.advertiser(json!({"allow_addresses": ["203.0.113.0/24", "2001:db8::/32"]})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        let from = |address: &'static str| {
            let path = format!("/postback/{}?cid={}&payout=1", click.key, click.id);
            send(app.request(Method::GET, &path).header("x-forwarded-for", address))
        };
        for stranger in ["198.51.100.9", "2001:db9::1", "203.0.113.7, 198.51.100.9"] {
            let verdict = from(stranger).await.expect(403);
            assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!("address_not_allowed")));
            let said = verdict["message"].as_str().unwrap();
            assert!(said.contains(stranger.rsplit(' ').next().unwrap()) && said.contains("settings"), "{said}");
        }
        assert_eq!(app.postback(&click, "1").await.status, 403, "this machine is not on the list either");
        assert!(app.conversions(&click).is_empty());
        assert_eq!(from("203.0.113.7").await.code(), "recorded");
        assert_eq!(from("::ffff:203.0.113.8").await.code(), "duplicate", "an IPv4 address in an IPv6 one");
        assert_eq!(from("2001:db8:1::9").await.code(), "duplicate");
        // Its click tells of the refusal, and the check that failed is named.
        let person = Person::enter(app).await;
        let story = person.page(&format!("/clicks/{}", click.id)).await;
        assert!(story.contains("198.51.100.9"), "{story}");
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"allow_addresses": []})).await;
        assert_eq!(from("198.51.100.9").await.code(), "duplicate", "live at once");
    }

    async fn floods_of_refusals_are_counted_and_not_stored(app: TestApp) {
        let advertiser = app.advertiser(json!({"hmac_mode": "required"})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        let mut limited = 0;
        for _ in 0..150 {
            let answer = app.postback(&click, "1").await;
            if answer.status == 429 {
                assert_eq!((answer.code(), answer.header("retry-after")), ("rate_limited".to_owned(), "60"));
                limited += 1;
            } else {
                assert_eq!((answer.status, answer.code()), (401, "bad_signature".to_owned()));
            }
        }
        // At most two minutes were touched.
        assert!(limited >= 30 && stored_as(app, "bad_signature") == 150 - limited, "{limited}");
        assert_eq!(stored_as(app, "rate_limited"), 0);
        let metrics = app.request(Method::GET, "/metrics").bearer_auth(&app.read_token);
        let told = send(metrics).await.text;
        let line = format!("clickledger_postbacks_turned_away_total{{code=\"bad_signature\"}} {limited}");
        assert!(told.lines().any(|found| found == line), "{line} is not in {told}");
        // Another address is not held up.
        let path = format!("/postback/{}?cid={}", click.key, click.id);
        let elsewhere = app.request(Method::GET, &path).header("x-forwarded-for", "198.51.100.7");
        assert_eq!(send(elsewhere).await.status, 401);
    }
}

/// Runs a story with settings of its own, on both databases.
fn with_settings(change: fn(&mut Config), story: &impl AsyncFn(&TestApp)) {
    crate::program::on_each(|place| {
        block_on(async {
            let mut config = place.config();
            change(&mut config);
            let app = TestApp::start_with(place, &config);
            story(&app).await;
            app.finish().await;
        });
    });
}

#[test]
fn one_advertiser_may_send_so_fast_and_no_faster() {
    let slow = |config: &mut Config| config.postbacks_per_second = 1;
    with_settings(slow, &async |app: &TestApp| {
        let (campaign, other) = (app.campaign(json!({})).await, app.campaign(json!({})).await);
        let click = app.click(&campaign).await;
        let mut limited = 0;
        for n in 0..30 {
            let answer = app.say(&click, &format!("payout=1&txid=t{n}")).await;
            if answer.status == 429 {
                assert_eq!((answer.code(), answer.header("retry-after")), ("rate_limited".to_owned(), "1"));
                limited += 1;
            } else {
                assert_eq!(answer.code(), "recorded");
            }
        }
        assert!(limited > 0, "five at once are let in, then one a second");
        assert_eq!(app.conversions(&click).len(), 30 - limited);
        let there = app.click(&other).await;
        assert_eq!(app.postback(&there, "1").await.code(), "recorded", "another advertiser is not held up");
        let told = send(app.request(Method::GET, "/metrics").bearer_auth(&app.read_token)).await.text;
        assert!(told.contains(&format!("turned_away_total{{code=\"rate_limited\"}} {limited}\n")), "{told}");
    });
}

#[test]
fn without_a_key_listed_addresses_may_send_where_that_is_switched_on() {
    let listed = |config: &mut Config| config.postback_without_key = vec!["203.0.113.0/24".parse().unwrap()];
    with_settings(listed, &async |app: &TestApp| {
        let campaign = app.campaign(json!({"status": "active"})).await;
        let click = app.click(&campaign).await;
        let from = |address: &'static str, query: String| {
            send(app.request(Method::GET, &format!("/postback?{query}")).header("x-forwarded-for", address))
        };
        let sale = format!("clickid={}&payout=3", click.id);
        let stranger = from("198.51.100.9", sale.clone()).await.expect(403);
        assert_eq!(stranger["code"], "address_not_allowed");
        assert!(stranger["message"].as_str().unwrap().contains("198.51.100.9"), "{stranger}");
        assert_eq!(from("203.0.113.5", sale.clone()).await.code(), "recorded");
        assert_eq!(app.conversions(&click)[0].value.advertiser_id, campaign.advertiser);
        assert_eq!(from("203.0.113.5", "payout=3".to_owned()).await.code(), "missing_click_id");
        assert_eq!(from("203.0.113.5", "cid=other&payout=3".to_owned()).await.code(), "parked_foreign_click");
        // One whose click comes later finds its advertiser then.
        let record = app.like(&click, std::time::Duration::from_secs(60)).await;
        let parked = from("203.0.113.5", format!("cid={}&payout=4", record.id)).await;
        assert_eq!(parked.code(), "parked_unknown_click");
        app.bring_click(&record);
        app.until("the parked postback is matched", || stored_as(app, "recorded") == 2).await;
        let own = format!(
            "select count(*) from postbacks_received where code = 'recorded' and advertiser_id = {}",
            campaign.advertiser
        );
        assert_eq!(app.number(&own), 2);
        // What the advertiser itself asks holds all the same.
        let path = format!("/advertisers/{}", campaign.advertiser);
        app.patch(&path, json!({"hmac_mode": "required"})).await;
        assert_eq!(from("203.0.113.5", sale.clone()).await.code(), "bad_signature");
        app.patch(&path, json!({"hmac_mode": "off", "allow_addresses": ["203.0.113.6"]})).await;
        assert_eq!(from("203.0.113.5", sale.clone()).await.code(), "address_not_allowed");
        assert_eq!(from("203.0.113.6", sale).await.code(), "duplicate");
    });
    with_settings(|_| {}, &async |app: &TestApp| {
        let click = app.click(&app.campaign(json!({})).await).await;
        let verdict = app.get(&format!("/postback?cid={}&payout=1", click.id)).await.expect(403);
        assert_eq!(verdict["code"], "bad_key");
        assert!(verdict["message"].as_str().unwrap().contains("no key"), "{verdict}");
        assert!(app.conversions(&click).is_empty());
    });
}
