//! Postbacks of clicks made before the move, sent on to the tracker that knows them.

use crate::app::TestApp;
use crate::pages::Person;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The tracker before: it answers each request with the next of these statuses, and tells what it was asked.
fn tracker_before(answers: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4_096];
            let length = stream.read(&mut bytes).unwrap();
            let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
            sender.send(head.lines().next().unwrap_or_default().to_owned()).unwrap();
            let said = format!("HTTP/1.1 {answer}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsaid\n");
            stream.write_all(said.as_bytes()).unwrap();
        }
    });
    (base, asked)
}

/// What it was asked next.
fn next(asked: &Receiver<String>) -> String {
    asked.recv_timeout(Duration::from_secs(20)).expect("nothing was sent on")
}

/// The newest postback, as the API shows it.
async fn newest(app: &TestApp) -> Value {
    let id = app.number("select max(id) from postbacks_received");
    app.api(Method::GET, &format!("/postbacks/{id}"), None).await.expect(200)
}

/// Waits until the newest postback's forward has this state.
async fn settled(app: &TestApp, state: &str) -> Value {
    let wanted = format!(
        "select count(*) from forwards where state = '{state}' and postback_id = (select max(id) from postbacks_received)"
    );
    app.until("it is sent on", || app.number(&wanted) == 1).await;
    newest(app).await["forward"].clone()
}

stories! {
    async fn what_is_unknown_here_goes_on_to_the_tracker_before(app: TestApp) {
        let (base, asked) = tracker_before(&["200 OK", "200 OK", "200 OK"]);
        let campaign = app.campaign(json!({"slug": "push"})).await;
        let path = format!("/advertisers/{}", campaign.advertiser);
        let changed = app.patch(&path, json!({"forward_unknown_to": format!("{base}/postback?from=new")})).await;
        assert_eq!(changed["forward_unknown_to"], json!(format!("{base}/postback?from=new")));
        let key = &campaign.key;
        assert_eq!(app.get(&format!("/postback/{key}?cid=w%261&payout=3&txid=t1")).await.code(), "parked_foreign_click");
        assert_eq!(next(&asked), "GET /postback?from=new&cid=w%261&payout=3&txid=t1&cl_forwarded=1 HTTP/1.1");
        let forward = settled(app, "sent").await;
        assert_eq!((&forward["attempts"], &forward["code"], &forward["answer"]), (&json!(1), &json!(200), &json!("said\n")));
        let posted = app.post_body(key, "application/json", r#"{"cid": "w2", "data": {"payout": 5}}"#).await;
        assert_eq!(posted.code(), "parked_foreign_click");
        assert_eq!(next(&asked), "GET /postback?from=new&cid=w2&data=%7B%22payout%22%3A5%7D&cl_forwarded=1 HTTP/1.1");
        settled(app, "sent").await;
        app.patch(&path, json!({"forward_unknown_to": format!("{base}/click.php?cnv_id={{cid}}&payout={{payout}}")})).await;
        app.get(&format!("/postback/{key}?cid=w3&payout=1.5&status=sale")).await;
        assert_eq!(next(&asked), "GET /click.php?cnv_id=w3&payout=1.5&cl_forwarded=1 HTTP/1.1");
        settled(app, "sent").await;
        let id = app.number("select max(id) from postbacks_received");
        let page = Person::enter(app).await.page(&format!("/postbacks/{id}")).await;
        assert!(page.contains("Sent on to the tracker before") && page.contains("cnv_id=w3"), "{page}");
        // What is known here, a test, and what was sent on to us stay here.
        let click = app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.postback(&click, "1").await.code(), "recorded");
        app.get(&format!("/postback/{key}?cid=w4&cl_forwarded=1")).await;
        app.api(Method::POST, &format!("{path}/test-postback"), Some(json!({"params": {"cid": "w5", "payout": "1"}}))).await;
        assert_eq!(app.number("select count(*) from forwards"), 3);
    }

    async fn a_tracker_that_does_not_answer_is_asked_again(app: TestApp) {
        let (base, asked) = tracker_before(&["500 Oh", "200 OK", "404 Not Found"]);
        let campaign = app.campaign(json!({})).await;
        let path = format!("/advertisers/{}", campaign.advertiser);
        app.patch(&path, json!({"forward_unknown_to": format!("{base}/p")})).await;
        app.get(&format!("/postback/{}?cid=w1", campaign.key)).await;
        next(&asked);
        app.until("the failure is kept", || app.number("select count(*) from forwards where attempts = 1 and state = 'due'") == 1).await;
        let forward = newest(app).await["forward"].clone();
        assert_eq!((&forward["state"], &forward["code"]), (&json!("due"), &json!(500)));
        assert!(forward["next_attempt_at"].is_string() && forward["error"].as_str().unwrap().contains("500"), "{forward}");
        assert_eq!(next(&asked), "GET /p?cid=w1&cl_forwarded=1 HTTP/1.1");
        assert_eq!(settled(app, "sent").await["attempts"], 2);
        app.get(&format!("/postback/{}?cid=w2", campaign.key)).await;
        next(&asked);
        let forward = settled(app, "failed").await;
        assert_eq!((&forward["attempts"], &forward["code"], &forward["next_attempt_at"]), (&json!(1), &json!(404), &Value::Null));
    }

    async fn nothing_is_sent_in_a_circle(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (path, key) = (format!("/advertisers/{}", campaign.advertiser), &campaign.key);
        // By a name that nobody told us of.
        app.patch(&path, json!({"forward_unknown_to": format!("{}/postback/{key}", app.base)})).await;
        app.get(&format!("/postback/{key}?cid=w1")).await;
        app.until("it came back", || app.number("select count(*) from postbacks_received") == 2).await;
        app.until("it was sent", || app.number("select count(*) from forwards where state = 'sent'") == 1).await;
        assert_eq!(app.number("select count(*) from forwards"), 1);
        app.post("/domains", json!({"host": "trk.example"})).await;
        for wrong in ["https://TRK.example./postback", "ftp://old.example/", "old.example", "https://{cid}.example/", "javascript:alert(1)", "https://a b/"] {
            let refused = app.api(Method::PATCH, &path, Some(json!({"forward_unknown_to": wrong}))).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], "forward_unknown_to", "{wrong}");
            let refused = app.api(Method::PATCH, "/settings", Some(json!({"old_forward_unknown_to": wrong}))).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], "old_forward_unknown_to", "{wrong}");
        }
        app.patch(&path, json!({"forward_unknown_to": null})).await;
        app.get(&format!("/postback/{key}?cid=w2")).await;
        assert_eq!(app.number("select count(*) from forwards"), 1);
    }

    async fn old_addresses_have_a_place_of_their_own_to_send_on_to(app: TestApp) {
        let (base, asked) = tracker_before(&["200 OK", "200 OK"]);
        app.campaign(json!({"slug": "push"})).await;
        app.patch("/settings", json!({"old_postbacks": ["binom"], "old_postback_addresses": "127.0.0.1", "old_postback_key": "fa0a0c2",
            "old_forward_unknown_to": format!("{base}/old")})).await;
        assert_eq!(app.get("/click.php?cnv_id=77&payout=2").await.code(), "parked_foreign_click");
        assert_eq!(next(&asked), "GET /old?cnv_id=77&payout=2&cl_forwarded=1 HTTP/1.1");
        assert_eq!(app.get("/fa0a0c2/postback?subid=88&status=sale").await.code(), "parked_foreign_click");
        assert_eq!(next(&asked), "GET /old?subid=88&status=sale&cl_forwarded=1 HTTP/1.1");
        settled(app, "sent").await;
    }

    async fn two_nodes_send_a_postback_once(app: TestApp) {
        let (base, asked) = tracker_before(&["200 OK"; 21]);
        let campaign = app.campaign(json!({})).await;
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"forward_unknown_to": base})).await;
        app.with_another_node(|_| async {
            for n in 0..20 {
                app.get(&format!("/postback/{}?cid=w{n}", campaign.key)).await;
            }
            app.until("all are sent", || app.number("select count(*) from forwards where state = 'sent'") == 20).await;
        }).await;
        assert_eq!(app.number("select count(*) from forwards where attempts = 1"), 20);
        assert_eq!((0..20).map(|_| next(&asked)).collect::<std::collections::HashSet<_>>().len(), 20);
        assert!(asked.try_recv().is_err(), "none came twice");
    }
}
