//! An error as the answer says it: `application/problem+json` or a page.

use super::limits::RETRY_AFTER_SECONDS;
use super::{App, Error};
use crate::domain::input::FieldError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, ContentType, HeaderValue, LOCATION, RETRY_AFTER, TryIntoHeaderValue as _, WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::Serialize;
use tracing_actix_web::RequestId;

/// An error as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// `about:blank`: the status says what kind it is (RFC 9457).
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The status in words.
    pub title: &'static str,
    /// The status.
    pub status: u16,
    /// One or two sentences.
    pub detail: String,
    /// What to look for in the log.
    pub request_id: String,
    /// Each field that must be mended.
    pub fields: Vec<FieldError>,
}

/// Through which door a request came: decides what its errors look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// A page for a person.
    Page,
    /// The API.
    Api,
}

/// The request's own number, as the log has it.
pub(super) fn request_id(request: &HttpRequest) -> String {
    use actix_web::HttpMessage as _;
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}

/// Makes the answer to an error. The one place where a fault of ours is logged.
pub(super) fn answer(door: Door, request: &HttpRequest, error: &Error) -> HttpResponse {
    let status = error.status();
    let problem = Problem {
        kind: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: error.detail(),
        request_id: request_id(request),
        fields: error.fields().to_vec(),
    };
    if status.is_server_error() {
        let route = request.match_pattern().unwrap_or_default();
        tracing::error!(request_id = problem.request_id, route, status = problem.status, %error, "failed");
    }
    let mut builder = HttpResponse::build(status);
    add_headers(&mut builder, error);
    match door {
        _ if status == StatusCode::SEE_OTHER => builder.finish(),
        Door::Api => {
            let body = serde_json::to_vec(&problem).unwrap_or_default();
            builder.content_type("application/problem+json").body(body)
        }
        Door::Page => {
            let app = request.app_data::<web::Data<App>>();
            let page = app.map_or(plain_page as super::ErrorPage, |app| app.error_page);
            builder.content_type(ContentType::html()).body(page(&problem))
        }
    }
}

fn add_headers(builder: &mut HttpResponseBuilder, error: &Error) {
    match error {
        Error::NoToken => {
            builder.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"clickledger\""));
        }
        Error::BadToken => {
            let why = "Bearer realm=\"clickledger\", error=\"invalid_token\"";
            builder.insert_header((WWW_AUTHENTICATE, why));
        }
        Error::MethodNotAllowed(allowed) => {
            builder.insert_header((ALLOW, *allowed));
        }
        Error::TooManyAttempts { retry_after_seconds } => {
            builder.insert_header((RETRY_AFTER, retry_after_seconds.to_string()));
        }
        Error::Unavailable(_) => {
            builder.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS.to_string()));
        }
        Error::SeeOther(place) => {
            let place = place.as_str().try_into_value().unwrap_or(HeaderValue::from_static("/"));
            builder.insert_header((LOCATION, place));
        }
        _ => {}
    }
}

/// A page without templates: what is shown until a better one is hung in [`App::error_page`].
pub(super) fn plain_page(problem: &Problem) -> String {
    let (title, detail) = (escaped(problem.title), escaped(&problem.detail));
    let fields: String = problem
        .fields
        .iter()
        .map(|error| format!("<li>{}: {}</li>", escaped(&error.field), escaped(&error.message)))
        .collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <h1>{} {title}</h1><p>{detail}</p><ul>{fields}</ul><p>{}</p></html>",
        problem.status,
        escaped(&problem.request_id)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_what_came_from_outside() {
        let problem = Problem {
            kind: "about:blank",
            title: "Bad Request",
            status: 400,
            detail: "<script>alert('1')</script>".to_owned(),
            request_id: String::new(),
            fields: vec![FieldError { field: "\"a\"".to_owned(), message: "&".to_owned() }],
        };
        let page = plain_page(&problem);
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;alert(&#39;1&#39;)"), "{page}");
        assert!(page.contains("&quot;a&quot;: &amp;"), "{page}");
    }
}
