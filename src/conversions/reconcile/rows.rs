//! A report's rows into what each says, as far as it can be read: what is wrong in one cell hides nothing of the others.

use crate::conversions::claim::words_of;
use crate::conversions::import::{name, said};
use crate::conversions::request::Params;
use crate::domain::advertiser::Advertiser;
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use crate::domain::reconcile::{StatusSaid, Theirs};
use crate::domain::sheet::{
    self, DayOrder, Fault, Field, Layout, Mapping, Moments, Row, Sheet, plain_amount,
};
use crate::domain::zone::TimeZone;

/// Characters of a transaction that are compared: a longer one is none of ours.
const TXID_CHARS_MAX: usize = crate::conversions::claim::TXID_CHARS_MAX;

/// A row, read.
pub(super) struct Read {
    /// What is compared.
    pub(super) theirs: Theirs,
    /// Its own text, as far as it is shown.
    pub(super) text: String,
    /// What an import would be told.
    pub(super) said: Vec<(String, String)>,
    /// The click id, as they write it.
    pub(super) click: String,
    /// Their word for the status.
    pub(super) status: String,
}

/// The table of a file.
///
/// # Errors
/// What keeps the file from being read.
pub fn sheet_of(bytes: &[u8]) -> Result<Sheet, Fault> {
    let (text, _) = sheet::decode(bytes)?;
    sheet::read(&text, Layout::default())
}

/// Which column is likely which: as in the advertiser's last file where that fits, else as it is guessed.
#[must_use]
pub fn guess(sheet: &Sheet, known: &Mapping) -> Mapping {
    if !known.0.is_empty() && known.fits(&sheet.columns) {
        return known.clone();
    }
    sheet::guess(sheet, |text| ClickId::parse(text).is_some())
}

/// Reads a table's rows.
///
/// # Errors
/// The columns cannot be followed.
pub(super) fn read(
    sheet: &Sheet,
    mapping: &Mapping,
    (zone, order): (TimeZone, Option<DayOrder>),
    advertiser: &Advertiser,
) -> Result<Vec<Read>, Fault> {
    if let Some((field, column)) = mapping.missing(&sheet.columns) {
        let (field, column) = (field.label(), sheet::cut(column, 60));
        return Err(Fault::of_file(format!("{field}: the file has no column `{column}`: choose another")));
    }
    let has = |field| mapping.place(field, &sheet.columns).is_some();
    if !has(Field::ClickId) && !has(Field::Txid) {
        return Err(Fault::of_file(
            "Choose the column of the transaction or that of the click id: without either no row can be matched",
        ));
    }
    let places: Vec<(Field, usize)> = Field::ALL
        .iter()
        .filter_map(|field| Some((*field, mapping.place(*field, &sheet.columns)?)))
        .collect();
    let reader = Reader { places, moments: Moments { zone, order }, advertiser };
    Ok(sheet.rows.iter().map(|row| reader.row(row)).collect())
}

struct Reader<'a> {
    places: Vec<(Field, usize)>,
    moments: Moments,
    advertiser: &'a Advertiser,
}

impl Reader<'_> {
    fn cell<'r>(&self, row: &'r Row, field: Field) -> &'r str {
        let place = self.places.iter().find(|(known, _)| *known == field);
        place.map_or("", |(_, at)| row.cell(*at).trim())
    }

    fn row(&self, row: &Row) -> Read {
        let cell = |field| self.cell(row, field);
        let mut faults: Vec<String> = row.cells.as_ref().err().into_iter().cloned().collect();
        let amount = some(cell(Field::Revenue), |text| {
            let read = Money::read(&plain_amount(text));
            read.map(|read| read.money).map_err(|why| format!("`{}` {why}", sheet::cut(text, 60)))
        });
        let currency = some(cell(Field::Currency), |text| {
            let unknown =
                || format!("`{}` is no currency: three letters like USD are one", sheet::cut(text, 60));
            Currency::parse(text).ok_or_else(unknown)
        });
        let at_ms = some(cell(Field::Time), |text| self.moments.read(text));
        let (amount, currency, at_ms) =
            (keep(amount, &mut faults), keep(currency, &mut faults), keep(at_ms, &mut faults));
        let mut txid = cell(Field::Txid).to_owned();
        if txid.chars().count() > TXID_CHARS_MAX {
            faults.push(format!("The transaction is longer than {TXID_CHARS_MAX} characters"));
            txid.clear();
        }
        let click = sheet::cut(cell(Field::ClickId), 255).to_owned();
        // A time that cannot be read is told, and takes nothing else with it.
        let is_read = |field: Field| field != Field::Time || at_ms.is_some();
        let pairs = self.places.iter().filter(|(field, _)| is_read(*field));
        let pairs = pairs.map(|(field, at)| (name(*field), row.cell(*at)));
        let said = said(pairs, self.moments).unwrap_or_default();
        let (event, status) = words_of(&Params(said.clone()), self.advertiser);
        let theirs = Theirs {
            line: row.line,
            click_id: ClickId::parse(&click),
            txid,
            event,
            status: match status {
                Ok(None) => StatusSaid::Nothing,
                Ok(Some(status)) => StatusSaid::Known(status),
                Err(word) => StatusSaid::Unknown(word),
            },
            amount,
            currency: currency.unwrap_or(self.advertiser.currency),
            at_ms,
            fault: None,
        };
        if faults.is_empty() && theirs.txid.is_empty() && click.is_empty() {
            faults.push("Neither a transaction nor a click id: nothing to match it by".to_owned());
        }
        let fault = (!faults.is_empty()).then(|| faults.join(". "));
        let status = sheet::cut(cell(Field::Status), 255).to_owned();
        Read { theirs: Theirs { fault, ..theirs }, text: row.text.clone(), said, click, status }
    }
}

/// Reads a cell where something stands in it.
fn some<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// What was read, its fault put aside.
fn keep<T>(read: Result<Option<T>, String>, faults: &mut Vec<String>) -> Option<T> {
    read.map_err(|why| faults.push(why)).ok().flatten()
}
