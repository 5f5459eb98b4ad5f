//! A conversion's facts in groups, and what it is in one sentence.

use super::unusual;
use crate::db::conversions::NewConversion;
use crate::domain::click::ClickRecord;
use crate::domain::money::Money;
use crate::domain::origin::Origin;
use crate::domain::rate::shown;
use crate::pages::click_story::{Teller, fact, group, link, named, raw};
use crate::pages::parts::{Fact, FactGroup};
use crate::pages::words::{MoneyWords, moment, span};

/// What it is, in one sentence.
pub(super) fn summary(teller: &Teller<'_>, value: &NewConversion) -> String {
    let revenue = teller.money.amount(Money::from_micros(value.revenue_micros));
    let advertiser = teller.names.advertiser(Some(value.advertiser_id));
    let after = span(value.after_ms());
    format!(
        "{revenue} from {advertiser}, {after} after its click at {}.",
        teller.names.campaign(value.campaign_id)
    )
}

/// How it became known, in words.
const fn known_by(value: &NewConversion) -> &'static str {
    match (value.origin, value.is_unconfirmed) {
        (Origin::Postback, _) => "postback",
        (Origin::Pixel, true) => "pixel, no postback has confirmed it yet",
        (Origin::Pixel, false) => "pixel, confirmed by a postback",
        (Origin::Hand, _) => "by hand",
        (Origin::Import, _) => "a file",
    }
}

/// Whose word the reported amount is.
const fn reported_by(value: &NewConversion) -> &'static str {
    if value.is_unconfirmed { "As the pixel said" } else { "As the postback said" }
}

/// Its facts in groups, with what its click was.
pub(super) fn groups(
    teller: &Teller<'_>,
    value: &NewConversion,
    click: Option<&ClickRecord>,
) -> Vec<FactGroup> {
    let time = |at_ms: i64| moment(teller.zone, at_ms, teller.now_ms);
    let own = |micros: i64| MoneyWords::new(value.currency).exact(Money::from_micros(micros));
    let account = |micros: i64| teller.money.exact(Money::from_micros(micros));
    let maybe = |micros: Option<i64>| micros.map(own).unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "no" };
    let what = group(
        "What",
        vec![
            fact("Event", &value.event),
            raw("Transaction", &value.txid),
            fact("Status", value.status.as_str()),
            raw("Their word for it", value.advertiser_status.as_deref().unwrap_or("")),
            raw("Reason", value.reason.as_deref().unwrap_or("")),
            fact("Counts as a conversion", yes(value.counts_as_conversion)),
            fact("Counts in revenue", yes(value.counts_in_revenue)),
        ],
    );
    let money = group(
        "Money",
        vec![
            fact("Revenue", &account(value.revenue_micros)),
            fact("In its own currency", &own(value.revenue_original_micros)),
            fact(reported_by(value), &maybe(value.revenue_reported_micros)),
            fact("Rate to the account currency", &shown(value.rate_nanos)),
            fact("Order value", &value.sale_amount_micros.map(account).unwrap_or_default()),
            fact("Payout", &account(value.payout_micros)),
            fact("Payout status", value.payout_status.as_str()),
        ],
    );
    let click_page = format!("/clicks/{}", value.click_id);
    let campaign = format!("/campaigns/{}/edit", value.campaign_id);
    let advertiser = format!("/advertisers/{}", value.advertiser_id);
    let whence = group(
        "Where it comes from",
        vec![
            Fact { is_code: true, ..link("Click", &value.click_id.to_string(), &click_page) },
            link("Campaign", &teller.names.campaign(value.campaign_id), &campaign),
            named("Offer", &teller.names.offer(value.offer_id), "offers", value.offer_id),
            named("Lander", &teller.names.lander(value.lander_id), "landers", value.lander_id),
            named("Source", &teller.names.source(value.source_id), "sources", value.source_id),
            link("Advertiser", &teller.names.advertiser(Some(value.advertiser_id)), &advertiser),
            fact("Became known by", known_by(value)),
        ],
    );
    let times = group(
        "Times",
        vec![
            fact("Click", &time(value.clicked_at_ms)),
            fact("Conversion", &time(value.converted_at_ms)),
            fact("Recorded", &time(value.recorded_at_ms)),
            fact("Last change", &time(value.updated_at_ms)),
            fact("Zone", teller.zone.name()),
        ],
    );
    vec![what, money, whence, unusual::facts(value, click), times]
}
