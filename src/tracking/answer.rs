//! Answers of the public doors: a redirect that nobody may keep, or a plain page that says why not.

use crate::domain::campaign::Redirect;
use crate::http::{Tracker, now_ms};
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, REFERRER_POLICY, SET_COOKIE,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// The page for a link that leads nowhere. Whole in itself: no style sheet, no script.
const NOWHERE: &str = include_str!("../../templates/errors/nowhere.html");

/// The address of the second hop of a double meta refresh.
pub const HOP: &str = "/r/";

/// How long a second hop may take to come, milliseconds: the first page loads it at once.
const HOP_LONGEST_MS: i64 = 10 * 60 * 1_000;

/// Addresses of so many bytes are not sealed into a second hop: its own address would be cut on the way. One page is
/// enough for them.
const HOP_URL_BYTES_MAX: usize = 4_096;

/// Sends a visitor on in the campaign's way, with cookies to set.
pub fn redirect(tracker: &Tracker, url: &str, kind: Redirect, cookies: &[String]) -> HttpResponse {
    match kind {
        Redirect::Found => located(StatusCode::FOUND, url, cookies),
        Redirect::Temporary => located(StatusCode::TEMPORARY_REDIRECT, url, cookies),
        Redirect::DoubleMeta if url.len() <= HOP_URL_BYTES_MAX => {
            let token = tracker.sealer.seal_hop(url, now_ms() + HOP_LONGEST_MS);
            refresh(&format!("{HOP}{token}"), cookies)
        }
        Redirect::Meta | Redirect::DoubleMeta => refresh(url, cookies),
    }
}

/// `GET` and `HEAD /r/{token}`: the second hop. Only what we sealed ourselves a moment ago leads on: no address of
/// another's making passes through here.
pub async fn hop(request: HttpRequest, tracker: web::Data<Tracker>) -> HttpResponse {
    let token = request.match_info().get("token").unwrap_or("");
    match tracker.sealer.open_hop(token, now_ms()) {
        Some(url) => refresh(&url, &[]),
        None => nowhere(),
    }
}

fn located(status: StatusCode, url: &str, cookies: &[String]) -> HttpResponse {
    let Ok(location) = HeaderValue::from_str(url) else { return nowhere() };
    let mut response = HttpResponse::with_body(status, BoxBody::new(()));
    response.headers_mut().insert(LOCATION, location);
    finish(response, cookies)
}

/// A page that sends on at once and tells the next one nothing of where the visitor came from.
fn refresh(url: &str, cookies: &[String]) -> HttpResponse {
    let url = escaped(url);
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta name=\"robots\" content=\"noindex\"><meta http-equiv=\"refresh\" content=\"0;url={url}\"><title>One moment</title></head>\
         <body><a rel=\"noreferrer\" href=\"{url}\">Go on</a></body></html>"
    );
    let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(page));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    finish(response, cookies)
}

fn finish(mut response: HttpResponse, cookies: &[String]) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
    response
}

/// A text inside an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// 404 with a page that says so: never a blank one.
pub fn nowhere() -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::NOT_FOUND, BoxBody::new(NOWHERE));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    response
}

/// 405 with the methods that this address knows.
pub fn wrong_method(known: &'static str) -> HttpResponse {
    HttpResponse::MethodNotAllowed()
        .insert_header((ALLOW, known))
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type("text/plain; charset=utf-8")
        .body(format!("This address takes {known}.\n"))
}

/// A header's text, where there is one and it is text. UTF-8 is: browsers of some phones name their models so.
pub fn header(headers: &HeaderMap, name: impl actix_web::http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}

/// A cookie's value. Cookies are not parsed as a whole: the click path asks for one or two of them.
pub fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok()).find_map(|line| {
        line.split(';').find_map(|pair| pair.trim_start().strip_prefix(name)?.strip_prefix('='))
    })
}
