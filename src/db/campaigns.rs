//! Campaigns with their paths.

use super::entity::entity_store;
use super::schema::campaigns;
use super::schema::paths;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::campaign::{Campaign, CampaignPath, Redirect};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Money;
use crate::domain::source::CostModel;
use diesel::prelude::*;
use std::collections::HashMap;

#[derive(Queryable, Selectable)]
#[diesel(table_name = campaigns)]
struct Row {
    id: i64,
    name: String,
    slug: String,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: String,
    unique_window_hours: i64,
    fallback_url: String,
    cost_model: Option<String>,
    cost_amount_micros: Option<i64>,
    status: String,
    is_test: bool,
    tags: String,
    notes: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = campaigns, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    slug: String,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: &'static str,
    unique_window_hours: i64,
    fallback_url: String,
    cost_model: Option<&'static str>,
    cost_amount_micros: Option<i64>,
    status: &'static str,
    is_test: bool,
    tags: String,
    notes: String,
    updated_at_ms: i64,
}

impl Fields {
    fn new(value: &Campaign, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            slug: value.slug.clone(),
            source_id: value.source_id,
            owner_id: value.owner_id,
            append_query: value.append_query,
            redirect: value.redirect.as_str(),
            unique_window_hours: value.unique_window_hours,
            fallback_url: value.fallback_url.clone(),
            cost_model: value.cost_model.map(CostModel::as_str),
            cost_amount_micros: value.cost_amount.map(Money::micros),
            status: value.status.as_str(),
            is_test: value.is_test,
            tags: json_text(&value.tags)?,
            notes: value.notes.clone(),
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<Campaign> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Campaign {
            name: row.name,
            slug: row.slug,
            source_id: row.source_id,
            owner_id: row.owner_id,
            append_query: row.append_query,
            redirect: word(&row.redirect, Redirect::parse)?,
            unique_window_hours: row.unique_window_hours,
            fallback_url: row.fallback_url,
            cost_model: row.cost_model.as_deref().map(|model| word(model, CostModel::parse)).transpose()?,
            cost_amount: row.cost_amount_micros.map(Money::from_micros),
            status: word(&row.status, EntityStatus::parse)?,
            is_test: row.is_test,
            tags: json(&row.tags)?,
            notes: row.notes,
            paths: Vec::new(),
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

/// The campaign's own row; its paths are read and written beside it.
mod rows {
    use super::{
        AnyConnection, Campaign, EntityStatus, Fields, ListQuery, Listed, Result, Row, Saved, campaigns,
        contains, entity_store, fold_case,
    };
    use diesel::prelude::*;
    entity_store!(campaigns, Campaign, search: name, slug);
}

pub use rows::{lock, statuses};

#[derive(Queryable, Selectable)]
#[diesel(table_name = paths)]
struct PathRow {
    id: i64,
    campaign_id: i64,
    name: String,
    weight: i64,
    status: String,
    landers: String,
    offers: String,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = paths)]
struct PathFields {
    campaign_id: i64,
    position: i64,
    name: String,
    weight: i64,
    status: &'static str,
    landers: String,
    offers: String,
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

/// The paths of some campaigns, in their order. A path that was taken out stays for its clicks' sake and
/// is left out here.
fn paths_of(conn: &mut AnyConnection, campaign_ids: &[i64]) -> Result<Vec<(i64, CampaignPath)>> {
    let rows: Vec<PathRow> = paths::table
        .filter(paths::campaign_id.eq_any(campaign_ids))
        .filter(paths::status.ne(EntityStatus::Archived.as_str()))
        .order((paths::campaign_id, paths::position, paths::id))
        .select(PathRow::as_select())
        .load(conn)?;
    rows.into_iter().map(|row| Ok((row.campaign_id, row.try_into()?))).collect()
}

fn with_paths(conn: &mut AnyConnection, mut campaigns: Vec<Saved<Campaign>>) -> Result<Vec<Saved<Campaign>>> {
    let ids: Vec<i64> = campaigns.iter().map(|campaign| campaign.id).collect();
    let mut by_campaign: HashMap<i64, Vec<CampaignPath>> = HashMap::new();
    // SQLite takes a bounded number of values in one statement.
    for some in ids.chunks(500) {
        for (campaign_id, path) in paths_of(conn, some)? {
            by_campaign.entry(campaign_id).or_default().push(path);
        }
    }
    for campaign in &mut campaigns {
        campaign.value.paths = by_campaign.remove(&campaign.id).unwrap_or_default();
    }
    Ok(campaigns)
}

/// A campaign by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Saved<Campaign>>> {
    let found = rows::find(conn, id)?;
    Ok(with_paths(conn, found.into_iter().collect())?.pop())
}

/// A page of campaigns by name.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &ListQuery) -> Result<Listed<Saved<Campaign>>> {
    let listed = rows::list(conn, query)?;
    Ok(Listed { items: with_paths(conn, listed.items)?, total: listed.total })
}

/// All campaigns, archived ones too, by number.
///
/// # Errors
/// The database fails.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Saved<Campaign>>> {
    let campaigns = rows::all(conn)?;
    with_paths(conn, campaigns)
}

/// Keeps a new campaign with its paths and returns its number.
///
/// # Errors
/// [`Error::Taken`] where the slug is another campaign's.
pub fn insert(conn: &mut AnyConnection, value: &Campaign, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, campaigns::created_at_ms.eq(now_ms));
    let id = on_each!(conn, |c| diesel::insert_into(campaigns::table)
        .values(row)
        .returning(campaigns::id)
        .get_result(c))?;
    write_paths(conn, id, &value.paths)?;
    Ok(id)
}

/// Changes a campaign and its paths.
///
/// # Errors
/// [`Error::Taken`] where the slug is another campaign's.
pub fn update(conn: &mut AnyConnection, id: i64, value: &Campaign, now_ms: i64) -> Result<()> {
    rows::update(conn, id, value, now_ms)?;
    write_paths(conn, id, &value.paths)
}

fn write_paths(conn: &mut AnyConnection, campaign_id: i64, wanted: &[CampaignPath]) -> Result<()> {
    let kept: Vec<i64> = wanted.iter().filter_map(|path| path.id).collect();
    let own = paths::table.filter(paths::campaign_id.eq(campaign_id));
    diesel::update(own.filter(paths::id.ne_all(kept)))
        .set(paths::status.eq(EntityStatus::Archived.as_str()))
        .execute(conn)?;
    for (position, path) in (0_i64..).zip(wanted) {
        let fields = PathFields {
            campaign_id,
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
