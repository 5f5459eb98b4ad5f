//! `/sources`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::preset;
use crate::domain::source::{CostModel, CostUnit, Source as Noun, SourceKind, Token};
use crate::entities;
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

resource!(sources);

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    kind: SourceKind,
    partner_key: String,
    preset: Option<String>,
    external_id_param: Option<String>,
    /// The source's own macro for its click id, raw, as `campaign.url_with_macros` has it.
    external_id_macro: Option<String>,
    cost_param: Option<String>,
    /// The source's own macro for the cost.
    cost_macro: Option<String>,
    cost_unit: CostUnit,
    cost_model: CostModel,
    cost_amount: Option<String>,
    currency: Currency,
    /// `{slot, param, label, macro}`: the macro is the source's own, null where nobody said.
    tokens: Vec<Token>,
    /// What its preset says should be known, in sentences; why its cost is not counted, where it is not.
    notes: Vec<String>,
    status: EntityStatus,
    created_at: String,
    updated_at: String,
}

/// What somebody who uses this source should know.
fn notes(source: &Noun) -> Vec<String> {
    let Some((preset, facts)) = source.preset.as_deref().and_then(preset::source_preset) else {
        return Vec::new();
    };
    let cost = facts.cost_note(source.currency).filter(|_| source.cost_model == CostModel::None);
    [Some(preset.note.clone()), cost].into_iter().flatten().filter(|note| !note.is_empty()).collect()
}

fn bodies(app: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let ids: Vec<i64> = saved.iter().map(|one| one.id).collect();
    let mut keys = entities::sources::partner_keys(&app.db, &ids)?;
    let body = |one: Saved<Noun>| Body {
        id: one.id,
        notes: notes(&one.value),
        preset: one.value.preset,
        external_id_macro: one.value.external_id_macro,
        cost_macro: one.value.cost_macro,
        name: one.value.name,
        kind: one.value.kind,
        partner_key: keys.remove(&one.id).unwrap_or_default(),
        external_id_param: one.value.external_id_param,
        cost_param: one.value.cost_param,
        cost_unit: one.value.cost_unit,
        cost_model: one.value.cost_model,
        cost_amount: one.value.cost_amount.map(|money| money.to_string()),
        currency: one.value.currency,
        tokens: one.value.tokens,
        status: one.value.status,
        created_at: instant(one.created_at_ms),
        updated_at: instant(one.updated_at_ms),
    };
    Ok(saved.into_iter().map(body).collect())
}
