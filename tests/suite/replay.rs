//! Stored postbacks that are run again after something was mended, looked at first, released, and never counted twice.

use crate::app::{Campaign, Click, TestApp, block_on, client, send};
use crate::corpus;
use crate::ledger::campaign_with;
use crate::pages::Person;
use crate::postbacks::{standing, stored_as};
use clickledger::domain::status::Status;
use clickledger::http::now_ms;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

async fn replay(app: &TestApp, body: Value) -> Value {
    app.api(Method::POST, "/postbacks/replay", Some(body)).await.expect(200)
}

async fn mend(app: &TestApp, campaign: &Campaign, fields: Value) {
    app.patch(&format!("/advertisers/{}", campaign.advertiser), fields).await;
}

/// The numbers of the postbacks of a code, oldest first.
async fn ids(app: &TestApp, code: &str) -> Vec<i64> {
    let found = app.api(Method::GET, &format!("/postbacks?code={code}"), None).await.expect(200);
    let mut ids: Vec<i64> =
        found["items"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// What is said of each: its number, whether it was run, its code and message.
fn said(answer: &Value) -> Vec<(i64, bool, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = answer["items"].as_array().unwrap().iter();
    items
        .map(|one| {
            (one["id"].as_i64().unwrap(), one["run"] == true, text(&one["code"]), text(&one["message"]))
        })
        .collect()
}

/// A message with the numbers of conversions taken out: a look cannot know those to come.
fn without_numbers(message: &str) -> String {
    let words = message.split(' ').map(|word| word.trim_end_matches([':', ',']));
    let mut kept: Vec<&str> = Vec::new();
    for word in words {
        let is_number =
            word.parse::<i64>().is_ok() && kept.last().is_some_and(|last| last.ends_with("onversion"));
        if !is_number {
            kept.push(word);
        }
    }
    kept.join(" ").replace("A new conversion", "Conversion").replace("the new conversion", "conversion")
}

/// Moves a postback into the past, as if it had come then.
fn came(app: &TestApp, id: i64, ago: Duration) {
    let at_ms = now_ms() - i64::try_from(ago.as_millis()).unwrap();
    let statement = format!("update postbacks_received set received_at_ms = {at_ms} where id = {id}");
    crate::trust::behind(app, &statement);
}

stories! {
    async fn what_was_refused_counts_once_the_map_is_mended(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        assert_eq!(app.say(&click, "payout=5&status=verkauft&txid=a").await.code(), "unknown_status");
        let other = app.get(&format!("/postback/{}?klick={}&payout=3&txid=b&status=ok", click.key, click.id)).await;
        assert_eq!(other.code(), "missing_click_id");
        let refused = [ids(app, "unknown_status").await, ids(app, "missing_click_id").await].concat();
        let unchanged = replay(app, json!({"ids": refused})).await;
        assert_eq!(unchanged["totals"], json!([
            {"from": "missing_click_id", "to": "missing_click_id", "count": 1},
            {"from": "unknown_status", "to": "unknown_status", "count": 1}]));
        mend(app, &campaign, json!({"status_map": {"verkauft": "approved"}, "param_map": {"klick": "cid"}})).await;

        let looked = replay(app, json!({"ids": refused, "dry_run": true})).await;
        assert_eq!((&looked["dry_run"], &looked["run"]), (&json!(true), &json!(2)));
        assert_eq!(looked["items"][0]["message"], "A new conversion: 5.00 USD, approved");
        assert_eq!(looked["items"][0]["conversion_id"], Value::Null);
        assert!(app.conversions(&click).is_empty(), "a look keeps nothing");
        assert_eq!(stored_as(app, "unknown_status") + stored_as(app, "missing_click_id"), 2);
        assert_eq!(app.number("select count(*) from postback_replays"), 2, "those of the run that changed nothing");

        let came_at: Vec<i64> = refused.iter().map(|id| app.number(&format!("select received_at_ms from postbacks_received where id = {id}"))).collect();
        let run = replay(app, json!({"ids": refused, "why": "the map was wrong"})).await;
        assert_eq!(run["items"][0]["code"], "recorded");
        let made = app.conversions(&click);
        assert_eq!(made.iter().map(|one| one.value.converted_at_ms).collect::<Vec<_>>(), came_at, "when it came, not when it was run");
        assert_eq!(app.figures(&campaign, ["leads", "approved", "revenue"]), ["2", "2", "8.00"]);

        let shown = app.api(Method::GET, &format!("/postbacks/{}", refused[0]), None).await.expect(200);
        assert_eq!((&shown["code"], &shown["conversion_id"]), (&json!("recorded"), &json!(made[0].id)));
        let kept = &shown["replays"][1];
        assert_eq!((&kept["from"]["code"], &kept["to"]["code"], &kept["why"]), (&json!("unknown_status"), &json!("recorded"), &json!("the map was wrong")));
        assert!(kept["user_id"].is_i64());
        let story = app.api(Method::GET, &format!("/postbacks?click_id={}", click.id), None).await.expect(200);
        assert_eq!(story["total"], 2, "the one that named no click is found by it now");

        let again = replay(app, json!({"ids": [refused[0], refused[1], refused[0], 999_999]})).await;
        assert_eq!((&again["run"], &again["left"], &again["not_found"]), (&json!(0), &json!(2), &json!([999_999])));
        assert!(said(&again).iter().all(|(_, run, code, message)| !run && code == "recorded" && message.contains("counts already")));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["2", "8.00"]);
        // What the network sends later finds it.
        assert_eq!(app.say(&click, "payout=3&txid=b&status=ok").await.code(), "duplicate");
    }

    async fn who_sent_it_stays_judged_as_it_was(app: TestApp) {
        let campaign = app.campaign(json!({"name": "Listed"})).await;
        mend(app, &campaign, json!({"allow_addresses": ["192.0.2.0/24"]})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        assert_eq!(app.say(&click, "payout=5").await.code(), "address_not_allowed");
        mend(app, &campaign, json!({"allow_addresses": []})).await;
        app.get(&format!("/postback/nobody?cid={}&payout=5", click.id)).await;
        let refused = [ids(app, "address_not_allowed").await, ids(app, "bad_key").await].concat();
        let answer = replay(app, json!({"ids": refused, "release": true, "why": "please"})).await;
        assert_eq!((&answer["run"], &answer["left"]), (&json!(0), &json!(2)));
        assert!(said(&answer).iter().all(|(_, _, _, message)| message.contains("ask them to send it again")));
        assert!(app.conversions(&click).is_empty());

        // What could not be read was let in without a look at its signature.
        let long = "t".repeat(300);
        let made = app.api(Method::POST, &format!("/advertisers/{}/rotate-secret", campaign.advertiser), Some(json!({}))).await;
        assert_eq!(made.status, 200, "{made:?}");
        mend(app, &campaign, json!({"hmac_mode": "required"})).await;
        assert_eq!(app.say(&click, &format!("payout=5&txid={long}")).await.code(), "unreadable");
        mend(app, &campaign, json!({"param_map": {"txid": "sub1"}})).await;
        let unreadable = ids(app, "unreadable").await;
        let answer = replay(app, json!({"ids": unreadable})).await;
        assert_eq!(said(&answer)[0].2, "unreadable", "{answer}");
        assert!(said(&answer)[0].3.contains("signature"), "{answer}");
        assert!(app.conversions(&click).is_empty());
        mend(app, &campaign, json!({"hmac_mode": "off"})).await;
        assert_eq!(said(&replay(app, json!({"ids": unreadable})).await)[0].2, "recorded");
    }

    async fn a_manager_releases_what_is_parked(app: TestApp) {
        let campaign = campaign_with(app, json!({"window_days": 1}), json!({})).await;
        let young = app.click(&campaign).await;
        let record = app.like(&young, DAY * 3).await;
        app.bring_click(&record);
        let old = Click { id: record.id.to_string(), ..young.clone() };
        assert_eq!(app.postback(&old, "5").await.code(), "parked_outside_window");
        let parked = ids(app, "parked_outside_window").await;
        assert_eq!(said(&replay(app, json!({"ids": parked})).await)[0].2, "parked_outside_window", "the window holds");
        let answer = replay(app, json!({"ids": parked, "release": true, "why": "their server was down"})).await;
        assert_eq!(said(&answer)[0].2, "recorded");
        let shown = app.api(Method::GET, &format!("/conversions/{}", app.conversions(&old)[0].id), None).await.expect(200);
        let first = &shown["changes"][0];
        assert_eq!((&first["by"], &first["why"]), (&json!("postback"), &json!("Released: their server was down")));
        assert!(first["user_id"].is_i64() && first["postback_id"] == json!(parked[0]), "{first}");

        // The click reached another advertiser's offer: it earns what that offer says.
        let other = app.advertiser(json!({"name": "Other"})).await;
        let foreign = Click { key: other["postback_key"].as_str().unwrap().to_owned(), ..young.clone() };
        assert_eq!(app.say(&foreign, "").await.code(), "parked_wrong_offer");
        let parked = ids(app, "parked_wrong_offer").await;
        let answer = replay(app, json!({"ids": parked, "release": true, "why": "they sold the offer"})).await;
        assert_eq!(said(&answer)[0].2, "recorded", "{answer}");
        let made = app.conversions(&young)[0].value.clone();
        assert_eq!((made.offer_id, made.advertiser_id), (Some(campaign.offer), other["id"].as_i64().unwrap()));
        assert_eq!(made.revenue_micros, 2_000_000);
        assert_eq!(app.say(&foreign, "status=refund").await.code(), "updated", "what follows finds it");
        assert_eq!(app.say(&foreign, "event=deposit").await.code(), "parked_wrong_offer", "something new does not");
        assert_eq!(app.figures(&campaign, ["leads", "approved", "reversed", "revenue"]), ["2", "1", "1", "5.00"]);
    }

    async fn a_person_says_which_conversion_is_meant(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (click, other) = (app.click(&campaign).await, app.click(&campaign).await);
        for txid in ["a", "b"] {
            assert_eq!(app.say(&click, &format!("payout=5&txid={txid}")).await.code(), "recorded");
        }
        app.postback(&other, "7").await;
        assert_eq!(app.say(&click, "status=rejected").await.code(), "parked_ambiguous");
        let parked = ids(app, "parked_ambiguous").await[0];
        let (meant, wrong) = (app.conversions(&click)[1].id, app.conversions(&other)[0].id);
        for body in [
            json!({"ids": [parked]}),
            json!({"ids": [parked], "release": true, "why": "x"}),
            json!({"ids": [parked], "release": true, "why": "x", "conversion_id": wrong}),
        ] {
            assert_eq!(said(&replay(app, body).await)[0].2, "parked_ambiguous");
        }
        let body = json!({"ids": [parked], "release": true, "why": "their e-mail", "conversion_id": meant});
        assert_eq!(replay(app, body).await["items"][0]["conversion_id"], meant);
        let statuses: Vec<Status> = app.conversions(&click).iter().map(|one| one.value.status).collect();
        assert_eq!(statuses, [Status::Approved, Status::Rejected]);
        assert_eq!(app.figures(&campaign, ["approved", "rejected", "revenue"]), ["2", "1", "12.00"]);
    }

    async fn what_is_older_moves_nothing_back(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let (moved, decided, refunded) = (app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await);
        for click in [&moved, &decided, &refunded] {
            app.postback(click, "5").await;
            assert_eq!(app.say(click, "status=storno").await.code(), "unknown_status");
            assert_eq!(app.say(click, "payout=-1x&status=refund").await.code(), "malformed_revenue");
        }
        assert_eq!(app.say(&moved, "payout=6").await.code(), "updated");
        let path = format!("/conversions/{}", app.conversions(&decided)[0].id);
        app.patch(&path, json!({"status": "approved", "revenue": "8", "why": "settled"})).await;
        mend(app, &campaign, json!({"status_map": {"storno": "reversed"}})).await;
        let answer = replay(app, json!({"filter": {"code": "unknown_status"}})).await;
        let codes: Vec<String> = said(&answer).into_iter().map(|one| one.2).collect();
        assert_eq!(codes, ["duplicate", "duplicate", "updated"], "{answer}");
        assert!(said(&answer)[0].3.contains("something newer changed it"));
        assert_eq!((standing(app, &moved), standing(app, &decided)), ((Status::Approved, 6_000_000), (Status::Approved, 8_000_000)));
        assert_eq!(standing(app, &refunded).0, Status::Reversed);
    }

    async fn a_retry_that_came_within_a_day_counts_for_both_and_a_later_one_does_not(app: TestApp) {
        let campaign = campaign_with(app, json!({"duplicate_mode": "new"}), json!({})).await;
        let click = app.click(&campaign).await;
        let record = app.like(&click, DAY * 20).await;
        app.bring_click(&record);
        let click = Click { id: record.id.to_string(), ..click };
        for _ in 0..2 {
            assert_eq!(app.say(&click, "payout=5&status=verkauft").await.code(), "unknown_status");
        }
        let refused = ids(app, "unknown_status").await;
        came(app, refused[0], DAY * 9);
        came(app, refused[1], DAY / 2);
        mend(app, &campaign, json!({"status_map": {"verkauft": "approved"}})).await;
        assert_eq!(app.say(&click, "payout=5&status=verkauft").await.code(), "recorded");
        let answer = replay(app, json!({"ids": refused})).await;
        assert_eq!((said(&answer)[0].2.as_str(), said(&answer)[1].2.as_str()), ("recorded", "duplicate"));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["2", "10.00"]);
    }

    async fn what_a_look_says_is_what_a_run_does(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for case in corpus::cases() {
            corpus::fault(app, &campaign, &case).await;
        }
        // Some of each kind that touch one another, and what needs a click and what is in it.
        let click = app.click(&campaign).await;
        for parameters in ["status=yes&payout=1", "status=yes&payout=2", "status=no&payout=2", "status=yes&payout=2", "status=yes&payout=9&txid=x"] {
            assert_eq!(app.say(&click, parameters).await.code(), "unknown_status");
        }
        let advertiser = app.advertiser(json!({"name": "Other"})).await;
        let foreign = Click { key: advertiser["postback_key"].as_str().unwrap().to_owned(), ..click.clone() };
        assert_eq!(app.postback(&foreign, "1").await.code(), "parked_wrong_offer");
        mend(app, &campaign, json!({"status_map": {"yes": "approved", "no": "rejected", "perhaps": "pending"}, "param_map": {"ClickID": "cid", "clid": "cid", "click-id": "cid", "/data/cid": "cid"}})).await;
        let before = app.figures(&campaign, ["leads", "revenue"]);
        let tables = || app.number("select count(*) from conversions") + app.number("select count(*) from conversion_changes") + app.number("select count(*) from postback_replays");
        let rows = tables();
        for order in [json!({}), json!({"release": true, "why": "all of them"})] {
            let with = |dry_run: bool| {
                let mut body = order.clone();
                (body["filter"], body["dry_run"]) = (json!({}), json!(dry_run));
                body
            };
            let looked = replay(app, with(true)).await;
            if order == json!({}) {
                assert_eq!((tables(), app.figures(&campaign, ["leads", "revenue"])), (rows, before.clone()), "a look keeps nothing");
            }
            let run = replay(app, with(false)).await;
            let plain = |answer: &Value| -> Vec<_> {
                said(answer).into_iter().map(|(id, run, code, message)| (id, run, code, without_numbers(&message))).collect()
            };
            assert!(looked["run"].as_u64().unwrap() > 150, "{looked}");
            assert_eq!(plain(&looked), plain(&run));
            assert_eq!(looked["totals"], run["totals"]);
            let after = replay(app, with(true)).await;
            let counted = after["items"].as_array().unwrap().iter().filter(|one| one["result"] == "accepted");
            assert_eq!(counted.count(), 0, "a run leaves nothing that would count");
        }
        assert_eq!(app.conversions(&click).len(), 2, "of each advertiser one");
        assert_ne!(app.figures(&campaign, ["leads", "revenue"]), before);
    }

    async fn tests_stay_tests_and_words_are_not_counted_twice(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        assert_eq!(app.say(&click, "payout=5&status=verkauft").await.code(), "unknown_status");
        crate::trust::behind(app, "update postbacks_received set is_test = true");
        assert_eq!(replay(app, json!({"filter": {"test": "exclude"}})).await["items"], json!([]));
        replay(app, json!({"filter": {"test": "only"}})).await;
        assert_eq!(app.number("select max(seen) from words_seen"), 1);
        mend(app, &campaign, json!({"status_map": {"verkauft": "approved"}})).await;
        assert_eq!(replay(app, json!({"filter": {"test": "only"}})).await["totals"][0]["to"], "recorded");
        assert!(app.conversions(&click)[0].value.is_test);
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["0", "0.00"]);
    }

    async fn what_is_parked_again_is_not_settled(app: TestApp) {
        let (own, other) = (app.campaign(json!({})).await, app.campaign(json!({})).await);
        let click = app.click(&other).await;
        app.stored(&click).await;
        let wrong = app.get(&format!("/postback/{}?cid={}&payout=5", own.key, click.id)).await;
        assert_eq!(wrong.code(), "parked_wrong_offer");
        let unknown = app.get(&format!("/postback/{}?cid={}&status=verkauft&payout=1", own.key, click.id)).await;
        assert_eq!(unknown.code(), "unknown_status");
        mend(app, &own, json!({"status_map": {"verkauft": "approved"}})).await;
        let all = [ids(app, "parked_wrong_offer").await, ids(app, "unknown_status").await].concat();
        let run = replay(app, json!({"ids": all})).await;
        assert_eq!(run["totals"], json!([
            {"from": "parked_wrong_offer", "to": "parked_wrong_offer", "count": 1},
            {"from": "unknown_status", "to": "parked_wrong_offer", "count": 1}]));
        let settled = || app.number("select count(*) from postbacks_received where settled_at_ms is not null");
        assert_eq!(settled(), 0, "both wait for somebody still");
        replay(app, json!({"ids": all, "release": true, "why": "agreed"})).await;
        assert_eq!((settled(), app.conversions(&click).len()), (2, 1));
        let log = app.api(Method::GET, "/postbacks", None).await.expect(200);
        assert!(log["items"].as_array().unwrap().iter().all(|one| one["settled_at"].is_string()), "{log}");
    }

    async fn what_cannot_be_asked_for_is_said(app: TestApp) {
        for (body, field) in [
            (json!({}), "ids"),
            (json!({"ids": [], "dry_run": true}), "ids"),
            (json!({"ids": "1"}), "ids"),
            (json!({"ids": [1.5]}), "ids"),
            (json!({"ids": (0..10_001).collect::<Vec<_>>()}), "ids"),
            (json!({"ids": [1], "filter": {}}), "ids"),
            (json!({"filter": "all"}), "filter"),
            (json!({"filter": {"code": "gone"}}), "filter.code"),
            (json!({"filter": {"page": 2}}), "filter.page"),
            (json!({"ids": [1], "release": true}), "why"),
            (json!({"ids": [1], "release": "yes!", "why": "x"}), "release"),
            (json!({"ids": [1, 2], "release": true, "why": "x", "conversion_id": 1}), "conversion_id"),
            (json!({"ids": [1], "why": "x".repeat(501)}), "why"),
            (json!({"ids": [1], "colour": "red"}), "colour"),
        ] {
            let refused = app.api(Method::POST, "/postbacks/replay", Some(body.clone())).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field, "{body}: {refused}");
        }
        assert_eq!(app.api(Method::GET, "/postbacks/replay", None).await.status, 405);
    }

    async fn the_log_runs_what_is_ticked_or_all_that_it_shows(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        for parameters in ["payout=5&status=a%3Cb&txid=a", "payout=6&status=a%3Cb&txid=b", "payout={amount}", "payout=1&txid=c"] {
            app.say(&click, parameters).await;
        }
        let person = Person::enter(app).await;
        let log = person.page("/postbacks?code=unknown_status").await;
        assert_eq!(log.matches("form=\"bulk\"").count(), 2);
        let shown = log.split("name=\"shown\" value=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        assert!(shown.contains("code=unknown_status") && shown.contains("from_ms="), "{shown}");
        assert!(!person.page("/postbacks?code=recorded").await.contains("id=\"bulk\""), "what counts is not run again");
        mend(app, &campaign, json!({"status_map": {"a<b": "approved"}})).await;

        let shown: String = url::form_urlencoded::byte_serialize(shown.as_bytes()).collect();
        let looked = person.send("/postbacks/replay", &format!("scope=shown&shown={shown}")).await;
        assert_eq!(looked.status, 200);
        assert!(looked.text.contains("of 2 postbacks 2 count") && looked.text.contains("A new conversion"), "{}", looked.text);
        assert!(!looked.text.contains("a<b"), "what came from outside is escaped");
        assert_eq!(app.conversions(&click).len(), 1, "a look keeps nothing");
        let run = person.send("/postbacks/replay", &format!("scope=shown&shown={shown}&action=run&why=mended")).await;
        assert_eq!(run.location(), "/postbacks?replayed=2-2");
        assert!(person.page("/postbacks?replayed=2-2").await.contains("Run again: of 2 postbacks 2 count now."));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["3", "12.00"]);

        let hopeless = ids(app, "unresolved_macro").await[0];
        let one = person.page(&format!("/postbacks/{hopeless}")).await;
        assert!(one.contains("Run again</button>"), "{one}");
        let looked = person.send("/postbacks/replay", &format!("id={hopeless}")).await;
        assert!(looked.text.contains("Ask them to send again, or import their file"), "{}", looked.text);
        let refused = person.send("/postbacks/replay", &format!("id={hopeless}&release=true&action=run")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Write why it is released"), "{}", refused.text);
        let run = person.send("/postbacks/replay", &format!("id={hopeless}&action=run&why=%3Ci%3Etry")).await;
        assert_eq!(run.location(), format!("/postbacks/{hopeless}?replayed=0-1"));
        let one = person.page(run.location()).await;
        assert!(one.contains("Run again by person@example.com") && !one.contains("<i>try"), "{one}");
        assert_eq!(person.send("/postbacks/replay", "scope=ticked").await.location(), "/postbacks?replayed=none");
        assert_eq!(person.send("/postbacks/replay", "scope=shown&shown=colour%3Dred").await.location(), "/postbacks?replayed=none");

        for txid in ["x", "y"] {
            app.say(&click, &format!("event=lead&payout=1&txid={txid}")).await;
        }
        assert_eq!(app.say(&click, "event=lead&status=rejected").await.code(), "parked_ambiguous");
        let parked = ids(app, "parked_ambiguous").await[0];
        let looked = person.send("/postbacks/replay", &format!("id={parked}")).await;
        let meant = app.conversions(&click).iter().find(|one| one.value.txid == "y").unwrap().id;
        assert!(looked.text.contains(&format!("<option value=\"{meant}\"")), "{}", looked.text);
        let form = format!("id={parked}&release=true&why=asked&conversion_id={meant}&action=run");
        assert_eq!(person.send("/postbacks/replay", &form).await.location(), format!("/postbacks/{parked}?replayed=1-1"));
        let meant = app.conversions(&click).into_iter().find(|one| one.id == meant).unwrap();
        assert_eq!(meant.value.status, Status::Rejected);
    }

    async fn replays_at_once_make_one_conversion(app: TestApp) {
        let campaign = campaign_with(app, json!({"duplicate_mode": "new"}), json!({})).await;
        let mut clicks = Vec::new();
        for _ in 0..20 {
            let click = app.click(&campaign).await;
            app.stored(&click).await;
            assert_eq!(app.say(&click, "payout=5&status=verkauft").await.code(), "unknown_status");
            clicks.push(click);
        }
        mend(app, &campaign, json!({"status_map": {"verkauft": "approved"}})).await;
        let all = ids(app, "unknown_status").await;
        let asked = (0..8).map(|_| app.api(Method::POST, "/postbacks/replay", Some(json!({"ids": all}))));
        let run: u64 = join_all(asked).await.iter().map(|answer| answer.expect(200)["run"].as_u64().unwrap()).sum();
        assert_eq!(run, 20, "each is run by one of them");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["20", "100.00"]);
    }
}

#[test]
fn replays_on_two_nodes_make_one_conversion() {
    block_on(async {
        let Some(app) = TestApp::start(crate::app::Backend::Postgres) else { return };
        let campaign = campaign_with(&app, json!({"duplicate_mode": "new"}), json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        for n in 0..40 {
            assert_eq!(
                app.say(&click, &format!("payout=1&status=verkauft&p1={n}")).await.code(),
                "unknown_status"
            );
        }
        mend(&app, &campaign, json!({"status_map": {"verkauft": "approved"}})).await;
        let all = ids(&app, "unknown_status").await;
        let (tested, all) = (&app, &all);
        app.with_another_node(|other| async move {
            let asked = (0..8).map(|n| {
                let base = if n % 2 == 0 { &tested.base } else { &other };
                // Each in an order of its own.
                let mut ids = all.clone();
                ids.rotate_left(n * 5);
                let request = client().post(format!("{base}/api/v1/postbacks/replay"));
                send(request.bearer_auth(&tested.write_token).json(&json!({"ids": ids})))
            });
            let run: u64 =
                join_all(asked).await.iter().map(|answer| answer.expect(200)["run"].as_u64().unwrap()).sum();
            assert_eq!(run, 40);
        })
        .await;
        assert_eq!(app.conversions(&click).len(), 40);
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["40", "40.00"]);
        app.finish().await;
    });
}
