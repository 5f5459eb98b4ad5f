//! `/attention`: all that needs attention, of which the dashboard shows the first.

use askama::Template;

use super::dashboard::Attention;
use super::desk::{Desk, page};
use super::layout::{Chrome, Nav};
use super::parts::Link;
use super::view::{Defaults, View, of_report};
use super::{Answer, advertisers, caps, dashboard_parts as parts, journal_health, unusual_shares};
use crate::clicks::{Health, Journal};
use crate::http::{App, Error, SignedIn, Tracker, reading};
use crate::reports;
use actix_web::{HttpRequest, web};
use std::sync::Arc;

/// The address.
pub const PATH: &str = "/attention";

/// All that needs attention.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "dashboard/attention.html")]
pub struct AttentionPage {
    /// The frame.
    pub chrome: Chrome,
    /// What needs attention, worst first. May be empty.
    pub attention: Vec<Attention>,
}

/// The address of this page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(PATH, web::get().to(show));
}

async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: web::Data<Arc<Journal>>,
    request: HttpRequest,
) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let view = View::read(&desk, PATH, request.query_string(), Defaults::default())?;
    let (period, is_test, now_ms) = (view.period, desk.shows_test(), desk.now_ms);
    let found = reading(&app, move |app| {
        let found = app.db.read(|conn| reports::attention(conn, &period, is_test)).map_err(of_report)?;
        let alerts = app.db.read(|conn| reports::alerts(conn, &app.postback_hours, now_ms, is_test))?;
        let unusual = app.db.read(|conn| reports::unusual_shares(conn, now_ms))?;
        Ok::<_, Error>((found, alerts, unusual, Health::look(&journal, &tracker.ingested, now_ms)))
    });
    let (found, alerts, unusual, health) = found.await?;
    let mut attention = journal_health::attention(&health, now_ms);
    attention.extend(advertisers::attention(&desk, &alerts));
    attention.extend(caps::attention_all(&app, &desk));
    attention.extend(unusual_shares::attention_all(&unusual));
    attention.extend(parts::attention(&view, &desk, &found));
    let parent = Some(Link::new("Dashboard", "/"));
    let chrome = Chrome { parent, ..desk.chrome("Needs attention", Nav::Dashboard) };
    page(&AttentionPage { chrome: view.dress(chrome), attention })
}
