//! One click from its facts to its target, in a short list of named steps. No database, no HTTP.

use super::catalog::{CampaignRoute, Catalog, CostRule, LanderRoute, OfferRoute, PathRoute};
use super::query::QueryValues;
use super::token::Sealer;
use super::values::ClickValues;
use crate::domain::click::{ClickRecord, RouteRefusal};
use crate::domain::click_id::ClickId;
use crate::domain::lander::EntityStatus;
use crate::domain::macros::Macro;
use crate::domain::money::{Currency, Money};
use crate::domain::source::in_unit;
use crate::visitor::{self, Visitor};
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

/// A routed click: what to record and where to send the visitor.
#[derive(Debug)]
pub struct Routed {
    /// What to record.
    pub record: ClickRecord,
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
    /// Routes one click of a campaign.
    #[must_use]
    pub fn route(&self, campaign: &CampaignRoute, arrival: &Arrival<'_>, draws: Draws) -> Routed {
        let values = QueryValues::read(arrival.query, campaign.source.as_deref());
        let mut record = self.describe(campaign, arrival, &values);
        match choose(campaign, draws) {
            Ok(choice) => self.send(campaign, arrival, record, &choice),
            Err(refusal) => {
                record.refusal = Some(refusal);
                let filled = ClickValues::new(&record, self.catalog, arrival);
                let url = campaign.fallback.as_ref().map(|fallback| fallback.fill(&filled));
                Routed { record, url, click_token: None }
            }
        }
    }

    /// The target of a click that could not be kept: the same one, without a click id.
    #[must_use]
    pub fn without_id(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'_>,
        record: &ClickRecord,
    ) -> Option<String> {
        let path = campaign.paths.iter().find(|path| Some(path.id) == record.path_id);
        let lander =
            path.and_then(|path| path.landers.iter().find(|(lander, _)| Some(lander.id) == record.lander_id));
        let mut filled = ClickValues::new(record, self.catalog, arrival);
        filled.is_lost = true;
        let template = match lander {
            Some((lander, _)) => lander.template.as_ref(),
            None => filled.offer.and_then(|offer| offer.template.as_ref()).or(campaign.fallback.as_ref()),
        };
        template.map(|template| template.fill(&filled))
    }

    /// Who is this, what did it cost, what came with it.
    fn describe(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'_>,
        values: &QueryValues<'_>,
    ) -> ClickRecord {
        let who = self.visitor.describe(&arrival.visitor);
        let is_unique = self.is_unique(campaign, arrival, &who);
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
            external_id: values.external_id.as_deref().map(Into::into),
            cost_original_micros: cost.map(Money::micros),
            cost_currency: cost.map(|_| source.map_or(Currency::USD, |route| route.source.currency)),
            cost_micros: cost.map_or(0, Money::micros),
            country: who.country,
            region: None,
            city: None,
            isp: None,
            asn: None,
            connection: None,
            device: who.agent.device,
            brand: who.agent.brand.clone(),
            model: who.agent.model.clone(),
            os: who.agent.os.clone(),
            os_version: who.agent.os_version.clone(),
            browser: who.agent.browser.clone(),
            browser_version: who.agent.browser_version.clone(),
            language: who.language,
            referrer_host: who.referrer_host.map(Into::into),
            address: Some(arrival.visitor.address),
            agent_id: who.agent.hash,
            agent: who.agent.text.clone(),
            domain: arrival.host.map(|host| host.chars().take(255).collect()),
            is_unique,
            bot: who.bot,
            is_test: arrival.is_test || campaign.is_test,
            is_cut: values.is_cut,
            params: values.params.iter().map(|(name, value)| ((**name).into(), (**value).into())).collect(),
            subs: values.subs.iter().map(|(slot, value)| (*slot, (**value).into())).collect(),
        }
    }

    /// Whether this is the visitor's first click in the campaign's window. A machine is never unique and does
    /// not use up a person's first time: a browser that loads ahead is followed by its owner.
    fn is_unique(&self, campaign: &CampaignRoute, arrival: &Arrival<'_>, who: &visitor::Described) -> bool {
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

    fn send(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'_>,
        mut record: ClickRecord,
        choice: &Choice<'_>,
    ) -> Routed {
        record.path_id = Some(choice.path.id);
        record.lander_id = choice.lander.map(|lander| lander.id);
        record.offer_id = if choice.lander.is_some() { None } else { choice.offer.map(|offer| offer.id) };
        let click_token = choice.lander.map(|_| self.sealer.seal_click(&record));
        let mut filled = ClickValues::new(&record, self.catalog, arrival);
        filled.lander = choice.lander.map(Arc::as_ref);
        filled.click_token = click_token.as_deref();
        if choice.lander.is_some() {
            // A lander's address may name the offer only where it cannot be another one.
            filled.offer = only_offer(choice.path);
        }
        let template = match (choice.lander, choice.offer) {
            (Some(lander), _) => lander.template.as_ref(),
            (None, Some(offer)) => offer.template.as_ref(),
            (None, None) => None,
        };
        let url = template.map(|template| template.fill(&filled));
        let url = url.map(|url| if campaign.append_query { with_query(url, arrival.query) } else { url });
        Routed { record, url, click_token }
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

/// Whether an offer's address carries the click id at all: without it no conversion can come back.
#[must_use]
pub fn carries_click_id(offer: &OfferRoute) -> bool {
    offer.template.as_ref().is_some_and(|template| template.has(Macro::ClickId))
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
