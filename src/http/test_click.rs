//! A test click: routed, kept and moved like any other, and flagged as a test.

use super::{Error, Tracker, now_ms};
use crate::clicks::{WorkerJournal, Written};
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::domain::money::Money;
use crate::routing::{
    Arrival, Asking, CampaignRoute, Catalog, Draws, NoHeaders, Press, Router, SourceRoute, TargetRoute,
};
use crate::visitor::{self, Hints, Signals};
use actix_web::HttpRequest;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whom a test click plays: an ordinary phone.
pub const AGENT: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/131.0.0.0 Mobile Safari/537.36";

/// What a test click costs where neither its source nor its campaign says so, in the account currency: a test is to
/// show the whole way to an ROI, which without a cost there is none of.
const COST: Money = Money::from_micros(250_000);

/// How long the page waits until the click is in the database; it is kept in the journal all the same.
const STORED_LONGEST: Duration = Duration::from_secs(4);

/// How often routing is tried until it draws an offer of the wanted advertiser.
const DRAWS_MAX: usize = 500;

/// A test click that was sent.
#[derive(Clone, Copy, Debug)]
pub struct SentClick {
    /// Its id.
    pub id: ClickId,
    /// From the request to the journal.
    pub took: Duration,
    /// The offer that it led to, on a lander by the button that was pressed for it.
    pub offer_id: Option<i64>,
}

/// Sends a test click to a campaign, to an offer of a certain advertiser where one is named.
///
/// # Errors
/// There is no such campaign; the journal takes no click.
pub async fn send(
    request: &HttpRequest,
    tracker: &Tracker,
    journal: &Rc<WorkerJournal>,
    (campaign_id, advertiser_id): (i64, Option<i64>),
) -> Result<SentClick, Error> {
    let catalog = tracker.catalog.get();
    let campaign = catalog.campaign(campaign_id).map(Arc::clone).ok_or(Error::NotFound)?;
    let start = Instant::now();
    let (mut record, offer_id) = route(request, tracker, &catalog, &campaign, advertiser_id);
    if record.cost_original_micros.is_none() {
        record.cost_original_micros = Some(COST.micros());
        record.cost_currency = Some(catalog.currency);
        record.cost_micros = COST.micros();
    }
    let ClickRecord { id, clicked_at_ms, lander_id, .. } = record;
    kept(journal.append_click(&record)).await?;
    let took = start.elapsed();
    if lander_id.is_some() && offer_id.is_some() {
        let at_ms = now_ms().max(clicked_at_ms);
        let pressed = LpClickRecord {
            id: ClickId::new(at_ms, rand::random()),
            click_id: id,
            clicked_at_ms: at_ms,
            campaign_id,
            lander_id,
            offer_id,
        };
        kept(journal.append_lp_click(&pressed)).await?;
    }
    journal.flush();
    tracker.ingested.wait_for(now_ms(), STORED_LONGEST).await;
    Ok(SentClick { id, took, offer_id })
}

async fn kept(written: Written) -> Result<(), Error> {
    if written.await.is_ok() {
        Ok(())
    } else {
        Err(Error::Unavailable("the journal takes no click".to_owned()))
    }
}

/// Routes a visitor, and presses the lander's button for him.
fn route(
    request: &HttpRequest,
    tracker: &Tracker,
    catalog: &Catalog,
    campaign: &CampaignRoute,
    advertiser_id: Option<i64>,
) -> (ClickRecord, Option<i64>) {
    let query = campaign.source.as_deref().map(sample_query).unwrap_or_default();
    let host = request.connection_info().host().to_owned();
    let now_ms = now_ms();
    let arrival = Arrival {
        id: ClickId::new(now_ms, rand::random()),
        now_ms,
        query: &query,
        host: Some(&host),
        visitor: visitor::Arrival {
            address: tracker.client_address(request),
            agent_text: AGENT,
            hints: Hints::default(),
            referrer: None,
            accept_language: Some("en"),
            signals: Signals::default(),
        },
        is_known_by_cookie: false,
        headers: &NoHeaders,
        seen: None,
        is_test: true,
    };
    let router = tracker.router(catalog);
    let facts = router.learn(campaign, &arrival);
    let draw = || {
        let record = router.route(campaign, &arrival, &facts, Draws::random()).record;
        let offer_id = record.offer_id.or_else(|| pressed(&router, &record, advertiser_id));
        (record, offer_id)
    };
    let is_wanted = |offer_id: Option<i64>| {
        let offer = offer_id.and_then(|id| catalog.offer(id));
        advertiser_id.is_none() || offer.and_then(|offer| offer.offer.advertiser_id) == advertiser_id
    };
    let mut drawn = draw();
    for _ in 1..DRAWS_MAX {
        if is_wanted(drawn.1) {
            break;
        }
        drawn = draw();
    }
    (drawn.0.kept(), drawn.1)
}

/// The offer behind the button that the test presses on a lander: the wanted advertiser's, where there is one.
fn pressed(router: &Router<'_>, record: &ClickRecord<&str>, advertiser_id: Option<i64>) -> Option<i64> {
    record.lander_id?;
    let path = router.catalog.path(record.campaign_id, record.path_id?)?;
    let is_wanted = |target: &TargetRoute| {
        let owner = target.offer().and_then(|offer| offer.offer.advertiser_id);
        advertiser_id.is_some() && owner == advertiser_id
    };
    let wanted = path.targets.iter().position(|(target, _)| is_wanted(target));
    let press = Press {
        button: wanted.map(|at| at + 1),
        seen: None,
        now_ms: record.clicked_at_ms,
        is_counted: false,
        asking: Asking::default(),
    };
    router.press(&record.kept(), &press)?.offer_id
}

/// What the source would write into the campaign's address, but the cost.
fn sample_query(route: &SourceRoute) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(param) = &route.source.external_id_param {
        query.append_pair(param, &format!("test-{:08x}", rand::random::<u32>()));
    }
    for token in &route.source.tokens {
        query.append_pair(&token.param, &format!("test-{}", token.param));
    }
    query.finish()
}
