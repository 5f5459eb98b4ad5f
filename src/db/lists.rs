//! Lists and their values.

use super::entity::entity_store;
use super::schema::{list_values, lists};
use super::search::{ListQuery, Listed, Saved, VALUES_MAX, contains, fold_case};
use super::{AnyConnection, Error, Result, on_each, word};
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{ListKind, ValueList};
use diesel::prelude::*;
use std::collections::HashMap;

/// Values written by one statement: SQLite takes a bounded number of values.
const ROWS_MAX: usize = 400;

#[derive(Queryable, Selectable)]
#[diesel(table_name = lists)]
struct Row {
    id: i64,
    name: String,
    kind: String,
    status: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = lists)]
struct Fields {
    name: String,
    kind: &'static str,
    status: &'static str,
    updated_at_ms: i64,
}

impl Fields {
    #[allow(clippy::unnecessary_wraps, reason = "every noun's fields are made alike, and others can fail")]
    fn new(value: &ValueList, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            kind: value.kind.as_str(),
            status: value.status.as_str(),
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<ValueList> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = ValueList {
            name: row.name,
            kind: word(&row.kind, ListKind::parse)?,
            status: word(&row.status, EntityStatus::parse)?,
            values: None,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(lists, ValueList, search: name);

/// Keeps a new list and returns its number.
///
/// # Errors
/// The database fails.
pub fn insert(conn: &mut AnyConnection, value: &ValueList, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, lists::created_at_ms.eq(now_ms));
    Ok(on_each!(conn, |c| diesel::insert_into(lists::table).values(row).returning(lists::id).get_result(c))?)
}

/// How many values each of some lists has.
///
/// # Errors
/// The database fails.
pub fn counts(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, i64>> {
    let mut counts = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<(i64, i64)> = list_values::table
            .filter(list_values::list_id.eq_any(some))
            .group_by(list_values::list_id)
            .select((list_values::list_id, diesel::dsl::count_star()))
            .load(conn)?;
        counts.extend(rows);
    }
    Ok(counts)
}

/// The first values of a list, in order.
///
/// # Errors
/// The database fails.
pub fn values(conn: &mut AnyConnection, id: i64, rows_max: i64) -> Result<Vec<String>> {
    let own = list_values::table.filter(list_values::list_id.eq(id)).order(list_values::value);
    Ok(own.limit(rows_max).select(list_values::value).load(conn)?)
}

/// Adds values to a list; those that are there already stay.
///
/// # Errors
/// The database fails.
pub fn add(conn: &mut AnyConnection, id: i64, values: &[String], now_ms: i64) -> Result<()> {
    for some in values.chunks(ROWS_MAX) {
        let rows: Vec<_> =
            some.iter().map(|value| (list_values::list_id.eq(id), list_values::value.eq(value))).collect();
        on_each!(conn, |c| diesel::insert_into(list_values::table)
            .values(&rows)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    changed(conn, id, now_ms)
}

/// Takes values off a list.
///
/// # Errors
/// The database fails.
pub fn remove(conn: &mut AnyConnection, id: i64, values: &[String], now_ms: i64) -> Result<()> {
    for some in values.chunks(ROWS_MAX) {
        let own = list_values::table.filter(list_values::list_id.eq(id));
        diesel::delete(own.filter(list_values::value.eq_any(some))).execute(conn)?;
    }
    changed(conn, id, now_ms)
}

/// Takes every value off a list.
///
/// # Errors
/// The database fails.
pub fn clear(conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<()> {
    diesel::delete(list_values::table.filter(list_values::list_id.eq(id))).execute(conn)?;
    changed(conn, id, now_ms)
}

fn changed(conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<()> {
    diesel::update(lists::table.find(id))
        .set((lists::version.eq(lists::version + 1), lists::updated_at_ms.eq(now_ms)))
        .execute(conn)?;
    Ok(())
}

/// The names of some lists.
///
/// # Errors
/// The database fails.
pub fn names(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let mut names = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<(i64, String)> =
            lists::table.filter(lists::id.eq_any(some)).select((lists::id, lists::name)).load(conn)?;
        names.extend(rows);
    }
    Ok(names)
}

/// Every list's number, kind and version.
///
/// # Errors
/// The database fails.
pub fn versions(conn: &mut AnyConnection) -> Result<Vec<(i64, ListKind, i64)>> {
    let rows: Vec<(i64, String, i64)> =
        lists::table.order(lists::id).select((lists::id, lists::kind, lists::version)).load(conn)?;
    rows.into_iter().map(|(id, kind, version)| Ok((id, word(&kind, ListKind::parse)?, version))).collect()
}
