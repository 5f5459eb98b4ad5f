//! What lies in the catalog, ready for clicks and postbacks.

use crate::db::credentials::{Credentials, PREVIOUS_SECRET, Previous, SECRET, secret_place};
use crate::domain::Country;
use crate::domain::advertiser::Advertiser;
use crate::domain::campaign::Redirect;
use crate::domain::destination::{Destination, Message};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Money;
use crate::domain::offer::Offer;
use crate::domain::rule::Matcher;
use crate::domain::source::{CostUnit, Source};
use crate::domain::template::Template;
use crate::domain::vault::Vault;
use std::sync::Arc;

/// An offer, ready to be drawn.
#[derive(Debug)]
pub struct OfferRoute {
    /// Its number.
    pub id: i64,
    /// What people saved.
    pub offer: Offer,
    /// Its address, parsed; `None` where it cannot be filled any more.
    pub template: Option<Template>,
    /// Where its visitors go at its cap, where that is an address.
    pub at_cap_url: Option<Template>,
    /// May be drawn.
    pub is_usable: bool,
}

impl OfferRoute {
    /// Whether it takes a visitor from this country at this time, its cap aside. An offer for some countries takes nobody
    /// of whom no country is known.
    #[must_use]
    pub fn takes(&self, country: Option<Country>, now_ms: i64) -> bool {
        let offer = &self.offer;
        self.is_usable
            && (offer.countries.is_empty()
                || country.is_some_and(|country| offer.countries.contains(&country)))
            && offer.active_from_ms.is_none_or(|from| from <= now_ms)
            && offer.active_until_ms.is_none_or(|until| now_ms < until)
    }
}

/// A lander, ready to be drawn.
#[derive(Debug)]
pub struct LanderRoute {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its address, parsed.
    pub template: Option<Template>,
    /// May be drawn.
    pub is_usable: bool,
}

/// A source, as its campaigns' clicks are read.
#[derive(Debug)]
pub struct SourceRoute {
    /// Its number.
    pub id: i64,
    /// What people saved.
    pub source: Source,
}

/// A destination, ready to be told.
#[derive(Debug)]
pub struct DestinationRoute {
    /// Its number.
    pub id: i64,
    /// What people saved.
    pub destination: Destination,
    /// Its address, parsed; or why it cannot be filled any more.
    pub url: Result<Message, String>,
    /// Its body, parsed; `None` where there is none.
    pub body: Result<Option<Message>, String>,
}

impl DestinationRoute {
    /// With its texts parsed.
    #[must_use]
    pub fn new(id: i64, destination: Destination) -> Self {
        let (url, body) = (destination.url_message(), destination.body_message());
        Self { id, destination, url, body }
    }
}

/// How the cost of a campaign's clicks is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostRule {
    /// It is not.
    Unknown,
    /// So much a click.
    PerClick(Money),
    /// The source's parameter says, in this unit.
    Param(CostUnit),
}

/// A path, ready to be drawn.
#[derive(Debug)]
pub struct PathRoute {
    /// Its number.
    pub id: i64,
    /// Its name; may be empty.
    pub name: Box<str>,
    /// Its weight among the paths.
    pub weight: u64,
    /// Landers that may be drawn, with their weights.
    pub landers: Vec<(Arc<LanderRoute>, u64)>,
    /// All targets in their order, with their weights: a lander's n-th button means the n-th of these.
    pub targets: Vec<(TargetRoute, u64)>,
    /// In use, with a weight, and leading somewhere.
    pub is_usable: bool,
}

impl PathRoute {
    /// The targets that may be drawn: those with a weight.
    pub fn drawn_targets(&self) -> impl Iterator<Item = &TargetRoute> {
        self.targets.iter().filter(|(_, weight)| *weight > 0).map(|(target, _)| target)
    }
}

/// Where a path leads.
#[derive(Debug)]
pub enum TargetRoute {
    /// To an offer.
    Offer(Arc<OfferRoute>),
    /// Into another campaign, by its number: campaigns may change while this one stays.
    Campaign(i64),
}

impl TargetRoute {
    /// The offer, where it is one.
    #[must_use]
    pub const fn offer(&self) -> Option<&Arc<OfferRoute>> {
        match self {
            Self::Offer(offer) => Some(offer),
            Self::Campaign(_) => None,
        }
    }

    /// The campaign's number, where it is one.
    #[must_use]
    pub const fn campaign_id(&self) -> Option<i64> {
        match self {
            Self::Offer(_) => None,
            Self::Campaign(id) => Some(*id),
        }
    }
}

/// A rule, ready to be asked.
#[derive(Debug)]
pub struct RuleRoute {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its conditions.
    pub matcher: Matcher,
    /// Its paths.
    pub paths: Vec<PathRoute>,
}

/// A campaign, ready for clicks.
#[derive(Debug)]
pub struct CampaignRoute {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its address's last part.
    pub slug: String,
    /// The old addresses that it answers at too.
    pub aliases: Vec<String>,
    /// In use or not.
    pub status: EntityStatus,
    /// Where its traffic comes from.
    pub source: Option<Arc<SourceRoute>>,
    /// How its clicks' cost is known.
    pub cost: CostRule,
    /// Its rules in use, from the top down.
    pub rules: Vec<RuleRoute>,
    /// Its paths for visitors that no rule takes.
    pub paths: Vec<PathRoute>,
    /// A returning visitor keeps path, lander and offer.
    pub is_sticky: bool,
    /// What a visitor has not seen yet comes first.
    pub is_smart_order: bool,
    /// A visitor is never sent to an offer that he has converted on.
    pub is_skip_converted: bool,
    /// Where visitors go when nothing else is left.
    pub fallback: Option<Template>,
    /// For how long a visitor counts once, milliseconds.
    pub unique_window_ms: i64,
    /// The incoming query is appended to the target.
    pub append_query: bool,
    /// How visitors are sent on.
    pub redirect: Redirect,
    /// All its clicks are test data.
    pub is_test: bool,
}

impl CampaignRoute {
    /// Every path: those of the rules, then the default ones.
    pub fn all_paths(&self) -> impl Iterator<Item = &PathRoute> {
        self.rules.iter().flat_map(|rule| &rule.paths).chain(&self.paths)
    }

    /// Whether it asks what a visitor has seen.
    #[must_use]
    pub const fn has_memory(&self) -> bool {
        self.is_sticky || self.is_smart_order || self.is_skip_converted
    }
}

/// An advertiser, as its postbacks are read.
#[derive(Debug)]
pub struct AdvertiserRoute {
    /// Its number.
    pub id: i64,
    /// Its postback key.
    pub key: String,
    /// The key before, which may still work.
    pub previous_key: Option<Previous>,
    /// Its secret, sealed: it is opened for as long as a signature is looked at.
    pub secret_sealed: Option<String>,
    /// The secret before, sealed, which may still work.
    pub previous_secret: Option<Previous>,
    /// What people saved.
    pub advertiser: Advertiser,
}

impl AdvertiserRoute {
    /// An advertiser with what its postbacks are known by.
    #[must_use]
    pub fn new(id: i64, own: Credentials, advertiser: Advertiser) -> Self {
        Self {
            id,
            key: own.key,
            previous_key: own.previous_key,
            secret_sealed: own.secret_sealed,
            previous_secret: own.previous_secret,
            advertiser,
        }
    }

    /// The secrets that work at a time, opened.
    #[must_use]
    pub fn secrets(&self, vault: &Vault, now_ms: i64) -> Vec<String> {
        let open = |sealed: &str, column| vault.open(secret_place(self.id, column), sealed);
        let present = self.secret_sealed.as_deref().and_then(|sealed| open(sealed, SECRET));
        let live = self.previous_secret.as_ref().filter(|previous| previous.is_live(now_ms));
        let previous = live.and_then(|previous| open(&previous.value, PREVIOUS_SECRET));
        present.into_iter().chain(previous).collect()
    }
}
