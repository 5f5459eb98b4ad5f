//! Campaigns made ready for clicks.

use super::routes::{
    CampaignRoute, CostRule, LanderRoute, OfferRoute, PathRoute, RuleRoute, SourceRoute, TargetRoute,
};
use crate::domain::campaign::{Campaign, CampaignPath, Target, Weighted, WeightedTarget};
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{Library, Matcher};
use crate::domain::source::{CostModel, CostUnit};
use crate::domain::template::{Template, TemplateUse};
use std::collections::HashMap;
use std::sync::Arc;

fn weight(weight: i64) -> u64 {
    u64::try_from(weight).unwrap_or(0)
}

/// What campaigns are made of.
pub(super) struct Parts<'a> {
    pub(super) sources: &'a HashMap<i64, Arc<SourceRoute>>,
    pub(super) landers: &'a HashMap<i64, Arc<LanderRoute>>,
    pub(super) offers: &'a HashMap<i64, Arc<OfferRoute>>,
    pub(super) library: &'a mut Library,
}

/// A campaign made ready. A rule that cannot be made ready never holds, and is said so.
pub(super) fn campaign_route(id: i64, campaign: Campaign, parts: &mut Parts<'_>) -> CampaignRoute {
    let source = campaign.source_id.and_then(|id| parts.sources.get(&id)).cloned();
    let cost = cost_rule(&campaign, source.as_deref());
    let paths = path_routes(&campaign.paths, parts);
    let mut rules = Vec::with_capacity(campaign.rules.len());
    for rule in campaign.rules.iter().filter(|rule| rule.status == EntityStatus::Active) {
        match Matcher::new(&rule.when, parts.library) {
            Ok(matcher) => rules.push(RuleRoute {
                id: rule.id.unwrap_or(0),
                name: rule.name.clone(),
                matcher,
                paths: path_routes(&rule.paths, parts),
            }),
            Err(why) => tracing::error!(campaign = id, rule = rule.id, %why, "a rule cannot be used"),
        }
    }
    CampaignRoute {
        id,
        name: campaign.name,
        slug: campaign.slug,
        aliases: campaign.aliases,
        status: campaign.status,
        source,
        cost,
        rules,
        paths,
        is_sticky: campaign.sticky,
        is_smart_order: campaign.smart_order,
        is_skip_converted: campaign.skip_converted,
        fallback: Template::parse(&campaign.fallback_url, TemplateUse::Offer).ok(),
        unique_window_ms: campaign.unique_window_hours.saturating_mul(3_600_000),
        append_query: campaign.append_query,
        redirect: campaign.redirect,
        is_test: campaign.is_test,
    }
}

fn path_routes(paths: &[CampaignPath], parts: &Parts<'_>) -> Vec<PathRoute> {
    paths.iter().map(|path| path_route(path, parts)).collect()
}

fn path_route(path: &CampaignPath, parts: &Parts<'_>) -> PathRoute {
    let landers = drawable(&path.landers, parts.landers);
    let target = |entry: &WeightedTarget| {
        let target = match entry.target {
            Target::Offer(id) => TargetRoute::Offer(Arc::clone(parts.offers.get(&id)?)),
            Target::Campaign(id) => TargetRoute::Campaign(id),
        };
        Some((target, weight(entry.weight)))
    };
    let targets: Vec<(TargetRoute, u64)> = path.offers.iter().filter_map(target).collect();
    let is_drawn = |(target, weight): &(TargetRoute, u64)| {
        *weight > 0 && target.offer().is_none_or(|offer| offer.is_usable)
    };
    let leads_somewhere = !landers.is_empty() || targets.iter().any(is_drawn);
    let is_usable = path.status == EntityStatus::Active && path.weight > 0 && leads_somewhere;
    PathRoute {
        id: path.id.unwrap_or(0),
        name: path.name.as_str().into(),
        weight: weight(path.weight),
        landers,
        targets,
        is_usable,
    }
}

fn drawable(entries: &[Weighted], landers: &HashMap<i64, Arc<LanderRoute>>) -> Vec<(Arc<LanderRoute>, u64)> {
    entries
        .iter()
        .filter(|entry| entry.weight > 0)
        .filter_map(|entry| Some((Arc::clone(landers.get(&entry.id)?), weight(entry.weight))))
        .filter(|(lander, _)| lander.is_usable)
        .collect()
}

/// The campaign's own cost model, else its source's.
fn cost_rule(campaign: &Campaign, source: Option<&SourceRoute>) -> CostRule {
    let (model, amount) = match (campaign.cost_model, source) {
        (Some(model), _) => (model, campaign.cost_amount),
        (None, Some(route)) => (route.source.cost_model, route.source.cost_amount),
        (None, None) => (CostModel::None, None),
    };
    match (model, amount) {
        (CostModel::Cpc, Some(amount)) => CostRule::PerClick(amount),
        (CostModel::Cpm, Some(amount)) => CostRule::PerClick(crate::domain::source::per_mille(amount)),
        (CostModel::Param, _) => {
            CostRule::Param(source.map_or(CostUnit::Click, |route| route.source.cost_unit))
        }
        _ => CostRule::Unknown,
    }
}
