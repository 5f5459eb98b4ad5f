//! Moving in: the old tracker's links lead to campaigns here, and its postback addresses take postbacks.

use crate::app::{Answer, Campaign, Click, click_id_in, send};
use crate::pages::Person;
use crate::routing::{offers, visit};
use reqwest::Method;
use serde_json::{Value, json};

const UUID: &str = "/3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// A click that came to an old address of a campaign.
fn click_of(answer: &Answer, campaign: &Campaign) -> Click {
    let id = click_id_in(answer.location()).unwrap_or_else(|| panic!("no click id: {answer:?}"));
    let location = answer.location().to_owned();
    Click { id, key: campaign.key.clone(), location, cookies: answer.cookies.clone() }
}

/// What is said about a field that was refused.
fn said(refused: &Value, field: &str) -> String {
    let fields = refused["fields"].as_array().unwrap();
    let found = fields.iter().find(|one| one["field"] == field).unwrap_or_else(|| panic!("{refused}"));
    found["message"].as_str().unwrap().to_owned()
}

stories! {
    async fn old_links_are_clicks_on_the_campaign(app: TestApp) {
        let source = app.post("/sources", json!({"name": "Push", "external_id_param": "externalid", "cost_param": "cost",
            "cost_model": "param", "tokens": [{"slot": 1, "param": "t1", "label": "Zone"}]})).await;
        let aliases = json!([UUID, "https://old.example/DqT9jR/", "/click.php?key=abc", "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0"]);
        let campaign = app.campaign(json!({"source_id": source["id"], "aliases": aliases})).await;
        let shown = app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200);
        assert_eq!(shown["aliases"], json!([UUID, "/DqT9jR", "/click.php?key=abc", "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0"]));
        for (number, path) in [
            UUID, "/DqT9jR", "/dqt9jr", "/DqT9jR/", "/%44qT9jR", "/click.php?key=abc", "/click.php?x=1&key=ab%63", "/CLICK.PHP?key=ABC",
            "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0",
        ].into_iter().enumerate() {
            let joint = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{joint}externalid=e{number}&cost=0.02&t1=zone-{number}");
            let answer = visit(app, &path, "any.example").await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let stored = app.stored(&click_of(&answer, &campaign)).await.record;
            assert_eq!(stored.campaign_id, campaign.id, "{path}");
            assert_eq!((stored.external_id.as_deref(), stored.sub(1)), (Some(&*format!("e{number}")), Some(&*format!("zone-{number}"))));
        }
        let clicks = app.number("select count(*) from clicks");
        for other in ["/click.php", "/click.php?key=", "/click.php?key=abcd", "/click", "/DqT9jR/x", "/go/other-uuid", "/cf/r", "/click.php?key=abc%00"] {
            assert_eq!(visit(app, other, "any.example").await.status, 404, "{other}");
        }
        let head = send(app.request(Method::HEAD, UUID)).await;
        assert_eq!(head.status, 302, "looked at, and counted as a machine's");
        let posted = send(app.request(Method::POST, UUID)).await;
        assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"));
        app.until("the look is stored", || app.number("select count(*) from clicks") == clicks + 1).await;
        let click = click_of(&visit(app, UUID, "any.example").await, &campaign);
        assert_eq!(app.postback(&click, "1.50").await.code(), "recorded");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"aliases": []})).await;
        assert_eq!(visit(app, UUID, "any.example").await.status, 404, "live at once");
    }

    async fn an_old_link_leads_to_one_campaign(app: TestApp) {
        let first = app.campaign(json!({"name": "First", "aliases": [UUID, "/two", UUID]})).await;
        let (_, [offer]) = offers(app, ["there"]).await;
        let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
        let taken = app.api(Method::POST, "/campaigns", Some(json!({"name": "Second", "paths": paths, "aliases": ["/free", "/two"]}))).await;
        let taken = said(&taken.expect(422), "aliases");
        assert!(taken.contains("/two") && taken.contains(&format!("campaign {}, First", first.id)), "{taken}");
        let made = app.post("/campaigns", json!({"name": "Second", "paths": paths, "aliases": ["/free"]})).await;
        let path = format!("/campaigns/{}", made["id"]);
        app.api(Method::PATCH, &path, Some(json!({"aliases": [UUID]}))).await.expect(422);
        app.api(Method::DELETE, &format!("/campaigns/{}", first.id), None).await.expect(204);
        app.api(Method::PATCH, &path, Some(json!({"aliases": [UUID]}))).await.expect(422);
        app.patch(&format!("/campaigns/{}", first.id), json!({"aliases": ["/two"]})).await;
        assert_eq!(app.patch(&path, json!({"aliases": ["/free", UUID]})).await["aliases"], json!(["/free", UUID]));
        assert_eq!(app.patch(&path, json!({"notes": "kept"})).await["aliases"], json!(["/free", UUID]));
        assert!(visit(app, UUID, "any.example").await.location().contains("there"));
    }

    async fn no_old_address_takes_what_is_ours(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let path = format!("/campaigns/{}", campaign.id);
        for evil in [
            "/", "//evil.example", "https://evil.example", "/api/v1/x", "/%61pi/v1/x", "/API/v1", "/settings", "/campaigns", "/c/x", "/go", "/go/1",
            "/postback/k", "/x/postback", "/t.js", "/static/app.css", "/healthz", "/metrics", "/../settings", "/a/../../api", "/%2e%2e/api",
            "/a%2fb%2f", "/a%00", "/ä", "/<script>", "/a?b=c&d=e", "/a?b", "/click", "/click/1", "javascript:alert(1)", "/a b", "/%ff", "a",
        ] {
            let refused = app.api(Method::PATCH, &path, Some(json!({"aliases": [evil]}))).await;
            let why = said(&refused.expect(422), "aliases");
            assert!(why.len() > 20, "{evil}: {why}");
        }
        let many: Vec<String> = (0..5_000).map(|n| format!("/old-{n}")).collect();
        let refused = app.api(Method::PATCH, &path, Some(json!({"aliases": many}))).await.expect(422);
        assert!(said(&refused, "aliases").contains("at most 200"), "{refused}");
        for wrong in [json!("/a /b"), json!(7), json!([7]), json!({"a": "b"}), json!([["/a"]]), json!(["/a".repeat(200)])] {
            app.api(Method::PATCH, &path, Some(json!({"aliases": wrong}))).await.expect(422);
        }
        assert_eq!(app.get("/healthz").await.text, "ok\n");
        assert_eq!(app.patch(&path, json!({"aliases": null})).await["aliases"], json!([]));
    }

    async fn the_form_keeps_old_addresses(app: TestApp) {
        let person = Person::enter(app).await;
        let (_, [offer]) = offers(app, ["there"]).await;
        let form = |aliases: &str| format!("action=save&name=Old&slug=old&redirect=302&unique_window_hours=24&status=active&paths.0.weight=100\
            &paths.0.offers.0.offer_id={}&paths.0.offers.0.weight=100&aliases={aliases}", offer["id"]);
        let refused = person.send("/campaigns", &form("%2Fone%0D%0A%2Fapi%2Fx")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("addresses under /api are this tracker") && refused.text.contains("/one\r\n/api/x"), "{refused:?}");
        let made = person.send("/campaigns", &form("%2Fone%0D%0A%0D%0A%2Fclick.php%3Fkey%3D7")).await;
        let page = person.page(made.location()).await;
        assert!(page.contains(">/one\n/click.php?key=7</textarea>"), "{page}");
        assert!(visit(app, "/click.php?key=7", "any.example").await.location().contains("there"));
    }

    async fn an_old_address_as_a_fallback_is_no_circle(app: TestApp) {
        let base = app.base.clone();
        let host = base.trim_start_matches("http://");
        let campaign = app.campaign(json!({"status": "paused", "aliases": ["/one", "/click.php?key=1"]})).await;
        let path = format!("/campaigns/{}", campaign.id);
        for fallback in [format!("{base}/one"), format!("{base}/%6fne?x={{country}}"), format!("{base}/click.php?key=1")] {
            app.patch(&path, json!({"fallback_url": fallback})).await;
            assert_eq!(visit(app, "/one", host).await.status, 404, "{fallback}");
        }
        // By a name that nobody told us, a mark ends it.
        app.patch(&path, json!({"fallback_url": "http://alias.example/one"})).await;
        let (mut next, mut hops) = ("/one".to_owned(), 0);
        loop {
            let answer = visit(app, &next, host).await;
            if answer.status == 404 {
                break;
            }
            hops += 1;
            assert!(hops < 10, "a circle");
            next = answer.location().trim_start_matches("http://alias.example").to_owned();
        }
        let (_, [offer]) = offers(app, ["there"]).await;
        let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
        app.post("/campaigns", json!({"name": "Second", "paths": paths, "aliases": ["/second"]})).await;
        app.patch(&path, json!({"fallback_url": format!("{base}/second")})).await;
        assert!(visit(app, "/one", host).await.location().contains("there"), "followed inside");
    }
}
