//! Moving a journal's records into the database. Rows, sums and the journal's position are one transaction, so a crash at
//! any instruction neither loses nor doubles a row.

use super::gauges::Gauges;
use super::journal::now_ms;
use super::move_rows::{self, Inserted, KnownAgents};
use super::reader::{self, Placed, Until};
use crate::db::journal_positions::{self, Position};
use crate::db::{self, Db, Priority, clicks};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows moved in one transaction at most: larger ones gain nothing and hold the write lock longer.
pub(super) const ROWS_MAX: usize = 10_000;

/// Moves journals, one transaction after the other.
pub(super) struct Mover {
    db: Arc<Db>,
    /// Names this process's own rows of the sums.
    writer_id: i64,
    /// Where records go that the database refuses, and damaged stretches.
    quarantine: PathBuf,
    agents: KnownAgents,
    gauges: Arc<Gauges>,
    /// Damaged stretches and refused records that were kept in quarantine.
    set_aside: usize,
}

/// What one step moved.
pub(super) struct Moved {
    /// Records, and stretches that were none.
    pub(super) count: usize,
    /// Where each worker's series stands now.
    pub(super) to: BTreeMap<i64, Position>,
}

impl Mover {
    pub(super) fn new(db: Arc<Db>, writer_id: i64, quarantine: PathBuf, gauges: Arc<Gauges>) -> Self {
        Self { db, writer_id, quarantine, agents: KnownAgents::default(), gauges, set_aside: 0 }
    }

    /// Moves a journal that nobody writes any more, to its end; says how many records of it are in the database now.
    pub(super) fn move_whole(&mut self, folder: &Path, id: &str) -> Result<usize, MoveError> {
        let before = self.set_aside;
        let places = self.move_places(folder, id)?;
        Ok(places.saturating_sub(self.set_aside.saturating_sub(before)))
    }

    /// How many damaged stretches and refused records were kept in quarantine since it was made.
    pub(super) const fn set_aside_count(&self) -> usize {
        self.set_aside
    }

    fn move_places(&mut self, folder: &Path, id: &str) -> Result<usize, MoveError> {
        let ends: BTreeMap<i64, Until> =
            reader::series(folder)?.into_iter().map(|(worker, _)| (worker, Until::End)).collect();
        let mut rows = 0;
        loop {
            match self.move_some(folder, id, &ends)?.count {
                0 => return Ok(rows),
                count => rows += count,
            }
        }
    }

    /// One transaction's worth of a journal: how many places were moved, none where nothing is left.
    pub(super) fn move_some(
        &mut self,
        folder: &Path,
        id: &str,
        ends: &BTreeMap<i64, Until>,
    ) -> Result<Moved, MoveError> {
        let positions = self.db.read(|conn| journal_positions::find(conn, id))?;
        let mut placed = Vec::new();
        for (worker, until) in ends {
            let from = positions.get(worker).copied().unwrap_or_default();
            let room = ROWS_MAX.saturating_sub(placed.len());
            placed.extend(reader::read(folder, *worker, from, *until, room)?);
        }
        let moved_to =
            if placed.is_empty() { positions } else { self.move_halving(id, &positions, &placed)? };
        Ok(Moved { count: placed.len(), to: moved_to })
    }

    /// Counts lander clicks whose click another node brought in the same moment.
    pub(super) fn count_late(&self) -> Result<(), MoveError> {
        if self.db.read(|conn| clicks::late_lp_clicks(conn, 1))?.is_empty() {
            return Ok(());
        }
        let writer_id = self.writer_id;
        self.db.write(Priority::Ingester, |conn| move_rows::count_late_lp_clicks(conn, writer_id))?;
        Ok(())
    }

    /// Moves a batch; one that the database refuses is halved until the record at fault stands alone,
    /// which is then set aside, and ingestion goes on.
    fn move_halving(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<BTreeMap<i64, Position>, MoveError> {
        match self.move_batch(id, before, placed) {
            Ok(MovedTo { positions, count, .. }) if count == placed.len() => Ok(positions),
            Ok(MovedTo { positions, count, .. }) => {
                let rest = placed.get(count..).unwrap_or_default();
                self.move_halving(id, &positions, rest)
            }
            Err(MoveError::Db(db::Error::Query(why))) if self.is_database_at_fault(id, before) => {
                // Nothing would be taken now, whatever it is: no record is to blame.
                Err(MoveError::Db(db::Error::Query(why)))
            }
            Err(MoveError::Db(db::Error::Query(why))) if placed.len() == 1 => {
                tracing::error!(%why, "the database refuses a record: it is set aside");
                self.set_aside(id, before, placed)
            }
            Err(MoveError::Db(db::Error::Query(_))) => {
                let (left, right) = placed.split_at(placed.len() / 2);
                let between = self.move_halving(id, before, left)?;
                self.move_halving(id, &between, right)
            }
            Err(other) => Err(other),
        }
    }

    /// Whether the database takes nothing at all: not even this journal's position again, and a look at the table that
    /// clicks go into.
    fn is_database_at_fault(&self, id: &str, positions: &BTreeMap<i64, Position>) -> bool {
        let written = self.db.write(Priority::Ingester, |conn| {
            for (worker, at) in positions {
                journal_positions::put(conn, id, *worker, *at, now_ms())?;
            }
            clicks::touch(conn)
        });
        written.is_err()
    }

    fn move_batch(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<MovedTo, MoveError> {
        let (db, agents) = (Arc::clone(&self.db), &mut self.agents);
        let writer_id = self.writer_id;
        let moved = db.write(Priority::Ingester, |conn| {
            let locked = journal_positions::lock(conn, id)?;
            if locked != *before {
                // Somebody else moved it, or the database went back in time: read again from there.
                return Err(MoveError::Elsewhere);
            }
            let is_wanted = || db.is_wanted_before(Priority::Ingester);
            let Inserted { count, unreadable } =
                move_rows::insert(conn, placed, agents, writer_id, &is_wanted)?;
            let positions = ends_of(before, placed.get(..count).unwrap_or_default());
            put_positions(conn, id, before, &positions)?;
            Ok(MovedTo { positions, count, unreadable })
        });
        match &moved {
            Ok(to) => {
                self.gauges.count_batch(to.count);
                self.keep_damaged(id, to.unreadable.iter().filter_map(|at| placed.get(*at)));
                self.agents.commit();
            }
            Err(_) => self.agents.forget(),
        }
        moved
    }

    /// Keeps a record that the database refuses in `quarantine/`, and goes past it.
    fn set_aside(
        &mut self,
        id: &str,
        before: &BTreeMap<i64, Position>,
        placed: &[Placed],
    ) -> Result<BTreeMap<i64, Position>, MoveError> {
        self.set_aside += placed.len();
        for one in placed {
            match one.record() {
                Some(record) => self.quarantine(id, one, format!("{record:?}\n").as_bytes())?,
                None => self.quarantine(id, one, one.bytes())?,
            }
        }
        let after = ends_of(before, placed);
        self.db.write(Priority::Ingester, |conn| put_positions(conn, id, before, &after))?;
        Ok(after)
    }

    fn keep_damaged<'a>(&mut self, id: &str, unreadable: impl Iterator<Item = &'a Placed>) {
        for one in unreadable {
            self.set_aside += 1;
            tracing::error!(
                journal = id,
                bytes = one.bytes().len(),
                "a torn or damaged stretch of the journal was cut out"
            );
            if let Err(why) = self.quarantine(id, one, one.bytes()) {
                tracing::error!(%why, "it could not be kept in quarantine");
            }
        }
    }

    fn quarantine(&self, id: &str, one: &Placed, bytes: &[u8]) -> std::io::Result<()> {
        let folder = &self.quarantine;
        std::fs::create_dir_all(folder)?;
        let name = format!("{id}-w{}-{:010}-{:012}", one.worker, one.end.segment, one.end.byte_offset);
        std::fs::write(folder.join(name), bytes)
    }
}

struct MovedTo {
    positions: BTreeMap<i64, Position>,
    count: usize,
    unreadable: Vec<usize>,
}

/// Why a batch was not moved.
#[derive(Debug)]
pub(super) enum MoveError {
    Db(db::Error),
    Files(std::io::Error),
    Elsewhere,
}

impl From<db::Error> for MoveError {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl From<std::io::Error> for MoveError {
    fn from(error: std::io::Error) -> Self {
        Self::Files(error)
    }
}

impl std::fmt::Display for MoveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            Self::Files(error) => write!(f, "a journal file cannot be read: {error}"),
            Self::Elsewhere => f.write_str("another process moved this journal meanwhile"),
        }
    }
}

/// Where each worker's series stands after some places.
fn ends_of(before: &BTreeMap<i64, Position>, placed: &[Placed]) -> BTreeMap<i64, Position> {
    let mut ends = before.clone();
    for one in placed {
        ends.insert(one.worker, one.end);
    }
    ends
}

fn put_positions(
    conn: &mut db::AnyConnection,
    id: &str,
    before: &BTreeMap<i64, Position>,
    after: &BTreeMap<i64, Position>,
) -> Result<(), MoveError> {
    for (worker, at) in after {
        if before.get(worker) != Some(at) {
            journal_positions::put(conn, id, *worker, *at, now_ms())?;
        }
    }
    Ok(())
}
