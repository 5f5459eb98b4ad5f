//! Taking test data away: clicks, conversions, postbacks and their sums, in one transaction.

use super::schema::{clicks, conversion_changes, conversions, lp_clicks};
use super::{AnyConnection, Result, deliveries, postbacks, rollups};
use diesel::prelude::*;

/// Deletes everything that is flagged as a test.
///
/// # Errors
/// The database fails; nothing is deleted then.
pub fn delete(conn: &mut AnyConnection) -> Result<()> {
    let test_conversions = conversions::table.filter(conversions::is_test.eq(true));
    let ids: Vec<i64> = test_conversions.select(conversions::id).load(conn)?;
    deliveries::delete_of(conn, &ids)?;
    for some in ids.chunks(500) {
        diesel::delete(conversion_changes::table.filter(conversion_changes::conversion_id.eq_any(some)))
            .execute(conn)?;
    }
    diesel::delete(test_conversions).execute(conn)?;
    postbacks::delete_test(conn)?;
    let clicks_gone: Vec<Vec<u8>> =
        clicks::table.filter(clicks::is_test.eq(true)).select(clicks::id).load(conn)?;
    for some in clicks_gone.chunks(500) {
        diesel::delete(lp_clicks::table.filter(lp_clicks::click_id.eq_any(some))).execute(conn)?;
    }
    diesel::delete(clicks::table.filter(clicks::is_test.eq(true))).execute(conn)?;
    rollups::delete_test(conn)
}
