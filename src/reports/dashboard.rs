//! The dashboard: how it goes now, against the time before, and what needs attention.

use super::attention::{Attention, attention};
use super::period::{Bucket, Compared, Period, Step};
use super::query::{By, Error, Order, Query, Row, campaign_rows_of, report};
use super::sums::{self, Way};
use crate::db::AnyConnection;
use crate::domain::figures::{Bots, Figures, Metric};
use crate::domain::rollup::Attribution;
use crate::domain::zone::TimeZone;
use chrono::NaiveTime;
use std::collections::HashMap;

/// Periods up to so many days are drawn by hour, where nothing else is asked for.
const DAYS_BY_HOUR_MAX: i64 = 2;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DashboardQuery {
    /// When.
    pub period: Period,
    /// Now, Unix milliseconds: decides what is compared, and which pieces of the chart are still to come.
    pub now_ms: i64,
    /// By which time conversions count.
    pub attribution: Attribution,
    /// Whose clicks count.
    pub bots: Bots,
    /// Test data, or real data.
    pub is_test: bool,
    /// These campaigns only.
    pub campaign_ids: Option<Vec<i64>>,
    /// The chart's step; by the period's length where none is given.
    pub step: Option<Step>,
    /// How many campaigns stand among the best, and among the worst.
    pub campaigns_max: usize,
}

/// A point of the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The piece of time.
    pub bucket: Bucket,
    /// Its figures.
    pub figures: Figures,
    /// It has not begun: nothing to draw.
    pub is_to_come: bool,
    /// The figures at the same place of the period before; `None` where that has no such place (a day with 25 hours
    /// beside one with 24).
    pub before: Option<Figures>,
}

/// What the dashboard shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// The figures of the period.
    pub figures: Figures,
    /// What is compared to what, and up to when.
    pub compared: Compared,
    /// The figures of the period up to the moment of comparison: changes are worked out from these.
    pub so_far: Figures,
    /// The figures of the time before, up to the same moment.
    pub before: Figures,
    /// The chart's step.
    pub step: Step,
    /// The chart.
    pub points: Vec<Point>,
    /// The campaigns with the highest profit, the best first; only such that earn.
    pub best: Vec<Row>,
    /// The campaigns with the lowest profit, the worst first; only such that lose.
    pub worst: Vec<Row>,
    /// Postbacks of the period that were refused or parked, the refused first.
    pub attention: Vec<Attention>,
}

/// Everything the dashboard shows.
///
/// # Errors
/// The database fails, or the period has too many pieces.
pub fn dashboard(conn: &mut AnyConnection, asked: &DashboardQuery) -> Result<Dashboard, Error> {
    let compared = asked.period.compared(asked.now_ms);
    let step = asked.step.unwrap_or_else(|| step_of(&asked.period));
    let query = query(asked, asked.period);
    let campaigns = sums::by_campaign(conn, Way::Rollups, &query)?;
    let mut figures = Figures::new(asked.bots);
    campaigns.values().for_each(|row| figures.add_row(row));

    let buckets = asked.period.buckets(step)?;
    let points = sums::by_bucket(conn, Way::Rollups, &query, &buckets)?;
    let query_before = self::query(asked, compared.whole_before);
    let buckets_before = compared.whole_before.buckets(step)?;
    let points_before = sums::by_bucket(conn, Way::Rollups, &query_before, &buckets_before)?;

    // The whole less its end: far less to read than both parts anew.
    let mut so_far = figures;
    so_far.subtract_row(&tail(conn, &query, compared.so_far.to_ms())?);
    let mut before = Figures::new(asked.bots);
    points_before.iter().for_each(|row| before.add_row(row));
    before.subtract_row(&tail(conn, &query_before, compared.before.to_ms())?);

    let mut rows = campaign_rows_of(conn, campaigns)?;
    rows.sort_by_key(|row| (row.figures.profit(), row.key));
    let worst = rows.iter().filter(|row| row.figures.profit().micros() < 0);
    let worst = worst.take(asked.campaigns_max).cloned().collect();
    let best = rows.iter().rev().filter(|row| row.figures.profit().micros() > 0);
    let best = best.take(asked.campaigns_max).cloned().collect();
    let places = places(asked.period.zone(), &buckets_before, step, points_before);
    Ok(Dashboard {
        figures,
        so_far,
        before,
        step,
        points: joined(asked, buckets, points, places),
        best,
        worst,
        attention: attention(conn, &asked.period, asked.is_test)?,
        compared,
    })
}

/// The campaigns of a dashboard, all of them: what is in use and what had traffic.
///
/// # Errors
/// The database fails.
pub fn campaign_list(conn: &mut AnyConnection, asked: &DashboardQuery) -> Result<super::Report, Error> {
    let order = Order { metric: Some(Metric::Profit), is_descending: true };
    report(conn, &Query { order, with_idle: true, ..query(asked, asked.period) })
}

fn query(asked: &DashboardQuery, period: Period) -> Query {
    Query {
        attribution: asked.attribution,
        bots: asked.bots,
        is_test: asked.is_test,
        campaign_ids: asked.campaign_ids.clone(),
        ..Query::new(period, By::Campaign)
    }
}

fn step_of(period: &Period) -> Step {
    let days = period.zone().date(period.to_ms() - 1) - period.zone().date(period.from_ms());
    if days.num_days() < DAYS_BY_HOUR_MAX { Step::Hour } else { Step::Day }
}

/// The figures from a moment to the period's end.
fn tail(conn: &mut AnyConnection, query: &Query, from_ms: i64) -> Result<Figures, Error> {
    let mut figures = Figures::new(query.bots);
    let rows = sums::campaigns_within(conn, Way::Rollups, query, (from_ms, query.period.to_ms()))?;
    rows.values().for_each(|row| figures.add_row(row));
    Ok(figures)
}

/// A place in a period that the one before has too: the day's number and, by the hour, the time of day.
type Place = (i64, Option<NaiveTime>);

fn place(zone: TimeZone, step: Step, first_ms: i64, at: usize, bucket: &Bucket) -> Place {
    if step != Step::Hour {
        return (i64::try_from(at).unwrap_or(i64::MAX), None);
    }
    let local = zone.local(bucket.start_ms);
    ((local.date() - zone.date(first_ms)).num_days(), Some(local.time()))
}

fn places(zone: TimeZone, buckets: &[Bucket], step: Step, figures: Vec<Figures>) -> HashMap<Place, Figures> {
    let first_ms = buckets.first().map_or(0, |bucket| bucket.start_ms);
    let mut places = HashMap::new();
    for (at, (bucket, figures)) in buckets.iter().zip(figures).enumerate() {
        places.entry(place(zone, step, first_ms, at, bucket)).or_insert(figures);
    }
    places
}

fn joined(
    asked: &DashboardQuery,
    buckets: Vec<Bucket>,
    figures: Vec<Figures>,
    mut before: HashMap<Place, Figures>,
) -> Vec<Point> {
    let (zone, first_ms) = (asked.period.zone(), asked.period.from_ms());
    let step = asked.step.unwrap_or_else(|| step_of(&asked.period));
    buckets
        .into_iter()
        .zip(figures)
        .enumerate()
        .map(|(at, (bucket, figures))| Point {
            before: before.remove(&place(zone, step, first_ms, at, &bucket)),
            is_to_come: bucket.start_ms > asked.now_ms,
            bucket,
            figures,
        })
        .collect()
}
