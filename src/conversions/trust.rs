//! Who may send postbacks: what is checked of a request before anything is said about its conversion.

use super::request::Incoming;
use crate::routing::AdvertiserRoute;

/// Which key of an advertiser a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The present one.
    Present,
    /// The one before, which still works.
    Old {
        /// When it ends, Unix milliseconds.
        until_ms: i64,
    },
    /// The one before, which does not work any more.
    Ended {
        /// When it ended, Unix milliseconds.
        at_ms: i64,
    },
}

impl Key {
    /// When it ends, where it is an old one that works.
    pub(super) const fn until_ms(self) -> Option<i64> {
        match self {
            Self::Old { until_ms } => Some(until_ms),
            Self::Present | Self::Ended { .. } => None,
        }
    }
}

/// Which of an advertiser's keys a request came to.
pub(super) fn key(route: &AdvertiserRoute, incoming: &Incoming) -> Key {
    match &route.previous_key {
        Some(previous) if previous.value == incoming.key && previous.value != route.key => {
            if previous.is_live(incoming.received_at_ms) {
                Key::Old { until_ms: previous.until_ms }
            } else {
                Key::Ended { at_ms: previous.until_ms }
            }
        }
        _ => Key::Present,
    }
}
