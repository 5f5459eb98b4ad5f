//! Sources, each with a partner key of its own.

use super::editing::{Checks, Noun, door, stored_in};
use super::random;
use super::references::check_currency;
use super::{Error, Fields};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection, Db};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::preset;
use crate::domain::source::Source;
use std::collections::HashMap;

impl Noun for Source {
    stored_in!(sources);

    fn blank(account: Currency) -> Self {
        Self::blank(account)
    }

    fn filled(fields: &Fields, account: Currency) -> Option<Fields> {
        let (preset, facts) = preset::source_preset(fields.get("preset")?.as_str()?.trim())?;
        let mut filled = facts.fields(preset, account);
        filled.extend(fields.clone());
        Some(filled)
    }

    fn check_references(&self, _before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        check_currency(self.currency, checks);
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::sources::insert(conn, self, &random::key(), now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        Ok(db::sources::update(conn, id, self, now_ms)?)
    }
}

door!(Source);

/// The partner key of each of some sources, by its number.
///
/// # Errors
/// The database fails.
pub fn partner_keys(db: &Db, ids: &[i64]) -> Result<HashMap<i64, String>, Error> {
    db.read(|conn| Ok(db::sources::keys_of(conn, ids)?.into_iter().collect()))
}
