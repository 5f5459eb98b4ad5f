//! `/advertisers/{id}/test-postback`: a test through the same door as any postback, answered with each check.

use crate::api::{Answer, resource};
use crate::conversions::Trial;
use crate::domain::input::{self, FieldErrors};
use crate::entities::Fields;
use crate::http::trials::{self, Draft};
use crate::http::{App, Error, OwnJournal, Tracker, Writer, json_fields};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// The fields of a test.
const FIELDS: [&str; 5] = ["params", "body", "address", "sign", "as_from_outside"];

/// Hangs the address.
pub(in crate::api) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/advertisers/{id}/test-postback")
            .route(web::post().to(send))
            .default_service(web::to(resource::takes_post)),
    );
}

/// Without `cid` among the parameters it is about the advertiser's test click, which is made where there is none yet.
async fn send(
    _who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let fields = json_fields(&request, payload).await?;
    let (mut draft, params) = read(&fields)?;
    let route = trials::advertiser(&tracker, id)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let names_click = params.iter().any(|(name, _)| name == "cid");
    if !names_click && draft.body.is_empty() {
        let click = trials::test_click_of(&app, &tracker, &journal, &request, id).await?;
        let (click, _) = click.ok_or_else(|| {
            let why = "No active campaign leads to an offer of this advertiser yet: make one, or send a cid";
            Error::Fields(FieldErrors::one("params", why))
        })?;
        query.append_pair("cid", &click.to_string());
    }
    query.extend_pairs(params);
    draft.query = query.finish();
    let (incoming, trial) = trials::send(&tracker, &request, &route, &draft).await?;
    Ok(HttpResponse::Ok().json(body(&trial, &String::from_utf8_lossy(&incoming.query))))
}

fn read(fields: &Fields) -> Result<(Draft, Vec<(String, String)>), Error> {
    let (mut errors, mut draft, mut params) = (FieldErrors::default(), Draft::default(), Vec::new());
    for (name, value) in fields {
        let outcome = match name.as_str() {
            "params" => read_params(value).map(|read| params = read),
            "body" => read_body(value).map(|read| draft.body = read),
            "address" => value
                .as_str()
                .and_then(|text| text.parse().ok())
                .map(|address| draft.address = Some(address))
                .ok_or_else(|| "Must be an address like 203.0.113.7".to_owned()),
            "sign" => input::flag(value).map(|read| draft.is_signed = read),
            "as_from_outside" => input::flag(value).map(|read| draft.is_as_from_outside = read),
            _ => Err(format!("There is no such field: write {}", FIELDS.join(", "))),
        };
        if let Err(message) = outcome {
            errors.push(name, message);
        }
    }
    errors.into_result()?;
    Ok((draft, params))
}

fn read_params(value: &Value) -> Result<Vec<(String, String)>, String> {
    let wrong = || "Must be an object of texts, numbers and flags".to_owned();
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let parts = value.as_object().ok_or_else(wrong)?;
    parts.iter().map(|(name, value)| Ok((name.clone(), text(value).ok_or_else(wrong)?))).collect()
}

/// A body as text, or an object that is sent as JSON.
fn read_body(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Object(_) => Ok(value.to_string()),
        _ => Err("Must be a text, or an object that is sent as JSON".to_owned()),
    }
}

fn body(trial: &Trial, query: &str) -> Value {
    let verdict = &trial.verdict;
    let steps: Vec<Value> = trial
        .steps
        .iter()
        .map(|step| json!({"check": step.check, "standing": step.standing, "detail": step.detail}))
        .collect();
    json!({
        "result": verdict.code.result(),
        "code": verdict.code,
        "message": verdict.message,
        "conversion_id": verdict.conversion_id,
        "click_id": verdict.click_id.map(|id| id.to_string()),
        "query": query,
        "steps": steps,
    })
}
