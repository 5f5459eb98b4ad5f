//! `/sources`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
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
    external_id_param: Option<String>,
    cost_param: Option<String>,
    cost_unit: CostUnit,
    cost_model: CostModel,
    cost_amount: Option<String>,
    currency: Currency,
    tokens: Vec<Token>,
    status: EntityStatus,
    created_at: String,
    updated_at: String,
}

fn bodies(app: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let ids: Vec<i64> = saved.iter().map(|one| one.id).collect();
    let mut keys = entities::sources::partner_keys(&app.db, &ids)?;
    let body = |one: Saved<Noun>| Body {
        id: one.id,
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
