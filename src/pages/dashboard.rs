//! `/`: key figures, the chart, what needs attention, best and worst campaigns, all campaigns.

use askama::Template;
use serde::Serialize;

use super::desk::{Desk, page, see_other};
use super::layout::{Chrome, Nav};
use super::parts::{Link, Piece, Tone};
use super::tables::{Dot, Table};
use super::view::{Defaults, View, of_report};
use super::words::MoneyWords;
use super::{
    Answer, advertisers, attention, campaign_table, caps, dashboard_parts as parts, journal_health, start,
    unusual_shares,
};
use crate::clicks::{Health, Journal};
use crate::db::AnyConnection;
use crate::http::{App, Error, SignedIn, Tracker, reading};
use crate::reports::{self, By, Dashboard, DashboardQuery, Order, Query, Report, Step, dashboard, report};
use actix_web::{HttpRequest, web};
use std::sync::Arc;

/// The dashboard.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "dashboard/show.html")]
pub struct DashboardPage {
    /// The frame.
    pub chrome: Chrome,
    /// Six key figures: profit, ROI, revenue, cost, clicks, conversions.
    pub figures: Vec<KeyFigure>,
    /// The chart.
    pub chart: Chart,
    /// What needs attention, worst first. May be empty.
    pub attention: Vec<Attention>,
    /// Where all of it stands.
    pub attention_href: String,
    /// The campaigns that earn most.
    pub best: Vec<Rank>,
    /// The campaigns that lose most.
    pub worst: Vec<Rank>,
    /// All campaigns.
    pub campaigns: Table,
    /// The line below the table.
    pub note: String,
    /// How the journal is doing.
    pub journal: String,
}

/// One of the six key figures.
#[derive(Debug, Clone, Default)]
pub struct KeyFigure {
    /// Its name.
    pub label: String,
    /// Its formula, shown on hover.
    pub formula: String,
    /// Its value.
    pub value: String,
    /// Colour: for profit and ROI only.
    pub tone: Tone,
    /// The line below ("+12.4% to yesterday").
    pub under: String,
}

/// The chart and the same data as a table.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Its heading ("Today by hour").
    pub title: String,
    /// The other step ("By day").
    pub switch: Option<Link>,
    /// The compared series in words ("Revenue yesterday"). Empty for none.
    pub compare_label: String,
    /// The series to draw, from [`ChartData::to_json`].
    pub data: String,
    /// The same data in words, one row per hour or day. Hover shows these.
    pub rows: Vec<ChartRow>,
}

/// One hour or day of the chart, ready to be read.
#[derive(Debug, Clone, Default)]
pub struct ChartRow {
    /// The hour or day.
    pub label: String,
    /// Clicks.
    pub clicks: String,
    /// Revenue.
    pub revenue: String,
    /// Cost.
    pub cost: String,
    /// Profit with its sign.
    pub profit: String,
    /// Colour of the profit.
    pub tone: Tone,
    /// Revenue of the compared period. Empty where nothing is compared.
    pub compare: String,
}

/// What the script draws. Money is sent as decimal text; an hour that has not come is `None`, an empty one is `"0"`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChartData {
    /// Below each bar; an empty text leaves the place blank.
    pub labels: Vec<String>,
    /// Stands before money on the axis ("$").
    pub before: String,
    /// Stands after money on the axis (" kr").
    pub after: String,
    /// Clicks.
    pub clicks: Vec<Option<i64>>,
    /// Revenue.
    pub revenue: Vec<Option<String>>,
    /// Cost.
    pub cost: Vec<Option<String>>,
    /// Profit.
    pub profit: Vec<Option<String>>,
    /// Revenue of the compared period. Empty where nothing is compared.
    pub compare: Vec<Option<String>>,
}

impl ChartData {
    /// The text for [`Chart::data`]. Text and numbers always become JSON, so a failure leaves an empty chart.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Something that needs attention.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    /// How bad it is.
    pub dot: Dot,
    /// What, in a few words.
    pub title: String,
    /// Where it is mended.
    pub href: String,
    /// One sentence that says what to do; marked pieces are set as code.
    pub text: Vec<Piece>,
    /// How long ago ("4 min").
    pub ago: String,
}

/// A campaign among the best or worst.
#[derive(Debug, Clone, Default)]
pub struct Rank {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its profit with its sign.
    pub profit: String,
    /// Its ROI with its sign.
    pub roi: String,
    /// Colour of both.
    pub tone: Tone,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(show));
}

/// Rows of the campaigns' table: the rest stands on its own page.
const CAMPAIGNS_MAX: usize = 20;
/// Campaigns among the best, and among the worst.
const RANKS_MAX: usize = 3;

/// What the page shows, as it is read.
struct Found {
    dashboard: Dashboard,
    campaigns: Report,
}

async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: web::Data<Arc<Journal>>,
    request: HttpRequest,
) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let mut view = View::read(&desk, "/", request.query_string(), Defaults::default())?;
    let days = view.period.whole_days().map_or(1, |(from, to)| (to - from).num_days() + 1);
    let step = parts::step(view.take("step", Step::parse), days);
    let asked = DashboardQuery {
        period: view.period,
        now_ms: desk.now_ms,
        attribution: view.attribution,
        bots: view.bots,
        is_test: desk.shows_test(),
        campaign_ids: None,
        step,
        campaigns_max: RANKS_MAX,
    };
    let order = view.sort();
    let now_ms = desk.now_ms;
    let found = reading(&app, move |app| {
        let found = app.db.read(|conn| read(conn, &asked, order)).map_err(of_report)?;
        let (mut alerts, mut unusual) = (Vec::new(), Vec::new());
        if found.is_some() {
            alerts = app.db.read(|conn| reports::alerts(conn, &app.postback_hours, now_ms, asked.is_test))?;
            unusual = app.db.read(|conn| reports::unusual_shares(conn, now_ms))?;
        }
        let look = |found| (found, alerts, unusual, Health::look(&journal, &tracker.ingested, now_ms));
        Ok::<_, Error>(found.map(look))
    });
    let Some((found, alerts, unusual, health)) = found.await? else { return Ok(see_other(start::START)) };
    let money = MoneyWords::new(desk.currency);
    let compare_label = parts::compare_label(&view, &found.dashboard.compared);
    let chrome = desk.chrome("Dashboard", Nav::Dashboard);
    let mut needing = journal_health::attention(&health, now_ms);
    needing.extend(advertisers::attention(&desk, &alerts));
    needing.extend(caps::attention(&app, &desk));
    needing.extend(unusual_shares::attention(&unusual));
    needing.extend(parts::attention(&view, &desk, &found.dashboard.attention));
    page(&DashboardPage {
        chrome: view.dress_compared(chrome, &compare_label),
        figures: parts::key_figures(&view, money, &found.dashboard),
        chart: parts::chart(&view, money, &found.dashboard, days),
        attention: needing,
        attention_href: view.elsewhere(attention::PATH, &[]),
        best: parts::ranks(money, &found.dashboard.best),
        worst: parts::ranks(money, &found.dashboard.worst),
        campaigns: campaign_table::table(&view, money, &found.campaigns, parts::no_campaigns()),
        note: campaign_table::note(&view, money, &found.campaigns),
        journal: journal_health::line(&health),
    })
}

/// Everything that is shown; `None` where the first steps come first.
fn read(
    conn: &mut AnyConnection,
    asked: &DashboardQuery,
    order: Order,
) -> Result<Option<Found>, reports::Error> {
    if start::needs_start(conn)? {
        return Ok(None);
    }
    let mut dashboard = dashboard(conn, asked)?;
    let query = Query {
        attribution: asked.attribution,
        bots: asked.bots,
        is_test: asked.is_test,
        with_idle: true,
        order,
        limit: Some(CAMPAIGNS_MAX),
        ..Query::new(asked.period, By::Campaign)
    };
    let campaigns = report(conn, &query)?;
    dashboard.attention.truncate(parts::ATTENTION_MAX);
    Ok(Some(Found { dashboard, campaigns }))
}
