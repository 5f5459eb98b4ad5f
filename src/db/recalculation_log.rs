//! The log of recalculations: pages of them, each with what became of its conversions.

use super::recalculations::RESTORED;
use super::schema::{recalculated_conversions, recalculations, users};
use super::search::Listed;
use super::{AnyConnection, Result};
use diesel::dsl::count_star;
use diesel::prelude::*;
use std::collections::HashMap;

/// One that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its number.
    pub id: i64,
    /// When, Unix milliseconds.
    pub created_at_ms: i64,
    /// By whom.
    pub user_id: i64,
    /// That user's address.
    pub email: String,
    /// The offer, where it was of one.
    pub offer_id: Option<i64>,
    /// The advertiser, where it was of one.
    pub advertiser_id: Option<i64>,
    /// The first day, as it was written.
    pub from_day: String,
    /// The last day, as it was written.
    pub to_day: String,
    /// The zone's name.
    pub time_zone: String,
    /// It went by the offer's terms.
    pub takes_terms: bool,
    /// It went by the exchange rates.
    pub takes_rates: bool,
    /// Why.
    pub why: String,
    /// When its last conversion was written; `None` where it broke off.
    pub finished_at_ms: Option<i64>,
    /// When all of it was taken back.
    pub taken_back_at_ms: Option<i64>,
    /// Conversions it changed.
    pub changed: i64,
    /// Those of them that were put back.
    pub restored: i64,
    /// Those that were left as they are, since they were changed after it.
    pub left: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = recalculations)]
struct Row {
    id: i64,
    created_at_ms: i64,
    user_id: i64,
    why: String,
    offer_id: Option<i64>,
    advertiser_id: Option<i64>,
    from_day: String,
    to_day: String,
    time_zone: String,
    takes_terms: bool,
    takes_rates: bool,
    finished_at_ms: Option<i64>,
    taken_back_at_ms: Option<i64>,
}

/// A page of those that were done, the newest first.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, (rows_max, offset): (i64, i64)) -> Result<Listed<Done>> {
    let total: i64 = recalculations::table.select(count_star()).first(conn)?;
    let rows: Vec<(Row, String)> = recalculations::table
        .inner_join(users::table)
        .order(recalculations::id.desc())
        .limit(rows_max)
        .offset(offset)
        .select((Row::as_select(), users::email))
        .load(conn)?;
    Ok(Listed { items: counted(conn, rows)?, total })
}

/// One that was done.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Done>> {
    let row: Option<(Row, String)> = recalculations::table
        .inner_join(users::table)
        .filter(recalculations::id.eq(id))
        .select((Row::as_select(), users::email))
        .first(conn)
        .optional()?;
    Ok(counted(conn, row.into_iter().collect())?.pop())
}

/// The same with how many conversions of each were changed and put back.
fn counted(conn: &mut AnyConnection, rows: Vec<(Row, String)>) -> Result<Vec<Done>> {
    let ids: Vec<i64> = rows.iter().map(|(row, _)| row.id).collect();
    let counts: Vec<(i64, Option<String>, i64)> = recalculated_conversions::table
        .filter(recalculated_conversions::recalculation_id.eq_any(ids))
        .group_by((recalculated_conversions::recalculation_id, recalculated_conversions::outcome))
        .select((recalculated_conversions::recalculation_id, recalculated_conversions::outcome, count_star()))
        .load(conn)?;
    let mut by_id: HashMap<i64, (i64, i64, i64)> = HashMap::new();
    for (id, outcome, count) in counts {
        let (changed, restored, left) = by_id.entry(id).or_default();
        *changed = changed.saturating_add(count);
        match outcome.as_deref() {
            Some(RESTORED) => *restored = count,
            Some(_) => *left = count,
            None => {}
        }
    }
    let done = |(row, email): (Row, String)| {
        let (changed, restored, left) = by_id.get(&row.id).copied().unwrap_or_default();
        Done {
            id: row.id,
            created_at_ms: row.created_at_ms,
            user_id: row.user_id,
            email,
            offer_id: row.offer_id,
            advertiser_id: row.advertiser_id,
            from_day: row.from_day,
            to_day: row.to_day,
            time_zone: row.time_zone,
            takes_terms: row.takes_terms,
            takes_rates: row.takes_rates,
            why: row.why,
            finished_at_ms: row.finished_at_ms,
            taken_back_at_ms: row.taken_back_at_ms,
            changed,
            restored,
            left,
        }
    };
    Ok(rows.into_iter().map(done).collect())
}
