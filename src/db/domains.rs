//! Tracking hosts.

use super::schema::domains;
use super::{AnyConnection, Result};
use crate::domain::lander::EntityStatus;
use diesel::prelude::*;

/// The hosts in use that have a fallback, each with it.
///
/// # Errors
/// The database fails.
pub fn fallbacks(conn: &mut AnyConnection) -> Result<Vec<(String, String)>> {
    let in_use = domains::table.filter(domains::status.eq(EntityStatus::Active.as_str()));
    let named = in_use.filter(domains::fallback_url.ne(""));
    Ok(named.select((domains::host, domains::fallback_url)).load(conn)?)
}
