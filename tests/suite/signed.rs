//! Signed postbacks: what is let in, what comes again, and that it holds across restarts and nodes.

use crate::app::{Answer, Backend, Campaign, Click, TestApp, client, send};
use crate::pages::Person;
use crate::postbacks::stored_as;
use crate::program::Program;
use crate::sql;
use clickledger::db::{AnyConnection, Priority};
use clickledger::http::now_ms;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::BTreeSet;
use std::process::Command;

/// Copies at once.
const CROWD: usize = 32;

/// Lower-case hex of HMAC-SHA256.
fn mac(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

fn now_s() -> i64 {
    now_ms() / 1_000
}

/// A query with its signature. The values must need no encoding.
fn sign(secret: &str, query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort_unstable();
    format!("{query}&sig={}", mac(secret, &pairs.join("&")))
}

/// The same with the time of now.
fn signed_now(secret: &str, query: &str) -> String {
    sign(secret, &format!("{query}&ts={}", now_s()))
}

/// A campaign whose advertiser signs, and its secret.
async fn signing(app: &TestApp, mode: &str) -> (Campaign, String) {
    let advertiser = app.advertiser(json!({"hmac_mode": mode})).await;
    let offer = app.offer(&advertiser, json!({})).await;
    let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
    let made = rotate_secret(app, &campaign, json!({})).await;
    (campaign, made["hmac_secret"].as_str().unwrap().to_owned())
}

async fn rotate_secret(app: &TestApp, campaign: &Campaign, body: Value) -> Value {
    let path = format!("/advertisers/{}/rotate-secret", campaign.advertiser);
    app.api(Method::POST, &path, Some(body)).await.expect(200)
}

/// Sends a query to a click's advertiser.
async fn ask(app: &TestApp, click: &Click, query: &str) -> Answer {
    app.get(&format!("/postback/{}?{query}", click.key)).await
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, word: &str) {
    let verdict = answer.expect(status);
    assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!(code)), "{verdict}");
    assert!(verdict["message"].as_str().unwrap().contains(word), "{verdict}");
}

/// The verdict without what differs from answer to answer.
fn verdict(answer: &Answer) -> Value {
    let mut verdict = answer.expect(200);
    verdict.as_object_mut().unwrap().remove("request_id");
    verdict
}

fn behind(app: &TestApp, statement: &str) {
    app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, statement)).unwrap();
}

/// Sends queries to a key at several nodes at once, each over a connection of its own.
async fn all_at_once(bases: &[&str], key: &str, queries: Vec<String>) -> Vec<Answer> {
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(queries.len()));
    let sending = queries.into_iter().zip(bases.iter().cycle()).map(|(query, base)| {
        let (start, url) = (start.clone(), format!("{base}/postback/{key}?{query}"));
        async move {
            start.wait().await;
            send(client().get(url)).await
        }
    });
    futures_util::future::join_all(sending).await
}

stories! {
    async fn who_must_sign_is_let_in_by_a_right_signature_alone(app: TestApp) {
        let (campaign, secret) = signing(app, "required").await;
        let click = app.click(&campaign).await;
        let query = format!("cid={}&payout=1.50", click.id);
        refused(&ask(app, &click, &query).await, 401, "bad_signature", "No signature came");
        refused(&ask(app, &click, &signed_now("wrong", &query)).await, 401, "bad_signature", "does not fit");
        let right = signed_now(&secret, &query);
        refused(&ask(app, &click, &right.replace("1.50", "9.50")).await, 401, "bad_signature", "does not fit");
        refused(&ask(app, &click, &sign(&secret, &query)).await, 401, "expired_signature", "has no time");
        for off_s in [-400, 400] {
            let late = sign(&secret, &format!("{query}&ts={}", now_s() + off_s));
            refused(&ask(app, &click, &late).await, 401, "expired_signature", "made 40");
        }
        assert!(app.conversions(&click).is_empty());
        assert_eq!(ask(app, &click, &right).await.code(), "recorded");
        let form = app.post_body(&click.key, "application/x-www-form-urlencoded", signed_now(&secret, &format!("{query}&txid=t"))).await;
        assert_eq!(form.code(), "duplicate", "{form:?}");
        // Optional: one that comes must be right, and none need come.
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"hmac_mode": "optional"})).await;
        assert_eq!(ask(app, &click, &query).await.code(), "duplicate");
        refused(&ask(app, &click, &signed_now("wrong", &query)).await, 401, "bad_signature", "does not fit");
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"hmac_mode": "off"})).await;
        assert_eq!(ask(app, &click, &signed_now("wrong", &query)).await.code(), "duplicate");
    }

    async fn a_body_is_signed_in_the_header(app: TestApp) {
        let (campaign, secret) = signing(app, "required").await;
        let click = app.click(&campaign).await;
        let body = json!({"cid": click.id, "payout": "2.50", "nonce": "n1"}).to_string();
        let post = |query: &str, body: &str, signature: String| {
            let request = app.request(Method::POST, &format!("/postback/{}{query}", click.key));
            let request = request.header("content-type", "application/json").header("X-Clickledger-Signature", signature);
            send(request.body(body.to_owned()))
        };
        let stamp = |t: i64| format!("t={t},v1={},v1={}", mac("other", "x"), mac(&secret, &format!("{t}.{body}")));
        refused(&post("", &body.replace("2.50", "9.50"), stamp(now_s())).await, 401, "bad_signature", "does not fit");
        refused(&post("?payout=9.50", &body, stamp(now_s())).await, 401, "bad_signature", "the body alone");
        refused(&post("", &body, stamp(now_s() - 301)).await, 401, "expired_signature", "holds for 300");
        let first = post("", &body, stamp(now_s())).await;
        assert_eq!(first.code(), "recorded");
        assert_eq!(verdict(&post("", &body, stamp(now_s() - 5)).await), verdict(&first), "signed anew, it says the same");
        let query = signed_now(&secret, &format!("cid={}", click.id));
        let unsigned = app.request(Method::POST, &format!("/postback/{}?{query}", click.key));
        let unsigned = send(unsigned.header("content-type", "application/json").body(body.clone())).await;
        refused(&unsigned, 401, "bad_signature", "a body came too");
        assert_eq!(app.conversions(&click).len(), 1);
    }

    async fn an_array_is_signed_as_a_whole(app: TestApp) {
        let (campaign, secret) = signing(app, "required").await;
        let (first, second) = (app.click(&campaign).await, app.click(&campaign).await);
        app.settled().await;
        let body = json!([{"cid": first.id, "payout": "1"}, {"cid": second.id, "payout": "2"}]).to_string();
        let send_as = |body: String, signature: String| {
            let request = app.request(Method::POST, &format!("/postback/{}", campaign.key));
            let request = request.header("content-type", "application/json");
            send(request.header("x-clickledger-signature", signature).body(body))
        };
        let at_s = now_s();
        let signature = format!("t={at_s},v1={}", mac(&secret, &format!("{at_s}.{body}")));
        let codes = |answer: &Answer| -> Vec<Value> {
            answer.json().as_array().unwrap().iter().map(|verdict| verdict["code"].clone()).collect()
        };
        let taken = send_as(body.clone(), signature.clone()).await;
        assert_eq!((taken.status, codes(&taken)), (200, vec![json!("recorded"); 2]), "{taken:?}");
        let again = send_as(body.clone(), signature.clone()).await;
        assert_eq!(codes(&again), vec![json!("recorded"); 2], "each gets its first verdict again");
        let forged = send_as(body.replace("\"2\"", "\"9\""), signature).await;
        assert_eq!((forged.status, codes(&forged)), (401, vec![json!("bad_signature"); 2]), "{forged:?}");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["2", "3.00"]);
    }

    async fn a_secret_is_told_once_and_can_be_replaced(app: TestApp) {
        let advertiser = app.advertiser(json!({"hmac_mode": "required"})).await;
        assert_eq!(advertiser["has_hmac_secret"], false);
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        let query = format!("cid={}&payout=1", click.id);
        refused(&ask(app, &click, &signed_now("x", &query)).await, 401, "bad_signature", "make one");
        let path = format!("/advertisers/{}", campaign.advertiser);
        // A body need not come.
        let first = app.api(Method::POST, &format!("{path}/rotate-secret"), None).await.expect(200);
        let old = first["hmac_secret"].as_str().unwrap();
        assert!(old.len() == 64 && old.bytes().all(|b| b.is_ascii_hexdigit()), "{first}");
        assert_eq!(first["previous_secret_until"], json!(null));
        assert_eq!(ask(app, &click, &signed_now(old, &query)).await.code(), "recorded");
        let second = rotate_secret(app, &campaign, json!({"overlap_hours": 1})).await;
        let new = second["hmac_secret"].as_str().unwrap();
        assert!(second["previous_secret_until"].is_string() && new != old, "{second}");
        for (n, secret) in [old, new].iter().enumerate() {
            assert_eq!(ask(app, &click, &signed_now(secret, &format!("{query}&p1={n}"))).await.code(), "duplicate");
        }
        let shown = app.api(Method::GET, &path, None).await;
        let listed = app.api(Method::GET, "/advertisers", None).await;
        for text in [&shown.text, &listed.text] {
            assert!(!text.contains(old) && !text.contains(new) && !text.contains("sealed"), "{text}");
        }
        let plain = format!("select count(*) from advertisers where hmac_secret_sealed like '%{new}%' or previous_secret_sealed like '%{old}%'");
        assert_eq!(app.number(&plain), 0);
        let sealed = "select count(*) from advertisers where hmac_secret_sealed is not null and previous_secret_sealed is not null";
        assert_eq!(app.number(sealed), 1);
        let third = rotate_secret(app, &campaign, json!({"overlap_hours": 0})).await;
        for gone in [old, new] {
            refused(&ask(app, &click, &signed_now(gone, &query)).await, 401, "bad_signature", "does not fit");
        }
        let third = third["hmac_secret"].as_str().unwrap();
        assert_eq!(ask(app, &click, &signed_now(third, &format!("{query}&p1=3"))).await.code(), "duplicate");
    }

    async fn the_same_request_gets_its_first_verdict_and_a_nonce_is_used_once(app: TestApp) {
        let (campaign, secret) = signing(app, "required").await;
        let click = app.click(&campaign).await;
        let ts = now_s();
        let query = |rest: &str| sign(&secret, &format!("cid={}&ts={ts}&{rest}", click.id));
        let sale = query("nonce=n1&payout=1.50&txid=a");
        let first = ask(app, &click, &sale).await;
        assert_eq!(first.code(), "recorded");
        for again in [&sale, &sale, &sign(&secret, &format!("cid={}&ts={}&nonce=n1&payout=1.50&txid=a", click.id, ts - 1))] {
            assert_eq!(verdict(&ask(app, &click, again).await), verdict(&first));
        }
        assert_eq!((stored_as(app, "recorded"), stored_as(app, "duplicate")), (1, 3), "it is counted once in the log too");
        let other = ask(app, &click, &query("nonce=n1&payout=9.00&txid=a")).await;
        refused(&other, 403, "replayed", "use a new one");
        // Without a nonce all that is signed is what it is known by.
        let chargeback = query("status=chargeback&txid=a");
        let moved = ask(app, &click, &chargeback).await;
        assert_eq!(moved.code(), "updated");
        assert_eq!(verdict(&ask(app, &click, &chargeback).await), verdict(&moved));
        // A parked one and a refused one have their first verdict too.
        for (rest, code) in [("cid=01jcz7m3v8f4n9q2r5t6w7x8y9&payout=1", "parked_unknown_click"), ("payout=x", "malformed_revenue")] {
            let sent = sign(&secret, &format!("cid={}&ts={ts}&{rest}", click.id).replace(&format!("cid={}&ts={ts}&cid", click.id), &format!("ts={ts}&cid")));
            let first = ask(app, &click, &sent).await;
            assert_eq!(first.code(), code);
            assert_eq!(verdict(&ask(app, &click, &sent).await), verdict(&first));
        }
        assert_eq!(app.number("select count(*) from postbacks_received where is_waiting"), 1, "one row waits for the click");
        assert_eq!(app.figures(&campaign, ["leads", "reversed"]), ["1", "1"]);
        // Another advertiser's nonces are its own.
        let (elsewhere, other_secret) = signing(app, "required").await;
        let there = app.click(&elsewhere).await;
        let sent = sign(&other_secret, &format!("cid={}&ts={ts}&nonce=n1&payout=9.00", there.id));
        assert_eq!(ask(app, &there, &sent).await.code(), "recorded");
        // After ten minutes a nonce is forgotten.
        behind(app, "update nonces set seen_at_ms = seen_at_ms - 700000");
        assert_eq!(ask(app, &click, &query("nonce=n1&payout=9.00&txid=late")).await.code(), "recorded");
    }

    async fn it_holds_across_a_restart_and_two_nodes(app: TestApp) {
        let (campaign, secret) = signing(app, "required").await;
        let (click, other) = (app.click(&campaign).await, app.click(&campaign).await);
        app.settled().await;
        let node = Program::start(&app.place);
        let bases = [app.base.as_str(), node.base.as_str()];
        for round in 0..3 {
            let query = signed_now(&secret, &format!("cid={}&nonce=r{round}&payout=1.00&txid=r{round}", click.id));
            let answers = all_at_once(&bases, &click.key, vec![query; CROWD]).await;
            let said: BTreeSet<String> = answers.iter().map(|answer| verdict(answer).to_string()).collect();
            assert_eq!(said.len(), 1, "{said:?}");
            assert_eq!(answers[0].code(), "recorded");
            assert_eq!(app.conversions(&click).len(), round + 1);
        }
        let queries = (0..CROWD).map(|n| signed_now(&secret, &format!("cid={}&nonce=one&payout=1.00&txid=x{n}", other.id)));
        let answers = all_at_once(&bases, &click.key, queries.collect()).await;
        let accepted: Vec<&Answer> = answers.iter().filter(|answer| answer.code() == "recorded").collect();
        assert_eq!(accepted.len(), 1);
        let others = answers.iter().filter(|answer| answer.status == 403 && answer.code() == "replayed").count();
        assert_eq!((others, app.conversions(&other).len()), (CROWD - 1, 1));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["4", "4.00"]);
        let sent = signed_now(&secret, &format!("cid={}&payout=1.00&txid=kill", other.id));
        let ask_node = |base: String| {
            let url = format!("{base}/postback/{}?{sent}", click.key);
            async move { send(client().get(url)).await }
        };
        let before = ask_node(node.base.clone()).await;
        assert_eq!(before.code(), "recorded");
        node.kill();
        let again = Program::start(&app.place);
        assert_eq!(verdict(&ask_node(again.base.clone()).await), verdict(&before));
        assert_eq!(verdict(&ask_node(app.base.clone()).await), verdict(&before));
        again.kill();
    }

    async fn a_secret_is_made_on_the_page_and_its_example_runs(app: TestApp) {
        let advertiser = app.advertiser(json!({"hmac_mode": "required"})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let person = Person::enter(app).await;
        let path = format!("/advertisers/{}", campaign.advertiser);
        let page = person.page(&path).await;
        assert!(page.contains("no secret to sign with") && page.contains("Make a secret"), "{page}");
        // A test of ours needs no signature, and leaves the test click that the example names.
        assert_eq!(person.send(&format!("{path}/test-postback"), "").await.status, 303);
        assert_eq!(app.number("select count(*) from conversions where is_test"), 1);
        let made = person.send(&format!("{path}/rotate-secret"), "overlap_hours=0").await;
        assert_eq!(made.status, 200, "{made:?}");
        let copies = |text: &str| -> Vec<String> {
            let found = text.split("data-copy=\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.map(|text| text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&")).collect()
        };
        let example = copies(&made.text).into_iter().find(|text| text.contains("openssl")).expect("an example");
        let secret = copies(&made.text).into_iter().find(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        let secret = secret.expect("the secret, this once");
        assert!(example.contains(&secret), "{example}");
        let later = person.page(&path).await;
        assert!(!later.contains(&secret) && later.contains("YOUR-SECRET") && !later.contains("no secret"), "{later}");
        let is_there = |program: &str| Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success());
        if !(is_there("curl") && Command::new("openssl").arg("version").output().is_ok()) {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "curl or openssl is not installed");
            return;
        }
        let script = format!("{} --silent --noproxy '*'", example.replace("http://localhost", &app.base));
        let ran = tokio::task::spawn_blocking(move || Command::new("sh").args(["-c", &script]).output().unwrap()).await.unwrap();
        let said: Value = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        assert_eq!(said["result"], "accepted", "{said}");
        assert_eq!(app.number("select count(*) from conversions where txid = 'T-1001' and is_test"), 1);
    }
}

#[test]
fn a_request_that_was_not_stored_has_used_no_nonce() {
    crate::app::block_on(async {
        let app = TestApp::start(Backend::Sqlite).unwrap();
        let (campaign, secret) = signing(&app, "required").await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        let file = app.place.folder.path().join("clickledger.db");
        let aside = file.with_extension("aside");
        let sent = signed_now(&secret, &format!("cid={}&nonce=n&payout=1.00", click.id));
        std::fs::rename(&file, &aside).unwrap();
        let refused = ask(&app, &click, &sent).await;
        std::fs::rename(&aside, &file).unwrap();
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(app.number("select count(*) from nonces"), 0);
        assert_eq!(ask(&app, &click, &sent).await.code(), "recorded", "the very same request, sent again");
        assert_eq!(app.number("select count(*) from nonces"), 1);
        assert_eq!(app.conversions(&click).len(), 1);
        app.finish().await;
    });
}
