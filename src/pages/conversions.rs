//! `/conversions`: the log, and one conversion with its history.

use askama::Template;

mod adding;
mod changing;
mod facts;
mod unusual;

use super::click_story::{Teller, change_moment};
use super::clicks::story_zone;
use super::desk::{Desk, page};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{FactGroup, Link, Moment, Pill, Tone};
use super::tables::{Cell, Column, Filters, Listing, Row, Shape, Table};
use super::typed::{Typed, number};
use super::view::{Defaults, View};
use super::words::{MoneyWords, NONE, moment, shortened, span};
use super::{Answer, log};
use crate::db;
use crate::db::click_log;
use crate::db::conversions::{self, Conversion, ConversionQuery, NewConversion};
use crate::db::search::PAGE_SIZE;
use crate::domain::anomaly::Unusual;
use crate::domain::click_id::ClickId;
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::domain::status::Status;
use crate::http::limits::SECONDS_MAX;
use crate::http::{App, Error, SignedIn, reading};
use crate::reports::Preset;
use actix_web::{HttpRequest, web};

/// The log of conversions.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversions/list.html")]
pub struct ConversionsPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
    /// What may be done with the rows that are ticked.
    pub bulk: BulkForm,
}

/// A change by hand of the conversions that are ticked.
#[derive(Debug, Clone, Default)]
pub struct BulkForm {
    /// Where it posts to: the log as it is shown, so that it is shown again.
    pub action: String,
    /// New status.
    pub status: Select,
    /// Why, kept in the history of each.
    pub why: Field,
}

/// One conversion.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversions/show.html")]
pub struct ConversionPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its status.
    pub status: Pill,
    /// Test, over the cap.
    pub flags: Vec<Pill>,
    /// One sentence ("$12.50 from MaxBounty for click 0k3v…, approved 14:29:55.").
    pub summary: String,
    /// Why it counts as unusual, a sentence for each reason.
    pub unusual: Vec<String>,
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// Every change of status or money with its cause, oldest first.
    pub changes: Vec<Moment>,
    /// The form that changes it by hand; `None` where the role does not allow it.
    pub change: Option<ChangeForm>,
}

/// The form of a conversion that a person records.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversions/new.html")]
pub struct AddPage {
    /// The frame.
    pub chrome: Chrome,
    /// The click that converted.
    pub click_id: Field,
    /// Whose it is, where the click alone does not say.
    pub advertiser_id: Select,
    /// What happened.
    pub event: Field,
    /// The advertiser's transaction.
    pub txid: Field,
    /// What is earned.
    pub revenue: Field,
    /// In which currency.
    pub currency: Field,
    /// The order value.
    pub sale_amount: Field,
    /// Its status.
    pub status: Select,
    /// When it happened.
    pub converted_at: Field,
    /// Why, kept in its history.
    pub why: Field,
}

/// A change by hand.
#[derive(Debug, Clone, Default)]
pub struct ChangeForm {
    /// Where it posts to.
    pub action: String,
    /// New status.
    pub status: Select,
    /// New revenue.
    pub revenue: Field,
    /// Its currency.
    pub currency: String,
    /// Why, kept in the history.
    pub why: Field,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/conversions", web::get().to(list))
        .route("/conversions", web::post().to(changing::update_many))
        .route("/conversions/new", web::get().to(adding::new))
        .route("/conversions/new", web::post().to(adding::create))
        .route("/conversions/{id}", web::get().to(show))
        .route("/conversions/{id}", web::post().to(changing::update));
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let defaults = Defaults { preset: Preset::Last7Days, ..Defaults::default() };
    let mut view = View::read(&desk, "/conversions", request.query_string(), defaults)?;
    let (campaign, offer, source) = (view.take_id("campaign"), view.take_id("offer"), view.take_id("source"));
    let unusual = view.take("anomaly", Unusual::parse);
    let (min_seconds, max_seconds) = (view.take("min_seconds", seconds), view.take("max_seconds", seconds));
    let status = view.take("status", Status::parse);
    let click_id = ClickId::parse(view.own("q"));
    let query = match click_id {
        Some(_) => ConversionQuery { click_id, limit: PAGE_SIZE, ..ConversionQuery::default() },
        None => ConversionQuery {
            from_ms: Some(view.period.from_ms()),
            to_ms: Some(view.period.to_ms()),
            campaign_id: campaign,
            offer_id: offer,
            source_id: source,
            min_seconds,
            max_seconds,
            unusual,
            status: status.map(|status| status.as_str().to_owned()),
            click_id: None,
            q: view.own("q").to_owned(),
            is_test: Some(log::is_test(&desk, &view)),
            offset: view.offset(),
            limit: PAGE_SIZE,
        },
    };
    let found = reading(&app, move |app| {
        app.db.read(|conn| Ok::<_, db::Error>((conversions::list(conn, &query)?, Names::read(conn)?)))
    });
    let (listed, names) = found.await?;
    let statuses = [
        ("", "All"),
        ("approved", "Approved"),
        ("pending", "Pending"),
        ("rejected", "Rejected"),
        ("reversed", "Reversed"),
    ];
    let filters = Filters {
        action: "/conversions".to_owned(),
        query: view.own("q").to_owned(),
        placeholder: "Transaction, event or click id".to_owned(),
        segments: vec![view.segments("status", "Status", &statuses)],
        selects: vec![names.campaign_filter(campaign), unusual::filter(unusual)],
        numbers: vec![
            view.number("min_seconds", "Seconds after the click, from"),
            view.number("max_seconds", "to"),
        ],
        switches: log::test_switch(&desk, &view),
        hidden: view.hidden(&["q", "status", "campaign", "anomaly", "min_seconds", "max_seconds", "test"]),
        counts: Vec::new(),
    };
    let money = MoneyWords::new(desk.currency);
    let table = Table {
        caption: "Conversions, newest first".to_owned(),
        columns: columns(),
        totals: None,
        rows: listed.items.iter().map(|one| row(&view, &desk, money, &names, one)).collect(),
        empty: log::empty(
            &view,
            "No conversions here",
            "A conversion appears when an advertiser's postback names a click of yours.",
        ),
        shape: Shape::Log,
    };
    let pager = log::pager(&view, listed.total, listed.items.len(), ("conversion", "conversions"));
    let notice = changing::notice(request.query_string());
    let chrome = view.dress(Chrome { notice, ..desk.chrome("Conversions", Nav::Conversions) });
    let bulk = BulkForm {
        action: changing::list_address(request.query_string()),
        status: Select::new(&changing::STATUSES, "approved"),
        why: Field::default(),
    };
    page(&ConversionsPage { chrome, listing: Listing { filters, table, pager }, bulk })
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("Time"),
        Column::text("Status"),
        Column::text("Event"),
        Column::text("Transaction"),
        Column::text("Campaign"),
        Column::text("Offer"),
        Column::text("Click"),
        Column::figure("After", "Time from the click to the conversion"),
        Column::figure("Revenue", "In the account currency; counted once it is approved"),
        Column::text("Marks"),
    ]
}

/// Test, unconfirmed, over the cap, not counted.
fn flags(value: &NewConversion) -> Vec<Pill> {
    let pill = |is: bool, text: &str, tone| is.then(|| Pill { text: text.to_owned(), tone });
    let all = [
        pill(value.is_test, "test", Tone::Quiet),
        pill(value.is_unconfirmed, "unconfirmed", Tone::Warn),
        pill(value.is_over_cap, "over the cap", Tone::Warn),
        pill(value.is_bot, "bot", Tone::Warn),
        pill(!value.counts_as_conversion, "event", Tone::Quiet),
    ];
    all.into_iter().flatten().collect()
}

/// The same with what is unusual about it.
fn marks(value: &NewConversion) -> Vec<Pill> {
    let mut marks = flags(value);
    marks.extend(unusual::mark(value.anomalies));
    marks
}

/// Whole seconds, as a filter says them.
fn seconds(text: &str) -> Option<i64> {
    text.parse().ok().filter(|seconds| (0..=SECONDS_MAX).contains(seconds))
}

fn row(view: &View, desk: &Desk, money: MoneyWords, names: &Names, one: &Conversion) -> Row {
    let value = &one.value;
    let is_earned = value.status == Status::Approved;
    let dash = |text: &str| if text.is_empty() { NONE.to_owned() } else { text.to_owned() };
    let revenue = money.amount(Money::from_micros(value.revenue_micros));
    let href = format!("/conversions/{}", one.id);
    Row {
        cells: vec![
            Cell {
                pick: one.id.to_string(),
                ..Cell::link(&moment(view.zone(), value.converted_at_ms, desk.now_ms), &href)
            },
            Cell::pill(Pill::status(value.status.as_str())),
            Cell::text(&dash(&value.event)),
            Cell::code(&shortened(&dash(&value.txid), 28)),
            Cell::text(&names.campaign(value.campaign_id)),
            Cell::text(&dash(&names.offer(value.offer_id))),
            Cell { href: format!("/clicks/{}", value.click_id), ..Cell::code(&log::id_end(value.click_id)) },
            Cell::text(&span(value.after_ms())),
            Cell::tone(&revenue, if is_earned { Tone::Plain } else { Tone::Quiet }),
            Cell { pills: marks(value), ..Cell::default() },
        ],
    }
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let desk = Desk::open(&app, who).await?;
    page(&drawn(&app, desk, &request, number(&id)?, None).await?)
}

/// The page of one conversion, with what was typed into its form where that was refused.
async fn drawn(
    app: &web::Data<App>,
    desk: Desk,
    request: &HttpRequest,
    id: i64,
    refused: Option<(Typed, FieldErrors)>,
) -> Result<ConversionPage, Error> {
    let zone = story_zone(&desk, request);
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let changes = conversions::changes_of(conn, &[id])?;
            let conversion = conversions::find(conn, id)?;
            let click = match &conversion {
                Some(found) => click_log::find(conn, found.value.click_id)?,
                None => None,
            };
            Ok::<_, db::Error>((conversion, click, changes, Names::read(conn)?))
        })
    });
    let (conversion, click, changes, names) = found.await?;
    let click = click.map(|click| click.record);
    let value = conversion.ok_or(Error::NotFound)?.value;
    let teller = Teller { names: &names, money: MoneyWords::new(desk.currency), zone, now_ms: desk.now_ms };
    let first = changes.first().map_or(value.recorded_at_ms, |change| change.at_ms);
    let mut chrome = desk.chrome(&format!("Conversion {id}"), Nav::Conversions);
    chrome.parent = Some(Link::new("Conversions", "/conversions"));
    chrome.notice = changing::notice(request.query_string());
    Ok(ConversionPage {
        chrome,
        status: Pill::status(value.status.as_str()),
        flags: flags(&value).into_iter().chain(unusual::marks(value.anomalies)).collect(),
        summary: facts::summary(&teller, &value),
        unusual: unusual::sentences(&value, click.as_ref()),
        groups: facts::groups(&teller, &value, click.as_ref()),
        changes: changes.iter().map(|change| change_moment(&teller, change, first)).collect(),
        change: Some(changing::form(id, &value, refused)),
    })
}
