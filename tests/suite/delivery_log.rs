//! What destinations were told, in the API: the log, what is sent again, and the test of a destination.

use crate::app::{Campaign, Click, TestApp};
use crate::receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};

/// A source's campaign and a destination of that source at a receiver.
pub struct Told {
    pub source: i64,
    pub campaign: Campaign,
    pub destination: i64,
}

/// Makes them; the fields are the destination's.
pub async fn told(app: &TestApp, receiver: &Receiver, fields: Value) -> Told {
    let source = app
        .post("/sources", json!({"name": "Push house", "kind": "ad_network", "external_id_param": "ext"}))
        .await["id"]
        .as_i64()
        .unwrap();
    let campaign = app.campaign(json!({"source_id": source})).await;
    let mut all = json!({"name": "Push house postback", "source_id": source,
        "url": format!("{}/pb?c={{external_id}}&p={{payout}}", receiver.base)});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let destination = app.post("/destinations", all).await["id"].as_i64().unwrap();
    Told { source, campaign, destination }
}

/// A click with the source's own id, converted.
pub async fn converted(app: &TestApp, campaign: &Campaign, external: &str, said: &str) -> Click {
    let click = app.click_as(campaign, &format!("ext={external}"), |request| request).await;
    app.settled().await;
    assert_eq!(app.say(&click, said).await.code(), "recorded");
    click
}

/// Waits until so many deliveries have a state.
pub async fn until(app: &TestApp, state: &str, wanted: i64) {
    let query = format!("select count(*) from deliveries where state = '{state}'");
    app.until(&format!("{wanted} are {state}"), || app.number(&query) == wanted).await;
}

async fn found(app: &TestApp, filter: &str) -> Vec<i64> {
    let page = app.api(Method::GET, &format!("/deliveries?{filter}"), None).await.expect(200);
    let items = page["items"].as_array().unwrap();
    assert_eq!(page["total"], items.len(), "{filter}");
    items.iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

stories! {
    async fn the_log_is_narrowed_by_what_one_knows(app: TestApp) {
        let receiver = Receiver::answering(&[404]);
        let told = told(app, &receiver, json!({})).await;
        let first = converted(app, &told.campaign, "w1", "payout=1&txid=T-1").await;
        until(app, "failed", 1).await;
        let second = converted(app, &told.campaign, "w2", "payout=2&txid=T-2").await;
        until(app, "sent", 1).await;
        let nameless = app.click(&told.campaign).await;
        app.settled().await;
        app.say(&nameless, "payout=3&txid=T-3").await;
        until(app, "skipped", 1).await;

        let all = found(app, "").await;
        assert_eq!(all.len(), 3);
        let [skipped, sent, failed] = all[..] else { panic!("{all:?}") };
        assert!(skipped > sent && sent > failed, "newest first: {all:?}");
        let conversion = app.conversions(&second)[0].id;
        for (filter, wanted) in [
            (format!("destination_id={}", told.destination), vec![skipped, sent, failed]),
            ("destination_id=999".to_owned(), vec![]),
            (format!("conversion_id={conversion}"), vec![sent]),
            (format!("click_id={}", first.id), vec![failed]),
            (format!("click_id={}&txid=T-2", first.id), vec![]),
            ("txid=T-2".to_owned(), vec![sent]),
            ("txid=".to_owned(), vec![]),
            ("state=failed".to_owned(), vec![failed]),
            ("state=skipped".to_owned(), vec![skipped]),
            ("state=due".to_owned(), vec![]),
            ("q=T-1".to_owned(), vec![failed]),
            (format!("q={conversion}&state=sent"), vec![sent]),
            ("q=External%20ID".to_owned(), vec![skipped]),
            ("q=%25".to_owned(), vec![]),
            ("test=only".to_owned(), vec![]),
            ("test=exclude&page_size=5".to_owned(), vec![skipped, sent, failed]),
            ("from=2026-01-01&to=2026-01-02".to_owned(), vec![]),
        ] {
            assert_eq!(found(app, &filter).await, wanted, "{filter}");
        }
        let page = app.api(Method::GET, "/deliveries?page=2&page_size=2", None).await.expect(200);
        assert_eq!((page["items"].as_array().unwrap().len(), &page["total"]), (1, &json!(3)));
        let why = app.api(Method::GET, &format!("/deliveries/{skipped}"), None).await.expect(200);
        assert!(why["skip_reason"].as_str().unwrap().contains("external id"), "{why}");
        assert_eq!(why["attempts"], json!([]));
        let story = app.api(Method::GET, &format!("/clicks/{}", first.id), None).await.expect(200);
        assert_eq!((&story["deliveries"][0]["id"], &story["deliveries"][0]["last_code"]), (&json!(failed), &json!(404)));
        for (bad, field) in [("state=gone", "state"), ("destination_id=x", "destination_id"), ("click_id=7", "click_id")] {
            let said = app.api(Method::GET, &format!("/deliveries?{bad}"), None).await.expect(422);
            assert_eq!(said["fields"][0]["field"], field, "{bad}");
        }
    }

    async fn many_are_sent_again_at_once(app: TestApp) {
        let receiver = Receiver::answering(&[404, 404, 404]);
        let told = told(app, &receiver, json!({})).await;
        for n in 0..3 {
            converted(app, &told.campaign, &format!("w{n}"), &format!("payout=1&txid=T-{n}")).await;
            receiver.next();
        }
        until(app, "failed", 3).await;
        let resend = async |body: Value| app.api(Method::POST, "/deliveries/resend", Some(body)).await;
        for (bad, field) in [
            (json!({}), "ids"),
            (json!({"ids": []}), "ids"),
            (json!({"ids": [1], "filter": {}}), "ids"),
            (json!({"filter": []}), "filter"),
            (json!({"filter": {"colour": 1}}), "filter.colour"),
            (json!({"filter": {}, "state": "failed"}), "state"),
        ] {
            assert_eq!(resend(bad.clone()).await.expect(422)["fields"][0]["field"], field, "{bad}");
        }
        let ids = found(app, "state=failed").await;
        // Whose destination is off is not sent, and is not said to be.
        let path = format!("/destinations/{}", told.destination);
        app.patch(&path, json!({"status": "paused"})).await;
        let said = resend(json!({"ids": [ids[0], 987_654]})).await.expect(200);
        assert_eq!(said, json!({"resent": 0, "left": 1, "not_found": [987_654], "more": false}));
        let one = app.api(Method::POST, &format!("/deliveries/{}/resend", ids[0]), None).await.expect(409);
        assert!(one["fields"][0]["message"].as_str().unwrap().contains("destination is off"), "{one}");
        app.api(Method::POST, "/deliveries/987654/resend", None).await.expect(404);
        app.patch(&path, json!({"status": "active"})).await;

        assert_eq!(resend(json!({"ids": [ids[2]]})).await.expect(200)["resent"], 1);
        until(app, "sent", 1).await;
        // A filter means what failed, unless it says otherwise.
        let said = resend(json!({"filter": {"destination_id": told.destination}})).await.expect(200);
        assert_eq!(said, json!({"resent": 2, "left": 0, "not_found": [], "more": false}));
        until(app, "sent", 3).await;
        assert_eq!(resend(json!({"filter": {}})).await.expect(200)["resent"], 0);
        assert_eq!(resend(json!({"filter": {"state": "sent", "txid": "T-1"}})).await.expect(200)["resent"], 1);
        for _ in 0..4 {
            receiver.next();
        }
        until(app, "sent", 3).await;
        assert!(receiver.is_quiet());
    }

    async fn a_destination_is_tried(app: TestApp) {
        let receiver = Receiver::answering(&[200, 200, 401]);
        let told = told(app, &receiver, json!({"events": ["deposit"], "headers": {"X-Key": "s3cret"},
            "method": "POST", "body_kind": "form", "body": "e={event}&id={txid}"})).await;
        let path = format!("/destinations/{}/test", told.destination);
        let test = async |body: Value| app.api(Method::POST, &path, Some(body)).await;
        let none = test(json!({})).await.expect(422);
        assert!(none["fields"][0]["message"].as_str().unwrap().contains("no conversion yet"), "{none}");
        let click = converted(app, &told.campaign, "w1", "payout=5&txid=T-1&event=deposit").await;
        receiver.next();
        until(app, "sent", 1).await;
        converted(app, &told.campaign, "w2", "payout=6&txid=T-2").await;

        let fitting = test(json!({})).await.expect(200);
        assert_eq!((&fitting["fits"], &fitting["state"], &fitting["error"]), (&json!(true), &json!("sent"), &Value::Null));
        assert_eq!(fitting["conversion_id"], app.conversions(&click)[0].id);
        assert_eq!(fitting["request"], json!({"method": "POST", "url": format!("{}/pb?c=w1&p=5.00", receiver.base),
            "headers": ["Idempotency-Key", "Content-Type", "X-Key"], "body": "e=deposit&id=T-1"}));
        assert_eq!(fitting["response"], json!({"code": 200, "body": "answered 200"}));
        assert_eq!(receiver.next().header("x-key"), "s3cret");
        assert!(!fitting.to_string().contains("s3cret"));

        let refused = test(json!({"conversion_id": app.number("select max(id) from conversions")})).await.expect(200);
        assert_eq!((&refused["state"], &refused["response"]["code"]), (&json!("failed"), &json!(401)));
        assert!(refused["advice"].as_str().unwrap().contains("key"), "{refused}");
        receiver.next();
        assert_eq!(test(json!({"conversion_id": 9_999})).await.expect(422)["fields"][0]["field"], "conversion_id");
        assert_eq!(test(json!({"conversion": 1})).await.expect(422)["fields"][0]["field"], "conversion");
        // Nothing of it is kept.
        assert_eq!(app.number("select count(*) from deliveries"), 1);
        assert_eq!(app.number("select count(*) from delivery_attempts"), 1);
    }

    async fn what_cannot_be_told_is_said_by_the_test(app: TestApp) {
        let receiver = Receiver::start();
        let told = told(app, &receiver, json!({})).await;
        let nameless = app.click(&told.campaign).await;
        app.settled().await;
        app.say(&nameless, "payout=1").await;
        until(app, "skipped", 1).await;
        let path = format!("/destinations/{}/test", told.destination);
        let tried = app.api(Method::POST, &path, Some(json!({}))).await.expect(200);
        assert_eq!((&tried["state"], &tried["request"], &tried["response"]), (&json!("skipped"), &Value::Null, &Value::Null));
        assert!(tried["error"].as_str().unwrap().contains("external id"), "{tried}");
        app.api(Method::POST, "/destinations/999/test", Some(json!({}))).await.expect(404);
        assert!(receiver.is_quiet());
        assert_eq!(told.source, app.number("select source_id from destinations"));
    }
}
