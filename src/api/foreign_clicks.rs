//! `/foreign-clicks`: clicks that another tracker gave out, for admins alone.

use super::Answer;
use crate::domain::foreign_click::{self, Fault};
use crate::domain::input::FieldErrors;
use crate::domain::sheet::FILE_BYTES_MAX;
use crate::http::{AdminWriter, Error, Tracker, blocking, now_ms, read_bytes};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Refused lines that an answer names: who has more mends the file first.
const REFUSED_SHOWN: usize = 1_000;

/// Hangs the address.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/foreign-clicks")
            .route(web::post().to(import))
            .default_service(web::to(|| async { Err::<HttpResponse, _>(Error::MethodNotAllowed("POST")) })),
    );
}

/// What the address asks besides: whether the clicks are traffic of ours, and whether nothing is to be kept.
fn asked(request: &HttpRequest) -> Result<(bool, bool), FieldErrors> {
    let (mut is_counted, mut is_dry_run) = (false, false);
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        let place = match name.as_ref() {
            "count_as_clicks" => &mut is_counted,
            "dry_run" => &mut is_dry_run,
            _ => {
                let message = "There is no such parameter: there are count_as_clicks, dry_run";
                return Err(FieldErrors::one(&name, message));
            }
        };
        *place = match value.as_ref() {
            "true" => true,
            "false" => false,
            _ => return Err(FieldErrors::one(&name, "Must be true or false")),
        };
    }
    Ok((is_counted, is_dry_run))
}

async fn import(
    _who: AdminWriter,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if !matches!(kind.split(';').next().unwrap_or("").trim(), "text/csv" | "text/plain") {
        return Err(Error::WrongContentType("text/csv"));
    }
    let (is_counted, is_dry_run) = asked(&request)?;
    let bytes = read_bytes(payload, FILE_BYTES_MAX).await?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (lines, mut faults) =
        foreign_click::read(&text, now_ms()).map_err(|message| FieldErrors::one("rows", message))?;
    let rows = lines.len() + faults.len();
    let tracker = tracker.into_inner();
    let outcome = blocking(move || {
        tracker.postbacks.import_clicks(&lines, is_counted, is_dry_run).map_err(Error::from)
    })
    .await?;
    faults.extend(outcome.faults);
    faults.sort();
    let refused: Vec<Value> = faults.iter().take(REFUSED_SHOWN).map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({
        "rows": rows, "imported": outcome.imported, "known": outcome.known,
        "refused_count": faults.len(), "refused": refused,
    })))
}

fn shown((row, message): &Fault) -> Value {
    json!({"row": row, "message": message})
}
