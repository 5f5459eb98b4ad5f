//! Exchange rates fetched every day from an address: the European Central Bank's, or any that answers in its form or as CSV.

use super::{Error, account_currency, rates};
use crate::db::{self, AnyConnection, Db, Priority, settings};
use crate::domain::input::FieldErrors;
use crate::domain::rate::read_sheet;
use crate::outgoing::{Call, Outgoing};
use crate::rounds::Rounds;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// From one fetch to the next where it succeeds: banks publish once a working day.
const FETCH_EVERY_MS: i64 = 24 * 3_600_000;

/// From a failure to the next attempt.
const AGAIN_AFTER_MS: i64 = 3_600_000;

/// How often it is looked whether a fetch is due.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How long a fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest document: the central bank's history since 1999 is 7 MB, its last 90 days 250 kB.
const DOCUMENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Characters of an address.
const URL_CHARS_MAX: usize = 2_000;

/// How the daily fetch stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RateFetch {
    /// Where rates come from; empty where they are not fetched.
    pub url: String,
    /// When they came last, Unix milliseconds.
    pub fetched_at_ms: Option<i64>,
    /// When they are fetched next, Unix milliseconds.
    pub due_at_ms: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// How the daily fetch stands.
///
/// # Errors
/// The database fails.
pub fn load(db: &Db) -> Result<RateFetch, Error> {
    Ok(db.read(find)?)
}

fn find(conn: &mut AnyConnection) -> db::Result<RateFetch> {
    let mut moment =
        |name| Ok::<_, db::Error>(settings::find(conn, name)?.and_then(|text| text.parse::<i64>().ok()));
    let (fetched_at_ms, due_at_ms) = (moment(settings::RATES_FETCHED)?, moment(settings::RATES_DUE)?);
    Ok(RateFetch {
        url: settings::find(conn, settings::RATES_URL)?.unwrap_or_default(),
        fetched_at_ms,
        due_at_ms,
        error: settings::find(conn, settings::RATES_ERROR)?,
    })
}

/// Says where rates are fetched from now on; an empty address ends it. The first fetch is due at once.
///
/// # Errors
/// It is no address that can be called, or the database fails.
pub fn set_url(db: &Db, typed: &str, now_ms: i64) -> Result<(), Error> {
    let url = typed.trim();
    if !url.is_empty() {
        check(url).map_err(|why| FieldErrors::one("rates_url", why))?;
    }
    db.write(Priority::Pages, |conn| {
        settings::remove(conn, settings::RATES_ERROR)?;
        if url.is_empty() {
            settings::remove(conn, settings::RATES_URL)?;
            settings::remove(conn, settings::RATES_DUE)?;
            return Ok(());
        }
        settings::put(conn, settings::RATES_URL, url)?;
        settings::put(conn, settings::RATES_DUE, &now_ms.to_string())
    })?;
    Ok(())
}

fn check(url: &str) -> Result<(), String> {
    if url.chars().count() > URL_CHARS_MAX {
        return Err(format!("Must have at most {URL_CHARS_MAX} characters"));
    }
    let is_called =
        Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if is_called {
        Ok(())
    } else {
        Err("Must be an address such as https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml"
            .to_owned())
    }
}

/// Fetches now, whether it is due or not, and says how many rates came. Nothing is done where no address is set.
///
/// # Errors
/// Why they could not be fetched or read (kept for the page as well), or the database fails.
pub fn fetch(db: &Db, outgoing: &Outgoing, now_ms: i64) -> Result<usize, Error> {
    let url = load(db)?.url;
    if url.is_empty() {
        return Err(FieldErrors::one("rates_url", "Name an address first").into());
    }
    let outcome = fetch_from(db, outgoing, &url, now_ms);
    let failed = match &outcome {
        Ok(_) => None,
        Err(Error::Fields(errors)) => errors.0.first().map(|error| error.message.clone()),
        // The next attempt finds the database again.
        Err(_) => return outcome,
    };
    let due_ms = now_ms.saturating_add(if failed.is_some() { AGAIN_AFTER_MS } else { FETCH_EVERY_MS });
    db.write(Priority::Pages, |conn| {
        // Another address was named meanwhile: this one's outcome says nothing about it.
        if settings::find(conn, settings::RATES_URL)?.as_deref() != Some(url.as_str()) {
            return Ok(());
        }
        settings::put(conn, settings::RATES_DUE, &due_ms.to_string())?;
        if let Some(why) = &failed {
            return settings::put(conn, settings::RATES_ERROR, why);
        }
        settings::put(conn, settings::RATES_FETCHED, &now_ms.to_string())?;
        settings::remove(conn, settings::RATES_ERROR).map(|_was_there| ())
    })?;
    outcome
}

fn fetch_from(db: &Db, outgoing: &Outgoing, url: &str, now_ms: i64) -> Result<usize, Error> {
    let refused = |why: String| Error::from(FieldErrors::one("rates_url", why));
    let call = Call::get(url, FETCH_TIMEOUT, DOCUMENT_BYTES_MAX);
    let answer = outgoing.send_blocking(call).map_err(|why| refused(why.to_string()))?;
    if !answer.is_success() {
        return Err(refused(format!("The address answered {}, not with rates", answer.code)));
    }
    if answer.is_cut {
        return Err(refused(format!("The document is longer than {} MB", DOCUMENT_BYTES_MAX / 1_048_576)));
    }
    let text = String::from_utf8_lossy(&answer.body);
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return rates::put_ecb(db, &text, now_ms).map_err(|error| match error {
            Error::Fields(errors) => {
                refused(errors.0.first().map(|error| error.message.clone()).unwrap_or_default())
            }
            other => other,
        });
    }
    let sheet = read_sheet(&text, db.read(account_currency)?);
    if let Some((row, why)) = sheet.faults.first() {
        return Err(refused(format!("Row {row} of the document: {why}")));
    }
    db.write(Priority::Pages, |conn| db::rates::put(conn, &sheet.rates, "fetched", now_ms))?;
    Ok(sheet.rates.len())
}

/// Fetches where it is due and no other node does; says whether it did.
fn fetch_due(db: &Db, outgoing: &Outgoing, now_ms: i64) -> Result<bool, Error> {
    let stand = load(db)?;
    let Some(due_ms) = stand.due_at_ms.filter(|due_ms| *due_ms <= now_ms && !stand.url.is_empty()) else {
        return Ok(false);
    };
    // Moved on before the fetch: a node that ends in the middle leaves the next attempt to whoever looks then.
    let moved = (due_ms.to_string(), now_ms.saturating_add(AGAIN_AFTER_MS).to_string());
    let is_ours = db.write(Priority::Pages, |conn| {
        settings::swap(conn, settings::RATES_DUE, (moved.0.as_str(), moved.1.as_str()))
    })?;
    if is_ours {
        fetch(db, outgoing, now_ms)?;
    }
    Ok(is_ours)
}

/// Starts the thread that fetches when it is due. Whoever ends it need not wait for a fetch under way: what it writes is one
/// transaction.
///
/// # Errors
/// No thread can be started.
pub fn keep_fetching(db: Arc<Db>, outgoing: Outgoing, now_ms: fn() -> i64) -> io::Result<Rounds> {
    Rounds::start("rates", LOOK_EVERY, move || {
        if let Err(why) = fetch_due(&db, &outgoing, now_ms()) {
            tracing::warn!(%why, "exchange rates were not fetched");
        }
    })
}
