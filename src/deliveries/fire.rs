//! Which destinations a conversion is told to.

use crate::db::conversions::NewConversion;
use crate::db::deliveries::NewDelivery;
use crate::domain::delivery::{DeliveryState, TRIED_MS};
use crate::domain::destination::{Destination, Fire};
use crate::domain::lander::EntityStatus;
use crate::domain::status::Status;
use crate::routing::{Catalog, DestinationRoute};
use std::fmt::Write as _;

/// What happened to a conversion.
#[derive(Clone, Copy, Debug)]
pub struct Happening<'a> {
    /// Its number.
    pub conversion_id: i64,
    /// How it stands at the end of all that happens to it at once.
    pub conversion: &'a NewConversion,
    /// How it stood before; `None` where it is new, or nobody but a page had told of it.
    pub from: Option<Status>,
    /// How it stands now.
    pub to: Status,
    /// Revenue now, in the account currency.
    pub revenue_micros: i64,
    /// Payout now, in the account currency.
    pub payout_micros: i64,
    /// Its place among what happens at this moment.
    pub place: usize,
}

/// The places of one moment that are told apart; more happen to no conversion within one transaction.
const PLACES: i64 = 1 << 10;

/// The deliveries that follow from it.
#[must_use]
pub fn fired(catalog: &Catalog, happening: &Happening<'_>, now_ms: i64) -> Vec<NewDelivery> {
    let wanted = |route: &&DestinationRoute| wants(&route.destination, happening);
    let all: Vec<&DestinationRoute> =
        catalog.destinations().iter().map(AsRef::as_ref).filter(wanted).collect();
    let is_replaced = all.iter().any(|route| route.destination.replaces_global);
    all.into_iter()
        .filter(|route| !(is_replaced && route.destination.is_global()))
        .map(|route| delivery(route, happening, now_ms))
        .collect()
}

fn wants(destination: &Destination, happening: &Happening<'_>) -> bool {
    let conversion = happening.conversion;
    let is_told = |status: Status| destination.statuses.is_empty() || destination.statuses.contains(&status);
    let is_occasion = match (destination.fire, happening.from) {
        // What was told, or could have been before the destination was there, is not told later as if it were new.
        (Fire::Once, Some(from)) => !is_told(from),
        (Fire::Once | Fire::EachChange, _) => true,
    };
    destination.status == EntityStatus::Active
        && destination.is_test == conversion.is_test
        && destination.source_id.is_none_or(|id| conversion.source_id == Some(id))
        && destination.campaign_id.is_none_or(|id| conversion.campaign_id == id)
        && destination.offer_id.is_none_or(|id| conversion.offer_id == Some(id))
        && (destination.events.is_empty() || destination.events.contains(&conversion.event))
        && is_told(happening.to)
        && is_occasion
}

fn delivery(route: &DestinationRoute, happening: &Happening<'_>, now_ms: i64) -> NewDelivery {
    let place = i64::try_from(happening.place).unwrap_or(PLACES).min(PLACES - 1);
    let occasion = match route.destination.fire {
        Fire::Once => 0,
        Fire::EachChange => now_ms.saturating_mul(PLACES).saturating_add(place),
    };
    let first_at_ms = now_ms.saturating_add(route.destination.delay_seconds.saturating_mul(1_000));
    NewDelivery {
        destination_id: route.id,
        conversion_id: happening.conversion_id,
        occasion,
        idempotency_key: key(rand::random()),
        state: DeliveryState::Due.as_str().to_owned(),
        next_attempt_at_ms: first_at_ms,
        created_at_ms: now_ms,
        told_status: happening.to.as_str().to_owned(),
        revenue_micros: happening.revenue_micros,
        payout_micros: happening.payout_micros,
        sale_amount_micros: happening.conversion.sale_amount_micros,
        give_up_at_ms: first_at_ms.saturating_add(TRIED_MS),
    }
}

fn key(random: [u8; 16]) -> String {
    random.iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
