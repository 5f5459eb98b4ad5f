//! Click ids of other trackers: which click here stands for each, and the postbacks that wait for one.

use super::schema::{clicks, foreign_clicks, parked_foreign};
use super::{AnyConnection, Result};
use crate::domain::click_id::ClickId;
use diesel::dsl::exists;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Ids in one statement: SQLite takes a bounded number of values, and each row has four.
const IDS_MAX: usize = 200;

/// A click of another tracker with the one that stands for it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForeign {
    /// Its id there.
    pub foreign_id: String,
    /// The click here.
    pub click_id: ClickId,
    /// It is traffic of ours in reports.
    pub is_counted: bool,
}

/// The clicks that stand for some foreign ids.
///
/// # Errors
/// The database fails.
pub fn known<'a>(
    conn: &mut AnyConnection,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, ClickId>> {
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut known = HashMap::new();
    for some in ids.chunks(IDS_MAX) {
        let rows: Vec<(String, Vec<u8>)> = foreign_clicks::table
            .filter(foreign_clicks::foreign_id.eq_any(some))
            .select((foreign_clicks::foreign_id, foreign_clicks::click_id))
            .load(conn)?;
        known.extend(rows.into_iter().filter_map(|(id, bytes)| Some((id, ClickId::from_slice(&bytes)?))));
    }
    Ok(known)
}

/// Keeps foreign ids that are not known yet, and says which those were.
///
/// # Errors
/// The database fails.
pub fn insert(conn: &mut AnyConnection, new: &[NewForeign], now_ms: i64) -> Result<HashSet<String>> {
    let mut inserted = HashSet::new();
    for some in new.chunks(IDS_MAX) {
        let row = |one: &NewForeign| {
            (
                foreign_clicks::foreign_id.eq(one.foreign_id.clone()),
                foreign_clicks::click_id.eq(one.click_id.bytes().to_vec()),
                foreign_clicks::is_counted.eq(one.is_counted),
                foreign_clicks::imported_at_ms.eq(now_ms),
            )
        };
        let found: Vec<String> = match conn {
            AnyConnection::Sqlite(sqlite) => {
                let mut found = Vec::new();
                for one in some {
                    let id: Option<String> = diesel::insert_into(foreign_clicks::table)
                        .values(row(one))
                        .on_conflict(foreign_clicks::foreign_id)
                        .do_nothing()
                        .returning(foreign_clicks::foreign_id)
                        .get_result(sqlite)
                        .optional()?;
                    found.extend(id);
                }
                found
            }
            AnyConnection::Pg(pg) => diesel::insert_into(foreign_clicks::table)
                .values(some.iter().map(row).collect::<Vec<_>>())
                .on_conflict(foreign_clicks::foreign_id)
                .do_nothing()
                .returning(foreign_clicks::foreign_id)
                .get_results(pg)?,
        };
        inserted.extend(found);
    }
    Ok(inserted)
}

/// The foreign id of a click, where it stands for one.
///
/// # Errors
/// The database fails.
pub fn of_click(conn: &mut AnyConnection, click_id: ClickId) -> Result<Option<String>> {
    let own = foreign_clicks::table.filter(foreign_clicks::click_id.eq(click_id.bytes().to_vec()));
    Ok(own.select(foreign_clicks::foreign_id).first(conn).optional()?)
}

/// Notes postbacks that were parked with foreign ids.
///
/// # Errors
/// The database fails.
pub fn park(conn: &mut AnyConnection, parked: &[(i64, String)], now_ms: i64) -> Result<()> {
    let row = |one: &(i64, String)| {
        (
            parked_foreign::postback_id.eq(one.0),
            parked_foreign::foreign_id.eq(one.1.clone()),
            parked_foreign::parked_at_ms.eq(now_ms),
        )
    };
    for some in parked.chunks(IDS_MAX) {
        match conn {
            AnyConnection::Sqlite(sqlite) => {
                for one in some {
                    let new = diesel::insert_into(parked_foreign::table).values(row(one));
                    new.on_conflict_do_nothing().execute(sqlite)?;
                }
            }
            AnyConnection::Pg(pg) => {
                let new = diesel::insert_into(parked_foreign::table)
                    .values(some.iter().map(row).collect::<Vec<_>>());
                new.on_conflict_do_nothing().execute(pg)?;
            }
        }
    }
    Ok(())
}

/// Parked postbacks whose foreign id stands for a stored click by now; at most so many.
///
/// # Errors
/// The database fails.
pub fn matched(conn: &mut AnyConnection, rows_max: i64) -> Result<Vec<i64>> {
    let stored = clicks::table.filter(clicks::id.eq(foreign_clicks::click_id)).select(clicks::campaign_id);
    Ok(parked_foreign::table
        .inner_join(foreign_clicks::table.on(foreign_clicks::foreign_id.eq(parked_foreign::foreign_id)))
        .filter(exists(stored))
        .order(parked_foreign::postback_id)
        .limit(rows_max)
        .select(parked_foreign::postback_id)
        .load(conn)?)
}

/// Forgets that a postback waits.
///
/// # Errors
/// The database fails.
pub fn unpark(conn: &mut AnyConnection, postback_ids: &[i64]) -> Result<()> {
    for some in postback_ids.chunks(IDS_MAX) {
        let gone = parked_foreign::table.filter(parked_foreign::postback_id.eq_any(some));
        diesel::delete(gone).execute(conn)?;
    }
    Ok(())
}
