//! What comes after the first choice: a lander's button, and the places for visitors for whom nothing else is left.

use super::arrival::Router;
use super::asked::{Asked, NoHeaders};
use super::catalog::CampaignRoute;
use super::choose::{Chooser, End};
use super::draw::Draws;
use super::values::ClickValues;
use crate::domain::click::ClickRecord;
use crate::domain::macros::Macro;
use crate::domain::template::MacroValues;

/// Where a lander's button leads.
#[derive(Debug)]
pub struct Pressed {
    /// The offer, where it is one.
    pub offer_id: Option<i64>,
    /// The address; `None` where not even a fallback is left.
    pub url: Option<String>,
}

impl Router<'_> {
    /// Where a visitor goes for whom nothing else is left: the campaign's place, the host's, the account's. One that leads
    /// back to a campaign of this host would lead in a circle.
    pub(super) fn fallback(
        &self,
        campaign: Option<&CampaignRoute>,
        host: Option<&str>,
        values: &impl MacroValues,
    ) -> Option<String> {
        let own = campaign.and_then(|campaign| campaign.fallback.as_ref());
        let of_host = || host.and_then(|host| self.catalog.hosts().fallback(host));
        let levels = [own, of_host(), self.catalog.fallback()];
        let mut urls = levels.into_iter().flatten().map(|template| template.fill(values));
        urls.find(|url| !host.is_some_and(|host| is_click_on(url, host)))
    }

    /// Where a visitor goes whose address no campaign has.
    #[must_use]
    pub fn lost(&self, host: Option<&str>) -> Option<String> {
        self.fallback(None, host, &NoClick)
    }

    /// Where a lander's button leads: to the n-th of the path's targets where it is open, else to one by weight. One that
    /// is counted takes its place under the offer's caps of clicks.
    #[must_use]
    pub fn press(
        &self,
        click: &ClickRecord,
        button: Option<usize>,
        seen: Option<&str>,
        (now_ms, is_counted): (i64, bool),
    ) -> Option<Pressed> {
        let campaign = self.catalog.campaign(click.campaign_id)?;
        let own = click.path_id.and_then(|id| self.catalog.path(campaign.id, id));
        let path = own.or_else(|| campaign.all_paths().find(|path| path.is_usable));
        let seen = seen.filter(|_| campaign.has_memory()).and_then(|sealed| self.sealer.open_seen(sealed));
        let seen = seen.map(|seen| self.memory.known(seen));
        let visit = Asked { record: click, now_ms, query: "", referrer: None, headers: &NoHeaders };
        let chooser = Chooser {
            catalog: self.catalog,
            caps: self.caps,
            visit: &visit,
            country: click.country,
            seen: seen.as_ref(),
            door: campaign,
        };
        let draws = if campaign.is_sticky { Draws::of_visitor(click) } else { Draws::random() };
        let is_counted = is_counted && click.bot.is_none() && !click.is_test;
        let press = || path.and_then(|path| chooser.press(path, button, draws));
        let end = self.reserve(is_counted, now_ms, press, |end| match end {
            Some(End::Offer(offer)) => Some(offer.id),
            _ => None,
        });
        let end = end.flatten();
        let offer = match end {
            Some(End::Offer(offer)) => Some(offer.as_ref()),
            _ => None,
        };
        let mut values = ClickValues::later(click, self.catalog);
        values.offer = offer;
        let template = match end {
            Some(End::Url(template)) => Some(template),
            _ => offer.and_then(|offer| offer.template.as_ref()),
        };
        let url = match template {
            Some(template) => Some(template.fill(&values)),
            None => self.fallback(Some(campaign), click.domain.as_deref(), &values),
        };
        Some(Pressed { offer_id: offer.map(|offer| offer.id), url })
    }
}

/// Nothing is known: no click came.
struct NoClick;

impl MacroValues for NoClick {
    fn write_value(&self, _: Macro, _: &mut String) {}
}

/// Whether an address is a campaign's on this host.
fn is_click_on(url: &str, host: &str) -> bool {
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.get(..host.len()).filter(|start| start.eq_ignore_ascii_case(host));
    path.is_some() && after_scheme.get(host.len()..).is_some_and(|path| path.starts_with("/c/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leads_back_here_is_known() {
        assert!(is_click_on("https://TRK.example:8080/c/abc?x=1", "trk.example:8080"));
        assert!(!is_click_on("https://trk.example/other", "trk.example"));
        assert!(!is_click_on("https://trk.example.org/c/abc", "trk.example"));
        assert!(!is_click_on("myapp://open", "trk.example"));
    }
}
