//! The dashboards: one file per page family, each with the structs its templates are rendered from.
//!
//! Every value here is ready to be shown: money, times and ratios arrive as text, and templates do no arithmetic.
//! A ratio with nothing under it is "–", a loss has a real minus sign ("−$28.11") and a gain a plus sign.

mod assets;
mod attention;
mod campaign_table;
mod campaigns_list;
mod caps;
mod checks;
mod choosing;
mod click_story;
mod dashboard_parts;
mod desk;
mod editing;
mod lists;
mod log;
mod test_steps;
mod typed;
mod unusual_shares;
mod view;
mod words;

pub mod advertisers;
pub mod campaigns;
pub mod clicks;
pub mod conversions;
pub mod dashboard;
pub mod errors;
pub mod forms;
pub mod imports;
pub mod journal_health;
mod landers;
pub mod layout;
pub mod offers;
pub mod parts;
pub mod postbacks;
pub mod recalculations;
pub mod reconcile;
pub mod search;
pub mod settings;
pub mod setup;
pub mod sign_in;
pub mod sources;
pub mod start;
pub mod tables;
pub mod value_lists;

mod templates;

use crate::http::limits::limit_forms;
use crate::http::{Error, Problem, RequestSpan, page_door};
use actix_web::{HttpResponse, middleware, web};
use askama::Template as _;
use tracing_actix_web::TracingLogger;

/// What a handler answers.
type Answer = Result<HttpResponse, Error>;

/// Hangs the pages under `/`. The state must be attached as `web::Data<http::App>` and
/// `web::Data<http::Tracker>`.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::scope("")
            .wrap(middleware::from_fn(page_door))
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(middleware::Compress::default())
            .route("/static/{path:.*}", web::get().to(assets::show))
            .configure(setup::configure)
            .configure(sign_in::configure)
            .configure(start::configure)
            .configure(dashboard::configure)
            .configure(attention::configure)
            .configure(search::configure)
            .configure(campaigns_list::configure)
            .configure(campaigns::configure)
            .configure(offers::configure)
            .configure(landers::configure)
            .configure(value_lists::configure)
            .configure(sources::configure)
            .configure(advertisers::configure)
            .configure(clicks::configure)
            .configure(imports::configure)
            .configure(conversions::configure)
            .configure(recalculations::configure)
            .configure(postbacks::configure)
            .configure(reconcile::configure)
            .configure(settings::configure)
            .configure(templates::configure)
            .configure(limit_forms)
            .default_service(web::to(no_such_page)),
    );
}

async fn no_such_page() -> Answer {
    Err(Error::NotFound)
}

/// Draws the page of an error.
#[must_use]
pub fn error_page(problem: &Problem) -> String {
    let page = match problem.status {
        403 => errors::ErrorPage::forbidden(),
        404 => errors::ErrorPage::not_found(),
        500 => errors::ErrorPage::internal(&problem.request_id),
        503 => errors::ErrorPage::unavailable(&problem.request_id),
        status => errors::ErrorPage {
            status: status.to_string(),
            title: problem.title.to_owned(),
            text: problem.detail.clone(),
            request_id: String::new(),
            has_way_back: true,
        },
    };
    // A template of plain texts cannot fail; the words alone would do.
    page.render().unwrap_or_else(|_| problem.title.to_owned())
}
