//! The made-up business in the database: advertisers, offers, landers, sources and campaigns.

use super::campaigns::{CAMPAIGNS, CampaignPlan, Trend};
use super::plan::{ADVERTISERS, LANDERS, OFFERS, ORDER_SHARE_MILLIONTHS, OfferPlan, SOURCES};
use super::random::Random;
use crate::db::{self, AnyConnection, advertisers, campaigns, landers, offers, settings, sources};
use crate::domain::advertiser::{Advertiser, AdvertiserKind, MissingStatus};
use crate::domain::campaign::{self, Campaign, CampaignPath, Weighted, WeightedTarget};
use crate::domain::country::Country;
use crate::domain::lander::{EntityStatus, Lander};
use crate::domain::language::Language;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::source::{CostModel, Source, Token};
use crate::domain::status::Status;
use crate::routing;

/// The zone that the made-up business looks at its figures from.
pub(super) const TIME_ZONE: &str = "Europe/Berlin";

/// The host that its clicks come to.
pub(super) const TRACKING_HOST: &str = "go.clickledger.example";

/// A campaign that clicks can come to.
pub(super) struct Target {
    pub(super) plan: &'static CampaignPlan,
    pub(super) id: i64,
    pub(super) path_id: Option<i64>,
    pub(super) source_id: i64,
    pub(super) landers: Vec<i64>,
    /// Its offers with their numbers.
    pub(super) offers: Vec<(&'static OfferPlan, i64)>,
    pub(super) country: Option<Country>,
    pub(super) language: Option<Language>,
}

/// What was made.
pub(super) struct Catalog {
    pub(super) targets: Vec<Target>,
    /// The advertisers' numbers, in the plan's order.
    pub(super) advertisers: Vec<i64>,
    /// The same as postbacks are judged by it.
    pub(super) routes: routing::Catalog,
}

/// A name that cannot be guessed: from the operating system, not from the seed, since whoever knows a postback key may
/// send conversions.
fn secret() -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    (0..24)
        .map(|_| {
            let drawn = usize::from(rand::random::<u8>() & 31);
            char::from(LETTERS.get(drawn).copied().unwrap_or(b'0'))
        })
        .collect()
}

fn numbered(all: &[i64], wanted: &[usize]) -> Vec<i64> {
    wanted.iter().filter_map(|at| all.get(*at).copied()).collect()
}

/// Makes the business as it was set up at a time.
pub(super) fn make(conn: &mut AnyConnection, seed: u64, now_ms: i64) -> db::Result<Catalog> {
    settings::put(conn, settings::CURRENCY, Currency::USD.as_str())?;
    settings::put(conn, settings::TIME_ZONE, TIME_ZONE)?;
    let advertisers = make_advertisers(conn, now_ms)?;
    let offers = make_offers(conn, &advertisers, now_ms)?;
    let landers = make_landers(conn, now_ms)?;
    let sources = make_sources(conn, now_ms)?;
    let mut random = Random::of(seed, 1);
    let mut targets = Vec::with_capacity(CAMPAIGNS.len());
    for plan in CAMPAIGNS {
        let lander_ids = numbered(&landers, plan.landers);
        let offer_ids: Vec<(&OfferPlan, i64)> =
            plan.offers.iter().filter_map(|at| Some((OFFERS.get(*at)?, *offers.get(*at)?))).collect();
        let source_id = sources.get(plan.source).copied().unwrap_or_default();
        let campaign = campaign(plan, random.hex(8), source_id, &lander_ids, &offer_ids);
        let id = campaigns::insert(conn, &campaign, now_ms)?;
        let path_id = campaigns::find(conn, id)?.and_then(|saved| saved.value.paths.first()?.id);
        targets.push(Target {
            plan,
            id,
            path_id,
            source_id,
            landers: lander_ids,
            offers: offer_ids,
            country: Country::parse(plan.country),
            language: Language::parse(plan.language),
        });
    }
    let routes = routing::Catalog::load(conn, None)?;
    Ok(Catalog { targets, advertisers, routes })
}

fn make_advertisers(conn: &mut AnyConnection, now_ms: i64) -> db::Result<Vec<i64>> {
    let mut made = Vec::new();
    for plan in ADVERTISERS {
        let kind = if plan.is_network { AdvertiserKind::Network } else { AdvertiserKind::Direct };
        let advertiser = Advertiser {
            name: plan.name.to_owned(),
            kind,
            status_map: plan
                .words
                .iter()
                .zip(Status::ALL)
                .map(|(word, is)| ((*word).to_owned(), *is))
                .collect(),
            missing_status: MissingStatus::Approved,
            ..Advertiser::blank(Currency::USD)
        };
        made.push(advertisers::insert(conn, &advertiser, &secret(), now_ms)?);
    }
    Ok(made)
}

fn make_offers(conn: &mut AnyConnection, advertisers: &[i64], now_ms: i64) -> db::Result<Vec<i64>> {
    let mut made = Vec::new();
    for (number, plan) in (1_040..).step_by(17).zip(OFFERS) {
        let (host, param) = (plan.advertiser.host, plan.advertiser.click_param);
        let by_order = plan.order_micros.is_some();
        let offer = Offer {
            name: plan.name.to_owned(),
            advertiser_id: advertisers.get(plan.advertiser.position).copied(),
            url: format!("https://{host}/c?o={number}&{param}={{click_id}}"),
            revenue: (!by_order).then(|| Money::from_micros(plan.revenue_micros)),
            revenue_percent_millionths: by_order.then_some(ORDER_SHARE_MILLIONTHS),
            preview_url: format!("https://{host}/preview/{number}"),
            ..Offer::blank(Currency::USD)
        };
        made.push(offers::insert(conn, &offer, now_ms)?);
    }
    Ok(made)
}

fn make_landers(conn: &mut AnyConnection, now_ms: i64) -> db::Result<Vec<i64>> {
    let mut made = Vec::new();
    for (name, slug) in LANDERS {
        let url = format!("https://pages.clickledger.example/{slug}/?t={{click_token}}&c={{country}}");
        let lander = Lander { name: (*name).to_owned(), url, ..Lander::default() };
        made.push(landers::insert(conn, &lander, now_ms)?);
    }
    Ok(made)
}

fn make_sources(conn: &mut AnyConnection, now_ms: i64) -> db::Result<Vec<i64>> {
    let mut made = Vec::new();
    for plan in SOURCES {
        let tokens = (1..).zip(plan.tokens).map(|(slot, (param, label))| Token {
            slot,
            param: param.to_owned(),
            label: label.to_owned(),
            theirs: Some(format!("{{{param}}}")),
        });
        let source = Source {
            name: plan.name.to_owned(),
            external_id_param: Some(plan.external_id_param.to_owned()),
            cost_param: plan.cost_param.map(str::to_owned),
            cost_model: if plan.cost_param.is_some() { CostModel::Param } else { CostModel::None },
            tokens: tokens.collect(),
            ..Source::blank(Currency::USD)
        };
        made.push(sources::insert(conn, &source, &secret(), now_ms)?);
    }
    Ok(made)
}

fn campaign(
    plan: &CampaignPlan,
    slug: String,
    source_id: i64,
    landers: &[i64],
    offers: &[(&OfferPlan, i64)],
) -> Campaign {
    let weighted = |id: i64| Weighted { id, weight: 100 };
    let path = CampaignPath {
        name: "Main".to_owned(),
        landers: landers.iter().map(|id| weighted(*id)).collect(),
        offers: offers
            .iter()
            .map(|(_, id)| WeightedTarget { target: campaign::Target::Offer(*id), weight: 100 })
            .collect(),
        ..CampaignPath::default()
    };
    // A source that names no price with the click: the campaign says it.
    let is_priced_here = SOURCES.get(plan.source).is_some_and(|source| source.cost_param.is_none());
    let is_paused = matches!(plan.trend, Trend::Until(_));
    Campaign {
        name: plan.name.to_owned(),
        slug,
        source_id: Some(source_id),
        paths: vec![path],
        cost_model: is_priced_here.then_some(CostModel::Cpc),
        cost_amount: is_priced_here.then(|| Money::from_micros(plan.cost_micros)),
        status: if is_paused { EntityStatus::Paused } else { EntityStatus::Active },
        tags: vec![plan.tag.to_owned(), plan.country.to_owned()],
        ..Campaign::default()
    }
}
