//! Pages where ad platforms forbid redirects: a script, and the visits that it registers.
//!
//! The page is itself the lander. Its visit is a click like any other, routed to a path, and its links lead on by the
//! lander's buttons (`/go/1?cid=...`) or straight to an offer with the click id filled in.

use super::answer::wrong_method;
use super::click::{agent, collect, note_refusal, now_ms};
use crate::http::metrics::Outcome;
use crate::http::{Tracker, Worker};
use crate::routing::{CampaignRoute, Draws};
use crate::visitor;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, middleware, web};
use futures_util::StreamExt as _;
use serde::Deserialize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The script as browsers get it.
const SCRIPT: &str = include_str!("../../static/t.js");

/// Changes with each version of the program, and so at least as often as the script.
const SCRIPT_TAG: &str = concat!("\"t-", env!("CARGO_PKG_VERSION"), "-3\"");

/// What a visit may send: a page's query of 8 kB, which is what browsers and proxies let through, and its referrer.
const BODY_BYTES_MAX: usize = 16 * 1_024;

/// How long a body may take to come.
const BODY_LONGEST: Duration = Duration::from_secs(10);

/// The addresses of the script and of its visits, both under one path that an installation may choose: lists of blockers
/// know the paths that many installations share.
pub fn configure(config: &mut web::ServiceConfig, script_path: &str) {
    let visits = format!("{}/{{slug}}", folder(script_path));
    config
        .service(
            web::resource(script_path)
                .wrap(middleware::Compress::default())
                .route(web::get().to(script))
                .route(web::head().to(script))
                .default_service(web::to(|| async { wrong_method("GET, HEAD") })),
        )
        .service(web::resource(visits).default_service(web::to(visit)));
}

/// The path under which the script's own requests lie.
pub fn folder(script_path: &str) -> &str {
    script_path.strip_suffix(".js").unwrap_or(script_path)
}

async fn script(request: HttpRequest) -> HttpResponse {
    let known =
        request.headers().get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == SCRIPT_TAG.as_bytes());
    let mut response =
        HttpResponseBuilder::new(if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response
        .insert_header((ETAG, SCRIPT_TAG))
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8")).body(SCRIPT)
}

/// What the script tells of a visit.
#[derive(Debug, Deserialize)]
struct Visit {
    /// The page's query, without its question mark.
    #[serde(default)]
    query: String,
    /// Where the visitor came from, as the page knows it.
    #[serde(default)]
    referrer: String,
    /// The page has seen this visitor within a day.
    #[serde(default)]
    known: bool,
}

/// `POST {path}/{slug}`: a visit; answers its click id. Any page may ask: what it learns is its own visit's.
async fn visit(request: HttpRequest, tracker: web::Data<Tracker>, body: web::Payload) -> HttpResponse {
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return asked_first(),
        _ => return wrong_method("POST, OPTIONS"),
    }
    let Some(worker) = request.app_data::<Rc<Worker>>() else { return not_kept() };
    let began = Instant::now();
    let said = match read_body(body).await {
        Some(bytes) => serde_json::from_slice::<Visit>(&bytes),
        None => {
            return refused(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The visit is longer than 16 kB, or came too slowly",
            );
        }
    };
    let said = match said {
        Ok(said) => said,
        Err(why) => {
            let wanted = "Send {\"query\":\"...\",\"referrer\":\"...\"}";
            return refused(StatusCode::BAD_REQUEST, &format!("The visit cannot be read: {why}. {wanted}"));
        }
    };
    let catalog = tracker.catalog.get();
    let slug = request.match_info().get("slug").unwrap_or("");
    let Some(campaign) = catalog.by_slug(slug) else {
        worker.metrics.count_click(Outcome::Unknown, began.elapsed());
        return refused(StatusCode::NOT_FOUND, "No campaign has this address: look at data-campaign");
    };
    let Some((outcome, id)) = keep(&request, &tracker, worker, (&catalog, campaign), &said).await else {
        worker.metrics.count_click(Outcome::NotKept, began.elapsed());
        return not_kept();
    };
    worker.metrics.count_click(outcome, began.elapsed());
    open(StatusCode::OK).json(serde_json::json!({ "click_id": id }))
}

/// Records a visit; `None` where it could not be kept, so that no id leaves the house.
async fn keep(
    request: &HttpRequest,
    tracker: &Tracker,
    worker: &Worker,
    (catalog, campaign): (&crate::routing::Catalog, &Arc<CampaignRoute>),
    said: &Visit,
) -> Option<(Outcome, String)> {
    let journal = worker.journal.as_ref()?;
    let (written, outcome, id) = {
        let agent = agent(request);
        let mut arrival = collect(request, tracker, campaign, &agent);
        arrival.query = &said.query;
        arrival.is_known_by_cookie |= said.known;
        // The request comes from the page: who led to the page is what the page says.
        arrival.visitor = visitor::Arrival {
            referrer: Some(said.referrer.as_str()).filter(|referrer| !referrer.is_empty()),
            ..arrival.visitor
        };
        let router = tracker.router(catalog);
        let facts = router.learn(campaign, &arrival);
        let record = router.visit(campaign, &arrival, &facts, Draws::random());
        note_refusal(&record);
        let outcome = if record.refusal.is_some() { Outcome::Nowhere } else { Outcome::Lander };
        tracker.recent.keep(record.kept());
        (journal.append_click(&record), outcome, record.id.to_string())
    };
    if written.await.is_ok() {
        return Some((outcome, id));
    }
    journal.count_lost();
    None
}

/// The answer to a browser that asks first whether a page may send something.
pub fn asked_first() -> HttpResponse {
    open(StatusCode::NO_CONTENT)
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

/// A body up to its limit; `None` where more comes, or too slowly.
pub async fn read_body(mut body: web::Payload) -> Option<Vec<u8>> {
    let reading = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            bytes.extend_from_slice(&chunk.ok()?);
            if bytes.len() > BODY_BYTES_MAX {
                return None;
            }
        }
        Some(bytes)
    };
    tokio::time::timeout(BODY_LONGEST, reading).await.ok().flatten()
}

/// An answer that a page of any site may read. No cookie comes with the request, and none goes.
pub fn open(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponseBuilder::new(status);
    response.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*")).insert_header((CACHE_CONTROL, "no-store"));
    response
}

fn refused(status: StatusCode, message: &str) -> HttpResponse {
    open(status).json(serde_json::json!({ "error": message }))
}

fn not_kept() -> HttpResponse {
    tracing::debug!(at_ms = now_ms(), "a visit could not be kept");
    refused(StatusCode::SERVICE_UNAVAILABLE, "The visit could not be kept just now")
}
