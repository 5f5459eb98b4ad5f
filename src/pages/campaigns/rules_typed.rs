//! The rules of a campaign form as texts: how stored ones are written into it, read out of it, and changed by its buttons.

use super::rows;
use crate::domain::campaign::CampaignRule;
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{Condition, Fact, Kind, NamedFact, Op};
use crate::pages::typed::Typed;
use serde_json::{Value, json};

/// Says that a form shows the rules: without a row of them all were taken away.
pub(super) const SHOWN: &str = "has_rules";

/// Where a new row stands, for the browser to put the cursor there.
pub(super) const FOCUS: &str = "focus";

/// What a condition asks of the visitor, as it was typed.
pub(super) struct Asked {
    /// The word of the fact; `query` and `header` stand before a name.
    pub(super) word: String,
    /// The fact; none where it has no name yet.
    pub(super) fact: Option<Fact>,
    /// What kind of thing it is.
    pub(super) kind: Kind,
    /// By which operator, where it is one that fits.
    pub(super) op: Option<Op>,
}

impl Asked {
    /// Reads it off the condition at a place.
    pub(super) fn at(typed: &Typed, place: &str) -> Self {
        let word = typed.get(&format!("{place}.fact")).to_owned();
        let fact = Fact::parse(&full(typed, place));
        let kind = fact.as_ref().map_or(Kind::Open, Fact::kind);
        let op = Op::parse(typed.get(&format!("{place}.op"))).filter(|op| kind.ops().contains(op));
        Self { word, fact, kind, op }
    }

    /// The operator, or the first that fits.
    pub(super) fn op_or_first(&self) -> Op {
        self.op.or_else(|| self.kind.ops().first().copied()).unwrap_or(Op::Is)
    }

    /// Lists can be named beside values.
    pub(super) fn takes_lists(&self) -> bool {
        matches!(self.op_or_first(), Op::In | Op::NotIn)
    }

    /// It is asked on a clock.
    pub(super) const fn is_clock(&self) -> bool {
        matches!(self.kind, Kind::Day | Kind::Hour)
    }

    /// How its values are told apart.
    pub(super) fn separation(&self) -> Separation {
        use NamedFact::{Brand, Browser, Connection, Domain, Os, ReferrerHost};
        if matches!(self.op_or_first(), Op::Contains | Op::Matches) {
            return Separation::Lines;
        }
        match (self.kind, &self.fact) {
            (Kind::Version, _)
            | (_, Some(Fact::Named(Brand | Browser | Connection | Domain | Os | ReferrerHost))) => {
                Separation::LinesElseCommas
            }
            (Kind::Text | Kind::Open, _) => Separation::Lines,
            _ => Separation::Both,
        }
    }
}

/// How the values of a condition are told apart in its field. What people write with commas may be read by them only
/// where no value can have one: a network is called "Example, Inc.".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separation {
    /// A value a line.
    Lines,
    /// By commas, unless there is more than one line.
    LinesElseCommas,
    /// By commas and lines.
    Both,
}

impl Separation {
    /// The values of a field.
    pub(super) fn split(self, text: &str) -> Vec<&str> {
        let is_by_comma = match self {
            Self::Lines => false,
            Self::LinesElseCommas => !text.contains('\n'),
            Self::Both => true,
        };
        let values = text.split(|c| c == '\n' || (is_by_comma && c == ','));
        values.map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// The field of some values.
    fn join(self, values: &[String]) -> String {
        let has_comma = values.iter().any(|value| value.contains(','));
        if self == Self::Both || (self == Self::LinesElseCommas && !has_comma) {
            return values.join(", ");
        }
        // One value with a comma is read whole only where a second line begins.
        let end = if self == Self::LinesElseCommas { "\n" } else { "" };
        format!("{}{end}", values.join("\n"))
    }
}

/// The fact of a condition with its name: `query:zone`.
fn full(typed: &Typed, place: &str) -> String {
    let word = typed.get(&format!("{place}.fact"));
    match word {
        "query" | "header" => format!("{word}:{}", typed.get(&format!("{place}.fact_name")).trim()),
        word => word.to_owned(),
    }
}

/// Writes rules into a form, with their numbers.
pub(super) fn put(typed: &mut Typed, rules: &[CampaignRule]) {
    for rule in rules {
        put_one(typed, rule);
    }
}

/// Writes one more rule into a form, and says its place.
pub(super) fn put_one(typed: &mut Typed, rule: &CampaignRule) -> String {
    let place = format!("rules.{}", typed.next_row("rules"));
    typed.push(format!("{place}.id"), rule.id.map(|id| id.to_string()).unwrap_or_default());
    typed.push(format!("{place}.name"), &*rule.name);
    typed.push(format!("{place}.on"), (rule.status == EntityStatus::Active).to_string());
    for (group, conditions) in rule.when.any.iter().enumerate() {
        for (at, condition) in conditions.all.iter().enumerate() {
            put_condition(typed, &format!("{place}.any.{group}.all.{at}"), condition);
        }
    }
    rows::put(typed, &format!("{place}.paths"), &rule.paths);
    place
}

fn put_condition(typed: &mut Typed, place: &str, condition: &Condition) {
    let fact = condition.fact.to_string();
    let (word, name) = fact.split_once(':').unwrap_or((&fact, ""));
    typed.push(format!("{place}.fact"), word);
    typed.push(format!("{place}.fact_name"), name);
    typed.push(format!("{place}.op"), condition.op.as_str());
    let values = Asked::at(typed, place).separation().join(&condition.values);
    typed.push(format!("{place}.values"), values);
    for (row, id) in condition.lists.iter().enumerate() {
        typed.push(format!("{place}.lists.{row}.list_id"), id.to_string());
    }
    if let Some(zone) = condition.time_zone {
        typed.push(format!("{place}.time_zone"), zone.name());
    }
}

/// Reads the rules of a form, in the order of their rows.
pub(super) fn read(typed: &Typed) -> Value {
    let rule = |row: String| {
        let place = format!("rules.{row}");
        let part = |part: &str| typed.get(&format!("{place}.{part}"));
        let is_on = typed.is_on(&format!("{place}.on"));
        let status = if is_on { EntityStatus::Active } else { EntityStatus::Paused };
        json!({
            "id": part("id"),
            "name": part("name"),
            "status": status.as_str(),
            "when": conditions(typed, &place),
            "paths": rows::read(typed, &format!("{place}.paths")),
        })
    };
    typed.rows("rules").into_iter().map(rule).collect()
}

fn conditions(typed: &Typed, rule: &str) -> Value {
    let group = |places: Vec<String>| {
        let all: Vec<Value> = places.iter().map(|place| condition(typed, place)).collect();
        json!({ "all": all })
    };
    json!({ "any": groups(typed, rule).into_iter().map(|(_, all)| group(all)).collect::<Vec<_>>() })
}

/// The groups of a rule: the place of each, and those of its conditions.
pub(super) fn groups(typed: &Typed, rule: &str) -> Vec<(String, Vec<String>)> {
    let any = format!("{rule}.any");
    let group = |row: String| {
        let place = format!("{any}.{row}");
        let all = format!("{place}.all");
        let conditions = typed.rows(&all).into_iter().map(|row| format!("{all}.{row}")).collect();
        (place, conditions)
    };
    typed.rows(&any).into_iter().map(group).collect()
}

/// Reads one condition. A list or a zone that no longer fits its fact and operator is not shown, and not sent either.
pub(super) fn condition(typed: &Typed, place: &str) -> Value {
    let asked = Asked::at(typed, place);
    let lists = if asked.takes_lists() { chosen_lists(typed, place) } else { Vec::new() };
    let time_zone = asked.is_clock().then(|| typed.get(&format!("{place}.time_zone")));
    json!({
        "fact": full(typed, place),
        "op": typed.get(&format!("{place}.op")),
        "values": asked.separation().split(typed.get(&format!("{place}.values"))),
        "lists": lists,
        "time_zone": time_zone,
    })
}

/// The lists that a condition names, as they were sent.
pub(super) fn chosen_lists<'a>(typed: &'a Typed, place: &str) -> Vec<&'a str> {
    let list = format!("{place}.lists");
    let chosen = |row: String| typed.get(&format!("{list}.{row}.list_id"));
    typed.rows(&list).into_iter().map(chosen).filter(|id| !id.is_empty()).collect()
}

/// Does what a button of the rules says; whether there was one.
pub(super) fn change(typed: &mut Typed, action: &str) -> bool {
    let (deed, place) = action.split_once('.').unwrap_or((action, ""));
    if !place.is_empty() && !rows::is_place(place) {
        return false;
    }
    match (deed, place) {
        ("add-rule", "") => {
            let place = format!("rules.{}", typed.next_row("rules"));
            typed.push(format!("{place}.on"), "true");
            typed.push(format!("{place}.open"), "true");
            add_condition(typed, &format!("{place}.any.0"));
            rows::add(typed, &format!("{place}.paths"));
        }
        ("add-group", rule) if !rule.is_empty() => {
            let row = typed.next_row(&format!("{rule}.any"));
            add_condition(typed, &format!("{rule}.any.{row}"));
        }
        ("add-condition", group) if !group.is_empty() => add_condition(typed, group),
        ("up" | "down", rule) => {
            let Some(row) = rule.strip_prefix("rules.") else { return false };
            typed.move_row("rules", row, deed == "up");
        }
        // The fields of another fact are drawn.
        ("tell", "") => {}
        _ => return false,
    }
    true
}

fn add_condition(typed: &mut Typed, group: &str) {
    let place = format!("{group}.all.{}", typed.next_row(&format!("{group}.all")));
    typed.push(format!("{place}.fact"), NamedFact::Country.as_str());
    typed.push(format!("{place}.op"), Op::In.as_str());
    typed.push(FOCUS.to_owned(), place);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input::FieldErrors;
    use crate::domain::rule;

    #[test]
    fn stored_rules_come_back_from_a_form_as_they_were() {
        let when = json!({"any": [
            {"all": [{"fact": "country", "op": "in", "values": ["DE", "AT"], "lists": ["7"]},
                {"fact": "isp", "op": "is", "values": ["Example, Inc."]},
                {"fact": "os", "op": "is", "values": ["One, Two"]}]},
            {"all": [{"fact": "query:zone", "op": "matches", "values": ["^7\\d{1,4}$", "a,b"]},
                {"fact": "hour", "op": "not_in", "values": ["22-5"], "time_zone": "Europe/Berlin"},
                {"fact": "bot", "op": "is", "values": ["false"]}]}]});
        let mut errors = FieldErrors::default();
        let when = rule::read(&when, "when", &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        let stored =
            CampaignRule { id: Some(3), name: "A".to_owned(), when: when.clone(), ..CampaignRule::default() };
        let mut typed = Typed::default();
        put(&mut typed, &[stored.clone(), CampaignRule { status: EntityStatus::Paused, ..stored }]);
        let sent = read(&typed);
        assert_eq!((&sent[0]["id"], &sent[1]["status"]), (&json!("3"), &json!("paused")));
        assert_eq!(rule::read(&sent[0]["when"], "when", &mut errors), when);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn values_are_told_apart_as_their_fact_allows() {
        assert_eq!(Separation::Both.split("DE, AT\r\nFR,"), ["DE", "AT", "FR"]);
        assert_eq!(Separation::Lines.split("a, b\r\n\r\nc"), ["a, b", "c"]);
        assert_eq!(Separation::LinesElseCommas.split("iOS, Android"), ["iOS", "Android"]);
        assert_eq!(Separation::LinesElseCommas.split("One, Two\n"), ["One, Two"]);
    }

    #[test]
    fn buttons_add_and_move_rules() {
        let mut typed = Typed::default();
        for action in
            ["add-rule", "add-rule", "add-group.rules.0", "add-condition.rules.0.any.1", "down.rules.0"]
        {
            assert!(change(&mut typed, action), "{action}");
        }
        assert_eq!(typed.rows("rules"), ["1", "0"]);
        let counts: Vec<usize> = groups(&typed, "rules.0").iter().map(|(_, all)| all.len()).collect();
        assert_eq!((counts, typed.rows("rules.0.paths").len()), (vec![1, 2], 1));
        for not_mine in ["save", "up.paths.0", "add-group.", "add-rule.x", "add-condition.a b"] {
            assert!(!change(&mut typed, not_mine), "{not_mine}");
        }
    }
}
