//! `/campaigns`: the report of all campaigns, and the one-page campaign form.

use askama::Template;

mod copying;
mod form;
mod ready;
mod rows;
mod rules;
mod rules_typed;
mod saved;
mod sentence;
mod tracing;
mod try_out;

use super::forms::{Field, Select};
use super::layout::Chrome;
use super::lists::Kind;
use super::parts::{CodeBox, Link, PostButton, Steps};
use super::tables::{Column, Listing, Sort};
use actix_web::web;

pub use copying::{CopyForm, CopyRule};
pub use rules::{ConditionForm, GroupForm, RuleForm};

/// The figures of the campaigns report, in order: key in the query, heading, formula.
pub const FIGURES: [(&str, &str, &str); 13] = [
    ("clicks", "Clicks", "Clicks, bots left out"),
    (
        "uniques",
        "Unique",
        "Clicks of visitors new within the campaign's window; the sum of clicks marked unique",
    ),
    ("conversions", "Conv.", "Conversions = approved + pending"),
    ("approved", "Approved", "Approved conversions"),
    ("cr", "CR", "Conversion rate = conversions / clicks"),
    ("revenue", "Revenue", "Approved revenue"),
    ("pending_revenue", "Pending", "Revenue of pending conversions, not yet counted"),
    ("cost", "Cost", "What the traffic cost, bots included"),
    ("profit", "Profit", "Profit = approved revenue − cost − approved payout"),
    ("roi", "ROI", "ROI = profit / (cost + payout)"),
    ("epc", "EPC", "Earnings per click = revenue / clicks"),
    ("cpc", "CPC", "Cost per click = cost / clicks"),
    ("cpa", "CPA", "Cost per conversion = cost / conversions"),
];

/// The columns of the report; `href` gives the address that sorts by a key.
pub fn columns(first: &str, sorted_by: &str, sort: Sort, href: impl Fn(&str) -> String) -> Vec<Column> {
    let by = |key: &str| if key == sorted_by { sort } else { Sort::None };
    let name = Column { href: href("name"), sort: by("name"), ..Column::text(first) };
    let figures = FIGURES.iter().map(|&(key, label, formula)| Column {
        href: href(key),
        sort: by(key),
        ..Column::figure(label, formula)
    });
    std::iter::once(name).chain(figures).collect()
}

/// All campaigns with their figures.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/list.html")]
pub struct CampaignsPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the report.
    pub listing: Listing,
}

/// The campaign form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/form.html")]
pub struct CampaignFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: CampaignForm,
    /// An empty path whose place is `__P__`, for the script to copy.
    pub blank: PathForm,
    /// What stands beside the form once the campaign is saved.
    pub saved: Option<SavedCampaign>,
}

/// The fields of a campaign.
#[derive(Debug, Clone, Default)]
pub struct CampaignForm {
    /// Name.
    pub name: Field,
    /// Source, by id; the first choice is none.
    pub source_id: Select,
    /// Cost model.
    pub cost_model: Select,
    /// Amount per click or per mille.
    pub cost_amount: Field,
    /// Currency of the cost.
    pub currency: String,
    /// Slug.
    pub slug: Field,
    /// The old tracker's addresses, one on each line.
    pub aliases: Field,
    /// The host in the address; `None` where there are none to choose from.
    pub domain_id: Option<Select>,
    /// What stands before the slug (`https://trk.example.com/c/`).
    pub slug_prefix: String,
    /// Redirect mode.
    pub redirect: Select,
    /// The rules, from the top down.
    pub rules: Vec<RuleForm>,
    /// An error of the rules together. Empty for nothing.
    pub rules_error: String,
    /// Copying rules from another campaign.
    pub copy: CopyForm,
    /// The names of time zones that a condition's field offers.
    pub zones: Vec<&'static str>,
    /// The paths of who no rule is for.
    pub paths: Vec<PathForm>,
    /// An error of the paths together. Empty for nothing.
    pub paths_error: String,
    /// What the selects leave out, in words. Empty where they hold everything.
    pub cut: String,
    /// Fallback URL.
    pub fallback_url: Field,
    /// Unique window in hours.
    pub unique_window_hours: Field,
    /// Whether the incoming query is appended to the target.
    pub append_query: bool,
    /// Whether a returning visitor keeps path, lander and offer.
    pub sticky: bool,
    /// Whether what a visitor has not seen comes first.
    pub smart_order: bool,
    /// Whether nobody is sent to an offer that he has converted on.
    pub skip_converted: bool,
    /// Status.
    pub status: Select,
    /// Tags, with commas between them.
    pub tags: Field,
    /// Notes.
    pub notes: Field,
}

/// A path as a card.
#[derive(Debug, Clone, Default)]
pub struct PathForm {
    /// What the names of its fields begin with (`paths.0`, `rules.1.paths.0`). Numbers may have gaps.
    pub place: String,
    /// Its id; empty for a new one.
    pub id: String,
    /// Name.
    pub name: Field,
    /// Weight.
    pub weight: Field,
    /// Its status; empty for a new one. Kept as it is: the form does not change it.
    pub status: String,
    /// Share of all visitors ("70%").
    pub share: String,
    /// Its landers. None: straight to the offer.
    pub landers: Vec<PickForm>,
    /// Its offers.
    pub offers: Vec<PickForm>,
    /// A lander row and an offer row for the script to copy, their key `__R__`. Only the empty path has them:
    /// each holds everything that can be chosen, and one copy serves all paths.
    pub blanks: Option<(PickForm, PickForm)>,
    /// An error of the path as a whole. Empty for nothing.
    pub error: String,
}

/// A weighted lander or offer of a path.
#[derive(Debug, Clone, Default)]
pub struct PickForm {
    /// Its number in the names of its fields (`paths.0.offers.1.offer_id`).
    pub key: String,
    /// Which one; offers carry their revenue in the label ("Dating DE SOI · $6.60").
    pub pick: Select,
    /// Weight.
    pub weight: Field,
    /// Share within the path ("50%").
    pub share: String,
    /// What is chosen, in words. Empty for nothing.
    pub label: String,
}

/// What a saved campaign shows beside its form.
#[derive(Debug, Clone, Default)]
pub struct SavedCampaign {
    /// The campaign URL.
    pub campaign_url: CodeBox,
    /// A postback URL for each advertiser among its offers.
    pub postback_urls: Vec<CodeBox>,
    /// The script for a page that ads lead to without a redirect.
    pub script: CodeBox,
    /// Where "Send test click" posts to.
    pub test_click_action: String,
    /// Where "Send test postback" posts to.
    pub test_postback_action: String,
    /// The form that follows a visitor.
    pub trace: TraceForm,
    /// What the last test did. Empty before the first.
    pub steps: Steps,
    /// Words above the steps ("Test click, 14:31:07").
    pub steps_title: String,
    /// Where the campaign's figures and logs are.
    pub links: Vec<Link>,
    /// Archive, or restore where it is archived.
    pub archive: PostButton,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The form that follows a visitor, with what came of it.
#[derive(Debug, Clone, Default)]
pub struct TraceForm {
    /// Where it asks.
    pub action: String,
    /// The visitor's address.
    pub address: Field,
    /// The user agent.
    pub user_agent: Field,
    /// The query string.
    pub query: Field,
    /// When, in UTC.
    pub at: Field,
    /// What must be mended. Empty for nothing.
    pub error: String,
    /// The way. Empty before the first question.
    pub steps: Steps,
}

/// The trace on a page of its own.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/trace.html")]
pub struct TracePage {
    /// The frame.
    pub chrome: Chrome,
    /// The form and what came of it.
    pub trace: TraceForm,
}

pub(super) const KIND: Kind = Kind {
    path: "/campaigns",
    one: "campaign",
    many: "campaigns",
    placeholder: "Name or address",
    teach: "A campaign is one address for traffic, and the paths its visitors take.",
};

/// The addresses of this family: the form and its tests.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    // Before the form, which takes whatever stands there for a campaign's number.
    ready::configure(config);
    form::configure(config);
    try_out::configure(config);
    tracing::configure(config);
    sentence::configure(config);
}
