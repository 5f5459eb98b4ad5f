//! Lists of values that rules use.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection, Db, Priority};
use crate::domain::input::FieldErrors;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::rule::{LIST_VALUES_MAX, ListKind, ValueList, list_values};
use serde_json::Value;
use std::collections::HashMap;

impl Noun for ValueList {
    stored_in!(lists);

    fn blank(_account: Currency) -> Self {
        Self::default()
    }

    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        if before.is_some_and(|before| before.kind != self.kind) {
            checks.push("kind", "Fixed: rules rely on what the list holds. Make another list");
        }
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        let id = db::lists::insert(conn, self, now_ms)?;
        db::lists::add(conn, id, &read(self.values.as_ref(), self.kind)?, now_ms)?;
        Ok(id)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        db::lists::update(conn, id, self, now_ms)?;
        if self.values.is_some() {
            db::lists::clear(conn, id, now_ms)?;
            db::lists::add(conn, id, &read(self.values.as_ref(), self.kind)?, now_ms)?;
        }
        Ok(())
    }
}

door!(ValueList);

fn read(values: Option<&Value>, kind: ListKind) -> Result<Vec<String>, Error> {
    let values = values.unwrap_or(&Value::Null);
    Ok(list_values(values, kind).map_err(|message| FieldErrors::one("values", message))?)
}

/// Adds values to a list.
///
/// # Errors
/// There is none of that number; a value it cannot hold; too many; the database fails.
pub fn add_values(db: &Db, id: i64, values: &Value, now_ms: i64) -> Result<Saved<ValueList>, Error> {
    change(db, id, values, |conn, values| {
        db::lists::add(conn, id, values, now_ms)?;
        let count = db::lists::counts(conn, &[id])?.get(&id).copied().unwrap_or(0);
        if usize::try_from(count).is_ok_and(|count| count > LIST_VALUES_MAX) {
            let message = format!("A list has at most {LIST_VALUES_MAX} values: this would make {count}");
            return Err(FieldErrors::one("values", message).into());
        }
        Ok(())
    })
}

/// Takes values off a list; those that are not on it are no error.
///
/// # Errors
/// There is none of that number; a value it cannot hold; the database fails.
pub fn remove_values(db: &Db, id: i64, values: &Value, now_ms: i64) -> Result<Saved<ValueList>, Error> {
    change(db, id, values, |conn, values| Ok(db::lists::remove(conn, id, values, now_ms)?))
}

fn change(
    db: &Db,
    id: i64,
    values: &Value,
    deed: impl Fn(&mut AnyConnection, &[String]) -> Result<(), Error>,
) -> Result<Saved<ValueList>, Error> {
    db.write(Priority::Pages, |conn| {
        db::lists::lock(conn, id)?;
        let list = db::lists::find(conn, id)?.ok_or(Error::NotFound)?;
        deed(conn, &read(Some(values), list.value.kind)?)?;
        db::lists::find(conn, id)?.ok_or(Error::NotFound)
    })
}

/// The first values of a list and how many it has in all.
///
/// # Errors
/// The database fails.
pub fn values(db: &Db, id: i64, rows_max: usize) -> Result<(Vec<String>, i64), Error> {
    db.read(|conn| {
        let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
        let count = db::lists::counts(conn, &[id])?.get(&id).copied().unwrap_or(0);
        Ok((db::lists::values(conn, id, rows_max)?, count))
    })
}

/// The names of some lists.
///
/// # Errors
/// The database fails.
pub fn names(db: &Db, ids: &[i64]) -> Result<HashMap<i64, String>, Error> {
    db.read(|conn| Ok(db::lists::names(conn, ids)?))
}

/// How many values each of some lists has.
///
/// # Errors
/// The database fails.
pub fn counts(db: &Db, ids: &[i64]) -> Result<HashMap<i64, i64>, Error> {
    db.read(|conn| Ok(db::lists::counts(conn, ids)?))
}
