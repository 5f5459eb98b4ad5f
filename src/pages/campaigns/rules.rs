//! The rules of a campaign form as they are drawn: each a sentence, and beneath it what it is made of.

use super::rows::{self, Choices};
use super::rules_typed::{Asked, FOCUS, Separation, chosen_lists, groups};
use super::{PathForm, sentence};
use crate::domain::campaign::ALL_PATHS_MAX;
use crate::domain::input::FieldErrors;
use crate::domain::macros::SUBS;
use crate::domain::rule::{CONDITIONS_MAX, Fact, Kind, ListKind, NamedFact, Op, RULES_MAX};
use crate::pages::forms::{Field, Select};
use crate::pages::parts::{Choice, Piece};
use crate::pages::typed::{Marked, Typed, chosen};
use std::collections::HashMap;

/// A rule as a card.
#[derive(Debug, Clone, Default)]
pub struct RuleForm {
    /// Its number in the names of its fields. Numbers may have gaps.
    pub key: String,
    /// What the names of its fields begin with (`rules.3`).
    pub place: String,
    /// What its elements are called (`rules-3`).
    pub dom: String,
    /// Its id; empty for a new one.
    pub id: String,
    /// Name.
    pub name: Field,
    /// Whether it is asked at all.
    pub is_on: bool,
    /// Whether it is opened for editing.
    pub is_open: bool,
    /// Its sentence, what stands behind "If".
    pub told: Vec<Piece>,
    /// The groups of its conditions.
    pub groups: Vec<GroupForm>,
    /// Its paths.
    pub paths: Vec<PathForm>,
    /// An error of its paths together. Empty for nothing.
    pub paths_error: String,
    /// An error of the rule as a whole. Empty for nothing.
    pub error: String,
}

/// Conditions that must hold together.
#[derive(Debug, Clone, Default)]
pub struct GroupForm {
    /// What the names of its fields begin with (`rules.3.any.0`).
    pub place: String,
    /// Its conditions.
    pub conditions: Vec<ConditionForm>,
    /// An error of the group as a whole. Empty for nothing.
    pub error: String,
}

/// One condition.
#[derive(Debug, Clone, Default)]
pub struct ConditionForm {
    /// What the names of its fields begin with (`rules.3.any.0.all.1`).
    pub place: String,
    /// What its element is called.
    pub dom: String,
    /// What is asked of the visitor.
    pub fact: Select,
    /// The name of the parameter or header; none for other facts.
    pub fact_name: Option<Field>,
    /// By which operator; only those that fit the fact.
    pub op: Select,
    /// Yes or no, for a fact that is one of them.
    pub flag: Option<Select>,
    /// The values of any other fact.
    pub values: Field,
    /// An example of values.
    pub example: &'static str,
    /// How several values are written.
    pub hint: &'static str,
    /// On whose clock; none for a fact that is not asked on one.
    pub time_zone: Option<Field>,
    /// The lists that are named, and an empty choice for one more. None where lists do not fit.
    pub lists: Vec<Select>,
    /// What is wrong with the lists. Empty for nothing.
    pub lists_error: String,
    /// An error of the condition as a whole. Empty for nothing.
    pub error: String,
    /// It was added just now: the cursor goes there.
    pub is_new: bool,
}

impl ConditionForm {
    /// What is wrong with its parts, in their order on the screen. The zone's error stands beside the zone.
    #[must_use]
    pub fn said(&self) -> Vec<&str> {
        let name = self.fact_name.as_ref().map_or("", |name| name.error.as_str());
        let all =
            [&*self.error, &self.fact.error, name, &self.op.error, &self.values.error, &self.lists_error];
        all.into_iter().filter(|text| !text.is_empty()).collect()
    }
}

/// The numbers of all lists that the rules of a form name, bounded by what a campaign may have.
pub(super) fn list_ids(typed: &Typed) -> Vec<i64> {
    let rules = typed.rows("rules").into_iter().take(RULES_MAX);
    let conditions = rules.flat_map(|row| {
        let all = groups(typed, &format!("rules.{row}")).into_iter().flat_map(|(_, all)| all);
        all.take(CONDITIONS_MAX).collect::<Vec<_>>()
    });
    conditions.flat_map(|place| sentence::list_ids_at(typed, &place)).take(ALL_PATHS_MAX).collect()
}

/// The cards of the rules, each with what is wrong in it.
pub(super) fn draw(form: Marked<'_>, choices: &Choices) -> Vec<RuleForm> {
    let names: HashMap<i64, String> = choices
        .lists
        .iter()
        .filter_map(|(_, choice)| Some((choice.value.parse().ok()?, choice.label.clone())))
        .collect();
    let rule = |(at, key): (usize, String)| {
        let place = format!("rules.{key}");
        let wrong = format!("rules[{at}]");
        let said = ["", ".id", ".status", ".when"].map(|part| form.error(&format!("{wrong}{part}")));
        let (inside, paths) = (format!("{wrong}."), format!("{wrong}.paths"));
        let has_error =
            form.errors.0.iter().any(|error| error.field == wrong || error.field.starts_with(&inside));
        let group = |(number, (place, all)): (usize, (String, Vec<String>))| {
            let wrong = format!("{wrong}.when.any[{number}]");
            let conditions = all.into_iter().enumerate();
            GroupForm {
                conditions: conditions
                    .map(|(at, place)| condition(form, place, &format!("{wrong}.all[{at}]"), choices))
                    .collect(),
                error: form.error(&wrong),
                place,
            }
        };
        RuleForm {
            dom: dom(&place),
            id: form.typed.get(&format!("{place}.id")).to_owned(),
            name: field(form, &place, &wrong, "name"),
            is_on: form.typed.is_on(&format!("{place}.on")),
            is_open: has_error || form.typed.is_on(&format!("{place}.open")),
            told: sentence::told(form.typed, &place, &|id| names.get(&id).cloned()),
            groups: groups(form.typed, &place).into_iter().enumerate().map(group).collect(),
            paths: rows::draw(form, &format!("{place}.paths"), &paths, choices),
            paths_error: form.error(&paths),
            error: said.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(". "),
            place,
            key,
        }
    };
    form.typed.rows("rules").into_iter().enumerate().map(rule).collect()
}

/// What an element at a place is called: dots would have to be escaped in selectors.
fn dom(place: &str) -> String {
    place.replace('.', "-")
}

fn field(form: Marked<'_>, place: &str, wrong: &str, part: &str) -> Field {
    Field {
        value: form.typed.get(&format!("{place}.{part}")).to_owned(),
        error: form.error(&format!("{wrong}.{part}")),
    }
}

fn condition(form: Marked<'_>, place: String, wrong: &str, choices: &Choices) -> ConditionForm {
    let asked = Asked::at(form.typed, &place);
    let op = asked.op_or_first();
    let ops: Vec<(&str, &str)> = asked.kind.ops().iter().map(|op| (op.as_str(), op_words(*op))).collect();
    let mut fact = Select { options: facts(&asked.word), error: form.error(&format!("{wrong}.fact")) };
    let has_name = matches!(asked.word.as_str(), "query" | "header");
    // The error of a fact with a name is one of the name.
    let fact_name = has_name.then(|| Field {
        value: form.typed.get(&format!("{place}.fact_name")).to_owned(),
        error: std::mem::take(&mut fact.error),
    });
    let mut values = field(form, &place, wrong, "values");
    if values.error.is_empty() {
        values.error = value_error(form.errors, &format!("{wrong}.values["));
    }
    let flag = (asked.kind == Kind::Flag).then(|| {
        let is_no = matches!(values.value.trim().to_ascii_lowercase().as_str(), "false" | "no" | "0");
        Select::new(&[("true", "yes"), ("false", "no")], if is_no { "false" } else { "true" })
    });
    let (example, hint) = words(&asked, op);
    ConditionForm {
        dom: dom(&place),
        op: Select { error: form.error(&format!("{wrong}.op")), ..Select::new(&ops, op.as_str()) },
        flag,
        values,
        example,
        hint,
        time_zone: asked.is_clock().then(|| field(form, &place, wrong, "time_zone")),
        lists: if asked.takes_lists() { lists(form.typed, &place, &asked, choices) } else { Vec::new() },
        lists_error: form.error(&format!("{wrong}.lists")),
        error: form.error(wrong),
        is_new: form.typed.get(FOCUS) == place,
        fact,
        fact_name,
        place,
    }
}

/// The first wrong value of several: which one, and why.
fn value_error(errors: &FieldErrors, start: &str) -> String {
    let wrong = errors.0.iter().find_map(|error| {
        let at = error.field.strip_prefix(start)?.strip_suffix(']')?.parse::<usize>().ok()?;
        Some((at, &error.message))
    });
    match wrong {
        None => String::new(),
        Some((0, message)) => message.clone(),
        Some((at, message)) => format!("Value {}: {message}", at + 1),
    }
}

/// The selects of a condition's lists, and an empty one while there are more to choose from.
fn lists(typed: &Typed, place: &str, asked: &Asked, choices: &Choices) -> Vec<Select> {
    let fits = |kind: ListKind| match (&asked.fact, asked.kind) {
        (Some(fact), _) => kind.fits(fact),
        (None, _) => kind == ListKind::Values,
    };
    let mut named = chosen_lists(typed, place);
    let chosen_already = |choice: &Choice| named.contains(&choice.value.as_str());
    let fitting = choices.lists.iter().filter(|(kind, choice)| fits(*kind) || chosen_already(choice));
    let fitting: Vec<Choice> = fitting.map(|(_, choice)| choice.clone()).collect();
    if fitting.is_empty() {
        return Vec::new();
    }
    if named.len() < fitting.len() {
        named.push("");
    }
    let many = named.len();
    let select = |(at, id): (usize, &str)| {
        let none = if at + 1 == many && at > 0 { "or on the list …" } else { "on no list" };
        let none = Choice { label: none.to_owned(), ..Choice::default() };
        let lists = fitting.iter().map(|list| Choice { label: format!("on {}", list.label), ..list.clone() });
        let options: Vec<Choice> = std::iter::once(none).chain(lists).collect();
        Select { options: chosen(&options, id), error: String::new() }
    };
    named.into_iter().enumerate().map(select).collect()
}

/// Every fact that can be asked, by its name in a sentence.
fn facts(chosen: &str) -> Vec<Choice> {
    let choice = |value: String, label: String| Choice { selected: value == chosen, value, label };
    let mut facts: Vec<Choice> = NamedFact::ALL
        .iter()
        .map(|named| {
            let label = match named {
                NamedFact::Unique => "new visitor".to_owned(),
                other => Fact::Named(*other).label(),
            };
            choice(named.as_str().to_owned(), label)
        })
        .collect();
    facts.push(choice("query".to_owned(), "parameter".to_owned()));
    facts.push(choice("header".to_owned(), "header".to_owned()));
    facts.extend((1..=SUBS).map(|slot| choice(format!("sub{slot}"), format!("sub{slot}"))));
    facts
}

fn op_words(op: Op) -> &'static str {
    match op {
        Op::Is => "is",
        Op::IsNot => "is not",
        Op::Contains => "contains",
        Op::Matches => "matches",
        Op::In => "is any of",
        Op::NotIn => "is none of",
        Op::Greater => "is greater than",
        Op::Less => "is less than",
    }
}

/// An example of values, and how several are written.
fn words(asked: &Asked, op: Op) -> (&'static str, &'static str) {
    let is_domain = asked.fact == Some(Fact::Named(NamedFact::Domain));
    let hint = match asked.separation() {
        _ if is_domain && op != Op::Matches => "The host of the campaign's address, without its port.",
        _ if op == Op::Matches => "A regular expression; several, one a line.",
        _ if matches!(op, Op::Greater | Op::Less) => "",
        Separation::Lines => "Several values, one a line.",
        Separation::Both | Separation::LinesElseCommas => "Several values with commas between them.",
    };
    let example = match (op, asked.kind) {
        (Op::Matches, _) => "^zone-[0-9]+$",
        (Op::Greater | Op::Less, Kind::Open) => "0.05",
        (Op::Contains, _) => "one a line",
        (_, Kind::Country) => "DE, AT",
        (_, Kind::Device) => "mobile, tablet",
        (_, Kind::Language) => "de, en",
        (_, Kind::Version) => "17.4",
        (_, Kind::Asn) => "3320, AS6805",
        (_, Kind::Address) => "203.0.113.0/24",
        (_, Kind::Day) => "saturday, sunday",
        (_, Kind::Hour) => "22-5",
        (_, Kind::Text) if asked.fact == Some(Fact::Named(NamedFact::Os)) => "Android, iOS",
        (_, Kind::Text) if is_domain => "trk.example",
        _ if asked.separation() == Separation::Lines => "one a line",
        _ => "",
    };
    (example, hint)
}
