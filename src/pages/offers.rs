//! `/offers`: the list and the form.

use askama::Template;

use super::forms::{Field, Select, TemplateField};
use super::layout::Chrome;
use super::parts::PostButton;
use super::tables::Listing;

/// All offers.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "offers/list.html")]
pub struct OffersPage {
    /// The frame.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// The offer form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "offers/form.html")]
pub struct OfferFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: OfferForm,
    /// The macros that a URL may hold, with what each becomes.
    pub macros: Vec<(String, String)>,
    /// Archive or restore; `None` for a new offer.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The fields of an offer.
#[derive(Debug, Clone, Default)]
pub struct OfferForm {
    /// Name.
    pub name: Field,
    /// Advertiser, by id.
    pub advertiser_id: Select,
    /// URL template.
    pub url: TemplateField,
    /// What the advertiser pays for a conversion.
    pub revenue: Field,
    /// Or per cent of the sale amount.
    pub revenue_percent: Field,
    /// Currency.
    pub currency: Field,
    /// Revenue mode.
    pub revenue_mode: Select,
    /// What a partner is paid.
    pub payout: Field,
    /// Or per cent ...
    pub payout_percent: Field,
    /// ... of what.
    pub payout_of: Select,
    /// Country codes with commas between them; empty for all.
    pub countries: Field,
    /// Preview URL.
    pub preview_url: Field,
    /// Status.
    pub status: Select,
    /// Tags, with commas between them.
    pub tags: Field,
    /// Notes.
    pub notes: Field,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
