//! The installation's hosts, each there once.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::host::{Domain, HostKind};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;

impl Noun for Domain {
    stored_in!(domains);

    fn blank(_account: Currency) -> Self {
        Self::default()
    }

    fn check_references(&self, _before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        let Some(id) = checks.id.filter(|_| self.kind == HostKind::Dashboard) else { return Ok(()) };
        let campaigns = db::domains::count_campaigns(checks.conn, id)?;
        if campaigns > 0 {
            let message = "Campaigns show this host in their address: choose another host for them first";
            checks.push("kind", message);
        }
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        db::domains::insert(conn, self, now_ms).map_err(|error| host_taken(error, &self.host))
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        db::domains::update(conn, id, self, now_ms).map_err(|error| host_taken(error, &self.host))
    }
}

door!(Domain);

/// The host is the only value of a domain that must be there once.
fn host_taken(error: db::Error, host: &str) -> Error {
    match error {
        db::Error::Taken(_) => Error::Conflict {
            field: "host",
            message: format!("{host} is on the list already, perhaps archived: change or restore that one"),
        },
        other => Error::Db(other),
    }
}
