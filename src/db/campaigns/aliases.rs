//! The old addresses of campaigns, read and written with them.

use crate::db::schema::{campaign_aliases, campaigns};
use crate::db::search::VALUES_MAX;
use crate::db::{AnyConnection, Result};
use diesel::prelude::*;
use std::collections::HashMap;

/// The old addresses of some campaigns, in their order.
pub(super) fn of(
    conn: &mut AnyConnection,
    campaign_ids: &[i64],
    aliases: &mut HashMap<i64, Vec<String>>,
) -> Result<()> {
    let rows: Vec<(i64, String)> = campaign_aliases::table
        .filter(campaign_aliases::campaign_id.eq_any(campaign_ids))
        .order((campaign_aliases::campaign_id, campaign_aliases::position))
        .select((campaign_aliases::campaign_id, campaign_aliases::alias))
        .load(conn)?;
    for (campaign_id, alias) in rows {
        aliases.entry(campaign_id).or_default().push(alias);
    }
    Ok(())
}

/// Writes a campaign's old addresses in the place of those before. Where nothing changed nothing is written.
pub(super) fn write(conn: &mut AnyConnection, campaign_id: i64, wanted: &[String]) -> Result<()> {
    let mut before = HashMap::new();
    of(conn, &[campaign_id], &mut before)?;
    if before.remove(&campaign_id).unwrap_or_default() == wanted {
        return Ok(());
    }
    let own = campaign_aliases::table.filter(campaign_aliases::campaign_id.eq(campaign_id));
    diesel::delete(own).execute(conn)?;
    for (position, alias) in (0_i64..).zip(wanted) {
        let row = (
            campaign_aliases::alias.eq(alias),
            campaign_aliases::campaign_id.eq(campaign_id),
            campaign_aliases::position.eq(position),
        );
        diesel::insert_into(campaign_aliases::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// The campaigns that have these old addresses: address, number and name.
///
/// # Errors
/// The database fails.
pub fn owners(conn: &mut AnyConnection, aliases: &[String]) -> Result<Vec<(String, i64, String)>> {
    let mut owners = Vec::new();
    for some in aliases.chunks(VALUES_MAX) {
        let rows: Vec<(String, i64, String)> = campaign_aliases::table
            .inner_join(campaigns::table.on(campaigns::id.eq(campaign_aliases::campaign_id)))
            .filter(campaign_aliases::alias.eq_any(some))
            .order(campaign_aliases::alias)
            .select((campaign_aliases::alias, campaigns::id, campaigns::name))
            .load(conn)?;
        owners.extend(rows);
    }
    Ok(owners)
}
