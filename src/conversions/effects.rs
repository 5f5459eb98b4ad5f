//! The end of a group: what it decided is written, and what clicks are routed by learns of it after the commit.

use super::person::IMPORTED;
use super::record::Group;
use super::writer::Shared;
use crate::db::cap_uses::CapUse;
use crate::db::conversion_anomalies::Compared;
use crate::db::conversions::RECALCULATION;
use crate::db::deliveries::{self, NewDelivery};
use crate::db::{self, AnyConnection, rollups};
use crate::deliveries::{Happening, fired};
use crate::domain::click_id::ClickId;
use crate::domain::status::Status;

/// What a group tells to others once it is committed.
pub(super) struct Effects {
    /// Clicks of people that converted, each with its offer.
    converted: Vec<(ClickId, i64)>,
    /// What is used of caps now.
    used: Vec<(CapUse, i64)>,
    /// What was recorded, to be compared with others.
    compared: Vec<Compared>,
}

impl Group<'_> {
    /// Writes what the group decided. `writer_id` names this process's own rows of the sums.
    ///
    /// # Errors
    /// The database fails; nothing of it is kept then.
    pub(super) fn finish(mut self, conn: &mut AnyConnection, writer_id: i64) -> db::Result<Effects> {
        let used = self.takings.settle(conn, self.catalog, &mut self.draft)?;
        let told = self.told();
        let compared = self.compared();
        self.draft.write(conn)?;
        deliveries::queue(conn, &told)?;
        rollups::apply(conn, &self.sums, writer_id)?;
        Ok(Effects { converted: self.converted, used, compared })
    }

    /// Who is to be told of what the group decided. A rate that is mended tells nobody anything, nor does a file unless its
    /// reader asks for it: another tracker may have told of it long ago.
    fn told(&self) -> Vec<NewDelivery> {
        if self.catalog.destinations().is_empty() || self.draft.is_imagined() {
            return Vec::new();
        }
        let mut told = Vec::new();
        for (place, (change, conversion, is_taken_over)) in self.draft.changes().enumerate() {
            let (Some(conversion), Some(to)) = (conversion, Status::parse(&change.to_status)) else {
                continue;
            };
            let is_quiet = match change.cause.as_str() {
                RECALCULATION => true,
                IMPORTED => !self.is_import_told,
                _ => false,
            };
            // What only a page tells of is told to nobody before a postback confirms it.
            if conversion.is_unconfirmed || is_quiet {
                continue;
            }
            let before = change.from_status.as_deref().and_then(Status::parse);
            let happening = Happening {
                conversion_id: change.conversion_id,
                conversion,
                from: before.filter(|_| !is_taken_over),
                to,
                revenue_micros: change.to_revenue_micros,
                payout_micros: change.to_payout_micros,
                place,
            };
            told.extend(fired(self.catalog, &happening, self.now_ms));
        }
        told
    }
}

impl Shared {
    /// Tells caps, the visitors' memory and what compares conversions what was committed.
    pub(super) fn tell(&self, effects: Effects) {
        self.catalog.caps().note(&effects.used);
        for (click_id, offer_id) in effects.converted {
            self.memory.note_conversion(click_id, offer_id);
        }
        self.compare(&effects.compared);
    }
}
