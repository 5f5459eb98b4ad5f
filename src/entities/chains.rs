//! Campaigns that lead into one another: in the place of offers, and as fallbacks. Neither may be a circle, nor longer than
//! the click path follows.

use super::editing::Checks;
use crate::db::campaigns::Address;
use crate::db::{self, own_hosts};
use crate::domain::campaign::{CHAIN_MAX, Campaign, CampaignPath, WeightedTarget};
use crate::domain::tracking_address::{OwnHosts, TrackingAddress};
use std::collections::{HashMap, HashSet};

/// Stands for a campaign that is only being made: no other has this number.
const NEW: i64 = 0;

/// Where campaigns lead, each to which others.
type Links = HashMap<i64, Vec<i64>>;

/// Checks where a campaign's paths and its fallback lead in the end. What led there before may stay, so that a campaign
/// whose chain others made too long can still be renamed.
pub(super) fn check(
    campaign: &Campaign,
    before: Option<&Campaign>,
    checks: &mut Checks<'_>,
) -> db::Result<()> {
    check_paths(campaign, before, checks)?;
    check_fallback(campaign, before, checks)
}

fn check_paths(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) -> db::Result<()> {
    let known: HashSet<i64> = before.into_iter().flat_map(Campaign::all_paths).flat_map(targets).collect();
    let own = checks.id.unwrap_or(NEW);
    if campaign.all_paths().all(|path| targets(path).is_empty()) {
        return Ok(());
    }
    let mut links = db::campaigns::links(checks.conn)?;
    links.insert(own, campaign.all_paths().flat_map(targets).collect());
    for (place, path) in campaign.placed_paths() {
        let field = format!("{place}.offers");
        for target in targets(path) {
            let way = longest(&links, own, target);
            if way.last() == Some(&own) {
                checks.push(&field, "This leads back to the campaign itself: choose another campaign");
            } else if !known.contains(&target) && way.len() > CHAIN_MAX + 1 {
                let names = db::campaigns::addresses(checks.conn)?;
                checks.push(&field, too_long(&way, &campaign.name, own, &names));
            }
        }
    }
    Ok(())
}

fn check_fallback(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) -> db::Result<()> {
    const FIELD: &str = "fallback_url";
    let is_same = before.is_some_and(|before| {
        (&before.fallback_url, &before.slug) == (&campaign.fallback_url, &campaign.slug)
    });
    if is_same || TrackingAddress::read(&campaign.fallback_url).is_none() {
        return Ok(());
    }
    let own = checks.id.unwrap_or(NEW);
    let hosts = own_hosts::load(checks.conn)?;
    let mut all = db::campaigns::addresses(checks.conn)?;
    all.retain(|one| one.id != own);
    let slug = if campaign.slug.is_empty() {
        before.map(|before| before.slug.clone()).unwrap_or_default()
    } else {
        campaign.slug.clone()
    };
    let (name, fallback_url) = (campaign.name.clone(), campaign.fallback_url.clone());
    all.push(Address { id: own, name, slug, fallback_url });
    let links = fallbacks(&all, &hosts);
    let Some(target) = links.get(&own).and_then(|targets| targets.first()) else { return Ok(()) };
    let way = longest(&links, own, *target);
    if way.last() == Some(&own) {
        let names = named(&way, &campaign.name, own, &all);
        let message = format!("This leads back to the campaign itself ({names}): choose another address");
        checks.push(FIELD, message);
    } else if way.len() > CHAIN_MAX + 1 {
        checks.push(FIELD, too_long(&way, &campaign.name, own, &all));
    }
    Ok(())
}

fn targets(path: &CampaignPath) -> Vec<i64> {
    path.offers.iter().filter_map(WeightedTarget::campaign_id).collect()
}

/// Which campaign each campaign falls back to, where its fallback names one of ours.
fn fallbacks(all: &[Address], hosts: &OwnHosts) -> Links {
    let ids: HashMap<&str, i64> = all.iter().map(|one| (one.slug.as_str(), one.id)).collect();
    let target = |one: &Address| {
        let address = TrackingAddress::read(&one.fallback_url)?;
        let slug = address.slug.as_ref().filter(|_| hosts.have(&address, None))?.to_ascii_lowercase();
        Some((one.id, vec![*ids.get(slug.as_str())?]))
    };
    all.iter().filter(|one| !one.fallback_url.is_empty()).filter_map(target).collect()
}

/// The longest chain that goes through a campaign to one of its targets: from the first that leads to it to the last that
/// it leads to. One that leads back to the campaign ends with it.
fn longest(links: &Links, own: i64, target: i64) -> Vec<i64> {
    let mut back: Links = HashMap::new();
    for (from, targets) in links {
        targets.iter().for_each(|to| back.entry(*to).or_default().push(*from));
    }
    let after = farthest(links, target, own);
    if after.last() == Some(&own) {
        return [vec![own], after].concat();
    }
    let mut before = farthest(&back, own, target);
    before.reverse();
    [before, after].concat()
}

/// The longest way along links from a campaign; one that comes to `end` is taken at once. Each campaign is looked at once
/// for each length at most, and no way is followed beyond what would be refused anyway.
fn farthest(links: &Links, from: i64, end: i64) -> Vec<i64> {
    let mut way_to: HashMap<i64, Vec<i64>> = HashMap::from([(from, vec![from])]);
    let mut all_seen: HashSet<i64> = HashSet::from([from]);
    let mut longest = vec![from];
    if from == end {
        return longest;
    }
    // By steps: whatever stands in the last ring is as far away as any way of that length leads. Circles of others end
    // when the chain is too long already and nothing new is met.
    loop {
        let mut next: HashMap<i64, Vec<i64>> = HashMap::new();
        let mut has_new = false;
        for (id, way) in &way_to {
            for to in links.get(id).into_iter().flatten() {
                if way.contains(to) {
                    continue;
                }
                has_new |= all_seen.insert(*to);
                let mut longer = way.clone();
                longer.push(*to);
                if *to == end {
                    return longer;
                }
                next.entry(*to).or_insert(longer);
            }
        }
        let Some(way) = next.values().min() else { return longest };
        longest.clone_from(way);
        if longest.len() > CHAIN_MAX + 1 && !has_new {
            return longest;
        }
        way_to = next;
    }
}

fn too_long(way: &[i64], own_name: &str, own: i64, all: &[Address]) -> String {
    let names = named(way, own_name, own, all);
    format!(
        "This makes a chain of {} campaigns ({names}), and visitors follow one of {} at most: lead to one nearer its end",
        way.len(),
        CHAIN_MAX + 1
    )
}

/// The names of a chain's campaigns in their order.
fn named(way: &[i64], own_name: &str, own: i64, all: &[Address]) -> String {
    let name = |id: &i64| match all.iter().find(|one| one.id == *id) {
        _ if *id == own => own_name.to_owned(),
        Some(one) => one.name.clone(),
        None => format!("campaign {id}"),
    };
    way.iter().map(name).collect::<Vec<_>>().join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(i64, i64)]) -> Links {
        let mut links = Links::new();
        pairs.iter().for_each(|(from, to)| links.entry(*from).or_default().push(*to));
        links
    }

    #[test]
    fn the_longest_chain_through_a_campaign_is_found() {
        let long = links(&[(1, 2), (2, 3), (3, 4), (1, 4), (4, 5), (9, 1)]);
        assert_eq!(longest(&long, 3, 4), [9, 1, 2, 3, 4, 5]);
        assert_eq!(longest(&long, 1, 4), [9, 1, 4, 5]);
        assert_eq!(longest(&long, 4, 5), [9, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_way_back_is_found_and_circles_of_others_end() {
        let round = links(&[(1, 2), (2, 3), (3, 1)]);
        assert_eq!(longest(&round, 1, 2), [1, 2, 3, 1]);
        assert_eq!(longest(&round, 1, 1), [1, 1]);
        let others = links(&[(1, 2), (2, 3), (3, 4), (4, 2)]);
        assert_eq!(longest(&others, 1, 2), [1, 2, 3, 4]);
    }

    #[test]
    fn fallbacks_lead_to_campaigns_of_ours_alone() {
        let one = |id: i64, slug: &str, fallback_url: &str| Address {
            id,
            name: String::new(),
            slug: slug.to_owned(),
            fallback_url: fallback_url.to_owned(),
        };
        let mut hosts = OwnHosts::default();
        hosts.add("trk.example");
        let all = [
            one(1, "a", "https://TRK.example/%63/B"),
            one(2, "b", "https://other.example/c/a"),
            one(3, "c", "https://trk.example/c/gone"),
        ];
        assert_eq!(fallbacks(&all, &hosts), links(&[(1, 2)]));
    }
}
