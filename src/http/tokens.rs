//! API tokens: shown once, kept as a hash, found by it.

use super::last_uses::Used;
use super::owners::{Memory, Owner};
use super::sessions::TOUCH_AFTER_MS;
use super::{App, Error, now_ms, reading};
use crate::db::users::{self, ApiToken};
use crate::db::{self, Db, Priority};
use crate::domain::input::{self, FieldErrors};
use crate::domain::role::TokenScope;
use crate::entities::random;
use actix_web::web;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};

/// What each token begins with, so that a leaked one is known for what it is.
const PREFIX: &str = "clk_";

/// How long a request whose token was good before waits for the database's word.
const KNOWN_WAIT: Duration = Duration::from_secs(1);

/// How long one waits whose token nobody remembers: a little longer than for a connection.
const UNKNOWN_WAIT: Duration = Duration::from_secs(4);

/// A secret as the database keeps it. Its 256 random bits need no salt and no slow hash.
pub(super) fn hash_of(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Makes a token for a user and returns its number and the token itself, which is shown this once.
///
/// # Errors
/// The name must be mended; the database fails.
pub fn create(
    db: &Db,
    user_id: i64,
    name: &str,
    scope: TokenScope,
    now_ms: i64,
) -> Result<(i64, String), Error> {
    let name = input::name(&Value::from(name)).map_err(|message| FieldErrors::one("name", message))?;
    let token = format!("{PREFIX}{}", random::token());
    let id = db.write(Priority::Pages, |conn| {
        users::insert_token(conn, &hash_of(&token), user_id, &name, scope, now_ms)
    })?;
    Ok((id, token))
}

/// The token and the user behind it, noted as used behind the request.
fn find(app: &App, hash: [u8; 32], now_ms: i64) -> db::Result<Option<Owner>> {
    let asked = Instant::now();
    let found = app.db.read(|conn| users::find_token(conn, &hash))?;
    app.owners.learn(hash, found.as_ref(), asked);
    if let Some((token, _)) = &found
        && token.last_used_at_ms.is_none_or(|used| now_ms.saturating_sub(used) > TOUCH_AFTER_MS)
    {
        app.last_uses.note(&app.db, Used::Token(token.id), now_ms);
    }
    Ok(found)
}

/// The token that a request brings and the user behind it: as remembered, else as the database says. A request that only
/// looks is served by what was known before where the database does not answer soon.
///
/// # Errors
/// The token is none of ours, or was revoked; the database does not answer, and nothing is known of it.
pub(super) async fn owner(app: &web::Data<App>, token: &str, is_look: bool) -> Result<Owner, Error> {
    if !token.starts_with(PREFIX) {
        return Err(Error::BadToken);
    }
    let hash = hash_of(token);
    let known = match app.owners.recall(&hash, Instant::now()) {
        Memory::Fresh(owner) => return Ok(*owner),
        Memory::Asked(owner) if is_look => return Ok(*owner),
        Memory::Stale(owner) if is_look => Some(owner),
        Memory::Asked(_) | Memory::Stale(_) | Memory::Unknown => None,
    };
    let asking = reading(app, move |app| find(app, hash, now_ms()));
    let wait = if known.is_some() { KNOWN_WAIT } else { UNKNOWN_WAIT };
    let slow = || Error::Unavailable("the database does not say whose token it is".to_owned());
    let answer = match tokio::time::timeout(wait, asking).await {
        Ok(Ok(found)) => return found.ok_or(Error::BadToken),
        Ok(Err(error)) => error,
        Err(_still_asking) => slow(),
    };
    known.map(|owner| *owner).ok_or(answer)
}

/// A user's tokens, newest first.
///
/// # Errors
/// The database fails.
pub fn list(db: &Db, user_id: i64) -> db::Result<Vec<ApiToken>> {
    db.read(|conn| users::list_tokens(conn, user_id))
}

/// Revokes a user's own token: at once on this node, within [`super::owners::FRESH`] on others.
///
/// # Errors
/// There is none of that number; the database fails.
pub fn revoke(app: &App, user_id: i64, id: i64, now_ms: i64) -> Result<(), Error> {
    let was_there = app.db.write(Priority::Pages, |conn| users::revoke_token(conn, user_id, id, now_ms))?;
    app.owners.forget();
    if was_there { Ok(()) } else { Err(Error::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::TestApp;

    #[actix_web::test]
    async fn a_token_is_found_until_it_is_revoked() {
        let test = TestApp::new();
        let (app, user) = (&test.app, test.admin_id);
        let (id, token) = create(&app.db, user, "my script", TokenScope::Read, 1).unwrap();
        assert!(token.starts_with("clk_") && token.len() == 47, "{token}");
        let (found, owned_by) = owner(app, &token, true).await.unwrap();
        assert_eq!((found.id, owned_by.id, found.scope), (id, user, TokenScope::Read));
        let used = || list(&app.db, user).unwrap().iter().find(|one| one.id == id).unwrap().last_used_at_ms;
        let begun = Instant::now();
        while used().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "its use was never noted");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(owner(app, &token.to_uppercase(), true).await.is_err());
        assert!(revoke(app, user + 1, id, 3).is_err(), "another's token is not his to revoke");
        revoke(app, user, id, 3).unwrap();
        assert!(owner(app, &token, true).await.is_err(), "at once");
        assert!(create(&app.db, user, " ", TokenScope::Read, 1).is_err());
    }
}
