//! The one-time setup link: the first admin of a new installation, without a default password.
//!
//! The link's token is made when the server starts without any user, printed there and kept as a hash.
//! The first admin, made by whatever way, ends it.

use super::accounts::{insert_user, read_credentials};
use super::tokens::hash_of;
use super::{App, Error, now_ms, reading, sign_in};
use crate::db::{AnyConnection, Db, Priority, settings, users};
use crate::domain::input::FieldErrors;
use crate::domain::money::Currency;
use crate::domain::role::Role;
use crate::entities::random;
use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, web};
use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq as _;

/// What the setup page asks for, as typed.
#[derive(Clone, Debug, Default)]
pub struct SetupForm {
    /// The link's token.
    pub token: String,
    /// The admin's e-mail.
    pub email: String,
    /// The admin's password.
    pub password: String,
    /// The account currency's code.
    pub currency: String,
    /// The account's time zone, an IANA name.
    pub time_zone: String,
}

/// Makes a setup token while there is no user, and returns it to be shown; an earlier one ends.
///
/// # Errors
/// The database fails.
pub fn offer(db: &Db) -> Result<Option<String>, Error> {
    db.write(Priority::Pages, |conn| {
        if users::count(conn)? > 0 {
            settings::remove(conn, settings::SETUP_TOKEN_HASH)?;
            return Ok(None);
        }
        let token = random::token();
        settings::put(conn, settings::SETUP_TOKEN_HASH, &HEXLOWER.encode(&hash_of(&token)))?;
        Ok(Some(token))
    })
}

/// Whether a token is the setup link's and nobody has used it.
///
/// # Errors
/// The database fails.
pub fn is_valid(db: &Db, token: &str) -> Result<bool, Error> {
    db.read(|conn| is_open_with(conn, token))
}

fn is_open_with(conn: &mut AnyConnection, token: &str) -> Result<bool, Error> {
    let Some(kept) = settings::find(conn, settings::SETUP_TOKEN_HASH)? else { return Ok(false) };
    let given = HEXLOWER.encode(&hash_of(token));
    let is_same: bool = kept.as_bytes().ct_eq(given.as_bytes()).into();
    Ok(is_same && users::count(conn)? == 0)
}

fn used_up() -> Error {
    Error::Forbidden(
        "This setup link is used up or was replaced. Sign in, or restart the server for a new link."
            .to_owned(),
    )
}

/// Makes the first admin, sets currency and time zone, ends the link, and signs the admin in.
///
/// # Errors
/// The link is not valid any more; fields must be mended; the database fails.
pub async fn complete(
    app: &web::Data<App>,
    request: &HttpRequest,
    form: SetupForm,
) -> Result<Cookie<'static>, Error> {
    let token = form.token.clone();
    // Before the password is hashed: strangers get no work out of us.
    if !reading(app, move |app| is_valid(&app.db, &token)).await? {
        return Err(used_up());
    }
    let mut errors = FieldErrors::default();
    let email = read_credentials(&form.email, &form.password, &mut errors);
    let currency = Currency::parse(&form.currency);
    if currency.is_none() {
        errors.push("currency", "Must be a currency code of three letters, like USD");
    }
    let time_zone = form.time_zone.trim().parse::<chrono_tz::Tz>().ok();
    if time_zone.is_none() {
        errors.push("time_zone", "Must be the name of a time zone, like Europe/Berlin or UTC");
    }
    errors.into_result()?;
    let hash = app.passwords.hash(&form.password).await?;
    let currency = currency.unwrap_or(Currency::USD);
    let time_zone = time_zone.unwrap_or(chrono_tz::UTC);
    let now_ms = now_ms();
    let admin_id = reading(app, move |app| {
        app.db.write(Priority::Pages, |conn| {
            // Taking the token away is the lock: of two at once the later finds it gone.
            let is_open = is_open_with(conn, &form.token)?;
            if !is_open || !settings::remove(conn, settings::SETUP_TOKEN_HASH)? {
                return Err(used_up());
            }
            settings::put(conn, settings::CURRENCY, currency.as_str())?;
            settings::put(conn, settings::TIME_ZONE, time_zone.name())?;
            insert_user(conn, &email, &hash, Role::Admin, now_ms)
        })
    })
    .await?;
    let address = app.client_address(request);
    sign_in::start(app, request, admin_id, address, now_ms).await
}
