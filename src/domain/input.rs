//! Input from a form or a JSON body, read field by field into types, with an error beside each field.
//!
//! A form sends texts and JSON sends numbers and lists; both go through the same readers, so that
//! pages and API have the same rules and the same errors.

use super::money::{Currency, Money};
use serde_json::Value;
use std::collections::BTreeMap;

/// Characters of a name.
pub const NAME_CHARS_MAX: usize = 120;
/// Characters of notes.
pub const NOTES_CHARS_MAX: usize = 10_000;
/// Tags on one thing, and characters of each.
pub const TAGS_MAX: usize = 20;
/// Characters of a tag, of a parameter's name, of a label.
pub const WORD_CHARS_MAX: usize = 60;

/// One field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The field's name, with a path inside lists: `paths[0].weight`.
    pub field: String,
    /// One sentence that says what to change.
    pub message: String,
}

/// The errors of one input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// One error.
    #[must_use]
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.push(field, message);
        errors
    }

    /// Adds an error.
    pub fn push(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// Nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message for a field, where there is one.
    #[must_use]
    pub fn message(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// `Ok` where nothing is wrong.
    ///
    /// # Errors
    /// These errors.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// Something that is set field by field and checked as a whole.
pub trait Editable {
    /// Sets one field. `Ok(false)` where there is no such field.
    ///
    /// # Errors
    /// What is wrong with the value; nested lists report the path of each error themselves.
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors>;

    /// Checks what no single field can know.
    fn check(&self, errors: &mut FieldErrors);

    /// Sets every given field, then checks the whole.
    ///
    /// # Errors
    /// Every error found, unknown and read-only fields included.
    fn apply(&mut self, fields: &BTreeMap<String, Value>) -> Result<(), FieldErrors> {
        self.apply_each(fields)
    }

    /// What [`Editable::apply`] does where a noun adds nothing to it.
    ///
    /// # Errors
    /// As [`Editable::apply`].
    fn apply_each(&mut self, fields: &BTreeMap<String, Value>) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        for (field, value) in fields {
            match self.set(field, value) {
                Ok(true) => {}
                Ok(false) => errors.push(field, "There is no such field, or it is read only"),
                Err(found) => errors.0.extend(found.0),
            }
        }
        let mut whole = FieldErrors::default();
        self.check(&mut whole);
        // A field that could not be read keeps its old value: what the whole check says of it would mislead.
        let is_known = |field: &str| {
            let inside = format!("{field}[");
            errors.0.iter().any(|known| known.field == field || known.field.starts_with(&inside))
        };
        whole.0.retain(|error| !is_known(&error.field));
        errors.0.extend(whole.0);
        errors.into_result()
    }
}

/// A reader's outcome: the message alone, the caller knows the field.
pub type Reading<T> = Result<T, String>;

/// Puts a read value in its place, or the message beside its field.
///
/// # Errors
/// The message under the field's name.
pub fn put<T>(place: &mut T, field: &str, reading: Reading<T>) -> Result<bool, FieldErrors> {
    *place = reading.map_err(|message| FieldErrors::one(field, message))?;
    Ok(true)
}

/// A text of one line, trimmed; empty where null or absent.
///
/// # Errors
/// Not a text, control characters in it, or too long.
pub fn line(value: &Value, chars_max: usize) -> Reading<String> {
    let text = text(value, chars_max)?;
    if text.chars().any(char::is_control) {
        return Err("Remove line breaks and control characters".to_owned());
    }
    Ok(text)
}

/// A text of any lines, trimmed, NUL replaced (no database takes it).
///
/// # Errors
/// Not a text, or too long.
pub fn text(value: &Value, chars_max: usize) -> Reading<String> {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().replace('\0', "\u{fffd}"),
        Value::Number(number) => number.to_string(),
        _ => return Err("Must be a text".to_owned()),
    };
    if text.chars().count() > chars_max {
        return Err(format!("At most {chars_max} characters"));
    }
    Ok(text)
}

/// A name that must not be empty.
///
/// # Errors
/// As [`line`], or empty.
pub fn name(value: &Value) -> Reading<String> {
    let name = line(value, NAME_CHARS_MAX)?;
    if name.is_empty() { Err("Write a name".to_owned()) } else { Ok(name) }
}

/// A whole number within bounds.
///
/// # Errors
/// Not a whole number, or out of bounds.
pub fn int(value: &Value, min: i64, max: i64) -> Reading<i64> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|n| (min..=max).contains(n))
        .ok_or_else(|| format!("Must be a whole number from {min} to {max}"))
}

/// The number of another thing, or none.
///
/// # Errors
/// Not a positive whole number.
pub fn id(value: &Value) -> Reading<Option<i64>> {
    if is_blank(value) { Ok(None) } else { int(value, 1, i64::MAX).map(Some) }
}

/// A switch: true or false; a form's `on`.
///
/// # Errors
/// Anything else.
pub fn flag(value: &Value) -> Reading<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::Null => Ok(false),
        Value::String(text) => match text.as_str() {
            "on" | "true" | "1" | "yes" => Ok(true),
            "" | "off" | "false" | "0" | "no" => Ok(false),
            _ => Err("Must be true or false".to_owned()),
        },
        _ => Err("Must be true or false".to_owned()),
    }
}

/// An amount that is not negative, as a decimal text; none where blank.
///
/// # Errors
/// Not an amount, negative, or more than six decimals. A JSON number is refused, since it may already
/// have lost decimals on its way.
pub fn money(value: &Value) -> Reading<Option<Money>> {
    let text = match value {
        _ if is_blank(value) => return Ok(None),
        Value::String(text) => text.trim(),
        Value::Number(_) => return Err("Send the amount as a text, like \"5.00\"".to_owned()),
        _ => return Err("Must be an amount, like \"5.00\"".to_owned()),
    };
    let money = Money::parse(text).map_err(|error| format!("{text:?} {error}"))?;
    if money.micros() < 0 { Err("Must not be negative".to_owned()) } else { Ok(Some(money)) }
}

/// A currency code.
///
/// # Errors
/// Not a known code.
pub fn currency(value: &Value) -> Reading<Currency> {
    value
        .as_str()
        .and_then(Currency::parse)
        .ok_or_else(|| "Must be a currency code of three letters, like USD".to_owned())
}

/// One of a closed set of words.
///
/// # Errors
/// Another word; the message lists those there are.
pub fn word<T>(value: &Value, parse: fn(&str) -> Option<T>, choices: fn() -> String) -> Reading<T> {
    value.as_str().and_then(|text| parse(text.trim())).ok_or_else(|| format!("Must be one of: {}", choices()))
}

/// The name of a parameter in an address, or none.
///
/// # Errors
/// Characters that cannot stand in one.
pub fn param(value: &Value) -> Reading<Option<String>> {
    let text = line(value, WORD_CHARS_MAX)?;
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().any(|c| c.is_whitespace() || matches!(c, '&' | '=' | '#' | '?' | '{' | '}')) {
        return Err("Write the parameter's bare name, without =, & or braces".to_owned());
    }
    Ok(Some(text))
}

/// Tags: a list of words, or a text with commas.
///
/// # Errors
/// Too many, or one too long.
pub fn tags(value: &Value) -> Reading<Vec<String>> {
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
        Value::Array(items) => {
            items.iter().map(|item| line(item, WORD_CHARS_MAX)).collect::<Result<_, _>>()?
        }
        _ => return Err("Must be a list of words".to_owned()),
    };
    let mut tags: Vec<String> = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        if word.chars().count() > WORD_CHARS_MAX {
            return Err(format!("A tag has at most {WORD_CHARS_MAX} characters"));
        }
        if !tags.contains(&word) {
            tags.push(word);
        }
    }
    if tags.len() > TAGS_MAX { Err(format!("At most {TAGS_MAX} tags")) } else { Ok(tags) }
}

/// Null or an empty text: what a form sends for a field left alone.
#[must_use]
pub fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_and_json_are_read_alike() {
        assert_eq!(int(&json!("7"), 0, 9), int(&json!(7), 0, 9));
        assert_eq!(flag(&json!("on")), flag(&json!(true)));
        assert_eq!(id(&json!("")), Ok(None));
        assert_eq!(money(&json!("")), Ok(None));
        assert_eq!(tags(&json!("a, b,,a")), tags(&json!(["a", "b"])));
    }

    #[test]
    fn a_json_number_is_not_money() {
        assert!(money(&json!(5.1)).is_err());
        assert!(money(&json!("-1")).is_err());
        assert!(money(&json!("1.1234567")).is_err());
    }
}
