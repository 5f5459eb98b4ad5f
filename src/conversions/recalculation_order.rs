//! What is asked of a recalculation, as a form or a JSON body sends it.

use super::hand::WHY_CHARS_MAX;
use crate::db::recalculations::{Recalculation, Scope};
use crate::domain::input::{self, FieldErrors};
use crate::reports::{Period, TimeZone};
use chrono::NaiveDate;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is asked for, and whether it is only looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecalculationOrder {
    /// What is counted anew.
    pub asked: Recalculation,
    /// Nothing is kept: what would change is answered.
    pub is_dry_run: bool,
}

/// The fields of a recalculation.
const FIELDS: [&str; 9] =
    ["offer_id", "advertiser_id", "from", "to", "time_zone", "terms", "rates", "why", "dry_run"];

impl RecalculationOrder {
    /// Reads `offer_id` or `advertiser_id`, `from`, `to`, `time_zone`, `terms`, `rates`, `why` and `dry_run`, as a form or a JSON
    /// body sends them. Without a zone the account's counts.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(fields: &BTreeMap<String, Value>, zone: TimeZone) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for unknown in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            errors.push(unknown, format!("There is no such field: there are {}", FIELDS.join(", ")));
        }
        let part = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let mut read = |name: &str, outcome: Result<Option<i64>, String>| {
            outcome.unwrap_or_else(|message| {
                errors.push(name, message);
                None
            })
        };
        let offer = read("offer_id", input::id(part("offer_id")));
        let advertiser = read("advertiser_id", input::id(part("advertiser_id")));
        let mut flag = |name: &str| read(name, input::flag(part(name)).map(i64::from).map(Some)) == Some(1);
        let (takes_terms, takes_rates, is_dry_run) = (flag("terms"), flag("rates"), flag("dry_run"));
        let scope = match (offer, advertiser) {
            (Some(id), None) => Some(Scope::Offer(id)),
            (None, Some(id)) => Some(Scope::Advertiser(id)),
            _ if errors.message("offer_id").is_none() && errors.message("advertiser_id").is_none() => {
                errors.push("offer_id", "Choose either an offer or an advertiser");
                None
            }
            _ => None,
        };
        if !takes_terms && !takes_rates && errors.message("terms").is_none() {
            errors.push("terms", "Choose what is taken: the offer's terms, the exchange rates, or both");
        }
        let why = input::line(part("why"), WHY_CHARS_MAX).unwrap_or_else(|message| {
            errors.push("why", message);
            String::new()
        });
        if why.is_empty() && !is_dry_run && errors.message("why").is_none() {
            errors.push("why", "Write why: it is kept in the history of each conversion with your name");
        }
        let period = period(fields, zone, &mut errors);
        errors.into_result()?;
        let (Some(scope), Some((from_day, to_day, zone, period))) = (scope, period) else {
            return Err(FieldErrors::one("offer_id", "Choose either an offer or an advertiser"));
        };
        let asked = Recalculation {
            scope,
            from_day,
            to_day,
            time_zone: zone.name().to_owned(),
            from_ms: period.from_ms(),
            to_ms: period.to_ms(),
            takes_terms,
            takes_rates,
            why,
        };
        Ok(Self { asked, is_dry_run })
    }
}

fn period(
    fields: &BTreeMap<String, Value>,
    zone: TimeZone,
    errors: &mut FieldErrors,
) -> Option<(NaiveDate, NaiveDate, TimeZone, Period)> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or("").trim();
    let mut day = |name: &str| {
        let read = NaiveDate::parse_from_str(text(name), "%Y-%m-%d").ok();
        if read.is_none() {
            errors.push(name, "Write a day, like 2026-11-01");
        }
        read
    };
    let (from, to) = (day("from"), day("to"));
    let is_given = fields.get("time_zone").is_some_and(|value| !input::is_blank(value));
    let zone = if is_given { TimeZone::parse(text("time_zone")).ok() } else { Some(zone) };
    if zone.is_none() {
        errors.push("time_zone", "Is no time zone that is known: write one like Europe/Berlin");
    }
    let (from, to, zone) = (from?, to?, zone?);
    match Period::days(zone, from, to) {
        Ok(period) => Some((from, to, zone, period)),
        Err(why) => {
            errors.push("to", why.to_string());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: Value) -> Result<RecalculationOrder, Vec<String>> {
        RecalculationOrder::read(&serde_json::from_value(fields).unwrap(), TimeZone::UTC)
            .map_err(|errors| errors.0.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn days_are_whole_days_of_their_zone() {
        let order = read(
            json!({"offer_id": "7", "from": "2026-03-29", "to": "2026-03-29", "time_zone": "Europe/Berlin",
            "rates": true, "why": " wrong rate "}),
        )
        .unwrap();
        assert_eq!((order.asked.to_ms - order.asked.from_ms) / 3_600_000, 23, "the clocks go forward");
        assert_eq!((order.asked.scope, order.asked.why.as_str()), (Scope::Offer(7), "wrong rate"));
        assert!(order.asked.takes_rates && !order.asked.takes_terms && !order.is_dry_run);
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(read(json!({})).unwrap_err(), ["offer_id", "terms", "why", "from", "to"]);
        let both = json!({"offer_id": 1, "advertiser_id": 2, "from": "2026-01-02", "to": "2026-01-01", "time_zone": "Mars",
            "terms": true, "why": "x", "colour": 1});
        assert_eq!(read(both).unwrap_err(), ["colour", "offer_id", "time_zone"]);
        let backwards =
            json!({"offer_id": 1, "from": "2026-01-02", "to": "2026-01-01", "terms": true, "dry_run": true});
        assert_eq!(read(backwards).unwrap_err(), ["to"], "a look needs no reason");
    }
}
