//! Postbacks that are sent on to the tracker before: a queue in the database, so that no end of a process loses one, held by a
//! lease while one is sent, so that no two nodes send the same at once.

use super::schema::forwards;
use super::{AnyConnection, Error, Result, word};
use crate::domain::forward::ForwardState;
use diesel::prelude::*;

/// A postback that is to be sent on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewForward {
    /// Its number.
    pub postback_id: i64,
    /// Whose it is; 0 where nobody knows.
    pub advertiser_id: i64,
    /// Where it goes; `None` where no address could be written.
    pub url: Option<String>,
    /// When it came, Unix milliseconds.
    pub at_ms: i64,
    /// Until when it is tried.
    pub give_up_at_ms: i64,
}

/// One that is to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// Where it goes.
    pub url: String,
    /// How often it was tried.
    pub attempts: i64,
    /// Until when it is tried.
    pub give_up_at_ms: i64,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How far it has come.
    pub state: ForwardState,
    /// When it is tried again.
    pub due_at_ms: i64,
    /// The answer's HTTP status, where there was one.
    pub code: Option<i64>,
    /// The beginning of the answer.
    pub answer: String,
    /// Why there was none.
    pub error: String,
}

/// How one stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Where it goes.
    pub url: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When the last attempt ended, or it was queued.
    pub updated_at_ms: i64,
    /// What came of the last attempt.
    pub last: Attempt,
}

/// The error of one whose address could not be written.
const NO_ADDRESS: &str =
    "The address with all its parameters is longer than 8,192 bytes, or cannot be written";

/// Queues some.
///
/// # Errors
/// The database fails.
pub fn queue(conn: &mut AnyConnection, new: &[NewForward]) -> Result<()> {
    for one in new {
        let state = if one.url.is_some() { ForwardState::Due } else { ForwardState::Failed };
        let row = (
            forwards::postback_id.eq(one.postback_id),
            forwards::advertiser_id.eq(one.advertiser_id),
            forwards::url.eq(one.url.as_deref().unwrap_or_default()),
            forwards::state.eq(state.as_str()),
            forwards::attempts.eq(0),
            forwards::due_at_ms.eq(one.at_ms),
            forwards::give_up_at_ms.eq(one.give_up_at_ms),
            forwards::leased_until_ms.eq(0),
            forwards::last_answer.eq(""),
            forwards::last_error.eq(if one.url.is_some() { "" } else { NO_ADDRESS }),
            forwards::created_at_ms.eq(one.at_ms),
            forwards::updated_at_ms.eq(one.at_ms),
        );
        diesel::insert_into(forwards::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Whether any is to be sent now: asked without a writing transaction, since mostly none is.
///
/// # Errors
/// The database fails.
pub fn has_due(conn: &mut AnyConnection, now_ms: i64) -> Result<bool> {
    let found: Option<i64> = forwards::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'due'"))
        .filter(forwards::due_at_ms.le(now_ms))
        .filter(forwards::leased_until_ms.le(now_ms))
        .select(forwards::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Takes some that are to be sent now, and holds them until a time.
///
/// # Errors
/// The database fails.
pub fn lease(conn: &mut AnyConnection, now_ms: i64, until_ms: i64, rows_max: i64) -> Result<Vec<Due>> {
    let rows: Vec<(i64, String, i64, i64, i64)> = forwards::table
        .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("state = 'due'"))
        .filter(forwards::due_at_ms.le(now_ms))
        .filter(forwards::leased_until_ms.le(now_ms))
        .order((forwards::due_at_ms, forwards::id))
        .limit(rows_max)
        .select((
            forwards::id,
            forwards::url,
            forwards::attempts,
            forwards::give_up_at_ms,
            forwards::leased_until_ms,
        ))
        .load(conn)?;
    let mut taken = Vec::with_capacity(rows.len());
    for (id, url, attempts, give_up_at_ms, leased_until_ms) in rows {
        // Another node may have taken it since it was read.
        let own =
            forwards::table.filter(forwards::id.eq(id)).filter(forwards::leased_until_ms.eq(leased_until_ms));
        if diesel::update(own).set(forwards::leased_until_ms.eq(until_ms)).execute(conn)? > 0 {
            taken.push(Due { id, url, attempts, give_up_at_ms });
        }
    }
    Ok(taken)
}

/// Keeps what came of an attempt and gives the lease back.
///
/// # Errors
/// The database fails.
pub fn note(conn: &mut AnyConnection, due: &Due, attempt: &Attempt, now_ms: i64) -> Result<()> {
    diesel::update(forwards::table.find(due.id))
        .set((
            forwards::state.eq(attempt.state.as_str()),
            forwards::attempts.eq(due.attempts.saturating_add(1)),
            forwards::due_at_ms.eq(attempt.due_at_ms),
            forwards::leased_until_ms.eq(0),
            forwards::last_code.eq(attempt.code),
            forwards::last_answer.eq(&attempt.answer),
            forwards::last_error.eq(&attempt.error),
            forwards::updated_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    Ok(())
}

type Row = (String, i64, i64, String, i64, Option<i64>, String, String);

/// How a postback's stands, where it was sent on.
///
/// # Errors
/// The database fails.
pub fn of_postback(conn: &mut AnyConnection, postback_id: i64) -> Result<Option<Forward>> {
    let row: Option<Row> = forwards::table
        .filter(forwards::postback_id.eq(postback_id))
        .select((
            forwards::url,
            forwards::attempts,
            forwards::updated_at_ms,
            forwards::state,
            forwards::due_at_ms,
            forwards::last_code,
            forwards::last_answer,
            forwards::last_error,
        ))
        .first(conn)
        .optional()?;
    let read = |(url, attempts, updated_at_ms, state, due_at_ms, code, answer, error): Row| {
        let state = word(&state, ForwardState::parse)?;
        let last = Attempt { state, due_at_ms, code, answer, error };
        Ok::<_, Error>(Forward { url, attempts, updated_at_ms, last })
    };
    row.map(read).transpose()
}
