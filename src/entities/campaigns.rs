//! Campaigns with their paths, each under a slug that no other has.

use super::Error;
use super::editing::{Checks, Noun, door, stored_in};
use super::random;
use super::references::refusal;
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::campaign::{Campaign, CampaignPath};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
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
        check_path_ids(self, before, checks);
        check_choices(self, before, checks)
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        if !self.slug.is_empty() {
            return db::campaigns::insert(conn, self, now_ms).map_err(|error| slug_taken(error, &self.slug));
        }
        let mut named = self.clone();
        for _ in 1..SLUG_DRAWS {
            named.slug = random::slug();
            match db::savepoint(conn, |conn| db::campaigns::insert(conn, &named, now_ms)) {
                Err(db::Error::Taken(_)) => {}
                outcome => return Ok(outcome?),
            }
        }
        named.slug = random::slug();
        Ok(db::campaigns::insert(conn, &named, now_ms)?)
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

/// The slug is the only value of a campaign that must be there once.
fn slug_taken(error: db::Error, slug: &str) -> Error {
    match error {
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

/// A path's number keeps it: it must be one of this campaign's own, or the path would be lost.
fn check_path_ids(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) {
    let own: HashSet<i64> = paths(before).filter_map(|path| path.id).collect();
    for (at, path) in campaign.paths.iter().enumerate() {
        if let Some(id) = path.id.filter(|id| !own.contains(id)) {
            checks.push(
                &format!("paths[{at}].id"),
                format!("This campaign has no path {id}: leave the id out for a new path"),
            );
        }
    }
}

fn check_choices(campaign: &Campaign, before: Option<&Campaign>, checks: &mut Checks<'_>) -> db::Result<()> {
    let landers = db::landers::statuses(checks.conn, &chosen(Some(campaign), lander_ids))?;
    let offers = db::offers::statuses(checks.conn, &chosen(Some(campaign), offer_ids))?;
    let landers_before: HashSet<i64> = chosen(before, lander_ids).into_iter().collect();
    let offers_before: HashSet<i64> = chosen(before, offer_ids).into_iter().collect();
    let mut refuse = |at: usize,
                      noun: &str,
                      ids: Vec<i64>,
                      statuses: &HashMap<i64, EntityStatus>,
                      before: &HashSet<i64>| {
        if let Some(message) = refusal(noun, ids, statuses, before) {
            checks.push(&format!("paths[{at}].{noun}s"), message);
        }
    };
    for (at, path) in campaign.paths.iter().enumerate() {
        refuse(at, "lander", lander_ids(path), &landers, &landers_before);
        refuse(at, "offer", offer_ids(path), &offers, &offers_before);
    }
    Ok(())
}

fn paths(campaign: Option<&Campaign>) -> impl Iterator<Item = &CampaignPath> {
    campaign.into_iter().flat_map(|campaign| &campaign.paths)
}

fn lander_ids(path: &CampaignPath) -> Vec<i64> {
    path.landers.iter().map(|entry| entry.id).collect()
}

fn offer_ids(path: &CampaignPath) -> Vec<i64> {
    path.offers.iter().map(|entry| entry.id).collect()
}

/// The numbers chosen on any path, each once.
fn chosen(campaign: Option<&Campaign>, ids: fn(&CampaignPath) -> Vec<i64>) -> Vec<i64> {
    let once: HashSet<i64> = paths(campaign).flat_map(ids).collect();
    once.into_iter().collect()
}
