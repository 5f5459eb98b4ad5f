//! An import that is recorded all or nothing: looked at first, so that a file with a refused row holds nobody up; then in one
//! transaction, in which every row is judged again.

use super::groups::Stop;
use super::{Line, fault};
use crate::conversions::writer::{Shared, now_ms};
use crate::db::imports::{self, Fault, Import};
use crate::db::{AnyConnection, Priority, conversions};
use crate::domain::import::{ImportCounts, ImportState};

impl Shared {
    /// Records all rows of an import, or none.
    pub(super) fn import_whole(&self, import: &Import, lines: &[Line]) -> Result<(), Stop> {
        let looked = self.look_at_rows(import.value.advertiser_id, lines)?.ok_or(Stop::NoAdvertiser)?;
        if looked.counts.uncounted() > 0 {
            let faults =
                lines.iter().zip(&looked.verdicts).filter_map(|(line, verdict)| fault(line, verdict));
            return Err(Stop::Refused(looked.counts, faults.collect()));
        }
        let judged = |now_ms: i64| self.judge_lines(import, lines, now_ms);
        // More clicks than a server has room to lock one by one.
        self.write_rows(
            import,
            lines,
            judged,
            |conn, _| conversions::lock_all(conn),
            |conn, written| {
                if written.counts.uncounted() > 0 {
                    return Err(Stop::Refused(written.counts, written.faults.clone()));
                }
                close(conn, import, written.counts, ImportState::Done)
            },
        )
    }

    /// Lists why nothing was recorded. What the other rows would have come to is not said: it did not happen.
    pub(super) fn note_refused(
        &self,
        import: &Import,
        counts: ImportCounts,
        faults: &[Fault],
    ) -> Result<(), Stop> {
        let counts = ImportCounts { accepted: 0, duplicate: 0, ..counts };
        self.db.write(Priority::Maintenance, |conn| {
            imports::add_faults(conn, import.id, faults)?;
            close(conn, import, counts, ImportState::Refused)
        })
    }
}

/// Counts all rows of an import and ends it.
fn close(
    conn: &mut AnyConnection,
    import: &Import,
    counts: ImportCounts,
    state: ImportState,
) -> Result<(), Stop> {
    if !imports::advance(conn, import.id, 0, counts, now_ms())? {
        return Err(Stop::Taken);
    }
    Ok(imports::finish(conn, import.id, (state, ""), now_ms())?)
}
