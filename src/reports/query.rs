//! A query and its report: rows by one dimension, sorted and cut to a page, with totals over all of them.

use super::period::{Period, PeriodError, Step};
use super::sums::{self, Way};
use crate::db::{self, AnyConnection, report_names};
use crate::domain::figures::{Bots, Figures, Metric};
use crate::domain::lander::EntityStatus;
use crate::domain::rollup::Attribution;
use crate::domain::words::word_enum;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

word_enum! {
    /// What the rows of a report are.
    pub enum By {
        /// One row for everything.
        Total => "total",
        /// A row for each campaign.
        Campaign => "campaign",
        /// A row for each source, by the campaigns that are its own now.
        Source => "source",
        /// A row for each owner, by the campaigns that are theirs now.
        Owner => "owner",
        /// A row for each hour.
        Hour => "hour",
        /// A row for each day.
        Day => "day",
        /// A row for each week.
        Week => "week",
        /// A row for each month.
        Month => "month",
    }
}

impl By {
    /// The step, where the rows are pieces of time.
    #[must_use]
    pub const fn step(self) -> Option<Step> {
        match self {
            Self::Hour => Some(Step::Hour),
            Self::Day => Some(Step::Day),
            Self::Week => Some(Step::Week),
            Self::Month => Some(Step::Month),
            Self::Total | Self::Campaign | Self::Source | Self::Owner => None,
        }
    }
}

/// What rows are sorted by. What has no value stands last either way, and ties stand by label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// A figure, or the label (pieces of time: their time) where none is named.
    pub metric: Option<Metric>,
    /// The highest first.
    pub is_descending: bool,
}

impl Order {
    /// By label, or by time.
    pub const LABEL: Self = Self { metric: None, is_descending: false };

    /// Reads `-profit`, `clicks` or `label`; `None` for a word that is no figure.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let (name, is_descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
        let metric = if name == "label" { None } else { Some(Metric::parse(name)?) };
        Some(Self { metric, is_descending })
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// When.
    pub period: Period,
    /// What the rows are.
    pub by: By,
    /// By which time conversions count.
    pub attribution: Attribution,
    /// Whose clicks count.
    pub bots: Bots,
    /// Test data, or real data.
    pub is_test: bool,
    /// These campaigns only.
    pub campaign_ids: Option<Vec<i64>>,
    /// Only rows with this text in their label, in any case.
    pub search: String,
    /// Campaigns in use (and sources, owners of such) get a row even if nothing happened there.
    pub with_idle: bool,
    /// What the rows are sorted by.
    pub order: Order,
    /// The most rows of the page; `None` for all.
    pub limit: Option<usize>,
    /// Rows before the page.
    pub offset: usize,
}

impl Query {
    /// Everything of a period, by label.
    #[must_use]
    pub const fn new(period: Period, by: By) -> Self {
        Self {
            period,
            by,
            attribution: Attribution::ClickTime,
            bots: Bots::Exclude,
            is_test: false,
            campaign_ids: None,
            search: String::new(),
            with_idle: false,
            order: Order::LABEL,
            limit: None,
            offset: 0,
        }
    }
}

/// What a campaign's row says of the campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignFacts {
    /// In use or not.
    pub status: EntityStatus,
    /// Its source's name.
    pub source: Option<String>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of the campaign, source or owner, or the start of the piece of time; `None` where it is unknown.
    pub key: Option<i64>,
    /// What people call it.
    pub label: String,
    /// The campaign's facts, where rows are campaigns.
    pub campaign: Option<CampaignFacts>,
    /// The figures.
    pub figures: Figures,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the rows are.
    pub by: By,
    /// The rows of the page.
    pub rows: Vec<Row>,
    /// The figures over all rows, those of other pages too.
    pub totals: Figures,
    /// How many rows there are.
    pub row_count: usize,
}

impl Report {
    /// The value of a row's dimension, as the API writes it.
    #[must_use]
    pub fn value(&self, row: &Row) -> Option<String> {
        match self.by {
            By::Total => None,
            By::Campaign | By::Source | By::Owner => row.key.map(|key| key.to_string()),
            By::Hour | By::Day | By::Week | By::Month => Some(row.label.clone()),
        }
    }
}

/// Why there is no report.
#[derive(Debug)]
pub enum Error {
    /// The database failed.
    Db(db::Error),
    /// The period cannot be cut so.
    Period(PeriodError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Period(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl From<PeriodError> for Error {
    fn from(error: PeriodError) -> Self {
        Self::Period(error)
    }
}

/// Answers a query, from what is kept.
///
/// # Errors
/// The database fails, or the period has too many pieces.
pub fn report(conn: &mut AnyConnection, query: &Query) -> Result<Report, Error> {
    answer(conn, Way::Rollups, query)
}

/// Answers a query the plain way, from the raw rows: what every quicker way must agree with.
///
/// # Errors
/// The database fails, or the period has too many pieces.
pub fn plain(conn: &mut AnyConnection, query: &Query) -> Result<Report, Error> {
    answer(conn, Way::Raw, query)
}

fn answer(conn: &mut AnyConnection, way: Way, query: &Query) -> Result<Report, Error> {
    let mut rows = match query.by.step() {
        Some(step) => time_rows(conn, way, query, step)?,
        None => campaign_rows(conn, way, query)?,
    };
    let wanted = query.search.trim().to_lowercase();
    if !wanted.is_empty() {
        rows.retain(|row| row.label.to_lowercase().contains(&wanted));
    }
    let mut totals = Figures::new(query.bots);
    for row in &rows {
        totals.add_row(&row.figures);
    }
    let row_count = rows.len();
    sort(&mut rows, query);
    let rows = rows.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX)).collect();
    Ok(Report { by: query.by, rows, totals, row_count })
}

fn time_rows(conn: &mut AnyConnection, way: Way, query: &Query, step: Step) -> Result<Vec<Row>, Error> {
    let buckets = query.period.buckets(step)?;
    let figures = sums::by_bucket(conn, way, query, &buckets)?;
    Ok(buckets
        .into_iter()
        .zip(figures)
        .map(|(bucket, figures)| Row {
            key: Some(bucket.start_ms),
            label: bucket.label,
            campaign: None,
            figures,
        })
        .collect())
}

fn campaign_rows(conn: &mut AnyConnection, way: Way, query: &Query) -> Result<Vec<Row>, Error> {
    let mut found = sums::by_campaign(conn, way, query)?;
    if query.by == By::Total {
        let mut figures = Figures::new(query.bots);
        found.values().for_each(|row| figures.add_row(row));
        return Ok(vec![Row { key: None, label: "Total".to_owned(), campaign: None, figures }]);
    }
    let campaigns = report_names::campaigns(conn)?;
    if query.with_idle {
        let is_asked = |id: i64| query.campaign_ids.as_ref().is_none_or(|ids| ids.contains(&id));
        for campaign in
            campaigns.iter().filter(|one| one.status != EntityStatus::Archived && is_asked(one.id))
        {
            found.entry(campaign.id).or_insert_with(|| Figures::new(query.bots));
        }
    }
    let campaigns: HashMap<i64, report_names::CampaignName> =
        campaigns.into_iter().map(|campaign| (campaign.id, campaign)).collect();
    match query.by {
        By::Source => {
            let names = report_names::sources(conn)?;
            Ok(grouped(&found, query.bots, &names, |id| campaigns.get(&id)?.source_id))
        }
        By::Owner => {
            let names = report_names::owners(conn)?;
            Ok(grouped(&found, query.bots, &names, |id| campaigns.get(&id)?.owner_id))
        }
        _ => {
            let sources = report_names::sources(conn)?;
            Ok(found
                .into_iter()
                .map(|(id, figures)| campaign_row(id, figures, &campaigns, &sources))
                .collect())
        }
    }
}

/// Rows of campaigns from their figures.
pub(super) fn campaign_rows_of(
    conn: &mut AnyConnection,
    found: BTreeMap<i64, Figures>,
) -> Result<Vec<Row>, Error> {
    let campaigns =
        report_names::campaigns(conn)?.into_iter().map(|campaign| (campaign.id, campaign)).collect();
    let sources = report_names::sources(conn)?;
    Ok(found.into_iter().map(|(id, figures)| campaign_row(id, figures, &campaigns, &sources)).collect())
}

fn campaign_row(
    id: i64,
    figures: Figures,
    campaigns: &HashMap<i64, report_names::CampaignName>,
    sources: &HashMap<i64, String>,
) -> Row {
    let known = campaigns.get(&id);
    let facts = |campaign: &report_names::CampaignName| CampaignFacts {
        status: campaign.status,
        source: campaign.source_id.and_then(|id| sources.get(&id)).cloned(),
    };
    Row {
        key: Some(id),
        label: known.map_or_else(|| format!("Campaign {id}"), |campaign| campaign.name.clone()),
        campaign: known.map(facts),
        figures,
    }
}

/// Campaigns put together by something they have.
fn grouped(
    found: &BTreeMap<i64, Figures>,
    bots: Bots,
    names: &HashMap<i64, String>,
    group: impl Fn(i64) -> Option<i64>,
) -> Vec<Row> {
    let mut groups: BTreeMap<Option<i64>, Figures> = BTreeMap::new();
    for (id, figures) in found {
        groups.entry(group(*id)).or_insert_with(|| Figures::new(bots)).add_row(figures);
    }
    let label = |key: Option<i64>| match key {
        Some(id) => names.get(&id).cloned().unwrap_or_else(|| id.to_string()),
        None => "None".to_owned(),
    };
    groups.into_iter().map(|(key, figures)| Row { key, label: label(key), campaign: None, figures }).collect()
}

/// Sorts rows as the query says.
fn sort(rows: &mut [Row], query: &Query) {
    let is_time = query.by.step().is_some();
    rows.sort_by_cached_key(|row| SortKey::new(row, query.order, is_time));
}

/// Compares first whether there is a value, then the value, then the label, then the number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct SortKey {
    has_no_value: bool,
    value: i128,
    is_unknown: bool,
    label: Directed<String>,
    key: Option<i64>,
}

/// A label that may be sorted backwards.
#[derive(PartialEq, Eq)]
struct Directed<T> {
    value: T,
    is_descending: bool,
}

impl<T: Ord> PartialOrd for Directed<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for Directed<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.value.cmp(&other.value);
        if self.is_descending { order.reverse() } else { order }
    }
}

impl SortKey {
    fn new(row: &Row, order: Order, is_time: bool) -> Self {
        let number = match order.metric {
            Some(metric) => row.figures.sort_key(metric),
            None if is_time => row.key,
            None => Some(0),
        };
        let value = i128::from(number.unwrap_or(0));
        let label = if is_time { String::new() } else { row.label.to_lowercase() };
        Self {
            has_no_value: number.is_none(),
            value: if order.is_descending { -value } else { value },
            is_unknown: row.key.is_none(),
            label: Directed { value: label, is_descending: order.is_descending && order.metric.is_none() },
            key: row.key,
        }
    }
}
