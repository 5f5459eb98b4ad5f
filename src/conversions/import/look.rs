//! What an import would come to: every row is judged as in a run, in order, each after those before it, and nothing is
//! written.

use super::{GROUP_MAX, Line, counted, judge};
use crate::conversions::door::Postbacks;
use crate::conversions::foreign;
use crate::conversions::judge::{Judged, Verdict};
use crate::conversions::record::Group;
use crate::conversions::writer::{Shared, now_ms};
use crate::db;
use crate::db::ledger::{IMAGINED_FROM, Numbers};
use crate::domain::import::ImportCounts;

/// What the rows of a file would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// A verdict for each row, in order.
    pub verdicts: Vec<Verdict>,
    /// How many come to what.
    pub counts: ImportCounts,
}

impl Postbacks {
    /// What some rows of an advertiser's file would come to. `None` where there is no such advertiser. For a blocking thread.
    ///
    /// # Errors
    /// The database fails.
    pub fn look_at_rows(&self, advertiser_id: i64, lines: &[Line]) -> db::Result<Option<Looked>> {
        self.shared.look_at_rows(advertiser_id, lines)
    }
}

impl Shared {
    pub(in crate::conversions) fn look_at_rows(
        &self,
        advertiser_id: i64,
        lines: &[Line],
    ) -> db::Result<Option<Looked>> {
        let catalog = self.catalog.get();
        let Some(advertiser) = catalog.advertiser(advertiser_id) else { return Ok(None) };
        let now_ms = now_ms();
        self.wait_for_clicks(lines, now_ms);
        let mut looked = Looked::default();
        self.db.read(|conn| {
            let mut numbers = Numbers::imagined();
            let mut group = Group::empty(conn, &catalog, now_ms, (&mut numbers, lines.len()));
            for some in lines.chunks(GROUP_MAX) {
                let rows: Vec<Judged> = some.iter().map(|line| judge(line, advertiser, now_ms, "")).collect();
                group.foreign.extend(foreign::named(conn, rows.iter())?.0);
                group.hold_rows(conn, &rows)?;
                for judged in &rows {
                    let verdict = real(group.settle(conn, judged)?.verdict);
                    looked.counts = looked.counts.plus(counted(verdict.code));
                    looked.verdicts.push(verdict);
                }
            }
            Ok::<_, db::Error>(())
        })?;
        Ok(Some(looked))
    }
}

/// A verdict without the number of a conversion that is none yet.
fn real(mut verdict: Verdict) -> Verdict {
    if let Some(id) = verdict.conversion_id.filter(|id| *id > IMAGINED_FROM) {
        verdict.conversion_id = None;
        verdict.message = verdict.message.replace(&id.to_string(), "(new)");
    }
    verdict
}
