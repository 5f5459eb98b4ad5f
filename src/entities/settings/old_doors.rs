//! The settings about the doors of the tracker before.

use crate::db::{self, AnyConnection, advertisers};
use crate::domain::advertiser::{addresses, forward};
use crate::domain::input::{self, FieldErrors, Reading, put};
use crate::domain::old_door::{OldDoor, OldDoors, read_old_key};
use crate::entities::advertisers::own_host;
use serde_json::Value;

/// Sets one of these fields. `Ok(false)` where there is no such field.
pub(super) fn set(doors: &mut OldDoors, field: &str, value: &Value) -> Result<bool, FieldErrors> {
    match field {
        "old_postbacks" => put(&mut doors.postbacks, field, read_doors(value)),
        "old_postback_addresses" => put(&mut doors.addresses, field, addresses(value)),
        "old_postback_key" => put(&mut doors.key, field, read_key(value)),
        "old_forward_unknown_to" => put(&mut doors.forward_unknown_to, field, forward(value)),
        "old_buttons" => put(&mut doors.buttons, field, input::flag(value)),
        _ => Ok(false),
    }
}

fn read_doors(value: &Value) -> Reading<Vec<OldDoor>> {
    let words: Vec<&str> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(|c: char| c == ',' || c.is_whitespace()).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().ok_or("Must be a list of words"))
            .collect::<Result<_, _>>()?,
        _ => return Err("Must be a list of words".to_owned()),
    };
    let mut doors: Vec<OldDoor> = Vec::new();
    for word in words.into_iter().filter(|word| !word.is_empty()) {
        let door = OldDoor::parse(word).ok_or_else(|| format!("Must be some of: {}", OldDoor::choices()))?;
        if !doors.contains(&door) {
            doors.push(door);
        }
    }
    Ok(doors)
}

fn read_key(value: &Value) -> Reading<String> {
    let text = input::text(value, input::WORD_CHARS_MAX * 2)?;
    if text.is_empty() { Ok(text) } else { read_old_key(&text) }
}

/// Without a key anybody could send postbacks: a list says who may, and everybody is no list.
pub(super) fn check(doors: &OldDoors, errors: &mut FieldErrors) {
    if doors.addresses.iter().any(|range| range.prefix_len() == 0) {
        errors.push(
            "old_postback_addresses",
            "A range of length 0 is everybody: name the networks' own addresses",
        );
    } else if !doors.postbacks.is_empty() && doors.addresses.is_empty() {
        let message =
            "Add the addresses that the networks send from: without a key anybody could send postbacks";
        errors.push("old_postback_addresses", message);
    }
}

/// The key of all advertisers is none of one alone, and what is sent on goes to another host.
pub(super) fn check_taken(
    doors: &OldDoors,
    conn: &mut AnyConnection,
    errors: &mut FieldErrors,
) -> db::Result<()> {
    if let Some(why) = own_host(conn, &doors.forward_unknown_to)? {
        errors.push("old_forward_unknown_to", why);
    }
    if doors.key.is_empty() {
        return Ok(());
    }
    let owners = advertisers::old_key_owners(conn, std::slice::from_ref(&doors.key))?;
    if let Some((_, id, name)) = owners.into_iter().next() {
        errors.push(
            "old_postback_key",
            format!("This is a key of the advertiser {id}, {name}: take it out there first"),
        );
    }
    Ok(())
}
