//! Hosts of the installation: kept by pages and API, shown in campaigns' addresses, with fallbacks of their own.

use crate::app::{Answer, TestApp, send};
use crate::pages::Person;
use clickledger::db::Priority;
use clickledger::domain::role::{Role, TokenScope};
use clickledger::http::{create_user, now_ms, tokens};
use reqwest::Method;
use serde_json::json;

/// Asks for a path on one of the hosts.
async fn on(app: &TestApp, host: &str, path: &str) -> Answer {
    let request = app.request(Method::GET, path).bearer_auth(&app.read_token);
    send(request.header("host", host)).await
}

stories! {
    async fn a_host_is_kept_once_in_one_form(app: TestApp) {
        let made = app.post("/domains", json!({"host": " Trk.Example. "})).await;
        assert_eq!((&made["host"], &made["kind"], &made["status"]), (&json!("trk.example"), &json!("tracking"), &json!("active")));
        assert_eq!(made["created_at"], made["updated_at"]);
        let path = format!("/domains/{}", made["id"]);
        let taken = app.api(Method::POST, "/domains", Some(json!({"host": "TRK.example"}))).await.expect(409);
        assert!(taken["fields"][0]["message"].as_str().unwrap().contains("on the list already"), "{taken}");
        let wrong = json!({"host": "https://x.example/", "kind": "cdn", "fallback_url": "{zone}", "status": "on", "ip": "1"});
        let refused = app.api(Method::PATCH, &path, Some(wrong)).await.expect(422);
        let fields: Vec<&str> = refused["fields"].as_array().unwrap().iter().filter_map(|one| one["field"].as_str()).collect();
        assert_eq!(fields, ["fallback_url", "host", "ip", "kind", "status"]);
        let changed = app.patch(&path, json!({"host": "bücher.example", "fallback_url": "https://f.example/"})).await;
        assert_eq!((&changed["host"], &changed["fallback_url"]), (&json!("xn--bcher-kva.example"), &json!("https://f.example/")));
        assert_eq!(app.api(Method::DELETE, &path, None).await.status, 204);
        let listed = app.api(Method::GET, "/domains", None).await.expect(200);
        assert_eq!(listed["total"], 0);
        let listed = app.api(Method::GET, "/domains?status=archived&q=bcher", None).await.expect(200);
        assert_eq!(listed["items"][0]["id"], made["id"]);
    }

    async fn hosts_are_for_admins_alone(app: TestApp) {
        let manager = create_user(&app.db, "boss@example.com", "a quiet river bends", Role::Manager, now_ms()).unwrap();
        let (_, token) = tokens::create(&app.db, manager, "m", TokenScope::Write, now_ms()).unwrap();
        let ask = |method, path| send(app.request(method, path).bearer_auth(&token).json(&json!({"host": "a.example"})));
        assert_eq!(ask(Method::GET, "/api/v1/domains").await.status, 403);
        assert_eq!(ask(Method::POST, "/api/v1/domains").await.status, 403);
        assert_eq!(ask(Method::GET, "/api/v1/campaigns").await.status, 200);
        assert_eq!(app.number("select count(*) from domains"), 0);
        let scope = app.request(Method::POST, "/api/v1/domains").bearer_auth(&app.read_token).json(&json!({"host": "a.example"}));
        assert_eq!(send(scope).await.status, 403, "a token that may only read");
    }

    async fn a_campaign_shows_its_host_and_falls_back_by_it(app: TestApp) {
        let host = app.post("/domains", json!({"host": "trk.example", "fallback_url": "https://host.example/?c={country}"})).await;
        let port = app.base.rsplit_once(':').unwrap().1;
        let campaign = app.campaign(json!({"domain_id": host["id"]})).await;
        let path = format!("/campaigns/{}", campaign.id);
        let saved = app.api(Method::GET, &path, None).await.expect(200);
        let url = format!("http://trk.example:{port}/c/{}", campaign.slug);
        assert_eq!((&saved["domain_id"], &saved["url"]), (&host["id"], &json!(url)));
        let person = Person::enter(app).await;
        let form = person.page(&format!("{path}/edit")).await;
        assert!(form.contains(&url) && form.contains("selected>trk.example</option>"), "{form}");
        assert!(form.contains(&format!("http://trk.example:{port}/t.js")), "the script comes from there too");

        let lost = |host: &'static str| on(app, host, "/c/nobody-has-this");
        assert_eq!(lost("TRK.example:99").await.location(), "https://host.example/?c=");
        assert_eq!(lost("other.example").await.status, 404);
        let address = format!("/domains/{}", host["id"]);
        app.patch(&address, json!({"status": "paused"})).await;
        assert_eq!(lost("trk.example").await.status, 404, "a paused host has no fallback");
        let saved = app.api(Method::GET, &path, None).await.expect(200);
        assert!(saved["url"].as_str().unwrap().starts_with(&app.base), "nor is it shown");

        for (field, wrong) in [("domain_id", json!(999)), ("domain_id", json!("x"))] {
            let refused = app.api(Method::PATCH, &path, Some(json!({ field: wrong }))).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], "domain_id");
        }
        app.api(Method::DELETE, &address, None).await;
        app.patch(&path, json!({"name": "renamed", "domain_id": host["id"]})).await;
        let other = json!({"name": "B", "domain_id": host["id"], "paths": saved["paths"]});
        let refused = app.api(Method::POST, "/campaigns", Some(other)).await.expect(422);
        assert!(refused.to_string().contains("is archived"), "{refused}");
        app.patch(&path, json!({"domain_id": null})).await;
    }

    async fn with_a_dashboard_host_tracking_hosts_answer_clicks_alone(app: TestApp) {
        let tracking = app.post("/domains", json!({"host": "trk.example"})).await;
        let campaign = app.campaign(json!({"domain_id": tracking["id"]})).await;
        let refused = app.api(Method::PATCH, &format!("/domains/{}", tracking["id"]), Some(json!({"kind": "dashboard"}))).await;
        assert!(refused.expect(422).to_string().contains("another host for them first"));
        assert_eq!(on(app, "trk.example", "/sign-in").await.status, 200, "no host is kept for pages yet");
        let desk = app.post("/domains", json!({"host": "desk.example", "kind": "dashboard"})).await;
        for path in ["/sign-in", "/", "/campaigns", "/api/v1/campaigns", "/metrics", "/static/app.css"] {
            assert_eq!(on(app, "trk.example", path).await.status, 404, "{path}");
        }
        for path in ["/sign-in", "/api/v1/campaigns", "/metrics", "/static/app.css"] {
            assert_eq!(on(app, "desk.example:443", path).await.status, 200, "{path}");
            assert_eq!(on(app, "127.0.0.1", path).await.status, 200, "the way back in: {path}");
        }
        let click = app.click_as(&campaign, "", |request| request.header("host", "trk.example")).await;
        let said = app.request(Method::GET, &format!("/postback/{}?cid={}&payout=1", click.key, click.id));
        assert_eq!(send(said.header("host", "trk.example")).await.code(), "recorded");
        assert_eq!(on(app, "trk.example", "/t.js").await.status, 200);
        assert_eq!(on(app, "trk.example", "/healthz").await.status, 200);
        let refused = app.api(Method::PATCH, &format!("/campaigns/{}", campaign.id), Some(json!({"domain_id": desk["id"]}))).await;
        assert!(refused.expect(422).to_string().contains("is for dashboards"));
        app.patch(&format!("/domains/{}", desk["id"]), json!({"status": "paused"})).await;
        assert_eq!(on(app, "trk.example", "/sign-in").await.status, 200);
    }

    async fn the_page_of_hosts_keeps_what_was_typed(app: TestApp) {
        let person = Person::enter(app).await;
        assert!(person.page("/settings/domains").await.contains("No domains yet"));
        let refused = person.send("/settings/domains", "host=https%3A%2F%2Fx.example&kind=tracking&status=active&fallback_url=").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Write the host alone") && refused.text.contains("https://x.example"), "{refused:?}");
        let made = person.send("/settings/domains", "host=x.example&kind=tracking&status=active&fallback_url=https%3A%2F%2Ff.example").await;
        assert!(made.location().starts_with("/settings/domains/") && made.location().ends_with("/edit?saved=1"), "{made:?}");
        let form = person.page(made.location()).await;
        assert!(form.contains("value=\"x.example\"") && form.contains("value=\"https://f.example\""), "{form}");
        let one = made.location().trim_end_matches("/edit?saved=1").to_owned();
        let archived = person.send(&format!("{one}/archive"), "").await;
        assert!(person.page(archived.location()).await.contains("The domain is archived"));
        let back = person.send(&format!("{one}/restore"), "").await;
        assert!(person.page(back.location()).await.contains("x.example"));
        app.db
            .write::<_, clickledger::db::Error>(Priority::Pages, |conn| {
                crate::sql::run(conn, "update users set role = 'manager'")
            })
            .unwrap();
        for path in ["/settings/domains", "/settings/domains/new"] {
            assert_eq!(person.ask(Method::GET, path).await.status, 404, "managers have no such page");
        }
        assert_eq!(person.send("/settings/domains", "host=y.example").await.status, 404);
    }

    async fn the_accounts_settings_are_changed_by_the_api_as_by_the_pages(app: TestApp) {
        let before = app.api(Method::GET, "/settings", None).await.expect(200);
        assert_eq!(before, json!({"currency": "USD", "currency_fixed": false, "time_zone": "UTC", "fallback_url": "",
            "bot_data_centres": false, "bot_address_limit": false, "bot_address_clicks": null, "bot_address_minutes": null,
            "anomaly_fast_seconds": 5, "anomaly_other_country": true, "anomaly_other_device": true, "anomaly_device_clicks": 2,
            "anomaly_address_clicks": 10,
            "old_postbacks": [], "old_postback_addresses": [], "old_postback_key": "", "old_forward_unknown_to": "", "old_buttons": false}));
        let changed = app.patch("/settings", json!({"currency": "eur", "time_zone": "Asia/Kolkata",
            "fallback_url": "https://f.example/", "bot_address_limit": true, "bot_address_clicks": 3, "bot_address_minutes": 60})).await;
        assert_eq!((&changed["currency"], &changed["time_zone"]), (&json!("EUR"), &json!("Asia/Kolkata")));
        let person = Person::enter(app).await;
        let page = person.page("/settings").await;
        assert!(page.contains("value=\"Asia/Kolkata\"") && page.contains("value=\"https://f.example/\""), "{page}");
        assert!(person.page("/settings/bots").await.contains("value=\"3\""));
        assert_eq!(app.get("/c/nobody-has-this").await.location(), "https://f.example/", "live at once");
        let wrong = json!({"currency": "XX", "time_zone": "Mars/Base", "fallback_url": "javascript:x", "bot_address_clicks": 1,
            "currency_fixed": false});
        let refused = app.api(Method::PATCH, "/settings", Some(wrong)).await.expect(422);
        let fields: Vec<&str> = refused["fields"].as_array().unwrap().iter().filter_map(|one| one["field"].as_str()).collect();
        assert_eq!(fields, ["bot_address_clicks", "currency", "currency_fixed", "fallback_url", "time_zone"]);
        assert_eq!(app.api(Method::GET, "/settings", None).await.expect(200), changed, "all or nothing");
        assert_eq!(app.api(Method::DELETE, "/settings", None).await.status, 405);

        let campaign = app.campaign(json!({})).await;
        app.click(&campaign).await;
        app.settled().await;
        let fixed = app.api(Method::PATCH, "/settings", Some(json!({"currency": "USD", "fallback_url": null}))).await.expect(422);
        assert_eq!(fixed["fields"][0]["field"], "currency");
        let same = app.patch("/settings", json!({"currency": "EUR", "fallback_url": null})).await;
        assert_eq!((&same["currency_fixed"], &same["fallback_url"]), (&json!(true), &json!("")));
        app.patch("/settings", json!({"bot_address_limit": false})).await;
        assert!(!person.page("/settings/bots").await.contains("value=\"3\""));

        let manager = create_user(&app.db, "boss@example.com", "a quiet river bends", Role::Manager, now_ms()).unwrap();
        let (_, token) = tokens::create(&app.db, manager, "m", TokenScope::Write, now_ms()).unwrap();
        for method in [Method::GET, Method::PATCH] {
            let asked = app.request(method, "/api/v1/settings").bearer_auth(&token).json(&json!({}));
            assert_eq!(send(asked).await.status, 403);
        }
    }
}
