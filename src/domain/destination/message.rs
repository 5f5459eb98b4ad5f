//! The address and the body of a postback out: text with macros, filled for one conversion.

use super::super::filling::{
    Function, Way, apply, is_kept_in_url, parse_function, push_encoded, push_in_url,
};
use super::told::Told;
use std::fmt;

/// How values stand in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Percent-encoded: in an address, and in a form's body.
    Url,
    /// Escaped as within the quotes of a JSON text.
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Told(Told, Vec<Function>),
}

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    parts: Vec<Part>,
    encoding: Encoding,
}

/// Why a text cannot be filled for this conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled(pub String);

impl fmt::Display for Unfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a text is wrong: from which character to which, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slip {
    /// Characters before it.
    pub start: usize,
    /// Characters up to its end.
    pub end: usize,
    /// One sentence that says what to change.
    pub why: String,
}

impl Slip {
    fn new(ahead: &str, inside: &str, why: String) -> Self {
        let start = ahead.chars().count();
        Self { start, end: start + inside.chars().count() + 2, why }
    }
}

/// The values of one conversion.
pub trait ToldValues {
    /// Appends the value of a macro, not encoded; nothing where there is none.
    ///
    /// # Errors
    /// It may not be told, or cannot be worked out.
    fn write_told(&self, told: &Told, out: &mut String) -> Result<(), Unfilled>;
}

impl Message {
    /// Reads a text. What stands in braces and is no macro's form is text, as in JSON.
    ///
    /// # Errors
    /// One sentence that says what to change.
    pub fn parse(text: &str, encoding: Encoding) -> Result<Self, String> {
        Self::read(text, encoding).map_err(|slip| slip.why)
    }

    /// The same, saying where it is wrong.
    ///
    /// # Errors
    /// The place, and one sentence that says what to change.
    pub fn read(text: &str, encoding: Encoding) -> Result<Self, Slip> {
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some((before, tail)) = rest.split_once('{') {
            literal.push_str(before);
            match tail.split_once('}') {
                Some((inside, after)) if looks_told(inside) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                    }
                    let ahead = text.get(..text.len().saturating_sub(tail.len() + 1)).unwrap_or_default();
                    parts.push(read(inside).map_err(|why| Slip::new(ahead, inside, why))?);
                    rest = after;
                }
                _ => {
                    literal.push('{');
                    rest = tail;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self { parts, encoding })
    }

    /// Every macro in it.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.parts.iter().filter_map(|part| match part {
            Part::Told(told, _) => Some(told),
            Part::Literal(_) => None,
        })
    }

    /// Whether a macro stands in it.
    #[must_use]
    pub fn has(&self, wanted: &Told) -> bool {
        self.told().any(|told| told == wanted)
    }

    /// Fills it.
    ///
    /// # Errors
    /// A value may not be told, or cannot be worked out.
    pub fn fill(&self, values: &impl ToldValues) -> Result<String, Unfilled> {
        let (mut out, mut value) = (String::with_capacity(256), String::new());
        for part in &self.parts {
            match part {
                Part::Literal(text) if self.encoding == Encoding::Url => {
                    push_encoded(text, is_kept_in_url, &mut out);
                }
                Part::Literal(text) => out.push_str(text),
                Part::Told(told, functions) => {
                    value.clear();
                    values.write_told(told, &mut value)?;
                    let way = apply(&mut value, functions);
                    match self.encoding {
                        Encoding::Url => push_in_url(&value, way, &mut out),
                        Encoding::Json => push_in_json(&value, way, &mut out),
                    }
                }
            }
        }
        Ok(out)
    }
}

fn read(inside: &str) -> Result<Part, String> {
    let mut pieces = inside.split('|');
    let told = Told::parse(pieces.next().unwrap_or(""))?;
    let functions = pieces
        .map(|piece| {
            parse_function(piece).ok_or_else(|| {
                format!(
                    "There is no function {piece} in {{{inside}}}; there are raw, lower, md5, sha256, encode, default:text"
                )
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Part::Told(told, functions))
}

/// Ours begin with a small letter and hold no space or quote: JSON's braces and other systems' macros do not.
fn looks_told(inside: &str) -> bool {
    let name = inside.split('|').next().unwrap_or("");
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:=,".contains(&byte);
    inside.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 200
        && name.bytes().all(is_name)
        && !inside.contains(['"', '\n'])
}

/// A value between the quotes of a JSON text.
fn push_in_json(value: &str, way: Way, out: &mut String) {
    let mut encoded = String::new();
    let text = if way.encodings > 1 && !way.is_raw {
        push_in_url(value, Way { encodings: way.encodings - 1, ..way }, &mut encoded);
        encoded.as_str()
    } else {
        value
    };
    let quoted = serde_json::Value::from(text).to_string();
    out.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
}

/// A conversion that exists only to show what a text looks like when filled.
pub struct SampleConversion;

impl ToldValues for SampleConversion {
    fn write_told(&self, told: &Told, out: &mut String) -> Result<(), Unfilled> {
        out.push_str(&told.sample());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct One(&'static str);
    impl ToldValues for One {
        fn write_told(&self, _: &Told, out: &mut String) -> Result<(), Unfilled> {
            out.push_str(self.0);
            Ok(())
        }
    }

    fn fill(text: &str, encoding: Encoding, value: &'static str) -> String {
        Message::parse(text, encoding).unwrap().fill(&One(value)).unwrap()
    }

    #[test]
    fn values_are_encoded_for_where_they_stand() {
        let url = "https://a.example/?c={external_id}&p={payout}";
        assert_eq!(fill(url, Encoding::Url, "a b&\"c"), "https://a.example/?c=a%20b%26%22c&p=a%20b%26%22c");
        let body = r#"{"data":[{"id":"{external_id}","user":{"em":"{sub3|lower|sha256}"}}]}"#;
        let filled = fill(body, Encoding::Json, "ABC");
        let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
        assert_eq!(read["data"][0]["id"], "ABC");
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(read["data"][0]["user"]["em"], hash, "of abc");
        let quote = fill(r#"{"a":"{sub1}"}"#, Encoding::Json, "x\",\"b\":\"y\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&quote).unwrap()["a"], "x\",\"b\":\"y\n");
    }

    #[test]
    fn braces_of_others_are_text_and_slips_are_named() {
        let url = "https://a.example/?a=${SUBID}&b=[x]&c=#y#&d={ \"n\":1}";
        assert!(Message::parse(url, Encoding::Url).unwrap().told().next().is_none());
        let error = Message::parse("https://a.example/?c={amount}", Encoding::Url).unwrap_err();
        assert!(error.contains("{payout}"), "{error}");
        assert!(Message::parse("{sub1|upper}", Encoding::Url).unwrap_err().contains("no function upper"));
        let slip = Message::read("\u{fc}={sub1}&b={amount}&c", Encoding::Url).unwrap_err();
        assert_eq!((slip.start, slip.end), (11, 19));
    }

    #[test]
    fn a_status_is_written_in_the_word_given() {
        struct Said;
        impl ToldValues for Said {
            fn write_told(&self, told: &Told, out: &mut String) -> Result<(), Unfilled> {
                out.push_str(&told.sample());
                Ok(())
            }
        }
        let message = Message::parse("s={status:approved=1,rejected=0}", Encoding::Url).unwrap();
        assert_eq!(message.fill(&Said).unwrap(), "s=1");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Message::parse(&text, Encoding::Url);
            let _ = Message::parse(&text, Encoding::Json);
        }

        #[test]
        fn a_value_never_leaves_its_quotes(value in "\\PC*") {
            struct Any(String);
            impl ToldValues for Any {
                fn write_told(&self, _: &Told, out: &mut String) -> Result<(), Unfilled> {
                    out.push_str(&self.0);
                    Ok(())
                }
            }
            let message = Message::parse(r#"{"a":"{sub1}","b":1}"#, Encoding::Json).unwrap();
            let filled = message.fill(&Any(value.clone())).unwrap();
            let read: serde_json::Value = serde_json::from_str(&filled).unwrap();
            prop_assert_eq!(read, serde_json::json!({"a": value, "b": 1}));
        }
    }
}
