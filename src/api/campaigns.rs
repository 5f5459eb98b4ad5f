//! `/campaigns`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::campaign::{Campaign as Noun, CampaignPath, Redirect, Weighted};
use crate::domain::lander::EntityStatus;
use crate::domain::source::CostModel;
use crate::entities;
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

resource!(campaigns);

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    slug: String,
    url: String,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: Redirect,
    unique_window_hours: i64,
    paths: Vec<PathBody>,
    fallback_url: String,
    cost_model: Option<CostModel>,
    cost_amount: Option<String>,
    status: EntityStatus,
    is_test: bool,
    tags: Vec<String>,
    notes: String,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct PathBody {
    id: Option<i64>,
    name: String,
    weight: i64,
    status: EntityStatus,
    landers: Vec<LanderEntry>,
    offers: Vec<OfferEntry>,
}

#[derive(Serialize)]
struct LanderEntry {
    lander_id: i64,
    weight: i64,
}

#[derive(Serialize)]
struct OfferEntry {
    offer_id: i64,
    weight: i64,
}

impl From<CampaignPath> for PathBody {
    fn from(path: CampaignPath) -> Self {
        let lander = |entry: Weighted| LanderEntry { lander_id: entry.id, weight: entry.weight };
        let offer = |entry: Weighted| OfferEntry { offer_id: entry.id, weight: entry.weight };
        Self {
            id: path.id,
            name: path.name,
            weight: path.weight,
            status: path.status,
            landers: path.landers.into_iter().map(lander).collect(),
            offers: path.offers.into_iter().map(offer).collect(),
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "every resource has the same form, and some read the database")]
fn bodies(_: &App, public_url: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| Body {
        id: one.id,
        name: one.value.name,
        url: entities::campaign_url(public_url, &one.value.slug),
        slug: one.value.slug,
        source_id: one.value.source_id,
        owner_id: one.value.owner_id,
        append_query: one.value.append_query,
        redirect: one.value.redirect,
        unique_window_hours: one.value.unique_window_hours,
        paths: one.value.paths.into_iter().map(PathBody::from).collect(),
        fallback_url: one.value.fallback_url,
        cost_model: one.value.cost_model,
        cost_amount: one.value.cost_amount.map(|money| money.to_string()),
        status: one.value.status,
        is_test: one.value.is_test,
        tags: one.value.tags,
        notes: one.value.notes,
        created_at: instant(one.created_at_ms),
        updated_at: instant(one.updated_at_ms),
    };
    Ok(saved.into_iter().map(body).collect())
}
