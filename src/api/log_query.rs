//! The logs' parameters: which part of a log is asked for.

use crate::db::search::{ListQuery, PAGE_MAX, PAGE_SIZE_MAX};
use crate::domain::anomaly::Unusual;
use crate::domain::click_id::ClickId;
use crate::domain::delivery::DeliveryState;
use crate::domain::figures::Bots;
use crate::domain::input::{self, FieldErrors};
use crate::domain::status::Status;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::limits::{SEARCH_CHARS_MAX, SECONDS_MAX};
use chrono::{DateTime, Days, NaiveDate};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What every log understands.
const SHARED: [&str; 6] = ["page", "page_size", "q", "from", "to", "test"];

/// What is asked of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LogQuery {
    pub(super) list: ListQuery,
    pub(super) from_ms: Option<i64>,
    pub(super) to_ms: Option<i64>,
    pub(super) campaign_id: Option<i64>,
    pub(super) offer_id: Option<i64>,
    pub(super) source_id: Option<i64>,
    pub(super) advertiser_id: Option<i64>,
    pub(super) min_seconds: Option<i64>,
    pub(super) max_seconds: Option<i64>,
    pub(super) unusual: Option<Unusual>,
    pub(super) destination_id: Option<i64>,
    pub(super) conversion_id: Option<i64>,
    pub(super) state: Option<DeliveryState>,
    pub(super) status: Option<Status>,
    pub(super) result: Option<PostbackResult>,
    pub(super) code: Option<Code>,
    pub(super) click_id: Option<ClickId>,
    pub(super) txid: Option<String>,
    pub(super) bots: Option<Bots>,
    pub(super) is_test: Option<bool>,
}

/// Reads a log's query string. `own` names what this log understands besides the shared parameters.
pub(super) fn log_query(query_string: &str, own: &[&str]) -> Result<LogQuery, FieldErrors> {
    let pairs = url::form_urlencoded::parse(query_string.as_bytes());
    let known: Vec<&str> = SHARED.iter().chain(own).copied().collect();
    read(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())), &known)
}

/// Reads the same as the fields of a JSON object, without a page: all that it finds is meant.
pub(super) fn log_filter(fields: &Map<String, Value>, own: &[&str]) -> Result<LogQuery, FieldErrors> {
    let known: Vec<&str> =
        SHARED.iter().filter(|name| !name.starts_with("page")).chain(own).copied().collect();
    let pairs = fields.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        (name.clone(), text)
    });
    read(pairs, &known)
}

fn read(pairs: impl Iterator<Item = (String, String)>, known: &[&str]) -> Result<LogQuery, FieldErrors> {
    let mut query = LogQuery::default();
    let mut errors = FieldErrors::default();
    let mut seen = HashSet::new();
    for (name, value) in pairs {
        let outcome = if !known.contains(&name.as_str()) {
            Err(format!("There is no such parameter: there are {}", known.join(", ")))
        } else if seen.insert(name.clone()) {
            set(&mut query, &name, &value)
        } else {
            Err("Stands here twice".to_owned())
        };
        if let Err(message) = outcome {
            errors.push(&name, message);
        }
    }
    errors.into_result()?;
    Ok(query)
}

fn set(query: &mut LogQuery, name: &str, text: &str) -> Result<(), String> {
    let value = Value::from(text);
    let id = || input::int(&value, 1, i64::MAX).map(Some);
    match name {
        "page" => query.list.page = input::int(&value, 1, PAGE_MAX)?,
        "page_size" => query.list.page_size = input::int(&value, 1, PAGE_SIZE_MAX)?,
        "q" => query.list.q = input::line(&value, SEARCH_CHARS_MAX)?,
        "from" => query.from_ms = Some(moment(text, false)?),
        "to" => query.to_ms = Some(moment(text, true)?),
        "campaign_id" => query.campaign_id = id()?,
        "offer_id" => query.offer_id = id()?,
        "source_id" => query.source_id = id()?,
        "min_seconds" => query.min_seconds = Some(input::int(&value, 0, SECONDS_MAX)?),
        "max_seconds" => query.max_seconds = Some(input::int(&value, 0, SECONDS_MAX)?),
        "anomaly" => query.unusual = Some(input::word(&value, Unusual::parse, Unusual::choices)?),
        "advertiser_id" => query.advertiser_id = id()?,
        "destination_id" => query.destination_id = id()?,
        "conversion_id" => query.conversion_id = id()?,
        "state" => query.state = Some(input::word(&value, DeliveryState::parse, DeliveryState::choices)?),
        "status" => query.status = Some(input::word(&value, Status::parse, Status::choices)?),
        "result" => query.result = Some(input::word(&value, PostbackResult::parse, PostbackResult::choices)?),
        "code" => query.code = Some(input::word(&value, Code::parse, Code::choices)?),
        "txid" => query.txid = Some(input::line(&value, SEARCH_CHARS_MAX)?),
        "bots" => query.bots = Some(input::word(&value, Bots::parse, Bots::choices)?),
        "test" => query.is_test = test(&value)?,
        _ => {
            let wanted = "Is no click id: those have 26 characters";
            query.click_id = Some(ClickId::parse(text).ok_or(wanted)?);
        }
    }
    Ok(())
}

/// Whether test data is asked for: alone, not at all, or beside the real one.
fn test(value: &Value) -> Result<Option<bool>, String> {
    Ok(match input::word(value, Bots::parse, Bots::choices)? {
        Bots::Exclude => Some(false),
        Bots::Include => None,
        Bots::Only => Some(true),
    })
}

/// A moment, or a day in UTC: its start, or as an end the start of the next one.
fn moment(text: &str, is_end: bool) -> Result<i64, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.timestamp_millis());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    let day = day.map_err(|_unread| "Is neither a day (2026-11-01) nor a moment (2026-11-01T10:00:00Z)")?;
    let day = if is_end { day.checked_add_days(Days::new(1)).unwrap_or(day) } else { day };
    Ok(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_moments_exact() {
        let query = log_query("from=2026-01-01&to=2026-01-01&test=only", &[]).unwrap();
        assert_eq!((query.from_ms, query.to_ms), (Some(1_767_225_600_000), Some(1_767_312_000_000)));
        assert_eq!(query.is_test, Some(true));
        let query = log_query("from=2026-01-01T01:00:00%2B01:00", &[]).unwrap();
        assert_eq!(query.from_ms, Some(1_767_225_600_000));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let errors = log_query("from=x&code=gone&code=bad_key&click_id=7&test=no", &["code"]).unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["from", "code", "code", "click_id", "test"]);
        assert!(errors.message("click_id").unwrap().contains("page_size, q, from, to, test, code"));
    }
}
