//! The frame around pages and around the API: which host answers, how errors look, and the headers that
//! tell a browser what not to do.

use super::limits::URL_BYTES_MAX;
use super::problem::{Door, answer, request_id};
use super::{App, Error};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web;

/// Everything from this host, nothing inline, nothing evaluated, framed by nobody.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// An answer of the API is no page: should a browser show it as one, it may do nothing.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A year of https and nothing else, for an installation whose public address is https.
const HTTPS_ONLY: &str = "max-age=31536000";

/// The frame of the pages, for `middleware::from_fn`.
///
/// # Errors
/// None of its own: errors become answers here.
pub async fn page_door(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    through(Door::Page, request, next).await
}

/// The frame of the API, for `middleware::from_fn`.
///
/// # Errors
/// None of its own: errors become answers here.
pub async fn api_door(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    through(Door::Api, request, next).await
}

/// `HEAD` is routed and answered as `GET`; the server leaves the body out, since it remembers what was asked.
fn as_get(request: &mut ServiceRequest) {
    if *request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
}

async fn through(
    door: Door,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    as_get(&mut request);
    let mut response = match refusal(&request) {
        Some(error) => {
            let (request, _) = request.into_parts();
            let answer = answer(door, &request, &error);
            ServiceResponse::new(request, answer)
        }
        None => with_body(door, next.call(request).await?.map_into_boxed_body()),
    };
    let is_https = response.request().app_data::<web::Data<App>>().is_some_and(|app| app.config.is_https());
    let id = request_id(response.request());
    add_headers(response.headers_mut(), door, is_https, &id);
    Ok(response)
}

/// What is refused before any handler sees it.
fn refusal(request: &ServiceRequest) -> Option<Error> {
    let length = request.uri().path_and_query().map_or(0, |written| written.as_str().len());
    if length > URL_BYTES_MAX {
        return Some(Error::UrlTooLong);
    }
    let app = request.app_data::<web::Data<App>>()?;
    (!app.answers_pages(request.request())).then_some(Error::NotFound)
}

/// Gives an error its body: ours, the framework's, and a bare status of its router.
fn with_body(door: Door, response: ServiceResponse) -> ServiceResponse {
    let status = response.status();
    let error = match response.response().error() {
        Some(error) => Error::from_framework(error, status),
        None if is_bare_refusal(&response) => Error::from_status(status),
        None => return response,
    };
    let (request, _) = response.into_parts();
    let answer = answer(door, &request, &error);
    ServiceResponse::new(request, answer)
}

fn is_bare_refusal(response: &ServiceResponse) -> bool {
    let is_empty = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    let status = response.status();
    is_empty && (status.is_client_error() || status.is_server_error())
}

fn add_headers(headers: &mut HeaderMap, door: Door, is_https: bool, request_id: &str) {
    let policy = if door == Door::Page { PAGE_POLICY } else { API_POLICY };
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
