//! `/advertisers/{id}/rotate-key` and `/rotate-secret`: new credentials, the old ones going on for a while.

use super::{Body, body};
use crate::api::{Answer, resource};
use crate::entities::{self, Fields};
use crate::http::{App, Error, Writer, changing, json_fields, now_ms};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

/// Hangs the addresses.
pub(in crate::api) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/advertisers/{id}/rotate-key")
            .route(web::post().to(rotate_key))
            .default_service(web::to(resource::takes_post)),
    );
    cfg.service(
        web::resource("/advertisers/{id}/rotate-secret")
            .route(web::post().to(rotate_secret))
            .default_service(web::to(resource::takes_post)),
    );
}

/// The fields of a body that need not come.
async fn given(request: &HttpRequest, payload: web::Payload) -> Result<Fields, Error> {
    if request.headers().contains_key(CONTENT_TYPE) {
        json_fields(request, payload).await
    } else {
        Ok(Fields::default())
    }
}

/// Answers the whole advertiser, with the new key and until when the old one works.
async fn rotate_key(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let fields = given(&request, payload).await?;
    let saved = changing(&app, move |app| {
        entities::credentials::rotate_key(&app.db, id, &fields, now_ms())?;
        entities::advertisers::find(&app.db, id)
    });
    let body = body(&app, &request, saved.await?).await?;
    Ok(HttpResponse::Ok().json(body))
}

/// An advertiser with its new secret, which no other answer tells.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    body: Body,
    hmac_secret: String,
}

/// Answers the whole advertiser, with the new secret this once and until when the old one works.
async fn rotate_secret(
    _who: Writer,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let fields = given(&request, payload).await?;
    let made = changing(&app, move |app| {
        let secret = entities::credentials::rotate_secret(&app.db, &app.vault, id, &fields, now_ms())?;
        Ok::<_, entities::Error>((entities::advertisers::find(&app.db, id)?, secret))
    });
    let (saved, hmac_secret) = made.await?;
    let body = body(&app, &request, saved).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Made { body, hmac_secret }))
}
