//! The rows of caps on the offer form.

use super::super::editing::Shown;
use super::super::forms::{Field, Select};
use super::super::typed::Typed;
use crate::domain::cap::{Cap, CapOf};
use crate::domain::money::Money;
use crate::domain::offer::Offer as Noun;
use serde_json::{Value, json};

/// A row of the form: one cap.
#[derive(Debug, Clone, Default)]
pub struct CapRow {
    /// Number of the row in the names of its fields.
    pub key: String,
    /// How much.
    pub limit: Field,
    /// Of what.
    pub of: Select,
    /// Per what.
    pub per: Select,
    /// Of which event.
    pub event: Field,
    /// Where its spans begin.
    pub time_zone: Field,
}

impl CapRow {
    /// What is wrong in this row, sentence after sentence.
    pub fn errors(&self) -> Vec<&str> {
        let all =
            [&self.limit.error, &self.of.error, &self.per.error, &self.event.error, &self.time_zone.error];
        all.into_iter().map(String::as_str).filter(|error| !error.is_empty()).collect()
    }
}

/// What can be capped. The last is for caps that were saved before payouts were found to be unrecorded.
const CAP_OF: [(&str, &str); 4] =
    [("conversions", "conversions"), ("clicks", "clicks"), ("revenue", "revenue"), ("payout", "payout")];

/// What a row may be of: payout only where it is already.
fn cap_of(chosen: &str) -> &'static [(&'static str, &'static str)] {
    let [others @ .., (payout, _)] = &CAP_OF;
    if chosen == *payout { &CAP_OF } else { others }
}

const CAP_PER: [(&str, &str); 5] =
    [("hour", "an hour"), ("day", "a day"), ("week", "a week"), ("month", "a month"), ("total", "in total")];

/// The field, and where its rows stand among the names of the form's fields.
pub const FIELD: &str = "caps";

/// Puts caps into a form as they are stored.
pub fn put(typed: &mut Typed, caps: &[Cap]) {
    for (row, cap) in caps.iter().enumerate() {
        let limit =
            if cap.of.is_money() { Money::from_micros(cap.limit).to_string() } else { cap.limit.to_string() };
        let mut put = |name: &str, value: &str| typed.push(format!("{FIELD}.{row}.{name}"), value);
        put("limit", &limit);
        put("of", cap.of.as_str());
        put("per", cap.per.as_str());
        put("event", cap.event.as_deref().unwrap_or_default());
        put("time_zone", cap.time_zone.name());
    }
}

/// What a form's rows say.
pub fn read(typed: &Typed) -> Value {
    let cap = |row: String| {
        let part = |name: &str| typed.get(&format!("{FIELD}.{row}.{name}"));
        let is_money = CapOf::parse(part("of")).is_some_and(CapOf::is_money);
        let limit = if is_money { "amount" } else { "count" };
        json!({limit: part("limit"), "of": part("of"), "per": part("per"), "event": part("event"),
            "time_zone": part("time_zone")})
    };
    typed.rows(FIELD).into_iter().map(cap).collect()
}

/// The buttons that add or remove a row.
pub fn change_rows(shown: &mut Shown<Noun>) -> bool {
    let action = shown.typed.get("action").to_owned();
    if action == "add-pair.caps" {
        let row = shown.typed.next_row(FIELD);
        for (name, value) in ["limit", "event"].map(|name| (name, "")).into_iter().chain(new_cap(shown)) {
            shown.typed.push(format!("{FIELD}.{row}.{name}"), value);
        }
        return true;
    }
    let Some(row) = action.strip_prefix("remove-pair.caps.") else { return false };
    shown.typed.remove_under(&format!("{FIELD}.{row}"));
    true
}

/// What a new cap begins with.
fn new_cap(shown: &Shown<Noun>) -> [(&'static str, &'static str); 3] {
    [("of", "conversions"), ("per", "day"), ("time_zone", shown.desk.zone.name())]
}

/// The rows of caps; the n-th row is the n-th cap, and its errors are named so.
pub fn rows(shown: &Shown<Noun>) -> Vec<CapRow> {
    let form = shown.marked();
    let row = |(at, key): (usize, String)| {
        let typed = |name: &str| form.typed.get(&format!("{FIELD}.{key}.{name}"));
        let error = |name: &str| form.error(&format!("{FIELD}[{at}].{name}"));
        let field = |name: &str| Field::wrong(typed(name), &error(name));
        let select =
            |name: &str, pairs: &[_]| Select { error: error(name), ..Select::new(pairs, typed(name)) };
        CapRow {
            limit: Field::wrong(typed("limit"), &(error("count") + &error("amount"))),
            of: select("of", cap_of(typed("of"))),
            per: select("per", &CAP_PER),
            event: field("event"),
            time_zone: field("time_zone"),
            key,
        }
    };
    form.typed.rows(FIELD).into_iter().enumerate().map(row).collect()
}

/// The row that the browser copies.
pub fn blank_row(shown: &Shown<Noun>) -> CapRow {
    let [(_, of), (_, per), (_, zone)] = new_cap(shown);
    CapRow {
        key: "__R__".to_owned(),
        of: Select::new(cap_of(of), of),
        per: Select::new(&CAP_PER, per),
        time_zone: Field::new(zone),
        ..CapRow::default()
    }
}
