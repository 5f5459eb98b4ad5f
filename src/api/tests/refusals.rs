//! What the API refuses, and how it says so.

use super::{a_campaign, delete, get, patch, post, request, send};
use crate::domain::role::{Role, TokenScope};
use crate::http::testing::TestApp;
use crate::http::{create_user, tokens};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::test::TestRequest;
use serde_json::json;

#[actix_web::test]
async fn fields_that_are_not_built_are_refused() {
    let test = TestApp::new();
    a_campaign(&test).await;
    for (path, field) in [
        ("/advertisers/1", "hmac_mode"),
        ("/advertisers/1", "duplicate_mode"),
        ("/advertisers/1", "postback_key"),
        ("/offers/1", "payout"),
        ("/campaigns/1", "rules"),
        ("/campaigns/1", "sticky"),
        ("/campaigns/1", "url"),
        ("/campaigns/1", "id"),
    ] {
        patch(&test, path, json!({field: "x"})).await.field(422, field);
    }
}

#[actix_web::test]
async fn every_error_at_once_each_in_its_place() {
    let test = TestApp::new();
    let reply =
        post(&test, "/offers", json!({"name": "", "colour": 1, "currency": "EUR", "revenue": []})).await;
    let body = reply.expect(422);
    let fields: Vec<&str> =
        body["fields"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["colour", "name", "revenue", "url", "advertiser_id"]);
    assert_eq!(body["status"], 422);
    assert_eq!(body["title"], "Unprocessable Entity");
    assert_eq!(body["request_id"].as_str().unwrap().len(), 36);
}

#[actix_web::test]
async fn bad_input_is_never_a_500() {
    let test = TestApp::new();
    let raw = |body: Vec<u8>, kind: &'static str| {
        request(Method::POST, "/landers", &test.write_token)
            .insert_header((CONTENT_TYPE, kind))
            .set_payload(body)
    };
    let json_kind = "application/json; charset=utf-8";
    for bad in [&b""[..], b"[]", b"{", b"{\"name\":\"a\",\"name\":\"b\"}", b"{\"name\":\"\xff\"}", b"\x00"] {
        send(&test, raw(bad.to_vec(), json_kind)).await.expect(400);
    }
    send(&test, raw(b"name=a".to_vec(), "application/x-www-form-urlencoded")).await.expect(415);
    send(&test, raw(b"{}".to_vec(), json_kind).insert_header(("content-encoding", "gzip"))).await.expect(415);
    send(&test, raw(vec![b' '; 300_000], json_kind)).await.expect(413);
    let url = "https://l.example/";
    for name in [
        json!("x".repeat(10_000)),
        json!(["a"]),
        json!({"a": 1}),
        json!("a\u{0}b\nc"),
        json!(null),
        json!(true),
    ] {
        post(&test, "/landers", json!({"name": name, "url": url})).await.field(422, "name");
    }
    post(&test, "/landers", json!({"name": "A", "url": url, "offer_links": 1e300}))
        .await
        .field(422, "offer_links");
    let odd =
        post(&test, "/landers", json!({"name": "a\u{0}b <script>", "url": url, "tags": "x\u{0}"})).await;
    assert_eq!(odd.expect(201)["name"], "a\u{fffd}b <script>");
}

#[actix_web::test]
async fn what_is_not_there_is_a_problem_document() {
    let test = TestApp::new();
    for path in [
        "/landers/99",
        "/landers/x",
        "/landers/99999999999999999999",
        "/landers/%00",
        "/nothing",
        "",
        "/landers/1/x",
    ] {
        get(&test, path).await.expect(404);
    }
    patch(&test, "/landers/99", json!({"name": "A"})).await.expect(404);
    delete(&test, "/landers/99").await.expect(404);
    send(&test, TestRequest::get().uri("/api/other")).await.expect(404);
    send(&test, TestRequest::get().uri("/api")).await.expect(404);
    let reply = send(&test, request(Method::PUT, "/landers/1", &test.write_token)).await;
    assert_eq!(reply.headers.get(ALLOW).unwrap(), "GET, PATCH, DELETE");
    reply.expect(405);
    let long = format!("/landers?q={}", "x".repeat(9_000));
    get(&test, &long).await.expect(414);
}

#[actix_web::test]
async fn a_token_is_needed_and_its_scope_holds() {
    let test = TestApp::new();
    let bare = |path: &str| TestRequest::get().uri(&format!("/api/v1{path}"));
    let reply = send(&test, bare("/offers")).await;
    assert!(reply.headers.get(WWW_AUTHENTICATE).unwrap().to_str().unwrap().starts_with("Bearer"));
    reply.expect(401);
    for value in [
        "Bearer clk_wrong",
        "Bearer",
        "Basic YTpi",
        "Bearer \u{e4}",
        &format!("Bearer clk_{}", "x".repeat(5_000)),
    ] {
        send(&test, bare("/offers").insert_header((AUTHORIZATION, value))).await.expect(401);
    }
    let body = json!({"name": "A", "url": "https://l.example/"});
    let reading = request(Method::POST, "/landers", &test.read_token).set_json(&body);
    assert!(send(&test, reading).await.expect(403)["detail"].as_str().unwrap().contains("write"));
    send(&test, request(Method::DELETE, "/landers/1", &test.read_token)).await.expect(403);
    let stranger = TestRequest::post().uri("/api/v1/landers").set_payload("not json");
    send(&test, stranger).await.expect(401);
    let buyer =
        create_user(&test.app.db, "buyer@example.com", "a quiet river bends", Role::Buyer, 1).unwrap();
    let (_, token) = tokens::create(&test.app.db, buyer, "b", TokenScope::Write, 1).unwrap();
    send(&test, request(Method::GET, "/offers", &token)).await.expect(403);
}

#[actix_web::test]
async fn answers_tell_browsers_what_not_to_do() {
    let test = TestApp::new();
    let reply = get(&test, "/offers").await;
    let header = |name: &str| reply.headers.get(name).unwrap().to_str().unwrap();
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"));
    assert_eq!(header("x-request-id").len(), 36);
    assert!(reply.headers.get("strict-transport-security").is_none(), "not https");
}
