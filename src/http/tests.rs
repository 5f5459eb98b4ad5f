//! The doors' own rules, told through a page that stands for all pages.

use super::testing::{PASSWORD, TestApp, app_with};
use super::{
    App, Error, HttpConfig, PageWrite, RequestSpan, SameOrigin, SignedIn, change_password, create_user,
    limits, now_ms, page_door, reset_password, setup, sign_in,
};
use crate::db::{settings, users};
use crate::domain::role::Role;
use actix_web::cookie::Cookie;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{HttpRequest, HttpResponse, middleware, web};
use tracing_actix_web::TracingLogger;

type Answer = Result<HttpResponse, Error>;

#[derive(serde::Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

async fn desk(who: SignedIn) -> String {
    who.user.email
}

async fn change(who: PageWrite) -> String {
    who.0.user.email
}

async fn enter(
    _: SameOrigin,
    app: web::Data<App>,
    request: HttpRequest,
    form: web::Form<Credentials>,
) -> Answer {
    let cookie = sign_in::sign_in(&app, &request, &form.email, &form.password).await?;
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, "/")).cookie(cookie).finish())
}

async fn leave(_: SameOrigin, app: web::Data<App>, request: HttpRequest) -> Answer {
    Ok(HttpResponse::NoContent().cookie(sign_in::sign_out(&app, &request).await?).finish())
}

async fn broken() -> Answer {
    Err(Error::Internal("secret detail".to_owned()))
}

async fn send(app: &web::Data<App>, request: TestRequest) -> ServiceResponse {
    let pages = web::scope("")
        .configure(limits::limit_forms)
        .wrap(middleware::from_fn(page_door))
        .wrap(TracingLogger::<RequestSpan>::new())
        .route("/desk", web::get().to(desk))
        .route("/desk", web::post().to(change))
        .route("/enter", web::post().to(enter))
        .route("/leave", web::post().to(leave))
        .route("/broken", web::get().to(broken));
    let service = init_service(actix_web::App::new().app_data(app.clone()).service(pages)).await;
    call_service(&service, request.to_request()).await.map_into_boxed_body()
}

fn own(path: &str) -> TestRequest {
    TestRequest::post().uri(path).insert_header(("sec-fetch-site", "same-origin"))
}

fn entering(email: &str, password: &str, peer: &str) -> TestRequest {
    own("/enter")
        .peer_addr(format!("{peer}:1").parse().unwrap())
        .set_form([("email", email), ("password", password)])
}

fn cookie_of(response: &ServiceResponse) -> String {
    let set = response.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    Cookie::parse(set.to_owned()).unwrap().stripped().to_string()
}

async fn enter_as_admin(app: &web::Data<App>) -> String {
    let response = send(app, entering("Admin@Example.com ", PASSWORD, "203.0.113.1")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    cookie_of(&response)
}

#[actix_web::test]
async fn a_stranger_is_led_to_the_sign_in_and_back() {
    let test = TestApp::new();
    let response = send(&test.app, TestRequest::get().uri("/desk?day=1&x=%20")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers().get(LOCATION).unwrap(), "/sign-in?next=/desk%3Fday%3D1%26x%3D%2520");
    let htmx = TestRequest::get().uri("/desk").insert_header(("hx-request", "true"));
    assert_eq!(send(&test.app, htmx).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&test.app, own("/desk")).await.status(), StatusCode::UNAUTHORIZED);
    let (empty, _folder) = app_with(HttpConfig::default());
    let response = send(&empty, TestRequest::get().uri("/desk")).await;
    assert_eq!(response.headers().get(LOCATION).unwrap(), "/setup");
}

#[actix_web::test]
async fn a_session_lasts_until_it_is_ended() {
    let test = TestApp::new();
    let cookie = enter_as_admin(&test.app).await;
    let desk = || TestRequest::get().uri("/desk").insert_header((COOKIE, cookie.clone()));
    let response = send(&test.app, desk()).await;
    assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
    assert!(response.headers().contains_key("content-security-policy"));
    assert_eq!(read_body(response).await, "admin@example.com");
    let bad = TestRequest::get().uri("/desk").insert_header((COOKIE, format!("{cookie}x")));
    assert_eq!(send(&test.app, bad).await.status(), StatusCode::SEE_OTHER);
    let gone = send(&test.app, own("/leave").insert_header((COOKIE, cookie.clone()))).await;
    assert_eq!(cookie_of(&gone), "clickledger_session=");
    assert_eq!(send(&test.app, desk()).await.status(), StatusCode::SEE_OTHER, "the token itself is dead");
}

#[actix_web::test]
async fn the_database_holds_no_token() {
    let test = TestApp::new();
    let cookie = enter_as_admin(&test.app).await;
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let as_stored = |hash: &[u8]| test.app.db.read(|conn| users::find_session(conn, hash, now_ms())).unwrap();
    assert!(as_stored(token.as_bytes()).is_none());
    assert!(as_stored(&super::tokens::hash_of(&token)).is_some());
    let later = now_ms() + 31 * 24 * 3_600_000;
    let found = test.app.db.read(|conn| users::find_session(conn, &super::tokens::hash_of(&token), later));
    assert!(found.unwrap().is_none(), "30 days are over");
}

#[actix_web::test]
async fn another_site_changes_nothing() {
    let test = TestApp::new();
    let cookie = enter_as_admin(&test.app).await;
    let desk = || TestRequest::post().uri("/desk").insert_header((COOKIE, cookie.clone()));
    assert_eq!(send(&test.app, desk()).await.status(), StatusCode::FORBIDDEN);
    for site in ["cross-site", "same-site", "none"] {
        let request = desk().insert_header(("sec-fetch-site", site));
        assert_eq!(send(&test.app, request).await.status(), StatusCode::FORBIDDEN, "{site}");
    }
    let request =
        desk().insert_header(("host", "t.example")).insert_header(("origin", "http://evil.example"));
    assert_eq!(send(&test.app, request).await.status(), StatusCode::FORBIDDEN);
    let request = desk().insert_header(("host", "t.example")).insert_header(("origin", "http://t.example"));
    assert_eq!(send(&test.app, request).await.status(), StatusCode::OK);
    let forged = TestRequest::post().uri("/enter").set_form([("email", "a"), ("password", "b")]);
    assert_eq!(send(&test.app, forged).await.status(), StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn guessing_slows_down_and_the_owner_still_gets_in() {
    let test = TestApp::new();
    let guess = |peer: &'static str| entering("admin@example.com", "wrong password 123", peer);
    for _ in 0..5 {
        assert_eq!(send(&test.app, guess("198.51.100.1")).await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    // What a stranger writes into the header of a proxy does not make him another.
    let spoofed = guess("198.51.100.1").insert_header(("x-forwarded-for", "192.0.2.77"));
    let refused = send(&test.app, spoofed).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers().get(RETRY_AFTER).unwrap(), "1");
    enter_as_admin(&test.app).await;
}

#[actix_web::test]
async fn an_unknown_address_is_refused_like_a_wrong_password() {
    let test = TestApp::new();
    let mut answers = Vec::new();
    for email in ["admin@example.com", "nobody@example.com", "not an address", "a\0@b.c"] {
        let response = send(&test.app, entering(email, "wrong password 123", "203.0.113.9")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let id = response.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        answers.push(body.replace(&id, ""));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[actix_web::test]
async fn a_fault_of_ours_shows_its_number_and_nothing_else() {
    let test = TestApp::new();
    let response = send(&test.app, TestRequest::get().uri("/broken")).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = response.headers().get("x-request-id").unwrap().to_str().unwrap().to_owned();
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(body.contains(&id) && !body.contains("secret detail"), "{body}");
}

#[actix_web::test]
async fn what_the_framework_refuses_looks_like_ours() {
    let test = TestApp::new();
    let big = own("/enter").set_form([("email", "x".repeat(600_000))]);
    let refused = send(&test.app, big).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let body = String::from_utf8(read_body(refused).await.to_vec()).unwrap();
    assert!(body.contains("larger than 524288 bytes"), "{body}");
    for (request, status) in [
        (own("/enter").set_form([("email", "x")]), 400),
        (own("/enter").insert_header(("content-type", "text/plain")).set_payload("x"), 415),
        (TestRequest::get().uri("/nothing"), 404),
        (TestRequest::get().uri(&format!("/desk?{}", "x".repeat(9_000))), 414),
    ] {
        let refused = send(&test.app, request).await;
        assert_eq!(refused.status().as_u16(), status);
        assert!(!read_body(refused).await.is_empty());
    }
}

#[actix_web::test]
async fn a_role_without_pages_sees_none() {
    let test = TestApp::new();
    create_user(&test.app.db, "buyer@example.com", PASSWORD, Role::Buyer, 1).unwrap();
    let cookie = cookie_of(&send(&test.app, entering("buyer@example.com", PASSWORD, "203.0.113.2")).await);
    let desk = TestRequest::get().uri("/desk").insert_header((COOKIE, cookie));
    assert_eq!(send(&test.app, desk).await.status(), StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn with_a_dashboard_host_the_others_show_no_pages() {
    let config = HttpConfig {
        dashboard_host: Some("desk.example".to_owned()),
        public_url: Some("https://trk.example".to_owned()),
        ..HttpConfig::default()
    };
    let (app, _folder) = app_with(config);
    let on = |host: &str| TestRequest::get().uri("/desk").insert_header(("host", host));
    assert_eq!(send(&app, on("trk.example")).await.status(), StatusCode::NOT_FOUND);
    let shown = send(&app, on("desk.example")).await;
    assert_eq!(shown.status(), StatusCode::SEE_OTHER);
    assert!(shown.headers().contains_key("strict-transport-security"));
}

#[actix_web::test]
async fn another_password_ends_the_sessions() {
    let test = TestApp::new();
    let (kept, other) = (enter_as_admin(&test.app).await, enter_as_admin(&test.app).await);
    let token = kept.split_once('=').unwrap().1.to_owned();
    let hash = super::tokens::hash_of(&token);
    let (session, user) =
        test.app.db.read(|conn| users::find_session(conn, &hash, now_ms())).unwrap().unwrap();
    let who = SignedIn { user, session_id: session.id };
    let request = TestRequest::post().to_http_request();
    let wrong = change_password(&test.app, &who, &request, "not it at all", "another quiet river").await;
    assert!(matches!(wrong, Err(Error::Fields(errors)) if errors.message("old_password").is_some()));
    let weak = change_password(&test.app, &who, &request, PASSWORD, "short").await;
    assert!(matches!(weak, Err(Error::Fields(errors)) if errors.message("password").is_some()));
    change_password(&test.app, &who, &request, PASSWORD, "another quiet river").await.unwrap();
    let desk = |cookie: &str| TestRequest::get().uri("/desk").insert_header((COOKIE, cookie.to_owned()));
    assert_eq!(send(&test.app, desk(&kept)).await.status(), StatusCode::OK);
    assert_eq!(send(&test.app, desk(&other)).await.status(), StatusCode::SEE_OTHER);
    reset_password(&test.app.db, "admin@example.com", "a third quiet river", now_ms()).unwrap();
    assert_eq!(send(&test.app, desk(&kept)).await.status(), StatusCode::SEE_OTHER);
}

fn form(token: &str, email: &str) -> setup::SetupForm {
    setup::SetupForm {
        token: token.to_owned(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        currency: "eur".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
    }
}

#[actix_web::test]
async fn the_setup_link_makes_one_admin_and_is_used_up() {
    let (app, _folder) = app_with(HttpConfig::default());
    let token = setup::offer(&app.db).unwrap().unwrap();
    let request = TestRequest::post().to_http_request();
    let bad = setup::SetupForm { email: "x".to_owned(), password: "short".to_owned(), ..form(&token, "") };
    let errors =
        setup::complete(&app, &request, setup::SetupForm { time_zone: "Moon".to_owned(), ..bad }).await;
    assert!(matches!(errors, Err(Error::Fields(errors)) if errors.0.len() == 3));
    assert!(setup::complete(&app, &request, form("wrong", "a@example.com")).await.is_err());
    let both = futures_util::join!(
        setup::complete(&app, &request, form(&token, "a@example.com")),
        setup::complete(&app, &request, form(&token, "b@example.com")),
    );
    assert_eq!(u8::from(both.0.is_ok()) + u8::from(both.1.is_ok()), 1);
    let made = app.db.read(users::list).unwrap();
    assert_eq!((made.len(), made[0].role), (1, Role::Admin));
    let setting = |name| app.db.read(|conn| settings::find(conn, name)).unwrap();
    assert_eq!(setting(settings::CURRENCY).as_deref(), Some("EUR"));
    assert_eq!(setting(settings::TIME_ZONE).as_deref(), Some("Europe/Berlin"));
    assert_eq!(setting(settings::SETUP_TOKEN_HASH), None);
    assert!(!setup::is_valid(&app.db, &token).unwrap());
    assert!(setup::offer(&app.db).unwrap().is_none());
}

#[actix_web::test]
async fn an_admin_made_elsewhere_ends_the_setup_link() {
    let (app, _folder) = app_with(HttpConfig::default());
    let first = setup::offer(&app.db).unwrap().unwrap();
    let second = setup::offer(&app.db).unwrap().unwrap();
    assert!(!setup::is_valid(&app.db, &first).unwrap(), "a new link replaces the old");
    assert!(setup::is_valid(&app.db, &second).unwrap());
    TestApp::admin(&app.db);
    assert!(!setup::is_valid(&app.db, &second).unwrap());
    let request = TestRequest::post().to_http_request();
    let refused = setup::complete(&app, &request, form(&second, "b@example.com")).await;
    assert_eq!(refused.unwrap_err().status(), StatusCode::FORBIDDEN);
    let twice = create_user(&app.db, "admin@example.com", PASSWORD, Role::Manager, 1);
    assert_eq!(twice.unwrap_err().status(), StatusCode::CONFLICT);
}
