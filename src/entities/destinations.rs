//! Destinations: who is told of conversions.

use super::Error;
use super::editing::{Checks, Fields, Noun, door, stored_in};
use super::references::refusal;
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection};
use crate::domain::destination::{
    Destination, HEADERS_PLACE, OAUTH_PLACE, Told, sealed_headers, sealed_oauth,
};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::preset;
use crate::domain::source::SourceKind;
use crate::domain::vault::Vault;
use serde_json::Value;

impl Noun for Destination {
    stored_in!(destinations);

    fn blank(_account: Currency) -> Self {
        Self::default()
    }

    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()> {
        let before_of = |field: fn(&Self) -> Option<i64>| before.and_then(field).into_iter().collect();
        if let Some(id) = self.source_id {
            let statuses = db::sources::statuses(checks.conn, &[id])?;
            if let Some(why) = refusal("source", [id], &statuses, &before_of(|one| one.source_id)) {
                checks.push("source_id", why);
            }
            check_partner(self, id, checks)?;
        }
        if let Some(id) = self.campaign_id {
            let statuses = db::campaigns::statuses(checks.conn, &[id])?;
            if let Some(why) = refusal("campaign", [id], &statuses, &before_of(|one| one.campaign_id)) {
                checks.push("campaign_id", why);
            }
        }
        if let Some(id) = self.offer_id {
            let statuses = db::offers::statuses(checks.conn, &[id])?;
            if let Some(why) = refusal("offer", [id], &statuses, &before_of(|one| one.offer_id)) {
                checks.push("offer_id", why);
            }
        }
        Ok(())
    }

    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error> {
        Ok(db::destinations::insert(conn, self, now_ms)?)
    }

    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error> {
        Ok(db::destinations::update(conn, id, self, now_ms)?)
    }
}

door!(Destination);

/// A partner never learns what we earn.
fn check_partner(destination: &Destination, source_id: i64, checks: &mut Checks<'_>) -> db::Result<()> {
    let source = db::sources::find(checks.conn, source_id)?;
    if source.is_some_and(|saved| saved.value.kind == SourceKind::Partner) && destination.tells(Told::is_ours)
    {
        const WHY: &str = "{revenue}, {cost} and {profit} are ours alone: a partner is told {payout}";
        let is_in_url = destination.url_message().is_ok_and(|url| url.told().any(Told::is_ours));
        checks.push(if is_in_url { "url" } else { "body" }, WHY);
    }
    Ok(())
}

/// The fields of a new one with what its preset says, and the values that only the user has in their places: done before
/// [`sealed`]. What the fields say themselves wins.
///
/// # Errors
/// Each value that lacks, by its name.
pub fn filled(fields: Fields) -> Result<Fields, Error> {
    Ok(preset::destination_fields(fields)?)
}

/// The fields with the values of headers and the words of oauth sealed, so that nobody reads them again: done to what comes
/// from outside before a destination is created or changed. What is wrong with the headers takes their place, and is said with
/// what is wrong with the other fields.
///
/// # Errors
/// What is wrong with the words of oauth.
pub fn sealed(mut fields: Fields, vault: &Vault) -> Result<Fields, Error> {
    if let Some(headers) = fields.get_mut("headers") {
        let seal = |text: &str| vault.seal(HEADERS_PLACE, text, rand::random());
        *headers = sealed_headers(headers, seal).unwrap_or_else(Value::String);
    }
    if let Some(oauth) = fields.get_mut("oauth") {
        *oauth = sealed_oauth(oauth, |text| vault.seal(OAUTH_PLACE, text, rand::random()))?;
    }
    Ok(fields)
}
