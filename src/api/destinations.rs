//! `/destinations`

mod trial;

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::destination::{BodyKind, Destination as Noun, DestinationMethod, Fire, Oauth};
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use crate::entities::{self, Fields};
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) use trial::configure as configure_trial;

// A new one may name a preset, with `values` that only the user has.
resource!(destinations, fields: sealed, new: entities::destinations::filled);

fn sealed(app: &App, fields: Fields) -> Result<Fields, entities::Error> {
    entities::destinations::sealed(fields, &app.vault)
}

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    source_id: Option<i64>,
    campaign_id: Option<i64>,
    offer_id: Option<i64>,
    replaces_global: bool,
    fire: Fire,
    events: Vec<String>,
    statuses: Vec<Status>,
    method: DestinationMethod,
    url: String,
    /// Names alone: a value is written and never read. Sent back with null, a name keeps its value.
    headers: BTreeMap<String, ()>,
    /// Where access tokens are fetched, and the names of the words with which. Null where none are needed.
    oauth: Option<OauthBody>,
    body_kind: BodyKind,
    body: String,
    success_match: String,
    delay_seconds: i64,
    test: bool,
    preset: Option<String>,
    status: EntityStatus,
    created_at: String,
    updated_at: String,
}

/// Written and never read, but for the address. Sent back with null, a word keeps its value.
#[derive(Serialize)]
struct OauthBody {
    token_url: String,
    client_id: (),
    client_secret: (),
    refresh_token: (),
}

impl From<Oauth> for OauthBody {
    fn from(oauth: Oauth) -> Self {
        Self { token_url: oauth.token_url, client_id: (), client_secret: (), refresh_token: () }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "every resource has the same form, and some read the database")]
fn bodies(_: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| {
        let value = one.value;
        Body {
            id: one.id,
            name: value.name,
            source_id: value.source_id,
            campaign_id: value.campaign_id,
            offer_id: value.offer_id,
            replaces_global: value.replaces_global,
            fire: value.fire,
            events: value.events,
            statuses: value.statuses,
            method: value.method,
            url: value.url,
            headers: value.headers.0.into_keys().map(|name| (name, ())).collect(),
            oauth: value.oauth.map(OauthBody::from),
            body_kind: value.body_kind,
            body: value.body,
            success_match: value.success_match,
            delay_seconds: value.delay_seconds,
            test: value.is_test,
            preset: value.preset,
            status: value.status,
            created_at: instant(one.created_at_ms),
            updated_at: instant(one.updated_at_ms),
        }
    };
    Ok(saved.into_iter().map(body).collect())
}
