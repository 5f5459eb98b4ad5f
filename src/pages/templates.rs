//! `/templates/preview`: what an address looks like when filled, while it is being typed.

use super::typed::Typed;
use super::{Answer, destinations};
use crate::domain::template::{SampleClick, Template, TemplateUse};
use crate::http::PageWrite;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/templates/preview", web::post().to(preview));
}

async fn preview(_who: PageWrite, typed: Typed) -> Answer {
    if let Some(read) = destinations::filled(typed.get("kind"), typed.get("template").trim()) {
        let body = match read {
            Ok(filled) => json!({ "filled": filled }),
            Err(slip) => json!({ "message": slip.why, "start": slip.start, "end": slip.end }),
        };
        return Ok(HttpResponse::Ok().json(body));
    }
    let template_use = if typed.get("kind") == "lander" { TemplateUse::Lander } else { TemplateUse::Offer };
    let text = typed.get("template").trim();
    if text.is_empty() {
        return Ok(HttpResponse::Ok().json(json!({ "filled": "" })));
    }
    let body = match Template::parse(text, template_use) {
        Ok(template) => json!({ "filled": template.fill(&SampleClick) }),
        Err(error) => match error.column.checked_sub(1) {
            Some(start) => {
                let end = start + error.found.chars().count();
                json!({ "message": error.to_string(), "start": start, "end": end })
            }
            None => json!({ "message": error.to_string() }),
        },
    };
    Ok(HttpResponse::Ok().json(body))
}
