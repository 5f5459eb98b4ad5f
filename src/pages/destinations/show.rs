//! One destination: what it is told, how it takes it, a test, its newest deliveries.

use super::{DestinationPage, KIND, health, tabs, trial, words};
use crate::db;
use crate::db::delivery_log::{self, Delivery, DeliveryQuery};
use crate::db::search::Saved;
use crate::domain::destination::Destination;
use crate::domain::lander::EntityStatus;
use crate::entities;
use crate::http::{App, Error, SignedIn, reading};
use crate::pages::Answer;
use crate::pages::click_story::{fact, raw};
use crate::pages::clicks::story_zone;
use crate::pages::deliveries::{Clock, row, short_columns};
use crate::pages::desk::{Desk, page};
use crate::pages::layout::{Chrome, Nav, Notice};
use crate::pages::log::Names;
use crate::pages::parts::{CodeBox, Empty, Fact, Link};
use crate::pages::tables::{Shape, Table};
use crate::pages::typed::number;
use crate::reports;
use actix_web::{HttpRequest, web};

/// Deliveries that the page shows; the log has the others.
const DELIVERIES_SHOWN: i64 = 20;

/// The address of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/destinations/{id}", web::get().to(show));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who).await?;
    page(&drawn(&app, &desk, &request, id).await?)
}

/// The page before any test.
///
/// # Errors
/// There is no such destination; the database fails.
pub(super) async fn drawn(
    app: &web::Data<App>,
    desk: &Desk,
    request: &HttpRequest,
    id: i64,
) -> Result<DestinationPage, Error> {
    let clock = Clock { zone: story_zone(desk, request), now_ms: desk.now_ms };
    let found = reading(app, move |app| {
        let saved = entities::destinations::find(&app.db, id)?;
        let query =
            DeliveryQuery { destination_id: Some(id), limit: DELIVERIES_SHOWN, ..DeliveryQuery::default() };
        let read = app.db.read(|conn| {
            let health = reports::destination_health(conn, id, clock.now_ms)?;
            let newest = delivery_log::newest(conn, &query)?;
            Ok::<_, db::Error>((health, newest, Names::read(conn)?))
        })?;
        Ok::<_, entities::Error>((saved, read))
    });
    let (saved, (known, newest, names)) = found.await?;
    let value = &saved.value;
    let chrome = Chrome {
        parent: Some(Link::new("Destinations", KIND.path)),
        tabs: tabs(id, ""),
        notice: notice(request.query_string()),
        ..desk.chrome(&value.name, Nav::Destinations)
    };
    Ok(DestinationPage {
        chrome,
        sentence: words::sentence(&names, value),
        warning: warning(value.status),
        request: request_box(value),
        facts: facts(&saved),
        test: trial::card(id),
        health: health::draw(&known, clock),
        deliveries: table(&names, clock, &newest),
        deliveries_link: Link::new(
            "All deliveries",
            &format!("/deliveries?destination={id}&range=last_30_days"),
        ),
    })
}

fn notice(query: &str) -> Option<Notice> {
    let is_saved = query.split('&').any(|pair| pair == "saved=1");
    let text = "Saved, and live for the next conversion: send a test to see that it is taken.".to_owned();
    is_saved.then(|| Notice { text, ..Notice::default() })
}

fn warning(status: EntityStatus) -> String {
    match status {
        EntityStatus::Active => String::new(),
        EntityStatus::Paused | EntityStatus::Archived => format!(
            "It is {status}: it is told of nothing new, and what waits is sent once it is active again, within a day of \
             its conversion."
        ),
    }
}

/// The request with its macros as they are written.
fn request_box(value: &Destination) -> CodeBox {
    let mut text = format!("{} {}", value.method, value.url);
    for name in value.headers.0.keys() {
        text.push_str(&format!("\n{name}: …"));
    }
    if !value.body.is_empty() {
        text.push_str(&format!("\n\n{}", value.body));
    }
    CodeBox::url("What is sent", &text)
}

fn facts(saved: &Saved<Destination>) -> Vec<Fact> {
    let value = &saved.value;
    let success = if value.success_match.is_empty() { "a 2xx code" } else { "" };
    vec![
        if success.is_empty() {
            raw("Taken where the answer holds", &value.success_match)
        } else {
            fact("Taken where the answer is", success)
        },
        fact("Status", value.status.as_str()),
    ]
}

fn table(names: &Names, clock: Clock, newest: &[Delivery]) -> Table {
    Table {
        caption: "Its newest deliveries".to_owned(),
        columns: short_columns(),
        totals: None,
        rows: newest.iter().map(|one| row(names, clock, one)).collect(),
        empty: Empty {
            title: "Nothing was told yet".to_owned(),
            text: "Each conversion that fits stands here from the moment it came. A test above tells of one now.".to_owned(),
            action: None,
        },
        shape: Shape::Log,
    }
}
