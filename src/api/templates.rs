//! `/templates/preview`: what an address looks like when filled, while it is being written.

use super::Answer;
use crate::domain::input::FieldErrors;
use crate::domain::template::TemplateUse;
use crate::entities::{self, Fields};
use crate::http::{Error, Reader, json_fields};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Hangs the address.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/templates/preview")
            .route(web::post().to(preview))
            .default_service(web::to(takes_post)),
    );
}

async fn takes_post() -> Answer {
    Err(Error::MethodNotAllowed("POST"))
}

/// Changes nothing, so a token that may only read is enough.
async fn preview(_who: Reader, request: HttpRequest, payload: web::Payload) -> Answer {
    let fields = json_fields(&request, payload).await?;
    let (url, template_use) = read(&fields)?;
    let filled = entities::preview(url, template_use)?;
    Ok(HttpResponse::Ok().json(json!({ "url": filled })))
}

fn read(fields: &Fields) -> Result<(&str, TemplateUse), FieldErrors> {
    let mut errors = FieldErrors::default();
    for name in fields.keys().filter(|name| !["url", "use"].contains(&name.as_str())) {
        errors.push(name, "There is no such field: write url and use");
    }
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let url = text("url");
    if url.is_none() {
        errors.push("url", "Must be a text");
    }
    let template_use = match text("use") {
        Some("offer") => Some(TemplateUse::Offer),
        Some("lander") => Some(TemplateUse::Lander),
        _ => None,
    };
    match (url, template_use) {
        (Some(url), Some(template_use)) if errors.is_empty() => Ok((url, template_use)),
        (_, known) => {
            if known.is_none() {
                errors.push("use", "Must be one of: offer, lander");
            }
            Err(errors)
        }
    }
}
