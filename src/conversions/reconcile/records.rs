//! Rows that only they have, recorded as an import records them: by the same checks, and only where they count.

use crate::conversions::import::{GROUP_MAX, Line, Source, Stop};
use crate::conversions::judge::Verdict;
use crate::conversions::sentences;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::reconciliation_rows::{self as list_rows, ListRow, Mark};
use crate::db::reconciliations::Reconciliation;
use crate::db::{self, AnyConnection, Priority, conversions};
use crate::domain::reconcile::Repair;
use crate::domain::verdict::{Code, PostbackResult};

/// A row with what an import is told of it.
type Told<'a> = (&'a ListRow, Line);

impl Shared {
    /// Records rows. What would be parked or refused leaves no trace but the sentence beside its row, so that who asks
    /// again finds nothing more.
    pub(super) fn repair_by_recording(
        &self,
        found: &Reconciliation,
        rows: &[ListRow],
        user_id: i64,
    ) -> db::Result<Vec<Mark>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let lines: Vec<Line> = rows.iter().map(line).collect();
        let Some(looked) = self.look_at_rows(found.value.advertiser_id, &lines)? else {
            let refused = Verdict::new(Code::BadKey, sentences::NO_ADVERTISER);
            return Ok(rows.iter().map(|row| mark(row, &refused)).collect());
        };
        let (mut good, mut marks) = (Vec::new(), Vec::new());
        for ((row, line), verdict) in rows.iter().zip(lines).zip(&looked.verdicts) {
            if is_counted(verdict) {
                good.push((row, line));
            } else {
                marks.push(mark(row, verdict));
            }
        }
        self.db.write(Priority::Pages, |conn| list_rows::mark(conn, &marks, now_ms()))?;
        let source = Source { user_id, name: format!("Reconciliation {}", found.id), is_told: true };
        for some in good.chunks(GROUP_MAX) {
            marks.extend(self.record_or_each(found, &source, some)?);
        }
        Ok(marks)
    }

    /// Records some rows together, or where one of them cannot be stored each by itself.
    fn record_or_each(
        &self,
        found: &Reconciliation,
        source: &Source,
        rows: &[Told<'_>],
    ) -> db::Result<Vec<Mark>> {
        match self.record_some(found, source, rows) {
            Ok(marks) => Ok(marks),
            Err(Stop::Db(why @ db::Error::Unavailable(_))) => Err(why),
            Err(_) if rows.len() > 1 => {
                let each =
                    rows.iter().map(|row| self.record_or_each(found, source, std::slice::from_ref(row)));
                Ok(each.collect::<db::Result<Vec<Vec<Mark>>>>()?.concat())
            }
            Err(stop) => {
                if let Stop::Db(why) = stop {
                    tracing::error!(%why, reconciliation = found.id, "a row could not be stored");
                }
                let verdict = Verdict::new(Code::Unreadable, sentences::ROW_NOT_STORED);
                let marks: Vec<Mark> = rows.iter().map(|(row, _)| mark(row, &verdict)).collect();
                self.db.write(Priority::Pages, |conn| list_rows::mark(conn, &marks, now_ms()))?;
                Ok(marks)
            }
        }
    }

    fn record_some(
        &self,
        found: &Reconciliation,
        source: &Source,
        rows: &[Told<'_>],
    ) -> Result<Vec<Mark>, Stop> {
        let lines: Vec<Line> = rows.iter().map(|(_, line)| line.clone()).collect();
        let from = format!("reconciliation {}", found.id);
        let judged = |now_ms: i64| self.judge_lines(found.value.advertiser_id, &lines, (now_ms, &from));
        let mut marks = Vec::with_capacity(rows.len());
        self.write_rows(
            source,
            &lines,
            judged,
            conversions::lock_clicks,
            |conn: &mut AnyConnection, written| {
                marks
                    .extend(rows.iter().zip(&written.verdicts).map(|((row, _), verdict)| mark(row, verdict)));
                Ok(list_rows::mark(conn, &marks, now_ms())?)
            },
        )?;
        Ok(marks)
    }
}

/// A row as an import reads it.
fn line(row: &ListRow) -> Line {
    let theirs = &row.value.theirs;
    let line = theirs.line.and_then(|line| u64::try_from(line).ok()).unwrap_or_default();
    Line { line, text: theirs.text.clone(), said: Ok(theirs.said.clone()) }
}

fn is_counted(verdict: &Verdict) -> bool {
    matches!(verdict.code.result(), PostbackResult::Accepted | PostbackResult::Duplicate)
}

fn mark(row: &ListRow, verdict: &Verdict) -> Mark {
    let repair = match verdict.code.result() {
        PostbackResult::Accepted => Some(Repair::Recorded),
        PostbackResult::Duplicate => Some(Repair::Unchanged),
        PostbackResult::Parked | PostbackResult::Refused => None,
    };
    let conversion_id = verdict.conversion_id.filter(|_| repair.is_some());
    Mark { id: row.id, repair, conversion_id, outcome: verdict.message.clone() }
}
