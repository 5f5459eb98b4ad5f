//! Campaigns with their paths and rules.

mod aliases;
mod paths;

pub use aliases::owners as alias_owners;
pub use paths::links;

use self::paths::Ways;
use super::entity::{Broken, entity_store};
use super::schema::campaigns;
use super::search::{ListQuery, Listed, Saved, VALUES_MAX, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::campaign::{Campaign, Redirect};
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
    domain_id: Option<i64>,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: String,
    is_sticky: bool,
    is_smart_order: bool,
    is_skip_converted: bool,
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
    domain_id: Option<i64>,
    source_id: Option<i64>,
    owner_id: Option<i64>,
    append_query: bool,
    redirect: &'static str,
    is_sticky: bool,
    is_smart_order: bool,
    is_skip_converted: bool,
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
            domain_id: value.domain_id,
            source_id: value.source_id,
            owner_id: value.owner_id,
            append_query: value.append_query,
            redirect: value.redirect.as_str(),
            is_sticky: value.sticky,
            is_smart_order: value.smart_order,
            is_skip_converted: value.skip_converted,
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
            aliases: Vec::new(),
            domain_id: row.domain_id,
            source_id: row.source_id,
            owner_id: row.owner_id,
            append_query: row.append_query,
            redirect: word(&row.redirect, Redirect::parse)?,
            sticky: row.is_sticky,
            smart_order: row.is_smart_order,
            skip_converted: row.is_skip_converted,
            unique_window_hours: row.unique_window_hours,
            fallback_url: row.fallback_url,
            cost_model: row.cost_model.as_deref().map(|model| word(model, CostModel::parse)).transpose()?,
            cost_amount: row.cost_amount_micros.map(Money::from_micros),
            status: word(&row.status, EntityStatus::parse)?,
            is_test: row.is_test,
            tags: json(&row.tags)?,
            notes: row.notes,
            paths: Vec::new(),
            rules: Vec::new(),
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

/// The campaign's own row; its paths and rules are read and written beside it.
mod rows {
    use super::{
        AnyConnection, Campaign, EntityStatus, Fields, ListQuery, Listed, Result, Row, Saved, campaigns,
        contains, entity_store, fold_case,
    };
    use diesel::prelude::*;
    entity_store!(campaigns, Campaign, search: name, slug);
}

pub use rows::{lock, statuses};

fn with_ways(
    conn: &mut AnyConnection,
    mut campaigns: Vec<Saved<Campaign>>,
    broken: Broken,
) -> Result<Vec<Saved<Campaign>>> {
    let ids: Vec<i64> = campaigns.iter().map(|campaign| campaign.id).collect();
    let mut ways: HashMap<i64, Ways> = HashMap::new();
    // SQLite takes a bounded number of values in one statement.
    let mut old: HashMap<i64, Vec<String>> = HashMap::new();
    for some in ids.chunks(VALUES_MAX) {
        paths::of(conn, some, broken, &mut ways)?;
        aliases::of(conn, some, &mut old)?;
    }
    for campaign in &mut campaigns {
        campaign.value.aliases = old.remove(&campaign.id).unwrap_or_default();
        if let Some(own) = ways.remove(&campaign.id) {
            (campaign.value.paths, campaign.value.rules) = (own.paths, own.rules);
        }
    }
    Ok(campaigns)
}

/// A campaign by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Saved<Campaign>>> {
    let found = rows::find(conn, id)?;
    Ok(with_ways(conn, found.into_iter().collect(), Broken::Refused)?.pop())
}

/// A page of campaigns by name.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &ListQuery) -> Result<Listed<Saved<Campaign>>> {
    let listed = rows::list(conn, query)?;
    Ok(Listed { items: with_ways(conn, listed.items, Broken::Refused)?, total: listed.total })
}

/// All campaigns, archived ones too, by number.
///
/// # Errors
/// The database fails.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Saved<Campaign>>> {
    let campaigns = rows::all(conn)?;
    with_ways(conn, campaigns, Broken::Refused)
}

/// All campaigns as clicks are routed by them: what cannot be read is left out, so that it harms no other.
///
/// # Errors
/// The database fails.
pub fn routed(conn: &mut AnyConnection) -> Result<Vec<Saved<Campaign>>> {
    let campaigns = rows::routed(conn)?;
    with_ways(conn, campaigns, Broken::LeftOut)
}

/// A campaign's address, and where it falls back to.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Address {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its address's last part.
    pub slug: String,
    /// Its fallback; empty for none.
    pub fallback_url: String,
}

/// The addresses of all campaigns, archived ones too.
///
/// # Errors
/// The database fails.
pub fn addresses(conn: &mut AnyConnection) -> Result<Vec<Address>> {
    let columns = (campaigns::id, campaigns::name, campaigns::slug, campaigns::fallback_url);
    Ok(campaigns::table.order(campaigns::id).select(columns).load(conn)?)
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
    paths::write(conn, id, value)?;
    aliases::write(conn, id, &value.aliases)?;
    Ok(id)
}

/// Changes a campaign and its paths.
///
/// # Errors
/// [`Error::Taken`] where the slug is another campaign's.
pub fn update(conn: &mut AnyConnection, id: i64, value: &Campaign, now_ms: i64) -> Result<()> {
    rows::update(conn, id, value, now_ms)?;
    paths::write(conn, id, value)?;
    aliases::write(conn, id, &value.aliases)
}
