//! What a record of a MaxMind-format database says, whoever made the database.

use serde_json::Value;

use crate::domain::Country;
use crate::domain::click::{VALUE_CHARS_MAX, cut};

/// The facts of one record; nothing where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) country: Option<Country>,
    pub(super) region: Option<Box<str>>,
    pub(super) city: Option<Box<str>>,
    pub(super) isp: Option<Box<str>>,
    pub(super) asn: Option<i64>,
    pub(super) connection: Option<Box<str>>,
}

impl Record {
    /// Reads the names that MaxMind, DB-IP and IPinfo give to these facts. A record is read once and kept, so that it
    /// may be read generously: what has another form than expected is left out, and the rest stays.
    pub(super) fn read(value: &Value) -> Self {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(name);
        let first = |pointers: &[&str]| pointers.iter().find_map(|pointer| text(pointer));
        let codes = ["/country/iso_code", "/registered_country/iso_code", "/country_code", "/country"];
        Self {
            country: first(&codes).and_then(|code| Country::parse(&code)),
            region: named(value, "/subdivisions/0").or_else(|| first(&["/region", "/region_name"])),
            city: named(value, "/city").or_else(|| first(&["/city"])),
            isp: first(&[
                "/isp",
                "/traits/isp",
                "/autonomous_system_organization",
                "/traits/autonomous_system_organization",
                "/as_name",
                "/organization",
            ]),
            asn: ["/autonomous_system_number", "/traits/autonomous_system_number", "/asn"]
                .iter()
                .find_map(|pointer| number(value.pointer(pointer)?)),
            connection: first(&["/connection_type", "/traits/connection_type"]).map(|word| connection(&word)),
        }
    }
}

/// The English name of a place with names, else its first.
fn named(value: &Value, pointer: &str) -> Option<Box<str>> {
    let names = value.pointer(pointer)?.get("names")?.as_object()?;
    names.get("en").or_else(|| names.values().next())?.as_str().and_then(name)
}

/// A name as clicks keep it: not empty, no longer than other values, without what no text column takes.
fn name(text: &str) -> Option<Box<str>> {
    let (kept, _) = cut(text.trim(), VALUE_CHARS_MAX);
    let clean: String = kept.chars().filter(|letter| !letter.is_control()).collect();
    (!clean.is_empty()).then(|| clean.into())
}

/// A network's number: `64500` or `AS64500`. Zero is nobody's.
fn number(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.trim_start_matches("AS").parse().ok()?,
        _ => return None,
    };
    Some(i64::from(number)).filter(|number| *number > 0)
}

/// The kind of connection in one word. MaxMind's five are renamed to what rules and templates say; another maker's word
/// stays, in small letters.
fn connection(word: &str) -> Box<str> {
    match word {
        "Cellular" => "mobile".into(),
        "Cable/DSL" => "cable_dsl".into(),
        other => other.to_lowercase().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_the_known_makers_write() {
        let city = Record::read(&json!({
            "country": {"iso_code": "DE", "names": {"en": "Germany"}},
            "subdivisions": [{"iso_code": "NW", "names": {"en": "North Rhine-Westphalia", "de": "NRW"}}],
            "city": {"geoname_id": 1, "names": {"de": "K\u{f6}ln", "en": "Cologne"}},
            "traits": {"isp": "Example", "autonomous_system_number": 64_500, "connection_type": "Corporate"},
        }));
        assert_eq!(city.country, Country::parse("DE"));
        assert_eq!(city.region.as_deref(), Some("North Rhine-Westphalia"));
        assert_eq!(city.city.as_deref(), Some("Cologne"));
        assert_eq!((city.isp.as_deref(), city.asn), (Some("Example"), Some(64_500)));
        assert_eq!(city.connection.as_deref(), Some("corporate"));

        let network = Record::read(&json!({
            "autonomous_system_number": 64_501, "autonomous_system_organization": "Example Networks"}));
        assert_eq!((network.isp.as_deref(), network.asn), (Some("Example Networks"), Some(64_501)));

        let flat = Record::read(&json!({
            "country_code": "fr", "region": "Brittany", "city": "Brest", "asn": "AS64502", "as_name": "Telco"}));
        assert_eq!((flat.country, flat.asn), (Country::parse("FR"), Some(64_502)));
        assert_eq!((flat.region.as_deref(), flat.city.as_deref()), (Some("Brittany"), Some("Brest")));

        assert_eq!(
            Record::read(&json!({"connection_type": "Cellular"})).connection.as_deref(),
            Some("mobile")
        );
        assert_eq!(
            Record::read(&json!({"connection_type": "Cable/DSL"})).connection.as_deref(),
            Some("cable_dsl")
        );
    }

    #[test]
    fn what_has_another_form_is_left_out() {
        for odd in [
            json!({"country": {"iso_code": "XX"}, "city": {"names": {"en": ""}}, "asn": "ASx"}),
            json!({"country": 7, "city": [1], "subdivisions": {"names": 1}, "asn": -5, "isp": {"a": 1}}),
            json!({"autonomous_system_number": 0, "connection_type": 3, "city": {"names": {}}}),
            json!([1, 2]),
            json!("text"),
        ] {
            assert_eq!(Record::read(&odd), Record::default(), "{odd}");
        }
        let long = Record::read(&json!({"isp": "x".repeat(3_000), "city": "a\u{0}b\nc"}));
        assert_eq!(long.isp.unwrap().len(), VALUE_CHARS_MAX);
        assert_eq!(long.city.as_deref(), Some("abc"));
    }
}
