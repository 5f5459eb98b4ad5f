//! One batch of journal records as rows and sums, inside the ingester's transaction.

use super::frame::Record;
use super::mover::MoveError;
use super::reader::Placed;
use crate::db::{AnyConnection, clicks, partitions, rollups};
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::domain::rollup::{Counters, RollupDelta};
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Rows between two looks at the clock, on SQLite.
const CHUNK_ROWS: usize = 1_000;

/// The longest transaction, and the longest while other writers wait.
const LONGEST: Duration = Duration::from_millis(250);
const LONGEST_WHILE_WANTED: Duration = Duration::from_millis(50);

/// Raw agents remembered as stored; at 8 bytes each, half a megabyte.
const AGENTS_MAX: usize = 60_000;

/// Lander clicks that one look counts late.
const LATE_MAX: i64 = 1_000;

/// Which raw user agents the database has already, so that it is not asked for each click.
#[derive(Default)]
pub(super) struct KnownAgents {
    stored: HashSet<i64>,
    pending: HashSet<i64>,
    days: HashSet<i64>,
}

impl KnownAgents {
    /// The transaction was committed.
    pub(super) fn commit(&mut self) {
        if self.stored.len() > AGENTS_MAX {
            self.stored.clear();
        }
        self.stored.extend(self.pending.drain());
    }

    /// The transaction was not.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.days.clear();
    }
}

/// What became of a batch.
pub(super) struct Inserted {
    /// How many places of it were taken; fewer than all where other writers wait.
    pub(super) count: usize,
    /// Those of them that could not be read.
    pub(super) unreadable: Vec<usize>,
}

/// Inserts records with their sums.
pub(super) fn insert(
    conn: &mut AnyConnection,
    placed: &[Placed],
    agents: &mut KnownAgents,
    writer_id: i64,
    is_wanted: &dyn Fn() -> bool,
) -> Result<Inserted, MoveError> {
    let started = Instant::now();
    let mut sums = RollupDelta::new();
    let mut inserted = Inserted { count: 0, unreadable: Vec::new() };
    let mut fresh = HashMap::new();
    let chunk_rows = match conn {
        AnyConnection::Sqlite(_) => CHUNK_ROWS,
        // One COPY for all: nobody waits for a turn there.
        AnyConnection::Pg(_) => placed.len().max(1),
    };
    for chunk in placed.chunks(chunk_rows) {
        let (mut clicks, mut lp_clicks) = (Vec::with_capacity(chunk.len()), Vec::new());
        for (at, place) in (inserted.count..).zip(chunk) {
            match place.record() {
                Some(Record::Click(click)) => clicks.push(click),
                Some(Record::LpClick(click)) => lp_clicks.push(click),
                None => inserted.unreadable.push(at),
            }
        }
        insert_clicks(conn, &clicks.iter().collect::<Vec<_>>(), agents, &mut sums, &mut fresh)?;
        insert_lp_clicks(conn, &lp_clicks, &mut sums)?;
        inserted.count += chunk.len();
        let spent = started.elapsed();
        if spent > LONGEST || (spent > LONGEST_WHILE_WANTED && is_wanted()) {
            break;
        }
    }
    count_waiting_lp_clicks(conn, &fresh, &mut sums)?;
    rollups::apply(conn, &sums, writer_id)?;
    Ok(inserted)
}

/// The clicks of a chunk that were new, by id: what a lander click needs of its click.
type Fresh = HashMap<ClickId, (i64, bool, bool)>;

fn insert_clicks(
    conn: &mut AnyConnection,
    records: &[&ClickRecord<&str>],
    agents: &mut KnownAgents,
    sums: &mut RollupDelta,
    fresh: &mut Fresh,
) -> Result<(), MoveError> {
    let mut unknown: Vec<(i64, &str)> = Vec::new();
    for click in records {
        if !agents.stored.contains(&click.agent_id) && agents.pending.insert(click.agent_id) {
            unknown.push((click.agent_id, click.agent));
        }
        // The day's partition is made or there; asked once a day.
        if agents.days.insert(click.clicked_at_ms.div_euclid(86_400_000)) {
            partitions::ensure(conn, click.clicked_at_ms, click.clicked_at_ms)?;
        }
    }
    clicks::insert_agents(conn, &unknown)?;
    for (click, is_new) in records.iter().zip(clicks::insert(conn, records)?) {
        if is_new {
            sums.add_click(click);
            if click.is_lp_view() {
                fresh.insert(click.id, (click.clicked_at_ms, click.bot.is_some(), click.is_test));
            }
        }
    }
    Ok(())
}

fn insert_lp_clicks(
    conn: &mut AnyConnection,
    records: &[LpClickRecord],
    sums: &mut RollupDelta,
) -> Result<(), MoveError> {
    if records.is_empty() {
        return Ok(());
    }
    let ids: Vec<ClickId> =
        records.iter().map(|record| record.click_id).collect::<HashSet<_>>().into_iter().collect();
    let known: HashMap<ClickId, clicks::ClickFacts> =
        clicks::facts(conn, &ids)?.into_iter().map(|facts| (facts.id, facts)).collect();
    for record in records {
        let click = known.get(&record.click_id);
        if clicks::insert_lp_click(conn, record, click.is_some())?
            && let Some(click) = click
        {
            count_one(conn, record, (click.clicked_at_ms, click.is_bot, click.is_test), sums)?;
        }
    }
    Ok(())
}

fn count_one(
    conn: &mut AnyConnection,
    record: &LpClickRecord,
    (clicked_at_ms, is_bot, is_test): (i64, bool, bool),
    sums: &mut RollupDelta,
) -> Result<(), MoveError> {
    let is_first = clicks::count_lp_click(conn, record.click_id)? == 1;
    let one = Counters { lp_clicks: 1, lp_clickers: i64::from(is_first), ..Counters::default() };
    sums.add_at_click(clicked_at_ms, record.campaign_id, is_bot, is_test, &one);
    Ok(())
}

/// A lander click may have been moved before its click, from another worker's series or another node:
/// it is counted when the click comes.
fn count_waiting_lp_clicks(
    conn: &mut AnyConnection,
    fresh: &Fresh,
    sums: &mut RollupDelta,
) -> Result<(), MoveError> {
    // Mostly none waits, and then not even the clicks' numbers are gathered.
    if fresh.is_empty() || !clicks::has_uncounted_lp_clicks(conn)? {
        return Ok(());
    }
    let ids: Vec<ClickId> = fresh.keys().copied().collect();
    for record in clicks::uncounted_lp_clicks(conn, &ids)? {
        if let Some(click) = fresh.get(&record.click_id)
            && clicks::mark_lp_click_counted(conn, record.id)?
        {
            count_one(conn, &record, *click, sums)?;
        }
    }
    Ok(())
}

/// Counts lander clicks that came while another node's transaction brought their click: neither of the two could see
/// the other's row. Says how many there were.
pub(super) fn count_late_lp_clicks(conn: &mut AnyConnection, writer_id: i64) -> Result<usize, MoveError> {
    let (mut sums, mut counted) = (RollupDelta::new(), 0);
    for (record, click) in clicks::late_lp_clicks(conn, LATE_MAX)? {
        if clicks::mark_lp_click_counted(conn, record.id)? {
            count_one(conn, &record, (click.clicked_at_ms, click.is_bot, click.is_test), &mut sums)?;
            counted += 1;
        }
    }
    rollups::apply(conn, &sums, writer_id)?;
    Ok(counted)
}
