//! An advertiser: who owns offers and sends postbacks, and how its words are read.

use super::input::{self, Editable, FieldErrors, Reading, put};
use super::lander::{EntityStatus, require_name, status};
use super::money::Currency;
use super::status::Status;
use super::words::word_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

word_enum! {
    /// What kind of sender it is.
    pub enum AdvertiserKind {
        /// An affiliate network between us and its advertisers.
        Network => "network",
        /// The advertiser itself.
        Direct => "direct",
    }
}

word_enum! {
    /// What a postback without a status means.
    pub enum MissingStatus {
        /// It is a conversion.
        Approved => "approved",
        /// It waits for a decision.
        Pending => "pending",
        /// It is refused: this advertiser must send one.
        Refused => "refused",
    }
}

/// Entries of a map.
pub const MAP_ENTRIES_MAX: usize = 200;

/// The longest conversion window, in days.
pub const WINDOW_DAYS_MAX: i64 = 3_650;

/// What a word of theirs means as an event and, perhaps, a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventMeaning {
    /// Our event.
    pub event: String,
    /// The status it brings with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// An advertiser as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertiser {
    /// Its name.
    pub name: String,
    /// Network or direct.
    pub kind: AdvertiserKind,
    /// The currency of amounts that come without one.
    pub currency: Currency,
    /// Their parameter's name (or a JSON pointer) -> ours.
    pub param_map: BTreeMap<String, String>,
    /// Their status word, lower case -> ours.
    pub status_map: BTreeMap<String, Status>,
    /// Their event word, lower case -> ours.
    pub event_map: BTreeMap<String, EventMeaning>,
    /// What no status means.
    pub missing_status: MissingStatus,
    /// Whether a rejected conversion may be approved after all; by kind where not set.
    pub reopen_rejected: Option<bool>,
    /// How old a click may be for a new conversion, in days.
    pub window_days: i64,
    /// In use or not.
    pub status: EntityStatus,
}

impl Advertiser {
    /// An empty advertiser in a currency.
    #[must_use]
    pub fn blank(currency: Currency) -> Self {
        Self {
            name: String::new(),
            kind: AdvertiserKind::Network,
            currency,
            param_map: BTreeMap::new(),
            status_map: BTreeMap::new(),
            event_map: BTreeMap::new(),
            missing_status: MissingStatus::Approved,
            reopen_rejected: None,
            window_days: 30,
            status: EntityStatus::Active,
        }
    }

    /// Whether a rejected conversion may be approved after all: yes for a network, whose advertisers
    /// change their minds; no for a direct advertiser.
    #[must_use]
    pub fn may_reopen_rejected(&self) -> bool {
        self.reopen_rejected.unwrap_or(self.kind == AdvertiserKind::Network)
    }
}

/// Our parameter names, which a parameter map may lead to.
pub const PARAMS: [&str; 16] = [
    "cid",
    "revenue",
    "sale_amount",
    "txid",
    "status",
    "event",
    "currency",
    "reason",
    "conversion_time",
    "ip",
    "country",
    "device_id",
    "offer_id",
    "commission",
    "test",
    "ts",
];

impl Editable for Advertiser {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "kind" => {
                put(&mut self.kind, field, input::word(value, AdvertiserKind::parse, AdvertiserKind::choices))
            }
            "currency" => put(&mut self.currency, field, input::currency(value)),
            "param_map" => put(&mut self.param_map, field, map(value, read_param)),
            "status_map" => put(&mut self.status_map, field, folded(value, read_status)),
            "event_map" => put(&mut self.event_map, field, folded(value, read_event)),
            "missing_status" => put(
                &mut self.missing_status,
                field,
                input::word(value, MissingStatus::parse, MissingStatus::choices),
            ),
            "reopen_rejected" => put(&mut self.reopen_rejected, field, input::flag(value).map(Some)),
            "window_days" => put(&mut self.window_days, field, input::int(value, 1, WINDOW_DAYS_MAX)),
            "status" => put(&mut self.status, field, status(value)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
    }
}

/// Folds an event's name: trimmed, lower case, at most [`input::WORD_CHARS_MAX`] characters.
#[must_use]
pub fn fold_event(word: &str) -> String {
    word.trim().to_lowercase().chars().filter(|c| !c.is_control()).take(input::WORD_CHARS_MAX).collect()
}

fn map<T>(value: &Value, read: fn(&Value) -> Reading<T>) -> Reading<BTreeMap<String, T>> {
    let Value::Object(entries) = value else {
        return if input::is_blank(value) {
            Ok(BTreeMap::new())
        } else {
            Err("Must be an object of pairs".to_owned())
        };
    };
    if entries.len() > MAP_ENTRIES_MAX {
        return Err(format!("At most {MAP_ENTRIES_MAX} pairs"));
    }
    entries
        .iter()
        .filter(|(theirs, _)| !theirs.trim().is_empty())
        .map(|(theirs, ours)| {
            let read = read(ours).map_err(|message| format!("{theirs:?}: {message}"))?;
            Ok((theirs.trim().chars().take(255).collect(), read))
        })
        .collect()
}

fn folded<T>(value: &Value, read: fn(&Value) -> Reading<T>) -> Reading<BTreeMap<String, T>> {
    Ok(map(value, read)?.into_iter().map(|(theirs, ours)| (theirs.to_lowercase(), ours)).collect())
}

fn read_param(value: &Value) -> Reading<String> {
    let name = input::line(value, input::WORD_CHARS_MAX)?;
    let is_slot = |prefix: &str, max: u8| {
        name.strip_prefix(prefix).and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=max).contains(&n))
    };
    if PARAMS.contains(&name.as_str()) || is_slot("sub", 20) || is_slot("p", 10) {
        Ok(name)
    } else {
        Err(format!("{name:?} is none of our parameters: {}, sub1..sub20, p1..p10", PARAMS.join(", ")))
    }
}

fn read_status(value: &Value) -> Reading<Status> {
    input::word(value, Status::parse, Status::choices)
}

fn read_event(value: &Value) -> Reading<EventMeaning> {
    let meaning = match value {
        Value::String(event) => EventMeaning { event: event.clone(), status: None },
        _ => serde_json::from_value(value.clone()).map_err(|error| error.to_string())?,
    };
    let event = fold_event(&meaning.event);
    if event.is_empty() {
        Err("Write the event's name".to_owned())
    } else {
        Ok(EventMeaning { event, ..meaning })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(fields: Value) -> Result<Advertiser, FieldErrors> {
        let mut advertiser = Advertiser::blank(Currency::USD);
        advertiser.apply(&serde_json::from_value(fields).unwrap())?;
        Ok(advertiser)
    }

    #[test]
    fn maps_are_folded_and_checked() {
        let made = apply(json!({
            "name": "Net", "status_map": {"A": "approved"}, "event_map": {"Refund": {"event": "Sale", "status": "reversed"}, "dep": "Deposit"},
            "param_map": {"s2": "cid", "/data/sum": "revenue"}
        }))
        .unwrap();
        assert_eq!(made.status_map.get("a"), Some(&Status::Approved));
        assert_eq!(made.event_map.get("refund").unwrap().event, "sale");
        assert_eq!(made.event_map.get("dep").unwrap().event, "deposit");
        let errors = apply(
            json!({"name": "", "status_map": {"x": "maybe"}, "param_map": {"a": "sub21"}, "colour": 1}),
        )
        .unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["colour", "name", "param_map", "status_map"]);
    }
}
