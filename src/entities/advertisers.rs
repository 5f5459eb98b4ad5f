//! Advertisers, each with a postback key of its own.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use super::random;
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection, Db};
use crate::domain::advertiser::Advertiser;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use std::collections::HashMap;

impl Noun for Advertiser {
    stored_in!(advertisers);

    fn blank(account: Currency) -> Self {
        Self::blank(account)
    }

    fn check_references(&self, _before: Option<&Self>, _checks: &mut Checks<'_>) -> db::Result<()> {
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::advertisers::insert(conn, self, &random::key(), now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        Ok(db::advertisers::update(conn, id, self, now_ms)?)
    }
}

door!(Advertiser);

/// The postback key of each of some advertisers, by its number.
///
/// # Errors
/// The database fails.
pub fn postback_keys(db: &Db, ids: &[i64]) -> Result<HashMap<i64, String>, Error> {
    db.read(|conn| Ok(db::advertisers::keys_of(conn, ids)?.into_iter().collect()))
}
