//! Who asks, as extractor types: a handler that names one of them runs for nobody else.
//!
//! Pages and API answer admins and managers for now; the other roles see their own things alone, and until
//! there are pages made for that they see nothing.

use super::limits::HEADER_BYTES_MAX;
use super::{App, Error, now_ms, reading, same_origin, sessions, tokens};
use crate::db::users::{self, User};
use crate::domain::role::{Role, TokenScope};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where a browser signs in, and where it learns of the setup link while there is no user.
const SIGN_IN: &str = "/sign-in";
const SETUP: &str = "/setup";
/// A path in a query parameter keeps its slashes readable.
const PATH_IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// A signed-in user on a page.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// By which session.
    pub session_id: i64,
}

/// A signed-in user who changes something from a page of ours.
#[derive(Clone, Debug)]
pub struct PageWrite(pub SignedIn);

/// The owner of an API token, who may look.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Who.
    pub user: User,
    /// By which token.
    pub token_id: i64,
}

/// The owner of an API token, who may look and change.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Who.
    pub user: User,
    /// By which token.
    pub token_id: i64,
}

/// A signed-in admin on a page. For others there is no such page.
#[derive(Clone, Debug)]
pub struct AdminPage(pub SignedIn);

/// A signed-in admin who changes something from a page of ours.
#[derive(Clone, Debug)]
pub struct AdminPageWrite(pub SignedIn);

/// An admin's API token that may look.
#[derive(Clone, Debug)]
pub struct AdminReader {
    /// Who.
    pub user: User,
}

/// An admin's API token that may look and change.
#[derive(Clone, Debug)]
pub struct AdminWriter {
    /// Who.
    pub user: User,
}

impl From<AdminPage> for SignedIn {
    fn from(admin: AdminPage) -> Self {
        admin.0
    }
}

impl SignedIn {
    /// Goes on for an admin alone. For others there is nothing there.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn require_admin(&self) -> Result<(), Error> {
        if self.user.role == Role::Admin { Ok(()) } else { Err(Error::NotFound) }
    }
}

fn require_overview(role: Role) -> Result<(), Error> {
    match role {
        Role::Admin | Role::Manager => Ok(()),
        Role::Buyer | Role::Advertiser | Role::Partner => {
            Err(Error::Forbidden(format!("The role {role} has no access here yet.")))
        }
    }
}

fn app_of(request: &HttpRequest) -> Result<web::Data<App>, Error> {
    let missing = || Error::Internal("the state is not attached".to_owned());
    request.app_data::<web::Data<App>>().cloned().ok_or_else(missing)
}

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { signed_in(&request).await })
    }
}

impl FromRequest for PageWrite {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            same_origin::check(&request, &app_of(&request)?.config)?;
            Ok(Self(signed_in(&request).await?))
        })
    }
}

impl FromRequest for Reader {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (user, token_id, _) = token_owner(&request, true).await?;
            Ok(Self { user, token_id })
        })
    }
}

impl FromRequest for Writer {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (user, token_id, scope) = token_owner(&request, false).await?;
            match scope {
                TokenScope::Write => Ok(Self { user, token_id }),
                TokenScope::Read => Err(Error::Forbidden(
                    "This token may only read: use one with the scope write.".to_owned(),
                )),
            }
        })
    }
}

impl FromRequest for AdminPage {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = SignedIn::from_request(request, payload);
        Box::pin(async move {
            let who = who.await?;
            who.require_admin()?;
            Ok(Self(who))
        })
    }
}

impl FromRequest for AdminPageWrite {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = PageWrite::from_request(request, payload);
        Box::pin(async move {
            let PageWrite(who) = who.await?;
            who.require_admin()?;
            Ok(Self(who))
        })
    }
}

impl FromRequest for AdminReader {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = Reader::from_request(request, payload);
        Box::pin(async move { Ok(Self { user: admin(who.await?.user)? }) })
    }
}

impl FromRequest for AdminWriter {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let who = Writer::from_request(request, payload);
        Box::pin(async move { Ok(Self { user: admin(who.await?.user)? }) })
    }
}

fn admin(user: User) -> Result<User, Error> {
    if user.role == Role::Admin {
        return Ok(user);
    }
    Err(Error::Forbidden("This is for admins: use the token of one.".to_owned()))
}

async fn signed_in(request: &HttpRequest) -> Result<SignedIn, Error> {
    let app = app_of(request)?;
    let token = sessions::token_of(request, &app.config);
    let (found, is_set_up) = reading(&app, move |app| {
        let found = match &token {
            Some(token) => sessions::find(app, token, now_ms())?,
            None => None,
        };
        let is_set_up = found.is_some() || app.db.read(users::count)? > 0;
        Ok::<_, Error>((found, is_set_up))
    })
    .await?;
    let Some((session, user)) = found else { return Err(stranger(request, is_set_up)) };
    require_overview(user.role)?;
    Ok(SignedIn { user, session_id: session.id })
}

/// A page that is only looked at leads to the sign-in; whatever a script or a form sends does not.
fn stranger(request: &HttpRequest, is_set_up: bool) -> Error {
    let is_htmx = request.headers().contains_key("hx-request");
    if is_htmx || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Error::SignInNeeded;
    }
    if !is_set_up {
        return Error::SeeOther(SETUP.to_owned());
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    match local_path(wanted) {
        Some(path) if path != "/" => {
            Error::SeeOther(format!("{SIGN_IN}?next={}", utf8_percent_encode(path, PATH_IN_QUERY)))
        }
        _ => Error::SeeOther(SIGN_IN.to_owned()),
    }
}

/// A path on this host, for where to go after the sign-in; nothing that a browser would read as an
/// address elsewhere.
#[must_use]
pub fn local_path(path: &str) -> Option<&str> {
    let after = path.strip_prefix('/')?;
    let leads_away = after.starts_with(['/', '\\']) || path.chars().any(|c| c.is_control() || c == '\\');
    (!leads_away).then_some(path)
}

async fn token_owner(request: &HttpRequest, is_look: bool) -> Result<(User, i64, TokenScope), Error> {
    let app = app_of(request)?;
    let token = bearer(request)?;
    let (token, user) = tokens::owner(&app, &token, is_look).await?;
    require_overview(user.role)?;
    Ok((user, token.id, token.scope))
}

fn bearer(request: &HttpRequest) -> Result<String, Error> {
    let value = request.headers().get(AUTHORIZATION).ok_or(Error::NoToken)?;
    let text = value.to_str().ok().filter(|text| text.len() <= HEADER_BYTES_MAX).ok_or(Error::BadToken)?;
    let (scheme, token) = text.split_once(' ').ok_or(Error::BadToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim().to_owned()) } else { Err(Error::NoToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_host_are_followed() {
        assert_eq!(local_path("/campaigns?page=2"), Some("/campaigns?page=2"));
        for bad in ["//evil.example", "/\\evil.example", "https://evil.example", "", "x", "/a\nb", "/a\\b"] {
            assert_eq!(local_path(bad), None, "{bad:?}");
        }
    }
}
