//! Advertisers, each with a postback key of its own.

use super::editing::{self, Checks, Noun, door, stored_in};
use super::random;
use super::{Error, Fields};
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection, Db};
use crate::domain::advertiser::Advertiser;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::preset;
use crate::domain::seen_word::WordKind;
use crate::domain::tracking_address::TrackingAddress;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

impl Noun for Advertiser {
    stored_in!(advertisers);

    fn blank(account: Currency) -> Self {
        Self::blank(account)
    }

    fn filled(fields: &Fields, _account: Currency) -> Option<Fields> {
        let (preset, facts) = preset::network(fields.get("preset")?.as_str()?.trim())?;
        let mut filled = facts.fields(preset);
        filled.extend(fields.clone());
        Some(filled)
    }

    fn check_references(&self, _before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        check_old_keys(self, checks)?;
        if let Some(why) = own_host(checks.conn, &self.forward_unknown_to)? {
            checks.push("forward_unknown_to", why);
        }
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        db::advertisers::insert(conn, self, &random::key(), now_ms).map_err(key_taken)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        db::advertisers::update(conn, id, self, now_ms).map_err(key_taken)
    }
}

door!(Advertiser);

/// An old key leads to one advertiser alone, and is not the one key of all.
fn check_old_keys(advertiser: &Advertiser, checks: &mut Checks<'_>) -> db::Result<()> {
    if advertiser.old_keys.is_empty() {
        return Ok(());
    }
    let (own, of_all) = (checks.id, db::settings::old_doors(checks.conn)?);
    if advertiser.old_keys.iter().any(|key| of_all.is_key(key)) {
        checks.push(
            "old_keys",
            "This is the key of all advertisers, under Settings, Moving in: it needs no place here",
        );
    }
    let owners = db::advertisers::old_key_owners(checks.conn, &advertiser.old_keys)?;
    if let Some((key, id, name)) = owners.into_iter().find(|(_, id, _)| Some(*id) != own) {
        let message = format!(
            "{key} is a key of the advertiser {id}, {name}: take it out there first, or leave it out here"
        );
        checks.push("old_keys", message);
    }
    Ok(())
}

/// Why an address of the tracker before cannot be one: it is ours.
pub(super) fn own_host(conn: &mut AnyConnection, url: &str) -> db::Result<Option<String>> {
    let Some((place, ..)) = TrackingAddress::parted(url) else { return Ok(None) };
    let is_own = db::own_hosts::load(conn)?.have(&place, None);
    let why = "This is a host of this tracker: postbacks would come back. Name the one that the tracker before still answers at";
    Ok(is_own.then(|| why.to_owned()))
}

/// Somebody else took an old key in the same moment.
fn key_taken(error: db::Error) -> Error {
    match error {
        db::Error::Taken(what) if what.contains("old_postback_keys") => Error::Conflict {
            field: "old_keys",
            message: "Another advertiser has just taken one of these keys: save again to see which"
                .to_owned(),
        },
        other => Error::Db(other),
    }
}

/// Gives a word of an advertiser's a meaning, beside those that its maps hold.
///
/// # Errors
/// The meaning cannot be one, or the map is full; there is no such advertiser; the database fails.
pub fn map_word(
    db: &Db,
    id: i64,
    (kind, word): (WordKind, &str),
    ours: Value,
    now_ms: i64,
) -> Result<Saved<Advertiser>, Error> {
    editing::update_with(db, id, now_ms, |before: &Advertiser| {
        let (field, known) = match kind {
            WordKind::Status => ("status_map", json!(before.status_map)),
            WordKind::Event => ("event_map", json!(before.event_map)),
        };
        let mut map = match known {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        map.insert(word.to_owned(), ours);
        Fields::from([(field.to_owned(), Value::Object(map))])
    })
}

/// The postback key of each of some advertisers, by its number.
///
/// # Errors
/// The database fails.
pub fn postback_keys(db: &Db, ids: &[i64]) -> Result<HashMap<i64, String>, Error> {
    let known = super::credentials::of(db, ids)?;
    Ok(known.into_iter().map(|(id, own)| (id, own.key)).collect())
}
