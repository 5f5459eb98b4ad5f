//! Signing in and out.

use super::{App, Error, accounts, now_ms, reading, sessions};
use crate::db::users::{self, User};
use crate::domain::input::FieldErrors;
use crate::domain::lander::EntityStatus;
use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, web};
use std::net::IpAddr;

/// Signs in by e-mail and password and returns the session's cookie.
///
/// # Errors
/// [`Error::Fields`] where the two do not fit, without saying which; [`Error::TooManyAttempts`]; the
/// database fails.
pub async fn sign_in(
    app: &web::Data<App>,
    request: &HttpRequest,
    email: &str,
    password: &str,
) -> Result<Cookie<'static>, Error> {
    let account = email.trim().to_lowercase();
    let address = app.client_address(request);
    let now_ms = now_ms();
    let wait = |retry_after_seconds| Error::TooManyAttempts { retry_after_seconds };
    app.throttle.begin(&account, address, now_ms).map_err(wait)?;
    match check(app, account.clone(), password).await {
        Ok(Some(user)) => {
            app.throttle.succeed(&account, address);
            start(app, request, user.id, address, now_ms).await
        }
        Ok(None) => Err(FieldErrors::one("email", "The e-mail or the password is not right").into()),
        Err(error) => {
            app.throttle.take_back(&account, address);
            Err(error)
        }
    }
}

/// The user, where e-mail and password fit. Takes the same time where there is no such user.
async fn check(app: &web::Data<App>, account: String, password: &str) -> Result<Option<User>, Error> {
    let known = match accounts::read_email(&account) {
        Some(email) => {
            reading(app, move |app| app.db.read(|conn| users::find_by_email(conn, &email))).await?
        }
        None => None,
    };
    let known = known.filter(|user| user.status == EntityStatus::Active);
    let hash = known.as_ref().map(|user| user.password_hash.clone());
    let is_right = app.passwords.is_right(password, hash).await?;
    Ok(known.filter(|_| is_right))
}

/// Starts a session for a user who has shown who he is.
pub(super) async fn start(
    app: &web::Data<App>,
    request: &HttpRequest,
    user_id: i64,
    address: IpAddr,
    now_ms: i64,
) -> Result<Cookie<'static>, Error> {
    let agent = sessions::agent_of(request);
    reading(app, move |app| sessions::start(&app.db, &app.config, user_id, now_ms, (address, &agent))).await
}

/// Signs out: ends the session and returns the cookie that makes the browser forget it.
///
/// # Errors
/// The database fails; the session then still stands.
pub async fn sign_out(app: &web::Data<App>, request: &HttpRequest) -> Result<Cookie<'static>, Error> {
    if let Some(token) = sessions::token_of(request, &app.config) {
        reading(app, move |app| sessions::end(&app.db, &token, now_ms())).await?;
    }
    Ok(sessions::removal_cookie(&app.config))
}
