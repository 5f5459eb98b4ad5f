//! Ad platforms' conversion APIs, each against a local server that takes what its public format says and nothing else.

use crate::app::{Campaign, Click, TestApp};
use crate::receiver::{Receiver, Seen};
use clickledger::http::now_ms;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// What is wrong with a message, if anything.
type Checked = Result<(), String>;

fn need(is_so: bool, what: &str) -> Checked {
    if is_so { Ok(()) } else { Err(what.to_owned()) }
}

fn need_text<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value[name].as_str().filter(|text| !text.is_empty()).ok_or(format!("{name} must be a text"))
}

/// Only these fields, and no other.
fn need_fields(value: &Value, known: &[&str]) -> Checked {
    let fields = value.as_object().ok_or(format!("{value} must be an object"))?;
    fields.keys().try_for_each(|name| need(known.contains(&name.as_str()), &format!("unknown field {name}")))
}

fn need_hash(value: &Value) -> Checked {
    let is_hash = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    need(value.as_str().is_some_and(is_hash), &format!("{value} is no SHA-256 in small hex"))
}

/// A whole number of seconds, of the last seven days.
fn need_recent(value: &Value) -> Checked {
    let now = now_ms() / 1_000;
    let is_recent = |seconds: i64| (now - 7 * 86_400..=now + 60).contains(&seconds);
    need(
        value.as_i64().is_some_and(is_recent),
        &format!("{value} is no time of the last seven days as an integer"),
    )
}

fn need_url(value: &Value) -> Checked {
    let url = value.as_str().and_then(|text| url::Url::parse(text).ok());
    need(url.is_some_and(|url| matches!(url.scheme(), "http" | "https")), &format!("{value} is no page"))
}

fn need_money(value: &Value, currency: &Value) -> Checked {
    need(value.is_number(), &format!("{value} must be a number"))?;
    let is_code = |code: &str| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    need(currency.as_str().is_some_and(is_code), &format!("{currency} is no currency"))
}

fn need_person(user: &Value, ip: &str, agent: &str) -> Checked {
    need(
        user[ip].as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        "the address must be one, not hashed",
    )?;
    need_text(user, agent).map(|_| ())
}

fn body(seen: &Seen) -> Result<Value, String> {
    need(seen.header("content-type") == "application/json", "the body must be JSON")?;
    serde_json::from_str(&seen.body).map_err(|why| why.to_string())
}

fn only<'a>(value: &'a Value, name: &str) -> Result<&'a Value, String> {
    value[name]
        .as_array()
        .filter(|items| items.len() == 1)
        .map(|items| &items[0])
        .ok_or(format!("{name} must hold one"))
}

fn meta(seen: &Seen) -> Checked {
    need(seen.line == "POST /v23.0/112233/events HTTP/1.1", &seen.line)?;
    need(seen.header("authorization") == "Bearer m3ta-token", "no access token")?;
    let body = body(seen)?;
    need_fields(&body, &["data", "test_event_code"])?;
    let event = only(&body, "data")?;
    need_fields(
        event,
        &[
            "event_name",
            "event_time",
            "event_id",
            "action_source",
            "event_source_url",
            "user_data",
            "custom_data",
        ],
    )?;
    need_text(event, "event_name")?;
    need_recent(&event["event_time"])?;
    need_text(event, "event_id")?;
    need(event["action_source"] == "website", "action_source")?;
    need_url(&event["event_source_url"])?;
    let user = &event["user_data"];
    need_fields(user, &["em", "ph", "external_id", "client_ip_address", "client_user_agent", "fbc", "fbp"])?;
    need_person(user, "client_ip_address", "client_user_agent")?;
    for field in ["em", "ph", "external_id"].iter().filter(|field| !user[**field].is_null()) {
        user[*field].as_array().ok_or("must be a list")?.iter().try_for_each(need_hash)?;
    }
    let parts: Vec<&str> = need_text(user, "fbc")?.splitn(4, '.').collect();
    let is_time = |text: &str| text.len() == 13 && text.bytes().all(|byte| byte.is_ascii_digit());
    need(matches!(parts.as_slice(), ["fb", "1", at, id] if is_time(at) && !id.is_empty()), "fbc")?;
    let custom = &event["custom_data"];
    need_fields(custom, &["value", "currency", "order_id"])?;
    need_money(&custom["value"], &custom["currency"])
}

fn tiktok(seen: &Seen) -> Checked {
    need(seen.line == "POST /open_api/v1.3/event/track/ HTTP/1.1", &seen.line)?;
    need(seen.header("access-token") == "t1ktok-token", "no access token")?;
    let body = body(seen)?;
    need_fields(&body, &["event_source", "event_source_id", "data", "test_event_code"])?;
    need(body["event_source"] == "web" && body["event_source_id"] == "C0DE", "event_source")?;
    let event = only(&body, "data")?;
    need_fields(event, &["event", "event_time", "event_id", "user", "page", "properties"])?;
    need_text(event, "event")?;
    need_text(event, "event_id")?;
    need_recent(&event["event_time"])?;
    let user = &event["user"];
    need_fields(user, &["ttclid", "external_id", "email", "phone", "ip", "user_agent"])?;
    need_text(user, "ttclid")?;
    need_person(user, "ip", "user_agent")?;
    ["external_id", "email", "phone"]
        .iter()
        .filter(|field| !user[**field].is_null())
        .try_for_each(|field| need_hash(&user[*field]))?;
    need_url(&event["page"]["url"])?;
    need_fields(&event["properties"], &["value", "currency", "order_id"])?;
    need_money(&event["properties"]["value"], &event["properties"]["currency"])
}

fn google(seen: &Seen) -> Checked {
    need(seen.line == "POST /v26/customers/1234567890:uploadClickConversions HTTP/1.1", &seen.line)?;
    need(seen.header("developer-token") == "d3veloper", "no developer token")?;
    let body = body(seen)?;
    need_fields(&body, &["conversions", "partialFailure", "validateOnly"])?;
    need(body["partialFailure"] == true, "partialFailure must be true")?;
    let conversion = only(&body, "conversions")?;
    need_fields(
        conversion,
        &["gclid", "conversionAction", "conversionDateTime", "conversionValue", "currencyCode", "orderId"],
    )?;
    need_text(conversion, "gclid")?;
    need_text(conversion, "orderId")?;
    need(conversion["conversionAction"] == "customers/1234567890/conversionActions/987", "conversionAction")?;
    let at = need_text(conversion, "conversionDateTime")?;
    need(chrono::DateTime::parse_from_str(at, "%Y-%m-%d %H:%M:%S%:z").is_ok(), "conversionDateTime")?;
    need_money(&conversion["conversionValue"], &conversion["currencyCode"])
}

/// A platform's campaign and its destination, told to a server of the story's own.
struct Platform<'a> {
    app: &'a TestApp,
    campaign: Campaign,
    param: String,
    destination: i64,
}

impl<'a> Platform<'a> {
    async fn enter(app: &'a TestApp, preset: &str, values: Value, server: &Receiver) -> Self {
        let source = app.post("/sources", json!({"preset": preset})).await;
        let campaign = app.campaign(json!({"source_id": source["id"]})).await;
        let fields = json!({"preset": preset, "source_id": source["id"], "values": values});
        let made = app.post("/destinations", fields).await;
        let url = url::Url::parse(made["url"].as_str().unwrap()).unwrap();
        let destination = made["id"].as_i64().unwrap();
        let mut changes = json!({"url": format!("{}{}", server.base, url.path())});
        if !made["oauth"].is_null() {
            let words = json!({"token_url": format!("{}/token", server.base), "client_id": values["client_id"],
                "client_secret": values["client_secret"], "refresh_token": values["refresh_token"]});
            changes["oauth"] = words;
        }
        app.patch(&format!("/destinations/{destination}"), changes).await;
        Self { app, campaign, param: source["external_id_param"].as_str().unwrap().to_owned(), destination }
    }

    async fn click(&self, more: &str) -> Click {
        let query = format!("{}=IwAR0_x.y-Z{more}", self.param);
        let with = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "203.0.113.7");
        let click = self.app.click_as(&self.campaign, &query, with).await;
        self.app.settled().await;
        click
    }

    async fn convert(&self) {
        let click = self.click("").await;
        assert_eq!(self.app.say(&click, "payout=12.50&txid=T-1").await.code(), "recorded");
    }

    async fn until(&self, state: &str, wanted: i64) {
        let query = format!("select count(*) from deliveries where state = '{state}'");
        self.app.until(&format!("{wanted} are {state}"), || self.app.number(&query) == wanted).await;
    }

    async fn change(&self, changes: Value) -> Value {
        self.app.patch(&format!("/destinations/{}", self.destination), changes).await
    }
}

fn values_of(name: &str) -> Value {
    match name {
        "meta" => {
            json!({"pixel_id": "112233", "access_token": "m3ta-token", "page_url": "https://shop.example/"})
        }
        "tiktok" => {
            json!({"pixel_code": "C0DE", "access_token": "t1ktok-token", "page_url": "https://shop.example/"})
        }
        _ => {
            json!({"customer_id": "1234567890", "conversion_action_id": "987", "developer_token": "d3veloper",
            "client_id": "c1ient", "client_secret": "s3cret", "refresh_token": "r3fresh"})
        }
    }
}

/// Google's two servers in one: tokens, and conversions that come with the last of them.
#[derive(Default)]
struct Google {
    fetched: usize,
    good: String,
    expires_in: u64,
}

impl Google {
    fn serving(expires_in: u64) -> (Arc<Mutex<Self>>, Receiver) {
        let state = Arc::new(Mutex::new(Self { expires_in, ..Self::default() }));
        let own = Arc::clone(&state);
        (state, Receiver::speaking(move |seen| own.lock().unwrap().answer(seen)))
    }

    fn answer(&mut self, seen: &Seen) -> (u16, String) {
        if seen.line.starts_with("POST /token ") {
            return self.token(seen);
        }
        if seen.header("authorization") != format!("Bearer {}", self.good) {
            return (401, json!({"error": {"code": 401, "status": "UNAUTHENTICATED"}}).to_string());
        }
        match google(seen) {
            Ok(()) => {
                (200, json!({"results": [{"gclid": "x", "conversionAction": "y"}], "jobId": "1"}).to_string())
            }
            Err(why) => (400, why),
        }
    }

    fn token(&mut self, seen: &Seen) -> (u16, String) {
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect();
        let is_form = seen.header("content-type") == "application/x-www-form-urlencoded";
        let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
        self.fetched += 1;
        if !is_form
            || !is("grant_type", "refresh_token")
            || !is("client_id", "c1ient")
            || !is("client_secret", "s3cret")
        {
            return (401, json!({"error": "invalid_client"}).to_string());
        }
        if !is("refresh_token", "r3fresh") {
            let told = format!("Token {} has been expired or revoked.", form["refresh_token"]);
            return (400, json!({"error": "invalid_grant", "error_description": told}).to_string());
        }
        self.good = format!("acc3ss-{}", self.fetched);
        (
            200,
            json!({"access_token": self.good, "expires_in": self.expires_in, "token_type": "Bearer"})
                .to_string(),
        )
    }
}

stories! {
    async fn meta_is_told_in_its_format(app: TestApp) {
        let server = Receiver::speaking(|seen| match meta(seen) {
            Ok(()) => (200, json!({"events_received": 1, "messages": [], "fbtrace_id": "A"}).to_string()),
            Err(why) => (400, json!({"error": {"message": why, "code": 100}}).to_string()),
        });
        let platform = Platform::enter(app, "meta-conversions-api", values_of("meta"), &server).await;
        let shown = app.api(Method::GET, &format!("/destinations/{}", platform.destination), None).await.expect(200);
        let body = shown["body"].as_str().unwrap();
        let with_mail = body.replace("\"fbc\":", "\"em\": [\"{sub5|lower|sha256}\"],\n        \"fbc\":");
        platform.change(json!({"body": with_mail})).await;
        let click = platform.click("&sub5=Ann%40Example.com").await;
        assert_eq!(app.say(&click, "payout=12.50&txid=T-1").await.code(), "recorded");
        let seen = server.next();
        assert_eq!(meta(&seen), Ok(()), "{}", seen.body);
        platform.until("sent", 1).await;
        let event = serde_json::from_str::<Value>(&seen.body).unwrap()["data"][0].clone();
        let clicked_at = app.stored(&click).await.record.clicked_at_ms;
        assert_eq!(event["user_data"]["fbc"], format!("fb.1.{clicked_at}.IwAR0_x.y-Z"));
        assert_eq!(event["user_data"]["client_ip_address"], "203.0.113.7");
        let hash = |text: &str| Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(event["user_data"]["em"][0], hash("ann@example.com"));
        assert_eq!(event["user_data"]["external_id"][0], hash(&click.id));
        assert_eq!((&event["custom_data"]["value"], &event["event_name"]), (&json!(12.5), &json!("Purchase")));
        let kept = app.texts("select url || body || coalesce(response, '') from delivery_attempts").concat();
        assert!(!kept.contains("m3ta-token"), "the token is in no attempt: {kept}");
        // Who is not known by a click id of theirs is not told of.
        let nameless = app.click(&platform.campaign).await;
        app.settled().await;
        app.postback(&nameless, "1").await;
        platform.until("skipped", 1).await;
    }

    async fn tiktok_is_told_in_its_format_and_its_code_means_success(app: TestApp) {
        let is_first = Arc::new(Mutex::new(true));
        let server = Receiver::speaking(move |seen| match tiktok(seen) {
            Ok(()) if std::mem::take(&mut *is_first.lock().unwrap()) => (200, r#"{"code": 40100, "message": "Too many requests"}"#.to_owned()),
            Ok(()) => (200, r#"{"code": 0, "message": "OK", "request_id": "1"}"#.to_owned()),
            Err(why) => (400, why),
        });
        let platform = Platform::enter(app, "tiktok-events-api", values_of("tiktok"), &server).await;
        platform.convert().await;
        let (refused, taken) = (server.next(), server.next());
        assert_eq!((tiktok(&refused), tiktok(&taken)), (Ok(()), Ok(())), "{}", taken.body);
        assert_eq!(refused.body, taken.body, "the same event id: it counts once");
        platform.until("sent", 1).await;
        let error = app.texts("select error from delivery_attempts where error is not null");
        assert!(error[0].contains("200") && error[0].contains("code"), "{error:?}");
        let event = serde_json::from_str::<Value>(&taken.body).unwrap()["data"][0].clone();
        assert_eq!((&event["user"]["ttclid"], &event["event"]), (&json!("IwAR0_x.y-Z"), &json!("CompletePayment")));
    }

    async fn google_is_told_with_one_token_for_many(app: TestApp) {
        let (state, server) = Google::serving(3_600);
        let platform = Platform::enter(app, "google-ads-conversions", values_of("google"), &server).await;
        for sent in 1..=3 {
            platform.convert().await;
            platform.until("sent", sent).await;
        }
        assert_eq!(state.lock().unwrap().fetched, 1, "a token that lasts is fetched once");
        let token = server.next();
        assert!(token.line.starts_with("POST /token "), "{token:?}");
        let seen = server.next();
        assert_eq!(google(&seen), Ok(()), "{}", seen.body);
        assert_eq!(seen.header("authorization"), "Bearer acc3ss-1");
        // Nothing secret is shown or kept in the open.
        let shown = app.api(Method::GET, &format!("/destinations/{}", platform.destination), None).await.expect(200);
        let words = json!({"token_url": format!("{}/token", server.base), "client_id": null, "client_secret": null, "refresh_token": null});
        assert_eq!(shown["oauth"], words);
        let kept = app.texts("select d.oauth_sealed || a.url || coalesce(a.body, '') || coalesce(a.response, '') from destinations d, delivery_attempts a");
        for secret in ["c1ient", "s3cret", "r3fresh", "acc3ss", "d3veloper"] {
            assert!(!kept.concat().contains(secret), "{secret} is in {kept:?}");
        }
    }

    async fn a_token_that_ends_or_is_refused_is_fetched_anew(app: TestApp) {
        let (state, server) = Google::serving(60);
        let platform = Platform::enter(app, "google-ads-conversions", values_of("google"), &server).await;
        for sent in 1..=2 {
            platform.convert().await;
            platform.until("sent", sent).await;
        }
        assert_eq!(state.lock().unwrap().fetched, 2, "one that ends within a minute is not used again");
        state.lock().unwrap().expires_in = 3_600;
        platform.convert().await;
        platform.until("sent", 3).await;
        // Taken back before its time: the first call is refused, and made again with a new one.
        state.lock().unwrap().good = "another".to_owned();
        platform.convert().await;
        platform.until("sent", 4).await;
        assert_eq!(state.lock().unwrap().fetched, 4);
        assert_eq!(app.number("select max(attempts) from deliveries"), 1, "and that is no failed attempt");
    }

    async fn a_refused_refresh_token_is_said_and_mended(app: TestApp) {
        let (state, server) = Google::serving(3_600);
        let platform = Platform::enter(app, "google-ads-conversions", values_of("google"), &server).await;
        platform.change(json!({"oauth": {"refresh_token": "0ver"}})).await;
        platform.convert().await;
        platform.convert().await;
        app.until("it failed", || app.number("select count(*) from delivery_attempts") >= 2).await;
        let errors = app.texts("select distinct error from delivery_attempts");
        assert_eq!(errors, ["The access token was refused by 127.0.0.1: invalid_grant. Make a new refresh token, and write it into the destination"]);
        assert_eq!(state.lock().unwrap().fetched, 1, "a refusal is remembered for a while");
        assert_eq!(app.number("select count(*) from deliveries where state = 'due'"), 2, "it is tried again");
        platform.change(json!({"oauth": {"refresh_token": "r3fresh", "client_id": null}})).await;
        platform.until("sent", 2).await;
    }

    async fn what_a_token_is_fetched_with_is_checked(app: TestApp) {
        let server = Receiver::start();
        let platform = Platform::enter(app, "google-ads-conversions", values_of("google"), &server).await;
        let path = format!("/destinations/{}", platform.destination);
        let refused = |oauth: Value| {
            let path = path.clone();
            async move {
                let answer = app.api(Method::PATCH, &path, Some(json!({"oauth": oauth}))).await.expect(422);
                answer["fields"][0].clone()
            }
        };
        let elsewhere = refused(json!({"token_url": "https://other.example/token"})).await;
        assert!(elsewhere["message"].as_str().unwrap().contains("anew"), "{elsewhere}");
        for (oauth, field) in [
            (json!({"token_url": "http://auth.example/token"}), "oauth.token_url"),
            (json!({"scope": "x"}), "oauth.scope"),
            (json!({"refresh_token": {"sealed": "AAAA"}}), "oauth.refresh_token"),
            (json!("x"), "oauth"),
        ] {
            assert_eq!(refused(oauth.clone()).await["field"], field, "{oauth}");
        }
        let both = app.api(Method::PATCH, &path, Some(json!({"headers": {"authorization": "Bearer x"}}))).await.expect(422);
        assert_eq!(both["fields"][0]["field"], "headers");
        let off = platform.change(json!({"oauth": null})).await;
        assert_eq!(off["oauth"], Value::Null);
        let bare = app.api(Method::POST, "/destinations", Some(json!({"name": "N", "url": "https://a.example/", "oauth": {}}))).await.expect(422);
        assert_eq!(bare["fields"].as_array().unwrap().len(), 4, "{bare}");
    }
}
