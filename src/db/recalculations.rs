//! Money of a period that was counted anew after a wrong rate: who did it, and what each conversion earned before and after.

use super::schema::{conversions, recalculated_conversions, recalculations};
use super::search::VALUES_MAX;
use super::{AnyConnection, Result, on_each};
use crate::domain::money::Currency;
use chrono::NaiveDate;
use diesel::prelude::*;

pub use super::recalculation_log::{Done, find, list};

/// The money was put back as it was before.
pub(super) const RESTORED: &str = "restored";
/// The money was changed since, and left as it is.
const LEFT: &str = "left";

/// Whose conversions are counted anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of one offer.
    Offer(i64),
    /// Those that one advertiser's postbacks made.
    Advertiser(i64),
}

impl Scope {
    /// The offer, where it is one.
    #[must_use]
    pub const fn offer_id(self) -> Option<i64> {
        if let Self::Offer(id) = self { Some(id) } else { None }
    }

    /// The advertiser, where it is one.
    #[must_use]
    pub const fn advertiser_id(self) -> Option<i64> {
        if let Self::Advertiser(id) = self { Some(id) } else { None }
    }
}

/// What is counted anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalculation {
    /// Whose conversions.
    pub scope: Scope,
    /// The first day, in the zone.
    pub from_day: NaiveDate,
    /// The last day, included.
    pub to_day: NaiveDate,
    /// The zone's name.
    pub time_zone: String,
    /// The start, Unix milliseconds.
    pub from_ms: i64,
    /// The end, exclusive.
    pub to_ms: i64,
    /// By the offer's present terms, where the postback said no amount itself.
    pub takes_terms: bool,
    /// By the exchange rates as they are known now.
    pub takes_rates: bool,
    /// Why.
    pub why: String,
}

/// A conversion's money: in its own currency, and in the account's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earning {
    /// In its own currency.
    pub original_micros: i64,
    /// Which is this.
    pub currency: Currency,
    /// The rate to the account currency, in billionths.
    pub rate_nanos: i64,
    /// In the account currency.
    pub revenue_micros: i64,
}

/// A conversion that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub conversion_id: i64,
    /// What it earned before.
    pub before: Earning,
    /// And after.
    pub after: Earning,
}

#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = recalculated_conversions)]
struct EntryRow {
    recalculation_id: i64,
    conversion_id: i64,
    currency_before: String,
    original_before_micros: i64,
    rate_before_nanos: i64,
    revenue_before_micros: i64,
    currency_after: String,
    original_after_micros: i64,
    rate_after_nanos: i64,
    revenue_after_micros: i64,
}

impl EntryRow {
    fn new(recalculation_id: i64, entry: &Entry) -> Self {
        Self {
            recalculation_id,
            conversion_id: entry.conversion_id,
            currency_before: entry.before.currency.to_string(),
            original_before_micros: entry.before.original_micros,
            rate_before_nanos: entry.before.rate_nanos,
            revenue_before_micros: entry.before.revenue_micros,
            currency_after: entry.after.currency.to_string(),
            original_after_micros: entry.after.original_micros,
            rate_after_nanos: entry.after.rate_nanos,
            revenue_after_micros: entry.after.revenue_micros,
        }
    }

    fn read(self) -> Result<Entry> {
        Ok(Entry {
            conversion_id: self.conversion_id,
            before: Earning {
                original_micros: self.original_before_micros,
                currency: super::word(&self.currency_before, Currency::parse)?,
                rate_nanos: self.rate_before_nanos,
                revenue_micros: self.revenue_before_micros,
            },
            after: Earning {
                original_micros: self.original_after_micros,
                currency: super::word(&self.currency_after, Currency::parse)?,
                rate_nanos: self.rate_after_nanos,
                revenue_micros: self.revenue_after_micros,
            },
        })
    }
}

/// The conversions that are meant, by number; at most so many. Tests earn nothing, and what only a pixel reported has no
/// money yet.
///
/// # Errors
/// The database fails.
pub fn conversions_in(conn: &mut AnyConnection, asked: &Recalculation, rows_max: i64) -> Result<Vec<i64>> {
    let mut meant = conversions::table
        .filter(conversions::converted_at_ms.ge(asked.from_ms))
        .filter(conversions::converted_at_ms.lt(asked.to_ms))
        .filter(conversions::is_test.eq(false))
        .filter(conversions::is_unconfirmed.eq(false))
        .into_boxed();
    meant = match asked.scope {
        Scope::Offer(id) => meant.filter(conversions::offer_id.eq(id)),
        Scope::Advertiser(id) => meant.filter(conversions::advertiser_id.eq(id)),
    };
    Ok(meant.order(conversions::id).limit(rows_max).select(conversions::id).load(conn)?)
}

/// Notes that one begins; comes back with its number.
///
/// # Errors
/// The database fails.
pub fn begin(conn: &mut AnyConnection, asked: &Recalculation, user_id: i64, now_ms: i64) -> Result<i64> {
    let row = (
        recalculations::created_at_ms.eq(now_ms),
        recalculations::user_id.eq(user_id),
        recalculations::why.eq(&asked.why),
        recalculations::offer_id.eq(asked.scope.offer_id()),
        recalculations::advertiser_id.eq(asked.scope.advertiser_id()),
        recalculations::from_day.eq(asked.from_day.to_string()),
        recalculations::to_day.eq(asked.to_day.to_string()),
        recalculations::time_zone.eq(&asked.time_zone),
        recalculations::from_ms.eq(asked.from_ms),
        recalculations::to_ms.eq(asked.to_ms),
        recalculations::takes_terms.eq(asked.takes_terms),
        recalculations::takes_rates.eq(asked.takes_rates),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(recalculations::table)
        .values(row)
        .returning(recalculations::id)
        .get_result(c))?)
}

/// Keeps what some conversions earned before and after.
///
/// # Errors
/// The database fails.
pub fn keep(conn: &mut AnyConnection, id: i64, entries: &[Entry]) -> Result<()> {
    for some in entries.chunks(VALUES_MAX) {
        let rows: Vec<EntryRow> = some.iter().map(|entry| EntryRow::new(id, entry)).collect();
        on_each!(conn, |c| diesel::insert_into(recalculated_conversions::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// Notes that all of it is written.
///
/// # Errors
/// The database fails.
pub fn finish(conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<()> {
    diesel::update(recalculations::table.find(id))
        .set(recalculations::finished_at_ms.eq(now_ms))
        .execute(conn)?;
    Ok(())
}

/// What is not taken back yet, of some conversions or of all; at most so many.
///
/// # Errors
/// The database fails.
pub fn open_entries(conn: &mut AnyConnection, id: i64, rows_max: i64) -> Result<Vec<Entry>> {
    let rows: Vec<EntryRow> = recalculated_conversions::table
        .filter(recalculated_conversions::recalculation_id.eq(id))
        .filter(recalculated_conversions::outcome.is_null())
        .order(recalculated_conversions::conversion_id)
        .limit(rows_max)
        .select(EntryRow::as_select())
        .load(conn)?;
    rows.into_iter().map(EntryRow::read).collect()
}

/// Notes what became of conversions that were to be put back.
///
/// # Errors
/// The database fails.
pub fn settle(conn: &mut AnyConnection, id: i64, conversion_ids: &[i64], is_restored: bool) -> Result<()> {
    for some in conversion_ids.chunks(VALUES_MAX) {
        let own = recalculated_conversions::table
            .filter(recalculated_conversions::recalculation_id.eq(id))
            .filter(recalculated_conversions::conversion_id.eq_any(some));
        diesel::update(own)
            .set(recalculated_conversions::outcome.eq(if is_restored { RESTORED } else { LEFT }))
            .execute(conn)?;
    }
    Ok(())
}

/// Holds one until the transaction ends, so that nobody else takes it back meanwhile; whether it is there.
///
/// # Errors
/// The database fails.
pub fn hold(conn: &mut AnyConnection, id: i64) -> Result<bool> {
    let own = recalculations::table.find(id).select(recalculations::id);
    let found: Option<i64> = match conn {
        AnyConnection::Sqlite(sqlite) => own.first(sqlite).optional()?,
        AnyConnection::Pg(pg) => own.for_no_key_update().first(pg).optional()?,
    };
    Ok(found.is_some())
}

/// Notes that all of it was taken back, the first time.
///
/// # Errors
/// The database fails.
pub fn take_back(conn: &mut AnyConnection, id: i64, user_id: i64, now_ms: i64) -> Result<()> {
    let own = recalculations::table
        .filter(recalculations::id.eq(id))
        .filter(recalculations::taken_back_at_ms.is_null());
    diesel::update(own)
        .set((recalculations::taken_back_at_ms.eq(now_ms), recalculations::taken_back_by.eq(user_id)))
        .execute(conn)?;
    Ok(())
}

/// The conversions that were left as they are when one was taken back, by number.
///
/// # Errors
/// The database fails.
pub fn left(conn: &mut AnyConnection, id: i64) -> Result<Vec<i64>> {
    Ok(recalculated_conversions::table
        .filter(recalculated_conversions::recalculation_id.eq(id))
        .filter(recalculated_conversions::outcome.eq(LEFT))
        .order(recalculated_conversions::conversion_id)
        .select(recalculated_conversions::conversion_id)
        .load(conn)?)
}
