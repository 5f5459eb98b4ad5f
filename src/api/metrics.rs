//! `/metrics`: what this process counts, for Prometheus.

use super::Answer;
use crate::clicks::Journal;
use crate::http::{Reader, RequestSpan, Tracker, api_door, metrics, now_ms};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, middleware, web};
use std::sync::Arc;
use tracing_actix_web::TracingLogger;

/// The address, beside those of the API: by token like them, since the figures are nobody else's business.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/metrics")
            .wrap(middleware::from_fn(api_door))
            .wrap(TracingLogger::<RequestSpan>::new())
            .route(web::get().to(show)),
    );
}

async fn show(_who: Reader, tracker: web::Data<Tracker>, journal: web::Data<Arc<Journal>>) -> Answer {
    // Looks at the journal's folder.
    let text = web::block(move || metrics::text(&tracker, &journal, now_ms())).await;
    let text = text.map_err(|_canceled| crate::http::Error::Internal("the look was cut short".to_owned()))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
        .body(text))
}
