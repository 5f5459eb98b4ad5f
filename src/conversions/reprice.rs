//! What a conversion would earn today: by its offer's present terms where its postback said no amount, and by the exchange
//! rates as they are known now.

use super::again::incoming;
use super::claim::Claim;
use super::earn::earn;
use super::judge;
use super::record::Group;
use super::sentences;
use crate::db::conversions::{Change, Conversion, NewConversion};
use crate::db::postbacks::NewPostback;
use crate::db::recalculations::{Earning, Recalculation};
use crate::db::{self, AnyConnection};
use crate::domain::anomaly::Said;
use crate::domain::money::{Currency, Money};
use crate::domain::rate::{ONE_NANOS, convert, exchange};
use crate::domain::status::Status;
use std::collections::HashMap;

/// Why a conversion is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeftFor {
    /// A person wrote its amount.
    ByHand,
    /// A part of it was given back.
    Refunded,
    /// Amounts were added up.
    Added,
    /// There is no rate for its currency on its day.
    NoRate,
    /// Its offer is archived, or was never known.
    NoOffer,
    /// What its postback said was not counted then, and nobody knows its currency any more.
    UnclearCurrency,
}

impl LeftFor {
    /// The word for it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Refunded => "refunded",
            Self::Added => "added",
            Self::NoRate => "no_rate",
            Self::NoOffer => "no_offer",
            Self::UnclearCurrency => "unclear_currency",
        }
    }
}

/// Micros of the account currency by which an amount may miss what it was before: a per cent of an order is counted from the
/// order's value in the account currency, which was rounded once.
const ROUNDED_MICROS_MAX: u64 = 2;

/// What a conversion earns.
pub(super) const fn earning(value: &NewConversion) -> Earning {
    Earning {
        original_micros: value.revenue_original_micros,
        currency: value.currency,
        rate_nanos: value.rate_nanos,
        revenue_micros: value.revenue_micros,
    }
}

/// A conversion with other money. What it holds of a cap follows where that was its money; after a refund it held more.
pub(super) fn with_earning(before: &NewConversion, earning: Earning, now_ms: i64) -> NewConversion {
    let mut after = NewConversion {
        revenue_original_micros: earning.original_micros,
        currency: earning.currency,
        rate_nanos: earning.rate_nanos,
        revenue_micros: earning.revenue_micros,
        updated_at_ms: now_ms,
        ..before.clone()
    };
    if let Some(place) = &mut after.place
        && place.revenue_micros == before.revenue_micros
    {
        place.revenue_micros = earning.revenue_micros;
    }
    after
}

/// Whether the offer's terms say nothing of an amount any more, since it was made in another way.
fn left_for(value: &NewConversion, changes: &[Change]) -> Option<LeftFor> {
    let is_by_hand = |change: &Change| {
        change.cause == "person"
            && change.from_revenue_micros.is_some_and(|from| from != change.to_revenue_micros)
    };
    let is_addition =
        |change: &Change| change.source_txid.is_some() || change.why.starts_with(sentences::ADDS);
    if changes.iter().any(is_by_hand) {
        Some(LeftFor::ByHand)
    } else if value.revenue_reported_micros.is_some_and(|reported| reported < 0) {
        Some(LeftFor::Refunded)
    } else {
        changes.iter().any(is_addition).then_some(LeftFor::Added)
    }
}

/// What is known of how a conversion came to stand as it does.
pub(super) struct Told<'a> {
    /// Its history, oldest first.
    pub(super) changes: &'a [Change],
    /// Postbacks by number, among them those that [`asks_first_postback`] names.
    pub(super) postbacks: &'a HashMap<i64, NewPostback>,
}

/// Whether an amount was sent that is not the one that counts.
fn is_otherwise(value: &NewConversion) -> bool {
    value.revenue_reported_micros.is_some_and(|reported| reported != value.revenue_original_micros)
}

/// The postback that made a conversion.
fn first_postback(changes: &[Change]) -> Option<i64> {
    changes.iter().find_map(|change| change.postback_id)
}

/// The postback that must be read to price a conversion by its terms, where one must.
pub(super) fn asks_first_postback(value: &NewConversion, changes: &[Change]) -> Option<i64> {
    let is_asked = is_otherwise(value) && left_for(value, changes).is_none();
    first_postback(changes).filter(|_| is_asked)
}

impl Group<'_> {
    /// What a conversion would earn today; its own amount where nothing of it changes.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn priced_anew(
        &mut self,
        conn: &mut AnyConnection,
        asked: &Recalculation,
        value: &NewConversion,
        told: &Told<'_>,
    ) -> db::Result<Result<Earning, LeftFor>> {
        let now = earning(value);
        let terms = if asked.takes_terms {
            match self.by_terms(value, told) {
                // Rates are another matter: they turn whatever stands.
                Err(_) if asked.takes_rates => (Money::from_micros(now.original_micros), now.currency),
                Err(why) => return Ok(Err(why)),
                Ok(terms) => terms,
            }
        } else {
            (Money::from_micros(now.original_micros), now.currency)
        };
        let (amount, currency) = terms;
        let is_same = amount.micros() == now.original_micros && currency == now.currency;
        let is_nothing = amount == Money::ZERO && now.original_micros == 0;
        if is_nothing || (is_same && !asked.takes_rates) {
            return Ok(Ok(now));
        }
        let rate_nanos = if currency == now.currency && !asked.takes_rates {
            now.rate_nanos
        } else {
            match self.rate(conn, currency, value.converted_at_ms)? {
                Some(rate_nanos) => rate_nanos,
                None => return Ok(Err(LeftFor::NoRate)),
            }
        };
        let revenue_micros = convert(amount, rate_nanos).micros();
        let is_rounding = currency == now.currency
            && rate_nanos == now.rate_nanos
            && revenue_micros.abs_diff(now.revenue_micros) <= ROUNDED_MICROS_MAX
            && value.sale_amount_micros.is_some();
        let earned = Earning { original_micros: amount.micros(), currency, rate_nanos, revenue_micros };
        Ok(Ok(if is_rounding { now } else { earned }))
    }

    /// The amount by the offer's present terms, as if its postback came today.
    fn by_terms(&self, value: &NewConversion, told: &Told<'_>) -> Result<(Money, Currency), LeftFor> {
        if let Some(why) = left_for(value, told.changes) {
            return Err(why);
        }
        let offer = value.offer_id.and_then(|id| self.catalog.offer(id)).ok_or(LeftFor::NoOffer)?;
        let currency = if is_otherwise(value) { self.reported_in(value, told) } else { Some(value.currency) };
        let currency = currency.ok_or(LeftFor::UnclearCurrency)?;
        let earned = earn(&said(value, currency), &offer.offer);
        Ok((earned.revenue, earned.currency))
    }

    /// The currency of an amount that was sent and did not count: its postback still says it.
    fn reported_in(&self, value: &NewConversion, told: &Told<'_>) -> Option<Currency> {
        let stored = told.postbacks.get(&first_postback(told.changes)?)?;
        let claim = judge::read(incoming(stored.clone(), self.catalog), self.catalog).claim.ok()?;
        let is_first = claim.revenue.map(Money::micros) == value.revenue_reported_micros;
        // A later one was turned into the conversion's currency when it came.
        Some(if is_first { claim.currency } else { value.currency })
    }
}

/// What a conversion's postback said, as far as its terms ask. Its order value stands in the account currency and is turned
/// back by the rate of then.
fn said(value: &NewConversion, currency: Currency) -> Claim {
    let sale = value.sale_amount_micros.map(Money::from_micros);
    Claim {
        cid: String::new(),
        click_id: Some(value.click_id),
        event: value.event.clone(),
        txid: value.txid.clone(),
        status: Some(value.status),
        status_word: None,
        default_status: Status::Approved,
        revenue: value.revenue_reported_micros.map(Money::from_micros),
        currency,
        sale_amount: sale.map(|sale| exchange(sale, ONE_NANOS, value.rate_nanos)),
        reason: None,
        conversion_time_ms: None,
        is_test: value.is_test,
        said: Said::default(),
        notes: Vec::new(),
    }
}

/// The same conversion with other money.
pub(super) fn repriced(existing: &Conversion, earning: Earning, now_ms: i64) -> Conversion {
    Conversion { id: existing.id, value: with_earning(&existing.value, earning, now_ms) }
}
