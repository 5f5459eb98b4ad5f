//! Lander clicks, many at once: as quick as clicks on both databases.

use super::schema::clicks as stored;
use super::{AnyConnection, Error, Result, clicks};
use crate::domain::click::LpClickRecord;
use crate::domain::click_id::ClickId;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable};
use std::collections::HashSet;

#[derive(QueryableByName)]
struct Inserted {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// Keeps lander clicks and says of each whether it was new.
///
/// # Errors
/// The database fails.
pub fn insert(conn: &mut AnyConnection, records: &[&LpClickRecord], is_counted: bool) -> Result<Vec<bool>> {
    let AnyConnection::Pg(pg) = conn else {
        return records.iter().map(|record| clicks::insert_lp_click(conn, record, is_counted)).collect();
    };
    let bytes = |pick: fn(&LpClickRecord) -> &ClickId| -> Vec<Vec<u8>> {
        records.iter().map(|record| pick(record).bytes().to_vec()).collect()
    };
    let rows: Vec<Inserted> = diesel::sql_query(
        "INSERT INTO lp_clicks (id, click_id, campaign_id, lander_id, offer_id, clicked_at_ms, is_counted) \
         SELECT *, $7 FROM unnest($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind::<Array<Binary>, _>(bytes(|record| &record.id))
    .bind::<Array<Binary>, _>(bytes(|record| &record.click_id))
    .bind::<Array<BigInt>, _>(records.iter().map(|record| record.campaign_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(records.iter().map(|record| record.lander_id).collect::<Vec<_>>())
    .bind::<Array<Nullable<BigInt>>, _>(records.iter().map(|record| record.offer_id).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(records.iter().map(|record| record.clicked_at_ms).collect::<Vec<_>>())
    .bind::<Bool, _>(is_counted)
    .load(pg)?;
    let mut new = HashSet::with_capacity(rows.len());
    for row in &rows {
        new.insert(ClickId::from_slice(&row.id).ok_or_else(|| Error::broken_row("click id"))?);
    }
    // Taken out, so that of two copies in one batch only the first is new.
    Ok(records.iter().map(|record| new.remove(&record.id)).collect())
}

/// Lander buttons pressed for one click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressed {
    /// The click; each stands once among those given together.
    pub click_id: ClickId,
    /// How many buttons.
    pub count: i64,
    /// The offer that the last of them led to.
    pub last_offer_id: Option<i64>,
}

/// Notes on clicks which buttons were pressed.
///
/// # Errors
/// The database fails.
pub fn count(conn: &mut AnyConnection, pressed: &[Pressed]) -> Result<()> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            for one in pressed {
                diesel::update(stored::table.filter(stored::id.eq(one.click_id.bytes().as_slice())))
                    .set((
                        stored::lp_clicks.eq(stored::lp_clicks + one.count),
                        stored::last_offer_id.eq(one.last_offer_id),
                    ))
                    .execute(sqlite)?;
            }
        }
        AnyConnection::Pg(pg) => {
            let ids: Vec<Vec<u8>> = pressed.iter().map(|one| one.click_id.bytes().to_vec()).collect();
            diesel::sql_query(
                "UPDATE clicks SET lp_clicks = clicks.lp_clicks + more.pressed, last_offer_id = more.offer_id \
                 FROM unnest($1, $2, $3) AS more (id, pressed, offer_id) WHERE clicks.id = more.id",
            )
            .bind::<Array<Binary>, _>(ids)
            .bind::<Array<BigInt>, _>(pressed.iter().map(|one| one.count).collect::<Vec<_>>())
            .bind::<Array<Nullable<BigInt>>, _>(pressed.iter().map(|one| one.last_offer_id).collect::<Vec<_>>())
            .execute(pg)?;
        }
    }
    Ok(())
}
