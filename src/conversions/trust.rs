//! Who may send postbacks: what is checked of a request before anything is said about its conversion.

use super::claim::Refusal;
use super::judge::Judged;
use super::request::Incoming;
use super::{sentences, signed};
use crate::domain::advertiser::is_allowed;
use crate::domain::vault::Vault;
use crate::domain::verdict::Code;
use crate::routing::AdvertiserRoute;
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;

/// What the installation says about who may send.
pub struct Admission {
    /// Opens the advertisers' secrets.
    pub vault: Arc<Vault>,
    /// Postbacks of one advertiser that are taken a second, by this process; 0 for no limit.
    pub per_second_max: u32,
    /// Where postbacks without a key may come from; from nowhere where it is empty.
    pub without_key: Vec<IpNet>,
}

/// Which key of an advertiser a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The present one.
    Present,
    /// The one before, which still works.
    Old {
        /// When it ends, Unix milliseconds.
        until_ms: i64,
    },
    /// The one before, which does not work any more.
    Ended {
        /// When it ended, Unix milliseconds.
        at_ms: i64,
    },
}

impl Key {
    /// When it ends, where it is an old one that works.
    pub(super) const fn until_ms(self) -> Option<i64> {
        match self {
            Self::Old { until_ms } => Some(until_ms),
            Self::Present | Self::Ended { .. } => None,
        }
    }
}

/// Which of an advertiser's keys a request came to.
pub(super) fn key(route: &AdvertiserRoute, incoming: &Incoming) -> Key {
    match &route.previous_key {
        Some(previous) if previous.value == incoming.key && previous.value != route.key => {
            if previous.is_live(incoming.received_at_ms) {
                Key::Old { until_ms: previous.until_ms }
            } else {
                Key::Ended { at_ms: previous.until_ms }
            }
        }
        _ => Key::Present,
    }
}

/// Refuses what its advertiser does not let in: first by its address, then by its signature, where it can be read at all. A
/// test of ours is let in, and what a person records: whoever sends it has signed in.
pub(super) fn check(judged: &mut Judged, vault: &Vault) {
    let Some(route) = judged.advertiser.clone() else { return };
    let code = judged.claim.as_ref().err().map(|refusal| refusal.code);
    if code == Some(Code::BadKey) || !judged.incoming.is_sender_judged() {
        return;
    }
    if let Err((code, message)) = address(&route, &judged.incoming.address) {
        return refuse(judged, code, message);
    }
    if code == Some(Code::Unreadable) {
        return;
    }
    match signed::check(&route, &judged.incoming, vault) {
        Ok(signed) => judged.signed = signed,
        Err((code, message)) => refuse(judged, code, message),
    }
}

/// Whether an advertiser's postbacks may come from an address.
fn address(route: &AdvertiserRoute, address: &str) -> Result<(), (Code, String)> {
    let ranges = &route.advertiser.allow_addresses;
    let is_listed = || address.parse::<IpAddr>().is_ok_and(|address| is_allowed(ranges, address));
    if ranges.is_empty() || is_listed() {
        return Ok(());
    }
    Err((Code::AddressNotAllowed, sentences::address_not_allowed(&route.advertiser.name, address)))
}

/// What it names is kept, so that its click's story and its transaction's log tell of the refusal.
fn refuse(judged: &mut Judged, code: Code, message: String) {
    let (click_id, txid) = match &mut judged.claim {
        Ok(claim) => (claim.click_id, std::mem::take(&mut claim.txid)),
        Err(refusal) => (refusal.click_id, std::mem::take(&mut refusal.txid)),
    };
    judged.claim = Err(Refusal { code, message, click_id, txid, unknown_word: None, foreign_id: None });
}
