//! A lander's buttons: `/go` draws an offer of the path by weight, `/go/{n}` leads to the n-th.

use super::answer::{cookie, nowhere, redirect};
use super::click::{CLICK_COOKIE, SEEN_COOKIE, agent, asking, now_ms, pixel_cookie, seen_cookie, signals};
use super::old;
use crate::db::click_log;
use crate::domain::campaign::Redirect;
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::http::{OwnJournal, Tracker};
use crate::routing::{Catalog, Press, decode};
use crate::visitor;
use actix_web::{HttpRequest, HttpResponse, web};
use std::sync::Arc;
use std::time::Duration;

/// How long a button may look for its click in the database.
const LOOK_UP_LONGEST: Duration = Duration::from_millis(250);

/// How long ago a click may have been made that another node has not moved yet.
const ELSEWHERE_MS: i64 = 2_000;

/// After how long such a click is looked for again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// `GET` and `HEAD /go` and `/go/{n}`.
pub async fn press(request: HttpRequest, tracker: web::Data<Tracker>, journal: OwnJournal) -> HttpResponse {
    if let Some(campaign) = old::campaign_behind_button(&request, &tracker) {
        return old::click(&request, &tracker, &campaign).await;
    }
    let click = find_click(&request, &tracker).await;
    let catalog = tracker.catalog.get();
    let known = click.as_ref().and_then(|click| Some((click, catalog.campaign(click.campaign_id)?)));
    let Some((click, campaign)) = known else { return lost(&request, &tracker, &catalog) };
    let button = request.match_info().get("button").and_then(|text| text.parse::<usize>().ok());
    let signals = signals(&request);
    // A machine that follows links presses no button.
    let agent = visitor::agent::of(&agent(&request));
    let is_counted = visitor::judge(&signals, &agent).is_none();
    let seen = cookie(&request, SEEN_COOKIE);
    let press = Press { button, seen, now_ms: now_ms(), is_counted, asking: asking(&request) };
    let Some(pressed) = tracker.router(&catalog).press(click, &press) else {
        return lost(&request, &tracker, &catalog);
    };
    if is_counted && pressed.offer_id.is_some() {
        let at_ms = now_ms();
        let record = LpClickRecord {
            id: ClickId::new(at_ms, rand::random()),
            click_id: click.id,
            clicked_at_ms: at_ms,
            campaign_id: click.campaign_id,
            lander_id: click.lander_id,
            offer_id: pressed.offer_id,
        };
        if journal.0.append_lp_click(&record).await.is_err() {
            journal.0.count_lost();
        }
    }
    let cookies: Vec<String> = pressed.seen.iter().map(|seen| seen_cookie(&tracker, seen)).collect();
    match pressed.url {
        Some(url) => {
            let mut cookies = cookies;
            cookies.extend(pixel_cookie(&tracker, &catalog, pressed.offer_id, click.id));
            redirect(&tracker, &url, campaign.redirect, &cookies)
        }
        None => nowhere(),
    }
}

/// A visitor of whom no click is known: his cookie is gone, or the page cut its links. He was paid for all the same.
fn lost(request: &HttpRequest, tracker: &Tracker, catalog: &Catalog) -> HttpResponse {
    let url = tracker.router(catalog).lost_url(asking(request));
    url.map_or_else(nowhere, |url| redirect(tracker, &url, Redirect::Found, &[]))
}

/// The click by the sealed token, by its id in memory or the database, or by cookie.
async fn find_click(request: &HttpRequest, tracker: &web::Data<Tracker>) -> Option<Arc<ClickRecord>> {
    let param = |name: &str| {
        request
            .query_string()
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .map(decode)
    };
    if let Some(click) = param("ct").and_then(|token| tracker.sealer.open_click(&token)) {
        return Some(Arc::new(click));
    }
    if let Some(id) = param("cid").and_then(|text| ClickId::parse(&text)) {
        if let Some(click) = tracker.recent.find(id) {
            return Some(click);
        }
        if let Some(click) = look_up(tracker, id).await {
            return Some(Arc::new(click));
        }
    }
    cookie(request, CLICK_COOKIE).and_then(|token| tracker.sealer.open_click(token)).map(Arc::new)
}

/// The one place of the click path that reads the database: bounded, on a blocking thread. A click of a moment ago may have
/// been taken by another node, whose journal is on its way there: it is looked for again.
async fn look_up(tracker: &web::Data<Tracker>, id: ClickId) -> Option<ClickRecord> {
    tracker.ingested.wait_for_click(id, LOOK_UP_LONGEST).await;
    let looking = async {
        loop {
            let found = look_up_once(tracker, id).await;
            let is_young = now_ms().saturating_sub(id.unix_ms()) < ELSEWHERE_MS;
            if found.is_some() || !is_young {
                return found;
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    };
    tokio::time::timeout(LOOK_UP_LONGEST, looking).await.ok().flatten()
}

async fn look_up_once(tracker: &web::Data<Tracker>, id: ClickId) -> Option<ClickRecord> {
    let db = Arc::clone(&tracker.db);
    match web::block(move || db.read(|conn| click_log::find(conn, id))).await {
        Ok(Ok(found)) => found.map(|stored| stored.record),
        Ok(Err(why)) => {
            tracing::warn!(%why, "a lander's button could not look for its click");
            None
        }
        Err(_) => None,
    }
}
