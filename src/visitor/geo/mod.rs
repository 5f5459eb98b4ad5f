//! Address -> place and network: by the user's own databases where he has them, the country else by the built-in one.
//!
//! The files are in MaxMind's format and are read into memory whole. One that changes is read anew and takes the old
//! one's place in one step; one that is broken is refused and said so, and the old one stays.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use crate::domain::Country;

use super::country;
use database::Database;
pub use database::Unusable;
use record::Record;

mod database;
mod record;
#[cfg(test)]
mod tests;

/// The user's files, each by its setting.
#[derive(Clone, Debug, Default)]
pub struct GeoFiles {
    /// Countries.
    pub country: Option<PathBuf>,
    /// Cities with their regions and countries.
    pub city: Option<PathBuf>,
    /// Networks: numbers and names.
    pub asn: Option<PathBuf>,
    /// Kinds of connections.
    pub connection: Option<PathBuf>,
}

/// What a file is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Country,
    City,
    Network,
    Connection,
}

impl Use {
    /// The setting that names the file.
    const fn setting(self) -> &'static str {
        match self {
            Self::Country => "CLICKLEDGER_GEO_COUNTRY",
            Self::City => "CLICKLEDGER_GEO_CITY",
            Self::Network => "CLICKLEDGER_GEO_ASN",
            Self::Connection => "CLICKLEDGER_GEO_CONNECTION",
        }
    }

    /// Whether a record is one that this use wants.
    const fn wants(self, record: &Record) -> bool {
        match self {
            Self::Country => record.country.is_some(),
            Self::City => record.city.is_some() || record.region.is_some(),
            Self::Network => record.asn.is_some() || record.isp.is_some(),
            Self::Connection => record.connection.is_some(),
        }
    }
}

/// A file that cannot be used, with the setting that names it.
#[derive(Debug)]
pub struct GeoError {
    setting: &'static str,
    path: PathBuf,
    why: Unusable,
}

impl std::fmt::Display for GeoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} cannot be used: {}", self.setting, self.path.display(), self.why)
    }
}

impl std::error::Error for GeoError {}

/// Where an address is, and whose it is, as far as the databases know. Its texts are shared, not copied.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The country.
    pub country: Option<Country>,
    city: Option<Arc<Record>>,
    network: Option<Arc<Record>>,
    connection: Option<Arc<Record>>,
}

impl Place {
    /// The region's English name.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.city.as_ref()?.region.as_deref()
    }

    /// The city's English name.
    #[must_use]
    pub fn city(&self) -> Option<&str> {
        self.city.as_ref()?.city.as_deref()
    }

    /// The network's name.
    #[must_use]
    pub fn isp(&self) -> Option<&str> {
        [&self.network, &self.city].into_iter().flatten().find_map(|record| record.isp.as_deref())
    }

    /// The network's number.
    #[must_use]
    pub fn asn(&self) -> Option<i64> {
        [&self.network, &self.city].into_iter().flatten().find_map(|record| record.asn)
    }

    /// The kind of connection.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        let known = [&self.connection, &self.network, &self.city];
        known.into_iter().flatten().find_map(|record| record.connection.as_deref())
    }
}

/// The databases in use.
#[derive(Default)]
pub struct Geo {
    country: Option<Watched>,
    city: Option<Watched>,
    network: Option<Watched>,
    connection: Option<Watched>,
}

impl std::fmt::Debug for Geo {
    /// Nothing of what the files hold.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Geo").finish_non_exhaustive()
    }
}

impl Geo {
    /// Reads the user's files.
    ///
    /// # Errors
    /// One of them cannot be used: it is not there, broken, or knows nothing of what it is set for.
    pub fn open(files: &GeoFiles) -> Result<Self, GeoError> {
        let open = |file: &Option<PathBuf>, wanted| {
            file.as_deref().map(|path| Watched::open(path, wanted)).transpose()
        };
        Ok(Self {
            country: open(&files.country, Use::Country)?,
            city: open(&files.city, Use::City)?,
            network: open(&files.asn, Use::Network)?,
            connection: open(&files.connection, Use::Connection)?,
        })
    }

    /// Everything known of an address. An IPv4 address written as IPv6 (`::ffff:1.2.3.4`) is looked up as IPv4.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        let find = |watched: &Option<Watched>| watched.as_ref()?.current.load().find(address);
        let city = find(&self.city);
        let own = find(&self.country).and_then(|record| record.country);
        let own = own.or_else(|| city.as_ref()?.country);
        Place {
            country: own.or_else(|| country::of(address)),
            city,
            network: find(&self.network),
            connection: find(&self.connection),
        }
    }

    /// Whether a database of networks is in use.
    #[must_use]
    pub const fn knows_networks(&self) -> bool {
        self.network.is_some()
    }

    /// Looks whether files have changed, and reads those that have.
    pub fn look_again(&self) {
        for watched in [&self.country, &self.city, &self.network, &self.connection].into_iter().flatten() {
            watched.look_again();
        }
    }
}

/// A file in use and how it looked when it was last tried.
struct Watched {
    used_as: Use,
    path: PathBuf,
    current: ArcSwap<Database>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Copy)]
struct Seen {
    /// How the file looked that was last read, or refused.
    tried: Option<Look>,
    /// How it looked the last time.
    last: Option<Look>,
}

impl Watched {
    fn open(path: &Path, used_as: Use) -> Result<Self, GeoError> {
        let look = Look::at(path);
        let database = Database::open(path, |record| used_as.wants(record)).map_err(|why| GeoError {
            setting: used_as.setting(),
            path: path.to_owned(),
            why,
        })?;
        let (kind, made) = database.label();
        tracing::info!(setting = used_as.setting(), kind, made, "a place database is in use");
        let seen = Mutex::new(Seen { tried: look, last: look });
        Ok(Self { used_as, path: path.to_owned(), current: ArcSwap::from_pointee(database), seen })
    }

    fn look_again(&self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let look = Look::at(&self.path);
        // One that is being written is left alone until it has stood still from one look to the next.
        let stands_still = std::mem::replace(&mut seen.last, look) == look;
        if look == seen.tried || !stands_still {
            return;
        }
        seen.tried = look;
        let (setting, path) = (self.used_as.setting(), self.path.display());
        match Database::open(&self.path, |record| self.used_as.wants(record)) {
            Ok(database) => {
                let (kind, made) = database.label();
                tracing::info!(setting, kind, made, "a place database was read anew");
                self.current.store(Arc::new(database));
            }
            Err(why) => {
                tracing::error!(setting, %path, %why, "a place database is refused: the one before stays in use");
            }
        }
    }
}

/// By what a change of a file is told: a file put in its place has another number, one written over another time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    number: u64,
    len: u64,
    changed: Option<SystemTime>,
}

impl Look {
    fn at(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Some(Self { number, len: metadata.len(), changed: metadata.modified().ok() })
    }
}
