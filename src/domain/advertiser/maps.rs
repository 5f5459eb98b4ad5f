//! The maps of an advertiser, as people type them: their word on one side, what we read it as on the other.

use super::{DuplicateMode, EventMeaning, PARAMS, fold_event};
use crate::domain::input::{self, Reading};
use crate::domain::status::Status;
use serde_json::Value;
use std::collections::BTreeMap;

/// Entries of a map.
const MAP_ENTRIES_MAX: usize = 200;

pub(super) fn map<T>(value: &Value, read: fn(&Value) -> Reading<T>) -> Reading<BTreeMap<String, T>> {
    let Value::Object(entries) = value else {
        return if input::is_blank(value) {
            Ok(BTreeMap::new())
        } else {
            Err("Must be an object of pairs".to_owned())
        };
    };
    if entries.len() > MAP_ENTRIES_MAX {
        return Err(format!("At most {MAP_ENTRIES_MAX} pairs"));
    }
    entries
        .iter()
        .filter(|(theirs, _)| !theirs.trim().is_empty())
        .map(|(theirs, ours)| {
            let read = read(ours).map_err(|message| format!("{theirs:?}: {message}"))?;
            Ok((theirs.trim().chars().take(255).collect(), read))
        })
        .collect()
}

pub(super) fn folded<T>(value: &Value, read: fn(&Value) -> Reading<T>) -> Reading<BTreeMap<String, T>> {
    Ok(map(value, read)?.into_iter().map(|(theirs, ours)| (theirs.to_lowercase(), ours)).collect())
}

pub(super) fn read_param(value: &Value) -> Reading<String> {
    let name = input::line(value, input::WORD_CHARS_MAX)?;
    let is_slot = |prefix: &str, max: u8| {
        name.strip_prefix(prefix).and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=max).contains(&n))
    };
    if PARAMS.contains(&name.as_str()) || is_slot("sub", 20) || is_slot("p", 10) {
        Ok(name)
    } else {
        Err(format!("{name:?} is none of our parameters: {}, sub1..sub20, p1..p10", PARAMS.join(", ")))
    }
}

pub(super) fn read_status(value: &Value) -> Reading<Status> {
    input::word(value, Status::parse, Status::choices)
}

pub(super) fn read_event(value: &Value) -> Reading<EventMeaning> {
    let meaning = match value {
        Value::String(event) => EventMeaning { event: event.clone(), status: None },
        _ => serde_json::from_value(value.clone()).map_err(|error| error.to_string())?,
    };
    let event = fold_event(&meaning.event);
    if event.is_empty() {
        Err("Write the event's name".to_owned())
    } else {
        Ok(EventMeaning { event, ..meaning })
    }
}

pub(super) fn read_mode(value: &Value) -> Reading<DuplicateMode> {
    input::word(value, DuplicateMode::parse, DuplicateMode::choices)
}

/// A map by events, whose names are folded as those of postbacks are.
pub(super) fn by_event<T>(value: &Value, read: fn(&Value) -> Reading<T>) -> Reading<BTreeMap<String, T>> {
    Ok(map(value, read)?.into_iter().map(|(event, read)| (fold_event(&event), read)).collect())
}
