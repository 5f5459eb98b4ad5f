//! Postbacks that are judged again: read as they came, by today's settings. Who may send was judged when they came, and stays
//! judged.

use super::claim::Refusal;
use super::judge::{self, Judged};
use super::request::{Incoming, RAW_BYTES_MAX};
use super::writer::Shared;
use super::{keyless, sentences, signed, trust};
use crate::db;
use crate::db::postbacks::{NewPostback, PIXEL, StoredPostback};
use crate::domain::verdict::Code;
use crate::routing::Catalog;

/// What a judgement that is not the first one is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// A person lets it pass where it was parked.
    pub released: Option<Released>,
}

/// What a person decided about a parked postback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// The conversion that is meant, where several could be.
    pub conversion_id: Option<i64>,
}

/// Whether a postback was kept whole. What was longer than is kept was cut: what it said after that is lost.
pub(super) fn is_whole(value: &NewPostback) -> bool {
    value.raw_query.len() < RAW_BYTES_MAX && value.raw_body.len() < RAW_BYTES_MAX
}

/// A stored postback as it came, at the present key of its advertiser. Its headers were not kept.
pub(super) fn incoming(value: NewPostback, catalog: &Catalog) -> Incoming {
    let key = value.advertiser_id.and_then(|id| catalog.advertiser(id)).map(|route| route.key.clone());
    Incoming {
        key: key.unwrap_or_default(),
        is_body_cut: !is_whole(&value),
        method: value.method,
        address: value.address,
        content_type: value.content_type,
        query: value.raw_query,
        body: value.raw_body,
        agent: None,
        signature: None,
        whole: None,
        received_at_ms: value.received_at_ms,
        is_test: value.is_test,
        is_as_from_outside: false,
    }
}

impl Shared {
    /// Reads a stored postback again.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn judge_again(
        &self,
        catalog: &Catalog,
        stored: StoredPostback,
        again: Again,
    ) -> db::Result<Judged> {
        let value = stored.value;
        // What a page reports has no key either, and is read as such.
        let is_keyless = value.advertiser_id.is_none() && value.method != PIXEL;
        let code = value.code;
        let incoming = incoming(value, catalog);
        let judged = if is_keyless {
            self.judge_keyless(catalog, incoming)?
        } else {
            let mut judged = judge::read(incoming, catalog);
            if code == Code::Unreadable {
                self.look_at_signature(&mut judged);
            }
            judged
        };
        Ok(Judged { again: Some(again), ..judged })
    }

    /// Whose it is was not known when it came, so nothing its advertiser asks has been looked at.
    fn judge_keyless(&self, catalog: &Catalog, incoming: Incoming) -> db::Result<Judged> {
        let named = match keyless::named(&incoming, catalog) {
            Ok(named) => named,
            Err(refusal) => return Ok(keyless::nobodys(incoming, refusal)),
        };
        let mut judged = self.db.read(|conn| keyless::read_named(conn, incoming, named, catalog))?;
        trust::check(&mut judged, &self.admission.vault);
        judged.signed = None;
        Ok(judged)
    }

    /// What could not be read was let in without a look at its signature: where it can be read now, that is made good.
    fn look_at_signature(&self, judged: &mut Judged) {
        let Some(route) = judged.advertiser.clone().filter(|_| !judged.incoming.is_test) else { return };
        if judged.claim.is_ok() && signed::check(&route, &judged.incoming, &self.admission.vault).is_err() {
            judged.claim = Err(Refusal::new(Code::Unreadable, sentences::SIGNATURE_NOT_KEPT));
        }
    }
}
