//! `/landers`: the list and the form.

use askama::Template;

use super::Answer;
use super::desk::{Desk, page, page_with, see_other};
use super::editing::{Place, Shown, editing};
use super::forms::{Field, Select, TemplateField};
use super::layout::{Chrome, Nav};
use super::lists::{Ask, Kind, archive_button, name_cell, or_dash, saved_notice, status_cell};
use super::parts::{CodeBox, Link, PostButton};
use super::tables::{Cell, Listing, Row};
use super::typed::{Typed, number, statuses};
use crate::db::search::Saved;
use crate::domain::lander::{EntityStatus, Lander as Noun};
use crate::domain::template::TemplateUse;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use actix_web::{HttpRequest, web};

/// All landers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "landers/list.html")]
pub struct LandersPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The lander form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "landers/form.html")]
pub struct LanderFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: LanderForm,
    /// The addresses for the lander's buttons, one per offer link.
    pub buttons: Vec<CodeBox>,
    /// Archive or restore; `None` for a new lander.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of a lander.
#[derive(Debug, Clone, Default)]
pub struct LanderForm {
    /// Name.
    pub name: Field,
    /// URL template.
    pub url: TemplateField,
    /// How many offer links the page has.
    pub offer_links: Field,
    /// Status.
    pub status: Select,
    /// Tags, with commas between them.
    pub tags: Field,
}

const KIND: Kind = Kind {
    path: "/landers",
    one: "lander",
    many: "landers",
    placeholder: "Name or address",
    teach: "A lander is a page between the click and the offer. Its buttons lead to /go here, so that you see \
            how many visitors go on.",
};

/// What is stored as it was typed.
const TEXTS: [&str; 5] = ["name", "url", "offer_links", "status", "tags"];

editing!(landers);

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
    configure_form(config);
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let query = ask.query.clone();
    let listed = reading(&app, move |app| entities::landers::list(&app.db, &query)).await?;
    let row = |saved: &Saved<Noun>| {
        let (id, value) = (saved.id, &saved.value);
        let cells = vec![
            name_cell(&value.name, &format!("{}/{id}/edit", KIND.path), value.status),
            Cell::code(&short(&value.url)),
            Cell::text(&value.offer_links.to_string()),
            Cell::text(or_dash(&value.tags.join(", "))),
            status_cell(KIND.path, id, value.status),
        ];
        Row { cells }
    };
    let rows = listed.items.iter().map(row).collect();
    let columns = ["Lander", "Address", "Offer links", "Tags", "Status"];
    let listing = ask.listing(&KIND, &columns, rows, listed.total);
    let chrome = Chrome { notice: ask.notice(&KIND), ..desk.chrome("Landers", Nav::Landers) };
    page(&LandersPage { chrome, listing })
}

/// An address in a table: its beginning says which it is.
fn short(url: &str) -> String {
    const CHARS_SHOWN: usize = 60;
    let shown: String = url.chars().take(CHARS_SHOWN).collect();
    if shown.len() < url.len() { format!("{shown}…") } else { shown }
}

fn blank(_: &Desk, _: &str) -> Typed {
    typed_of(&Noun::default())
}

fn typed_of(lander: &Noun) -> Typed {
    Typed::of([
        ("name", lander.name.clone()),
        ("url", lander.url.clone()),
        ("offer_links", lander.offer_links.to_string()),
        ("status", lander.status.to_string()),
        ("tags", lander.tags.join(", ")),
    ])
}

fn fields(typed: &Typed) -> Fields {
    typed.fields(&TEXTS)
}

fn change_rows(_: &mut Shown<Noun>) -> bool {
    false
}

fn after(id: i64) -> String {
    format!("{}/{id}/edit?saved=1", KIND.path)
}

#[allow(clippy::unnecessary_wraps, reason = "every form is drawn alike, and the others read the database")]
fn draw(_: &App, place: &Place, shown: &Shown<Noun>) -> Result<LanderFormPage, entities::Error> {
    let form = shown.marked();
    let title = shown.saved.as_ref().map_or("New lander", |saved| &saved.value.name);
    let parent = Some(Link::new("Landers", KIND.path));
    let notice = saved_notice(&place.query);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    let buttons = shown.saved.as_ref().map(|saved| buttons(&place.public_url, &saved.value));
    Ok(LanderFormPage {
        chrome: Chrome { parent, notice, ..shown.desk.chrome(title, Nav::Landers) },
        action: shown.action(KIND.path),
        form: LanderForm {
            name: form.field("name"),
            url: form.template("url", TemplateUse::Lander),
            offer_links: form.field("offer_links"),
            status: form.select("status", &statuses(form.typed.get("status"))),
            tags: form.field("tags"),
        },
        buttons: buttons.unwrap_or_default(),
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}

/// The addresses of the lander's buttons.
fn buttons(public_url: &str, lander: &Noun) -> Vec<CodeBox> {
    let one = lander.offer_links == 1;
    let address = |n: i64| {
        let hint = "Where your page has the click id, add ?cid= and the id, or ?ct= and {click_token}: then the \
                    button works without cookies.";
        let (label, url) = if one {
            ("For the button on the page".to_owned(), format!("{public_url}/go"))
        } else {
            (format!("For button {n}: offer {n} of the path"), format!("{public_url}/go/{n}"))
        };
        let hint = if n == lander.offer_links { hint.to_owned() } else { String::new() };
        CodeBox { hint, ..CodeBox::url(&label, &url) }
    };
    (1..=lander.offer_links).map(address).collect()
}
