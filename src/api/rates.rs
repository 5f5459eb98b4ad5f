//! `/fx-rates`: what a unit of another currency is worth in the account's, by day.

use super::Answer;
use super::list::Page;
use super::words::instant;
use crate::db::rates::{self, SavedRate};
use crate::db::search::{PAGE_MAX, PAGE_SIZE_MAX};
use crate::domain::input::{self, FieldErrors};
use crate::domain::money::Currency;
use crate::domain::rate::{Sheet, shown};
use crate::entities;
use crate::entities::rate_fetch::{self, RateFetch};
use crate::http::limits::JSON_BYTES_MAX;
use crate::http::{App, Error, Reader, Writer, json_fields, now_ms, read_bytes, reading};
use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

/// Where a rate of the API comes from.
const SOURCE: &str = "api";

/// The names of a rate's fields.
const FIELDS: [&str; 3] = ["currency", "day", "rate"];

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/fx-rates")
            .route(web::get().to(list))
            .route(web::put().to(put))
            .route(web::post().to(put))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, PUT, POST"))
            })),
    )
    .service(
        web::resource("/fx-rates/source")
            .route(web::get().to(source))
            .route(web::put().to(put_source))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, PUT"))
            })),
    )
    .service(
        web::resource("/fx-rates/fetch")
            .route(web::post().to(fetch))
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Error::MethodNotAllowed("POST")) })),
    );
}

fn source_body(stand: &RateFetch) -> Value {
    json!({
        "url": stand.url,
        "fetched_at": stand.fetched_at_ms.map(instant),
        "next_fetch_at": stand.due_at_ms.map(instant),
        "error": stand.error,
    })
}

async fn source(_who: Reader, app: web::Data<App>) -> Answer {
    let stand = reading(&app, |app| rate_fetch::load(&app.db)).await?;
    Ok(HttpResponse::Ok().json(source_body(&stand)))
}

/// Says where rates are fetched from every day, `{"url":""}` for nowhere. The first fetch follows within seconds.
async fn put_source(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let fields = json_fields(&request, payload).await?;
    let mut errors = FieldErrors::default();
    for name in fields.keys().filter(|name| *name != "url") {
        errors.push(name, "There is no such field");
    }
    errors.into_result().map_err(Error::Fields)?;
    let url = fields.get("url").and_then(Value::as_str).map(str::to_owned);
    let url = url.ok_or_else(|| Error::Fields(FieldErrors::one("url", "Must be a text")))?;
    let stand = reading(&app, move |app| {
        rate_fetch::set_url(&app.db, &url, now_ms())?;
        rate_fetch::load(&app.db)
    });
    Ok(HttpResponse::Ok().json(source_body(&stand.await?)))
}

/// Fetches now, and answers how many rates came or why none.
async fn fetch(_who: Writer, app: web::Data<App>) -> Answer {
    let count = reading(&app, |app| rate_fetch::fetch(&app.db, &app.outgoing, now_ms())).await?;
    Ok(HttpResponse::Ok().json(json!({"rates": count})))
}

#[derive(Serialize)]
struct Body {
    currency: Currency,
    day: String,
    rate: String,
    source: String,
    created_at: String,
}

fn body(saved: SavedRate) -> Body {
    Body {
        currency: saved.rate.currency,
        day: saved.rate.day.to_string(),
        rate: shown(saved.rate.rate_nanos),
        source: saved.source,
        created_at: instant(saved.created_at_ms),
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let (mut page, mut page_size, mut currency) = (1, 50, None);
    let mut errors = FieldErrors::default();
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        let value = Value::from(value.into_owned());
        let outcome = match name.as_ref() {
            "page" => input::int(&value, 1, PAGE_MAX).map(|read| page = read),
            "page_size" => input::int(&value, 1, PAGE_SIZE_MAX).map(|read| page_size = read),
            "currency" => input::currency(&value).map(|read| currency = Some(read)),
            _ => Err("There is no such parameter: there are page, page_size, currency".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&name, message);
        }
    }
    errors.into_result()?;
    let part = (page_size, (page - 1).saturating_mul(page_size));
    let (found, total) =
        reading(&app, move |app| app.db.read(|conn| rates::list(conn, currency, part))).await?;
    let items: Vec<Body> = found.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total }))
}

/// One rate as JSON, or many as CSV or as the European Central Bank writes them.
async fn put(_who: Writer, app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> Answer {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match kind.split(';').next().unwrap_or("").trim() {
        "text/csv" | "text/plain" => return put_sheet(&app, &request, payload).await,
        "text/xml" | "application/xml" => return put_ecb(&app, payload).await,
        _ => {}
    }
    let fields = json_fields(&request, payload).await?;
    let mut errors = FieldErrors::default();
    for unknown in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        errors.push(unknown, "There is no such field: write currency, day, rate");
    }
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let [currency, day, rate] = FIELDS.map(text);
    errors.into_result()?;
    let kept =
        reading(&app, move |app| entities::rates::put(&app.db, (&currency, &day, &rate), SOURCE, now_ms()))
            .await?;
    let body =
        json!({"currency": kept.currency, "day": kept.day.to_string(), "rate": shown(kept.rate_nanos)});
    let is_new = *request.method() == Method::POST;
    Ok(if is_new { HttpResponse::Created().json(body) } else { HttpResponse::Ok().json(body) })
}

async fn read_text(payload: web::Payload) -> Result<String, Error> {
    let bytes = read_bytes(payload, JSON_BYTES_MAX).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn put_ecb(app: &web::Data<App>, payload: web::Payload) -> Answer {
    let text = read_text(payload).await?;
    let accepted = reading(app, move |app| entities::rates::put_ecb(&app.db, &text, now_ms())).await?;
    Ok(HttpResponse::Ok().json(json!({"rows": accepted, "accepted": accepted, "refused": []})))
}

async fn put_sheet(app: &web::Data<App>, request: &HttpRequest, payload: web::Payload) -> Answer {
    let is_dry_run = match request.query_string() {
        "" | "dry_run=false" => false,
        "dry_run=true" => true,
        _ => {
            return Err(
                FieldErrors::one("dry_run", "Must be true or false, and is the only parameter").into()
            );
        }
    };
    let text = read_text(payload).await?;
    let sheet: Sheet = reading(app, move |app| {
        if is_dry_run {
            entities::rates::look(&app.db, &text)
        } else {
            entities::rates::put_sheet(&app.db, &text, SOURCE, now_ms())
        }
    })
    .await?;
    if !is_dry_run && !sheet.faults.is_empty() {
        let mut errors = FieldErrors::default();
        for (row, message) in &sheet.faults {
            errors.push(&format!("rows[{row}]"), message);
        }
        return Err(errors.into());
    }
    let refused: Vec<Value> =
        sheet.faults.iter().map(|(row, message)| json!({"row": row, "message": message})).collect();
    let (accepted, rows) = (sheet.rates.len(), sheet.rates.len() + refused.len());
    Ok(HttpResponse::Ok().json(json!({"rows": rows, "accepted": accepted, "refused": refused})))
}
