//! Which conversion a claim is about: its identity is (click, event, transaction).
//!
//! What a pixel reported stands apart until a postback takes it over: postbacks find each other as if no pixel had ever
//! reported anything, and only one that would be a new conversion looks whether a report waits for it. So nobody who calls
//! a pixel can make money appear, vanish or count twice.

use super::claim::Claim;
use crate::db::conversions::Conversion;

/// What a postback is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity<'a> {
    /// Something new.
    None,
    /// A conversion that is there.
    One(&'a Conversion),
    /// A conversion that a pixel reported and that the postback confirms.
    Reported(&'a Conversion),
    /// One of several, nobody knows which.
    Several(usize),
}

/// The conversion that a postback is about. Without a transaction there is one per click and event; a transaction that
/// comes later joins it; a claim without one joins the only candidate. What would be new takes over a pixel's report.
pub(super) fn find_identity<'a>(
    known: &'a [Conversion],
    claim: &Claim,
    advertiser_id: i64,
    is_test: bool,
) -> Identity<'a> {
    let own = || own(known, claim, advertiser_id);
    if claim.txid.is_empty() {
        let mut fitting = own();
        match (fitting.next(), fitting.count()) {
            (None, _) => {}
            (Some(only), 0) => return Identity::One(only),
            (Some(_), more) => return Identity::Several(more + 1),
        }
    } else {
        let exact = find_exact(known, claim, advertiser_id);
        let found = exact.or_else(|| own().find(|known| known.value.txid.is_empty()));
        if let Some(found) = found {
            return Identity::One(found);
        }
    }
    find_report(known, claim, advertiser_id, is_test)
}

/// The conversions of a claim's event that an advertiser's postbacks made, oldest first.
pub(super) fn own<'a>(
    known: &'a [Conversion],
    claim: &Claim,
    advertiser_id: i64,
) -> impl Iterator<Item = &'a Conversion> {
    known.iter().filter(move |known| {
        let value = &known.value;
        value.advertiser_id == advertiser_id && !value.is_unconfirmed && value.event == claim.event
    })
}

/// The conversion of a claim's very transaction.
pub(super) fn find_exact<'a>(
    known: &'a [Conversion],
    claim: &Claim,
    advertiser_id: i64,
) -> Option<&'a Conversion> {
    own(known, claim, advertiser_id).find(|known| !claim.txid.is_empty() && known.value.txid == claim.txid)
}

/// The pixel's report that something new takes over: that of its transaction, else the oldest.
pub(super) fn find_report<'a>(
    known: &'a [Conversion],
    claim: &Claim,
    advertiser_id: i64,
    is_test: bool,
) -> Identity<'a> {
    let reported = || {
        known.iter().filter(|known| {
            let value = &known.value;
            value.event == claim.event && value.is_unconfirmed && value.is_test == is_test
        })
    };
    let exact = reported().find(|known| !claim.txid.is_empty() && known.value.txid == claim.txid);
    let oldest = || {
        reported()
            .filter(|known| known.value.advertiser_id == advertiser_id)
            .min_by_key(|known| (known.value.converted_at_ms, known.id))
    };
    exact.or_else(oldest).map_or(Identity::None, Identity::Reported)
}

/// The conversion that a pixel reports once more: nothing is ever counted twice by one. A transaction that a conversion
/// has none of is taken for its own.
pub(super) fn find_reported<'a>(
    known: &'a [Conversion],
    claim: &Claim,
    advertiser_id: i64,
) -> Option<&'a Conversion> {
    let fitting = || {
        known.iter().filter(|known| {
            let is_own = known.value.advertiser_id == advertiser_id || known.value.is_unconfirmed;
            is_own && known.value.event == claim.event
        })
    };
    if claim.txid.is_empty() {
        return fitting().next();
    }
    let exact = fitting().find(|known| known.value.txid == claim.txid);
    exact.or_else(|| fitting().find(|known| known.value.txid.is_empty()))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
