//! The campaign form: the whole campaign on one page.

use super::rows::{self, Choices};
use super::{CampaignForm, CampaignFormPage, CopyForm, KIND, copying, rules, rules_typed, saved};
use crate::domain::campaign::Campaign as Noun;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::editing::{Place, Shown, editing};
use crate::pages::layout::{Chrome, Nav};
use crate::pages::lists::saved_notice;
use crate::pages::parts::Link;
use crate::pages::sources::COST_MODELS;
use crate::pages::typed::{Marked, Typed, number, statuses};
use crate::reports::TimeZone;
use actix_web::{HttpRequest, web};
use serde_json::json;

/// What is stored as it was typed.
const TEXTS: [&str; 13] = [
    "name",
    "slug",
    "aliases",
    "domain_id",
    "source_id",
    "redirect",
    "unique_window_hours",
    "fallback_url",
    "cost_model",
    "cost_amount",
    "status",
    "tags",
    "notes",
];

const REDIRECTS: [(&str, &str); 4] = [
    ("302", "302, found"),
    ("307", "307, temporary"),
    ("meta", "Meta refresh"),
    ("double_meta", "Double meta refresh"),
];

/// Switches, each a box to tick.
const SWITCHES: [&str; 4] = ["append_query", "sticky", "smart_order", "skip_converted"];

editing!(campaigns);

/// The addresses of the form.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    configure_form(config);
}

fn blank(_: &Desk, query_string: &str) -> Typed {
    let query = Typed::parse(query_string.as_bytes());
    let mut typed = typed_of(&Noun::default());
    typed.push("paths.0.weight".to_owned(), "100");
    typed.push("paths.0.offers.0.offer_id".to_owned(), query.get("offer_id"));
    typed.push("paths.0.offers.0.weight".to_owned(), "100");
    typed
}

fn typed_of(campaign: &Noun) -> Typed {
    let mut typed = Typed::of([
        ("name", campaign.name.clone()),
        ("slug", campaign.slug.clone()),
        ("aliases", campaign.aliases.join("\n")),
        ("domain_id", campaign.domain_id.map(|id| id.to_string()).unwrap_or_default()),
        ("source_id", campaign.source_id.map(|id| id.to_string()).unwrap_or_default()),
        ("redirect", campaign.redirect.to_string()),
        ("unique_window_hours", campaign.unique_window_hours.to_string()),
        ("fallback_url", campaign.fallback_url.clone()),
        ("cost_model", campaign.cost_model.map(|model| model.to_string()).unwrap_or_default()),
        ("cost_amount", campaign.cost_amount.map(|money| money.to_string()).unwrap_or_default()),
        ("append_query", campaign.append_query.to_string()),
        ("sticky", campaign.sticky.to_string()),
        ("smart_order", campaign.smart_order.to_string()),
        ("skip_converted", campaign.skip_converted.to_string()),
        ("status", campaign.status.to_string()),
        ("tags", campaign.tags.join(", ")),
        ("notes", campaign.notes.clone()),
    ]);
    rows::put(&mut typed, "paths", &campaign.paths);
    rules_typed::put(&mut typed, &campaign.rules);
    typed
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&TEXTS);
    for switch in SWITCHES {
        fields.insert(switch.to_owned(), json!(typed.is_on(switch)));
    }
    fields.insert("paths".to_owned(), rows::read(typed, "paths"));
    // Whoever sends the fields of a campaign without its rules leaves them as they are.
    if typed.is_on(rules_typed::SHOWN) {
        fields.insert("rules".to_owned(), rules_typed::read(typed));
    }
    fields
}

fn change_rows(shown: &mut Shown<Noun>) -> bool {
    let action = shown.typed.get("action").to_owned();
    copying::is_mine(&action)
        || rules_typed::change(&mut shown.typed, &action)
        || rows::change(&mut shown.typed, &action)
}

fn after(id: i64) -> String {
    format!("{}/{id}/edit?saved=1", KIND.path)
}

/// The host that is chosen in the form.
fn typed_domain(typed: &Typed) -> Option<i64> {
    typed.get("domain_id").parse().ok()
}

fn draw(app: &App, place: &Place, shown: &Shown<Noun>) -> Result<CampaignFormPage, entities::Error> {
    let own = shown.saved.as_ref().map(|saved| saved.id);
    let mut typed = shown.typed.clone();
    let copy = copying::act(app, &mut typed, own)?;
    let form = Marked { typed: &typed, errors: &shown.errors };
    let choices = Choices::read(app, form.typed, own)?;
    let title = shown.saved.as_ref().map_or("New campaign", |saved| &saved.value.name);
    let parent = Some(Link::new("Campaigns", KIND.path));
    let notice = saved_notice(&place.query);
    let side = match &shown.saved {
        Some(campaign) => Some(saved::beside(app, place, &shown.desk, campaign)?),
        None => None,
    };
    let cost_models: Vec<(&str, &str)> =
        std::iter::once(("", "As the source says")).chain(COST_MODELS).collect();
    Ok(CampaignFormPage {
        chrome: Chrome { parent, notice, ..shown.desk.chrome(title, Nav::Campaigns) },
        action: shown.action(KIND.path),
        form: CampaignForm {
            name: form.field("name"),
            source_id: form.choose("source_id", &choices.sources),
            cost_model: form.select("cost_model", &cost_models),
            cost_amount: form.field("cost_amount"),
            currency: shown.desk.currency.to_string(),
            slug: form.field("slug"),
            aliases: form.field("aliases"),
            domain_id: (choices.domains.len() > 1).then(|| form.choose("domain_id", &choices.domains)),
            slug_prefix: format!("{}/c/", saved::address(app, place, typed_domain(form.typed))),
            redirect: form.select("redirect", &REDIRECTS),
            rules: rules::draw(form, &choices),
            rules_error: form.error("rules"),
            copy: CopyForm { from: copying::from(&choices.campaigns, form.typed), ..copy },
            zones: TimeZone::names().collect(),
            paths: rows::draw(form, "paths", "paths", &choices),
            paths_error: form.error("paths"),
            cut: choices.cut.clone(),
            fallback_url: form.field("fallback_url"),
            unique_window_hours: form.field("unique_window_hours"),
            append_query: form.typed.is_on("append_query"),
            sticky: form.typed.is_on("sticky"),
            smart_order: form.typed.is_on("smart_order"),
            skip_converted: form.typed.is_on("skip_converted"),
            status: form.select("status", &statuses(form.typed.get("status"))),
            tags: form.field("tags"),
            notes: form.field("notes"),
        },
        blank: rows::blank(&choices),
        saved: side,
    })
}
