//! Exchange rates by day.

use super::schema::fx_rates;
use super::{AnyConnection, Error, Result, on_each, word};
use crate::domain::money::Currency;
use crate::domain::rate::{Rate, STALE_DAYS_MAX};
use chrono::{Days, NaiveDate};
use diesel::prelude::*;

/// A rate as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedRate {
    /// The rate.
    pub rate: Rate,
    /// Where it came from: `person`, `file`, `api`, or a fetch's host.
    pub source: String,
    /// When it was written, Unix milliseconds.
    pub created_at_ms: i64,
}

type Row = (String, String, i64, String, i64);

fn saved((currency, day, rate_nanos, source, created_at_ms): Row) -> Result<SavedRate> {
    let day = NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok().ok_or_else(|| Error::broken_row("day"))?;
    let rate = Rate { currency: word(&currency, Currency::parse)?, day, rate_nanos };
    Ok(SavedRate { rate, source, created_at_ms })
}

/// The rate of a currency on a day: its own, else the latest within [`STALE_DAYS_MAX`] before it.
///
/// # Errors
/// The database fails.
pub fn rate_on(conn: &mut AnyConnection, currency: Currency, day: NaiveDate) -> Result<Option<i64>> {
    let days = u64::try_from(STALE_DAYS_MAX).unwrap_or(0);
    let oldest = day.checked_sub_days(Days::new(days)).unwrap_or(day);
    Ok(fx_rates::table
        .filter(fx_rates::currency.eq(currency.as_str()))
        .filter(fx_rates::day.le(day.to_string()))
        .filter(fx_rates::day.ge(oldest.to_string()))
        .order(fx_rates::day.desc())
        .select(fx_rates::rate_nanos)
        .first(conn)
        .optional()?)
}

/// Keeps rates; one of the same currency and day is replaced.
///
/// # Errors
/// The database fails.
pub fn put(conn: &mut AnyConnection, rates: &[Rate], source: &str, now_ms: i64) -> Result<()> {
    for rate in rates {
        let written = (
            fx_rates::rate_nanos.eq(rate.rate_nanos),
            fx_rates::source.eq(source),
            fx_rates::created_at_ms.eq(now_ms),
        );
        let row =
            (fx_rates::currency.eq(rate.currency.as_str()), fx_rates::day.eq(rate.day.to_string()), written);
        on_each!(conn, |c| diesel::insert_into(fx_rates::table)
            .values(row.clone())
            .on_conflict((fx_rates::currency, fx_rates::day))
            .do_update()
            .set(written)
            .execute(c))?;
    }
    Ok(())
}

/// A page of rates, newest day first, of one currency or of all; and how many there are.
///
/// # Errors
/// The database fails.
pub fn list(
    conn: &mut AnyConnection,
    currency: Option<Currency>,
    (limit, offset): (i64, i64),
) -> Result<(Vec<SavedRate>, i64)> {
    let matching = || {
        let rows = fx_rates::table.into_boxed();
        match currency {
            Some(currency) => rows.filter(fx_rates::currency.eq(currency.to_string())),
            None => rows,
        }
    };
    let total = matching().select(diesel::dsl::count_star()).first(conn)?;
    let rows: Vec<Row> = matching()
        .order((fx_rates::day.desc(), fx_rates::currency.asc()))
        .limit(limit)
        .offset(offset)
        .select((
            fx_rates::currency,
            fx_rates::day,
            fx_rates::rate_nanos,
            fx_rates::source,
            fx_rates::created_at_ms,
        ))
        .load(conn)?;
    Ok((rows.into_iter().map(saved).collect::<Result<_>>()?, total))
}

/// When the last rate was written, and how many there are: another answer says that there are new ones.
///
/// # Errors
/// The database fails.
pub fn version(conn: &mut AnyConnection) -> Result<(Option<i64>, i64)> {
    Ok(fx_rates::table
        .select((diesel::dsl::max(fx_rates::created_at_ms), diesel::dsl::count_star()))
        .first(conn)?)
}

/// Takes all rates away: they are rates to an account currency that is another now.
///
/// # Errors
/// The database fails.
pub fn delete_all(conn: &mut AnyConnection) -> Result<()> {
    diesel::delete(fx_rates::table).execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Priority, scratch};

    #[test]
    fn the_latest_rate_counts_for_two_weeks() {
        scratch::on_each_database(|db| {
            let rate = |day, text| Rate::read(("EUR", day, text), Currency::USD).unwrap();
            let rates = [rate("2026-11-02", "1.1"), rate("2026-11-05", "1.2"), rate("2026-11-02", "1.15")];
            let on = |day| {
                let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").unwrap();
                let found: Result<Option<i64>> = db.read(|conn| rate_on(conn, rates[0].currency, day));
                found.unwrap()
            };
            assert_eq!(on("2026-11-02"), None);
            let put: Result<()> = db.write(Priority::Pages, |conn| put(conn, &rates, "person", 5));
            put.unwrap();
            assert_eq!(on("2026-11-01"), None);
            assert_eq!((on("2026-11-02"), on("2026-11-04")), (Some(1_150_000_000), Some(1_150_000_000)));
            assert_eq!((on("2026-11-05"), on("2026-11-19")), (Some(1_200_000_000), Some(1_200_000_000)));
            assert_eq!(on("2026-11-20"), None);
            assert_eq!(db.read(version).unwrap(), (Some(5), 2));
            let (listed, total) = db.read(|conn| list(conn, None, (1, 0))).unwrap();
            assert_eq!((listed[0].rate.day.to_string().as_str(), total), ("2026-11-05", 2));
        });
    }
}
