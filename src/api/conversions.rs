//! `/conversions`: what was earned, with the history of each.

mod by_hand;
mod import;

use super::list::Page;
use super::log_query::log_query;
use super::words::instant;
use super::{Answer, resource};
use crate::conversions::{CHANGED_MAX, HandChange, HandOutcome};
use crate::db;
use crate::db::conversions::{self, Change, Conversion, ConversionQuery};
use crate::domain::anomaly::Anomaly;
use crate::domain::country::Country;
use crate::domain::device::Device;
use crate::domain::input::FieldErrors;
use crate::domain::money::{Currency, Money};
use crate::domain::origin::Origin;
use crate::domain::rate;
use crate::domain::status::Status;
use crate::http::{App, Error, Reader, Tracker, Writer, blocking, json_fields, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::net::IpAddr;

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.configure(import::configure);
    cfg.service(
        web::resource("/conversions")
            .route(web::get().to(list))
            .route(web::post().to(by_hand::create))
            .route(web::patch().to(update_many))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, POST, PATCH"))
            })),
    );
    cfg.service(
        web::resource("/conversions/{id}")
            .route(web::get().to(show))
            .route(web::patch().to(update))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, PATCH"))
            })),
    );
}

/// `PATCH /conversions/{id}` with `status`, `revenue` (in its own currency) and `why`: the whole conversion as it stands
/// then.
async fn update(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
    payload: web::Payload,
) -> Answer {
    let id = resource::id(&id)?;
    let asked = HandChange::read(&json_fields(&request, payload).await?)?;
    let outcomes = hand(&tracker, vec![id], asked, who.user.id).await?;
    match outcomes.first() {
        Some((_, HandOutcome::Changed | HandOutcome::Unchanged)) => found(&app, id).await,
        Some((_, HandOutcome::Repeated)) => Err(Error::Conflict(FieldErrors::one("status", REPEATED))),
        Some((_, HandOutcome::NotFound)) | None => Err(Error::NotFound),
    }
}

const REPEATED: &str =
    "A postback has made this conversion meanwhile: what the page reported of it can stay as it is";

/// `PATCH /conversions` with `ids` beside the same fields: each number stands under what became of it.
async fn update_many(
    who: Writer,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let mut fields = json_fields(&request, payload).await?;
    let ids = ids(fields.remove("ids").as_ref());
    let asked = match (ids, HandChange::read(&fields)) {
        (Ok(ids), Ok(asked)) => (ids, asked),
        (ids, asked) => {
            let mut errors = asked.err().unwrap_or_default();
            if let Err(message) = ids {
                errors.push("ids", message);
            }
            return Err(errors.into());
        }
    };
    let outcomes = hand(&tracker, asked.0, asked.1, who.user.id).await?;
    let of = |wanted: HandOutcome| -> Vec<i64> {
        outcomes.iter().filter(|(_, outcome)| *outcome == wanted).map(|(id, _)| *id).collect()
    };
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "changed": of(HandOutcome::Changed),
        "unchanged": of(HandOutcome::Unchanged),
        "repeated": of(HandOutcome::Repeated),
        "not_found": of(HandOutcome::NotFound),
    })))
}

/// The numbers of `ids`.
fn ids(value: Option<&Value>) -> Result<Vec<i64>, String> {
    let numbers: Option<Vec<i64>> =
        value.and_then(Value::as_array).and_then(|ids| ids.iter().map(Value::as_i64).collect());
    match numbers {
        Some(ids) if (1..=CHANGED_MAX).contains(&ids.len()) => Ok(ids),
        _ => Err(format!("Must be a list of 1 to {CHANGED_MAX} numbers of conversions")),
    }
}

async fn hand(
    tracker: &web::Data<Tracker>,
    ids: Vec<i64>,
    asked: HandChange,
    user_id: i64,
) -> Result<Vec<(i64, HandOutcome)>, Error> {
    let tracker = tracker.clone();
    blocking(move || tracker.postbacks.change_by_hand(&ids, &asked, user_id)).await
}

/// A conversion as the API shows it.
#[derive(Serialize)]
pub(super) struct Body {
    id: i64,
    click_id: String,
    campaign_id: i64,
    path_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    source_id: Option<i64>,
    advertiser_id: i64,
    event: String,
    txid: String,
    status: Status,
    advertiser_status: Option<String>,
    revenue: String,
    currency: Currency,
    revenue_account: String,
    rate: String,
    revenue_reported: Option<String>,
    payout: String,
    payout_status: Status,
    sale_amount: Option<String>,
    reason: Option<String>,
    origin: Origin,
    unconfirmed: bool,
    seconds: i64,
    anomalies: Vec<Anomaly>,
    said: SaidBody,
    over_cap: bool,
    counts_as_conversion: bool,
    counts_in_revenue: bool,
    is_test: bool,
    clicked_at: String,
    converted_at: String,
    updated_at: String,
    changes: Vec<ChangeBody>,
}

/// What its sender says of the person who converted.
#[derive(Serialize)]
struct SaidBody {
    ip: Option<IpAddr>,
    country: Option<Country>,
    device: Option<Device>,
    device_id: Option<String>,
    agent: Option<String>,
}

#[derive(Serialize)]
struct ChangeBody {
    at: String,
    from: Option<Side>,
    to: Side,
    by: String,
    postback_id: Option<i64>,
    user_id: Option<i64>,
    why: String,
}

/// How a conversion stood before or after a change, in the account currency.
#[derive(Serialize)]
struct Side {
    status: String,
    revenue: String,
    payout: String,
}

fn money(micros: i64) -> String {
    Money::from_micros(micros).to_string()
}

fn change(change: Change) -> ChangeBody {
    let from = change.from_status.map(|status| Side {
        status,
        revenue: money(change.from_revenue_micros.unwrap_or_default()),
        payout: money(change.from_payout_micros.unwrap_or_default()),
    });
    let to = Side {
        status: change.to_status,
        revenue: money(change.to_revenue_micros),
        payout: money(change.to_payout_micros),
    };
    ChangeBody {
        at: instant(change.at_ms),
        from,
        to,
        by: change.cause,
        postback_id: change.postback_id,
        user_id: change.user_id,
        why: change.why,
    }
}

/// How conversions are shown, each with its changes.
pub(super) fn bodies(conversions: Vec<Conversion>, changes: Vec<Change>) -> Vec<Body> {
    let mut histories: HashMap<i64, Vec<ChangeBody>> = HashMap::new();
    for one in changes {
        histories.entry(one.conversion_id).or_default().push(change(one));
    }
    let body = |one: Conversion| {
        let changes = histories.remove(&one.id).unwrap_or_default();
        body(one, changes)
    };
    conversions.into_iter().map(body).collect()
}

fn body(one: Conversion, changes: Vec<ChangeBody>) -> Body {
    let value = one.value;
    let seconds = value.after_ms() / 1_000;
    Body {
        id: one.id,
        click_id: value.click_id.to_string(),
        campaign_id: value.campaign_id,
        path_id: value.path_id,
        lander_id: value.lander_id,
        offer_id: value.offer_id,
        source_id: value.source_id,
        advertiser_id: value.advertiser_id,
        event: value.event,
        txid: value.txid,
        status: value.status,
        advertiser_status: value.advertiser_status,
        revenue: money(value.revenue_original_micros),
        currency: value.currency,
        revenue_account: money(value.revenue_micros),
        rate: rate::shown(value.rate_nanos),
        revenue_reported: value.revenue_reported_micros.map(money),
        payout: money(value.payout_micros),
        payout_status: value.payout_status,
        sale_amount: value.sale_amount_micros.map(money),
        reason: value.reason,
        origin: value.origin,
        unconfirmed: value.is_unconfirmed,
        seconds,
        anomalies: value.anomalies.iter().collect(),
        said: SaidBody {
            ip: value.said.address,
            country: value.said.country,
            device: value.said.device,
            device_id: value.said.device_id,
            agent: value.said.agent,
        },
        over_cap: value.is_over_cap,
        counts_as_conversion: value.counts_as_conversion,
        counts_in_revenue: value.counts_in_revenue,
        is_test: value.is_test,
        clicked_at: instant(value.clicked_at_ms),
        converted_at: instant(value.converted_at_ms),
        updated_at: instant(value.updated_at_ms),
        changes,
    }
}

/// What this log understands beside the shared parameters.
const OWN: [&str; 8] =
    ["status", "campaign_id", "offer_id", "source_id", "click_id", "min_seconds", "max_seconds", "anomaly"];

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let query = log_query(request.query_string(), &OWN)?;
    let (page, page_size) = (query.list.page, query.list.page_size);
    let wanted = ConversionQuery {
        from_ms: query.from_ms,
        to_ms: query.to_ms,
        campaign_id: query.campaign_id,
        offer_id: query.offer_id,
        source_id: query.source_id,
        min_seconds: query.min_seconds,
        max_seconds: query.max_seconds,
        unusual: query.unusual,
        status: query.status.map(|status| status.as_str().to_owned()),
        click_id: query.click_id,
        offset: query.list.offset(),
        limit: query.list.limit(),
        q: query.list.q,
        is_test: query.is_test,
    };
    let found = reading(&app, move |app| {
        app.db.read(|conn| {
            let listed = conversions::list(conn, &wanted)?;
            let ids: Vec<i64> = listed.items.iter().map(|one| one.id).collect();
            Ok::<_, db::Error>((conversions::changes_of(conn, &ids)?, listed))
        })
    });
    let (changes, listed) = found.await?;
    let items = bodies(listed.items, changes);
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    found(&app, resource::id(&id)?).await
}

/// One conversion with its changes.
async fn found(app: &web::Data<App>, id: i64) -> Answer {
    Ok(HttpResponse::Ok().json(whole(app, id).await?))
}

async fn whole(app: &web::Data<App>, id: i64) -> Result<Body, Error> {
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let changes = conversions::changes_of(conn, &[id])?;
            Ok::<_, db::Error>((conversions::find(conn, id)?, changes))
        })
    });
    let (conversion, changes) = found.await?;
    let conversion = conversion.ok_or(Error::NotFound)?;
    let body = bodies(vec![conversion], changes).into_iter().next();
    body.ok_or(Error::NotFound)
}
