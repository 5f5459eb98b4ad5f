//! A destination: who is told of conversions, of which, and how.

mod headers;
mod message;
mod oauth;
mod told;

pub use headers::{HEADERS_MAX, Headers, sealed as sealed_headers};
pub use message::{Encoding, Message, SampleConversion, Slip, ToldValues, Unfilled};
pub use oauth::{Oauth, sealed as sealed_oauth};
pub use told::Told;

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status};
use super::source::preset_name;
use super::status::Status;
use super::vault::Place;
use super::words::word_enum;
use crate::domain::advertiser::fold_event;
use serde_json::Value;
use url::Url;

word_enum! {
    /// How often one conversion is told.
    pub enum Fire {
        /// At the first status that is told, and never again.
        Once => "once",
        /// At each change of its status or its amounts.
        EachChange => "each_change",
    }
}

word_enum! {
    /// How it is asked.
    pub enum DestinationMethod {
        /// Everything stands in the address.
        Get => "GET",
        /// With a body, where there is one.
        Post => "POST",
        /// As POST, for those who ask for it.
        Put => "PUT",
    }
}

word_enum! {
    /// What the body is.
    pub enum BodyKind {
        /// There is none.
        None => "none",
        /// A JSON text with macros within its quotes.
        Json => "json",
        /// `name=value` pairs joined by `&`.
        Form => "form",
    }
}

/// Bytes of an address with its macros unfilled; longer ones are cut by proxies.
pub const URL_CHARS_MAX: usize = 4_096;

/// Characters of a body with its macros unfilled: conversion APIs take a few hundred.
pub const BODY_CHARS_MAX: usize = 16_384;

/// The longest delay, in seconds: some sources cannot take a conversion sooner than their own click.
pub const DELAY_SECONDS_MAX: i64 = 300;

/// Events of one destination.
const EVENTS_MAX: usize = 50;

/// Characters of the text that means success.
const SUCCESS_CHARS_MAX: usize = 200;

/// Where the values of headers lie sealed. Not bound to a row: they are sealed before a new destination has its number.
pub const HEADERS_PLACE: Place = Place { table: "destinations", row: 0, column: "headers_sealed" };

/// Where the words lie sealed with which access tokens are fetched.
pub const OAUTH_PLACE: Place = Place { table: "destinations", row: 0, column: "oauth_sealed" };

/// What presets write where the user has to.
const PLACEHOLDER: &str = "REPLACE";

/// A destination as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// Conversions of this source alone.
    pub source_id: Option<i64>,
    /// Conversions of this campaign alone.
    pub campaign_id: Option<i64>,
    /// Conversions of this offer alone.
    pub offer_id: Option<i64>,
    /// Where it fires, those without source, campaign and offer do not.
    pub replaces_global: bool,
    /// How often one conversion is told.
    pub fire: Fire,
    /// The events that are told; none for all of them.
    pub events: Vec<String>,
    /// The statuses that are told; none for all of them.
    pub statuses: Vec<Status>,
    /// How it is asked.
    pub method: DestinationMethod,
    /// Where, with macros.
    pub url: String,
    /// Header names and their sealed values.
    pub headers: Headers,
    /// How it comes by the access token that each call needs; `None` where none is needed.
    pub oauth: Option<Oauth>,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The body, with macros.
    pub body: String,
    /// The text in an answer that means success; empty where its code says.
    pub success_match: String,
    /// How long after the conversion it is told.
    pub delay_seconds: i64,
    /// It is told of test conversions, and of those alone: to try it end to end.
    pub is_test: bool,
    /// The preset that it was filled from.
    pub preset: Option<String>,
    /// In use or not.
    pub status: EntityStatus,
}

impl Default for Destination {
    fn default() -> Self {
        Self {
            name: String::new(),
            source_id: None,
            campaign_id: None,
            offer_id: None,
            replaces_global: false,
            fire: Fire::Once,
            events: Vec::new(),
            statuses: Vec::new(),
            method: DestinationMethod::Get,
            url: String::new(),
            headers: Headers::default(),
            oauth: None,
            body_kind: BodyKind::None,
            body: String::new(),
            success_match: String::new(),
            delay_seconds: 0,
            is_test: false,
            preset: None,
            status: EntityStatus::Active,
        }
    }
}

impl Destination {
    /// It asks for neither source, campaign nor offer.
    #[must_use]
    pub const fn is_global(&self) -> bool {
        self.source_id.is_none() && self.campaign_id.is_none() && self.offer_id.is_none()
    }

    /// The address, parsed.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn url_message(&self) -> Result<Message, String> {
        Message::parse(&self.url, Encoding::Url)
    }

    /// The body, parsed; `None` where there is none.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn body_message(&self) -> Result<Option<Message>, String> {
        match self.body_kind {
            BodyKind::None => Ok(None),
            BodyKind::Json => Message::parse(&self.body, Encoding::Json).map(Some),
            BodyKind::Form => Message::parse(&self.body, Encoding::Url).map(Some),
        }
    }

    /// Whether a macro stands in its address or body, of those that can be read.
    pub fn tells(&self, is_wanted: impl Fn(&Told) -> bool) -> bool {
        let messages = [self.url_message().ok(), self.body_message().ok().flatten()];
        messages.iter().flatten().any(|message| message.told().any(&is_wanted))
    }
}

impl Editable for Destination {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "source_id" => put(&mut self.source_id, field, input::id(value)),
            "campaign_id" => put(&mut self.campaign_id, field, input::id(value)),
            "offer_id" => put(&mut self.offer_id, field, input::id(value)),
            "replaces_global" => put(&mut self.replaces_global, field, input::flag(value)),
            "fire" => put(&mut self.fire, field, input::word(value, Fire::parse, Fire::choices)),
            "events" => put(&mut self.events, field, events(value)),
            "statuses" => put(&mut self.statuses, field, statuses(value)),
            "method" => put(
                &mut self.method,
                field,
                input::word(value, DestinationMethod::parse, DestinationMethod::choices),
            ),
            "url" => put(&mut self.url, field, url(value)),
            "headers" => {
                let after = self.headers.after(value);
                put(&mut self.headers, field, after)
            }
            "oauth" => {
                self.oauth = Oauth::after(self.oauth.as_ref(), value)?;
                Ok(true)
            }
            "body_kind" => {
                put(&mut self.body_kind, field, input::word(value, BodyKind::parse, BodyKind::choices))
            }
            "body" => put(&mut self.body, field, input::text(value, BODY_CHARS_MAX)),
            "success_match" => put(&mut self.success_match, field, input::line(value, SUCCESS_CHARS_MAX)),
            "delay_seconds" => put(&mut self.delay_seconds, field, input::int(value, 0, DELAY_SECONDS_MAX)),
            "test" => put(&mut self.is_test, field, input::flag(value)),
            "preset" => put(&mut self.preset, field, preset_name(value)),
            "status" => put(&mut self.status, field, status(value)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        if let Err(message) = check_url(&self.url) {
            errors.push("url", message);
        }
        if let Err(message) = self.check_body() {
            errors.push("body", message);
        }
        if self.body_kind != BodyKind::None && self.method == DestinationMethod::Get {
            errors.push("method", "A body is sent with POST or PUT: choose one, or body_kind none");
        }
        if self.oauth.is_some()
            && self.headers.0.keys().any(|name| name.eq_ignore_ascii_case("authorization"))
        {
            errors.push(
                "headers",
                "Authorization carries the access token that is fetched: leave it out, or oauth",
            );
        }
        if self.replaces_global && self.is_global() {
            errors.push(
                "replaces_global",
                "Name the source, campaign or offer for which it replaces the global ones",
            );
        }
    }
}

impl Destination {
    fn check_body(&self) -> Result<(), String> {
        let Some(message) = self.body_message()? else {
            return if self.body.trim().is_empty() {
                Ok(())
            } else {
                Err("Choose what the body is, json or form, or leave it empty".to_owned())
            };
        };
        if self.body.trim().is_empty() {
            return Err("Write the body, or choose body_kind none".to_owned());
        }
        check_placeholder(&self.body)?;
        let filled = message.fill(&SampleConversion).map_err(|why| why.0)?;
        if self.body_kind == BodyKind::Json {
            serde_json::from_str::<Value>(&filled).map_err(|why| {
                format!("This is no JSON once its macros are filled ({why}): texts stand in quotes, as in \"{{click_id}}\"")
            })?;
        } else if filled.contains(['\n', '\r']) {
            return Err("A form's body is one line: name=value&other={macro}".to_owned());
        }
        Ok(())
    }
}

fn url(value: &Value) -> input::Reading<String> {
    Ok(input::line(value, URL_CHARS_MAX)?.trim().to_owned())
}

/// An address to which nothing but its own text decides where it goes.
fn check_url(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("Write the address, like https://source.example/postback?click={external_id}".to_owned());
    }
    if text.contains(char::is_whitespace) {
        return Err("A space stands in the address: write %20, or remove it".to_owned());
    }
    check_placeholder(text)?;
    let message = Message::parse(text, Encoding::Url)?;
    let filled = |with: &'static str| {
        let filled = message.fill(&Always(with)).map_err(|why| why.0)?;
        let url = Url::parse(&filled)
            .map_err(|why| format!("This is no address ({why}): write https://host/path"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("The address must begin with https:// or http:// and name a host".to_owned());
        }
        Ok(url)
    };
    // What is sent must not choose where it is sent to.
    if filled("a")?.origin() != filled("b")?.origin() {
        return Err("The host must stand there as it is, without a macro".to_owned());
    }
    Ok(())
}

fn check_placeholder(text: &str) -> Result<(), String> {
    match text.find(PLACEHOLDER) {
        Some(at) => {
            let place: String = text.get(at.saturating_sub(12)..).unwrap_or(text).chars().take(30).collect();
            Err(format!(
                "Write your own value where {PLACEHOLDER} stands (at {place:?}): the source's panel shows it"
            ))
        }
        None => Ok(()),
    }
}

/// The same value for every macro.
struct Always(&'static str);

impl ToldValues for Always {
    fn write_told(&self, _: &Told, out: &mut String) -> Result<(), Unfilled> {
        out.push_str(self.0);
        Ok(())
    }
}

/// A list, or a text with commas as forms send it.
fn words(value: &Value, what: &str) -> input::Reading<Vec<String>> {
    let texts: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| format!("Must be a list of {what}")))
            .collect::<Result<_, _>>()?,
        _ => return Err(format!("Must be a list of {what}")),
    };
    let mut known: Vec<String> = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        if !known.iter().any(|one| one == text) {
            known.push(text.to_owned());
        }
    }
    Ok(known)
}

fn events(value: &Value) -> input::Reading<Vec<String>> {
    let mut events: Vec<String> = words(value, "events")?.iter().map(|event| fold_event(event)).collect();
    events.retain(|event| !event.is_empty());
    events.sort_unstable();
    events.dedup();
    if events.len() > EVENTS_MAX {
        return Err(format!("At most {EVENTS_MAX} events"));
    }
    Ok(events)
}

fn statuses(value: &Value) -> input::Reading<Vec<Status>> {
    words(value, "statuses")?
        .iter()
        .map(|word| Status::parse(word).ok_or_else(|| format!("{word:?} is none of {}", Status::choices())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(fields: Value) -> Result<Destination, FieldErrors> {
        let mut made = Destination::default();
        made.apply(&serde_json::from_value(fields).unwrap())?;
        Ok(made)
    }

    fn message(fields: &Value, field: &str) -> String {
        let mut all = json!({"name": "N", "url": "https://a.example/?c={external_id}"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        apply(all).unwrap_err().message(field).unwrap_or_default().to_owned()
    }

    #[test]
    fn a_destination_is_read_with_its_conditions() {
        let made = apply(json!({
            "name": "Push", "url": "https://a.example/?c={external_id}&p={payout}", "source_id": 3,
            "events": "Sale, lead,sale", "statuses": ["approved", "reversed"], "fire": "each_change",
            "delay_seconds": "30"
        }))
        .unwrap();
        assert_eq!(
            (made.events.as_slice(), made.statuses.len()),
            (&["lead".to_owned(), "sale".to_owned()][..], 2)
        );
        assert_eq!((made.fire, made.delay_seconds, made.is_global()), (Fire::EachChange, 30, false));
        assert!(made.tells(|told| *told == Told::Payout));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_a_sentence() {
        assert!(message(&json!({"url": "ftp://a.example/"}), "url").contains("https://"));
        assert!(message(&json!({"url": "https://{sub1}.example/"}), "url").contains("without a macro"));
        assert!(message(&json!({"url": "https://a.example:{sub1}/"}), "url").contains("no address"));
        assert!(message(&json!({"url": "https://a.example/?c={clickid}"}), "url").contains("{click_id}"));
        assert!(message(&json!({"url": "https://a.example/?pid=REPLACE"}), "url").contains("your own value"));
        assert!(message(&json!({"url": ""}), "url").contains("Write the address"));
        assert!(message(&json!({"delay_seconds": 301}), "delay_seconds").contains("300"));
        assert!(message(&json!({"statuses": ["paid"]}), "statuses").contains("approved"));
        assert!(message(&json!({"replaces_global": true}), "replaces_global").contains("Name the source"));
        let post = |kind: &str, body: &str| json!({"method": "POST", "body_kind": kind, "body": body});
        assert!(message(&post("json", "{\"a\":{sub1}}"), "body").contains("no JSON"));
        assert!(message(&post("json", ""), "body").contains("Write the body"));
        assert!(message(&post("none", "a=b"), "body").contains("json or form"));
        assert!(message(&json!({"body_kind": "form", "body": "a=b"}), "method").contains("POST or PUT"));
        assert!(
            apply(json!({"name": "N", "url": "https://a.example/", "method": "POST", "body_kind": "json",
            "body": "{\"value\": {payout}, \"id\": \"{txid}\"}"}))
            .is_ok()
        );
    }
}
