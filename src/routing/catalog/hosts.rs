//! The installation's hosts, ready for clicks and for the doors of pages and API.

use super::fallback_template;
use crate::db::{self, AnyConnection};
use crate::domain::host::HostKind;
use crate::domain::lander::EntityStatus;
use crate::domain::template::Template;
use crate::domain::tracking_address::host_name;
use std::collections::HashMap;

/// Hosts in use.
#[derive(Debug, Default)]
pub struct Hosts {
    by_name: HashMap<String, HostRoute>,
    tracking: HashMap<i64, String>,
}

/// What is known of a host.
#[derive(Debug)]
struct HostRoute {
    kind: HostKind,
    fallback: Option<Template>,
}

impl Hosts {
    /// Reads them.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn load(conn: &mut AnyConnection) -> db::Result<Self> {
        let mut hosts = Self::default();
        for saved in db::domains::all(conn)? {
            let domain = saved.value;
            if domain.status != EntityStatus::Active {
                continue;
            }
            if domain.kind == HostKind::Tracking {
                hosts.tracking.insert(saved.id, domain.host.clone());
            }
            let fallback = fallback_template(&domain.fallback_url);
            // Rows of an earlier version may not be folded.
            hosts.by_name.insert(domain.host.to_ascii_lowercase(), HostRoute { kind: domain.kind, fallback });
        }
        Ok(hosts)
    }

    fn find(&self, host: &str) -> Option<&HostRoute> {
        if self.by_name.is_empty() {
            return None;
        }
        self.by_name.get(&host_name(host).trim_end_matches('.').to_ascii_lowercase())
    }

    /// What a host is for, where it is known. Its port is not looked at.
    #[must_use]
    pub fn kind(&self, host: &str) -> Option<HostKind> {
        self.find(host).map(|route| route.kind)
    }

    /// Whether any host is kept for pages.
    #[must_use]
    pub fn has_dashboard(&self) -> bool {
        self.by_name.values().any(|route| route.kind == HostKind::Dashboard)
    }

    /// Where a host's visitors go when nothing else is left, where it says so.
    #[must_use]
    pub fn fallback(&self, host: &str) -> Option<&Template> {
        self.find(host)?.fallback.as_ref()
    }

    /// The name of a tracking host in use.
    #[must_use]
    pub fn tracking(&self, id: i64) -> Option<&str> {
        self.tracking.get(&id).map(String::as_str)
    }
}
