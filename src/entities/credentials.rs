//! New keys and secrets for advertisers' postbacks. The old one goes on working for a while, so that nothing is lost while the new
//! one is on its way into the sender's panel.

use super::{Error, Fields, random};
use crate::db::credentials::{self, Credentials, PREVIOUS_SECRET, Previous, SECRET, secret_place};
use crate::db::{self, AnyConnection, Db, Priority};
use crate::domain::input::{self, FieldErrors};
use crate::domain::vault::Vault;
use std::collections::HashMap;

/// How long what is replaced goes on working where nobody says: a day, for a change on the other side.
pub const OVERLAP_HOURS: i64 = 24;

/// The longest overlap: a month. What must go on longer was not meant to be replaced.
pub const OVERLAP_HOURS_MAX: i64 = 30 * 24;

const HOUR_MS: i64 = 3_600_000;

/// Reads for how long what is replaced goes on working, in milliseconds.
fn overlap_ms(fields: &Fields) -> Result<i64, Error> {
    let mut errors = FieldErrors::default();
    let mut hours = OVERLAP_HOURS;
    for (name, value) in fields {
        if name != "overlap_hours" {
            errors.push(name, "There is no such field");
            continue;
        }
        match input::int(value, 0, OVERLAP_HOURS_MAX) {
            Ok(given) => hours = given,
            Err(message) => errors.push(name, message),
        }
    }
    errors.into_result()?;
    Ok(hours.saturating_mul(HOUR_MS))
}

/// What is replaced, where it goes on working.
fn replaced(value: String, overlap_ms: i64, now_ms: i64) -> Option<Previous> {
    (overlap_ms > 0).then(|| Previous { value, until_ms: now_ms.saturating_add(overlap_ms) })
}

/// An advertiser's credentials, held until the transaction ends.
fn held(conn: &mut AnyConnection, id: i64) -> Result<Credentials, Error> {
    db::advertisers::lock(conn, id)?;
    credentials::of(conn, &[id])?.remove(&id).ok_or(Error::NotFound)
}

/// What the postbacks of some advertisers are known by, by the advertiser's number.
///
/// # Errors
/// The database fails.
pub fn of(db: &Db, ids: &[i64]) -> Result<HashMap<i64, Credentials>, Error> {
    db.read(|conn| Ok(credentials::of(conn, ids)?))
}

/// Gives an advertiser a new postback key. The present one works for `overlap_hours` more (a day where they are not said,
/// 0 for not at all); one before that ends at once.
///
/// # Errors
/// A field that must be mended; there is no such advertiser; the database fails.
pub fn rotate_key(db: &Db, id: i64, fields: &Fields, now_ms: i64) -> Result<(), Error> {
    let overlap_ms = overlap_ms(fields)?;
    db.write(Priority::Pages, |conn| {
        let own = held(conn, id)?;
        let previous = replaced(own.key, overlap_ms, now_ms);
        Ok(credentials::put_key(conn, id, &random::key(), previous.as_ref(), now_ms)?)
    })
}

/// Gives an advertiser a new secret to sign with and returns it: it is kept sealed and shown this once. The present one works
/// for `overlap_hours` more, as with keys.
///
/// # Errors
/// As [`rotate_key`].
pub fn rotate_secret(db: &Db, vault: &Vault, id: i64, fields: &Fields, now_ms: i64) -> Result<String, Error> {
    let overlap_ms = overlap_ms(fields)?;
    let secret = random::secret();
    let seal = |column, secret: &str| vault.seal(secret_place(id, column), secret, rand::random());
    db.write(Priority::Pages, |conn| {
        let own = held(conn, id)?;
        let open = |sealed: String| vault.open(secret_place(id, SECRET), &sealed);
        let previous = own.secret_sealed.and_then(open).map(|present| seal(PREVIOUS_SECRET, &present));
        let previous = previous.and_then(|sealed| replaced(sealed, overlap_ms, now_ms));
        credentials::put_secret(conn, id, &seal(SECRET, &secret), previous.as_ref(), now_ms)?;
        Ok(secret.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_overlap_is_a_number_of_hours_and_nothing_else() {
        let read = |fields: serde_json::Value| overlap_ms(&serde_json::from_value(fields).unwrap());
        assert_eq!(read(json!({})).unwrap(), 24 * HOUR_MS);
        assert_eq!(read(json!({"overlap_hours": "2"})).unwrap(), 2 * HOUR_MS);
        assert_eq!(read(json!({"overlap_hours": 0})).unwrap(), 0);
        let refused = read(json!({"overlap_hours": 721, "hours": 1})).unwrap_err().to_string();
        assert!(refused.contains("from 0 to 720") && refused.contains("hours: There is no"), "{refused}");
    }
}
