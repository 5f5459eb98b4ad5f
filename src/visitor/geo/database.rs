//! One database file in memory, and its records as they were asked for.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use quick_cache::sync::Cache;
use serde_json::Value;

use super::record::Record;

/// The largest file that is read. The fullest databases sold have a third of it, and it is held in memory twice while a
/// new one takes its place.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Records kept decoded: many networks share one, and a day's visitors come from a few thousand. At some 400 bytes each
/// this is at most 8 MB.
const RECORDS_MAX: usize = 20_000;

/// Networks looked at before a file is trusted: enough to tell what kind of database it is, and no wait at the start.
const SAMPLED_NETWORKS: usize = 5_000;

/// Why a file cannot be used.
#[derive(Debug)]
pub enum Unusable {
    /// It cannot be read.
    Io(io::Error),
    /// It is longer than [`FILE_BYTES_MAX`].
    TooLong(u64),
    /// It is no whole database.
    Malformed(MaxMindDbError),
    /// It says nothing of what it is set for; its own word for its kind.
    Wrong(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::TooLong(len) => write!(f, "it has {len} bytes, more than {FILE_BYTES_MAX}"),
            Self::Malformed(error) => write!(f, "it is no whole MaxMind-format database: {error}"),
            Self::Wrong(kind) => {
                write!(f, "it knows nothing of what it is set for (it calls itself {kind:?})")
            }
        }
    }
}

impl std::error::Error for Unusable {}

impl From<io::Error> for Unusable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<MaxMindDbError> for Unusable {
    fn from(error: MaxMindDbError) -> Self {
        Self::Malformed(error)
    }
}

/// A database in memory. Not mapped: a file that is cut while it is mapped ends the process.
pub(super) struct Database {
    reader: Reader<Vec<u8>>,
    /// By their places in the file. The cache goes with the file that it was filled from.
    records: Cache<usize, Arc<Record>>,
    has_complained: AtomicBool,
}

impl Database {
    /// Reads a file, and checks that its first networks are whole and that some of them say what is wanted of it.
    pub(super) fn open(path: &Path, is_wanted: impl Fn(&Record) -> bool) -> Result<Self, Unusable> {
        let reader = Reader::from_source(read(path)?)?;
        let mut has_wanted = false;
        for network in reader.networks(WithinOptions::default())?.take(SAMPLED_NETWORKS) {
            let value: Option<Value> = network?.decode()?;
            has_wanted = has_wanted || value.is_some_and(|value| is_wanted(&Record::read(&value)));
        }
        if !has_wanted {
            return Err(Unusable::Wrong(reader.metadata().database_type.clone()));
        }
        Ok(Self { reader, records: Cache::new(RECORDS_MAX), has_complained: AtomicBool::new(false) })
    }

    /// Its kind in its maker's words, and when it was made, in Unix seconds.
    pub(super) fn label(&self) -> (&str, u64) {
        let metadata = self.reader.metadata();
        (&metadata.database_type, metadata.build_epoch)
    }

    /// What it says of an address.
    pub(super) fn find(&self, address: IpAddr) -> Option<Arc<Record>> {
        self.try_find(address).unwrap_or_else(|error| {
            if !self.has_complained.swap(true, Ordering::Relaxed) {
                tracing::error!(%error, kind = self.label().0, "a place database is damaged: what it held there is unknown");
            }
            None
        })
    }

    fn try_find(&self, address: IpAddr) -> Result<Option<Arc<Record>>, MaxMindDbError> {
        // The tree of an IPv4 database has no IPv6 addresses: an error to the library, no news to us.
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return Ok(None);
        }
        let found = self.reader.lookup(address)?;
        let Some(offset) = found.offset() else { return Ok(None) };
        if let Some(record) = self.records.get(&offset) {
            return Ok(Some(record));
        }
        let value: Option<Value> = found.decode()?;
        let record = Arc::new(value.as_ref().map(Record::read).unwrap_or_default());
        self.records.insert(offset, Arc::clone(&record));
        Ok(Some(record))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    if len > FILE_BYTES_MAX {
        return Err(Unusable::TooLong(len));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    // A pipe or a file that grows has no length to go by.
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
