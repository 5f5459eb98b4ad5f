//! The rows of a file that were not counted, or would not be, as CSV.

use super::preview::looked;
use super::show::opened;
use crate::db::imports::{self, Fault};
use crate::domain::import::ImportState;
use crate::domain::sheet::ROWS_MAX;
use crate::http::{App, Error, SignedIn, Tracker, reading};
use crate::pages::Answer;
use crate::pages::typed::number;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, web};

/// `GET /conversions/imports/{id}/faults.csv`
pub(super) async fn download(
    _who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let import = opened(&app, id).await?;
    let faults = if import.state == ImportState::Draft {
        looked(&app, &tracker, &import).await?.faults()
    } else {
        let rows_max = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
        reading(&app, move |app| app.db.read(|conn| imports::faults(conn, id, rows_max))).await?
    };
    let text = written(&faults).map_err(|why| Error::Internal(format!("a CSV cannot be written: {why}")))?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"import-{id}-not-counted.csv\"")))
        .body(text))
}

fn written(faults: &[Fault]) -> Result<Vec<u8>, csv::Error> {
    // The mark tells spreadsheets that it is UTF-8.
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    writer.write_record(["line", "code", "message", "row"])?;
    for fault in faults {
        let line = fault.line.to_string();
        writer.write_record([
            &line,
            fault.code.as_str(),
            &harmless(&fault.message),
            &harmless(&fault.text),
        ])?;
    }
    writer.into_inner().map_err(|why| csv::Error::from(why.into_error()))
}

/// A text that a spreadsheet would run as a formula gets a quote mark before it.
fn harmless(text: &str) -> String {
    let is_formula = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verdict::Code;

    #[test]
    fn no_row_is_run_by_a_spreadsheet() {
        let fault = |text: &str| Fault {
            line: 3,
            code: Code::Unreadable,
            message: "Broken, \"so\"".to_owned(),
            text: text.to_owned(),
        };
        let texts = ["=cmd()", " +1", "-2", "@x", "\ty", "a=1"];
        let text = written(&texts.map(fault)).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let shown: Vec<&str> = rows.iter().map(|row| &row[3]).collect();
        assert_eq!(shown, ["'=cmd()", "' +1", "'-2", "'@x", "'\ty", "a=1"]);
        assert_eq!((&rows[0][0], &rows[0][1], &rows[0][2]), ("3", "unreadable", "Broken, \"so\""));
    }
}
