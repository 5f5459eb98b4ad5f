//! What is used of the offers' caps, in memory: asked for every visitor that may go to an offer, so it reads no database
//! and takes no lock.
//!
//! Conversions and their money are counted in the database, exactly on any number of nodes; the numbers here follow: those
//! of this process's own commits at once, those of other nodes within [`LOOK_EVERY`]. What a visitor does after he was sent
//! on is nobody's to know, so conversions still come when a cap is used up: they are recorded and flagged.
//!
//! Clicks are counted here. Each takes its place when it is drawn ([`Caps::take`]), so that on one node no more than the
//! limit are sent on; the count begins with what the database knows. A click that the journal could not take keeps its place
//! until the process starts anew. Several nodes: each counts its own and learns of the
//! others' when it looks at the database again, every [`RECOUNT_EVERY`] or, where counting takes long, so seldom that it
//! takes at most a fiftieth of the time. So together they go over by what the others send on within that time and the
//! second that clicks take into the database, and no more.

use super::Router;
use super::catalog::{Catalog, LiveCatalog};
use crate::db::cap_uses::{self, CapUse};
use crate::db::{self, AnyConnection, Db};
use crate::domain::cap::{Cap, CapOf, Window};
use crate::rounds::Rounds;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often the numbers of other nodes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often clicks are counted anew in the database, and how many times as long as counting took is waited at least.
const RECOUNT_EVERY: Duration = Duration::from_secs(5);
const RECOUNT_SHARE: u32 = 50;

/// How often a window is summed that nobody counts: a second time for what was being written the first time by those who did
/// not know of the cap yet. Whoever writes later counts.
const SUMS_MAX: u64 = 2;

/// How often a visitor is drawn again because somebody took the last place before him: as many offers fill up within one
/// draw as never do.
const DRAWS_MAX: usize = 16;

/// Whether offers have room.
pub trait Caps: Sync {
    /// Whether an offer takes no more visitors at a moment.
    fn is_at_cap(&self, offer_id: i64, now_ms: i64) -> bool;

    /// Takes a click's place under an offer's caps of clicks; says whether there was room.
    fn take(&self, _offer_id: i64, _now_ms: i64) -> bool {
        true
    }
}

/// No offer has a cap.
#[derive(Clone, Copy, Debug)]
pub struct NoCaps;

impl Caps for NoCaps {
    fn is_at_cap(&self, _: i64, _: i64) -> bool {
        false
    }
}

impl Router<'_> {
    /// Draws until the offer drawn has room for this click; `None` where others were quicker every time. What is not
    /// counted takes no place.
    pub(super) fn reserve<T>(
        &self,
        is_counted: bool,
        now_ms: i64,
        draw: impl Fn() -> T,
        offer: impl Fn(&T) -> Option<i64>,
    ) -> Option<T> {
        let has_room =
            |drawn: &T| !is_counted || offer(drawn).is_none_or(|offer_id| self.caps.take(offer_id, now_ms));
        (0..DRAWS_MAX).map(|_| draw()).find(has_room)
    }
}

/// How much of a cap is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The cap.
    pub cap: Cap,
    /// What is used of it: a count, or micro-units of the account currency.
    pub used: i64,
    /// Since when, and until when.
    pub window: Window,
}

impl Used {
    /// Nothing more is taken.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.used >= self.cap.limit
    }

    /// The part of the limit that is used, in per cent, rounded down; over a hundred where more came.
    #[must_use]
    pub fn percent(&self) -> i64 {
        let percent = i128::from(self.used) * 100 / i128::from(self.cap.limit.max(1));
        i64::try_from(percent).unwrap_or(i64::MAX)
    }
}

/// What a cap counts in one window.
#[derive(Debug)]
struct Span {
    window: Window,
    used: AtomicI64,
    /// How often it was summed from the database; until the first time it begins at nothing.
    sums: AtomicU64,
    /// How often this process's own commits have said what is used: what was read before the last of them is old.
    notes: AtomicU64,
}

impl Span {
    const fn new(window: Window) -> Self {
        let (used, sums, notes) = (AtomicI64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { window, used, sums, notes }
    }
}

/// A cap with its present window.
#[derive(Debug)]
struct Meter {
    cap: Cap,
    key: String,
    span: ArcSwap<Span>,
}

impl Meter {
    fn new(cap: &Cap, earlier: Option<&Arc<Self>>, now_ms: i64) -> Self {
        // Where the limit alone was changed the count goes on, places being taken meanwhile included.
        let span = earlier
            .map_or_else(|| Arc::new(Span::new(cap.window(now_ms))), |earlier| earlier.span.load_full());
        Self { cap: cap.clone(), key: cap.key(), span: ArcSwap::new(span) }
    }

    /// The window of a moment, a new one where the last is over; `None` for a moment that does not lie in the present one.
    fn at(&self, now_ms: i64) -> Option<arc_swap::Guard<Arc<Span>>> {
        let span = self.span.load();
        if span.window.holds(now_ms) {
            return Some(span);
        }
        // A trace may ask of any time: the clock alone ends a window.
        let clock_ms = self::now_ms();
        if now_ms >= span.window.end_ms && clock_ms >= span.window.end_ms {
            // Whoever is first begins it; everybody goes on with that one.
            self.span.compare_and_swap(&span, Arc::new(Span::new(self.cap.window(clock_ms))));
        }
        Some(self.span.load()).filter(|span| span.window.holds(now_ms))
    }

    fn used(&self, now_ms: i64) -> i64 {
        self.at(now_ms).map_or(0, |span| span.used.load(Ordering::Acquire))
    }

    fn take(&self, now_ms: i64) -> bool {
        let one_more = |used: i64| (used < self.cap.limit).then_some(used + 1);
        self.at(now_ms)
            .is_none_or(|span| span.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok())
    }

    fn give_back(&self, now_ms: i64) {
        if let Some(span) = self.at(now_ms) {
            span.used.fetch_sub(1, Ordering::AcqRel);
        }
    }

    const fn counts_clicks(&self) -> bool {
        matches!(self.cap.of, CapOf::Clicks)
    }
}

type Meters = HashMap<i64, Vec<Arc<Meter>>>;

/// What is used of all caps, shared by the threads of a process.
#[derive(Debug, Default)]
pub struct LiveCaps {
    offers: ArcSwap<Meters>,
    /// Held by those that write, never by those that ask.
    writing: Mutex<()>,
}

impl Caps for LiveCaps {
    fn is_at_cap(&self, offer_id: i64, now_ms: i64) -> bool {
        let offers = self.offers.load();
        // Most installations have no cap at all.
        !offers.is_empty()
            && offers
                .get(&offer_id)
                .is_some_and(|meters| meters.iter().any(|meter| meter.used(now_ms) >= meter.cap.limit))
    }

    fn take(&self, offer_id: i64, now_ms: i64) -> bool {
        let offers = self.offers.load();
        if offers.is_empty() {
            return true;
        }
        let clicks = || offers.get(&offer_id).into_iter().flatten().filter(|meter| meter.counts_clicks());
        for (at, meter) in clicks().enumerate() {
            if !meter.take(now_ms) {
                clicks().take(at).for_each(|taken| taken.give_back(now_ms));
                return false;
            }
        }
        true
    }
}

impl LiveCaps {
    /// Takes over the caps of a catalog, each counted before it is in use.
    ///
    /// # Errors
    /// The database fails; the earlier caps stay in use.
    pub(super) fn follow(&self, catalog: &Catalog, conn: &mut AnyConnection) -> db::Result<()> {
        let (earlier, now_ms) = (self.offers.load_full(), now_ms());
        let mut offers = Meters::new();
        for route in catalog.capped() {
            let known = earlier.get(&route.id).map_or(&[][..], Vec::as_slice);
            let meter = |cap: &Cap| {
                let same = known.iter().find(|meter| meter.key == cap.key());
                match same {
                    Some(same) if same.cap == *cap => Arc::clone(same),
                    _ => Arc::new(Meter::new(cap, same, now_ms)),
                }
            };
            offers.insert(route.id, route.offer.caps.iter().map(meter).collect());
        }
        self.look(&offers, conn, now_ms)?;
        self.offers.store(Arc::new(offers));
        Ok(())
    }

    /// What a committed transaction of this process has counted.
    pub fn note(&self, used: &[(CapUse, i64)]) {
        if used.is_empty() {
            return;
        }
        let offers = self.offers.load();
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, value) in used {
            let meters = offers.get(&place.offer_id).map_or(&[][..], Vec::as_slice);
            let Some(meter) = meters.iter().find(|meter| meter.key == place.cap) else { continue };
            // What was counted in an earlier window keeps nobody out.
            if let Some(span) = meter.at(place.window_ms.max(now_ms()))
                && span.window.start_ms == place.window_ms
            {
                span.notes.fetch_add(1, Ordering::AcqRel);
                span.used.store(*value, Ordering::Release);
            }
        }
    }

    /// Reads what is used of caps of conversions and money: what is kept, or a sum where nobody has counted yet.
    fn look(&self, offers: &Meters, conn: &mut AnyConnection, now_ms: i64) -> db::Result<()> {
        let meters = offers.iter().flat_map(|(id, meters)| meters.iter().map(|meter| (*id, meter)));
        let mut open = Vec::new();
        for (offer_id, meter) in meters {
            let Some(span) = meter.at(now_ms) else { continue };
            if meter.counts_clicks() {
                if span.sums.load(Ordering::Acquire) == 0 {
                    count_clicks(conn, offer_id, meter, &span)?;
                }
                continue;
            }
            let place = CapUse { offer_id, cap: meter.key.clone(), window_ms: span.window.start_ms };
            open.push((place, meter, Arc::clone(&span), span.notes.load(Ordering::Acquire)));
        }
        if open.is_empty() {
            return Ok(());
        }
        let kept = cap_uses::find(conn, open.iter().map(|(place, ..)| place))?;
        for (place, meter, span, notes) in open {
            let value = match kept.get(&place) {
                Some(value) => *value,
                None if span.sums.load(Ordering::Acquire) >= SUMS_MAX => continue,
                None => cap_uses::sum(conn, place.offer_id, &meter.cap, span.window)?,
            };
            let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            span.sums.fetch_add(1, Ordering::AcqRel);
            if span.notes.load(Ordering::Acquire) == notes {
                span.used.store(value, Ordering::Release);
            }
        }
        Ok(())
    }

    /// Whether any offer has a cap of clicks.
    #[must_use]
    pub fn has_click_caps(&self) -> bool {
        self.offers.load().values().flatten().any(|meter| meter.counts_clicks())
    }

    /// Counts the clicks of the present windows in the database. What was taken here and lies there not yet stays counted.
    ///
    /// # Errors
    /// The database fails.
    pub fn recount(&self, db: &Db) -> db::Result<()> {
        let (offers, now_ms) = (self.offers.load_full(), now_ms());
        for (offer_id, meters) in offers.iter() {
            for meter in meters.iter().filter(|meter| meter.counts_clicks()) {
                let Some(span) = meter.at(now_ms) else { continue };
                db.read(|conn| count_clicks(conn, *offer_id, meter, &span))?;
            }
        }
        Ok(())
    }

    /// What is used of an offer's caps at a moment, in the order in which they were saved.
    #[must_use]
    pub fn of_offer(&self, offer_id: i64, now_ms: i64) -> Vec<Used> {
        self.offers.load().get(&offer_id).into_iter().flatten().map(|meter| used(meter, now_ms)).collect()
    }

    /// Every cap of which so many per cent are used, with its offer, the fullest first.
    #[must_use]
    pub fn used_from(&self, percent: i64, now_ms: i64) -> Vec<(i64, Used)> {
        let offers = self.offers.load();
        let all =
            offers.iter().flat_map(|(id, meters)| meters.iter().map(|meter| (*id, used(meter, now_ms))));
        let mut found: Vec<(i64, Used)> = all.filter(|(_, used)| used.percent() >= percent).collect();
        found.sort_by_key(|(offer_id, used)| (-used.percent(), *offer_id));
        found
    }
}

fn used(meter: &Meter, now_ms: i64) -> Used {
    Used { cap: meter.cap.clone(), used: meter.used(now_ms), window: meter.cap.window(now_ms) }
}

fn count_clicks(conn: &mut AnyConnection, offer_id: i64, meter: &Meter, span: &Span) -> db::Result<()> {
    let counted = cap_uses::sum(conn, offer_id, &meter.cap, span.window)?;
    span.used.fetch_max(counted, Ordering::AcqRel);
    span.sums.fetch_add(1, Ordering::AcqRel);
    Ok(())
}

/// Starts the thread that looks at what other nodes count. Where no offer has a cap it asks nothing.
///
/// # Errors
/// The operating system gives no thread.
pub fn watch_caps(catalog: Arc<LiveCatalog>, db: Arc<Db>) -> std::io::Result<Rounds> {
    let mut recount_at = Instant::now() + RECOUNT_EVERY;
    Rounds::start("caps", LOOK_EVERY, move || {
        let caps = catalog.caps();
        let offers = caps.offers.load_full();
        if offers.is_empty() {
            return;
        }
        let mut looked = db.read(|conn| caps.look(&offers, conn, now_ms()));
        if Instant::now() >= recount_at {
            let begun = Instant::now();
            looked = looked.and(caps.recount(&db));
            recount_at = Instant::now() + RECOUNT_EVERY.max(begun.elapsed() * RECOUNT_SHARE);
        }
        if let Err(why) = looked {
            tracing::warn!(%why, "what other nodes have used of caps could not be looked at");
        }
    })
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "caps_tests.rs"]
mod tests;
