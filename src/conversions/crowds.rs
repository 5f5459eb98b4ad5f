//! Conversions of different clicks that share a device id, or an address of their visitors, within a day.
//!
//! They are compared in memory: a further index, whose keys come in no order, would cost each postback several per cent, and
//! reading each conversion back as much again. At the start the last day is read; of several nodes each compares what it
//! recorded itself since then. What is found is added to the rows after the commit of the group that showed it, also to those
//! that were recorded before.

use super::record::{DAY_MS, Group};
use super::writer::{Shared, now_ms};
use crate::db::conversion_anomalies::{self, Compared};
use crate::db::{self, Priority};
use crate::domain::anomaly::{Anomaly, AnomalyRules, CLICKS};
use crate::domain::click_id::ClickId;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries that are remembered, at most 250 bytes each: a day of 200,000 conversions in 50 MB. Beyond it
/// the oldest are forgotten.
const ENTRIES_MAX: usize = 200_000;

/// Conversions of one device or address that are compared: twice as many as a threshold may be.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a hundred")]
const ALIKE_MAX: usize = 2 * *CLICKS.end() as usize;

/// What conversions share. Device ids stand here by their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Shares {
    Device(u64),
    Network(u64),
}

impl Shares {
    const fn anomaly(self) -> Anomaly {
        match self {
            Self::Device(_) => Anomaly::SameDeviceId,
            Self::Network(_) => Anomaly::ManyFromAddress,
        }
    }

    /// How many clicks are too many.
    const fn limit(self, rules: &AnomalyRules) -> i64 {
        match self {
            Self::Device(_) => rules.device_clicks,
            Self::Network(_) => rules.address_clicks,
        }
    }
}

/// A conversion among those that share something.
#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    id: i64,
    click_id: ClickId,
    at_ms: i64,
    is_flagged: bool,
}

/// The conversions of the last day by what they share.
#[derive(Debug, Default)]
struct Memory {
    hasher: RandomState,
    alike: HashMap<Shares, Vec<Entry>>,
    /// What was noted when, oldest first.
    order: VecDeque<(Shares, u64, i64)>,
    next: u64,
    /// What has been found, and stands in no row yet.
    due: BTreeMap<Anomaly, Vec<i64>>,
}

/// What a process knows of conversions that are alike.
#[derive(Debug, Default)]
pub(super) struct Crowds(Mutex<Memory>);

/// The network of an address as it counts for crowds: the address itself, or the first 64 bits of an IPv6 one, all of which
/// one household has. `None` for addresses of private networks: they tell of a proxy, behind which stands everybody.
fn network(address: IpAddr) -> Option<u64> {
    match address.to_canonical() {
        IpAddr::V4(four) => {
            let [first, second, ..] = four.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_own = four.is_private() || four.is_loopback() || four.is_link_local() || first == 0;
            (!is_shared && !is_own).then(|| u64::from(four.to_bits()))
        }
        IpAddr::V6(six) => {
            let [first, ..] = six.segments();
            let is_own = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first == 0;
            (!is_own).then(|| u64::try_from(six.to_bits() >> 64).unwrap_or_default())
        }
    }
}

impl Memory {
    /// What a conversion may share with others, as far as anybody asks.
    fn shares(&self, one: &Compared, rules: &AnomalyRules) -> impl Iterator<Item = Shares> {
        let device = one.device_id.as_ref().map(|id| Shares::Device(self.hasher.hash_one(id)));
        let network = one.address.and_then(network).map(Shares::Network);
        let rules = *rules;
        [device, network].into_iter().flatten().filter(move |shares| shares.limit(&rules) > 0)
    }

    /// Notes a conversion, and what it shows of itself and of others.
    fn note(&mut self, one: &Compared, rules: &AnomalyRules, now_ms: i64) {
        let shared: Vec<Shares> = self.shares(one, rules).collect();
        for shares in shared {
            let alike = // Nearly all stay alone.
                self.alike.entry(shares).or_insert_with(|| Vec::with_capacity(1));
            if alike.iter().any(|known| known.id == one.id) {
                continue;
            }
            if alike.len() >= ALIKE_MAX {
                alike.remove(0);
            }
            let is_flagged = one.anomalies.has(shares.anomaly());
            let entry = Entry {
                number: self.next,
                id: one.id,
                click_id: one.click_id,
                at_ms: one.converted_at_ms,
                is_flagged,
            };
            alike.push(entry);
            self.order.push_back((shares, self.next, now_ms));
            self.next = self.next.saturating_add(1);
            let limit = usize::try_from(shares.limit(rules)).unwrap_or(usize::MAX);
            let found = crowded(alike, one.converted_at_ms, limit);
            if !found.is_empty() {
                self.due.entry(shares.anomaly()).or_default().extend(found);
            }
        }
        self.forget(now_ms);
    }

    fn forget(&mut self, now_ms: i64) {
        while let Some((shares, number, noted_at_ms)) = self.order.front().copied() {
            if self.order.len() <= ENTRIES_MAX && now_ms.saturating_sub(noted_at_ms) < DAY_MS {
                return;
            }
            self.order.pop_front();
            let Some(alike) = self.alike.get_mut(&shares) else { continue };
            alike.retain(|entry| entry.number > number);
            if alike.is_empty() {
                self.alike.remove(&shares);
            }
        }
    }
}

/// Flags the entries of every day around a moment that has clicks of so many, and names those that were not flagged before.
fn crowded(alike: &mut [Entry], at_ms: i64, limit: usize) -> Vec<i64> {
    let near = |entry: &&mut Entry| entry.at_ms.abs_diff(at_ms) < DAY_MS.unsigned_abs();
    if alike.len() < limit {
        return Vec::new();
    }
    let mut near: Vec<&mut Entry> = alike.iter_mut().filter(near).collect();
    let clicks: HashSet<ClickId> = near.iter().map(|entry| entry.click_id).collect();
    if clicks.len() < limit {
        return Vec::new();
    }
    near.sort_unstable_by_key(|entry| entry.at_ms);
    // Each day that begins with one of them.
    let times: Vec<(i64, ClickId)> = near.iter().map(|entry| (entry.at_ms, entry.click_id)).collect();
    let (mut end, mut within, mut until_ms) = (0, HashMap::<ClickId, usize>::new(), i64::MIN);
    let mut found = Vec::new();
    for (entry, (begin_ms, click_id)) in near.iter_mut().zip(&times) {
        let last_ms = begin_ms.saturating_add(DAY_MS);
        while let Some((_, click)) = times.get(end).filter(|(at_ms, _)| *at_ms < last_ms) {
            *within.entry(*click).or_default() += 1;
            end += 1;
        }
        if within.len() >= limit {
            until_ms = last_ms;
        }
        if *begin_ms < until_ms && !entry.is_flagged {
            entry.is_flagged = true;
            found.push(entry.id);
        }
        let is_last = within.get_mut(click_id).is_none_or(|count| {
            *count = count.saturating_sub(1);
            *count == 0
        });
        if is_last {
            within.remove(click_id);
        }
    }
    found
}

impl Crowds {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes conversions that are stored.
    pub(super) fn note(&self, all: &[Compared], rules: &AnomalyRules, now_ms: i64) {
        let mut memory = self.memory();
        for one in all {
            memory.note(one, rules, now_ms);
        }
    }

    /// What was found and stands in no row yet. It is handed out once.
    fn take_due(&self) -> BTreeMap<Anomaly, Vec<i64>> {
        std::mem::take(&mut self.memory().due)
    }

    fn give_back(&self, due: BTreeMap<Anomaly, Vec<i64>>) {
        let mut memory = self.memory();
        for (anomaly, ids) in due {
            memory.due.entry(anomaly).or_default().extend(ids);
        }
    }
}

impl Group<'_> {
    /// What the group recorded, as far as it is compared with others. Tests are nobody's.
    pub(super) fn compared(&self) -> Vec<Compared> {
        let rules = &self.catalog.anomalies;
        if rules.device_clicks == 0 && rules.address_clicks == 0 {
            return Vec::new();
        }
        let people = self.draft.recorded().filter(|(_, new)| !new.is_test);
        people
            .map(|(id, new)| Compared {
                id,
                click_id: new.click_id,
                converted_at_ms: new.converted_at_ms,
                device_id: new.said.device_id.clone(),
                address: self.clicks.get(&new.click_id).and_then(|click| click.address),
                anomalies: new.anomalies,
            })
            .collect()
    }
}

impl Shared {
    /// Compares conversions that are stored with those before, and adds what that shows to their rows.
    pub(super) fn compare(&self, all: &[Compared]) {
        if all.is_empty() {
            return;
        }
        self.crowds.note(all, &self.catalog.get().anomalies, now_ms());
        self.flag_crowds();
    }

    /// Adds to rows what was found. Where the database fails, that is tried again with the next.
    pub(super) fn flag_crowds(&self) {
        let due = self.crowds.take_due();
        if due.is_empty() {
            return;
        }
        let flagged = self.db.write(Priority::Postbacks, |conn| {
            due.iter().try_for_each(|(anomaly, ids)| conversion_anomalies::flag(conn, ids, *anomaly))
        });
        if let Err(why) = flagged {
            let why: db::Error = why;
            tracing::warn!(%why, "anomalies of conversions could not be written: they are tried again");
            self.crowds.give_back(due);
        }
    }

    /// Reads the last day, and compares it with what came meanwhile.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn remember_crowds(&self) -> db::Result<()> {
        let now_ms = now_ms();
        let rows_max = i64::try_from(ENTRIES_MAX).unwrap_or(i64::MAX);
        let all = self.db.read(|conn| conversion_anomalies::since(conn, now_ms - DAY_MS, rows_max))?;
        self.compare(&all);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::anomaly::Anomalies;
    use proptest::prelude::*;

    const RULES: AnomalyRules = AnomalyRules {
        fast_seconds: 0,
        other_country: false,
        other_device: false,
        device_clicks: 2,
        address_clicks: 3,
    };

    fn compared(id: i64, click: u8, at_ms: i64) -> Compared {
        Compared {
            id,
            click_id: ClickId::new(0, [click; 10]),
            converted_at_ms: at_ms,
            device_id: None,
            address: Some(IpAddr::from([203, 0, 113, 7])),
            anomalies: Anomalies::default(),
        }
    }

    fn flagged(memory: &mut Memory) -> Vec<i64> {
        let mut ids: Vec<i64> = std::mem::take(&mut memory.due).into_values().flatten().collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn clicks_are_counted_and_conversions_of_one_click_are_not_many() {
        let mut memory = Memory::default();
        for (id, click) in [(1, 1), (2, 1), (3, 1), (4, 2)] {
            memory.note(&compared(id, click, id), &RULES, 0);
        }
        assert_eq!(flagged(&mut memory), [0_i64; 0]);
        memory.note(&compared(5, 3, 5), &RULES, 0);
        assert_eq!(flagged(&mut memory), [1, 2, 3, 4, 5]);
        memory.note(&compared(6, 1, 6), &RULES, 0);
        memory.note(&compared(6, 1, 6), &RULES, 0);
        assert_eq!(flagged(&mut memory), [6], "each is flagged once");
    }

    #[test]
    fn a_device_id_on_two_clicks_is_unusual_and_private_addresses_are_nobodys() {
        let mut memory = Memory::default();
        for id in 1..=2 {
            let device_id = Some("abc".to_owned());
            memory.note(&Compared { device_id, address: None, ..compared(id, 1, 0) }, &RULES, 0);
        }
        assert_eq!(flagged(&mut memory), [0_i64; 0], "one click");
        let other = Compared { device_id: Some("abc".to_owned()), address: None, ..compared(3, 2, 0) };
        memory.note(&other, &RULES, 0);
        assert_eq!(flagged(&mut memory), [1, 2, 3]);
        let own: [&str; 6] = ["127.0.0.1", "10.1.2.3", "100.64.0.1", "::1", "fe80::1", "fd00::1"];
        assert!(own.iter().all(|text| network(text.parse().unwrap()).is_none()));
        let of = |text: &str| network(text.parse().unwrap()).unwrap();
        assert_eq!(of("2001:db8:1:2::5"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::5"), of("2001:db8:1:3::5"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
    }

    #[test]
    fn what_is_older_than_a_day_is_forgotten() {
        let mut memory = Memory::default();
        memory.note(&compared(1, 1, 0), &RULES, 0);
        memory.note(&compared(2, 2, 0), &RULES, DAY_MS);
        assert_eq!((memory.order.len(), memory.alike.values().map(Vec::len).sum::<usize>()), (1, 1));
        memory.note(&Compared { address: None, ..compared(3, 3, 0) }, &RULES, 3 * DAY_MS);
        assert!(memory.order.is_empty() && memory.alike.is_empty());
    }

    proptest! {
        /// In whatever order they come: flagged is who stands in any day with so many clicks.
        #[test]
        fn every_crowded_day_is_found(all in prop::collection::vec((0..4_u8, 0..60_i64), 1..12)) {
            let mut memory = Memory::default();
            let hour = DAY_MS / 24;
            for (id, (click, at)) in (0..).zip(&all) {
                memory.note(&compared(id, *click, at * hour), &RULES, 0);
            }
            let is_crowded = |begin: i64| {
                let day = all.iter().filter(|(_, at)| (begin..begin + 24).contains(at));
                day.map(|(click, _)| *click).collect::<HashSet<u8>>().len() >= 3
            };
            let wanted: Vec<i64> = (0..)
                .zip(&all)
                .filter(|(_, (_, at))| (at - 23..=*at).any(is_crowded))
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(flagged(&mut memory), wanted);
        }
    }
}
