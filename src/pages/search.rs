//! `/search`: campaigns, offers, click ids and transaction ids in one place.

use askama::Template;

use super::layout::Chrome;

/// What was found. Without a question it is the search box alone.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "search/show.html")]
pub struct SearchPage {
    /// The frame, its own search box switched off.
    pub chrome: Chrome,
    /// What was asked.
    pub query: String,
    /// What was found, a group for each kind that has any.
    pub groups: Vec<FoundGroup>,
}

impl SearchPage {
    /// Whether something was asked and nothing was found.
    pub fn is_in_vain(&self) -> bool {
        !self.query.is_empty() && self.groups.is_empty()
    }
}

/// What was found of one kind.
#[derive(Debug, Clone, Default)]
pub struct FoundGroup {
    /// The kind ("Campaigns").
    pub title: String,
    /// The first few.
    pub found: Vec<Found>,
    /// Where all of them are. Empty where these are all.
    pub more_href: String,
}

/// One thing that was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Its name or id.
    pub label: String,
    /// Where it is.
    pub href: String,
    /// A few words about it ("approved, $12.50").
    pub note: String,
    /// Set as code.
    pub is_code: bool,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
