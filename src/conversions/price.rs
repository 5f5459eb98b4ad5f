//! Amounts in other currencies: each is turned into the account's by the rate of its conversion's day, rounded once.

use super::claim::Claim;
use super::earn::Earned;
use super::record::Group;
use super::sentences;
use crate::db::conversions::NewConversion;
use crate::db::{self, AnyConnection, rates};
use crate::domain::money::{Currency, Money};
use crate::domain::rate::{ONE_NANOS, convert, day_of, exchange};

impl Group<'_> {
    /// The rate of a currency at a moment, by its UTC day; one for the account's own. `None` where there is none yet.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn rate(
        &mut self,
        conn: &mut AnyConnection,
        currency: Currency,
        at_ms: i64,
    ) -> db::Result<Option<i64>> {
        if currency == self.catalog.currency {
            return Ok(Some(ONE_NANOS));
        }
        let asked = (currency, day_of(at_ms));
        if let Some(known) = self.rates.get(&asked) {
            return Ok(*known);
        }
        let rate = rates::rate_on(conn, currency, asked.1)?;
        self.rates.insert(asked, rate);
        Ok(rate)
    }

    /// What was earned with its rate; `None` where there is none. Nothing needs no rate: it stands in the account currency.
    /// An order value without a rate is left out, and said so.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn priced(
        &mut self,
        conn: &mut AnyConnection,
        earned: Earned,
        claim: &Claim,
        at_ms: i64,
    ) -> db::Result<Option<Earned>> {
        let sale_amount = self.order_value(conn, claim, at_ms)?;
        let mut priced = match self.rate(conn, earned.currency, at_ms)? {
            Some(rate_nanos) => Earned { rate_nanos, sale_amount, ..earned },
            None if earned.revenue == Money::ZERO => {
                Earned { currency: self.catalog.currency, sale_amount, ..earned }
            }
            None => return Ok(None),
        };
        if claim.sale_amount.is_some() && sale_amount.is_none() {
            let left_out = sentences::order_without_rate(claim.currency);
            priced.note = Some(priced.note.map_or(left_out.clone(), |note| format!("{note}. {left_out}")));
        }
        Ok(Some(priced))
    }

    /// The order value in the account currency.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn order_value(
        &mut self,
        conn: &mut AnyConnection,
        claim: &Claim,
        at_ms: i64,
    ) -> db::Result<Option<Money>> {
        let Some(amount) = claim.sale_amount else { return Ok(None) };
        Ok(self.rate(conn, claim.currency, at_ms)?.map(|rate_nanos| convert(amount, rate_nanos)))
    }

    /// An amount in a conversion's own currency, by the rates of its day; `None` where there is no rate.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn in_currency_of(
        &mut self,
        conn: &mut AnyConnection,
        (amount, currency): (Money, Currency),
        existing: &NewConversion,
    ) -> db::Result<Option<Money>> {
        if currency == existing.currency {
            return Ok(Some(amount));
        }
        let rate = self.rate(conn, currency, existing.converted_at_ms)?;
        Ok(rate.map(|rate_nanos| exchange(amount, rate_nanos, existing.rate_nanos)))
    }
}
