//! The test console: a test postback shows every check that it passed, and where it ended.

use crate::ledger::campaign_with;
use crate::pages::Person;
use clickledger::domain::click_id::ClickId;
use reqwest::Method;
use serde_json::{Value, json};

/// The check in which a trial ended, after all before it were passed and none behind it was reached.
#[track_caller]
fn end(trial: &Value) -> String {
    let steps = trial["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 16, "{trial}");
    let standing = |step: &Value| step["standing"].as_str().unwrap().to_owned();
    let Some(at) = steps.iter().position(|step| standing(step) == "failed") else {
        // A copy ends where its conversion is found.
        let known = steps.iter().position(|step| step["check"] == "identity").unwrap();
        let steps = if trial["code"] == "duplicate" { &steps[..=known] } else { &steps[..] };
        assert!(
            steps.iter().all(|step| matches!(standing(step).as_str(), "passed" | "not_asked")),
            "{trial}"
        );
        return String::new();
    };
    assert!(
        steps[..at].iter().all(|step| matches!(standing(step).as_str(), "passed" | "not_asked")),
        "{trial}"
    );
    assert!(steps[at + 1..].iter().all(|step| standing(step) == "not_reached"), "{trial}");
    assert_eq!(steps[at]["detail"], trial["message"].as_str().unwrap());
    steps[at]["check"].as_str().unwrap().to_owned()
}

stories! {
    async fn a_test_has_a_click_of_its_own_that_stays(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let path = format!("/advertisers/{}", campaign.advertiser);
        let advertiser = || app.api(Method::GET, &path, None);
        assert_eq!(advertiser().await.expect(200)["test_click_id"], Value::Null);
        let test = format!("{path}/test-postback");
        let send = || app.api(Method::POST, &test, Some(json!({"params": {"payout": 5}})));
        let first = send().await.expect(200);
        assert_eq!((first["code"].as_str().unwrap(), end(&first)), ("recorded", String::new()));
        let id = advertiser().await.expect(200)["test_click_id"].clone();
        assert_eq!(first["click_id"], id);
        let second = send().await.expect(200);
        assert_eq!((second["code"].as_str().unwrap(), &second["click_id"]), ("duplicate", &id));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["0", "0.00"], "tests never count");
        let other = app.api(Method::POST, "/advertisers", Some(json!({"name": "Alone", "currency": "USD"}))).await.expect(201);
        let refused = app.api(Method::POST, &format!("/advertisers/{}/test-postback", other["id"]), Some(json!({}))).await;
        assert!(refused.expect(422).to_string().contains("No active campaign leads"));
        for (wrong, field) in [(json!({"params": 1}), "params"), (json!({"colour": 1}), "colour"), (json!({"address": "x"}), "address"), (json!({"params": {"a": []}}), "params"), (json!({"sign": "maybe"}), "sign")] {
            let refused = app.api(Method::POST, &test, Some(wrong)).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field);
        }
        let long = json!({"params": {"a": "x".repeat(20_000)}});
        assert_eq!(app.api(Method::POST, &test, Some(long)).await.expect(422)["fields"][0]["field"], "query");
        let none = app.api(Method::POST, "/advertisers/999/test-postback", Some(json!({}))).await;
        assert_eq!(none.status, 404);
    }

    async fn each_check_ends_a_postback_before_those_behind_it_are_made(app: TestApp) {
        let strict = json!({"hmac_mode": "required", "allow_addresses": ["203.0.113.0/24"], "missing_status": "refused"});
        let campaign = campaign_with(app, strict, json!({})).await;
        let other = campaign_with(app, json!({}), json!({})).await;
        let unknown = ClickId::new(clickledger::http::now_ms(), rand::random()).to_string();
        let foreign = app.click(&other).await.id;
        let path = format!("/advertisers/{}", campaign.advertiser);
        let test = format!("{path}/test-postback");
        let send = |params: Value, more: Value| {
            let mut body = json!({"params": params, "as_from_outside": true, "address": "203.0.113.7"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.api(Method::POST, &test, Some(body))
        };
        let (worst, signed) = (json!({"cid": "{cid}", "payout": "x", "currency": "ZZZ"}), json!({"sign": true}));
        let unsigned = send(worst.clone(), signed.clone()).await;
        assert_eq!(unsigned.expect(422)["fields"][0]["field"], "sign", "there is no secret yet");
        app.api(Method::POST, &format!("{path}/rotate-secret"), None).await.expect(200);
        let ladder = [
            (worst.clone(), json!({"address": "198.51.100.1"}), "address_not_allowed", "address"),
            (worst.clone(), json!({}), "bad_signature", "signature"),
            (worst, signed.clone(), "unresolved_macro", "macros"),
            (json!({"cid": "", "payout": "x", "currency": "ZZZ"}), signed.clone(), "missing_click_id", "click_id"),
            (json!({"cid": "abc", "payout": "x", "currency": "ZZZ"}), signed.clone(), "missing_status", "status"),
            (json!({"cid": "abc", "payout": "x", "currency": "ZZZ", "status": "odd"}), signed.clone(), "unknown_status", "status"),
            (json!({"cid": "abc", "payout": "x", "currency": "ZZZ", "status": "1"}), signed.clone(), "malformed_revenue", "amount"),
            (json!({"cid": "abc", "payout": "5", "currency": "ZZZ", "status": "1"}), signed.clone(), "unknown_currency", "currency"),
            (json!({"cid": "abc", "payout": "5", "currency": "EUR", "status": "1"}), signed.clone(), "parked_foreign_click", "click"),
            (json!({"cid": unknown, "payout": "5", "currency": "EUR", "status": "1"}), signed.clone(), "parked_unknown_click", "click"),
            (json!({"cid": foreign, "payout": "5", "currency": "EUR", "status": "1"}), signed.clone(), "parked_wrong_offer", "offer"),
            (json!({"payout": "5", "currency": "EUR", "status": "1"}), signed.clone(), "parked_no_rate", "rate"),
            (json!({"payout": "5", "status": "1", "txid": "t"}), signed.clone(), "recorded", ""),
            (json!({"payout": "5", "status": "1", "txid": "t"}), signed.clone(), "duplicate", ""),
            (json!({"payout": "7", "status": "1", "txid": "t"}), signed.clone(), "updated", ""),
        ];
        for (params, more, code, check) in ladder {
            let trial = send(params, more).await.expect(200);
            assert_eq!((trial["code"].as_str().unwrap(), end(&trial).as_str()), (code, check), "{trial}");
        }
        let unreadable = send(json!({}), json!({"body": "{\"a\":", "sign": true})).await.expect(200);
        assert_eq!((unreadable["code"].as_str().unwrap(), end(&unreadable).as_str()), ("unreadable", "readable"));
        // A test from here without more is let in: whoever sends it has signed in.
        let own = app.api(Method::POST, &test, Some(json!({"params": {"status": "1", "txid": "u"}})));
        assert_eq!(own.await.expect(200)["code"], "recorded");
        assert_eq!(app.figures(&campaign, ["leads"]), ["0"]);
    }

    async fn the_console_shows_what_was_sent_and_each_check(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let person = Person::enter(app).await;
        let path = format!("/advertisers/{}/console", campaign.advertiser);
        assert!(person.page(&path).await.contains("Nothing sent yet"));
        let sent = person.send(&path, "query=&body=").await;
        assert_eq!(sent.status, 200, "{sent:?}");
        for words in ["accepted", "Sender&#39;s address", "a new one", "What was sent", "HTTP 200", "cid="] {
            assert!(sent.text.contains(words), "{words}: {}", sent.text);
        }
        assert!(person.page(&path).await.contains("cid="), "the next test is about the same click");
        assert!(person.page(&format!("/advertisers/{}", campaign.advertiser)).await.contains("Permanent test click id"));
        let refused = person.send(&path, "query=cid%3D%3Cu%3E&address=x").await;
        assert!(refused.status == 422 && refused.text.contains("Must be an address like") && !refused.text.contains("<u>"));
        let unsigned = person.send(&path, "query=cid%3Dabc&sign=on").await;
        assert!(unsigned.status == 422 && unsigned.text.contains("There is no secret to sign with"), "{}", unsigned.text);
        let odd = person.send(&path, "query=cid%3D%257Bsubacc4%257D").await;
        assert!(odd.text.contains("did not replace its macro") && odd.text.contains("not reached"), "{}", odd.text);
        let posted = person.send(&path, "query=&body=%7B%22cid%22%3A%22abc%22%7D").await;
        assert!(posted.text.contains("POST http") && posted.text.contains("parked"), "{}", posted.text);
    }
}
