//! The click: collect the facts, let routing decide, keep the record, send the visitor on.

use super::answer::{cookie, header, nowhere, redirect};
use crate::clicks::{Record, WorkerJournal};
use crate::domain::click_id::ClickId;
use crate::http::{OwnJournal, Tracker};
use crate::routing::{Arrival, CampaignRoute, Draws};
use crate::visitor::{self, Signals};
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT_LANGUAGE, HOST, REFERER, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse, web};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The cookie that carries a sealed click to a lander's buttons.
pub const CLICK_COOKIE: &str = "cl_click";

/// How long a lander's buttons find their click by cookie, in seconds: a day.
const CLICK_COOKIE_SECONDS: i64 = 86_400;

/// `GET` and `HEAD /c/{slug}`.
pub async fn show(request: HttpRequest, tracker: web::Data<Tracker>, journal: OwnJournal) -> HttpResponse {
    arrive(&request, &tracker, &journal.0).await
}

/// Now, Unix milliseconds.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

async fn arrive(request: &HttpRequest, tracker: &Tracker, journal: &Rc<WorkerJournal>) -> HttpResponse {
    let catalog = tracker.catalog.get();
    let slug = request.match_info().get("slug").unwrap_or("");
    let Some(campaign) = catalog.by_slug(slug).map(Arc::clone) else {
        note_unknown(slug);
        return nowhere();
    };
    let router = tracker.router(&catalog);
    let arrival = collect(request, tracker, &campaign);
    let routed = router.route(&campaign, &arrival, Draws::random());
    if let Some(refusal) = routed.record.refusal {
        tracing::debug!(campaign = campaign.id, %refusal, "a visitor could not be sent to an offer");
    }
    let cookies = cookies(tracker, &campaign, &routed);
    let (mut url, is_on_lander) = (routed.url, routed.record.lander_id.is_some());
    let record = Record::Click(Box::new(routed.record));
    let is_kept = journal.append(&record).await.is_ok();
    let Record::Click(record) = record else { return nowhere() };
    if !is_kept {
        journal.count_lost();
        url = router.without_id(&campaign, &arrival, &record);
    } else if is_on_lander {
        tracker.recent.keep(*record);
    }
    match url {
        Some(url) if is_kept => redirect(&url, campaign.redirect, &cookies),
        Some(url) => redirect(&url, campaign.redirect, &[]),
        None => nowhere(),
    }
}

/// Everything that routing asks about a request.
fn collect<'a>(request: &'a HttpRequest, tracker: &Tracker, campaign: &CampaignRoute) -> Arrival<'a> {
    let now_ms = now_ms();
    let headers = request.headers();
    Arrival {
        id: ClickId::new(now_ms, rand::random()),
        now_ms,
        query: request.query_string(),
        host: header(headers, HOST),
        visitor: visitor::Arrival {
            address: tracker.client_address(request),
            agent_text: header(headers, USER_AGENT).unwrap_or(""),
            referrer: header(headers, REFERER),
            accept_language: header(headers, ACCEPT_LANGUAGE),
            signals: signals(request),
        },
        is_known_by_cookie: cookie(request, &unique_cookie(campaign.id)).is_some(),
        is_test: false,
    }
}

/// What a request says about being a machine's.
pub fn signals(request: &HttpRequest) -> Signals<'_> {
    let headers = request.headers();
    Signals {
        is_head: request.method() == Method::HEAD,
        purpose: header(headers, "purpose"),
        sec_purpose: header(headers, "sec-purpose"),
        x_purpose: header(headers, "x-purpose"),
        x_moz: header(headers, "x-moz"),
    }
}

fn unique_cookie(campaign_id: i64) -> String {
    format!("cl_u{campaign_id}")
}

fn cookies(tracker: &Tracker, campaign: &CampaignRoute, routed: &crate::routing::Routed) -> Vec<String> {
    let mut cookies = Vec::new();
    let secure = if tracker.is_secure { "; Secure" } else { "" };
    if routed.record.is_unique && routed.record.bot.is_none() {
        let seconds = campaign.unique_window_ms / 1_000;
        cookies.push(format!(
            "{}=1; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}",
            unique_cookie(campaign.id)
        ));
    }
    if let Some(token) = &routed.click_token {
        cookies.push(format!(
            "{CLICK_COOKIE}={token}; Path=/go; Max-Age={CLICK_COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}"
        ));
    }
    cookies
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
