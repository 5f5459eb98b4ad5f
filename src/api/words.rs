//! How the API writes values that JSON has no words for.

use chrono::{DateTime, SecondsFormat};

/// An instant as RFC 3339 in UTC.
pub(super) fn instant(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(1_767_225_600_250), "2026-01-01T00:00:00.250Z");
    }
}
