//! Signed-in browsers.
//!
//! Our own sessions rather than a session crate's: one look-up gives the session and its user together,
//! the token is kept as its SHA-256 alone, and each session can be listed and ended by itself.

use super::last_uses::Used;
use super::limits::AGENT_CHARS_MAX;
use super::tokens::hash_of;
use super::{App, HttpConfig};
use crate::db::users::{self, Session, User};
use crate::db::{self, Db, Priority};
use crate::entities::random;
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::USER_AGENT;
use std::net::IpAddr;

/// How long a browser stays signed in.
const SESSION_DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// "Last seen" is written at most so often, so that reading a page does not write.
pub(super) const TOUCH_AFTER_MS: i64 = 60 * 1_000;

/// Under https the prefix makes the browser refuse a cookie that another host of the domain has set.
const fn cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-clickledger_session" } else { "clickledger_session" }
}

fn cookie(config: &HttpConfig, token: String, age: Duration) -> Cookie<'static> {
    Cookie::build(cookie_name(config.is_https()), token)
        .path("/")
        .http_only(true)
        .secure(config.is_https())
        .same_site(SameSite::Lax)
        .max_age(age)
        .finish()
}

/// The cookie that makes a browser forget its session.
pub(super) fn removal_cookie(config: &HttpConfig) -> Cookie<'static> {
    cookie(config, String::new(), Duration::ZERO)
}

/// The token that a request brought.
pub(super) fn token_of(request: &HttpRequest, config: &HttpConfig) -> Option<String> {
    Some(request.cookie(cookie_name(config.is_https()))?.value().to_owned())
}

/// The browser's own words for itself, cut.
pub(super) fn agent_of(request: &HttpRequest) -> String {
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect()
}

/// Starts a session and returns its cookie.
pub(super) fn start(
    db: &Db,
    config: &HttpConfig,
    user_id: i64,
    now_ms: i64,
    (address, agent): (IpAddr, &str),
) -> db::Result<Cookie<'static>> {
    let token = random::token();
    let times = (now_ms, now_ms.saturating_add(SESSION_DAYS * DAY_MS));
    db.write(Priority::Pages, |conn| {
        users::insert_session(conn, &hash_of(&token), user_id, times, (&address.to_string(), agent))
    })?;
    Ok(cookie(config, token, Duration::days(SESSION_DAYS)))
}

/// The session and the user behind a token, noted as seen behind the request.
pub(super) fn find(app: &App, token: &str, now_ms: i64) -> db::Result<Option<(Session, User)>> {
    let found = app.db.read(|conn| users::find_session(conn, &hash_of(token), now_ms))?;
    if let Some((session, _)) = &found
        && now_ms.saturating_sub(session.last_seen_at_ms) > TOUCH_AFTER_MS
    {
        app.last_uses.note(&app.db, Used::Session(session.id), now_ms);
    }
    Ok(found)
}

/// Ends the session behind a token, if there is one.
pub(super) fn end(db: &Db, token: &str, now_ms: i64) -> db::Result<()> {
    db.write(Priority::Pages, |conn| {
        if let Some((session, user)) = users::find_session(conn, &hash_of(token), now_ms)? {
            users::delete_session(conn, user.id, session.id, now_ms)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_https_the_cookie_is_bound_to_the_host() {
        let plain = cookie(&HttpConfig::default(), "t".to_owned(), Duration::days(30)).to_string();
        assert_eq!(plain, "clickledger_session=t; HttpOnly; SameSite=Lax; Path=/; Max-Age=2592000");
        let config = HttpConfig { public_url: Some("https://t.example".to_owned()), ..HttpConfig::default() };
        let bound = cookie(&config, "t".to_owned(), Duration::days(30)).to_string();
        assert!(bound.starts_with("__Host-clickledger_session=t; ") && bound.contains("; Secure"), "{bound}");
        assert!(!bound.contains("Domain"), "{bound}");
    }
}
