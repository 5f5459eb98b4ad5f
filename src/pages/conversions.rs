//! `/conversions`: the log, and one conversion with its history.

use askama::Template;

mod adding;
mod changing;

use super::click_story::{Teller, change_moment, fact, group, link, named, raw};
use super::clicks::story_zone;
use super::deliveries::{self, Clock};
use super::desk::{Desk, page};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{Fact, FactGroup, Link, Moment, Pill, Tone};
use super::tables::{Cell, Column, Filters, Listing, Row, Shape, Table};
use super::typed::{Typed, number};
use super::view::{Defaults, View};
use super::words::{MoneyWords, NONE, moment, shortened, span};
use super::{Answer, log};
use crate::db::conversions::{self, Conversion, ConversionQuery, NewConversion};
use crate::db::search::PAGE_SIZE;
use crate::db::{self, delivery_log, stories};
use crate::domain::click_id::ClickId;
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::domain::origin::Origin;
use crate::domain::rate::shown;
use crate::domain::status::Status;
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
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// Every change of status or money with its cause, oldest first.
    pub changes: Vec<Moment>,
    /// Who was told of it.
    pub told: Table,
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
    let (campaign, offer) = (view.take_id("campaign"), view.take_id("offer"));
    let status = view.take("status", Status::parse);
    let click_id = ClickId::parse(view.own("q"));
    let query = match click_id {
        Some(_) => ConversionQuery { click_id, limit: PAGE_SIZE, ..ConversionQuery::default() },
        None => ConversionQuery {
            from_ms: Some(view.period.from_ms()),
            to_ms: Some(view.period.to_ms()),
            campaign_id: campaign,
            offer_id: offer,
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
        selects: vec![names.campaign_filter(campaign)],
        switches: log::test_switch(&desk, &view),
        hidden: view.hidden(&["q", "status", "campaign", "test"]),
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
        Column::figure("After", "From the click to the conversion"),
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
            Cell::text(&span(value.converted_at_ms - value.clicked_at_ms)),
            Cell::tone(&revenue, if is_earned { Tone::Plain } else { Tone::Quiet }),
            Cell { pills: flags(value), ..Cell::default() },
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
            let told = delivery_log::of_conversions(conn, &[id], stories::DELIVERIES_MAX)?;
            Ok::<_, db::Error>((conversions::find(conn, id)?, changes, told, Names::read(conn)?))
        })
    });
    let (conversion, changes, told, names) = found.await?;
    let value = conversion.ok_or(Error::NotFound)?.value;
    let teller = Teller { names: &names, money: MoneyWords::new(desk.currency), zone, now_ms: desk.now_ms };
    let first = changes.first().map_or(value.recorded_at_ms, |change| change.at_ms);
    let mut chrome = desk.chrome(&format!("Conversion {id}"), Nav::Conversions);
    chrome.parent = Some(Link::new("Conversions", "/conversions"));
    chrome.notice = changing::notice(request.query_string());
    Ok(ConversionPage {
        chrome,
        status: Pill::status(value.status.as_str()),
        flags: flags(&value),
        summary: summary(&teller, &value),
        groups: groups(&teller, &value),
        changes: changes.iter().map(|change| change_moment(&teller, change, first)).collect(),
        told: deliveries::of_conversion(&names, Clock { zone, now_ms: desk.now_ms }, &told),
        change: Some(changing::form(id, &value, refused)),
    })
}

fn summary(teller: &Teller<'_>, value: &NewConversion) -> String {
    let revenue = teller.money.amount(Money::from_micros(value.revenue_micros));
    let advertiser = teller.names.advertiser(Some(value.advertiser_id));
    let after = span(value.converted_at_ms - value.clicked_at_ms);
    format!(
        "{revenue} from {advertiser}, {after} after its click at {}.",
        teller.names.campaign(value.campaign_id)
    )
}

/// How it became known, in words.
const fn known_by(value: &NewConversion) -> &'static str {
    match (value.origin, value.is_unconfirmed) {
        (Origin::Postback, _) => "postback",
        (Origin::Pixel, true) => "pixel, no postback has confirmed it yet",
        (Origin::Pixel, false) => "pixel, confirmed by a postback",
        (Origin::Hand, _) => "by hand",
        (Origin::Import, _) => "a file",
    }
}

/// Whose word the reported amount is.
const fn reported_by(value: &NewConversion) -> &'static str {
    if value.is_unconfirmed { "As the pixel said" } else { "As the postback said" }
}

fn groups(teller: &Teller<'_>, value: &NewConversion) -> Vec<FactGroup> {
    let time = |at_ms: i64| moment(teller.zone, at_ms, teller.now_ms);
    let own = |micros: i64| MoneyWords::new(value.currency).exact(Money::from_micros(micros));
    let account = |micros: i64| teller.money.exact(Money::from_micros(micros));
    let maybe = |micros: Option<i64>| micros.map(own).unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "no" };
    let what = group(
        "What",
        vec![
            fact("Event", &value.event),
            raw("Transaction", &value.txid),
            fact("Status", value.status.as_str()),
            raw("Their word for it", value.advertiser_status.as_deref().unwrap_or("")),
            raw("Reason", value.reason.as_deref().unwrap_or("")),
            fact("Counts as a conversion", yes(value.counts_as_conversion)),
            fact("Counts in revenue", yes(value.counts_in_revenue)),
        ],
    );
    let money = group(
        "Money",
        vec![
            fact("Revenue", &account(value.revenue_micros)),
            fact("In its own currency", &own(value.revenue_original_micros)),
            fact(reported_by(value), &maybe(value.revenue_reported_micros)),
            fact("Rate to the account currency", &shown(value.rate_nanos)),
            fact("Order value", &value.sale_amount_micros.map(account).unwrap_or_default()),
            fact("Payout", &account(value.payout_micros)),
            fact("Payout status", value.payout_status.as_str()),
        ],
    );
    let click = format!("/clicks/{}", value.click_id);
    let campaign = format!("/campaigns/{}/edit", value.campaign_id);
    let advertiser = format!("/advertisers/{}", value.advertiser_id);
    let whence = group(
        "Where it comes from",
        vec![
            Fact { is_code: true, ..link("Click", &value.click_id.to_string(), &click) },
            link("Campaign", &teller.names.campaign(value.campaign_id), &campaign),
            named("Offer", &teller.names.offer(value.offer_id), "offers", value.offer_id),
            named("Lander", &teller.names.lander(value.lander_id), "landers", value.lander_id),
            named("Source", &teller.names.source(value.source_id), "sources", value.source_id),
            link("Advertiser", &teller.names.advertiser(Some(value.advertiser_id)), &advertiser),
            fact("Became known by", known_by(value)),
        ],
    );
    let times = group(
        "Times",
        vec![
            fact("Click", &time(value.clicked_at_ms)),
            fact("Conversion", &time(value.converted_at_ms)),
            fact("Recorded", &time(value.recorded_at_ms)),
            fact("Last change", &time(value.updated_at_ms)),
            fact("Zone", teller.zone.name()),
        ],
    );
    vec![what, money, whence, times]
}
