//! The postback endpoint: hand the request over as it came, answer with the verdict.

use super::answer::header;
use super::click::now_ms;
use crate::conversions::{BODY_BYTES_MAX, Incoming, Verdict};
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::Tracker;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use futures_util::StreamExt as _;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long a body may take to come: a sender that trickles must not hold a connection.
const BODY_LONGEST: Duration = Duration::from_secs(10);

/// When a sender whose postback was not stored may come again, in seconds.
const RETRY_SECONDS: &str = "5";

/// The header of a signed body.
const SIGNATURE: HeaderName = HeaderName::from_static("x-clickledger-signature");

/// When one that came too often may come again, where its verdict does not say, in seconds.
const RETRY_LIMITED_SECONDS: u32 = 60;

/// The verdict as it is answered.
#[derive(Serialize)]
struct Answer<'a> {
    result: PostbackResult,
    code: Code,
    message: &'a str,
    conversion_id: Option<i64>,
    click_id: Option<String>,
    request_id: String,
}

/// `GET` and `POST /postback/{key}`, and `/postback` without a key.
pub async fn receive(request: HttpRequest, tracker: web::Data<Tracker>, body: web::Payload) -> HttpResponse {
    let (body, is_body_cut) = read_body(body).await;
    let incoming = Incoming {
        key: request.match_info().get("key").unwrap_or("").to_owned(),
        method: request.method().to_string(),
        address: tracker.client_address(&request).to_string(),
        content_type: header(request.headers(), CONTENT_TYPE).map(|kind| kind.chars().take(255).collect()),
        query: request.query_string().as_bytes().to_vec(),
        body,
        is_body_cut,
        signature: header(request.headers(), SIGNATURE).map(str::to_owned),
        received_at_ms: now_ms(),
        is_test: false,
    };
    judge(&tracker, incoming).await
}

/// Hands over what came and answers with its verdict.
pub async fn judge(tracker: &Tracker, incoming: Incoming) -> HttpResponse {
    let began = Instant::now();
    let request_id = format!("{:016x}", rand::random::<u64>());
    let outcome = tracker.postbacks.receive(incoming).await;
    tracker.metrics.count_postback(outcome.as_ref().ok(), began.elapsed());
    match outcome {
        Ok(verdict) => answer(&verdict, request_id),
        Err(_) => HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, RETRY_SECONDS)).json(
            serde_json::json!({
                "result": "refused",
                "code": "not_stored",
                "message": "The postback could not be stored just now: send it again",
                "request_id": request_id,
            }),
        ),
    }
}

/// The body up to its limit; whether more came.
async fn read_body(mut body: web::Payload) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(chunk) = body.next().await {
            let Ok(chunk) = chunk else { return true };
            let room = BODY_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if chunk.len() > room {
                return true;
            }
        }
        false
    };
    let is_cut = tokio::time::timeout(BODY_LONGEST, reading).await.unwrap_or(true);
    (bytes, is_cut)
}

fn answer(verdict: &Verdict, request_id: String) -> HttpResponse {
    let status = StatusCode::from_u16(verdict.code.http_status()).unwrap_or(StatusCode::OK);
    let mut response = HttpResponseBuilder::new(status);
    response.insert_header((CACHE_CONTROL, "no-store"));
    if verdict.code == Code::RateLimited {
        let seconds = if verdict.retry_after_s == 0 { RETRY_LIMITED_SECONDS } else { verdict.retry_after_s };
        response.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    response.json(Answer {
        result: verdict.code.result(),
        code: verdict.code,
        message: &verdict.message,
        conversion_id: verdict.conversion_id,
        click_id: verdict.click_id.map(|id| id.to_string()),
        request_id,
    })
}
