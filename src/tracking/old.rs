//! The addresses of the tracker before: a campaign's links go on working here.
//!
//! This door is asked last of those for clicks and postbacks, and takes only what an old address is known for: where none is,
//! nothing is looked up.

use super::answer::{nowhere, redirect, wrong_method};
use super::click::show_old;
use super::postback::receive_old;
use crate::domain::campaign::Redirect;
use crate::domain::old_door::OldDoor;
use crate::http::Tracker;
use crate::routing::{CampaignRoute, Catalog};
use actix_web::dev::{
    AppService, HttpServiceFactory, Payload, ResourceDef, ServiceRequest, ServiceResponse, fn_service,
};
use actix_web::guard::{self, Guard, GuardContext};
use actix_web::http::Method;
use actix_web::{Error, FromRequest as _, HttpRequest, HttpResponse, web};
use std::sync::Arc;

/// What stands at an old address.
enum Old {
    /// A campaign's link.
    Campaign(Arc<CampaignRoute>),
    /// Where postbacks went, with the key in it where it has one.
    Postback(OldDoor, String),
    /// A lander's button, and where it is here.
    Button(String),
}

/// What stands at an address that is none of ours.
fn read(catalog: &Catalog, path: &str, query: &str) -> Option<Old> {
    let link = || catalog.aliases().find(path, query).map(|campaign| Old::Campaign(Arc::clone(campaign)));
    postback(catalog, path, query).or_else(link).or_else(|| button(catalog, path, query))
}

/// An address that postbacks went to, where it is kept open. Binom has links there too: its click id tells them apart.
fn postback(catalog: &Catalog, path: &str, query: &str) -> Option<Old> {
    let doors = catalog.old_doors();
    let path = path.strip_suffix('/').unwrap_or(path);
    let door = match path {
        "/click.php" | "/click" if has(query, "cnv_id") => OldDoor::Binom,
        "/cf/cv" | "/cf/postback" => OldDoor::ClickFlare,
        _ => {
            let key = path.strip_prefix('/')?.strip_suffix("/postback")?;
            let is_known = doors.is_key(key) || catalog.by_old_key(key).is_some();
            return is_known.then(|| Old::Postback(OldDoor::WithoutKey, key.to_owned()));
        }
    };
    doors.has(door).then(|| Old::Postback(door, String::new()))
}

/// The lander's button that an address was: `/click`, `/click/2`, and Binom's `/click.php?lp=1` with the offer's number.
fn button(catalog: &Catalog, path: &str, query: &str) -> Option<Old> {
    if !catalog.old_doors().buttons {
        return None;
    }
    let number = match path.strip_suffix('/').unwrap_or(path) {
        "/click" => value_of(query, "to_offer"),
        "/click.php" if has(query, "lp") => value_of(query, "to_offer"),
        other => Some(other.strip_prefix("/click/")?),
    };
    let address = match number {
        None => "/go".to_owned(),
        Some(number) => format!("/go/{}", number.parse::<u16>().ok()?),
    };
    Some(Old::Button(if query.is_empty() { address } else { format!("{address}?{query}") }))
}

/// The first value of a parameter that is not empty, as it was written.
fn value_of<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    values.find(|value| !value.is_empty())
}

fn has(query: &str, name: &str) -> bool {
    let is_it =
        |pair: &str| pair.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    query.split('&').any(is_it)
}

/// The door of old addresses.
pub struct Door;

impl HttpServiceFactory for Door {
    fn register(self, config: &mut AppService) {
        let service = fn_service(|request: ServiceRequest| async move {
            let (request, mut body) = request.into_parts();
            let response = answer(&request, &mut body).await;
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

async fn answer(request: &HttpRequest, body: &mut Payload) -> HttpResponse {
    let Some(tracker) = request.app_data::<web::Data<Tracker>>() else { return nowhere() };
    match read(&tracker.catalog.get(), request.path(), request.query_string()) {
        Some(Old::Campaign(campaign)) => click(request, tracker, &campaign).await,
        Some(Old::Postback(door, key)) => {
            // A look by HEAD must not record a conversion.
            if !matches!(*request.method(), Method::GET | Method::POST) {
                return wrong_method("GET, POST");
            }
            match web::Payload::from_request(request, body).await {
                Ok(body) => receive_old(request, tracker, (door, key), body).await,
                Err(_) => nowhere(),
            }
        }
        // The button's cookie comes to its own address alone, so the visitor is led there.
        Some(Old::Button(address)) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            redirect(tracker, &address, Redirect::Found, &[])
        }
        Some(Old::Button(_)) => wrong_method("GET, HEAD"),
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
