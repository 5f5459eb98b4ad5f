//! `/destinations/{id}/test`: a conversion told now, answered with the whole exchange.

use crate::api::{Answer, resource};
use crate::domain::input::{self, FieldErrors};
use crate::http::try_destination::{self, Tried};
use crate::http::{App, Error, Writer, json_fields};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Hangs the address.
pub(in crate::api) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/destinations/{id}/test")
            .route(web::post().to(send))
            .default_service(web::to(resource::takes_post)),
    );
}

/// Without `conversion_id` it tells of the newest conversion that fits, or else of the newest one.
async fn send(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let (mut conversion_id, mut errors) = (None, FieldErrors::default());
    for (name, value) in &json_fields(&request, payload).await? {
        let outcome = match name.as_str() {
            "conversion_id" => input::id(value).map(|read| conversion_id = read),
            _ => Err("There is no such field: write conversion_id, or {} for the newest one".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(name, message);
        }
    }
    errors.into_result().map_err(Error::from)?;
    let tried = try_destination::send(&app, id, conversion_id).await?;
    Ok(HttpResponse::Ok().json(body(&tried)))
}

fn body(tried: &Tried) -> Value {
    let (request, response, error, advice) = match &tried.outcome {
        Ok(trial) => (
            json!({"method": trial.method, "url": trial.url, "headers": trial.header_names, "body": trial.body}),
            trial.code.map_or(Value::Null, |code| json!({"code": code, "body": trial.response})),
            trial.judged.error.as_deref(),
            Some(trial.advice.as_str()).filter(|advice| !advice.is_empty()),
        ),
        Err(why) => (Value::Null, Value::Null, Some(why.sentence()), None),
    };
    json!({
        "conversion_id": tried.conversion_id,
        "fits": tried.is_fitting,
        "state": tried.state(),
        "error": error,
        "advice": advice,
        "request": request,
        "response": response,
        "duration_ms": tried.outcome.as_ref().ok().map(|trial| trial.duration_ms),
    })
}
