//! The only place that knows Diesel and SQL: connections, migrations, and one file per noun.

mod connection;
mod conversion_changes;
mod conversion_log;
mod conversion_updates;
mod entity;
mod error;
mod log;
mod migrate;
mod new_click;
mod recalculation_log;
mod rollup_raw;
mod rollup_upsert;
#[allow(
    missing_docs,
    reason = "the table macro makes a public item per column; the migrations describe them"
)]
mod schema;
#[cfg(test)]
pub(crate) mod scratch;
mod sums;
mod write_gate;

pub mod advertisers;
pub mod campaigns;
pub mod cap_uses;
pub mod catalog_changes;
pub mod choices;
pub mod click_log;
pub mod clicks;
pub mod conversion_anomalies;
pub mod conversions;
pub mod credentials;
pub mod deliveries;
pub mod delivery_log;
pub mod destinations;
pub mod domains;
pub mod foreign_clicks;
pub mod forwards;
pub mod imports;
pub mod journal_positions;
pub mod judged_again;
pub mod landers;
pub mod ledger;
pub mod lists;
pub mod lp_clicks;
pub mod nonces;
pub mod offers;
pub mod own_hosts;
pub mod partitions;
pub mod postback_counts;
pub mod postbacks;
pub mod rates;
pub mod recalculations;
pub mod reconciliation_rows;
pub mod reconciliations;
pub mod report_names;
pub mod rollups;
pub mod search;
pub mod settings;
pub mod sources;
pub mod stories;
pub mod test_data;
pub mod users;
pub mod words_seen;

pub use connection::{AnyConnection, Backend, Db, OpenError, savepoint};
pub use error::{Error, Result};
pub use migrate::revert_all;
pub use write_gate::Priority;

/// Writes a statement once and runs it on either database, where the enum itself cannot.
macro_rules! on_each {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::AnyConnection::Sqlite($c) => $body,
            $crate::db::AnyConnection::Pg($c) => $body,
        }
    };
}
pub(crate) use on_each;

/// Reads a JSON column. What the database holds was written by us: where it cannot be read the row is
/// broken, and that is an error, never an empty value.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::broken_row(&error.to_string()))
}

/// Writes a JSON column.
pub(crate) fn json_text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::broken_row(&error.to_string()))
}

/// Reads a word column of a closed set.
pub(crate) fn word<T>(text: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| Error::broken_row(text))
}
