//! A campaign: one address for traffic, and the weighted paths its visitors take.

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status, template};
use super::money::Money;
use super::source::{CostModel, check_cost, cost_model};
use super::template::TemplateUse;
use super::words::word_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

word_enum! {
    /// How a visitor is sent on.
    pub enum Redirect {
        /// 302 Found.
        Found => "302",
        /// 307 Temporary Redirect.
        Temporary => "307",
    }
}

/// Paths of a campaign: more is a mistake, and each is walked on the click path.
pub const PATHS_MAX: usize = 50;
/// Landers or offers of a path.
pub const PATH_ENTRIES_MAX: usize = 100;
/// The largest weight.
pub const WEIGHT_MAX: i64 = 10_000;
/// The longest window for unique visitors, in hours: a year.
pub const UNIQUE_WINDOW_HOURS_MAX: i64 = 8_784;
/// Characters of a slug.
pub const SLUG_CHARS_MAX: usize = 64;

/// A lander or an offer with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    /// The lander's or offer's number.
    pub id: i64,
    /// Its weight among its neighbours; 0 is never drawn.
    pub weight: i64,
}

/// One way through a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignPath {
    /// Its number, once saved.
    pub id: Option<i64>,
    /// Its name, for reports.
    pub name: String,
    /// Its weight among the paths.
    pub weight: i64,
    /// In use or not.
    pub status: EntityStatus,
    /// Landers; none leads straight to an offer.
    pub landers: Vec<Weighted>,
    /// Offers.
    pub offers: Vec<Weighted>,
}

impl Default for CampaignPath {
    fn default() -> Self {
        Self {
            id: None,
            name: String::new(),
            weight: 100,
            status: EntityStatus::Active,
            landers: Vec::new(),
            offers: Vec::new(),
        }
    }
}

/// A campaign as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Its address's last part; empty asks for a random one.
    pub slug: String,
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
    /// Its paths.
    pub paths: Vec<CampaignPath>,
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
            source_id: None,
            owner_id: None,
            append_query: false,
            redirect: Redirect::Found,
            unique_window_hours: 24,
            paths: Vec::new(),
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
            "source_id" => put(&mut self.source_id, field, input::id(value)),
            "owner_id" => put(&mut self.owner_id, field, input::id(value)),
            "append_query" => put(&mut self.append_query, field, input::flag(value)),
            "redirect" => {
                put(&mut self.redirect, field, input::word(value, Redirect::parse, Redirect::choices))
            }
            "unique_window_hours" => {
                put(&mut self.unique_window_hours, field, input::int(value, 1, UNIQUE_WINDOW_HOURS_MAX))
            }
            "paths" => {
                self.paths = paths(value)?;
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
        if self.paths.is_empty() {
            errors.push("paths", "Add at least one path with an offer");
        }
        for (at, path) in self.paths.iter().enumerate() {
            if path.offers.is_empty() && path.landers.is_empty() {
                errors.push(&format!("paths[{at}].offers"), "Choose at least one offer");
            }
        }
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

fn fallback(value: &Value) -> input::Reading<String> {
    if input::is_blank(value) { Ok(String::new()) } else { template(value, TemplateUse::Offer) }
}

fn paths(value: &Value) -> Result<Vec<CampaignPath>, FieldErrors> {
    let Value::Array(items) = value else {
        return Err(FieldErrors::one("paths", "Must be a list of paths"));
    };
    if items.len() > PATHS_MAX {
        return Err(FieldErrors::one("paths", format!("At most {PATHS_MAX} paths")));
    }
    let mut errors = FieldErrors::default();
    let mut paths: Vec<CampaignPath> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let path = path(item, &format!("paths[{at}]"), &mut errors);
        if path.id.is_some() && paths.iter().any(|known| known.id == path.id) {
            errors.push(&format!("paths[{at}].id"), "This path stands here twice");
        }
        paths.push(path);
    }
    errors.into_result()?;
    Ok(paths)
}

fn path(item: &Value, place: &str, errors: &mut FieldErrors) -> CampaignPath {
    let mut path = CampaignPath::default();
    let Value::Object(parts) = item else {
        errors.push(place, "Must be a path: {name, weight, status, landers, offers}");
        return path;
    };
    for (part, value) in parts {
        let outcome = match part.as_str() {
            "id" => input::id(value).map(|id| path.id = id),
            "name" => input::line(value, input::NAME_CHARS_MAX).map(|name| path.name = name),
            "weight" => input::int(value, 0, WEIGHT_MAX).map(|weight| path.weight = weight),
            "status" => status(value).map(|status| path.status = status),
            "landers" => weighted(value, "lander_id").map(|landers| path.landers = landers),
            "offers" => weighted(value, "offer_id").map(|offers| path.offers = offers),
            _ => Err("There is no such field".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&format!("{place}.{part}"), message);
        }
    }
    path
}

fn weighted(value: &Value, id_field: &str) -> input::Reading<Vec<Weighted>> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) if items.len() <= PATH_ENTRIES_MAX => items,
        Value::Array(_) => return Err(format!("At most {PATH_ENTRIES_MAX}")),
        _ => return Err(format!("Must be a list of {{{id_field}, weight}}")),
    };
    let mut entries: Vec<Weighted> = Vec::new();
    for item in items {
        let Value::Object(parts) = item else {
            return Err(format!("Must be a list of {{{id_field}, weight}}"));
        };
        if let Some(unknown) = parts.keys().find(|key| *key != id_field && *key != "weight") {
            return Err(format!("There is no field {unknown:?}: write {id_field} and weight"));
        }
        // A row of a form that was left alone.
        let Some(id) = input::id(parts.get(id_field).unwrap_or(&Value::Null))? else { continue };
        let weight = parts.get("weight").filter(|weight| !input::is_blank(weight));
        let weight = weight.map_or(Ok(100), |weight| input::int(weight, 0, WEIGHT_MAX))?;
        if entries.iter().any(|known| known.id == id) {
            return Err(format!("{id_field} {id} stands here twice"));
        }
        entries.push(Weighted { id, weight });
    }
    Ok(entries)
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
        assert_eq!(made.paths[0].offers, [Weighted { id: 3, weight: 100 }]);
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
}
