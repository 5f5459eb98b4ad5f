//! The rows of headers on the destination form: names that are shown, and values that are only ever written.

use crate::domain::destination::Destination as Noun;
use crate::pages::editing::Shown;
use crate::pages::typed::Typed;
use serde_json::{Map, Value};

/// A row of the form: one header.
#[derive(Debug, Clone, Default)]
pub struct HeaderRow {
    /// Number of the row in the names of its fields.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Whether there is a value already, that stays where none is written.
    pub is_kept: bool,
}

/// The field, and where its rows stand among the names of the form's fields.
pub(super) const FIELD: &str = "headers";

/// Puts the names into a form.
pub(super) fn put(typed: &mut Typed, destination: &Noun) {
    for (row, name) in destination.headers.0.keys().enumerate() {
        typed.push(format!("{FIELD}.{row}.name"), name);
    }
}

/// What the rows say: a name with a value, or with null where the value stays. A row left wholly empty says nothing.
pub(super) fn read(typed: &Typed) -> Value {
    let mut headers = Map::new();
    for row in typed.rows(FIELD) {
        let part = |name: &str| typed.get(&format!("{FIELD}.{row}.{name}")).trim();
        let (name, value) = (part("name"), part("value"));
        if name.is_empty() && value.is_empty() {
            continue;
        }
        let mut name = name.to_owned();
        // A name that stands there twice is said to: spaces around it do not count.
        while headers.contains_key(&name) {
            name.push(' ');
        }
        headers.insert(name, if value.is_empty() { Value::Null } else { Value::from(value) });
    }
    Value::Object(headers)
}

/// The buttons that add or remove a row.
pub(super) fn change_rows(shown: &mut Shown<Noun>) -> bool {
    let action = shown.typed.get("action").to_owned();
    if action == "add-pair.headers" {
        let row = shown.typed.next_row(FIELD);
        shown.typed.push(format!("{FIELD}.{row}.name"), "");
        return true;
    }
    let Some(row) = action.strip_prefix("remove-pair.headers.") else { return false };
    shown.typed.remove_under(&format!("{FIELD}.{row}"));
    true
}

/// The rows: what was written as a value is never sent back.
pub(super) fn rows(shown: &Shown<Noun>) -> Vec<HeaderRow> {
    let row = |key: String| {
        let name = shown.typed.get(&format!("{FIELD}.{key}.name")).trim().to_owned();
        let is_kept = shown.saved.as_ref().is_some_and(|saved| saved.value.headers.0.contains_key(&name));
        HeaderRow { key, name, is_kept }
    };
    shown.typed.rows(FIELD).into_iter().map(row).collect()
}

/// The row that the browser copies.
pub(super) fn blank_row() -> HeaderRow {
    HeaderRow { key: "__R__".to_owned(), ..HeaderRow::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_say_what_is_written_and_what_stays() {
        let typed = Typed::parse(
            b"headers.0.name=X-Key&headers.0.value=&headers.3.name=+Authorization+&headers.3.value=Bearer+x&headers.4.name=&\
              headers.4.value=&headers.5.name=X-Key&headers.5.value=y&headers.6.name=&headers.6.value=z",
        );
        let wanted = json!({"X-Key": null, "Authorization": "Bearer x", "X-Key ": "y", "": "z"});
        assert_eq!(read(&typed), wanted);
    }
}
