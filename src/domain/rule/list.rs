//! Lists: named sets of values that rules use.

use super::fact::{Fact, Kind};
use super::ranges::{self, Ranges};
use super::value::{self, network_text};
use crate::domain::click::VALUE_CHARS_MAX;
use crate::domain::input::{self, Editable, FieldErrors, Reading, put};
use crate::domain::lander::{EntityStatus, require_name, status};
use crate::domain::words::word_enum;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

/// Values of one list: all lists in use lie in memory, at some 60 bytes a value.
pub const LIST_VALUES_MAX: usize = 100_000;

word_enum! {
    /// What a list holds.
    pub enum ListKind {
        /// Texts: zones, sub values, names.
        Values => "values",
        /// Addresses and address ranges.
        Addresses => "addresses",
        /// Numbers of networks.
        Asns => "asns",
    }
}

impl ListKind {
    /// Whether a condition on this fact can use such a list.
    #[must_use]
    pub fn fits(self, fact: &Fact) -> bool {
        match fact.kind() {
            Kind::Address => self == Self::Addresses,
            Kind::Asn => self == Self::Asns,
            Kind::Day | Kind::Hour | Kind::Flag => false,
            _ => self == Self::Values,
        }
    }
}

/// A list as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueList {
    /// Its name.
    pub name: String,
    /// What it holds; fixed once it is made.
    pub kind: ListKind,
    /// In use or put away; rules that name it go on using it.
    pub status: EntityStatus,
    /// All its values anew, as they were sent; `None` leaves them as they are.
    pub values: Option<Value>,
}

impl Default for ValueList {
    fn default() -> Self {
        Self { name: String::new(), kind: ListKind::Values, status: EntityStatus::Active, values: None }
    }
}

impl Editable for ValueList {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "kind" => put(&mut self.kind, field, input::word(value, ListKind::parse, ListKind::choices)),
            "status" => put(&mut self.status, field, status(value)),
            "values" => put(&mut self.values, field, Ok(Some(value.clone()))),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        // Only now is it known of which kind they must be.
        if let Some(Err(message)) = self.values.as_ref().map(|values| list_values(values, self.kind)) {
            errors.push("values", message);
        }
    }
}

/// Reads values for a list: an array of texts, or a text with one value a line. Each once, in the form in which they
/// are kept: without case, networks without host bits.
///
/// # Errors
/// Too many, or the first that is none of this kind.
pub fn list_values(value: &Value, kind: ListKind) -> Reading<Vec<String>> {
    let mut values = BTreeSet::new();
    let mut take = |at: usize, text: &str| -> Reading<()> {
        if text.is_empty() {
            return Ok(());
        }
        let kept = kept(text, kind).map_err(|message| format!("Value {}: {message}", at + 1))?;
        values.insert(kept);
        if values.len() > LIST_VALUES_MAX {
            return Err(format!("A list has at most {LIST_VALUES_MAX} values"));
        }
        Ok(())
    };
    match value {
        Value::Null => {}
        Value::String(text) => {
            text.split(['\n', '\r']).enumerate().try_for_each(|(at, line)| take(at, line.trim()))?;
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let text = input::line(item, VALUE_CHARS_MAX)
                    .map_err(|message| format!("Value {}: {message}", at + 1))?;
                take(at, &text)?;
            }
        }
        _ => return Err("Must be a list of texts".to_owned()),
    }
    Ok(values.into_iter().collect())
}

fn kept(text: &str, kind: ListKind) -> Reading<String> {
    if text.chars().count() > VALUE_CHARS_MAX {
        return Err(format!("at most {VALUE_CHARS_MAX} characters"));
    }
    match kind {
        ListKind::Values => input::line(&Value::from(text), VALUE_CHARS_MAX).map(|text| text.to_lowercase()),
        ListKind::Addresses => {
            ranges::network(text).map(network_text).ok_or_else(|| format!("{text:?} is no address"))
        }
        ListKind::Asns => value::asn(text)
            .map(|number| number.to_string())
            .ok_or_else(|| format!("{text:?} is no network's number")),
    }
}

/// A list ready for look-ups, shared by all rules that name it.
#[derive(Debug)]
pub enum ListSet {
    /// Texts in small letters.
    Values(HashSet<Box<str>>),
    /// Address ranges.
    Addresses(Ranges),
    /// Numbers of networks.
    Asns(HashSet<i64>),
}

impl ListSet {
    /// Makes one of kept values; what cannot be read any more is left out.
    #[must_use]
    pub fn new(kind: ListKind, values: impl Iterator<Item = String>) -> Self {
        match kind {
            ListKind::Values => Self::Values(values.map(Into::into).collect()),
            ListKind::Addresses => {
                Self::Addresses(Ranges::new(values.filter_map(|text| ranges::network(&text))))
            }
            ListKind::Asns => Self::Asns(values.filter_map(|text| value::asn(&text)).collect()),
        }
    }

    pub(super) fn has_text(&self, folded: &str) -> bool {
        matches!(self, Self::Values(values) if values.contains(folded))
    }

    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Addresses(ranges) if ranges.contains(address))
    }

    pub(super) fn has_asn(&self, asn: i64) -> bool {
        matches!(self, Self::Asns(asns) if asns.contains(&asn))
    }
}
