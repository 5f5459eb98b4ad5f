//! What an event of an offer is worth, and how it counts: by the offer's list of events, else by the offer itself.

use super::{Offer, RevenueMode};
use crate::domain::money::{Money, share};

/// The event where nothing else is said.
pub const DEFAULT_EVENT: &str = "sale";

/// What one event earns and how it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTerms {
    /// What it earns where its mode asks the offer.
    pub revenue: Option<Money>,
    /// Or: the share of the order value, in millionths.
    pub percent_millionths: Option<i64>,
    /// Where its revenue comes from.
    pub mode: RevenueMode,
    /// Whether it is one of the conversions.
    pub counts_as_conversion: bool,
    /// Whether what it earns is part of the revenue.
    pub counts_in_revenue: bool,
    /// Whether the offer says anything of it: the sale, and what it lists.
    pub is_configured: bool,
}

impl EventTerms {
    /// What it earns by the offer itself.
    #[must_use]
    pub fn own_revenue(&self, sale_amount: Option<Money>) -> Option<Money> {
        match (self.revenue, self.percent_millionths, sale_amount) {
            (Some(amount), ..) => Some(amount),
            (None, Some(millionths), Some(sale)) => Some(share(sale, millionths)),
            _ => None,
        }
    }
}

impl Offer {
    /// What an event earns and how it counts. A listed event goes by its own words; a listed sale without an amount of its
    /// own earns the offer's. One that nobody configured earns what is sent at most, and is no conversion.
    #[must_use]
    pub fn terms(&self, event: &str) -> EventTerms {
        let is_sale = event == DEFAULT_EVENT;
        let (revenue, percent_millionths) =
            if is_sale { (self.revenue, self.revenue_percent_millionths) } else { (None, None) };
        match self.event(event) {
            Some(listed) => EventTerms {
                revenue: listed.revenue.or(revenue),
                percent_millionths: percent_millionths.filter(|_| listed.revenue.is_none()),
                mode: listed.revenue_mode,
                counts_as_conversion: listed.counts_as_conversion,
                counts_in_revenue: listed.counts_in_revenue,
                is_configured: true,
            },
            None => EventTerms {
                revenue,
                percent_millionths,
                mode: self.revenue_mode,
                counts_as_conversion: is_sale,
                counts_in_revenue: true,
                is_configured: is_sale,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::OfferEvent;
    use super::*;
    use crate::domain::money::Currency;

    const TWO: Option<Money> = Some(Money::from_micros(2_000_000));

    fn listed(event: &str, revenue: Option<Money>) -> OfferEvent {
        OfferEvent {
            event: event.to_owned(),
            revenue,
            payout: None,
            revenue_mode: RevenueMode::Fixed,
            counts_as_conversion: false,
            counts_in_revenue: true,
        }
    }

    #[test]
    fn an_event_goes_by_the_list_the_sale_by_the_offer_and_others_count_nothing() {
        let ten = Some(Money::from_micros(10_000_000));
        let events = vec![listed("deposit", ten), listed("install", None)];
        let offer = Offer { revenue: TWO, events, ..Offer::blank(Currency::USD) };
        let sale = offer.terms("sale");
        assert_eq!((sale.revenue, sale.mode), (TWO, RevenueMode::Auto));
        assert!(sale.counts_as_conversion && sale.counts_in_revenue && sale.is_configured);
        let deposit = offer.terms("deposit");
        assert_eq!((deposit.revenue, deposit.mode), (ten, RevenueMode::Fixed));
        assert!(!deposit.counts_as_conversion && deposit.is_configured);
        assert_eq!(offer.terms("install").revenue, None);
        let lead = offer.terms("lead");
        assert_eq!((lead.own_revenue(ten), lead.counts_as_conversion), (None, false));
        assert!(lead.counts_in_revenue && !lead.is_configured);
    }

    #[test]
    fn a_listed_sale_says_what_a_sale_is() {
        let share = Some(100_000);
        let blank = Offer { revenue_percent_millionths: share, ..Offer::blank(Currency::USD) };
        let own = Offer { events: vec![listed("sale", TWO)], ..blank.clone() }.terms("sale");
        assert_eq!((own.revenue, own.percent_millionths), (TWO, None));
        let shared = Offer { events: vec![listed("sale", None)], ..blank }.terms("sale");
        assert_eq!((shared.revenue, shared.percent_millionths), (None, share));
        assert!(!shared.counts_as_conversion);
    }
}
