//! A destination from a preset: its texts, with the user's own values where `REPLACE_NAME` stands.

use super::source::{AskedValue, DestinationFacts, SourceFacts};
use super::{Preset, source_preset};
use crate::domain::destination::{BodyKind, Encoding, Message};
use crate::domain::filling::{is_unreserved, push_encoded};
use crate::domain::input::{self, FieldErrors};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What stands before a value's name in capitals.
const PLACEHOLDER: &str = "REPLACE_";

/// Characters of a value: access tokens have a few hundred.
const VALUE_CHARS_MAX: usize = 2_048;

/// Fields by the API's names.
type Fields = BTreeMap<String, Value>;

/// The fields of a destination with what they leave unsaid and their preset says. What they say themselves wins; the
/// preset's `values` are put in their places, and are no field any more.
///
/// # Errors
/// A value lacks, under `values.name`; there is no such preset.
pub fn destination_fields(mut own: Fields) -> Result<Fields, FieldErrors> {
    let values = own.remove("values").filter(|values| !values.is_null());
    let slug = own.get("preset").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    let Some((preset, facts)) = source_preset(slug) else {
        return match values {
            Some(_) => Err(FieldErrors::one("values", "Values are a preset's: name it as preset")),
            None => Ok(own),
        };
    };
    let values = read_values(values.as_ref(), &facts.values)?;
    let mut filled = Fields::from([("name".to_owned(), json!(preset.name))]);
    match &facts.destination {
        Some(known) => filled.extend(texts(known, &facts.values, &values, &own)?),
        None if own.get("url").is_none_or(input::is_blank) => {
            return Err(FieldErrors::one("url", unknown_address(preset)));
        }
        None => {}
    }
    filled.extend(own);
    Ok(filled)
}

fn unknown_address(preset: &Preset) -> String {
    format!("Paste the postback address that {}'s panel shows: it is not known beforehand", preset.name)
}

/// The values as they were given, each a text; what is missing or blank takes its default, or is not there.
fn read_values(given: Option<&Value>, asked: &[AskedValue]) -> Result<BTreeMap<String, String>, FieldErrors> {
    let nothing = Map::new();
    let given = match given {
        None => &nothing,
        Some(Value::Object(given)) => given,
        Some(_) => {
            return Err(FieldErrors::one(
                "values",
                "Must be names with their values, like {\"aid\": \"123\"}",
            ));
        }
    };
    let (mut errors, mut values) = (FieldErrors::default(), BTreeMap::new());
    for name in given.keys().filter(|name| !asked.iter().any(|one| one.name == **name)) {
        let known: Vec<&str> = asked.iter().map(|one| one.name.as_str()).collect();
        let known = if known.is_empty() {
            "asks for none".to_owned()
        } else {
            format!("asks for {}", known.join(", "))
        };
        errors.push(&format!("values.{name}"), format!("There is no value of this name: the preset {known}"));
    }
    for one in asked {
        let value = given.get(&one.name).unwrap_or(&Value::Null);
        match input::line(value, VALUE_CHARS_MAX) {
            Ok(text) if text.is_empty() => {
                values.extend(one.default.clone().map(|text| (one.name.clone(), text)))
            }
            Ok(text) => {
                values.insert(one.name.clone(), text);
            }
            Err(message) => errors.push(&format!("values.{}", one.name), message),
        }
    }
    errors.into_result().map(|()| values)
}

/// The preset's texts, but those that the user wrote himself, filled.
fn texts(
    facts: &DestinationFacts,
    asked: &[AskedValue],
    values: &BTreeMap<String, String>,
    own: &Fields,
) -> Result<Fields, FieldErrors> {
    let mut errors = FieldErrors::default();
    let is_own = |field: &str| own.contains_key(field);
    let (url, headers) = (facts.url.as_str(), &facts.headers);
    let mut needed = BTreeSet::new();
    if !is_own("url") {
        needed.extend(placeholders(url));
    }
    if !is_own("body") {
        needed.extend(placeholders(&facts.body));
    }
    if !is_own("headers") {
        needed.extend(headers.values().flat_map(|text| placeholders(text)));
    }
    if !is_own("oauth") {
        needed.extend(facts.oauth.values().flat_map(|text| placeholders(text)));
    }
    for one in asked.iter().filter(|one| needed.contains(&one.name) && !values.contains_key(&one.name)) {
        errors.push(&format!("values.{}", one.name), format!("Write {}", one.label));
    }
    for name in placeholders(host_of(url)).into_iter().filter(|_| !is_own("url")) {
        if values.get(&name).is_some_and(|host| !is_host(host)) {
            errors.push(
                &format!("values.{name}"),
                "Write the host alone, like ads.example, without https:// and path",
            );
        }
    }
    errors.into_result()?;
    let raw = |text: &str| put_in(text, values, str::to_owned);
    let oauth: Map<String, Value> =
        facts.oauth.iter().map(|(name, text)| (name.clone(), json!(raw(text)))).collect();
    let headers: Map<String, Value> =
        headers.iter().map(|(name, text)| (name.clone(), json!(raw(text)))).collect();
    let body = put_in(&facts.body, values, |value| in_body(value, facts.body_kind));
    Ok([
        ("url", json!(put_in(url, values, in_url))),
        ("method", json!(facts.method)),
        ("body_kind", json!(facts.body_kind)),
        ("body", json!(body)),
        ("headers", Value::Object(headers)),
        ("oauth", if oauth.is_empty() { Value::Null } else { Value::Object(oauth) }),
        ("statuses", json!(facts.statuses)),
        ("success_match", json!(facts.success_match)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect())
}

/// The names of the values that a text asks for.
fn placeholders(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    put_in_with(text, |name| {
        names.insert(name.to_owned());
        String::new()
    });
    names
}

/// The text with each value in its place, written as it must be there.
fn put_in(text: &str, values: &BTreeMap<String, String>, written: impl Fn(&str) -> String) -> String {
    put_in_with(text, |name| values.get(name).map(|value| written(value)).unwrap_or_default())
}

fn put_in_with(text: &str, mut value: impl FnMut(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once(PLACEHOLDER) {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name: String = behind.chars().take_while(|c| is_name(*c)).collect();
        out.push_str(before);
        out.push_str(&value(&name.to_lowercase()));
        rest = behind.get(name.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// A value that is one of our macros and nothing else is filled for each conversion.
fn is_macro(value: &str) -> bool {
    value.starts_with('{')
        && value.find('}') == Some(value.len() - 1)
        && Message::parse(value, Encoding::Url).is_ok_and(|message| message.told().count() == 1)
}

fn in_url(value: &str) -> String {
    let mut out = String::new();
    if is_macro(value) || is_host(value) {
        out.push_str(value);
    } else {
        push_encoded(value, is_unreserved, &mut out);
    }
    out
}

fn in_body(value: &str, kind: BodyKind) -> String {
    if kind != BodyKind::Json {
        return in_url(value);
    }
    let quoted = json!(value).to_string();
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    // A brace of the user's own begins no macro of ours.
    if is_macro(value) { inside.to_owned() } else { inside.replace('{', "\\u007b") }
}

/// What stands between `//` and the next `/`.
fn host_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.split(['/', '?']).next().unwrap_or_default()
}

/// Letters, digits, dots and hyphens, with a port or without.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty() && name.bytes().all(is_letter) && port.parse::<u16>().is_ok()
}

impl SourceFacts {
    /// The names of the values that its destination asks for.
    #[cfg(test)]
    pub(super) fn names_in_texts(&self) -> BTreeSet<String> {
        let Some(known) = &self.destination else { return BTreeSet::new() };
        let texts =
            [&known.url, &known.body].into_iter().chain(known.headers.values()).chain(known.oauth.values());
        texts.flat_map(|text| placeholders(text)).collect()
    }
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
