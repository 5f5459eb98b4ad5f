//! Destinations.

use super::entity::entity_store;
use super::schema::destinations;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::destination::{BodyKind, Destination, DestinationMethod, Fire};
use crate::domain::lander::EntityStatus;
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = destinations)]
struct Row {
    id: i64,
    name: String,
    source_id: Option<i64>,
    campaign_id: Option<i64>,
    offer_id: Option<i64>,
    replaces_global: bool,
    fire: String,
    success_match: Option<String>,
    preset: Option<String>,
    method: String,
    url: String,
    headers_sealed: Option<String>,
    body: Option<String>,
    events: String,
    statuses: String,
    delay_seconds: i64,
    status: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    body_kind: String,
    is_test: bool,
    oauth_sealed: Option<String>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = destinations, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    source_id: Option<i64>,
    campaign_id: Option<i64>,
    offer_id: Option<i64>,
    replaces_global: bool,
    fire: &'static str,
    success_match: Option<String>,
    preset: Option<String>,
    method: &'static str,
    url: String,
    headers_sealed: Option<String>,
    body: Option<String>,
    events: String,
    statuses: String,
    delay_seconds: i64,
    status: &'static str,
    updated_at_ms: i64,
    body_kind: &'static str,
    is_test: bool,
    oauth_sealed: Option<String>,
}

impl Fields {
    fn new(value: &Destination, now_ms: i64) -> Result<Self> {
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let headers = if value.headers.0.is_empty() { None } else { Some(json_text(&value.headers)?) };
        Ok(Self {
            name: value.name.clone(),
            source_id: value.source_id,
            campaign_id: value.campaign_id,
            offer_id: value.offer_id,
            replaces_global: value.replaces_global,
            fire: value.fire.as_str(),
            success_match: some(&value.success_match),
            preset: value.preset.clone(),
            method: value.method.as_str(),
            url: value.url.clone(),
            headers_sealed: headers,
            body: some(&value.body),
            events: json_text(&value.events)?,
            statuses: json_text(&value.statuses)?,
            delay_seconds: value.delay_seconds,
            status: value.status.as_str(),
            updated_at_ms: now_ms,
            body_kind: value.body_kind.as_str(),
            is_test: value.is_test,
            oauth_sealed: value.oauth.as_ref().map(json_text).transpose()?,
        })
    }
}

impl TryFrom<Row> for Saved<Destination> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Destination {
            name: row.name,
            source_id: row.source_id,
            campaign_id: row.campaign_id,
            offer_id: row.offer_id,
            replaces_global: row.replaces_global,
            fire: word(&row.fire, Fire::parse)?,
            events: json(&row.events)?,
            statuses: json(&row.statuses)?,
            method: word(&row.method, DestinationMethod::parse)?,
            url: row.url,
            headers: row.headers_sealed.as_deref().map_or_else(|| Ok(Default::default()), json)?,
            oauth: row.oauth_sealed.as_deref().map(json).transpose()?,
            body_kind: word(&row.body_kind, BodyKind::parse)?,
            body: row.body.unwrap_or_default(),
            success_match: row.success_match.unwrap_or_default(),
            delay_seconds: row.delay_seconds,
            is_test: row.is_test,
            preset: row.preset,
            status: word(&row.status, EntityStatus::parse)?,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(destinations, Destination, search: name, url);

/// Keeps a new destination and returns its number.
///
/// # Errors
/// The database fails, or there is no source, campaign or offer of a number it names.
pub fn insert(conn: &mut AnyConnection, value: &Destination, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, destinations::created_at_ms.eq(now_ms));
    Ok(on_each!(conn, |c| diesel::insert_into(destinations::table)
        .values(row)
        .returning(destinations::id)
        .get_result(c))?)
}
