//! `/clicks`: the log, and the whole story of one click.

use askama::Template;

use super::layout::Chrome;
use super::parts::{FactGroup, Moment, Pill};
use super::tables::Listing;

/// The log of clicks.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "clicks/list.html")]
pub struct ClicksPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
}

/// One click's whole story.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "clicks/show.html")]
pub struct ClickPage {
    /// The frame.
    pub chrome: Chrome,
    /// The click id, with a copy button.
    pub click_id: String,
    /// Unique, bot, test.
    pub flags: Vec<Pill>,
    /// One sentence ("Arrived 14:02:11 from Pushground, went to Dating DE SOI, earned $6.60.").
    pub summary: String,
    /// Facts in groups: arrival, place, device, money, what the source sent.
    pub groups: Vec<FactGroup>,
    /// Arrived, routed, lander clicked, postbacks, conversions, deliveries.
    pub moments: Vec<Moment>,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
