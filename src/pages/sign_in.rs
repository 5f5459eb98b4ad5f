//! `/sign-in`.

use askama::Template;

use super::forms::Field;

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
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
