//! What a template looks like when filled, while it is being written.

use crate::domain::input::FieldErrors;
use crate::domain::template::{SampleClick, Template, TemplateUse};

/// The address that a sample click would be sent to.
///
/// # Errors
/// What is wrong with the template, under the field `url`.
pub fn preview(url: &str, template_use: TemplateUse) -> Result<String, FieldErrors> {
    Template::parse(url, template_use)
        .map(|template| template.fill(&SampleClick))
        .map_err(|error| FieldErrors::one("url", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_or_its_fault_named() {
        let filled = preview("https://shop.example/?c={country}", TemplateUse::Offer).unwrap();
        assert_eq!(filled, "https://shop.example/?c=DE");
        let errors = preview("https://shop.example/?c={nonsuch}", TemplateUse::Offer).unwrap_err();
        assert!(errors.message("url").unwrap().contains("{nonsuch}"));
        assert!(preview("https://l.example/?t={click_token}", TemplateUse::Lander).is_ok());
    }
}
