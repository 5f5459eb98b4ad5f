//! Which row is about which conversion: by transaction first, then by click. Each row and each conversion is taken once at
//! most, and every pass walks both sides once: no file makes it slow.

use super::{Ours, Theirs};
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// Which row is about which conversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// For each row the number of its conversion in the list of ours.
    pub ours_of: Vec<Option<usize>>,
    /// For each row the line of the earlier row that it repeats.
    pub repeats: Vec<Option<u64>>,
}

/// What two rows have alike that say the same.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    /// A transaction is one row for each event; whatever else two of them say, one is enough.
    Transaction(&'a str, Option<ClickId>, Option<&'a str>),
    /// Without one all must be alike: a click may convert more than once.
    Whole(ClickId, Option<&'a str>, Option<Money>, Currency, Option<i64>),
}

impl<'a> Same<'a> {
    fn of(row: &'a Theirs) -> Option<Self> {
        let event = row.event.as_deref();
        if !row.txid.is_empty() {
            return Some(Self::Transaction(&row.txid, row.click_id, event));
        }
        Some(Self::Whole(row.click_id?, event, row.amount, row.currency, row.at_ms))
    }
}

fn repeats(theirs: &[Theirs]) -> Vec<Option<u64>> {
    let mut first: HashMap<Same<'_>, u64> = HashMap::new();
    let line = |row| {
        let known = first.entry(Same::of(row)?).or_insert(row.line);
        (*known != row.line).then_some(*known)
    };
    theirs.iter().map(line).collect()
}

/// Finds for each row its conversion. Those of the period come first where several fit, then the older ones.
#[must_use]
pub fn match_up(theirs: &[Theirs], ours: &[Ours], is_within: impl Fn(i64) -> bool) -> Matching {
    let repeats = repeats(theirs);
    let mut order: Vec<usize> = (0..ours.len()).collect();
    order.sort_by_key(|at| ours.get(*at).map(|one| (!is_within(one.at_ms), one.at_ms, one.id)));
    let mut matcher = Matcher {
        theirs,
        ours,
        order,
        is_taken: vec![false; ours.len()],
        ours_of: vec![None; theirs.len()],
        repeats: &repeats,
        events: ours.iter().map(|one| one.event.as_str()).collect(),
    };
    matcher.by_txid();
    matcher.by_click();
    let ours_of = matcher.ours_of;
    Matching { ours_of, repeats }
}

struct Matcher<'a> {
    theirs: &'a [Theirs],
    ours: &'a [Ours],
    order: Vec<usize>,
    is_taken: Vec<bool>,
    ours_of: Vec<Option<usize>>,
    repeats: &'a [Option<u64>],
    events: HashSet<&'a str>,
}

impl<'a> Matcher<'a> {
    /// Pairs rows and conversions that have the same key, where both have one and neither is paired yet.
    fn pass<K: Hash + Eq>(
        &mut self,
        key_of_row: impl Fn(&Self, &'a Theirs) -> Option<K>,
        key_of_ours: impl Fn(&'a Ours) -> Option<K>,
    ) {
        let mut queues: HashMap<K, VecDeque<usize>> = HashMap::new();
        for at in self.order.iter().copied().filter(|at| self.is_taken.get(*at) == Some(&false)) {
            if let Some(key) = self.ours.get(at).and_then(&key_of_ours) {
                queues.entry(key).or_default().push_back(at);
            }
        }
        let theirs = self.theirs;
        for (number, row) in theirs.iter().enumerate() {
            let is_open = self.ours_of.get(number) == Some(&None) && self.repeats.get(number) == Some(&None);
            let Some(key) = key_of_row(self, row).filter(|_| is_open) else { continue };
            let Some(found) = queues.get_mut(&key).and_then(VecDeque::pop_front) else { continue };
            if let (Some(slot), Some(is_taken)) = (self.ours_of.get_mut(number), self.is_taken.get_mut(found))
            {
                (*slot, *is_taken) = (Some(found), true);
            }
        }
    }

    /// The event of a row, where it is one that conversions of ours have. A name that we know nothing of tells no two
    /// conversions apart: networks call their goals as they like.
    fn event(&self, row: &'a Theirs) -> Option<&'a str> {
        row.event.as_deref().filter(|event| self.events.contains(event))
    }

    fn by_txid(&mut self) {
        let txid = |text: &'a str| (!text.is_empty()).then_some(text);
        self.pass(
            |all, row| Some((txid(&row.txid)?, row.click_id?, all.event(row)?)),
            |one| Some((txid(&one.txid)?, one.click_id, one.event.as_str())),
        );
        self.pass(
            |all, row| Some((txid(&row.txid)?, all.event(row)?)),
            |one| Some((txid(&one.txid)?, one.event.as_str())),
        );
        let eventless = |all: &Self, row: &'a Theirs| all.event(row).is_none().then_some(());
        self.pass(
            |all, row| eventless(all, row).and(Some((txid(&row.txid)?, row.click_id?))),
            |one| Some((txid(&one.txid)?, one.click_id)),
        );
        self.pass(|all, row| eventless(all, row).and(txid(&row.txid)), |one| txid(&one.txid));
    }

    fn by_click(&mut self) {
        // Where not one transaction is known here, the file has transactions of another kind: they tell nothing apart.
        let is_other_kind = self.ours_of.iter().all(Option::is_none);
        // Two transactions that differ are two conversions; only one that is missing on a side may be any.
        self.click_pass(|_| true, |one| one.txid.is_empty());
        self.click_pass(|row| row.txid.is_empty(), |_| true);
        if is_other_kind {
            self.click_pass(|_| true, |_| true);
        }
    }

    fn click_pass(&mut self, takes_row: impl Fn(&Theirs) -> bool, takes_ours: impl Fn(&Ours) -> bool) {
        self.pass(
            |all, row| Some((row.click_id.filter(|_| takes_row(row))?, all.event(row)?)),
            |one| takes_ours(one).then_some((one.click_id, one.event.as_str())),
        );
        self.pass(
            |all, row| row.click_id.filter(|_| takes_row(row) && all.event(row).is_none()),
            |one| takes_ours(one).then_some(one.click_id),
        );
    }
}
