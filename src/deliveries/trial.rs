//! Trying a destination: one call now, with the whole exchange to look at. Nothing of it is kept.

use super::advice::advice;
use super::answered::{Judged, judge, kept};
use super::telling::{Facts, NotTold, prepare};
use crate::db::deliveries::Due;
use crate::domain::vault::Vault;
use crate::outgoing::Outgoing;
use crate::routing::{Catalog, DestinationRoute};
use std::time::Instant;

/// What was sent, and what came back.
#[derive(Clone, Debug)]
pub struct Trial {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// Where.
    pub url: String,
    /// The names of its headers; their values are nobody's to see.
    pub header_names: Vec<String>,
    /// With which body.
    pub body: Option<String>,
    /// The answer's HTTP status, where there was one.
    pub code: Option<u16>,
    /// The beginning of the answer.
    pub response: Option<String>,
    /// Milliseconds.
    pub duration_ms: i64,
    /// How it would be judged.
    pub judged: Judged,
    /// What to do about it, in one sentence; empty where it was taken.
    pub advice: String,
}

/// Tells a destination of a conversion as it stands, whatever it was told before.
///
/// # Errors
/// Why nothing can be sent.
pub async fn try_now(
    route: &DestinationRoute,
    facts: &Facts,
    (catalog, vault): (&Catalog, &Vault),
    outgoing: &Outgoing,
) -> Result<Trial, NotTold> {
    let conversion = &facts.conversion;
    let due = Due {
        id: 0,
        destination_id: route.id,
        conversion_id: conversion.id,
        idempotency_key: format!("test-{:032x}", rand::random::<u128>()),
        told_status: conversion.value.status,
        revenue_micros: conversion.value.revenue_micros,
        payout_micros: conversion.value.payout_micros,
        sale_amount_micros: conversion.value.sale_amount_micros,
        failures: 0,
        give_up_at_ms: 0,
    };
    let prepared = prepare(route, &due, Some(facts), catalog, vault)?;
    let call = prepared.call;
    let (url, body) = (call.url.clone(), call.body.as_deref().map(kept_whole));
    let fetched = call.grant.as_ref().map(|_| "Authorization".to_owned());
    let header_names = call.headers.iter().map(|(name, _)| name.clone()).chain(fetched).collect();
    let began = Instant::now();
    let outcome = outgoing.send(call).await;
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    Ok(Trial {
        method: route.destination.method.as_str(),
        url,
        header_names,
        body,
        code: outcome.as_ref().ok().map(|answer| answer.code),
        response: outcome.as_ref().ok().map(|answer| kept(&answer.body)),
        duration_ms,
        judged: judge(&outcome, &prepared.success_match),
        advice: advice(&outcome, &prepared.success_match),
    })
}

fn kept_whole(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
