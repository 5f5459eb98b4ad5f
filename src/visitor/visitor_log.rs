//! The table of visitors in a file, so that who was here before a restart is not new after it.
//!
//! A log: each visitor that a click adds to the table is appended by the thread behind the clicks, once a second; when
//! the log has grown to twice the table it is written anew from it. A frame carries its length and checksum; what was
//! torn by a crash, or belongs to another key or version, is left out and said so.
//!
//! Limits. `kill -9` loses the visitors of the last second, a power cut those of the last half minute or so (what the
//! operating system had not written yet): of these, the ones whose browsers keep no cookies may count as unique once
//! more. At an orderly end nothing is lost. The file has at most some 50 MB. Of two processes on one data folder the
//! first keeps the log; the second knows what stood in it when it started, and takes it over when the first has ended.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::unique::{ENTRY_BYTES, Entry, Uniques};

const MAGIC: &[u8; 8] = b"CLVISIT\0";
const VERSION: u8 = 1;

/// Magic, version, the key's mark.
const HEADER_BYTES: usize = 17;

/// The most visitors in a frame: a reader that meets a longer one meets damage, and takes no memory for it.
const FRAME_LEN_MAX: usize = 32_768;

/// A log of fewer visitors than this is never written anew.
const REWRITTEN_FROM: usize = 100_000;

/// Turns to wait after a failure to write, so that a full disk is not asked every second.
const PAUSE_TURNS: u32 = 30;

/// The log of one data folder.
pub struct VisitorLog {
    folder: PathBuf,
    /// Held as long as this process keeps the log.
    lock: Option<File>,
    /// Open for appending; `None` where it must be written anew first.
    file: Option<File>,
    /// Visitors in the file, some of them more than once.
    len: usize,
    pause: u32,
}

/// What was found in a file.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// So many visitors, to the end of the file.
    Whole(usize),
    /// So many, and then something that is no frame.
    Torn(usize),
    /// No file.
    Nothing,
    /// A file of another kind, version or key.
    Foreign,
}

impl VisitorLog {
    /// Reads the log of a data folder into the table. It never fails: without it visitors are new once more, and that is
    /// said.
    #[must_use]
    pub fn open(folder: &Path, uniques: &Uniques, now_ms: i64) -> Self {
        let mut log = Self { folder: folder.to_owned(), lock: None, file: None, len: 0, pause: 0 };
        log.take_over(uniques, now_ms);
        if log.lock.is_none() {
            log.load(uniques, now_ms);
            tracing::info!(
                "another process keeps the log of visitors: this one takes it over when that one ends"
            );
        }
        log
    }

    /// Writes down who was added to the table since the last time.
    pub fn keep(&mut self, uniques: &Uniques, now_ms: i64) {
        if self.lock.is_none() {
            self.take_over(uniques, now_ms);
            // Whom this process saw until now is in its table alone.
            self.file = None;
        }
        let mut fresh = Vec::new();
        let is_complete = uniques.take_fresh(&mut fresh);
        if self.lock.is_none() {
            return;
        }
        if self.pause > 0 {
            // What is not written now is in the table, and the table is written whole.
            self.pause -= 1;
            self.file = None;
            return;
        }
        let is_long = self.len + fresh.len() > REWRITTEN_FROM.max(2 * uniques.len());
        let outcome = match &mut self.file {
            Some(file) if is_complete && !is_long => append(file, &fresh).map(|()| self.len += fresh.len()),
            _ => self.rewrite(uniques),
        };
        if let Err(why) = outcome {
            tracing::warn!(%why, "the log of visitors cannot be written: after a restart some may count as new");
            self.file = None;
            self.pause = PAUSE_TURNS;
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("visitors.log")
    }

    /// Takes the lock if it is free, and reads what its last holder wrote.
    fn take_over(&mut self, uniques: &Uniques, now_ms: i64) {
        let Ok(lock) = File::create(self.folder.join("visitors.lock")) else { return };
        if lock.try_lock().is_err() {
            return;
        }
        self.lock = Some(lock);
        if let Found::Whole(len) = self.load(uniques, now_ms) {
            self.file = OpenOptions::new().append(true).open(self.path()).ok();
            self.len = len;
        }
    }

    fn load(&self, uniques: &Uniques, now_ms: i64) -> Found {
        let found = read(&self.path(), uniques, now_ms).unwrap_or_else(|why| {
            tracing::warn!(%why, "the log of visitors cannot be read: they count as new");
            Found::Foreign
        });
        match found {
            Found::Torn(len) => {
                tracing::warn!(
                    len,
                    "the log of visitors is torn: it was read up to there, and is written anew"
                );
            }
            Found::Foreign => {
                tracing::warn!("the log of visitors is of another key or version: it is begun anew");
            }
            Found::Whole(_) | Found::Nothing => {}
        }
        found
    }

    /// Writes the whole table, shard by shard, beside the old log and then in its place.
    fn rewrite(&mut self, uniques: &Uniques) -> io::Result<()> {
        let new = self.folder.join("visitors.new");
        let mut out = BufWriter::new(File::create(&new)?);
        out.write_all(&header(uniques))?;
        let (mut len, mut outcome) = (0, Ok(()));
        uniques.each_shard(&mut |part| {
            if outcome.is_ok() {
                len += part.len();
                outcome = append(&mut out, part);
            }
        });
        outcome?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&new, self.path())?;
        (self.file, self.len) = (Some(file), len);
        Ok(())
    }
}

fn header(uniques: &Uniques) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let parts = MAGIC.iter().chain([&VERSION]).chain(uniques.mark());
    header.iter_mut().zip(parts).for_each(|(place, byte)| *place = *byte);
    header
}

/// Appends visitors in frames: how many, checksum, visitors. A frame goes out in one write.
fn append(out: &mut impl Write, entries: &[Entry]) -> io::Result<()> {
    for part in entries.chunks(FRAME_LEN_MAX) {
        let len = u32::try_from(part.len()).unwrap_or_default().to_le_bytes();
        let body = part.as_flattened();
        let mut frame = Vec::with_capacity(len.len() + 4 + body.len());
        frame.extend_from_slice(&len);
        frame.extend_from_slice(&checksum(len, body).to_le_bytes());
        frame.extend_from_slice(body);
        out.write_all(&frame)?;
    }
    out.flush()
}

fn checksum(len: [u8; 4], body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&len), body)
}

fn read(path: &Path, uniques: &Uniques, now_ms: i64) -> io::Result<Found> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let mut rest = BufReader::new(file);
    let mut head = [0; HEADER_BYTES];
    if !fill(&mut rest, &mut head)? || head != header(uniques) {
        return Ok(Found::Foreign);
    }
    let mut body: Vec<Entry> = Vec::new();
    let mut count = 0;
    loop {
        let mut first = [0; 1];
        if !fill(&mut rest, &mut first)? {
            return Ok(Found::Whole(count));
        }
        let [mut len, mut sum] = [[0; 4]; 2];
        let ([start, others @ ..], [byte]) = (&mut len, first);
        *start = byte;
        let is_read = fill(&mut rest, others)? && fill(&mut rest, &mut sum)?;
        let frame_len = usize::try_from(u32::from_le_bytes(len)).unwrap_or(usize::MAX);
        if !is_read || frame_len > FRAME_LEN_MAX {
            return Ok(Found::Torn(count));
        }
        body.resize(frame_len, [0; ENTRY_BYTES]);
        let is_read = fill(&mut rest, body.as_flattened_mut())?;
        if !is_read || checksum(len, body.as_flattened()) != u32::from_le_bytes(sum) {
            return Ok(Found::Torn(count));
        }
        uniques.remember(&body, now_ms);
        count += frame_len;
    }
}

/// Fills a buffer; says whether there was enough for it.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const HOUR_MS: i64 = 3_600_000;
    const NOW_MS: i64 = 1_780_000_000_000;
    const KEY: [u8; 32] = [7; 32];

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    fn see(uniques: &Uniques, number: u32, at_ms: i64) -> bool {
        uniques.first_seen(1, address(number), 7, at_ms, HOUR_MS)
    }

    /// A table as the next process has it.
    fn started(folder: &Path, key: &[u8; 32]) -> (Uniques, VisitorLog) {
        let uniques = Uniques::keyed(key);
        let log = VisitorLog::open(folder, &uniques, NOW_MS);
        (uniques, log)
    }

    #[test]
    fn who_was_here_before_a_restart_is_not_new_after_it() {
        let folder = tempfile::tempdir().unwrap();
        for life in 0..4 {
            let (uniques, mut log) = started(folder.path(), &KEY);
            log.keep(&uniques, NOW_MS);
            for number in 0..1_000 {
                assert_eq!(see(&uniques, number, NOW_MS), life == 0);
                assert!(see(&uniques, 5_000 + life * 1_000 + number, NOW_MS));
            }
            log.keep(&uniques, NOW_MS);
            assert!(see(&uniques, 100_000 + life, NOW_MS), "kept by nobody when the process dies now");
        }
        let (uniques, _log) = started(folder.path(), &KEY);
        assert_eq!(uniques.len(), 5_000);
        assert!(see(&uniques, 1, NOW_MS + HOUR_MS), "its window is over");
        assert!(see(&uniques, 100_000, NOW_MS));
    }

    #[test]
    fn a_new_window_is_kept_too() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        assert!(see(&uniques, 1, NOW_MS));
        log.keep(&uniques, NOW_MS);
        assert!(see(&uniques, 1, NOW_MS + HOUR_MS));
        log.keep(&uniques, NOW_MS);
        drop(log);
        let (uniques, _log) = started(folder.path(), &KEY);
        assert!(!see(&uniques, 1, NOW_MS + 2 * HOUR_MS - 1_000));
    }

    #[test]
    fn what_is_torn_or_damaged_is_left_out_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        for number in 0..300 {
            assert!(see(&uniques, number, NOW_MS));
            if number % 100 == 99 {
                log.keep(&uniques, NOW_MS);
            }
        }
        let path = log.path();
        drop(log);
        let whole = std::fs::read(&path).unwrap();
        for cut in [whole.len() - 1, whole.len() - 700, HEADER_BYTES + 3, HEADER_BYTES, 5, 0] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (uniques, mut log) = started(folder.path(), &KEY);
            let known = uniques.len();
            assert!(known < 300 && known.is_multiple_of(100), "{known} of a log cut at {cut}");
            assert!(see(&uniques, 10_000, NOW_MS));
            log.keep(&uniques, NOW_MS);
            drop(log);
            let (uniques, _log) = started(folder.path(), &KEY);
            assert_eq!(uniques.len(), known + 1, "mended");
        }
        for at in (HEADER_BYTES..whole.len()).step_by(97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, damaged).unwrap();
            assert!(started(folder.path(), &KEY).0.len() < 300, "{at}");
        }
    }

    #[test]
    fn a_foreign_file_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        assert!(see(&uniques, 1, NOW_MS));
        log.keep(&uniques, NOW_MS);
        drop(log);
        assert_eq!(started(folder.path(), &[8; 32]).0.len(), 0, "another key");
        std::fs::write(folder.path().join("visitors.log"), "something else altogether").unwrap();
        assert_eq!(started(folder.path(), &KEY).0.len(), 0);
        assert_eq!(started(&folder.path().join("nowhere"), &KEY).0.len(), 0);
    }

    #[test]
    fn of_two_processes_one_keeps_the_log_and_the_other_takes_it_over() {
        let folder = tempfile::tempdir().unwrap();
        let (first, mut its_log) = started(folder.path(), &KEY);
        assert!(see(&first, 1, NOW_MS));
        its_log.keep(&first, NOW_MS);
        let (second, mut log) = started(folder.path(), &KEY);
        assert!(!see(&second, 1, NOW_MS), "known from the first one's log");
        assert!(see(&second, 2, NOW_MS));
        log.keep(&second, NOW_MS);
        assert!(see(&first, 3, NOW_MS));
        its_log.keep(&first, NOW_MS);
        drop(its_log);
        log.keep(&second, NOW_MS);
        assert!(!see(&second, 3, NOW_MS), "read when it was taken over");
        log.keep(&second, NOW_MS);
        drop(log);
        let (third, _log) = started(folder.path(), &KEY);
        assert!((1..=3).all(|number| !see(&third, number, NOW_MS)));
    }

    #[test]
    fn the_log_stays_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        // The same few visitors, new again and again.
        for turn in 0..400 {
            let at_ms = NOW_MS + turn * HOUR_MS;
            assert!((0..1_000).all(|number| see(&uniques, number, at_ms)));
            log.keep(&uniques, at_ms);
            assert!(log.len <= REWRITTEN_FROM, "{}", log.len);
        }
        let len = std::fs::metadata(log.path()).unwrap().len();
        assert!(len < 2_000_000, "{len}");
    }

    #[test]
    fn more_than_fits_between_two_turns_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        log.keep(&uniques, NOW_MS);
        assert!((0..400_000).all(|number| see(&uniques, number, NOW_MS)));
        log.keep(&uniques, NOW_MS);
        drop(log);
        assert_eq!(started(folder.path(), &KEY).0.len(), 400_000);
    }

    #[test]
    fn a_time_far_ahead_is_a_clock_that_was_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let (uniques, mut log) = started(folder.path(), &KEY);
        assert!(see(&uniques, 1, NOW_MS + 1_000 * HOUR_MS));
        log.keep(&uniques, NOW_MS);
        drop(log);
        assert_eq!(started(folder.path(), &KEY).0.len(), 0);
    }
}
