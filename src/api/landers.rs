//! `/landers`

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::lander::{EntityStatus, Lander as Noun};
use crate::entities;
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

resource!(landers);

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    url: String,
    offer_links: i64,
    status: EntityStatus,
    tags: Vec<String>,
    created_at: String,
    updated_at: String,
}

#[allow(clippy::unnecessary_wraps, reason = "every resource has the same form, and some read the database")]
fn bodies(_: &App, _: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let body = |one: Saved<Noun>| Body {
        id: one.id,
        name: one.value.name,
        url: one.value.url,
        offer_links: one.value.offer_links,
        status: one.value.status,
        tags: one.value.tags,
        created_at: instant(one.created_at_ms),
        updated_at: instant(one.updated_at_ms),
    };
    Ok(saved.into_iter().map(body).collect())
}
