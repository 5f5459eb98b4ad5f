//! The API, version 1: JSON under `/api/v1`, by token. One file per resource.

mod advertisers;
mod campaigns;
mod clicks;
mod conversions;
mod deliveries;
mod destinations;
mod domains;
mod foreign_clicks;
mod landers;
mod list;
mod lists;
mod log_query;
#[cfg(test)]
mod log_tests;
mod metrics;
mod offers;
mod postbacks;
mod presets;
mod rates;
mod recalculations;
mod reconciliations;
mod replays;
mod reports;
mod resource;
mod settings;
mod sources;
mod templates;
#[cfg(test)]
mod tests;
mod trace;
mod words;

use crate::http::{Error, RequestSpan, api_door};
use actix_web::{HttpResponse, middleware, web};
use tracing_actix_web::TracingLogger;

/// What a handler answers.
type Answer = Result<HttpResponse, Error>;

/// Hangs the API under `/api`. The state must be attached as `web::Data<http::App>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.configure(metrics::configure);
    let version_1 = web::scope("/v1").configure(version_1).default_service(web::to(no_such_address));
    cfg.service(
        web::scope("/api")
            .wrap(middleware::from_fn(api_door))
            .wrap(TracingLogger::<RequestSpan>::new())
            .service(version_1)
            .default_service(web::to(no_such_address)),
    );
}

fn version_1(cfg: &mut web::ServiceConfig) {
    cfg.configure(advertisers::configure)
        .configure(advertisers::configure_console)
        .configure(advertisers::configure_credentials)
        .configure(offers::configure)
        .configure(landers::configure)
        .configure(sources::configure)
        .configure(trace::configure)
        .configure(campaigns::configure)
        .configure(domains::configure)
        .configure(destinations::configure)
        .configure(destinations::configure_trial)
        .configure(deliveries::configure)
        .configure(foreign_clicks::configure)
        .configure(settings::configure)
        .configure(lists::configure_values)
        .configure(lists::configure)
        .configure(templates::configure)
        .configure(clicks::configure)
        .configure(conversions::configure)
        .configure(recalculations::configure)
        .configure(replays::configure)
        .configure(postbacks::configure)
        .configure(presets::configure)
        .configure(rates::configure)
        .configure(reconciliations::configure)
        .configure(reports::configure);
}

async fn no_such_address() -> Answer {
    Err(Error::NotFound)
}
