//! A test postback: a real one through the same ledger, flagged as a test.

use super::{Error, Tracker, now_ms};
use crate::conversions::{Incoming, Verdict};
use crate::domain::advertiser::MissingStatus;
use crate::domain::click_id::ClickId;
use crate::domain::offer::Offer;
use crate::routing::AdvertiserRoute;
use actix_web::HttpRequest;
use std::sync::Arc;

/// Sends what the advertiser of an offer would send for a sale of this click.
///
/// # Errors
/// The offer has no advertiser any more; the postback could not be stored.
pub async fn send(
    request: &HttpRequest,
    tracker: &Tracker,
    click_id: ClickId,
    offer_id: i64,
) -> Result<Verdict, Error> {
    let catalog = tracker.catalog.get();
    let offer = catalog.offer(offer_id).map(Arc::clone).ok_or(Error::NotFound)?;
    let advertiser = offer.offer.advertiser_id.and_then(|id| catalog.advertiser(id)).map(Arc::clone);
    let advertiser = advertiser.ok_or(Error::NotFound)?;
    let incoming = Incoming {
        whole: None,
        key: advertiser.key.clone(),
        method: "GET".to_owned(),
        address: tracker.client_address(request).to_string(),
        content_type: None,
        query: query(click_id, &offer.offer, &advertiser).into_bytes(),
        body: Vec::new(),
        is_body_cut: false,
        agent: None,
        signature: None,
        received_at_ms: now_ms(),
        is_test: true,
        is_as_from_outside: false,
    };
    let unstored = |_not_stored| Error::Unavailable("a test postback could not be stored".to_owned());
    tracker.postbacks.receive(incoming).await.map_err(unstored)
}

/// What the advertiser of an offer would send for a sale of a click.
#[must_use]
pub fn query(click_id: ClickId, offer: &Offer, advertiser: &AdvertiserRoute) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("cid", &click_id.to_string());
    if let Some(revenue) = offer.revenue {
        query.append_pair("payout", &revenue.to_string());
    } else if offer.revenue_percent_millionths.is_some() {
        query.append_pair("sale_amount", "100.00");
    }
    query.append_pair("txid", &format!("test-{:08x}", rand::random::<u32>()));
    if advertiser.advertiser.missing_status == MissingStatus::Refused {
        query.append_pair("status", "approved");
    }
    query.finish()
}
