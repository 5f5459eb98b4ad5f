//! A JSON body, read strictly: an object, no field twice, bounded.

use super::Error;
use super::limits::JSON_BYTES_MAX;
use super::upload::read_bytes;
use crate::entities::Fields;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads the fields of a JSON object from a request's body.
///
/// # Errors
/// Not JSON by its content type, compressed, too large, or not one object.
pub async fn json_fields(request: &HttpRequest, payload: web::Payload) -> Result<Fields, Error> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let kind = header(CONTENT_TYPE).unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if kind != "application/json" || header(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Error::WrongContentType("application/json"));
    }
    let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > JSON_BYTES_MAX) {
        return Err(Error::TooLarge(JSON_BYTES_MAX));
    }
    read(&read_bytes(payload, JSON_BYTES_MAX).await?)
}

fn read(body: &[u8]) -> Result<Fields, Error> {
    let Strict(value) = serde_json::from_slice(body)
        .map_err(|error| Error::Unreadable(format!("The body is not JSON as it should be: {error}.")))?;
    match value {
        Value::Object(fields) => Ok(fields.into_iter().collect()),
        _ => Err(Error::Unreadable("The body must be a JSON object, like {\"name\":\"...\"}.".to_owned())),
    }
}

/// A JSON value in which no object names a field twice: whoever reads the request before us (a proxy, a
/// log) might take the other one.
struct Strict(Value);

struct StrictVisitor;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} stands here twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_read_whole() {
        let text = br#"{"a": [1, -2, "x", null, true, {"b": 1.5}], "c": 18446744073709551615}"#;
        let fields = read(text).unwrap();
        assert_eq!(fields["a"], json!([1, -2, "x", null, true, {"b": 1.5}]));
        assert_eq!(fields["c"], json!(u64::MAX));
    }

    #[test]
    fn everything_else_is_a_readable_refusal() {
        let deep = "[".repeat(10_000);
        for bad in [
            &b""[..],
            b"[]",
            b"null",
            b"\"text\"",
            b"{\"a\":1",
            b"{\"a\":1}{",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":1e999}",
            deep.as_bytes(),
        ] {
            assert!(matches!(read(bad), Err(Error::Unreadable(_))), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
