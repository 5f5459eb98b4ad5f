//! `/offers`: the list and the form.

use askama::Template;

mod caps;
mod click_param;
mod events;
mod list;

use super::Answer;
use super::caps::{CapBar, bars};
use super::choosing;
use super::desk::{Desk, page_with, see_other};
use super::editing::{Place, Shown, editing};
use super::forms::{Field, Select, TemplateField};
use super::layout::{Chrome, Nav};
use super::lists::{Kind, archive_button, saved_notice};
use super::parts::{Choice, Link, PostButton};
use super::tables::Listing;
use super::typed::{Marked, Typed, number, statuses};
use crate::db;
use crate::domain::lander::EntityStatus;
use crate::domain::macros::Macro;
use crate::domain::offer::{AtCap, Offer as Noun, percent_text};
use crate::domain::template::TemplateUse;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use crate::reports::TimeZone;
use actix_web::{HttpRequest, web};
use serde_json::json;

/// All offers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "offers/list.html")]
pub struct OffersPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The offer form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "offers/form.html")]
pub struct OfferFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: OfferForm,
    /// The macros that a URL may hold, with what each becomes.
    pub macros: Vec<(String, String)>,
    /// The names of all time zones.
    pub zones: Vec<String>,
    /// The account currency, in which caps of money are written.
    pub currency: String,
    /// Archive or restore; `None` for a new offer.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of an offer.
#[derive(Debug, Clone, Default)]
pub struct OfferForm {
    /// Name.
    pub name: Field,
    /// Advertiser, by id.
    pub advertiser_id: Select,
    /// What that select leaves out, in words. Empty where it holds everything.
    pub advertisers_cut: String,
    /// URL template.
    pub url: TemplateField,
    /// Where its network wants our click id.
    pub click_param: ClickParamHint,
    /// What the advertiser pays for a conversion.
    pub revenue: Field,
    /// Or per cent of the sale amount.
    pub revenue_percent: Field,
    /// Currency.
    pub currency: Field,
    /// Revenue mode.
    pub revenue_mode: Select,
    /// What other events earn, a row an event.
    pub events: Vec<EventRow>,
    /// What is wrong with all of them together. Empty for nothing.
    pub events_error: String,
    /// The row that "+ Event" adds.
    pub blank_event: EventRow,
    /// Preview URL.
    pub preview_url: Field,
    /// Countries, with commas between them.
    pub countries: Field,
    /// From when it is active, in UTC.
    pub active_from: Field,
    /// Until when.
    pub active_until: Field,
    /// What is used of the caps that are saved.
    pub bars: Vec<CapBar>,
    /// How much it takes, a row a cap.
    pub caps: Vec<CapRow>,
    /// What is wrong with all of them together. Empty for nothing.
    pub caps_error: String,
    /// The row that "+ Cap" adds.
    pub blank_cap: CapRow,
    /// What is done at the cap.
    pub at_cap_do: Select,
    /// The offer that takes the visitors then.
    pub at_cap_offer_id: Select,
    /// Or the address.
    pub at_cap_url: Field,
    /// Status.
    pub status: Select,
    /// Tags, with commas between them.
    pub tags: Field,
    /// Notes.
    pub notes: Field,
}

const KIND: Kind = Kind {
    path: "/offers",
    one: "offer",
    many: "offers",
    placeholder: "Name or address",
    teach: "An offer is where visitors go to buy. It needs the address you were given, with {click_id} where \
            the advertiser keeps a reference, and what you earn for a conversion.",
};

/// What is stored as it was typed.
const TEXTS: [&str; 14] = [
    "name",
    "advertiser_id",
    "url",
    "revenue",
    "revenue_percent",
    "currency",
    "revenue_mode",
    "preview_url",
    "countries",
    "active_from",
    "active_until",
    "status",
    "tags",
    "notes",
];

const AT_CAP: [(&str, &str); 3] =
    [("next", "The other offers of the path"), ("offer", "Another offer"), ("url", "An address")];

const MODES: [(&str, &str); 3] = [
    ("auto", "The postback's, and where it names none the amount above"),
    ("fixed", "Always the amount above"),
    ("postback", "Only the postback's"),
];

editing!(offers);

pub use caps::CapRow;
pub use click_param::ClickParamHint;
pub use events::EventRow;

/// The buttons that add or remove a row of one of the lists.
fn change_rows(shown: &mut Shown<Noun>) -> bool {
    click_param::is_append(shown) || caps::change_rows(shown) || events::change_rows(shown)
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list::list));
    config.route("/offers/click-param", web::post().to(click_param::show));
    configure_form(config);
}

fn blank(desk: &Desk, query_string: &str) -> Typed {
    let query = Typed::parse(query_string.as_bytes());
    Typed::of([
        ("advertiser_id", query.get("advertiser_id").to_owned()),
        ("currency", desk.currency.to_string()),
        ("revenue_mode", "auto".to_owned()),
        ("status", "active".to_owned()),
        ("at_cap.do", "next".to_owned()),
    ])
}

fn typed_of(offer: &Noun) -> Typed {
    let moment = |ms: Option<i64>| ms.map(form_moment).unwrap_or_default();
    let (done, offer_id, url) = match &offer.at_cap {
        AtCap::Next => ("next", String::new(), ""),
        AtCap::Offer { offer_id } => ("offer", offer_id.to_string(), ""),
        AtCap::Url { url } => ("url", String::new(), url.as_str()),
    };
    let countries: Vec<&str> = offer.countries.iter().map(crate::domain::Country::as_str).collect();
    let mut typed = Typed::of([
        ("name", offer.name.clone()),
        ("advertiser_id", offer.advertiser_id.map(|id| id.to_string()).unwrap_or_default()),
        ("url", offer.url.clone()),
        ("revenue", offer.revenue.map(|money| money.to_string()).unwrap_or_default()),
        ("revenue_percent", offer.revenue_percent_millionths.map(percent_text).unwrap_or_default()),
        ("currency", offer.currency.to_string()),
        ("revenue_mode", offer.revenue_mode.to_string()),
        ("preview_url", offer.preview_url.clone()),
        ("countries", countries.join(", ")),
        ("active_from", moment(offer.active_from_ms)),
        ("active_until", moment(offer.active_until_ms)),
        ("at_cap.do", done.to_owned()),
        ("at_cap.offer_id", offer_id),
        ("at_cap.url", url.to_owned()),
        ("status", offer.status.to_string()),
        ("tags", offer.tags.join(", ")),
        ("notes", offer.notes.clone()),
    ]);
    caps::put(&mut typed, &offer.caps);
    events::put(&mut typed, &offer.events);
    typed
}

/// A moment as the browser's field for one takes it, in UTC.
fn form_moment(ms: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M").to_string()
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&TEXTS);
    let at_cap = match typed.get("at_cap.do") {
        "offer" => json!({"do": "offer", "offer_id": typed.get("at_cap.offer_id")}),
        "url" => json!({"do": "url", "url": typed.get("at_cap.url")}),
        _ => json!({"do": "next"}),
    };
    fields.insert("at_cap".to_owned(), at_cap);
    fields.insert(caps::FIELD.to_owned(), caps::read(typed));
    fields.insert(events::FIELD.to_owned(), events::read(typed));
    fields
}

fn after(id: i64) -> String {
    format!("{}/{id}/edit?saved=1", KIND.path)
}

fn draw(app: &App, place: &Place, shown: &Shown<Noun>) -> Result<OfferFormPage, entities::Error> {
    let mut typed = shown.typed.clone();
    if let Some(url) = click_param::appended(app, &typed)? {
        typed.put("url", &url);
    }
    let form = Marked { typed: &typed, errors: &shown.errors };
    let chosen = form.typed.get("advertiser_id").to_owned();
    let (advertisers, advertisers_cut) = advertisers(app, &chosen)?;
    let url = form.template("url", TemplateUse::Offer);
    let others = others(app, form.typed.get("at_cap.offer_id"))?;
    let title = shown.saved.as_ref().map_or("New offer", |saved| &saved.value.name);
    let parent = Some(Link::new("Offers", KIND.path));
    let notice = saved_notice(&place.query);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    Ok(OfferFormPage {
        chrome: Chrome { parent, notice, ..shown.desk.chrome(title, Nav::Offers) },
        action: shown.action(KIND.path),
        form: OfferForm {
            name: form.field("name"),
            advertiser_id: form.choose("advertiser_id", &advertisers),
            advertisers_cut,
            url,
            click_param: click_param::hint(app, &typed)?,
            revenue: form.field("revenue"),
            revenue_percent: form.field("revenue_percent"),
            currency: form.field("currency"),
            revenue_mode: form.select("revenue_mode", &MODES),
            events: events::rows(shown),
            events_error: form.error(events::FIELD),
            blank_event: events::blank_row(),
            preview_url: form.field("preview_url"),
            countries: form.field("countries"),
            active_from: form.field("active_from"),
            active_until: form.field("active_until"),
            bars: shown.saved.as_ref().map(|saved| bars(app, &shown.desk, saved.id)).unwrap_or_default(),
            caps: caps::rows(shown),
            caps_error: form.error(caps::FIELD),
            blank_cap: caps::blank_row(shown),
            at_cap_do: form.select("at_cap.do", &AT_CAP),
            at_cap_offer_id: form.choose("at_cap.offer_id", &others),
            at_cap_url: form.field("at_cap.url"),
            status: form.select("status", &statuses(form.typed.get("status"))),
            tags: form.field("tags"),
            notes: form.field("notes"),
        },
        macros: macros(),
        zones: TimeZone::names().map(str::to_owned).collect(),
        currency: shown.desk.currency.to_string(),
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}

/// The advertisers to choose from, with the chosen one whatever became of it; and what is left out, in words.
fn advertisers(app: &App, chosen: &str) -> Result<(Vec<Choice>, String), entities::Error> {
    let rows_max = choosing::rows_max(0);
    let chosen: Vec<i64> = chosen.parse().into_iter().collect();
    let found = app.db.read(|conn| db::choices::advertisers(conn, rows_max, &chosen))?;
    let cut = choosing::cut(&[("advertisers", &found)], rows_max);
    Ok((choosing::choices("Choose one", &found, |_| None), cut))
}

/// The offers that may take the visitors at the cap.
fn others(app: &App, chosen: &str) -> Result<Vec<Choice>, entities::Error> {
    let chosen: Vec<i64> = chosen.parse().into_iter().collect();
    let found = app.db.read(|conn| db::choices::offers(conn, choosing::rows_max(0), &chosen))?;
    Ok(choosing::choices("Choose an offer", &found, |_| None))
}

/// The macros of an offer's address, with what each becomes.
fn macros() -> Vec<(String, String)> {
    let named = Macro::help().filter(|(name, _)| *name != "click_token");
    let named = named.map(|(name, meaning)| (format!("{{{name}}}"), meaning.to_owned()));
    let subs = ("{sub1}".to_owned(), "What the source's first token said; up to {sub20}.".to_owned());
    named.chain(std::iter::once(subs)).collect()
}
