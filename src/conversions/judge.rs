//! Judging a postback, first half: what can be said without the database.

use super::again::{Again, Released};
use super::claim::{self, Claim, Refusal};
use super::request::{self, Incoming, RAW_BYTES_MAX};
use super::sentences;
use super::signed::Signed;
use super::trust::{self, Key};
use super::{person, pixel, said};
use crate::db::postbacks::NewPostback;
use crate::domain::click_id::ClickId;
use crate::domain::verdict::Code;
use crate::routing::{AdvertiserRoute, Catalog};
use std::sync::Arc;

/// A postback that has been read.
#[derive(Clone, Debug)]
pub struct Judged {
    /// As it came.
    pub incoming: Incoming,
    /// Whose key it came to.
    pub advertiser: Option<Arc<AdvertiserRoute>>,
    /// When that key ends, where it is the one before, Unix milliseconds.
    pub old_key_until_ms: Option<i64>,
    /// What it is known by where it is signed and its signature was looked at.
    pub signed: Option<Signed>,
    /// Equal for an identical request.
    pub request_hash: [u8; 16],
    /// What it claims, or why it was refused already.
    pub claim: Result<Claim, Refusal>,
    /// It is not judged for the first time.
    pub again: Option<Again>,
}

/// The answer to a postback, and what is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub code: Code,
    /// One plain sentence; for a refusal it says what to change.
    pub message: String,
    /// The conversion made, changed or repeated.
    pub conversion_id: Option<i64>,
    /// The click, where it is one of ours in form.
    pub click_id: Option<ClickId>,
    /// Test data.
    pub is_test: bool,
    /// When to come again, in seconds, where it was turned away for coming too often.
    pub retry_after_s: u32,
}

impl Verdict {
    /// A verdict with a message alone.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, conversion_id: None, click_id: None, is_test: false, retry_after_s: 0 }
    }

    /// Turned away after too many that were refused for who sent them; not stored.
    #[must_use]
    pub fn too_many_refused() -> Self {
        Self { retry_after_s: 60, ..Self::new(Code::RateLimited, sentences::TOO_MANY_REFUSED) }
    }

    /// Turned away since its advertiser sends faster than one may; not stored.
    #[must_use]
    pub fn too_fast(advertiser: &str) -> Self {
        Self { retry_after_s: 1, ..Self::new(Code::RateLimited, sentences::too_fast(advertiser)) }
    }

    /// Turned away since pages report too much from one address; not stored.
    #[must_use]
    pub fn reports_too_fast() -> Self {
        Self { retry_after_s: 60, ..Self::new(Code::RateLimited, sentences::REPORTS_TOO_FAST) }
    }

    /// Adds what a claim brings to every verdict on it: the click it names, and what was done to its values.
    pub(super) fn note(&mut self, claim: &Claim) {
        self.click_id = claim.click_id;
        for note in &claim.notes {
            self.message.push_str(". ");
            self.message.push_str(note);
        }
    }
}

/// The verdict on a claim whose click is not stored.
pub(super) fn without_click(claim: &Claim) -> Verdict {
    match claim.click_id {
        None => Verdict::new(Code::ParkedForeignClick, sentences::foreign_click(&claim.cid)),
        Some(_) => Verdict::new(Code::ParkedUnknownClick, sentences::UNKNOWN_CLICK),
    }
}

/// Reads a postback: key, request, claim, each check in its order.
#[must_use]
pub fn read(incoming: Incoming, catalog: &Catalog) -> Judged {
    if incoming.is_pixel() {
        return read_report(incoming, catalog);
    }
    let advertiser = catalog.by_key(&incoming.key).cloned();
    if incoming.is_by_person() {
        return person::read(incoming, advertiser);
    }
    let params = request::read(&incoming);
    let request_hash = params.as_ref().map(request::Params::hash).unwrap_or_default();
    let key = advertiser.as_deref().map(|route| trust::key(route, &incoming));
    let claim = match (&advertiser, key, params) {
        (None, ..) | (_, None, _) => Err(Refusal::new(Code::BadKey, sentences::BAD_KEY)),
        (_, Some(Key::Ended { at_ms }), _) => Err(Refusal::new(Code::BadKey, sentences::ended_key(at_ms))),
        (Some(_), _, Err(message)) => Err(Refusal::new(Code::Unreadable, message)),
        (Some(route), _, Ok(params)) => claim::read(&params, &route.advertiser),
    };
    let old_key_until_ms = key.and_then(Key::until_ms);
    Judged { incoming, advertiser, old_key_until_ms, signed: None, request_hash, claim, again: None }
}

/// Reads a page's report, which comes without a key: whose it is, its click tells.
fn read_report(incoming: Incoming, catalog: &Catalog) -> Judged {
    let params = request::read(&incoming).map(|mut params| {
        // No postback is ever taken for a retry of what a page reported.
        params.0.push(("method".to_owned(), incoming.method.clone()));
        params
    });
    let request_hash = params.as_ref().map(request::Params::hash).unwrap_or_default();
    let claim = match params {
        Err(message) => Err(Refusal::new(Code::Unreadable, message)),
        Ok(params) => pixel::read(&params, catalog.currency)
            .map(|claim| Claim { said: said::of_report(&incoming), ..claim }),
    };
    Judged {
        incoming,
        advertiser: None,
        old_key_until_ms: None,
        signed: None,
        request_hash,
        claim,
        again: None,
    }
}

impl Judged {
    /// The click it names, where it is one of ours in form.
    #[must_use]
    pub fn click_id(&self) -> Option<ClickId> {
        self.claim.as_ref().ok().and_then(|claim| claim.click_id)
    }

    /// What a person decided about it where it was parked.
    pub(super) fn released(&self) -> Option<Released> {
        self.again.and_then(|again| again.released)
    }

    /// The verdict where no click is stored for it: it is refused, or parked until its click appears.
    #[must_use]
    pub fn without_click(&self) -> Verdict {
        match &self.claim {
            Err(refusal) => {
                Verdict { click_id: refusal.click_id, ..Verdict::new(refusal.code, refusal.message.clone()) }
            }
            Ok(claim) => {
                let mut verdict = without_click(claim);
                verdict.note(claim);
                verdict
            }
        }
    }

    /// Adds to a verdict what it came with: the key before, which its sender should replace.
    pub(super) fn remark(&self, verdict: &mut Verdict) {
        if let Some(until_ms) = self.old_key_until_ms {
            verdict.message.push_str(&sentences::old_key(until_ms));
        }
    }

    /// The row that keeps it, with its verdict.
    #[must_use]
    pub fn to_row(&self, verdict: &Verdict) -> NewPostback {
        let claim = self.claim.as_ref().ok();
        let txid = self.claim.as_ref().map_or_else(|refusal| &refusal.txid, |claim| &claim.txid);
        let cut = |bytes: &[u8]| bytes.get(..RAW_BYTES_MAX).unwrap_or(bytes).to_vec();
        NewPostback {
            received_at_ms: self.incoming.received_at_ms,
            advertiser_id: self.advertiser.as_ref().map(|route| route.id),
            method: self.incoming.method.clone(),
            address: self.incoming.address.clone(),
            content_type: self.incoming.content_type.as_deref().map(|kind| kind.replace('\0', "\u{fffd}")),
            raw_query: cut(&self.incoming.query),
            raw_body: cut(&self.incoming.body),
            request_hash: self.request_hash,
            code: verdict.code,
            message: verdict.message.clone(),
            click_id: verdict.click_id,
            event: claim.map(|claim| claim.event.clone()),
            txid: Some(txid.clone()).filter(|txid| !txid.is_empty()),
            conversion_id: verdict.conversion_id,
            is_test: verdict.is_test || self.incoming.is_test,
            is_waiting: matches!(verdict.code, Code::ParkedUnknownClick | Code::ParkedNoRate),
        }
    }
}
