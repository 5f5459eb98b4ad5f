//! `/settings/domains`: the installation's hosts, for admins alone.

use super::{DomainFormPage, DomainsPage, chrome};
use crate::db::search::Saved;
use crate::domain::host::{Domain as Noun, HostKind};
use crate::domain::lander::EntityStatus;
use crate::entities::{self, Fields};
use crate::http::{AdminPage as SignedIn, AdminPageWrite as PageWrite};
use crate::http::{App, changing, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page, page_with, see_other};
use crate::pages::editing::{Place, Shown, editing};
use crate::pages::layout::Chrome;
use crate::pages::lists::{Ask, Kind, archive_button, name_cell, or_dash, saved_notice, status_cell};
use crate::pages::parts::Link;
use crate::pages::tables::{Cell, Row};
use crate::pages::typed::{Typed, number, statuses};
use actix_web::{HttpRequest, web};

const KIND: Kind = Kind {
    path: "/settings/domains",
    one: "domain",
    many: "domains",
    placeholder: "Host",
    teach: "A domain is a host whose name leads to this server. Campaigns can show it in their address, and its \
            visitors can have a fallback of their own.",
};

/// What is stored as it was typed.
const TEXTS: [&str; 4] = ["host", "kind", "fallback_url", "status"];

const KINDS: [(&str, &str); 2] =
    [("tracking", "Clicks, lander buttons and postbacks"), ("dashboard", "Dashboards and API")];

editing!(domains);

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route(KIND.path, web::get().to(list));
    configure_form(config);
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let ask = Ask::parse(request.query_string());
    let query = ask.query.clone();
    let listed = reading(&app, move |app| entities::domains::list(&app.db, &query)).await?;
    let row = |saved: &Saved<Noun>| {
        let (id, value) = (saved.id, &saved.value);
        let kind = if value.kind == HostKind::Tracking { "clicks" } else { "dashboards" };
        let cells = vec![
            name_cell(&value.host, &format!("{}/{id}/edit", KIND.path), value.status),
            Cell::text(kind),
            Cell::code(or_dash(&value.fallback_url)),
            status_cell(KIND.path, id, value.status),
        ];
        Row { cells }
    };
    let rows = listed.items.iter().map(row).collect();
    let listing = ask.listing(&KIND, &["Host", "For", "Fallback", "Status"], rows, listed.total);
    let chrome = Chrome { notice: ask.notice(&KIND), ..chrome(&desk, KIND.path) };
    page(&DomainsPage { chrome, listing })
}

fn blank(_: &Desk, _: &str) -> Typed {
    typed_of(&Noun::default())
}

fn typed_of(domain: &Noun) -> Typed {
    Typed::of([
        ("host", domain.host.clone()),
        ("kind", domain.kind.to_string()),
        ("fallback_url", domain.fallback_url.clone()),
        ("status", domain.status.to_string()),
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
fn draw(_: &App, place: &Place, shown: &Shown<Noun>) -> Result<DomainFormPage, entities::Error> {
    let form = shown.marked();
    let title = shown.saved.as_ref().map_or("New domain", |saved| &saved.value.host);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    Ok(DomainFormPage {
        chrome: Chrome {
            title: title.to_owned(),
            parent: Some(Link::new("Domains", KIND.path)),
            notice: saved_notice(&place.query),
            ..chrome(&shown.desk, KIND.path)
        },
        action: shown.action(KIND.path),
        host: form.field("host"),
        kind: form.select("kind", &KINDS),
        fallback_url: form.field("fallback_url"),
        status: form.select("status", &statuses(form.typed.get("status"))),
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}
