//! A rule's conditions: who a visitor must be for the rule's paths.
//!
//! Groups of conditions: all of a group must hold (AND), of one group at least (OR). They are read and checked when
//! saved ([`read`]), kept as values, told as a sentence ([`Conditions::sentence`]), and made into a [`Matcher`] for
//! the click path.

mod compare;
mod fact;
mod list;
mod matcher;
mod pattern;
mod ranges;
mod reading;
mod sentence;
#[cfg(test)]
mod tests;
mod value;

pub use compare::{compare_numbers, compare_versions};
pub use fact::{Fact, Kind, NamedFact, Op};
pub use list::{LIST_VALUES_MAX, ListKind, ListSet, ValueList, list_values};
pub use matcher::{Library, Matcher, Visit, explain};
pub use pattern::{PATTERN_CHARS_MAX, Pattern, PatternError};
pub use ranges::Ranges;
pub use reading::read;
pub use sentence::Told;
pub use value::{UNKNOWN, Zone};

use serde::{Deserialize, Serialize};

/// Rules of a campaign: each may be asked for every click.
pub const RULES_MAX: usize = 50;
/// Groups of a rule.
pub const GROUPS_MAX: usize = 20;
/// Conditions of a rule, over all its groups: longer ones nobody can read any more.
pub const CONDITIONS_MAX: usize = 50;
/// Values of one condition; longer sets are lists.
pub const VALUES_MAX: usize = 1_000;
/// Lists that one condition names.
pub const LISTS_MAX: usize = 20;

/// When a rule holds: when any of its groups does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The groups; none never holds.
    pub any: Vec<Group>,
}

/// Conditions that must hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The conditions.
    pub all: Vec<Condition>,
}

/// One condition: a fact of the visitor, an operator, and what it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked of the visitor.
    pub fact: Fact,
    /// How it is compared.
    pub op: Op,
    /// With what; any of several will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Lists whose values count as if they stood here, by number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<i64>,
    /// For the day of week and the hour: on whose clock; UTC where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
}

impl Conditions {
    /// Every condition of every group.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.any.iter().flat_map(|group| &group.all)
    }

    /// The lists that are named, each once.
    #[must_use]
    pub fn list_ids(&self) -> Vec<i64> {
        let mut ids: Vec<i64> = self.conditions().flat_map(|condition| &condition.lists).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}
