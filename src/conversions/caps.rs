//! What conversions take of their offers' caps: settled once for a group, in its transaction.

use crate::db::cap_uses::{self, CapUse};
use crate::db::conversions::NewConversion;
use crate::db::ledger::Draft;
use crate::db::{self, AnyConnection};
use crate::domain::cap::{Cap, Place};
use crate::routing::Catalog;
use std::collections::{BTreeMap, BTreeSet};

/// What a group of postbacks takes, in the order in which it came. Empty where none of their offers has a cap: such a
/// group asks the database nothing.
#[derive(Debug, Default)]
pub struct Takings(Vec<Taking>);

/// A place taken, or what it holds changed.
#[derive(Debug)]
struct Taking {
    conversion_id: i64,
    offer_id: i64,
    event: String,
    counts_as_conversion: bool,
    counts_in_revenue: bool,
    converted_at_ms: i64,
    before: Option<Place>,
    after: Place,
}

impl Taking {
    /// Whether a cap counts it.
    fn is_in(&self, cap: &Cap) -> bool {
        cap.counts(&self.event, self.counts_as_conversion, self.counts_in_revenue)
    }

    /// Where a cap counts it: by its own time.
    fn place_in(&self, cap: &Cap) -> CapUse {
        let window_ms = cap.window(self.converted_at_ms).start_ms;
        CapUse { offer_id: self.offer_id, cap: cap.key(), window_ms }
    }
}

fn caps_of(catalog: &Catalog, offer_id: i64) -> &[Cap] {
    catalog.offer(offer_id).map_or(&[], |route| &route.offer.caps)
}

impl Takings {
    /// Notes what a conversion holds now, where that is new and its offer has a cap.
    pub fn add(&mut self, catalog: &Catalog, id: i64, before: Option<Place>, now: &NewConversion) {
        let (Some(offer_id), Some(after)) = (now.offer_id, now.place) else { return };
        if before == Some(after) || caps_of(catalog, offer_id).is_empty() {
            return;
        }
        self.0.push(Taking {
            conversion_id: id,
            offer_id,
            event: now.event.clone(),
            counts_as_conversion: now.counts_as_conversion,
            counts_in_revenue: now.counts_in_revenue,
            converted_at_ms: now.converted_at_ms,
            before,
            after,
        });
    }

    /// Counts all of it, flags conversions that came when their cap was used up, and says what is used now.
    ///
    /// The offers are held until the transaction ends, so that no other node counts the same cap meanwhile; then what was
    /// used before is read, or summed where nobody has counted yet. What the draft holds is not in the database by then.
    ///
    /// # Errors
    /// The database fails.
    pub fn settle(
        &self,
        conn: &mut AnyConnection,
        catalog: &Catalog,
        draft: &mut Draft<'_>,
    ) -> db::Result<Vec<(CapUse, i64)>> {
        let mut places: BTreeMap<CapUse, (&Cap, i64)> = BTreeMap::new();
        for taking in &self.0 {
            let caps = caps_of(catalog, taking.offer_id).iter().filter(|cap| taking.is_in(cap));
            for cap in caps {
                places.entry(taking.place_in(cap)).or_insert((cap, taking.converted_at_ms));
            }
        }
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let offers: BTreeSet<i64> = places.keys().map(|place| place.offer_id).collect();
        cap_uses::lock(conn, &offers)?;
        let mut used = cap_uses::find(conn, places.keys())?;
        for (place, (cap, at_ms)) in &places {
            if !used.contains_key(place) {
                let sum = cap_uses::sum(conn, place.offer_id, cap, cap.window(*at_ms))?;
                used.insert(place.clone(), sum);
            }
        }
        for taking in &self.0 {
            for cap in caps_of(catalog, taking.offer_id).iter().filter(|cap| taking.is_in(cap)) {
                let Some(value) = used.get_mut(&taking.place_in(cap)) else { continue };
                if taking.before.is_none() && *value >= cap.limit {
                    draft.flag_over_cap(taking.conversion_id);
                }
                *value = value.saturating_add(cap.added(taking.before, taking.after));
            }
        }
        let used: Vec<(CapUse, i64)> = used.into_iter().collect();
        cap_uses::put(conn, &used)?;
        Ok(used)
    }
}
