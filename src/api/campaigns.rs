//! `/campaigns`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::campaign::{
    Campaign as Noun, CampaignPath, CampaignRule, Redirect, Target, Weighted, WeightedTarget,
};
use crate::domain::lander::EntityStatus;
use crate::domain::rule::Conditions;
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
    aliases: Vec<String>,
    domain_id: Option<i64>,
    url: String,
    /// The same with what its source fills in: the source's own macros, raw, ready to paste.
    url_with_macros: String,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: Redirect,
    sticky: bool,
    smart_order: bool,
    skip_converted: bool,
    unique_window_hours: i64,
    paths: Vec<PathBody>,
    rules: Vec<RuleBody>,
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

/// An offer, or a campaign in the place of one.
#[derive(Serialize)]
struct OfferEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<i64>,
    weight: i64,
}

#[derive(Serialize)]
struct RuleBody {
    id: Option<i64>,
    name: String,
    status: EntityStatus,
    when: Conditions,
    paths: Vec<PathBody>,
}

impl From<CampaignRule> for RuleBody {
    fn from(rule: CampaignRule) -> Self {
        Self {
            id: rule.id,
            name: rule.name,
            status: rule.status,
            when: rule.when,
            paths: rule.paths.into_iter().map(PathBody::from).collect(),
        }
    }
}

impl From<CampaignPath> for PathBody {
    fn from(path: CampaignPath) -> Self {
        let lander = |entry: Weighted| LanderEntry { lander_id: entry.id, weight: entry.weight };
        let offer = |entry: WeightedTarget| {
            let (offer_id, campaign_id) = match entry.target {
                Target::Offer(id) => (Some(id), None),
                Target::Campaign(id) => (None, Some(id)),
            };
            OfferEntry { offer_id, campaign_id, weight: entry.weight }
        };
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
fn bodies(app: &App, public_url: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let catalog = app.catalog.get();
    let host = |id: Option<i64>| id.and_then(|id| catalog.hosts().tracking(id));
    let body = |one: Saved<Noun>| {
        let own_host = entities::on_host(public_url, host(one.value.domain_id));
        let url = entities::campaign_url(&own_host, &one.value.slug);
        let source = one.value.source_id.and_then(|id| catalog.source(id));
        Body {
            id: one.id,
            url_with_macros: source.map_or_else(|| url.clone(), |route| route.source.ready_url(&url)),
            name: one.value.name,
            domain_id: one.value.domain_id,
            url,
            slug: one.value.slug,
            aliases: one.value.aliases,
            source_id: one.value.source_id,
            owner_id: one.value.owner_id,
            append_query: one.value.append_query,
            redirect: one.value.redirect,
            sticky: one.value.sticky,
            smart_order: one.value.smart_order,
            skip_converted: one.value.skip_converted,
            unique_window_hours: one.value.unique_window_hours,
            paths: one.value.paths.into_iter().map(PathBody::from).collect(),
            rules: one.value.rules.into_iter().map(RuleBody::from).collect(),
            fallback_url: one.value.fallback_url,
            cost_model: one.value.cost_model,
            cost_amount: one.value.cost_amount.map(|money| money.to_string()),
            status: one.value.status,
            is_test: one.value.is_test,
            tags: one.value.tags,
            notes: one.value.notes,
            created_at: instant(one.created_at_ms),
            updated_at: instant(one.updated_at_ms),
        }
    };
    Ok(saved.into_iter().map(body).collect())
}
