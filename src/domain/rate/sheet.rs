//! Many rates at once, as a CSV file: `currency,day,rate`, a heading allowed.

use super::Rate;
use crate::domain::money::Currency;

/// Rates of one file: ten years of days of a currency, or a quarter of forty.
pub const RATES_MAX: usize = 4_000;

/// Faults that are told of one file.
const FAULTS_MAX: usize = 100;

/// A file that was read: the rates of its good rows, and what is wrong with the others, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The rates, in the order of the lines.
    pub rates: Vec<Rate>,
    /// Line number and sentence.
    pub faults: Vec<(usize, String)>,
}

/// Reads a file of rates. Commas, semicolons or tabs part the fields; quotes around one are taken away.
#[must_use]
pub fn read_sheet(text: &str, account: Currency) -> Sheet {
    let mut sheet = Sheet::default();
    let text = text.trim_start_matches('\u{feff}');
    for (line, row) in text.lines().enumerate().map(|(at, row)| (at + 1, row.trim())) {
        let fields: Vec<&str> =
            row.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"').trim()).collect();
        let is_heading =
            line == 1 && fields.first().is_some_and(|field| field.eq_ignore_ascii_case("currency"));
        if row.is_empty() || is_heading {
            continue;
        }
        let fault = match fields.as_slice() {
            _ if sheet.rates.len() >= RATES_MAX => {
                sheet
                    .faults
                    .push((line, format!("A file has at most {RATES_MAX} rates: send the rest in another")));
                return sheet;
            }
            [currency, day, rate] => match Rate::read((currency, day, rate), account) {
                Ok(read)
                    if sheet
                        .rates
                        .iter()
                        .any(|known| known.currency == read.currency && known.day == read.day) =>
                {
                    format!("{} of {} stands here twice: leave one", read.currency, read.day)
                }
                Ok(read) => {
                    sheet.rates.push(read);
                    continue;
                }
                Err((_, why)) => why,
            },
            _ => "Write three fields, like EUR,2026-11-21,1.0854".to_owned(),
        };
        if sheet.faults.len() < FAULTS_MAX {
            sheet.faults.push((line, fault));
        }
    }
    if sheet.rates.is_empty() && sheet.faults.is_empty() {
        sheet.faults.push((1, "No rate is in it: write lines like EUR,2026-11-21,1.0854".to_owned()));
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_rows_are_read_and_each_fault_has_its_line() {
        let text = "\u{feff}currency,day,rate\r\nEUR,2026-11-20,1.0854\n\ngbp;2026-11-20;\"1.25\"\nEUR,2026-11-20,1\nJPY,1\nUSD,2026-11-20,1\nEUR,x,1";
        let sheet = read_sheet(text, Currency::USD);
        assert_eq!(
            sheet.rates.iter().map(|rate| rate.rate_nanos).collect::<Vec<_>>(),
            [1_085_400_000, 1_250_000_000]
        );
        assert_eq!(sheet.faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 7, 8]);
        assert_eq!(read_sheet("\n", Currency::USD).faults.len(), 1);
    }

    #[test]
    fn a_file_without_end_ends() {
        let day = chrono::NaiveDate::from_ymd_opt(2010, 1, 1).unwrap();
        let lines = (0..RATES_MAX + 5).map(|n| format!("EUR,{},1.1\n", day + chrono::Days::new(n as u64)));
        let sheet = read_sheet(&lines.collect::<String>(), Currency::USD);
        assert_eq!((sheet.rates.len(), sheet.faults.len()), (RATES_MAX, 1));
        assert_eq!(read_sheet(&"x\n".repeat(5_000), Currency::USD).faults.len(), FAULTS_MAX);
    }
}
