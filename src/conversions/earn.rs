//! What a claim earns: by the offer's terms for its event, and by what was sent.

use super::claim::Claim;
use super::sentences;
use crate::db::conversions::NewConversion;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::{EventTerms, Offer, RevenueMode};
use crate::domain::rate::ONE_NANOS;

/// What a new conversion earns, in which currency.
pub(super) struct Earned {
    pub revenue: Money,
    pub currency: Currency,
    /// The rate to the account currency, in billionths.
    pub rate_nanos: i64,
    /// The order value in the account currency.
    pub sale_amount: Option<Money>,
    /// What somebody should know of it.
    pub note: Option<String>,
}

impl Earned {
    /// A verdict's message with the note behind it.
    pub(super) fn said_in(&self, message: String) -> String {
        match &self.note {
            Some(note) => format!("{message}. {note}"),
            None => message,
        }
    }
}

/// What a claim earns by an offer.
pub(super) fn earn(claim: &Claim, offer: &Offer) -> Earned {
    let terms = offer.terms(&claim.event);
    // A refund of something never counted earns nothing.
    let sent = claim.revenue.map(|amount| if amount.micros() < 0 { Money::ZERO } else { amount });
    // A per cent of an order is in the order's currency.
    let own_currency = if terms.percent_millionths.is_some() { claim.currency } else { offer.currency };
    let (revenue, currency, is_missing) = match (terms.mode, sent, own_revenue(&terms, claim)) {
        (RevenueMode::Auto | RevenueMode::Postback, Some(amount), _) => (amount, claim.currency, false),
        (RevenueMode::Auto | RevenueMode::Fixed, _, Some(amount)) => (amount, own_currency, false),
        (RevenueMode::Fixed, _, None) => (Money::ZERO, own_currency, false),
        (RevenueMode::Auto | RevenueMode::Postback, None, _) => (Money::ZERO, own_currency, true),
    };
    let note = if !terms.is_configured {
        Some(sentences::not_configured(&claim.event))
    } else {
        is_missing.then(|| sentences::MISSING_REVENUE.to_owned())
    };
    Earned { revenue, currency, rate_nanos: ONE_NANOS, sale_amount: None, note }
}

fn own_revenue(terms: &EventTerms, claim: &Claim) -> Option<Money> {
    terms.own_revenue(claim.sale_amount.filter(|amount| amount.micros() >= 0))
}

/// The amount that moves a conversion. Where the offer's own rate counts, what is sent is reported only; a refund counts
/// always. A per cent of the order moves with the order.
pub(super) fn moving_amount(claim: &Claim, existing: &NewConversion, offer: Option<&Offer>) -> Option<Money> {
    let terms = offer.map(|offer| offer.terms(&existing.event));
    let is_fixed = terms.is_some_and(|terms| terms.mode == RevenueMode::Fixed);
    let sent = claim.revenue.filter(|amount| !is_fixed || amount.micros() < 0);
    sent.or_else(|| {
        let shares =
            |terms: &EventTerms| terms.percent_millionths.is_some() && terms.mode != RevenueMode::Postback;
        own_revenue(&terms.filter(shares)?, claim)
    })
}
