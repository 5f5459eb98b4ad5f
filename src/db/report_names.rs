//! What reports call things by: names of campaigns, sources, owners and advertisers, without the rest of them.

use super::schema::{advertisers, campaigns, destinations, sources, users};
use super::{AnyConnection, Result, word};
use crate::domain::lander::EntityStatus;
use diesel::prelude::*;
use std::collections::HashMap;

/// A campaign as far as a report shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignName {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// In use or not.
    pub status: EntityStatus,
    /// Where its traffic comes from now.
    pub source_id: Option<i64>,
    /// Whose it is now.
    pub owner_id: Option<i64>,
}

/// All campaigns, archived ones too.
///
/// # Errors
/// The database fails.
pub fn campaigns(conn: &mut AnyConnection) -> Result<Vec<CampaignName>> {
    type Row = (i64, String, String, Option<i64>, Option<i64>);
    let rows: Vec<Row> = campaigns::table
        .order(campaigns::id)
        .select((
            campaigns::id,
            campaigns::name,
            campaigns::status,
            campaigns::source_id,
            campaigns::owner_id,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, name, status, source_id, owner_id)| {
            let status = word(&status, EntityStatus::parse)?;
            Ok(CampaignName { id, name, status, source_id, owner_id })
        })
        .collect()
}

/// Whether there is a campaign at all, archived or not.
///
/// # Errors
/// The database fails.
pub fn has_campaigns(conn: &mut AnyConnection) -> Result<bool> {
    let first: Option<i64> = campaigns::table.select(campaigns::id).first(conn).optional()?;
    Ok(first.is_some())
}

/// The names of all sources, by number.
///
/// # Errors
/// The database fails.
pub fn sources(conn: &mut AnyConnection) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = sources::table.select((sources::id, sources::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The addresses of all users, by number.
///
/// # Errors
/// The database fails.
pub fn owners(conn: &mut AnyConnection) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> = users::table.select((users::id, users::email)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The names of all advertisers, by number.
///
/// # Errors
/// The database fails.
pub fn advertisers(conn: &mut AnyConnection) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> =
        advertisers::table.select((advertisers::id, advertisers::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}

/// The names of all destinations, by number.
///
/// # Errors
/// The database fails.
pub fn destinations(conn: &mut AnyConnection) -> Result<HashMap<i64, String>> {
    let rows: Vec<(i64, String)> =
        destinations::table.select((destinations::id, destinations::name)).load(conn)?;
    Ok(rows.into_iter().collect())
}
