//! Judging a postback, second half: inside the writing transaction, against clicks and conversions.

use super::claim::{Claim, DEFAULT_EVENT};
use super::judge::{Judged, Verdict};
use crate::db::clicks::ClickFacts;
use crate::db::conversions::{Change, Conversion, NewConversion};
use crate::db::{self, AnyConnection, clicks, conversions, postbacks};
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::RevenueMode;
use crate::domain::rollup::RollupDelta;
use crate::domain::status::{Move, Said, Standing, Status, judge_move};
use crate::domain::verdict::Code;
use crate::routing::{AdvertiserRoute, Catalog, OfferRoute};
use std::collections::HashMap;
use std::sync::Arc;

/// How long an identical request counts as a retry.
const RETRY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A rate of one to one, in billionths.
const RATE_ONE_NANOS: i64 = 1_000_000_000;

/// What a group of postbacks shares inside its transaction.
pub struct Group<'a> {
    catalog: &'a Catalog,
    now_ms: i64,
    clicks: HashMap<ClickId, ClickFacts>,
    conversions: HashMap<ClickId, Vec<Conversion>>,
    /// What the group changes in the sums.
    pub sums: RollupDelta,
}

/// A click, and the offer of the advertiser that it reached.
type Reached = (ClickFacts, Arc<OfferRoute>);

/// A verdict with the changes that belong to it: written once the postback has its number.
pub struct Settled {
    /// The verdict.
    pub verdict: Verdict,
    /// The change of a conversion.
    pub change: Option<Change>,
}

impl From<Verdict> for Settled {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, change: None }
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
        ids: &[ClickId],
    ) -> db::Result<Self> {
        conversions::lock_clicks(conn, ids)?;
        let clicks = clicks::facts(conn, ids)?.into_iter().map(|facts| (facts.id, facts)).collect();
        let mut by_click: HashMap<ClickId, Vec<Conversion>> = HashMap::new();
        for conversion in conversions::of_clicks(conn, ids)? {
            by_click.entry(conversion.value.click_id).or_default().push(conversion);
        }
        Ok(Self { catalog, now_ms, clicks, conversions: by_click, sums: RollupDelta::new() })
    }

    /// Comes to the verdict on one postback and writes what it says about a conversion.
    ///
    /// # Errors
    /// The database fails.
    pub fn settle(&mut self, conn: &mut AnyConnection, judged: &Judged) -> db::Result<Settled> {
        let (claim, advertiser) = match (&judged.claim, &judged.advertiser) {
            (Ok(claim), Some(advertiser)) => (claim, advertiser),
            (Err(refusal), _) => return Ok(Verdict::new(refusal.code, refusal.message.clone()).into()),
            (Ok(_), None) => return Ok(Verdict::new(Code::BadKey, "").into()),
        };
        let mut settled = match self.find_click(conn, claim, advertiser)? {
            Ok(found) => self.apply(conn, judged, claim, advertiser, found)?,
            Err(verdict) => verdict.into(),
        };
        settled.verdict.click_id = claim.click_id;
        for note in &claim.notes {
            settled.verdict.message.push_str(". ");
            settled.verdict.message.push_str(note);
        }
        Ok(settled)
    }

    /// The click a claim names and this advertiser's offer that it reached.
    fn find_click(
        &self,
        conn: &mut AnyConnection,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
    ) -> db::Result<Result<Reached, Verdict>> {
        let Some(id) = claim.click_id else {
            let shown: String = claim.cid.chars().take(60).collect();
            return Ok(Err(Verdict::new(
                Code::ParkedForeignClick,
                format!("`{shown}` is not one of our click ids: it was cut, altered, or another tracker's"),
            )));
        };
        let Some(click) = self.clicks.get(&id) else {
            return Ok(Err(Verdict::new(
                Code::ParkedUnknownClick,
                "A well-formed click id that is not stored (yet): counted at once if the click appears",
            )));
        };
        match self.offer_of(conn, click, advertiser.id)? {
            Some(offer) => Ok(Ok((click.clone(), offer))),
            None => {
                let mut verdict = Verdict::new(
                    Code::ParkedWrongOffer,
                    format!("The click reached no offer of {}", advertiser.advertiser.name),
                );
                verdict.is_test = click.is_test;
                Ok(Err(verdict))
            }
        }
    }

    /// The offer of an advertiser that a click reached, the last one first; while no lander button is
    /// known to have been pressed, also those it could reach on its path.
    fn offer_of(
        &self,
        conn: &mut AnyConnection,
        click: &ClickFacts,
        advertiser_id: i64,
    ) -> db::Result<Option<Arc<OfferRoute>>> {
        let own = |id: &i64| {
            self.catalog.offer(*id).filter(|route| route.offer.advertiser_id == Some(advertiser_id)).cloned()
        };
        let quick = click.last_offer_id.iter().chain(click.offer_id.iter()).find_map(own);
        if quick.is_some() {
            return Ok(quick);
        }
        if let Some(offer) = clicks::offers_reached(conn, click)?.iter().find_map(own) {
            return Ok(Some(offer));
        }
        if click.lander_id.is_none() || click.lp_clicks > 0 {
            return Ok(None);
        }
        let path = self
            .catalog
            .campaign(click.campaign_id)
            .and_then(|campaign| campaign.paths.iter().find(|path| Some(path.id) == click.path_id));
        Ok(path.and_then(|path| path.offers.iter().find_map(|(offer, _)| own(&offer.id))))
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
        let candidates = self.conversions.get(&click.id).map_or(&[][..], Vec::as_slice);
        let existing = match find_identity(candidates, claim, advertiser.id) {
            Identity::One(conversion) => conversion.clone(),
            Identity::Several(count) => {
                let message =
                    format!("{count} conversions of this click fit: send the transaction id (txid)");
                return Ok(fixed(Code::ParkedAmbiguous, message).into());
            }
            Identity::None => {
                let age_ms = judged.incoming.received_at_ms.saturating_sub(click.clicked_at_ms);
                let window_days = advertiser.advertiser.window_days;
                if age_ms > window_days.saturating_mul(DAY_MS) {
                    let message =
                        format!("The click is {} days old, the window {window_days}", age_ms / DAY_MS);
                    return Ok(fixed(Code::ParkedOutsideWindow, message).into());
                }
                return self.record(conn, judged, claim, advertiser, &click, &offer);
            }
        };
        self.change(conn, judged, claim, advertiser, existing)
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
        let earned = earn(claim, offer);
        if earned.currency != self.catalog.currency {
            return Ok(Settled::from(Verdict { is_test, ..no_rate(earned.currency, self.catalog.currency) }));
        }
        let new = self.new_conversion(judged, claim, advertiser, click, offer, &earned);
        let Some(id) = conversions::insert(conn, &new)? else {
            // Only where rows were written past the locks: the identity is there, so this one repeats it.
            return Ok(Settled::from(Verdict {
                is_test,
                ..Verdict::new(Code::Duplicate, "The conversion is there already")
            }));
        };
        self.sums.add_conversion(&new.counted());
        let mut message = format!("Conversion {id}: {} {}, {}", earned.revenue, new.currency, new.status);
        if let Some(note) = earned.note {
            message = format!("{message}. {note}");
        }
        let change = change_row(id, None, &new, self.now_ms);
        self.conversions.entry(click.id).or_default().push(Conversion { id, value: new });
        let verdict = Verdict { conversion_id: Some(id), is_test, ..Verdict::new(Code::Recorded, message) };
        Ok(Settled { verdict, change: Some(change) })
    }

    fn new_conversion(
        &self,
        judged: &Judged,
        claim: &Claim,
        advertiser: &AdvertiserRoute,
        click: &ClickFacts,
        offer: &OfferRoute,
        earned: &Earned,
    ) -> NewConversion {
        let received = judged.incoming.received_at_ms;
        // The sender's time counts within reason: not before the click, not in the future.
        let converted_at_ms = claim
            .conversion_time_ms
            .filter(|at| (click.clicked_at_ms..=received).contains(at))
            .unwrap_or(received);
        let status = claim.status.unwrap_or(claim.default_status);
        NewConversion {
            click_id: click.id,
            event: claim.event.clone(),
            txid: claim.txid.clone(),
            seq: 0,
            advertiser_id: advertiser.id,
            campaign_id: click.campaign_id,
            path_id: click.path_id,
            lander_id: click.lander_id,
            offer_id: Some(offer.id),
            source_id: click.source_id,
            clicked_at_ms: click.clicked_at_ms,
            converted_at_ms,
            recorded_at_ms: self.now_ms,
            updated_at_ms: self.now_ms,
            status,
            advertiser_status: claim.status_word.clone(),
            revenue_original_micros: earned.revenue.micros(),
            revenue_reported_micros: claim.revenue.map(Money::micros),
            currency: earned.currency,
            rate_nanos: RATE_ONE_NANOS,
            revenue_micros: earned.revenue.micros(),
            payout_status: status,
            payout_micros: 0,
            sale_amount_micros: claim.sale_amount.map(Money::micros),
            counts_as_conversion: claim.event == DEFAULT_EVENT,
            counts_in_revenue: true,
            is_over_cap: false,
            is_bot: click.is_bot,
            is_test: click.is_test || claim.is_test || judged.incoming.is_test,
            reason: claim.reason.clone(),
        }
    }

    fn change(
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
        let from = Standing {
            status: existing.value.status,
            revenue: Money::from_micros(existing.value.revenue_original_micros),
        };
        let revenue = self.moving_amount(claim, &existing.value);
        if revenue.is_some() && claim.currency != existing.value.currency {
            return Ok(
                about(Code::ParkedNoRate, no_rate(claim.currency, existing.value.currency).message).into()
            );
        }
        let said = Said { status: claim.status, revenue };
        let duplicate = || format!("Same click, event and transaction as conversion {id}, nothing new");
        let (to, is_surprising) = match judge_move(from, said, advertiser.advertiser.may_reopen_rejected()) {
            Move::Duplicate => {
                self.join_txid(conn, claim, existing)?;
                return Ok(about(Code::Duplicate, duplicate()).into());
            }
            Move::Refused => {
                let wanted = claim.status.unwrap_or(from.status);
                let message = format!(
                    "Conversion {id} is {}, and this advertiser's conversions may not become {wanted} after that",
                    from.status
                );
                return Ok(about(Code::TransitionRefused, message).into());
            }
            Move::Update { to, is_surprising } => (to, is_surprising),
        };
        let since_ms = judged.incoming.received_at_ms.saturating_sub(RETRY_MS);
        if postbacks::was_accepted(
            conn,
            advertiser.id,
            existing.value.click_id,
            &judged.request_hash,
            since_ms,
        )? {
            let message = format!(
                "The same request was counted within 24 hours: conversion {id} stays {}",
                from.status
            );
            return Ok(about(Code::Duplicate, message).into());
        }
        let change = self.update(conn, claim, existing, to)?;
        let mut message = describe_move(id, from, to, self.catalog.currency);
        if is_surprising {
            message.push_str(": a decision was turned round, have a look");
        }
        Ok(Settled { verdict: about(Code::Updated, message), change: Some(change) })
    }

    /// The amount that moves a conversion. Where the offer's own rate counts, what is sent is reported only;
    /// a refund counts always.
    fn moving_amount(&self, claim: &Claim, existing: &NewConversion) -> Option<Money> {
        let mode =
            existing.offer_id.and_then(|id| self.catalog.offer(id)).map(|route| route.offer.revenue_mode);
        claim.revenue.filter(|amount| mode != Some(RevenueMode::Fixed) || amount.micros() < 0)
    }

    fn join_txid(&mut self, conn: &mut AnyConnection, claim: &Claim, existing: Conversion) -> db::Result<()> {
        if claim.txid.is_empty() || !existing.value.txid.is_empty() {
            return Ok(());
        }
        let mut joined = existing;
        joined.value.txid.clone_from(&claim.txid);
        conversions::update(conn, &joined)?;
        self.replace(joined);
        Ok(())
    }

    fn update(
        &mut self,
        conn: &mut AnyConnection,
        claim: &Claim,
        existing: Conversion,
        to: Standing,
    ) -> db::Result<Change> {
        let before = existing.value.clone();
        let mut after = existing;
        let value = &mut after.value;
        if value.txid.is_empty() {
            value.txid.clone_from(&claim.txid);
        }
        value.status = to.status;
        value.payout_status = to.status;
        value.revenue_original_micros = to.revenue.micros();
        value.revenue_micros = to.revenue.micros();
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
        conversions::update(conn, &after)?;
        self.sums.change_conversion(&before.counted(), &after.value.counted());
        let change = change_row(after.id, Some(&before), &after.value, self.now_ms);
        self.replace(after);
        Ok(change)
    }

    fn replace(&mut self, conversion: Conversion) {
        let known = self.conversions.entry(conversion.value.click_id).or_default();
        if let Some(place) = known.iter_mut().find(|known| known.id == conversion.id) {
            *place = conversion;
        }
    }
}

enum Identity<'a> {
    None,
    One(&'a Conversion),
    Several(usize),
}

/// The conversion that a claim is about: (click, event, txid). Without a transaction there is one per
/// click and event; a transaction that comes later joins it; a claim without one joins the only candidate.
fn find_identity<'a>(known: &'a [Conversion], claim: &Claim, advertiser_id: i64) -> Identity<'a> {
    let same_event = || {
        known
            .iter()
            .filter(|known| known.value.event == claim.event && known.value.advertiser_id == advertiser_id)
    };
    if !claim.txid.is_empty() {
        let exact = same_event().find(|known| known.value.txid == claim.txid);
        let found = exact.or_else(|| same_event().find(|known| known.value.txid.is_empty()));
        return found.map_or(Identity::None, Identity::One);
    }
    let mut fitting = same_event();
    match (fitting.next(), fitting.count()) {
        (None, _) => Identity::None,
        (Some(only), 0) => Identity::One(only),
        (Some(_), more) => Identity::Several(more + 1),
    }
}

/// What a new conversion earns, by whom.
struct Earned {
    revenue: Money,
    currency: Currency,
    note: Option<&'static str>,
}

fn earn(claim: &Claim, route: &OfferRoute) -> Earned {
    let own = route.offer.own_revenue(claim.sale_amount).filter(|_| claim.event == DEFAULT_EVENT);
    let (own_currency, mode) = (route.offer.currency, route.offer.revenue_mode);
    // A refund of something never counted earns nothing.
    let sent = claim.revenue.map(|amount| if amount.micros() < 0 { Money::ZERO } else { amount });
    let by_postback = |revenue| Earned { revenue, currency: claim.currency, note: None };
    let by_offer = |revenue| Earned { revenue, currency: own_currency, note: None };
    match (mode, sent, own) {
        (RevenueMode::Auto | RevenueMode::Postback, Some(amount), _) => by_postback(amount),
        (RevenueMode::Auto | RevenueMode::Fixed, _, Some(amount)) => by_offer(amount),
        (RevenueMode::Fixed, _, None) => by_offer(Money::ZERO),
        (RevenueMode::Auto | RevenueMode::Postback, None, _) => Earned {
            note: Some(
                "No amount came, so it earned nothing: add `payout=` to the postback, or a revenue to the offer",
            ),
            ..by_offer(Money::ZERO)
        },
    }
}

fn no_rate(from: Currency, to: Currency) -> Verdict {
    Verdict::new(Code::ParkedNoRate, format!("There is no exchange rate from {from} to {to} yet"))
}

fn change_row(id: i64, before: Option<&NewConversion>, after: &NewConversion, now_ms: i64) -> Change {
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
    }
}

fn describe_move(id: i64, from: Standing, to: Standing, currency: Currency) -> String {
    let status = if from.status == to.status {
        format!("Conversion {id} stays {}", to.status)
    } else {
        format!("Conversion {id} went from {} to {}", from.status, to.status)
    };
    if from.revenue == to.revenue || to.status == Status::Reversed {
        format!("{status}, {} {currency}", to.revenue)
    } else {
        format!("{status}, {} instead of {} {currency}", to.revenue, from.revenue)
    }
}
