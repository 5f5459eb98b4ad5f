//! The paths and rules of campaigns, read and written with them.

use crate::db::entity::Broken;
use crate::db::schema::{paths, rules};
use crate::db::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::campaign::{Campaign, CampaignPath, CampaignRule, Target, WeightedTarget};
use crate::domain::lander::EntityStatus;
use diesel::prelude::*;
use std::collections::HashMap;

#[derive(Queryable, Selectable)]
#[diesel(table_name = paths)]
struct PathRow {
    id: i64,
    campaign_id: i64,
    rule_id: Option<i64>,
    name: String,
    weight: i64,
    status: String,
    landers: String,
    offers: String,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = paths, treat_none_as_null = true, treat_none_as_default_value = false)]
struct PathFields {
    campaign_id: i64,
    rule_id: Option<i64>,
    position: i64,
    name: String,
    weight: i64,
    status: &'static str,
    landers: String,
    offers: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rules)]
struct RuleRow {
    id: i64,
    campaign_id: i64,
    name: String,
    conditions: String,
    status: String,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = rules)]
struct RuleFields {
    campaign_id: i64,
    position: i64,
    name: String,
    conditions: String,
    status: &'static str,
}

impl TryFrom<PathRow> for CampaignPath {
    type Error = Error;
    fn try_from(row: PathRow) -> Result<Self> {
        Ok(Self {
            id: Some(row.id),
            name: row.name,
            weight: row.weight,
            status: word(&row.status, EntityStatus::parse)?,
            landers: json(&row.landers)?,
            offers: json(&row.offers)?,
        })
    }
}

impl TryFrom<RuleRow> for CampaignRule {
    type Error = Error;
    fn try_from(row: RuleRow) -> Result<Self> {
        Ok(Self {
            id: Some(row.id),
            name: row.name,
            status: word(&row.status, EntityStatus::parse)?,
            when: json(&row.conditions)?,
            paths: Vec::new(),
        })
    }
}

/// Paths and rules of one campaign.
#[derive(Default)]
pub(super) struct Ways {
    pub(super) paths: Vec<CampaignPath>,
    pub(super) rules: Vec<CampaignRule>,
}

/// The paths and rules of some campaigns, in their order. What was taken out stays for its clicks' sake and is left
/// out here.
pub(super) fn of(
    conn: &mut AnyConnection,
    campaign_ids: &[i64],
    broken: Broken,
    ways: &mut HashMap<i64, Ways>,
) -> Result<()> {
    let archived = EntityStatus::Archived.as_str();
    let rows: Vec<RuleRow> = rules::table
        .filter(rules::campaign_id.eq_any(campaign_ids))
        .filter(rules::status.ne(archived))
        .order((rules::campaign_id, rules::position, rules::id))
        .select(RuleRow::as_select())
        .load(conn)?;
    let mut places: HashMap<i64, usize> = HashMap::new();
    for row in rows {
        let (id, campaign_id) = (row.id, row.campaign_id);
        if let Some(rule) = broken.judge("rule", id, row.try_into())? {
            let rules = &mut ways.entry(campaign_id).or_default().rules;
            places.insert(id, rules.len());
            rules.push(rule);
        }
    }
    let rows: Vec<PathRow> = paths::table
        .filter(paths::campaign_id.eq_any(campaign_ids))
        .filter(paths::status.ne(archived))
        .order((paths::campaign_id, paths::position, paths::id))
        .select(PathRow::as_select())
        .load(conn)?;
    for row in rows {
        let (id, campaign_id, rule_id) = (row.id, row.campaign_id, row.rule_id);
        let Some(path) = broken.judge("path", id, row.try_into())? else { continue };
        let ways = ways.entry(campaign_id).or_default();
        match rule_id {
            None => ways.paths.push(path),
            // The paths of a rule that was taken out are out with it.
            Some(rule_id) => {
                if let Some(rule) = places.get(&rule_id).and_then(|at| ways.rules.get_mut(*at)) {
                    rule.paths.push(path);
                }
            }
        }
    }
    Ok(())
}

/// Writes a campaign's rules and paths; those that are no longer there are put away.
pub(super) fn write(conn: &mut AnyConnection, campaign_id: i64, value: &Campaign) -> Result<()> {
    let archived = EntityStatus::Archived.as_str();
    let kept: Vec<i64> = value.all_paths().filter_map(|path| path.id).collect();
    let own = paths::table.filter(paths::campaign_id.eq(campaign_id));
    diesel::update(own.filter(paths::id.ne_all(kept))).set(paths::status.eq(archived)).execute(conn)?;
    let kept: Vec<i64> = value.rules.iter().filter_map(|rule| rule.id).collect();
    let own = rules::table.filter(rules::campaign_id.eq(campaign_id));
    diesel::update(own.filter(rules::id.ne_all(kept))).set(rules::status.eq(archived)).execute(conn)?;
    write_paths(conn, (campaign_id, None), &value.paths)?;
    for (position, rule) in (0_i64..).zip(&value.rules) {
        let rule_id = write_rule(conn, campaign_id, position, rule)?;
        write_paths(conn, (campaign_id, Some(rule_id)), &rule.paths)?;
    }
    Ok(())
}

fn write_rule(conn: &mut AnyConnection, campaign_id: i64, position: i64, rule: &CampaignRule) -> Result<i64> {
    let fields = RuleFields {
        campaign_id,
        position,
        name: rule.name.clone(),
        conditions: json_text(&rule.when)?,
        status: rule.status.as_str(),
    };
    if let Some(id) = rule.id {
        let own = rules::table.filter(rules::id.eq(id)).filter(rules::campaign_id.eq(campaign_id));
        diesel::update(own).set(fields).execute(conn)?;
        return Ok(id);
    }
    Ok(on_each!(conn, |c| diesel::insert_into(rules::table)
        .values(fields)
        .returning(rules::id)
        .get_result(c))?)
}

fn write_paths(
    conn: &mut AnyConnection,
    (campaign_id, rule_id): (i64, Option<i64>),
    wanted: &[CampaignPath],
) -> Result<()> {
    for (position, path) in (0_i64..).zip(wanted) {
        let fields = PathFields {
            campaign_id,
            rule_id,
            position,
            name: path.name.clone(),
            weight: path.weight,
            status: path.status.as_str(),
            landers: json_text(&path.landers)?,
            offers: json_text(&path.offers)?,
        };
        match path.id {
            Some(id) => {
                let own = paths::table.filter(paths::id.eq(id)).filter(paths::campaign_id.eq(campaign_id));
                diesel::update(own).set(fields).execute(conn)?;
            }
            None => {
                diesel::insert_into(paths::table).values(fields).execute(conn)?;
            }
        }
    }
    Ok(())
}

/// Which campaigns each campaign leads into, where it leads into any.
///
/// # Errors
/// The database fails.
pub fn links(conn: &mut AnyConnection) -> Result<HashMap<i64, Vec<i64>>> {
    let rows: Vec<(i64, String)> = paths::table
        .filter(paths::offers.like("%campaign_id%"))
        .filter(paths::status.ne(EntityStatus::Archived.as_str()))
        .select((paths::campaign_id, paths::offers))
        .load(conn)?;
    let mut links: HashMap<i64, Vec<i64>> = HashMap::new();
    for (campaign_id, text) in rows {
        let entries: Vec<WeightedTarget> = json(&text)?;
        let targets = entries.iter().filter_map(|entry| match entry.target {
            Target::Campaign(id) => Some(id),
            Target::Offer(_) => None,
        });
        links.entry(campaign_id).or_default().extend(targets);
    }
    Ok(links)
}
