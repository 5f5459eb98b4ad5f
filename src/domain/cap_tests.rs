//! Caps: read, refused, and counted by the clocks of their zones.

use super::*;
use crate::domain::rollup::HOUR_MS;
use chrono::NaiveDate;

fn cap(fields: &Value) -> Cap {
    read_all(&json!([fields])).unwrap().remove(0)
}

fn at(zone: &str, local: &str) -> i64 {
    TimeZone::parse(zone).unwrap().moment(local.parse().unwrap())
}

#[test]
fn a_cap_is_read_and_written_alike() {
    let full = json!({"count": 100, "of": "conversions", "per": "day", "event": "deposit", "time_zone": "Europe/Berlin"});
    assert_eq!(cap(&full).to_json(), full);
    assert_eq!(cap(&full).to_string(), "100 conversions by deposit a day (Europe/Berlin)");
    let money = cap(&json!({"amount": "500", "of": "revenue", "per": "total", "event": " "}));
    assert_eq!((money.limit, money.event.clone(), money.time_zone), (500_000_000, None, TimeZone::UTC));
    assert_eq!(serde_json::from_value::<Cap>(serde_json::to_value(&money).unwrap()).unwrap(), money);
    // A form sends texts.
    assert_eq!(cap(&json!({"count": "7", "amount": "", "of": "clicks", "per": "hour"})).limit, 7);
    assert_eq!(read_all(&Value::Null), Ok(Vec::new()));
}

#[test]
fn what_is_wrong_is_said_beside_its_part() {
    let wrong = |caps: Value| -> Vec<(String, String)> {
        let errors = read_all(&caps).unwrap_err().0;
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    };
    let one = |cap: Value| wrong(json!([cap])).remove(0);
    assert_eq!(one(json!({"amount": "5.00", "of": "clicks", "per": "day"})).0, "caps[0].amount");
    assert_eq!(one(json!({"count": 5, "of": "revenue", "per": "day"})).0, "caps[0].count");
    assert_eq!(one(json!({"of": "payout", "per": "day"})).0, "caps[0].amount");
    assert_eq!(one(json!({"count": 0, "of": "clicks", "per": "day"})).0, "caps[0].count");
    assert_eq!(one(json!({"count": COUNT_MAX + 1, "of": "clicks", "per": "day"})).0, "caps[0].count");
    assert_eq!(one(json!({"count": 1, "of": "clicks", "per": "day", "event": "sale"})).0, "caps[0].event");
    let (field, message) = one(json!({"count": 1, "of": "sales", "per": "day"}));
    assert_eq!((field.as_str(), message.contains("conversions, clicks")), ("caps[0].of", true));
    assert_eq!(one(json!({"count": 1, "of": "clicks", "per": "year"})).0, "caps[0].per");
    let zone = one(json!({"count": 1, "of": "clicks", "per": "day", "time_zone": "Berlin"}));
    assert_eq!((zone.0.as_str(), zone.1.contains("Europe/Berlin")), ("caps[0].time_zone", true));
    assert_eq!(one(json!({"count": 1, "of": "clicks", "per": "day", "colour": 1})).0, "caps[0].colour");
    assert_eq!(one(json!(5)).0, "caps[0]");
    assert_eq!(wrong(json!("x"))[0].0, "caps");
    let same = json!({"count": 1, "of": "clicks", "per": "day"});
    assert_eq!(wrong(json!([same, same]))[0].0, "caps[1].of");
    assert_eq!(wrong(Value::Array(vec![same; CAPS_MAX + 1]))[0].0, "caps");
}

#[test]
fn windows_follow_the_clocks_of_their_zone() {
    let berlin = "Europe/Berlin";
    let in_berlin = |per: &str| cap(&json!({"count": 1, "of": "clicks", "per": per, "time_zone": berlin}));
    let spans = |per: &str, local: &str| in_berlin(per).window(at(berlin, local));
    // The day on which clocks go back has 25 hours, the one on which they go forward 23.
    let day = spans("day", "2026-10-25T12:00:00");
    assert_eq!(day.end_ms - day.start_ms, 25 * HOUR_MS);
    let day = spans("day", "2026-03-29T00:00:00");
    assert_eq!((day.end_ms - day.start_ms, day.start_ms), (23 * HOUR_MS, at(berlin, "2026-03-29T00:00:00")));
    let week = spans("week", "2026-11-22T23:59:59");
    assert_eq!(week.start_ms, at(berlin, "2026-11-16T00:00:00"), "weeks begin on Monday");
    assert_eq!(week.end_ms, at(berlin, "2026-11-23T00:00:00"));
    assert_eq!(spans("week", "2026-11-16T00:00:00"), week);
    let month = spans("month", "2026-12-31T23:00:00");
    assert_eq!(
        (month.start_ms, month.end_ms),
        (at(berlin, "2026-12-01T00:00:00"), at(berlin, "2027-01-01T00:00:00"))
    );
    assert!(spans("total", "2026-01-01T00:00:00").holds(0));
    // The hour that comes twice is two hours.
    let first = spans("hour", "2026-10-25T02:30:00");
    assert_eq!(first.end_ms - first.start_ms, HOUR_MS);
    let second = in_berlin("hour").window(first.end_ms);
    assert_eq!((second.start_ms, second.end_ms - second.start_ms), (first.end_ms, HOUR_MS));
    let nepal = cap(&json!({"count": 1, "of": "clicks", "per": "hour", "time_zone": "Asia/Kathmandu"}));
    assert_eq!(
        nepal.window(at("Asia/Kathmandu", "2026-11-21T10:59:59")).start_ms,
        at("Asia/Kathmandu", "2026-11-21T10:00:00")
    );
}

proptest::proptest! {
    #[test]
    fn windows_meet_without_gap_or_overlap(
        minutes in 0i64..30 * 365 * 24 * 60,
        zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]),
        per in proptest::sample::select(CapPer::ALL),
    ) {
        let cap = Cap { limit: 1, of: CapOf::Clicks, per, event: None, time_zone: TimeZone::parse(zone).unwrap() };
        let first_day = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        let now_ms = TimeZone::UTC.day_start(first_day) + minutes * 60_000;
        let window = cap.window(now_ms);
        proptest::prop_assert!(window.holds(now_ms), "{window:?} {now_ms}");
        if per != CapPer::Total {
            proptest::prop_assert_eq!(cap.window(window.end_ms - 1), window);
            proptest::prop_assert_eq!(cap.window(window.end_ms).start_ms, window.end_ms);
        }
    }
}
