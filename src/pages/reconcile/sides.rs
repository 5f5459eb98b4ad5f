//! The rows of a list as both sides say them: as a table and as a file.

use crate::db;
use crate::db::reconciliation_rows::{self as list_rows, ListRow};
use crate::db::reconciliations::{self, Reconciliation, ReconciliationState};
use crate::domain::money::{Currency, Money};
use crate::domain::reconcile::List;
use crate::http::{App, Error, SignedIn, reading};
use crate::pages::Answer;
use crate::pages::parts::{Empty, Pill, Tone};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Typed, number};
use crate::pages::words::{MoneyWords, NONE, moment, shortened};
use crate::reports::{TimeZone, csv_line};
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SecondsFormat};

/// Rows of a file: more than both sides of a comparison have.
const FILE_ROWS_MAX: i64 = 200_000;

/// The columns of a file.
const HEADER: [&str; 18] = [
    "list",
    "row",
    "their_transaction",
    "their_click_id",
    "their_status",
    "their_amount",
    "their_currency",
    "their_time",
    "conversion",
    "our_transaction",
    "our_click_id",
    "our_status",
    "our_amount",
    "our_currency",
    "our_time",
    "note",
    "repair",
    "message",
];

/// The table of a list.
pub(super) fn table(rows: &[ListRow], list: List, zone: TimeZone, now_ms: i64) -> Table {
    Table {
        caption: format!("{}, in the order of the file", list.label()),
        columns: vec![
            Column::text("Row"),
            Column::text("Transaction"),
            Column::text("Click"),
            Column::text("Their status"),
            Column::text("Ours"),
            Column::figure("Their amount", "As their file says it"),
            Column::figure("Ours", "What it earned in its own currency"),
            Column::text("Their time"),
            Column::text("Ours"),
            Column::text("Repair"),
        ],
        totals: None,
        rows: rows.iter().map(|row| line(row, zone, now_ms)).collect(),
        empty: Empty {
            title: "Nothing here".to_owned(),
            text: "Both sides agree in this.".to_owned(),
            action: None,
        },
        shape: Shape::Log,
    }
}

fn line(row: &ListRow, zone: TimeZone, now_ms: i64) -> Row {
    let (theirs, ours) = (&row.value.theirs, row.value.ours.as_ref());
    let dash = |text: &str| if text.is_empty() { NONE.to_owned() } else { shortened(text, 28) };
    let amount = |amount: Option<Money>, currency: Option<Currency>| match (amount, currency) {
        (Some(amount), Some(currency)) => MoneyWords::new(currency).exact(amount),
        _ => NONE.to_owned(),
    };
    let time =
        |at_ms: Option<i64>| at_ms.map_or_else(|| NONE.to_owned(), |at_ms| moment(zone, at_ms, now_ms));
    let name = match (theirs.line, ours) {
        (Some(line), _) => line.to_string(),
        (None, Some(ours)) => format!("conversion {}", ours.id),
        (None, None) => NONE.to_owned(),
    };
    let pick = if row.repair.is_none() && row.value.list.is_repairable() {
        row.id.to_string()
    } else {
        String::new()
    };
    let href = row.conversion_id.map_or_else(String::new, |id| format!("/conversions/{id}"));
    let either = |theirs: &str, ours: Option<&str>| {
        if theirs.is_empty() { dash(ours.unwrap_or_default()) } else { dash(theirs) }
    };
    let said = [row.value.note.as_str(), row.outcome.as_str()];
    let said: Vec<&str> = said.into_iter().filter(|text| !text.is_empty()).collect();
    Row {
        cells: vec![
            Cell { pick, href, ..Cell::text(&name) },
            Cell::code(&either(&theirs.txid, ours.map(|ours| ours.txid.as_str()))),
            Cell::code(&either(&theirs.click, ours.map(|ours| ours.click.as_str()))),
            Cell::code(&dash(&theirs.status)),
            ours.map_or_else(|| Cell::text(NONE), |ours| Cell::pill(Pill::status(ours.status.as_str()))),
            Cell::text(&amount(theirs.amount, theirs.currency)),
            Cell::text(&amount(ours.map(|ours| ours.amount), ours.map(|ours| ours.currency))),
            Cell::text(&time(theirs.at_ms)),
            Cell::text(&time(ours.map(|ours| ours.at_ms))),
            Cell {
                pills: row
                    .repair
                    .iter()
                    .map(|repair| Pill { text: repair.to_string(), tone: Tone::Gain })
                    .collect(),
                ..Cell::text(&said.join(". "))
            },
        ],
    }
}

/// Reads one that can be looked at.
pub(super) fn done(conn: &mut db::AnyConnection, id: i64) -> db::Result<Option<Reconciliation>> {
    let is_done = |one: &Reconciliation| one.state == ReconciliationState::Done;
    Ok(reconciliations::find(conn, id)?.filter(is_done))
}

/// `GET /reconcile/{id}/csv?list=only_ours`
pub(super) async fn csv(
    _who: SignedIn,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let asked = Typed::parse(request.query_string().as_bytes());
    let list = List::parse(asked.get("list")).ok_or(Error::NotFound)?;
    let rows = reading(&app, move |app| {
        app.db.read(|conn| {
            if done(conn, id)?.is_none() {
                return Ok(None);
            }
            Ok::<_, db::Error>(Some(list_rows::list(conn, (id, list), (FILE_ROWS_MAX, 0))?))
        })
    });
    let rows = rows.await?.ok_or(Error::NotFound)?;
    let mut text = String::new();
    csv_line(&mut text, HEADER.iter().map(|name| (*name).to_owned()));
    for row in &rows {
        csv_line(&mut text, cells(row).into_iter());
    }
    let name = format!("attachment; filename=\"reconciliation-{id}-{list}.csv\"");
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name))
        .body(text))
}

fn cells(row: &ListRow) -> Vec<String> {
    let (theirs, ours) = (&row.value.theirs, row.value.ours.as_ref());
    let time = |at_ms: Option<i64>| {
        let at = at_ms.and_then(DateTime::from_timestamp_millis);
        at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
    };
    let money = |amount: Option<Money>| amount.map(|amount| amount.to_string()).unwrap_or_default();
    let ours_text = |of: fn(&list_rows::OurSide) -> String| ours.map(of).unwrap_or_default();
    vec![
        row.value.list.to_string(),
        theirs.line.map(|line| line.to_string()).unwrap_or_default(),
        guarded(&theirs.txid),
        guarded(&theirs.click),
        guarded(&theirs.status),
        money(theirs.amount),
        theirs.currency.map(|currency| currency.to_string()).unwrap_or_default(),
        time(theirs.at_ms),
        row.conversion_id.map(|id| id.to_string()).unwrap_or_default(),
        guarded(&ours_text(|ours| ours.txid.clone())),
        ours_text(|ours| ours.click.clone()),
        ours_text(|ours| ours.status.to_string()),
        money(ours.map(|ours| ours.amount)),
        ours_text(|ours| ours.currency.to_string()),
        time(ours.map(|ours| ours.at_ms)),
        guarded(&row.value.note),
        row.repair.map(|repair| repair.to_string()).unwrap_or_default(),
        guarded(&row.outcome),
    ]
}

/// Text from outside, which no spreadsheet may run.
fn guarded(text: &str) -> String {
    crate::reports::csv_text(text)
}
