//! `/sources`: the list and the form.

use askama::Template;

use super::forms::{Field, Select};
use super::layout::Chrome;
use super::parts::{CodeBox, PostButton};
use super::tables::Listing;

/// All sources.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sources/list.html")]
pub struct SourcesPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The source form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sources/form.html")]
pub struct SourceFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: SourceForm,
    /// What a campaign URL looks like with this source's parameters; `None` before it is saved.
    pub sample_url: Option<CodeBox>,
    /// Archive or restore; `None` for a new source.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of a source.
#[derive(Debug, Clone, Default)]
pub struct SourceForm {
    /// Name.
    pub name: Field,
    /// Ad network or partner.
    pub kind: Select,
    /// The parameter that carries the source's own click id.
    pub external_id_param: Field,
    /// The parameter that carries the cost.
    pub cost_param: Field,
    /// Its unit.
    pub cost_unit: Select,
    /// Cost model.
    pub cost_model: Select,
    /// Amount for CPC and CPM.
    pub cost_amount: Field,
    /// Currency of the cost.
    pub currency: Field,
    /// The first token rows, always shown.
    pub tokens: Vec<TokenRow>,
    /// The other token rows, behind "show more".
    pub more_tokens: Vec<TokenRow>,
    /// Status.
    pub status: Select,
}

/// One of the twenty tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenRow {
    /// Its slot, `1` to `20`.
    pub slot: String,
    /// The source's parameter.
    pub param: Field,
    /// What reports call it.
    pub label: Field,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
