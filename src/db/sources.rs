//! Sources.

use super::entity::entity_store;
use super::schema::sources;
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::lander::EntityStatus;
use crate::domain::money::{Currency, Money};
use crate::domain::source::{CostModel, CostUnit, Source, SourceKind};
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sources)]
struct Row {
    id: i64,
    name: String,
    kind: String,
    preset: Option<String>,
    external_id_param: Option<String>,
    cost_param: Option<String>,
    cost_unit: String,
    cost_model: String,
    cost_amount_micros: Option<i64>,
    currency: String,
    tokens: String,
    status: String,
    created_at_ms: i64,
    updated_at_ms: i64,
    external_id_macro: Option<String>,
    cost_macro: Option<String>,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = sources, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    name: String,
    kind: &'static str,
    preset: Option<String>,
    external_id_param: Option<String>,
    cost_param: Option<String>,
    cost_unit: &'static str,
    cost_model: &'static str,
    cost_amount_micros: Option<i64>,
    currency: String,
    tokens: String,
    status: &'static str,
    updated_at_ms: i64,
    external_id_macro: Option<String>,
    cost_macro: Option<String>,
}

impl Fields {
    fn new(value: &Source, now_ms: i64) -> Result<Self> {
        Ok(Self {
            name: value.name.clone(),
            kind: value.kind.as_str(),
            preset: value.preset.clone(),
            external_id_param: value.external_id_param.clone(),
            cost_param: value.cost_param.clone(),
            cost_unit: value.cost_unit.as_str(),
            cost_model: value.cost_model.as_str(),
            cost_amount_micros: value.cost_amount.map(Money::micros),
            currency: value.currency.as_str().to_owned(),
            tokens: json_text(&value.tokens)?,
            status: value.status.as_str(),
            updated_at_ms: now_ms,
            external_id_macro: value.external_id_macro.clone(),
            cost_macro: value.cost_macro.clone(),
        })
    }
}

impl TryFrom<Row> for Saved<Source> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Source {
            name: row.name,
            kind: word(&row.kind, SourceKind::parse)?,
            preset: row.preset,
            external_id_param: row.external_id_param,
            external_id_macro: row.external_id_macro,
            cost_param: row.cost_param,
            cost_macro: row.cost_macro,
            cost_unit: word(&row.cost_unit, CostUnit::parse)?,
            cost_model: word(&row.cost_model, CostModel::parse)?,
            cost_amount: row.cost_amount_micros.map(Money::from_micros),
            currency: word(&row.currency, Currency::parse)?,
            tokens: json(&row.tokens)?,
            status: word(&row.status, EntityStatus::parse)?,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(sources, Source, search: name);

/// Keeps a new source under a random partner key and returns its number.
///
/// # Errors
/// The database fails, or a value that must be there once is another's.
pub fn insert(conn: &mut AnyConnection, value: &Source, partner_key: &str, now_ms: i64) -> Result<i64> {
    let row = (
        Fields::new(value, now_ms)?,
        sources::partner_key.eq(partner_key),
        sources::created_at_ms.eq(now_ms),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(sources::table)
        .values(row)
        .returning(sources::id)
        .get_result(c))?)
}

/// The partner key of each of some sources, by its number.
///
/// # Errors
/// The database fails.
pub fn keys_of(conn: &mut AnyConnection, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    let own = sources::table.filter(sources::id.eq_any(ids));
    Ok(own.select((sources::id, sources::partner_key)).load(conn)?)
}
