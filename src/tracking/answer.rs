//! Answers of the public doors: a redirect that nobody may keep, or a plain page that says why not.

use crate::domain::campaign::Redirect;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE,
};
use actix_web::{HttpRequest, HttpResponse};

/// The page for a link that leads nowhere. Whole in itself: no style sheet, no script.
const NOWHERE: &str = include_str!("../../templates/errors/nowhere.html");

/// A redirect, with cookies to set.
pub fn redirect(url: &str, kind: Redirect, cookies: &[String]) -> HttpResponse {
    let Ok(location) = HeaderValue::from_str(url) else { return nowhere() };
    let status = match kind {
        Redirect::Found => StatusCode::FOUND,
        Redirect::Temporary => StatusCode::TEMPORARY_REDIRECT,
        Redirect::Meta | Redirect::DoubleMeta => StatusCode::FOUND,
    };
    let mut response = HttpResponse::with_body(status, actix_web::body::BoxBody::new(()));
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            headers.append(SET_COOKIE, cookie);
        }
    }
    response
}

/// 404 with a page that says so: never a blank one.
pub fn nowhere() -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::NOT_FOUND, actix_web::body::BoxBody::new(NOWHERE));
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
