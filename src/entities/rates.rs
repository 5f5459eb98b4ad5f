//! Exchange rates, added one by one or by a file.

use super::{Error, account_currency};
use crate::db::{self, Db, Priority, rates};
use crate::domain::input::FieldErrors;
use crate::domain::rate::{Rate, Sheet, read_ecb, read_sheet};

/// Keeps one rate, as it was typed: currency, day and rate. It replaces that of the same day.
///
/// # Errors
/// What is wrong with each field, or the database fails.
pub fn put(db: &Db, typed: (&str, &str, &str), source: &str, now_ms: i64) -> Result<Rate, Error> {
    db.write(Priority::Pages, |conn| {
        let account = account_currency(conn)?;
        let rate = Rate::read(typed, account).map_err(|(field, why)| FieldErrors::one(field, why))?;
        rates::put(conn, std::slice::from_ref(&rate), source, now_ms)?;
        Ok(rate)
    })
}

/// Reads a file of rates, and says what is wrong with it row by row; writes nothing.
///
/// # Errors
/// The database fails.
pub fn look(db: &Db, text: &str) -> Result<Sheet, Error> {
    let account = db.read(account_currency)?;
    Ok(read_sheet(text, account))
}

/// Keeps the rates of a file, all or, where a row has a fault, none; says what was read.
///
/// # Errors
/// The database fails.
pub fn put_sheet(db: &Db, text: &str, source: &str, now_ms: i64) -> Result<Sheet, Error> {
    db.write(Priority::Pages, |conn| {
        let sheet = read_sheet(text, account_currency(conn)?);
        if sheet.faults.is_empty() {
            rates::put(conn, &sheet.rates, source, now_ms)?;
        }
        Ok::<_, db::Error>(sheet)
    })
    .map_err(Error::from)
}

/// Keeps the rates that the European Central Bank publishes, for as many days as are in the document, and says how many.
///
/// # Errors
/// Why it cannot be read, or the database fails.
pub fn put_ecb(db: &Db, text: &str, now_ms: i64) -> Result<usize, Error> {
    let days = read_ecb(text).map_err(|why| FieldErrors::one("body", why))?;
    db.write(Priority::Pages, |conn| {
        let account = account_currency(conn)?;
        let all: Vec<Rate> = days.iter().flat_map(|day| day.rates_to(account)).collect();
        if all.is_empty() {
            let why = format!("The bank publishes no rate of {account}: add rates by hand or as CSV");
            return Err(FieldErrors::one("body", why).into());
        }
        rates::put(conn, &all, "ecb", now_ms)?;
        Ok(all.len())
    })
}
