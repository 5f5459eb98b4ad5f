//! The catalog: everything the click path and the postback path ask for, in memory, replaced whole
//! when something is saved. It can be thrown away and rebuilt from the database at any time.

mod aliases;
mod build;
mod hosts;
mod routes;
mod ways;

pub use aliases::Aliases;
pub use hosts::Hosts;
pub use routes::{
    AdvertiserRoute, CampaignRoute, CostRule, DestinationRoute, LanderRoute, OfferRoute, PathRoute,
    RuleRoute, SourceRoute, TargetRoute,
};

use super::caps::LiveCaps;
use crate::db::catalog_changes::{self, Marker};
use crate::db::{self, AnyConnection, Db, Priority, settings};
use crate::domain::anomaly::AnomalyRules;
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use crate::domain::offer::{AtCap, Offer};
use crate::domain::old_door::OldDoors;
use crate::domain::rule::{Library, ListSet};
use crate::domain::template::{Template, TemplateUse};
use crate::domain::tracking_address::OwnHosts;
use crate::visitor::{BotSwitches, Geo};
use arc_swap::ArcSwap;
use build::{Parts, campaign_route};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Everything routing knows, at one moment.
#[derive(Debug)]
pub struct Catalog {
    slugs: HashMap<String, Arc<CampaignRoute>>,
    campaigns: HashMap<i64, Arc<CampaignRoute>>,
    offers: HashMap<i64, Arc<OfferRoute>>,
    advertisers: HashMap<i64, Arc<AdvertiserRoute>>,
    keys: HashMap<String, Arc<AdvertiserRoute>>,
    sources: HashMap<i64, Arc<SourceRoute>>,
    /// Who is told of conversions, by number.
    destinations: Vec<Arc<DestinationRoute>>,
    hosts: Hosts,
    aliases: Aliases,
    /// The doors of the tracker before that are open.
    old_doors: OldDoors,
    /// The hosts that are ours.
    own_hosts: OwnHosts,
    /// The campaign of each path.
    paths: HashMap<i64, i64>,
    /// Where the account's do.
    fallback: Option<Template>,
    library: Library,
    /// The version of each list, to read anew only what changed.
    list_versions: HashMap<i64, i64>,
    /// The account currency.
    pub currency: Currency,
    /// Which guesses are made about machines.
    pub bots: BotSwitches,
    /// What is held to be unusual about a conversion.
    pub anomalies: AnomalyRules,
    /// Where addresses are, as clicks are looked up too.
    pub places: Arc<Geo>,
}

impl Catalog {
    /// A campaign by its slug, in any case: some networks fold addresses.
    #[must_use]
    pub fn by_slug(&self, slug: &str) -> Option<&Arc<CampaignRoute>> {
        self.slugs.get(slug).or_else(|| {
            let has_upper = slug.bytes().any(|b| b.is_ascii_uppercase());
            has_upper.then(|| self.slugs.get(&slug.to_ascii_lowercase())).flatten()
        })
    }

    /// A campaign by its number.
    #[must_use]
    pub fn campaign(&self, id: i64) -> Option<&Arc<CampaignRoute>> {
        self.campaigns.get(&id)
    }

    /// An offer by its number.
    #[must_use]
    pub fn offer(&self, id: i64) -> Option<&Arc<OfferRoute>> {
        self.offers.get(&id)
    }

    /// The offers that have caps.
    pub(super) fn capped(&self) -> impl Iterator<Item = &Arc<OfferRoute>> {
        self.offers.values().filter(|route| !route.offer.caps.is_empty())
    }

    /// An advertiser by its number.
    #[must_use]
    pub fn advertiser(&self, id: i64) -> Option<&Arc<AdvertiserRoute>> {
        self.advertisers.get(&id)
    }

    /// The advertiser that a postback key belongs to, or belonged to before it got its present one.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&Arc<AdvertiserRoute>> {
        self.keys.get(key)
    }

    /// The advertiser that a key of the tracker before belongs to.
    #[must_use]
    pub fn by_old_key(&self, key: &str) -> Option<&Arc<AdvertiserRoute>> {
        self.by_key(key).filter(|route| route.advertiser.old_keys.iter().any(|old| old == key))
    }

    /// A source by its number.
    #[must_use]
    pub fn source(&self, id: i64) -> Option<&Arc<SourceRoute>> {
        self.sources.get(&id)
    }

    /// Everybody who is told of conversions, those that are off too.
    #[must_use]
    pub fn destinations(&self) -> &[Arc<DestinationRoute>] {
        &self.destinations
    }

    /// A destination by its number.
    #[must_use]
    pub fn destination(&self, id: i64) -> Option<&Arc<DestinationRoute>> {
        let at = self.destinations.binary_search_by_key(&id, |route| route.id).ok()?;
        self.destinations.get(at)
    }

    /// The installation's hosts.
    #[must_use]
    pub const fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The old addresses that campaigns answer at.
    #[must_use]
    pub const fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// The doors of the tracker before that are open.
    #[must_use]
    pub const fn old_doors(&self) -> &OldDoors {
        &self.old_doors
    }

    /// The account's fallback.
    #[must_use]
    pub const fn fallback(&self) -> Option<&Template> {
        self.fallback.as_ref()
    }

    /// The hosts that are known to be ours.
    #[must_use]
    pub const fn own_hosts(&self) -> &OwnHosts {
        &self.own_hosts
    }

    /// The lists.
    pub(super) const fn library(&self) -> &Library {
        &self.library
    }

    /// The path that a click of a campaign took, by its number: of that campaign, or of one that it led into by a path or
    /// as its fallback.
    #[must_use]
    pub fn path(&self, campaign_id: i64, path_id: i64) -> Option<&PathRoute> {
        let of = |id: i64| self.campaign(id)?.all_paths().find(|path| path.id == path_id);
        of(campaign_id).or_else(|| of(*self.paths.get(&path_id)?))
    }

    /// The fallbacks of the campaigns that a campaign's paths lead into.
    pub(super) fn fallbacks_within(&self, campaign: &CampaignRoute) -> Vec<&Template> {
        let inner = |campaign: &CampaignRoute| -> Vec<i64> {
            let targets = campaign.all_paths().flat_map(|path| &path.targets);
            targets.filter_map(|(target, _)| target.campaign_id()).collect()
        };
        let (mut found, mut seen, mut open) = (Vec::new(), vec![campaign.id], inner(campaign));
        while let Some(id) = open.pop() {
            let Some(campaign) = self.campaign(id).filter(|_| !seen.contains(&id)) else { continue };
            seen.push(id);
            found.extend(campaign.fallback.as_ref());
            open.extend(inner(campaign));
        }
        found
    }

    /// The offers that a path can reach, through other campaigns too.
    #[must_use]
    pub fn offers_on(&self, path: &PathRoute) -> Vec<&Arc<OfferRoute>> {
        let (mut offers, mut open, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        let mut take = |path: &PathRoute, open: &mut Vec<i64>| {
            for (target, _) in &path.targets {
                match target {
                    TargetRoute::Offer(offer) => offers.extend(self.offer(offer.id)),
                    TargetRoute::Campaign(id) => open.push(*id),
                }
            }
        };
        take(path, &mut open);
        while let Some(id) = open.pop() {
            if !seen.contains(&id) {
                seen.push(id);
                let paths = self.campaign(id).into_iter().flat_map(|campaign| campaign.all_paths());
                paths.for_each(|path| take(path, &mut open));
            }
        }
        offers
    }

    /// Reads everything from the database. What an earlier catalog holds and did not change is taken over from it.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(conn: &mut AnyConnection, earlier: Option<&Self>) -> db::Result<Self> {
        let currency = settings::find(conn, settings::CURRENCY)?;
        let currency = currency.as_deref().and_then(Currency::parse).unwrap_or(Currency::USD);
        let landers: HashMap<i64, Arc<LanderRoute>> = db::landers::routed(conn)?
            .into_iter()
            .map(|saved| {
                let template = Template::parse(&saved.value.url, TemplateUse::Lander).ok();
                let is_usable = saved.value.status == EntityStatus::Active && template.is_some();
                let route = LanderRoute { id: saved.id, name: saved.value.name, template, is_usable };
                (saved.id, Arc::new(route))
            })
            .collect();
        let offers: HashMap<i64, Arc<OfferRoute>> = db::offers::routed(conn)?
            .into_iter()
            .map(|saved| (saved.id, Arc::new(offer_route(saved.id, saved.value))))
            .collect();
        let (mut library, list_versions) = read_lists(conn, earlier)?;
        let sources: HashMap<i64, Arc<SourceRoute>> = db::sources::routed(conn)?
            .into_iter()
            .map(|saved| (saved.id, Arc::new(SourceRoute { id: saved.id, source: saved.value })))
            .collect();
        let destinations = db::destinations::routed(conn)?
            .into_iter()
            .map(|saved| Arc::new(DestinationRoute::new(saved.id, saved.value)))
            .collect();
        let mut parts =
            Parts { sources: &sources, landers: &landers, offers: &offers, library: &mut library };
        let campaigns: HashMap<i64, Arc<CampaignRoute>> = db::campaigns::routed(conn)?
            .into_iter()
            .map(|saved| (saved.id, Arc::new(campaign_route(saved.id, saved.value, &mut parts))))
            .collect();
        let mut credentials = db::credentials::all(conn)?;
        let advertisers: HashMap<i64, Arc<AdvertiserRoute>> = db::advertisers::routed(conn)?
            .into_iter()
            .filter_map(|saved| {
                let own = credentials.remove(&saved.id)?;
                Some((saved.id, Arc::new(AdvertiserRoute::new(saved.id, own, saved.value))))
            })
            .collect();
        Ok(Self {
            slugs: campaigns.values().map(|route| (route.slug.clone(), Arc::clone(route))).collect(),
            paths: campaigns
                .values()
                .flat_map(|route| route.all_paths().map(|path| (path.id, route.id)))
                .collect(),
            aliases: Aliases::new(campaigns.values()),
            old_doors: settings::old_doors(conn)?,
            own_hosts: db::own_hosts::load(conn)?,
            keys: keys(&advertisers),
            campaigns,
            offers,
            advertisers,
            sources,
            destinations,
            hosts: Hosts::load(conn)?,
            fallback: settings::find(conn, settings::FALLBACK_URL)?.as_deref().and_then(fallback_template),
            library,
            list_versions,
            currency,
            bots: BotSwitches::load(conn)?,
            anomalies: settings::anomaly_rules(conn)?,
            places: earlier.map(|earlier| Arc::clone(&earlier.places)).unwrap_or_default(),
        })
    }
}

/// Every key with its advertiser: the one before leads there too, and whoever asks looks whether it has ended; and those that
/// the tracker before gave out.
fn keys(advertisers: &HashMap<i64, Arc<AdvertiserRoute>>) -> HashMap<String, Arc<AdvertiserRoute>> {
    let before = advertisers.values().filter_map(|route| Some((&route.previous_key.as_ref()?.value, route)));
    let present = advertisers.values().map(|route| (&route.key, route));
    let old =
        advertisers.values().flat_map(|route| route.advertiser.old_keys.iter().map(move |key| (key, route)));
    old.chain(before).chain(present).map(|(key, route)| (key.clone(), Arc::clone(route))).collect()
}

fn fallback_template(url: &str) -> Option<Template> {
    Template::parse(url, TemplateUse::Offer).ok()
}

fn offer_route(id: i64, offer: Offer) -> OfferRoute {
    let template = Template::parse(&offer.url, TemplateUse::Offer).ok();
    let at_cap_url = match &offer.at_cap {
        AtCap::Url { url } => Template::parse(url, TemplateUse::Offer).ok(),
        AtCap::Next | AtCap::Offer { .. } => None,
    };
    let is_usable = offer.status == EntityStatus::Active && template.is_some();
    OfferRoute { id, offer, template, at_cap_url, is_usable }
}

/// The lists, read anew where they changed: each may hold a hundred thousand values.
fn read_lists(
    conn: &mut AnyConnection,
    earlier: Option<&Catalog>,
) -> db::Result<(Library, HashMap<i64, i64>)> {
    let mut library = earlier.map_or_else(Library::default, |earlier| Library::after(&earlier.library));
    let mut versions = HashMap::new();
    for (id, kind, version) in db::lists::versions(conn)? {
        let is_same = |earlier: &&Catalog| earlier.list_versions.get(&id) == Some(&version);
        let known = earlier.filter(is_same).and_then(|earlier| earlier.library.lists.get(&id));
        let set = match known {
            Some(known) => Arc::clone(known),
            None => Arc::new(ListSet::new(kind, db::lists::values(conn, id, i64::MAX)?.into_iter())),
        };
        library.lists.insert(id, set);
        versions.insert(id, version);
    }
    Ok((library, versions))
}

/// The catalog in use: read without waiting, replaced when something was saved.
pub struct LiveCatalog {
    current: ArcSwap<Catalog>,
    caps: LiveCaps,
    // Two reloads at once could put the older one last.
    /// Where the changes stood when it was read. Held while it is read: one reads at a time.
    marker: Mutex<Marker>,
}

impl LiveCatalog {
    /// Reads it for the first time. `places` tells where addresses are.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(db: &Db, places: Arc<Geo>) -> db::Result<Self> {
        let caps = LiveCaps::default();
        let (marker, catalog) = load(db, None, &caps)?;
        let catalog = Catalog { places, ..catalog };
        Ok(Self { current: ArcSwap::from_pointee(catalog), caps, marker: Mutex::new(marker) })
    }

    /// What is used of the offers' caps.
    #[must_use]
    pub const fn caps(&self) -> &LiveCaps {
        &self.caps
    }

    /// The catalog of this moment.
    #[must_use]
    pub fn get(&self) -> Arc<Catalog> {
        self.current.load_full()
    }

    /// Reads it anew, so that what was saved is live.
    ///
    /// # Errors
    /// The database fails; the old one stays in use.
    pub fn reload(&self, db: &Db) -> db::Result<()> {
        let mut known = self.marker.lock().unwrap_or_else(PoisonError::into_inner);
        self.reload_over(db, &mut known)
    }

    /// Reads it anew where anything changed since it was read, by whomever, and says whether it did.
    ///
    /// # Errors
    /// The database fails; the old one stays in use.
    pub fn follow(&self, db: &Db, now_ms: i64) -> db::Result<bool> {
        let marker = db.read(catalog_changes::marker)?;
        let mut known = self.marker.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == marker {
            return Ok(false);
        }
        if marker.is_long() {
            db.write(Priority::Maintenance, |conn| catalog_changes::prune(conn, now_ms))?;
        }
        self.reload_over(db, &mut known)?;
        Ok(true)
    }

    fn reload_over(&self, db: &Db, known: &mut Marker) -> db::Result<()> {
        let earlier = self.get();
        let (marker, catalog) = load(db, Some(&earlier), &self.caps)?;
        self.current.store(Arc::new(catalog));
        *known = marker;
        Ok(())
    }
}

/// Reads it as it is at one moment, never half of a change, with where the changes stand then.
fn load(db: &Db, earlier: Option<&Catalog>, caps: &LiveCaps) -> db::Result<(Marker, Catalog)> {
    db.snapshot(|conn| {
        let (marker, catalog) = (catalog_changes::marker(conn)?, Catalog::load(conn, earlier)?);
        caps.follow(&catalog, conn)?;
        Ok((marker, catalog))
    })
}
