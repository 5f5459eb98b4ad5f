//! A lander: a page between the click and the offer.

use super::input::{self, Editable, FieldErrors, put};
use super::template::{Template, TemplateUse};
use super::words::word_enum;
use serde_json::Value;

word_enum! {
    /// Whether a thing is in use.
    pub enum EntityStatus {
        /// In use.
        Active => "active",
        /// Kept, but out of use for now.
        Paused => "paused",
        /// Put away; nothing is erased.
        Archived => "archived",
    }
}

/// The most offer links a lander may have.
pub const OFFER_LINKS_MAX: i64 = 50;

/// A lander as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lander {
    /// Its name.
    pub name: String,
    /// Its address, with macros.
    pub url: String,
    /// How many of its links lead to offers.
    pub offer_links: i64,
    /// In use or not.
    pub status: EntityStatus,
    /// Free words.
    pub tags: Vec<String>,
}

impl Default for Lander {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            offer_links: 1,
            status: EntityStatus::Active,
            tags: Vec::new(),
        }
    }
}

impl Editable for Lander {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "url" => put(&mut self.url, field, template(value, TemplateUse::Lander)),
            "offer_links" => put(&mut self.offer_links, field, input::int(value, 1, OFFER_LINKS_MAX)),
            "status" => put(&mut self.status, field, status(value)),
            "tags" => put(&mut self.tags, field, input::tags(value)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        require_url(&self.url, errors);
    }
}

/// A URL template, checked.
///
/// # Errors
/// What is wrong with it, and where.
pub fn template(value: &Value, template_use: TemplateUse) -> input::Reading<String> {
    let text = value.as_str().ok_or("Must be a text")?;
    Template::parse(text, template_use).map(|template| template.text().to_owned()).map_err(|e| e.to_string())
}

/// The status of a thing; archiving is an action of its own.
///
/// # Errors
/// Another word.
pub fn status(value: &Value) -> input::Reading<EntityStatus> {
    input::word(value, EntityStatus::parse, EntityStatus::choices)
}

/// A name is needed.
pub fn require_name(name: &str, errors: &mut FieldErrors) {
    if name.is_empty() {
        errors.push("name", "Write a name");
    }
}

/// An address is needed.
pub fn require_url(url: &str, errors: &mut FieldErrors) {
    if url.is_empty() {
        errors.push("url", "Write the address, like https://shop.example/?ref={click_id}");
    }
}
