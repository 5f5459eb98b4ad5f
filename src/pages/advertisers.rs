//! `/advertisers`: the list, the form, and the page of one advertiser with its postback URL.

use askama::Template;

mod console;
mod form;
mod health;
mod pixel;
mod preset;
mod security;
mod show;
mod words;

use super::Answer;
use super::desk::{Desk, page};
use super::forms::{Field, PairRow, Select};
use super::layout::{Chrome, Nav};
use super::lists::{Ask, Kind, name_cell, status_cell};
use super::parts::{CodeBox, Link, Pill, PostButton, Steps};
use super::tables::{Cell, Listing, Row, Table};
use crate::db::search::Saved;
use crate::domain::advertiser::Advertiser;
use crate::entities;
use crate::http::{App, SignedIn, reading};
use actix_web::{HttpRequest, web};

/// All advertisers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/list.html")]
pub struct AdvertisersPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// One advertiser: what to paste, the last test, what was received.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/show.html")]
pub struct AdvertiserPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// The postback URL with the advertiser's macros coloured.
    pub postback_url: CodeBox,
    /// What is known of its network.
    pub preset: Option<KnownPreset>,
    /// Words that nobody has given a meaning.
    pub words: Option<WordList>,
    /// The permanent test click id.
    pub test_click_id: CodeBox,
    /// What its own pages paste; nothing while its pixel is off.
    pub pixel: Vec<CodeBox>,
    /// Where "Send test postback" posts to.
    pub test_action: String,
    /// Words above the last test ("Last test, 14:31:07"). Empty before the first.
    pub test_title: String,
    /// Its verdict.
    pub test_result: Option<Pill>,
    /// Its steps.
    pub test_steps: Steps,
    /// How its postbacks are doing.
    pub health: HealthCard,
    /// Counts beside "Received" ("381 accepted").
    pub counts: Vec<Pill>,
    /// The latest postbacks.
    pub received: Table,
    /// All of them.
    pub received_link: Link,
    /// Who may send them.
    pub security: security::SecurityCard,
}

/// The advertiser form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/form.html")]
pub struct AdvertiserFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: AdvertiserForm,
    /// Archive or restore; `None` for a new advertiser.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of an advertiser.
#[derive(Debug, Clone, Default)]
pub struct AdvertiserForm {
    /// The preset that it is filled from.
    pub preset: PresetPick,
    /// Name.
    pub name: Field,
    /// Network or direct.
    pub kind: Select,
    /// Currency of postbacks that name none.
    pub currency: Field,
    /// What a postback without a status means.
    pub missing_status: Select,
    /// How old a click may be for a new conversion.
    pub window_days: Field,
    /// Whether a rejected conversion may be approved by a later postback.
    pub reopen_rejected: bool,
    /// Their parameter -> ours.
    pub param_map: Vec<PairRow>,
    /// Their status -> ours.
    pub status_map: Vec<PairRow>,
    /// Their event -> ours, as `sale` or `sale reversed`.
    pub event_map: Vec<PairRow>,
    /// What a second postback about one conversion does.
    pub duplicate_mode: Select,
    /// The same for events that differ: event -> mode.
    pub duplicate_modes: Vec<PairRow>,
    /// Whether postbacks are signed.
    pub hmac_mode: Select,
    /// Where they may come from, one address or range a line.
    pub allow_addresses: Field,
    /// The keys of its postback addresses elsewhere, one a line.
    pub old_keys: Field,
    /// Where postbacks go on to that name a click of the tracker before.
    pub forward_unknown_to: Field,
    /// What a refusal is answered with.
    pub answers: Select,
    /// The body of every answer.
    pub reply_body: Field,
    /// Whether pages may tell of its conversions.
    pub pixel: bool,
    /// An empty row whose key is `__R__`, for the script to copy.
    pub blank_pair: PairRow,
    /// Status.
    pub status: Select,
}

pub use health::{BarPiece, HealthCard, HealthRow};
pub(super) use health::{attention, bar};
pub(super) use preset::postback_box;
pub use preset::{KnownPreset, ParameterRow, PresetPick};
pub use words::{WordList, WordRow};

const KIND: Kind = Kind {
    path: "/advertisers",
    one: "advertiser",
    many: "advertisers",
    placeholder: "Name",
    teach: "An advertiser owns offers and tells you of conversions by calling its postback URL: an affiliate \
            network, or the shop itself.",
};

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
    form::configure(config);
    console::configure(config);
    show::configure(config);
    words::configure(config);
    security::configure(config);
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let query = ask.query.clone();
    let listed = reading(&app, move |app| entities::advertisers::list(&app.db, &query)).await?;
    let row = |saved: &Saved<Advertiser>| {
        let (id, value) = (saved.id, &saved.value);
        let cells = vec![
            name_cell(&value.name, &format!("{}/{id}", KIND.path), value.status),
            Cell::text(value.kind.as_str()),
            Cell::text(value.currency.as_str()),
            Cell::text(&format!("{} days", value.window_days)),
            status_cell(KIND.path, id, value.status),
        ];
        Row { cells }
    };
    let rows = listed.items.iter().map(row).collect();
    let columns = ["Advertiser", "Kind", "Currency", "A click counts for", "Status"];
    let listing = ask.listing(&KIND, &columns, rows, listed.total);
    let chrome = Chrome { notice: ask.notice(&KIND), ..desk.chrome("Advertisers", Nav::Advertisers) };
    page(&AdvertisersPage { chrome, listing })
}

/// The tabs of one advertiser; `current` is the end of the present one's address.
fn tabs(id: i64, current: &str) -> Vec<Link> {
    let tab = |label: &str, rest: &str| Link {
        current: rest == current,
        ..Link::new(label, &format!("{}/{id}{rest}", KIND.path))
    };
    vec![tab("Postbacks", ""), tab("Test console", "/console"), tab("Settings", "/edit")]
}
