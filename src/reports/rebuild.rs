//! Making the rollups anew from the raw rows, and checking them against those.

use crate::db::rollups::{self, Grain};
use crate::db::{AnyConnection, Db, Priority, Result};
use crate::domain::rollup::{Counters, HOUR_MS, RollupDelta, RollupKey, hour_of};
use std::collections::BTreeSet;

/// How much is made anew in one transaction, so that other writers wait for a moment only.
const STEP_MS: i64 = 24 * HOUR_MS;

/// A sum that is not what the raw rows say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which table keeps it.
    pub grain: Grain,
    /// What it is for; its time is the start of the hour where hours are kept.
    pub key: RollupKey,
    /// What is kept.
    pub kept: Counters,
    /// What the raw rows say.
    pub raw: Counters,
}

/// The full hours around a period.
const fn around(from_ms: i64, to_ms: i64) -> (i64, i64) {
    (hour_of(from_ms), hour_of(to_ms.saturating_add(HOUR_MS - 1)))
}

/// Makes the sums of a period anew from the raw rows, a day at a time; the ends are moved out to full hours. The new sums
/// stand under one writer.
///
/// # Errors
/// The database fails; days that were done before stay done.
pub fn rebuild(db: &Db, from_ms: i64, to_ms: i64, writer_id: i64) -> Result<()> {
    let (mut start_ms, end_ms) = around(from_ms, to_ms);
    while start_ms < end_ms {
        let next_ms = start_ms.saturating_add(STEP_MS).min(end_ms);
        db.write(Priority::Maintenance, |conn| rollups::rebuild(conn, start_ms, next_ms, writer_id))?;
        start_ms = next_ms;
    }
    Ok(())
}

/// Compares the sums of a period with the raw rows, a day at a time; the ends are moved out to full hours. Clicks that
/// come meanwhile show as differences: look at a time that is over.
///
/// # Errors
/// The database fails.
pub fn verify(conn: &mut AnyConnection, from_ms: i64, to_ms: i64) -> Result<Vec<Difference>> {
    let (mut start_ms, end_ms) = around(from_ms, to_ms);
    let mut differences = Vec::new();
    while start_ms < end_ms {
        let next_ms = start_ms.saturating_add(STEP_MS).min(end_ms);
        let quarters = rollups::raw(conn, start_ms, next_ms)?;
        let mut hours = RollupDelta::new();
        for (key, sums) in quarters.iter() {
            hours.add(RollupKey { quarter_ms: hour_of(key.quarter_ms), ..*key }, sums);
        }
        for (grain, raw) in [(Grain::Quarter, quarters), (Grain::Hour, hours)] {
            let kept = rollups::kept(conn, grain, start_ms, next_ms)?;
            differences.extend(compare(grain, &kept, &raw));
        }
        start_ms = next_ms;
    }
    Ok(differences)
}

fn compare(grain: Grain, kept: &RollupDelta, raw: &RollupDelta) -> Vec<Difference> {
    let find = |sums: &RollupDelta, key: &RollupKey| sums.get(key).copied().unwrap_or_default();
    let keys: BTreeSet<RollupKey> = kept.iter().chain(raw.iter()).map(|(key, _)| *key).collect();
    keys.into_iter()
        .map(|key| Difference { grain, key, kept: find(kept, &key), raw: find(raw, &key) })
        .filter(|difference| difference.kept != difference.raw)
        .collect()
}
