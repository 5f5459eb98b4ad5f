//! `/campaigns/{id}/trace`: the way that a click with some facts would take.

use super::{Answer, resource};
use crate::http::{App, Error, Player, Reader, Tracker, blocking, follow, json_fields};
use crate::routing::{Catalog, Trace};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Hangs the address.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/campaigns/{id}/trace")
            .route(web::post().to(show))
            .default_service(web::to(resource::takes_post)),
    );
}

/// Records nothing, so a token that may only read is enough.
async fn show(
    _who: Reader,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let player = Player::read(&json_fields(&request, payload).await?)?;
    let body = blocking(move || {
        let traced = follow(&app, &tracker, id, &player)?;
        Ok::<_, Error>(body(&traced, &tracker.catalog.get()))
    })
    .await?;
    Ok(HttpResponse::Ok().json(body))
}

fn body(traced: &Trace, catalog: &Catalog) -> Value {
    let click = &traced.record;
    let mut steps: Vec<Value> = traced
        .rules
        .iter()
        .map(|rule| {
            json!({"step": "rule", "id": rule.id, "name": rule.name, "when": rule.sentence, "holds": rule.holds,
                "reason": rule.reason})
        })
        .collect();
    if let Some(id) = click.path_id {
        let name = catalog.path(click.campaign_id, id).map(|path| &*path.name);
        steps.push(json!({"step": "path", "id": id, "name": name, "rule_id": click.rule_id}));
    }
    if let Some(id) = click.lander_id {
        let landers =
            click.path_id.and_then(|path| catalog.path(click.campaign_id, path)).map(|path| &path.landers);
        let drawn = landers.into_iter().flatten().find(|(lander, _)| lander.id == id);
        steps.push(json!({"step": "lander", "id": id, "name": drawn.map(|(lander, _)| &lander.name)}));
    }
    if let Some(id) = click.offer_id {
        let name = catalog.offer(id).map(|route| route.offer.name.as_str());
        steps.push(json!({"step": "offer", "id": id, "name": name}));
    }
    if let Some(refusal) = click.refusal {
        steps.push(json!({"step": "fallback", "reason": refusal}));
    }
    json!({
        "facts": {
            "country": click.country, "region": click.region, "city": click.city, "isp": click.isp, "asn": click.asn,
            "connection": click.connection, "device": click.device, "brand": click.brand, "model": click.model,
            "os": click.os, "os_version": click.os_version, "browser": click.browser,
            "browser_version": click.browser_version, "language": click.language,
            "referrer_host": click.referrer_host, "unique": click.is_unique, "bot": click.bot,
        },
        "steps": steps,
        "rule_id": click.rule_id,
        "path_id": click.path_id,
        "lander_id": click.lander_id,
        "offer_id": click.offer_id,
        "refusal": click.refusal,
        "url": traced.url,
    })
}
