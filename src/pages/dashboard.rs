//! `/`: key figures, the chart, what needs attention, best and worst campaigns, all campaigns.

use askama::Template;
use serde::Serialize;

use super::layout::Chrome;
use super::parts::{Link, Piece, Tone};
use super::tables::{Dot, Table};

/// The dashboard.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "dashboard/show.html")]
pub struct DashboardPage {
    /// The frame.
    pub chrome: Chrome,
    /// Six key figures: profit, ROI, revenue, cost, clicks, conversions.
    pub figures: Vec<KeyFigure>,
    /// The chart.
    pub chart: Chart,
    /// What needs attention, worst first. May be empty.
    pub attention: Vec<Attention>,
    /// Where all of it stands.
    pub attention_href: String,
    /// The campaigns that earn most.
    pub best: Vec<Rank>,
    /// The campaigns that lose most.
    pub worst: Vec<Rank>,
    /// All campaigns.
    pub campaigns: Table,
    /// The line below the table.
    pub note: String,
}

/// One of the six key figures.
#[derive(Debug, Clone, Default)]
pub struct KeyFigure {
    /// Its name.
    pub label: String,
    /// Its formula, shown on hover.
    pub formula: String,
    /// Its value.
    pub value: String,
    /// Colour: for profit and ROI only.
    pub tone: Tone,
    /// The line below ("+12.4% to yesterday").
    pub under: String,
}

/// The chart and the same data as a table.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Its heading ("Today by hour").
    pub title: String,
    /// The other step ("By day").
    pub switch: Option<Link>,
    /// The compared series in words ("Revenue yesterday"). Empty for none.
    pub compare_label: String,
    /// The series to draw, from [`ChartData::to_json`].
    pub data: String,
    /// The same data in words, one row per hour or day. Hover shows these.
    pub rows: Vec<ChartRow>,
}

/// One hour or day of the chart, ready to be read.
#[derive(Debug, Clone, Default)]
pub struct ChartRow {
    /// The hour or day.
    pub label: String,
    /// Clicks.
    pub clicks: String,
    /// Revenue.
    pub revenue: String,
    /// Cost.
    pub cost: String,
    /// Profit with its sign.
    pub profit: String,
    /// Colour of the profit.
    pub tone: Tone,
    /// Revenue of the compared period. Empty where nothing is compared.
    pub compare: String,
}

/// What the script draws. Money is sent as decimal text; an hour that has not come is `None`, an empty one is `"0"`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChartData {
    /// Below each bar; an empty text leaves the place blank.
    pub labels: Vec<String>,
    /// Stands before money on the axis ("$").
    pub before: String,
    /// Stands after money on the axis (" kr").
    pub after: String,
    /// Clicks.
    pub clicks: Vec<Option<i64>>,
    /// Revenue.
    pub revenue: Vec<Option<String>>,
    /// Cost.
    pub cost: Vec<Option<String>>,
    /// Profit.
    pub profit: Vec<Option<String>>,
    /// Revenue of the compared period. Empty where nothing is compared.
    pub compare: Vec<Option<String>>,
}

impl ChartData {
    /// The text for [`Chart::data`]. Text and numbers always become JSON, so a failure leaves an empty chart.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Something that needs attention.
#[derive(Debug, Clone, Default)]
pub struct Attention {
    /// How bad it is.
    pub dot: Dot,
    /// What, in a few words.
    pub title: String,
    /// Where it is mended.
    pub href: String,
    /// One sentence that says what to do; marked pieces are set as code.
    pub text: Vec<Piece>,
    /// How long ago ("4 min").
    pub ago: String,
}

/// A campaign among the best or worst.
#[derive(Debug, Clone, Default)]
pub struct Rank {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its profit with its sign.
    pub profit: String,
    /// Its ROI with its sign.
    pub roi: String,
    /// Colour of both.
    pub tone: Tone,
}

/// The addresses of this family.
pub(super) fn configure(_config: &mut actix_web::web::ServiceConfig) {}
