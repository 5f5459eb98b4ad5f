//! The test console: a postback as somebody writes it, judged as a real one, and shown with each check.

use super::test_postback::query;
use super::{App, Error, OwnJournal, Tracker, now_ms, reading, test_click};
use crate::conversions::{Incoming, Trial};
use crate::db::search::Saved;
use crate::db::{self, AnyConnection, Priority, click_log, credentials};
use crate::domain::campaign::{Campaign, WeightedTarget};
use crate::domain::click_id::ClickId;
use crate::domain::input::FieldErrors;
use crate::domain::lander::EntityStatus;
use crate::domain::offer::Offer;
use crate::entities;
use crate::routing::AdvertiserRoute;
use actix_web::{HttpRequest, web};
use std::net::IpAddr;
use std::sync::Arc;

/// The longest text that a trial sends: as much as fits on a page.
pub const CONTENT_BYTES_MAX: usize = 16 * 1024;

/// A postback as somebody writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The query string, without its question mark.
    pub query: String,
    /// The body of a POST; nothing for a GET.
    pub body: String,
    /// The address that it is to come from; that of whoever sends it where none is named.
    pub address: Option<IpAddr>,
    /// It is signed, as its advertiser would.
    pub is_signed: bool,
    /// Its address and signature are judged too, as if it came from outside.
    pub is_as_from_outside: bool,
}

/// The click that an advertiser's tests are about, and the offer that it led to. It is made where there is none yet; `None`
/// where no active campaign leads to an offer of the advertiser.
///
/// # Errors
/// There is no such advertiser; the click could not be kept; the database fails.
pub async fn test_click_of(
    app: &web::Data<App>,
    tracker: &Tracker,
    journal: &OwnJournal,
    request: &HttpRequest,
    id: i64,
) -> Result<Option<(ClickId, i64)>, Error> {
    let (known, campaign) = reading(app, move |app| {
        let own = entities::credentials::of(&app.db, &[id])?.remove(&id).ok_or(entities::Error::NotFound)?;
        let found = app.db.read(|conn| {
            let known = match own.test_click_id {
                Some(click_id) => led_to(conn, click_id)?.map(|offer_id| (click_id, offer_id)),
                None => None,
            };
            Ok::<_, db::Error>((known, if known.is_some() { None } else { campaign_of(conn, id)? }))
        });
        Ok::<_, entities::Error>(found?)
    })
    .await?;
    if known.is_some() {
        return Ok(known);
    }
    let Some(campaign_id) = campaign else { return Ok(None) };
    let sent = test_click::send(request, tracker, &journal.0, (campaign_id, Some(id))).await?;
    let catalog = tracker.catalog.get();
    let is_own =
        |offer_id: &i64| catalog.offer(*offer_id).is_some_and(|route| route.offer.advertiser_id == Some(id));
    let Some(offer_id) = sent.offer_id.filter(is_own) else { return Ok(None) };
    reading(app, move |app| {
        app.db.write(Priority::Pages, |conn| credentials::put_test_click(conn, id, sent.id))
    })
    .await?;
    Ok(Some((sent.id, offer_id)))
}

/// The offer that a click led to, where the click is still there.
///
/// # Errors
/// The database fails.
pub fn led_to(conn: &mut AnyConnection, id: ClickId) -> db::Result<Option<i64>> {
    let click = click_log::find(conn, id)?;
    Ok(click.and_then(|click| click.last_offer_id.or(click.record.offer_id)))
}

/// The newest active campaign that leads to an offer of an advertiser.
fn campaign_of(conn: &mut AnyConnection, id: i64) -> db::Result<Option<i64>> {
    let is_own = |offer: &&Saved<Offer>| offer.value.advertiser_id == Some(id);
    let offers = db::offers::all(conn)?;
    let own: Vec<i64> = offers.iter().filter(is_own).map(|offer| offer.id).collect();
    let leads = |campaign: &&Saved<Campaign>| {
        let mut targets =
            campaign.value.all_paths().flat_map(|path| &path.offers).filter_map(WeightedTarget::offer_id);
        campaign.value.status == EntityStatus::Active && targets.any(|id| own.contains(&id))
    };
    Ok(db::campaigns::all(conn)?.iter().rev().find(leads).map(|campaign| campaign.id))
}

/// The advertiser as postbacks know it. It is there a moment after it was made.
///
/// # Errors
/// There is no such advertiser.
pub fn advertiser(tracker: &Tracker, id: i64) -> Result<Arc<AdvertiserRoute>, Error> {
    tracker.catalog.get().advertiser(id).map(Arc::clone).ok_or(Error::NotFound)
}

/// What an advertiser would send for a sale of its test click.
#[must_use]
pub fn sample(tracker: &Tracker, route: &AdvertiserRoute, click: Option<(ClickId, i64)>) -> String {
    let catalog = tracker.catalog.get();
    let found = click.and_then(|(id, offer_id)| Some((id, catalog.offer(offer_id)?)));
    found.map(|(id, offer)| query(id, &offer.offer, route)).unwrap_or_default()
}

/// Sends a trial.
///
/// # Errors
/// It is too long, it cannot be signed, or it could not be stored.
pub async fn send(
    tracker: &Tracker,
    request: &HttpRequest,
    route: &AdvertiserRoute,
    draft: &Draft,
) -> Result<(Incoming, Trial), Error> {
    for (field, text) in [("query", &draft.query), ("body", &draft.body)] {
        if text.len() > CONTENT_BYTES_MAX {
            let why = format!("Must have at most {CONTENT_BYTES_MAX} bytes");
            return Err(FieldErrors::one(field, why).into());
        }
    }
    let has_body = !draft.body.trim().is_empty();
    let is_json = draft.body.trim_start().starts_with(['{', '[']);
    let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
    let mut incoming = Incoming {
        key: route.key.clone(),
        method: if has_body { "POST" } else { "GET" }.to_owned(),
        address: draft.address.unwrap_or_else(|| tracker.client_address(request)).to_string(),
        content_type: has_body.then(|| kind.to_owned()),
        query: draft.query.trim().as_bytes().to_vec(),
        body: draft.body.trim().as_bytes().to_vec(),
        received_at_ms: now_ms(),
        is_test: true,
        is_as_from_outside: draft.is_as_from_outside || draft.is_signed,
        ..Incoming::default()
    };
    let nonce = format!("{:032x}", rand::random::<u128>());
    if draft.is_signed && !tracker.postbacks.sign(route, &mut incoming, &nonce) {
        let why = "There is no secret to sign with: make one on the advertiser's page".to_owned();
        return Err(FieldErrors::one("sign", why).into());
    }
    let trial = tracker.postbacks.try_out(incoming.clone()).await;
    let unstored = |_not_stored| Error::Unavailable("a test postback could not be stored".to_owned());
    Ok((incoming, trial.map_err(unstored)?))
}
