//! The choice: rules from the top down, then a path, a lander and an offer by weight, passing over what cannot take this
//! visitor.
//!
//! Every draw that comes to nothing is taken out and drawn again, so each ends after at most as many turns as it has
//! entries. Campaigns within campaigns and offers that hand on at their cap are followed [`STEPS_MAX`] deep: loops are
//! refused when saved, and what slipped through ends here.

use super::catalog::{CampaignRoute, Catalog, LanderRoute, OfferRoute, PathRoute, TargetRoute};
use super::memory::Seen;
use crate::domain::Country;
use crate::domain::click::{ClickRecord, RouteRefusal};
use crate::domain::lander::EntityStatus;
use crate::domain::offer::AtCap;
use crate::domain::rule::Visit;
use crate::domain::template::Template;
use std::net::IpAddr;
use std::sync::Arc;

/// How many campaigns, or offers at their cap, may follow one another.
const STEPS_MAX: usize = 5;

/// Whether offers have room.
pub trait Caps: Sync {
    /// Whether an offer takes no more visitors for now.
    fn is_at_cap(&self, offer_id: i64) -> bool;
}

/// No offer has a cap.
#[derive(Clone, Copy, Debug)]
pub struct NoCaps;

impl Caps for NoCaps {
    fn is_at_cap(&self, _: i64) -> bool {
        false
    }
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

    /// The same ones for every button that a visitor of a sticky campaign presses on a path: by address and agent.
    #[must_use]
    pub fn of_visitor(click: &ClickRecord) -> Self {
        let address = click.address.map_or(0, |address| match address.to_canonical() {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        });
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
        let (high, low) = (half(address >> 64), half(address));
        let ids = click.agent_id.unsigned_abs() ^ click.path_id.unwrap_or(0).unsigned_abs().rotate_left(32);
        let random = mixed(mixed(mixed(high) ^ low) ^ ids);
        Self { path: random, lander: random, offer: random }
    }

    /// Others that follow from these.
    fn next(self) -> Self {
        Self { path: mixed(self.path), lander: mixed(self.lander), offer: mixed(self.offer) }
    }
}

/// Another random number that follows from one (SplitMix64).
const fn mixed(random: u64) -> u64 {
    let z = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

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
    /// Chooses on the campaign that was clicked on.
    pub(super) fn choose(&self, draws: Draws) -> Result<Choice<'a>, RouteRefusal> {
        if self.door.is_sticky
            && let Some(choice) = self.again(draws)
        {
            return Ok(choice);
        }
        self.within(self.door, draws, 0)
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
            TargetRoute::Campaign(id) if steps < STEPS_MAX => {
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
        for _ in 0..STEPS_MAX {
            if !offer.takes(self.country, self.visit.at_ms()) || self.is_converted(offer.id) {
                return None;
            }
            if !self.caps.is_at_cap(offer.id) {
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
    fn again(&self, draws: Draws) -> Option<Choice<'a>> {
        let last = *self.seen?.last_of(self.door.id)?;
        let (rule_id, path) = self.reach(self.door, last.path_id, 0)?;
        let lander =
            path.landers.iter().map(|(lander, _)| lander).find(|lander| Some(lander.id) == last.lander_id);
        if let Some(lander) = lander {
            let leads_on =
                path.targets.is_empty() || path.targets.iter().any(|(target, _)| self.is_open(target));
            return leads_on.then_some(Choice { rule_id, path, lander: Some(lander), end: End::Lander });
        }
        let offers = path.targets.iter().filter_map(|(target, _)| target.offer());
        let same = offers.filter(|offer| Some(offer.id) == last.offer_id).find_map(|offer| self.offer(offer));
        match same {
            Some(end) => Some(Choice { rule_id, path, lander: None, end }),
            // The path is kept where what stood on it is gone.
            None => self.along(path, rule_id, draws, STEPS_MAX),
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
            let inner =
                usable().flat_map(|path| &path.targets).filter_map(|(target, _)| target.campaign_id());
            let mut inner = inner.filter(|_| steps < STEPS_MAX).filter_map(|id| self.catalog.campaign(id));
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

    /// Behind a lander's button: the n-th target of the path where it is open, else one by weight, so that no button
    /// dies.
    pub(super) fn press(&self, path: &'a PathRoute, button: Option<usize>, draws: Draws) -> Option<End<'a>> {
        let nth = button.and_then(|n| path.targets.get(n.checked_sub(1)?)).map(|(target, _)| target);
        let wanted = nth.and_then(|target| self.target(target, path, None, draws, 0));
        let choice = wanted.or_else(|| self.to_end(path, None, draws, 0))?;
        match choice.end {
            // A campaign behind a button that has a lander of its own: one lander is enough, on to its offers.
            End::Lander => self.to_end(choice.path, None, draws, STEPS_MAX).map(|choice| choice.end),
            end => Some(end),
        }
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

/// Draws by weight until something comes of it, what is new to the visitor first. Entries beyond the 128th are never
/// drawn; paths and their entries are fewer.
fn draw_until<'a, T, R>(
    entries: &'a [T],
    weight: impl Fn(&T) -> u64,
    is_new: impl Fn(&T) -> bool,
    random: u64,
    mut then: impl FnMut(&'a T, usize) -> Option<R>,
) -> Option<R> {
    let (mut gone, mut random) = (0_u128, random);
    for turn in 0..entries.len() {
        let left = |at: usize| at < 128 && gone >> at & 1 == 0;
        let at = pick(entries, |at, entry| if left(at) && is_new(entry) { weight(entry) } else { 0 }, random)
            .or_else(|| pick(entries, |at, entry| if left(at) { weight(entry) } else { 0 }, random))?;
        if let Some(outcome) = entries.get(at).and_then(|entry| then(entry, turn)) {
            return Some(outcome);
        }
        gone |= 1 << at;
        random = mixed(random);
    }
    None
}

/// Picks one by weight; weight 0 is never picked. The bias of the remainder is below 1 in 10^13 for the largest sum of
/// weights.
fn pick<T>(entries: &[T], weight: impl Fn(usize, &T) -> u64, random: u64) -> Option<usize> {
    let weights = || entries.iter().enumerate().map(|(at, entry)| (at, weight(at, entry)));
    let total: u64 = weights().map(|(_, weight)| weight).sum();
    let mut left = random.checked_rem(total)?;
    for (at, weight) in weights() {
        if left < weight {
            return Some(at);
        }
        left -= weight;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(entries: &[(&'static str, u64)], random: u64) -> Option<&'static str> {
        draw_until(entries, |(_, weight)| *weight, |_| false, random, |(name, _), _| Some(*name))
    }

    #[test]
    fn weights_are_kept_and_zero_is_never_drawn() {
        let entries = [("a", 70), ("b", 0), ("c", 30)];
        let mut counts = std::collections::HashMap::new();
        for random in 0..1_000 {
            *counts.entry(draw(&entries, random).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(counts.get("a"), Some(&700));
        assert_eq!(counts.get("c"), Some(&300));
        assert_eq!(draw(&[("a", 0)], 5), None);
        assert_eq!(draw(&[], 5), None);
    }

    #[test]
    fn what_comes_to_nothing_is_drawn_once_and_what_is_new_first() {
        let entries = [("a", 70), ("b", 1), ("c", 30)];
        for random in 0..100 {
            let mut tried = Vec::new();
            let none: Option<()> = draw_until(
                &entries,
                |(_, weight)| *weight,
                |_| false,
                random,
                |(name, _), _| {
                    tried.push(*name);
                    None
                },
            );
            tried.sort_unstable();
            assert_eq!((none, tried), (None, vec!["a", "b", "c"]));
            let new = draw_until(
                &entries,
                |(_, weight)| *weight,
                |(name, _)| *name == "b",
                random,
                |(name, _), _| Some(*name),
            );
            assert_eq!(new, Some("b"));
        }
    }
}
