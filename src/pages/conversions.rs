//! `/conversions`: the log, and one conversion with its history.

use askama::Template;

use super::forms::{Field, Select};
use super::layout::Chrome;
use super::parts::{FactGroup, Moment, Pill};
use super::tables::Listing;

/// The log of conversions.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversions/list.html")]
pub struct ConversionsPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
}

/// One conversion.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "conversions/show.html")]
pub struct ConversionPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its status.
    pub status: Pill,
    /// Test, over the cap.
    pub flags: Vec<Pill>,
    /// One sentence ("$12.50 from MaxBounty for click 0k3v…, approved 14:29:55.").
    pub summary: String,
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// Every change of status or money with its cause, oldest first.
    pub changes: Vec<Moment>,
    /// The form that changes it by hand; `None` where the role does not allow it.
    pub change: Option<ChangeForm>,
}

/// A change by hand.
#[derive(Debug, Clone, Default)]
pub struct ChangeForm {
    /// Where it posts to.
    pub action: String,
    /// New status.
    pub status: Select,
    /// New revenue.
    pub revenue: Field,
    /// Its currency.
    pub currency: String,
    /// Why, kept in the history.
    pub why: Field,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
