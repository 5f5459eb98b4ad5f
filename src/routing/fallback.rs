//! The places for visitors for whom nothing else is left: the campaign's, the host's, the account's, each followed to its
//! end.
//!
//! A fallback that names a campaign of ours is followed here, without another redirect, and recorded as where a campaign
//! stands in the place of an offer: the click stays that of the campaign that was clicked on. No campaign is followed
//! twice.
//!
//! An address in the form of a tracker's doors, at a host that nobody told us of, may be ours by another name. A redirect
//! there carries a mark that counts them ([`MARK`]); who comes with a mark that is used up is sent to no such address any
//! more. The mark stands in the address, since cookies belong to one host and are refused by many, and referrers are kept
//! back by our own redirects. It is read only here, so clicks that find an offer neither carry it nor pay for it.

use super::arrival::Router;
use super::catalog::CampaignRoute;
use super::query::{decode, with_query};
use crate::domain::campaign::CHAIN_MAX;
use crate::domain::macros::Macro;
use crate::domain::template::{MacroValues, Template};
use crate::domain::tracking_address::TrackingAddress;
use std::sync::Arc;

/// The parameter that counts redirects to addresses that may be ours.
const MARK: &str = "cl_hop";

/// How many of them follow one another: trackers behind trackers are few, and browsers give up after twenty.
const HOPS_MAX: u32 = 3;

/// Where the request came to that a fallback is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking<'a> {
    /// The host it came to.
    pub host: Option<&'a str>,
    /// Its query, as it came.
    pub query: &'a str,
}

impl Asking<'_> {
    /// How many marked redirects led here. Whoever writes a number of his own harms himself alone.
    fn hops(self) -> u32 {
        let marks = self.query.split('&').filter_map(|pair| pair.strip_prefix(MARK)?.strip_prefix('='));
        marks.map(|number| decode(number).parse().unwrap_or(HOPS_MAX)).max().unwrap_or(0)
    }
}

/// Where a visitor goes for whom nothing else is left.
#[derive(Debug)]
pub enum Fallback<T> {
    /// Into a campaign of ours, with what came of it.
    Inside(T),
    /// To an address.
    Url(String),
}

/// Where an address leads.
enum Leads<'a> {
    /// To a page somewhere.
    Away,
    /// To a campaign of ours.
    Into(&'a Arc<CampaignRoute>),
    /// To a door of ours behind which nothing is.
    Nowhere,
    /// To a tracker, perhaps to us.
    ToTracker,
}

impl<'r> Router<'r> {
    /// The first fallback that takes a visitor: the campaign's, the host's, the account's, and before there is none at all
    /// that of a campaign which the campaign's paths lead into. `inside` says what comes of a campaign of ours.
    pub(super) fn fallback<T>(
        &self,
        door: Option<&CampaignRoute>,
        asking: Asking<'_>,
        values: &impl MacroValues,
        inside: impl Fn(&'r Arc<CampaignRoute>) -> Option<T>,
    ) -> Option<Fallback<T>> {
        let own = door.and_then(|door| door.fallback.as_ref());
        let of_host = asking.host.and_then(|host| self.catalog.hosts().fallback(host));
        let levels = [own, of_host, self.catalog.fallback()].into_iter().flatten();
        let within = door.into_iter().flat_map(|door| self.catalog.fallbacks_within(door));
        let mut tried: Vec<i64> = door.iter().map(|door| door.id).collect();
        for first in levels.chain(within) {
            let mut next: Option<&Template> = Some(first);
            while let Some(template) = next.take() {
                let url = template.fill(values);
                match self.leads(&url, asking.host) {
                    Leads::Away => return Some(Fallback::Url(url)),
                    Leads::ToTracker if asking.hops() < HOPS_MAX => {
                        return Some(Fallback::Url(marked(&url, asking.hops())));
                    }
                    Leads::Into(campaign) if !tried.contains(&campaign.id) && tried.len() <= CHAIN_MAX => {
                        tried.push(campaign.id);
                        if let Some(found) = inside(campaign) {
                            return Some(Fallback::Inside(found));
                        }
                        next = campaign.fallback.as_ref();
                    }
                    Leads::Into(_) | Leads::Nowhere | Leads::ToTracker => {}
                }
            }
        }
        None
    }

    /// Where a visitor goes whose address no campaign has: into a campaign, as if he had clicked on it, or to an address.
    #[must_use]
    pub fn lost(&self, asking: Asking<'_>) -> Option<Fallback<&'r Arc<CampaignRoute>>> {
        self.fallback(None, asking, &NoClick, Some)
    }

    /// The same as an address, for doors where nobody clicks.
    #[must_use]
    pub fn lost_url(&self, asking: Asking<'_>) -> Option<String> {
        let hops = asking.hops();
        match self.lost(asking)? {
            Fallback::Url(url) => Some(url),
            // On the same host. The mark goes on, or a circle through here would lose it.
            Fallback::Inside(campaign) if hops == 0 => Some(format!("/c/{}", campaign.slug)),
            Fallback::Inside(campaign) => {
                (hops < HOPS_MAX).then(|| marked(&format!("/c/{}", campaign.slug), hops))
            }
        }
    }

    fn leads(&self, url: &str, host: Option<&str>) -> Leads<'r> {
        let (address, aliased) = match TrackingAddress::read(url) {
            Some(address) => (address, None),
            None => match self.aliased(url) {
                Some((address, campaign)) => (address, Some(campaign)),
                None => return Leads::Away,
            },
        };
        if !self.catalog.own_hosts().have(&address, host) {
            return Leads::ToTracker;
        }
        let campaign = aliased.or_else(|| self.catalog.by_slug(address.slug.as_deref()?));
        campaign.map_or(Leads::Nowhere, Leads::Into)
    }

    /// The campaign that would answer at an address by one of its old ones, were its host ours.
    fn aliased(&self, url: &str) -> Option<(TrackingAddress, &'r Arc<CampaignRoute>)> {
        let aliases = self.catalog.aliases();
        if aliases.is_empty() {
            return None;
        }
        let (address, path, query) = TrackingAddress::parted(url)?;
        Some((address, aliases.find(&path, &query)?))
    }
}

/// An address with one hop more on its mark.
fn marked(url: &str, hops: u32) -> String {
    with_query(url, &format!("{MARK}={}", hops.saturating_add(1)))
}

/// Nothing is known: no click came.
struct NoClick;

impl MacroValues for NoClick {
    fn write_value(&self, _: Macro, _: &mut String) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_hops() {
        let hops = |query| Asking { host: None, query }.hops();
        assert_eq!((hops(""), hops("a=1"), hops("xcl_hop=2"), hops("cl_hop=")), (0, 0, 0, HOPS_MAX));
        assert_eq!((hops("a=1&cl_hop=2"), hops("cl_hop=0&cl_hop=1"), hops("cl_hop=99999999999")), (2, 1, 3));
        assert_eq!(
            marked("https://a.example/c/x?cl_hop=0#top", 0),
            "https://a.example/c/x?cl_hop=0&cl_hop=1#top"
        );
        assert_eq!(marked("/c/x", 1), "/c/x?cl_hop=2");
    }
}
