//! Running imports on a thread of its own, one after the other; what a process before this one left is gone on with.

use super::groups::Stop;
use super::lines;
use crate::conversions::door::{NotStored, Postbacks};
use crate::conversions::sentences;
use crate::conversions::writer::{Shared, now_ms};
use crate::db::imports::{self, Import, NewImport, PART_BYTES};
use crate::db::{self, Priority};
use crate::domain::import::{ALL_OR_NOTHING_MAX, ImportMode, ImportState};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often imports that nobody runs are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// An import that was not touched for so long is nobody's any more: a group takes a second at most.
const NOBODYS_AFTER_MS: i64 = 60 * 1_000;

/// How long a draft is kept that nobody runs.
const DRAFTS_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;

/// How long the rows that were not counted are listed.
const FAULTS_KEPT_MS: i64 = 90 * DRAFTS_KEPT_MS;

impl Postbacks {
    /// Keeps a file as a draft; comes back with its number. For a blocking thread.
    ///
    /// # Errors
    /// The database fails.
    pub fn keep_import(&self, new: &NewImport, bytes: &[u8]) -> db::Result<i64> {
        let (db, now_ms) = (&self.shared.db, now_ms());
        let id = db.write(Priority::Pages, |conn| {
            imports::sweep(conn, now_ms - DRAFTS_KEPT_MS, now_ms - FAULTS_KEPT_MS)?;
            imports::insert(conn, new, now_ms)
        })?;
        for (part, bytes) in (0..).zip(bytes.chunks(PART_BYTES)) {
            db.write(Priority::Pages, |conn| imports::add_part(conn, id, part, bytes))?;
        }
        Ok(id)
    }

    /// Runs a draft: it goes on by itself, and what it comes to stands in the database. `false` where somebody else has run it
    /// already. For a blocking thread.
    ///
    /// # Errors
    /// The database fails, or this process is ending.
    pub fn run_import(&self, id: i64) -> db::Result<bool> {
        let node = self.shared.writer_id;
        let is_mine =
            self.shared.db.write(Priority::Pages, |conn| imports::hand_over(conn, id, node, now_ms()))?;
        if is_mine {
            let imports = self.imports.lock().unwrap_or_else(PoisonError::into_inner);
            // An ending process leaves it to its next start.
            let _told = imports.as_ref().ok_or(NotStored).map(|imports| imports.send(id));
        }
        Ok(is_mine)
    }
}

impl Shared {
    /// Runs imports until the process ends.
    pub(in crate::conversions) fn keep_importing(&self, queue: &Receiver<i64>) {
        let mut looked = Instant::now();
        self.import_left_over();
        while !self.is_stopped.load(Ordering::Acquire) {
            match queue.recv_timeout(LOOK_EVERY) {
                Ok(id) => self.import(id),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.import_left_over();
            }
        }
    }

    fn import_left_over(&self) {
        let since_ms = now_ms() - NOBODYS_AFTER_MS;
        match self.db.read(|conn| imports::left_over(conn, self.writer_id, since_ms)) {
            Ok(ids) => ids.into_iter().for_each(|id| self.import(id)),
            Err(why) => tracing::warn!(%why, "imports that were left over could not be looked for"),
        }
    }

    /// Runs one import, or goes on with it.
    fn import(&self, id: i64) {
        let outcome = self.import_or_stop(id);
        let end = |state: ImportState, message: &str| {
            let ended = self
                .db
                .write(Priority::Maintenance, |conn| imports::finish(conn, id, (state, message), now_ms()));
            if let Err(why) = ended {
                tracing::error!(%why, import = id, "an import could not be ended: it is gone on with later");
            }
        };
        match outcome {
            Ok(()) => end(ImportState::Done, ""),
            Err(Failure::Told(message)) => end(ImportState::Failed, &message),
            Err(Failure::Stopped(Stop::Taken)) => {}
            Err(Failure::Stopped(Stop::NoAdvertiser)) => {
                end(ImportState::Failed, sentences::NO_ADVERTISER);
            }
            Err(Failure::Stopped(Stop::Refused(..))) => end(ImportState::Refused, ""),
            Err(Failure::Stopped(Stop::Db(db::Error::Unavailable(why)))) => {
                tracing::warn!(%why, import = id, "an import waits for the database");
            }
            Err(Failure::Stopped(Stop::Db(why))) => {
                tracing::error!(%why, import = id, "an import could not be run");
                end(ImportState::Failed, sentences::IMPORT_FAILED);
            }
        }
    }

    fn import_or_stop(&self, id: i64) -> Result<(), Failure> {
        let (import, bytes) =
            self.db.read(|conn| Ok::<_, Stop>((imports::find(conn, id)?, imports::file(conn, id)?)))?;
        let import: Import = import.filter(|import| import.state.is_open()).ok_or(Stop::Taken)?;
        let lines =
            lines::read(&bytes, &import.value.plan).map_err(|fault| Failure::Told(fault.to_string()))?;
        if import.value.mode == ImportMode::AllOrNothing && lines.len() > ALL_OR_NOTHING_MAX {
            return Err(Failure::Told(sentences::too_many_at_once(lines.len())));
        }
        let rows = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        self.db.write(Priority::Maintenance, |conn| {
            Ok::<_, Stop>(imports::begin(conn, id, rows, self.writer_id, now_ms())?)
        })?;
        if import.counts.done == 0 {
            self.wait_for_clicks(&lines, now_ms());
        }
        let is_through = import.counts.done >= rows;
        match import.value.mode {
            _ if is_through => {}
            ImportMode::GoodRows => self.import_groups(&import, &lines)?,
            ImportMode::AllOrNothing => {
                if let Err(stop) = self.import_whole(&import, &lines) {
                    if let Stop::Refused(counts, faults) = &stop {
                        self.note_refused(&import, *counts, faults)?;
                    }
                    return Err(stop.into());
                }
            }
        }
        self.db.write(Priority::Maintenance, |conn| {
            let plan = &import.value.plan;
            if plan.mapping.0.is_empty() {
                return Ok(());
            }
            imports::remember_mapping(conn, import.value.advertiser_id, &plan.mapping).map_err(Stop::from)
        })?;
        Ok(())
    }
}

/// Why an import is not through.
enum Failure {
    /// Its file cannot be read; one sentence.
    Told(String),
    /// Something else.
    Stopped(Stop),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}
