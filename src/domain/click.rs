//! The click as it is recorded: facts, cost and where it was sent.

use super::bot::BotReason;
use super::click_id::ClickId;
use super::country::Country;
use super::device::Device;
use super::language::Language;
use super::money::Currency;
use super::words::word_enum;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::ops::Deref;

/// Characters kept of the source's click id.
pub const EXTERNAL_ID_CHARS_MAX: usize = 1_024;

/// Characters kept of any other value from the address.
pub const VALUE_CHARS_MAX: usize = 255;

word_enum! {
    /// Why a visitor could not be sent to an offer.
    pub enum RouteRefusal {
        /// The campaign is paused.
        CampaignPaused => "campaign_paused",
        /// No path can be drawn: all have weight 0, are paused, or lead nowhere.
        NoPath => "no_path",
        /// No offer of the path can be drawn.
        NoOffer => "no_offer",
        /// The target's template cannot be filled.
        BrokenTemplate => "broken_template",
        /// The offer is at its cap, and an address takes its visitors.
        AtCap => "at_cap",
    }
}

/// One click, as the journal and the database keep it.
///
/// Its texts are its own, or (on the click path, and on the way from the journal to the database) borrowed from where
/// they came: a click has a dozen of them, and copying each would cost more than deciding where the click goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClickRecord<Text = Box<str>> {
    /// Its id.
    pub id: ClickId,
    /// When it came, Unix milliseconds.
    pub clicked_at_ms: i64,
    /// The campaign it came to.
    pub campaign_id: i64,
    /// The source of that campaign at that time.
    pub source_id: Option<i64>,
    /// The path drawn.
    pub path_id: Option<i64>,
    /// The rule that chose the paths, where one did.
    pub rule_id: Option<i64>,
    /// The lander drawn; `None` goes straight to the offer.
    pub lander_id: Option<i64>,
    /// The offer drawn; on a lander the one its first button leads to is not yet known.
    pub offer_id: Option<i64>,
    /// Why it was sent to a fallback.
    pub refusal: Option<RouteRefusal>,
    /// The source's own click id.
    pub external_id: Option<Text>,
    /// The cost as it was given, in its own currency; `None` where none is known.
    pub cost_original_micros: Option<i64>,
    /// The currency of that.
    pub cost_currency: Option<Currency>,
    /// The cost in the account currency.
    pub cost_micros: i64,
    /// The visitor's country.
    pub country: Option<Country>,
    /// Region, where a city database knows it.
    pub region: Option<Text>,
    /// City, where a city database knows it.
    pub city: Option<Text>,
    /// The network's name.
    pub isp: Option<Text>,
    /// The network's number.
    pub asn: Option<i64>,
    /// The kind of connection.
    pub connection: Option<Text>,
    /// The kind of device.
    pub device: Device,
    /// Its brand.
    pub brand: Option<Text>,
    /// Its model.
    pub model: Option<Text>,
    /// The operating system.
    pub os: Option<Text>,
    /// Its version.
    pub os_version: Option<Text>,
    /// The browser.
    pub browser: Option<Text>,
    /// Its version.
    pub browser_version: Option<Text>,
    /// The first language, primary tag.
    pub language: Option<Language>,
    /// The host of the referring page.
    pub referrer_host: Option<Text>,
    /// The client's address; `None` where addresses are not kept.
    pub address: Option<IpAddr>,
    /// The key of the raw user agent.
    pub agent_id: i64,
    /// The raw user agent, which the database keeps once.
    pub agent: Text,
    /// The host it came to.
    pub domain: Option<Text>,
    /// The first of this visitor in the campaign's window.
    pub is_unique: bool,
    /// Why it is taken for a machine's.
    pub bot: Option<BotReason>,
    /// Made by a test; never counted among real figures.
    pub is_test: bool,
    /// A value was longer than what is kept.
    pub is_cut: bool,
    /// utm and ad-platform ids, by name.
    pub params: Vec<(Text, Text)>,
    /// Sub values by slot, 1 to 20.
    pub subs: Vec<(u8, Text)>,
}

impl<Text> ClickRecord<Text> {
    /// Whether its visitor saw a page before any offer: a lander, or a page that registered the visit itself and is a lander
    /// without a number.
    #[must_use]
    pub const fn is_lp_view(&self) -> bool {
        self.lander_id.is_some() || (self.offer_id.is_none() && self.refusal.is_none())
    }
}

impl<Text: Deref<Target = str>> ClickRecord<Text> {
    /// The same click with texts of its own.
    #[must_use]
    pub fn kept(&self) -> ClickRecord {
        let own = |text: &Text| -> Box<str> { (**text).into() };
        let some = |text: &Option<Text>| text.as_ref().map(own);
        ClickRecord {
            id: self.id,
            clicked_at_ms: self.clicked_at_ms,
            campaign_id: self.campaign_id,
            source_id: self.source_id,
            path_id: self.path_id,
            rule_id: self.rule_id,
            lander_id: self.lander_id,
            offer_id: self.offer_id,
            refusal: self.refusal,
            external_id: some(&self.external_id),
            cost_original_micros: self.cost_original_micros,
            cost_currency: self.cost_currency,
            cost_micros: self.cost_micros,
            country: self.country,
            region: some(&self.region),
            city: some(&self.city),
            isp: some(&self.isp),
            asn: self.asn,
            connection: some(&self.connection),
            device: self.device,
            brand: some(&self.brand),
            model: some(&self.model),
            os: some(&self.os),
            os_version: some(&self.os_version),
            browser: some(&self.browser),
            browser_version: some(&self.browser_version),
            language: self.language,
            referrer_host: some(&self.referrer_host),
            address: self.address,
            agent_id: self.agent_id,
            agent: own(&self.agent),
            domain: some(&self.domain),
            is_unique: self.is_unique,
            bot: self.bot,
            is_test: self.is_test,
            is_cut: self.is_cut,
            params: self.params.iter().map(|(name, value)| (own(name), own(value))).collect(),
            subs: self.subs.iter().map(|(slot, value)| (*slot, own(value))).collect(),
        }
    }

    /// The value of a sub slot, 1 to 20.
    #[must_use]
    pub fn sub(&self, slot: u8) -> Option<&str> {
        self.subs.iter().find(|(known, _)| *known == slot).map(|(_, value)| &**value)
    }
}

/// A visitor pressed a lander's button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LpClickRecord {
    /// Its own id.
    pub id: ClickId,
    /// The click it belongs to.
    pub click_id: ClickId,
    /// When, Unix milliseconds.
    pub clicked_at_ms: i64,
    /// The campaign.
    pub campaign_id: i64,
    /// The lander it was pressed on, where known.
    pub lander_id: Option<i64>,
    /// The offer it led to.
    pub offer_id: Option<i64>,
}

/// Cuts a text to so many characters; says whether something was lost.
#[must_use]
pub fn cut(text: &str, chars_max: usize) -> (&str, bool) {
    // Bytes are at least characters: the common short value needs no counting.
    if text.len() <= chars_max {
        return (text, false);
    }
    text.char_indices()
        .nth(chars_max)
        .and_then(|(at, _)| text.get(..at))
        .map_or((text, false), |kept| (kept, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_counts_characters_and_says_so() {
        assert_eq!(cut("äöü", 3), ("äöü", false));
        assert_eq!(cut("äöü", 2), ("äö", true));
        assert_eq!(cut("abc", 0), ("", true));
    }
}
