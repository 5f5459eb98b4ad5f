//! `/advertisers/{id}/rotate-key`: new credentials, the old ones going on for a while.

use super::body;
use crate::api::{Answer, resource};
use crate::entities;
use crate::http::{App, Writer, changing, json_fields, now_ms};
use actix_web::{HttpRequest, HttpResponse, web};

/// Hangs the addresses.
pub(in crate::api) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/advertisers/{id}/rotate-key")
            .route(web::post().to(rotate_key))
            .default_service(web::to(resource::takes_post)),
    );
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
    let fields = json_fields(&request, payload).await?;
    let saved = changing(&app, move |app| {
        entities::credentials::rotate_key(&app.db, id, &fields, now_ms())?;
        entities::advertisers::find(&app.db, id)
    });
    let body = body(&app, &request, saved.await?).await?;
    Ok(HttpResponse::Ok().json(body))
}
