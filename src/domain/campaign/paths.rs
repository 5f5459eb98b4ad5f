//! A campaign's paths and rules, and how they are read.

use crate::domain::input::{self, FieldErrors};
use crate::domain::lander::{EntityStatus, status};
use crate::domain::rule::{self, Conditions, RULES_MAX};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Paths of a campaign, or of one of its rules: more is a mistake, and each is walked on the click path.
pub const PATHS_MAX: usize = 50;
/// Paths of a campaign over all its rules.
pub const ALL_PATHS_MAX: usize = 200;
/// Landers or offers of a path.
pub const PATH_ENTRIES_MAX: usize = 100;
/// Campaigns that may follow one another, in the place of offers or as fallbacks: nobody keeps longer chains apart, and
/// each link is another choice on the click path.
pub const CHAIN_MAX: usize = 5;
/// The largest weight.
pub const WEIGHT_MAX: i64 = 10_000;

/// A lander with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    /// The lander's number.
    pub id: i64,
    /// Its weight among its neighbours; 0 is never drawn.
    pub weight: i64,
}

/// Where a path leads in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// To an offer.
    #[serde(rename = "id")]
    Offer(i64),
    /// Into another campaign, whose own rules and paths then decide.
    #[serde(rename = "campaign_id")]
    Campaign(i64),
}

/// Such a target with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedTarget {
    /// Where it leads.
    #[serde(flatten)]
    pub target: Target,
    /// Its weight among its neighbours; 0 is never drawn.
    pub weight: i64,
}

impl WeightedTarget {
    /// The offer's number, where it is one.
    #[must_use]
    pub const fn offer_id(&self) -> Option<i64> {
        match self.target {
            Target::Offer(id) => Some(id),
            Target::Campaign(_) => None,
        }
    }

    /// The campaign's number, where it is one.
    #[must_use]
    pub const fn campaign_id(&self) -> Option<i64> {
        match self.target {
            Target::Offer(_) => None,
            Target::Campaign(id) => Some(id),
        }
    }
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
    /// Offers, and campaigns in the place of offers.
    pub offers: Vec<WeightedTarget>,
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

/// Paths for visitors of whom its conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRule {
    /// Its number, once saved.
    pub id: Option<i64>,
    /// Its name, for reports.
    pub name: String,
    /// In use or not.
    pub status: EntityStatus,
    /// For whom it is.
    pub when: Conditions,
    /// Its paths.
    pub paths: Vec<CampaignPath>,
}

impl Default for CampaignRule {
    fn default() -> Self {
        Self {
            id: None,
            name: String::new(),
            status: EntityStatus::Active,
            when: Conditions::default(),
            paths: Vec::new(),
        }
    }
}

/// Reads a list of paths that stands at a place like `rules[0].paths`.
pub(super) fn paths(value: &Value, place: &str, errors: &mut FieldErrors) -> Vec<CampaignPath> {
    let Value::Array(items) = value else {
        errors.push(place, "Must be a list of paths");
        return Vec::new();
    };
    if items.len() > PATHS_MAX {
        errors.push(place, format!("At most {PATHS_MAX} paths"));
        return Vec::new();
    }
    items.iter().enumerate().map(|(at, item)| path(item, &format!("{place}[{at}]"), errors)).collect()
}

/// Reads a campaign's rules.
pub(super) fn rules(value: &Value) -> Result<Vec<CampaignRule>, FieldErrors> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(FieldErrors::one("rules", "Must be a list of rules")),
    };
    if items.len() > RULES_MAX {
        return Err(FieldErrors::one("rules", format!("At most {RULES_MAX} rules")));
    }
    let mut errors = FieldErrors::default();
    let mut rules: Vec<CampaignRule> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let rule = rule(item, &format!("rules[{at}]"), &mut errors);
        if rule.id.is_some() && rules.iter().any(|known| known.id == rule.id) {
            errors.push(&format!("rules[{at}].id"), "This rule stands here twice");
        }
        rules.push(rule);
    }
    errors.into_result()?;
    Ok(rules)
}

fn rule(item: &Value, place: &str, errors: &mut FieldErrors) -> CampaignRule {
    let mut rule = CampaignRule::default();
    let Value::Object(parts) = item else {
        errors.push(place, "Must be a rule: {name, when, paths}");
        return rule;
    };
    for (part, value) in parts {
        let at = format!("{place}.{part}");
        let outcome = match part.as_str() {
            "id" => input::id(value).map(|id| rule.id = id),
            "name" => input::line(value, input::NAME_CHARS_MAX).map(|name| rule.name = name),
            "status" => status(value).map(|status| rule.status = status),
            "when" => {
                rule.when = rule::read(value, &at, errors);
                Ok(())
            }
            "paths" => {
                rule.paths = paths(value, &at, errors);
                Ok(())
            }
            _ => Err("There is no such field".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&at, message);
        }
    }
    if !parts.contains_key("when") {
        errors.push(&format!("{place}.when"), "Add a condition: a rule says whom it is for");
    }
    rule
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
            "landers" => landers(value).map(|landers| path.landers = landers),
            "offers" => offers(value).map(|offers| path.offers = offers),
            _ => Err("There is no such field".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&format!("{place}.{part}"), message);
        }
    }
    path
}

fn landers(value: &Value) -> input::Reading<Vec<Weighted>> {
    let read = weighted(value, &["lander_id"])?;
    Ok(read.into_iter().map(|(_, id, weight)| Weighted { id, weight }).collect())
}

fn offers(value: &Value) -> input::Reading<Vec<WeightedTarget>> {
    let target = |(field, id, weight): (&str, i64, i64)| {
        let target = if field == "offer_id" { Target::Offer(id) } else { Target::Campaign(id) };
        WeightedTarget { target, weight }
    };
    Ok(weighted(value, &["offer_id", "campaign_id"])?.into_iter().map(target).collect())
}

/// Entries with a number under one of these names, and a weight.
fn weighted(value: &Value, id_fields: &[&'static str]) -> input::Reading<Vec<(&'static str, i64, i64)>> {
    let form = || format!("Must be a list of {{{}, weight}}", id_fields.join(" or "));
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) if items.len() <= PATH_ENTRIES_MAX => items,
        Value::Array(_) => return Err(format!("At most {PATH_ENTRIES_MAX}")),
        _ => return Err(form()),
    };
    let mut entries: Vec<(&'static str, i64, i64)> = Vec::new();
    for item in items {
        let Value::Object(parts) = item else { return Err(form()) };
        if let Some(unknown) = parts.keys().find(|key| !id_fields.contains(&key.as_str()) && *key != "weight")
        {
            return Err(format!(
                "There is no field {unknown:?}: write {} and weight",
                id_fields.join(" or ")
            ));
        }
        let mut named = Vec::new();
        for field in id_fields {
            if let Some(id) = input::id(parts.get(*field).unwrap_or(&Value::Null))? {
                named.push((*field, id));
            }
        }
        let (field, id) = match named.as_slice() {
            [one] => *one,
            // A row of a form that was left alone.
            [] => continue,
            _ => return Err(format!("Write {}, not both", id_fields.join(" or "))),
        };
        let weight = parts.get("weight").filter(|weight| !input::is_blank(weight));
        let weight = weight.map_or(Ok(100), |weight| input::int(weight, 0, WEIGHT_MAX))?;
        if entries.iter().any(|known| (known.0, known.1) == (field, id)) {
            return Err(format!("{field} {id} stands here twice"));
        }
        entries.push((field, id, weight));
    }
    Ok(entries)
}
