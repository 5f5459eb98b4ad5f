//! Who may come in: tokens at the API, sign-in at the pages, nobody from another site.

use crate::app::send;
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

/// Every address of the API, with what it takes. `1` stands for whatever an address names.
const API: &[(&str, &[Method])] = &[
    ("/advertisers", &[Method::GET, Method::POST]),
    ("/advertisers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/advertisers/1/rotate-key", &[Method::POST]),
    ("/advertisers/1/rotate-secret", &[Method::POST]),
    ("/advertisers/1/test-postback", &[Method::POST]),
    ("/offers", &[Method::GET, Method::POST]),
    ("/offers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/landers", &[Method::GET, Method::POST]),
    ("/landers/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/destinations", &[Method::GET, Method::POST]),
    ("/destinations/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/destinations/1/test", &[Method::POST]),
    ("/deliveries", &[Method::GET]),
    ("/deliveries/1", &[Method::GET]),
    ("/deliveries/1/resend", &[Method::POST]),
    ("/deliveries/resend", &[Method::POST]),
    ("/sources", &[Method::GET, Method::POST]),
    ("/sources/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/campaigns", &[Method::GET, Method::POST]),
    ("/campaigns/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/lists", &[Method::GET, Method::POST]),
    ("/lists/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/lists/1/values", &[Method::GET, Method::POST, Method::DELETE]),
    ("/domains", &[Method::GET, Method::POST]),
    ("/domains/1", &[Method::GET, Method::PATCH, Method::DELETE]),
    ("/foreign-clicks", &[Method::POST]),
    ("/settings", &[Method::GET, Method::PATCH]),
    ("/presets", &[Method::GET]),
    ("/fx-rates", &[Method::GET, Method::PUT, Method::POST]),
    ("/fx-rates/source", &[Method::GET, Method::PUT]),
    ("/fx-rates/fetch", &[Method::POST]),
    ("/presets/1", &[Method::GET]),
    ("/clicks", &[Method::GET]),
    ("/clicks/1", &[Method::GET]),
    ("/conversions", &[Method::GET, Method::POST, Method::PATCH]),
    ("/conversions/import", &[Method::POST]),
    ("/conversions/import/1", &[Method::GET]),
    ("/conversions/1", &[Method::GET, Method::PATCH]),
    ("/recalculations", &[Method::GET, Method::POST]),
    ("/recalculations/1", &[Method::GET, Method::DELETE]),
    ("/reconciliations", &[Method::GET, Method::POST]),
    ("/reconciliations/1", &[Method::GET]),
    ("/reconciliations/1/repair", &[Method::POST]),
    ("/postbacks", &[Method::GET]),
    ("/postbacks/1", &[Method::GET]),
    ("/postbacks/replay", &[Method::POST]),
];

/// Addresses that are asked by `POST` and change nothing: a token that may read is enough.
const QUESTIONS: &[&str] = &["/reports", "/templates/preview", "/campaigns/1/trace"];

/// Pages that only a signed-in person sees.
const PAGES: &[&str] = &[
    "/",
    "/attention",
    "/start",
    "/campaigns",
    "/campaigns/new",
    "/campaigns/1/edit",
    "/campaigns/1/trace",
    "/lists",
    "/lists/new",
    "/lists/1/edit",
    "/offers",
    "/offers/new",
    "/offers/1/edit",
    "/landers",
    "/landers/new",
    "/landers/1/edit",
    "/sources",
    "/sources/new",
    "/sources/1/edit",
    "/advertisers",
    "/advertisers/new",
    "/advertisers/1",
    "/advertisers/1/edit",
    "/clicks",
    "/clicks/1",
    "/conversions",
    "/conversions/new",
    "/conversions/imports",
    "/conversions/imports/1",
    "/conversions/imports/1/faults.csv",
    "/conversions/1",
    "/recalculations",
    "/postbacks",
    "/postbacks/1",
    "/reconcile",
    "/reconcile/1",
    "/reconcile/1/columns",
    "/reconcile/1/csv",
    "/search",
    "/settings",
    "/settings/bots",
    "/settings/anomalies",
    "/settings/rates",
    "/settings/domains",
    "/settings/domains/new",
    "/settings/domains/1/edit",
    "/settings/moving",
    "/settings/users",
    "/settings/tokens",
    "/settings/sessions",
];

/// Pages for strangers.
const OPEN_PAGES: &[&str] = &["/sign-in", "/setup", "/setup/1"];

/// Addresses that change something when a page posts to them.
const FORMS: &[&str] = &[
    "/sign-in",
    "/sign-out",
    "/setup/1",
    "/start",
    "/start/test-click",
    "/start/test-postback",
    "/test-data/delete",
    "/campaigns",
    "/campaigns/1",
    "/campaigns/rules/sentence",
    "/campaigns/ready-url",
    "/campaigns/1/archive",
    "/campaigns/1/restore",
    "/campaigns/1/test-click",
    "/campaigns/1/test-postback",
    "/lists",
    "/lists/1",
    "/lists/1/archive",
    "/lists/1/restore",
    "/offers",
    "/offers/1",
    "/offers/1/archive",
    "/offers/1/restore",
    "/offers/click-param",
    "/conversions",
    "/conversions/new",
    "/conversions/imports",
    "/conversions/imports/1",
    "/conversions/1",
    "/postbacks/replay",
    "/recalculations",
    "/recalculations/1/take-back",
    "/reconcile",
    "/reconcile/1",
    "/reconcile/1/columns",
    "/landers",
    "/landers/1",
    "/landers/1/archive",
    "/landers/1/restore",
    "/sources",
    "/sources/1",
    "/sources/1/archive",
    "/sources/1/restore",
    "/advertisers",
    "/advertisers/1",
    "/advertisers/1/archive",
    "/advertisers/1/restore",
    "/advertisers/1/rotate-key",
    "/advertisers/1/rotate-secret",
    "/advertisers/1/console",
    "/advertisers/1/test-postback",
    "/advertisers/1/words",
    "/settings",
    "/settings/bots",
    "/settings/anomalies",
    "/settings/rates",
    "/settings/rates/fetch",
    "/settings/rates/file",
    "/settings/domains",
    "/settings/domains/1",
    "/settings/domains/1/archive",
    "/settings/domains/1/restore",
    "/settings/moving",
    "/settings/moving/clicks",
    "/settings/users",
    "/settings/tokens",
    "/settings/tokens/1/revoke",
    "/settings/password",
    "/settings/sessions/1/revoke",
    "/settings/sessions/revoke-others",
    "/templates/preview",
];

/// Addresses written in the source of a folder, whatever they name as `1`.
fn written_in(folder: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut files = Vec::new();
    crate::floors::files(&root, &mut files);
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for start in [".route(\"", "resource(\""] {
            for (at, _) in text.match_indices(start) {
                let address = text[at + start.len()..].split('"').next().unwrap();
                let parts = address.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
                found.insert(parts.collect::<Vec<_>>().join("/"));
            }
        }
    }
    found
}

#[test]
fn the_lists_of_addresses_are_whole() {
    let api: BTreeSet<&str> = API.iter().map(|(path, _)| *path).chain(QUESTIONS.iter().copied()).collect();
    let pages: BTreeSet<&str> = [PAGES, FORMS, OPEN_PAGES].concat().into_iter().collect();
    for (folder, known) in [("api", api), ("pages", pages)] {
        let mut written = written_in(folder);
        // Beside the API, not in it; `journal` asks it without a token.
        written.remove("/metrics");
        assert!(written.len() > 5, "only {written:?} were found under {folder}");
        let missing: Vec<&String> = written
            .iter()
            .filter(|path| !path.starts_with("/static/") && !known.contains(path.as_str()))
            .collect();
        assert!(missing.is_empty(), "add these of {folder} to the lists: {missing:?}");
    }
}

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
        for path in QUESTIONS {
            let url = format!("/api/v1{path}");
            assert_eq!(send(app.request(Method::POST, &url).json(&json!({}))).await.status, 401, "{path}");
            let asked = app.request(Method::POST, &url).bearer_auth(&app.read_token);
            let answer = send(asked.json(&json!({}))).await;
            assert!([200, 422].contains(&answer.status), "{path}: {answer:?}");
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
        for page in PAGES {
            let answer = app.get(page).await;
            assert_eq!(answer.status, 303, "{page}: {answer:?}");
            assert!(answer.location().starts_with("/sign-in"), "{page}: {}", answer.location());
            assert!(answer.headers.contains_key("content-security-policy"), "{page}");
        }
        for page in OPEN_PAGES {
            let answer = app.get(page).await;
            // There is a user: the ways to a setup lead to the sign-in, or say that they are void.
            let is_page = [200, 404].contains(&answer.status) && answer.text.contains("<h1");
            assert!(is_page || answer.location() == "/sign-in", "{page}: {answer:?}");
        }
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
                assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
                assert!(answer.cookies.is_empty(), "{path} {headers:?}");
            }
        }
    }

    async fn a_wrong_method_at_a_tracking_address_is_told_the_right_ones(app: TestApp) {
        let click = app.click(&app.campaign(json!({})).await).await;
        let postback = format!("/postback/{}?cid={}&payout=1", click.key, click.id);
        let wrong = [
            (Method::POST, "/go", "GET, HEAD"),
            (Method::PUT, "/go/1", "GET, HEAD"),
            (Method::HEAD, &postback, "GET, POST"),
            (Method::DELETE, &postback, "GET, POST"),
            (Method::PUT, &format!("/v1{postback}"), "GET, POST"),
        ];
        for (method, path, allowed) in wrong {
            let answer = send(app.request(method.clone(), path)).await;
            assert_eq!((answer.status, &*answer.headers["allow"]), (405, allowed), "{method} {path}");
            let body = if method == Method::HEAD { String::new() } else { format!("This address takes {allowed}.\n") };
            assert_eq!(answer.text, body, "{method} {path}");
        }
        assert!(app.conversions(&click).is_empty());
    }

    async fn a_look_without_the_body_is_answered_as_with_it(app: TestApp) {
        for path in ["/sign-in", "/campaigns", "/static/app.css", "/nowhere", "/healthz", "/readyz", "/api/v1/offers"] {
            let (whole, head) = (app.get(path).await, send(app.request(Method::HEAD, path)).await);
            assert_eq!((head.status, head.text.as_str()), (whole.status, ""), "{path}");
            for name in ["content-type", "content-length", "location", "cache-control"] {
                assert_eq!(head.headers.get(name), whole.headers.get(name), "{name} of {path}");
            }
        }
        // The next request on the same connection is read from its beginning: nothing was left behind.
        assert_eq!(app.get("/healthz").await.text, "ok\n");
    }

    async fn the_server_tells_how_it_is(app: TestApp) {
        assert_eq!(app.get("/healthz").await.status, 200);
        assert_eq!(app.get("/readyz").await.status, 200);
        let missing = app.get("/nothing/here").await;
        assert_eq!(missing.status, 404);
        assert!(missing.text.contains("<h1"), "{}", missing.text);
    }
}
