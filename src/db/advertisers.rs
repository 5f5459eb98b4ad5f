//! Advertisers and their postback keys.

mod old_keys;

pub use old_keys::owners as old_key_owners;

use super::entity::entity_store;
use super::schema::advertisers;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::advertiser::{
    Advertiser, AdvertiserKind, Answers, DuplicateMode, HmacMode, MissingStatus,
};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = advertisers)]
struct Row {
    id: i64,
    name: String,
    kind: String,
    currency: String,
    param_map: String,
    status_map: String,
    event_map: String,
    missing_status: String,
    reopen_rejected: Option<bool>,
    window_days: i64,
    duplicate_mode: String,
    duplicate_modes: String,
    hmac_mode: String,
    allow_addresses: String,
    answers: String,
    reply_body: Option<String>,
    is_pixel_on: bool,
    forward_unknown_to: Option<String>,
    preset: Option<String>,
    status: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = advertisers, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    kind: &'static str,
    currency: String,
    param_map: String,
    status_map: String,
    event_map: String,
    missing_status: &'static str,
    reopen_rejected: Option<bool>,
    window_days: i64,
    duplicate_mode: &'static str,
    duplicate_modes: String,
    hmac_mode: &'static str,
    allow_addresses: String,
    answers: &'static str,
    reply_body: Option<String>,
    is_pixel_on: bool,
    forward_unknown_to: Option<String>,
    preset: Option<String>,
    status: &'static str,
    updated_at_ms: i64,
}

impl Fields {
    fn new(value: &Advertiser, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            kind: value.kind.as_str(),
            currency: value.currency.as_str().to_owned(),
            param_map: json_text(&value.param_map)?,
            status_map: json_text(&value.status_map)?,
            event_map: json_text(&value.event_map)?,
            missing_status: value.missing_status.as_str(),
            reopen_rejected: value.reopen_rejected,
            window_days: value.window_days,
            duplicate_mode: value.duplicate_mode.as_str(),
            duplicate_modes: json_text(&value.duplicate_modes)?,
            hmac_mode: value.hmac_mode.as_str(),
            allow_addresses: json_text(&value.allow_addresses)?,
            answers: value.answers.as_str(),
            reply_body: Some(value.reply_body.clone()).filter(|text| !text.is_empty()),
            is_pixel_on: value.is_pixel_on,
            forward_unknown_to: Some(value.forward_unknown_to.clone()).filter(|url| !url.is_empty()),
            preset: value.preset.clone(),
            status: value.status.as_str(),
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<Advertiser> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Advertiser {
            name: row.name,
            kind: word(&row.kind, AdvertiserKind::parse)?,
            currency: word(&row.currency, Currency::parse)?,
            param_map: json(&row.param_map)?,
            status_map: json(&row.status_map)?,
            event_map: json(&row.event_map)?,
            missing_status: word(&row.missing_status, MissingStatus::parse)?,
            reopen_rejected: row.reopen_rejected,
            window_days: row.window_days,
            duplicate_mode: word(&row.duplicate_mode, DuplicateMode::parse)?,
            duplicate_modes: json(&row.duplicate_modes)?,
            hmac_mode: word(&row.hmac_mode, HmacMode::parse)?,
            allow_addresses: json(&row.allow_addresses)?,
            answers: word(&row.answers, Answers::parse)?,
            reply_body: row.reply_body.unwrap_or_default(),
            is_pixel_on: row.is_pixel_on,
            old_keys: Vec::new(),
            forward_unknown_to: row.forward_unknown_to.unwrap_or_default(),
            preset: row.preset,
            status: word(&row.status, EntityStatus::parse)?,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

/// The advertiser's own row; its old keys are read and written beside it.
mod rows {
    use super::{
        Advertiser, AnyConnection, EntityStatus, Fields, ListQuery, Listed, Result, Row, Saved, advertisers,
        contains, entity_store, fold_case,
    };
    use diesel::prelude::*;
    entity_store!(advertisers, Advertiser, search: name);
}

pub use rows::{lock, statuses};

/// An advertiser by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Saved<Advertiser>>> {
    let found = rows::find(conn, id)?;
    Ok(old_keys::with(conn, found.into_iter().collect())?.pop())
}

/// A page of advertisers by name.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &ListQuery) -> Result<Listed<Saved<Advertiser>>> {
    let listed = rows::list(conn, query)?;
    Ok(Listed { items: old_keys::with(conn, listed.items)?, total: listed.total })
}

/// All advertisers, archived ones too, by number.
///
/// # Errors
/// The database fails.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Saved<Advertiser>>> {
    let saved = rows::all(conn)?;
    old_keys::with(conn, saved)
}

/// All advertisers as their postbacks are read by them: what cannot be read is left out, so that it harms no other.
///
/// # Errors
/// The database fails.
pub fn routed(conn: &mut AnyConnection) -> Result<Vec<Saved<Advertiser>>> {
    let saved = rows::routed(conn)?;
    old_keys::with(conn, saved)
}

/// Changes an advertiser and its old keys.
///
/// # Errors
/// The database fails, or a value that must be there once is another's.
pub fn update(conn: &mut AnyConnection, id: i64, value: &Advertiser, now_ms: i64) -> Result<()> {
    rows::update(conn, id, value, now_ms)?;
    old_keys::write(conn, id, &value.old_keys)
}

/// Keeps a new advertiser under a random postback key and returns its number.
///
/// # Errors
/// The database fails, or a value that must be there once is another's.
pub fn insert(conn: &mut AnyConnection, value: &Advertiser, postback_key: &str, now_ms: i64) -> Result<i64> {
    let row = (
        Fields::new(value, now_ms)?,
        advertisers::postback_key.eq(postback_key),
        advertisers::created_at_ms.eq(now_ms),
    );
    let id = on_each!(conn, |c| diesel::insert_into(advertisers::table)
        .values(row)
        .returning(advertisers::id)
        .get_result(c))?;
    old_keys::write(conn, id, &value.old_keys)?;
    Ok(id)
}
