//! Repairing rows of a reconciliation: each through the ledger, and once.

use super::changes::Plan;
use crate::conversions::door::Postbacks;
use crate::conversions::hand::WHY_CHARS_MAX;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::reconciliation_rows::{self as list_rows, ListRow, Mark};
use crate::db::reconciliations::{self, Reconciliation, ReconciliationState};
use crate::db::{self, Priority};
use crate::domain::input::{self, FieldErrors};
use crate::domain::reconcile::List;
use crate::domain::status::Status;
use serde_json::Value;
use std::collections::BTreeMap;

/// Rows of one repair: they take the ledger a few seconds, and nobody waits longer for an answer.
pub const REPAIRED_MAX: usize = 10_000;

/// Which rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// These.
    Rows(Vec<i64>),
    /// Those of a list that nobody has repaired yet.
    List(List),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which rows.
    pub chosen: Chosen,
    /// What becomes of conversions that only we have.
    pub status: Option<Status>,
    /// Why; empty where nothing is said beside the reconciliation's number.
    pub why: String,
}

/// What a repair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What became of each row, in order.
    pub marks: Vec<Mark>,
    /// The list has more rows than one repair takes.
    pub has_more: bool,
}

impl Repaired {
    /// How many rows agree now.
    #[must_use]
    pub fn done(&self) -> usize {
        self.marks.iter().filter(|mark| mark.repair.is_some()).count()
    }
}

/// Why nothing was repaired.
#[derive(Debug)]
pub enum NotRepaired {
    /// Something must be mended.
    Fields(FieldErrors),
    /// There is no such reconciliation.
    NotFound,
    /// The database fails.
    Db(db::Error),
}

impl From<db::Error> for NotRepaired {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

fn wrong(field: &str, message: impl Into<String>) -> NotRepaired {
    NotRepaired::Fields(FieldErrors::one(field, message))
}

impl Asked {
    /// Reads `rows` or `list`, `status` and `why`, as a form or a JSON body sends them.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(fields: &BTreeMap<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for unknown in
            fields.keys().filter(|name| !["rows", "list", "status", "why"].contains(&name.as_str()))
        {
            errors.push(unknown, "There is no such field: there are rows, list, status and why");
        }
        let part = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let chosen = chosen(part("rows"), part("list"), &mut errors);
        let status = match part("status") {
            value if input::is_blank(value) => None,
            value => {
                let taken_back = |word: &str| {
                    Status::parse(word).filter(|to| matches!(to, Status::Rejected | Status::Reversed))
                };
                let choices = || "rejected, reversed".to_owned();
                input::word(value, taken_back, choices).map_err(|why| errors.push("status", why)).ok()
            }
        };
        let why = input::line(part("why"), WHY_CHARS_MAX).unwrap_or_else(|why| {
            errors.push("why", why);
            String::new()
        });
        match chosen {
            Some(chosen) if errors.is_empty() => Ok(Self { chosen, status, why }),
            _ => Err(errors),
        }
    }
}

fn chosen(rows: &Value, list: &Value, errors: &mut FieldErrors) -> Option<Chosen> {
    match (rows, list) {
        (Value::Array(rows), list) if input::is_blank(list) => {
            let ids: Option<Vec<i64>> = rows.iter().map(Value::as_i64).collect();
            match ids {
                Some(ids) if (1..=REPAIRED_MAX).contains(&ids.len()) => return Some(Chosen::Rows(ids)),
                Some(_) => errors.push("rows", format!("Name 1 to {REPAIRED_MAX} rows")),
                None => errors.push("rows", "Must be a list of the numbers of rows"),
            }
        }
        (rows, list) if input::is_blank(rows) && !input::is_blank(list) => {
            match input::word(list, List::parse, List::choices) {
                Ok(list) => return Some(Chosen::List(list)),
                Err(why) => errors.push("list", why),
            }
        }
        _ => errors.push("rows", "Say which rows to repair: their numbers as `rows`, or a whole `list`"),
    }
    None
}

impl Postbacks {
    /// Repairs rows of a reconciliation. One that is repaired already stays as it is. For a blocking thread.
    ///
    /// # Errors
    /// Something must be mended, or the database fails; what was repaired before that stays so.
    pub fn repair(&self, id: i64, asked: &Asked, user_id: i64) -> Result<Repaired, NotRepaired> {
        self.shared.repair(id, asked, user_id)
    }
}

impl Shared {
    fn repair(&self, id: i64, asked: &Asked, user_id: i64) -> Result<Repaired, NotRepaired> {
        let (found, rows, has_more) = self.db.read(|conn| {
            let (rows, has_more) = chosen_rows(conn, id, &asked.chosen)?;
            Ok::<_, db::Error>((reconciliations::find(conn, id)?, rows, has_more))
        })?;
        let found =
            found.filter(|found| found.state == ReconciliationState::Done).ok_or(NotRepaired::NotFound)?;
        if rows.iter().any(|row| row.value.list == List::OnlyOurs && row.repair.is_none()) {
            check_taking_back(asked)?;
        }
        let mut marks = BTreeMap::new();
        let (mut records, mut changes, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match self.way(&found, row, asked) {
                Way::Record(row) => records.push(*row),
                Way::Change(plan) => changes.push(*plan),
                Way::Told(mark) => told.push(mark),
                Way::Done(mark) => {
                    marks.insert(mark.id, mark);
                }
            }
        }
        self.db.write(Priority::Pages, |conn| list_rows::mark(conn, &told, now_ms()))?;
        let recorded = self.repair_by_recording(&found, &records, user_id)?;
        let changed = self.repair_by_changing(&changes, user_id)?;
        marks.extend(told.into_iter().chain(recorded).chain(changed).map(|mark| (mark.id, mark)));
        Ok(Repaired { marks: marks.into_values().collect(), has_more })
    }

    /// How a row can be repaired.
    fn way(&self, found: &Reconciliation, row: ListRow, asked: &Asked) -> Way {
        if let Some(repair) = row.repair {
            let outcome = "It was repaired before".to_owned();
            return Way::Done(Mark { id: row.id, repair: Some(repair), conversion_id: None, outcome });
        }
        let catalog = self.catalog.get();
        let Some(advertiser) = catalog.advertiser(found.value.advertiser_id) else {
            return told(&row, crate::conversions::sentences::NO_ADVERTISER);
        };
        let plan = |plan: Result<Plan, String>, row: &ListRow| match plan {
            Ok(plan) => Way::Change(Box::new(plan)),
            Err(why) => told(row, &why),
        };
        match row.value.list {
            List::OnlyTheirs if row.value.theirs.click.is_empty() => {
                told(&row, "Their row has no click id: nothing says which click it belongs to")
            }
            List::OnlyTheirs => Way::Record(Box::new(row)),
            List::OnlyOurs => plan(Plan::taking_back(found, &row, asked), &row),
            List::StatusDiffers => plan(Plan::status(found, &row, asked, &advertiser.advertiser), &row),
            List::AmountDiffers => plan(Plan::amount(found, &row, asked), &row),
            List::DayDiffers => told(
                &row,
                "The time of a conversion stays as it was recorded: reports of closed days would change without a word",
            ),
            List::Repeated => {
                told(&row, "An earlier row of the file says it already: there is nothing to repair")
            }
            List::Unreadable => told(&row, "The row cannot be read: mend it in the file and reconcile again"),
        }
    }
}

/// How a row is repaired.
enum Way {
    /// Their row is recorded.
    Record(Box<ListRow>),
    /// Our conversion is changed.
    Change(Box<Plan>),
    /// It is not, for a reason.
    Told(Mark),
    /// It was.
    Done(Mark),
}

fn told(row: &ListRow, why: &str) -> Way {
    Way::Told(Mark { id: row.id, repair: None, conversion_id: None, outcome: why.to_owned() })
}

fn check_taking_back(asked: &Asked) -> Result<(), NotRepaired> {
    if asked.status.is_none() {
        return Err(wrong(
            "status",
            "Choose what becomes of conversions that only we have: rejected or reversed",
        ));
    }
    if asked.why.is_empty() {
        return Err(wrong("why", "Write why: it is kept in the history of each conversion with your name"));
    }
    Ok(())
}

/// The rows that are meant, and whether their list has more of them.
fn chosen_rows(conn: &mut db::AnyConnection, id: i64, chosen: &Chosen) -> db::Result<(Vec<ListRow>, bool)> {
    match chosen {
        Chosen::Rows(ids) => Ok((list_rows::some(conn, id, ids)?, false)),
        Chosen::List(list) => {
            let limit = i64::try_from(REPAIRED_MAX).unwrap_or(i64::MAX);
            let mut rows = list_rows::unrepaired(conn, (id, *list), limit.saturating_add(1))?;
            let has_more = rows.len() > REPAIRED_MAX;
            rows.truncate(REPAIRED_MAX);
            Ok((rows, has_more))
        }
    }
}
