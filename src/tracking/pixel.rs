//! What pages report by themselves: `clickledger.convert` of the script, and an image for pages where no script may run.
//! Both go through the ledger as a postback does, and are judged there as what anyone can say.

use super::answer::{cookie, header, wrong_method};
use super::click::{PIXEL_COOKIE, now_ms};
use super::{postback, visit};
use crate::conversions::{Incoming, PIXEL};
use crate::domain::click_id::ClickId;
use crate::domain::verdict::{Code, PostbackResult};
use crate::entities;
use crate::http::Tracker;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, USER_AGENT, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

/// The image: one transparent point.
const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Where the image lies too, whatever the script's path is.
const KNOWN_PATH: &str = "/pixel.gif";

/// The addresses of both.
pub fn configure(config: &mut web::ServiceConfig, script_path: &str) {
    let reports = format!("{}/{{slug}}/convert", visit::folder(script_path));
    let images = [entities::pixel_path(script_path), KNOWN_PATH.to_owned()];
    config.service(web::resource(reports).default_service(web::to(report))).service(
        // As with postbacks: a look by HEAD must not record a conversion.
        web::resource(images)
            .route(web::get().to(image))
            .default_service(web::to(|| async { wrong_method("GET") })),
    );
}

/// `POST {path}/{slug}/convert`: what the script reports, as JSON; answers the verdict. The click alone says what it is
/// about: a campaign may have got another address since the page was made.
async fn report(request: HttpRequest, tracker: web::Data<Tracker>, body: web::Payload) -> HttpResponse {
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return visit::asked_first(),
        _ => return wrong_method("POST, OPTIONS"),
    }
    let Some(body) = visit::read_body(body).await else {
        return visit::open(StatusCode::PAYLOAD_TOO_LARGE).json(serde_json::json!({
            "result": PostbackResult::Refused,
            "code": Code::Unreadable,
            "message": "The report is longer than 16 kB, or came too slowly",
        }));
    };
    let said = incoming(&request, &tracker, Vec::new(), body);
    let mut response = postback::judge(&tracker, said).await;
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// `GET {path}.gif?cid=&event=&txid=&amount=`: always the image. The click is found by `cid`, else by our cookie.
async fn image(request: HttpRequest, tracker: web::Data<Tracker>) -> HttpResponse {
    let query = with_click(request.query_string(), cookie(&request, PIXEL_COOKIE).and_then(ClickId::parse));
    postback::judge(&tracker, incoming(&request, &tracker, query.into_bytes(), Vec::new())).await;
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "image/gif"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(GIF)
}

/// The query with the click that the cookie names, where it names none itself. It stands in front: what is kept of the
/// request tells all that was judged.
fn with_click(query: &str, from_cookie: Option<ClickId>) -> String {
    let names = |pair: &str| {
        ["cid=", "click_id="]
            .iter()
            .any(|name| pair.strip_prefix(name).is_some_and(|value| !value.is_empty()))
    };
    match from_cookie {
        Some(id) if !query.split('&').any(names) => format!("cid={id}&{query}"),
        _ => query.to_owned(),
    }
}

fn incoming(request: &HttpRequest, tracker: &Tracker, query: Vec<u8>, body: Vec<u8>) -> Incoming {
    Incoming {
        method: PIXEL.to_owned(),
        address: tracker.client_address(request).to_string(),
        content_type: (!body.is_empty()).then(|| "application/json".to_owned()),
        query,
        body,
        agent: header(request.headers(), USER_AGENT).map(str::to_owned),
        received_at_ms: now_ms(),
        ..Incoming::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookies_click_counts_where_the_page_names_none() {
        let id = ClickId::new(1, [7; 10]);
        for (query, is_taken) in [
            ("", true),
            ("event=sale", true),
            ("cid=&event=sale", true),
            ("xcid=5", true),
            ("cid=5", false),
            ("event=sale&click_id=5", false),
        ] {
            assert_eq!(with_click(query, Some(id)).starts_with(&format!("cid={id}&")), is_taken, "{query}");
            assert_eq!(with_click(query, None), query);
        }
    }
}
