//! `/landers`: the list and the form.

use askama::Template;

use super::forms::{Field, Select, TemplateField};
use super::layout::Chrome;
use super::parts::{CodeBox, PostButton};
use super::tables::Listing;

/// All landers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "landers/list.html")]
pub struct LandersPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The lander form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "landers/form.html")]
pub struct LanderFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: LanderForm,
    /// The addresses for the lander's buttons, one per offer link.
    pub buttons: Vec<CodeBox>,
    /// Archive or restore; `None` for a new lander.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of a lander.
#[derive(Debug, Clone, Default)]
pub struct LanderForm {
    /// Name.
    pub name: Field,
    /// URL template.
    pub url: TemplateField,
    /// How many offer links the page has.
    pub offer_links: Field,
    /// Status.
    pub status: Select,
    /// Tags, with commas between them.
    pub tags: Field,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
