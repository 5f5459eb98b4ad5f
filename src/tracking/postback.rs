//! The postback endpoint: hand the request over as it came, answer with the verdict.

use super::answer::header;
use super::click::now_ms;
use crate::conversions::{BODY_BYTES_MAX, Incoming, NotStored, Verdict, split};
use crate::domain::advertiser::Answers;
use crate::domain::old_door::OldDoor;
use crate::domain::verdict::PostbackResult;
use crate::http::Tracker;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
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

/// Characters of the text that a postback to Keitaro's address names as its answer: networks look for a word such as `OK`.
const NAMED_CHARS_MAX: usize = 255;

/// The verdict as it is answered.
#[derive(Serialize)]
struct Answer<'a> {
    result: PostbackResult,
    code: &'static str,
    message: &'a str,
    conversion_id: Option<i64>,
    click_id: Option<String>,
    request_id: &'a str,
}

impl<'a> Answer<'a> {
    fn new(outcome: &'a Outcome, request_id: &'a str) -> Self {
        match outcome {
            Ok(verdict) => Self {
                result: verdict.code.result(),
                code: verdict.code.as_str(),
                message: &verdict.message,
                conversion_id: verdict.conversion_id,
                click_id: verdict.click_id.map(|id| id.to_string()),
                request_id,
            },
            Err(_) => Self {
                result: PostbackResult::Refused,
                code: "not_stored",
                message: "The postback could not be stored just now: send it again",
                conversion_id: None,
                click_id: None,
                request_id,
            },
        }
    }
}

/// What became of one postback.
type Outcome = Result<Verdict, NotStored>;

/// How an advertiser wants to be answered.
struct Manner {
    is_strict: bool,
    reply_body: String,
    /// What the postback itself wants to be answered where it was taken; empty for nothing.
    named: String,
}

impl Manner {
    /// As the advertiser with this key set it; by the standard where nobody has it.
    fn of(tracker: &Tracker, key: &str) -> Self {
        let catalog = tracker.catalog.get();
        let advertiser = catalog.by_key(key).map(|route| &route.advertiser);
        Self {
            is_strict: advertiser.is_some_and(|known| known.answers == Answers::Strict),
            reply_body: advertiser.map(|known| known.reply_body.clone()).unwrap_or_default(),
            named: String::new(),
        }
    }

    fn status(&self, outcome: &Outcome) -> StatusCode {
        let Ok(verdict) = outcome else { return StatusCode::SERVICE_UNAVAILABLE };
        let code = verdict.code;
        let status = if self.is_strict { code.strict_http_status() } else { code.http_status() };
        StatusCode::from_u16(status).unwrap_or(StatusCode::OK)
    }

    /// The status of many together: what was not stored has to be sent again, and each that was is then a duplicate. Else
    /// the request was taken, unless every one was refused.
    fn status_of_all(&self, outcomes: &[Outcome]) -> StatusCode {
        let statuses = || outcomes.iter().map(|outcome| self.status(outcome));
        if statuses().any(|status| status == StatusCode::SERVICE_UNAVAILABLE) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let first = statuses().next().unwrap_or(StatusCode::OK);
        if statuses().all(|status| !status.is_success()) { first } else { StatusCode::OK }
    }

    /// The answer with its body: the postback's own where it was taken, the advertiser's where one is set and nothing has to
    /// be sent again.
    fn answer(&self, status: StatusCode, outcomes: &[Outcome], body: impl Serialize) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        let limited = || outcomes.iter().flatten().map(|verdict| verdict.retry_after_s).max();
        let again = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let seconds = limited().filter(|seconds| *seconds > 0).unwrap_or(RETRY_LIMITED_SECONDS);
                Some(seconds.to_string())
            }
            StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_SECONDS.to_owned()),
            _ => None,
        };
        match again {
            Some(seconds) => response.insert_header((RETRY_AFTER, seconds)).json(body),
            // Text from outside: no browser shall find anything in it but text.
            None if status.is_success() && !self.named.is_empty() => response
                .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .content_type("text/plain; charset=utf-8")
                .body(self.named.clone()),
            None if self.reply_body.is_empty() => response.json(body),
            None => response.content_type("text/plain; charset=utf-8").body(self.reply_body.clone()),
        }
    }
}

/// `GET` and `POST /postback/{key}`, and `/postback` without a key.
pub async fn receive(request: HttpRequest, tracker: web::Data<Tracker>, body: web::Payload) -> HttpResponse {
    let key = request.match_info().get("key").unwrap_or("").to_owned();
    let incoming = read(&request, &tracker, key, body).await;
    match split(&incoming) {
        Some(all) => judge_all(&tracker, &incoming.key, all).await,
        None => judge(&tracker, incoming).await,
    }
}

/// What came to an old address, with the key that stood in it.
pub async fn receive_old(
    request: &HttpRequest,
    tracker: &Tracker,
    (door, key): (OldDoor, String),
    body: web::Payload,
) -> HttpResponse {
    let incoming = read(request, tracker, key, body).await;
    let began = Instant::now();
    let mut manner = Manner::of(tracker, &incoming.key);
    if !incoming.key.is_empty() {
        manner.named = named_answer(request.query_string());
    }
    let outcome = tracker.postbacks.receive_at(incoming, door).await;
    answered(tracker, &manner, &outcome, began)
}

/// The answer that a postback to `/{key}/postback` names: Keitaro gives `return=OK` back as it is. Empty where it names none.
fn named_answer(query: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let named = pairs.find(|(name, _)| name == "return").map(|(_, text)| text).unwrap_or_default();
    named.chars().filter(|c| !c.is_control()).take(NAMED_CHARS_MAX).collect()
}

/// A postback as it came.
async fn read(request: &HttpRequest, tracker: &Tracker, key: String, body: web::Payload) -> Incoming {
    let (body, is_body_cut) = read_body(body).await;
    Incoming {
        whole: None,
        key,
        method: request.method().to_string(),
        address: tracker.client_address(request).to_string(),
        content_type: header(request.headers(), CONTENT_TYPE).map(|kind| kind.chars().take(255).collect()),
        query: request.query_string().as_bytes().to_vec(),
        body,
        is_body_cut,
        agent: None,
        signature: header(request.headers(), SIGNATURE).map(str::to_owned),
        received_at_ms: now_ms(),
        is_test: false,
        is_as_from_outside: false,
    }
}

fn new_request_id() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Hands over what came and answers with its verdict.
pub async fn judge(tracker: &Tracker, incoming: Incoming) -> HttpResponse {
    let (began, manner) = (Instant::now(), Manner::of(tracker, &incoming.key));
    let outcome = tracker.postbacks.receive(incoming).await;
    answered(tracker, &manner, &outcome, began)
}

/// Counts what became of one and answers it.
fn answered(tracker: &Tracker, manner: &Manner, outcome: &Outcome, began: Instant) -> HttpResponse {
    tracker.metrics.count_postback(outcome.as_ref().ok(), began.elapsed());
    let request_id = new_request_id();
    let body = Answer::new(outcome, &request_id);
    manner.answer(manner.status(outcome), std::slice::from_ref(outcome), body)
}

/// Hands over many that came as one array and answers with their verdicts, in their order.
async fn judge_all(tracker: &Tracker, key: &str, all: Vec<Incoming>) -> HttpResponse {
    let (began, manner) = (Instant::now(), Manner::of(tracker, key));
    let outcomes = tracker.postbacks.receive_all(all).await;
    for outcome in &outcomes {
        tracker.metrics.count_postback(outcome.as_ref().ok(), began.elapsed());
    }
    let request_id = new_request_id();
    let answers: Vec<Answer<'_>> = outcomes.iter().map(|outcome| Answer::new(outcome, &request_id)).collect();
    manner.answer(manner.status_of_all(&outcomes), &outcomes, answers)
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
