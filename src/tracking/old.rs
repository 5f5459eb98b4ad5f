//! The addresses of the tracker before: a campaign's links go on working here.
//!
//! This door is asked last of those for clicks and postbacks, and takes only what an old address is known for: where none is,
//! nothing is looked up.

use super::answer::{nowhere, wrong_method};
use super::click::show_old;
use crate::http::Tracker;
use crate::routing::{CampaignRoute, Catalog};
use actix_web::dev::{
    AppService, HttpServiceFactory, ResourceDef, ServiceRequest, ServiceResponse, fn_service,
};
use actix_web::guard::{self, Guard, GuardContext};
use actix_web::http::Method;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use std::sync::Arc;

/// What stands at an old address.
enum Old {
    /// A campaign's link.
    Campaign(Arc<CampaignRoute>),
}

/// What stands at an address that is none of ours.
fn read(catalog: &Catalog, path: &str, query: &str) -> Option<Old> {
    catalog.aliases().find(path, query).map(|campaign| Old::Campaign(Arc::clone(campaign)))
}

/// The door of old addresses.
pub struct Door;

impl HttpServiceFactory for Door {
    fn register(self, config: &mut AppService) {
        let service = fn_service(|request: ServiceRequest| async move {
            let (request, _) = request.into_parts();
            let response = answer(&request).await;
            Ok::<_, Error>(ServiceResponse::new(request, response))
        });
        let known: Box<dyn Guard> = Box::new(guard::fn_guard(is_old));
        config.register_service(ResourceDef::prefix(""), Some(vec![known]), service, None);
    }
}

/// Whether a request came to an old address.
fn is_old(context: &GuardContext<'_>) -> bool {
    let Some(tracker) = context.app_data::<web::Data<Tracker>>() else { return false };
    let uri = &context.head().uri;
    read(&tracker.catalog.get(), uri.path(), uri.query().unwrap_or_default()).is_some()
}

async fn answer(request: &HttpRequest) -> HttpResponse {
    let Some(tracker) = request.app_data::<web::Data<Tracker>>() else { return nowhere() };
    match read(&tracker.catalog.get(), request.path(), request.query_string()) {
        Some(Old::Campaign(campaign)) => click(request, tracker, &campaign).await,
        // It was taken away between two looks.
        None => nowhere(),
    }
}

/// A click on a campaign's old link.
pub async fn click(request: &HttpRequest, tracker: &Tracker, campaign: &CampaignRoute) -> HttpResponse {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        show_old(request, tracker, campaign).await
    } else {
        wrong_method("GET, HEAD")
    }
}

/// The campaign whose old link has the form of a lander's button here, as `/go/{uuid}` has.
pub fn campaign_behind_button(request: &HttpRequest, tracker: &Tracker) -> Option<Arc<CampaignRoute>> {
    let button = request.match_info().get("button")?;
    if button.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    tracker.catalog.get().aliases().find(request.path(), request.query_string()).cloned()
}
