//! API tokens: shown once, kept as a hash, found by it.

use super::{Error, sessions::TOUCH_AFTER_MS};
use crate::db::users::{self, ApiToken, User};
use crate::db::{self, Db, Priority};
use crate::domain::input::{self, FieldErrors};
use crate::domain::role::TokenScope;
use crate::entities::random;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// What each token begins with, so that a leaked one is known for what it is.
const PREFIX: &str = "clk_";

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

/// The token and the user behind it, noted as used.
///
/// # Errors
/// The database fails.
pub fn find(db: &Db, token: &str, now_ms: i64) -> db::Result<Option<(ApiToken, User)>> {
    if !token.starts_with(PREFIX) {
        return Ok(None);
    }
    let found = db.read(|conn| users::find_token(conn, &hash_of(token)))?;
    if let Some((token, _)) = &found
        && token.last_used_at_ms.is_none_or(|used| now_ms.saturating_sub(used) > TOUCH_AFTER_MS)
    {
        let touched = db.write(Priority::Pages, |conn| users::touch_token(conn, token.id, now_ms));
        // Figures can be read while nothing can be written.
        if let Err(error) = touched {
            tracing::warn!(%error, "a token's last use could not be noted");
        }
    }
    Ok(found)
}

/// A user's tokens, newest first.
///
/// # Errors
/// The database fails.
pub fn list(db: &Db, user_id: i64) -> db::Result<Vec<ApiToken>> {
    db.read(|conn| users::list_tokens(conn, user_id))
}

/// Revokes a user's own token.
///
/// # Errors
/// There is none of that number; the database fails.
pub fn revoke(db: &Db, user_id: i64, id: i64, now_ms: i64) -> Result<(), Error> {
    let was_there = db.write(Priority::Pages, |conn| users::revoke_token(conn, user_id, id, now_ms))?;
    if was_there { Ok(()) } else { Err(Error::NotFound) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{TestApp, database};

    #[test]
    fn a_token_is_found_until_it_is_revoked() {
        let (db, _folder) = database();
        let user = TestApp::admin(&db);
        let (id, token) = create(&db, user, "my script", TokenScope::Read, 1).unwrap();
        assert!(token.starts_with("clk_") && token.len() == 47, "{token}");
        let (found, owner) = find(&db, &token, 2).unwrap().unwrap();
        assert_eq!((found.id, owner.id, found.scope), (id, user, TokenScope::Read));
        assert_eq!(list(&db, user).unwrap().first().unwrap().last_used_at_ms, Some(2));
        assert!(find(&db, &token.to_uppercase(), 3).unwrap().is_none());
        assert!(revoke(&db, user + 1, id, 3).is_err(), "another's token is not his to revoke");
        revoke(&db, user, id, 3).unwrap();
        assert!(find(&db, &token, 4).unwrap().is_none());
        assert!(create(&db, user, " ", TokenScope::Read, 1).is_err());
    }
}
