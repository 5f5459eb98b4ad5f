//! The end of a group: what it decided is written, and what clicks are routed by learns of it after the commit.

use super::record::Group;
use super::writer::Shared;
use crate::db::cap_uses::CapUse;
use crate::db::conversion_anomalies::Compared;
use crate::db::{self, AnyConnection, rollups};
use crate::domain::click_id::ClickId;

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
        let compared = self.compared();
        self.draft.write(conn)?;
        rollups::apply(conn, &self.sums, writer_id)?;
        Ok(Effects { converted: self.converted, used, compared })
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
