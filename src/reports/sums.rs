//! The sums under a report: from the rollups, or asked of the raw rows.

use super::period::Bucket;
use super::query::{Error, Query};
use crate::db::AnyConnection;
use crate::db::rollups::{self, Grain, SumQuery, Summed};
use crate::domain::figures::{Bots, Figures};
use crate::domain::rollup::{Counters, HOUR_MS, RollupKey, hour_of};
use std::collections::{BTreeMap, BTreeSet};

/// Where more than one hour in so many is cut by an edge, quarters alone are read.
const CUT_HOURS_PART: usize = 8;

/// Where sums are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From what is kept: as quick as a page needs it.
    Rollups,
    /// From clicks and conversions themselves: slow, and right by definition.
    Raw,
}

/// Figures by the campaign's number.
pub(super) fn by_campaign(
    conn: &mut AnyConnection,
    way: Way,
    query: &Query,
) -> Result<BTreeMap<i64, Figures>, Error> {
    campaigns_within(conn, way, query, (query.period.from_ms(), query.period.to_ms()))
}

/// Figures by the campaign's number, of a part of the period.
pub(super) fn campaigns_within(
    conn: &mut AnyConnection,
    way: Way,
    query: &Query,
    (from_ms, to_ms): (i64, i64),
) -> Result<BTreeMap<i64, Figures>, Error> {
    let mut sums = Vec::new();
    match way {
        Way::Rollups => {
            for (grain, from_ms, to_ms) in pieces(from_ms, to_ms) {
                sums.extend(rollups::by_campaign(conn, grain, &sum_query(query, from_ms, to_ms))?);
            }
        }
        Way::Raw => sums = raw(conn, query, (from_ms, to_ms), |key| key.campaign_id)?,
    }
    Ok(rows(&sums, query.bots, Some))
}

/// Figures of each bucket, in their order, empty ones too.
pub(super) fn by_bucket(
    conn: &mut AnyConnection,
    way: Way,
    query: &Query,
    buckets: &[Bucket],
) -> Result<Vec<Figures>, Error> {
    let (from_ms, to_ms) = (query.period.from_ms(), query.period.to_ms());
    let sums = match way {
        Way::Rollups => kept_by_bucket(conn, &sum_query(query, from_ms, to_ms), buckets)?,
        Way::Raw => raw(conn, query, (from_ms, to_ms), |key| key.quarter_ms)?,
    };
    let bucket_of = |at_ms: i64| {
        let after = buckets.partition_point(|bucket| bucket.start_ms <= at_ms);
        buckets.get(after.checked_sub(1)?).map(|bucket| bucket.start_ms)
    };
    let mut found = rows(&sums, query.bots, bucket_of);
    Ok(buckets
        .iter()
        .map(|bucket| found.remove(&bucket.start_ms).unwrap_or_else(|| Figures::new(query.bots)))
        .collect())
}

/// Sums that can be put together to the buckets: by hour where an hour lies in one bucket, by quarter where it is cut.
fn kept_by_bucket(
    conn: &mut AnyConnection,
    query: &SumQuery,
    buckets: &[Bucket],
) -> Result<Vec<Summed>, Error> {
    let edges = buckets.iter().flat_map(|bucket| [bucket.start_ms, bucket.end_ms]);
    let cut: BTreeSet<i64> = edges.filter(|edge| hour_of(*edge) != *edge).map(hour_of).collect();
    let hours = usize::try_from((query.to_ms - query.from_ms) / HOUR_MS).unwrap_or(0);
    if cut.len() * CUT_HOURS_PART > hours {
        return Ok(rollups::by_bucket(conn, Grain::Quarter, query)?);
    }
    // The first and the last hour may reach beyond the period: they are among the cut ones.
    let around = SumQuery { from_ms: hour_of(query.from_ms), ..query.clone() };
    let mut sums = rollups::by_bucket(conn, Grain::Hour, &around)?;
    sums.retain(|group| !cut.contains(&group.key));
    if !cut.is_empty() {
        let cut: Vec<i64> = cut.into_iter().collect();
        sums.extend(rollups::by_quarter_of(conn, &cut, query)?);
    }
    Ok(sums)
}

fn rows(sums: &[Summed], bots: Bots, key: impl Fn(i64) -> Option<i64>) -> BTreeMap<i64, Figures> {
    let mut rows: BTreeMap<i64, Figures> = BTreeMap::new();
    // What adds up to nothing (a rejected conversion of an event that does not count) makes no row.
    for group in sums.iter().filter(|group| group.sums != Counters::default()) {
        if let Some(key) = key(group.key) {
            rows.entry(key).or_insert_with(|| Figures::new(bots)).add(group.is_bot, &group.sums);
        }
    }
    rows
}

fn sum_query(query: &Query, from_ms: i64, to_ms: i64) -> SumQuery {
    SumQuery {
        from_ms,
        to_ms,
        attribution: query.attribution,
        is_test: query.is_test,
        campaign_ids: query.campaign_ids.clone(),
    }
}

/// A period as hours with quarters at its ends: a month is read from four times fewer rows.
fn pieces(from_ms: i64, to_ms: i64) -> Vec<(Grain, i64, i64)> {
    let first_hour = from_ms + (-from_ms).rem_euclid(HOUR_MS);
    let last_hour = to_ms - to_ms.rem_euclid(HOUR_MS);
    let all = if first_hour >= last_hour {
        vec![(Grain::Quarter, from_ms, to_ms)]
    } else {
        vec![
            (Grain::Quarter, from_ms, first_hour),
            (Grain::Hour, first_hour, last_hour),
            (Grain::Quarter, last_hour, to_ms),
        ]
    };
    all.into_iter().filter(|(_, from_ms, to_ms)| from_ms < to_ms).collect()
}

fn raw(
    conn: &mut AnyConnection,
    query: &Query,
    (from_ms, to_ms): (i64, i64),
    group: impl Fn(&RollupKey) -> i64,
) -> Result<Vec<Summed>, Error> {
    let sums = rollups::raw(conn, from_ms, to_ms)?;
    let is_asked =
        |campaign_id: i64| query.campaign_ids.as_ref().is_none_or(|ids| ids.contains(&campaign_id));
    Ok(sums
        .iter()
        .filter(|(key, _)| key.attribution == query.attribution && key.is_test == query.is_test)
        .filter(|(key, _)| is_asked(key.campaign_id))
        .map(|(key, sums)| Summed { key: group(key), is_bot: key.is_bot, sums: *sums })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rollup::QUARTER_MS;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_tile_the_period(start in 0..500_i64, length in 0..500_i64) {
            let (from, to) = (start * QUARTER_MS, (start + length) * QUARTER_MS);
            let mut at = from;
            for (grain, piece_from, piece_to) in pieces(from, to) {
                prop_assert_eq!(piece_from, at);
                prop_assert!(grain == Grain::Quarter || (piece_from % HOUR_MS == 0 && piece_to % HOUR_MS == 0));
                at = piece_to;
            }
            prop_assert_eq!(at, to);
        }
    }
}
