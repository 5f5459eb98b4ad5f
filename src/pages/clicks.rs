//! `/clicks`: the log, and the whole story of one click.

use askama::Template;

use super::click_story::Teller;
use super::desk::{Desk, page};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{FactGroup, Link, Moment, Pill, Tone};
use super::tables::{Cell, Column, Filters, Listing, Row, Shape, Table};
use super::view::{Defaults, View};
use super::words::{MoneyWords, NONE, moment, shortened};
use super::{Answer, log};
use crate::db::click_log::{self, ClickQuery, StoredClick};
use crate::db::search::PAGE_SIZE;
use crate::db::{self, stories};
use crate::domain::click_id::ClickId;
use crate::domain::figures::Bots;
use crate::domain::money::Money;
use crate::http::{App, Error, SignedIn, reading};
use crate::reports::TimeZone;
use actix_web::{HttpRequest, web};

/// The log of clicks.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "clicks/list.html")]
pub struct ClicksPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
}

/// One click's whole story.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "clicks/show.html")]
pub struct ClickPage {
    /// The frame.
    pub chrome: Chrome,
    /// The click id, with a copy button.
    pub click_id: String,
    /// Unique, bot, test.
    pub flags: Vec<Pill>,
    /// One sentence ("Arrived 14:02:11 from Pushground, went to Dating DE SOI, earned $6.60.").
    pub summary: String,
    /// Facts in groups: arrival, place, device, money, what the source sent.
    pub groups: Vec<FactGroup>,
    /// Arrived, routed, lander clicked, postbacks, conversions, deliveries.
    pub moments: Vec<Moment>,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/clicks", web::get().to(list)).route("/clicks/{click_id}", web::get().to(show));
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let id = ClickId::parse(&id).ok_or(Error::NotFound)?;
    let zone = story_zone(&desk, &request);
    let found = reading(&app, move |app| {
        app.db.read(|conn| Ok::<_, db::Error>((stories::find(conn, id)?, Names::read(conn)?)))
    });
    let (story, names) = found.await?;
    let story = story.ok_or(Error::NotFound)?;
    let teller = Teller { names: &names, money: MoneyWords::new(desk.currency), zone, now_ms: desk.now_ms };
    let mut chrome = desk.chrome(&story.click.record.id.to_string(), Nav::Clicks);
    chrome.parent = Some(Link::new("Clicks", "/clicks"));
    page(&ClickPage {
        chrome,
        click_id: id.to_string(),
        flags: flags(&story.click),
        summary: teller.summary(&story),
        groups: teller.groups(&story),
        moments: teller.moments(&story),
    })
}

/// The zone in the address, else the account's.
pub(super) fn story_zone(desk: &Desk, request: &HttpRequest) -> TimeZone {
    let named = url::form_urlencoded::parse(request.query_string().as_bytes())
        .find(|(name, _)| name == "tz")
        .and_then(|(_, value)| TimeZone::parse(&value).ok());
    named.unwrap_or(desk.zone)
}

/// Unique, a machine's, a test's.
pub(super) fn flags(click: &StoredClick) -> Vec<Pill> {
    let pill = |text: &str, tone| Pill { text: text.to_owned(), tone };
    let record = &click.record;
    let unique = record.is_unique.then(|| pill("unique", Tone::Quiet));
    let bot = record.bot.map(|why| pill(&format!("bot: {}", why.as_str().replace('_', " ")), Tone::Warn));
    let test = record.is_test.then(|| pill("test", Tone::Quiet));
    let cut = record.is_cut.then(|| pill("cut", Tone::Warn));
    [unique, bot, test, cut].into_iter().flatten().collect()
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let defaults = Defaults { bots: Bots::Include, ..Defaults::default() };
    let mut view = View::read(&desk, "/clicks", request.query_string(), defaults)?;
    let campaign = view.take_id("campaign");
    let click_id = ClickId::parse(view.own("q"));
    let query = match click_id {
        // An id says it all: whenever it came and whatever it was.
        Some(_) => ClickQuery { click_id, bots: Bots::Include, limit: PAGE_SIZE, ..ClickQuery::default() },
        None => ClickQuery {
            from_ms: Some(view.period.from_ms()),
            to_ms: Some(view.period.to_ms()),
            campaign_id: campaign,
            bots: view.bots,
            is_test: Some(log::is_test(&desk, &view)),
            click_id: None,
            q: view.own("q").to_owned(),
            offset: view.offset(),
            limit: PAGE_SIZE,
        },
    };
    let found = reading(&app, move |app| {
        app.db.read(|conn| Ok::<_, db::Error>((click_log::list(conn, &query)?, Names::read(conn)?)))
    });
    let (listed, names) = found.await?;
    let money = MoneyWords::new(desk.currency);
    let rows = listed.items.iter().map(|click| row(&view, &desk, money, &names, click)).collect();
    let bots = [("", "All"), ("exclude", "Without bots"), ("only", "Bots alone")];
    let filters = Filters {
        action: "/clicks".to_owned(),
        query: view.own("q").to_owned(),
        placeholder: "Click id, external id or address".to_owned(),
        segments: vec![view.segments("bots", "Bots", &bots)],
        selects: vec![names.campaign_filter(campaign)],
        numbers: Vec::new(),
        switches: log::test_switch(&desk, &view),
        hidden: view.hidden(&["q", "bots", "campaign", "test"]),
        counts: Vec::new(),
    };
    let table = Table {
        caption: "Clicks, newest first".to_owned(),
        columns: columns(),
        totals: None,
        rows,
        empty: log::empty(
            &view,
            "No clicks here",
            "No click in this range fits. A click shows up a second after it came.",
        ),
        shape: Shape::Log,
    };
    let pager = log::pager(&view, listed.total, listed.items.len(), ("click", "clicks"));
    let chrome = view.dress(desk.chrome("Clicks", Nav::Clicks));
    page(&ClicksPage { chrome, listing: Listing { filters, table, pager } })
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("Time"),
        Column::text("Click"),
        Column::text("Campaign"),
        Column::text("Went to"),
        Column::text("Country"),
        Column::text("Device"),
        Column::text("External id"),
        Column::figure("Cost", "What the click cost, in the account currency"),
        Column::text("Marks"),
    ]
}

fn row(view: &View, desk: &Desk, money: MoneyWords, names: &Names, click: &StoredClick) -> Row {
    let record = &click.record;
    let href = format!("/clicks/{}", record.id);
    let went_to = match (record.lander_id, record.offer_id, record.refusal) {
        (Some(_), _, _) => names.lander(record.lander_id),
        (None, Some(_), _) => names.offer(record.offer_id),
        (None, None, Some(why)) => format!("fallback: {}", why.as_str().replace('_', " ")),
        (None, None, None) => NONE.to_owned(),
    };
    let agent = [record.os.as_deref(), record.browser.as_deref()];
    let agent = agent.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let known = record.cost_original_micros.is_some() || record.cost_micros != 0;
    let cost = if known { money.exact(Money::from_micros(record.cost_micros)) } else { NONE.to_owned() };
    Row {
        cells: vec![
            Cell::link(&moment(view.zone(), record.clicked_at_ms, desk.now_ms), &href),
            Cell { href, ..Cell::code(&log::id_end(record.id)) },
            Cell::text(&names.campaign(record.campaign_id)),
            Cell::text(&went_to),
            Cell::text(record.country.as_ref().map_or(NONE, |country| country.as_str())),
            Cell::text(if agent.is_empty() { record.device.as_str() } else { &agent }),
            Cell::code(&shortened(record.external_id.as_deref().unwrap_or(NONE), 24)),
            Cell::text(&cost),
            Cell { pills: flags(click), ..Cell::default() },
        ],
    }
}
