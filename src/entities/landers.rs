//! Landers.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::lander::{EntityStatus, Lander};
use crate::domain::money::Currency;

impl Noun for Lander {
    stored_in!(landers);

    fn blank(_account: Currency) -> Self {
        Self::default()
    }

    fn check_references(&self, _before: Option<&Self>, _checks: &mut Checks<'_>) -> db::Result<()> {
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::landers::insert(conn, self, now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        Ok(db::landers::update(conn, id, self, now_ms)?)
    }
}

door!(Lander);
