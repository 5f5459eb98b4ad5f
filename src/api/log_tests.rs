//! The logs and reports of the API by their contract.

use super::tests::{a_campaign, get, post, request, send};
use crate::http::testing::TestApp;
use actix_web::http::Method;
use serde_json::{Value, json};

#[actix_web::test]
async fn empty_logs_are_pages_too() {
    let test = TestApp::new();
    for path in ["/clicks", "/conversions", "/postbacks", "/deliveries"] {
        let page = get(&test, &format!("{path}?page_size=10")).await.expect(200);
        assert_eq!(page, json!({"items": [], "page": 1, "page_size": 10, "total": 0}));
        send(&test, request(Method::PUT, path, &test.write_token)).await.expect(405);
        assert!(get(&test, &format!("{path}?colour=1")).await.field(422, "colour").contains("page_size"));
        assert!(get(&test, &format!("{path}?from=soon")).await.field(422, "from").contains("2026-11-01"));
    }
    for path in
        ["/clicks/x", "/clicks/01m7y369w8fn0s9kcas02dtbeb", "/conversions/1", "/postbacks/x", "/deliveries/1"]
    {
        get(&test, path).await.expect(404);
    }
}

#[actix_web::test]
async fn a_report_has_totals_and_null_where_there_is_no_base() {
    let test = TestApp::new();
    a_campaign(&test).await;
    let day = |more: Value| {
        let mut body = json!({"from": "2026-11-01", "to": "2026-11-02"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post(&test, "/reports", body)
    };
    let report = day(json!({"by": ["day"]})).await.expect(200);
    assert_eq!((&report["row_count"], &report["currency"]), (&json!(2), &json!("USD")));
    assert_eq!(report["rows"][0]["by"], json!([{"value": "2026-11-01", "label": "2026-11-01"}]));
    assert_eq!((&report["totals"]["clicks"], &report["totals"]["profit"]), (&json!(0), &json!("0.00")));
    assert_eq!((&report["totals"]["cr"], &report["totals"]["epc"]), (&Value::Null, &Value::Null));
    let none = day(json!({"by": ["day"], "min_clicks": 1})).await.expect(200);
    assert_eq!((&none["rows"], &none["row_count"]), (&json!([]), &json!(0)));
}

#[actix_web::test]
async fn a_report_that_cannot_be_made_says_which_field() {
    let test = TestApp::new();
    let ask = |body: Value| post(&test, "/reports", body);
    let day = |name: &str, value: Value| {
        let mut body = json!({"from": "2026-11-01", "to": "2026-11-01"});
        body[name] = value;
        ask(body)
    };
    assert!(ask(json!({})).await.field(422, "from").contains("needed"));
    assert!(day("by", json!(["country"])).await.field(422, "by[0]").contains("campaign"));
    assert!(day("by", json!(["campaign", "day"])).await.field(422, "by").contains("One level"));
    assert!(day("order", json!("-luck")).await.field(422, "order").contains("profit"));
    assert!(day("test", json!("include")).await.field(422, "test").contains("only"));
    assert!(day("time_zone", json!("Mars")).await.field(422, "time_zone").contains("IANA"));
    assert!(day("to", json!("2026-10-01")).await.field(422, "to").contains("ends before"));
    day("colour", json!(1)).await.field(422, "colour");
    let filter = json!([{"fact": "country", "op": "in", "values": ["DE"]}]);
    day("filters", filter).await.field(422, "filters[0].fact");
    send(&test, request(Method::GET, "/reports", &test.read_token)).await.expect(405);
}
