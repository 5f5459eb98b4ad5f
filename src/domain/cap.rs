//! A cap: how much an offer takes in a span of time before its visitors go elsewhere.

use super::advertiser::fold_event;
use super::input::{self, FieldErrors};
use super::money::Money;
use super::words::word_enum;
use super::zone::{TimeZone, days_later};
use chrono::{Datelike as _, Months};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt;

/// Caps of one offer: each is looked at for every visitor, and more than these nobody keeps apart.
pub const CAPS_MAX: usize = 10;

/// The largest count: more than any offer will see, and far from where sums would overflow.
pub const COUNT_MAX: i64 = 1_000_000_000;

/// Where a bar begins to warn, in per cent of the limit.
pub const WARN_PERCENT: i64 = 80;

/// The field that caps are read from.
const FIELD: &str = "caps";

/// The parts of one cap, as the API names them.
const PARTS: [&str; 6] = ["count", "amount", "of", "per", "event", "time_zone"];

word_enum! {
    /// What is counted.
    pub enum CapOf {
        /// Conversions that were once pending or approved.
        Conversions => "conversions",
        /// Clicks of people that reached the offer.
        Clicks => "clicks",
        /// What such conversions earn, in the account currency.
        Revenue => "revenue",
        /// What is paid to partners for them, in the account currency.
        Payout => "payout",
    }
}

impl CapOf {
    /// Whether it is counted in money.
    #[must_use]
    pub const fn is_money(self) -> bool {
        matches!(self, Self::Revenue | Self::Payout)
    }
}

word_enum! {
    /// How long a count goes on before it begins anew.
    pub enum CapPer {
        /// A clock hour.
        Hour => "hour",
        /// A day from midnight.
        Day => "day",
        /// A week from Monday.
        Week => "week",
        /// A calendar month.
        Month => "month",
        /// For ever.
        Total => "total",
    }
}

/// A cap of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How much: a count, or micro-units of the account currency.
    pub limit: i64,
    /// Of what.
    pub of: CapOf,
    /// Per what.
    pub per: CapPer,
    /// Only conversions of this event; every one that counts where there is none.
    pub event: Option<String>,
    /// Where its hours, days, weeks and months begin.
    pub time_zone: TimeZone,
}

/// What a conversion holds of the caps that count money. It takes its place when it is first pending or approved, follows
/// corrections of its amount, and keeps it when it is refunded, rejected or reversed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of caps of revenue, in the account currency.
    pub revenue_micros: i64,
    /// Of caps of payout, in the account currency.
    pub payout_micros: i64,
}

/// A span of time in which a cap counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first moment, Unix milliseconds.
    pub start_ms: i64,
    /// The first moment after it.
    pub end_ms: i64,
}

impl Window {
    /// Whether a moment lies in it.
    #[must_use]
    pub const fn holds(self, unix_ms: i64) -> bool {
        self.start_ms <= unix_ms && unix_ms < self.end_ms
    }
}

impl Cap {
    /// What is counted and where, without how much: a cap whose limit alone is changed goes on with its count. The event
    /// stands last, since it may hold any character.
    #[must_use]
    pub fn key(&self) -> String {
        let (of, per, zone) = (self.of, self.per, self.time_zone.name());
        format!("{of} {per} {zone} {}", self.event.as_deref().unwrap_or(""))
    }

    /// Whether a conversion counts in it: by its event, else by whether it counts as one and in revenue.
    #[must_use]
    pub fn counts(&self, event: &str, counts_as_conversion: bool, counts_in_revenue: bool) -> bool {
        match (&self.event, self.of) {
            (_, CapOf::Clicks) => false,
            (Some(own), _) => own == event,
            (None, CapOf::Conversions) => counts_as_conversion,
            (None, CapOf::Revenue) => counts_in_revenue,
            (None, CapOf::Payout) => true,
        }
    }

    /// What a place more, or a changed one, adds to its count.
    #[must_use]
    pub fn added(&self, before: Option<Place>, after: Place) -> i64 {
        let more = |of: fn(Place) -> i64| of(after).saturating_sub(before.map_or(0, of));
        match self.of {
            CapOf::Clicks => 0,
            CapOf::Conversions => i64::from(before.is_none()),
            CapOf::Revenue => more(|place| place.revenue_micros),
            CapOf::Payout => more(|place| place.payout_micros),
        }
    }

    /// The span that holds a moment, by the clocks of its own zone.
    #[must_use]
    pub fn window(&self, unix_ms: i64) -> Window {
        let zone = self.time_zone;
        let day = zone.date(unix_ms);
        let days = |first, after| Window { start_ms: zone.day_start(first), end_ms: zone.day_start(after) };
        match self.per {
            CapPer::Hour => Window { start_ms: zone.hour_start(unix_ms), end_ms: zone.hour_end(unix_ms) },
            CapPer::Day => days(day, days_later(day, 1)),
            CapPer::Week => {
                let monday = days_later(day, -i64::from(day.weekday().num_days_from_monday()));
                days(monday, days_later(monday, 7))
            }
            CapPer::Month => {
                let first = day.with_day(1).unwrap_or(day);
                days(first, first.checked_add_months(Months::new(1)).unwrap_or(first))
            }
            CapPer::Total => Window { start_ms: 0, end_ms: i64::MAX },
        }
    }

    /// What the API and the database say of it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (of, per, zone) = (self.of, self.per, self.time_zone.name());
        if of.is_money() {
            let amount = Money::from_micros(self.limit).to_string();
            json!({"amount": amount, "of": of, "per": per, "event": self.event, "time_zone": zone})
        } else {
            json!({"count": self.limit, "of": of, "per": per, "event": self.event, "time_zone": zone})
        }
    }

    /// Reads one, naming what is wrong by a path that begins with `place`.
    fn read(value: &Value, place: &str) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let at = |part: &str| format!("{place}.{part}");
        let Value::Object(parts) = value else {
            let like = "Must be like {\"count\":100,\"of\":\"conversions\",\"per\":\"day\"}";
            return Err(FieldErrors::one(place, like));
        };
        for unknown in parts.keys().filter(|name| !PARTS.contains(&name.as_str())) {
            errors.push(&at(unknown), "There is no such field");
        }
        let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
        let of = keep(input::word(part("of"), CapOf::parse, CapOf::choices), &at("of"), &mut errors);
        let per = keep(input::word(part("per"), CapPer::parse, CapPer::choices), &at("per"), &mut errors);
        let zone = keep(time_zone(part("time_zone")), &at("time_zone"), &mut errors);
        let event = keep(input::line(part("event"), input::WORD_CHARS_MAX), &at("event"), &mut errors);
        let event = event.map(|event| fold_event(&event)).filter(|event| !event.is_empty());
        let limit = of.and_then(|of| read_limit(of, &part, &at, &mut errors));
        if of == Some(CapOf::Clicks) && event.is_some() {
            errors.push(&at("event"), "Clicks have no event: leave it empty, or cap conversions");
        }
        match (limit, of, per, zone) {
            (Some(limit), Some(of), Some(per), Some(time_zone)) if errors.is_empty() => {
                Ok(Self { limit, of, per, event, time_zone })
            }
            _ => Err(errors),
        }
    }
}

/// How much: `count` for conversions and clicks, `amount` for revenue and payout.
fn read_limit<'a>(
    of: CapOf,
    part: &impl Fn(&str) -> &'a Value,
    at: &impl Fn(&str) -> String,
    errors: &mut FieldErrors,
) -> Option<i64> {
    let (own, other) = if of.is_money() { ("amount", "count") } else { ("count", "amount") };
    if !input::is_blank(part(other)) {
        let message = format!("A cap of {of} has no {other}: write its limit as {own}");
        errors.push(&at(other), message);
        return None;
    }
    let reading = if of.is_money() {
        input::money(part("amount")).and_then(|amount| match amount {
            Some(amount) if amount > Money::ZERO => Ok(amount.micros()),
            _ => Err(format!("Write how much {of} it takes, like \"500.00\"")),
        })
    } else {
        input::int(part("count"), 1, COUNT_MAX)
    };
    keep(reading, &at(own), errors)
}

/// What was read, or nothing with the message beside its field.
fn keep<T>(reading: input::Reading<T>, field: &str, errors: &mut FieldErrors) -> Option<T> {
    reading.map_err(|message| errors.push(field, message)).ok()
}

/// A zone by its name; UTC where none is named.
fn time_zone(value: &Value) -> input::Reading<TimeZone> {
    let name = input::line(value, input::NAME_CHARS_MAX)?;
    if name.is_empty() {
        return Ok(TimeZone::UTC);
    }
    TimeZone::parse(&name).map_err(|unknown| unknown.to_string())
}

/// Reads an offer's caps: a list, each unlike the others in what it counts.
///
/// # Errors
/// What is wrong, beside the part of the cap that it stands in: `caps[0].count`.
pub fn read_all(value: &Value) -> Result<Vec<Cap>, FieldErrors> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        _ if input::is_blank(value) => &[],
        _ => return Err(FieldErrors::one(FIELD, "Must be a list of caps")),
    };
    if items.len() > CAPS_MAX {
        return Err(FieldErrors::one(FIELD, format!("At most {CAPS_MAX} caps")));
    }
    let (mut caps, mut errors): (Vec<Cap>, _) = (Vec::new(), FieldErrors::default());
    for (at, item) in items.iter().enumerate() {
        let place = format!("{FIELD}[{at}]");
        match Cap::read(item, &place) {
            Ok(cap) if caps.iter().any(|known| known.key() == cap.key()) => {
                errors.push(&format!("{place}.of"), "Another cap counts the same: keep the lower of the two");
            }
            Ok(cap) => caps.push(cap),
            Err(found) => errors.0.extend(found.0),
        }
    }
    errors.into_result().map(|()| caps)
}

impl fmt::Display for Cap {
    /// `100 conversions a day (Europe/Berlin)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.of.is_money() {
            write!(f, "{} of {}", Money::from_micros(self.limit), self.of)?;
        } else {
            write!(f, "{} {}", self.limit, self.of)?;
        }
        f.write_str(&self.span())
    }
}

impl Cap {
    /// What follows the limit in words: ` of deposit a day (Europe/Berlin)`.
    #[must_use]
    pub fn span(&self) -> String {
        let event = self.event.as_ref().map(|event| format!(" by {event}")).unwrap_or_default();
        match self.per {
            CapPer::Total => format!("{event} in total"),
            CapPer::Hour => format!("{event} an hour"),
            CapPer::Day | CapPer::Week | CapPer::Month => {
                format!("{event} a {} ({})", self.per, self.time_zone.name())
            }
        }
    }
}

impl Serialize for Cap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(&value, "cap").map_err(|errors| {
            let first = errors.0.first().map_or("", |error| error.message.as_str());
            D::Error::custom(first)
        })
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            one(json!({"count": 1, "of": "clicks", "per": "day", "event": "sale"})).0,
            "caps[0].event"
        );
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
        let in_berlin =
            |per: &str| cap(&json!({"count": 1, "of": "clicks", "per": per, "time_zone": berlin}));
        let spans = |per: &str, local: &str| in_berlin(per).window(at(berlin, local));
        // The day on which clocks go back has 25 hours, the one on which they go forward 23.
        let day = spans("day", "2026-10-25T12:00:00");
        assert_eq!(day.end_ms - day.start_ms, 25 * HOUR_MS);
        let day = spans("day", "2026-03-29T00:00:00");
        assert_eq!(
            (day.end_ms - day.start_ms, day.start_ms),
            (23 * HOUR_MS, at(berlin, "2026-03-29T00:00:00"))
        );
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
}
