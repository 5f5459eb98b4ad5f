//! Conversions by file: its rows are judged and written as postbacks are, each with its verdict in the log.

mod groups;
mod lines;
mod look;
mod run;
mod whole;

pub use lines::{Line, detect, guess_plan, read, sheet_of};
pub use look::Looked;

pub(super) use groups::Stop;
pub(super) use lines::{name, said};

use super::judge::{Judged, Verdict};
use super::person;
use super::record::Group;
use super::request::Incoming;
use super::writer::Shared;
use crate::db::imports::{Fault, Import};
use crate::db::postbacks::IMPORT;
use crate::db::{self, AnyConnection};
use crate::domain::click_id::ClickId;
use crate::domain::import::ImportCounts;
use crate::domain::verdict::{Code, PostbackResult};
use crate::routing::AdvertiserRoute;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rows of one transaction: as many as postbacks, which are served between any two of them.
pub(super) const GROUP_MAX: usize = 256;

/// How long rows wait for clicks that were made a moment ago.
const CLICKS_WAIT: Duration = Duration::from_secs(1);

/// A click of the last seconds may still lie in the journal.
const ON_ITS_WAY_MS: i64 = 5_000;

/// Reads a row into what a postback would say. `from` stands where a postback has its sender's address.
fn judge(line: &Line, advertiser: &Arc<AdvertiserRoute>, now_ms: i64, from: &str) -> Judged {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in line.said.iter().flatten() {
        query.append_pair(name, value);
    }
    let incoming = Incoming {
        key: advertiser.key.clone(),
        method: IMPORT.to_owned(),
        address: from.to_owned(),
        content_type: Some("text/csv".to_owned()),
        query: query.finish().into_bytes(),
        body: line.text.clone().into_bytes(),
        received_at_ms: now_ms,
        ..Incoming::default()
    };
    let judged = person::read(incoming, Some(Arc::clone(advertiser)));
    match &line.said {
        Ok(_) => judged,
        Err(why) => {
            Judged { claim: Err(super::claim::Refusal::new(Code::Unreadable, why.clone())), ..judged }
        }
    }
}

/// Who records rows, and what is said of it in each history.
pub(super) struct By<'a> {
    pub(super) user_id: i64,
    pub(super) why: &'a str,
}

impl Group<'_> {
    /// Reads what some rows name, and holds it.
    fn hold_rows(&mut self, conn: &mut AnyConnection, rows: &[Judged]) -> db::Result<()> {
        let ids: Vec<ClickId> = rows.iter().filter_map(|judged| self.click_of(judged)).collect();
        self.hold(conn, &ids)?;
        let rows: Vec<&Judged> = rows.iter().collect();
        self.hold_accepted(conn, &rows, 0)
    }

    /// Comes to the verdict on a row, and keeps it with who recorded it; comes back with its number in the log too.
    pub(super) fn keep_row(
        &mut self,
        conn: &mut AnyConnection,
        judged: &Judged,
        by: &By<'_>,
    ) -> db::Result<(Verdict, i64)> {
        let settled = self.settle(conn, judged)?;
        let postback_id = self.draft.keep(conn, judged.to_row(&settled.verdict))?;
        if let Some(mut change) = settled.change {
            change.postback_id = Some(postback_id);
            change.user_id = Some(by.user_id);
            let between = if change.why.is_empty() { "" } else { ": " };
            change.why = format!("{}{between}{}", by.why, change.why);
            self.draft.note(change);
        }
        Ok((settled.verdict, postback_id))
    }
}

/// Where rows come from, as the histories of their conversions tell it.
pub(super) struct Source {
    /// Who recorded them.
    pub(super) user_id: i64,
    /// What they stand in.
    pub(super) name: String,
    /// Destinations are told of what they record.
    pub(super) is_told: bool,
}

impl Source {
    fn of(import: &Import) -> Self {
        let name = match import.value.file_name.as_str() {
            "" => "pasted text",
            name => name,
        };
        Self {
            user_id: import.value.user_id,
            name: format!("Import {}, {name}", import.id),
            is_told: import.value.plan.is_told,
        }
    }

    /// What is said of a row in the history of its conversion.
    fn why(&self, line: u64) -> String {
        format!("{}, line {line}", self.name)
    }

    fn by<'a>(&self, why: &'a str) -> By<'a> {
        By { user_id: self.user_id, why }
    }
}

/// One row in the counts.
fn counted(code: Code) -> ImportCounts {
    let one = ImportCounts { done: 1, ..ImportCounts::default() };
    match code.result() {
        PostbackResult::Accepted => ImportCounts { accepted: 1, ..one },
        PostbackResult::Duplicate => ImportCounts { duplicate: 1, ..one },
        PostbackResult::Parked => ImportCounts { parked: 1, ..one },
        PostbackResult::Refused => ImportCounts { refused: 1, ..one },
    }
}

/// What is listed of a row that was not counted.
fn fault(line: &Line, verdict: &Verdict) -> Option<Fault> {
    let is_fault = matches!(verdict.code.result(), PostbackResult::Parked | PostbackResult::Refused);
    is_fault.then(|| Fault {
        line: i64::try_from(line.line).unwrap_or(i64::MAX),
        code: verdict.code,
        message: verdict.message.clone(),
        text: line.text.clone(),
    })
}

impl Shared {
    /// Waits until clicks that rows name and that are a moment old are in the database.
    fn wait_for_clicks(&self, lines: &[Line], now_ms: i64) {
        let ids = lines.iter().filter_map(|line| {
            let said = line.said.as_ref().ok()?;
            ClickId::parse(&said.iter().find(|(name, _)| name == "cid")?.1)
        });
        let newest_ms = ids.map(|id| id.unix_ms()).filter(|at| *at <= now_ms + ON_ITS_WAY_MS).max();
        let Some(newest_ms) = newest_ms else { return };
        let begun = Instant::now();
        while newest_ms + ON_ITS_WAY_MS >= self.ingested.through_ms()
            && self.ingested.through_ms() <= now_ms
            && begun.elapsed() < CLICKS_WAIT
        {
            self.ingested.hurry();
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
