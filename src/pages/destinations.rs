//! `/destinations`: who is told of conversions: the list, the form, and the page of one with its health and its test.

use askama::Template;

pub(in crate::pages) mod exchange;
mod form;
mod headers;
mod health;
mod list;
mod of_source;
mod preview;
mod show;
mod trial;
mod words;

use super::forms::{Field, Select, TemplateField};
use super::layout::Chrome;
use super::lists::Kind;
use super::parts::{Choice, CodeBox, Fact, Link, PostButton};
use super::tables::{Listing, Table};
use actix_web::web;

/// All destinations.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "destinations/list.html")]
pub struct DestinationsPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Search, filters, the table.
    pub listing: Listing,
}

/// One destination: what it is told, how it takes it, a test.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "destinations/show.html")]
pub struct DestinationPage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Of which conversions it is told, in a sentence.
    pub sentence: String,
    /// Why nothing goes out at present. Empty where it does.
    pub warning: String,
    /// What is sent, its macros coloured.
    pub request: CodeBox,
    /// The rest of what is set.
    pub facts: Vec<Fact>,
    /// The test.
    pub test: TestCard,
    /// How it takes what it is told.
    pub health: HealthCard,
    /// Its newest deliveries.
    pub deliveries: Table,
    /// All of them.
    pub deliveries_link: Link,
}

/// The destination form, new or saved.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "destinations/form.html")]
pub struct DestinationFormPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// What was typed or is stored.
    pub form: DestinationForm,
    /// The macros that address and body may hold, with what each becomes.
    pub macros: Vec<(String, String)>,
    /// Archive or restore; `None` for a new one.
    pub archive: Option<PostButton>,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Where one goes without saving.
    pub back: String,
}

/// The fields of a destination.
#[derive(Debug, Clone, Default)]
pub struct DestinationForm {
    /// Name.
    pub name: Field,
    /// Conversions of this source alone.
    pub source_id: Select,
    /// Conversions of this campaign alone.
    pub campaign_id: Select,
    /// Conversions of this offer alone.
    pub offer_id: Select,
    /// What those selects leave out, in words. Empty where they hold everything.
    pub cut: String,
    /// The events, with commas between them.
    pub events: Field,
    /// The statuses, as boxes to tick.
    pub statuses: Vec<Choice>,
    /// What is wrong with them. Empty for nothing.
    pub statuses_error: String,
    /// Once or at each change.
    pub fire: Select,
    /// In the place of those for all.
    pub replaces_global: bool,
    /// What is wrong with that. Empty for nothing.
    pub replaces_error: String,
    /// Of test conversions alone.
    pub test: bool,
    /// Method.
    pub method: Select,
    /// Address.
    pub url: TemplateField,
    /// What the body is.
    pub body_kind: Select,
    /// Body.
    pub body: TemplateField,
    /// Headers, a row each.
    pub headers: Vec<HeaderRow>,
    /// What is wrong with them. Empty for nothing.
    pub headers_error: String,
    /// The row that "+ Header" adds.
    pub blank_header: HeaderRow,
    /// The text that means success.
    pub success_match: Field,
    /// How long after the conversion.
    pub delay_seconds: Field,
    /// Status.
    pub status: Select,
}

pub use headers::HeaderRow;
pub use health::HealthCard;
pub(in crate::pages) use health::attention;
pub use of_source::SourceCard;
pub(in crate::pages) use of_source::of_source;
pub(in crate::pages) use preview::filled;
pub use trial::{TestCard, TriedCard};

const KIND: Kind = Kind {
    path: "/destinations",
    one: "destination",
    many: "destinations",
    placeholder: "Name or address",
    teach: "A destination is somebody who wants to know of your conversions: the postback address of a traffic source, a \
            partner's tracker, a conversion API. Each conversion that fits is told there once, and tried for a day where \
            that fails.",
};

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    list::configure(config);
    form::configure(config);
    show::configure(config);
    trial::configure(config);
}

/// The two lists of the family; `current` is the present one's address.
pub(in crate::pages) fn family_tabs(current: &str) -> Vec<Link> {
    let tab = |label: &str, path: &str| Link { current: path == current, ..Link::new(label, path) };
    vec![tab("Destinations", KIND.path), tab("Deliveries", "/deliveries")]
}

/// The tabs of one destination; `current` is the end of the present one's address.
fn tabs(id: i64, current: &str) -> Vec<Link> {
    let tab = |label: &str, rest: &str| Link {
        current: rest == current,
        ..Link::new(label, &format!("{}/{id}{rest}", KIND.path))
    };
    vec![tab("Deliveries", ""), tab("Settings", "/edit")]
}
