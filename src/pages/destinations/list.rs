//! `/destinations`: the list, each with how its last day went.

use super::{DestinationsPage, KIND, family_tabs, words};
use crate::db;
use crate::db::delivery_health::{self, Failed, States};
use crate::db::search::Saved;
use crate::domain::delivery::DeliveryState;
use crate::domain::destination::Destination;
use crate::entities;
use crate::http::{App, SignedIn, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page};
use crate::pages::layout::{Chrome, Nav};
use crate::pages::lists::{Ask, name_cell, or_dash, status_cell};
use crate::pages::log::Names;
use crate::pages::parts::Tone;
use crate::pages::tables::{Cell, Column, Row};
use crate::pages::words::{ago, count, shortened};
use crate::reports::DAY_MS;
use actix_web::{HttpRequest, web};
use std::collections::HashMap;

/// Characters of the last error that a row shows.
const ERROR_CHARS_MAX: usize = 60;

/// The address of the list.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
}

/// How the destinations of a page are doing.
struct Doing {
    states: HashMap<i64, States>,
    waiting: HashMap<i64, i64>,
    failed: HashMap<i64, Failed>,
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let (query, since_ms) = (ask.query.clone(), desk.now_ms - DAY_MS);
    let found = reading(&app, move |app| {
        let listed = entities::destinations::list(&app.db, &query)?;
        let ids: Vec<i64> = listed.items.iter().map(|saved| saved.id).collect();
        let (doing, names) = app.db.read(|conn| {
            let mut failed = HashMap::new();
            for id in &ids {
                if let Some(last) = delivery_health::last_failed(conn, *id)? {
                    failed.insert(*id, last);
                }
            }
            let states = delivery_health::states(conn, &ids, since_ms)?;
            let waiting = delivery_health::waiting(conn, &ids)?;
            Ok::<_, db::Error>((Doing { states, waiting, failed }, Names::read(conn)?))
        })?;
        Ok::<_, entities::Error>((listed, doing, names))
    });
    let (listed, doing, names) = found.await?;
    let rows = listed.items.iter().map(|saved| row(saved, &doing, &names, desk.now_ms)).collect();
    let mut listing = ask.listing(&KIND, &[], rows, listed.total);
    listing.table.columns = columns();
    let chrome = Chrome {
        notice: ask.notice(&KIND),
        tabs: family_tabs(KIND.path),
        ..desk.chrome("Destinations", Nav::Destinations)
    };
    page(&DestinationsPage { chrome, listing })
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("Destination"),
        Column::text("Told of"),
        Column::figure("Sent, 24 h", "Queued in the last 24 hours, and taken"),
        Column::figure("Failed, 24 h", "Queued in the last 24 hours, and not tried again by itself"),
        Column::figure("Due", "To be sent, for the first time or again"),
        Column::text("Last error"),
        Column::text("Status"),
    ]
}

fn row(saved: &Saved<Destination>, doing: &Doing, names: &Names, now_ms: i64) -> Row {
    let (id, value) = (saved.id, &saved.value);
    let of = |state| doing.states.get(&id).and_then(|states| states.get(&state)).copied().unwrap_or(0);
    let failed = of(DeliveryState::Failed);
    let last = doing.failed.get(&id);
    let error = last.map(|last| shortened(&last.error, ERROR_CHARS_MAX)).unwrap_or_default();
    let since = last.map(|last| match ago(now_ms - last.at_ms).as_str() {
        "now" => "just now".to_owned(),
        since => format!("{since} ago"),
    });
    let scope = words::scope(names, value);
    let mut told = Cell::text(if scope == "all" { "all conversions" } else { &scope });
    told.note = words::occasions(value);
    Row {
        cells: vec![
            name_cell(&value.name, &format!("{}/{id}", KIND.path), value.status),
            told,
            Cell::text(&count(of(DeliveryState::Sent))),
            Cell::tone(&count(failed), if failed > 0 { Tone::Loss } else { Tone::Plain }),
            Cell::text(&count(doing.waiting.get(&id).copied().unwrap_or(0))),
            Cell { note: since.unwrap_or_default(), ..Cell::text(or_dash(&error)) },
            status_cell(KIND.path, id, value.status),
        ],
    }
}
