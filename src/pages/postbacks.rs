//! `/postbacks`: every postback received, and one with its raw request and its verdict.

use askama::Template;

use super::layout::Chrome;
use super::parts::{CodeBox, FactGroup, Piece, Pill, Steps};
use super::tables::Listing;

/// The log of postbacks received.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "postbacks/list.html")]
pub struct PostbacksPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
}

/// One postback.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "postbacks/show.html")]
pub struct PostbackPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its result.
    pub result: Pill,
    /// Its code.
    pub code: String,
    /// One sentence that says what it means and what to change; marked pieces are set as code.
    pub meaning: Vec<Piece>,
    /// The checks in their order.
    pub steps: Steps,
    /// The request as it came: line, headers kept, body.
    pub raw: CodeBox,
    /// The answer that was given.
    pub answer: CodeBox,
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// Where "Judge again" posts to. Empty where replay makes no sense.
    pub replay_action: String,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
