//! `/sign-in`.

use askama::Template;

use super::Answer;
use super::desk::{page, page_with, see_other};
use super::forms::Field;
use super::typed::Typed;
use crate::http::{App, Error, SameOrigin, SignedIn, local_path, sign_in};
use actix_web::cookie::Cookie;
use actix_web::{HttpRequest, HttpResponse, web};

/// The sign-in form.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sign_in/show.html")]
pub struct SignInPage {
    /// E-mail address as typed.
    pub email: Field,
    /// What went wrong ("Too many attempts. Try again in 5 minutes."). Empty for nothing.
    pub error: String,
    /// Where to go afterwards. Empty for the dashboard.
    pub next: String,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/sign-in", web::get().to(show))
        .route("/sign-in", web::post().to(enter))
        .route("/sign-out", web::post().to(leave));
}

/// Sends a browser on with its new session.
pub(super) fn signed_in(path: &str, cookie: &Cookie<'_>) -> HttpResponse {
    let mut response = see_other(path);
    // A cookie of our own making has no characters that a header refuses.
    if let Err(error) = response.add_cookie(cookie) {
        tracing::error!(%error, "the session cookie could not be set");
    }
    response
}

async fn show(who: Result<SignedIn, Error>, request: HttpRequest) -> Answer {
    let query = Typed::parse(request.query_string().as_bytes());
    let next = next(&query);
    match who {
        Ok(_) => return Ok(see_other(if next.is_empty() { "/" } else { &next })),
        Err(Error::SeeOther(place)) if place.starts_with("/setup") => return Ok(see_other(&place)),
        Err(error @ (Error::Unavailable(_) | Error::Internal(_))) => return Err(error),
        Err(_) => {}
    }
    page(&SignInPage { next, ..SignInPage::default() })
}

async fn enter(_same_origin: SameOrigin, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
    let next = next(&typed);
    let outcome = sign_in::sign_in(&app, &request, typed.get("email"), typed.get("password")).await;
    let error = match outcome {
        Ok(cookie) => return Ok(signed_in(if next.is_empty() { "/" } else { &next }, &cookie)),
        Err(error) => error,
    };
    let status = error.status();
    let said = match error {
        Error::Fields(errors) => errors.message("email").unwrap_or("This did not work").to_owned(),
        Error::TooManyAttempts { retry_after_seconds } => too_many(retry_after_seconds),
        other => return Err(other),
    };
    page_with(status, &SignInPage { email: Field::new(typed.get("email")), error: said, next })
}

async fn leave(_same_origin: SameOrigin, app: web::Data<App>, request: HttpRequest) -> Answer {
    let cookie = sign_in::sign_out(&app, &request).await?;
    Ok(signed_in("/sign-in", &cookie))
}

/// Where to go afterwards; nowhere but on this host.
fn next(typed: &Typed) -> String {
    local_path(typed.get("next")).unwrap_or_default().to_owned()
}

/// The wait in words.
pub(super) fn too_many(seconds: u64) -> String {
    let wait = match seconds {
        0 | 1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    };
    format!("Too many attempts. Try again in {wait}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_stays_on_this_host() {
        let to = |query: &str| next(&Typed::parse(query.as_bytes()));
        assert_eq!(to("next=/clicks?page=2"), "/clicks?page=2");
        assert_eq!(to("next=//elsewhere.example/"), "");
        assert_eq!(to("next=https://elsewhere.example/"), "");
    }

    #[test]
    fn a_wait_is_said_in_words() {
        assert_eq!(too_many(1), "Too many attempts. Try again in 1 second.");
        assert_eq!(too_many(301), "Too many attempts. Try again in 6 minutes.");
    }
}
