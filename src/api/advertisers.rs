//! `/advertisers`

mod console;
mod credentials;

use super::Answer;
use super::list::{Page, list_query};
use super::resource::{self, resource};
use super::words::instant;
use crate::db::search::Saved;
use crate::domain::advertiser::{
    Advertiser as Noun, AdvertiserKind, Answers, DuplicateMode, EventMeaning, HmacMode, MissingStatus,
};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::status::Status;
use crate::entities;
use crate::http::{App, Error, Reader, Writer, changing, json_fields, now_ms, reading};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use ipnet::IpNet;
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) use console::configure as configure_console;
pub(super) use credentials::configure as configure_credentials;

resource!(advertisers);

#[derive(Serialize)]
struct Body {
    id: i64,
    name: String,
    kind: AdvertiserKind,
    preset: Option<String>,
    currency: Currency,
    status: EntityStatus,
    postback_key: String,
    postback_url: String,
    previous_key: Option<String>,
    previous_key_until: Option<String>,
    has_hmac_secret: bool,
    previous_secret_until: Option<String>,
    template: String,
    param_map: BTreeMap<String, String>,
    status_map: BTreeMap<String, Status>,
    event_map: BTreeMap<String, EventMeaning>,
    missing_status: MissingStatus,
    reopen_rejected: bool,
    window_days: i64,
    duplicate_mode: DuplicateMode,
    duplicate_modes: BTreeMap<String, DuplicateMode>,
    hmac_mode: HmacMode,
    allow_addresses: Vec<IpNet>,
    answers: Answers,
    reply_body: String,
    pixel: bool,
    test_click_id: Option<String>,
    old_keys: Vec<String>,
    forward_unknown_to: String,
    created_at: String,
    updated_at: String,
}

fn bodies(app: &App, public_url: &str, saved: Vec<Saved<Noun>>) -> Result<Vec<Body>, entities::Error> {
    let ids: Vec<i64> = saved.iter().map(|one| one.id).collect();
    let mut credentials = entities::credentials::of(&app.db, &ids)?;
    let now_ms = now_ms();
    let body = |one: Saved<Noun>| {
        let own = credentials.remove(&one.id)?;
        let previous_key = own.live_previous_key(now_ms).cloned();
        let previous_secret = own.live_previous_secret(now_ms);
        let previous_secret_until = previous_secret.map(|previous| instant(previous.until_ms));
        let reopen_rejected = one.value.may_reopen_rejected();
        let value = one.value;
        let template = entities::postback_template(public_url, &own.key, value.preset.as_deref());
        Some(Body {
            id: one.id,
            name: value.name,
            kind: value.kind,
            preset: value.preset,
            currency: value.currency,
            status: value.status,
            postback_url: entities::postback_url(public_url, &own.key),
            template,
            postback_key: own.key,
            previous_key_until: previous_key.as_ref().map(|previous| instant(previous.until_ms)),
            previous_key: previous_key.map(|previous| previous.value),
            has_hmac_secret: own.secret_sealed.is_some(),
            previous_secret_until,
            param_map: value.param_map,
            status_map: value.status_map,
            event_map: value.event_map,
            missing_status: value.missing_status,
            reopen_rejected,
            window_days: value.window_days,
            duplicate_mode: value.duplicate_mode,
            duplicate_modes: value.duplicate_modes,
            hmac_mode: value.hmac_mode,
            allow_addresses: value.allow_addresses,
            answers: value.answers,
            reply_body: value.reply_body,
            pixel: value.is_pixel_on,
            test_click_id: own.test_click_id.map(|id| id.to_string()),
            old_keys: value.old_keys,
            forward_unknown_to: value.forward_unknown_to,
            created_at: instant(one.created_at_ms),
            updated_at: instant(one.updated_at_ms),
        })
    };
    Ok(saved.into_iter().filter_map(body).collect())
}
