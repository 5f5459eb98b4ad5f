//! `demo`: a realistic month of a made-up business, so that every page has something to show.

mod campaigns;
mod catalog;
mod outcomes;
mod people;
mod plan;
mod random;
mod traffic;
mod trouble;

#[cfg(test)]
mod tests;

use crate::db::lp_clicks::{self, Pressed};
use crate::db::{AnyConnection, Db, Error, Priority, clicks, partitions, report_names, rollups};
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::rollup::{Counters, RollupDelta};
use anyhow::Context as _;
use people::People;
use traffic::{Converting, Traffic, Visit};

/// Clicks of a transaction: beyond this a larger one is no quicker.
const BATCH_CLICKS: usize = 10_000;

/// The most clicks: with more the month's conversions would no longer be kept in memory lightly.
pub const CLICKS_MAX: u64 = 10_000_000;

/// The rows of the sums that the demo writes are its own, apart from any server's.
pub(super) const WRITER_ID: i64 = 0;

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// How many clicks, at most [`CLICKS_MAX`].
    pub clicks: u64,
    /// The same seed makes the same month; keys alone are drawn anew each time.
    pub seed: u64,
    /// The month ends here, Unix milliseconds.
    pub now_ms: i64,
}

impl DemoOptions {
    /// Sixty thousand clicks up to a time.
    #[must_use]
    pub const fn until(now_ms: i64) -> Self {
        Self { clicks: 60_000, seed: 1, now_ms }
    }
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DemoSummary {
    /// Campaigns.
    pub campaigns: usize,
    /// Clicks.
    pub clicks: u64,
    /// Lander buttons pressed.
    pub lp_clicks: u64,
    /// Conversions.
    pub conversions: u64,
    /// Postbacks received, refused and parked ones too.
    pub postbacks: u64,
}

/// Fills an empty database with a month of clicks, conversions and postbacks. `progress` is told how many clicks are in.
///
/// # Errors
/// The database is in use already or fails, or more is asked for than [`CLICKS_MAX`].
pub fn fill(db: &Db, options: &DemoOptions, progress: &mut dyn FnMut(u64)) -> anyhow::Result<DemoSummary> {
    anyhow::ensure!(options.clicks <= CLICKS_MAX, "At most {CLICKS_MAX} clicks can be made");
    let is_used = db.read(report_names::has_campaigns)?;
    anyhow::ensure!(!is_used, "This database has campaigns already: the demo wants one of its own");
    let start_ms = traffic::start_of(options.now_ms);
    let people = People::new();
    let catalog = db
        .write(Priority::Maintenance, |conn| {
            partitions::ensure(conn, start_ms, partitions::ahead_of(options.now_ms))?;
            clicks::insert_agents(conn, &people.agents())?;
            catalog::make(conn, options.seed, start_ms)
        })
        .context("The demo's campaigns could not be made")?;

    let mut traffic = Traffic::new(&catalog.targets, &people, options.clicks, options.seed, options.now_ms);
    let mut summary = DemoSummary { campaigns: catalog.targets.len(), ..DemoSummary::default() };
    let mut converting: Vec<Converting> = Vec::new();
    loop {
        let visits: Vec<Visit> = traffic.by_ref().take(BATCH_CLICKS).collect();
        if visits.is_empty() {
            break;
        }
        db.write(Priority::Maintenance, |conn| insert(conn, &visits))
            .context("Clicks could not be stored")?;
        summary.clicks += u64::try_from(visits.len()).unwrap_or(0);
        summary.lp_clicks += u64::try_from(visits.iter().filter(|visit| visit.pressed.is_some()).count())?;
        converting.extend(visits.iter().filter_map(|visit| visit.conversion));
        progress(summary.clicks);
    }
    let postbacks = outcomes::Outcomes::new(&converting, options.seed, options.now_ms);
    postbacks.store(db, &catalog, &mut summary).context("Conversions could not be stored")?;
    trouble::store(db, &catalog, options, &mut summary).context("Postbacks could not be stored")?;
    Ok(summary)
}

/// One batch: rows and sums together, as the ingester moves them.
fn insert(conn: &mut AnyConnection, visits: &[Visit]) -> Result<(), Error> {
    let records: Vec<_> = visits.iter().map(|visit| &visit.click).collect();
    let mut sums = RollupDelta::new();
    for (click, is_new) in records.iter().zip(clicks::insert(conn, &records)?) {
        if is_new {
            sums.add_click(click);
        }
    }
    let pressed: Vec<(&ClickRecord, &LpClickRecord)> =
        visits.iter().filter_map(|visit| Some((&visit.click, visit.pressed.as_ref()?))).collect();
    let all: Vec<&LpClickRecord> = pressed.iter().map(|(_, press)| *press).collect();
    let mut counts = Vec::with_capacity(pressed.len());
    for ((click, press), is_new) in pressed.iter().zip(lp_clicks::insert(conn, &all, true)?) {
        if is_new {
            counts.push(Pressed { click_id: click.id, count: 1, last_offer_id: press.offer_id });
            let one = Counters { lp_clicks: 1, lp_clickers: 1, ..Counters::default() };
            sums.add_at_click(
                click.clicked_at_ms,
                click.campaign_id,
                click.bot.is_some(),
                click.is_test,
                &one,
            );
        }
    }
    lp_clicks::count(conn, &counts)?;
    rollups::apply(conn, &sums, WRITER_ID)
}
