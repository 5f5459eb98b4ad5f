//! `/deliveries/{id}/resend` and `/deliveries/resend`: one or many, sent again.

use super::{OWN, found, query};
use crate::api::log_query::log_filter;
use crate::api::{Answer, resource};
use crate::domain::delivery::{DeliveryState, RESENT_MAX};
use crate::domain::input::FieldErrors;
use crate::entities::Fields;
use crate::http::resends::{Chosen, resend};
use crate::http::{App, Error, Writer, json_fields};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

/// Hangs the addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/deliveries/resend")
            .route(web::post().to(many))
            .default_service(web::to(resource::takes_post)),
    );
    cfg.service(
        web::resource("/deliveries/{id}/resend")
            .route(web::post().to(one))
            .default_service(web::to(resource::takes_post)),
    );
}

/// Why one is left as it is.
const LEFT: &str = "It is being sent just now, or its destination is off: look at it again, or set the destination's status to active";

/// `POST /deliveries/{id}/resend`: the delivery as it stands then.
async fn one(_who: Writer, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let outcome = resend(&app, Chosen::Ids(vec![id])).await?;
    if !outcome.not_found.is_empty() {
        return Err(Error::NotFound);
    }
    if outcome.resent == 0 {
        return Err(Error::Conflict(FieldErrors::one("state", LEFT)));
    }
    found(&app, id).await
}

/// `POST /deliveries/resend` with `ids` or `filter`: how many are sent again.
async fn many(_who: Writer, app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> Answer {
    let outcome = resend(&app, chosen(&json_fields(&request, payload).await?)?).await?;
    Ok(HttpResponse::Ok().json(json!({
        "resent": outcome.resent,
        "left": outcome.left,
        "not_found": outcome.not_found,
        "more": outcome.is_more,
    })))
}

fn chosen(fields: &Fields) -> Result<Chosen, FieldErrors> {
    let mut errors = FieldErrors::default();
    for name in fields.keys().filter(|name| !["ids", "filter"].contains(&name.as_str())) {
        errors.push(name, "There is no such field: write ids, or filter with the log's filters");
    }
    errors.into_result()?;
    match (fields.get("ids"), fields.get("filter")) {
        (Some(listed), None) => {
            let numbers: Option<Vec<i64>> =
                listed.as_array().and_then(|ids| ids.iter().map(Value::as_i64).collect());
            let numbers = numbers.filter(|ids| (1..=RESENT_MAX).contains(&ids.len()));
            let wanted = || format!("Must be a list of 1 to {RESENT_MAX} numbers of deliveries");
            numbers.map(Chosen::Ids).ok_or_else(|| FieldErrors::one("ids", wanted()))
        }
        (None, Some(Value::Object(filter))) => {
            let mut asked = log_filter(filter, &OWN).map_err(|mut errors| {
                errors.0.iter_mut().for_each(|error| error.field = format!("filter.{}", error.field));
                errors
            })?;
            // What was sent is sent again by mistake only where nobody said so.
            asked.state = Some(asked.state.unwrap_or(DeliveryState::Failed));
            Ok(Chosen::Filter(Box::new(query(asked))))
        }
        (None, Some(_)) => Err(FieldErrors::one(
            "filter",
            "Must be an object with the log's filters, like {\"state\":\"failed\",\"destination_id\":3}",
        )),
        _ => Err(FieldErrors::one("ids", "Write either ids, or filter with the log's filters")),
    }
}
