//! The destination form.

use super::headers;
use super::{DestinationForm, DestinationFormPage, KIND, preview, tabs};
use crate::db;
use crate::domain::destination::{Destination as Noun, Told};
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use crate::pages::Answer;
use crate::pages::choosing;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::editing::{Place, Shown, editing};
use crate::pages::forms::{Fault, TemplateField};
use crate::pages::layout::{Chrome, Nav};
use crate::pages::lists::archive_button;
use crate::pages::parts::{Choice, Link};
use crate::pages::typed::{Marked, Typed, number, statuses};
use actix_web::{HttpRequest, web};
use serde_json::Value;

/// What is stored as it was typed.
const TEXTS: [&str; 13] = [
    "name",
    "source_id",
    "campaign_id",
    "offer_id",
    "events",
    "fire",
    "method",
    "url",
    "body_kind",
    "body",
    "success_match",
    "delay_seconds",
    "status",
];

/// What is ticked or not.
const TICKED: [&str; 2] = ["replaces_global", "test"];

const FIRES: [(&str, &str); 2] = [
    ("once", "Once: at the first status that is ticked, and never again"),
    ("each_change", "Each time its status or its amount changes"),
];

const METHODS: [(&str, &str); 3] = [("GET", "GET"), ("POST", "POST"), ("PUT", "PUT")];

const BODIES: [(&str, &str); 3] = [
    ("none", "None: all stands in the address"),
    ("json", "JSON"),
    ("form", "A form: name=value&other=value"),
];

editing!(destinations, fields: sealed);

/// The addresses of the form.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    configure_form(config);
}

fn sealed(app: &App, fields: Fields) -> Result<Fields, entities::Error> {
    entities::destinations::sealed(fields, &app.vault)
}

/// Whose conversions may come along in the address: from a source's page, for example.
fn blank(_: &Desk, query_string: &str) -> Typed {
    let query = Typed::parse(query_string.as_bytes());
    let mut typed = typed_of(&Noun::default());
    for name in ["source_id", "campaign_id", "offer_id"] {
        typed.put(name, query.get(name));
    }
    typed
}

fn typed_of(one: &Noun) -> Typed {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let mut typed = Typed::of([
        ("name", one.name.clone()),
        ("source_id", id(one.source_id)),
        ("campaign_id", id(one.campaign_id)),
        ("offer_id", id(one.offer_id)),
        ("events", one.events.join(", ")),
        ("fire", one.fire.to_string()),
        ("replaces_global", one.replaces_global.to_string()),
        ("test", one.is_test.to_string()),
        ("method", one.method.to_string()),
        ("url", one.url.clone()),
        ("body_kind", one.body_kind.to_string()),
        ("body", one.body.clone()),
        ("success_match", one.success_match.clone()),
        ("delay_seconds", one.delay_seconds.to_string()),
        ("status", one.status.to_string()),
    ]);
    for status in &one.statuses {
        typed.push("statuses".to_owned(), status.as_str());
    }
    headers::put(&mut typed, one);
    typed
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&TEXTS);
    for name in TICKED {
        fields.insert(name.to_owned(), typed.is_on(name).into());
    }
    fields.insert("statuses".to_owned(), typed.all("statuses").map(Value::from).collect());
    fields.insert(headers::FIELD.to_owned(), headers::read(typed));
    fields
}

fn change_rows(shown: &mut Shown<Noun>) -> bool {
    headers::change_rows(shown)
}

fn after(id: i64) -> String {
    format!("{}/{id}?saved=1", KIND.path)
}

fn draw(app: &App, _: &Place, shown: &Shown<Noun>) -> Result<DestinationFormPage, entities::Error> {
    let form = shown.marked();
    let title = shown.saved.as_ref().map_or("New destination", |saved| &saved.value.name);
    let saved = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    Ok(DestinationFormPage {
        chrome: Chrome {
            parent: Some(Link::new("Destinations", KIND.path)),
            tabs: saved.map(|(id, _)| tabs(id, "/edit")).unwrap_or_default(),
            ..shown.desk.chrome(title, Nav::Destinations)
        },
        action: shown.action(KIND.path),
        form: drawn_form(app, shown, form)?,
        macros: macros(),
        archive: saved.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: saved.is_some_and(|(_, status)| status == EntityStatus::Archived),
        back: saved.map_or_else(|| KIND.path.to_owned(), |(id, _)| format!("{}/{id}", KIND.path)),
    })
}

fn drawn_form(app: &App, shown: &Shown<Noun>, form: Marked<'_>) -> Result<DestinationForm, entities::Error> {
    let rows_max = choosing::rows_max(0);
    let chosen = |name: &str| -> Vec<i64> { form.typed.get(name).parse().into_iter().collect() };
    let (sources, campaigns, offers) = app.db.read(|conn| {
        Ok::<_, db::Error>((
            db::choices::sources(conn, rows_max, &chosen("source_id"))?,
            db::choices::campaigns(conn, rows_max, &chosen("campaign_id"))?,
            db::choices::offers(conn, rows_max, &chosen("offer_id"))?,
        ))
    })?;
    let cut =
        choosing::cut(&[("sources", &sources), ("campaigns", &campaigns), ("offers", &offers)], rows_max);
    let choose = |name: &str, none: &str, found| form.choose(name, &choosing::choices(none, found, |_| None));
    let ticked: Vec<&str> = form.typed.all("statuses").collect();
    let status = |status: &Status| Choice {
        value: status.to_string(),
        label: status.to_string(),
        selected: ticked.contains(&status.as_str()),
    };
    Ok(DestinationForm {
        name: form.field("name"),
        source_id: choose("source_id", "Any source", &sources),
        campaign_id: choose("campaign_id", "Any campaign", &campaigns),
        offer_id: choose("offer_id", "Any offer", &offers),
        cut,
        events: form.field("events"),
        statuses: Status::ALL.iter().map(status).collect(),
        statuses_error: form.error("statuses"),
        fire: form.select("fire", &FIRES),
        replaces_global: form.typed.is_on("replaces_global"),
        replaces_error: form.error("replaces_global"),
        test: form.typed.is_on("test"),
        method: form.select("method", &METHODS),
        url: template(form, "url", "told_url"),
        body_kind: form.select("body_kind", &BODIES),
        body: template(form, "body", "told_body"),
        headers: headers::rows(shown),
        headers_error: form.error(headers::FIELD),
        blank_header: headers::blank_row(),
        success_match: form.field("success_match"),
        delay_seconds: form.field("delay_seconds"),
        status: form.select("status", &statuses(form.typed.get("status"))),
    })
}

/// An address or a body with its macros filled for a sample conversion.
fn template(form: Marked<'_>, name: &str, kind: &str) -> TemplateField {
    let (value, error) = (form.typed.get(name).trim().to_owned(), form.error(name));
    let cut =
        |from: usize, to: usize| value.chars().skip(from).take(to.saturating_sub(from)).collect::<String>();
    match preview::filled(kind, &value) {
        Some(Err(slip)) => {
            let fault = (!error.is_empty()).then(|| Fault {
                before: cut(0, slip.start),
                bad: cut(slip.start, slip.end),
                after: cut(slip.end, usize::MAX),
            });
            TemplateField { value, error, fault, filled: String::new() }
        }
        Some(Ok(filled)) if !value.is_empty() => TemplateField { value, error, fault: None, filled },
        _ => TemplateField { value, error, ..TemplateField::default() },
    }
}

/// The macros, with what each becomes.
fn macros() -> Vec<(String, String)> {
    let named = Told::help().map(|(name, meaning)| (format!("{{{name}}}"), meaning.to_owned()));
    let more = [
        ("{status:approved=1,rejected=0}", "A word of your own for each status."),
        ("{sub1}", "What the source's first token said; up to {sub20}."),
        ("{param:fbclid}", "A parameter of the click's address that was kept, by its name."),
    ];
    named.chain(more.into_iter().map(|(name, meaning)| (name.to_owned(), meaning.to_owned()))).collect()
}
