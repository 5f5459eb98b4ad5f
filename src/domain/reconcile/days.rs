//! Both sides day by day and currency by currency.

use super::compare::Compared;
use super::matching::Matching;
use super::{Ours, Span, Theirs, is_counted};
use crate::domain::money::{Currency, Money, ratio};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What both sides have: of what is approved or pending, since the rest is no money on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayFigures {
    /// Conversions of ours.
    pub ours: i64,
    /// Rows of theirs.
    pub theirs: i64,
    /// What ours earned, in micro-units.
    pub ours_micros: i64,
    /// What they say, in micro-units.
    pub theirs_micros: i64,
}

impl DayFigures {
    /// How many more they have.
    #[must_use]
    pub const fn count_difference(&self) -> i64 {
        self.theirs - self.ours
    }

    /// How much more they have.
    #[must_use]
    pub fn amount_difference(&self) -> Money {
        Money::from_micros(self.theirs_micros) - Money::from_micros(self.ours_micros)
    }

    /// The difference of the counts as a share of ours, in ten-thousandths; none where we have nothing.
    #[must_use]
    pub fn count_ratio(&self) -> Option<i64> {
        ratio(self.count_difference(), self.ours)
    }

    /// The difference of the amounts as a share of ours, in ten-thousandths; none where we have nothing.
    #[must_use]
    pub fn amount_ratio(&self) -> Option<i64> {
        ratio(self.amount_difference().micros(), self.ours_micros)
    }

    fn plus(self, more: Self) -> Self {
        Self {
            ours: self.ours + more.ours,
            theirs: self.theirs + more.theirs,
            ours_micros: self.ours_micros.saturating_add(more.ours_micros),
            theirs_micros: self.theirs_micros.saturating_add(more.theirs_micros),
        }
    }
}

/// A day in a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayLine {
    /// The day; none for rows that have no time and no conversion of ours.
    pub day: Option<NaiveDate>,
    /// The currency.
    pub currency: Currency,
    /// What both sides have.
    #[serde(flatten)]
    pub figures: DayFigures,
}

/// Both sides on each day that has anything.
#[must_use]
pub fn per_day(
    theirs: &[Theirs],
    ours: &[Ours],
    (matching, compared): (&Matching, &Compared),
    span: &Span,
) -> Vec<DayLine> {
    let mut days: BTreeMap<(Option<NaiveDate>, Currency), DayFigures> = BTreeMap::new();
    let mut is_named = vec![false; ours.len()];
    for number in &compared.rows_within {
        let Some(row) = theirs.get(*number) else { continue };
        let at = matching.ours_of.get(*number).copied().flatten();
        if let Some(slot) = at.and_then(|at| is_named.get_mut(at)) {
            *slot = true;
        }
        if !row.is_counted() {
            continue;
        }
        let at_ms = row.at_ms.or_else(|| ours.get(at?).map(|one| one.at_ms));
        let micros = row.amount.unwrap_or_default().micros();
        let more = DayFigures { theirs: 1, theirs_micros: micros, ..DayFigures::default() };
        add(&mut days, (at_ms.map(|at_ms| span.day(at_ms)), row.currency), more);
    }
    for (one, is_named) in ours.iter().zip(is_named) {
        if span.contains(one.at_ms) && is_counted(one.status) && (is_named || !one.is_silent) {
            let more = DayFigures { ours: 1, ours_micros: one.amount.micros(), ..DayFigures::default() };
            add(&mut days, (Some(span.day(one.at_ms)), one.currency), more);
        }
    }
    days.into_iter().map(|((day, currency), figures)| DayLine { day, currency, figures }).collect()
}

fn add(
    days: &mut BTreeMap<(Option<NaiveDate>, Currency), DayFigures>,
    key: (Option<NaiveDate>, Currency),
    more: DayFigures,
) {
    let known = days.entry(key).or_default();
    *known = known.plus(more);
}

/// All days together, currency by currency.
#[must_use]
pub fn totals(days: &[DayLine]) -> Vec<(Currency, DayFigures)> {
    let mut sums: BTreeMap<Currency, DayFigures> = BTreeMap::new();
    for line in days {
        let known = sums.entry(line.currency).or_default();
        *known = known.plus(line.figures);
    }
    sums.into_iter().collect()
}
