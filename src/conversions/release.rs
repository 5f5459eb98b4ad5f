//! What is looked at besides where a postback is judged again: what a person decided, and what came since.

use super::claim::Claim;
use super::identity::own;
use super::judge::Judged;
use super::record::Group;
use crate::db::clicks::ClickFacts;
use crate::db::conversions::{self, Conversion};
use crate::db::{self, AnyConnection};
use crate::domain::click_id::ClickId;
use crate::domain::status::Said;
use crate::routing::OfferRoute;
use std::sync::Arc;

impl Group<'_> {
    /// The conversion that a person said is meant, where it is one that could be.
    pub(super) fn chosen(
        &self,
        judged: &Judged,
        claim: &Claim,
        advertiser_id: i64,
        click: ClickId,
    ) -> Option<Conversion> {
        let meant = judged.released()?.conversion_id?;
        let known = self.conversions.get(&click).map_or(&[][..], Vec::as_slice);
        own(known, claim, advertiser_id).find(|one| one.id == meant).cloned()
    }

    /// The offer that a click reached, whosever it is.
    pub(super) fn offer_of_click(
        &self,
        conn: &mut AnyConnection,
        click: &ClickFacts,
    ) -> db::Result<Option<Arc<OfferRoute>>> {
        if let Some(offer) = self.offer_reached(conn, click, |_| true)? {
            return Ok(Some(offer));
        }
        let mut own = click.last_offer_id.iter().chain(click.offer_id.iter());
        Ok(own.find_map(|id| self.catalog.offer(*id)).cloned())
    }

    /// The offer that a conversion of the same event was recorded under, where the click reached none of its advertiser's: what
    /// was released once, or what was his when it was recorded, can be changed by what he sends later.
    pub(super) fn offer_released(
        &self,
        click: ClickId,
        claim: &Claim,
        advertiser_id: i64,
    ) -> Option<Arc<OfferRoute>> {
        let known = self.conversions.get(&click)?;
        own(known, claim, advertiser_id).find_map(|one| self.catalog.offer(one.value.offer_id?)).cloned()
    }

    /// Whether what an older postback says of a conversion was overtaken: by a newer postback, or by a person. A refund lowers
    /// whatever stands, and what a person releases is that person's decision.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn is_outdated(
        &self,
        conn: &mut AnyConnection,
        judged: &Judged,
        existing: &Conversion,
        said: Said,
    ) -> db::Result<bool> {
        let is_refund = said.revenue.is_some_and(|amount| amount.micros() < 0);
        let received_at_ms = judged.incoming.received_at_ms;
        if judged.again.is_none() || judged.released().is_some() || is_refund {
            return Ok(false);
        }
        if existing.value.updated_at_ms <= received_at_ms {
            return Ok(false);
        }
        conversions::is_changed_by_newer(conn, existing.id, received_at_ms)
    }
}
