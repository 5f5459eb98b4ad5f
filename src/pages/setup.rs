//! `/setup/{token}`: the one-time link that makes the first admin.

use askama::Template;

use super::forms::{Field, Select};

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

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
