//! The state that all doors share.

use super::client::Proxies;
use super::last_uses::LastUses;
use super::limits::HEADER_BYTES_MAX;
use super::owners::Owners;
use super::passwords::Passwords;
use super::problem::{Problem, plain_page};
use super::throttle::Throttle;
use crate::db::Db;
use crate::domain::host::HostKind;
use crate::domain::vault::Vault;
use crate::outgoing::Outgoing;
use crate::reports::Hours;
use crate::routing::LiveCatalog;
use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use std::net::IpAddr;
use std::sync::Arc;

/// Draws the page of an error.
pub type ErrorPage = fn(&Problem) -> String;

/// What the doors need to know of the installation.
#[derive(Clone, Debug, Default)]
pub struct HttpConfig {
    /// The address people and networks use, without a slash at the end: `https://trk.example`.
    pub public_url: Option<String>,
    /// Proxies whose word about the client is believed.
    pub proxies: Proxies,
    /// The only host that answers pages and API, where one is set.
    pub dashboard_host: Option<String>,
    /// The path of the script for pages without redirects.
    pub script_path: String,
}

impl HttpConfig {
    /// Whether the public address is https: cookies are marked `Secure` then.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Whether this host is the one that is configured for pages; `None` where none is.
    fn is_dashboard(&self, host: Option<&str>) -> Option<bool> {
        let wanted = self.dashboard_host.as_ref()?;
        Some(host.is_some_and(|host| without_port(host).eq_ignore_ascii_case(without_port(wanted))))
    }
}

/// The shared state. Kept as `web::Data<App>`.
pub struct App {
    /// The database of record.
    pub db: Arc<Db>,
    /// What the click path routes by; reloaded after every change.
    pub catalog: Arc<LiveCatalog>,
    /// Seals what is secret before it is stored.
    pub vault: Arc<Vault>,
    /// What is configured.
    pub config: HttpConfig,
    /// Draws error pages; a plain one until another is set.
    pub error_page: ErrorPage,
    /// Calls other hosts.
    pub outgoing: Outgoing,
    /// Hours of postbacks that were counted before.
    pub postback_hours: Hours,
    pub(super) throttle: Throttle,
    pub(super) passwords: Passwords,
    pub(super) owners: Owners,
    pub(super) last_uses: Arc<LastUses>,
}

impl App {
    /// The state of a server.
    #[must_use]
    pub fn new(
        db: Arc<Db>,
        catalog: Arc<LiveCatalog>,
        vault: Arc<Vault>,
        outgoing: Outgoing,
        config: HttpConfig,
    ) -> Self {
        let (throttle, passwords) = (Throttle::default(), Passwords::default());
        let (owners, last_uses) = (Owners::default(), Arc::<LastUses>::default());
        Self {
            db,
            catalog,
            vault,
            config,
            error_page: plain_page,
            outgoing,
            postback_hours: Hours::default(),
            throttle,
            passwords,
            owners,
            last_uses,
        }
    }

    /// The address of this installation as the caller can use it, without a slash at the end: the
    /// configured one, else that of the request.
    #[must_use]
    pub fn public_url(&self, request: &HttpRequest) -> String {
        if let Some(url) = &self.config.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.config.proxies.is_https(request) { "https" } else { "http" };
        let host = host(request).unwrap_or_else(|| "localhost".to_owned());
        format!("{scheme}://{host}")
    }

    /// Whether pages and API answer on the host of this request: the configured host and those saved for dashboards.
    /// Where none is configured, hosts that nobody saved answer too: whoever mistypes a dashboard's host finds back in
    /// by the server's address.
    pub(super) fn answers_pages(&self, request: &HttpRequest) -> bool {
        let (host, catalog) = (host(request), self.catalog.get());
        let hosts = catalog.hosts();
        let kind = host.as_deref().and_then(|host| hosts.kind(host));
        match self.config.is_dashboard(host.as_deref()) {
            Some(is_configured) => is_configured || kind == Some(HostKind::Dashboard),
            None => kind != Some(HostKind::Tracking) || !hosts.has_dashboard(),
        }
    }

    /// The client's address.
    #[must_use]
    pub fn client_address(&self, request: &HttpRequest) -> IpAddr {
        self.config.proxies.client(request)
    }
}

/// The request's own host and port, where it is written in the letters of one.
pub(super) fn host(request: &HttpRequest) -> Option<String> {
    let from_header = request.headers().get(HOST).and_then(|value| value.to_str().ok());
    let written = from_header.or_else(|| request.uri().authority().map(|authority| authority.as_str()))?;
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let is_host = !written.is_empty() && written.len() <= HEADER_BYTES_MAX && written.bytes().all(is_letter);
    is_host.then(|| written.to_ascii_lowercase())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::app_with;
    use actix_web::test::TestRequest;

    #[test]
    fn the_public_url_is_configured_or_the_requests_own() {
        let named = TestRequest::get().insert_header((HOST, "Trk.Example:8080")).to_http_request();
        let broken = TestRequest::get().insert_header((HOST, "a\"><script>")).to_http_request();
        let (app, _folder) = app_with(HttpConfig::default());
        assert_eq!(app.public_url(&named), "http://trk.example:8080");
        assert_eq!(app.public_url(&broken), "http://localhost");
        let config =
            HttpConfig { public_url: Some("https://t.example/".to_owned()), ..HttpConfig::default() };
        let (app, _folder) = app_with(config);
        assert_eq!(app.public_url(&named), "https://t.example");
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_https() {
        let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Proxies::default() };
        let config = HttpConfig { proxies, ..HttpConfig::default() };
        let (app, _folder) = app_with(config);
        let from = |peer: &str| {
            TestRequest::get()
                .peer_addr(format!("{peer}:1").parse().unwrap())
                .insert_header((HOST, "t.example"))
                .insert_header(("x-forwarded-proto", "https"))
                .to_http_request()
        };
        assert_eq!(app.public_url(&from("10.0.0.1")), "https://t.example");
        assert_eq!(app.public_url(&from("203.0.113.1")), "http://t.example");
    }

    #[test]
    fn a_dashboard_host_alone_answers() {
        let config = HttpConfig { dashboard_host: Some("desk.example".to_owned()), ..HttpConfig::default() };
        let on = |host: &str| TestRequest::get().insert_header((HOST, host)).to_http_request();
        let (app, _folder) = app_with(config);
        assert!(app.answers_pages(&on("DESK.example:443")));
        assert!(!app.answers_pages(&on("trk.example")));
        let (app, _folder) = app_with(HttpConfig::default());
        assert!(app.answers_pages(&on("trk.example")));
    }
}
