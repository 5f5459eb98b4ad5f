//! A report as CSV (RFC 4180): plain numbers with a dot, nothing where a figure has no base.

use super::query::Report;
use crate::domain::figures::{Metric, Value};
use crate::domain::money::Money;

/// A report with the given figures as columns, its totals in the last line.
#[must_use]
pub fn csv(report: &Report, metrics: &[Metric]) -> String {
    let mut out = String::new();
    let head = [report.by.as_str(), "name"].into_iter().chain(metrics.iter().map(|metric| metric.as_str()));
    push_line(&mut out, head.map(str::to_owned));
    for row in &report.rows {
        let figures = metrics.iter().map(|metric| cell(row.figures.value(*metric)));
        let names = [report.value(row).unwrap_or_default(), text(&row.label)];
        push_line(&mut out, names.into_iter().chain(figures));
    }
    let figures = metrics.iter().map(|metric| cell(report.totals.value(*metric)));
    push_line(&mut out, [String::new(), "Total".to_owned()].into_iter().chain(figures));
    out
}

/// Adds a line of cells, each quoted where it must be.
pub fn push_line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            out.push('"');
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&cell);
        }
    }
    out.push_str("\r\n");
}

/// A name that begins like a formula would be run by a spreadsheet: a quote mark before it makes it text.
#[must_use]
pub fn text(name: &str) -> String {
    if name.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{name}") } else { name.to_owned() }
}

fn cell(value: Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Amount(money) => money.to_string(),
        Value::PerUnit(money) => money.map(|money| money.to_string()).unwrap_or_default(),
        // Ten-thousandths are money's hundredths of micros: written alike, with four decimals at most.
        Value::Ratio(ratio) => {
            ratio.map(|parts| Money::from_micros(parts.saturating_mul(100)).to_string()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::{By, Row};
    use super::*;
    use crate::domain::figures::Figures;
    use crate::domain::rollup::Counters;

    #[test]
    fn a_report_in_a_spreadsheet() {
        let mut figures = Figures::default();
        let sums = Counters { clicks: 3, approved: 1, revenue_micros: 6_600_000, ..Counters::default() };
        figures.add(false, &sums);
        let row = Row { key: Some(7), label: "=\"Push\", DE".to_owned(), campaign: None, figures };
        let report = Report { by: By::Campaign, rows: vec![row], totals: figures, row_count: 1 };
        let metrics = [Metric::Clicks, Metric::Revenue, Metric::Cr, Metric::Roas];
        assert_eq!(
            csv(&report, &metrics),
            "campaign,name,clicks,revenue,cr,roas\r\n7,\"'=\"\"Push\"\", DE\",3,6.60,0.3333,\r\n,Total,3,6.60,0.3333,\r\n"
        );
    }
}
