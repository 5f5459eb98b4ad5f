//! `/lists`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::input::FieldErrors;
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{LIST_VALUES_MAX, ListKind, ValueList as Noun};
use crate::entities::{self, Fields};
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::{Value, json};

/// Values that a list's own answer shows; all of them are at `/lists/{id}/values`.
const VALUES_SHOWN: usize = 1_000;

resource!(lists);

/// Hangs the addresses of the values.
pub(super) fn configure_values(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/lists/{id}/values")
            .route(web::get().to(values))
            .route(web::post().to(add))
            .route(web::delete().to(remove))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, POST, DELETE"))
            })),
    );
}

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    kind: ListKind,
    values: Vec<String>,
    values_count: i64,
    status: EntityStatus,
    created_at: String,
    updated_at: String,
}

fn bodies(app: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| {
        let (values, values_count) = entities::lists::values(&app.db, one.id, VALUES_SHOWN)?;
        Ok(Body {
            id: one.id,
            name: one.value.name,
            kind: one.value.kind,
            values,
            values_count,
            status: one.value.status,
            created_at: instant(one.created_at_ms),
            updated_at: instant(one.updated_at_ms),
        })
    };
    saved.into_iter().map(body).collect()
}

async fn values(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let (values, count) = reading(&app, move |app| {
        entities::lists::find(&app.db, id)?;
        entities::lists::values(&app.db, id, LIST_VALUES_MAX)
    })
    .await?;
    Ok(HttpResponse::Ok().json(json!({ "values": values, "values_count": count })))
}

async fn add(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let (id, values) = (resource::id(&id)?, sent(json_fields(&request, payload).await?)?);
    let saved =
        changing(&app, move |app| entities::lists::add_values(&app.db, id, &values, now_ms())).await?;
    Ok(HttpResponse::Ok().json(body(&app, &request, saved).await?))
}

async fn remove(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let (id, values) = (resource::id(&id)?, sent(json_fields(&request, payload).await?)?);
    let saved =
        changing(&app, move |app| entities::lists::remove_values(&app.db, id, &values, now_ms())).await?;
    Ok(HttpResponse::Ok().json(body(&app, &request, saved).await?))
}

/// The values of `{"values":[...]}`.
fn sent(mut fields: Fields) -> Result<Value, FieldErrors> {
    let values = fields.remove("values");
    let mut errors = FieldErrors::default();
    for unknown in fields.keys() {
        errors.push(unknown, "There is no such field: write values");
    }
    match values {
        Some(values @ Value::Array(_)) => errors.into_result().map(|()| values),
        _ => {
            errors.push("values", "Must be a list of texts");
            Err(errors)
        }
    }
}
