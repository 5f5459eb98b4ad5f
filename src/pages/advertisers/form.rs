//! The advertiser form: its fields, and three maps as rows of pairs.

use super::{AdvertiserForm, AdvertiserFormPage, KIND, preset, tabs};
use crate::domain::advertiser::{Advertiser as Noun, EventMeaning};
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use crate::entities::{self, Fields};
use crate::http::{App, PageWrite, SignedIn, changing, now_ms, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::editing::{Place, Shown, editing};
use crate::pages::forms::{Field, PairRow};
use crate::pages::layout::{Chrome, Nav};
use crate::pages::lists::{archive_button, saved_notice};
use crate::pages::parts::Link;
use crate::pages::typed::{Typed, number, statuses};
use actix_web::{HttpRequest, web};
use ipnet::IpNet;
use serde_json::{Map, Value, json};

/// What is stored as it was typed.
const TEXTS: [&str; 13] = [
    "name",
    "kind",
    "currency",
    "missing_status",
    "window_days",
    "duplicate_mode",
    "hmac_mode",
    "allow_addresses",
    "old_keys",
    "forward_unknown_to",
    "answers",
    "reply_body",
    "status",
];

/// What is ticked or not.
const TICKED: [&str; 2] = ["reopen_rejected", "pixel"];

/// The maps, each with its name in the form.
const MAPS: [&str; 4] = ["param_map", "status_map", "event_map", "duplicate_modes"];

const KINDS: [(&str, &str); 2] = [("network", "Network"), ("direct", "Direct advertiser")];

const MISSING: [(&str, &str); 3] = [
    ("approved", "an approved conversion"),
    ("pending", "a pending conversion"),
    ("refused", "refused: it must send one"),
];

const DUPLICATES: [(&str, &str); 4] = [
    ("update", "moves its status and amount"),
    ("ignore", "changes nothing"),
    ("new", "is one more conversion"),
    ("add", "adds its amount"),
];

const SIGNATURES: [(&str, &str); 3] = [
    ("off", "Not looked at"),
    ("optional", "Checked where one comes"),
    ("required", "Required on every postback"),
];

const ANSWERS: [(&str, &str); 2] =
    [("standard", "200, so that nothing is retried for ever"), ("strict", "4xx for every refusal")];

editing!(advertisers);

/// The addresses of the form.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    configure_form(config);
}

fn blank(desk: &Desk, _: &str) -> Typed {
    typed_of(&Noun::blank(desk.currency))
}

pub(super) fn typed_of(advertiser: &Noun) -> Typed {
    let mut typed = Typed::of([
        ("name", advertiser.name.clone()),
        ("kind", advertiser.kind.to_string()),
        ("currency", advertiser.currency.to_string()),
        ("missing_status", advertiser.missing_status.to_string()),
        ("window_days", advertiser.window_days.to_string()),
        ("duplicate_mode", advertiser.duplicate_mode.to_string()),
        ("hmac_mode", advertiser.hmac_mode.to_string()),
        ("allow_addresses", lines(&advertiser.allow_addresses)),
        ("old_keys", advertiser.old_keys.join("\n")),
        ("forward_unknown_to", advertiser.forward_unknown_to.clone()),
        ("answers", advertiser.answers.to_string()),
        ("reply_body", advertiser.reply_body.clone()),
        ("pixel", advertiser.is_pixel_on.to_string()),
        ("status", advertiser.status.to_string()),
        ("reopen_rejected", advertiser.may_reopen_rejected().to_string()),
        ("preset", advertiser.preset.clone().unwrap_or_default()),
    ]);
    let mut put = |map: &str, pairs: Vec<(&String, String)>| {
        for (row, (theirs, ours)) in pairs.into_iter().enumerate() {
            typed.push(format!("{map}.{row}.theirs"), theirs);
            typed.push(format!("{map}.{row}.ours"), ours);
        }
    };
    put("param_map", advertiser.param_map.iter().map(|(theirs, ours)| (theirs, ours.clone())).collect());
    put(
        "status_map",
        advertiser.status_map.iter().map(|(theirs, ours)| (theirs, ours.to_string())).collect(),
    );
    put("event_map", advertiser.event_map.iter().map(|(theirs, ours)| (theirs, words(ours))).collect());
    put(
        "duplicate_modes",
        advertiser.duplicate_modes.iter().map(|(event, mode)| (event, mode.to_string())).collect(),
    );
    typed
}

/// Ranges of addresses, one a line. A single address is written without its length.
fn lines(ranges: &[IpNet]) -> String {
    let text = |range: &IpNet| {
        if range.prefix_len() == range.max_prefix_len() {
            range.addr().to_string()
        } else {
            range.to_string()
        }
    };
    ranges.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// `sale`, or `sale reversed`.
fn words(meaning: &EventMeaning) -> String {
    match meaning.status {
        Some(status) => format!("{} {status}", meaning.event),
        None => meaning.event.clone(),
    }
}

/// The other way round: a status at the end is one where something stands before it.
pub(super) fn meaning(words: &str) -> Value {
    let words = words.trim();
    match words.rsplit_once(char::is_whitespace) {
        Some((event, status)) if Status::parse(status).is_some() => {
            json!({ "event": event.trim(), "status": status })
        }
        _ => json!(words),
    }
}

fn fields(typed: &Typed) -> Fields {
    let mut fields = typed.fields(&TEXTS);
    // A box that is not ticked is not sent.
    for ticked in TICKED {
        fields.insert(ticked.to_owned(), json!(typed.is_on(ticked)));
    }
    fields.insert("preset".to_owned(), json!(typed.get("preset")));
    for map in MAPS {
        let mut pairs = Map::new();
        for row in typed.rows(map) {
            let theirs = typed.get(&format!("{map}.{row}.theirs")).trim();
            let ours = typed.get(&format!("{map}.{row}.ours")).trim();
            if !theirs.is_empty() {
                // The later of two rows with the same word counts, as the last word said.
                pairs.insert(theirs.to_owned(), if map == "event_map" { meaning(ours) } else { json!(ours) });
            }
        }
        fields.insert(map.to_owned(), Value::Object(pairs));
    }
    fields
}

fn change_rows(shown: &mut Shown<Noun>) -> bool {
    if preset::fill(shown, &MAPS) {
        return true;
    }
    let action = shown.typed.get("action").to_owned();
    let known = |map: &&str| MAPS.contains(map);
    if let Some(map) = action.strip_prefix("add-pair.").filter(known) {
        let row = shown.typed.next_row(map);
        shown.typed.push(format!("{map}.{row}.theirs"), "");
        return true;
    }
    let Some(place) = action.strip_prefix("remove-pair.") else { return false };
    if place.split_once('.').is_some_and(|(map, _)| known(&map)) {
        shown.typed.remove_under(place);
    }
    true
}

/// A new one goes on to its postback URL.
fn after(id: i64) -> String {
    format!("{}/{id}?saved=1", KIND.path)
}

#[allow(clippy::unnecessary_wraps, reason = "every form is drawn alike, and others read the database")]
fn draw(_: &App, place: &Place, shown: &Shown<Noun>) -> Result<AdvertiserFormPage, entities::Error> {
    let form = shown.marked();
    let title = shown.saved.as_ref().map_or("New advertiser", |saved| &saved.value.name);
    let parent = Some(Link::new("Advertisers", KIND.path));
    let notice = saved_notice(&place.query);
    let status = shown.saved.as_ref().map(|saved| (saved.id, saved.value.status));
    let tabs = status.map(|(id, _)| tabs(id, "/edit")).unwrap_or_default();
    Ok(AdvertiserFormPage {
        chrome: Chrome { parent, notice, tabs, ..shown.desk.chrome(title, Nav::Advertisers) },
        action: shown.action(KIND.path),
        form: AdvertiserForm {
            preset: preset::pick(shown),
            name: form.field("name"),
            kind: form.select("kind", &KINDS),
            currency: form.field("currency"),
            missing_status: form.select("missing_status", &MISSING),
            window_days: form.field("window_days"),
            reopen_rejected: form.typed.is_on("reopen_rejected"),
            duplicate_mode: form.select("duplicate_mode", &DUPLICATES),
            duplicate_modes: pairs(shown, "duplicate_modes"),
            hmac_mode: form.select("hmac_mode", &SIGNATURES),
            allow_addresses: form.field("allow_addresses"),
            old_keys: form.field("old_keys"),
            forward_unknown_to: form.field("forward_unknown_to"),
            answers: form.select("answers", &ANSWERS),
            reply_body: form.field("reply_body"),
            pixel: form.typed.is_on("pixel"),
            param_map: pairs(shown, "param_map"),
            status_map: pairs(shown, "status_map"),
            event_map: pairs(shown, "event_map"),
            blank_pair: PairRow { key: "__R__".to_owned(), ..PairRow::default() },
            status: form.select("status", &statuses(form.typed.get("status"))),
        },
        archive: status.map(|(id, status)| archive_button(KIND.path, id, status)),
        is_archived: status.is_some_and(|(_, status)| status == EntityStatus::Archived),
    })
}

/// The rows of a map, its error beside the row that it names, else beside the first.
fn pairs(shown: &Shown<Noun>, map: &str) -> Vec<PairRow> {
    let form = shown.marked();
    let row = |key: String| PairRow {
        theirs: Field::new(form.typed.get(&format!("{map}.{key}.theirs"))),
        ours: Field::new(form.typed.get(&format!("{map}.{key}.ours"))),
        key,
    };
    let mut rows: Vec<PairRow> = form.typed.rows(map).into_iter().map(row).collect();
    let message = form.error(map);
    if message.is_empty() {
        return rows;
    }
    let meant = |row: &PairRow| {
        let said = message.strip_prefix(&format!("{:?}: ", row.theirs.value.trim()));
        said.map(str::to_owned)
    };
    let found = rows.iter().enumerate().find_map(|(at, row)| Some((at, meant(row)?)));
    let (at, said) = found.unwrap_or((0, message));
    if let Some(row) = rows.get_mut(at) {
        row.ours.error = said;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_may_carry_a_status() {
        assert_eq!(meaning("sale reversed"), json!({ "event": "sale", "status": "reversed" }));
        assert_eq!(meaning(" first deposit "), json!("first deposit"));
        assert_eq!(meaning("reversed"), json!("reversed"));
    }
}
