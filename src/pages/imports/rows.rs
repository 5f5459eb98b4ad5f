//! The rows of a file as its page shows them, and how many came to what.

use super::preview::Preview;
use super::rows_in_words;
use crate::conversions::Verdict;
use crate::conversions::import::Line;
use crate::db::imports::{Fault, Import};
use crate::domain::import::ImportCounts;
use crate::pages::parts::{Empty, Pill};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::words::{count, shortened};

/// Rows of a file that its page shows.
const ROWS_SHOWN: usize = 50;
/// Rows that are not counted that its page shows.
pub(super) const FAULTS_SHOWN: usize = 100;

/// Characters of a row that its page shows.
const ROW_CHARS_SHOWN: usize = 80;

/// A number with its words.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// The number.
    pub value: String,
    /// What it counts.
    pub label: String,
}

/// Where all rows that are not counted can be had; empty where there are none.
pub(super) fn faults_href(import: &Import, faults: usize) -> String {
    if faults == 0 { String::new() } else { format!("/conversions/imports/{}/faults.csv", import.id) }
}

/// What rows came to, or would.
pub(super) fn totals(rows: i64, counts: ImportCounts, is_look: bool) -> Vec<Total> {
    let total = |value: i64, label: &str| Total { value: count(value), label: label.to_owned() };
    let would = |is: &'static str, would_be: &'static str| if is_look { would_be } else { is };
    let mut all = vec![
        total(rows, if rows == 1 { "Row" } else { "Rows" }),
        total(counts.accepted, would("Counted", "Would be counted")),
        total(counts.duplicate, would("Said nothing new", "Say nothing new")),
        total(counts.uncounted(), would("Not counted", "Would not be counted")),
    ];
    if counts.parked > 0 {
        all.push(total(counts.parked, "Of them parked"));
    }
    all
}

/// The rows that are not counted, the first of them.
pub(super) fn fault_table(faults: &[Fault]) -> Option<Table> {
    let row = |fault: &Fault| Row {
        cells: vec![
            Cell::text(&fault.line.to_string()),
            Cell::code(fault.code.as_str()),
            Cell::text(&fault.message.replace('`', "\"")),
            Cell::code(&shortened(&fault.text, ROW_CHARS_SHOWN)),
        ],
    };
    let columns = vec![
        Column::text("Line"),
        Column::text("Code"),
        Column { is_wide: true, ..Column::text("What to change") },
        Column::text("Row"),
    ];
    let shown: Vec<Row> = faults.iter().take(FAULTS_SHOWN).map(row).collect();
    let more = faults.len().max(shown.len());
    (!faults.is_empty()).then(|| Table {
        caption: format!(
            "Rows that are not counted: the first of {}",
            rows_in_words(i64::try_from(more).unwrap_or(0))
        ),
        columns,
        totals: None,
        rows: shown,
        empty: Empty::default(),
        shape: Shape::Log,
    })
}

/// The first rows of a draft with their verdicts.
pub(super) fn first_rows(preview: &Preview) -> Option<Table> {
    let row = |(line, verdict): (&Line, &Verdict)| Row {
        cells: vec![
            Cell::text(&line.line.to_string()),
            Cell::pill(Pill::verdict(verdict.code.result().as_str())),
            Cell::text(&verdict.message.replace('`', "\"")),
            Cell::code(&shortened(&line.text, ROW_CHARS_SHOWN)),
        ],
    };
    let rows: Vec<Row> =
        preview.lines.iter().zip(&preview.looked.verdicts).take(ROWS_SHOWN).map(row).collect();
    (!rows.is_empty()).then(|| Table {
        caption: "The first rows, and what each would come to".to_owned(),
        columns: vec![
            Column::text("Line"),
            Column::text("Verdict"),
            Column { is_wide: true, ..Column::text("What it would come to") },
            Column::text("Row"),
        ],
        totals: None,
        rows,
        empty: Empty::default(),
        shape: Shape::Log,
    })
}
