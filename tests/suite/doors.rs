//! Who may come in: tokens at the API, sign-in at the pages, nobody from another site.

use crate::app::send;
use reqwest::Method;
use serde_json::json;

/// Every address of the API, with what it takes. `1` stands for a number.
const API: &[(&str, &[Method])] = &[
    ("/advertisers", &[Method::GET, Method::POST]),
    ("/advertisers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/offers", &[Method::GET, Method::POST]),
    ("/offers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/landers", &[Method::GET, Method::POST]),
    ("/landers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/sources", &[Method::GET, Method::POST]),
    ("/sources/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/campaigns", &[Method::GET, Method::POST]),
    ("/campaigns/1", &[Method::GET, Method::PATCH, Method::DELETE]),
];

/// Pages that only a signed-in person sees. Those not built yet are looked for and passed over.
const PAGES: &[&str] = &[
    "/",
    "/start",
    "/campaigns",
    "/campaigns/new",
    "/campaigns/1",
    "/campaigns/1/edit",
    "/offers",
    "/offers/new",
    "/offers/1",
    "/landers",
    "/landers/new",
    "/sources",
    "/sources/new",
    "/advertisers",
    "/advertisers/new",
    "/advertisers/1",
    "/clicks",
    "/conversions",
    "/postbacks",
    "/settings",
    "/search?q=a",
];

/// Addresses that change something when a page posts to them.
const FORMS: &[&str] = &[
    "/sign-in",
    "/sign-out",
    "/setup/token",
    "/start",
    "/campaigns",
    "/campaigns/1",
    "/offers",
    "/offers/1",
    "/landers",
    "/landers/1",
    "/sources",
    "/sources/1",
    "/advertisers",
    "/advertisers/1",
    "/settings",
    "/templates/preview",
];

stories! {
    async fn the_api_wants_a_token(app: TestApp) {
        for (path, methods) in API {
            for method in *methods {
                let url = format!("/api/v1{path}");
                let place = format!("{method} {url}");
                let bare = send(app.request(method.clone(), &url).json(&json!({}))).await;
                assert_eq!(bare.status, 401, "{place}: {bare:?}");
                assert_eq!(bare.headers["content-type"], "application/problem+json", "{place}");
                assert!(bare.headers["www-authenticate"].starts_with("Bearer"), "{place}");
                assert_eq!(bare.json()["status"], 401, "{place}");
                assert!(bare.json()["request_id"].is_string(), "{place}");
                for wrong in ["clk_wrong", "", &app.write_token.to_uppercase()] {
                    let answer = send(app.request(method.clone(), &url).bearer_auth(wrong).json(&json!({}))).await;
                    assert_eq!(answer.status, 401, "{place} {wrong:?}");
                }
            }
        }
        assert_eq!(app.number("select count(*) from advertisers"), 0);
    }

    async fn a_token_that_may_read_changes_nothing(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let before = app.number("select count(*) from campaigns") + app.number("select count(*) from offers");
        for (path, methods) in API {
            for method in *methods {
                let request = app.request(method.clone(), &format!("/api/v1{path}")).bearer_auth(&app.read_token);
                let answer = send(request.json(&json!({"name": "Changed"}))).await;
                match *method {
                    Method::GET => assert!([200, 404].contains(&answer.status), "{method} {path}: {answer:?}"),
                    _ => assert_eq!(answer.status, 403, "{method} {path}: {answer:?}"),
                }
            }
        }
        let after = app.number("select count(*) from campaigns") + app.number("select count(*) from offers");
        assert_eq!(before, after);
        assert_eq!(app.number("select count(*) from campaigns where name = 'Changed' or status <> 'active'"), 0);
        assert_eq!(app.get(&format!("/c/{}", campaign.slug)).await.status, 302);
    }

    async fn an_address_that_is_not_there_is_told_as_a_problem(app: TestApp) {
        for path in ["/nowhere", "/offers/999", "/offers/abc", "/offers/1/nowhere"] {
            let answer = app.api(Method::GET, path, None).await;
            let problem = answer.expect(404);
            assert_eq!(problem["status"], 404, "{path}");
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
        }
        assert_eq!(app.api(Method::PUT, "/offers", None).await.status, 405);
        let bad = app.request(Method::POST, "/api/v1/offers").bearer_auth(&app.write_token);
        assert_eq!(send(bad.header("content-type", "application/json").body("{")).await.status, 400);
    }

    async fn a_stranger_is_led_to_the_sign_in(app: TestApp) {
        let mut built = 0;
        for page in PAGES {
            let answer = app.get(page).await;
            if answer.status == 404 {
                continue;
            }
            built += 1;
            assert_eq!(answer.status, 303, "{page}: {answer:?}");
            assert!(answer.location().starts_with("/sign-in"), "{page}: {}", answer.location());
            assert!(answer.headers.contains_key("content-security-policy"), "{page}");
        }
        println!("{built} of {} pages are built", PAGES.len());
    }

    async fn another_site_changes_nothing(app: TestApp) {
        for path in FORMS {
            for headers in [
                vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
                vec![("sec-fetch-site", "same-site")],
                vec![("origin", "https://evil.example")],
                vec![("origin", "null")],
                vec![],
            ] {
                let mut request = app.request(Method::POST, path);
                for (name, value) in &headers {
                    request = request.header(*name, *value);
                }
                let form = request.header("content-type", "application/x-www-form-urlencoded").body("name=x");
                let answer = send(form).await;
                // 404 and 405: not built yet, or nothing that takes a form.
                assert!([401, 403, 404, 405].contains(&answer.status), "{path} {headers:?}: {answer:?}");
                assert!(answer.cookies.is_empty(), "{path} {headers:?}");
            }
        }
    }

    async fn the_server_tells_how_it_is(app: TestApp) {
        assert_eq!(app.get("/healthz").await.status, 200);
        assert_eq!(app.get("/readyz").await.status, 200);
        let missing = app.get("/nothing/here").await;
        assert_eq!(missing.status, 404);
        assert!(missing.text.contains("<h1"), "{}", missing.text);
    }
}
