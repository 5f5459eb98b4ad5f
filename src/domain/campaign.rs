//! A campaign: one address for traffic, the weighted paths its visitors take, and rules that say which visitors take which.

mod paths;

pub use paths::{
    ALL_PATHS_MAX, CHAIN_MAX, CampaignPath, CampaignRule, PATH_ENTRIES_MAX, PATHS_MAX, Target, WEIGHT_MAX,
    Weighted, WeightedTarget,
};

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status, template};
use super::money::Money;
use super::old_address::{ALIASES_MAX, read_alias};
use super::source::{CostModel, check_cost, cost_model};
use super::template::TemplateUse;
use super::words::word_enum;
use serde_json::Value;
use std::collections::HashSet;

word_enum! {
    /// How a visitor is sent on.
    pub enum Redirect {
        /// 302 Found.
        Found => "302",
        /// 307 Temporary Redirect.
        Temporary => "307",
        /// A page that sends on at once: the target does not see where the visitor came from.
        Meta => "meta",
        /// Two such pages: the target does not see the campaign's address either.
        DoubleMeta => "double_meta",
    }
}

/// The longest window for unique visitors, in hours: a year.
pub const UNIQUE_WINDOW_HOURS_MAX: i64 = 8_784;
/// Characters of a slug.
pub const SLUG_CHARS_MAX: usize = 64;

/// A campaign as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Its address's last part; empty asks for a random one.
    pub slug: String,
    /// The old tracker's addresses that it answers at.
    pub aliases: Vec<String>,
    /// The host in its shown address; none for the installation's own.
    pub domain_id: Option<i64>,
    /// Where its traffic comes from.
    pub source_id: Option<i64>,
    /// Whose campaign it is.
    pub owner_id: Option<i64>,
    /// The incoming query is appended to the target.
    pub append_query: bool,
    /// How visitors are sent on.
    pub redirect: Redirect,
    /// For how long a visitor counts once.
    pub unique_window_hours: i64,
    /// A returning visitor keeps path, lander and offer.
    pub sticky: bool,
    /// What a visitor has not seen yet comes first.
    pub smart_order: bool,
    /// A visitor is never sent to an offer that he has converted on.
    pub skip_converted: bool,
    /// Its paths, for visitors that no rule is for.
    pub paths: Vec<CampaignPath>,
    /// Its rules, asked from the top down: the first that holds wins.
    pub rules: Vec<CampaignRule>,
    /// Where visitors go when nothing else is left.
    pub fallback_url: String,
    /// The cost model, where it is not the source's.
    pub cost_model: Option<CostModel>,
    /// The price, for CPC and CPM.
    pub cost_amount: Option<Money>,
    /// In use or not.
    pub status: EntityStatus,
    /// All its clicks are test data.
    pub is_test: bool,
    /// Free words.
    pub tags: Vec<String>,
    /// Free text.
    pub notes: String,
}

impl Default for Campaign {
    fn default() -> Self {
        Self {
            name: String::new(),
            slug: String::new(),
            aliases: Vec::new(),
            domain_id: None,
            source_id: None,
            owner_id: None,
            append_query: false,
            redirect: Redirect::Found,
            sticky: false,
            smart_order: false,
            skip_converted: false,
            unique_window_hours: 24,
            paths: Vec::new(),
            rules: Vec::new(),
            fallback_url: String::new(),
            cost_model: None,
            cost_amount: None,
            status: EntityStatus::Active,
            is_test: false,
            tags: Vec::new(),
            notes: String::new(),
        }
    }
}

impl Editable for Campaign {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "slug" => put(&mut self.slug, field, slug(value)),
            "aliases" => put(&mut self.aliases, field, aliases(value)),
            "domain_id" => put(&mut self.domain_id, field, input::id(value)),
            "source_id" => put(&mut self.source_id, field, input::id(value)),
            "owner_id" => put(&mut self.owner_id, field, input::id(value)),
            "append_query" => put(&mut self.append_query, field, input::flag(value)),
            "redirect" => {
                put(&mut self.redirect, field, input::word(value, Redirect::parse, Redirect::choices))
            }
            "unique_window_hours" => {
                put(&mut self.unique_window_hours, field, input::int(value, 1, UNIQUE_WINDOW_HOURS_MAX))
            }
            "sticky" => put(&mut self.sticky, field, input::flag(value)),
            "smart_order" => put(&mut self.smart_order, field, input::flag(value)),
            "skip_converted" => put(&mut self.skip_converted, field, input::flag(value)),
            "paths" => {
                let mut errors = FieldErrors::default();
                self.paths = paths::paths(value, field, &mut errors);
                errors.into_result()?;
                Ok(true)
            }
            "rules" => {
                self.rules = paths::rules(value)?;
                Ok(true)
            }
            "fallback_url" => put(&mut self.fallback_url, field, fallback(value)),
            "cost_model" if input::is_blank(value) => put(&mut self.cost_model, field, Ok(None)),
            "cost_model" => put(&mut self.cost_model, field, cost_model(value).map(Some)),
            "cost_amount" => put(&mut self.cost_amount, field, input::money(value)),
            "status" => put(&mut self.status, field, status(value)),
            "is_test" => put(&mut self.is_test, field, input::flag(value)),
            "tags" => put(&mut self.tags, field, input::tags(value)),
            "notes" => put(&mut self.notes, field, input::text(value, input::NOTES_CHARS_MAX)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        check_cost(self.cost_model, self.cost_amount, errors);
        if self.paths.is_empty() && self.rules.is_empty() {
            errors.push("paths", "Add at least one path with an offer");
        }
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.paths.is_empty() {
                errors.push(&format!("rules[{at}].paths"), "Add at least one path with an offer");
            }
        }
        if self.all_paths().count() > ALL_PATHS_MAX {
            errors.push("rules", format!("A campaign has at most {ALL_PATHS_MAX} paths over all its rules"));
        }
        let mut ids = HashSet::new();
        for (place, path) in self.placed_paths() {
            if path.offers.is_empty() && path.landers.is_empty() {
                errors.push(&format!("{place}.offers"), "Choose at least one offer");
            }
            if path.id.is_some_and(|id| !ids.insert(id)) {
                errors.push(&format!("{place}.id"), "This path stands here twice");
            }
        }
    }
}

impl Campaign {
    /// Every path: the default ones, then those of the rules.
    pub fn all_paths(&self) -> impl Iterator<Item = &CampaignPath> {
        self.paths.iter().chain(self.rules.iter().flat_map(|rule| &rule.paths))
    }

    /// Every path with its place in the fields: `paths[0]`, `rules[1].paths[0]`.
    pub fn placed_paths(&self) -> impl Iterator<Item = (String, &CampaignPath)> {
        let own = self.paths.iter().enumerate().map(|(at, path)| (format!("paths[{at}]"), path));
        let of_rules = self.rules.iter().enumerate().flat_map(|(rule, value)| {
            let paths = value.paths.iter().enumerate();
            paths.map(move |(at, path)| (format!("rules[{rule}].paths[{at}]"), path))
        });
        own.chain(of_rules)
    }
}

fn slug(value: &Value) -> input::Reading<String> {
    let slug = input::line(value, SLUG_CHARS_MAX)?.to_ascii_lowercase();
    if slug.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        Ok(slug)
    } else {
        Err("Use letters, digits, - and _ only".to_owned())
    }
}

/// The old tracker's addresses: a list, or a text with one on each line.
fn aliases(value: &Value) -> input::Reading<Vec<String>> {
    let written: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.lines().collect(),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().ok_or("Must be a list of texts"));
            texts.collect::<Result<_, _>>()?
        }
        _ => return Err("Must be a list of old addresses".to_owned()),
    };
    let mut aliases: Vec<String> = Vec::new();
    for text in written.into_iter().filter(|text| !text.trim().is_empty()) {
        if aliases.len() >= ALIASES_MAX {
            return Err(format!("A campaign has at most {ALIASES_MAX} old addresses"));
        }
        let alias = read_alias(text)?;
        if !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    Ok(aliases)
}

/// Where visitors go when nothing else is left: an address with macros, or nowhere.
///
/// # Errors
/// What is wrong with the address, and where.
pub fn fallback(value: &Value) -> input::Reading<String> {
    if input::is_blank(value) { Ok(String::new()) } else { template(value, TemplateUse::Offer) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(fields: Value) -> Result<Campaign, FieldErrors> {
        let mut campaign = Campaign::default();
        campaign.apply(&serde_json::from_value(fields).unwrap())?;
        Ok(campaign)
    }

    #[test]
    fn a_small_campaign_takes_the_defaults() {
        let made = apply(json!({"name": "A", "paths": [{"offers": [{"offer_id": 3}]}]})).unwrap();
        assert_eq!(made.paths[0].weight, 100);
        assert_eq!(made.paths[0].offers, [WeightedTarget { target: Target::Offer(3), weight: 100 }]);
        assert_eq!(made.unique_window_hours, 24);
    }

    #[test]
    fn errors_carry_their_place() {
        let errors = apply(json!({
            "name": "A", "slug": "a b",
            "paths": [{"weight": -1, "offers": [{"offer_id": 1}, {"offer_id": 1}], "colour": 1}]
        }))
        .unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["paths[0].colour", "paths[0].offers", "paths[0].weight", "slug"]);
    }

    #[test]
    fn rules_are_read_with_their_paths() {
        let when = json!({"any": [{"all": [{"fact": "country", "op": "is", "values": ["de"]}]}]});
        let made = apply(json!({"name": "A", "sticky": true, "rules": [
            {"name": "German", "when": when, "paths": [{"offers": [{"campaign_id": 5}, {"offer_id": 5, "weight": 0}]}]}
        ]})).unwrap();
        assert!(made.sticky && made.paths.is_empty());
        let offers = &made.rules[0].paths[0].offers;
        assert_eq!(offers[0].campaign_id(), Some(5));
        assert_eq!(
            serde_json::to_string(offers).unwrap(),
            r#"[{"campaign_id":5,"weight":100},{"id":5,"weight":0}]"#
        );
        let back: Vec<WeightedTarget> =
            serde_json::from_str(r#"[{"campaign_id":5,"weight":100},{"id":5,"weight":0}]"#).unwrap();
        assert_eq!(&back, offers);
        let errors = apply(json!({"name": "A", "rules": [{"paths": [{"offers": [{"campaign_id": 5, "offer_id": 1}]}, {"id": 1}]},
            {"when": {"any": [{"all": [{"fact": "country", "op": "less", "values": ["de"]}]}]}}]})).unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            ["rules[0].paths[0].offers", "rules[0].when", "rules[1].when.any[0].all[0].op", "paths"]
        );
        let errors = apply(json!({"name": "A", "paths": [{"id": 1, "offers": [{"offer_id": 1}]}],
            "rules": [{"when": when, "paths": [{"id": 1, "landers": [{"lander_id": 1}]}]}, {"when": when}]}))
        .unwrap_err();
        assert_eq!(errors.message("rules[0].paths[0].id"), Some("This path stands here twice"));
        assert!(errors.message("rules[1].paths").is_some());
    }
}
