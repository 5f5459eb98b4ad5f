//! One click from its facts to its target, in a short list of named steps. No database, no HTTP.

use super::asked::{Asked, Headers};
use super::caps::Caps;
use super::catalog::{CampaignRoute, Catalog, CostRule, OfferRoute, PathRoute};
use super::choose::{Choice, Chooser, End};
use super::draw::Draws;
use super::fallback::{Asking, Fallback};
use super::memory::{Memory, Seen, Visit};
use super::query::{QueryValues, with_query};
use super::token::Sealer;
use super::values::ClickValues;
use crate::domain::click::{ClickRecord, RouteRefusal, VALUE_CHARS_MAX, cut};
use crate::domain::click_id::ClickId;
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
    /// Its headers, for rules that ask for them.
    pub headers: &'a dyn Headers,
    /// The cookie that says what the visitor has seen, as it came.
    pub seen: Option<&'a str>,
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
    /// What the visitor has now seen, sealed for his cookie, where the campaign asks for it.
    pub seen: Option<String>,
}

/// What routing works with besides the arrival.
pub struct Router<'a> {
    /// What is saved.
    pub catalog: &'a Catalog,
    /// Who visitors are.
    pub visitor: &'a Visitor,
    /// Seals clicks for landers.
    pub sealer: &'a Sealer,
    /// What visitors have seen.
    pub memory: &'a Memory,
    /// Which offers have room.
    pub caps: &'a dyn Caps,
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
        self.route_as(campaign, arrival, facts, (draws, Id::HandedOut))
    }

    /// Routes the visit of a page that is itself the lander: the path counts, and the lander where it has one, but no offer
    /// is reached, and no place under its caps taken, before a link is pressed.
    #[must_use]
    pub fn visit<'a>(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'a>,
        facts: &'a Facts<'a>,
        draws: Draws,
    ) -> ClickRecord<&'a str> {
        self.route_as(campaign, arrival, facts, (draws, Id::Visit)).record
    }

    fn route_as<'a>(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'a>,
        facts: &'a Facts<'a>,
        (draws, id): (Draws, Id),
    ) -> Routed<'a> {
        let is_unique = self.is_unique(campaign, arrival, &facts.who);
        let record = describe(campaign, arrival, facts, is_unique);
        let seen = self.recall(campaign, arrival, &record);
        let mut routed = self.send(campaign, arrival, record, seen.as_ref(), (draws, id));
        routed.seen = seen.and_then(|seen| self.remember(seen, arrival, &routed.record));
        routed
    }

    /// Where a click would go that is not kept, and its record before it is sent anywhere.
    pub(super) fn unkept<'a>(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'a>,
        facts: &'a Facts<'a>,
        is_unique: bool,
        draws: Draws,
    ) -> (Routed<'a>, ClickRecord<&'a str>) {
        let record = describe(campaign, arrival, facts, is_unique);
        (self.send(campaign, arrival, record.clone(), None, (draws, Id::Withheld)), record)
    }

    /// What the visitor has seen, where the campaign asks for it. A machine sees nothing: a browser that loads ahead is
    /// followed by its owner.
    fn recall(
        &self,
        campaign: &CampaignRoute,
        arrival: &Arrival<'_>,
        record: &ClickRecord<&str>,
    ) -> Option<Seen> {
        if !campaign.has_memory() || arrival.is_test || record.bot.is_some() {
            return None;
        }
        let cookie = arrival.seen.and_then(|sealed| self.sealer.open_seen(sealed));
        Some(self.memory.recall(cookie, arrival.visitor.address, record.agent_id))
    }

    /// Keeps where the visitor was sent; the cookie's new value.
    fn remember(&self, seen: Seen, arrival: &Arrival<'_>, record: &ClickRecord<&str>) -> Option<String> {
        let visit = Visit {
            click_id: record.id,
            campaign_id: record.campaign_id,
            path_id: record.path_id?,
            lander_id: record.lander_id,
            offer_id: record.offer_id,
        };
        let seen = self.memory.keep(seen, visit, Some(arrival.visitor.address), record.agent_id);
        Some(self.sealer.seal_seen(&seen))
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
        self.send(campaign, arrival, record, None, (draws, Id::Withheld)).url
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
        seen: Option<&Seen>,
        (draws, id): (Draws, Id),
    ) -> Routed<'a> {
        let (chosen, fallback) = self.settle(campaign, arrival, &record, seen, (draws, id));
        note(&mut record, &chosen);
        if id == Id::Visit {
            record.offer_id = None;
        }
        let is_handed_out = id != Id::Withheld;
        let chosen = chosen.ok();
        let lander = chosen.as_ref().and_then(|choice| choice.lander);
        let click_token = lander.filter(|_| is_handed_out).map(|_| self.sealer.seal_click(&record));
        let mut filled = ClickValues::new(&record, self.catalog, arrival);
        filled.is_lost = !is_handed_out;
        filled.lander = lander.map(Arc::as_ref);
        filled.click_token = click_token.as_deref();
        if lander.is_some() {
            // A lander's address may name the offer only where it cannot be another one.
            filled.offer = chosen.as_ref().and_then(|choice| only_offer(choice.path));
        }
        let template = match &chosen {
            Some(Choice { lander: Some(lander), .. }) => lander.template.as_ref(),
            Some(Choice { end: End::Offer(offer), .. }) => offer.template.as_ref(),
            Some(Choice { end: End::Url(template), .. }) => Some(*template),
            _ => None,
        };
        let url = match template.map(|template| template.fill(&filled)) {
            Some(url) if campaign.append_query => Some(with_query(&url, arrival.query)),
            Some(url) => Some(url),
            None => fallback,
        };
        Routed { record, url, click_token, seen: None }
    }

    /// What is chosen for a click: on its campaign, else on one that it falls back to; else why not, and the address where
    /// the visitor goes instead.
    fn settle<'c>(
        &'c self,
        campaign: &'c CampaignRoute,
        arrival: &Arrival<'_>,
        record: &ClickRecord<&str>,
        seen: Option<&Seen>,
        (draws, id): (Draws, Id),
    ) -> (Result<Choice<'c>, RouteRefusal>, Option<String>) {
        let is_counted = id == Id::HandedOut && record.bot.is_none() && !record.is_test;
        let choose_on = |on: &'c CampaignRoute| {
            let choose = || self.choose((campaign, on), arrival, record, seen, draws);
            let chosen = self.reserve(is_counted, arrival.now_ms, choose, |choice| match choice {
                Ok(Choice { end: End::Offer(offer), .. }) => Some(offer.id),
                _ => None,
            });
            chosen.unwrap_or(Err(RouteRefusal::NoOffer))
        };
        let chosen = choose_on(campaign);
        if chosen.is_ok() {
            return (chosen, None);
        }
        let mut values = ClickValues::new(record, self.catalog, arrival);
        values.is_lost = id == Id::Withheld;
        let asking = Asking { host: arrival.host, query: arrival.query };
        match self.fallback(Some(campaign), asking, &values, |inner| choose_on(inner).ok()) {
            Some(Fallback::Inside(choice)) => (Ok(choice), None),
            Some(Fallback::Url(url)) => (chosen, Some(url)),
            None => (chosen, None),
        }
    }

    /// Chooses on a campaign for a click that came to another, its door, or to the same.
    fn choose<'c>(
        &'c self,
        (door, on): (&'c CampaignRoute, &'c CampaignRoute),
        arrival: &Arrival<'_>,
        record: &ClickRecord<&str>,
        seen: Option<&Seen>,
        draws: Draws,
    ) -> Result<Choice<'c>, RouteRefusal> {
        let visit = Asked {
            record,
            now_ms: arrival.now_ms,
            query: arrival.query,
            referrer: arrival.visitor.referrer,
            headers: arrival.headers,
        };
        Chooser { catalog: self.catalog, caps: self.caps, visit: &visit, country: record.country, seen, door }
            .choose(on, draws)
    }
}

/// Writes into a click's record what was chosen for it.
fn note(record: &mut ClickRecord<&str>, chosen: &Result<Choice<'_>, RouteRefusal>) {
    match chosen {
        Ok(choice) => {
            record.rule_id = choice.rule_id;
            record.path_id = Some(choice.path.id);
            record.lander_id = choice.lander.map(|lander| lander.id);
            match choice.end {
                End::Offer(offer) => record.offer_id = Some(offer.id),
                End::Url(_) => record.refusal = Some(RouteRefusal::AtCap),
                End::Lander => {}
            }
        }
        Err(refusal) => record.refusal = Some(*refusal),
    }
}

/// Whether the click's id may leave the house.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    HandedOut,
    /// Handed out to a page that is itself the lander.
    Visit,
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
    match path.targets.as_slice() {
        [(only, _)] => only.offer().map(Arc::as_ref),
        _ => None,
    }
}

/// What a click cost: rounded half-even to one micro, once, here.
fn cost(campaign: &CampaignRoute, sent: Option<Money>) -> Option<Money> {
    match campaign.cost {
        CostRule::Unknown => None,
        CostRule::PerClick(amount) => Some(amount),
        CostRule::Param(unit) => sent.map(|amount| in_unit(amount, unit)),
    }
}
