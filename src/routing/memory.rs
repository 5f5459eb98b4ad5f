//! What a visitor has seen and converted on, for sticky campaigns, smart order and skipped offers.
//!
//! Three parts, none of which reads the database on the click path:
//!
//! - a sealed first-party cookie carries the visitor's last visits ([`Seen`]), each with its click's id;
//! - a bounded table keyed by address and agent holds the same for visitors whose cookie did not come;
//! - a bounded table of the clicks that have converted ([`Memory::note_conversion`]), filled by the postback writer and,
//!   when the process starts, from the newest conversions of the database.
//!
//! Its limits: a visitor is known for the last [`VISITS_MAX`] visits; behind one address, visitors with the same browser
//! and no cookies pass for one; what another node records is known here after this process starts anew; and beyond the
//! bounds of the tables the longest unseen is forgotten. Whoever is forgotten is a new visitor, which harms nothing.

use crate::db::{self, Db, conversions};
use crate::domain::click::ClickRecord;
use crate::domain::click_id::ClickId;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

/// Visits that are remembered of one visitor: a sealed cookie of them stays below a kilobyte.
pub const VISITS_MAX: usize = 16;

/// Visitors without a cookie that are remembered; full, the table takes about 100 MB.
const VISITORS_MAX: usize = 100_000;

/// Converted clicks that are remembered; full, the table takes about 25 MB.
const CONVERTED_MAX: usize = 200_000;

/// Offers that one click is known to have converted on: a lander leads to few.
const OFFERS_OF_CLICK_MAX: usize = 16;

/// One visit: where a click was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The click.
    pub click_id: ClickId,
    /// The campaign that it came to.
    pub campaign_id: i64,
    /// The path taken, which may be another campaign's.
    pub path_id: i64,
    /// The lander, where there was one.
    pub lander_id: Option<i64>,
    /// The offer, where it was known at once or a lander's button led to it.
    pub offer_id: Option<i64>,
}

/// A visitor's last visits, the newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    visits: Vec<Visit>,
    /// Offers that he is known to have converted on, whose clicks may be forgotten already.
    converted: Vec<i64>,
}

impl Seen {
    /// The newest visit to a campaign.
    #[must_use]
    pub fn last_of(&self, campaign_id: i64) -> Option<&Visit> {
        self.visits.iter().rev().find(|visit| visit.campaign_id == campaign_id)
    }

    /// Whether this path was taken.
    #[must_use]
    pub fn has_path(&self, id: i64) -> bool {
        self.visits.iter().any(|visit| visit.path_id == id)
    }

    /// Whether this lander was shown.
    #[must_use]
    pub fn has_lander(&self, id: i64) -> bool {
        self.visits.iter().any(|visit| visit.lander_id == Some(id))
    }

    /// Whether this offer was shown.
    #[must_use]
    pub fn has_offer(&self, id: i64) -> bool {
        self.visits.iter().any(|visit| visit.offer_id == Some(id))
    }

    /// The offer that the visitor was sent to last from a path, by whatever campaign he came to it.
    #[must_use]
    pub fn last_offer_on(&self, path_id: i64) -> Option<i64> {
        self.visits.iter().rev().filter(|visit| visit.path_id == path_id).find_map(|visit| visit.offer_id)
    }

    /// Whether this offer was converted on.
    #[must_use]
    pub fn has_converted(&self, offer_id: i64) -> bool {
        self.converted.contains(&offer_id)
    }

    /// Adds a visit; one of the same click that led to no offer yet, or to the same, becomes this one. Where there is no
    /// more room, one that another repeats goes first, else the oldest.
    fn add(&mut self, visit: Visit) {
        let way = |visit: &Visit| (visit.campaign_id, visit.path_id, visit.lander_id, visit.offer_id);
        let is_before = |known: &Visit| {
            known.click_id == visit.click_id && (known.offer_id.is_none() || known.offer_id == visit.offer_id)
        };
        self.visits.retain(|known| !is_before(known));
        self.visits.push(visit);
        while self.visits.len() > VISITS_MAX {
            let ways: Vec<_> = self.visits.iter().map(way).collect();
            let is_repeated = |at: usize| {
                ways.get(at).is_some_and(|one| ways.iter().skip(at + 1).any(|later| later == one))
            };
            let oldest = (0..ways.len()).find(|at| is_repeated(*at)).unwrap_or(0);
            self.visits.remove(oldest);
        }
    }

    fn add_converted(&mut self, offer_id: i64) {
        if !self.converted.contains(&offer_id) {
            self.converted.push(offer_id);
            let over = self.converted.len().saturating_sub(VISITS_MAX);
            self.converted.drain(..over);
        }
    }
}

/// The memory of one process, shared by its threads.
pub struct Memory {
    /// Per process, so that nobody can choose addresses that fall together.
    key: RandomState,
    visitors: Cache<u64, Arc<Seen>>,
    converted: Cache<ClickId, Arc<[i64]>>,
}

impl Memory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            key: RandomState::new(),
            visitors: Cache::new(VISITORS_MAX),
            converted: Cache::new(CONVERTED_MAX),
        }
    }

    /// One that knows the newest conversions of the database.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(db: &Db) -> db::Result<Self> {
        let memory = Self::new();
        let rows_max = i64::try_from(CONVERTED_MAX).unwrap_or(i64::MAX);
        for (click_id, offer_id) in db.read(|conn| conversions::newest_offers(conn, rows_max))? {
            memory.note_conversion(click_id, offer_id);
        }
        Ok(memory)
    }

    /// A click has converted on an offer.
    pub fn note_conversion(&self, click_id: ClickId, offer_id: i64) {
        let known = self.converted.get(&click_id);
        let known = known.as_deref().unwrap_or_default();
        if !known.contains(&offer_id) {
            let offers = std::iter::once(offer_id).chain(known.iter().copied());
            self.converted.insert(click_id, offers.take(OFFERS_OF_CLICK_MAX).collect());
        }
    }

    /// What a visitor has seen: by his cookie, else by address and agent; with the conversions that came since.
    #[must_use]
    pub fn recall(&self, cookie: Option<Seen>, address: IpAddr, agent_hash: i64) -> Seen {
        let kept = || self.visitors.get(&self.hash(address, agent_hash));
        self.known(cookie.or_else(|| kept().map(|seen| Seen::clone(&seen))).unwrap_or_default())
    }

    /// What the visitor of a lander has seen who presses its button: by his cookie, else by the address and agent that
    /// his click came with; with the conversions that came since, this click's among them.
    #[must_use]
    pub fn recall_click(&self, cookie: Option<Seen>, click: &ClickRecord) -> Seen {
        let mut seen = match (cookie, click.address) {
            (None, Some(address)) => self.recall(None, address, click.agent_id),
            (cookie, _) => self.known(cookie.unwrap_or_default()),
        };
        let found = self.converted.get(&click.id);
        found.iter().flat_map(|offers| offers.iter()).for_each(|offer_id| seen.add_converted(*offer_id));
        seen
    }

    /// What was seen, with the conversions that came since.
    fn known(&self, mut seen: Seen) -> Seen {
        let found: Vec<Arc<[i64]>> =
            seen.visits.iter().filter_map(|visit| self.converted.get(&visit.click_id)).collect();
        found.iter().flat_map(|offers| offers.iter()).for_each(|offer_id| seen.add_converted(*offer_id));
        seen
    }

    /// Keeps a visit, and returns all that the visitor's cookie is to carry. Where no address is known the cookie alone
    /// keeps it.
    #[must_use]
    pub fn keep(&self, mut seen: Seen, visit: Visit, address: Option<IpAddr>, agent_hash: i64) -> Seen {
        seen.add(visit);
        if let Some(address) = address {
            self.visitors.insert(self.hash(address, agent_hash), Arc::new(seen.clone()));
        }
        seen
    }

    fn hash(&self, address: IpAddr, agent_hash: i64) -> u64 {
        self.key.hash_one((address.to_canonical(), agent_hash))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn visit(n: u128, path_id: i64) -> Visit {
        let click_id = ClickId::new(i64::try_from(n).unwrap(), [7; 10]);
        Visit { click_id, campaign_id: 1, path_id, lander_id: None, offer_id: Some(path_id) }
    }

    #[test]
    fn the_bound_holds_and_repeated_visits_go_first() {
        let mut seen = Seen::default();
        seen.add(visit(1, 1));
        for n in 0..40 {
            seen.add(visit(2 + n, 2));
        }
        assert_eq!(seen.visits.len(), VISITS_MAX);
        assert!(seen.has_path(1), "the only visit to this path is kept");
        for n in 0..40 {
            seen.add(visit(100 + n, 3 + i64::try_from(n).unwrap()));
        }
        assert!(!seen.has_path(1) && seen.has_path(42));
        (0..40).for_each(|offer| seen.add_converted(offer));
        assert!(seen.converted.len() == VISITS_MAX && seen.has_converted(39) && !seen.has_converted(0));
    }

    #[test]
    fn a_visitor_is_known_by_cookie_or_by_address_and_agent() {
        let (memory, address) = (Memory::new(), IpAddr::from(Ipv4Addr::LOCALHOST));
        let seen = memory.keep(memory.recall(None, address, 5), visit(1, 9), Some(address), 5);
        assert!(memory.recall(None, address, 5).has_offer(9));
        assert!(!memory.recall(None, address, 6).has_offer(9));
        assert!(memory.recall(Some(seen.clone()), Ipv4Addr::BROADCAST.into(), 6).has_offer(9));
        memory.note_conversion(visit(1, 9).click_id, 77);
        memory.note_conversion(visit(1, 9).click_id, 78);
        let known = memory.recall(Some(seen), address, 5);
        assert!(known.has_converted(77) && known.has_converted(78) && !known.has_converted(9));
    }

    #[test]
    fn a_button_tells_the_offer_of_a_visit() {
        let mut seen = Seen::default();
        let on_lander = Visit { lander_id: Some(4), offer_id: None, ..visit(1, 9) };
        seen.add(on_lander);
        assert_eq!(seen.last_offer_on(9), None);
        seen.add(Visit { offer_id: Some(5), ..on_lander });
        seen.add(Visit { offer_id: Some(6), ..on_lander });
        seen.add(Visit { offer_id: Some(5), ..on_lander });
        assert_eq!(seen.visits.len(), 2, "each offer once, and the visit without one is told");
        assert_eq!(seen.last_offer_on(9), Some(5));
        seen.add(Visit { offer_id: None, ..visit(2, 9) });
        assert_eq!(seen.last_offer_on(9), Some(5), "the next visit keeps it");
        assert_eq!(seen.last_offer_on(8), None);
    }
}
