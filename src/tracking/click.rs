//! The click: collect the facts, let routing decide, keep the record, send the visitor on.

use super::answer::{cookie, header, nowhere, redirect, wrong_method};
use crate::clicks::{WorkerJournal, Written};
use crate::domain::campaign::Redirect;
use crate::domain::click::ClickRecord;
use crate::domain::click_id::ClickId;
use crate::http::metrics::Outcome;
use crate::http::{Tracker, Worker};
use crate::routing::{Arrival, Asking, CampaignRoute, Catalog, Draws, Fallback, Headers, Routed, Router};
use crate::visitor::{self, Hints, Signals};
use actix_web::dev::{
    AppService, HttpServiceFactory, ResourceDef, ServiceRequest, ServiceResponse, fn_service,
};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, HOST, HeaderMap, HeaderName, HeaderValue, REFERER, USER_AGENT,
};
use actix_web::{Error, HttpRequest, HttpResponse, web};
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The cookie that carries a sealed click to a lander's buttons.
pub const CLICK_COOKIE: &str = "cl_click";

/// How long a lander's buttons find their click by cookie, in seconds: a day.
const CLICK_COOKIE_SECONDS: i64 = 86_400;

/// The cookie that carries a click's id to the image by which a page reports a conversion.
pub const PIXEL_COOKIE: &str = "cl_pixel";

/// How long a page's image finds its click by cookie, in seconds: thirty days, an advertiser's usual window.
const PIXEL_COOKIE_SECONDS: i64 = 30 * 86_400;

/// The cookie that carries what a visitor has seen.
pub const SEEN_COOKIE: &str = "cl_seen";

/// How long it is kept after the last visit, in seconds: ninety days.
const SEEN_COOKIE_SECONDS: i64 = 90 * 86_400;

impl Headers for HeaderMap {
    fn header(&self, name: &str) -> Option<&str> {
        header(self, name)
    }
}

/// `GET` and `HEAD /c/{slug}`, as a service of its own: a pattern with a name in it is matched by a regular expression,
/// and a resource asks its guards, which together would cost as much as finding the visitor's country, device and offer.
pub struct Door;

impl HttpServiceFactory for Door {
    fn register(self, config: &mut AppService) {
        let service = fn_service(|request: ServiceRequest| async move {
            let (request, _) = request.into_parts();
            let response = show(&request).await;
            Ok::<_, Error>(ServiceResponse::new(request, response))
        });
        config.register_service(ResourceDef::prefix("/c"), None, service, None);
    }
}

async fn show(request: &HttpRequest) -> HttpResponse {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return wrong_method("GET, HEAD");
    }
    let (Some(tracker), Some(worker)) =
        (request.app_data::<web::Data<Tracker>>(), request.app_data::<Rc<Worker>>())
    else {
        return nowhere();
    };
    let began = Instant::now();
    let (outcome, response) = arrive(request, tracker, worker.journal.as_ref()).await;
    worker.metrics.count_click(outcome, began.elapsed());
    response
}

/// Answers a click that came to an old address of a campaign, as at its own.
pub async fn show_old(request: &HttpRequest, tracker: &Tracker, campaign: &CampaignRoute) -> HttpResponse {
    let Some(worker) = request.app_data::<Rc<Worker>>() else { return nowhere() };
    let (began, catalog) = (Instant::now(), tracker.catalog.get());
    let (outcome, response) =
        send_on(request, tracker, worker.journal.as_ref(), (&tracker.router(&catalog), campaign)).await;
    worker.metrics.count_click(outcome, began.elapsed());
    response
}

/// The slug in a campaign's address, what is percent-encoded without need decoded; empty where there is none.
fn slug(request: &HttpRequest) -> &str {
    request.match_info().unprocessed().strip_prefix('/').unwrap_or("")
}

/// Now, Unix milliseconds.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

async fn arrive(
    request: &HttpRequest,
    tracker: &Tracker,
    journal: Option<&Rc<WorkerJournal>>,
) -> (Outcome, HttpResponse) {
    let catalog = tracker.catalog.get();
    let slug = slug(request);
    let router = tracker.router(&catalog);
    let campaign = match catalog.by_slug(slug) {
        Some(campaign) => campaign,
        None => match lost(request, &router, slug) {
            Some(Fallback::Inside(campaign)) => campaign,
            Some(Fallback::Url(url)) => {
                return (Outcome::Unknown, redirect(tracker, &url, Redirect::Found, &[]));
            }
            None => return (Outcome::Unknown, nowhere()),
        },
    };
    send_on(request, tracker, journal, (&router, campaign)).await
}

/// Keeps a click on a campaign and sends its visitor on.
async fn send_on(
    request: &HttpRequest,
    tracker: &Tracker,
    journal: Option<&Rc<WorkerJournal>>,
    (router, campaign): (&Router<'_>, &CampaignRoute),
) -> (Outcome, HttpResponse) {
    let draws = Draws::random();
    if let Some(journal) = journal {
        let Taken { outcome, written, url, cookies } =
            take(request, tracker, journal, (router, campaign, draws));
        if written.await.is_ok() {
            let answer = |url: String| redirect(tracker, &url, campaign.redirect, &cookies);
            return (outcome, url.map_or_else(nowhere, answer));
        }
        journal.count_lost();
    }
    let url = router.without_id(campaign, &collect(request, tracker, campaign, &agent(request)), draws);
    (Outcome::NotKept, url.map_or_else(nowhere, |url| redirect(tracker, &url, campaign.redirect, &[])))
}

/// Where a visitor goes whose address no campaign has.
fn lost<'r>(
    request: &HttpRequest,
    router: &Router<'r>,
    slug: &str,
) -> Option<Fallback<&'r Arc<CampaignRoute>>> {
    note_unknown(slug);
    router.lost(asking(request))
}

/// Where a request came to, for fallbacks.
pub fn asking(request: &HttpRequest) -> Asking<'_> {
    Asking { host: header(request.headers(), HOST), query: request.query_string() }
}

/// A click whose record is in the worker's buffer, and its answer.
struct Taken {
    outcome: Outcome,
    written: Written,
    url: Option<String>,
    cookies: Vec<String>,
}

/// Routes a click and hands its record to the journal. All that is borrowed ends here: what waits for the journal is
/// the answer alone.
fn take(
    request: &HttpRequest,
    tracker: &Tracker,
    journal: &Rc<WorkerJournal>,
    (router, campaign, draws): (&Router<'_>, &CampaignRoute, Draws),
) -> Taken {
    let agent = agent(request);
    let arrival = collect(request, tracker, campaign, &agent);
    let facts = router.learn(campaign, &arrival);
    let routed = router.route(campaign, &arrival, &facts, draws);
    note_refusal(&routed.record);
    if routed.record.lander_id.is_some() {
        tracker.recent.keep(routed.record.kept());
    }
    Taken {
        outcome: outcome(&routed),
        written: journal.append_click(&routed.record),
        cookies: cookies(tracker, router.catalog, campaign, &routed),
        url: routed.url,
    }
}

/// Says why a visitor could not be sent to an offer.
pub fn note_refusal(record: &ClickRecord<&str>) {
    if let Some(refusal) = record.refusal {
        tracing::debug!(campaign = record.campaign_id, %refusal, "a visitor could not be sent to an offer");
    }
}

/// Where a routed click ends.
const fn outcome(routed: &Routed<'_>) -> Outcome {
    match routed {
        Routed { url: None, .. } => Outcome::Nowhere,
        Routed { record, .. } if record.lander_id.is_some() => Outcome::Lander,
        Routed { record, .. } if record.offer_id.is_some() => Outcome::Offer,
        Routed { .. } => Outcome::Fallback,
    }
}

/// The user agent; a byte that is no text costs that byte, not the whole: a person is not to be taken for a machine.
pub fn agent(request: &HttpRequest) -> Cow<'_, str> {
    let Some(agent) = request.headers().get(USER_AGENT).map(HeaderValue::as_bytes) else {
        return Cow::default();
    };
    // Nearly all are whole: asked for that, the text is found in a quarter of the time.
    std::str::from_utf8(agent).map_or_else(|_broken| String::from_utf8_lossy(agent), Cow::Borrowed)
}

/// Everything that routing asks about a request.
pub fn collect<'a>(
    request: &'a HttpRequest,
    tracker: &Tracker,
    campaign: &CampaignRoute,
    agent_text: &'a str,
) -> Arrival<'a> {
    let now_ms = now_ms();
    let headers = request.headers();
    Arrival {
        id: ClickId::new(now_ms, rand::random()),
        now_ms,
        query: request.query_string(),
        host: header(headers, HOST),
        visitor: visitor::Arrival {
            address: tracker.client_address(request),
            agent_text,
            hints: hints(headers),
            referrer: header(headers, REFERER),
            accept_language: header(headers, ACCEPT_LANGUAGE),
            signals: signals(request),
        },
        is_known_by_cookie: cookie(request, &unique_cookie(campaign.id)).is_some(),
        headers,
        seen: if campaign.has_memory() { cookie(request, SEEN_COOKIE) } else { None },
        is_test: false,
    }
}

static PURPOSE: HeaderName = HeaderName::from_static("purpose");
static SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
static X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
static X_MOZ: HeaderName = HeaderName::from_static("x-moz");

static SEC_CH_UA_MOBILE: HeaderName = HeaderName::from_static("sec-ch-ua-mobile");
static SEC_CH_UA_MODEL: HeaderName = HeaderName::from_static("sec-ch-ua-model");
static SEC_CH_UA_PLATFORM_VERSION: HeaderName = HeaderName::from_static("sec-ch-ua-platform-version");

/// What the browser says beside its agent. The first comes with every request of a browser that sends any.
fn hints(headers: &HeaderMap) -> Hints<'_> {
    let Some(mobile) = header(headers, &SEC_CH_UA_MOBILE) else { return Hints::default() };
    Hints {
        mobile: Some(mobile),
        model: header(headers, &SEC_CH_UA_MODEL),
        platform_version: header(headers, &SEC_CH_UA_PLATFORM_VERSION),
    }
}

/// What a request says about being a machine's.
pub fn signals(request: &HttpRequest) -> Signals<'_> {
    let headers = request.headers();
    Signals {
        is_head: request.method() == Method::HEAD,
        purpose: header(headers, &PURPOSE),
        sec_purpose: header(headers, &SEC_PURPOSE),
        x_purpose: header(headers, &X_PURPOSE),
        x_moz: header(headers, &X_MOZ),
    }
}

fn unique_cookie(campaign_id: i64) -> String {
    format!("cl_u{campaign_id}")
}

/// The cookie with what a visitor has seen.
pub fn seen_cookie(tracker: &Tracker, seen: &str) -> String {
    let secure = if tracker.is_secure { "; Secure" } else { "" };
    format!("{SEEN_COOKIE}={seen}; Path=/; Max-Age={SEEN_COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

fn cookies(
    tracker: &Tracker,
    catalog: &Catalog,
    campaign: &CampaignRoute,
    routed: &Routed<'_>,
) -> Vec<String> {
    let mut cookies: Vec<String> =
        pixel_cookie(tracker, catalog, routed.record.offer_id, routed.record.id).into_iter().collect();
    let secure = if tracker.is_secure { "; Secure" } else { "" };
    if routed.record.is_unique && routed.record.bot.is_none() {
        let seconds = campaign.unique_window_ms / 1_000;
        cookies.push(format!(
            "{}=1; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            unique_cookie(campaign.id)
        ));
    }
    if let Some(seen) = &routed.seen {
        cookies.push(seen_cookie(tracker, seen));
    }
    if let Some(token) = &routed.click_token {
        cookies.push(format!(
            "{CLICK_COOKIE}={token}; Path=/go; Max-Age={CLICK_COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
        ));
    }
    cookies
}

/// The cookie for an advertiser's image, where its pixel is on. The page that shows the image is another site's: over
/// https it comes with the image in browsers that let it.
pub fn pixel_cookie(
    tracker: &Tracker,
    catalog: &Catalog,
    offer_id: Option<i64>,
    click: ClickId,
) -> Option<String> {
    let advertiser = catalog.offer(offer_id?)?.offer.advertiser_id.and_then(|id| catalog.advertiser(id))?;
    advertiser.advertiser.is_pixel_on.then(|| naming_cookie(click, tracker.is_secure))
}

/// Browsers send a cookie with another site's image only where it asks for that, and only over https.
fn naming_cookie(click: ClickId, is_secure: bool) -> String {
    let site = if is_secure { "None; Secure" } else { "Lax" };
    format!("{PIXEL_COOKIE}={click}; Path=/; Max-Age={PIXEL_COOKIE_SECONDS}; HttpOnly; SameSite={site}")
}

/// Says that a link leads nowhere; at most once a second, since anybody can ask for any address.
fn note_unknown(slug: &str) {
    static SAID_AT: AtomicI64 = AtomicI64::new(0);
    let second = now_ms().div_euclid(1_000);
    if SAID_AT.swap(second, Ordering::Relaxed) != second {
        let shown: String = slug.chars().take(64).collect();
        tracing::info!(slug = shown, "a click came to an address that no campaign has");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_the_click_is_named_to_images_on_other_sites() {
        let click = ClickId::new(1, [7; 10]);
        assert!(naming_cookie(click, true).ends_with("HttpOnly; SameSite=None; Secure"));
        assert!(naming_cookie(click, false).ends_with("HttpOnly; SameSite=Lax"));
        assert!(naming_cookie(click, true).starts_with(&format!("cl_pixel={click}; Path=/; ")));
    }
}
