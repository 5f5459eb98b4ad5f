//! Where a story's database and data folder are.

use crate::cluster::Database;
use clickledger::config::{Config, DurabilitySetting, LogFormat, ProxyHeaderSetting};
use clickledger::db::Db;
use std::net::SocketAddr;
use tempfile::TempDir;

/// Which database a story runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file of its own.
    Sqlite,
    /// A database of its own in the run's cluster.
    Postgres,
}

/// A place for a database; both are removed with it.
pub struct Place {
    /// Its data folder.
    pub folder: TempDir,
    /// Its database.
    pub url: String,
    _database: Option<Database>,
}

impl Place {
    /// A new data folder with an empty database. `None`, said in one line, where there can be none.
    pub fn new(backend: Backend) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (url, database) = match backend {
            Backend::Sqlite => (format!("sqlite://{}", folder.path().join("clickledger.db").display()), None),
            Backend::Postgres => {
                let Some(database) = Database::create(migrate) else {
                    println!("skipped: no PostgreSQL server programs");
                    return None;
                };
                (database.url.clone(), Some(database))
            }
        };
        Some(Self { folder, url, _database: database })
    }

    /// The settings of a server here, on a free port.
    pub fn config(&self) -> Config {
        Config {
            journal_max: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir: self.folder.path().to_path_buf(),
            database_url: Some(self.url.clone()),
            database_url_file: None,
            secret_key: None,
            secret_key_file: None,
            durability: DurabilitySetting::Process,
            public_url: None,
            dashboard_host: None,
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            proxy_header: ProxyHeaderSetting::XForwardedFor,
            geo_country: None,
            geo_city: None,
            geo_asn: None,
            geo_connection: None,
            script_path: "/t.js".to_owned(),
            postbacks_per_second: 20_000,
            postback_without_key: Vec::new(),
            allow_private_destinations: true,
            database_wait: 0,
            currency: "USD".to_owned(),
            workers: Some(2),
            log_format: LogFormat::Text,
        }
    }
}

fn migrate(url: &str) {
    Db::open(url, false).unwrap();
}
