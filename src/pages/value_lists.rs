//! `/lists`: the lists of values that rules use.

use askama::Template;

use super::Answer;
use super::desk::{Desk, page, page_with, see_other};
use super::editing::{Place, Shown, editing};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav};
use super::lists::{Ask, Kind, archive_button, name_cell, saved_notice, status_cell};
use super::parts::{Link, PostButton};
use super::tables::{Cell, Listing, Row};
use super::typed::{Typed, number};
use super::words::count;
use crate::db::search::Saved;
use crate::domain::lander::EntityStatus;
use crate::domain::rule::ValueList as Noun;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use actix_web::{HttpRequest, web};

/// Values that a form shows: more nobody edits by hand, and the browser slows down.
const VALUES_SHOWN: usize = 5_000;

/// All lists.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/value_lists.html")]
pub struct ListsPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The form of a list, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/value_list.html")]
pub struct ListFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: ListForm,
    /// Whether the values are few enough to be edited here.
    pub is_short: bool,
    /// How many there are.
    pub count: String,
    /// Archive or restore; `None` for a new list.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of a list.
#[derive(Debug, Clone, Default)]
pub struct ListForm {
    /// Name.
    pub name: Field,
    /// What it holds.
    pub kind: Select,
    /// Its values, one a line.
    pub values: Field,
}

const KIND: Kind = Kind {
    path: "/lists",
    one: "list",
    many: "lists",
    placeholder: "Name",
    teach: "A list is a named set of zones, addresses or networks. Rules of any campaign can ask whether a visitor is on it.",
};

const KINDS: [(&str, &str); 3] = [
    ("values", "Zones, sub values and other texts"),
    ("addresses", "Addresses and address ranges"),
    ("asns", "Numbers of networks (ASN)"),
];

editing!(lists);

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
    configure_form(config);
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let query = ask.query.clone();
    let (listed, counts) = reading(&app, move |app| {
        let listed = entities::lists::list(&app.db, &query)?;
        let ids: Vec<i64> = listed.items.iter().map(|saved| saved.id).collect();
        let counts = entities::lists::counts(&app.db, &ids)?;
        Ok::<_, entities::Error>((listed, counts))
    })
    .await?;
    let row = |saved: &Saved<Noun>| {
        let (id, value) = (saved.id, &saved.value);
        let holds =
            KINDS.iter().find(|(word, _)| *word == value.kind.as_str()).map_or("", |(_, label)| label);
        let cells = vec![
            name_cell(&value.name, &format!("{}/{id}/edit", KIND.path), value.status),
            Cell::text(holds),
            Cell::text(&count(counts.get(&id).copied().unwrap_or(0))),
            status_cell(KIND.path, id, value.status),
        ];
        Row { cells }
    };
    let rows = listed.items.iter().map(row).collect();
    let listing = ask.listing(&KIND, &["List", "Holds", "Values", "Status"], rows, listed.total);
    let chrome = Chrome { notice: ask.notice(&KIND), ..desk.chrome("Lists", Nav::Lists) };
    page(&ListsPage { chrome, listing })
}

fn blank(_: &Desk, _: &str) -> Typed {
    typed_of(&Noun::default())
}

fn typed_of(list: &Noun) -> Typed {
    Typed::of([("name", list.name.clone()), ("kind", list.kind.to_string())])
}

fn fields(typed: &Typed) -> Fields {
    let names: &[&str] =
        if typed.is_on("has_values") { &["name", "kind", "values"] } else { &["name", "kind"] };
    typed.fields(names)
}

fn change_rows(_: &mut Shown<Noun>) -> bool {
    false
}

fn after(id: i64) -> String {
    format!("{}/{id}/edit?saved=1", KIND.path)
}

fn draw(app: &App, place: &Place, shown: &Shown<Noun>) -> Result<ListFormPage, entities::Error> {
    let form = shown.marked();
    let (stored, stored_count) = match &shown.saved {
        Some(saved) => entities::lists::values(&app.db, saved.id, VALUES_SHOWN)?,
        None => (Vec::new(), 0),
    };
    let mut values = form.field("values");
    if !form.typed.is_on("has_values") {
        values.value = stored.join("\n");
    }
    let title = shown.saved.as_ref().map_or("New list", |saved| &saved.value.name);
    let parent = Some(Link::new("Lists", KIND.path));
    let notice = saved_notice(&place.query);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    Ok(ListFormPage {
        chrome: Chrome { parent, notice, ..shown.desk.chrome(title, Nav::Lists) },
        action: shown.action(KIND.path),
        form: ListForm { name: form.field("name"), kind: form.select("kind", &KINDS), values },
        is_short: usize::try_from(stored_count).is_ok_and(|count| count <= VALUES_SHOWN),
        count: count(stored_count),
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}
