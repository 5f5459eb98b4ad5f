//! The catalog: everything the click path and the postback path ask for, in memory, replaced whole
//! when something is saved. It can be thrown away and rebuilt from the database at any time.

use crate::db::{self, AnyConnection, Db, settings};
use crate::domain::advertiser::Advertiser;
use crate::domain::campaign::{Campaign, Redirect, Weighted};
use crate::domain::lander::EntityStatus;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::source::{CostModel, CostUnit, Source};
use crate::domain::template::{Template, TemplateUse};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An offer, ready to be drawn.
#[derive(Debug)]
pub struct OfferRoute {
    /// Its number.
    pub id: i64,
    /// What people saved.
    pub offer: Offer,
    /// Its address, parsed; `None` where it cannot be filled any more.
    pub template: Option<Template>,
    /// May be drawn.
    pub is_usable: bool,
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
    /// Its weight among the paths.
    pub weight: u64,
    /// Landers that may be drawn, with their weights.
    pub landers: Vec<(Arc<LanderRoute>, u64)>,
    /// All offers in their order, with their weights: a lander's n-th button means the n-th of these.
    pub offers: Vec<(Arc<OfferRoute>, u64)>,
    /// In use, with a weight, and leading somewhere.
    pub is_usable: bool,
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
    /// In use or not.
    pub status: EntityStatus,
    /// Where its traffic comes from.
    pub source: Option<Arc<SourceRoute>>,
    /// How its clicks' cost is known.
    pub cost: CostRule,
    /// Its paths.
    pub paths: Vec<PathRoute>,
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

/// An advertiser, as its postbacks are read.
#[derive(Debug)]
pub struct AdvertiserRoute {
    /// Its number.
    pub id: i64,
    /// Its postback key.
    pub key: String,
    /// What people saved.
    pub advertiser: Advertiser,
}

/// Everything routing knows, at one moment.
#[derive(Debug)]
pub struct Catalog {
    slugs: HashMap<String, Arc<CampaignRoute>>,
    campaigns: HashMap<i64, Arc<CampaignRoute>>,
    offers: HashMap<i64, Arc<OfferRoute>>,
    advertisers: HashMap<i64, Arc<AdvertiserRoute>>,
    keys: HashMap<String, Arc<AdvertiserRoute>>,
    /// The account currency.
    pub currency: Currency,
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

    /// An advertiser by its number.
    #[must_use]
    pub fn advertiser(&self, id: i64) -> Option<&Arc<AdvertiserRoute>> {
        self.advertisers.get(&id)
    }

    /// The advertiser that a postback key belongs to.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&Arc<AdvertiserRoute>> {
        self.keys.get(key)
    }

    /// Reads everything from the database.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(conn: &mut AnyConnection) -> db::Result<Self> {
        let currency = settings::find(conn, settings::CURRENCY)?;
        let currency = currency.as_deref().and_then(Currency::parse).unwrap_or(Currency::USD);
        let landers: HashMap<i64, Arc<LanderRoute>> = db::landers::all(conn)?
            .into_iter()
            .map(|saved| {
                let template = Template::parse(&saved.value.url, TemplateUse::Lander).ok();
                let is_usable = saved.value.status == EntityStatus::Active && template.is_some();
                let route = LanderRoute { id: saved.id, name: saved.value.name, template, is_usable };
                (saved.id, Arc::new(route))
            })
            .collect();
        let offers: HashMap<i64, Arc<OfferRoute>> = db::offers::all(conn)?
            .into_iter()
            .map(|saved| {
                let template = Template::parse(&saved.value.url, TemplateUse::Offer).ok();
                let is_usable = saved.value.status == EntityStatus::Active && template.is_some();
                (saved.id, Arc::new(OfferRoute { id: saved.id, offer: saved.value, template, is_usable }))
            })
            .collect();
        let sources: HashMap<i64, Arc<SourceRoute>> = db::sources::all(conn)?
            .into_iter()
            .map(|saved| (saved.id, Arc::new(SourceRoute { id: saved.id, source: saved.value })))
            .collect();
        let campaigns: HashMap<i64, Arc<CampaignRoute>> = db::campaigns::routed(conn)?
            .into_iter()
            .map(|saved| {
                (saved.id, Arc::new(campaign_route(saved.id, saved.value, &sources, &landers, &offers)))
            })
            .collect();
        let keys: HashMap<i64, String> = db::advertisers::keys(conn)?.into_iter().collect();
        let advertisers: HashMap<i64, Arc<AdvertiserRoute>> = db::advertisers::all(conn)?
            .into_iter()
            .filter_map(|saved| {
                let key = keys.get(&saved.id)?.clone();
                Some((saved.id, Arc::new(AdvertiserRoute { id: saved.id, key, advertiser: saved.value })))
            })
            .collect();
        Ok(Self {
            slugs: campaigns.values().map(|route| (route.slug.clone(), Arc::clone(route))).collect(),
            keys: advertisers.values().map(|route| (route.key.clone(), Arc::clone(route))).collect(),
            campaigns,
            offers,
            advertisers,
            currency,
        })
    }
}

fn weight(weight: i64) -> u64 {
    u64::try_from(weight).unwrap_or(0)
}

fn campaign_route(
    id: i64,
    campaign: Campaign,
    sources: &HashMap<i64, Arc<SourceRoute>>,
    landers: &HashMap<i64, Arc<LanderRoute>>,
    offers: &HashMap<i64, Arc<OfferRoute>>,
) -> CampaignRoute {
    let source = campaign.source_id.and_then(|id| sources.get(&id)).cloned();
    let cost = cost_rule(&campaign, source.as_deref());
    let paths = campaign
        .paths
        .iter()
        .map(|path| {
            let landers = drawable(&path.landers, landers);
            let offers: Vec<(Arc<OfferRoute>, u64)> = path
                .offers
                .iter()
                .filter_map(|entry| Some((Arc::clone(offers.get(&entry.offer_id()?)?), weight(entry.weight))))
                .collect();
            let leads_somewhere =
                !landers.is_empty() || offers.iter().any(|(offer, weight)| offer.is_usable && *weight > 0);
            let is_usable = path.status == EntityStatus::Active && path.weight > 0 && leads_somewhere;
            PathRoute { id: path.id.unwrap_or(0), weight: weight(path.weight), landers, offers, is_usable }
        })
        .collect();
    CampaignRoute {
        id,
        name: campaign.name,
        slug: campaign.slug,
        status: campaign.status,
        source,
        cost,
        paths,
        fallback: Template::parse(&campaign.fallback_url, TemplateUse::Offer).ok(),
        unique_window_ms: campaign.unique_window_hours.saturating_mul(3_600_000),
        append_query: campaign.append_query,
        redirect: campaign.redirect,
        is_test: campaign.is_test,
    }
}

fn drawable(entries: &[Weighted], landers: &HashMap<i64, Arc<LanderRoute>>) -> Vec<(Arc<LanderRoute>, u64)> {
    entries
        .iter()
        .filter(|entry| entry.weight > 0)
        .filter_map(|entry| Some((Arc::clone(landers.get(&entry.id)?), weight(entry.weight))))
        .filter(|(lander, _)| lander.is_usable)
        .collect()
}

/// The campaign's own cost model, else its source's.
fn cost_rule(campaign: &Campaign, source: Option<&SourceRoute>) -> CostRule {
    let (model, amount) = match (campaign.cost_model, source) {
        (Some(model), _) => (model, campaign.cost_amount),
        (None, Some(route)) => (route.source.cost_model, route.source.cost_amount),
        (None, None) => (CostModel::None, None),
    };
    match (model, amount) {
        (CostModel::Cpc, Some(amount)) => CostRule::PerClick(amount),
        (CostModel::Cpm, Some(amount)) => CostRule::PerClick(crate::domain::source::per_mille(amount)),
        (CostModel::Param, _) => {
            CostRule::Param(source.map_or(CostUnit::Click, |route| route.source.cost_unit))
        }
        _ => CostRule::Unknown,
    }
}

/// The catalog in use: read without waiting, replaced when something was saved.
pub struct LiveCatalog {
    current: ArcSwap<Catalog>,
    // Two reloads at once could put the older one last.
    reloading: Mutex<()>,
}

impl LiveCatalog {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(db: &Db) -> db::Result<Self> {
        let catalog = db.read(Catalog::load)?;
        Ok(Self { current: ArcSwap::from_pointee(catalog), reloading: Mutex::new(()) })
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
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(Arc::new(db.read(Catalog::load)?));
        Ok(())
    }
}
