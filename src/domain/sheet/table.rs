//! Text into rows: what parts the cells is found, quotes are taken away, columns get names that differ.

use super::{CELL_BYTES_MAX, COLUMNS_MAX, Fault, ROWS_MAX, SHOWN_BYTES_MAX, cut};
use std::collections::HashSet;

/// What may part the cells, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Rows that are looked at to find what parts the cells.
const PROBE_ROWS: usize = 20;

/// Bytes that are looked at for the same: where a cell is endless, no more of it need be read.
const PROBE_BYTES: usize = 64 * 1024;

/// How a table is laid out, as far as its reader is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What parts the cells; found where it is none.
    pub delimiter: Option<u8>,
    /// The first row names the columns.
    pub has_header: bool,
    /// How many columns a table without a header has, where that is known: a shorter row is filled up.
    pub width: Option<usize>,
}

impl Default for Layout {
    fn default() -> Self {
        Self { delimiter: None, has_header: true, width: None }
    }
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What parts its cells.
    pub delimiter: u8,
    /// The names of its columns, each one different.
    pub columns: Vec<String>,
    /// Its rows, empty ones left out.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of the file where it begins, counted from 1.
    pub line: u64,
    /// Its own text, as far as it is shown.
    pub text: String,
    /// Its cells, as many as there are columns, without spaces around; or one sentence that says what is wrong.
    pub cells: Result<Vec<String>, String>,
}

impl Row {
    /// A cell, by the number of its column; empty where the row cannot be read.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.cells.as_ref().ok().and_then(|cells| cells.get(column)).map_or("", String::as_str)
    }
}

/// Reads a table. A row that is wrong is kept with its fault: the others are read all the same.
///
/// # Errors
/// What keeps the whole from being read: too many rows or columns, no row, a quote that nobody closes.
pub fn read(text: &str, layout: Layout) -> Result<Sheet, Fault> {
    let (told, skipped, text) = told_delimiter(text);
    let delimiter = layout.delimiter.or(told).unwrap_or_else(|| find_delimiter(text));
    let mut records = Records::new(text, delimiter, skipped);
    let mut columns = Vec::new();
    if layout.has_header {
        let Some(header) = records.next()? else {
            return Err(Fault::of_file("The file is empty: nothing is to be read from it"));
        };
        let cells = header.cells.map_err(|why| Fault::at(header.line, why))?;
        columns = names(&cells);
        check_columns(header.line, columns.len())?;
    }
    let mut rows = Vec::new();
    while let Some(found) = records.next()? {
        if rows.len() >= ROWS_MAX {
            return Err(Fault::of_file(format!("The file has more than {ROWS_MAX} rows: send it in parts")));
        }
        if columns.is_empty() {
            let count = layout.width.unwrap_or_else(|| found.cells.as_ref().map_or(0, Vec::len));
            check_columns(found.line, count)?;
            columns = (1..=count).map(|number| format!("column {number}")).collect();
        }
        rows.push(fitted(found, columns.len(), layout.width.is_some()));
    }
    if rows.is_empty() {
        return Err(Fault::of_file("The file has a header and no row under it"));
    }
    Ok(Sheet { delimiter, columns, rows })
}

fn check_columns(line: u64, count: usize) -> Result<(), Fault> {
    if count <= COLUMNS_MAX {
        return Ok(());
    }
    Err(Fault::at(line, format!("There are {count} columns, and {COLUMNS_MAX} are read at most")))
}

/// Spreadsheets may begin a file with `sep=;`: what it says, and what comes after it.
fn told_delimiter(text: &str) -> (Option<u8>, u64, &str) {
    let told = text.strip_prefix("sep=").and_then(|rest| {
        let (line, rest) = rest.split_once('\n')?;
        let [delimiter] = line.trim_end_matches('\r').as_bytes() else { return None };
        DELIMITERS.contains(delimiter).then_some((*delimiter, rest))
    });
    told.map_or((None, 0, text), |(delimiter, rest)| (Some(delimiter), 1, rest))
}

/// The delimiter by which the most of the first rows have as many cells as the very first, and more than one.
fn find_delimiter(text: &str) -> u8 {
    let probe = cut(text, PROBE_BYTES);
    let score = |delimiter: u8| {
        let mut counts = reader(probe, delimiter).into_records().take(PROBE_ROWS).filter_map(Result::ok);
        let first = counts.next().map_or(0, |record| record.len());
        (first > 1).then(|| (counts.filter(|record| record.len() == first).count(), first))
    };
    let mut best = (None, b',');
    for delimiter in DELIMITERS {
        let found = score(delimiter);
        if found > best.0 {
            best = (found, delimiter);
        }
    }
    best.1
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true);
    builder.from_reader(text.as_bytes())
}

/// Column names that differ: spaces are taken away, a column without one is numbered, and so is a second of a name.
fn names(cells: &[String]) -> Vec<String> {
    let mut known = HashSet::new();
    let name = |(at, cell): (usize, &String)| {
        let plain = if cell.is_empty() { format!("column {}", at + 1) } else { cell.clone() };
        let mut name = plain.clone();
        let mut number = 2_usize;
        while !known.insert(name.to_lowercase()) {
            name = format!("{plain} ({number})");
            number += 1;
        }
        name
    };
    cells.iter().enumerate().map(name).collect()
}

/// A row with as many cells as there are columns; empty ones at its end that are too many are taken away.
fn fitted(mut row: Row, columns: usize, is_filled_up: bool) -> Row {
    if let Ok(cells) = &mut row.cells {
        if is_filled_up && cells.len() < columns {
            cells.resize(columns, String::new());
        }
        while cells.len() > columns && cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        let count = cells.len();
        if count != columns {
            row.cells = Err(format!(
                "The row has {count} cells where the first one has {columns}: a delimiter or a quote is too many or missing"
            ));
        }
    }
    row
}

/// The records of a text that are not empty, each with its own text.
struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    /// Lines that were taken off the text before.
    skipped: u64,
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
}

impl<'a> Records<'a> {
    fn new(text: &'a str, delimiter: u8, skipped: u64) -> Self {
        let reader = reader(text, delimiter);
        Self { text, delimiter, skipped, reader, record: csv::StringRecord::new() }
    }

    fn next(&mut self) -> Result<Option<Row>, Fault> {
        loop {
            let is_read = self.reader.read_record(&mut self.record);
            // What comes in is a text already.
            let is_read = is_read.map_err(|why| Fault::of_file(format!("The file cannot be read: {why}")))?;
            if !is_read {
                return Ok(None);
            }
            if self.record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            return self.row().map(Some);
        }
    }

    fn row(&self) -> Result<Row, Fault> {
        let (from, line) = self.record.position().map_or((0, 0), |at| (at.byte(), at.line()));
        let to = self.reader.position().byte();
        let place = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX);
        let text = self.text.get(place(from)..place(to)).unwrap_or("");
        // The reader counts a line where the break before the row ends, which empty lines may stretch.
        let breaks = text.len() - text.trim_start_matches(['\r', '\n']).len();
        let empty_lines = text.get(..breaks).unwrap_or("").matches('\n').count();
        let line = line + u64::try_from(empty_lines).unwrap_or(0) + self.skipped;
        let text = text.trim_matches(['\r', '\n']);
        if place(to) >= self.text.len() && is_left_open(text, self.delimiter) {
            let message = "A quote that opens in this row is never closed: close it, or take it away";
            return Err(Fault::at(line, message));
        }
        let long = self.record.iter().position(|cell| cell.len() > CELL_BYTES_MAX);
        let cells = match long {
            Some(at) => Err(format!(
                "The cell {} is longer than {CELL_BYTES_MAX} bytes: shorten it, or close a quote that was left open",
                at + 1
            )),
            None => Ok(self.record.iter().map(|cell| cell.trim().to_owned()).collect()),
        };
        Ok(Row { line, text: cut(text, SHOWN_BYTES_MAX).to_owned(), cells })
    }
}

/// Whether a line that follows a row would still belong to it.
fn is_left_open(row: &str, delimiter: u8) -> bool {
    row.contains('"') && reader(&format!("{row}\nx"), delimiter).records().count() < 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(sheet: &Sheet) -> Vec<Vec<&str>> {
        let of = |row: &'_ Row| row.cells.as_ref().map(Vec::len).unwrap_or(0);
        sheet.rows.iter().map(|row| (0..of(row)).map(|at| row.cell(at)).collect()).collect()
    }

    fn sheet(text: &str) -> Sheet {
        read(text, Layout::default()).unwrap()
    }

    fn fault(text: &str) -> Fault {
        read(text, Layout::default()).unwrap_err()
    }

    #[test]
    fn the_delimiter_is_found_and_quotes_are_taken_away() {
        for (text, delimiter) in [
            ("a,b\r\n1,\"x, \"\"y\"\"\"\r\n", b','),
            ("a;b\n1;\"x, \"\"y\"\"\"\n", b';'),
            ("a\tb\n1\tx, \"y\"", b'\t'),
            ("a|b\n1|x, \"y\"", b'|'),
            ("sep=;\r\na;b\r\n1;\"x, \"\"y\"\"\"\r\n", b';'),
        ] {
            let sheet = sheet(text);
            assert_eq!((sheet.delimiter, cells(&sheet)), (delimiter, vec![vec!["1", "x, \"y\""]]), "{text}");
        }
        assert_eq!(cells(&sheet("id;sum\n1;2,5\n2;3,5")), [["1", "2,5"], ["2", "3,5"]]);
    }

    #[test]
    fn columns_have_names_that_differ() {
        assert_eq!(sheet("Id,,id, ID ,x\n1,2,3,4,5").columns, ["Id", "column 2", "id (2)", "ID (3)", "x"]);
        let bare = read("1,2\n3,4", Layout { has_header: false, ..Layout::default() }).unwrap();
        assert_eq!((bare.columns, bare.rows.len()), (vec!["column 1".to_owned(), "column 2".to_owned()], 2));
    }

    #[test]
    fn a_row_knows_its_line_and_its_text_and_what_is_wrong_with_it() {
        let long = "x".repeat(CELL_BYTES_MAX + 1);
        let text = format!("a,b\r\n\r\n1,2,\r\n,\r\n\"3\n3\",4\r\n5\r\n6,{long}\r\n7,8,9\r\n");
        let sheet = sheet(&text);
        let told: Vec<(u64, bool)> = sheet.rows.iter().map(|row| (row.line, row.cells.is_ok())).collect();
        assert_eq!(told, [(3, true), (5, true), (7, false), (8, false), (9, false)]);
        assert_eq!(sheet.rows[1].text, "\"3\n3\",4");
        assert!(sheet.rows[3].text.len() <= SHOWN_BYTES_MAX);
        assert!(sheet.rows[2].cells.as_ref().unwrap_err().contains("1 cells where the first one has 2"));
    }

    #[test]
    fn what_is_wrong_with_the_whole_is_said() {
        assert_eq!(fault("a,b\n1,2\n3,\"x\n4,y\n").line, Some(3));
        assert!(fault("a,b\n").message.contains("no row"));
        assert!(fault(&format!("{}\n1", "x,".repeat(COLUMNS_MAX + 1))).message.contains("columns"));
        assert!(fault(&format!("a\n{}", "1\n".repeat(ROWS_MAX + 1))).message.contains("rows"));
        assert_eq!(sheet(&format!("a\n{}", "1\n".repeat(ROWS_MAX))).rows.len(), ROWS_MAX);
        assert_eq!(cells(&sheet("a,b\n1,5\" pipe\n")), [["1", "5\" pipe"]], "a quote inside opens nothing");
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[\\PC\r\n\t\",;|=\u{0}]{0,200}") {
            if let Ok(sheet) = read(&text, Layout::default()) {
                let width = sheet.columns.len();
                prop_assert!(sheet.rows.iter().all(|row| row.cells.as_ref().map_or(true, |c| c.len() == width)));
            }
        }

        #[test]
        fn what_is_written_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[a-zA-Z0-9,;\"|\n€]{1,8}", 3), 1..6),
            delimiter in prop::sample::select(DELIMITERS.to_vec()),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            writer.write_record(["one", "two", "three"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let layout = Layout { delimiter: Some(delimiter), ..Layout::default() };
            let rows: Vec<Vec<String>> =
                rows.iter().map(|row| row.iter().map(|cell| cell.trim().to_owned()).collect()).collect();
            let rows: Vec<Vec<String>> =
                rows.into_iter().filter(|row| row.iter().any(|cell| !cell.is_empty())).collect();
            match read(&text, layout) {
                Ok(sheet) => prop_assert_eq!(cells(&sheet), rows),
                Err(_) => prop_assert!(rows.is_empty()),
            }
        }
    }
}
