//! What a person records: by hand, or by a file. It is judged as a postback is, but for who sent it: whoever has the right is
//! signed in, and kept beside it.

use super::claim::{self, Refusal};
use super::judge::Judged;
use super::request::{self, Incoming};
use super::sentences;
use crate::db::clicks::ClickFacts;
use crate::db::postbacks::{HAND, IMPORT};
use crate::domain::origin::Origin;
use crate::domain::verdict::Code;
use crate::routing::AdvertiserRoute;
use std::sync::Arc;

/// How far before its click a row's time may lie, in milliseconds: clocks differ, and many files have minutes or days alone.
/// What lies further is in another zone, or another column.
const TIME_OFF_MAX_MS: i64 = 24 * 60 * 60 * 1_000;

/// The cause of changes that a file makes.
pub(super) const IMPORTED: &str = "import";

impl Incoming {
    /// How a conversion became known that it makes.
    pub(super) fn origin(&self) -> Origin {
        match self.method.as_str() {
            IMPORT => Origin::Import,
            HAND => Origin::Hand,
            _ => Origin::Postback,
        }
    }

    /// What kind of cause its changes have, where no postback is theirs.
    pub(super) fn cause(&self) -> Option<&'static str> {
        match self.origin() {
            Origin::Import => Some(IMPORTED),
            Origin::Hand => Some("person"),
            Origin::Postback | Origin::Pixel => None,
        }
    }

    /// Whether a person of ours recorded it, and no advertiser sent it.
    #[must_use]
    pub fn is_by_person(&self) -> bool {
        self.origin() != Origin::Postback
    }
}

/// Reads what a person records. Its names are ours: no advertiser's map of parameters speaks of them.
pub(super) fn read(incoming: Incoming, advertiser: Option<Arc<AdvertiserRoute>>) -> Judged {
    let params = request::read(&incoming).map(|mut params| {
        // No postback is ever taken for a retry of what a person recorded.
        params.0.push(("method".to_owned(), incoming.method.clone()));
        params
    });
    let request_hash = params.as_ref().map(request::Params::hash).unwrap_or_default();
    let claim = match (&advertiser, params) {
        (None, _) => Err(Refusal::new(Code::BadKey, sentences::NO_ADVERTISER)),
        (Some(_), Err(message)) => Err(Refusal::new(Code::Unreadable, message)),
        (Some(route), Ok(params)) => claim::read_own_names(&params, &route.advertiser),
    };
    Judged { incoming, advertiser, old_key_until_ms: None, signed: None, request_hash, claim, again: None }
}

/// What is wrong with the time of a conversion that a person records; none where nothing is.
pub(super) fn time_fault(judged: &Judged, click: &ClickFacts) -> Option<String> {
    let said = judged.claim.as_ref().ok().and_then(|claim| claim.conversion_time_ms);
    let at_ms = said.filter(|_| judged.incoming.is_by_person())?;
    if at_ms < click.clicked_at_ms.saturating_sub(TIME_OFF_MAX_MS) {
        return Some(sentences::before_its_click(at_ms, click.clicked_at_ms));
    }
    (at_ms > judged.incoming.received_at_ms.saturating_add(TIME_OFF_MAX_MS))
        .then(|| sentences::in_the_future(at_ms))
}
