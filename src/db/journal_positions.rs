//! How far each journal has been moved into the database: written with the rows, so the only truth.

use super::schema::journal_positions;
use super::{AnyConnection, Result, on_each};
use diesel::prelude::*;
use std::collections::BTreeMap;

/// A place in a worker's series of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The segment's number, from 1; 0 before the first.
    pub segment: i64,
    /// Bytes into it.
    pub byte_offset: i64,
}

/// The positions of a journal's workers. On PostgreSQL the rows are locked until the transaction ends,
/// so that no two processes move the same journal at once.
///
/// # Errors
/// The database fails.
pub fn lock(conn: &mut AnyConnection, journal: &str) -> Result<BTreeMap<i64, Position>> {
    let own = journal_positions::table.filter(journal_positions::journal.eq(journal)).select((
        journal_positions::worker,
        journal_positions::segment,
        journal_positions::byte_offset,
    ));
    let rows: Vec<(i64, i64, i64)> = match conn {
        AnyConnection::Sqlite(c) => own.load(c)?,
        AnyConnection::Pg(c) => own.for_update().load(c)?,
    };
    Ok(rows
        .into_iter()
        .map(|(worker, segment, byte_offset)| (worker, Position { segment, byte_offset }))
        .collect())
}

/// The positions of a journal's workers, without a lock.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, journal: &str) -> Result<BTreeMap<i64, Position>> {
    let rows: Vec<(i64, i64, i64)> = journal_positions::table
        .filter(journal_positions::journal.eq(journal))
        .select((journal_positions::worker, journal_positions::segment, journal_positions::byte_offset))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(worker, segment, byte_offset)| (worker, Position { segment, byte_offset }))
        .collect())
}

/// Keeps a worker's position.
///
/// # Errors
/// The database fails.
pub fn put(conn: &mut AnyConnection, journal: &str, worker: i64, at: Position, now_ms: i64) -> Result<()> {
    let place = (
        journal_positions::segment.eq(at.segment),
        journal_positions::byte_offset.eq(at.byte_offset),
        journal_positions::updated_at_ms.eq(now_ms),
    );
    let row = (journal_positions::journal.eq(journal), journal_positions::worker.eq(worker), place);
    on_each!(conn, |c| diesel::insert_into(journal_positions::table)
        .values(row)
        .on_conflict((journal_positions::journal, journal_positions::worker))
        .do_update()
        .set(place)
        .execute(c))?;
    Ok(())
}

/// Forgets a journal that has been moved whole and removed.
///
/// # Errors
/// The database fails.
pub fn delete(conn: &mut AnyConnection, journal: &str) -> Result<()> {
    diesel::delete(journal_positions::table.filter(journal_positions::journal.eq(journal))).execute(conn)?;
    Ok(())
}
