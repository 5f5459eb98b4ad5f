//! `/sources`: the list and the form.

use askama::Template;

mod peers;
mod preset;

use super::Answer;
use super::desk::{Desk, page, page_with, see_other};
use super::editing::{Place, Shown, editing};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav};
use super::lists::{Ask, Kind, archive_button, name_cell, or_dash, saved_notice, status_cell};
use super::parts::{CodeBox, Link, PostButton};
use super::tables::{Cell, Listing, Row};
use super::typed::{Typed, number, statuses};
use super::words::MoneyWords;
use crate::db::search::Saved;
use crate::domain::lander::EntityStatus;
use crate::domain::macros::SUBS;
use crate::domain::source::{CostModel, Source as Noun, SourceKind};
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use actix_web::{HttpRequest, web};
use serde_json::json;

/// All sources.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sources/list.html")]
pub struct SourcesPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The source form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sources/form.html")]
pub struct SourceFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: SourceForm,
    /// What a campaign URL looks like with this source's parameters; `None` before it is saved.
    pub sample_url: Option<CodeBox>,
    /// Its figures beside those of the other sources on the same offers; `None` before it is saved.
    pub peers: Option<peers::PeersCard>,
    /// Archive or restore; `None` for a new source.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceForm {
    /// The preset that it is filled from.
    pub preset: SourcePick,
    /// Name.
    pub name: Field,
    /// Ad network or partner.
    pub kind: Select,
    /// The parameter that carries the source's own click id.
    pub external_id_param: Field,
    /// The source's own macro for that.
    pub external_id_macro: Field,
    /// The parameter that carries the cost.
    pub cost_param: Field,
    /// The source's own macro for that.
    pub cost_macro: Field,
    /// Its unit.
    pub cost_unit: Select,
    /// Cost model.
    pub cost_model: Select,
    /// Amount for CPC and CPM.
    pub cost_amount: Field,
    /// Currency of the cost.
    pub currency: Field,
    /// The first token rows, always shown.
    pub tokens: Vec<TokenRow>,
    /// The other token rows, behind "show more".
    pub more_tokens: Vec<TokenRow>,
    /// Status.
    pub status: Select,
}

/// One of the twenty tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenRow {
    /// Its slot, `1` to `20`.
    pub slot: String,
    /// The parameter in the campaign's address.
    pub param: Field,
    /// The source's own macro for it.
    pub theirs: Field,
    /// What reports call it.
    pub label: Field,
}

pub use preset::SourcePick;
pub(super) use preset::ready_box;

const KIND: Kind = Kind {
    path: "/sources",
    one: "source",
    many: "sources",
    placeholder: "Name",
    teach: "A source is where you buy traffic. Tell once which parameters it writes into your campaign URL: its \
            click id, the cost, the zone.",
};

/// What is stored as it was typed.
const TEXTS: [&str; 12] = [
    "preset",
    "name",
    "kind",
    "external_id_param",
    "external_id_macro",
    "cost_param",
    "cost_macro",
    "cost_unit",
    "cost_model",
    "cost_amount",
    "currency",
    "status",
];

const KINDS: [(&str, &str); 2] =
    [("ad_network", "Ad network: its traffic costs"), ("partner", "Partner: paid by conversion")];

const UNITS: [(&str, &str); 3] = [
    ("click", "the price of the click"),
    ("mille", "the price of a thousand"),
    ("cents", "the price in cents"),
];

/// How the cost is known, as the campaign form says it too.
pub(super) const COST_MODELS: [(&str, &str); 4] = [
    ("none", "Not known, or entered later"),
    ("param", "From the cost parameter"),
    ("cpc", "Fixed, per click"),
    ("cpm", "Fixed, per thousand clicks"),
];

/// Token rows that are always shown; the others where they are used, else behind "show more".
const ROWS_SHOWN: u8 = 5;

editing!(sources);

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
    configure_form(config);
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let query = ask.query.clone();
    let listed = reading(&app, move |app| entities::sources::list(&app.db, &query)).await?;
    let row = |saved: &Saved<Noun>| {
        let (id, value) = (saved.id, &saved.value);
        let tokens: Vec<&str> = value.tokens.iter().map(|token| token.param.as_str()).collect();
        let cells = vec![
            name_cell(&value.name, &format!("{}/{id}/edit", KIND.path), value.status),
            Cell::text(if value.kind == SourceKind::Partner { "partner" } else { "ad network" }),
            Cell::text(&cost(value)),
            Cell::code(or_dash(&tokens.join(", "))),
            status_cell(KIND.path, id, value.status),
        ];
        Row { cells }
    };
    let rows = listed.items.iter().map(row).collect();
    let listing = ask.listing(&KIND, &["Source", "Kind", "Cost", "Tokens", "Status"], rows, listed.total);
    let chrome = Chrome { notice: ask.notice(&KIND), ..desk.chrome("Sources", Nav::Sources) };
    page(&SourcesPage { chrome, listing })
}

fn cost(source: &Noun) -> String {
    let price =
        || source.cost_amount.map(|money| MoneyWords::new(source.currency).exact(money)).unwrap_or_default();
    match source.cost_model {
        CostModel::None => "–".to_owned(),
        CostModel::Cpc => format!("{} per click", price()),
        CostModel::Cpm => format!("{} per thousand", price()),
        CostModel::Param => format!("from {{{}}}", source.cost_param.as_deref().unwrap_or_default()),
    }
}

fn blank(desk: &Desk, _: &str) -> Typed {
    typed_of(&Noun::blank(desk.currency))
}

fn typed_of(source: &Noun) -> Typed {
    let mut typed = Typed::of([
        ("preset", source.preset.clone().unwrap_or_default()),
        ("name", source.name.clone()),
        ("kind", source.kind.to_string()),
        ("external_id_param", source.external_id_param.clone().unwrap_or_default()),
        ("external_id_macro", source.external_id_macro.clone().unwrap_or_default()),
        ("cost_param", source.cost_param.clone().unwrap_or_default()),
        ("cost_macro", source.cost_macro.clone().unwrap_or_default()),
        ("cost_unit", source.cost_unit.to_string()),
        ("cost_model", source.cost_model.to_string()),
        ("cost_amount", source.cost_amount.map(|money| money.to_string()).unwrap_or_default()),
        ("currency", source.currency.to_string()),
        ("status", source.status.to_string()),
    ]);
    for token in &source.tokens {
        typed.push(format!("tokens.{}.param", token.slot), &*token.param);
        typed.push(format!("tokens.{}.macro", token.slot), token.theirs.clone().unwrap_or_default());
        typed.push(format!("tokens.{}.label", token.slot), &*token.label);
    }
    typed
}

/// A row's number is its slot.
fn fields(typed: &Typed) -> Fields {
    let token = |slot: String| {
        let part = |part: &str| typed.get(&format!("tokens.{slot}.{part}")).to_owned();
        json!({ "param": part("param"), "macro": part("macro"), "label": part("label"), "slot": slot })
    };
    let mut fields = typed.fields(&TEXTS);
    let rows = typed.rows("tokens").into_iter().take(usize::from(SUBS));
    fields.insert("tokens".to_owned(), rows.map(token).collect());
    fields
}

fn change_rows(shown: &mut Shown<Noun>) -> bool {
    preset::fill(shown)
}

fn after(id: i64) -> String {
    format!("{}/{id}/edit?saved=1", KIND.path)
}

fn draw(app: &App, place: &Place, shown: &Shown<Noun>) -> Result<SourceFormPage, entities::Error> {
    let form = shown.marked();
    let title = shown.saved.as_ref().map_or("New source", |saved| &saved.value.name);
    let parent = Some(Link::new("Sources", KIND.path));
    let notice = saved_notice(&place.query);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    let (tokens, more_tokens) = token_rows(shown);
    let peers = match &shown.saved {
        Some(saved) => Some(peers::card(app, saved.id, shown.desk.now_ms)?),
        None => None,
    };
    Ok(SourceFormPage {
        chrome: Chrome { parent, notice, ..shown.desk.chrome(title, Nav::Sources) },
        action: shown.action(KIND.path),
        form: SourceForm {
            preset: preset::pick(shown),
            name: form.field("name"),
            kind: form.select("kind", &KINDS),
            external_id_param: form.field("external_id_param"),
            external_id_macro: form.field("external_id_macro"),
            cost_param: form.field("cost_param"),
            cost_macro: form.field("cost_macro"),
            cost_unit: form.select("cost_unit", &UNITS),
            cost_model: form.select("cost_model", &COST_MODELS),
            cost_amount: form.field("cost_amount"),
            currency: form.field("currency"),
            tokens,
            more_tokens,
            status: form.select("status", &statuses(form.typed.get("status"))),
        },
        sample_url: shown.saved.as_ref().map(|saved| {
            let url = entities::campaign_url(&place.public_url, "your-campaign");
            ready_box("A campaign URL with this source", &url, &saved.value)
        }),
        peers,
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}

/// The twenty rows: those that are used and the first few, then the others.
fn token_rows(shown: &Shown<Noun>) -> (Vec<TokenRow>, Vec<TokenRow>) {
    let form = shown.marked();
    let sent = form.typed.rows("tokens");
    let field = |slot: &str, part: &str| {
        let at = sent.iter().position(|row| row == slot);
        let error = at.map(|at| form.error(&format!("tokens[{at}].{part}"))).unwrap_or_default();
        Field { value: form.typed.get(&format!("tokens.{slot}.{part}")).to_owned(), error }
    };
    let row = |slot: u8| {
        let slot = slot.to_string();
        let mut param = field(&slot, "param");
        param.error.push_str(&field(&slot, "slot").error);
        TokenRow { param, theirs: field(&slot, "macro"), label: field(&slot, "label"), slot }
    };
    let is_used =
        |row: &TokenRow| [&row.param, &row.theirs, &row.label].iter().any(|part| !part.value.is_empty());
    let rows: Vec<TokenRow> = (1..=SUBS).map(row).collect();
    let last = rows.iter().rposition(is_used).map_or(0, |at| at + 1).max(usize::from(ROWS_SHOWN));
    let more = rows.iter().skip(last).cloned().collect();
    (rows.into_iter().take(last).collect(), more)
}
