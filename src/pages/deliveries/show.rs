//! One delivery: what it tells, what is ahead of it, every attempt.

use super::rows::{Clock, outlook, state_pill};
use super::{AttemptCard, DeliveryPage, resending};
use crate::db;
use crate::db::deliveries::Attempt;
use crate::db::delivery_log::{self, Delivery};
use crate::deliveries::advice_for;
use crate::domain::delivery::{ATTEMPTS_SHOWN_MAX, DeliveryState};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Money;
use crate::http::{App, Error, SignedIn, reading};
use crate::pages::Answer;
use crate::pages::click_story::{fact, group, link, raw};
use crate::pages::clicks::story_zone;
use crate::pages::desk::{Desk, page};
use crate::pages::destinations::exchange;
use crate::pages::layout::Nav;
use crate::pages::log::Names;
use crate::pages::parts::{FactGroup, Link, Pill, PostButton, Tone};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::number;
use crate::pages::words::{MoneyWords, NONE, span};
use actix_web::{HttpRequest, web};

/// Attempts that are shown with their whole exchange, the newest: the others said the same before.
const WHOLE_MAX: usize = 10;

/// The page.
pub(super) async fn show(
    who: SignedIn,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let id = number(&id)?;
    let clock = Clock { zone: story_zone(&desk, &request), now_ms: desk.now_ms };
    let found = reading(&app, move |app| {
        app.db.read(|conn| {
            let attempts = delivery_log::attempts_of(conn, id, ATTEMPTS_SHOWN_MAX)?;
            Ok::<_, db::Error>((delivery_log::find(conn, id)?, attempts, Names::read(conn)?))
        })
    });
    let (delivery, attempts, names) = found.await?;
    let delivery = delivery.ok_or(Error::NotFound)?;
    let catalog = app.catalog.get();
    let route = catalog.destination(delivery.destination_id);
    let status = route.map_or(EntityStatus::Archived, |route| route.destination.status);
    let method = route.map_or("GET", |route| route.destination.method.as_str());
    let mut chrome = desk.chrome(&format!("Delivery {id}"), Nav::Destinations);
    chrome.parent = Some(Link::new("Deliveries", "/deliveries"));
    chrome.notice = resending::notice(request.query_string());
    let whole = attempts.len().saturating_sub(WHOLE_MAX);
    // Attempts before those that are kept here count too.
    let before = usize::try_from(delivery.attempts).unwrap_or(0).saturating_sub(attempts.len());
    let numbered: Vec<(usize, &Attempt)> =
        attempts.iter().enumerate().map(|(at, attempt)| (before + at + 1, attempt)).collect();
    let (earlier, newest) = numbered.split_at(whole);
    page(&DeliveryPage {
        chrome,
        state: state_pill(delivery.state),
        summary: summary(clock, &delivery, status),
        groups: groups(&names, &desk, clock, &delivery),
        attempts: newest.iter().rev().map(|(n, attempt)| card(clock, method, *n, attempt)).collect(),
        earlier: earlier_table(clock, earlier),
        resend: PostButton::new("Send it again", &format!("/deliveries/{id}/resend")),
    })
}

/// What is ahead of it, in one or two sentences.
fn summary(clock: Clock, one: &Delivery, status: EntityStatus) -> String {
    let given_up = format!("it is given up {} {}", clock.at(one.give_up_at_ms), clock.zone.name());
    match one.state {
        DeliveryState::Due if status != EntityStatus::Active => {
            format!("Its destination is {status}: it is sent once that is active again; {given_up}.")
        }
        DeliveryState::Due => {
            let ahead = outlook(clock, one);
            let mut letters = ahead.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            format!("{first}{}; {given_up}.", letters.as_str())
        }
        DeliveryState::Sent => {
            let at = one.last_at_ms.map(|at| clock.at(at)).unwrap_or_default();
            format!("Taken {at} at attempt {}.", one.attempts)
        }
        DeliveryState::Failed => {
            format!("{}. It is not tried again by itself: mend what is wrong, then send it again.", one.why())
        }
        DeliveryState::Skipped => format!("{}: there was nothing to send.", one.why()),
    }
}

fn groups(names: &Names, desk: &Desk, clock: Clock, one: &Delivery) -> Vec<FactGroup> {
    let money = |micros: i64| MoneyWords::new(desk.currency).exact(Money::from_micros(micros));
    let destination = names.destination(one.destination_id);
    vec![
        group(
            "Who is told of what",
            vec![
                link("Destination", &destination, &format!("/destinations/{}", one.destination_id)),
                link(
                    "Conversion",
                    &one.conversion_id.to_string(),
                    &format!("/conversions/{}", one.conversion_id),
                ),
                fact("Status told", one.told_status.as_str()),
                fact("Revenue then", &money(one.revenue_micros)),
                fact("Payout then", &money(one.payout_micros)),
                fact("Order value then", &one.sale_amount_micros.map(money).unwrap_or_default()),
            ],
        ),
        group(
            "Course",
            vec![
                fact("Queued", &clock.at(one.created_at_ms)),
                fact("Attempts", &one.attempts.to_string()),
                fact("Last attempt", &one.last_at_ms.map(|at| clock.at(at)).unwrap_or_default()),
                raw("Idempotency key", &one.idempotency_key),
                fact("Zone", clock.zone.name()),
            ],
        ),
    ]
}

fn answered(attempt: &Attempt) -> Pill {
    let tone = if attempt.error.is_none() { Tone::Gain } else { Tone::Loss };
    let text = attempt.code.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
    Pill { text, tone }
}

fn card(clock: Clock, method: &str, number: usize, attempt: &Attempt) -> AttemptCard {
    let advice = match (&attempt.error, attempt.code.and_then(|code| u16::try_from(code).ok())) {
        (Some(_), Some(code)) => advice_for(code),
        _ => "",
    };
    // The method is the destination's now: what was used is not kept, but a body says that it was none without one.
    let method = if attempt.body.is_some() && method == "GET" { "POST" } else { method };
    AttemptCard {
        title: format!("Attempt {number}, {}", clock.at(attempt.at_ms)),
        answer: answered(attempt),
        took: span(attempt.duration_ms),
        error: attempt.error.clone().unwrap_or_default(),
        advice: advice.to_owned(),
        request: exchange::request_box(method, &attempt.url, &[], attempt.body.as_deref()),
        response: attempt.response.as_deref().map(exchange::response_box),
    }
}

fn earlier_table(clock: Clock, earlier: &[(usize, &Attempt)]) -> Table {
    let row = |(number, attempt): &(usize, &Attempt)| Row {
        cells: vec![
            Cell::text(&number.to_string()),
            Cell::text(&clock.at(attempt.at_ms)),
            Cell::pill(answered(attempt)),
            Cell::text(&span(attempt.duration_ms)),
            Cell::text(attempt.error.as_deref().unwrap_or(NONE)),
        ],
    };
    Table {
        caption: "Attempts before".to_owned(),
        columns: vec![
            Column::text("Attempt"),
            Column::text("Time"),
            Column::text("Answer"),
            Column::figure("Took", "From the first look at the name to the last byte"),
            Column { is_wide: true, ..Column::text("Why it was none") },
        ],
        rows: earlier.iter().rev().map(row).collect(),
        shape: Shape::Log,
        ..Table::default()
    }
}
