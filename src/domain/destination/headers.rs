//! Headers of a destination: names that anybody may see, and values that nobody sees again.

use super::super::input::Reading;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Headers of one destination: conversion APIs ask for two or three.
pub const HEADERS_MAX: usize = 10;

/// Characters of a name and of a value; an access token has a few hundred.
const NAME_CHARS_MAX: usize = 100;
const VALUE_CHARS_MAX: usize = 4_096;

/// What the connection itself says, or we do: another value would break the request, or make two of one.
const OURS: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "connection",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "idempotency-key",
];

/// The field of a value that was sealed already. Nothing from outside is read with it: see [`sealed`].
const SEALED: &str = "sealed";

/// Header names with their sealed values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(pub BTreeMap<String, String>);

impl Headers {
    /// The headers once these are set: a name with null keeps its value, one that is not named is taken away. A text stands
    /// in their place where [`sealed`] found something wrong: it is the sentence about that.
    ///
    /// # Errors
    /// A name has null and no value yet, or [`sealed`] did not come first, or found something.
    pub fn after(&self, value: &Value) -> Reading<Self> {
        if let Value::String(why) = value {
            return Err(why.clone());
        }
        let mut headers = BTreeMap::new();
        for (name, value) in object(value)? {
            let sealed = match value {
                Value::Null => {
                    self.0.get(name).cloned().ok_or_else(|| format!("Write the value of {name}"))?
                }
                Value::Object(parts) => {
                    parts.get(SEALED).and_then(Value::as_str).ok_or("A header's value is a text")?.to_owned()
                }
                _ => return Err("A header's value is a text".to_owned()),
            };
            headers.insert(name.clone(), sealed);
        }
        Ok(Self(headers))
    }
}

fn object(value: &Value) -> Reading<&Map<String, Value>> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    match value {
        Value::Null => Ok(&NONE),
        Value::Object(headers) => Ok(headers),
        _ => Err("Must be names with their values, like {\"Authorization\": \"Bearer ...\"}".to_owned()),
    }
}

/// Reads headers as they come from outside, and seals their values. Null stands for a value that is kept.
///
/// # Errors
/// One sentence that says what to change.
pub fn sealed(value: &Value, seal: impl Fn(&str) -> String) -> Reading<Value> {
    let given = object(value)?;
    if given.len() > HEADERS_MAX {
        return Err(format!("At most {HEADERS_MAX} headers"));
    }
    let mut headers = Map::new();
    for (name, value) in given {
        let name = checked_name(name)?;
        let kept = match value {
            Value::Null => Value::Null,
            Value::String(text) => {
                let text = text.trim();
                let is_sendable = text.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
                if text.is_empty() || text.len() > VALUE_CHARS_MAX || !is_sendable {
                    return Err(format!(
                        "The value of {name} must be one line of at most {VALUE_CHARS_MAX} plain letters, digits and signs"
                    ));
                }
                serde_json::json!({ SEALED: seal(text) })
            }
            _ => return Err(format!("The value of {name} must be a text")),
        };
        if headers.insert(name.clone(), kept).is_some() {
            return Err(format!("{name} stands there twice"));
        }
    }
    Ok(Value::Object(headers))
}

fn checked_name(name: &str) -> Reading<String> {
    let name = name.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&byte);
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is no header's name: write one like Authorization"));
    }
    if OURS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(format!("{name} is set by us: leave it out"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(known: &Headers, given: &Value) -> Reading<Headers> {
        known.after(&sealed(given, |text| format!("<{}>", text.len()))?)
    }

    #[test]
    fn values_are_sealed_kept_and_taken_away() {
        let first = after(&Headers::default(), &json!({"Authorization": "Bearer x", "X-A": "1"})).unwrap();
        assert_eq!(first.0.get("Authorization").unwrap(), "<8>");
        let second = after(&first, &json!({"Authorization": null, "X-B": "22"})).unwrap();
        assert_eq!(
            second.0.into_iter().collect::<Vec<_>>(),
            [("Authorization".to_owned(), "<8>".to_owned()), ("X-B".to_owned(), "<2>".to_owned()),]
        );
        assert!(after(&first, &json!({"X-C": null})).unwrap_err().contains("Write the value of X-C"));
        assert_eq!(after(&first, &Value::Null).unwrap(), Headers::default());
    }

    #[test]
    fn what_would_break_a_request_is_refused() {
        for bad in [
            json!({"Host": "a"}),
            json!({"Content-Length": "1"}),
            json!({"A b": "1"}),
            json!({"A": "x\r\nB: y"}),
            json!({"A": ""}),
            json!({"A": "\u{e9}"}),
            json!({"A": 1}),
            json!({"A": {"sealed": "somebody's"}}),
            json!(["A"]),
        ] {
            assert!(after(&Headers::default(), &bad).is_err(), "{bad}");
        }
        let many: Map<String, Value> = (0..11).map(|n| (format!("X-{n}"), json!("1"))).collect();
        assert!(after(&Headers::default(), &Value::Object(many)).unwrap_err().contains("At most 10"));
    }
}
