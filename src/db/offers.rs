//! Offers.

use super::entity::entity_store;
use super::schema::offers;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::lander::EntityStatus;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::{AtCap, Offer, RevenueMode};
use diesel::prelude::*;
use std::collections::HashMap;

#[derive(Queryable, Selectable)]
#[diesel(table_name = offers)]
struct Row {
    id: i64,
    name: String,
    advertiser_id: i64,
    url: String,
    currency: String,
    revenue_micros: Option<i64>,
    revenue_percent_millionths: Option<i64>,
    revenue_mode: String,
    events: String,
    preview_url: String,
    countries: String,
    caps: String,
    at_cap: String,
    active_from_ms: Option<i64>,
    active_until_ms: Option<i64>,
    status: String,
    tags: String,
    notes: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = offers, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    advertiser_id: i64,
    url: String,
    currency: String,
    revenue_micros: Option<i64>,
    revenue_percent_millionths: Option<i64>,
    revenue_mode: &'static str,
    events: String,
    preview_url: String,
    countries: String,
    caps: String,
    at_cap: String,
    active_from_ms: Option<i64>,
    active_until_ms: Option<i64>,
    status: &'static str,
    tags: String,
    notes: String,
    updated_at_ms: i64,
}

impl Fields {
    fn new(value: &Offer, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            // Checked before; a number that belongs to nobody is refused by the foreign key.
            advertiser_id: value.advertiser_id.unwrap_or(0),
            url: value.url.clone(),
            currency: value.currency.as_str().to_owned(),
            revenue_micros: value.revenue.map(Money::micros),
            revenue_percent_millionths: value.revenue_percent_millionths,
            revenue_mode: value.revenue_mode.as_str(),
            events: json_text(&value.events)?,
            preview_url: value.preview_url.clone(),
            countries: json_text(&value.countries)?,
            caps: json_text(&value.caps)?,
            at_cap: json_text(&value.at_cap)?,
            active_from_ms: value.active_from_ms,
            active_until_ms: value.active_until_ms,
            status: value.status.as_str(),
            tags: json_text(&value.tags)?,
            notes: value.notes.clone(),
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<Offer> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Offer {
            name: row.name,
            advertiser_id: Some(row.advertiser_id),
            url: row.url,
            currency: word(&row.currency, Currency::parse)?,
            revenue: row.revenue_micros.map(Money::from_micros),
            revenue_percent_millionths: row.revenue_percent_millionths,
            revenue_mode: word(&row.revenue_mode, RevenueMode::parse)?,
            events: json(&row.events)?,
            preview_url: row.preview_url,
            countries: json(&row.countries)?,
            caps: json(&row.caps)?,
            at_cap: json(&row.at_cap)?,
            active_from_ms: row.active_from_ms,
            active_until_ms: row.active_until_ms,
            status: word(&row.status, EntityStatus::parse)?,
            tags: json(&row.tags)?,
            notes: row.notes,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(offers, Offer, search: name, url);

/// Keeps a new offer and returns its number.
///
/// # Errors
/// The database fails, or a value that must be there once is another's.
pub fn insert(conn: &mut AnyConnection, value: &Offer, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, offers::created_at_ms.eq(now_ms));
    Ok(on_each!(conn, |c| diesel::insert_into(offers::table)
        .values(row)
        .returning(offers::id)
        .get_result(c))?)
}

/// The offers of an advertiser that were not put away.
///
/// # Errors
/// The database fails.
pub fn of_advertiser(conn: &mut AnyConnection, advertiser_id: i64) -> Result<Vec<Saved<Offer>>> {
    let rows: Vec<Row> = offers::table
        .filter(offers::advertiser_id.eq(advertiser_id))
        .filter(offers::status.ne(EntityStatus::Archived.as_str()))
        .order(offers::id)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Which offer each offer hands its visitors to at its cap, where it hands them to one.
///
/// # Errors
/// The database fails.
pub fn handed_on(conn: &mut AnyConnection) -> Result<HashMap<i64, i64>> {
    let named = offers::table.filter(offers::at_cap.like("%offer_id%"));
    let rows: Vec<(i64, String)> = named.select((offers::id, offers::at_cap)).load(conn)?;
    let mut handed_on = HashMap::new();
    for (id, text) in rows {
        if let AtCap::Offer { offer_id } = json(&text)? {
            handed_on.insert(id, offer_id);
        }
    }
    Ok(handed_on)
}
