//! An advertiser: who owns offers and sends postbacks, and how its words are read.

mod maps;
mod trust;

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status};
use super::money::Currency;
use super::status::Status;
use super::words::word_enum;
use ipnet::IpNet;
use maps::{folded, map, read_event, read_mode, read_param, read_status};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

pub use trust::{addresses, forward, is_allowed};

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

word_enum! {
    /// What a postback means that says again what is known.
    pub enum DuplicateMode {
        /// Status and amount move; it is never a second conversion.
        Update => "update",
        /// Nothing moves: the first one counts.
        Ignore => "ignore",
        /// Each is a conversion of its own, as rebills and deposits are.
        New => "new",
        /// Its amount is added to what is there, as an upsell is.
        Add => "add",
    }
}

word_enum! {
    /// Whether postbacks are signed.
    pub enum HmacMode {
        /// Signatures are not looked at.
        Off => "off",
        /// A signature that comes must be right; none may come.
        Optional => "optional",
        /// Every postback must be signed.
        Required => "required",
    }
}

word_enum! {
    /// What a refusal is answered with.
    pub enum Answers {
        /// 200 for every business verdict, so that no network retries for ever.
        Standard => "standard",
        /// 4xx for refusals too.
        Strict => "strict",
    }
}

/// The longest body that an advertiser's postbacks are answered with, in characters: networks look for a word or two.
pub const REPLY_CHARS_MAX: usize = 1_000;

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
    /// What a second postback about one conversion means.
    pub duplicate_mode: DuplicateMode,
    /// The same for events that differ, by their name.
    pub duplicate_modes: BTreeMap<String, DuplicateMode>,
    /// Whether its postbacks are signed.
    pub hmac_mode: HmacMode,
    /// Where its postbacks may come from; nothing allows every address.
    pub allow_addresses: Vec<IpNet>,
    /// What a refusal is answered with.
    pub answers: Answers,
    /// The body of every answer, where the network wants a word of its own; empty for our verdict.
    pub reply_body: String,
    /// Its pages may tell of conversions by pixel and script.
    pub is_pixel_on: bool,
    /// The keys that stood in its postback addresses elsewhere, which work here too.
    pub old_keys: Vec<String>,
    /// Where postbacks go on to that name a click of the tracker before; empty for nowhere.
    pub forward_unknown_to: String,
    /// The preset that it was filled from.
    pub preset: Option<String>,
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
            duplicate_mode: DuplicateMode::Update,
            duplicate_modes: REPEATING_EVENTS
                .iter()
                .map(|event| ((*event).to_owned(), DuplicateMode::New))
                .collect(),
            hmac_mode: HmacMode::Off,
            allow_addresses: Vec::new(),
            answers: Answers::Standard,
            reply_body: String::new(),
            is_pixel_on: false,
            old_keys: Vec::new(),
            forward_unknown_to: String::new(),
            preset: None,
            status: EntityStatus::Active,
        }
    }

    /// Whether a rejected conversion may be approved after all: yes for a network, whose advertisers
    /// change their minds; no for a direct advertiser.
    #[must_use]
    pub fn may_reopen_rejected(&self) -> bool {
        self.reopen_rejected.unwrap_or(self.kind == AdvertiserKind::Network)
    }

    /// What a second postback about a conversion with this event means.
    #[must_use]
    pub fn duplicate_mode_of(&self, event: &str) -> DuplicateMode {
        self.duplicate_modes.get(event).copied().unwrap_or(self.duplicate_mode)
    }
}

/// Events that come again and again for one click: a new advertiser takes each as a conversion of its own.
const REPEATING_EVENTS: [&str; 2] = ["rebill", "deposit"];

/// Our parameter names, which a parameter map may lead to.
pub const PARAMS: [&str; 17] = [
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
    "device",
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
            "duplicate_mode" => put(
                &mut self.duplicate_mode,
                field,
                input::word(value, DuplicateMode::parse, DuplicateMode::choices),
            ),
            "duplicate_modes" => put(&mut self.duplicate_modes, field, maps::by_event(value, read_mode)),
            "hmac_mode" => {
                put(&mut self.hmac_mode, field, input::word(value, HmacMode::parse, HmacMode::choices))
            }
            "allow_addresses" => put(&mut self.allow_addresses, field, addresses(value)),
            "answers" => put(&mut self.answers, field, input::word(value, Answers::parse, Answers::choices)),
            "reply_body" => put(&mut self.reply_body, field, input::text(value, REPLY_CHARS_MAX)),
            "pixel" => put(&mut self.is_pixel_on, field, input::flag(value)),
            "old_keys" => put(&mut self.old_keys, field, trust::old_keys(value)),
            "forward_unknown_to" => put(&mut self.forward_unknown_to, field, forward(value)),
            "preset" => put(&mut self.preset, field, trust::preset(value)),
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
