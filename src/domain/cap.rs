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
#[path = "cap_tests.rs"]
mod tests;
