//! Users' own accounts: made, and given another password.

use super::passwords::{check, hash_now};
use super::{App, Error, SignedIn, now_ms, reading};
use crate::db::{self, AnyConnection, Db, Priority, settings, users};
use crate::domain::input::FieldErrors;
use crate::domain::role::Role;
use actix_web::web;

/// The longest e-mail address that mail servers carry.
const EMAIL_CHARS_MAX: usize = 254;

/// Reads an e-mail address: one `@` with something on both sides. More is for a mail server to judge.
pub(super) fn read_email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (name, host) = email.split_once('@')?;
    let is_clean = email.chars().count() <= EMAIL_CHARS_MAX
        && !email.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | ','));
    let is_host = !host.is_empty() && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.');
    (is_clean && is_host && !name.is_empty()).then_some(email)
}

/// Checks a new user's e-mail and password and gives the e-mail in its one form.
pub(super) fn read_credentials(email: &str, password: &str, errors: &mut FieldErrors) -> String {
    let read = read_email(email);
    if read.is_none() {
        errors.push("email", "Write an e-mail address, like name@example.com");
    }
    let email = read.unwrap_or_default();
    check(password, &email, errors);
    email
}

/// Keeps a new user. An admin, however made, ends the one-time setup link.
pub(super) fn insert_user(
    conn: &mut AnyConnection,
    email: &str,
    password_hash: &str,
    role: Role,
    now_ms: i64,
) -> Result<i64, Error> {
    let id = users::insert(conn, email, password_hash, role, now_ms).map_err(|error| match error {
        db::Error::Taken(_) => Error::Conflict(FieldErrors::one("email", "There is a user of this address")),
        other => other.into(),
    })?;
    if role == Role::Admin {
        settings::remove(conn, settings::SETUP_TOKEN_HASH)?;
    }
    Ok(id)
}

/// Makes a user. Blocks: hashes the password and writes.
///
/// # Errors
/// The e-mail or the password must be mended; there is such a user; the database fails.
pub fn create_user(db: &Db, email: &str, password: &str, role: Role, now_ms: i64) -> Result<i64, Error> {
    let mut errors = FieldErrors::default();
    let email = read_credentials(email, password, &mut errors);
    errors.into_result()?;
    let hash = hash_now(password)?;
    db.write(Priority::Pages, |conn| insert_user(conn, &email, &hash, role, now_ms))
}

/// Gives a user another password and ends all its sessions. Blocks: hashes the password and writes.
///
/// # Errors
/// The password must be mended; there is no such user; the database fails.
pub fn reset_password(db: &Db, email: &str, password: &str, now_ms: i64) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    let email = read_credentials(email, password, &mut errors);
    errors.into_result()?;
    let hash = hash_now(password)?;
    db.write(Priority::Pages, |conn| {
        let user = users::find_by_email(conn, &email)?
            .ok_or_else(|| FieldErrors::one("email", "There is no user of this address"))?;
        Ok(users::set_password(conn, user.id, &hash, None, now_ms)?)
    })
}

/// Changes the signed-in user's own password, and ends its other sessions.
///
/// # Errors
/// The old password is not right; the new one must be mended; too many attempts; the database fails.
pub async fn change_password(
    app: &web::Data<App>,
    who: &SignedIn,
    request: &actix_web::HttpRequest,
    old: &str,
    new: &str,
) -> Result<(), Error> {
    let mut errors = FieldErrors::default();
    check(new, &who.user.email, &mut errors);
    errors.into_result()?;
    // Whoever sits at a browser left open must not guess faster here than at the sign-in.
    let address = app.client_address(request);
    let wait = |retry_after_seconds| Error::TooManyAttempts { retry_after_seconds };
    app.throttle.begin(&who.user.email, address, now_ms()).map_err(wait)?;
    let is_right = app.passwords.is_right(old, Some(who.user.password_hash.clone())).await;
    match is_right {
        Ok(true) => app.throttle.succeed(&who.user.email, address),
        Ok(false) => return Err(FieldErrors::one("old_password", "This is not your password").into()),
        Err(error) => {
            app.throttle.take_back(&who.user.email, address);
            return Err(error);
        }
    }
    let hash = app.passwords.hash(new).await?;
    let (user_id, session_id) = (who.user.id, who.session_id);
    reading(app, move |app| {
        app.db.write(Priority::Pages, |conn| {
            users::set_password(conn, user_id, &hash, Some(session_id), now_ms())
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_host() {
        assert_eq!(read_email(" Maria@Example.COM ").as_deref(), Some("maria@example.com"));
        for bad in ["", "maria", "@example.com", "maria@", "a b@c.d", "a@b@c", "a@.b", "a\0@b.c", "<a@b.c>"] {
            assert_eq!(read_email(bad), None, "{bad:?}");
        }
        assert_eq!(read_email(&format!("{}@b.c", "a".repeat(300))), None);
    }
}
