//! What rows and conversions that belong together say differently, and what stands on one side alone.

use super::matching::Matching;
use super::{List, Ours, Span, StatusSaid, Theirs, is_counted};

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which list.
    pub list: List,
    /// The number of the row, among theirs.
    pub row: Option<usize>,
    /// The number of the conversion, among ours.
    pub ours: Option<usize>,
    /// One sentence for whom the values alone do not say it; empty for none.
    pub note: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The lines of all lists.
    pub findings: Vec<Finding>,
    /// Rows and conversions of the period that belong together.
    pub matched: usize,
    /// Rows of other days, which were left out.
    pub outside: usize,
    /// The rows that count in the period's figures.
    pub rows_within: Vec<usize>,
}

/// Lists where two sides differ.
#[must_use]
pub fn compare(theirs: &[Theirs], ours: &[Ours], matching: &Matching, span: &Span) -> Compared {
    let mut found = Compared::default();
    let mut is_matched = vec![false; ours.len()];
    for (number, row) in theirs.iter().enumerate() {
        let at = matching.ours_of.get(number).copied().flatten();
        if let Some(slot) = at.and_then(|at| is_matched.get_mut(at)) {
            *slot = true;
        }
        let repeats = matching.repeats.get(number).copied().flatten();
        found.row((number, row), at.and_then(|at| Some((at, ours.get(at)?))), repeats, span);
    }
    for (at, one) in ours.iter().enumerate() {
        let is_missed = is_matched.get(at) == Some(&false) && is_counted(one.status) && !one.is_silent;
        if is_missed && span.contains(one.at_ms) {
            found.push(List::OnlyOurs, None, Some(at), String::new());
        }
    }
    found.findings.sort_by_key(|finding| (finding.list, finding.row, finding.ours));
    found
}

impl Compared {
    fn push(&mut self, list: List, row: Option<usize>, ours: Option<usize>, note: String) {
        self.findings.push(Finding { list, row, ours, note });
    }

    fn row(
        &mut self,
        (number, row): (usize, &Theirs),
        ours: Option<(usize, &Ours)>,
        repeats: Option<u64>,
        span: &Span,
    ) {
        let is_outside = row.at_ms.is_some_and(|at_ms| !span.contains(at_ms));
        if let Some(fault) = &row.fault {
            self.push(List::Unreadable, Some(number), ours.map(|(at, _)| at), fault.clone());
        }
        if let Some(line) = repeats {
            self.push(List::Repeated, Some(number), None, format!("It says again what line {line} says"));
            return;
        }
        if !row.has_identity() && row.fault.is_some() {
            return;
        }
        match ours {
            Some((_, one)) if is_outside && !span.contains(one.at_ms) => self.outside += 1,
            None if is_outside => self.outside += 1,
            None => {
                self.rows_within.push(number);
                // What cannot be read cannot be recorded either: it stands in that list.
                if row.fault.is_none() {
                    self.push(List::OnlyTheirs, Some(number), None, String::new());
                }
            }
            Some((at, one)) => {
                self.matched += 1;
                if !is_outside {
                    self.rows_within.push(number);
                }
                self.pair((number, row), (at, one), span);
            }
        }
    }

    fn pair(&mut self, (number, row): (usize, &Theirs), (at, one): (usize, &Ours), span: &Span) {
        let mut push = |list, note| self.push(list, Some(number), Some(at), note);
        match &row.status {
            StatusSaid::Known(status) if *status != one.status => {
                push(List::StatusDiffers, String::new());
            }
            StatusSaid::Unknown(word) => push(
                List::StatusDiffers,
                format!("`{word}` is no status we know: add the word to this advertiser's status map"),
            ),
            StatusSaid::Known(_) | StatusSaid::Nothing => {}
        }
        // Networks write nothing, or what it would have been, beside what they decline: no money either way.
        let owes = row.status.known().unwrap_or(one.status);
        if let Some(amount) = row.amount.filter(|_| is_counted(owes)) {
            if row.currency != one.currency {
                let note = format!("Theirs is in {}, ours in {}", row.currency, one.currency);
                push(List::AmountDiffers, note);
            } else if amount != one.amount {
                push(List::AmountDiffers, String::new());
            }
        }
        match row.at_ms {
            Some(at_ms) if span.day(at_ms) != span.day(one.at_ms) => push(List::DayDiffers, String::new()),
            None if !span.contains(one.at_ms) => push(
                List::DayDiffers,
                "Their row has no time, and our conversion is not of these days".to_owned(),
            ),
            Some(_) | None => {}
        }
    }
}
