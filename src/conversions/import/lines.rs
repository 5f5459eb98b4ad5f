//! A file's rows into what each says, under our names: a table by its columns, or one of two kinds of lines.

use crate::domain::click_id::ClickId;
use crate::domain::import::{ImportFormat, ImportPlan};
use crate::domain::sheet::{self, Fault, Field, Layout, Mapping, Moments, Sheet, plain_amount};
use crate::domain::zone::TimeZone;
use chrono::{DateTime, SecondsFormat};

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its line in the file, counted from 1.
    pub line: u64,
    /// Its own text, as far as it is shown.
    pub text: String,
    /// What it says: our names with their values; or one sentence that says what is wrong with it.
    pub said: Result<Vec<(String, String)>, String>,
}

/// The columns of lines `subid,payout,tid,status`, in their order.
const COMMA_FIELDS: [Field; 4] = [Field::ClickId, Field::Revenue, Field::Txid, Field::Status];

/// Names of a time in lines of names and values.
const TIME_NAMES: [&str; 4] = ["conversion_time", "time", "datetime", "date"];

/// Lines that are looked at to tell how a file is written.
const PROBE_LINES: usize = 20;

/// The name under which a postback brings a field.
pub(in crate::conversions) const fn name(field: Field) -> &'static str {
    match field {
        Field::ClickId => "cid",
        Field::Txid => "txid",
        Field::Event => "event",
        Field::Revenue => "payout",
        Field::SaleAmount => "sale_amount",
        Field::Currency => "currency",
        Field::Status => "status",
        Field::Time => "conversion_time",
        Field::Reason => "reason",
    }
}

/// How a file is likely written, by its first line.
#[must_use]
pub fn detect(text: &str) -> ImportFormat {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("");
    let mut parts = first.split(':');
    let begins = parts.next().unwrap_or("");
    let is_word = |text: &str| !text.is_empty() && !text.contains([',', ';', '\t', '|', '"', ' ', '=']);
    let mut pairs = parts.filter_map(|part| part.split_once('='));
    if is_word(begins) && pairs.next().is_some_and(|(name, _)| is_word(name)) {
        return ImportFormat::Colon;
    }
    // By their place alone cells are read only where the place of the click id says that they are meant so.
    let is_ours = |text: &str| ClickId::parse(text).is_some();
    let begins_with_ids =
        |line: &str| line.split([',', ';', '\t', '|']).next().is_some_and(|cell| is_ours(cell.trim()));
    let header = sheet::read(&format!("{first}\nx"), Layout::default());
    let is_header = header.map_or(true, |sheet| !sheet::guess(&sheet, |_| false).0.is_empty());
    if !is_header && text.lines().take(PROBE_LINES).any(begins_with_ids) {
        return ImportFormat::Comma;
    }
    ImportFormat::Csv
}

/// A plan for a file that nobody has said anything about: its kind and its columns as they are guessed, those of the
/// advertiser's last file first.
#[must_use]
pub fn guess_plan(text: &str, known: &Mapping, zone: TimeZone) -> ImportPlan {
    let format = detect(text);
    let plan = ImportPlan {
        format,
        mapping: Mapping::default(),
        zone: zone.name().to_owned(),
        day_order: None,
        is_told: false,
    };
    match sheet::read(text, Layout::default()) {
        Ok(sheet) if format == ImportFormat::Csv => {
            let is_known = !known.0.is_empty() && known.fits(&sheet.columns);
            let is_ours = |text: &str| ClickId::parse(text).is_some();
            let mapping = if is_known { known.clone() } else { sheet::guess(&sheet, is_ours) };
            ImportPlan { mapping, ..plan }
        }
        _ => plan,
    }
}

/// A table as its columns are chosen from; none for lines.
///
/// # Errors
/// What keeps the file from being read.
pub fn sheet_of(bytes: &[u8], plan: &ImportPlan) -> Result<Option<Sheet>, Fault> {
    let (text, _) = sheet::decode(bytes)?;
    if plan.format == ImportFormat::Csv { sheet::read(&text, Layout::default()).map(Some) } else { Ok(None) }
}

/// Reads a file's rows.
///
/// # Errors
/// What keeps the whole file from being read, or its plan from being followed.
pub fn read(bytes: &[u8], plan: &ImportPlan) -> Result<Vec<Line>, Fault> {
    let (text, _) = sheet::decode(bytes)?;
    let zone = TimeZone::parse(&plan.zone).map_err(|why| Fault::of_file(why.to_string()))?;
    let moments = Moments { zone, order: plan.day_order };
    match plan.format {
        ImportFormat::Csv => {
            let sheet = sheet::read(&text, Layout::default())?;
            of_table(sheet, &plan.mapping, moments)
        }
        ImportFormat::Comma => {
            let width = Some(COMMA_FIELDS.len());
            let sheet = sheet::read(&text, Layout { delimiter: None, has_header: false, width })?;
            let columns = COMMA_FIELDS.iter().copied().zip(sheet.columns.iter().cloned());
            let mapping = Mapping(columns.collect());
            of_table(sheet, &mapping, moments)
        }
        ImportFormat::Colon => of_pairs(&text, moments),
    }
}

fn of_table(sheet: Sheet, mapping: &Mapping, moments: Moments) -> Result<Vec<Line>, Fault> {
    if let Some((field, column)) = mapping.missing(&sheet.columns) {
        let (field, column) = (field.label(), sheet::cut(column, 60));
        return Err(Fault::of_file(format!("{field}: the file has no column `{column}`: choose another")));
    }
    if mapping.place(Field::ClickId, &sheet.columns).is_none() {
        return Err(Fault::of_file("Choose the column of the click id: without it no row can be matched"));
    }
    let places: Vec<(Field, usize)> = Field::ALL
        .iter()
        .filter_map(|field| Some((*field, mapping.place(*field, &sheet.columns)?)))
        .collect();
    let line = |row: sheet::Row| {
        let said = match &row.cells {
            Err(why) => Err(why.clone()),
            Ok(_) => said(places.iter().map(|(field, at)| (name(*field), row.cell(*at))), moments),
        };
        Line { line: row.line, text: row.text, said }
    };
    Ok(sheet.rows.into_iter().map(line).collect())
}

/// What a row says, its amounts and its time in the way of postbacks.
pub(in crate::conversions) fn said<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
    moments: Moments,
) -> Result<Vec<(String, String)>, String> {
    let mut said = Vec::new();
    for (name, value) in pairs.filter(|(_, value)| !value.trim().is_empty()) {
        let value = value.trim();
        let (name, value) = match name {
            "payout" | "sale_amount" | "revenue" | "amount" | "sum" => (name, plain_amount(value)),
            _ if TIME_NAMES.contains(&name) => {
                let at = DateTime::from_timestamp_millis(moments.read(value)?).unwrap_or_default();
                ("conversion_time", at.to_rfc3339_opts(SecondsFormat::Millis, true))
            }
            _ => (name, value.to_owned()),
        };
        said.push((name.to_owned(), value));
    }
    Ok(said)
}

/// Lines of a click id with names and values behind it, parted by colons. A piece without an equals sign belongs to the
/// value before it: times have colons of their own.
fn of_pairs(text: &str, moments: Moments) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    for (at, text) in text.lines().enumerate().map(|(at, text)| (at + 1, text.trim())) {
        if text.is_empty() {
            continue;
        }
        if lines.len() >= sheet::ROWS_MAX {
            let max = sheet::ROWS_MAX;
            return Err(Fault::of_file(format!("The file has more than {max} rows: send it in parts")));
        }
        let said = pairs(text).and_then(|pairs| {
            said(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())), moments)
        });
        let shown = sheet::cut(text, sheet::SHOWN_BYTES_MAX).to_owned();
        lines.push(Line { line: u64::try_from(at).unwrap_or(u64::MAX), text: shown, said });
    }
    Ok(lines)
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    if text.len() > sheet::CELL_BYTES_MAX {
        return Err(format!("The line is longer than {} bytes: shorten it", sheet::CELL_BYTES_MAX));
    }
    let mut parts = text.split(':');
    let mut pairs = vec![("cid".to_owned(), parts.next().unwrap_or("").trim().to_owned())];
    for part in parts {
        match part.split_once('=') {
            Some((name, value)) => pairs.push((name.trim().to_ascii_lowercase(), value.trim().to_owned())),
            None if pairs.len() > 1 => {
                if let Some((_, value)) = pairs.last_mut() {
                    value.push(':');
                    value.push_str(part.trim_end());
                }
            }
            None => {
                let shown = sheet::cut(part, 60);
                return Err(format!("`{shown}` has no name: write clickid:payout=5.00:cnv_status=approved"));
            }
        }
    }
    // The click id stands first; a second one behind it would be another's word.
    if pairs.iter().skip(1).any(|(name, _)| name == "cid") {
        return Err("The click id stands at the beginning of the line alone: take `cid=` away".to_owned());
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: &str = "01jcz7m3v8f4n9q2r5t6w7x8y9";

    fn plan(text: &str) -> ImportPlan {
        guess_plan(text, &Mapping::default(), TimeZone::UTC)
    }

    fn lines(text: &str) -> Vec<Result<String, String>> {
        let joined = |said: Vec<(String, String)>| {
            said.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        let read = read(text.as_bytes(), &plan(text)).unwrap();
        read.into_iter().map(|line| line.said.map(joined)).collect()
    }

    #[test]
    fn the_three_formats_say_the_same() {
        let expected = format!("cid={OURS}&txid=t1&payout=5.00&status=approved");
        let table = format!("Click ID;Payout;Status;Order ID\n{OURS};$5.00;approved;t1\n");
        assert_eq!(lines(&table), [Ok(expected.clone())]);
        assert_eq!(lines(&format!("{OURS},5.00,t1,approved\n")), [Ok(expected.clone())]);
        assert_eq!(lines(&format!("{OURS}:txid=t1:payout=5.00:status=approved\n")), [Ok(expected)]);
        assert_eq!(lines(&format!("{OURS},5\n{OURS}\n")).len(), 2, "short lines are filled up");
    }

    #[test]
    fn cells_are_read_by_their_place_only_where_click_ids_stand_first() {
        assert_eq!(detect(&format!("{OURS},1\n")), ImportFormat::Comma);
        assert_eq!(detect(&format!("broken,1\n{OURS};2\n")), ImportFormat::Comma);
        for other in ["\u{438}\u{434},\u{441}\n1,2\n", "click_id\nx\n", "", "a,b:c=d\n"] {
            assert_eq!(detect(other), ImportFormat::Csv, "{other}");
        }
        assert_eq!(detect(&format!("click_id,x\n{OURS},1\n")), ImportFormat::Csv);
    }

    #[test]
    fn times_are_turned_into_one_form() {
        let said = lines(&format!("{OURS}:payout=5:time=2026-11-21 08:00:30\n"));
        assert_eq!(said, [Ok(format!("cid={OURS}&payout=5&conversion_time=2026-11-21T08:00:30.000Z"))]);
        let text = format!("click_id,date\n{OURS},21.11.2026 09:00\n{OURS},soon\n");
        let plan = ImportPlan { zone: "Europe/Berlin".to_owned(), ..plan(&text) };
        let read = read(text.as_bytes(), &plan).unwrap();
        assert_eq!(read[0].said.as_ref().unwrap()[1].1, "2026-11-21T08:00:00.000Z");
        assert!(read[1].said.as_ref().unwrap_err().contains("`soon` is no time"));
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        let said = |text: &str, plan: &ImportPlan| read(text.as_bytes(), plan).unwrap_err().message;
        let text = "a,status\n1,2\n";
        assert!(said(text, &plan(text)).contains("column of the click id"));
        let gone = Mapping([(Field::ClickId, "gone".to_owned())].into());
        assert!(said(text, &ImportPlan { mapping: gone, ..plan(text) }).contains("no column `gone`"));
        assert!(said(text, &ImportPlan { zone: "Mars".to_owned(), ..plan(text) }).contains("time zone"));
        assert!(
            lines(&format!("{OURS}:payout=1\n{OURS}:5:6\n{OURS}:a=1:cid=x\n"))[1..]
                .iter()
                .all(Result::is_err)
        );
    }

    #[test]
    fn the_columns_of_the_last_file_are_taken_where_they_fit() {
        let known = Mapping([(Field::ClickId, "b".to_owned())].into());
        let of = |text: &str| guess_plan(text, &known, TimeZone::UTC).mapping;
        assert_eq!(of("status,b\n1,2\n"), known);
        assert_ne!(of("status,c\n1,2\n"), known);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[\\PC\r\n\t\",;|=:\u{0}]{0,200}") {
            let _ = read(text.as_bytes(), &plan(&text));
            for format in ImportFormat::ALL {
                let _ = read(text.as_bytes(), &ImportPlan { format: *format, ..plan("click_id\n1") });
            }
        }
    }
}
