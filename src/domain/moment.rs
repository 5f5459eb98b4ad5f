//! A moment, as people and programs write it.

use super::input::{self, Reading};
use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

/// Characters of a moment: RFC 3339 with nanoseconds and an offset has 35.
const CHARS_MAX: usize = 40;

/// Reads RFC 3339 (`2026-11-21T08:00:00Z`), or what a form's field sends (`2026-11-21T08:00`), which is in UTC; none where
/// blank.
///
/// # Errors
/// Not a moment.
pub fn read(value: &Value) -> Reading<Option<i64>> {
    if input::is_blank(value) {
        return Ok(None);
    }
    let text = input::line(value, CHARS_MAX)?;
    let exact = DateTime::parse_from_rfc3339(&text).ok().map(|at| at.timestamp_millis());
    let short = || {
        let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
        forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())
    };
    exact
        .or_else(|| short().map(|at| at.and_utc().timestamp_millis()))
        .map(Some)
        .ok_or_else(|| "Write a moment like 2026-11-21T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn moments_are_read_in_either_form() {
        let exact = read(&json!("2026-11-21T09:00:00+01:00")).unwrap();
        assert_eq!(exact, Some(1_795_248_000_000));
        assert_eq!(read(&json!("2026-11-21T08:00")), Ok(exact));
        assert_eq!(read(&json!("")), Ok(None));
        assert!(read(&json!("tomorrow")).is_err() && read(&json!("2026-13-01T00:00Z")).is_err());
    }
}
