//! Offers, each of one advertiser.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use super::references::{check_currency, refusal};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::offer::Offer;

impl Noun for Offer {
    stored_in!(offers);

    fn blank(account: Currency) -> Self {
        Self::blank(account)
    }

    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        check_currency(self.currency, checks);
        if let Some(id) = self.advertiser_id {
            let statuses = db::advertisers::statuses(checks.conn, &[id])?;
            let before = before.and_then(|before| before.advertiser_id).into_iter().collect();
            if let Some(message) = refusal("advertiser", [id], &statuses, &before) {
                checks.push("advertiser_id", message);
            }
        }
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::offers::insert(conn, self, now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        Ok(db::offers::update(conn, id, self, now_ms)?)
    }
}

door!(Offer);
