//! Who may send an advertiser's postbacks.

use crate::domain::forward::{TEMPLATE_CHARS_MAX, read_template};
use crate::domain::input::{self, Reading};
use crate::domain::old_door::read_old_key;
use ipnet::IpNet;
use serde_json::Value;
use std::net::IpAddr;

/// Ranges of addresses of one advertiser: networks name a few dozen.
const ADDRESSES_MAX: usize = 200;

/// Characters of a preset's name.
const PRESET_CHARS_MAX: usize = 60;

/// Addresses and ranges: a list, or a text with commas, spaces or lines between them.
///
/// # Errors
/// One is neither an address nor a range, or there are too many.
pub fn addresses(value: &Value) -> Reading<Vec<IpNet>> {
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => {
            text.split(|c: char| c == ',' || c.is_whitespace()).map(str::to_owned).collect()
        }
        Value::Array(items) => {
            items.iter().map(|item| input::line(item, input::WORD_CHARS_MAX)).collect::<Result<_, _>>()?
        }
        _ => return Err("Must be a list of addresses, like [\"203.0.113.0/24\"]".to_owned()),
    };
    let mut ranges: Vec<IpNet> = Vec::new();
    for word in words.iter().filter(|word| !word.is_empty()) {
        let address = || word.parse::<IpAddr>().map(IpNet::from).ok();
        let range = word.parse::<IpNet>().ok().or_else(address).ok_or_else(|| {
            format!("{word:?} is no address: write one like 203.0.113.7, or a range like 203.0.113.0/24")
        })?;
        if !ranges.contains(&range.trunc()) {
            ranges.push(range.trunc());
        }
    }
    if ranges.len() > ADDRESSES_MAX { Err(format!("At most {ADDRESSES_MAX} addresses")) } else { Ok(ranges) }
}

/// Old postback keys of one advertiser: one for each tracker that it was told of.
const OLD_KEYS_MAX: usize = 20;

/// The keys of old postback addresses: a list, or a text with one on each line.
///
/// # Errors
/// One cannot be a key, or there are too many.
pub(super) fn old_keys(value: &Value) -> Reading<Vec<String>> {
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => {
            items.iter().map(|item| input::line(item, input::WORD_CHARS_MAX)).collect::<Result<_, _>>()?
        }
        _ => return Err("Must be a list of keys, like [\"fa0a0c2\"]".to_owned()),
    };
    let mut keys: Vec<String> = Vec::new();
    for word in &words {
        let key = read_old_key(word)?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.len() > OLD_KEYS_MAX { Err(format!("At most {OLD_KEYS_MAX} old keys")) } else { Ok(keys) }
}

/// Where postbacks of the tracker before go on to; empty for nowhere.
///
/// # Errors
/// It is no address.
pub fn forward(value: &Value) -> Reading<String> {
    read_template(&input::text(value, TEMPLATE_CHARS_MAX)?)
}

/// The name of a preset: letters, digits and hyphens, as its file is named.
///
/// # Errors
/// Anything else.
pub(super) fn preset(value: &Value) -> Reading<Option<String>> {
    let name = input::line(value, PRESET_CHARS_MAX)?;
    if name.chars().any(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '_') {
        return Err("Must be the name of a preset, like tune".to_owned());
    }
    if !name.is_empty() && crate::domain::preset::network(&name).is_none() {
        return Err(format!(
            "There is no preset {name:?} of a network: GET /api/v1/presets?kind=network lists them"
        ));
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// Whether an address lies in one of some ranges. An IPv4 address inside an IPv6 one counts as itself.
#[must_use]
pub fn is_allowed(ranges: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_and_ranges_are_read_however_they_are_parted() {
        let typed = addresses(&json!("203.0.113.7, 198.51.100.9/24\n2001:db8::1/32 203.0.113.7")).unwrap();
        let listed = addresses(&json!(["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"])).unwrap();
        assert_eq!(typed, listed);
        assert!(addresses(&json!("everywhere")).unwrap_err().contains("everywhere"));
        assert!(is_allowed(&typed, "::ffff:203.0.113.7".parse().unwrap()));
        assert!(is_allowed(&typed, "2001:db8:1::9".parse().unwrap()));
        assert!(!is_allowed(&typed, "203.0.113.8".parse().unwrap()));
    }
}
