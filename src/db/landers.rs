//! Landers.

use super::entity::entity_store;
use super::schema::landers;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::lander::{EntityStatus, Lander};
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = landers)]
struct Row {
    id: i64,
    name: String,
    url: String,
    offer_links: i64,
    status: String,
    tags: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = landers, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    url: String,
    offer_links: i64,
    status: &'static str,
    tags: String,
    updated_at_ms: i64,
}

impl Fields {
    fn new(value: &Lander, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            url: value.url.clone(),
            offer_links: value.offer_links,
            status: value.status.as_str(),
            tags: json_text(&value.tags)?,
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<Lander> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Lander {
            name: row.name,
            url: row.url,
            offer_links: row.offer_links,
            status: word(&row.status, EntityStatus::parse)?,
            tags: json(&row.tags)?,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(landers, Lander, search: name, url);

/// Keeps a new lander and returns its number.
///
/// # Errors
/// The database fails, or a value that must be there once is another's.
pub fn insert(conn: &mut AnyConnection, value: &Lander, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, landers::created_at_ms.eq(now_ms));
    Ok(on_each!(conn, |c| diesel::insert_into(landers::table)
        .values(row)
        .returning(landers::id)
        .get_result(c))?)
}
