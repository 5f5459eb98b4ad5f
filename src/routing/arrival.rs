//! One click from its facts to its target, in a short list of named steps. No database, no HTTP.

use super::catalog::{CampaignRoute, Catalog, CostRule, LanderRoute, OfferRoute, PathRoute};
use super::query::QueryValues;
use super::token::Sealer;
use super::values::ClickValues;
use crate::domain::click::{ClickRecord, RouteRefusal, VALUE_CHARS_MAX, cut};
use crate::domain::click_id::ClickId;
use crate::domain::lander::EntityStatus;
use crate::domain::money::{Currency, Money};
use crate::domain::source::in_unit;
use crate::visitor::{self, BotSwitches, Described, Visitor};
use std::sync::Arc;

/// What came with a click, collected by the door it came through.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The new click's id.
    pub id: ClickId,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// The query string as it came.
    pub query: &'a str,
    /// The host it came to.
    pub host: Option<&'a str>,
    /// The visitor, as the `visitor` room takes it.
    pub visitor: visitor::Arrival<'a>,
    /// The visitor's cookie says that he was here within the window.
    pub is_known_by_cookie: bool,
    /// Made by a test.
    pub is_test: bool,
}

/// What an arrival tells: who it is, and what its address's parameters mean. A record borrows its texts from here.
#[derive(Debug)]
pub struct Facts<'a> {
    who: Described<'a>,
    values: QueryValues<'a>,
}

/// A routed click: what to record and where to send the visitor.
#[derive(Debug)]
pub struct Routed<'a> {
    /// What to record.
    pub record: ClickRecord<&'a str>,
    /// Where to send the visitor; `None` where not even a fallback is left.
    pub url: Option<String>,
    /// The sealed click for a lander's buttons, where a lander was drawn.
    pub click_token: Option<String>,
}

/// Random numbers for one click's draws. Given from outside, so that routing itself is a function.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    /// For the path.
    pub path: u64,
    /// For the lander.
    pub lander: u64,
    /// For the offer.
    pub offer: u64,
}

impl Draws {
    /// Fresh ones.
    #[must_use]
    pub fn random() -> Self {
        Self { path: rand::random(), lander: rand::random(), offer: rand::random() }
    }
}

/// What routing works with besides the arrival.
pub struct Router<'a> {
    /// What is saved.
    pub catalog: &'a Catalog,
    /// Who visitors are.
    pub visitor: &'a Visitor,
    /// Seals clicks for landers.
    pub sealer: &'a Sealer,
}

impl Router<'_> {
    /// Who is this, and what came with it.
    #[must_use]
    pub fn learn<'a>(&self, campaign: &CampaignRoute, arrival: &Arrival<'a>) -> Facts<'a> {
        // A test is nobody's crowd.
        let switches = if arrival.is_test { BotSwitches::default() } else { self.catalog.bots };
        Facts {
            who: self.visitor.describe(&arrival.visitor, switches, arrival.now_ms),
            values: QueryValues::read(arrival.query, campaign.source.as_deref()),
        }
    }

    /// Routes one click of a campaign.
    #[must_use]
    pub fn route<'a>(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'a>,
        facts: &'a Facts<'a>,
        draws: Draws,
    ) -> Routed<'a> {
        let is_unique = self.is_unique(campaign, arrival, &facts.who);
        let record = describe(campaign, arrival, facts, is_unique);
        self.send(campaign, arrival, record, draws, Id::HandedOut)
    }

    /// The target of a click that could not be kept: the same one, without a click id.
    #[must_use]
    pub fn without_id(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'_>,
        draws: Draws,
    ) -> Option<String> {
        let facts = self.learn(campaign, arrival);
        let record = describe(campaign, arrival, &facts, false);
        self.send(campaign, arrival, record, draws, Id::Withheld).url
    }

    /// Whether this is the visitor's first click in the campaign's window. A machine is never unique and does
    /// not use up a person's first time: a browser that loads ahead is followed by its owner.
    fn is_unique(&self, campaign: &CampaignRoute, arrival: &Arrival<'_>, who: &Described<'_>) -> bool {
        if arrival.is_test || who.bot.is_some() {
            return who.bot.is_none();
        }
        let is_new = self.visitor.uniques.first_seen(
            campaign.id,
            arrival.visitor.address,
            who.agent.hash,
            arrival.now_ms,
            campaign.unique_window_ms,
        );
        is_new && !arrival.is_known_by_cookie
    }

    fn send<'a>(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'a>,
        mut record: ClickRecord<&'a str>,
        draws: Draws,
        id: Id,
    ) -> Routed<'a> {
        let (path, lander, offer) = match choose(campaign, draws) {
            Ok(Choice { path, lander, offer }) => (Some(path), lander, offer),
            Err(refusal) => {
                record.refusal = Some(refusal);
                (None, None, None)
            }
        };
        record.path_id = path.map(|path| path.id);
        record.lander_id = lander.map(|lander| lander.id);
        record.offer_id = if lander.is_some() { None } else { offer.map(|offer| offer.id) };
        let is_handed_out = id == Id::HandedOut;
        let click_token = lander.filter(|_| is_handed_out).map(|_| self.sealer.seal_click(&record));
        let mut filled = ClickValues::new(&record, self.catalog, arrival);
        filled.is_lost = !is_handed_out;
        filled.lander = lander.map(Arc::as_ref);
        filled.click_token = click_token.as_deref();
        if lander.is_some() {
            // A lander's address may name the offer only where it cannot be another one.
            filled.offer = path.and_then(only_offer);
        }
        let template = match (lander, offer) {
            (Some(lander), _) => lander.template.as_ref(),
            (None, Some(offer)) => offer.template.as_ref(),
            (None, None) => campaign.fallback.as_ref(),
        };
        let url = template.map(|template| template.fill(&filled));
        let is_appended = campaign.append_query && path.is_some();
        let url = url.map(|url| if is_appended { with_query(url, arrival.query) } else { url });
        Routed { record, url, click_token }
    }
}

/// Whether the click's id may leave the house.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    HandedOut,
    /// Its click could not be kept.
    Withheld,
}

/// The record of an arrival that is not sent anywhere yet.
fn describe<'a>(
    campaign: &CampaignRoute,
    arrival: &Arrival<'a>,
    facts: &'a Facts<'a>,
    is_unique: bool,
) -> ClickRecord<&'a str> {
    let (who, values, agent) = (&facts.who, &facts.values, &*facts.who.agent);
    let cost = cost(campaign, values.cost);
    let source = campaign.source.as_deref();
    ClickRecord {
        id: arrival.id,
        clicked_at_ms: arrival.now_ms,
        campaign_id: campaign.id,
        source_id: source.map(|route| route.id),
        path_id: None,
        rule_id: None,
        lander_id: None,
        offer_id: None,
        refusal: None,
        external_id: values.external_id.as_deref(),
        cost_original_micros: cost.map(Money::micros),
        cost_currency: cost.map(|_| source.map_or(Currency::USD, |route| route.source.currency)),
        cost_micros: cost.map_or(0, Money::micros),
        country: who.place.country,
        region: who.place.region(),
        city: who.place.city(),
        isp: who.place.isp(),
        asn: who.place.asn(),
        connection: who.place.connection(),
        device: agent.device,
        brand: agent.brand.as_deref(),
        model: agent.model.as_deref(),
        os: agent.os.as_deref(),
        os_version: agent.os_version.as_deref(),
        browser: agent.browser.as_deref(),
        browser_version: agent.browser_version.as_deref(),
        language: who.language,
        referrer_host: who.referrer_host.as_deref(),
        address: Some(arrival.visitor.address),
        agent_id: agent.hash,
        agent: &agent.text,
        domain: arrival.host.map(|host| cut(host, VALUE_CHARS_MAX).0),
        is_unique,
        bot: who.bot,
        is_test: arrival.is_test || campaign.is_test,
        is_cut: values.is_cut,
        params: values.params.iter().map(|(name, value)| (&**name, &**value)).collect(),
        subs: values.subs.iter().map(|(slot, value)| (*slot, &**value)).collect(),
    }
}

fn only_offer(path: &PathRoute) -> Option<&OfferRoute> {
    match path.offers.as_slice() {
        [(only, _)] => Some(only),
        _ => None,
    }
}

/// What a draw came to.
struct Choice<'a> {
    path: &'a PathRoute,
    lander: Option<&'a Arc<LanderRoute>>,
    offer: Option<&'a Arc<OfferRoute>>,
}

fn choose(campaign: &CampaignRoute, draws: Draws) -> Result<Choice<'_>, RouteRefusal> {
    if campaign.status != EntityStatus::Active {
        return Err(RouteRefusal::CampaignPaused);
    }
    let usable = || campaign.paths.iter().filter(|path| path.is_usable);
    let path =
        draw(usable().map(|path| (path, path.weight)), draws.path).ok_or_else(|| why_nowhere(campaign))?;
    let lander = draw(path.landers.iter().map(|(lander, weight)| (lander, *weight)), draws.lander);
    let offer = draw_offer(path, draws.offer);
    if lander.is_none() && offer.is_none() {
        return Err(RouteRefusal::NoOffer);
    }
    Ok(Choice { path, lander, offer })
}

/// Why no path can be drawn: none in use, none with an offer in use, or an address that broke.
fn why_nowhere(campaign: &CampaignRoute) -> RouteRefusal {
    let open = || campaign.paths.iter().filter(|path| path.weight > 0);
    let offers = || open().flat_map(|path| path.offers.iter());
    if offers().any(|(offer, _)| offer.offer.status == EntityStatus::Active && offer.template.is_none()) {
        RouteRefusal::BrokenTemplate
    } else if offers().next().is_some() {
        RouteRefusal::NoOffer
    } else {
        RouteRefusal::NoPath
    }
}

/// An offer of a path by weight, among those that may be drawn.
#[must_use]
pub fn draw_offer(path: &PathRoute, random: u64) -> Option<&Arc<OfferRoute>> {
    let usable = path.offers.iter().filter(|(offer, _)| offer.is_usable);
    draw(usable.map(|(offer, weight)| (offer, *weight)), random)
}

/// Draws one by weight; weight 0 is never drawn. The bias of the remainder is below 1 in 10^13 for the
/// largest sum of weights.
fn draw<T>(entries: impl Iterator<Item = (T, u64)> + Clone, random: u64) -> Option<T> {
    let total: u64 = entries.clone().map(|(_, weight)| weight).sum();
    let mut at = random.checked_rem(total)?;
    for (entry, weight) in entries {
        if at < weight {
            return Some(entry);
        }
        at -= weight;
    }
    None
}

/// What a click cost: rounded half-even to one micro, once, here.
fn cost(campaign: &CampaignRoute, sent: Option<Money>) -> Option<Money> {
    match campaign.cost {
        CostRule::Unknown => None,
        CostRule::PerClick(amount) => Some(amount),
        CostRule::Param(unit) => sent.map(|amount| in_unit(amount, unit)),
    }
}

/// Appends the incoming query to a target, before its fragment.
fn with_query(url: String, query: &str) -> String {
    if query.is_empty() {
        return url;
    }
    let (head, fragment) = match url.split_once('#') {
        Some((head, fragment)) => (head, Some(fragment)),
        None => (url.as_str(), None),
    };
    let joint = if head.contains('?') { '&' } else { '?' };
    let mut joined = format!("{head}{joint}");
    for byte in query.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#') {
            joined.push(char::from(byte));
        } else {
            joined.push_str(&format!("%{byte:02X}"));
        }
    }
    if let Some(fragment) = fragment {
        joined.push('#');
        joined.push_str(fragment);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept_and_zero_is_never_drawn() {
        let entries = [("a", 70), ("b", 0), ("c", 30)];
        let mut counts = std::collections::HashMap::new();
        for random in 0..1_000 {
            *counts.entry(draw(entries.into_iter(), random).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(counts.get("a"), Some(&700));
        assert_eq!(counts.get("c"), Some(&300));
        assert_eq!(draw([("a", 0)].into_iter(), 5), None);
        assert_eq!(draw(std::iter::empty::<((), u64)>(), 5), None);
    }

    #[test]
    fn the_query_goes_before_the_fragment() {
        let joined = |url: &str, query| with_query(url.to_owned(), query);
        assert_eq!(joined("https://a.example/x", "a=1"), "https://a.example/x?a=1");
        assert_eq!(joined("https://a.example/?b=2#top", "a=1"), "https://a.example/?b=2&a=1#top");
        assert_eq!(joined("https://a.example/", "a=\u{e4}\r\n"), "https://a.example/?a=%C3%A4%0D%0A");
    }
}
