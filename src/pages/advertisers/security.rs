//! The card of an advertiser's page that says who may send its postbacks.

use super::KIND;
use crate::db::credentials::{Credentials, Previous};
use crate::domain::advertiser::Advertiser;
use crate::entities;
use crate::http::{App, PageWrite, changing, now_ms};
use crate::pages::Answer;
use crate::pages::desk::{Desk, see_other};
use crate::pages::forms::Select;
use crate::pages::layout::Notice;
use crate::pages::parts::Fact;
use crate::pages::typed::{Typed, number};
use actix_web::web;
use askama::Template;

/// How long what is replaced may go on working, in hours.
const OVERLAPS: [(&str, &str); 4] =
    [("24", "for a day"), ("168", "for a week"), ("1", "for an hour"), ("0", "not at all")];

/// Addresses that the card names; the form has the others.
const ADDRESSES_SHOWN: usize = 5;

/// Who may send postbacks, and the buttons that change it.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/security.html")]
pub struct SecurityCard {
    /// How it stands.
    pub facts: Vec<Fact>,
    /// Where "Make a new key" posts to.
    pub rotate_key: String,
    /// For how long the old one works.
    pub overlap: Select,
}

/// The addresses of the card's buttons.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/advertisers/{id}/rotate-key", web::post().to(rotate_key));
}

async fn rotate_key(_who: PageWrite, app: web::Data<App>, id: web::Path<String>, typed: Typed) -> Answer {
    let id = number(&id)?;
    let fields = typed.fields(&["overlap_hours"]);
    changing(&app, move |app| entities::credentials::rotate_key(&app.db, id, &fields, now_ms())).await?;
    Ok(see_other(&format!("{}/{id}?key=new", KIND.path)))
}

/// What a new key asks of the reader.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let is_new = query.split('&').any(|pair| pair == "key=new");
    is_new.then(|| Notice {
        text: "The postback URL has a new key: paste it into the advertiser's panel.".to_owned(),
        ..Notice::default()
    })
}

/// The card of an advertiser.
pub(super) fn card(desk: &Desk, id: i64, advertiser: &Advertiser, own: &Credentials) -> SecurityCard {
    let mut facts = vec![code("Key", &own.key)];
    if let Some(previous) = own.live_previous_key(desk.now_ms) {
        facts.push(code("Old key", &until(desk, previous)));
    }
    facts.push(Fact {
        href: format!("{}/{id}/edit", KIND.path),
        ..plain("Addresses", &addresses(advertiser))
    });
    SecurityCard {
        facts,
        rotate_key: format!("{}/{id}/rotate-key", KIND.path),
        overlap: Select::new(&OVERLAPS, "24"),
    }
}

fn plain(label: &str, value: &str) -> Fact {
    Fact { label: label.to_owned(), value: value.to_owned(), ..Fact::default() }
}

fn code(label: &str, value: &str) -> Fact {
    Fact { is_code: true, ..plain(label, value) }
}

/// What was valid before, and until when it works.
fn until(desk: &Desk, previous: &Previous) -> String {
    let moment = desk.zone.local(previous.until_ms).format("%-d %b %Y, %H:%M");
    format!("{}, works until {moment}", previous.value)
}

fn addresses(advertiser: &Advertiser) -> String {
    let ranges = &advertiser.allow_addresses;
    if ranges.is_empty() {
        return "Every address may send".to_owned();
    }
    let shown: Vec<String> = ranges.iter().take(ADDRESSES_SHOWN).map(ToString::to_string).collect();
    let more = ranges.len().saturating_sub(ADDRESSES_SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("Only {}{rest}", shown.join(", "))
}
