//! `/offers`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::Country;
use crate::domain::cap::Cap;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::money::Money;
use crate::domain::offer::{AtCap, Offer as Noun, OfferEvent, RevenueMode, percent_text};
use crate::entities;
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

resource!(offers);

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    advertiser_id: Option<i64>,
    url: String,
    currency: Currency,
    revenue: Option<String>,
    revenue_percent: Option<String>,
    revenue_mode: RevenueMode,
    events: Vec<EventBody>,
    preview_url: String,
    countries: Vec<Country>,
    caps: Vec<Cap>,
    at_cap: AtCap,
    active_from: Option<String>,
    active_until: Option<String>,
    status: EntityStatus,
    tags: Vec<String>,
    notes: String,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct EventBody {
    event: String,
    revenue: Option<String>,
    payout: Option<String>,
    revenue_mode: RevenueMode,
    counts_as_conversion: bool,
    counts_in_revenue: bool,
}

impl From<OfferEvent> for EventBody {
    fn from(event: OfferEvent) -> Self {
        let text = |money: Option<Money>| money.map(|money| money.to_string());
        Self {
            revenue: text(event.revenue),
            payout: text(event.payout),
            event: event.event,
            revenue_mode: event.revenue_mode,
            counts_as_conversion: event.counts_as_conversion,
            counts_in_revenue: event.counts_in_revenue,
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "every resource has the same form, and some read the database")]
fn bodies(_: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| Body {
        id: one.id,
        name: one.value.name,
        advertiser_id: one.value.advertiser_id,
        url: one.value.url,
        currency: one.value.currency,
        revenue: one.value.revenue.map(|money| money.to_string()),
        revenue_percent: one.value.revenue_percent_millionths.map(percent_text),
        revenue_mode: one.value.revenue_mode,
        events: one.value.events.into_iter().map(EventBody::from).collect(),
        preview_url: one.value.preview_url,
        countries: one.value.countries,
        caps: one.value.caps,
        at_cap: one.value.at_cap,
        active_from: one.value.active_from_ms.map(instant),
        active_until: one.value.active_until_ms.map(instant),
        status: one.value.status,
        tags: one.value.tags,
        notes: one.value.notes,
        created_at: instant(one.created_at_ms),
        updated_at: instant(one.updated_at_ms),
    };
    Ok(saved.into_iter().map(body).collect())
}
