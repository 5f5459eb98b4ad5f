//! Conditions told as a sentence: "Country is Germany or Austria and device is mobile".

use super::fact::{Fact, Kind, NamedFact, Op};
use super::value::UNKNOWN;
use super::{Condition, Conditions, Group};
use crate::domain::{Country, Device};

/// Values of one condition that a sentence names; of more it says how many.
const VALUES_TOLD_MAX: usize = 6;

impl Conditions {
    /// The conditions as a sentence. `list` gives a list's name.
    #[must_use]
    pub fn sentence(&self, list: &dyn Fn(i64) -> Option<String>) -> String {
        let groups: Vec<String> = self.any.iter().map(|group| group.sentence(list)).collect();
        capital(&groups.join(", or "))
    }
}

impl Group {
    fn sentence(&self, list: &dyn Fn(i64) -> Option<String>) -> String {
        let all: Vec<String> = self.all.iter().map(|condition| condition.sentence(list)).collect();
        all.join(" and ")
    }
}

impl Condition {
    /// The condition in words, beginning with a small letter.
    #[must_use]
    pub fn sentence(&self, list: &dyn Fn(i64) -> Option<String>) -> String {
        let named: Vec<String> = self.values.iter().map(|value| shown(value, &self.fact, self.op)).collect();
        if let (Fact::Named(flag @ (NamedFact::Unique | NamedFact::Bot)), Some(value)) =
            (&self.fact, self.values.first())
        {
            return flag_words(*flag, (value == "true") != self.op.is_negated()).to_owned();
        }
        let lists = self.lists.iter().map(|id| match list(*id) {
            Some(name) => format!("on the list {name}"),
            None => format!("on the list {id}, which is gone"),
        });
        let mut things = told(named);
        things.extend(lists);
        let zone = match self.fact.kind() {
            Kind::Day | Kind::Hour => format!(" ({})", self.time_zone.map_or("UTC", super::Zone::name)),
            _ => String::new(),
        };
        let joint = if self.op.is_negated() { "nor" } else { "or" };
        format!("{} {} {}{zone}", self.fact.label(), verb(self.op, things.len()), joined(&things, joint))
    }
}

fn verb(op: Op, things: usize) -> &'static str {
    match op {
        Op::Is | Op::In => "is",
        Op::IsNot | Op::NotIn if things > 1 => "is neither",
        Op::IsNot | Op::NotIn => "is not",
        Op::Contains => "contains",
        Op::Matches => "matches",
        Op::Greater => "is greater than",
        Op::Less => "is less than",
    }
}

fn flag_words(flag: NamedFact, is_so: bool) -> &'static str {
    match (flag, is_so) {
        (NamedFact::Unique, true) => "the visitor is new",
        (NamedFact::Unique, false) => "the visitor was here before",
        (_, true) => "the visitor is a bot",
        (_, false) => "the visitor is no bot",
    }
}

fn shown(value: &str, fact: &Fact, op: Op) -> String {
    let is_written = matches!(op, Op::Contains | Op::Matches);
    match fact.kind() {
        _ if is_written => format!("\u{201c}{value}\u{201d}"),
        _ if value == UNKNOWN => "unknown".to_owned(),
        Kind::Country => {
            Country::parse(value).map_or_else(|| value.to_owned(), |country| country.name().to_owned())
        }
        Kind::Device if Device::parse(value) == Some(Device::Other) => "another one".to_owned(),
        Kind::Day => capital(value),
        Kind::Hour => value.replace('-', "\u{2013}"),
        _ => value.to_owned(),
    }
}

/// The first of many, and how many more.
fn told(mut values: Vec<String>) -> Vec<String> {
    if values.len() > VALUES_TOLD_MAX {
        let more = values.len() - (VALUES_TOLD_MAX - 1);
        values.truncate(VALUES_TOLD_MAX - 1);
        values.push(format!("{more} more"));
    }
    values
}

/// `A`, `A or B`, `A, B or C`.
fn joined(things: &[String], joint: &str) -> String {
    match things.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} {joint} {last}", others.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
