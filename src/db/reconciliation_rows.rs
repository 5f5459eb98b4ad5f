//! What reconciliations found: the rows of their lists, as both sides stood then, and what was made of them since.

use super::schema::reconciliation_rows;
use super::search::VALUES_MAX;
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::money::{Currency, Money};
use crate::domain::reconcile::{List, Repair};
use crate::domain::status::Status;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Rows of one statement: each has twenty values, and SQLite takes 32,766.
const INSERTED_MAX: usize = 500;

/// What a row of theirs said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TheirSide {
    /// Its line in the file; none for what only we have.
    pub line: Option<i64>,
    /// Its own text, as far as it is shown.
    pub text: String,
    /// What it says, as an import would be told.
    pub said: Vec<(String, String)>,
    /// Their transaction.
    pub txid: String,
    /// The click id, as they write it.
    pub click: String,
    /// Their word for the status.
    pub status: String,
    /// Their amount.
    pub amount: Option<Money>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// Their time, Unix milliseconds.
    pub at_ms: Option<i64>,
}

/// How our conversion stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OurSide {
    /// Its number.
    pub id: i64,
    /// Its transaction.
    pub txid: String,
    /// Its click.
    pub click: String,
    /// Its event.
    pub event: String,
    /// Its status.
    pub status: Status,
    /// What it earned.
    pub amount: Money,
    /// In its own currency.
    pub currency: Currency,
    /// Its time, Unix milliseconds.
    pub at_ms: i64,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// Which list.
    pub list: List,
    /// What they say.
    pub theirs: TheirSide,
    /// What we have.
    pub ours: Option<OurSide>,
    /// One sentence for what the values do not say.
    pub note: String,
}

/// A row as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRow {
    /// Its number.
    pub id: i64,
    /// What was found.
    pub value: NewRow,
    /// The conversion that it is about: ours from the start, or the one that a repair recorded.
    pub conversion_id: Option<i64>,
    /// What a repair made of it.
    pub repair: Option<Repair>,
    /// When it was repaired, Unix milliseconds.
    pub repaired_at_ms: Option<i64>,
    /// What the last repair said of it.
    pub outcome: String,
}

/// What a repair made of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The row.
    pub id: i64,
    /// What was made of it; none where it stays as it is.
    pub repair: Option<Repair>,
    /// The conversion that it is about now, where that is new.
    pub conversion_id: Option<i64>,
    /// One sentence.
    pub outcome: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reconciliation_rows)]
struct Row {
    id: i64,
    list: String,
    line: Option<i64>,
    line_text: String,
    said: String,
    their_txid: String,
    their_click: String,
    their_status: String,
    their_amount_micros: Option<i64>,
    their_currency: Option<String>,
    their_at_ms: Option<i64>,
    conversion_id: Option<i64>,
    our_txid: String,
    our_click: String,
    our_event: String,
    our_status: Option<String>,
    our_amount_micros: Option<i64>,
    our_currency: Option<String>,
    our_at_ms: Option<i64>,
    note: String,
    repair: Option<String>,
    repaired_at_ms: Option<i64>,
    outcome: String,
}

impl TryFrom<Row> for ListRow {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let currency =
            |text: &Option<String>| text.as_deref().map(|text| word(text, Currency::parse)).transpose();
        let ours = match (row.conversion_id, &row.our_status) {
            (Some(id), Some(status)) => Some(OurSide {
                id,
                txid: row.our_txid,
                click: row.our_click,
                event: row.our_event,
                status: word(status, Status::parse)?,
                amount: Money::from_micros(row.our_amount_micros.unwrap_or_default()),
                currency: currency(&row.our_currency)?.unwrap_or(Currency::USD),
                at_ms: row.our_at_ms.unwrap_or_default(),
            }),
            _ => None,
        };
        let value = NewRow {
            list: word(&row.list, List::parse)?,
            theirs: TheirSide {
                line: row.line,
                text: row.line_text,
                said: json(&row.said)?,
                txid: row.their_txid,
                click: row.their_click,
                status: row.their_status,
                amount: row.their_amount_micros.map(Money::from_micros),
                currency: currency(&row.their_currency)?,
                at_ms: row.their_at_ms,
            },
            ours,
            note: row.note,
        };
        Ok(Self {
            id: row.id,
            value,
            conversion_id: row.conversion_id,
            repair: row.repair.as_deref().map(|text| word(text, Repair::parse)).transpose()?,
            repaired_at_ms: row.repaired_at_ms,
            outcome: row.outcome,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = reconciliation_rows, treat_none_as_default_value = false)]
struct Inserted<'a> {
    reconciliation_id: i64,
    list: &'static str,
    line: Option<i64>,
    line_text: &'a str,
    said: String,
    their_txid: &'a str,
    their_click: &'a str,
    their_status: &'a str,
    their_amount_micros: Option<i64>,
    their_currency: Option<&'a str>,
    their_at_ms: Option<i64>,
    conversion_id: Option<i64>,
    our_txid: &'a str,
    our_click: &'a str,
    our_event: &'a str,
    our_status: Option<&'static str>,
    our_amount_micros: Option<i64>,
    our_currency: Option<&'a str>,
    our_at_ms: Option<i64>,
    note: &'a str,
}

impl<'a> Inserted<'a> {
    fn new(reconciliation_id: i64, row: &'a NewRow) -> Result<Self> {
        let (theirs, ours) = (&row.theirs, row.ours.as_ref());
        Ok(Self {
            reconciliation_id,
            list: row.list.as_str(),
            line: theirs.line,
            line_text: &theirs.text,
            said: json_text(&theirs.said)?,
            their_txid: &theirs.txid,
            their_click: &theirs.click,
            their_status: &theirs.status,
            their_amount_micros: theirs.amount.map(Money::micros),
            their_currency: theirs.currency.as_ref().map(Currency::as_str),
            their_at_ms: theirs.at_ms,
            conversion_id: ours.map(|ours| ours.id),
            our_txid: ours.map_or("", |ours| &ours.txid),
            our_click: ours.map_or("", |ours| &ours.click),
            our_event: ours.map_or("", |ours| &ours.event),
            our_status: ours.map(|ours| ours.status.as_str()),
            our_amount_micros: ours.map(|ours| ours.amount.micros()),
            our_currency: ours.map(|ours| ours.currency.as_str()),
            our_at_ms: ours.map(|ours| ours.at_ms),
            note: &row.note,
        })
    }
}

/// Keeps rows of lists.
///
/// # Errors
/// The database fails.
pub fn add(conn: &mut AnyConnection, reconciliation_id: i64, rows: &[NewRow]) -> Result<()> {
    for some in rows.chunks(INSERTED_MAX) {
        let rows = some
            .iter()
            .map(|row| Inserted::new(reconciliation_id, row))
            .collect::<Result<Vec<Inserted<'_>>>>()?;
        on_each!(conn, |c| diesel::insert_into(reconciliation_rows::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// How many rows each list has, and how many of them are repaired.
///
/// # Errors
/// The database fails.
pub fn counts(conn: &mut AnyConnection, reconciliation_id: i64) -> Result<BTreeMap<List, (i64, i64)>> {
    let rows: Vec<(String, i64, i64)> = reconciliation_rows::table
        .filter(reconciliation_rows::reconciliation_id.eq(reconciliation_id))
        .group_by(reconciliation_rows::list)
        .select((
            reconciliation_rows::list,
            diesel::dsl::count_star(),
            diesel::dsl::count(reconciliation_rows::repaired_at_ms),
        ))
        .load(conn)?;
    rows.into_iter().map(|(list, all, repaired)| Ok((word(&list, List::parse)?, (all, repaired)))).collect()
}

/// Some rows of a list, in the order of the file.
///
/// # Errors
/// The database fails.
pub fn list(
    conn: &mut AnyConnection,
    (reconciliation_id, list): (i64, List),
    (limit, offset): (i64, i64),
) -> Result<Vec<ListRow>> {
    let rows: Vec<Row> = reconciliation_rows::table
        .filter(reconciliation_rows::reconciliation_id.eq(reconciliation_id))
        .filter(reconciliation_rows::list.eq(list.as_str()))
        .order(reconciliation_rows::id)
        .limit(limit)
        .offset(offset)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The first rows of a list that nobody has repaired yet.
///
/// # Errors
/// The database fails.
pub fn unrepaired(
    conn: &mut AnyConnection,
    (reconciliation_id, list): (i64, List),
    limit: i64,
) -> Result<Vec<ListRow>> {
    let rows: Vec<Row> = reconciliation_rows::table
        .filter(reconciliation_rows::reconciliation_id.eq(reconciliation_id))
        .filter(reconciliation_rows::list.eq(list.as_str()))
        .filter(reconciliation_rows::repaired_at_ms.is_null())
        .order(reconciliation_rows::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Some rows of a reconciliation by number; those of others are left out.
///
/// # Errors
/// The database fails.
pub fn some(conn: &mut AnyConnection, reconciliation_id: i64, ids: &[i64]) -> Result<Vec<ListRow>> {
    let mut found = Vec::new();
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<Row> = reconciliation_rows::table
            .filter(reconciliation_rows::reconciliation_id.eq(reconciliation_id))
            .filter(reconciliation_rows::id.eq_any(some))
            .order(reconciliation_rows::id)
            .select(Row::as_select())
            .load(conn)?;
        for row in rows {
            found.push(row.try_into()?);
        }
    }
    Ok(found)
}

/// Notes what a repair made of rows. One that was repaired keeps what was noted first.
///
/// # Errors
/// The database fails.
pub fn mark(conn: &mut AnyConnection, marks: &[Mark], now_ms: i64) -> Result<()> {
    for mark in marks {
        diesel::update(reconciliation_rows::table.filter(reconciliation_rows::id.eq(mark.id)))
            .filter(reconciliation_rows::repaired_at_ms.is_null())
            .set((
                reconciliation_rows::repair.eq(mark.repair.map(Repair::as_str)),
                reconciliation_rows::repaired_at_ms.eq(mark.repair.map(|_| now_ms)),
                reconciliation_rows::outcome.eq(&mark.outcome),
            ))
            .execute(conn)?;
        if mark.conversion_id.is_some() {
            diesel::update(reconciliation_rows::table.filter(reconciliation_rows::id.eq(mark.id)))
                .set(reconciliation_rows::conversion_id.eq(mark.conversion_id))
                .execute(conn)?;
        }
    }
    Ok(())
}
