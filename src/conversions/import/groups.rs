//! An import whose good rows are recorded: in groups, each a transaction with the count of how far it is, so that a restart
//! goes on exactly where it ended.

use super::{By, GROUP_MAX, Line, counted, fault, judge, why};
use crate::conversions::judge::{Judged, Verdict};
use crate::conversions::record::Group;
use crate::conversions::sentences;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::imports::{self, Fault, Import};
use crate::db::ledger::Numbers;
use crate::db::{self, AnyConnection, Priority, conversions, rollups};
use crate::domain::click_id::ClickId;
use crate::domain::import::ImportCounts;
use crate::domain::verdict::Code;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long to wait where the database is away.
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// Why a transaction of an import does not stand.
pub(super) enum Stop {
    /// The database fails.
    Db(db::Error),
    /// Another process goes on with the import.
    Taken,
    /// Its advertiser is not there any more.
    NoAdvertiser,
    /// A row is refused, and none is to be recorded then.
    Refused(ImportCounts, Vec<Fault>),
}

impl From<db::Error> for Stop {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

/// What was written, for those who remember it.
pub(super) struct Written {
    pub(super) counts: ImportCounts,
    pub(super) faults: Vec<Fault>,
    verdicts: Vec<Verdict>,
}

impl Shared {
    /// Records the rows of an import that are not done yet.
    pub(super) fn import_groups(&self, import: &Import, lines: &[Line]) -> Result<(), Stop> {
        let mut done = usize::try_from(import.counts.done).unwrap_or(usize::MAX);
        while let Some(rest) = lines.get(done..).filter(|rest| !rest.is_empty()) {
            if self.is_stopped.load(Ordering::Acquire) {
                return Err(Stop::Taken);
            }
            let some = rest.get(..GROUP_MAX).unwrap_or(rest);
            match self.import_rows(import, some, done) {
                Ok(()) => done += some.len(),
                Err(Stop::Db(db::Error::Unavailable(why))) => {
                    tracing::warn!(%why, import = import.id, "an import waits for the database");
                    std::thread::sleep(AWAY_PAUSE);
                }
                // One row may be what fails: the others are recorded all the same.
                Err(Stop::Db(why)) => {
                    tracing::warn!(%why, import = import.id, "rows of an import are recorded one by one");
                    self.import_one_by_one(import, some, done)?;
                    done += some.len();
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    fn import_one_by_one(&self, import: &Import, lines: &[Line], mut done: usize) -> Result<(), Stop> {
        for line in lines {
            match self.import_rows(import, std::slice::from_ref(line), done) {
                Err(Stop::Db(why)) if !matches!(why, db::Error::Unavailable(_)) => {
                    tracing::error!(%why, import = import.id, line = line.line, "a row could not be stored");
                    self.skip_row(import, line, done)?;
                }
                outcome => outcome?,
            }
            done += 1;
        }
        Ok(())
    }

    /// Lists a row that could not be stored, and goes on behind it.
    fn skip_row(&self, import: &Import, line: &Line, done: usize) -> Result<(), Stop> {
        let verdict = Verdict::new(Code::Unreadable, sentences::ROW_NOT_STORED);
        self.db.write(Priority::Maintenance, |conn| {
            self.note_progress(conn, import, done, counted(verdict.code))?;
            let faults: Vec<Fault> = fault(line, &verdict).into_iter().collect();
            Ok::<_, Stop>(imports::add_faults(conn, import.id, &faults)?)
        })
    }

    /// Records some rows in one transaction, together with how far the import is then.
    fn import_rows(&self, import: &Import, lines: &[Line], done: usize) -> Result<(), Stop> {
        let judged = |now_ms: i64| self.judge_lines(import, lines, now_ms);
        self.write_rows(import, lines, judged, conversions::lock_clicks, |conn, written| {
            self.note_progress(conn, import, done, written.counts)?;
            Ok(imports::add_faults(conn, import.id, &written.faults)?)
        })
    }

    fn note_progress(
        &self,
        conn: &mut AnyConnection,
        import: &Import,
        done: usize,
        more: ImportCounts,
    ) -> Result<(), Stop> {
        let done = i64::try_from(done).unwrap_or(i64::MAX);
        if imports::advance(conn, import.id, done, more, now_ms())? { Ok(()) } else { Err(Stop::Taken) }
    }

    /// Reads rows as their advertiser's.
    pub(super) fn judge_lines(
        &self,
        import: &Import,
        lines: &[Line],
        now_ms: i64,
    ) -> Result<Vec<Judged>, Stop> {
        let catalog = self.catalog.get();
        let advertiser = catalog.advertiser(import.value.advertiser_id).ok_or(Stop::NoAdvertiser)?;
        Ok(lines.iter().map(|line| judge(line, advertiser, now_ms)).collect())
    }

    /// Judges and writes rows in one transaction, which ends as `ending` says.
    pub(super) fn write_rows(
        &self,
        import: &Import,
        lines: &[Line],
        judged: impl FnOnce(i64) -> Result<Vec<Judged>, Stop>,
        lock: impl FnOnce(&mut AnyConnection, &[ClickId]) -> db::Result<()>,
        ending: impl FnOnce(&mut AnyConnection, &Written) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let (catalog, now_ms, mut numbers) = (self.catalog.get(), now_ms(), Numbers::default());
        let rows = judged(now_ms)?;
        let (written, converted, used) = self.db.write(Priority::Maintenance, |conn| {
            self.ensure_partitions(conn, now_ms)?;
            let ids: Vec<ClickId> = rows.iter().filter_map(Judged::click_id).collect();
            lock(conn, &ids)?;
            let mut group = Group::empty(conn, &catalog, now_ms, (&mut numbers, rows.len()));
            let written = write_all(conn, &mut group, import, lines, &rows)?;
            let used = group.takings.settle(conn, &catalog, &mut group.draft)?;
            group.draft.write(conn)?;
            rollups::apply(conn, &group.sums, self.writer_id)?;
            ending(conn, &written)?;
            Ok::<_, Stop>((written, group.converted, used))
        })?;
        self.catalog.caps().note(&used);
        for (click_id, offer_id) in converted {
            self.memory.note_conversion(click_id, offer_id);
        }
        if written.verdicts.iter().any(|verdict| verdict.code == Code::ParkedUnknownClick) {
            self.has_parked.store(true, Ordering::Release);
        }
        Ok(())
    }
}

fn write_all(
    conn: &mut AnyConnection,
    group: &mut Group<'_>,
    import: &Import,
    lines: &[Line],
    rows: &[Judged],
) -> Result<Written, Stop> {
    let mut written = Written {
        counts: ImportCounts::default(),
        faults: Vec::new(),
        verdicts: Vec::with_capacity(rows.len()),
    };
    for (lines, rows) in lines.chunks(GROUP_MAX).zip(rows.chunks(GROUP_MAX)) {
        group.hold_rows(conn, rows)?;
        for (line, judged) in lines.iter().zip(rows) {
            let why = why(import, line.line);
            let by = By { user_id: import.value.user_id, cause: "import", why: &why };
            let verdict = group.keep_row(conn, judged, &by)?;
            written.counts = written.counts.plus(counted(verdict.code));
            written.faults.extend(fault(line, &verdict));
            written.verdicts.push(verdict);
        }
    }
    Ok(written)
}
