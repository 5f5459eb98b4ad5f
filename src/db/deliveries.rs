//! The outbox: what destinations are to be told, written with the conversion and kept until it was said. One is held by a
//! lease while it is sent, so that no two nodes send the same at once.

use super::schema::{deliveries, delivery_attempts, destinations};
use super::{AnyConnection, Result, on_each, word};
use crate::domain::delivery::DeliveryState;
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

/// Rows in one statement: SQLite takes a bounded number of values.
const ROWS_MAX: usize = 500;

/// A delivery that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Insertable)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false)]
pub struct NewDelivery {
    /// Who is told.
    pub destination_id: i64,
    /// Of which conversion.
    pub conversion_id: i64,
    /// 0 where it is told once; else a number that grows with each change.
    pub occasion: i64,
    /// The same at every attempt.
    pub idempotency_key: String,
    /// `due`.
    pub state: String,
    /// When it is sent first, Unix milliseconds.
    pub next_attempt_at_ms: i64,
    /// When it happened, Unix milliseconds.
    pub created_at_ms: i64,
    /// The status that is told.
    pub told_status: String,
    /// Revenue as it then was, in the account currency.
    pub revenue_micros: i64,
    /// Payout as it then was, in the account currency.
    pub payout_micros: i64,
    /// Order value as it then was, in the account currency.
    pub sale_amount_micros: Option<i64>,
    /// Until when it is tried.
    pub give_up_at_ms: i64,
}

/// One that is to be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub id: i64,
    /// Who is told.
    pub destination_id: i64,
    /// Of which conversion.
    pub conversion_id: i64,
    /// The same at every attempt.
    pub idempotency_key: String,
    /// The status that is told.
    pub told_status: Status,
    /// Revenue as it then was, in the account currency.
    pub revenue_micros: i64,
    /// Payout as it then was, in the account currency.
    pub payout_micros: i64,
    /// Order value as it then was, in the account currency.
    pub sale_amount_micros: Option<i64>,
    /// Failures since it was queued, or sent again by hand.
    pub failures: i64,
    /// Until when it is tried.
    pub give_up_at_ms: i64,
}

/// One attempt, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = delivery_attempts, treat_none_as_default_value = false)]
pub struct Attempt {
    /// Its delivery.
    pub delivery_id: i64,
    /// When it was sent, Unix milliseconds.
    pub at_ms: i64,
    /// Where.
    pub url: String,
    /// With which body.
    pub body: Option<String>,
    /// The answer's HTTP status, where there was one.
    pub code: Option<i64>,
    /// The beginning of the answer.
    pub response: Option<String>,
    /// From the first look at the name to the last byte.
    pub duration_ms: i64,
    /// Why there was no answer, or why it was none that counts.
    pub error: Option<String>,
    /// Whose it was.
    pub destination_id: i64,
}

/// What became of a delivery that was held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Its number.
    pub id: i64,
    /// How it stands now.
    pub state: DeliveryState,
    /// When it is tried again.
    pub next_attempt_at_ms: Option<i64>,
    /// Why nothing was sent.
    pub skip_reason: Option<String>,
    /// Failures since it was queued, or sent again by hand.
    pub failures: i64,
    /// What was sent and answered; `None` where nothing was sent.
    pub attempt: Option<Attempt>,
}

/// Queues some; what a destination was told of on that occasion is not queued twice.
///
/// # Errors
/// The database fails.
pub fn queue(conn: &mut AnyConnection, new: &[NewDelivery]) -> Result<()> {
    for some in new.chunks(ROWS_MAX / 12) {
        match conn {
            AnyConnection::Sqlite(sqlite) => {
                for row in some {
                    diesel::insert_into(deliveries::table)
                        .values(row)
                        .on_conflict_do_nothing()
                        .execute(sqlite)?;
                }
            }
            AnyConnection::Pg(pg) => {
                diesel::insert_into(deliveries::table).values(some).on_conflict_do_nothing().execute(pg)?;
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Whether any is to be sent now: asked without a writing transaction, since mostly none is.
///
/// # Errors
/// The database fails.
pub fn has_due(conn: &mut AnyConnection, now_ms: i64) -> Result<bool> {
    let text = match conn {
        AnyConnection::Sqlite(_) => {
            "select exists (select 1 from deliveries where state = 'due' and next_attempt_at_ms <= ? \
             and (lease_until_ms is null or lease_until_ms <= ?)) as found"
        }
        AnyConnection::Pg(_) => {
            "select exists (select 1 from deliveries where state = 'due' and next_attempt_at_ms <= $1 \
             and (lease_until_ms is null or lease_until_ms <= $2)) as found"
        }
    };
    let asked = || diesel::sql_query(text).bind::<BigInt, _>(now_ms).bind::<BigInt, _>(now_ms);
    let found: Found = on_each!(conn, |c| asked().get_result(c))?;
    Ok(found.found)
}

#[derive(QueryableByName)]
struct Numbered {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The destinations in use that have one to be sent now. Each is looked up by itself, however long another's queue is.
///
/// # Errors
/// The database fails.
pub fn destinations_due(conn: &mut AnyConnection, now_ms: i64) -> Result<Vec<i64>> {
    let text = match conn {
        AnyConnection::Sqlite(_) => {
            "select id from destinations where status = ? and exists (select 1 from deliveries \
             where destination_id = destinations.id and state = 'due' and next_attempt_at_ms <= ? \
             and (lease_until_ms is null or lease_until_ms <= ?)) order by id"
        }
        AnyConnection::Pg(_) => {
            "select id from destinations where status = $1 and exists (select 1 from deliveries \
             where destination_id = destinations.id and state = 'due' and next_attempt_at_ms <= $2 \
             and (lease_until_ms is null or lease_until_ms <= $3)) order by id"
        }
    };
    let asked = || {
        diesel::sql_query(text)
            .bind::<Text, _>(EntityStatus::Active.as_str())
            .bind::<BigInt, _>(now_ms)
            .bind::<BigInt, _>(now_ms)
    };
    let rows: Vec<Numbered> = on_each!(conn, |c| asked().load(c))?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(QueryableByName)]
struct DueRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    conversion_id: i64,
    #[diesel(sql_type = Text)]
    idempotency_key: String,
    #[diesel(sql_type = Text)]
    told_status: String,
    #[diesel(sql_type = BigInt)]
    revenue_micros: i64,
    #[diesel(sql_type = BigInt)]
    payout_micros: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    sale_amount_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = BigInt)]
    give_up_at_ms: i64,
}

/// Takes some of a destination's that are to be sent now, and holds them until a time. What happened earlier to the same
/// conversion is told first: while it is not, nothing later is taken.
///
/// # Errors
/// The database fails.
pub fn lease(
    conn: &mut AnyConnection,
    destination_id: i64,
    now_ms: i64,
    until_ms: i64,
    rows_max: i64,
) -> Result<Vec<Due>> {
    const TAKEN: &str = "returning id, conversion_id, idempotency_key, told_status, revenue_micros, payout_micros, \
                         sale_amount_micros, failures, give_up_at_ms";
    // The numbers stand for the values below, on both databases.
    let wanted = |skip: &str| {
        format!(
            "update deliveries set lease_until_ms = $1 where id in (select one.id from deliveries as one \
             where one.destination_id = $2 and one.state = 'due' and one.next_attempt_at_ms <= $3 \
             and (one.lease_until_ms is null or one.lease_until_ms <= $3) and not exists (select 1 from deliveries as earlier \
             where earlier.destination_id = one.destination_id and earlier.conversion_id = one.conversion_id \
             and earlier.occasion < one.occasion and earlier.state = 'due') \
             order by one.next_attempt_at_ms, one.id limit $4{skip}) {TAKEN}"
        )
    };
    let asked = |text: String| {
        diesel::sql_query(text)
            .bind::<BigInt, _>(until_ms)
            .bind::<BigInt, _>(destination_id)
            .bind::<BigInt, _>(now_ms)
            .bind::<BigInt, _>(rows_max)
    };
    let mut rows: Vec<DueRow> = match conn {
        AnyConnection::Sqlite(sqlite) => asked(wanted("").replace('$', "?")).load(sqlite)?,
        AnyConnection::Pg(pg) => asked(wanted(" for update skip locked")).load(pg)?,
    };
    rows.sort_unstable_by_key(|row| row.id);
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                id: row.id,
                destination_id,
                conversion_id: row.conversion_id,
                idempotency_key: row.idempotency_key,
                told_status: word(&row.told_status, Status::parse)?,
                revenue_micros: row.revenue_micros,
                payout_micros: row.payout_micros,
                sale_amount_micros: row.sale_amount_micros,
                failures: row.failures,
                give_up_at_ms: row.give_up_at_ms,
            })
        })
        .collect()
}

/// Gives back what was held and not begun.
///
/// # Errors
/// The database fails.
pub fn release(conn: &mut AnyConnection, ids: &[i64]) -> Result<()> {
    for some in ids.chunks(ROWS_MAX) {
        diesel::update(deliveries::table.filter(deliveries::id.eq_any(some)))
            .set(deliveries::lease_until_ms.eq(None::<i64>))
            .execute(conn)?;
    }
    Ok(())
}

/// Keeps what became of some, and gives their leases back.
///
/// # Errors
/// The database fails.
pub fn note(conn: &mut AnyConnection, outcomes: &[Outcome]) -> Result<()> {
    for one in outcomes {
        let own = deliveries::table.find(one.id);
        let stands = (
            deliveries::state.eq(one.state.as_str()),
            deliveries::next_attempt_at_ms.eq(one.next_attempt_at_ms),
            deliveries::skip_reason.eq(one.skip_reason.as_deref()),
            deliveries::failures.eq(one.failures),
            deliveries::lease_until_ms.eq(None::<i64>),
        );
        match &one.attempt {
            None => diesel::update(own).set(stands).execute(conn)?,
            Some(attempt) => {
                let last = (
                    deliveries::attempts.eq(deliveries::attempts + 1),
                    deliveries::last_at_ms.eq(attempt.at_ms),
                    deliveries::last_code.eq(attempt.code),
                    deliveries::last_error.eq(attempt.error.as_deref()),
                );
                diesel::update(own).set((stands, last)).execute(conn)?
            }
        };
    }
    let attempts: Vec<&Attempt> = outcomes.iter().filter_map(|one| one.attempt.as_ref()).collect();
    for some in attempts.chunks(ROWS_MAX / 9) {
        match conn {
            AnyConnection::Sqlite(sqlite) => {
                for attempt in some {
                    diesel::insert_into(delivery_attempts::table).values(*attempt).execute(sqlite)?;
                }
            }
            AnyConnection::Pg(pg) => {
                diesel::insert_into(delivery_attempts::table).values(some.to_vec()).execute(pg)?;
            }
        }
    }
    Ok(())
}

/// Fails what was not told within its time because its destination was off; says how many.
///
/// # Errors
/// The database fails.
pub fn give_up(conn: &mut AnyConnection, now_ms: i64, rows_max: i64) -> Result<usize> {
    const OFF: &str = "The destination was off until this was no longer tried";
    let off = destinations::table
        .filter(destinations::status.ne(EntityStatus::Active.as_str()))
        .select(destinations::id);
    let ids: Vec<i64> = deliveries::table
        .filter(deliveries::state.eq(DeliveryState::Due.as_str()))
        .filter(deliveries::give_up_at_ms.lt(now_ms))
        .filter(deliveries::destination_id.eq_any(off))
        .select(deliveries::id)
        .limit(rows_max)
        .load(conn)?;
    let mut count = 0;
    for some in ids.chunks(ROWS_MAX) {
        count += diesel::update(deliveries::table.filter(deliveries::id.eq_any(some)))
            .set((
                deliveries::state.eq(DeliveryState::Failed.as_str()),
                deliveries::next_attempt_at_ms.eq(None::<i64>),
                deliveries::last_error.eq(OFF),
            ))
            .execute(conn)?;
    }
    Ok(count)
}

/// Puts some that ended back into the queue, to be sent at once and tried as long as new ones; says how many. What is due is
/// tried at once. What is being sent stays as it is, and so does what nobody would send since its destination is off.
///
/// # Errors
/// The database fails.
pub fn resend(conn: &mut AnyConnection, ids: &[i64], now_ms: i64, give_up_at_ms: i64) -> Result<usize> {
    let mut count = 0;
    for some in ids.chunks(ROWS_MAX) {
        let in_use = destinations::table
            .filter(destinations::status.eq(EntityStatus::Active.as_str()))
            .select(destinations::id);
        count += diesel::update(
            deliveries::table
                .filter(deliveries::id.eq_any(some))
                .filter(deliveries::lease_until_ms.is_null().or(deliveries::lease_until_ms.le(now_ms)))
                .filter(deliveries::destination_id.eq_any(in_use)),
        )
        .set((
            deliveries::state.eq(DeliveryState::Due.as_str()),
            deliveries::next_attempt_at_ms.eq(now_ms),
            deliveries::give_up_at_ms.eq(give_up_at_ms),
            deliveries::failures.eq(0),
            deliveries::skip_reason.eq(None::<String>),
        ))
        .execute(conn)?;
    }
    Ok(count)
}

/// Takes away the deliveries of some conversions, with their attempts: of test data alone.
///
/// # Errors
/// The database fails.
pub fn delete_of(conn: &mut AnyConnection, conversion_ids: &[i64]) -> Result<()> {
    for some in conversion_ids.chunks(ROWS_MAX) {
        let own = deliveries::table.filter(deliveries::conversion_id.eq_any(some));
        let ids: Vec<i64> = own.select(deliveries::id).load(conn)?;
        for few in ids.chunks(ROWS_MAX) {
            diesel::delete(delivery_attempts::table.filter(delivery_attempts::delivery_id.eq_any(few)))
                .execute(conn)?;
            diesel::delete(deliveries::table.filter(deliveries::id.eq_any(few))).execute(conn)?;
        }
    }
    Ok(())
}
