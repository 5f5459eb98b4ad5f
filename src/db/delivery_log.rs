//! The log of deliveries: pages of them, narrowed, and one with its attempts.

use super::deliveries::Attempt;
use super::log::page;
use super::schema::{conversions, deliveries, delivery_attempts, destinations};
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Error, Result, word};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::click_id::ClickId;
use crate::domain::delivery::DeliveryState;
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

/// Conversions of one click or one transaction that the log looks for: no sale has more, and an id that a script repeats has
/// pages of its own.
const CONVERSIONS_MAX: i64 = 500;

/// A delivery as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// Who is told.
    pub destination_id: i64,
    /// Of which conversion.
    pub conversion_id: i64,
    /// The same at every attempt.
    pub idempotency_key: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// Why nothing was sent.
    pub skip_reason: Option<String>,
    /// The status that is told.
    pub told_status: Status,
    /// Revenue as it then was, in the account currency.
    pub revenue_micros: i64,
    /// Payout as it then was, in the account currency.
    pub payout_micros: i64,
    /// Order value as it then was, in the account currency.
    pub sale_amount_micros: Option<i64>,
    /// How often it was sent.
    pub attempts: i64,
    /// Failures since it was queued, or sent again by hand.
    pub failures: i64,
    /// When it happened, Unix milliseconds.
    pub created_at_ms: i64,
    /// When it is tried next.
    pub next_attempt_at_ms: Option<i64>,
    /// Until when it is tried.
    pub give_up_at_ms: i64,
    /// When it was sent last.
    pub last_at_ms: Option<i64>,
    /// What it was answered then.
    pub last_code: Option<i64>,
    /// Why that was no success.
    pub last_error: Option<String>,
}

impl Delivery {
    /// Why it is not sent, or was not the last time; empty where all is well.
    #[must_use]
    pub fn why(&self) -> &str {
        self.skip_reason.as_deref().or(self.last_error.as_deref()).unwrap_or_default()
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct Row {
    id: i64,
    destination_id: i64,
    conversion_id: i64,
    idempotency_key: String,
    state: String,
    skip_reason: Option<String>,
    told_status: String,
    revenue_micros: i64,
    payout_micros: i64,
    sale_amount_micros: Option<i64>,
    attempts: i64,
    failures: i64,
    created_at_ms: i64,
    next_attempt_at_ms: Option<i64>,
    give_up_at_ms: i64,
    last_at_ms: Option<i64>,
    last_code: Option<i64>,
    last_error: Option<String>,
}

impl TryFrom<Row> for Delivery {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            destination_id: row.destination_id,
            conversion_id: row.conversion_id,
            idempotency_key: row.idempotency_key,
            state: word(&row.state, DeliveryState::parse)?,
            skip_reason: row.skip_reason,
            told_status: word(&row.told_status, Status::parse)?,
            revenue_micros: row.revenue_micros,
            payout_micros: row.payout_micros,
            sale_amount_micros: row.sale_amount_micros,
            attempts: row.attempts,
            failures: row.failures,
            created_at_ms: row.created_at_ms,
            next_attempt_at_ms: row.next_attempt_at_ms,
            give_up_at_ms: row.give_up_at_ms,
            last_at_ms: row.last_at_ms,
            last_code: row.last_code,
            last_error: row.last_error,
        })
    }
}

/// Which deliveries a log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Start by when they were queued, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// End, exclusive.
    pub to_ms: Option<i64>,
    /// To one destination only.
    pub destination_id: Option<i64>,
    /// Of one conversion only.
    pub conversion_id: Option<i64>,
    /// Of one click's conversions only.
    pub click_id: Option<ClickId>,
    /// Of one transaction's conversions only.
    pub txid: Option<String>,
    /// One state only.
    pub state: Option<DeliveryState>,
    /// A conversion's number, a transaction, a delivery's key, or in why it was not sent.
    pub q: String,
    /// To destinations for tests only, to real ones only, or to both.
    pub is_test: Option<bool>,
    /// Rows before the page.
    pub offset: i64,
    /// Rows of the page.
    pub limit: i64,
}

/// The conversions that a query names, looked up first: there are few of them, and each has its index.
struct Named {
    /// Of its click and its transaction; `None` where it names neither.
    only: Option<Vec<i64>>,
    /// What its text may mean.
    maybe: Vec<i64>,
}

impl Named {
    fn look(conn: &mut AnyConnection, query: &DeliveryQuery) -> Result<Self> {
        let mut only = match query.click_id {
            Some(id) => Some(of_click(conn, id)?),
            None => None,
        };
        if let Some(txid) = &query.txid {
            let own = of_txid(conn, txid)?;
            only = Some(match only {
                Some(known) => known.into_iter().filter(|id| own.contains(id)).collect(),
                None => own,
            });
        }
        let mut maybe = if query.q.is_empty() { Vec::new() } else { of_txid(conn, &query.q)? };
        maybe.extend(query.q.parse::<i64>().ok());
        Ok(Self { only, maybe })
    }
}

fn of_click(conn: &mut AnyConnection, id: ClickId) -> Result<Vec<i64>> {
    Ok(conversions::table
        .filter(conversions::click_id.eq(id.bytes().to_vec()))
        .select(conversions::id)
        .limit(CONVERSIONS_MAX)
        .load(conn)?)
}

/// By each advertiser, since the index begins with it; its own words repeated, else SQLite does not see that it holds all.
fn of_txid(conn: &mut AnyConnection, txid: &str) -> Result<Vec<i64>> {
    let advertisers = super::schema::advertisers::table.select(super::schema::advertisers::id);
    Ok(conversions::table
        .filter(conversions::advertiser_id.eq_any(advertisers))
        .filter(conversions::txid.eq(txid))
        .filter(diesel::dsl::sql::<Bool>("txid <> ''"))
        .select(conversions::id)
        .limit(CONVERSIONS_MAX)
        .load(conn)?)
}

/// In the words of the indexes, not as a value, else SQLite does not see that an index holds all of them.
const fn in_state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Due => "state = 'due'",
        DeliveryState::Sent => "state = 'sent'",
        DeliveryState::Failed => "state = 'failed'",
        DeliveryState::Skipped => "state = 'skipped'",
    }
}

/// The rows that a query is about.
macro_rules! matching {
    ($query:ident, $named:ident) => {{
        let mut rows = deliveries::table.into_boxed();
        if let Some(from_ms) = $query.from_ms {
            rows = rows.filter(deliveries::created_at_ms.ge(from_ms));
        }
        if let Some(to_ms) = $query.to_ms {
            rows = rows.filter(deliveries::created_at_ms.lt(to_ms));
        }
        if let Some(id) = $query.destination_id {
            rows = rows.filter(deliveries::destination_id.eq(id));
        }
        if let Some(id) = $query.conversion_id {
            rows = rows.filter(deliveries::conversion_id.eq(id));
        }
        if let Some(ids) = &$named.only {
            rows = rows.filter(deliveries::conversion_id.eq_any(ids.clone()));
        }
        if let Some(state) = $query.state {
            rows = rows.filter(diesel::dsl::sql::<Bool>(in_state(state)));
        }
        if let Some(is_test) = $query.is_test {
            let own = destinations::table.filter(destinations::is_test.eq(is_test)).select(destinations::id);
            rows = rows.filter(deliveries::destination_id.eq_any(own));
        }
        if !$query.q.is_empty() {
            let why = diesel::dsl::sql::<Text>("coalesce(skip_reason, last_error, '')");
            let found = fold_case(why).like(contains(&$query.q)).escape('\\');
            let found = found.or(deliveries::idempotency_key.eq($query.q.clone()));
            rows = rows.filter(found.or(deliveries::conversion_id.eq_any($named.maybe.clone())));
        }
        rows
    }};
}

/// A page of deliveries, newest first. The total is counted up to [`COUNTED_MAX`] and one.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &DeliveryQuery) -> Result<Listed<Delivery>> {
    let named = Named::look(conn, query)?;
    let matching = || matching!(query, named);
    page!(conn, query, deliveries, created_at_ms, matching)
}

/// The numbers of the deliveries that a query is about and that can be sent again now, oldest first; at most so many. Its page
/// says nothing here.
///
/// # Errors
/// The database fails.
pub fn sendable(
    conn: &mut AnyConnection,
    query: &DeliveryQuery,
    now_ms: i64,
    rows_max: i64,
) -> Result<Vec<i64>> {
    let named = Named::look(conn, query)?;
    let in_use = destinations::table
        .filter(destinations::status.eq(EntityStatus::Active.as_str()))
        .select(destinations::id);
    let rows = matching!(query, named)
        .filter(deliveries::destination_id.eq_any(in_use))
        .filter(deliveries::lease_until_ms.is_null().or(deliveries::lease_until_ms.le(now_ms)))
        .order((deliveries::created_at_ms, deliveries::id))
        .limit(rows_max);
    Ok(rows.select(deliveries::id).load(conn)?)
}

/// A delivery by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Delivery>> {
    let row: Option<Row> = deliveries::table.find(id).select(Row::as_select()).first(conn).optional()?;
    row.map(TryInto::try_into).transpose()
}

/// Which of some numbers are those of deliveries.
///
/// # Errors
/// The database fails.
pub fn known(conn: &mut AnyConnection, ids: &[i64]) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for some in ids.chunks(super::search::VALUES_MAX) {
        let rows: Vec<i64> =
            deliveries::table.filter(deliveries::id.eq_any(some)).select(deliveries::id).load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// The last attempts of one, oldest first; at most so many.
///
/// # Errors
/// The database fails.
pub fn attempts_of(conn: &mut AnyConnection, id: i64, rows_max: i64) -> Result<Vec<Attempt>> {
    let mut attempts: Vec<Attempt> = delivery_attempts::table
        .filter(delivery_attempts::delivery_id.eq(id))
        .order(delivery_attempts::id.desc())
        .limit(rows_max)
        .select(Attempt::as_select())
        .load(conn)?;
    attempts.reverse();
    Ok(attempts)
}

/// The deliveries of some conversions, oldest first; at most so many.
///
/// # Errors
/// The database fails.
pub fn of_conversions(
    conn: &mut AnyConnection,
    conversion_ids: &[i64],
    rows_max: i64,
) -> Result<Vec<Delivery>> {
    let wanted = conversion_ids.get(..super::search::VALUES_MAX).unwrap_or(conversion_ids);
    let rows: Vec<Row> = deliveries::table
        .filter(deliveries::conversion_id.eq_any(wanted))
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    // Sorted here, as conversions of clicks are: asked for the order, a planner may walk the whole table in it.
    let mut found: Vec<Delivery> = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    found.sort_unstable_by_key(|delivery| delivery.id);
    Ok(found)
}
