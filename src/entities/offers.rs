//! Offers, each of one advertiser.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use super::references::{leads_back, refusal};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::cap::{Cap, CapOf};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::offer::{AtCap, Offer};

impl Noun for Offer {
    stored_in!(offers);

    fn blank(account: Currency) -> Self {
        Self::blank(account)
    }

    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        if let Some(id) = self.advertiser_id {
            let statuses = db::advertisers::statuses(checks.conn, &[id])?;
            let before = before.and_then(|before| before.advertiser_id).into_iter().collect();
            if let Some(message) = refusal("advertiser", [id], &statuses, &before) {
                checks.push("advertiser_id", message);
            }
        }
        check_caps(self, before, checks);
        check_at_cap(self, before, checks)
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::offers::insert(conn, self, now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        // Whoever counts next counts anew: a cap that was taken away and comes back has missed what came meanwhile.
        db::cap_uses::forget(conn, id)?;
        Ok(db::offers::update(conn, id, self, now_ms)?)
    }
}

door!(Offer);

/// A cap that nothing would ever fill is refused, since whoever sets it trusts in it; one that stood before may stay.
fn check_caps(offer: &Offer, before: Option<&Offer>, checks: &mut Checks<'_>) {
    let known = |cap: &Cap| before.is_some_and(|before| before.caps.iter().any(|old| old.key() == cap.key()));
    for (at, cap) in offer.caps.iter().enumerate() {
        if cap.of == CapOf::Payout && !known(cap) {
            let message = "What partners are paid is not recorded yet, so this cap would never fill: cap revenue or \
                           conversions instead";
            checks.push(&format!("caps[{at}].of"), message);
        }
    }
}

/// The offer that takes the visitors at the cap is there, and they do not come back in the end.
fn check_at_cap(offer: &Offer, before: Option<&Offer>, checks: &mut Checks<'_>) -> db::Result<()> {
    const FIELD: &str = "at_cap.offer_id";
    let AtCap::Offer { offer_id } = offer.at_cap else { return Ok(()) };
    let statuses = db::offers::statuses(checks.conn, &[offer_id])?;
    let before = before.and_then(|before| match before.at_cap {
        AtCap::Offer { offer_id } => Some(offer_id),
        _ => None,
    });
    if let Some(message) = refusal("offer", [offer_id], &statuses, &before.into_iter().collect()) {
        checks.push(FIELD, message);
    }
    if let Some(own) = checks.id {
        let handed_on = db::offers::handed_on(checks.conn)?;
        let next = |id: i64| handed_on.get(&id).copied().into_iter().collect();
        if leads_back(own, vec![offer_id], next) {
            checks.push(
                FIELD,
                "This leads back to the offer itself: choose another, or end the chain with an address",
            );
        }
    }
    Ok(())
}
