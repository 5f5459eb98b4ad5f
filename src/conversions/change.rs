//! What a postback changes of a conversion that is there.

use super::claim::Claim;
use super::earn::moving_amount;
use super::judge::{Judged, Verdict};
use super::record::{Group, RETRY_MS, Settled};
use super::sentences;
use crate::db::conversions::{Change, Conversion, NewConversion};
use crate::db::postbacks::AcceptedAt;
use crate::db::{self, AnyConnection};
use crate::domain::click_id::ClickId;
use crate::domain::money::Money;
use crate::domain::rate::convert;
use crate::domain::status::{Move, Said, Standing, judge_move};
use crate::domain::verdict::Code;
use crate::routing::AdvertiserRoute;

impl Group<'_> {
    /// Moves a conversion as a claim says, where that is a move.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn change(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        existing: Conversion,
    ) -> db::Result<Settled> {
        let id = existing.id;
        let is_test = existing.value.is_test;
        let about = |code, message: String| Verdict {
            conversion_id: Some(id),
            is_test,
            ..Verdict::new(code, message)
        };
        let from = existing.value.standing();
        let offer = existing.value.offer_id.and_then(|id| self.catalog.offer(id)).map(|route| &route.offer);
        let amount = moving_amount(claim, &existing.value, offer);
        let revenue = match amount {
            Some(amount) => self.in_currency_of(conn, (amount, claim.currency), &existing.value)?,
            None => None,
        };
        if amount.is_some() && revenue.is_none() {
            let message = sentences::no_rate(claim.currency, existing.value.currency);
            return Ok(about(Code::ParkedNoRate, message).into());
        }
        if revenue == Some(Money::ZERO) && amount != revenue {
            // Less than a micro of its currency: as a new amount it would take all that was earned.
            return Ok(self.repeat(claim, existing));
        }
        let said = Said { status: claim.status, revenue };
        let (to, is_surprising) = match judge_move(from, said, advertiser.advertiser.may_reopen_rejected()) {
            Move::Duplicate => return Ok(self.repeat(claim, existing)),
            Move::Refused => {
                let wanted = claim.status.unwrap_or(from.status);
                let message = sentences::not_allowed(id, from.status, wanted);
                return Ok(about(Code::TransitionRefused, message).into());
            }
            Move::Update { to, is_surprising } => (to, is_surprising),
        };
        if self.accepted_lately(judged, advertiser.id, existing.value.click_id).is_some() {
            let message = sentences::counted_lately(id, from.status);
            return Ok(about(Code::Duplicate, message).into());
        }
        if self.is_outdated(conn, judged, &existing, said)? {
            let message = sentences::outdated(id, from.status);
            return Ok(about(Code::Duplicate, message).into());
        }
        let currency = existing.value.currency;
        let priced = Claim {
            revenue: claim.revenue.and(revenue).or(claim.revenue),
            sale_amount: self.order_value(conn, claim, existing.value.converted_at_ms)?,
            ..claim.clone()
        };
        let change = self.update(&priced, existing, to);
        let message = sentences::moved(id, from, to, currency, is_surprising);
        Ok(Settled { change: Some(change), ..Settled::from(about(Code::Updated, message)) })
    }

    /// What says nothing new of a conversion; its transaction joins all the same.
    pub(super) fn repeat(&mut self, claim: &Claim, existing: Conversion) -> Settled {
        let (id, is_test) = (existing.id, existing.value.is_test);
        self.join_txid(claim, existing);
        let verdict = Verdict::new(Code::Duplicate, sentences::repeated(id));
        Settled::from(Verdict { conversion_id: Some(id), is_test, ..verdict })
    }

    /// When the same request was last accepted within [`RETRY_MS`] of this one: a late retry moves nothing, and nothing is
    /// moved by one that is judged again after its retry was.
    pub(super) fn accepted_lately(
        &self,
        judged: &Judged,
        advertiser_id: i64,
        click: ClickId,
    ) -> Option<AcceptedAt> {
        let received_at_ms = judged.incoming.received_at_ms;
        let all = self.accepted.get(&(advertiser_id, click, judged.request_hash))?;
        let near = all.iter().filter(|one| one.at_ms.abs_diff(received_at_ms) <= RETRY_MS.unsigned_abs());
        near.max().copied()
    }

    /// A transaction that comes later joins its conversion.
    pub(super) fn join_txid(&mut self, claim: &Claim, existing: Conversion) {
        if claim.txid.is_empty() || !existing.value.txid.is_empty() {
            return;
        }
        let mut joined = existing;
        joined.value.txid.clone_from(&claim.txid);
        self.draft.change(&joined);
        self.replace(joined);
    }

    /// Writes how a conversion stands now. The claim's amounts are in its currency, its order value in the account's.
    pub(super) fn update(&mut self, claim: &Claim, existing: Conversion, to: Standing) -> Change {
        let before = existing.value.clone();
        let mut after = existing;
        let value = &mut after.value;
        if value.txid.is_empty() {
            value.txid.clone_from(&claim.txid);
        }
        value.status = to.status;
        value.payout_status = to.status;
        value.revenue_original_micros = to.revenue.micros();
        value.revenue_micros = convert(to.revenue, value.rate_nanos).micros();
        value.updated_at_ms = self.now_ms;
        if claim.status_word.is_some() {
            value.advertiser_status.clone_from(&claim.status_word);
        }
        if let Some(reported) = claim.revenue {
            value.revenue_reported_micros = Some(reported.micros());
        }
        if let Some(amount) = claim.sale_amount {
            value.sale_amount_micros = Some(amount.micros());
        }
        if claim.reason.is_some() {
            value.reason.clone_from(&claim.reason);
        }
        // A refund gives nothing back of what the conversion held of a cap.
        let is_refund = claim.revenue.is_some_and(|amount| amount.micros() < 0);
        if value.place.is_none() || !is_refund {
            value.take_place();
        }
        self.draft.change(&after);
        self.takings.add(self.catalog, after.id, before.place, &after.value);
        self.sums.change_conversion(&before.counted(), &after.value.counted());
        let change = change_row(after.id, Some(&before), &after.value, self.now_ms);
        self.replace(after);
        change
    }

    pub(super) fn replace(&mut self, conversion: Conversion) {
        let known = self.conversions.entry(conversion.value.click_id).or_default();
        if let Some(place) = known.iter_mut().find(|known| known.id == conversion.id) {
            *place = conversion;
        }
    }
}

/// The row that a change leaves; its postback is written into it once it has its number.
pub fn change_row(id: i64, before: Option<&NewConversion>, after: &NewConversion, now_ms: i64) -> Change {
    Change {
        conversion_id: id,
        at_ms: now_ms,
        from_status: before.map(|before| before.status.as_str().to_owned()),
        to_status: after.status.as_str().to_owned(),
        from_revenue_micros: before.map(|before| before.revenue_micros),
        to_revenue_micros: after.revenue_micros,
        from_payout_micros: before.map(|before| before.payout_micros),
        to_payout_micros: after.payout_micros,
        cause: "postback".to_owned(),
        postback_id: None,
        user_id: None,
        why: String::new(),
        source_txid: None,
    }
}
