//! The sentences of verdicts. For a refusal or a parked postback they say what to change.

use crate::db::conversions::NewConversion;
use crate::domain::import::ALL_OR_NOTHING_MAX;
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

/// What a page reported.
#[must_use]
pub fn reported(id: i64, amount: Option<Money>, currency: Currency) -> String {
    let amount = amount.map(|amount| format!(", {amount} {currency} as the page says")).unwrap_or_default();
    format!("Conversion {id}: pending, without money until a postback confirms it{amount}")
}

/// A postback that took over what a page had reported.
pub(super) fn confirms(reported: &NewConversion) -> String {
    let txid = match reported.txid.as_str() {
        "" => String::new(),
        txid => format!(", as {txid}"),
    };
    let amount = reported.revenue_reported_micros.map(Money::from_micros);
    let amount = amount.map(|amount| format!(", {amount} {}", reported.currency)).unwrap_or_default();
    format!("Confirms what a pixel reported{txid}{amount}")
}

/// An event that its offer does not list.
pub(super) fn not_configured(event: &str) -> String {
    format!(
        "The event `{event}` was seen, not configured: it is no conversion and earns what is sent at most, until the \
         offer lists it"
    )
}

/// An amount that the offer's mode wants and that did not come.
pub(super) const MISSING_REVENUE: &str = "No amount came (missing_revenue), so it earned nothing: add `payout=` to the postback, or a revenue to the offer";

/// A postback that says nothing new.
#[must_use]
pub fn repeated(id: i64) -> String {
    format!("Same click, event and transaction as conversion {id}, nothing new")
}

/// An identical request within the time of retries.
pub(super) fn counted_lately(id: i64, status: Status) -> String {
    format!("The same request was counted within 24 hours: conversion {id} stays {status}")
}

/// An identical request where each is one of its own.
pub(super) fn counted_before(id: i64) -> String {
    format!(
        "The same request was counted within 24 hours as conversion {id}: send a transaction id (txid) where two are meant"
    )
}

/// An amount that was added.
pub(super) fn added(id: i64, amount: Money, to: Standing, currency: Currency) -> String {
    format!("Conversion {id}: {amount} {currency} added, {} {currency} in all, {}", to.revenue, to.status)
}

/// Why a conversion grew.
pub(super) fn adds(amount: Money, currency: Currency, txid: &str) -> String {
    let of = if txid.is_empty() { String::new() } else { format!(" of {txid}") };
    format!("Adds {amount} {currency}{of}")
}

/// An addition that no conversion is worth.
pub(super) fn too_much(id: i64) -> String {
    format!(
        "With this amount conversion {id} would be over 1,000,000,000: send the amount of this sale alone"
    )
}

/// A transaction that was added to a conversion and is to be taken back without its amount.
pub(super) fn which_addition(id: i64) -> String {
    format!(
        "This transaction's amount was added to conversion {id}: send what is taken back as a negative amount, like \
         payout=-5 with status=refund"
    )
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

/// A page's report of a click that reached nobody whose pixel is on.
pub(super) const PIXEL_OFF: &str = "The click reached no offer of an advertiser whose pixel is on: switch it on in the advertiser's settings";

/// A page's report without a click.
pub(super) const NO_CLICK_REPORTED: &str = "No click id came, and no cookie of ours named a click: send the click id that the page was opened with as `cid`";

/// Too many reports of one click.
pub(super) const TOO_MANY_REPORTS: &str =
    "Too many conversions of this click wait for a postback: this one is not recorded";

/// Too many reports from one address.
pub(super) const REPORTS_TOO_FAST: &str = "Too many reports from this address: wait a minute";

/// A report whose value was never filled in.
pub(super) fn unfilled(name: &str, shown: &str) -> String {
    format!("`{name}` arrived as `{shown}`: the page did not put a value in its place")
}

/// A report that would take something back.
pub(super) fn takes_back(event: &str) -> String {
    format!("`{event}` takes something back, and a page may only report something new: send it by postback")
}

/// No advertiser has the key.
pub(super) const BAD_KEY: &str = "The key in this address belongs to no advertiser: copy the postback URL again from the advertiser's page";

/// A moment as sentences say it.
fn moment(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The advertiser of a person's record is not there.
pub(super) const NO_ADVERTISER: &str = "Its advertiser was archived meanwhile: restore it, or choose another";

/// A row that no transaction takes.
pub(super) const ROW_NOT_STORED: &str =
    "This row could not be stored, though it can be read: it is in the log";

/// An import that no transaction takes.
pub(super) const IMPORT_FAILED: &str = "It could not be recorded, and nothing of it was: why is in the log. Try again, or in the mode of good rows";

/// More rows than one transaction takes.
#[must_use]
pub fn too_many_at_once(rows: usize) -> String {
    format!(
        "{rows} rows are too many for all or nothing, which takes {ALL_OR_NOTHING_MAX} at most: record the good rows, or \
         send the file in parts"
    )
}

/// A row of a file that came before.
pub(super) fn row_counted_before(id: i64) -> String {
    format!("The same row was counted before as conversion {id}: it needs a transaction where two are meant")
}

/// A row's time that lies long before its click.
pub(super) fn before_its_click(at_ms: i64, clicked_at_ms: i64) -> String {
    format!(
        "Its time {} lies more than a day before its click on {}: check the column of the time, and its zone",
        moment(at_ms),
        moment(clicked_at_ms)
    )
}

/// A row's time that is still to come.
pub(super) fn in_the_future(at_ms: i64) -> String {
    format!("Its time {} is still to come: check the column of the time, and its zone", moment(at_ms))
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

/// No signature where one must come.
pub(super) const NO_SIGNATURE: &str = "No signature came, and this advertiser signs: add `ts` and `sig`, or the header \
     X-Clickledger-Signature, as the advertiser's page shows";

/// A signature that nothing can be compared with.
pub(super) const NO_SECRET: &str =
    "A signature cannot be checked before this advertiser has a secret: make one on the advertiser's page";

/// A signature of something else.
pub(super) const BAD_SIG: &str = "`sig` does not fit: it is the lower-case hex of HMAC-SHA256 with the present secret over \
     all other parameters, sorted by name; the advertiser's page has an example";

/// A header of something else.
pub(super) const BAD_HEADER: &str = "X-Clickledger-Signature does not fit: `v1` is the lower-case hex of HMAC-SHA256 with the \
     present secret over `t`, a dot and the body as it is sent";

/// Parameters beside a signed body.
pub(super) const UNSIGNED_QUERY: &str = "The header signs the body alone, and parameters came in the address: send them in \
     the body, or sign them with `ts` and `sig` too";

/// A body beside signed parameters.
pub(super) const UNSIGNED_BODY: &str =
    "`sig` signs parameters, and a body came too: sign it in the header X-Clickledger-Signature";

/// A signature that says not when it was made.
pub(super) const NO_TIME: &str =
    "The signature has no time: sign `ts` with the parameters, or send `t` in the header, in Unix seconds";

/// A time that is none.
pub(super) fn no_time(written: &str) -> String {
    let shown: String = written.chars().take(30).collect();
    format!("The signature's time `{shown}` is none: send Unix seconds, like 1700000000")
}

/// A signature of another time.
pub(super) fn wrong_time(age_s: i64) -> String {
    let off = age_s.saturating_abs();
    let when = if age_s > 0 { "ago" } else { "ahead of our clock" };
    format!(
        "The signature was made {off} seconds {when} and holds for 300: sign each request when it is sent, by a right clock"
    )
}

/// A nonce that came for something else.
pub(super) const REPLAYED: &str =
    "This nonce came a short while ago with other content: use a new one for each request";

/// A signed request that came again, and what was said to it before.
pub(super) fn signed_again(first: &str) -> String {
    format!("The same signed request came again and was answered as before: {first}")
}

/// Something older than what its conversion went by since.
pub(super) fn outdated(id: i64, status: Status) -> String {
    format!(
        "Conversion {id} stays {status}: something newer changed it since, and an older postback moves nothing back"
    )
}

/// What cannot be made sure any more.
pub(super) const SIGNATURE_NOT_KEPT: &str = "It can be read now, but its signature could not be looked at when it came, and \
     headers are not kept: ask them to send it again";

/// A verdict that a replay does not touch.
pub(super) const HAS_VERDICT: &str = "It counts already, or says again what counts: it is not run again";

/// A refusal for who sent it.
pub(super) const STAYS_REFUSED: &str = "It was refused for who sent it (key, address or signature), and that stays judged as it \
     was: mend the setting and ask them to send it again";

/// What is not there to be read.
pub(super) const NOT_WHOLE: &str =
    "It was longer than is kept, so its end is lost: ask them to send it again in smaller parts";

/// A postback of somebody who is gone.
pub(super) const ADVERTISER_GONE: &str = "Its advertiser is archived: restore the advertiser first";

/// Why a conversion changed that a person released.
pub(super) fn released(said: &str, why: &str) -> String {
    if said.is_empty() { format!("Released: {why}") } else { format!("{said}. Released: {why}") }
}

/// A verdict's message about a conversion that has no number yet.
pub(super) fn of_new(message: &str, id: i64) -> String {
    let at_start = message.replace(&format!("Conversion {id}"), "A new conversion");
    at_start.replace(&format!("conversion {id}"), "the new conversion")
}

/// Too many that were refused for who sent them.
pub(super) const TOO_MANY_REFUSED: &str = "Too many refused postbacks from this address: wait a minute";

/// More than an advertiser may send.
pub(super) fn too_fast(advertiser: &str) -> String {
    format!(
        "Postbacks of {advertiser} come faster than is taken, and this one was not stored: send it again in a second"
    )
}

/// No key in the address, where there must be one.
pub(super) const NO_KEY: &str =
    "There is no key in this address: copy the postback URL again from the advertiser's page";

/// An address that may not send without a key.
pub(super) fn address_not_allowed_without_key(address: &str) -> String {
    format!(
        "Postbacks without a key are taken from listed addresses alone, and this came from {address}: add it to the \
         installation's list, or use the postback URL of the advertiser's page"
    )
}

/// A click that reached nobody's offer.
pub(super) const NO_OFFER: &str = "The click reached no offer of any advertiser";

/// A click that may belong to several advertisers.
pub(super) const SEVERAL_ADVERTISERS: &str = "The click could have reached offers of several advertisers: send it to the postback URL of the one it belongs to";

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

/// An order value in a currency that cannot be turned into the account's.
pub(super) fn order_without_rate(currency: Currency) -> String {
    format!("The order value is left out: there is no exchange rate from {currency} yet")
}

/// An amount in a currency that cannot be turned into another.
pub(super) fn no_rate(from: Currency, to: Currency) -> String {
    format!(
        "There is no exchange rate from {from} to {to} yet: counted once one is added under Settings, Rates"
    )
}
