//! Judging a postback, second half: inside the writing transaction, against clicks and conversions.

use super::caps::Takings;
use super::change::change_row;
use super::claim::Claim;
use super::earn::{Earned, earn};
use super::identity::own;
use super::judge::{Judged, Verdict, without_click};
use super::repeat::About;
use super::{foreign, person, sentences, words};
use crate::db::clicks::ClickFacts;
use crate::db::conversions::{Change, Conversion, NewConversion};
use crate::db::ledger::{Draft, Numbers};
use crate::db::postbacks::{Accepted, AcceptedAt};
use crate::db::{self, AnyConnection, clicks, conversions};
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use crate::domain::origin::Origin;
use crate::domain::rate::convert;
use crate::domain::rollup::RollupDelta;
use crate::domain::status::Status;
use crate::domain::verdict::Code;
use crate::routing::{AdvertiserRoute, Catalog, OfferRoute};
use chrono::NaiveDate;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A day.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long an identical request counts as a retry.
pub(super) const RETRY_MS: i64 = DAY_MS;

/// What a group of postbacks shares inside its transaction.
pub struct Group<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) now_ms: i64,
    pub(super) clicks: HashMap<ClickId, ClickFacts>,
    /// The clicks that stand for ids of the tracker before, as far as somebody asked.
    pub(super) foreign: HashMap<String, ClickId>,
    pub(super) conversions: HashMap<ClickId, Vec<Conversion>>,
    /// When requests were accepted; this group's own included.
    pub(super) accepted: HashMap<Accepted, Vec<AcceptedAt>>,
    /// The transactions whose amounts were added to conversions, as far as somebody asked; this group's own included.
    pub(super) additions: HashMap<i64, HashSet<String>>,
    /// Rates of currencies on days, as far as somebody asked.
    pub(super) rates: HashMap<(Currency, NaiveDate), Option<i64>>,
    /// What the group writes, at its end.
    pub draft: Draft<'a>,
    /// What the group changes in the sums.
    pub sums: RollupDelta,
    /// Clicks of people that converted, each with its offer.
    pub converted: Vec<(ClickId, i64)>,
    /// What the group takes of offers' caps.
    pub takings: Takings,
    /// Destinations are told of what comes from a file.
    pub(super) is_import_told: bool,
}

/// A click, and the offer of the advertiser that it reached.
pub(super) type Reached = (ClickFacts, Arc<OfferRoute>);

/// A verdict with the changes that belong to it: written once the postback has its number.
pub struct Settled {
    /// The verdict.
    pub verdict: Verdict,
    /// The change of a conversion.
    pub change: Option<Change>,
    /// Whose it turned out to be, where no key said so.
    pub advertiser_id: Option<i64>,
}

impl From<Verdict> for Settled {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, change: None, advertiser_id: None }
    }
}

impl<'a> Group<'a> {
    /// Reads the clicks and conversions that a group of postbacks names, and holds them.
    ///
    /// # Errors
    /// The database fails.
    pub fn begin(
        conn: &mut AnyConnection,
        catalog: &'a Catalog,
        now_ms: i64,
        postbacks: &[&Judged],
        numbers: &'a mut Numbers,
    ) -> db::Result<Self> {
        let (foreign, ids) = foreign::named(conn, postbacks.iter().copied())?;
        let mut group = Self::of_clicks(conn, catalog, now_ms, &ids, (numbers, postbacks.len()))?;
        group.foreign = foreign;
        let oldest = postbacks.iter().map(|judged| judged.incoming.received_at_ms).min();
        group.hold_accepted(conn, postbacks, oldest.unwrap_or(now_ms).saturating_sub(RETRY_MS))?;
        Ok(group)
    }

    /// Reads some clicks and their conversions, and holds them, for about so many postbacks.
    ///
    /// # Errors
    /// The database fails.
    pub fn of_clicks(
        conn: &mut AnyConnection,
        catalog: &'a Catalog,
        now_ms: i64,
        ids: &[ClickId],
        (numbers, likely): (&'a mut Numbers, usize),
    ) -> db::Result<Self> {
        conversions::lock_clicks(conn, ids)?;
        let mut group = Self::empty(conn, catalog, now_ms, (numbers, likely));
        group.hold(conn, ids)?;
        Ok(group)
    }

    /// Comes to the verdict on one postback and writes what it says about a conversion.
    ///
    /// # Errors
    /// The database fails.
    pub fn settle(&mut self, conn: &mut AnyConnection, judged: &Judged) -> db::Result<Settled> {
        match self.named_anew(judged) {
            Some(judged) => self.settle_named(conn, &judged),
            None => self.settle_named(conn, judged),
        }
    }

    fn settle_named(&mut self, conn: &mut AnyConnection, judged: &Judged) -> db::Result<Settled> {
        if judged.incoming.is_pixel() {
            return self.settle_report(conn, judged);
        }
        let (Ok(claim), Some(advertiser)) = (&judged.claim, &judged.advertiser) else {
            if judged.again.is_none() {
                words::note_status(&mut self.draft, judged);
            }
            return Ok(judged.without_click().into());
        };
        let mut settled = match self.find_click(conn, judged, claim, advertiser)? {
            Ok(found) => {
                words::note_event(&mut self.draft, judged, claim, advertiser, &found.1);
                self.apply(conn, judged, claim, advertiser, found)?
            }
            Err(verdict) => verdict.into(),
        };
        settled.verdict.note(claim);
        if let (Some(change), Some(cause)) = (&mut settled.change, judged.incoming.cause()) {
            cause.clone_into(&mut change.cause);
        }
        if let (Some(_), Some(click)) = (&settled.change, settled.verdict.click_id) {
            let now = AcceptedAt {
                at_ms: judged.incoming.received_at_ms,
                conversion_id: settled.verdict.conversion_id,
            };
            self.accepted.entry((advertiser.id, click, judged.request_hash)).or_default().push(now);
        }
        Ok(settled)
    }

    /// The click a claim names and this advertiser's offer that it reached.
    fn find_click(
        &self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
    ) -> db::Result<Result<Reached, Verdict>> {
        let Some(click) = claim.click_id.and_then(|id| self.clicks.get(&id)) else {
            return Ok(Err(without_click(claim)));
        };
        let offer = match self.offer_reached(conn, click, |id| id == advertiser.id)? {
            None if judged.released().is_some() => self.offer_of_click(conn, click)?,
            None => self.offer_released(click.id, claim, advertiser.id),
            reached => reached,
        };
        match offer {
            Some(offer) => Ok(Ok((click.clone(), offer))),
            None => {
                let message = sentences::wrong_offer(&advertiser.advertiser.name);
                let is_test = click.is_test;
                Ok(Err(Verdict { is_test, ..Verdict::new(Code::ParkedWrongOffer, message) }))
            }
        }
    }

    /// The offer that a click reached, of an advertiser that fits, the last one first; while no lander button is
    /// known to have been pressed, also those it could reach on its path. A page that registers its own visits is a lander
    /// too, one without a number.
    pub(super) fn offer_reached(
        &self,
        conn: &mut AnyConnection,
        click: &ClickFacts,
        fits: impl Fn(i64) -> bool,
    ) -> db::Result<Option<Arc<OfferRoute>>> {
        let own = |id: &i64| {
            self.catalog.offer(*id).filter(|route| route.offer.advertiser_id.is_some_and(&fits)).cloned()
        };
        let quick = click.last_offer_id.iter().chain(click.offer_id.iter()).find_map(own);
        if quick.is_some() {
            return Ok(quick);
        }
        if let Some(offer) = clicks::offers_reached(conn, click)?.iter().find_map(own) {
            return Ok(Some(offer));
        }
        let is_at_lander = click.lander_id.is_some() || click.offer_id.is_none();
        if !is_at_lander || click.lp_clicks > 0 {
            return Ok(None);
        }
        let path = click.path_id.and_then(|path_id| self.catalog.path(click.campaign_id, path_id));
        let reached = path.map(|path| self.catalog.offers_on(path)).unwrap_or_default();
        Ok(reached.into_iter().find_map(|offer| own(&offer.id)))
    }

    fn apply(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        (click, offer): Reached,
    ) -> db::Result<Settled> {
        let is_test = click.is_test || claim.is_test || judged.incoming.is_test;
        let fixed = |code, message: String| Verdict { is_test, ..Verdict::new(code, message) };
        let reported = match self.about(conn, judged, claim, advertiser, (click.id, is_test))? {
            About::New => None,
            About::Reported(conversion) => Some(conversion),
            About::Moved(existing) => return self.change(conn, judged, claim, advertiser, existing),
            About::Added(existing) => return self.add(conn, claim, &offer, existing),
            About::Again(existing) => return Ok(self.repeat(claim, existing)),
            About::Retry(id) => {
                let message = match judged.incoming.origin() {
                    Origin::Import => sentences::row_counted_before(id),
                    _ => sentences::counted_before(id),
                };
                let verdict = Verdict { conversion_id: Some(id), ..fixed(Code::Duplicate, message) };
                return Ok(verdict.into());
            }
            About::Unclear(message) => match self.chosen(judged, claim, advertiser.id, click.id) {
                Some(meant) => return self.change(conn, judged, claim, advertiser, meant),
                None => return Ok(fixed(Code::ParkedAmbiguous, message).into()),
            },
        };
        if let Some(message) = person::time_fault(judged, &click) {
            return Ok(fixed(Code::Unreadable, message).into());
        }
        let age_ms = aged_at_ms(judged, claim, &click).saturating_sub(click.clicked_at_ms);
        let window_days = advertiser.advertiser.window_days;
        if age_ms > window_days.saturating_mul(DAY_MS) && judged.released().is_none() {
            let message = sentences::outside_window(age_ms / DAY_MS, window_days);
            return Ok(fixed(Code::ParkedOutsideWindow, message).into());
        }
        match reported {
            Some(reported) => self.confirm(conn, judged, claim, advertiser, (&(click, offer), reported)),
            None => self.record(conn, judged, claim, advertiser, &click, &offer),
        }
    }

    fn record(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        click: &ClickFacts,
        offer: &OfferRoute,
    ) -> db::Result<Settled> {
        let is_test = click.is_test || claim.is_test || judged.incoming.is_test;
        let (earned, at_ms) = (earn(claim, &offer.offer), converted_at_ms(judged, claim, click));
        let without_rate = sentences::no_rate(earned.currency, self.catalog.currency);
        let Some(earned) = self.priced(conn, earned, claim, at_ms)? else {
            return Ok(Settled::from(Verdict { is_test, ..Verdict::new(Code::ParkedNoRate, without_rate) }));
        };
        let mut new = self.new_conversion(judged, claim, advertiser, click, offer, &earned);
        new.take_place();
        let (currency, status) = (new.currency, new.status);
        let (id, change) = self.insert(conn, new)?;
        let message = earned.said_in(sentences::recorded(id, earned.revenue, currency, status));
        let verdict = Verdict { conversion_id: Some(id), is_test, ..Verdict::new(Code::Recorded, message) };
        Ok(Settled { change: Some(change), ..Settled::from(verdict) })
    }

    /// Adds a new conversion to what the group writes; comes back with its number and the first row of its history.
    pub(super) fn insert(
        &mut self,
        conn: &mut AnyConnection,
        new: NewConversion,
    ) -> db::Result<(i64, Change)> {
        let id = self.draft.record(conn, new.clone())?;
        self.sums.add_conversion(&new.counted());
        self.takings.add(self.catalog, id, None, &new);
        self.note_converted(&new);
        let change = change_row(id, None, &new, self.now_ms);
        self.conversions.entry(new.click_id).or_default().push(Conversion { id, value: new });
        Ok((id, change))
    }

    /// Remembers that a click converted, for campaigns that do not lead its visitor there again.
    pub(super) fn note_converted(&mut self, new: &NewConversion) {
        if let (Some(offer_id), false, Status::Pending | Status::Approved) =
            (new.offer_id, new.is_test, new.status)
        {
            self.converted.push((new.click_id, offer_id));
        }
    }

    /// The number that tells a conversion without a transaction from the others of its click and event.
    fn next_seq(&self, click: ClickId, advertiser_id: i64, claim: &Claim) -> i64 {
        let known = self.conversions.get(&click).map_or(&[][..], Vec::as_slice);
        let nameless = own(known, claim, advertiser_id)
            .filter(|known| claim.txid.is_empty() && known.value.txid.is_empty());
        nameless.map(|known| known.value.seq).max().map_or(0, |last| last.saturating_add(1))
    }

    pub(super) fn new_conversion(
        &self,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        click: &ClickFacts,
        offer: &OfferRoute,
        earned: &Earned,
    ) -> NewConversion {
        let status = claim.status.unwrap_or(claim.default_status);
        let is_test = click.is_test || claim.is_test || judged.incoming.is_test;
        let (origin, at_ms) = (judged.incoming.origin(), converted_at_ms(judged, claim, click));
        let said = self.located(&claim.said);
        let terms = offer.offer.terms(&claim.event);
        NewConversion {
            click_id: click.id,
            event: claim.event.clone(),
            txid: claim.txid.clone(),
            seq: self.next_seq(click.id, advertiser.id, claim),
            advertiser_id: advertiser.id,
            campaign_id: click.campaign_id,
            path_id: click.path_id,
            lander_id: click.lander_id,
            offer_id: Some(offer.id),
            source_id: click.source_id,
            clicked_at_ms: click.clicked_at_ms,
            converted_at_ms: at_ms,
            recorded_at_ms: self.now_ms,
            updated_at_ms: self.now_ms,
            status,
            advertiser_status: claim.status_word.clone(),
            revenue_original_micros: earned.revenue.micros(),
            revenue_reported_micros: claim.revenue.map(Money::micros),
            currency: earned.currency,
            rate_nanos: earned.rate_nanos,
            revenue_micros: convert(earned.revenue, earned.rate_nanos).micros(),
            payout_status: status,
            payout_micros: 0,
            sale_amount_micros: earned.sale_amount.map(Money::micros),
            counts_as_conversion: terms.counts_as_conversion,
            counts_in_revenue: terms.counts_in_revenue,
            is_over_cap: false,
            place: None,
            is_bot: click.is_bot,
            is_test,
            reason: claim.reason.clone(),
            origin,
            is_unconfirmed: false,
            anomalies: self.anomalies(click, &said, (origin, at_ms, is_test)),
            said,
        }
    }
}

/// When a conversion happened. The sender's time counts within reason: not before the click, not in the future.
pub(super) fn converted_at_ms(judged: &Judged, claim: &Claim, click: &ClickFacts) -> i64 {
    let received = judged.incoming.received_at_ms;
    if judged.incoming.is_by_person() {
        // A time that is a little off is drawn to what is possible: now would put it into another day.
        let said = claim.conversion_time_ms.unwrap_or(received);
        return said.max(click.clicked_at_ms).min(received);
    }
    let said = claim.conversion_time_ms.filter(|at| (click.clicked_at_ms..=received).contains(at));
    said.unwrap_or(received)
}

/// When a click's window counts to. A row of a file is as old as it says, not as the file is; what a person records by hand
/// passes, as what he releases does.
fn aged_at_ms(judged: &Judged, claim: &Claim, click: &ClickFacts) -> i64 {
    match judged.incoming.origin() {
        Origin::Import => converted_at_ms(judged, claim, click),
        Origin::Hand => click.clicked_at_ms,
        Origin::Postback | Origin::Pixel => judged.incoming.received_at_ms,
    }
}
