//! `/domains`: for admins alone.

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::host::{Domain as Noun, HostKind};
use crate::domain::lander::EntityStatus;
use crate::entities;
use crate::http::{AdminReader as Reader, AdminWriter as Writer};
use crate::http::{App, Error, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

resource!(domains);

#[derive(Serialize)]
struct Body {
    id: i64,
    host: String,
    kind: HostKind,
    fallback_url: String,
    status: EntityStatus,
    created_at: String,
    updated_at: String,
}

#[allow(clippy::unnecessary_wraps, reason = "every resource has the same form, and some read the database")]
fn bodies(_: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| Body {
        id: one.id,
        host: one.value.host,
        kind: one.value.kind,
        fallback_url: one.value.fallback_url,
        status: one.value.status,
        created_at: instant(one.created_at_ms),
        updated_at: instant(one.updated_at_ms),
    };
    Ok(saved.into_iter().map(body).collect())
}
