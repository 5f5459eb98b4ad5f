//! Reading a rule's conditions from a form or a JSON body, each error beside its place.

use super::fact::{Fact, Kind, Op};
use super::value::{self, Zone};
use super::{CONDITIONS_MAX, Condition, Conditions, GROUPS_MAX, Group, LISTS_MAX, VALUES_MAX};
use crate::domain::input::{self, FieldErrors, Reading};
use crate::domain::rule::NamedFact;
use serde_json::{Map, Value};

/// Reads `{"any":[{"all":[{"fact","op","values"}]}]}`.
pub fn read(value: &Value, place: &str, errors: &mut FieldErrors) -> Conditions {
    const FORM: &str = "Must be conditions: {\"any\":[{\"all\":[{\"fact\",\"op\",\"values\"}]}]}";
    let mut conditions = Conditions::default();
    let Some(groups) = only_list(value, "any") else {
        errors.push(place, FORM);
        return conditions;
    };
    if groups.len() > GROUPS_MAX {
        errors.push(place, format!("At most {GROUPS_MAX} groups"));
        return conditions;
    }
    let mut count = 0;
    for (at, item) in groups.iter().enumerate() {
        let place = format!("{place}.any[{at}]");
        let Some(all) = only_list(item, "all") else {
            errors.push(&place, FORM);
            continue;
        };
        count += all.len();
        if count > CONDITIONS_MAX {
            errors.push(&place, format!("A rule has at most {CONDITIONS_MAX} conditions"));
            return conditions;
        }
        if all.is_empty() {
            errors.push(&place, "Add a condition, or take the group away");
        }
        let read = |(at, item)| condition(item, &format!("{place}.all[{at}]"), errors);
        let group = Group { all: all.iter().enumerate().filter_map(read).collect() };
        conditions.any.push(group);
    }
    if groups.is_empty() {
        errors.push(place, "Add a condition: a rule says whom it is for");
    }
    conditions
}

/// The list under the only name of an object.
fn only_list<'a>(value: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    let object = value.as_object()?;
    let list = object.get(name)?.as_array()?;
    (object.len() == 1).then_some(list)
}

fn condition(item: &Value, place: &str, errors: &mut FieldErrors) -> Option<Condition> {
    let Value::Object(parts) = item else {
        errors.push(place, "Must be a condition: {\"fact\",\"op\",\"values\"}");
        return None;
    };
    let known = ["fact", "op", "values", "lists", "time_zone"];
    for unknown in parts.keys().filter(|name| !known.contains(&name.as_str())) {
        errors.push(&format!("{place}.{unknown}"), "There is no such field");
    }
    let mut keep = |part: &str, message: String| errors.push(&format!("{place}.{part}"), message);
    let fact = fact(parts).map_err(|message| keep("fact", message)).ok()?;
    let op = op(parts, &fact).map_err(|message| keep("op", message)).ok()?;
    let lists = lists(parts, op).map_err(|message| keep("lists", message)).ok();
    let values = values(parts, &fact, op).map_err(|(part, message)| keep(&part, message)).ok();
    let time_zone = time_zone(parts, &fact).map_err(|message| keep("time_zone", message)).ok();
    let (lists, values, time_zone) = (lists?, values?, time_zone?);
    if values.is_empty() && lists.is_empty() {
        keep("values", format!("Write what the {} is compared with", fact.label()));
        return None;
    }
    if values.len() > 1 && is_single(&fact, op) {
        keep("values", format!("{} takes one value", words(op)));
        return None;
    }
    Some(Condition { fact, op, values, lists, time_zone })
}

fn is_single(fact: &Fact, op: Op) -> bool {
    matches!(op, Op::Greater | Op::Less) || fact.kind() == Kind::Flag
}

fn fact(parts: &Map<String, Value>) -> Reading<Fact> {
    let text = parts.get("fact").and_then(Value::as_str).unwrap_or("").trim();
    Fact::parse(text).ok_or_else(|| match text.split_once(':') {
        Some(("query", _)) => "Write the parameter's bare name, without spaces, & = or #".to_owned(),
        Some(("header", _)) => "Write the header's name: letters, digits, - and _".to_owned(),
        _ => format!(
            "There is no fact {text:?}: write one of {}, sub1 to sub20, query:name, header:name",
            NamedFact::choices()
        ),
    })
}

fn op(parts: &Map<String, Value>, fact: &Fact) -> Reading<Op> {
    let text = parts.get("op").and_then(Value::as_str).unwrap_or("").trim();
    let allowed = fact.kind().ops();
    let choices = || allowed.iter().map(|op| op.as_str()).collect::<Vec<_>>().join(", ");
    match Op::parse(text) {
        Some(op) if allowed.contains(&op) => Ok(op),
        Some(op) => {
            Err(format!("The {} cannot be compared by {op}: write one of {}", fact.label(), choices()))
        }
        None => Err(format!("There is no operator {text:?}: write one of {}", choices())),
    }
}

fn lists(parts: &Map<String, Value>, op: Op) -> Reading<Vec<i64>> {
    let items = match parts.get("lists") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err("Must be a list of numbers of lists".to_owned()),
    };
    let mut ids = Vec::new();
    for item in items {
        if let Some(id) = input::id(item)?
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    if !ids.is_empty() && !matches!(op, Op::In | Op::NotIn) {
        return Err(format!("{} uses no lists: write in or not_in", words(op)));
    }
    if ids.len() > LISTS_MAX { Err(format!("At most {LISTS_MAX} lists")) } else { Ok(ids) }
}

/// The values, or which part is wrong and why.
fn values(parts: &Map<String, Value>, fact: &Fact, op: Op) -> Result<Vec<String>, (String, String)> {
    let single;
    let items = match parts.get("values") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => {
            single = [one.clone()];
            &single
        }
    };
    if items.len() > VALUES_MAX {
        let message = format!("At most {VALUES_MAX} values: put longer sets on a list");
        return Err(("values".to_owned(), message));
    }
    let mut values: Vec<String> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let read = value::read(item, fact, op).map_err(|message| (format!("values[{at}]"), message))?;
        if !values.contains(&read) {
            values.push(read);
        }
    }
    Ok(values)
}

fn time_zone(parts: &Map<String, Value>, fact: &Fact) -> Reading<Option<Zone>> {
    let is_clock = matches!(fact.kind(), Kind::Day | Kind::Hour);
    match parts.get("time_zone").filter(|value| !input::is_blank(value)) {
        None => Ok(None),
        Some(_) if !is_clock => Err(format!("The {} has no time zone", fact.label())),
        Some(value) => {
            let zone = value.as_str().and_then(Zone::parse);
            zone.map(Some).ok_or_else(|| "Write a name of the IANA list, like Europe/Berlin".to_owned())
        }
    }
}

fn words(op: Op) -> String {
    format!("The operator {op}")
}
