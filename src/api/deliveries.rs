//! `/deliveries`: what destinations were told, or are to be, with every attempt.

mod resending;

use super::list::Page;
use super::log_query::{LogQuery, log_query};
use super::words::instant;
use super::{Answer, resource};
use crate::db;
use crate::db::deliveries::Attempt;
use crate::db::delivery_log::{self, Delivery, DeliveryQuery};
use crate::domain::delivery::{ATTEMPTS_SHOWN_MAX, DeliveryState};
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::http::{App, Error, Reader, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

/// Hangs the resource's addresses; that of many stands before that of one.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/deliveries")
            .route(web::get().to(list))
            .default_service(web::to(resource::takes_reading)),
    );
    cfg.configure(resending::configure);
    cfg.service(
        web::resource("/deliveries/{id}")
            .route(web::get().to(show))
            .default_service(web::to(resource::takes_reading)),
    );
}

/// A delivery as the API shows it.
#[derive(Serialize)]
pub(super) struct Body {
    id: i64,
    destination_id: i64,
    conversion_id: i64,
    state: DeliveryState,
    idempotency_key: String,
    /// What is told: as it stood when it happened, in the account currency.
    told: Told,
    skip_reason: Option<String>,
    attempt_count: i64,
    last_attempt_at: Option<String>,
    last_code: Option<i64>,
    last_error: Option<String>,
    next_attempt_at: Option<String>,
    /// When it is no longer tried by itself; nothing once it ended.
    given_up_at: Option<String>,
    created_at: String,
    /// Where one delivery is shown alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptBody>>,
}

#[derive(Serialize)]
struct Told {
    status: Status,
    revenue: String,
    payout: String,
    sale_amount: Option<String>,
}

#[derive(Serialize)]
struct AttemptBody {
    at: String,
    url: String,
    body: Option<String>,
    code: Option<i64>,
    response: Option<String>,
    duration_ms: i64,
    error: Option<String>,
}

impl From<Attempt> for AttemptBody {
    fn from(attempt: Attempt) -> Self {
        Self {
            at: instant(attempt.at_ms),
            url: attempt.url,
            body: attempt.body,
            code: attempt.code,
            response: attempt.response,
            duration_ms: attempt.duration_ms,
            error: attempt.error,
        }
    }
}

/// How it is shown.
pub(super) fn body(one: Delivery) -> Body {
    let money = |micros: i64| Money::from_micros(micros).to_string();
    let is_due = one.state == DeliveryState::Due;
    Body {
        id: one.id,
        destination_id: one.destination_id,
        conversion_id: one.conversion_id,
        state: one.state,
        idempotency_key: one.idempotency_key,
        told: Told {
            status: one.told_status,
            revenue: money(one.revenue_micros),
            payout: money(one.payout_micros),
            sale_amount: one.sale_amount_micros.map(money),
        },
        skip_reason: one.skip_reason,
        attempt_count: one.attempts,
        last_attempt_at: one.last_at_ms.map(instant),
        last_code: one.last_code,
        last_error: one.last_error,
        next_attempt_at: one.next_attempt_at_ms.filter(|_| is_due).map(instant),
        given_up_at: is_due.then(|| instant(one.give_up_at_ms)),
        created_at: instant(one.created_at_ms),
        attempts: None,
    }
}

/// The parameters of the log besides those that all logs have.
const OWN: [&str; 5] = ["destination_id", "conversion_id", "click_id", "txid", "state"];

/// What is asked of the log, by its page or in whole.
fn query(asked: LogQuery) -> DeliveryQuery {
    DeliveryQuery {
        from_ms: asked.from_ms,
        to_ms: asked.to_ms,
        destination_id: asked.destination_id,
        conversion_id: asked.conversion_id,
        click_id: asked.click_id,
        txid: asked.txid,
        state: asked.state,
        offset: asked.list.offset(),
        limit: asked.list.limit(),
        q: asked.list.q,
        is_test: asked.is_test,
    }
}

async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let asked = log_query(request.query_string(), &OWN)?;
    let (page, page_size) = (asked.list.page, asked.list.page_size);
    let wanted = query(asked);
    let listed = reading(&app, move |app| app.db.read(|conn| delivery_log::list(conn, &wanted))).await?;
    let items = listed.items.into_iter().map(body).collect();
    Ok(HttpResponse::Ok().json(Page { items, page, page_size, total: listed.total }))
}

async fn show(_who: Reader, app: web::Data<App>, id: web::Path<String>) -> Answer {
    found(&app, resource::id(&id)?).await
}

/// One delivery with its attempts, oldest first.
async fn found(app: &web::Data<App>, id: i64) -> Answer {
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let attempts = delivery_log::attempts_of(conn, id, ATTEMPTS_SHOWN_MAX)?;
            Ok::<_, db::Error>((delivery_log::find(conn, id)?, attempts))
        })
    });
    let (delivery, attempts) = found.await?;
    let mut body = body(delivery.ok_or(Error::NotFound)?);
    body.attempts = Some(attempts.into_iter().map(AttemptBody::from).collect());
    Ok(HttpResponse::Ok().json(body))
}
