//! The settings about what is unusual about a conversion.

use crate::domain::anomaly::{AnomalyRules, CLICKS, FAST_SECONDS};
use crate::domain::input::{self, FieldErrors, Reading, put};
use serde_json::Value;

/// Sets one of these fields. `Ok(false)` where there is no such field.
pub(super) fn set(rules: &mut AnomalyRules, field: &str, value: &Value) -> Result<bool, FieldErrors> {
    match field {
        "anomaly_fast_seconds" => {
            let seconds = input::int(value, *FAST_SECONDS.start(), *FAST_SECONDS.end());
            put(&mut rules.fast_seconds, field, seconds)
        }
        "anomaly_other_country" => put(&mut rules.other_country, field, input::flag(value)),
        "anomaly_other_device" => put(&mut rules.other_device, field, input::flag(value)),
        "anomaly_device_clicks" => put(&mut rules.device_clicks, field, clicks(value)),
        "anomaly_address_clicks" => put(&mut rules.address_clicks, field, clicks(value)),
        _ => Ok(false),
    }
}

/// One click is never too many.
fn clicks(value: &Value) -> Reading<i64> {
    let wanted = format!("Must be 0, which switches it off, or a whole number from 2 to {}", CLICKS.end());
    match input::int(value, *CLICKS.start(), *CLICKS.end()) {
        Ok(number) if number != 1 => Ok(number),
        _ => Err(wanted),
    }
}
