//! The table of campaigns with their figures, as the dashboard and the list of campaigns show it.

use super::campaigns::{FIGURES, columns};
use super::parts::Empty;
use super::tables::{Cell, Dot, Row, Shape, Table};
use super::view::View;
use super::words::{MoneyWords, counted};
use crate::domain::figures::{Figures, Metric};
use crate::domain::lander::EntityStatus;
use crate::reports::{self, Report};

/// The table of a report by campaign.
pub fn table(view: &View, money: MoneyWords, report: &Report, empty: Empty) -> Table {
    let rows = i64::try_from(report.row_count).unwrap_or(i64::MAX);
    let mut totals = vec![Cell::text(&counted(rows, "campaign", "campaigns"))];
    totals.extend(figures(money, &report.totals));
    Table {
        caption: "Campaigns with their figures".to_owned(),
        columns: columns("Campaign", view.sort_name(), view.sort_way(), |key| view.sort_href(key)),
        totals: Some(Row { cells: totals }),
        rows: report.rows.iter().map(|row| self::row(view, money, row)).collect(),
        empty,
        shape: Shape::Report,
    }
}

fn metrics() -> impl Iterator<Item = Metric> {
    FIGURES.iter().filter_map(|(key, _, _)| Metric::parse(key))
}

fn figures(money: MoneyWords, figures: &Figures) -> impl Iterator<Item = Cell> {
    metrics().map(move |metric| money.cell(figures, metric))
}

fn row(view: &View, money: MoneyWords, row: &reports::Row) -> Row {
    let id = row.key.unwrap_or_default().to_string();
    let mut name = Cell::link(&row.label, &format!("/campaigns/{id}/edit"));
    if let Some(facts) = &row.campaign {
        let is_active = facts.status == EntityStatus::Active;
        name.dot = if is_active { Dot::On } else { Dot::Off };
        let status = (!is_active).then(|| facts.status.as_str().to_owned());
        name.note = status.into_iter().chain(facts.source.clone()).collect::<Vec<_>>().join(" · ");
    }
    let mut cells = vec![name];
    for metric in metrics() {
        let mut cell = money.cell(&row.figures, metric);
        let pairs = [
            ("campaign", id.as_str()),
            ("bots", if view.own("bots").is_empty() { "exclude" } else { view.own("bots") }),
        ];
        match metric {
            Metric::Clicks => cell.href = view.elsewhere("/clicks", &pairs),
            Metric::Conversions if row.figures.sort_key(metric).unwrap_or(0) > 0 => {
                cell.href = view.elsewhere("/conversions", &[("campaign", &id)]);
            }
            _ => {}
        }
        cells.push(cell);
    }
    Row { cells }
}

/// What must be known to read the money: revenue still pending, cost never given.
pub fn note(view: &View, money: MoneyWords, report: &Report) -> String {
    let mut notes =
        vec![format!("Counted by {} in {}", view.attribution.as_str().replace('_', " "), view.zone().name())];
    let pending = report.totals.sort_key(Metric::PendingRevenue).unwrap_or(0);
    if pending > 0 {
        let pending = money.figure(&report.totals, Metric::PendingRevenue);
        notes.push(format!("revenue is approved only: {pending} more is pending"));
    }
    let without = report.rows.iter().filter(|row| row.figures.is_cost_unknown()).count();
    let without = i64::try_from(without).unwrap_or(0);
    if without > 0 {
        let campaigns = counted(without, "campaign", "campaigns");
        notes.push(format!("no cost is known for {campaigns}: the profit there is revenue alone"));
    }
    notes.join(" · ")
}
