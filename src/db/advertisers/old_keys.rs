//! The keys that stood in advertisers' postback addresses elsewhere, read and written with them.

use crate::db::schema::{advertisers, old_postback_keys};
use crate::db::search::{Saved, VALUES_MAX};
use crate::db::{AnyConnection, Result};
use crate::domain::advertiser::Advertiser;
use diesel::prelude::*;
use std::collections::HashMap;

/// Gives some advertisers their old keys.
pub(super) fn with(
    conn: &mut AnyConnection,
    mut saved: Vec<Saved<Advertiser>>,
) -> Result<Vec<Saved<Advertiser>>> {
    let ids: Vec<i64> = saved.iter().map(|one| one.id).collect();
    let mut keys: HashMap<i64, Vec<String>> = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        let rows: Vec<(i64, String)> = old_postback_keys::table
            .filter(old_postback_keys::advertiser_id.eq_any(some))
            .order((old_postback_keys::advertiser_id, old_postback_keys::position))
            .select((old_postback_keys::advertiser_id, old_postback_keys::postback_key))
            .load(conn)?;
        for (id, key) in rows {
            keys.entry(id).or_default().push(key);
        }
    }
    for one in &mut saved {
        one.value.old_keys = keys.remove(&one.id).unwrap_or_default();
    }
    Ok(saved)
}

/// Writes an advertiser's old keys in the place of those before. Where nothing changed nothing is written.
pub(super) fn write(conn: &mut AnyConnection, advertiser_id: i64, wanted: &[String]) -> Result<()> {
    let own = || old_postback_keys::table.filter(old_postback_keys::advertiser_id.eq(advertiser_id));
    let before: Vec<String> =
        own().order(old_postback_keys::position).select(old_postback_keys::postback_key).load(conn)?;
    if before == wanted {
        return Ok(());
    }
    diesel::delete(own()).execute(conn)?;
    for (position, key) in (0_i64..).zip(wanted) {
        let row = (
            old_postback_keys::postback_key.eq(key),
            old_postback_keys::advertiser_id.eq(advertiser_id),
            old_postback_keys::position.eq(position),
        );
        diesel::insert_into(old_postback_keys::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// The advertisers that have these keys: key, number and name.
///
/// # Errors
/// The database fails.
pub fn owners(conn: &mut AnyConnection, keys: &[String]) -> Result<Vec<(String, i64, String)>> {
    Ok(old_postback_keys::table
        .inner_join(advertisers::table.on(advertisers::id.eq(old_postback_keys::advertiser_id)))
        .filter(old_postback_keys::postback_key.eq_any(keys))
        .order(old_postback_keys::postback_key)
        .select((old_postback_keys::postback_key, advertisers::id, advertisers::name))
        .load(conn)?)
}
