//! `/clicks`: the log, and one click with all that came of it.

use super::list::Page;
use super::log_query::log_query;
use super::words::instant;
use super::{Answer, conversions, deliveries, postbacks, resource};
use crate::db::click_log::{self, ClickQuery, StoredClick};
use crate::db::stories::{self, Story};
use crate::domain::bot::BotReason;
use crate::domain::click::{LpClickRecord, RouteRefusal};
use crate::domain::click_id::ClickId;
use crate::domain::device::Device;
use crate::domain::figures::Bots;
use crate::domain::money::{Currency, Money};
use crate::http::{App, Error, Reader, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::collections::BTreeMap;

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/clicks").route(web::get().to(list)).default_service(web::to(resource::takes_reading)),
    );
    cfg.service(
        web::resource("/clicks/{click_id}")
            .route(web::get().to(show))
            .default_service(web::to(resource::takes_reading)),
    );
}

#[derive(Serialize)]
struct Body {
    click_id: String,
    clicked_at: String,
    campaign_id: i64,
    source_id: Option<i64>,
    path_id: Option<i64>,
    rule_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    last_offer_id: Option<i64>,
    lp_click_count: i64,
    refusal: Option<RouteRefusal>,
    external_id: Option<Box<str>>,
    /// In the account currency; nothing where no cost is known.
    cost: Option<String>,
    cost_original: Option<String>,
    cost_currency: Option<Currency>,
    country: Option<String>,
    region: Option<Box<str>>,
    city: Option<Box<str>>,
    isp: Option<Box<str>>,
    asn: Option<i64>,
    connection: Option<Box<str>>,
    device: Device,
    brand: Option<Box<str>>,
    model: Option<Box<str>>,
    os: Option<Box<str>>,
    os_version: Option<Box<str>>,
    browser: Option<Box<str>>,
    browser_version: Option<Box<str>>,
    language: Option<String>,
    referrer_host: Option<Box<str>>,
    address: Option<String>,
    domain: Option<Box<str>>,
    is_unique: bool,
    is_bot: bool,
    bot_reason: Option<BotReason>,
    is_test: bool,
    is_cut: bool,
    params: BTreeMap<Box<str>, Box<str>>,
    subs: BTreeMap<String, Box<str>>,
}

#[derive(Serialize)]
struct LpClickBody {
    clicked_at: String,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
}

#[derive(Serialize)]
struct StoryBody {
    #[serde(flatten)]
    click: Body,
    user_agent: Box<str>,
    /// Its id at the tracker before, where it was imported from there.
    foreign_id: Option<String>,
    path_name: Option<String>,
    lp_clicks: Vec<LpClickBody>,
    postbacks: Vec<postbacks::Body>,
    conversions: Vec<conversions::Body>,
    deliveries: Vec<deliveries::Body>,
}

fn body(click: StoredClick) -> Body {
    let record = click.record;
    let is_known = record.cost_original_micros.is_some() || record.cost_micros != 0;
    let money = |micros: i64| Money::from_micros(micros).to_string();
    Body {
        click_id: record.id.to_string(),
        clicked_at: instant(record.clicked_at_ms),
        campaign_id: record.campaign_id,
        source_id: record.source_id,
        path_id: record.path_id,
        rule_id: record.rule_id,
        lander_id: record.lander_id,
        offer_id: record.offer_id,
        last_offer_id: click.last_offer_id,
        lp_click_count: click.lp_clicks,
        refusal: record.refusal,
        external_id: record.external_id,
        cost: is_known.then(|| money(record.cost_micros)),
        cost_original: record.cost_original_micros.map(money),
        cost_currency: record.cost_currency,
        country: record.country.map(|country| country.as_str().to_owned()),
        region: record.region,
        city: record.city,
        isp: record.isp,
        asn: record.asn,
        connection: record.connection,
        device: record.device,
        brand: record.brand,
        model: record.model,
        os: record.os,
        os_version: record.os_version,
        browser: record.browser,
        browser_version: record.browser_version,
        language: record.language.map(|language| language.as_str().to_owned()),
        referrer_host: record.referrer_host,
        address: record.address.map(|address| address.to_string()),
        domain: record.domain,
        is_unique: record.is_unique,
        is_bot: record.bot.is_some(),
        bot_reason: record.bot,
        is_test: record.is_test,
        is_cut: record.is_cut,
        params: record.params.into_iter().collect(),
        subs: record.subs.into_iter().map(|(slot, value)| (format!("sub{slot}"), value)).collect(),
    }
}

fn story_body(mut story: Story) -> StoryBody {
    let lp_click = |press: LpClickRecord| LpClickBody {
        clicked_at: instant(press.clicked_at_ms),
        lander_id: press.lander_id,
        offer_id: press.offer_id,
    };
    StoryBody {
        user_agent: std::mem::take(&mut story.click.record.agent),
        click: body(story.click),
        foreign_id: story.foreign_id,
        path_name: story.path_name,
        lp_clicks: story.lp_clicks.into_iter().map(lp_click).collect(),
        postbacks: story.postbacks.into_iter().map(postbacks::body).collect(),
        conversions: conversions::bodies(story.conversions, story.changes),
        deliveries: story.deliveries.into_iter().map(deliveries::body).collect(),
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let query = log_query(request.query_string(), &["campaign_id", "click_id", "bots"])?;
    let (page, page_size) = (query.list.page, query.list.page_size);
    let wanted = ClickQuery {
        from_ms: query.from_ms,
        to_ms: query.to_ms,
        campaign_id: query.campaign_id,
        bots: query.bots.unwrap_or(Bots::Include),
        is_test: query.is_test,
        // A click id is found under `q` too, as on the page.
        click_id: query.click_id.or_else(|| ClickId::parse(&query.list.q)),
        offset: query.list.offset(),
        limit: query.list.limit(),
        q: if ClickId::parse(&query.list.q).is_some() { String::new() } else { query.list.q },
    };
    let listed = reading(&app, move |app| app.db.read(|conn| click_log::list(conn, &wanted))).await?;
    let items = listed.items.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = ClickId::parse(&id).ok_or(Error::NotFound)?;
    let story = reading(&app, move |app| app.db.read(|conn| stories::find(conn, id))).await?;
    Ok(HttpResponse::Ok().json(story_body(story.ok_or(Error::NotFound)?)))
}
