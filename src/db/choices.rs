//! What a form lets one choose from: numbers, names and statuses, without the rest of the rows.

use super::search::{VALUES_MAX, fold_case};
use super::{AnyConnection, Result, word};
use crate::domain::host::HostKind;
use crate::domain::lander::EntityStatus;
use crate::domain::money::{Currency, Money};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// One that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// In use or not.
    pub status: EntityStatus,
}

/// What can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choosable {
    /// By name; those that are chosen already and would not be among them stand last.
    pub items: Vec<Named>,
    /// There are more than were asked for.
    pub is_cut: bool,
}

fn read(rows: Vec<(i64, String, String)>) -> Result<Vec<Named>> {
    let named = |(id, name, status): (i64, String, String)| {
        Ok(Named { id, name, status: word(&status, EntityStatus::parse)? })
    };
    rows.into_iter().map(named).collect()
}

/// Writes the question for a table.
macro_rules! choosable {
    ($($(#[$doc:meta])* $table:ident ($name:ident $(, where $column:ident = $value:expr)?))*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The database fails.
        pub fn $table(conn: &mut AnyConnection, rows_max: i64, chosen: &[i64]) -> Result<Choosable> {
            use super::schema::$table::{self, $name as name, id, status};
            let rows = $table::table
                .filter(status.ne(EntityStatus::Archived.as_str()))
                $(.filter($table::$column.eq($value)))?
                .order((fold_case(name), id))
                .limit(rows_max.saturating_add(1))
                .select((id, name, status))
                .load(conn)?;
            let mut items = read(rows)?;
            let is_cut = i64::try_from(items.len()).unwrap_or(i64::MAX) > rows_max;
            items.truncate(usize::try_from(rows_max).unwrap_or(usize::MAX));
            let known: HashSet<i64> = items.iter().map(|one| one.id).collect();
            let mut missing: Vec<i64> = chosen.iter().copied().filter(|one| !known.contains(one)).collect();
            missing.sort_unstable();
            missing.dedup();
            for some in missing.chunks(VALUES_MAX) {
                let kept = $table::table.filter(id.eq_any(some)).order(id);
                items.extend(read(kept.select((id, name, status)).load(conn)?)?);
            }
            Ok(Choosable { items, is_cut })
        }
    )*};
}

choosable! {
    /// The first so many advertisers that are not archived, and those that are chosen, whatever became of them.
    advertisers (name)
    /// The first so many offers that are not archived, and those that are chosen, whatever became of them.
    offers (name)
    /// The first so many campaigns that are not archived, and those that are chosen, whatever became of them.
    campaigns (name)
    /// The first so many landers that are not archived, and those that are chosen, whatever became of them.
    landers (name)
    /// The first so many lists that are not archived, and those that are chosen, whatever became of them.
    lists (name)
    /// The first so many sources that are not archived, and those that are chosen, whatever became of them.
    sources (name)
    /// The first so many tracking hosts that are not archived, and those that are chosen, whatever became of them.
    domains (host, where kind = HostKind::Tracking.as_str())
}

/// What offers earn by themselves, where they say an amount.
///
/// # Errors
/// The database fails.
pub fn offer_revenues(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, (Money, Currency)>> {
    use super::schema::offers::{self, currency, id, revenue_micros};
    let mut revenues = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<(i64, Option<i64>, String)> = offers::table
            .filter(id.eq_any(some))
            .filter(revenue_micros.is_not_null())
            .select((id, revenue_micros, currency))
            .load(conn)?;
        for (offer, micros, code) in rows {
            let Some(micros) = micros else { continue };
            revenues.insert(offer, (Money::from_micros(micros), word(&code, Currency::parse)?));
        }
    }
    Ok(revenues)
}
