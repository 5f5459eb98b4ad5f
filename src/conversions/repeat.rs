//! Postbacks that repeat themselves: what one more about a click and an event means, by the advertiser's duplicate mode.

use super::claim::Claim;
use super::earn::earn;
use super::identity::{Identity, find_exact, find_identity, find_report, own};
use super::judge::{Judged, Verdict};
use super::record::{Group, Settled};
use super::sentences;
use crate::db::conversions::{Conversion, changes_of};
use crate::db::{self, AnyConnection};
use crate::domain::advertiser::DuplicateMode;
use crate::domain::click_id::ClickId;
use crate::domain::money::{MAX_UNITS, MICROS_PER_UNIT, Money};
use crate::domain::origin::Origin;
use crate::domain::status::{Standing, Status};
use crate::domain::verdict::Code;
use crate::routing::{AdvertiserRoute, OfferRoute};
use std::collections::HashSet;
use std::collections::hash_map::Entry;

/// What a postback does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// It makes a conversion.
    New,
    /// It takes over what a pixel reported.
    Reported(Conversion),
    /// It may move a conversion, by the table of moves.
    Moved(Conversion),
    /// It says again what counted already.
    Again(Conversion),
    /// It says the very same as a request of the last 24 hours.
    Retry(i64),
    /// Its amount is added to a conversion.
    Added(Conversion),
    /// Nobody knows which one it is about.
    Unclear(String),
}

impl From<Identity<'_>> for About {
    fn from(identity: Identity<'_>) -> Self {
        match identity {
            Identity::None => Self::New,
            Identity::Reported(conversion) => Self::Reported(conversion.clone()),
            Identity::One(conversion) => Self::Moved(conversion.clone()),
            Identity::Several(count) => Self::Unclear(sentences::ambiguous(count)),
        }
    }
}

/// Whether a claim takes something back, which is never one more.
fn takes_back(claim: &Claim) -> bool {
    matches!(claim.status, Some(Status::Rejected | Status::Reversed))
}

/// Of a transaction that is known: a decision on it may move it, anything else says it again.
fn known(claim: &Claim, existing: &Conversion) -> About {
    if claim.status.is_some_and(|status| status != existing.value.status) || takes_back(claim) {
        About::Moved(existing.clone())
    } else {
        About::Again(existing.clone())
    }
}

impl Group<'_> {
    /// What a postback is about, by the mode of its event.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn about(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        (click, is_test): (ClickId, bool),
    ) -> db::Result<About> {
        let conversions = self.conversions.get(&click).map_or(&[][..], Vec::as_slice);
        let identity = || find_identity(conversions, claim, advertiser.id, is_test);
        Ok(match advertiser.advertiser.duplicate_mode_of(&claim.event) {
            DuplicateMode::Update => identity().into(),
            DuplicateMode::Ignore => match identity().into() {
                About::Moved(first) => About::Again(first),
                other => other,
            },
            DuplicateMode::New => {
                if let Some(exact) = find_exact(conversions, claim, advertiser.id) {
                    known(claim, exact)
                } else if takes_back(claim) && claim.txid.is_empty() {
                    identity().into()
                } else if let Some(id) = self.retried(judged, claim, advertiser.id, click) {
                    About::Retry(id)
                } else {
                    find_report(conversions, claim, advertiser.id, is_test).into()
                }
            }
            DuplicateMode::Add => self.about_sum(conn, judged, claim, advertiser.id, (click, is_test))?,
        })
    }

    /// The same where amounts are added up: the oldest conversion that is not taken back grows.
    fn about_sum(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser_id: i64,
        (click, is_test): (ClickId, bool),
    ) -> db::Result<About> {
        let all = self.conversions.get(&click).cloned().unwrap_or_default();
        if let Some(exact) = find_exact(&all, claim, advertiser_id) {
            return Ok(known(claim, exact));
        }
        let is_refund = claim.revenue.is_some_and(|amount| amount.micros() < 0);
        for one in own(&all, claim, advertiser_id).filter(|_| !claim.txid.is_empty()) {
            if self.additions_of(conn, one.id)?.contains(&claim.txid) {
                return Ok(match (is_refund, takes_back(claim)) {
                    (true, _) => About::Moved(one.clone()),
                    (false, true) => About::Unclear(sentences::which_addition(one.id)),
                    (false, false) => About::Again(one.clone()),
                });
            }
        }
        let is_decision = claim.revenue.is_none() && claim.txid.is_empty() && claim.status.is_some();
        if takes_back(claim) || is_decision {
            return Ok(find_identity(&all, claim, advertiser_id, is_test).into());
        }
        if let Some(id) = self.retried(judged, claim, advertiser_id, click) {
            return Ok(About::Retry(id));
        }
        let is_open = |one: &&Conversion| matches!(one.value.status, Status::Pending | Status::Approved);
        Ok(match own(&all, claim, advertiser_id).find(is_open) {
            Some(open) => About::Added(open.clone()),
            None => find_report(&all, claim, advertiser_id, is_test).into(),
        })
    }

    /// The conversion of an identical request without a transaction that was accepted lately.
    fn retried(&self, judged: &Judged, claim: &Claim, advertiser_id: i64, click: ClickId) -> Option<i64> {
        if !claim.txid.is_empty() {
            None
        } else if judged.incoming.origin() == Origin::Import {
            // Files are sent again after weeks: their rows are never counted twice.
            let all = self.accepted.get(&(advertiser_id, click, judged.request_hash))?;
            all.iter().find_map(|accepted| accepted.conversion_id)
        } else {
            self.accepted_lately(judged, advertiser_id, click)?.conversion_id
        }
    }

    /// The transactions whose amounts were added to a conversion; asked of the database once in a group.
    fn additions_of(&mut self, conn: &mut AnyConnection, id: i64) -> db::Result<&mut HashSet<String>> {
        match self.additions.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                // Asked before this group drafts an addition of its own: nothing drafted is missed.
                let stored = changes_of(conn, &[id])?.into_iter().filter_map(|change| change.source_txid);
                Ok(unknown.insert(stored.collect()))
            }
        }
    }

    /// Adds a claim's amount to a conversion.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn add(
        &mut self,
        conn: &mut AnyConnection,
        claim: &Claim,
        offer: &OfferRoute,
        existing: Conversion,
    ) -> db::Result<Settled> {
        let (id, is_test) = (existing.id, existing.value.is_test);
        let about = |code, message: String| {
            Settled::from(Verdict { conversion_id: Some(id), is_test, ..Verdict::new(code, message) })
        };
        let earned = earn(claim, &offer.offer);
        let Some(added) = self.in_currency_of(conn, (earned.revenue, earned.currency), &existing.value)?
        else {
            let message = sentences::no_rate(earned.currency, existing.value.currency);
            return Ok(about(Code::ParkedNoRate, message));
        };
        let from = existing.value.standing();
        let is_approved = claim.status == Some(Status::Approved);
        let status = if is_approved { Status::Approved } else { from.status };
        let to = Standing { status, revenue: from.revenue + added };
        if to == from {
            return Ok(about(Code::Duplicate, earned.said_in(sentences::repeated(id))));
        }
        if to.revenue.micros() > MAX_UNITS * MICROS_PER_UNIT {
            return Ok(about(Code::MalformedRevenue, sentences::too_much(id)));
        }
        let currency = existing.value.currency;
        let sale_amount = self.order_value(conn, claim, existing.value.converted_at_ms)?;
        let summed = summed(&Claim { sale_amount, ..claim.clone() }, &existing, added);
        let mut change = self.update(&summed, existing, to);
        change.why = sentences::adds(added, currency, &claim.txid);
        if !claim.txid.is_empty() {
            self.additions_of(conn, id)?.insert(claim.txid.clone());
            change.source_txid = Some(claim.txid.clone());
        }
        let message = earned.said_in(sentences::added(id, added, to, currency));
        Ok(Settled { change: Some(change), ..about(Code::Updated, message) })
    }
}

/// What a claim makes of a conversion that grows: its transaction stays, and order values are added like amounts.
fn summed(claim: &Claim, existing: &Conversion, added: Money) -> Claim {
    let before = |micros: Option<i64>| micros.map(Money::from_micros);
    let plus = |more: Option<Money>, before: Option<Money>| match (more, before) {
        (Some(more), Some(before)) => Some(before + more),
        (more, before) => more.or(before),
    };
    let reported = claim.revenue.map(|_| added);
    Claim {
        txid: String::new(),
        revenue: plus(reported, before(existing.value.revenue_reported_micros)),
        sale_amount: plus(claim.sale_amount, before(existing.value.sale_amount_micros)),
        ..claim.clone()
    }
}

#[cfg(test)]
#[path = "repeat_tests.rs"]
mod tests;
