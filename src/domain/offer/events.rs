//! The events of an offer beside its sale: what each earns, and how it counts.

use super::RevenueMode;
use crate::domain::advertiser::fold_event;
use crate::domain::input::{self, FieldErrors};
use crate::domain::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Events of one offer.
const EVENTS_MAX: usize = 50;

/// An event that an offer lists. An offer that lists `sale` says with it what a sale is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferEvent {
    /// Its name, folded.
    pub event: String,
    /// What it earns where its mode asks the offer.
    #[serde(rename = "revenue_micros")]
    pub revenue: Option<Money>,
    /// What a partner gets for it.
    #[serde(rename = "payout_micros")]
    pub payout: Option<Money>,
    /// Where its revenue comes from.
    pub revenue_mode: RevenueMode,
    /// Whether it is one of the conversions.
    pub counts_as_conversion: bool,
    /// Whether what it earns is part of the revenue.
    pub counts_in_revenue: bool,
}

/// The names of an event's fields.
const FIELDS: [&str; 6] =
    ["event", "revenue", "payout", "revenue_mode", "counts_as_conversion", "counts_in_revenue"];

/// Reads the list of events.
///
/// # Errors
/// Every fault found, with its place: `events[0].revenue`.
pub(super) fn read_all(value: &Value) -> Result<Vec<OfferEvent>, FieldErrors> {
    let rows = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(rows) => rows,
        _ => {
            return Err(FieldErrors::one(
                "events",
                "Must be a list like [{\"event\":\"deposit\",\"revenue\":\"20.00\"}]",
            ));
        }
    };
    if rows.len() > EVENTS_MAX {
        return Err(FieldErrors::one("events", format!("At most {EVENTS_MAX} events")));
    }
    let (mut events, mut errors) = (Vec::<OfferEvent>::new(), FieldErrors::default());
    for (at, row) in rows.iter().enumerate() {
        match read(row, at) {
            Ok(event) if events.iter().any(|known| known.event == event.event) => errors.push(
                &format!("events[{at}].event"),
                format!("{:?} is listed twice: leave one", event.event),
            ),
            Ok(event) => events.push(event),
            Err(found) => errors.0.extend(found.0),
        }
    }
    errors.into_result().map(|()| events)
}

fn read(row: &Value, at: usize) -> Result<OfferEvent, FieldErrors> {
    let place = |field: &str| format!("events[{at}].{field}");
    let Value::Object(parts) = row else {
        return Err(FieldErrors::one(&format!("events[{at}]"), "Must be an object of fields"));
    };
    let mut errors = FieldErrors::default();
    for unknown in parts.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        errors.push(&place(unknown), "There is no such field");
    }
    let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
    let mut said = |field: &str, message: String| errors.push(&place(field), message);
    let event = match input::line(part("event"), input::WORD_CHARS_MAX).map(|word| fold_event(&word)) {
        Ok(word) if word.is_empty() => {
            said("event", "Write the event's name".to_owned());
            word
        }
        Ok(word) => word,
        Err(message) => {
            said("event", message);
            String::new()
        }
    };
    let mut money = |field: &str| {
        input::money(part(field)).unwrap_or_else(|message| {
            said(field, message);
            None
        })
    };
    let (revenue, payout) = (money("revenue"), money("payout"));
    let mut flag = |field: &str| match part(field) {
        // Left unsaid, an event counts, as one that somebody lists is meant to.
        Value::Null => true,
        value => input::flag(value).unwrap_or_else(|message| {
            said(field, message);
            true
        }),
    };
    let (counts_as_conversion, counts_in_revenue) = (flag("counts_as_conversion"), flag("counts_in_revenue"));
    let revenue_mode = match part("revenue_mode") {
        value if input::is_blank(value) => RevenueMode::Auto,
        value => input::word(value, RevenueMode::parse, RevenueMode::choices).unwrap_or_else(|message| {
            said("revenue_mode", message);
            RevenueMode::Auto
        }),
    };
    if revenue_mode == RevenueMode::Fixed && revenue.is_none() && errors.is_empty() {
        errors.push(&place("revenue"), "Mode fixed needs the amount that the event earns");
    }
    let event = OfferEvent { event, revenue, payout, revenue_mode, counts_as_conversion, counts_in_revenue };
    errors.into_result().map(|()| event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_read_with_what_they_leave_unsaid() {
        let events = read_all(&json!([
            {"event": " Deposit ", "revenue": "20.00"},
            {"event": "install", "counts_as_conversion": false, "revenue_mode": "postback"},
        ]))
        .unwrap();
        let [deposit, install] = events.as_slice() else { panic!("two events") };
        assert_eq!(
            (deposit.event.as_str(), deposit.revenue),
            ("deposit", Some(Money::from_micros(20_000_000)))
        );
        assert!(deposit.counts_as_conversion && deposit.counts_in_revenue);
        assert_eq!((install.counts_as_conversion, install.revenue_mode), (false, RevenueMode::Postback));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let errors = read_all(&json!([
            {"event": "", "colour": 1},
            {"event": "deposit", "revenue": "x", "revenue_mode": "some"},
            {"event": "lead", "revenue_mode": "fixed"},
            {"event": "a"}, {"event": "A"}, 7,
        ]))
        .unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        let expected = [
            "events[0].colour",
            "events[0].event",
            "events[1].revenue",
            "events[1].revenue_mode",
            "events[2].revenue",
            "events[4].event",
            "events[5]",
        ];
        assert_eq!(fields, expected);
    }
}
