//! The sentences of verdicts. For a refusal or a parked postback they say what to change.

use crate::domain::money::{Currency, Money};
use crate::domain::status::{Standing, Status};
use chrono::DateTime;

/// A new conversion.
#[must_use]
pub fn recorded(id: i64, revenue: Money, currency: Currency, status: Status) -> String {
    format!("Conversion {id}: {revenue} {currency}, {status}")
}

/// A conversion that moved; a surprising move turns a decision round.
#[must_use]
pub fn moved(id: i64, from: Standing, to: Standing, currency: Currency, is_surprising: bool) -> String {
    let status = if from.status == to.status {
        format!("Conversion {id} stays {}", to.status)
    } else {
        format!("Conversion {id} went from {} to {}", from.status, to.status)
    };
    let amount = if from.revenue == to.revenue || to.status == Status::Reversed {
        format!("{} {currency}", to.revenue)
    } else {
        format!("{} instead of {} {currency}", to.revenue, from.revenue)
    };
    let alert = if is_surprising { ": a decision was turned round, have a look" } else { "" };
    format!("{status}, {amount}{alert}")
}

/// A postback that says nothing new.
#[must_use]
pub fn repeated(id: i64) -> String {
    format!("Same click, event and transaction as conversion {id}, nothing new")
}

/// An identical request within the time of retries.
pub(super) fn counted_lately(id: i64, status: Status) -> String {
    format!("The same request was counted within 24 hours: conversion {id} stays {status}")
}

/// A move that the advertiser's settings refuse.
pub(super) fn not_allowed(id: i64, from: Status, wanted: Status) -> String {
    format!("Conversion {id} is {from}, and this advertiser's conversions may not become {wanted} after that")
}

/// An id that is not ours in form.
pub(super) fn foreign_click(cid: &str) -> String {
    let shown: String = cid.chars().take(60).collect();
    format!("`{shown}` is not one of our click ids: it was cut, altered, or another tracker's")
}

/// No advertiser has the key.
pub(super) const BAD_KEY: &str = "The key in this address belongs to no advertiser: copy the postback URL again from the advertiser's page";

/// A moment as sentences say it.
fn moment(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The key before the present one, while it works; goes behind another sentence.
pub(super) fn old_key(until_ms: i64) -> String {
    format!(". It was sent to the old key, which ends on {}", moment(until_ms))
}

/// The key before the present one, once its time is over.
pub(super) fn ended_key(at_ms: i64) -> String {
    format!(
        "The key in this address ended on {}: copy the postback URL again from the advertiser's page",
        moment(at_ms)
    )
}

/// An address that is not on an advertiser's list.
pub(super) fn address_not_allowed(advertiser: &str, address: &str) -> String {
    format!(
        "{advertiser} sends from listed addresses alone, and this came from {address}: add it in the advertiser's \
         settings, under \"Only from these addresses\", or send from a listed one"
    )
}

/// An id of ours whose click is not stored.
pub(super) const UNKNOWN_CLICK: &str =
    "A well-formed click id that is not stored (yet): counted at once if the click appears";

/// A click that went elsewhere.
pub(super) fn wrong_offer(advertiser: &str) -> String {
    format!("The click reached no offer of {advertiser}")
}

/// A claim that fits several conversions.
pub(super) fn ambiguous(count: usize) -> String {
    format!("{count} conversions of this click fit: send the transaction id (txid)")
}

/// A new conversion of a click too old for it.
pub(super) fn outside_window(age_days: i64, window_days: i64) -> String {
    format!("The click is {age_days} days old, the window {window_days}")
}

/// An amount in a currency that cannot be turned into another.
pub(super) fn no_rate(from: Currency, to: Currency) -> String {
    format!("There is no exchange rate from {from} to {to} yet")
}
