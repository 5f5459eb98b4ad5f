//! The values of macros for one click.

use super::arrival::Arrival;
use super::catalog::{Catalog, LanderRoute, OfferRoute};
use crate::domain::click::ClickRecord;
use crate::domain::macros::Macro;
use crate::domain::money::Money;
use crate::domain::template::MacroValues;
use std::fmt::Write as _;
use std::ops::Deref;

/// A click with what its target's macros may ask for.
pub struct ClickValues<'a, Text = Box<str>> {
    record: &'a ClickRecord<Text>,
    catalog: &'a Catalog,
    /// The offer that is the target, or the only one a lander can lead to.
    pub offer: Option<&'a OfferRoute>,
    /// The lander drawn.
    pub lander: Option<&'a LanderRoute>,
    /// The sealed click, for a lander.
    pub click_token: Option<&'a str>,
    /// The whole referring address, which is not kept.
    pub referrer: Option<&'a str>,
    /// The click could not be kept: its id is not handed out.
    pub is_lost: bool,
}

impl<'a, Text: Deref<Target = str>> ClickValues<'a, Text> {
    /// The values of a click as it arrives.
    #[must_use]
    pub fn new(record: &'a ClickRecord<Text>, catalog: &'a Catalog, arrival: &Arrival<'a>) -> Self {
        let values = Self::later(record, catalog);
        Self { referrer: arrival.visitor.referrer, ..values }
    }

    /// The values of a click that came earlier, for a lander's button.
    #[must_use]
    pub fn later(record: &'a ClickRecord<Text>, catalog: &'a Catalog) -> Self {
        let offer = record.offer_id.and_then(|id| catalog.offer(id)).map(AsRef::as_ref);
        Self { record, catalog, offer, lander: None, click_token: None, referrer: None, is_lost: false }
    }

    fn write_named(&self, name: Macro, out: &mut String) {
        let campaign = || self.catalog.campaign(self.record.campaign_id);
        match name {
            Macro::CampaignName => out.push_str(campaign().map_or("", |route| &route.name)),
            Macro::OfferName => out.push_str(self.offer.map_or("", |route| &route.offer.name)),
            Macro::LanderName => out.push_str(self.lander.map_or("", |route| &route.name)),
            Macro::SourceName => {
                let source = campaign().and_then(|route| route.source.as_deref());
                out.push_str(source.map_or("", |route| &route.source.name));
            }
            Macro::Payout => {
                if let Some(revenue) = self.offer.and_then(|route| route.offer.revenue) {
                    push(out, revenue);
                }
            }
            Macro::Currency => {
                let currency = self.offer.map_or(self.catalog.currency, |route| route.offer.currency);
                out.push_str(currency.as_str());
            }
            Macro::Timestamp => push(out, self.record.clicked_at_ms.div_euclid(1_000)),
            Macro::Date => {
                if let Some(at) = chrono::DateTime::from_timestamp_millis(self.record.clicked_at_ms) {
                    push(out, at.format("%Y-%m-%d"));
                }
            }
            Macro::Random => push(out, rand::random::<u32>()),
            Macro::ClickToken => out.push_str(self.click_token.unwrap_or("")),
            Macro::Referrer => out.push_str(self.referrer.unwrap_or("")),
            _ => {}
        }
    }
}

/// Writing to a String cannot fail.
fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn push_id(out: &mut String, id: Option<i64>) {
    if let Some(id) = id {
        push(out, id);
    }
}

impl<Text: Deref<Target = str>> MacroValues for ClickValues<'_, Text> {
    fn write_value(&self, name: Macro, out: &mut String) {
        let click = self.record;
        let mut text = |value: Option<&str>| out.push_str(value.unwrap_or(""));
        match name {
            Macro::ClickId if self.is_lost => {}
            Macro::ClickId => click.id.push_to(out),
            Macro::ExternalId => text(click.external_id.as_deref()),
            Macro::Sub(slot) => text(click.sub(slot)),
            Macro::Country => text(click.country.as_ref().map(crate::domain::Country::as_str)),
            Macro::Region => text(click.region.as_deref()),
            Macro::City => text(click.city.as_deref()),
            Macro::Isp => text(click.isp.as_deref()),
            Macro::Connection => text(click.connection.as_deref()),
            Macro::Device => text(Some(click.device.as_str())),
            Macro::Brand => text(click.brand.as_deref()),
            Macro::Model => text(click.model.as_deref()),
            Macro::Os => text(click.os.as_deref()),
            Macro::OsVersion => text(click.os_version.as_deref()),
            Macro::Browser => text(click.browser.as_deref()),
            Macro::BrowserVersion => text(click.browser_version.as_deref()),
            Macro::Language => text(click.language.as_ref().map(crate::domain::Language::as_str)),
            Macro::ReferrerHost => text(click.referrer_host.as_deref()),
            Macro::TrackingDomain => text(click.domain.as_deref()),
            Macro::UserAgent => text(Some(&click.agent)),
            Macro::CampaignId => push(out, click.campaign_id),
            Macro::OfferId => push_id(out, self.offer.map(|route| route.id)),
            Macro::LanderId => push_id(out, click.lander_id),
            Macro::PathId => push_id(out, click.path_id),
            Macro::SourceId => push_id(out, click.source_id),
            Macro::Asn => push_id(out, click.asn),
            Macro::Cost => {
                if click.cost_original_micros.is_some() {
                    push(out, Money::from_micros(click.cost_micros));
                }
            }
            Macro::Ip => {
                if let Some(address) = click.address {
                    push(out, address);
                }
            }
            named => self.write_named(named, out),
        }
    }
}
