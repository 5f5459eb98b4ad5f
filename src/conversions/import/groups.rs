//! An import whose good rows are recorded: in groups, each a transaction with the count of how far it is, so that a restart
//! goes on exactly where it ended.

use super::{GROUP_MAX, Line, Source, counted, fault, judge};
use crate::conversions::foreign::{self, Foreign};
use crate::conversions::judge::{Judged, Verdict};
use crate::conversions::record::Group;
use crate::conversions::sentences;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::imports::{self, Fault, Import};
use crate::db::ledger::Numbers;
use crate::db::{self, AnyConnection, Priority, conversions};
use crate::domain::click_id::ClickId;
use crate::domain::import::ImportCounts;
use crate::domain::verdict::Code;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long to wait where the database is away.
const AWAY_PAUSE: Duration = Duration::from_secs(1);

/// Why a transaction of an import does not stand.
pub(in crate::conversions) enum Stop {
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
pub(in crate::conversions) struct Written {
    pub(super) counts: ImportCounts,
    pub(super) faults: Vec<Fault>,
    pub(in crate::conversions) verdicts: Vec<Verdict>,
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
        let from = format!("import {}", import.id);
        let judged = |now_ms: i64| self.judge_lines(import.value.advertiser_id, lines, (now_ms, &from));
        self.write_rows(&Source::of(import), lines, judged, conversions::lock_clicks, |conn, written| {
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

    /// Reads rows as their advertiser's. By `from` the log finds all rows of one file, also those that are parked and judged
    /// again without anybody.
    pub(in crate::conversions) fn judge_lines(
        &self,
        advertiser_id: i64,
        lines: &[Line],
        (now_ms, from): (i64, &str),
    ) -> Result<Vec<Judged>, Stop> {
        let catalog = self.catalog.get();
        let advertiser = catalog.advertiser(advertiser_id).ok_or(Stop::NoAdvertiser)?;
        Ok(lines.iter().map(|line| judge(line, advertiser, now_ms, from)).collect())
    }

    /// Judges and writes rows in one transaction, which ends as `ending` says.
    pub(in crate::conversions) fn write_rows(
        &self,
        source: &Source,
        lines: &[Line],
        judged: impl FnOnce(i64) -> Result<Vec<Judged>, Stop>,
        lock: impl FnOnce(&mut AnyConnection, &[ClickId]) -> db::Result<()>,
        ending: impl FnOnce(&mut AnyConnection, &Written) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let (catalog, now_ms, mut numbers) = (self.catalog.get(), now_ms(), Numbers::default());
        let rows = judged(now_ms)?;
        let (written, effects) = self.db.write(Priority::Maintenance, |conn| {
            self.ensure_partitions(conn, now_ms)?;
            let (known, ids) = foreign::named(conn, rows.iter())?;
            lock(conn, &ids)?;
            let mut group = Group::empty(conn, &catalog, now_ms, (&mut numbers, rows.len()));
            group.foreign = known;
            group.is_import_told = source.is_told;
            let mut foreign = Foreign::default();
            let written = write_all(conn, &mut group, &mut foreign, (source, lines, &rows))?;
            let effects = group.finish(conn, self.writer_id)?;
            foreign.write(conn, now_ms)?;
            ending(conn, &written)?;
            Ok::<_, Stop>((written, effects))
        })?;
        self.tell(effects);
        if written.verdicts.iter().any(|verdict| verdict.code == Code::ParkedUnknownClick) {
            self.has_parked.store(true, Ordering::Release);
        }
        Ok(())
    }
}

fn write_all(
    conn: &mut AnyConnection,
    group: &mut Group<'_>,
    foreign: &mut Foreign,
    (source, lines, rows): (&Source, &[Line], &[Judged]),
) -> Result<Written, Stop> {
    let mut written = Written {
        counts: ImportCounts::default(),
        faults: Vec::new(),
        verdicts: Vec::with_capacity(rows.len()),
    };
    for (lines, rows) in lines.chunks(GROUP_MAX).zip(rows.chunks(GROUP_MAX)) {
        group.hold_rows(conn, rows)?;
        for (line, judged) in lines.iter().zip(rows) {
            let why = source.why(line.line);
            let (verdict, postback_id) = group.keep_row(conn, judged, &source.by(&why))?;
            foreign.note_parked(judged, &verdict, postback_id);
            written.counts = written.counts.plus(counted(verdict.code));
            written.faults.extend(fault(line, &verdict));
            written.verdicts.push(verdict);
        }
    }
    Ok(written)
}
