//! A source's figures beside those of the others that lead to the same offers, over thirty days.
//!
//! Clicks, conversions and approvals come from the sums of the campaigns that lead there, as reports have them: without
//! machines' clicks, without tests, by the click's time. What the sums do not hold, the time to a conversion and what is
//! unusual, is asked of the conversions of these offers.

use crate::db::conversion_anomalies::{self, SourceTimes};
use crate::db::rollups::{self, Grain, SumQuery};
use crate::db::{self, AnyConnection};
use crate::domain::figures::{Bots, Figures, Metric};
use crate::domain::money::ratio;
use crate::domain::rollup::{Attribution, HOUR_MS, hour_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How far back.
pub const PEER_DAYS: i64 = 30;

/// The campaigns of sources, as far as they lead to some offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// The offers that the source's campaigns lead to.
    pub offers: BTreeSet<i64>,
    /// The source of each campaign that leads to one of them.
    pub campaigns: HashMap<i64, i64>,
}

/// What sources are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerFigures {
    /// Conversions / clicks, in ten-thousandths.
    pub cr: Option<i64>,
    /// Approved / decided, in ten-thousandths.
    pub approval_rate: Option<i64>,
    /// From the click to the conversion, as half of them take.
    pub median_seconds: Option<i64>,
    /// Unusual conversions / all of them, in ten-thousandths.
    pub unusual: Option<i64>,
}

/// A source beside its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    /// Its own figures.
    pub own: PeerFigures,
    /// The median of each figure of the others that have it.
    pub others: PeerFigures,
    /// How many others had a click or a conversion.
    pub count: usize,
}

/// A source's figures beside those of its peers.
///
/// # Errors
/// The database fails.
pub fn peers(conn: &mut AnyConnection, source_id: i64, ways: &Ways, now_ms: i64) -> db::Result<Peers> {
    if ways.offers.is_empty() {
        return Ok(Peers::default());
    }
    let to_ms = hour_of(now_ms) + HOUR_MS;
    let from_ms = to_ms - PEER_DAYS * 24 * HOUR_MS;
    let query = SumQuery {
        from_ms,
        to_ms,
        attribution: Attribution::ClickTime,
        is_test: false,
        campaign_ids: Some(ways.campaigns.keys().copied().collect()),
    };
    let mut figures: BTreeMap<i64, Figures> = BTreeMap::new();
    for sum in rollups::by_campaign(conn, Grain::Hour, &query)? {
        if let Some(source) = ways.campaigns.get(&sum.key) {
            let row = figures.entry(*source).or_insert_with(|| Figures::new(Bots::Exclude));
            row.add(sum.is_bot, &sum.sums);
        }
    }
    let offers: Vec<i64> = ways.offers.iter().copied().collect();
    let times = conversion_anomalies::times_of_sources(conn, &offers, (from_ms, to_ms))?;
    let times: HashMap<i64, SourceTimes> = times.into_iter().map(|one| (one.source_id, one)).collect();
    let sources: BTreeSet<i64> = figures.keys().chain(times.keys()).copied().collect();
    let of = |source: i64| of_source(figures.get(&source), times.get(&source));
    let others: Vec<PeerFigures> = sources
        .iter()
        .filter(|id| **id != source_id)
        .map(|id| of(*id))
        .filter(|one| *one != PeerFigures::default())
        .collect();
    let median_of =
        |figure: fn(&PeerFigures) -> Option<i64>| median(others.iter().filter_map(figure).collect());
    Ok(Peers {
        own: of(source_id),
        others: PeerFigures {
            cr: median_of(|one| one.cr),
            approval_rate: median_of(|one| one.approval_rate),
            median_seconds: median_of(|one| one.median_seconds),
            unusual: median_of(|one| one.unusual),
        },
        count: others.len(),
    })
}

fn of_source(figures: Option<&Figures>, times: Option<&SourceTimes>) -> PeerFigures {
    PeerFigures {
        cr: figures.and_then(|row| row.sort_key(Metric::Cr)),
        approval_rate: figures.and_then(|row| row.sort_key(Metric::ApprovalRate)),
        median_seconds: times.map(|one| one.median_ms / 1_000),
        unusual: times.and_then(|one| ratio(one.unusual, one.count)),
    }
}

/// The middle one; of two in the middle their mean, rounded down.
fn median(mut all: Vec<i64>) -> Option<i64> {
    all.sort_unstable();
    let upper = *all.get(all.len() / 2)?;
    if all.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *all.get((all.len() / 2).checked_sub(1)?)?;
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        for (all, wanted) in [
            (vec![], None),
            (vec![7], Some(7)),
            (vec![9, 1], Some(5)),
            (vec![3, 1, 2], Some(2)),
            (vec![1, 2, 5, 100], Some(3)),
        ] {
            assert_eq!(median(all.clone()), wanted, "{all:?}");
        }
    }
}
