//! Changes of conversions by a person: any move is allowed, and each says why and who.

use super::change::change_row;
use super::record::Group;
use crate::db::conversions::{Change, Conversion, NewConversion};
use crate::domain::input::{self, FieldErrors};
use crate::domain::money::{Money, in_account};
use crate::domain::status::Status;
use serde_json::Value;
use std::collections::BTreeMap;

/// Conversions that one change takes: a page of the log holds fewer, and the writer is not held for long.
pub const CHANGED_MAX: usize = 1_000;

/// Characters of a reason.
pub(super) const WHY_CHARS_MAX: usize = 500;

/// What a person makes of conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandChange {
    /// The new status, where it changes.
    pub status: Option<Status>,
    /// The new revenue in each conversion's own currency, where it changes.
    pub revenue: Option<Money>,
    /// Why, kept in the history.
    pub why: String,
}

/// What became of one conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOutcome {
    /// It stands as was asked.
    Changed,
    /// It stood so already.
    Unchanged,
    /// There is none of that number.
    NotFound,
    /// It was reported by a page, and a postback has made the same one meanwhile.
    Repeated,
}

impl HandChange {
    /// Reads `status`, `revenue` and `why`, as a form or a JSON body sends them.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(fields: &BTreeMap<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for unknown in fields.keys().filter(|name| !["status", "revenue", "why"].contains(&name.as_str())) {
            errors.push(unknown, "There is no such field, or it is read only: write status, revenue and why");
        }
        let part = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let status = match part("status") {
            value if input::is_blank(value) => None,
            value => input::word(value, Status::parse, Status::choices)
                .map_err(|message| errors.push("status", message))
                .ok(),
        };
        let revenue = input::money(part("revenue")).unwrap_or_else(|message| {
            errors.push("revenue", message);
            None
        });
        let why = input::line(part("why"), WHY_CHARS_MAX).unwrap_or_else(|message| {
            errors.push("why", message);
            String::new()
        });
        if why.is_empty() && errors.message("why").is_none() {
            errors.push("why", "Write why: it is kept in the conversion's history with your name");
        }
        if status.is_none() && revenue.is_none() && errors.is_empty() {
            errors.push("status", "Choose a status or write a revenue: else nothing changes");
        }
        errors.into_result().map(|()| Self { status, revenue, why })
    }

    /// A conversion as it stands afterwards.
    fn of(&self, before: &NewConversion, now_ms: i64) -> NewConversion {
        let mut after = before.clone();
        after.status = self.status.unwrap_or(before.status);
        if self.status.is_some() {
            after.payout_status = after.status;
        }
        if let Some(revenue) = self.revenue {
            after.revenue_original_micros = revenue.micros();
            after.revenue_micros = in_account(revenue, before.rate_nanos).micros();
        }
        if before.is_unconfirmed {
            // Whoever decides about what a page reported takes it over, as a postback would.
            (after.is_unconfirmed, after.seq) = (false, 0);
        }
        if after != *before {
            after.updated_at_ms = now_ms;
            after.take_place();
        }
        after
    }
}

impl Group<'_> {
    /// Makes a person's change of a conversion that the group holds.
    pub(super) fn change_by_hand(&mut self, id: i64, asked: &HandChange, user_id: i64) -> HandOutcome {
        let held = self.conversions.values().flatten();
        let Some(existing) = held.into_iter().find(|known| known.id == id).cloned() else {
            return HandOutcome::NotFound;
        };
        let before = existing.value;
        let after = Conversion { id, value: asked.of(&before, self.now_ms) };
        if after.value == before {
            return HandOutcome::Unchanged;
        }
        if before.is_unconfirmed {
            let of_click = self.conversions.get(&before.click_id).map_or(&[][..], Vec::as_slice);
            if of_click.iter().any(|known| is_same(known, &after)) {
                return HandOutcome::Repeated;
            }
            self.draft.take_over(&after);
        } else {
            self.draft.change(&after);
        }
        self.takings.add(self.catalog, id, before.place, &after.value);
        self.sums.change_conversion(&before.counted(), &after.value.counted());
        self.note_converted(&after.value);
        let row = change_row(id, Some(&before), &after.value, self.now_ms);
        let (cause, why) = ("person".to_owned(), asked.why.clone());
        self.draft.note(Change { cause, why, user_id: Some(user_id), ..row });
        self.replace(after);
        HandOutcome::Changed
    }
}

/// Whether another conversion has the identity that one is to have.
fn is_same(known: &Conversion, after: &Conversion) -> bool {
    let key = |one: &Conversion| {
        let value = &one.value;
        (value.advertiser_id, value.event.clone(), value.txid.clone(), value.seq)
    };
    known.id != after.id && key(known) == key(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(fields: Value) -> Result<HandChange, Vec<String>> {
        HandChange::read(&serde_json::from_value(fields).unwrap())
            .map_err(|errors| errors.0.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_change_needs_a_reason_and_something_to_change() {
        let change = read(json!({"status": "approved", "revenue": "", "why": " their e-mail "})).unwrap();
        assert_eq!(
            change,
            HandChange { status: Some(Status::Approved), revenue: None, why: "their e-mail".to_owned() }
        );
        assert_eq!(read(json!({"status": "approved"})).unwrap_err(), ["why"]);
        assert_eq!(read(json!({"why": "so"})).unwrap_err(), ["status"]);
        assert_eq!(
            read(json!({"status": "perhaps", "revenue": "-1", "why": "x".repeat(501), "txid": "a"}))
                .unwrap_err(),
            ["txid", "status", "revenue", "why"]
        );
    }
}
