//! What a group of postbacks reads before it is judged, and holds until it is written.

use super::caps::Takings;
use super::judge::Judged;
use super::record::Group;
use crate::db::ledger::{Draft, Numbers};
use crate::db::{self, AnyConnection, clicks, conversions, postbacks};
use crate::domain::click_id::ClickId;
use crate::domain::rollup::RollupDelta;
use crate::routing::Catalog;
use std::collections::HashMap;

impl<'a> Group<'a> {
    /// A group that holds nothing yet.
    pub(super) fn empty(
        conn: &AnyConnection,
        catalog: &'a Catalog,
        now_ms: i64,
        (numbers, likely): (&'a mut Numbers, usize),
    ) -> Self {
        Self {
            catalog,
            now_ms,
            clicks: HashMap::new(),
            foreign: HashMap::new(),
            conversions: HashMap::new(),
            accepted: HashMap::new(),
            additions: HashMap::new(),
            rates: HashMap::new(),
            draft: Draft::new(conn, numbers, likely),
            sums: RollupDelta::new(),
            converted: Vec::new(),
            takings: Takings::default(),
            is_import_told: false,
        }
    }

    /// Reads some clicks and their conversions, and holds them; what is held already stays as this group has made it.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn hold(&mut self, conn: &mut AnyConnection, ids: &[ClickId]) -> db::Result<()> {
        let new: Vec<ClickId> = ids.iter().filter(|id| !self.clicks.contains_key(id)).copied().collect();
        for facts in clicks::facts(conn, &new)? {
            self.clicks.insert(facts.id, facts);
        }
        for conversion in conversions::of_clicks(conn, &new)? {
            self.conversions.entry(conversion.value.click_id).or_default().push(conversion);
        }
        Ok(())
    }

    /// Reads when the same requests about known conversions were accepted since a time, and holds it.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn hold_accepted(
        &mut self,
        conn: &mut AnyConnection,
        postbacks: &[&Judged],
        since_ms: i64,
    ) -> db::Result<()> {
        let of_known = postbacks.iter().filter_map(|judged| self.click_of(judged));
        let mut known: Vec<ClickId> = of_known.filter(|id| self.conversions.contains_key(id)).collect();
        known.sort_unstable();
        known.dedup();
        if known.is_empty() {
            return Ok(());
        }
        let hashes: Vec<_> = postbacks.iter().map(|judged| judged.request_hash).collect();
        for (request, accepted) in postbacks::accepted(conn, &known, &hashes, since_ms)? {
            self.accepted.entry(request).or_default().extend(accepted);
        }
        Ok(())
    }
}
