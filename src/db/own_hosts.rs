//! The hosts that the installation is known to answer at: those that were added, and that of its public address.

use super::schema::domains;
use super::{AnyConnection, Result, settings};
use crate::domain::lander::EntityStatus;
use crate::domain::tracking_address::OwnHosts;
use diesel::prelude::*;

/// All of them.
///
/// # Errors
/// The database fails.
pub fn load(conn: &mut AnyConnection) -> Result<OwnHosts> {
    let mut own = OwnHosts::default();
    if let Some(url) = settings::find(conn, settings::PUBLIC_URL)? {
        own.add_url(&url);
    }
    let in_use = domains::table.filter(domains::status.eq(EntityStatus::Active.as_str()));
    let hosts: Vec<String> = in_use.select(domains::host).load(conn)?;
    hosts.iter().for_each(|host| own.add(host));
    Ok(own)
}
