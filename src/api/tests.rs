//! The API by its contract, over a real database.

mod refusals;

use crate::http::testing::TestApp;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use serde_json::{Value, json};

pub(super) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    /// The body of an answer that must be of this status.
    pub(super) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The message for a field, of an error that must be of this status.
    pub(super) fn field(self, status: u16, field: &str) -> String {
        let body = self.expect(status);
        let found = body["fields"].as_array().unwrap().iter().find(|error| error["field"] == field).cloned();
        found.unwrap_or_else(|| panic!("{body}"))["message"].as_str().unwrap().to_owned()
    }
}

pub(super) async fn send(test: &TestApp, request: TestRequest) -> Reply {
    let app = actix_web::App::new().app_data(test.app.clone()).configure(super::configure);
    let response = call_service(&init_service(app).await, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = read_body(response).await;
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(headers.get(CONTENT_TYPE).unwrap(), "application/problem+json");
    }
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Reply { status, headers, body }
}

pub(super) fn request(method: Method, path: &str, token: &str) -> TestRequest {
    TestRequest::default()
        .method(method)
        .uri(&format!("/api/v1{path}"))
        .insert_header((AUTHORIZATION, format!("Bearer {token}")))
}

pub(super) async fn get(test: &TestApp, path: &str) -> Reply {
    send(test, request(Method::GET, path, &test.read_token)).await
}

pub(super) async fn post(test: &TestApp, path: &str, body: Value) -> Reply {
    send(test, request(Method::POST, path, &test.write_token).set_json(body)).await
}

async fn patch(test: &TestApp, path: &str, body: Value) -> Reply {
    send(test, request(Method::PATCH, path, &test.write_token).set_json(body)).await
}

async fn delete(test: &TestApp, path: &str) -> Reply {
    send(test, request(Method::DELETE, path, &test.write_token)).await
}

/// An advertiser with an offer; the offer's number.
async fn an_offer(test: &TestApp) -> i64 {
    let advertiser = post(test, "/advertisers", json!({"name": "Net"})).await.expect(201);
    let offer = json!({"name": "Shop", "advertiser_id": advertiser["id"], "url": "https://shop.example/?c={click_id}"});
    post(test, "/offers", offer).await.expect(201)["id"].as_i64().unwrap()
}

pub(super) async fn a_campaign(test: &TestApp) -> Value {
    let offer = an_offer(test).await;
    let campaign = json!({"name": "Push DE", "paths": [{"offers": [{"offer_id": offer}]}]});
    post(test, "/campaigns", campaign).await.expect(201)
}

#[actix_web::test]
async fn an_advertiser_comes_with_what_it_pastes() {
    let test = TestApp::new();
    let reply = post(
        &test,
        "/advertisers",
        json!({"name": "Net", "status_map": {"A": "approved"}, "event_map": {"refund": {"event": "sale", "status": "reversed"}},
               "param_map": {"s2": "cid"}}),
    )
    .await;
    assert_eq!(reply.headers.get(LOCATION).unwrap(), "/api/v1/advertisers/1");
    let made = reply.expect(201);
    let key = made["postback_key"].as_str().unwrap();
    assert_eq!(key.len(), 20);
    assert_eq!(made["postback_url"], format!("http://localhost/postback/{key}"));
    assert!(
        made["template"]
            .as_str()
            .unwrap()
            .ends_with("?cid={click_id}&payout={payout}&txid={transaction_id}&status={status}")
    );
    assert_eq!(made["status_map"], json!({"a": "approved"}));
    assert_eq!(made["event_map"]["refund"], json!({"event": "sale", "status": "reversed"}));
    assert_eq!((&made["currency"], &made["window_days"]), (&json!("USD"), &json!(30)));
    assert_eq!(made["reopen_rejected"], true, "a network changes its mind");
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(get(&test, "/advertisers/1").await.expect(200), made);
    let direct = post(&test, "/advertisers", json!({"name": "Shop", "kind": "direct"})).await.expect(201);
    assert_eq!(direct["reopen_rejected"], false);
}

#[actix_web::test]
async fn an_offer_keeps_money_as_text() {
    let test = TestApp::new();
    let id = an_offer(&test).await;
    let path = format!("/offers/{id}");
    let changed = patch(&test, &path, json!({"revenue": "5", "tags": ["a", "a"]})).await.expect(200);
    assert_eq!((&changed["revenue"], &changed["tags"]), (&json!("5.00"), &json!(["a"])));
    let changed = patch(&test, &path, json!({"revenue": null, "revenue_percent": "12.5"})).await.expect(200);
    assert_eq!((&changed["revenue"], &changed["revenue_percent"]), (&Value::Null, &json!("12.50")));
    assert!(patch(&test, &path, json!({"revenue": 5.1})).await.field(422, "revenue").contains("as a text"));
    assert!(patch(&test, &path, json!({"revenue": "1.1234567"})).await.field(422, "revenue").contains("six"));
    assert!(
        patch(&test, &path, json!({"url": "https://a.example/{zoneid}"}))
            .await
            .field(422, "url")
            .contains("{zoneid}")
    );
    let same = get(&test, &path).await.expect(200);
    assert_eq!(same["revenue_percent"], "12.50", "a refused change changes nothing");
}

#[actix_web::test]
async fn an_offer_needs_an_advertiser_in_use() {
    let test = TestApp::new();
    let id = an_offer(&test).await;
    let offer =
        |advertiser: i64| json!({"name": "B", "advertiser_id": advertiser, "url": "https://b.example/"});
    assert_eq!(
        post(&test, "/offers", offer(99)).await.field(422, "advertiser_id"),
        "There is no advertiser 99"
    );
    delete(&test, "/advertisers/1").await.expect(204);
    assert!(post(&test, "/offers", offer(1)).await.field(422, "advertiser_id").contains("archived"));
    patch(&test, &format!("/offers/{id}"), json!({"notes": "still mine"})).await.expect(200);
}

#[actix_web::test]
async fn clicks_cost_in_the_accounts_currency() {
    let test = TestApp::new();
    let message =
        post(&test, "/sources", json!({"name": "A", "currency": "EUR"})).await.field(422, "currency");
    assert_eq!(message, "There is no exchange rate from EUR to USD yet: use USD");
    post(&test, "/advertisers", json!({"name": "A", "currency": "EUR"})).await.expect(201);
}

#[actix_web::test]
async fn a_source_has_a_partner_key_and_tokens() {
    let test = TestApp::new();
    let made = post(
        &test,
        "/sources",
        json!({"name": "Push", "cost_model": "cpc", "cost_amount": "0.0125", "external_id_param": "cid",
               "tokens": [{"slot": 2, "param": "zone", "label": "Zone"}, {"slot": 1, "param": "ad"}]}),
    )
    .await
    .expect(201);
    assert_eq!(made["partner_key"].as_str().unwrap().len(), 20);
    assert_eq!(made["cost_amount"], "0.0125");
    assert_eq!(made["tokens"][1], json!({"slot": 2, "param": "zone", "label": "Zone"}));
    let partner = patch(&test, "/sources/1", json!({"kind": "partner"})).await;
    assert!(partner.field(422, "cost_model").contains("conversion"));
}

#[actix_web::test]
async fn a_lander_is_listed_searched_and_archived() {
    let test = TestApp::new();
    for name in ["Quiz v1", "Quiz v2", "Story 100%"] {
        post(&test, "/landers", json!({"name": name, "url": "https://l.example/?t={click_token}"}))
            .await
            .expect(201);
    }
    let page = get(&test, "/landers?q=quiz&page_size=1&page=2").await.expect(200);
    assert_eq!((&page["total"], &page["page"], &page["page_size"]), (&json!(2), &json!(2), &json!(1)));
    assert_eq!(page["items"][0]["name"], "Quiz v2");
    assert_eq!(get(&test, "/landers?q=0%25").await.expect(200)["total"], 1);
    delete(&test, "/landers/1").await.expect(204);
    delete(&test, "/landers/1").await.expect(204);
    assert_eq!(get(&test, "/landers").await.expect(200)["total"], 2);
    assert_eq!(get(&test, "/landers?status=archived").await.expect(200)["items"][0]["id"], 1);
    assert_eq!(get(&test, "/landers/1").await.expect(200)["status"], "archived");
    assert_eq!(patch(&test, "/landers/1", json!({"status": "active"})).await.expect(200)["status"], "active");
    assert!(get(&test, "/landers?colour=red").await.field(422, "colour").contains("no such parameter"));
    get(&test, "/landers?page=two").await.field(422, "page");
}

#[actix_web::test]
async fn a_campaign_gets_a_slug_an_owner_and_an_address() {
    let test = TestApp::new();
    let made = a_campaign(&test).await;
    let slug = made["slug"].as_str().unwrap();
    assert_eq!(slug.len(), 8);
    assert_eq!(made["url"], format!("http://localhost/c/{slug}"));
    assert_eq!(made["owner_id"], test.admin_id);
    assert_eq!(made["paths"][0]["weight"], 100);
    let kept = patch(&test, "/campaigns/1", json!({"slug": "", "redirect": "307"})).await.expect(200);
    assert_eq!((&kept["slug"], &kept["redirect"]), (&made["slug"], &json!("307")));
    let renamed = patch(&test, "/campaigns/1", json!({"slug": "Push-DE"})).await.expect(200);
    assert_eq!(renamed["slug"], "push-de");
}

#[actix_web::test]
async fn a_slug_that_is_taken_is_a_conflict() {
    let test = TestApp::new();
    let made = a_campaign(&test).await;
    let other = json!({"name": "B", "slug": made["slug"], "paths": made["paths"].clone()});
    let mut fresh = other.clone();
    fresh["paths"][0].as_object_mut().unwrap().remove("id");
    assert!(post(&test, "/campaigns", other).await.field(422, "paths[0].id").contains("no path 1"));
    assert!(post(&test, "/campaigns", fresh.clone()).await.field(409, "slug").contains("address"));
    fresh["slug"] = json!("another");
    let second = post(&test, "/campaigns", fresh).await.expect(201);
    let path = format!("/campaigns/{}", second["id"]);
    patch(&test, &path, json!({"slug": made["slug"]})).await.field(409, "slug");
    assert_eq!(get(&test, "/campaigns").await.expect(200)["total"], 2, "nothing half made");
}

#[actix_web::test]
async fn paths_keep_their_numbers_and_name_their_errors() {
    let test = TestApp::new();
    let made = a_campaign(&test).await;
    let mut paths = made["paths"].clone();
    paths[0]["weight"] = json!(30);
    paths.as_array_mut().unwrap().push(json!({"name": "B", "offers": [{"offer_id": 1, "weight": 0}]}));
    let changed = patch(&test, "/campaigns/1", json!({"paths": paths})).await.expect(200);
    assert_eq!(changed["paths"][0]["id"], made["paths"][0]["id"]);
    assert_eq!(changed["paths"][1]["offers"], json!([{"offer_id": 1, "weight": 0}]));
    let one = json!([changed["paths"][1]]);
    let changed = patch(&test, "/campaigns/1", json!({"paths": one})).await.expect(200);
    assert_eq!(changed["paths"].as_array().unwrap().len(), 1);
    let gone = json!([{"id": 1, "offers": [{"offer_id": 1}]}]);
    patch(&test, "/campaigns/1", json!({"paths": gone})).await.field(422, "paths[0].id");
    let bad =
        json!([{"offers": [{"offer_id": 1}]}, {"offers": [{"offer_id": 9}], "landers": [{"lander_id": 4}]}]);
    let reply = patch(&test, "/campaigns/1", json!({"paths": bad, "source_id": 5, "owner_id": 77})).await;
    let fields: Vec<String> =
        reply.expect(422)["fields"].as_array().unwrap().iter().map(|e| e["field"].to_string()).collect();
    assert_eq!(fields, ["\"source_id\"", "\"owner_id\"", "\"paths[1].landers\"", "\"paths[1].offers\""]);
}

#[actix_web::test]
async fn an_archived_offer_stays_where_it_was_and_goes_nowhere_new() {
    let test = TestApp::new();
    let made = a_campaign(&test).await;
    delete(&test, "/offers/1").await.expect(204);
    patch(&test, "/campaigns/1", json!({"name": "Renamed", "paths": made["paths"]})).await.expect(200);
    let fresh = json!({"name": "B", "paths": [{"offers": [{"offer_id": 1}]}]});
    assert!(post(&test, "/campaigns", fresh).await.field(422, "paths[0].offers").contains("archived"));
}

#[actix_web::test]
async fn a_template_is_shown_filled() {
    let test = TestApp::new();
    let preview = |body: Value| {
        send(&test, request(Method::POST, "/templates/preview", &test.read_token).set_json(body))
    };
    let filled = preview(json!({"url": "https://a.example/?c={country}", "use": "offer"})).await.expect(200);
    assert_eq!(filled["url"], "https://a.example/?c=DE");
    assert!(
        preview(json!({"url": "https://a.example/{nope}", "use": "offer"}))
            .await
            .field(422, "url")
            .contains("{nope}")
    );
    assert!(
        preview(json!({"url": "https://a.example/{click_token}", "use": "offer"}))
            .await
            .field(422, "url")
            .contains("lander")
    );
    preview(json!({"url": "https://a.example/{click_token}", "use": "lander"})).await.expect(200);
    preview(json!({"url": "https://a.example/", "use": "moon"})).await.field(422, "use");
    preview(json!({"use": "offer", "x": 1})).await.field(422, "x");
}
