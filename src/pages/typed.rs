//! What was typed into a form: read leniently, kept as it is, and turned into fields or back into the form.

use super::forms::{Fault, Field, Select, TemplateField};
use super::parts::Choice;
use crate::domain::input::FieldErrors;
use crate::domain::template::{SampleClick, Template, TemplateUse};
use crate::entities::Fields;
use crate::http::Error;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

/// The texts of a form by name, in the order in which they came. A name that comes twice counts once, as
/// it came first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Typed(Vec<(String, String)>);

impl FromRequest for Typed {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move { Ok(Self::parse(&body.await?)) })
    }
}

impl Typed {
    /// Reads a form's body or a query string. What is no text is read as well as can be.
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    /// The texts of something stored.
    pub(super) fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// What was typed under a name; empty where nothing was.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Everything that was typed or ticked under a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds a text.
    pub(super) fn push(&mut self, name: String, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// Puts a text in the place of what was typed under its name.
    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.push(name.to_owned(), value);
    }

    /// Whether a box is ticked.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "on" | "1" | "yes")
    }

    /// The numbers of the rows under a name, in the order in which they came: `paths.0.name` and
    /// `paths.1003.name` are the rows `0` and `1003` of `paths`.
    pub(super) fn rows(&self, list: &str) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for (name, _) in &self.0 {
            let rest = name.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
            let Some((row, _)) = rest.and_then(|rest| rest.split_once('.')) else { continue };
            let is_number = !row.is_empty() && row.len() <= 9 && row.bytes().all(|b| b.is_ascii_digit());
            if is_number && !rows.iter().any(|known| known == row) {
                rows.push(row.to_owned());
            }
        }
        rows
    }

    /// A number for one more row under a name.
    pub(super) fn next_row(&self, list: &str) -> String {
        let highest = self.rows(list).iter().filter_map(|row| row.parse::<u64>().ok()).max();
        highest.map_or(0, |row| row + 1).to_string()
    }

    /// Takes away everything under a name: `paths.3` with its landers and offers.
    pub(super) fn remove_under(&mut self, place: &str) {
        self.0.retain(|(name, _)| !name.strip_prefix(place).is_some_and(|rest| rest.starts_with('.')));
    }

    /// Moves a row of a list before its neighbour above, or behind the one below. The first stays first, the last last.
    pub(super) fn move_row(&mut self, list: &str, row: &str, is_up: bool) {
        let mut rows = self.rows(list);
        let Some(at) = rows.iter().position(|known| known == row) else { return };
        let Some(other) = (if is_up { at.checked_sub(1) } else { Some(at + 1) }) else { return };
        if other >= rows.len() {
            return;
        }
        rows.swap(at, other);
        let mut ordered = Vec::new();
        for row in rows {
            let start = format!("{list}.{row}.");
            ordered.extend(self.0.extract_if(.., |(name, _)| name.starts_with(&start)));
        }
        self.0.append(&mut ordered);
    }

    /// These names as fields of text.
    pub(super) fn fields(&self, names: &[&str]) -> Fields {
        names.iter().map(|name| ((*name).to_owned(), Value::from(self.get(name)))).collect()
    }
}

/// What was typed, beside what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct Marked<'a> {
    pub(super) typed: &'a Typed,
    pub(super) errors: &'a FieldErrors,
}

impl Marked<'_> {
    /// A field's error; empty for none.
    pub(super) fn error(&self, name: &str) -> String {
        self.errors.message(name).unwrap_or_default().to_owned()
    }

    /// A text field.
    pub(super) fn field(&self, name: &str) -> Field {
        Field { value: self.typed.get(name).to_owned(), error: self.error(name) }
    }

    /// A password's field: what was typed is never sent back.
    pub(super) fn secret(&self, name: &str) -> Field {
        Field { value: String::new(), error: self.error(name) }
    }

    /// A choice of a closed set.
    pub(super) fn select(&self, name: &str, pairs: &[(&str, &str)]) -> Select {
        Select { error: self.error(name), ..Select::new(pairs, self.typed.get(name)) }
    }

    /// A choice among things by number.
    pub(super) fn choose(&self, name: &str, choices: &[Choice]) -> Select {
        Select { error: self.error(name), options: chosen(choices, self.typed.get(name)) }
    }

    /// An address with macros.
    pub(super) fn template(&self, name: &str, template_use: TemplateUse) -> TemplateField {
        let value = self.typed.get(name).trim().to_owned();
        let error = self.error(name);
        match Template::parse(&value, template_use) {
            Ok(template) => TemplateField { filled: template.fill(&SampleClick), value, error, fault: None },
            Err(found) => {
                let fault = (!error.is_empty()).then(|| fault(&value, found.column, &found.found)).flatten();
                TemplateField { value, error, fault, filled: String::new() }
            }
        }
    }
}

/// Choices with the chosen one marked.
pub(super) fn chosen(choices: &[Choice], value: &str) -> Vec<Choice> {
    let mark = |choice: &Choice| Choice { selected: choice.value == value, ..choice.clone() };
    choices.iter().map(mark).collect()
}

/// The template cut at what is wrong in it; `None` where the whole is.
fn fault(value: &str, column: usize, found: &str) -> Option<Fault> {
    let start = column.checked_sub(1)?;
    let length = found.chars().count();
    let bad: String = value.chars().skip(start).take(length).collect();
    (!bad.is_empty()).then(|| Fault {
        before: value.chars().take(start).collect(),
        after: value.chars().skip(start + length).collect(),
        bad,
    })
}

/// What must be mended in a form; every other error goes on.
pub(super) fn mistakes(error: Error) -> Result<(StatusCode, FieldErrors), Error> {
    let status = error.status();
    match error {
        Error::Fields(errors) | Error::Conflict(errors) => Ok((status, errors)),
        other => Err(other),
    }
}

/// The statuses that a form offers; what is archived says so until another is chosen.
pub(super) fn statuses(current: &str) -> Vec<(&'static str, &'static str)> {
    let mut pairs = vec![("active", "Active"), ("paused", "Paused")];
    if current == "archived" {
        pairs.push(("archived", "Archived"));
    }
    pairs
}

/// A number in an address. What is no number is nobody's number.
pub(super) fn number(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_not_a_number| Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_their_order_and_may_have_gaps() {
        let typed = Typed::parse(b"a.7.x=1&a.1003.x=2&a.7.y=3&ab.1.x=4&a.z.x=5&a.=6");
        assert_eq!(typed.rows("a"), ["7", "1003"]);
        assert_eq!(typed.next_row("a"), "1004");
        assert_eq!(typed.next_row("none"), "0");
    }

    #[test]
    fn taking_a_row_away_takes_what_is_inside_and_nothing_else() {
        let mut typed = Typed::parse(b"p.1.x=1&p.1.o.0.id=2&p.10.x=3");
        typed.remove_under("p.1");
        assert_eq!(typed, Typed::parse(b"p.10.x=3"));
    }

    #[test]
    fn a_row_moves_past_its_neighbour_with_all_that_is_inside() {
        let mut typed = Typed::parse(b"r.5.x=1&n=a&r.1.x=2&r.1.y.0.z=3&r.10.x=4");
        typed.move_row("r", "1", true);
        assert_eq!(typed, Typed::parse(b"n=a&r.1.x=2&r.1.y.0.z=3&r.5.x=1&r.10.x=4"));
        typed.move_row("r", "1", true);
        typed.move_row("r", "10", false);
        typed.move_row("r", "7", false);
        assert_eq!(typed.rows("r"), ["1", "5", "10"]);
        typed.move_row("r", "1", false);
        assert_eq!(typed.rows("r"), ["5", "1", "10"]);
    }

    #[test]
    fn a_fault_is_cut_out_by_characters() {
        let fault = fault("https://ü/?a={zone}&b", 14, "{zone}").expect("the column is inside");
        assert_eq!((fault.bad.as_str(), fault.after.as_str()), ("{zone}", "&b"));
    }
}
