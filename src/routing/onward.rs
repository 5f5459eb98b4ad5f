//! What comes after the first choice: a lander's button.

use super::arrival::Router;
use super::asked::{Asked, NoHeaders};
use super::catalog::CampaignRoute;
use super::choose::{Chooser, End};
use super::draw::Draws;
use super::fallback::{Asking, Fallback};
use super::memory::{Seen, Visit};
use super::values::ClickValues;
use crate::domain::click::ClickRecord;

/// How a lander's button is pressed.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// Which of the path's targets it stands for; none for any of them.
    pub button: Option<usize>,
    /// The cookie that says what the visitor has seen, as it came.
    pub seen: Option<&'a str>,
    /// Now, Unix milliseconds.
    pub now_ms: i64,
    /// A person presses it: it takes a place under caps, and is remembered.
    pub is_counted: bool,
    /// Where the request came to.
    pub asking: Asking<'a>,
}

/// Where a lander's button leads.
#[derive(Debug)]
pub struct Pressed {
    /// The offer, where it is one.
    pub offer_id: Option<i64>,
    /// The address; `None` where not even a fallback is left.
    pub url: Option<String>,
    /// What the visitor has now seen, sealed for his cookie, where the campaign asks for it.
    pub seen: Option<String>,
}

impl Router<'_> {
    /// Where a lander's button leads: to the n-th of the path's targets where it is open, else to the one that a sticky
    /// campaign's visitor knows, else to one by weight. One that is counted takes its place under the offer's caps of
    /// clicks.
    #[must_use]
    pub fn press(&self, click: &ClickRecord, press: &Press<'_>) -> Option<Pressed> {
        let campaign = self.catalog.campaign(click.campaign_id)?;
        let own = click.path_id.and_then(|id| self.catalog.path(campaign.id, id));
        let path = own.or_else(|| campaign.all_paths().find(|path| path.is_usable));
        let is_counted = press.is_counted && click.bot.is_none() && !click.is_test;
        let seen = self.recall_click(campaign, click, press.seen.filter(|_| is_counted), is_counted);
        let visit =
            Asked { record: click, now_ms: press.now_ms, query: "", referrer: None, headers: &NoHeaders };
        let chooser = Chooser {
            catalog: self.catalog,
            caps: self.caps,
            visit: &visit,
            country: click.country,
            seen: seen.as_ref(),
            door: campaign,
        };
        let draws = if campaign.is_sticky { Draws::of_visitor(click) } else { Draws::random() };
        let now_ms = press.now_ms;
        let mut values = ClickValues::later(click, self.catalog);
        let asking = Asking { host: click.domain.as_deref().or(press.asking.host), ..press.asking };
        let mut end = self.reserve_end(is_counted, now_ms, || {
            path.and_then(|path| chooser.press(path, press.button, draws))
        });
        let mut url = None;
        if end.is_none() {
            match self.fallback(Some(campaign), asking, &values, |inner| {
                self.reserve_end(is_counted, now_ms, || chooser.press_on(inner, draws))
            }) {
                Some(Fallback::Inside(found)) => end = Some(found),
                Some(Fallback::Url(address)) => url = Some(address),
                None => {}
            }
        }
        values.offer = end.and_then(End::offer);
        if let Some(template) = end.and_then(End::template) {
            url = Some(template.fill(&values));
        }
        let offer_id = values.offer.map(|offer| offer.id);
        let seen = seen.and_then(|seen| self.remember_press(seen, click, offer_id));
        Some(Pressed { offer_id, url, seen })
    }

    fn reserve_end<'c>(
        &self,
        is_counted: bool,
        now_ms: i64,
        draw: impl Fn() -> Option<End<'c>>,
    ) -> Option<End<'c>> {
        let offer_id = |end: &Option<End<'_>>| end.and_then(End::offer).map(|offer| offer.id);
        self.reserve(is_counted, now_ms, draw, offer_id).flatten()
    }

    /// What the visitor has seen who presses a button, where the campaign asks for it.
    fn recall_click(
        &self,
        campaign: &CampaignRoute,
        click: &ClickRecord,
        cookie: Option<&str>,
        is_counted: bool,
    ) -> Option<Seen> {
        if !campaign.has_memory() || !is_counted {
            return None;
        }
        Some(self.memory.recall_click(cookie.and_then(|sealed| self.sealer.open_seen(sealed)), click))
    }

    /// Keeps which offer a button led to; the cookie's new value.
    fn remember_press(&self, seen: Seen, click: &ClickRecord, offer_id: Option<i64>) -> Option<String> {
        let visit = Visit {
            click_id: click.id,
            campaign_id: click.campaign_id,
            path_id: click.path_id?,
            lander_id: click.lander_id,
            offer_id: Some(offer_id?),
        };
        Some(self.sealer.seal_seen(&self.memory.keep(seen, visit, click.address, click.agent_id)))
    }
}
