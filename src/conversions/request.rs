//! A postback as it came: its parameters from the query string and a form or JSON body.

use crate::db::postbacks::PIXEL;
use crate::routing::decode;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, OnceLock};

/// The longest body of a postback: a thousand conversions would fit.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Bytes of the query string and of the body that are kept raw. A longer one is kept cut, and refused.
pub const RAW_BYTES_MAX: usize = 64 * 1024;

/// Parameters of one postback: no network sends as many.
pub const PARAMS_MAX: usize = 500;

/// The longest value that is looked at, in bytes: none of ours is longer than a click id of a network.
pub const VALUE_BYTES_MAX: usize = 4_096;

/// Nesting of a JSON body that is read into names such as `/data/order/sum`.
const JSON_DEPTH_MAX: usize = 8;

/// A postback as the door hands it over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// The key in the address.
    pub key: String,
    /// GET, POST, or [`PIXEL`] for what a page reports.
    pub method: String,
    /// The sender's address.
    pub address: String,
    /// The body's type, as the sender named it.
    pub content_type: Option<String>,
    /// The query string.
    pub query: Vec<u8>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// The body was longer than [`BODY_BYTES_MAX`].
    pub is_body_cut: bool,
    /// The agent of a page that reports; of a postback it says nothing.
    pub agent: Option<String>,
    /// The header `X-Clickledger-Signature`.
    pub signature: Option<String>,
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// The body it came in, where it is one of an array: that is what a signature in the header signs.
    pub whole: Option<Whole>,
    /// Sent by a test of ours: its conversion is test data.
    pub is_test: bool,
    /// A test of ours that is judged by its address and signature too, as one from outside.
    pub is_as_from_outside: bool,
}

/// The body of an array, for all that came in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    body: Arc<[u8]>,
    /// Whether its signature fits, once that was looked at: a thousand elements need it once.
    fits: Arc<OnceLock<bool>>,
}

impl Whole {
    /// An array's body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self { body: body.into(), fits: Arc::default() }
    }

    /// Whether its signature fits, as it was found the first time.
    pub(super) fn fits(&self, check: impl FnOnce(&[u8]) -> bool) -> bool {
        *self.fits.get_or_init(|| check(&self.body))
    }
}

impl Incoming {
    /// Whether a page reports it: anyone may, and no key came with it.
    #[must_use]
    pub fn is_pixel(&self) -> bool {
        self.method == PIXEL
    }

    /// Whether it is looked at who sends it: not for a test or an import, whose sender has signed in.
    pub(super) fn is_sender_judged(&self) -> bool {
        (!self.is_test || self.is_as_from_outside) && !self.is_by_person()
    }

    /// Something stands in the body.
    pub(super) fn has_body(&self) -> bool {
        self.body.iter().any(|byte| !byte.is_ascii_whitespace())
    }

    /// The body is read as JSON.
    pub(super) fn has_json(&self) -> bool {
        self.has_body() && matches!(self.kind(), Ok(Kind::Json))
    }

    /// The body is read as a form.
    pub(super) fn has_form(&self) -> bool {
        self.has_body() && matches!(self.kind(), Ok(Kind::Form))
    }

    /// What the body is read as.
    fn kind(&self) -> Result<Kind, String> {
        let kind = self.content_type.as_deref().unwrap_or("").split(';').next().unwrap_or("").trim();
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        let starts_like_json = matches!(first, Some(b'{' | b'['));
        match kind.to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => Ok(Kind::Form),
            "application/json" | "text/json" => Ok(Kind::Json),
            "" | "text/plain" if starts_like_json => Ok(Kind::Json),
            "" => Ok(Kind::Form),
            other => {
                let other: String = other.chars().take(60).collect();
                Err(format!(
                    "A body of type {other:?} is not read: send application/x-www-form-urlencoded or application/json"
                ))
            }
        }
    }
}

/// How a body is written.
enum Kind {
    Form,
    Json,
}

/// Names and values in the order they came: first the query's, then the body's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(pub Vec<(String, String)>);

impl Params {
    /// The first value under a name that is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A hash of everything but time, nonce and signature: equal for an identical request.
    #[must_use]
    pub fn hash(&self) -> [u8; 16] {
        let mut sorted: Vec<&(String, String)> =
            self.0.iter().filter(|(name, _)| !matches!(name.as_str(), "ts" | "nonce" | "sig")).collect();
        sorted.sort();
        let mut hasher = Sha256::new();
        for (name, value) in sorted {
            for text in [name, value] {
                hasher.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = digest;
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }
}

/// Reads a postback's parameters.
///
/// # Errors
/// One sentence that says why it cannot be read.
pub fn read(incoming: &Incoming) -> Result<Params, String> {
    if incoming.is_body_cut {
        return Err("The body is longer than 262,144 bytes: send less at a time".to_owned());
    }
    if incoming.query.len() > RAW_BYTES_MAX {
        return Err("The query string is longer than 65,536 bytes".to_owned());
    }
    let mut params = Params::default();
    push_form(&incoming.query, &mut params)?;
    // The row of a file is kept as the body, and what was read of it stands in the query.
    if incoming.has_body() && !incoming.is_by_person() {
        read_body(incoming, &mut params)?;
    }
    if let Some((name, _)) = params.0.iter().find(|(_, value)| value.len() > VALUE_BYTES_MAX) {
        let name: String = name.chars().take(40).collect();
        return Err(format!("The value of {name:?} is longer than 4,096 bytes"));
    }
    Ok(params)
}

fn read_body(incoming: &Incoming, params: &mut Params) -> Result<(), String> {
    match incoming.kind()? {
        Kind::Form => push_form(&incoming.body, params),
        Kind::Json => push_json(&incoming.body, params),
    }
}

fn push(params: &mut Params, name: &str, value: &str) -> Result<(), String> {
    if params.0.len() >= PARAMS_MAX {
        return Err("More than 500 parameters".to_owned());
    }
    params.0.push((name.to_owned(), value.trim().replace('\0', "\u{fffd}")));
    Ok(())
}

fn push_form(bytes: &[u8], params: &mut Params) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    for piece in text.split('&').filter(|piece| !piece.is_empty()) {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        push(params, &decode(name), &decode(value))?;
    }
    Ok(())
}

fn push_json(bytes: &[u8], params: &mut Params) -> Result<(), String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|why| format!("The body is not JSON: {why}"))?;
    let Value::Object(parts) = value else {
        return Err("The JSON body must be an object, or an array of 1 to 1,000 objects".to_owned());
    };
    for (name, value) in &parts {
        push_value(name, value, params)?;
        push_structure(name, value, params)?;
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        push_nested(&pointer, value, params, 1)?;
    }
    Ok(())
}

fn push_value(name: &str, value: &Value, params: &mut Params) -> Result<(), String> {
    match value {
        Value::String(text) => push(params, name, text),
        Value::Number(number) => push(params, name, &number.to_string()),
        Value::Bool(flag) => push(params, name, if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => Ok(()),
    }
}

/// Characters of a list or an object that stand for it under its own name.
const SHOWN_CHARS: usize = 100;

/// A list or an object where a value belongs is said so, by its own text, and not passed over: an amount sent as
/// `{"value": 5}` would silently become the offer's.
fn push_structure(name: &str, value: &Value, params: &mut Params) -> Result<(), String> {
    let is_empty = match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        _ => true,
    };
    if is_empty {
        Ok(())
    } else {
        push(params, name, &value.to_string().chars().take(SHOWN_CHARS).collect::<String>())
    }
}

/// What lies deeper is reached by JSON pointers, for an advertiser's parameter map.
fn push_nested(pointer: &str, value: &Value, params: &mut Params, depth: usize) -> Result<(), String> {
    if depth > JSON_DEPTH_MAX {
        return Ok(());
    }
    push_value(pointer, value, params)?;
    match value {
        Value::Object(parts) => parts.iter().try_for_each(|(name, value)| {
            let name = name.replace('~', "~0").replace('/', "~1");
            push_nested(&format!("{pointer}/{name}"), value, params, depth + 1)
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, value)| push_nested(&format!("{pointer}/{at}"), value, params, depth + 1)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(body: &str) -> Result<Params, String> {
        read(&Incoming {
            content_type: Some("application/json; charset=utf-8".to_owned()),
            body: body.into(),
            ..Incoming::default()
        })
    }

    #[test]
    fn query_and_body_are_read_in_order() {
        let params = read(&Incoming {
            query: b"cid=a+b&x=%C3%A4&bad=%ff".to_vec(),
            body: b"cid=second&payout=5".to_vec(),
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            ..Incoming::default()
        })
        .unwrap();
        assert_eq!(params.get("cid"), Some("a b"));
        assert_eq!(params.get("x"), Some("ä"));
        assert_eq!(params.get("bad"), Some("\u{fffd}"));
        assert_eq!(params.get("payout"), Some("5"));
    }

    #[test]
    fn json_values_have_their_name_and_their_pointer() {
        let params = json(r#"{"cid":"c","n":5.50,"data":{"sum":"7","list":[{"a":1}]},"none":null}"#).unwrap();
        assert_eq!(params.get("cid"), Some("c"));
        assert_eq!(params.get("n"), Some("5.5"));
        assert_eq!(params.get("/data/sum"), Some("7"));
        assert_eq!(params.get("/data/list/0/a"), Some("1"));
        assert!(json("[1]").is_err());
        assert!(json("{").is_err());
    }

    #[test]
    fn an_identical_request_has_the_same_hash_whatever_the_order_and_time() {
        let hash =
            |query: &str| read(&Incoming { query: query.into(), ..Incoming::default() }).unwrap().hash();
        assert_eq!(hash("a=1&b=2&ts=5"), hash("b=2&ts=9&a=1"));
        assert_ne!(hash("a=1&b=2"), hash("a=12&b="));
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            query in prop::collection::vec(any::<u8>(), 0..200),
            body in prop::collection::vec(any::<u8>(), 0..200),
            kind in prop::sample::select(vec!["", "application/json", "application/x-www-form-urlencoded", "text/plain"]),
        ) {
            let _ = read(&Incoming { query, body, content_type: Some(kind.to_owned()), ..Incoming::default() });
        }
    }
}
