//! Postbacks that are judged again: those that wait, those that a person asks for, and what each run left.

use super::postbacks::{NewPostback, Row, StoredPostback};
use super::schema::{clicks, postback_replays, postbacks_received, users};
use super::search::VALUES_MAX;
use super::{AnyConnection, Result, on_each, word};
use crate::domain::verdict::{Code, PostbackResult};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text};
use std::collections::HashMap;

/// Postbacks parked for a click that has come by now, received since a time; at most so many.
///
/// # Errors
/// The database fails.
pub fn waiting_with_click(
    conn: &mut AnyConnection,
    since_ms: i64,
    rows_max: i64,
) -> Result<Vec<StoredPostback>> {
    let click = clicks::table
        .filter(clicks::id.nullable().eq(postbacks_received::click_id))
        .select(clicks::campaign_id);
    let rows: Vec<Row> = postbacks_received::table
        .filter(postbacks_received::is_waiting)
        .filter(postbacks_received::code.ne(Code::ParkedNoRate.as_str()))
        .filter(postbacks_received::received_at_ms.ge(since_ms))
        .filter(exists(click))
        .order(postbacks_received::id)
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Postbacks parked for an exchange rate, by number, after one of them; at most so many.
///
/// # Errors
/// The database fails.
pub fn waiting_for_rate(
    conn: &mut AnyConnection,
    after_id: i64,
    rows_max: i64,
) -> Result<Vec<StoredPostback>> {
    // In the words of the index, as with what is uncounted.
    let rows: Vec<Row> = postbacks_received::table
        .filter(diesel::dsl::sql::<Bool>("code = 'parked_no_rate'"))
        .filter(postbacks_received::is_waiting)
        .filter(postbacks_received::id.gt(after_id))
        .order(postbacks_received::id)
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Postbacks by number, those that are there, oldest first.
///
/// # Errors
/// The database fails.
pub fn find_all(conn: &mut AnyConnection, ids: &[i64]) -> Result<Vec<StoredPostback>> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<Row> = postbacks_received::table
            .filter(postbacks_received::id.eq_any(some))
            .select(Row::as_select())
            .load(conn)?;
        for row in rows {
            found.push(StoredPostback::try_from(row)?);
        }
    }
    found.sort_by_key(|one| (one.value.received_at_ms, one.id));
    Ok(found)
}

/// When the last of some postbacks was received, Unix milliseconds.
pub(super) fn received_last(conn: &mut AnyConnection, ids: &[i64]) -> Result<Option<i64>> {
    let mut last = None;
    for some in ids.chunks(VALUES_MAX) {
        let of_some: Option<i64> = postbacks_received::table
            .filter(postbacks_received::id.eq_any(some))
            .select(diesel::dsl::max(postbacks_received::received_at_ms))
            .first(conn)?;
        last = last.max(of_some);
    }
    Ok(last)
}

/// How a postback stands that is to be judged again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its verdict.
    pub code: Code,
    /// What was said with it.
    pub message: String,
    /// Parked for something that may still come.
    pub is_waiting: bool,
}

type StandingRow = (i64, String, String, bool);

/// How some postbacks stand, held until the transaction ends: nobody else judges them meanwhile. Asked before their clicks
/// are held, on every node, so that no two wait for each other.
///
/// # Errors
/// The database fails.
pub fn hold(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, Standing>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    let mut held = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        let asked = postbacks_received::table
            .filter(postbacks_received::id.eq_any(some))
            .order(postbacks_received::id)
            .select((
                postbacks_received::id,
                postbacks_received::code,
                postbacks_received::message,
                postbacks_received::is_waiting,
            ));
        let rows: Vec<StandingRow> = match conn {
            // Its one writer needs no lock.
            AnyConnection::Sqlite(sqlite) => asked.load(sqlite)?,
            AnyConnection::Pg(pg) => asked.for_update().load(pg)?,
        };
        for (id, code, message, is_waiting) in rows {
            held.insert(id, Standing { code: word(&code, Code::parse)?, message, is_waiting });
        }
    }
    Ok(held)
}

/// Gives a postback its new verdict, and what it is known by to those who read it now. One that is parked again is not
/// settled.
///
/// # Errors
/// The database fails.
pub fn settle(conn: &mut AnyConnection, id: i64, new: &NewPostback, now_ms: i64) -> Result<()> {
    let settled_at_ms = (new.code.result() != PostbackResult::Parked).then_some(now_ms);
    // With its time, which says where PostgreSQL keeps it.
    let own = postbacks_received::id.eq(id).and(postbacks_received::received_at_ms.eq(new.received_at_ms));
    diesel::update(postbacks_received::table.filter(own))
        .set((
            postbacks_received::advertiser_id.eq(new.advertiser_id),
            postbacks_received::result.eq(new.code.result().as_str()),
            postbacks_received::code.eq(new.code.as_str()),
            postbacks_received::message.eq(&new.message),
            postbacks_received::click_id.eq(new.click_id.as_ref().map(|id| id.bytes().as_slice())),
            postbacks_received::event.eq(&new.event),
            postbacks_received::txid.eq(&new.txid),
            postbacks_received::conversion_id.eq(new.conversion_id),
            postbacks_received::is_test.eq(new.is_test),
            postbacks_received::is_waiting.eq(new.is_waiting),
            postbacks_received::settled_at_ms.eq(settled_at_ms),
        ))
        .execute(conn)?;
    Ok(())
}

/// The same for many: over a network a statement for each is what they would cost.
const SETTLE_ALL: &str = "update postbacks_received as p set advertiser_id = u.advertiser_id, result = u.result, \
    code = u.code, message = u.message, click_id = u.click_id, event = u.event, txid = u.txid, \
    conversion_id = u.conversion_id, is_test = u.is_test, is_waiting = u.is_waiting, \
    settled_at_ms = case when u.result = 'parked' then null else $13 end \
    from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as u (id, received_at_ms, advertiser_id, result, code, \
    message, click_id, event, txid, conversion_id, is_test, is_waiting) \
    where p.id = u.id and p.received_at_ms = u.received_at_ms";

/// Gives postbacks their new verdicts, as [`settle`] does for one.
///
/// # Errors
/// The database fails.
pub fn settle_all(conn: &mut AnyConnection, rows: &[(i64, NewPostback)], now_ms: i64) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else {
        return rows.iter().try_for_each(|(id, new)| settle(conn, *id, new, now_ms));
    };
    fn all<'a, T>(rows: &'a [(i64, NewPostback)], of: impl Fn(&'a NewPostback) -> T) -> Vec<T> {
        rows.iter().map(|(_, new)| of(new)).collect()
    }
    diesel::sql_query(SETTLE_ALL)
        .bind::<Array<BigInt>, _>(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(all(rows, |new| new.received_at_ms))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |new| new.advertiser_id))
        .bind::<Array<Text>, _>(all(rows, |new| new.code.result().as_str()))
        .bind::<Array<Text>, _>(all(rows, |new| new.code.as_str()))
        .bind::<Array<Text>, _>(all(rows, |new| new.message.as_str()))
        .bind::<Array<Nullable<Binary>>, _>(all(rows, |new| {
            new.click_id.as_ref().map(|id| id.bytes().as_slice())
        }))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |new| new.event.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |new| new.txid.as_deref()))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |new| new.conversion_id))
        .bind::<Array<Bool>, _>(all(rows, |new| new.is_test))
        .bind::<Array<Bool>, _>(all(rows, |new| new.is_waiting))
        .bind::<BigInt, _>(now_ms)
        .execute(pg)?;
    Ok(())
}

/// What a person's run left of one postback.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = postback_replays)]
pub struct Replay {
    /// The postback.
    pub postback_id: i64,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Who.
    pub user_id: i64,
    /// It was released, not only judged again.
    pub is_release: bool,
    /// Why, in words; may be empty where nothing was released.
    pub why: String,
    /// The verdict before, and what was said with it.
    pub code_before: String,
    /// What was said with it.
    pub message_before: String,
    /// The verdict after.
    pub code_after: String,
    /// What was said with it.
    pub message_after: String,
}

/// Rows of one statement: ten values each.
const REPLAYS_PER_STATEMENT: usize = 500;

/// Keeps what a run left.
///
/// # Errors
/// The database fails.
pub fn keep_replays(conn: &mut AnyConnection, replays: &[Replay]) -> Result<()> {
    for some in replays.chunks(REPLAYS_PER_STATEMENT) {
        on_each!(conn, |c| diesel::insert_into(postback_replays::table).values(some).execute(c))?;
    }
    Ok(())
}

/// The runs of a postback, oldest first, each with who asked for it.
///
/// # Errors
/// The database fails.
pub fn replays_of(conn: &mut AnyConnection, postback_id: i64) -> Result<Vec<(Replay, String)>> {
    Ok(postback_replays::table
        .inner_join(users::table)
        .filter(postback_replays::postback_id.eq(postback_id))
        .order(postback_replays::id)
        .select((Replay::as_select(), users::email))
        .load(conn)?)
}
