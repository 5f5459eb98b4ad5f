//! A look at a draft: its rows, and what each would come to.

use crate::conversions::Verdict;
use crate::conversions::import::{self, Line, Looked};
use crate::db;
use crate::db::imports::{self, Fault, Import};
use crate::domain::verdict::PostbackResult;
use crate::http::{App, Error, Tracker, blocking};
use actix_web::web;

/// A draft's rows with what each would come to.
#[derive(Default)]
pub(super) struct Preview {
    pub(super) columns: Vec<String>,
    pub(super) lines: Vec<Line>,
    pub(super) looked: Looked,
    /// What keeps it from being read.
    pub(super) fault: String,
}

impl Preview {
    /// The rows that would not be counted.
    pub(super) fn faults(&self) -> Vec<Fault> {
        let verdicts = self.lines.iter().zip(&self.looked.verdicts);
        let bad = verdicts.filter(|(_, verdict)| {
            matches!(verdict.code.result(), PostbackResult::Parked | PostbackResult::Refused)
        });
        let fault = |(line, verdict): (&Line, &Verdict)| Fault {
            line: i64::try_from(line.line).unwrap_or(i64::MAX),
            code: verdict.code,
            message: verdict.message.clone(),
            text: line.text.clone(),
        };
        bad.map(fault).collect()
    }
}

/// Looks at a draft.
pub(super) async fn looked(
    app: &web::Data<App>,
    tracker: &web::Data<Tracker>,
    import: &Import,
) -> Result<Preview, Error> {
    let (app, tracker, id) = (app.clone(), tracker.clone(), import.id);
    let (plan, advertiser_id) = (import.value.plan.clone(), import.value.advertiser_id);
    blocking(move || {
        let bytes = app.db.read(|conn| imports::file(conn, id))?;
        let mut preview = Preview::default();
        match import::sheet_of(&bytes, &plan) {
            Ok(sheet) => preview.columns = sheet.map(|sheet| sheet.columns).unwrap_or_default(),
            Err(why) => preview.fault = why.to_string(),
        }
        match import::read(&bytes, &plan) {
            Err(why) => preview.fault = why.to_string(),
            Ok(lines) => match tracker.postbacks.look_at_rows(advertiser_id, &lines)? {
                Some(looked) => (preview.lines, preview.looked) = (lines, looked),
                None => preview.fault = "Its advertiser was archived: restore it first".to_owned(),
            },
        }
        Ok::<_, db::Error>(preview)
    })
    .await
}
