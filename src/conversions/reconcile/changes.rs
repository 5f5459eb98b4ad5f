//! Conversions that a repair changes: by hand, as a person would, and only where they still stand as they were compared.

use super::repair::Asked;
use crate::conversions::claim::words_of;
use crate::conversions::hand::{CHANGED_MAX, HandChange, HandOutcome};
use crate::conversions::record::Group;
use crate::conversions::request::Params;
use crate::conversions::writer::{Shared, now_ms};
use crate::db;
use crate::db::conversions::Conversion;
use crate::db::reconciliation_rows::{self as list_rows, ListRow, Mark, OurSide};
use crate::db::reconciliations::Reconciliation;
use crate::domain::advertiser::Advertiser;
use crate::domain::money::Money;
use crate::domain::reconcile::Repair;
use crate::domain::status::Status;

/// A change that a row asks for.
pub(super) struct Plan {
    row: i64,
    /// Our conversion, as it was compared.
    ours: OurSide,
    change: HandChange,
}

fn ours(row: &ListRow) -> Result<OurSide, String> {
    row.value.ours.clone().ok_or_else(|| "There is no conversion of ours to change".to_owned())
}

/// What the histories of conversions say of a repair.
fn why(found: &Reconciliation, row: &ListRow, asked: &Asked) -> String {
    let line = row.value.theirs.line.map_or_else(String::new, |line| format!(", line {line}"));
    let between = if asked.why.is_empty() { "" } else { ": " };
    format!("reconciliation {}{line}{between}{}", found.id, asked.why)
}

impl Plan {
    fn new(
        row: &ListRow,
        (status, revenue): (Option<Status>, Option<Money>),
        why: String,
    ) -> Result<Self, String> {
        Ok(Self { row: row.id, ours: ours(row)?, change: HandChange { status, revenue, why } })
    }

    /// Takes back what only we have.
    pub(super) fn taking_back(found: &Reconciliation, row: &ListRow, asked: &Asked) -> Result<Self, String> {
        Self::new(row, (asked.status, None), why(found, row, asked))
    }

    /// Gives ours the status that they say, by the map of words as it is now.
    pub(super) fn status(
        found: &Reconciliation,
        row: &ListRow,
        asked: &Asked,
        advertiser: &Advertiser,
    ) -> Result<Self, String> {
        match words_of(&Params(row.value.theirs.said.clone()), advertiser).1 {
            Ok(Some(status)) => Self::new(row, (Some(status), None), why(found, row, asked)),
            Ok(None) => Err("Their row says no status".to_owned()),
            Err(word) => {
                Err(format!("`{word}` is no status we know: add the word to this advertiser's status map"))
            }
        }
    }

    /// Gives ours the amount that they say.
    pub(super) fn amount(found: &Reconciliation, row: &ListRow, asked: &Asked) -> Result<Self, String> {
        let (theirs, ours) = (&row.value.theirs, ours(row)?);
        let Some(amount) = theirs.amount else { return Err("Their row says no amount".to_owned()) };
        if let Some(currency) = theirs.currency.filter(|currency| *currency != ours.currency) {
            return Err(format!(
                "Theirs is in {currency} and ours in {}: change the conversion by hand, in its own currency",
                ours.currency
            ));
        }
        if amount.micros() < 0 {
            return Err(
                "Their amount is negative: change the conversion's status or amount by hand".to_owned()
            );
        }
        Self::new(row, (None, Some(amount)), why(found, row, asked))
    }

    /// Whether a conversion still stands as it was compared, or already as it is to stand.
    fn fits(&self, now: &Conversion) -> bool {
        let (ours, value) = (&self.ours, &now.value);
        let amount = Money::from_micros(value.revenue_original_micros);
        let fits_status = self.change.status.is_none_or(|to| [ours.status, to].contains(&value.status));
        let fits_amount = self.change.revenue.is_none_or(|to| [ours.amount, to].contains(&amount));
        fits_status && fits_amount && value.currency == ours.currency
    }

    fn mark(&self, repair: Option<Repair>, outcome: &str) -> Mark {
        Mark { id: self.row, repair, conversion_id: None, outcome: outcome.to_owned() }
    }

    fn make(&self, group: &mut Group<'_>, user_id: i64) -> Mark {
        let held = group.conversions.values().flatten().find(|known| known.id == self.ours.id);
        if held.is_some_and(|now| !self.fits(now)) {
            return self.mark(None, "It was changed since it was compared: reconcile again");
        }
        match group.change_by_hand(self.ours.id, &self.change, user_id) {
            HandOutcome::Changed => self.mark(Some(Repair::Changed), "Changed"),
            HandOutcome::Unchanged => self.mark(Some(Repair::Unchanged), "It stood so already"),
            HandOutcome::NotFound => self.mark(None, "The conversion is not there any more"),
            HandOutcome::Repeated => {
                self.mark(None, "A postback has made this conversion meanwhile: reconcile again")
            }
        }
    }
}

impl Shared {
    /// Makes changes, some hundreds in one transaction with the notes of what was made.
    pub(super) fn repair_by_changing(&self, plans: &[Plan], user_id: i64) -> db::Result<Vec<Mark>> {
        let mut all = Vec::with_capacity(plans.len());
        for some in plans.chunks(CHANGED_MAX) {
            let ids: Vec<i64> = some.iter().map(|plan| plan.ours.id).collect();
            let marks = self.change_held(&ids, |conn, group| {
                let marks: Vec<Mark> = some.iter().map(|plan| plan.make(group, user_id)).collect();
                list_rows::mark(conn, &marks, now_ms())?;
                Ok(marks)
            })?;
            all.extend(marks);
        }
        Ok(all)
    }
}
