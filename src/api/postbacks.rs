//! `/postbacks`: what was received, raw, with its verdict.

use super::list::Page;
use super::log_query::{LogQuery, log_query};
use super::words::instant;
use super::{Answer, resource};
use crate::db;
use crate::db::forwards::{self, Forward};
use crate::db::judged_again::{self, Replay};
use crate::db::postbacks::{self, PostbackQuery, StoredPostback};
use crate::domain::forward::ForwardState;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::{App, Error, Reader, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/postbacks")
            .route(web::get().to(list))
            .default_service(web::to(resource::takes_reading)),
    );
    cfg.service(
        web::resource("/postbacks/{id}")
            .route(web::get().to(show))
            .default_service(web::to(resource::takes_reading)),
    );
}

/// A postback as the API shows it.
#[derive(Serialize)]
pub(super) struct Body {
    id: i64,
    received_at: String,
    advertiser_id: Option<i64>,
    method: String,
    address: String,
    content_type: Option<String>,
    raw: String,
    raw_body: String,
    result: PostbackResult,
    code: Code,
    message: String,
    click_id: Option<String>,
    event: Option<String>,
    txid: Option<String>,
    conversion_id: Option<i64>,
    is_test: bool,
    settled_at: Option<String>,
    /// Where one postback is shown alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    replays: Option<Vec<ReplayBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<ForwardBody>,
}

/// A run that a person asked for.
#[derive(Serialize)]
struct ReplayBody {
    at: String,
    user_id: i64,
    why: String,
    released: bool,
    from: Side,
    to: Side,
}

/// A verdict before or after a run.
#[derive(Serialize)]
struct Side {
    code: String,
    message: String,
}

impl From<Replay> for ReplayBody {
    fn from(replay: Replay) -> Self {
        Self {
            at: instant(replay.at_ms),
            user_id: replay.user_id,
            why: replay.why,
            released: replay.is_release,
            from: Side { code: replay.code_before, message: replay.message_before },
            to: Side { code: replay.code_after, message: replay.message_after },
        }
    }
}

/// How it stands where it was sent on to the tracker before.
#[derive(Serialize)]
struct ForwardBody {
    url: String,
    state: ForwardState,
    attempts: i64,
    code: Option<i64>,
    answer: String,
    error: String,
    next_attempt_at: Option<String>,
}

impl From<Forward> for ForwardBody {
    fn from(forward: Forward) -> Self {
        let last = forward.last;
        let is_due = last.state == ForwardState::Due;
        Self {
            url: forward.url,
            state: last.state,
            attempts: forward.attempts,
            code: last.code,
            answer: last.answer,
            error: last.error,
            next_attempt_at: is_due.then(|| instant(last.due_at_ms)),
        }
    }
}

/// How it is shown.
pub(super) fn body(one: StoredPostback) -> Body {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let value = one.value;
    Body {
        id: one.id,
        received_at: instant(value.received_at_ms),
        advertiser_id: value.advertiser_id,
        raw: text(&value.raw_query),
        raw_body: text(&value.raw_body),
        result: value.code.result(),
        click_id: value.click_id.map(|id| id.to_string()),
        method: value.method,
        address: value.address,
        content_type: value.content_type,
        code: value.code,
        message: value.message,
        event: value.event,
        txid: value.txid,
        conversion_id: value.conversion_id,
        is_test: value.is_test,
        settled_at: one.settled_at_ms.map(instant),
        replays: None,
        forward: None,
    }
}

/// The parameters of the log besides those that all logs have.
pub(super) const OWN: [&str; 5] = ["code", "result", "click_id", "txid", "advertiser_id"];

/// What is asked of the log, by its page or in whole.
pub(super) fn query(asked: LogQuery) -> PostbackQuery {
    PostbackQuery {
        from_ms: asked.from_ms,
        to_ms: asked.to_ms,
        advertiser_id: asked.advertiser_id,
        result: asked.result.map(|result| result.as_str().to_owned()),
        is_uncounted: false,
        code: asked.code.map(|code| code.as_str().to_owned()),
        click_id: asked.click_id,
        txid: asked.txid,
        offset: asked.list.offset(),
        limit: asked.list.limit(),
        q: asked.list.q,
        is_test: asked.is_test,
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let asked = log_query(request.query_string(), &OWN)?;
    let (page, page_size) = (asked.list.page, asked.list.page_size);
    let wanted = query(asked);
    let listed = reading(&app, move |app| app.db.read(|conn| postbacks::list(conn, &wanted))).await?;
    let items = listed.items.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let found = reading(&app, move |app| {
        app.db.read(|conn| {
            let replays = judged_again::replays_of(conn, id)?;
            let forward = forwards::of_postback(conn, id)?;
            Ok::<_, db::Error>((postbacks::find(conn, id)?, replays, forward))
        })
    });
    let (postback, replays, forward) = found.await?;
    let mut body = body(postback.ok_or(Error::NotFound)?);
    body.replays = Some(replays.into_iter().map(|(replay, _)| ReplayBody::from(replay)).collect());
    body.forward = forward.map(ForwardBody::from);
    Ok(HttpResponse::Ok().json(body))
}
