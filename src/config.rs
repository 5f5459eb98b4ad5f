//! Every setting once: its name, its default, what it does. No setting is needed to start.

use crate::domain::money::Currency;
use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use url::Url;

/// Threads that answer: each has a journal of its own, and more than processors there are gain nothing.
const WORKERS_MAX: i64 = 256;

/// The settings of a process: environment variables, or options of the same name.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Where to listen for visitors, postbacks and people.
    #[arg(long, global = true, env = "CLICKLEDGER_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The folder for the journal, the secret key and, unless DATABASE_URL says otherwise, the database.
    #[arg(long, global = true, env = "CLICKLEDGER_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,

    /// The database: sqlite:///path/file.db or postgres://user:password@host/name [default: a SQLite
    /// file in the data folder].
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// A file that holds the database URL, as container secrets do.
    #[arg(long, global = true, env = "DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,

    /// The installation's secret key, 64 hex digits [default: made at the first start and kept in the
    /// data folder].
    #[arg(long, global = true, env = "CLICKLEDGER_SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<String>,

    /// A file that holds the secret key.
    #[arg(long, global = true, env = "CLICKLEDGER_SECRET_KEY_FILE")]
    pub secret_key_file: Option<PathBuf>,

    /// When a click is answered: `process` (nothing is lost when the process dies, at most the last 50 ms
    /// on a power cut) or `power` (when it is on the disk).
    #[arg(long, global = true, env = "CLICKLEDGER_DURABILITY", default_value = "process")]
    pub durability: DurabilitySetting,

    /// How much of the journal may wait for the database, like 20G or 500M; beyond it visitors are sent on without a click
    /// id [default: as much as the disk holds].
    #[arg(long, global = true, env = "CLICKLEDGER_JOURNAL_MAX", value_parser = read_bytes)]
    pub journal_max: Option<u64>,

    /// The address people and networks use, like https://trk.example [default: the request's own].
    #[arg(long, global = true, env = "CLICKLEDGER_PUBLIC_URL", value_parser = read_public_url)]
    pub public_url: Option<String>,

    /// The only host that answers pages and API; others answer tracking addresses alone.
    #[arg(long, global = true, env = "CLICKLEDGER_DASHBOARD_HOST", value_parser = read_host)]
    pub dashboard_host: Option<String>,

    /// Proxies whose word about the client's address is believed: addresses or networks, separated by commas.
    #[arg(long, global = true, env = "CLICKLEDGER_TRUSTED_PROXIES", value_delimiter = ',', value_parser = read_network)]
    pub trusted_proxies: Vec<IpNet>,

    /// The header in which these proxies name the client: `x-forwarded-for` or `forwarded` (RFC 7239). The other one
    /// is never looked at: the proxies hand it through as the client wrote it.
    #[arg(long, global = true, env = "CLICKLEDGER_PROXY_HEADER", default_value = "x-forwarded-for")]
    pub proxy_header: ProxyHeaderSetting,

    /// A MaxMind-format database of countries, in place of the built-in one. Read anew when it changes.
    #[arg(long, global = true, env = "CLICKLEDGER_GEO_COUNTRY")]
    pub geo_country: Option<PathBuf>,

    /// A MaxMind-format database of cities, for region and city. Read anew when it changes.
    #[arg(long, global = true, env = "CLICKLEDGER_GEO_CITY")]
    pub geo_city: Option<PathBuf>,

    /// A MaxMind-format database of networks, for their numbers and names. Read anew when it changes.
    #[arg(long, global = true, env = "CLICKLEDGER_GEO_ASN")]
    pub geo_asn: Option<PathBuf>,

    /// A MaxMind-format database of connection types. Read anew when it changes.
    #[arg(long, global = true, env = "CLICKLEDGER_GEO_CONNECTION")]
    pub geo_connection: Option<PathBuf>,

    /// Where pages without redirects find their script: a path of letters, digits, `-`, `_` and `/` that ends in `.js`.
    /// Its visits go to the same path without `.js`.
    #[arg(long, global = true, env = "CLICKLEDGER_SCRIPT_PATH", default_value = "/t.js", value_parser = read_script_path)]
    pub script_path: String,

    /// How many seconds a start waits for a PostgreSQL server that does not answer yet.
    #[arg(long, global = true, env = "CLICKLEDGER_DATABASE_WAIT", default_value = "30")]
    pub database_wait: u16,

    /// Postbacks of one advertiser that are taken a second: more are answered 429 and not stored. 0 for no limit.
    #[arg(long, global = true, env = "CLICKLEDGER_POSTBACKS_PER_SECOND", default_value = "20000")]
    pub postbacks_per_second: u32,

    /// Where postbacks may come from that have no key in their address, as old templates send them: addresses or
    /// networks, separated by commas [default: nowhere].
    #[arg(long, global = true, env = "CLICKLEDGER_POSTBACK_WITHOUT_KEY", value_delimiter = ',', value_parser = read_network)]
    pub postback_without_key: Vec<IpNet>,

    /// Hosts of the own network may be called, by postbacks sent and rates fetched: private, loopback and link-local
    /// addresses, which are refused otherwise.
    #[arg(long, global = true, env = "CLICKLEDGER_ALLOW_PRIVATE_DESTINATIONS", value_parser = clap::builder::BoolishValueParser::new())]
    pub allow_private_destinations: bool,

    /// The account currency of a new installation, until setup asks for it.
    #[arg(long, global = true, env = "CLICKLEDGER_CURRENCY", default_value = "USD", value_parser = read_currency)]
    pub currency: String,

    /// Threads that answer requests [default: one for each processor].
    #[arg(long, global = true, env = "CLICKLEDGER_WORKERS", value_parser = clap::value_parser!(u16).range(1..=WORKERS_MAX))]
    pub workers: Option<u16>,

    /// How the log is written: `text` or `json`.
    #[arg(long, global = true, env = "CLICKLEDGER_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// When a click is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DurabilitySetting {
    /// When the operating system has it.
    Process,
    /// When the disk has it.
    Power,
}

/// The header in which proxies name the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProxyHeaderSetting {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`.
    Forwarded,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// Lines for machines.
    Json,
}

/// The smallest limit of the journal: a second of clicks at the speed of one busy worker.
const JOURNAL_MAX_LEAST: u64 = 1_000_000;

/// A number of bytes, perhaps with K, M, G or T behind it (thousands of one another).
fn read_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (text.get(..at).unwrap_or_default(), 1_000),
        Some((at, 'm' | 'M')) => (text.get(..at).unwrap_or_default(), 1_000_000),
        Some((at, 'g' | 'G')) => (text.get(..at).unwrap_or_default(), 1_000_000_000),
        Some((at, 't' | 'T')) => (text.get(..at).unwrap_or_default(), 1_000_000_000_000),
        _ => (text, 1),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes
        .filter(|bytes| *bytes >= JOURNAL_MAX_LEAST)
        .ok_or_else(|| format!("{text:?} is no size from 1M on: write it like 20G or 500M"))
}

/// An address or a network.
fn read_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    network.map_err(|_unreadable| format!("{text:?} is no address or network: write 10.0.0.0/8 or 10.0.0.1"))
}

/// Where people and networks find the installation: scheme and host, perhaps a port, nothing behind.
fn read_public_url(text: &str) -> Result<String, String> {
    let refused = || format!("{text:?} is no address of a site: write https://trk.example");
    let url = Url::parse(text.trim()).map_err(|_unreadable| refused())?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let is_site = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty();
    if is_bare && is_site { Ok(text.trim().trim_end_matches('/').to_owned()) } else { Err(refused()) }
}

/// First parts of our other addresses: a script there would hide them.
const TAKEN_PATHS: &[&str] = &[
    "c",
    "go",
    "r",
    "o",
    "postback",
    "v1",
    "api",
    "static",
    "healthz",
    "readyz",
    "metrics",
    "attention",
    "campaigns",
    "offers",
    "landers",
    "sources",
    "advertisers",
    "clicks",
    "conversions",
    "postbacks",
    "lists",
    "reports",
    "search",
    "settings",
    "start",
    "setup",
    "sign-in",
    "sign-out",
    "users",
    "audit",
    "reconcile",
    "destinations",
    "deliveries",
    "domains",
];

/// A path for the script that no other address of ours has.
fn read_script_path(text: &str) -> Result<String, String> {
    let refused = || format!("{text:?} is no path for the script: write one like /assets/page.js");
    let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix(".js")).ok_or_else(refused)?;
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !inner.split('/').all(is_part) {
        return Err(refused());
    }
    let first = inner.split('/').next().unwrap_or("");
    if TAKEN_PATHS.contains(&first) {
        return Err(format!("{text:?} lies under /{first}, which is taken: write one like /assets/page.js"));
    }
    Ok(text.to_owned())
}

/// A host as a browser sends it, perhaps with a port.
fn read_host(text: &str) -> Result<String, String> {
    let host = text.trim().to_ascii_lowercase();
    let is_read = Url::parse(&format!("http://{host}/")).is_ok_and(|url| {
        url.has_host() && url.path() == "/" && url.username().is_empty() && url.query().is_none()
    });
    let has_more = host.contains(['/', '@', '?', '#']);
    if is_read && !has_more { Ok(host) } else { Err(format!("{text:?} is no host: write dash.example")) }
}

/// A currency that reports can be kept in.
fn read_currency(text: &str) -> Result<String, String> {
    let known = Currency::parse(text)
        .ok_or_else(|| format!("{text:?} is no currency: write three letters, like USD"));
    known.map(|currency| currency.as_str().to_owned())
}

impl Config {
    /// The URL of the database.
    ///
    /// # Errors
    /// The file that should hold it cannot be read.
    pub fn database_url(&self) -> anyhow::Result<String> {
        if let Some(url) = self.database_url.as_deref().filter(|url| !url.is_empty()) {
            return Ok(url.to_owned());
        }
        if let Some(path) = &self.database_url_file {
            return read_secret_file(path);
        }
        Ok(format!("sqlite://{}", self.data_dir.join("clickledger.db").display()))
    }

    /// The installation's secret key. Made and kept in the data folder where none is set.
    ///
    /// # Errors
    /// It is not 64 hex digits, or a file cannot be read or written.
    pub fn secret_key(&self) -> anyhow::Result<[u8; 32]> {
        if let Some(text) = self.secret_key.as_deref().filter(|text| !text.is_empty()) {
            return read_key(text).context("CLICKLEDGER_SECRET_KEY");
        }
        if let Some(path) = &self.secret_key_file {
            return read_key(&read_secret_file(path)?).with_context(|| path.display().to_string());
        }
        let path = self.data_dir.join("secret.key");
        if path.exists() {
            return read_key(&read_secret_file(&path)?).with_context(|| path.display().to_string());
        }
        let key: [u8; 32] = rand::random();
        write_private(&path, &data_encoding::HEXLOWER.encode(&key))?;
        Ok(key)
    }
}

fn read_secret_file(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.trim().to_owned())
}

fn read_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let lower = text.trim().to_ascii_lowercase();
    let bytes = data_encoding::HEXLOWER.decode(lower.as_bytes()).ok();
    match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
        Some(key) => Ok(key),
        None => bail!("the secret key must be 64 hex digits"),
    }
}

/// Writes a file that only its owner may read. It appears whole or not at all, and never over another.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).with_context(|| format!("{} cannot be written", path.display()))?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_64_hex_digits_and_nothing_else() {
        assert_eq!(read_key(&"aB".repeat(32)).unwrap(), [0xab; 32]);
        assert!(read_key("abc").is_err());
        assert!(read_key(&"zz".repeat(32)).is_err());
    }

    #[test]
    fn an_address_a_host_and_a_currency_are_what_they_should_be() {
        assert_eq!(read_public_url("https://trk.example/"), Ok("https://trk.example".to_owned()));
        assert_eq!(read_public_url("http://10.0.0.1:8080"), Ok("http://10.0.0.1:8080".to_owned()));
        for wrong in
            ["notaurl", "ftp://trk.example", "https://", "https://trk.example/x", "https://u@trk.example"]
        {
            assert!(read_public_url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read_host("Dash.Example:8443"), Ok("dash.example:8443".to_owned()));
        for wrong in ["http://x/", "", "a b", "x/y", "u@x"] {
            assert!(read_host(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read_script_path("/assets/page.js"), Ok("/assets/page.js".to_owned()));
        for wrong in ["t.js", "/t", "/.js", "/a//b.js", "/a/../b.js", "/c/x.js", "/api.js", "/a{b}.js"] {
            assert!(read_script_path(wrong).is_err(), "{wrong}");
        }
        assert_eq!(read_currency("eur"), Ok("EUR".to_owned()));
        assert!(read_currency("ZZZ").is_err());
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(read_network("10.0.0.1").unwrap().to_string(), "10.0.0.1/32");
        assert_eq!(read_network("fd00::/8").unwrap().to_string(), "fd00::/8");
        assert!(read_network("proxy").is_err());
    }
}
