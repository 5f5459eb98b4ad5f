//! `/reconciliations`: a network's own report beside our conversions, and the repair of what differs.

use super::list::{Page, list_query};
use super::words::instant;
use super::{Answer, resource};
use crate::conversions::reconcile::{Asked, Repaired, ReportAsked};
use crate::db;
use crate::db::reconciliation_rows::{self as list_rows, ListRow};
use crate::db::reconciliations::{self, Reconciliation, ReconciliationState};
use crate::domain::money::Money;
use crate::domain::reconcile::{DayFigures, List, totals};
use crate::domain::sheet::FILE_BYTES_MAX;
use crate::http::{App, Error, Reader, Tracker, Upload, Writer, blocking, json_fields, reading};
use crate::http::{read_bytes, read_upload};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Rows that an answer gives of each list; its count tells of more.
const LISTED_MAX: i64 = 10_000;

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/reconciliations")
            .route(web::get().to(list))
            .route(web::post().to(create))
            .default_service(web::to(resource::takes_list_and_create)),
    );
    cfg.service(
        web::resource("/reconciliations/{id}")
            .route(web::get().to(show))
            .default_service(web::to(resource::takes_reading)),
    );
    cfg.service(
        web::resource("/reconciliations/{id}/repair")
            .route(web::post().to(repair))
            .default_service(web::to(resource::takes_post)),
    );
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let query = list_query(request.query_string())?;
    let (page, page_size) = (query.page, query.limit());
    let part = (page_size, query.offset());
    let listed = reading(&app, move |app| app.db.read(|conn| reconciliations::list(conn, part))).await?;
    let items = listed.items.iter().map(head).map(Value::Object).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn create(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let sent = match kind.as_str() {
        "multipart/form-data" => read_upload(&request, payload).await?,
        "text/csv" | "text/plain" | "application/octet-stream" => {
            Upload { file: read_bytes(payload, FILE_BYTES_MAX).await?, ..Upload::default() }
        }
        _ => return Err(Error::WrongContentType("text/csv or multipart/form-data")),
    };
    let query = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned();
    let asked = ReportAsked::read(query.chain(sent.fields))?;
    let user_id = who.user.id;
    let id = blocking(move || {
        let file = (sent.file_name.as_str(), sent.file.as_slice());
        let id = tracker.postbacks.draft_report(&asked, file, user_id)?;
        tracker.postbacks.make_reconciliation(id)?;
        Ok::<_, crate::conversions::reconcile::NotMade>(id)
    })
    .await?;
    Ok(HttpResponse::Created().json(found(&app, id).await?))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    Ok(HttpResponse::Ok().json(found(&app, resource::id(&id)?).await?))
}

/// `POST /reconciliations/{id}/repair` with `rows` or `list`, and for what only we have `status` and `why`.
async fn repair(
    who: Writer,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let asked = Asked::read(&json_fields(&request, payload).await?)?;
    let user_id = who.user.id;
    let repaired = blocking(move || tracker.postbacks.repair(id, &asked, user_id)).await?;
    Ok(HttpResponse::Ok().json(repaired_body(&repaired)))
}

fn repaired_body(repaired: &Repaired) -> Value {
    let rows: Vec<Value> = repaired
        .marks
        .iter()
        .map(|mark| {
            json!({
                "id": mark.id,
                "repair": mark.repair,
                "conversion_id": mark.conversion_id,
                "message": mark.outcome,
            })
        })
        .collect();
    json!({ "repaired": repaired.done(), "rows": rows, "has_more": repaired.has_more })
}

/// A reconciliation with its lists.
async fn found(app: &web::Data<App>, id: i64) -> Result<Value, Error> {
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let done = |one: &Reconciliation| one.state == ReconciliationState::Done;
            let Some(found) = reconciliations::find(conn, id)?.filter(done) else { return Ok(None) };
            let counts = list_rows::counts(conn, id)?;
            let mut lists = BTreeMap::new();
            for list in List::ALL {
                lists.insert(*list, list_rows::list(conn, (id, *list), (LISTED_MAX, 0))?);
            }
            Ok::<_, db::Error>(Some((found, counts, lists)))
        })
    });
    let (found, counts, lists) = found.await?.ok_or(Error::NotFound)?;
    let list_body = |list: &List| {
        let (count, repaired) = counts.get(list).copied().unwrap_or_default();
        let rows: Vec<Value> = lists.get(list).into_iter().flatten().map(row_body).collect();
        (list.as_str().to_owned(), json!({ "count": count, "repaired": repaired, "rows": rows }))
    };
    let mut body = head(&found);
    body.insert("lists".to_owned(), Value::Object(List::ALL.iter().map(list_body).collect()));
    Ok(Value::Object(body))
}

fn figures(figures: &DayFigures) -> Map<String, Value> {
    let share =
        |ratio: Option<i64>| ratio.map(|parts| Money::from_micros(parts.saturating_mul(100)).to_string());
    let body = json!({
        "ours": figures.ours,
        "theirs": figures.theirs,
        "difference": figures.count_difference(),
        "difference_ratio": share(figures.count_ratio()),
        "our_amount": Money::from_micros(figures.ours_micros).to_string(),
        "their_amount": Money::from_micros(figures.theirs_micros).to_string(),
        "amount_difference": figures.amount_difference().to_string(),
        "amount_difference_ratio": share(figures.amount_ratio()),
    });
    match body {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What a reconciliation says without its rows.
fn head(found: &Reconciliation) -> Map<String, Value> {
    let (value, standings) = (&found.value, &found.standings);
    let days = standings.days.iter().map(|line| {
        let mut body = figures(&line.figures);
        body.insert("day".to_owned(), json!(line.day));
        body.insert("currency".to_owned(), json!(line.currency));
        Value::Object(body)
    });
    let totals = totals(&standings.days);
    let totals = totals.iter().map(|(currency, sums)| {
        let mut body = figures(sums);
        body.insert("currency".to_owned(), json!(currency));
        Value::Object(body)
    });
    let body = json!({
        "id": found.id,
        "created_at": instant(found.created_at_ms),
        "user_id": value.user_id,
        "advertiser_id": value.advertiser_id,
        "file_name": value.file_name,
        "from": value.span.from,
        "to": value.span.to,
        "time_zone": value.span.zone.name(),
        "columns": value.mapping,
        "day_order": value.day_order,
        "rows": standings.theirs,
        "conversions": standings.ours,
        "matched": standings.matched,
        "outside": standings.outside,
        "days": days.collect::<Vec<_>>(),
        "totals": totals.collect::<Vec<_>>(),
    });
    match body {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn row_body(row: &ListRow) -> Value {
    let (theirs, ours) = (&row.value.theirs, row.value.ours.as_ref());
    let theirs = theirs.line.map(|line| {
        json!({
            "row": line,
            "txid": theirs.txid,
            "click_id": theirs.click,
            "status": theirs.status,
            "amount": theirs.amount.map(|amount| amount.to_string()),
            "currency": theirs.currency,
            "at": theirs.at_ms.map(instant),
        })
    });
    let ours = ours.map(|ours| {
        json!({
            "conversion_id": ours.id,
            "txid": ours.txid,
            "click_id": ours.click,
            "event": ours.event,
            "status": ours.status,
            "amount": ours.amount.to_string(),
            "currency": ours.currency,
            "at": instant(ours.at_ms),
        })
    });
    json!({
        "id": row.id,
        "theirs": theirs,
        "ours": ours,
        "note": row.value.note,
        "repair": row.repair,
        "repaired_at": row.repaired_at_ms.map(instant),
        "conversion_id": row.conversion_id,
        "message": row.outcome,
    })
}
