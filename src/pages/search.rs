//! `/search`: campaigns, offers, click ids and transaction ids in one place.

use askama::Template;

use super::Answer;
use super::desk::{Desk, page, see_other};
use super::layout::{Chrome, Nav};
use super::view::search_text;
use super::words::MoneyWords;
use crate::db::click_log::{self, ClickQuery};
use crate::db::conversions::{self, Conversion, ConversionQuery};
use crate::db::search::ListQuery;
use crate::db::{self, AnyConnection, campaigns, offers};
use crate::domain::click_id::ClickId;
use crate::domain::figures::Bots;
use crate::domain::money::Money;
use crate::http::{App, SignedIn, reading};
use actix_web::{HttpRequest, web};

/// What was found. Without a question it is the search box alone.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "search/show.html")]
pub struct SearchPage {
    /// The frame, its own search box switched off.
    pub chrome: Chrome,
    /// What was asked.
    pub query: String,
    /// What was found, a group for each kind that has any.
    pub groups: Vec<FoundGroup>,
}

impl SearchPage {
    /// Whether something was asked and nothing was found.
    pub fn is_in_vain(&self) -> bool {
        !self.query.is_empty() && self.groups.is_empty()
    }
}

/// What was found of one kind.
#[derive(Debug, Clone, Default)]
pub struct FoundGroup {
    /// The kind ("Campaigns").
    pub title: String,
    /// The first few.
    pub found: Vec<FoundItem>,
    /// Where all of them are. Empty where these are all.
    pub more_href: String,
}

/// One thing that was found.
#[derive(Debug, Clone, Default)]
pub struct FoundItem {
    /// Its name or id.
    pub label: String,
    /// Where it is.
    pub href: String,
    /// A few words about it ("approved, $12.50").
    pub note: String,
    /// Set as code.
    pub is_code: bool,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/search", web::get().to(show));
}

/// What is shown of each kind.
const FOUND_MAX: i64 = 8;

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let asked = url::form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, _)| name == "q");
    let asked = asked.map_or(String::new(), |(_, value)| search_text(&value));
    let mut chrome = desk.chrome("Search", Nav::Nowhere);
    chrome.search = None;
    if asked.is_empty() {
        return page(&SearchPage { chrome, query: asked, groups: Vec::new() });
    }
    let (words, money) = (asked.clone(), MoneyWords::new(desk.currency));
    let found = reading(&app, move |app| app.db.read(|conn| find(conn, &words, money)));
    match found.await? {
        Found::Click(id) => Ok(see_other(&format!("/clicks/{id}"))),
        Found::Groups(groups) => page(&SearchPage { chrome, query: asked, groups }),
    }
}

enum Found {
    Click(ClickId),
    Groups(Vec<FoundGroup>),
}

fn find(conn: &mut AnyConnection, asked: &str, money: MoneyWords) -> db::Result<Found> {
    if let Some(id) = ClickId::parse(asked)
        && click_log::find(conn, id)?.is_some()
    {
        return Ok(Found::Click(id));
    }
    let query = ListQuery { q: asked.to_owned(), page_size: FOUND_MAX, ..ListQuery::default() };
    let encoded: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    let mut groups = Vec::new();
    let listed = campaigns::list(conn, &query)?;
    let found = listed
        .items
        .iter()
        .map(|one| item(&one.value.name, &format!("/campaigns/{}/edit", one.id), one.value.status.as_str()));
    groups.push(group("Campaigns", found.collect(), listed.total, &format!("/campaigns?q={encoded}")));
    let listed = offers::list(conn, &query)?;
    let found = listed
        .items
        .iter()
        .map(|one| item(&one.value.name, &format!("/offers/{}/edit", one.id), one.value.status.as_str()));
    groups.push(group("Offers", found.collect(), listed.total, &format!("/offers?q={encoded}")));
    let query = ConversionQuery {
        click_id: ClickId::parse(asked),
        q: if ClickId::parse(asked).is_some() { String::new() } else { asked.to_owned() },
        limit: FOUND_MAX,
        ..ConversionQuery::default()
    };
    let listed = conversions::list(conn, &query)?;
    let found = listed.items.iter().map(|one| conversion(one, money)).collect();
    let all = format!("/conversions?q={encoded}&range=last_30_days");
    groups.push(group("Conversions", found, listed.total, &all));
    let query =
        ClickQuery { q: asked.to_owned(), bots: Bots::Include, limit: FOUND_MAX, ..ClickQuery::default() };
    let listed = click_log::list(conn, &query)?;
    let found = listed.items.iter().map(|one| {
        let id = one.record.id.to_string();
        FoundItem { is_code: true, ..item(&id, &format!("/clicks/{id}"), "external id or address") }
    });
    let all = format!("/clicks?q={encoded}&range=last_30_days");
    groups.push(group("Clicks", found.collect(), listed.total, &all));
    groups.retain(|group| !group.found.is_empty());
    Ok(Found::Groups(groups))
}

fn item(label: &str, href: &str, note: &str) -> FoundItem {
    FoundItem { label: label.to_owned(), href: href.to_owned(), note: note.to_owned(), is_code: false }
}

fn group(title: &str, found: Vec<FoundItem>, total: i64, href: &str) -> FoundGroup {
    let more_href = if total > FOUND_MAX { href.to_owned() } else { String::new() };
    FoundGroup { title: title.to_owned(), found, more_href }
}

fn conversion(one: &Conversion, money: MoneyWords) -> FoundItem {
    let value = &one.value;
    let label = if value.txid.is_empty() { value.click_id.to_string() } else { value.txid.clone() };
    let amount = money.amount(Money::from_micros(value.revenue_micros));
    let test = if value.is_test { ", test" } else { "" };
    let note = format!("{}, {}, {amount}{test}", value.event, value.status);
    FoundItem { is_code: true, ..item(&label, &format!("/conversions/{}", one.id), &note) }
}
