//! Making a reconciliation: a draft's file is read, compared with our conversions, and what was found is kept.

use super::rows::{self, Read};
use crate::conversions::door::Postbacks;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::imports::{self, PART_BYTES};
use crate::db::reconciliation_rows::{self as list_rows, NewRow, OurSide, TheirSide};
use crate::db::reconciliations::{self, NewReconciliation, Reconciliation, ReconciliationState, Standings};
use crate::db::{self, Priority};
use crate::domain::click_id::ClickId;
use crate::domain::input::FieldErrors;
use crate::domain::reconcile::{Compared, Finding, List, Ours, Theirs, compare, match_up, per_day};
use std::collections::{HashMap, HashSet};

/// Our conversions of one comparison: twice as many as a file has rows, so that nothing that could agree is missing.
pub const OURS_MAX: usize = 100_000;

/// Conversions of other days that are read for five hundred transactions or clicks of a file: most have one.
const BEYOND_MAX: i64 = 5_000;

/// Rows that one transaction stores: postbacks are served between any two.
const STORED_MAX: usize = 500;

/// How long a draft is kept that nobody finishes.
const DRAFTS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// Why no reconciliation was made.
#[derive(Debug)]
pub enum NotMade {
    /// Something must be mended.
    Fields(FieldErrors),
    /// There is no such draft.
    NotFound,
    /// The database fails.
    Db(db::Error),
}

impl From<db::Error> for NotMade {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

pub(super) fn wrong(field: &str, message: impl Into<String>) -> NotMade {
    NotMade::Fields(FieldErrors::one(field, message))
}

impl Postbacks {
    /// Keeps a report as a draft; comes back with its number.
    pub(super) fn keep_report(&self, new: &NewReconciliation, bytes: &[u8]) -> db::Result<i64> {
        let (db, now_ms) = (&self.shared.db, now_ms());
        let id = db.write(Priority::Pages, |conn| {
            reconciliations::sweep(conn, now_ms - DRAFTS_KEPT_MS)?;
            reconciliations::insert(conn, new, now_ms)
        })?;
        for (part, bytes) in (0..).zip(bytes.chunks(PART_BYTES)) {
            db.write(Priority::Pages, |conn| reconciliations::add_part(conn, id, part, bytes))?;
        }
        Ok(id)
    }

    /// Compares a draft with our conversions and keeps what is found. For a blocking thread.
    ///
    /// # Errors
    /// The file or its columns cannot be read, there are too many conversions, or the database fails.
    pub fn make_reconciliation(&self, id: i64) -> Result<(), NotMade> {
        self.shared.make_reconciliation(id)
    }
}

/// Both sides, and what was found.
struct Sides {
    read: Vec<Read>,
    ours: Vec<Ours>,
    compared: Compared,
}

impl Shared {
    fn make_reconciliation(&self, id: i64) -> Result<(), NotMade> {
        let (draft, bytes) = self.db.read(|conn| {
            Ok::<_, db::Error>((reconciliations::find(conn, id)?, reconciliations::file(conn, id)?))
        })?;
        let draft =
            draft.filter(|draft| draft.state == ReconciliationState::Draft).ok_or(NotMade::NotFound)?;
        let catalog = self.catalog.get();
        let advertiser = catalog
            .advertiser(draft.value.advertiser_id)
            .ok_or_else(|| wrong("advertiser_id", "There is no such advertiser, or it is archived"))?;
        let (value, span) = (&draft.value, draft.value.span);
        let of_file = |why: crate::domain::sheet::Fault| wrong("file", why.to_string());
        let sheet = rows::sheet_of(&bytes).map_err(of_file)?;
        drop(bytes);
        let read = rows::read(&sheet, &value.mapping, (span.zone, value.day_order), &advertiser.advertiser)
            .map_err(of_file)?;
        let theirs: Vec<Theirs> = read.iter().map(|row| row.theirs.clone()).collect();
        let ours = self.ours(&draft, &theirs)?;
        let matching = match_up(&theirs, &ours, |at_ms| span.contains(at_ms));
        let compared = compare(&theirs, &ours, &matching, &span);
        let standings = Standings {
            theirs: count(theirs.len()),
            ours: count(ours.iter().filter(|one| span.contains(one.at_ms)).count()),
            matched: count(compared.matched),
            outside: count(compared.outside),
            days: per_day(&theirs, &ours, (&matching, &compared), &span),
        };
        self.keep_found(&draft, &standings, &Sides { read, ours, compared })
    }

    /// Our conversions of the days, and those of other days that the file names.
    fn ours(&self, draft: &Reconciliation, theirs: &[Theirs]) -> Result<Vec<Ours>, NotMade> {
        let (span, advertiser_id) = (draft.value.span, draft.value.advertiser_id);
        let within = (span.from_ms(), span.to_ms());
        let limit = count(OURS_MAX) + 1;
        let ours = self.db.read(|conn| reconciliations::ours_within(conn, advertiser_id, within, limit))?;
        if ours.len() > OURS_MAX {
            let message = format!(
                "These days have more than {OURS_MAX} conversions of this advertiser: compare fewer days at once"
            );
            return Err(wrong("to", message));
        }
        let (txids, clicks) = unknown(theirs, &ours);
        let beyond = self.db.read(|conn| {
            let mut found = reconciliations::ours_by_txid(conn, advertiser_id, &txids, BEYOND_MAX)?;
            found.extend(reconciliations::ours_by_click(conn, advertiser_id, &clicks, BEYOND_MAX)?);
            Ok::<_, db::Error>(found)
        })?;
        let mut all: HashMap<i64, Ours> = ours.into_iter().map(|one| (one.id, one)).collect();
        all.extend(beyond.into_iter().map(|one| (one.id, one)));
        let mut all: Vec<Ours> = all.into_values().collect();
        all.sort_unstable_by_key(|one| one.id);
        Ok(all)
    }

    fn keep_found(
        &self,
        draft: &Reconciliation,
        standings: &Standings,
        sides: &Sides,
    ) -> Result<(), NotMade> {
        let id = draft.id;
        let is_mine = self.db.write(Priority::Pages, |conn| reconciliations::begin(conn, id, standings))?;
        if !is_mine {
            return Err(NotMade::NotFound);
        }
        for some in sides.compared.findings.chunks(STORED_MAX) {
            let rows: Vec<NewRow> = some.iter().map(|finding| sides.row(finding)).collect();
            self.db.write(Priority::Pages, |conn| list_rows::add(conn, id, &rows))?;
        }
        let value = &draft.value;
        self.db.write(Priority::Pages, |conn| {
            imports::remember_mapping(conn, value.advertiser_id, &value.mapping)?;
            reconciliations::finish(conn, id)
        })?;
        Ok(())
    }
}

/// The transactions and clicks that rows name and that none of our conversions has.
fn unknown<'a>(theirs: &'a [Theirs], ours: &[Ours]) -> (Vec<&'a str>, Vec<ClickId>) {
    let known_txids: HashSet<&str> = ours.iter().map(|one| one.txid.as_str()).collect();
    let known_clicks: HashSet<ClickId> = ours.iter().map(|one| one.click_id).collect();
    let open = || theirs.iter().filter(|row| !known_txids.contains(row.txid.as_str()) || row.txid.is_empty());
    let mut txids: Vec<&str> = open().map(|row| row.txid.as_str()).filter(|txid| !txid.is_empty()).collect();
    let mut clicks: Vec<ClickId> =
        open().filter_map(|row| row.click_id).filter(|click| !known_clicks.contains(click)).collect();
    txids.sort_unstable();
    txids.dedup();
    clicks.sort_unstable();
    clicks.dedup();
    (txids, clicks)
}

impl Sides {
    fn row(&self, finding: &Finding) -> NewRow {
        let theirs = finding.row.and_then(|row| self.read.get(row)).map(|read| {
            // What a repair will be told; the other lists need no more than is shown.
            let is_told = matches!(finding.list, List::OnlyTheirs | List::StatusDiffers);
            TheirSide {
                line: Some(i64::try_from(read.theirs.line).unwrap_or(i64::MAX)),
                text: read.text.clone(),
                said: if is_told { read.said.clone() } else { Vec::new() },
                txid: read.theirs.txid.clone(),
                click: read.click.clone(),
                status: read.status.clone(),
                amount: read.theirs.amount,
                currency: Some(read.theirs.currency),
                at_ms: read.theirs.at_ms,
            }
        });
        let ours = finding.ours.and_then(|at| self.ours.get(at)).map(|one| OurSide {
            id: one.id,
            txid: one.txid.clone(),
            click: one.click_id.to_string(),
            event: one.event.clone(),
            status: one.status,
            amount: one.amount,
            currency: one.currency,
            at_ms: one.at_ms,
        });
        NewRow { list: finding.list, theirs: theirs.unwrap_or_default(), ours, note: finding.note.clone() }
    }
}

fn count(many: usize) -> i64 {
    i64::try_from(many).unwrap_or(i64::MAX)
}
