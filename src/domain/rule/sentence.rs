//! Conditions told as a sentence: "Country is Germany or Austria and device is mobile".

use super::fact::{Fact, Kind, NamedFact, Op};
use super::value::UNKNOWN;
use super::{Condition, Conditions};
use crate::domain::{Country, Device};

/// Values of one condition that a sentence names; of more it says how many.
const VALUES_TOLD_MAX: usize = 6;

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its words.
    pub text: String,
    /// It is a fact or a value, not what joins them.
    pub is_thing: bool,
}

impl Told {
    fn joint(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_thing: false }
    }

    fn thing(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_thing: true }
    }
}

impl Conditions {
    /// The conditions as a sentence. `list` gives a list's name.
    #[must_use]
    pub fn sentence(&self, list: &dyn Fn(i64) -> Option<String>) -> String {
        capital(&whole(&self.told(list)))
    }

    /// The same in pieces, beginning with a small letter, to stand behind "if".
    #[must_use]
    pub fn told(&self, list: &dyn Fn(i64) -> Option<String>) -> Vec<Told> {
        let mut told = Vec::new();
        for (at, group) in self.any.iter().enumerate() {
            if at > 0 {
                told.push(Told::joint(", or "));
            }
            for (at, condition) in group.all.iter().enumerate() {
                if at > 0 {
                    told.push(Told::joint(" and "));
                }
                told.extend(condition.told(list));
            }
        }
        told
    }
}

impl Condition {
    /// The condition in words, beginning with a small letter.
    #[must_use]
    pub fn sentence(&self, list: &dyn Fn(i64) -> Option<String>) -> String {
        whole(&self.told(list))
    }

    fn told(&self, list: &dyn Fn(i64) -> Option<String>) -> Vec<Told> {
        let named: Vec<String> = self.values.iter().map(|value| shown(value, &self.fact, self.op)).collect();
        if let (Fact::Named(flag @ (NamedFact::Unique | NamedFact::Bot)), Some(value)) =
            (&self.fact, self.values.first())
        {
            return vec![Told::joint(flag_words(*flag, (value == "true") != self.op.is_negated()))];
        }
        let lists = self.lists.iter().map(|id| match list(*id) {
            Some(name) => format!("on the list {name}"),
            None => format!("on the list {id}, which is gone"),
        });
        let mut things = told(named);
        things.extend(lists);
        let verb = verb(self.op, things.len());
        let mut told = vec![Told::thing(self.fact.label()), Told::joint(format!(" {verb} "))];
        let joint = if self.op.is_negated() { " nor " } else { " or " };
        let last = things.len().saturating_sub(1);
        for (at, thing) in things.into_iter().enumerate() {
            match at {
                0 => {}
                _ if at == last => told.push(Told::joint(joint)),
                _ => told.push(Told::joint(", ")),
            }
            told.push(Told::thing(thing));
        }
        if matches!(self.fact.kind(), Kind::Day | Kind::Hour) {
            told.push(Told::joint(format!(" ({})", self.time_zone.map_or("UTC", super::Zone::name))));
        }
        told
    }
}

fn whole(told: &[Told]) -> String {
    told.iter().map(|piece| piece.text.as_str()).collect()
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

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
