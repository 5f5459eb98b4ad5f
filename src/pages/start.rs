//! The first three steps: offer in, two addresses out, try both. Shown instead of the dashboard until they are done.

use askama::Template;

use super::forms::{Field, TemplateField};
use super::layout::Chrome;
use super::parts::{CodeBox, Steps};

/// The first steps. What is done decides what is shown.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "start/show.html")]
pub struct StartPage {
    /// The frame.
    pub chrome: Chrome,
    /// How far the person has come.
    pub stage: Stage,
    /// The offer's URL.
    pub offer_url: TemplateField,
    /// What the advertiser pays for a conversion.
    pub revenue: Field,
    /// Its currency.
    pub currency: Field,
    /// The campaign URL, once there is one.
    pub campaign_url: Option<CodeBox>,
    /// The postback URL, once there is one.
    pub postback_url: Option<CodeBox>,
    /// Where the two test buttons post to.
    pub test_click_action: String,
    /// See above.
    pub test_postback_action: String,
    /// What the tests did so far.
    pub steps: Steps,
}

impl StartPage {
    /// Whether the offer has been given.
    pub fn has_offer(&self) -> bool {
        self.stage != Stage::Offer
    }

    /// Whether a test click has been sent.
    pub fn has_click(&self) -> bool {
        matches!(self.stage, Stage::Clicked | Stage::Done)
    }

    /// Whether the test conversion has been recorded.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }
}

/// How far the first steps have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing yet: the offer is asked for.
    #[default]
    Offer,
    /// The addresses are there; nothing was tried.
    Addresses,
    /// A test click was sent.
    Clicked,
    /// A test conversion was recorded.
    Done,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
