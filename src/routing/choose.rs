//! The choice: rules from the top down, then a path, a lander and an offer by weight, passing over what cannot take this
//! visitor.
//!
//! Every draw that comes to nothing is taken out and drawn again, so each ends after at most as many turns as it has
//! entries. Campaigns within campaigns and offers that hand on at their cap are followed [`CHAIN_MAX`] deep: loops are
//! refused when saved, and what slipped through ends here.

use super::caps::Caps;
use super::catalog::{CampaignRoute, Catalog, LanderRoute, OfferRoute, PathRoute, TargetRoute};
use super::draw::{Draws, draw_until};
use super::memory::Seen;
use crate::domain::Country;
use crate::domain::campaign::CHAIN_MAX;
use crate::domain::click::RouteRefusal;
use crate::domain::lander::EntityStatus;
use crate::domain::offer::AtCap;
use crate::domain::rule::Visit;
use crate::domain::template::Template;
use std::sync::Arc;

/// What a draw came to.
pub(super) struct Choice<'a> {
    /// The rule whose path it is.
    pub(super) rule_id: Option<i64>,
    pub(super) path: &'a PathRoute,
    pub(super) lander: Option<&'a Arc<LanderRoute>>,
    pub(super) end: End<'a>,
}

/// Where it ends.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// On a lander, whose buttons lead on.
    Lander,
    /// At an offer.
    Offer(&'a Arc<OfferRoute>),
    /// At the address that an offer at its cap names.
    Url(&'a Template),
}

impl<'a> End<'a> {
    /// The offer, where it is one.
    pub(super) fn offer(self) -> Option<&'a OfferRoute> {
        match self {
            End::Offer(offer) => Some(offer),
            End::Url(_) | End::Lander => None,
        }
    }

    /// The address, where it is not a lander's.
    pub(super) fn template(self) -> Option<&'a Template> {
        match self {
            End::Offer(offer) => offer.template.as_ref(),
            End::Url(template) => Some(template),
            End::Lander => None,
        }
    }
}

/// Chooses for one visitor.
pub(super) struct Chooser<'a, 'v, V> {
    pub(super) catalog: &'a Catalog,
    pub(super) caps: &'v dyn Caps,
    pub(super) visit: &'v V,
    pub(super) country: Option<Country>,
    /// What the visitor has seen, where the campaign asks for it.
    pub(super) seen: Option<&'v Seen>,
    /// The campaign that was clicked on: its switches hold for those within it too.
    pub(super) door: &'a CampaignRoute,
}

impl<'a, V: Visit> Chooser<'a, '_, V> {
    /// Chooses on a campaign: the one that was clicked on, or one that it falls back to.
    pub(super) fn choose(&self, on: &'a CampaignRoute, draws: Draws) -> Result<Choice<'a>, RouteRefusal> {
        if self.door.is_sticky
            && let Some(choice) = self.again(on, draws)
        {
            return Ok(choice);
        }
        self.within(on, draws, 0)
    }

    /// The rule that holds, and the paths that are tried: its own, then the default ones.
    fn ways(&self, campaign: &'a CampaignRoute) -> [(Option<i64>, &'a [PathRoute]); 2] {
        let rule = campaign.rules.iter().find(|rule| rule.matcher.holds(self.visit));
        let own = rule.map_or((None, &[][..]), |rule| (Some(rule.id), &*rule.paths));
        [own, (None, &campaign.paths)]
    }

    fn within(
        &self,
        campaign: &'a CampaignRoute,
        draws: Draws,
        steps: usize,
    ) -> Result<Choice<'a>, RouteRefusal> {
        if campaign.status != EntityStatus::Active {
            return Err(RouteRefusal::CampaignPaused);
        }
        for (rule_id, paths) in self.ways(campaign) {
            if let Some(choice) = self.on_paths(paths, rule_id, draws, steps) {
                return Ok(choice);
            }
        }
        Err(why_nowhere(campaign))
    }

    fn on_paths(
        &self,
        paths: &'a [PathRoute],
        rule_id: Option<i64>,
        draws: Draws,
        steps: usize,
    ) -> Option<Choice<'a>> {
        let is_new = |path: &PathRoute| self.fresh(|seen| !seen.has_path(path.id));
        let weight = |path: &PathRoute| if path.is_usable { path.weight } else { 0 };
        draw_until(paths, weight, is_new, draws.path, |path, turn| {
            let draws = if turn == 0 { draws } else { draws.next() };
            self.along(path, rule_id, draws, steps)
        })
    }

    /// Along a path: onto a lander where it has any, else to its end.
    fn along(
        &self,
        path: &'a PathRoute,
        rule_id: Option<i64>,
        draws: Draws,
        steps: usize,
    ) -> Option<Choice<'a>> {
        let is_new = |(lander, _): &(Arc<LanderRoute>, u64)| self.fresh(|seen| !seen.has_lander(lander.id));
        let lander = draw_until(
            &path.landers,
            |(_, weight)| *weight,
            is_new,
            draws.lander,
            |(lander, _), _| Some(lander),
        );
        if lander.is_some() {
            // A page whose every button is dead would be a dead end.
            let leads_on =
                path.targets.is_empty() || path.targets.iter().any(|(target, _)| self.is_open(target));
            return leads_on.then_some(Choice { rule_id, path, lander, end: End::Lander });
        }
        self.to_end(path, rule_id, draws, steps)
    }

    /// To one of a path's offers, or on through another campaign.
    fn to_end(
        &self,
        path: &'a PathRoute,
        rule_id: Option<i64>,
        draws: Draws,
        steps: usize,
    ) -> Option<Choice<'a>> {
        let is_new = |(target, _): &(TargetRoute, u64)| {
            self.fresh(|seen| target.offer().is_none_or(|offer| !seen.has_offer(offer.id)))
        };
        draw_until(
            &path.targets,
            |(_, weight)| *weight,
            is_new,
            draws.offer,
            |(target, _), _| self.target(target, path, rule_id, draws, steps),
        )
    }

    fn target(
        &self,
        target: &'a TargetRoute,
        path: &'a PathRoute,
        rule_id: Option<i64>,
        draws: Draws,
        steps: usize,
    ) -> Option<Choice<'a>> {
        match target {
            TargetRoute::Offer(offer) => {
                self.offer(offer).map(|end| Choice { rule_id, path, lander: None, end })
            }
            TargetRoute::Campaign(id) if steps < CHAIN_MAX => {
                let campaign = self.catalog.campaign(*id)?;
                self.within(campaign, draws.next(), steps + 1).ok()
            }
            TargetRoute::Campaign(_) => None,
        }
    }

    /// Where an offer sends this visitor: to itself, or at its cap where it hands him on; `None` where it cannot take
    /// him.
    fn offer(&self, offer: &'a Arc<OfferRoute>) -> Option<End<'a>> {
        let mut offer = offer;
        for _ in 0..CHAIN_MAX {
            if !offer.takes(self.country, self.visit.at_ms()) || self.is_converted(offer.id) {
                return None;
            }
            if !self.caps.is_at_cap(offer.id, self.visit.at_ms()) {
                return Some(End::Offer(offer));
            }
            match &offer.offer.at_cap {
                AtCap::Next => return None,
                AtCap::Url { .. } => return offer.at_cap_url.as_ref().map(End::Url),
                AtCap::Offer { offer_id } => offer = self.catalog.offer(*offer_id)?,
            }
        }
        None
    }

    fn is_open(&self, target: &'a TargetRoute) -> bool {
        match target {
            TargetRoute::Offer(offer) => self.offer(offer).is_some(),
            TargetRoute::Campaign(id) => {
                self.catalog.campaign(*id).is_some_and(|campaign| campaign.status == EntityStatus::Active)
            }
        }
    }

    fn is_converted(&self, offer_id: i64) -> bool {
        self.door.is_skip_converted && self.seen.is_some_and(|seen| seen.has_converted(offer_id))
    }

    /// Whether something comes first because this visitor has not seen it.
    fn fresh(&self, is_new: impl Fn(&Seen) -> bool) -> bool {
        self.door.is_smart_order && self.seen.is_some_and(is_new)
    }

    /// The way of the last visit, as far as it is still open: path, lander and offer.
    fn again(&self, on: &'a CampaignRoute, draws: Draws) -> Option<Choice<'a>> {
        let last = *self.seen?.last_of(self.door.id)?;
        let (rule_id, path) = self.reach(on, last.path_id, 0)?;
        // Landers of weight 0 do not stand here at all.
        let lander =
            path.landers.iter().map(|(lander, _)| lander).find(|lander| Some(lander.id) == last.lander_id);
        if let Some(lander) = lander {
            let leads_on =
                path.targets.is_empty() || path.targets.iter().any(|(target, _)| self.is_open(target));
            return leads_on.then_some(Choice { rule_id, path, lander: Some(lander), end: End::Lander });
        }
        let offers = path.drawn_targets().filter_map(TargetRoute::offer);
        let same = offers.filter(|offer| Some(offer.id) == last.offer_id).find_map(|offer| self.offer(offer));
        match same {
            Some(end) => Some(Choice { rule_id, path, lander: None, end }),
            // The path is kept where what stood on it is gone.
            None => self.along(path, rule_id, draws, CHAIN_MAX),
        }
    }

    /// A path by its number, where this visitor's rules still lead there.
    fn reach(
        &self,
        campaign: &'a CampaignRoute,
        path_id: i64,
        steps: usize,
    ) -> Option<(Option<i64>, &'a PathRoute)> {
        if campaign.status != EntityStatus::Active {
            return None;
        }
        for (rule_id, paths) in self.ways(campaign) {
            let usable = || paths.iter().filter(|path| path.is_usable);
            if let Some(path) = usable().find(|path| path.id == path_id) {
                return Some((rule_id, path));
            }
            let inner = usable().flat_map(PathRoute::drawn_targets).filter_map(TargetRoute::campaign_id);
            let mut inner = inner.filter(|_| steps < CHAIN_MAX).filter_map(|id| self.catalog.campaign(id));
            if let Some(found) = inner.find_map(|campaign| self.reach(campaign, path_id, steps + 1)) {
                return Some(found);
            }
            if rule_id.is_some() && usable().next().is_some() {
                // The default paths are for those whom no rule takes.
                return None;
            }
        }
        None
    }

    /// Behind a lander's button: the n-th target of the path where it is open, else the offer that a sticky campaign's
    /// visitor was sent to before, else one by weight, so that no button dies.
    pub(super) fn press(&self, path: &'a PathRoute, button: Option<usize>, draws: Draws) -> Option<End<'a>> {
        let nth = button.and_then(|n| path.targets.get(n.checked_sub(1)?)).map(|(target, _)| target);
        let wanted = nth.and_then(|target| self.target(target, path, None, draws, 0));
        if let Some(end) = wanted.and_then(|choice| self.behind(&choice, draws)).or_else(|| self.kept(path)) {
            return Some(end);
        }
        self.behind(&self.to_end(path, None, draws, 0)?, draws)
    }

    /// Behind a button whose own path takes nobody: on a campaign that is fallen back to.
    pub(super) fn press_on(&self, campaign: &'a CampaignRoute, draws: Draws) -> Option<End<'a>> {
        self.behind(&self.within(campaign, draws, 0).ok()?, draws)
    }

    /// A campaign behind a button that has a lander of its own: one lander is enough, on to its offers.
    fn behind(&self, choice: &Choice<'a>, draws: Draws) -> Option<End<'a>> {
        match choice.end {
            End::Lander => self.to_end(choice.path, None, draws, CHAIN_MAX).map(|choice| choice.end),
            end => Some(end),
        }
    }

    /// The offer that a sticky campaign's visitor was sent to from this path before, while it is drawn and open.
    fn kept(&self, path: &'a PathRoute) -> Option<End<'a>> {
        let last = self.seen.filter(|_| self.door.is_sticky)?.last_offer_on(path.id)?;
        self.offer(self.offer_on(path, last, 0)?)
    }

    /// An offer by its number, where a path or a campaign that it leads into draws it for this visitor.
    fn offer_on(&self, path: &'a PathRoute, id: i64, steps: usize) -> Option<&'a Arc<OfferRoute>> {
        path.drawn_targets().find_map(|target| match target {
            TargetRoute::Offer(offer) => (offer.id == id).then_some(offer),
            TargetRoute::Campaign(inner) if steps < CHAIN_MAX => {
                let campaign = self.catalog.campaign(*inner)?;
                let is_open = campaign.status == EntityStatus::Active;
                let ways = self.ways(campaign).into_iter().filter(|_| is_open);
                let mut paths = ways.flat_map(|(_, paths)| paths).filter(|path| path.is_usable);
                paths.find_map(|path| self.offer_on(path, id, steps + 1))
            }
            TargetRoute::Campaign(_) => None,
        })
    }
}

/// Why no path can be drawn: none in use, none with an offer in use, or an address that broke.
fn why_nowhere(campaign: &CampaignRoute) -> RouteRefusal {
    let open = || campaign.all_paths().filter(|path| path.weight > 0);
    let offers = || open().flat_map(|path| path.targets.iter()).filter_map(|(target, _)| target.offer());
    if offers().any(|offer| offer.offer.status == EntityStatus::Active && offer.template.is_none()) {
        RouteRefusal::BrokenTemplate
    } else if open().any(|path| !path.targets.is_empty()) {
        RouteRefusal::NoOffer
    } else {
        RouteRefusal::NoPath
    }
}
