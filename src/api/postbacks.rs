//! `/postbacks`: what was received, raw, with its verdict.

use super::list::Page;
use super::log_query::log_query;
use super::words::instant;
use super::{Answer, resource};
use crate::db::postbacks::{self, PostbackQuery, StoredPostback};
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
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let own = ["code", "result", "click_id", "txid", "advertiser_id"];
    let query = log_query(request.query_string(), &own)?;
    let (page, page_size) = (query.list.page, query.list.page_size);
    let wanted = PostbackQuery {
        from_ms: query.from_ms,
        to_ms: query.to_ms,
        advertiser_id: query.advertiser_id,
        result: query.result.map(|result| result.as_str().to_owned()),
        code: query.code.map(|code| code.as_str().to_owned()),
        click_id: query.click_id,
        txid: query.txid,
        offset: query.list.offset(),
        limit: query.list.limit(),
        q: query.list.q,
        is_test: query.is_test,
    };
    let listed = reading(&app, move |app| app.db.read(|conn| postbacks::list(conn, &wanted))).await?;
    let items = listed.items.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let found = reading(&app, move |app| app.db.read(|conn| postbacks::find(conn, id)));
    Ok(HttpResponse::Ok().json(body(found.await?.ok_or(Error::NotFound)?)))
}
