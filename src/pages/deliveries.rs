//! `/deliveries`: what destinations were told, or are to be, and one delivery with every attempt.

use askama::Template;

mod chosen;
mod resending;
mod rows;
mod show;

use super::desk::{Desk, page};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{CodeBox, FactGroup, Pill, PostButton};
use super::tables::{FilterSelect, Filters, Listing, Shape, Table};
use super::view::{Defaults, View, choice};
use super::{Answer, destinations, log};
use crate::db;
use crate::db::delivery_log::{self, DeliveryQuery};
use crate::db::search::PAGE_SIZE;
use crate::domain::click_id::ClickId;
use crate::domain::delivery::DeliveryState;
use crate::http::{App, SignedIn, reading};
use crate::reports::Preset;
use actix_web::{HttpRequest, web};

pub(super) use rows::{Clock, of_conversion, outlook, row, short_columns, state_pill};

/// The log of deliveries.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "deliveries/list.html")]
pub struct DeliveriesPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
    /// Whether something is shown that may be sent again.
    pub has_rows: bool,
    /// What is shown, as the form carries it that sends all of it again.
    pub shown: String,
}

/// One delivery.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "deliveries/show.html")]
pub struct DeliveryPage {
    /// The frame.
    pub chrome: Chrome,
    /// How far it has come.
    pub state: Pill,
    /// What is ahead of it, in one sentence.
    pub summary: String,
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// The newest attempts, each with its whole exchange.
    pub attempts: Vec<AttemptCard>,
    /// Those before them, a line each.
    pub earlier: Table,
    /// Sends it again.
    pub resend: PostButton,
}

/// One attempt with its exchange.
#[derive(Debug, Clone, Default)]
pub struct AttemptCard {
    /// Which one, and when ("Attempt 2, 14:31:07").
    pub title: String,
    /// What it was answered.
    pub answer: Pill,
    /// How long that took.
    pub took: String,
    /// Why it is no success. Empty where it is one.
    pub error: String,
    /// What to do about it. Empty for nothing.
    pub advice: String,
    /// What was sent.
    pub request: CodeBox,
    /// The beginning of the answer; `None` where there was none.
    pub response: Option<CodeBox>,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/deliveries", web::get().to(list))
        .route("/deliveries/resend", web::post().to(resending::resend_many))
        .route("/deliveries/{id}", web::get().to(show::show))
        .route("/deliveries/{id}/resend", web::post().to(resending::resend_one));
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let defaults = Defaults { preset: Preset::Last7Days, ..Defaults::default() };
    let mut view = View::read(&desk, "/deliveries", request.query_string(), defaults)?;
    let destination = view.take_id("destination");
    let state = view.take("state", DeliveryState::parse);
    let query = query(&desk, &view, (destination, state));
    let shown = chosen::shown(&query);
    let found = reading(&app, move |app| {
        app.db.read(|conn| Ok::<_, db::Error>((delivery_log::list(conn, &query)?, Names::read(conn)?)))
    });
    let (listed, names) = found.await?;
    let clock = Clock { zone: view.zone(), now_ms: desk.now_ms };
    let table = Table {
        caption: "Deliveries, newest first".to_owned(),
        columns: rows::columns(),
        totals: None,
        rows: listed.items.iter().map(|one| rows::pickable(&names, clock, one)).collect(),
        empty: log::empty(
            &view,
            "No deliveries here",
            "A delivery is one conversion told to one destination: it stands here from the moment the conversion came.",
        ),
        shape: Shape::Log,
    };
    let pager = log::pager(&view, listed.total, listed.items.len(), ("delivery", "deliveries"));
    let filters = filters(&view, &desk, &names, destination);
    let chrome = view.dress(Chrome {
        tabs: destinations::family_tabs("/deliveries"),
        notice: resending::notice(request.query_string()),
        ..desk.chrome("Deliveries", Nav::Destinations)
    });
    let has_rows = !listed.items.is_empty();
    page(&DeliveriesPage { chrome, listing: Listing { filters, table, pager }, has_rows, shown })
}

/// What the log shows. A click's id says it all, whenever its deliveries were.
fn query(
    desk: &Desk,
    view: &View,
    (destination_id, state): (Option<i64>, Option<DeliveryState>),
) -> DeliveryQuery {
    let page = DeliveryQuery { offset: view.offset(), limit: PAGE_SIZE, ..DeliveryQuery::default() };
    match ClickId::parse(view.own("q")) {
        Some(id) => DeliveryQuery { click_id: Some(id), ..page },
        None => DeliveryQuery {
            from_ms: Some(view.period.from_ms()),
            to_ms: Some(view.period.to_ms()),
            destination_id,
            state,
            q: view.own("q").to_owned(),
            // One destination's log shows all of it, and says itself what is a test.
            is_test: destination_id.is_none().then(|| log::is_test(desk, view)),
            ..page
        },
    }
}

fn filters(view: &View, desk: &Desk, names: &Names, destination: Option<i64>) -> Filters {
    let states =
        [("", "All"), ("due", "Due"), ("sent", "Sent"), ("failed", "Failed"), ("skipped", "Skipped")];
    let mut all = vec![choice("", "All", destination.is_none())];
    all.extend(
        names
            .destinations()
            .into_iter()
            .map(|(id, name)| choice(&id.to_string(), name, destination == Some(id))),
    );
    Filters {
        action: "/deliveries".to_owned(),
        query: view.own("q").to_owned(),
        placeholder: "Click id, transaction, conversion, reason".to_owned(),
        segments: vec![view.segments("state", "State", &states)],
        selects: vec![FilterSelect {
            name: "destination".to_owned(),
            label: "Destination".to_owned(),
            options: all,
        }],
        numbers: Vec::new(),
        switches: log::test_switch(desk, view),
        hidden: view.hidden(&["q", "state", "destination", "test"]),
        counts: Vec::new(),
    }
}
