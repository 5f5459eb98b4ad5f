//! Many postbacks in one request: a JSON array, taken apart into postbacks that are judged and kept each by itself.

use super::request::{Incoming, Whole};
use serde::de::IgnoredAny;

/// Postbacks of one array: networks that gather theirs send hundreds.
pub const ARRAY_MAX: usize = 1_000;

/// The postbacks of a request whose body is a JSON array, each with its own element as body. `None` for any other
/// request, for an empty array and for one that is too long: those are judged, and refused, as one.
#[must_use]
pub fn split(incoming: &Incoming) -> Option<Vec<Incoming>> {
    let is_array = incoming.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if incoming.is_body_cut || !is_array || !incoming.has_json() {
        return None;
    }
    let count = serde_json::from_slice::<Vec<IgnoredAny>>(&incoming.body).ok()?.len();
    if !(1..=ARRAY_MAX).contains(&count) {
        return None;
    }
    let parts = elements(&incoming.body);
    let whole = Whole::of(&incoming.body);
    let one =
        |body: &[u8]| Incoming { body: body.to_vec(), whole: Some(whole.clone()), ..without_body(incoming) };
    Some(parts.into_iter().map(one).collect())
}

fn without_body(incoming: &Incoming) -> Incoming {
    Incoming {
        key: incoming.key.clone(),
        method: incoming.method.clone(),
        address: incoming.address.clone(),
        // Its element may be anything; judged as an object, or as what is none.
        content_type: Some("application/json".to_owned()),
        query: incoming.query.clone(),
        signature: incoming.signature.clone(),
        ..Incoming {
            received_at_ms: incoming.received_at_ms,
            is_test: incoming.is_test,
            ..Incoming::default()
        }
    }
}

/// The elements of an array that is known to be JSON, as they were sent.
fn elements(body: &[u8]) -> Vec<&[u8]> {
    let body = body.trim_ascii();
    let inner = body.strip_prefix(b"[").and_then(|body| body.strip_suffix(b"]")).unwrap_or(b"");
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    inner
        .split(|byte| {
            match (is_text, *byte) {
                (true, _) if is_escaped => is_escaped = false,
                (true, b'\\') => is_escaped = true,
                (_, b'"') => is_text = !is_text,
                (false, b'{' | b'[') => depth = depth.saturating_add(1),
                (false, b'}' | b']') => depth = depth.saturating_sub(1),
                (false, b',') => return depth == 0,
                _ => {}
            }
            false
        })
        .map(<[u8]>::trim_ascii)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn bodies(body: &str) -> Option<Vec<String>> {
        let incoming = Incoming { body: body.into(), query: b"a=1".to_vec(), ..Incoming::default() };
        let parts = split(&incoming)?;
        assert!(parts.iter().all(|part| part.query == b"a=1"));
        Some(parts.into_iter().map(|part| String::from_utf8(part.body).unwrap()).collect())
    }

    #[test]
    fn elements_are_kept_as_they_were_sent() {
        let parts = bodies(r#" [ {"a":"},\"[", "b":[1, {"c":2}]} ,17, "x,y" ,[1,2]] "#).unwrap();
        assert_eq!(parts, [r#"{"a":"},\"[", "b":[1, {"c":2}]}"#, "17", r#""x,y""#, "[1,2]"]);
        assert_eq!(bodies(r#"[{"n":5.50}]"#).unwrap(), [r#"{"n":5.50}"#]);
    }

    #[test]
    fn what_is_no_array_of_so_many_is_judged_as_one() {
        for body in ["", "[]", "[1,", "{}", "{\"a\":[1]}", "[1]]"] {
            assert_eq!(bodies(body), None, "{body}");
        }
        assert_eq!(bodies(&format!("[{}1]", "1,".repeat(999))).unwrap().len(), 1_000);
        assert_eq!(bodies(&format!("[{}1]", "1,".repeat(1_000))), None);
        let form = Incoming {
            body: b"[1]".to_vec(),
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            ..Incoming::default()
        };
        assert_eq!(split(&form), None);
    }

    proptest! {
        #[test]
        fn every_array_comes_apart_into_its_elements(texts in prop::collection::vec("[\\PC\\[\\]{},\"\\\\]{0,12}", 1..6)) {
            let all: Vec<Value> = texts.iter().map(|text| serde_json::json!({"t": text, "l": [text]})).collect();
            let parts = bodies(&Value::from(all.clone()).to_string()).unwrap();
            let read: Vec<Value> = parts.iter().map(|part| serde_json::from_str(part).unwrap()).collect();
            prop_assert_eq!(read, all);
        }
    }
}
