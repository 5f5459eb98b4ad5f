//! Postbacks out: a conversion is told to whoever must know, once, and what came of it is kept.

use crate::app::TestApp;
use crate::receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};

/// A source's campaign, so that clicks bring the source's own id.
async fn with_source(app: &TestApp, kind: &str) -> (i64, crate::app::Campaign) {
    let source = app
        .post("/sources", json!({"name": format!("{kind} source"), "kind": kind, "external_id_param": "ext"}))
        .await["id"]
        .as_i64()
        .unwrap();
    (source, app.campaign(json!({"source_id": source})).await)
}

/// A click that came with the source's own id, as the postback knows it.
async fn click(app: &TestApp, campaign: &crate::app::Campaign, external: &str) -> crate::app::Click {
    let click = app.click_as(campaign, &format!("ext={external}"), |request| request).await;
    app.settled().await;
    click
}

/// How many deliveries have a state.
fn count(app: &TestApp, state: &str) -> i64 {
    app.number(&format!("select count(*) from deliveries where state = '{state}'"))
}

async fn until(app: &TestApp, state: &str, wanted: i64) {
    app.until(&format!("{wanted} are {state}"), || count(app, state) == wanted).await;
}

async fn destination(app: &TestApp, fields: Value) -> i64 {
    let mut all = json!({"name": "Told"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    app.post("/destinations", all).await["id"].as_i64().unwrap()
}

stories! {
    async fn a_conversion_is_told_to_its_source_once(app: TestApp) {
        let source = Receiver::start();
        let (id, campaign) = with_source(app, "ad_network").await;
        let url = format!("{}/pb?c={{external_id}}&p={{payout}}&s={{status:approved=1,pending=2}}&e={{event}}&t={{txid}}", source.base);
        destination(app, json!({"source_id": id, "url": url, "statuses": ["approved"]})).await;
        let other = app.campaign(json!({"slug": "other"})).await;
        let click = click(app, &campaign, "w%26 1").await;
        assert_eq!(app.say(&click, "payout=5&txid=T1&status=pending").await.code(), "recorded");
        assert_eq!(app.say(&click, "payout=5&txid=T1&status=approved").await.code(), "updated");
        let seen = source.next();
        assert_eq!(seen.line, "GET /pb?c=w%26%201&p=5.00&s=1&e=sale&t=T1 HTTP/1.1");
        assert_eq!(seen.header("idempotency-key").len(), 32);
        until(app, "sent", 1).await;
        // Said again, moved on, or another campaign's: nothing more is told.
        app.say(&click, "payout=5&txid=T1&status=approved").await;
        app.say(&click, "payout=5&txid=T1&status=reversed").await;
        let elsewhere = app.click(&other).await;
        app.settled().await;
        app.say(&elsewhere, "payout=5&status=approved").await;
        assert_eq!(app.number("select count(*) from deliveries"), 1);
        assert!(source.is_quiet());
    }

    async fn each_change_is_told_in_its_order_where_that_is_asked_for(app: TestApp) {
        let source = Receiver::answering(&[500, 200, 200, 200]);
        let (id, campaign) = with_source(app, "ad_network").await;
        let url = format!("{}/pb?c={{external_id}}&s={{status}}&p={{payout}}", source.base);
        destination(app, json!({"source_id": id, "url": url, "fire": "each_change"})).await;
        let click = click(app, &campaign, "w1").await;
        app.say(&click, "payout=5&txid=T1&status=pending").await;
        app.say(&click, "payout=5&txid=T1&status=approved").await;
        app.say(&click, "payout=5&txid=T1&status=reversed").await;
        let lines: Vec<String> = (0..4).map(|_| source.next().line).collect();
        let told = |line: &String| line.split("s=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let told: Vec<String> = lines.iter().map(told).collect();
        assert_eq!(told, ["pending&p=5.00", "pending&p=5.00", "approved&p=5.00", "reversed&p=0.00"]);
        until(app, "sent", 3).await;
        assert_eq!(app.number("select max(attempts) from deliveries"), 2);
    }

    async fn what_is_refused_is_not_tried_again_and_can_be_sent_again(app: TestApp) {
        let source = Receiver::answering(&[404, 200]);
        let (id, campaign) = with_source(app, "ad_network").await;
        destination(app, json!({"source_id": id, "url": format!("{}/pb?c={{external_id}}", source.base)})).await;
        let click = click(app, &campaign, "w1").await;
        app.postback(&click, "1").await;
        let first = source.next();
        until(app, "failed", 1).await;
        let attempt = app.texts("select response from delivery_attempts");
        assert_eq!(attempt, ["answered 404"]);
        let delivery = app.number("select id from deliveries");
        let failed = app.api(Method::GET, &format!("/deliveries/{delivery}"), None).await.expect(200);
        assert_eq!((&failed["state"], &failed["next_attempt_at"]), (&json!("failed"), &Value::Null));
        let again = app.api(Method::POST, &format!("/deliveries/{delivery}/resend"), None).await.expect(200);
        assert_eq!((&again["state"], &again["attempt_count"]), (&json!("due"), &json!(1)));
        let second = source.next();
        assert_eq!(first.header("idempotency-key"), second.header("idempotency-key"), "the same delivery");
        assert_eq!(again["idempotency_key"], first.header("idempotency-key"));
        until(app, "sent", 1).await;
        let sent = app.api(Method::GET, &format!("/deliveries/{delivery}"), None).await.expect(200);
        let attempts = sent["attempts"].as_array().unwrap();
        let codes: Vec<&Value> = attempts.iter().map(|attempt| &attempt["code"]).collect();
        assert_eq!(codes, [404, 200]);
        assert_eq!((&attempts[0]["error"], &attempts[1]["error"]), (&json!("It was answered by 404"), &Value::Null));
        assert_eq!(attempts[0]["url"], format!("{}/pb?c=w1", source.base));
        assert_eq!((&sent["told"]["status"], &sent["told"]["revenue"]), (&json!("approved"), &json!("1.00")));
    }

    async fn nothing_is_told_that_may_not_be(app: TestApp) {
        let source = Receiver::start();
        let (partner, campaign) = with_source(app, "partner").await;
        let url = |end: &str| format!("{}/pb?c={{external_id}}{end}", source.base);
        let refused = json!({"name": "N", "source_id": partner, "url": url("&r={revenue}")});
        let said = app.api(Method::POST, "/destinations", Some(refused)).await.expect(422);
        assert_eq!(said["fields"][0]["field"], "url");
        // A global one fires for him too: what is ours is not told.
        destination(app, json!({"url": url("&r={revenue}")})).await;
        destination(app, json!({"source_id": partner, "url": url("&p={payout}")})).await;
        let known = click(app, &campaign, "w1").await;
        app.postback(&known, "9").await;
        assert_eq!(source.next().line, "GET /pb?c=w1&p=0.00 HTTP/1.1", "he is paid nothing for this offer");
        until(app, "skipped", 1).await;
        // A click without the source's id has nobody to be told of.
        let nameless = app.click(&campaign).await;
        app.settled().await;
        app.postback(&nameless, "9").await;
        until(app, "skipped", 3).await;
        let why = app.texts("select distinct skip_reason from deliveries where state = 'skipped' order by 1");
        assert!(why[0].contains("external id") && why[1].contains("ad networks alone"), "{why:?}");
        assert!(source.is_quiet());
    }

    async fn the_special_one_replaces_the_global_one(app: TestApp) {
        let source = Receiver::start();
        let (id, campaign) = with_source(app, "ad_network").await;
        let other = app.campaign(json!({"slug": "other"})).await;
        let url = |path: &str| format!("{}/{path}?c={{click_id}}", source.base);
        destination(app, json!({"url": url("global")})).await;
        destination(app, json!({"url": url("beside"), "campaign_id": campaign.id})).await;
        let special = destination(app, json!({"url": url("special"), "source_id": id, "replaces_global": true})).await;
        let paths = |count: usize| {
            let mut paths: Vec<String> =
                (0..count).map(|_| source.next().line.split(['/', '?']).nth(1).unwrap().to_owned()).collect();
            paths.sort();
            paths
        };
        app.postback(&click(app, &campaign, "w1").await, "1").await;
        assert_eq!(paths(2), ["beside", "special"]);
        app.postback(&click(app, &other, "w2").await, "1").await;
        assert_eq!(paths(1), ["global"]);
        app.patch(&format!("/destinations/{special}"), json!({"status": "paused"})).await;
        app.postback(&click(app, &campaign, "w3").await, "1").await;
        assert_eq!(paths(2), ["beside", "global"]);
        until(app, "sent", 5).await;
        assert!(source.is_quiet());
    }

    async fn a_body_and_secret_headers_are_sent(app: TestApp) {
        let source = Receiver::start();
        let (id, campaign) = with_source(app, "ad_network").await;
        let body = r#"{"data":[{"id":"{external_id}","value":{payout},"ip":"{ip|sha256}"}]}"#;
        let made = app
            .post("/destinations", json!({"name": "Api", "source_id": id, "url": format!("{}/events", source.base), "method": "POST",
                "body_kind": "json", "body": body, "headers": {"Authorization": "Bearer s3cret"}, "success_match": "answered 200"}))
            .await;
        assert_eq!(made["headers"], json!({"Authorization": null}));
        assert!(!app.texts("select headers_sealed from destinations")[0].contains("s3cret"));
        let path = format!("/destinations/{}", made["id"]);
        let renamed = app.patch(&path, json!({"name": "Api 2", "headers": {"Authorization": null}})).await;
        assert_eq!(renamed["headers"], json!({"Authorization": null}), "it keeps its value");
        app.postback(&click(app, &campaign, "w\"1").await, "2.5").await;
        let seen = source.next();
        assert_eq!(seen.header("authorization"), "Bearer s3cret");
        assert_eq!(seen.header("content-type"), "application/json");
        let body: Value = serde_json::from_str(&seen.body).unwrap();
        assert_eq!((&body["data"][0]["id"], &body["data"][0]["value"]), (&json!("w\"1"), &json!(2.5)));
        assert_eq!(body["data"][0]["ip"].as_str().unwrap().len(), 64);
        until(app, "sent", 1).await;
        assert!(!app.texts("select body from delivery_attempts")[0].contains("s3cret"));
    }

    async fn a_dead_host_holds_up_nobody(app: TestApp) {
        let (dead, alive) = (Receiver::silent(), Receiver::start());
        let (_, campaign) = with_source(app, "ad_network").await;
        destination(app, json!({"url": format!("{}/pb?c={{external_id}}", dead.base)})).await;
        destination(app, json!({"url": format!("{}/pb?c={{external_id}}", alive.base)})).await;
        for n in 0..30 {
            let click = app.click_as(&campaign, &format!("ext=w{n}"), |request| request).await;
            app.settled().await;
            app.postback(&click, "1").await;
        }
        for _ in 0..30 {
            alive.next();
        }
        until(app, "sent", 30).await;
        assert_eq!(count(app, "due"), 30);
    }

    async fn a_file_is_told_of_only_where_that_is_asked_for(app: TestApp) {
        let source = Receiver::start();
        let (_, campaign) = with_source(app, "ad_network").await;
        destination(app, json!({"url": format!("{}/pb?c={{external_id}}", source.base)})).await;
        for (external, tell) in [("w1", ""), ("w2", "&tell=true")] {
            let known = click(app, &campaign, external).await;
            let path = format!("/api/v1/conversions/import?advertiser_id={}{tell}", campaign.advertiser);
            let request = app.request(Method::POST, &path).bearer_auth(&app.write_token).header("content-type", "text/csv");
            let rows = format!("click_id,payout,txid\n{},1.00,{external}\n", known.id);
            let said = crate::app::send(request.body(rows)).await.json();
            assert_eq!((&said["accepted"], &said["tell"]), (&json!(1), &json!(!tell.is_empty())), "{said}");
        }
        assert_eq!(source.next().line, "GET /pb?c=w2 HTTP/1.1");
        until(app, "sent", 1).await;
        assert!(source.is_quiet());
    }

    async fn test_conversions_are_told_to_test_destinations_alone(app: TestApp) {
        let source = Receiver::start();
        let (id, campaign) = with_source(app, "ad_network").await;
        destination(app, json!({"source_id": id, "url": format!("{}/real?c={{external_id}}", source.base)})).await;
        destination(app, json!({"source_id": id, "url": format!("{}/test?c={{external_id}}", source.base), "test": true})).await;
        let real = click(app, &campaign, "w1").await;
        app.say(&real, "payout=1&test=1").await;
        assert_eq!(source.next().line, "GET /test?c=w1 HTTP/1.1");
        until(app, "sent", 1).await;
        app.postback(&click(app, &campaign, "w2").await, "1").await;
        assert_eq!(source.next().line, "GET /real?c=w2 HTTP/1.1");
        until(app, "sent", 2).await;
        assert!(source.is_quiet());
    }
}
