//! PostgreSQL's monthly partitions of clicks and received postbacks, made before they are needed.

use super::{AnyConnection, Result};
use crate::domain::click_id::ClickId;
use chrono::{DateTime, Datelike as _, Months, NaiveDate};
use diesel::connection::SimpleConnection as _;
use std::fmt::Write as _;

/// Months made ahead of the present one.
pub const MONTHS_AHEAD: u32 = 2;

/// The first day of the month that holds a time.
fn month_of(unix_ms: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(unix_ms)?.date_naive().with_day(1)
}

fn start_ms(month: NaiveDate) -> i64 {
    month.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis()
}

fn hex(id: ClickId) -> String {
    id.bytes().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Makes sure that the partitions from one time to another exist; nothing on SQLite.
///
/// # Errors
/// The database fails.
pub fn ensure(conn: &mut AnyConnection, from_ms: i64, to_ms: i64) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    let (Some(mut month), Some(last)) = (month_of(from_ms), month_of(to_ms)) else { return Ok(()) };
    while month <= last {
        let Some(next) = month.checked_add_months(Months::new(1)) else { return Ok(()) };
        let name = format!("{:04}_{:02}", month.year(), month.month());
        let (start, end) = (start_ms(month), start_ms(next));
        let (low, high) = (hex(ClickId::floor(start)), hex(ClickId::floor(end)));
        pg.batch_execute(&format!(
            "create table if not exists clicks_{name} partition of clicks \
                 for values from ('\\x{low}') to ('\\x{high}'); \
             create table if not exists postbacks_received_{name} partition of postbacks_received \
                 for values from ({start}) to ({end});"
        ))?;
        month = next;
    }
    Ok(())
}

/// The end of the months that are made ahead of a time, Unix milliseconds.
#[must_use]
pub fn ahead_of(now_ms: i64) -> i64 {
    month_of(now_ms)
        .and_then(|month| month.checked_add_months(Months::new(MONTHS_AHEAD)))
        .map_or(now_ms, start_ms)
}
