//! Campaigns with their paths and rules, each under a slug that no other has.

use super::Error;
use super::chains;
use super::editing::{Checks, Noun, door, stored_in};
use super::random;
use super::references::refusal;
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::campaign::{Campaign, CampaignPath, WeightedTarget};
use crate::domain::host::HostKind;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::rule::ListKind;
use std::collections::{HashMap, HashSet};

/// How often a random slug is drawn before giving up. Two in a row that are taken are a wonder already.
const SLUG_DRAWS: usize = 5;

impl Noun for Campaign {
    stored_in!(campaigns);

    fn blank(_account: Currency) -> Self {
        Self::default()
    }

    fn complete(&mut self, caller_id: Option<i64>) {
        self.owner_id = self.owner_id.or(caller_id);
    }

    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        check_people_and_source(self, checks)?;
        check_domain(self, before, checks)?;
        check_own_ids(self, before, checks);
        check_choices(self, before, checks)?;
        check_campaigns(self, before, checks)?;
        chains::check(self, before, checks)?;
        check_aliases(self, checks)?;
        check_lists(self, checks)
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        if !self.slug.is_empty() {
            return db::campaigns::insert(conn, self, now_ms).map_err(|error| slug_taken(error, &self.slug));
        }
        let mut named = self.clone();
        for _ in 1..SLUG_DRAWS {
            named.slug = random::slug();
            match db::savepoint(conn, |conn| db::campaigns::insert(conn, &named, now_ms)) {
                Err(db::Error::Taken(what)) if !what.contains("campaign_aliases") => {}
                outcome => return outcome.map_err(|error| slug_taken(error, &named.slug)),
            }
        }
        named.slug = random::slug();
        db::campaigns::insert(conn, &named, now_ms).map_err(|error| slug_taken(error, &named.slug))
    }

    /// An empty slug leaves the campaign where it is: ads that lead there must not die by a blank field.
    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        let mut named = self.clone();
        if named.slug.is_empty()
            && let Some(saved) = db::campaigns::find(conn, id)?
        {
            named.slug = saved.value.slug;
        }
        db::campaigns::update(conn, id, &named, now_ms).map_err(|error| slug_taken(error, &named.slug))
    }
}

door!(Campaign);

/// What must be there once: the slug, and old addresses, where somebody else took one in the same moment.
fn slug_taken(error: db::Error, slug: &str) -> Error {
    match error {
        db::Error::Taken(what) if what.contains("campaign_aliases") => Error::Conflict {
            field: "aliases",
            message: "Another campaign has just taken one of these old addresses: save again to see which"
                .to_owned(),
        },
        db::Error::Taken(_) => Error::Conflict {
            field: "slug",
            message: format!(
                "Another campaign, perhaps an archived one, has the address {slug}: choose another"
            ),
        },
        other => Error::Db(other),
    }
}

fn check_people_and_source(campaign: &Campaign, checks: &mut Checks<'_>) -> db::Result<()> {
    if let Some(id) = campaign.source_id
        && !db::sources::statuses(checks.conn, &[id])?.contains_key(&id)
    {
        checks.push("source_id", format!("There is no source {id}"));
    }
    if let Some(id) = campaign.owner_id
        && db::users::find(checks.conn, id)?.is_none()
    {
        checks.push("owner_id", format!("There is no user {id}"));
    }
    Ok(())
}

/// The host in the address is one for clicks. One that was put away may stay, as a lander or an offer may.
fn check_domain(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) -> db::Result<()> {
    let Some(id) = campaign.domain_id else { return Ok(()) };
    let is_kept = before.is_some_and(|before| before.domain_id == Some(id));
    match db::domains::find(checks.conn, id)?.map(|saved| saved.value) {
        None => checks.push("domain_id", format!("There is no domain {id}")),
        Some(domain) if domain.kind == HostKind::Dashboard => {
            checks.push("domain_id", format!("{} is for dashboards: choose a host for clicks", domain.host));
        }
        Some(domain) if domain.status == EntityStatus::Archived && !is_kept => {
            let message = format!("{} is archived: restore it first, or choose another host", domain.host);
            checks.push("domain_id", message);
        }
        Some(_) => {}
    }
    Ok(())
}

/// An old address leads to one campaign alone.
fn check_aliases(campaign: &Campaign, checks: &mut Checks<'_>) -> db::Result<()> {
    if campaign.aliases.is_empty() {
        return Ok(());
    }
    let own = checks.id;
    let owners = db::campaigns::alias_owners(checks.conn, &campaign.aliases)?;
    if let Some((alias, id, name)) = owners.into_iter().find(|(_, id, _)| Some(*id) != own) {
        let message = format!(
            "{alias} leads to the campaign {id}, {name}, already: take it out there first, or leave it out here"
        );
        checks.push("aliases", message);
    }
    Ok(())
}

/// A path's or rule's number keeps it: it must be one of this campaign's own, or it would be lost.
fn check_own_ids(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) {
    let mut refuse = |place: String, noun: &str, id: i64| {
        let message = format!("This campaign has no {noun} {id}: leave the id out for a new {noun}");
        checks.push(&format!("{place}.id"), message);
    };
    let own: HashSet<i64> = paths(before).filter_map(|path| path.id).collect();
    for (place, path) in campaign.placed_paths() {
        if let Some(id) = path.id.filter(|id| !own.contains(id)) {
            refuse(place, "path", id);
        }
    }
    let rules = before.into_iter().flat_map(|before| &before.rules);
    let own: HashSet<i64> = rules.filter_map(|rule| rule.id).collect();
    for (at, rule) in campaign.rules.iter().enumerate() {
        if let Some(id) = rule.id.filter(|id| !own.contains(id)) {
            refuse(format!("rules[{at}]"), "rule", id);
        }
    }
}

fn check_choices(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) -> db::Result<()> {
    let landers = db::landers::statuses(checks.conn, &chosen(Some(campaign), lander_ids))?;
    let offers = db::offers::statuses(checks.conn, &chosen(Some(campaign), offer_ids))?;
    let landers_before: HashSet<i64> = chosen(before, lander_ids).into_iter().collect();
    let offers_before: HashSet<i64> = chosen(before, offer_ids).into_iter().collect();
    let mut refuse = |place: &str,
                      noun: &str,
                      ids: Vec<i64>,
                      statuses: &HashMap<i64, EntityStatus>,
                      before: &HashSet<i64>| {
        if let Some(message) = refusal(noun, ids, statuses, before) {
            checks.push(&format!("{place}.{noun}s"), message);
        }
    };
    for (place, path) in campaign.placed_paths() {
        refuse(&place, "lander", lander_ids(path), &landers, &landers_before);
        refuse(&place, "offer", offer_ids(path), &offers, &offers_before);
    }
    Ok(())
}

/// The campaigns that stand in the place of offers are there.
fn check_campaigns(
    campaign: &Campaign,
    before: Option<&Campaign>,
    checks: &mut Checks<'_>,
) -> db::Result<()> {
    let wanted = chosen(Some(campaign), campaign_ids);
    if wanted.is_empty() {
        return Ok(());
    }
    let statuses = db::campaigns::statuses(checks.conn, &wanted)?;
    let known: HashSet<i64> = chosen(before, campaign_ids).into_iter().collect();
    for (place, path) in campaign.placed_paths() {
        let field = format!("{place}.offers");
        if let Some(message) = refusal("campaign", campaign_ids(path), &statuses, &known) {
            checks.push(&field, message);
        }
    }
    Ok(())
}

/// The lists that conditions name are there and hold what the fact is.
fn check_lists(campaign: &Campaign, checks: &mut Checks<'_>) -> db::Result<()> {
    if campaign.rules.iter().all(|rule| rule.when.list_ids().is_empty()) {
        return Ok(());
    }
    let kinds: HashMap<i64, ListKind> =
        db::lists::versions(checks.conn)?.into_iter().map(|(id, kind, _)| (id, kind)).collect();
    for (at, rule) in campaign.rules.iter().enumerate() {
        for (group, conditions) in rule.when.any.iter().enumerate() {
            for (number, condition) in conditions.all.iter().enumerate() {
                let field = format!("rules[{at}].when.any[{group}].all[{number}].lists");
                for id in &condition.lists {
                    match kinds.get(id) {
                        None => checks.push(&field, format!("There is no list {id}")),
                        Some(kind) if !kind.fits(&condition.fact) => {
                            let fact = condition.fact.label();
                            checks
                                .push(&field, format!("The list {id} holds {kind}, which the {fact} is not"));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
    }
    Ok(())
}

fn paths(campaign: Option<&Campaign>) -> impl Iterator<Item = &CampaignPath> {
    campaign.into_iter().flat_map(Campaign::all_paths)
}

fn lander_ids(path: &CampaignPath) -> Vec<i64> {
    path.landers.iter().map(|entry| entry.id).collect()
}

fn offer_ids(path: &CampaignPath) -> Vec<i64> {
    path.offers.iter().filter_map(WeightedTarget::offer_id).collect()
}

fn campaign_ids(path: &CampaignPath) -> Vec<i64> {
    path.offers.iter().filter_map(WeightedTarget::campaign_id).collect()
}

/// The numbers chosen on any path, each once.
fn chosen(campaign: Option<&Campaign>, ids: fn(&CampaignPath) -> Vec<i64>) -> Vec<i64> {
    let once: HashSet<i64> = paths(campaign).flat_map(ids).collect();
    once.into_iter().collect()
}
