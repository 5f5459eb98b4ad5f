//! What the public doors work with, shared with the pages that send test clicks and test postbacks.

use super::Recent;
use super::client::Proxies;
use super::metrics::{Metrics, WorkerMetrics};
use crate::clicks::{Ingested, WorkerJournal};
use crate::conversions::Postbacks;
use crate::db::Db;
use crate::deliveries::Gauges;
use crate::routing::{Catalog, LiveCatalog, Memory, Router, Sealer};
use crate::visitor::Visitor;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// The parts behind the public doors. Kept as `web::Data<Tracker>`.
pub struct Tracker {
    /// What is saved.
    pub catalog: Arc<LiveCatalog>,
    /// Who visitors are.
    pub visitor: Arc<Visitor>,
    /// Seals clicks for landers.
    pub sealer: Sealer,
    /// What visitors have seen and converted on.
    pub memory: Arc<Memory>,
    /// The conversion ledger.
    pub postbacks: Postbacks,
    /// How far clicks have been moved into the database.
    pub ingested: Arc<Ingested>,
    /// Clicks on landers that may soon press a button.
    pub recent: Recent,
    /// What the doors count.
    pub metrics: Metrics,
    /// What the sender of postbacks counts.
    pub deliveries: Arc<Gauges>,
    /// The database, for a button whose click nobody remembers.
    pub db: Arc<Db>,
    /// Proxies whose word about the client's address counts.
    pub proxies: Proxies,
    /// Cookies are sent back over https alone.
    pub is_secure: bool,
}

impl Tracker {
    /// A router over one moment's catalog.
    pub fn router<'a>(&'a self, catalog: &'a Catalog) -> Router<'a> {
        Router {
            catalog,
            visitor: &self.visitor,
            sealer: &self.sealer,
            memory: &self.memory,
            caps: self.catalog.caps(),
        }
    }

    /// The client's address.
    #[must_use]
    pub fn client_address(&self, request: &HttpRequest) -> IpAddr {
        self.proxies.client(request)
    }
}

/// What a worker has for itself. Kept as `Rc<Worker>`.
pub struct Worker {
    /// Its end of the journal; `None` where none could be begun.
    pub journal: Option<Rc<WorkerJournal>>,
    /// What it counts.
    pub metrics: Arc<WorkerMetrics>,
}

/// The journal of the worker that serves this request.
pub struct OwnJournal(pub Rc<WorkerJournal>);

impl FromRequest for OwnJournal {
    type Error = super::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let own = request.app_data::<Rc<Worker>>().and_then(|worker| worker.journal.clone());
        ready(own.map(Self).ok_or_else(|| super::Error::Internal("the worker has no journal".to_owned())))
    }
}
