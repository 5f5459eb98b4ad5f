//! What rules promise: reading, matching, telling.

use super::*;
use crate::domain::input::FieldErrors;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// 2026-11-21 was a Saturday; 23:30 in London is 00:30 on Sunday in Berlin.
const SATURDAY_2330_UTC: i64 = 1_795_303_800_000;

struct Someone {
    texts: HashMap<String, String>,
    address: IpAddr,
    asn: Option<i64>,
    is_bot: bool,
}

impl Visit for Someone {
    fn text(&self, fact: &Fact) -> Option<Cow<'_, str>> {
        self.texts.get(&fact.to_string()).map(|text| Cow::Borrowed(text.as_str()))
    }
    fn address(&self) -> IpAddr {
        self.address
    }
    fn asn(&self) -> Option<i64> {
        self.asn
    }
    fn at_ms(&self) -> i64 {
        SATURDAY_2330_UTC
    }
    fn is_unique(&self) -> bool {
        true
    }
    fn is_bot(&self) -> bool {
        self.is_bot
    }
}

fn someone() -> Someone {
    let texts = [
        ("country", "DE"),
        ("city", "M\u{fc}nchen"),
        ("device", "mobile"),
        ("os", "Android"),
        ("os_version", "9.10"),
        ("sub1", "ZONE-7"),
        ("sub2", "0.05"),
        ("query:zone", "a b"),
        ("header:x-requested-with", "com.example.app"),
    ];
    let texts = texts.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Someone { texts, address: "203.0.113.9".parse().unwrap(), asn: Some(3320), is_bot: false }
}

fn conditions(value: &Value) -> Result<Conditions, FieldErrors> {
    let mut errors = FieldErrors::default();
    let conditions = read(value, "when", &mut errors);
    errors.into_result().map(|()| conditions)
}

fn one(fact: &str, op: &str, values: impl Into<Value>) -> Value {
    let values: Value = values.into();
    json!({"any": [{"all": [{"fact": fact, "op": op, "values": values}]}]})
}

fn holds(value: &Value) -> bool {
    let read = conditions(value).unwrap_or_else(|errors| panic!("{value}: {errors:?}"));
    let again: Conditions = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(again, read, "kept as JSON and read back");
    let mut library = Library::default();
    let values = ["zone-7".to_owned(), "x".to_owned()].into_iter();
    library.lists.insert(1, Arc::new(ListSet::new(ListKind::Values, values)));
    let nets = std::iter::once("203.0.113.0/24".to_owned());
    library.lists.insert(2, Arc::new(ListSet::new(ListKind::Addresses, nets)));
    library.lists.insert(3, Arc::new(ListSet::new(ListKind::Asns, std::iter::once("3320".to_owned()))));
    Matcher::new(&read, &mut library).unwrap().holds(&someone())
}

#[test]
fn every_operator_compares_as_it_says() {
    for (fact, op, values, wanted) in [
        ("country", "is", json!("de"), true),
        ("country", "in", json!(["Germany", "AT"]), true),
        ("country", "not_in", json!(["FR", "AT"]), true),
        ("country", "is_not", json!(["DE"]), false),
        ("city", "is", json!(["M\u{dc}NCHEN"]), true),
        ("city", "contains", json!(["NCH"]), true),
        ("device", "is", json!("Mobile"), true),
        ("os", "is_not", json!(["iOS"]), true),
        ("os_version", "greater", json!(["9.9"]), true),
        ("os_version", "less", json!(["9.10"]), false),
        ("os_version", "is", json!(["9.10.0"]), true),
        ("sub1", "matches", json!(["^zone-\\d$"]), true),
        ("sub1", "in", json!(["a", "b", "c", "d", "e", "f", "g", "h", "i", "Zone-7"]), true),
        ("sub2", "less", json!(["0.1"]), true),
        ("sub2", "greater", json!(["0.1"]), false),
        ("sub3", "is", json!(["x"]), false),
        ("sub3", "is_not", json!(["x"]), true),
        ("sub3", "is", json!(["(unknown)"]), true),
        ("sub1", "is_not", json!(["(unknown)"]), true),
        ("query:zone", "is", json!(["A B"]), true),
        ("header:X-Requested-With", "contains", json!(["example"]), true),
        ("address", "in", json!(["10.0.0.0/8", "203.0.113.0/28"]), true),
        ("address", "not_in", json!(["2001:db8::/32"]), true),
        ("asn", "is", json!(["AS3320"]), true),
        ("day_of_week", "is", json!(["sat"]), true),
        ("hour", "in", json!(["22-5"]), true),
        ("hour", "less", json!([23]), false),
        ("unique", "is", json!(true), true),
        ("bot", "is_not", json!(["false"]), false),
        ("referrer", "is", json!(["(unknown)"]), true),
    ] {
        assert_eq!(holds(&one(fact, op, values.clone())), wanted, "{fact} {op} {values}");
    }
}

#[test]
fn clocks_are_those_of_the_named_zone() {
    let at = |fact: &str, value: Value| {
        holds(
            &json!({"any": [{"all": [{"fact": fact, "op": "is", "values": [value], "time_zone": "Europe/Berlin"}]}]}),
        )
    };
    assert!(at("day_of_week", json!("sunday")) && !at("day_of_week", json!("saturday")));
    assert!(at("hour", json!(0)) && at("hour", json!("0-5")) && !at("hour", json!(23)));
}

#[test]
fn groups_are_and_inside_or() {
    let part = |fact: &str, value: &str| json!({"fact": fact, "op": "is", "values": [value]});
    let german = || part("country", "DE");
    let desktop = || part("device", "desktop");
    assert!(!holds(&json!({"any": [{"all": [german(), desktop()]}]})));
    assert!(holds(&json!({"any": [{"all": [desktop()]}, {"all": [german()]}]})));
}

#[test]
fn lists_count_as_values() {
    let listed = |fact: &str, op: &str, list: i64| {
        holds(&json!({"any": [{"all": [{"fact": fact, "op": op, "lists": [list]}]}]}))
    };
    assert!(listed("sub1", "in", 1) && !listed("sub1", "not_in", 1) && !listed("sub2", "in", 1));
    assert!(listed("address", "in", 2) && listed("asn", "in", 3));
    let gone = conditions(&json!({"any": [{"all": [{"fact": "sub1", "op": "in", "lists": [9]}]}]})).unwrap();
    assert!(Matcher::new(&gone, &mut Library::default()).unwrap_err().contains("no list 9"));
    assert!(ListKind::Values.fits(&Fact::Sub(1)) && !ListKind::Asns.fits(&Fact::Sub(1)));
}

#[test]
fn what_makes_no_sense_is_refused_where_it_stands() {
    for (value, field, part) in [
        (one("country", "greater", json!(["DE"])), "when.any[0].all[0].op", "is, is_not, in, not_in"),
        (one("colour", "is", json!(["red"])), "when.any[0].all[0].fact", "country, region"),
        (one("country", "like", json!(["DE"])), "when.any[0].all[0].op", "no operator \"like\""),
        (one("country", "is", json!(["DE", "Atlantis"])), "when.any[0].all[0].values[1]", "no country"),
        (one("country", "is", json!([])), "when.any[0].all[0].values", "compared with"),
        (one("sub1", "matches", json!(["a(b"])), "when.any[0].all[0].values[0]", "character 2"),
        (one("os_version", "greater", json!(["9", "10"])), "when.any[0].all[0].values", "one value"),
        (one("os_version", "greater", json!(["new"])), "when.any[0].all[0].values[0]", "17.4"),
        (one("sub2", "less", json!(["cheap"])), "when.any[0].all[0].values[0]", "number"),
        (one("address", "is", json!(["10.0.0.0/33"])), "when.any[0].all[0].values[0]", "203.0.113.0/24"),
        (one("hour", "is", json!(["24"])), "when.any[0].all[0].values[0]", "0 to 23"),
        (one("device", "is", json!(["phone"])), "when.any[0].all[0].values[0]", "mobile, tablet"),
        (one("hour", "is", json!(["(unknown)"])), "when.any[0].all[0].values[0]", "always known"),
        (one("sub21", "is", json!(["1"])), "when.any[0].all[0].fact", "sub20"),
        (json!({"any": []}), "when", "Add a condition"),
        (json!({"any": [{"all": []}]}), "when.any[0]", "Add a condition"),
        (json!({"all": []}), "when", "Must be conditions"),
        (
            json!({"any": [{"all": [{"fact": "sub1", "op": "is", "values": ["a"], "x": 1}]}]}),
            "when.any[0].all[0].x",
            "no such field",
        ),
        (
            json!({"any": [{"all": [{"fact": "sub1", "op": "is", "lists": [1]}]}]}),
            "when.any[0].all[0].lists",
            "not_in",
        ),
        (
            json!({"any": [{"all": [{"fact": "sub1", "op": "is", "values": ["a"], "time_zone": "UTC"}]}]}),
            "when.any[0].all[0].time_zone",
            "no time zone",
        ),
        (
            json!({"any": [{"all": [{"fact": "hour", "op": "is", "values": [1], "time_zone": "Mars"}]}]}),
            "when.any[0].all[0].time_zone",
            "IANA",
        ),
    ] {
        let errors = conditions(&value).expect_err("taken");
        let message = errors.message(field).unwrap_or_else(|| panic!("{value}: {errors:?}"));
        assert!(message.contains(part), "{field}: {message}");
    }
}

#[test]
fn limits_hold() {
    let part = json!({"fact": "sub1", "op": "is", "values": ["a"]});
    let many = |n: usize| json!({"any": [{"all": vec![part.clone(); n]}]});
    conditions(&many(CONDITIONS_MAX)).unwrap();
    assert!(conditions(&many(CONDITIONS_MAX + 1)).is_err());
    let groups = vec![json!({"all": [part]}); GROUPS_MAX + 1];
    assert!(conditions(&json!({"any": groups})).is_err());
    let values: Vec<String> = (0..=VALUES_MAX).map(|n| n.to_string()).collect();
    assert!(conditions(&one("sub1", "in", json!(values))).unwrap_err().0[0].message.contains("list"));
    assert!(list_values(&json!("1.2.3.4/8\n\nAS7"), ListKind::Addresses).unwrap_err().starts_with("Value 3"));
    let kept = list_values(&json!(["B", "b", " a "]), ListKind::Values).unwrap();
    assert_eq!(kept, ["a", "b"]);
    let nets = list_values(&json!("10.1.2.3/8\r\n2001:db8::1"), ListKind::Addresses).unwrap();
    assert_eq!(nets, ["10.0.0.0/8", "2001:db8::1"]);
}

#[test]
fn a_rule_is_told_as_a_sentence() {
    let told = |value: &Value| {
        let list = |id: i64| (id == 1).then(|| "Bad zones".to_owned());
        conditions(value).unwrap().sentence(&list)
    };
    let value = json!({"any": [
        {"all": [{"fact": "country", "op": "in", "values": ["DE", "AT"]}, {"fact": "device", "op": "is", "values": ["mobile"]}]},
        {"all": [{"fact": "hour", "op": "is", "values": ["0-5"], "time_zone": "Europe/Berlin"}]},
    ]});
    assert_eq!(
        told(&value),
        "Country is Germany or Austria and device is mobile, or hour is 0\u{2013}5 (Europe/Berlin)"
    );
    assert_eq!(
        told(&one("country", "not_in", json!(["DE", "AT"]))),
        "Country is neither Germany nor Austria"
    );
    assert_eq!(told(&one("sub1", "matches", json!(["^7"]))), "Sub1 matches \u{201c}^7\u{201d}");
    assert_eq!(told(&one("bot", "is", json!([true]))), "The visitor is a bot");
    let listed = json!({"any": [{"all": [{"fact": "sub1", "op": "not_in", "lists": [1]}]}]});
    assert_eq!(told(&listed), "Sub1 is not on the list Bad zones");
    let many: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
    assert_eq!(told(&one("sub1", "in", json!(many))), "Sub1 is 1, 2, 3, 4, 5 or 4 more");
}
