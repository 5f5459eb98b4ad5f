//! `/setup/{token}`: the one-time link that makes the first admin.

use askama::Template;

use super::Answer;
use super::desk::{page, page_with, see_other};
use super::forms::{Field, Select};
use super::sign_in::signed_in;
use super::typed::{Marked, Typed, mistakes};
use crate::db::users;
use crate::domain::input::FieldErrors;
use crate::domain::money::Currency;
use crate::http::setup::{self, SetupForm};
use crate::http::{App, Error, SameOrigin, reading};
use crate::reports::TimeZone;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// The form of the first start.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "setup/show.html")]
pub struct SetupPage {
    /// Where the form posts to, the one-time token included.
    pub action: String,
    /// E-mail address.
    pub email: Field,
    /// The password is never sent back; only its error is.
    pub password: Field,
    /// Account currency.
    pub currency: Select,
    /// Account time zone.
    pub time_zone: Field,
    /// The zones that the field offers.
    pub zones: Vec<String>,
}

/// Shown where the one-time link was used already or is wrong.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "setup/void.html")]
pub struct SetupVoidPage {}

/// Shown at `/setup`: where the link is found.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "setup/where.html")]
pub struct SetupWherePage {}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/setup", web::get().to(tell_where))
        .route("/setup/{token}", web::get().to(show))
        .route("/setup/{token}", web::post().to(complete));
}

async fn tell_where(app: web::Data<App>) -> Answer {
    let users = reading(&app, |app| app.db.read(users::count)).await?;
    if users > 0 { Ok(see_other("/sign-in")) } else { page(&SetupWherePage {}) }
}

async fn show(app: web::Data<App>, token: web::Path<String>) -> Answer {
    let asked = token.clone();
    if !reading(&app, move |app| setup::is_valid(&app.db, &asked)).await? {
        return page_with(StatusCode::NOT_FOUND, &SetupVoidPage {});
    }
    let typed = Typed::of([("currency", "USD".to_owned()), ("time_zone", "UTC".to_owned())]);
    page(&form(&token, &typed, &FieldErrors::default()))
}

async fn complete(
    _same_origin: SameOrigin,
    app: web::Data<App>,
    request: HttpRequest,
    token: web::Path<String>,
    typed: Typed,
) -> Answer {
    let asked = SetupForm {
        token: token.clone(),
        email: typed.get("email").to_owned(),
        password: typed.get("password").to_owned(),
        currency: typed.get("currency").to_owned(),
        time_zone: typed.get("time_zone").to_owned(),
    };
    match setup::complete(&app, &request, asked).await {
        Ok(cookie) => Ok(signed_in("/", &cookie)),
        Err(Error::Forbidden(_)) => page_with(StatusCode::NOT_FOUND, &SetupVoidPage {}),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            page_with(status, &form(&token, &typed, &errors))
        }
    }
}

fn form(token: &str, typed: &Typed, errors: &FieldErrors) -> SetupPage {
    let form = Marked { typed, errors };
    SetupPage {
        action: format!("/setup/{token}"),
        email: form.field("email"),
        password: form.secret("password"),
        currency: form.select("currency", &currencies()),
        time_zone: form.field("time_zone"),
        zones: TimeZone::names().map(str::to_owned).collect(),
    }
}

/// Every currency there is, as a select offers them.
pub(super) fn currencies() -> Vec<(&'static str, &'static str)> {
    Currency::all().map(|code| (code, code)).collect()
}
