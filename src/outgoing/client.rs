//! The client: one call, its answer or why there is none.

use super::reach::Reach;
use super::tokens::{Grant, Tokens};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Redirects that a call follows: postback addresses seldom have one, and never a chain.
pub const HOPS_MAX: usize = 5;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept for the next call to its host: less than the five seconds after which many servers end
/// an idle one, just when it may be used again.
const IDLE_KEPT: Duration = Duration::from_secs(4);

/// Connections kept for each host: as many as are sent to one at a time.
const IDLE_PER_HOST: usize = 16;

/// How a call asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// GET, without a body.
    #[default]
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
}

/// One request to another host.
#[derive(Clone, Debug)]
pub struct Call {
    /// How it asks.
    pub method: Method,
    /// http or https.
    pub url: String,
    /// Header names and values besides those that every request has.
    pub headers: Vec<(String, String)>,
    /// Its body; not sent with GET.
    pub body: Option<Vec<u8>>,
    /// From the first look at the name to the last byte of the answer, redirects included.
    pub timeout: Duration,
    /// Bytes of the answer's body that are read: what is beyond is cut.
    pub answer_bytes_max: usize,
    /// What the access token is fetched with that the call needs; `None` where it needs none.
    pub grant: Option<Grant>,
}

impl Call {
    /// A GET.
    #[must_use]
    pub fn get(url: &str, timeout: Duration, answer_bytes_max: usize) -> Self {
        Self {
            method: Method::Get,
            url: url.to_owned(),
            headers: Vec::new(),
            body: None,
            timeout,
            answer_bytes_max,
            grant: None,
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, of the last hop.
    pub code: u16,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// There was more.
    pub is_cut: bool,
    /// Where it came from, behind all redirects.
    pub url: String,
}

impl Answer {
    /// 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Why there is no answer. Its text is a sentence for the person who wrote the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It is no address that can be called.
    NoAddress(String),
    /// A header cannot be sent.
    BadHeader(String),
    /// The host is in a range that may not be called.
    NotAllowed {
        /// The host as it is written.
        host: String,
        /// Its address.
        address: IpAddr,
        /// What kind of address that is: `a loopback`.
        kind: &'static str,
    },
    /// The name is not known.
    UnknownHost(String),
    /// No connection; with the system's reason.
    NotConnected(String),
    /// The connection is not safe: a certificate that does not fit, is over, or is signed by nobody known.
    NotSafe(String),
    /// No whole answer within this time.
    TimedOut(Duration),
    /// More redirects than [`HOPS_MAX`].
    TooManyHops,
    /// The answer could not be read.
    Broken(String),
    /// There is no access token to call with; the whole sentence.
    NoToken(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(why) => write!(f, "This is no address that can be called: {why}"),
            Self::BadHeader(name) => {
                write!(
                    f,
                    "The header {name:?} cannot be sent: its name or value has a sign that is not allowed"
                )
            }
            Self::NotAllowed { host, address, kind } => write!(
                f,
                "{host} has {kind} address ({address}), which is not called. Where it is a host of your own, set \
                 CLICKLEDGER_ALLOW_PRIVATE_DESTINATIONS=true"
            ),
            Self::UnknownHost(host) => write!(f, "The host {host} is not known: is its name written right?"),
            Self::NotConnected(why) => write!(f, "No connection: {why}"),
            Self::NotSafe(why) => write!(f, "The connection is not safe: {why}"),
            Self::TimedOut(within) => write!(f, "No whole answer within {} seconds", within.as_secs()),
            Self::TooManyHops => write!(f, "More than {HOPS_MAX} redirects"),
            Self::Broken(why) => write!(f, "The answer could not be read: {why}"),
            Self::NoToken(why) => f.write_str(why),
        }
    }
}

impl StdError for Failure {}

/// Calls other hosts. It has a thread of its own, so that it can be used from anywhere.
#[derive(Clone)]
pub struct Outgoing {
    client: reqwest::Client,
    reach: Arc<Reach>,
    pub(super) tokens: Arc<Tokens>,
    runtime: tokio::runtime::Handle,
}

impl Outgoing {
    /// A client that may call hosts of the own network or not. Its thread ends with the process.
    ///
    /// # Errors
    /// No thread, or TLS cannot be set up.
    pub fn start(may_be_private: bool) -> std::io::Result<Self> {
        let reach = Arc::new(Reach::new(may_be_private));
        let client = reqwest::Client::builder()
            .user_agent(concat!("Clickledger/", env!("CARGO_PKG_VERSION")))
            // A proxy named by the environment would look names up itself, past our look at the addresses.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_KEPT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .dns_resolver(Arc::new(Looked(Arc::clone(&reach))))
            .tls_backend_preconfigured(tls()?)
            .build()
            .map_err(std::io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new().name("outgoing".to_owned()).spawn(move || {
            runtime.block_on(std::future::pending::<()>());
        })?;
        Ok(Self { client, reach, tokens: Arc::default(), runtime: handle })
    }

    /// Makes a call and waits for its answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let own = self.clone();
        let within = call.timeout;
        let task = self.runtime.spawn(async move { tokio::time::timeout(within, own.make(call)).await });
        match task.await {
            Ok(Ok(answered)) => answered,
            Ok(Err(_elapsed)) => Err(Failure::TimedOut(within)),
            Err(why) => Err(Failure::Broken(why.to_string())),
        }
    }

    /// [`Outgoing::send`] for a thread that has nothing else to do.
    ///
    /// # Errors
    /// As there.
    pub fn send_blocking(&self, call: Call) -> Result<Answer, Failure> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.send_then(call, move |answered| {
            // Nobody waits any more only where the process ends.
            let _ = sender.send(answered);
        });
        receiver.recv().unwrap_or_else(|why| Err(Failure::Broken(why.to_string())))
    }

    /// Makes a call and hands its outcome over once it is there. `then` runs on the thread of all calls: it must be quick.
    pub fn send_then(&self, call: Call, then: impl FnOnce(Result<Answer, Failure>) + Send + 'static) {
        let own = self.clone();
        self.runtime.spawn(async move {
            let within = call.timeout;
            let answered = tokio::time::timeout(within, own.make(call)).await;
            then(answered.unwrap_or(Err(Failure::TimedOut(within))));
        });
    }

    /// The call, with an access token where it needs one.
    async fn make(self, mut call: Call) -> Result<Answer, Failure> {
        match call.grant.take() {
            Some(grant) => self.follow_with_token(call, &grant).await,
            None => self.follow(call).await,
        }
    }

    /// The call and its redirects, each looked at anew.
    pub(super) async fn follow(self, mut call: Call) -> Result<Answer, Failure> {
        let mut url = self.looked_at(&call.url)?;
        let mut headers = headers(&call.headers)?;
        for _ in 0..=HOPS_MAX {
            let answer = self.ask(&url, call.method, &headers, call.body.as_ref()).await?;
            let Some(next) = next(&answer, &url) else {
                return read(answer, call.answer_bytes_max).await;
            };
            let next = self.looked_at(&next)?;
            if !matches!(answer.status().as_u16(), 307 | 308) {
                call.method = Method::Get;
            }
            // What was meant for one host is not told to another: keys and tokens stand in headers.
            if next.origin() != url.origin() {
                headers = HeaderMap::new();
            }
            url = next;
        }
        Err(Failure::TooManyHops)
    }

    /// One request, as it stands.
    pub(super) async fn ask(
        &self,
        url: &Url,
        method: Method,
        headers: &HeaderMap,
        body: Option<&Vec<u8>>,
    ) -> Result<reqwest::Response, Failure> {
        let kind = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut request = self.client.request(kind, url.clone()).headers(headers.clone());
        if let (Some(body), false) = (body, method == Method::Get) {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|why| failure(&why, url))
    }

    /// An address that may be called as far as it can be seen before its name is looked up.
    pub(super) fn looked_at(&self, text: &str) -> Result<Url, Failure> {
        let url = Url::parse(text).map_err(|why| Failure::NoAddress(format!("{why} in {}", shown(text))))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Failure::NoAddress(format!("it begins with {}:, not with https:", url.scheme())));
        }
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            Some(Host::Domain(_)) => None,
            None => return Err(Failure::NoAddress("it names no host".to_owned())),
        };
        let refused = address.and_then(|address| Some((address, self.reach.refused(address)?)));
        match refused {
            Some((address, kind)) => Err(Failure::NotAllowed { host: address.to_string(), address, kind }),
            None => Ok(url),
        }
    }
}

/// An address, cut for a sentence.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

/// Where a redirect leads.
fn next(answer: &reqwest::Response, from: &Url) -> Option<String> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = answer.headers().get(LOCATION)?.to_str().ok()?;
    from.join(to).ok().map(String::from)
}

pub(super) async fn read(mut answer: reqwest::Response, bytes_max: usize) -> Result<Answer, Failure> {
    let (code, url) = (answer.status().as_u16(), answer.url().clone());
    let (mut body, mut is_cut) = (Vec::new(), false);
    while let Some(piece) = answer.chunk().await.map_err(|why| failure(&why, &url))? {
        let room = bytes_max.saturating_sub(body.len());
        body.extend(piece.iter().take(room));
        if piece.len() > room {
            is_cut = true;
            break;
        }
    }
    Ok(Answer { code, body, is_cut, url: url.into() })
}

pub(super) fn headers(given: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::with_capacity(given.len());
    for (name, value) in given {
        let read = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
        let (Ok(known), Ok(value)) = read else {
            return Err(Failure::BadHeader(shown(name)));
        };
        headers.append(known, value);
    }
    Ok(headers)
}

/// Looks names up and leaves out addresses that may not be called: a connection goes to these alone.
struct Looked(Arc<Reach>);

/// A name whose addresses may none be called, carried through the library's errors.
#[derive(Debug)]
struct Shut {
    address: IpAddr,
    kind: &'static str,
}

impl fmt::Display for Shut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} address ({})", self.kind, self.address)
    }
}

impl StdError for Shut {}

/// A name that nobody knows.
#[derive(Debug)]
struct Unknown(std::io::Error);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name is not known: {}", self.0)
    }
}

impl StdError for Unknown {}

impl Resolve for Looked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unknown)?;
            let (mut open, mut shut): (Vec<SocketAddr>, Option<Shut>) = (Vec::new(), None);
            for address in found {
                match reach.refused(address.ip()) {
                    None => open.push(address),
                    Some(kind) => shut = Some(Shut { address: address.ip(), kind }),
                }
            }
            match shut {
                Some(shut) if open.is_empty() => Err(shut.into()),
                _ => Ok(Box::new(open.into_iter()) as Addrs),
            }
        })
    }
}

/// The library's error in a sentence's words.
fn failure(why: &reqwest::Error, url: &Url) -> Failure {
    let host = url.host_str().unwrap_or_default().to_owned();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(why);
    let mut last = why.to_string();
    while let Some(error) = cause {
        if let Some(shut) = error.downcast_ref::<Shut>() {
            return Failure::NotAllowed { host, address: shut.address, kind: shut.kind };
        }
        if error.is::<Unknown>() {
            return Failure::UnknownHost(host);
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Failure::NotSafe(tls.to_string());
        }
        if let Some(tls) = error.downcast_ref::<std::io::Error>().and_then(carried) {
            return Failure::NotSafe(tls.to_string());
        }
        last = error.to_string();
        cause = error.source();
    }
    if why.is_timeout() {
        Failure::TimedOut(CONNECT_TIMEOUT)
    } else if why.is_connect() {
        Failure::NotConnected(last)
    } else {
        Failure::Broken(last)
    }
}

/// What TLS said, in an error of the system: it names as its source not what it carries, but that one's source.
fn carried(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.downcast_ref().and_then(carried))
}

/// TLS with the authorities that come with the program, and the system's own.
fn tls() -> std::io::Result<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
