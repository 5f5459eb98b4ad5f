//! `/recalculations`: the revenue of a period counted anew after a wrong rate, looked at first, run, and taken back.

use super::list::{Page, list_query};
use super::words::instant;
use super::{Answer, resource};
use crate::conversions::{NotRecalculated, Recalculated, RecalculationOrder};
use crate::db::recalculations::{self, Done};
use crate::db::settings;
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::http::{App, Error, Reader, Tracker, Writer, blocking, json_fields, reading};
use crate::reports::TimeZone;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Hangs the resource's addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/recalculations")
            .route(web::get().to(list))
            .route(web::post().to(create))
            .default_service(web::to(resource::takes_list_and_create)),
    );
    cfg.service(
        web::resource("/recalculations/{id}")
            .route(web::get().to(show))
            .route(web::delete().to(take_back))
            .default_service(web::to(|| async {
                Err::<HttpResponse, _>(Error::MethodNotAllowed("GET, DELETE"))
            })),
    );
}

/// A recalculation as the API shows it.
#[derive(Serialize)]
struct Body {
    id: i64,
    created_at: String,
    user_id: i64,
    offer_id: Option<i64>,
    advertiser_id: Option<i64>,
    from: String,
    to: String,
    time_zone: String,
    terms: bool,
    rates: bool,
    why: String,
    changed: i64,
    finished_at: Option<String>,
    taken_back_at: Option<String>,
    restored: i64,
    left: i64,
}

impl From<Done> for Body {
    fn from(done: Done) -> Self {
        Self {
            id: done.id,
            created_at: instant(done.created_at_ms),
            user_id: done.user_id,
            offer_id: done.offer_id,
            advertiser_id: done.advertiser_id,
            from: done.from_day,
            to: done.to_day,
            time_zone: done.time_zone,
            terms: done.takes_terms,
            rates: done.takes_rates,
            why: done.why,
            changed: done.changed,
            finished_at: done.finished_at_ms.map(instant),
            taken_back_at: done.taken_back_at_ms.map(instant),
            restored: done.restored,
            left: done.left,
        }
    }
}

/// What one changed, or would change.
#[derive(Serialize)]
struct ToldBody {
    dry_run: bool,
    id: Option<i64>,
    conversions: usize,
    changed: usize,
    left: BTreeMap<&'static str, usize>,
    money: Vec<MovedBody>,
}

/// Money that changed, of one status and currency.
#[derive(Serialize)]
struct MovedBody {
    status: &'static str,
    count: i64,
    before: String,
    currency_before: String,
    after: String,
    currency_after: String,
    account_before: String,
    account_after: String,
}

fn told_body(told: Recalculated, dry_run: bool) -> ToldBody {
    let money = |micros: i64| Money::from_micros(micros).to_string();
    let moved = told.money.into_iter().map(|((status, currency_before, currency_after), moved)| MovedBody {
        status,
        count: moved.count,
        before: money(moved.before_micros),
        currency_before,
        after: money(moved.after_micros),
        currency_after,
        account_before: money(moved.account_before_micros),
        account_after: money(moved.account_after_micros),
    });
    ToldBody {
        dry_run,
        id: told.id,
        conversions: told.looked,
        changed: told.changed,
        left: told.left,
        money: moved.collect(),
    }
}

impl From<NotRecalculated> for Error {
    fn from(why: NotRecalculated) -> Self {
        match why {
            NotRecalculated::Fields(errors) => errors.into(),
            NotRecalculated::Db(error) => error.into(),
        }
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let query = list_query(request.query_string())?;
    if !query.q.is_empty() || query.status.is_some() {
        let field = if query.q.is_empty() { "status" } else { "q" };
        return Err(
            FieldErrors::one(field, "Recalculations are not searched: there are page and page_size").into()
        );
    }
    let (page, page_size) = (query.page, query.page_size);
    let place = (query.limit(), query.offset());
    let listed = reading(&app, move |app| app.db.read(|conn| recalculations::list(conn, place))).await?;
    let items: Vec<Body> = listed.items.into_iter().map(Body::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let found = reading(&app, move |app| app.db.read(|conn| recalculations::find(conn, id))).await?;
    Ok(HttpResponse::Ok().json(Body::from(found.ok_or(Error::NotFound)?)))
}

async fn create(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let fields = json_fields(&request, payload).await?;
    let zone = reading(&app, |app| app.db.read(|conn| settings::find(conn, settings::TIME_ZONE))).await?;
    let zone = zone.and_then(|name| TimeZone::parse(&name).ok()).unwrap_or(TimeZone::UTC);
    let order = RecalculationOrder::read(&fields, zone)?;
    let (user_id, dry_run) = (who.user.id, order.is_dry_run);
    let told = blocking(move || tracker.postbacks.recalculate(&order, user_id)).await?;
    let mut answer = if told.id.is_some() { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(told_body(told, dry_run)))
}

async fn take_back(who: Writer, tracker: web::Data<Tracker>, id: web::Path<String>) -> Answer {
    let id = resource::id(&id)?;
    let user_id = who.user.id;
    let told = blocking(move || tracker.postbacks.take_back(id, user_id)).await?;
    let told = told.ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok().json(json!({"restored": told.restored, "left": told.left})))
}
