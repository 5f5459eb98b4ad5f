//! Clicks on landers that came lately, so that their buttons need no database.

use crate::domain::click::ClickRecord;
use crate::domain::click_id::ClickId;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// Clicks remembered: at under a kilobyte each, some 15 MiB when full. Only clicks on landers are.
const CLICKS_MAX: usize = 20_000;

/// A bounded memory of clicks by id.
pub struct Recent(Cache<ClickId, Arc<ClickRecord>>);

impl Default for Recent {
    fn default() -> Self {
        Self(Cache::new(CLICKS_MAX))
    }
}

impl Recent {
    /// Remembers a click.
    pub fn keep(&self, record: ClickRecord) {
        self.0.insert(record.id, Arc::new(record));
    }

    /// A click that is remembered.
    pub fn find(&self, id: ClickId) -> Option<Arc<ClickRecord>> {
        self.0.get(&id)
    }
}
