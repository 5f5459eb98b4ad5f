//! Conditions made ready for the click path: values in sets, ranges sorted, patterns compiled, zones known.

use super::compare::{compare_numbers, compare_versions};
use super::fact::{Fact, Kind, NamedFact, Op};
use super::list::ListSet;
use super::pattern::Pattern;
use super::ranges::{self, Ranges};
use super::value::{self, UNKNOWN, Zone};
use super::{Condition, Conditions};
use crate::domain::tracking_address::host_name;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Up to so many texts are compared one by one, which needs no small letters made first.
const FEW_TEXTS: usize = 8;

/// Texts of so many ASCII letters are folded on the stack.
const FOLDED_ON_STACK_BYTES: usize = 64;

/// What a rule asks a click.
pub trait Visit {
    /// A fact that is a text; `None` where it is not known.
    fn text(&self, fact: &Fact) -> Option<Cow<'_, str>>;
    /// The visitor's address.
    fn address(&self) -> IpAddr;
    /// The network's number.
    fn asn(&self) -> Option<i64>;
    /// When the click came, Unix milliseconds.
    fn at_ms(&self) -> i64;
    /// The visitor's first click in the window.
    fn is_unique(&self) -> bool;
    /// Held to be a machine's.
    fn is_bot(&self) -> bool;
}

/// What matchers share: lists, and each pattern once however many rules write it.
#[derive(Debug, Default)]
pub struct Library {
    /// Lists by number.
    pub lists: HashMap<i64, Arc<ListSet>>,
    patterns: HashMap<Box<str>, Arc<Pattern>>,
}

impl Library {
    /// One that goes on with the patterns of an earlier one, as far as somebody still uses them.
    #[must_use]
    pub fn after(earlier: &Self) -> Self {
        let used = earlier.patterns.iter().filter(|(_, pattern)| Arc::strong_count(pattern) > 1);
        let patterns = used.map(|(text, pattern)| (text.clone(), Arc::clone(pattern))).collect();
        Self { lists: HashMap::new(), patterns }
    }

    /// One with the same lists, for a single question.
    #[must_use]
    pub fn with_lists_of(other: &Self) -> Self {
        Self { lists: other.lists.clone(), patterns: HashMap::new() }
    }

    fn pattern(&mut self, text: &str) -> Result<Arc<Pattern>, String> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(Arc::clone(known));
        }
        let pattern = Arc::new(Pattern::parse(text).map_err(|error| error.to_string())?);
        self.patterns.insert(text.into(), Arc::clone(&pattern));
        Ok(pattern)
    }
}

/// Conditions, ready to be asked.
#[derive(Debug)]
pub struct Matcher {
    any: Box<[Box<[Check]>]>,
}

impl Matcher {
    /// Makes conditions ready.
    ///
    /// # Errors
    /// A list that is gone, or a value that cannot be read any more.
    pub fn new(conditions: &Conditions, library: &mut Library) -> Result<Self, String> {
        let mut group = |group: &super::Group| {
            group.all.iter().map(|condition| Check::new(condition, library)).collect::<Result<_, _>>()
        };
        Ok(Self { any: conditions.any.iter().map(&mut group).collect::<Result<_, _>>()? })
    }

    /// Whether any group holds.
    #[must_use]
    pub fn holds(&self, visit: &impl Visit) -> bool {
        self.any.iter().any(|group| !group.is_empty() && group.iter().all(|check| check.holds(visit)))
    }
}

/// A condition ready to be asked.
#[derive(Debug)]
struct Check {
    fact: Fact,
    is_negated: bool,
    /// A fact that is not known is among the values.
    takes_unknown: bool,
    test: Test,
    lists: Box<[Arc<ListSet>]>,
}

#[derive(Debug)]
enum Test {
    Few(Box<[Box<str>]>),
    Many(HashSet<Box<str>>),
    Contains(Box<[Box<str>]>),
    Patterns(Box<[Arc<Pattern>]>),
    Versions(Box<[Box<str>]>, Ordering),
    Number(Box<str>, Ordering),
    Asns(Box<[i64]>),
    Addresses(Ranges),
    /// A bit for each day, Monday lowest.
    Days(u32, Zone),
    /// A bit for each hour.
    Hours(u32, Zone),
    Flag(bool),
}

impl Check {
    fn new(condition: &Condition, library: &mut Library) -> Result<Self, String> {
        let lists = condition
            .lists
            .iter()
            .map(|id| library.lists.get(id).cloned().ok_or_else(|| format!("there is no list {id}")));
        let lists = lists.collect::<Result<_, _>>()?;
        let takes_unknown = condition.op != Op::Matches
            && condition.op != Op::Contains
            && condition.values.iter().any(|value| value == UNKNOWN);
        Ok(Self {
            fact: condition.fact.clone(),
            is_negated: condition.op.is_negated(),
            takes_unknown,
            test: test(condition, library)?,
            lists,
        })
    }

    fn holds(&self, visit: &impl Visit) -> bool {
        self.fits(visit) != self.is_negated
    }

    fn fits(&self, visit: &impl Visit) -> bool {
        match &self.test {
            Test::Flag(wanted) => {
                let is_so = match self.fact {
                    Fact::Named(NamedFact::Unique) => visit.is_unique(),
                    _ => visit.is_bot(),
                };
                is_so == *wanted
            }
            Test::Days(days, zone) => has_bit(*days, zone.day_and_hour(visit.at_ms()).0),
            Test::Hours(hours, zone) => has_bit(*hours, zone.day_and_hour(visit.at_ms()).1),
            Test::Addresses(ranges) => {
                let address = visit.address();
                ranges.contains(address) || self.lists.iter().any(|list| list.has_address(address))
            }
            Test::Asns(asns) => visit.asn().map_or(self.takes_unknown, |asn| {
                asns.contains(&asn) || self.lists.iter().any(|list| list.has_asn(asn))
            }),
            texts => match visit.text(&self.fact).filter(|text| !text.is_empty()) {
                Some(text) => self.fits_text(texts, &text),
                None => self.takes_unknown,
            },
        }
    }

    fn fits_text(&self, test: &Test, text: &str) -> bool {
        match test {
            Test::Few(values) => {
                let is_ascii = text.is_ascii();
                let is_one = |value: &str| {
                    if is_ascii {
                        value.eq_ignore_ascii_case(text)
                    } else {
                        with_folded(text, |text| value == text)
                    }
                };
                values.iter().any(|value| is_one(value)) || self.is_listed(text)
            }
            Test::Many(values) => with_folded(text, |text| values.contains(text)) || self.is_listed(text),
            Test::Contains(values) => {
                with_folded(text, |text| values.iter().any(|value| text.contains(&**value)))
            }
            Test::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(text)),
            Test::Versions(values, wanted) => {
                values.iter().any(|value| compare_versions(text, value) == Some(*wanted))
                    || self.is_listed(text)
            }
            Test::Number(value, wanted) => compare_numbers(text, value) == Some(*wanted),
            _ => false,
        }
    }

    fn is_listed(&self, text: &str) -> bool {
        !self.lists.is_empty() && with_folded(text, |text| self.lists.iter().any(|list| list.has_text(text)))
    }
}

/// Why conditions hold for a visit or not, in a sentence that begins with a small letter; the whole beside whether they
/// do. `list` gives a list's name.
///
/// # Errors
/// As [`Matcher::new`].
pub fn explain(
    conditions: &Conditions,
    library: &mut Library,
    visit: &impl Visit,
    list: &dyn Fn(i64) -> Option<String>,
) -> Result<(bool, String), String> {
    let mut whys = Vec::new();
    for group in &conditions.any {
        let mut failed = None;
        for condition in &group.all {
            if !Check::new(condition, library)?.holds(visit) {
                failed = Some(condition);
                break;
            }
        }
        let Some(condition) = failed else {
            let facts: Vec<String> =
                group.all.iter().map(|condition| found(&condition.fact, visit)).collect();
            return Ok((!group.all.is_empty(), facts.join(", ")));
        };
        whys.push(format!("{}, so not: {}", found(&condition.fact, visit), condition.sentence(list)));
    }
    Ok((false, whys.join("; ")))
}

/// What a visit says to a fact: `country is US`.
fn found(fact: &Fact, visit: &impl Visit) -> String {
    let value = match fact {
        Fact::Named(NamedFact::Unique) => {
            return if visit.is_unique() { "new here" } else { "here before" }.to_owned();
        }
        Fact::Named(NamedFact::Bot) => return if visit.is_bot() { "a bot" } else { "no bot" }.to_owned(),
        Fact::Named(NamedFact::Address) => Some(visit.address().to_string()),
        Fact::Named(NamedFact::Asn) => visit.asn().map(|asn| asn.to_string()),
        Fact::Named(NamedFact::DayOfWeek | NamedFact::Hour) => {
            let at = chrono::DateTime::from_timestamp_millis(visit.at_ms()).unwrap_or_default();
            return format!("it is {} UTC", at.format("%A, %H:%M"));
        }
        other => visit.text(other).filter(|text| !text.is_empty()).map(Cow::into_owned),
    };
    format!("{} is {}", fact.label(), value.unwrap_or_else(|| "unknown".to_owned()))
}

fn test(condition: &Condition, library: &mut Library) -> Result<Test, String> {
    let unreadable = |value: &str| format!("the value {value:?} cannot be read");
    // A host is asked without its port; one that was written into a rule is no part of it.
    let is_host = condition.fact == Fact::Named(NamedFact::Domain);
    let bare = |value| if is_host { host_name(value) } else { value };
    let values = || condition.values.iter().map(String::as_str).filter(|value| *value != UNKNOWN).map(bare);
    let zone = condition.time_zone.unwrap_or(Zone::UTC);
    let wanted = match condition.op {
        Op::Greater => Ordering::Greater,
        Op::Less => Ordering::Less,
        _ => Ordering::Equal,
    };
    Ok(match (condition.op, condition.fact.kind()) {
        (Op::Contains, _) => Test::Contains(condition.values.iter().map(|value| folded(value)).collect()),
        (Op::Matches, _) => {
            let patterns = condition.values.iter().map(|text| library.pattern(text));
            Test::Patterns(patterns.collect::<Result<_, _>>()?)
        }
        (_, Kind::Flag) => {
            let value = values().next().unwrap_or("true");
            Test::Flag(value::flag(value).ok_or_else(|| unreadable(value))?)
        }
        (_, Kind::Asn) => {
            let asns = values().map(|value| value::asn(value).ok_or_else(|| unreadable(value)));
            Test::Asns(asns.collect::<Result<_, _>>()?)
        }
        (_, Kind::Address) => {
            let nets = values().map(|value| ranges::network(value).ok_or_else(|| unreadable(value)));
            Test::Addresses(Ranges::new(nets.collect::<Result<Vec<_>, _>>()?))
        }
        (_, Kind::Day) => {
            let bit =
                |value: &str| value::day(value).map(|day| 1_u32 << day).ok_or_else(|| unreadable(value));
            Test::Days(values().map(bit).try_fold(0, |all, bit| bit.map(|bit| all | bit))?, zone)
        }
        (_, Kind::Hour) => {
            let bits = |value: &str| {
                value::hours(value).map(|span| hour_bits(span, wanted)).ok_or_else(|| unreadable(value))
            };
            Test::Hours(values().map(bits).try_fold(0, |all, bits| bits.map(|bits| all | bits))?, zone)
        }
        (_, Kind::Version) => Test::Versions(values().map(Into::into).collect(), wanted),
        (Op::Greater | Op::Less, _) => Test::Number(values().next().unwrap_or("").into(), wanted),
        _ if condition.values.len() <= FEW_TEXTS => Test::Few(values().map(folded).collect()),
        _ => Test::Many(values().map(folded).collect()),
    })
}

/// The hours of a span, or those after or before it, as bits.
fn hour_bits((from, to): (u32, u32), wanted: Ordering) -> u32 {
    (0..24)
        .filter(|hour| match wanted {
            Ordering::Greater => *hour > to,
            Ordering::Less => *hour < from,
            Ordering::Equal if from <= to => (from..=to).contains(hour),
            Ordering::Equal => *hour >= from || *hour <= to,
        })
        .fold(0, |bits, hour| bits | (1 << hour))
}

const fn has_bit(bits: u32, at: u32) -> bool {
    bits >> at & 1 == 1
}

fn folded(text: &str) -> Box<str> {
    text.to_lowercase().into()
}

/// Hands on a text in small letters; the usual short one without allocating.
fn with_folded<R>(text: &str, then: impl FnOnce(&str) -> R) -> R {
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_uppercase()) {
        return then(text);
    }
    let mut stack = [0_u8; FOLDED_ON_STACK_BYTES];
    if text.is_ascii()
        && let Some(place) = stack.get_mut(..text.len())
    {
        place.copy_from_slice(text.as_bytes());
        place.make_ascii_lowercase();
        if let Ok(small) = std::str::from_utf8(place) {
            return then(small);
        }
    }
    then(&text.to_lowercase())
}
