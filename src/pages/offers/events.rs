//! The rows of events on the offer form.

use super::super::editing::Shown;
use super::super::forms::{Field, Select};
use super::super::typed::Typed;
use crate::domain::offer::{Offer as Noun, OfferEvent};
use serde_json::{Value, json};

/// A row of the form: one event.
#[derive(Debug, Clone, Default)]
pub struct EventRow {
    /// Number of the row in the names of its fields.
    pub key: String,
    /// Its name.
    pub event: Field,
    /// What it earns.
    pub revenue: Field,
    /// What a partner gets, sent back as it came.
    pub payout: String,
    /// Which amount counts.
    pub revenue_mode: Select,
    /// How it counts.
    pub counts: Select,
}

impl EventRow {
    /// What is wrong in this row, sentence after sentence.
    pub fn errors(&self) -> Vec<&str> {
        let all = [&self.event.error, &self.revenue.error, &self.revenue_mode.error, &self.counts.error];
        all.into_iter().map(String::as_str).filter(|error| !error.is_empty()).collect()
    }
}

const MODES: [(&str, &str); 3] =
    [("auto", "the postback's, else this"), ("fixed", "always this"), ("postback", "the postback's")];

/// How an event counts: both switches of it in one choice of words.
const COUNTS: [(&str, &str); 4] = [
    ("both", "a conversion with revenue"),
    ("conversion", "a conversion, no revenue"),
    ("revenue", "revenue, no conversion"),
    ("neither", "seen, not counted"),
];

/// The field, and where its rows stand among the names of the form's fields.
pub const FIELD: &str = "events";

/// Puts events into a form as they are stored.
pub fn put(typed: &mut Typed, events: &[OfferEvent]) {
    for (row, event) in events.iter().enumerate() {
        let mut put = |name: &str, value: &str| typed.push(format!("{FIELD}.{row}.{name}"), value);
        put("event", &event.event);
        put("revenue", &event.revenue.map(|money| money.to_string()).unwrap_or_default());
        put("payout", &event.payout.map(|money| money.to_string()).unwrap_or_default());
        put("revenue_mode", event.revenue_mode.as_str());
        put(
            "counts",
            match (event.counts_as_conversion, event.counts_in_revenue) {
                (true, true) => "both",
                (true, false) => "conversion",
                (false, true) => "revenue",
                (false, false) => "neither",
            },
        );
    }
}

/// What a form's rows say. A row left wholly empty says nothing.
pub fn read(typed: &Typed) -> Value {
    let event = |row: String| {
        let part = |name: &str| typed.get(&format!("{FIELD}.{row}.{name}"));
        let counts = part("counts");
        json!({"event": part("event"), "revenue": part("revenue"), "payout": part("payout"),
            "revenue_mode": part("revenue_mode"), "counts_as_conversion": matches!(counts, "both" | "conversion"),
            "counts_in_revenue": matches!(counts, "both" | "revenue")})
    };
    typed.rows(FIELD).into_iter().map(event).collect()
}

/// The buttons that add or remove a row.
pub fn change_rows(shown: &mut Shown<Noun>) -> bool {
    let action = shown.typed.get("action").to_owned();
    if action == "add-pair.events" {
        let row = shown.typed.next_row(FIELD);
        for (name, value) in [("event", ""), ("revenue", ""), ("revenue_mode", "auto"), ("counts", "both")] {
            shown.typed.push(format!("{FIELD}.{row}.{name}"), value);
        }
        return true;
    }
    let Some(row) = action.strip_prefix("remove-pair.events.") else { return false };
    shown.typed.remove_under(&format!("{FIELD}.{row}"));
    true
}

/// The rows of events; the n-th row is the n-th event, and its errors are named so.
pub fn rows(shown: &Shown<Noun>) -> Vec<EventRow> {
    let form = shown.marked();
    let row = |(at, key): (usize, String)| {
        let typed = |name: &str| form.typed.get(&format!("{FIELD}.{key}.{name}"));
        let error = |name: &str| form.error(&format!("{FIELD}[{at}].{name}"));
        let select = |name: &str, pairs| Select { error: error(name), ..Select::new(pairs, typed(name)) };
        EventRow {
            event: Field::wrong(typed("event"), &error("event")),
            revenue: Field::wrong(typed("revenue"), &error("revenue")),
            payout: typed("payout").to_owned(),
            revenue_mode: select("revenue_mode", &MODES),
            counts: select("counts", &COUNTS),
            key,
        }
    };
    form.typed.rows(FIELD).into_iter().enumerate().map(row).collect()
}

/// The row that the browser copies.
pub fn blank_row() -> EventRow {
    EventRow {
        key: "__R__".to_owned(),
        revenue_mode: Select::new(&MODES, "auto"),
        counts: Select::new(&COUNTS, "both"),
        ..EventRow::default()
    }
}
