//! Sources and offers that have an unusual share of unusual conversions.
//!
//! The last day, by whole hours with the running one, is held against the fourteen days before it. Said is who has at least
//! [`UNUSUAL_MIN`] unusual conversions in that day, a share that is at least [`SHARE_TIMES`] times its own of before, and at
//! least [`SHARE_MORE`] above it. So one conversion alarms nobody, and neither does who has always had many.

use crate::db::conversion_anomalies::{self, UnusualCount};
use crate::db::rollups::{self, Grain, SumQuery};
use crate::db::{self, AnyConnection, offers, report_names};
use crate::domain::money::ratio;
use crate::domain::rollup::{Attribution, HOUR_MS, hour_of};
use std::collections::{BTreeMap, HashMap};

/// Unusual conversions of a day that are worth a word.
pub const UNUSUAL_MIN: i64 = 5;

/// The share must be so many times that of before.
pub const SHARE_TIMES: i64 = 2;

/// And so much above it, in ten-thousandths: ten points of a hundred.
pub const SHARE_MORE: i64 = 1_000;

const DAY_MS: i64 = 24 * HOUR_MS;
const DAYS_BEFORE: i64 = 14;

/// How many of some conversions are unusual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// So many,
    pub unusual: i64,
    /// of so many.
    pub all: i64,
}

impl Share {
    /// In ten-thousandths; `None` of none.
    #[must_use]
    pub fn ratio(self) -> Option<i64> {
        // A source that a campaign was given since may have fewer of its own than unusual ones.
        ratio(self.unusual, self.all.max(self.unusual))
    }
}

/// Whose conversions they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// A source's, by its campaigns.
    Source(i64),
    /// An offer's.
    Offer(i64),
}

/// Somebody with unusually many unusual conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnusualShare {
    /// Who.
    pub whose: Whose,
    /// Its name.
    pub name: String,
    /// The last day.
    pub day: Share,
    /// The fourteen days before.
    pub before: Share,
}

/// Whether a day is worth a word against the time before.
fn is_jump(day: Share, before: Share) -> bool {
    let (now, usual) = (day.ratio().unwrap_or(0), before.ratio().unwrap_or(0));
    day.unusual >= UNUSUAL_MIN && now >= usual.saturating_mul(SHARE_TIMES) && now - usual >= SHARE_MORE
}

/// Sources and offers with an unusual share, the highest share first. Where nobody has enough of them nothing else is asked.
///
/// # Errors
/// The database fails.
pub fn unusual_shares(conn: &mut AnyConnection, now_ms: i64) -> db::Result<Vec<UnusualShare>> {
    let to_ms = hour_of(now_ms) + HOUR_MS;
    let day_ms = to_ms - DAY_MS;
    let before_ms = day_ms - DAYS_BEFORE * DAY_MS;
    let lately = conversion_anomalies::counts(conn, day_ms, to_ms)?;
    let mut source_of = HashMap::new();
    if lately.iter().map(|count| count.count).sum::<i64>() >= UNUSUAL_MIN {
        let campaigns = report_names::campaigns(conn)?;
        source_of = campaigns.into_iter().filter_map(|one| Some((one.id, one.source_id?))).collect();
    }
    let mut day = unusual_of(&lately, &source_of);
    day.retain(|_, unusual| *unusual >= UNUSUAL_MIN);
    if day.is_empty() {
        return Ok(Vec::new());
    }
    let before = unusual_of(&conversion_anomalies::counts(conn, before_ms, day_ms)?, &source_of);
    let asked: Vec<Whose> = day.keys().copied().collect();
    let all_of_day = all_of(conn, &asked, &source_of, (day_ms, to_ms))?;
    let all_before = all_of(conn, &asked, &source_of, (before_ms, day_ms))?;
    let (sources, all_offers) = (report_names::sources(conn)?, offers::all(conn)?);
    let name = |whose: Whose| match whose {
        Whose::Source(id) => sources.get(&id).cloned(),
        Whose::Offer(id) => all_offers.iter().find(|one| one.id == id).map(|one| one.value.name.clone()),
    };
    let share = |unusual: Option<&i64>, all: Option<&i64>| Share {
        unusual: unusual.copied().unwrap_or(0),
        all: all.copied().unwrap_or(0),
    };
    let mut found: Vec<UnusualShare> = asked
        .into_iter()
        .filter_map(|whose| {
            let day = share(day.get(&whose), all_of_day.get(&whose));
            let before = share(before.get(&whose), all_before.get(&whose));
            let name = name(whose).filter(|_| is_jump(day, before))?;
            Some(UnusualShare { whose, name, day, before })
        })
        .collect();
    found.sort_by_key(|one| (std::cmp::Reverse(one.day.ratio()), one.whose));
    Ok(found)
}

/// The unusual conversions of each. A source's are those that count as conversions, as its sums have them.
fn unusual_of(counts: &[UnusualCount], source_of: &HashMap<i64, i64>) -> BTreeMap<Whose, i64> {
    let mut unusual = BTreeMap::new();
    for one in counts {
        let source = source_of.get(&one.campaign_id).filter(|_| one.counts_as_conversion);
        let whose = source.map(|id| Whose::Source(*id)).into_iter().chain(one.offer_id.map(Whose::Offer));
        for whose in whose {
            *unusual.entry(whose).or_default() += one.count;
        }
    }
    unusual
}

/// All conversions of each in a time of whole hours: of sources from the sums of their campaigns, of offers by their index.
fn all_of(
    conn: &mut AnyConnection,
    asked: &[Whose],
    source_of: &HashMap<i64, i64>,
    (from_ms, to_ms): (i64, i64),
) -> db::Result<BTreeMap<Whose, i64>> {
    let mut all = BTreeMap::new();
    let is_asked = |id: &i64| asked.contains(&Whose::Source(*id));
    let campaigns: Vec<i64> =
        source_of.iter().filter(|(_, source)| is_asked(source)).map(|(campaign, _)| *campaign).collect();
    if !campaigns.is_empty() {
        let query = SumQuery {
            from_ms,
            to_ms,
            attribution: Attribution::ConversionTime,
            is_test: false,
            campaign_ids: Some(campaigns),
        };
        for sum in rollups::by_campaign(conn, Grain::Hour, &query)? {
            if let Some(source) = source_of.get(&sum.key) {
                *all.entry(Whose::Source(*source)).or_default() += sum.sums.leads;
            }
        }
    }
    let offer = |whose: &Whose| match whose {
        Whose::Offer(id) => Some(*id),
        Whose::Source(_) => None,
    };
    let ids: Vec<i64> = asked.iter().filter_map(offer).collect();
    for (id, count) in conversion_anomalies::all_of_offers(conn, &ids, (from_ms, to_ms))? {
        all.insert(Whose::Offer(id), count);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarms_nobody_and_neither_does_who_has_always_had_many() {
        let share = |unusual, all| Share { unusual, all };
        for (day, before, wanted) in [
            (share(4, 4), share(0, 100), false),
            (share(5, 50), share(0, 100), true),
            (share(5, 51), share(0, 100), false),
            (share(20, 100), share(10, 100), true),
            (share(20, 100), share(11, 100), false),
            (share(90, 100), share(85, 100), false),
            (share(6, 6), share(0, 0), true),
        ] {
            assert_eq!(is_jump(day, before), wanted, "{day:?} {before:?}");
        }
    }
}
