//! The trace: the way that a click with some facts would take, step by step. Records nothing: no id is handed out, no
//! visitor is remembered.

use super::arrival::{Arrival, Router};
use super::asked::Asked;
use super::catalog::CampaignRoute;
use super::draw::Draws;
use crate::domain::campaign::CampaignRule;
use crate::domain::click::ClickRecord;
use crate::domain::lander::EntityStatus;
use crate::domain::rule::{Library, explain};

/// A rule, as a trace asked it.
#[derive(Debug)]
pub struct TracedRule {
    /// Its number.
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// For whom it is, as a sentence.
    pub sentence: String,
    /// Whether it holds; `None` where it was not asked, because an earlier one holds or it is paused.
    pub holds: Option<bool>,
    /// Why, or why not, or why it was not asked.
    pub reason: String,
}

/// A click's way.
#[derive(Debug)]
pub struct Trace {
    /// The facts, and where it would be sent.
    pub record: ClickRecord,
    /// Each rule in its order.
    pub rules: Vec<TracedRule>,
    /// The address; its click id is left empty.
    pub url: Option<String>,
}

impl Router<'_> {
    /// Follows one click through a campaign and its rules as they are saved.
    #[must_use]
    pub fn trace(
        &self,
        campaign: &CampaignRoute,
        rules: &[CampaignRule],
        arrival: &Arrival<'_>,
        is_unique: bool,
        list: &dyn Fn(i64) -> Option<String>,
    ) -> Trace {
        let facts = self.learn(campaign, arrival);
        let (routed, asked) = self.unkept(campaign, arrival, &facts, is_unique, Draws::random());
        let visit = Asked {
            record: &asked,
            now_ms: arrival.now_ms,
            query: arrival.query,
            referrer: arrival.visitor.referrer,
            headers: arrival.headers,
        };
        let mut library = Library::with_lists_of(self.catalog.library());
        let mut taken = None;
        let mut ask = |rule: &CampaignRule| {
            let (holds, reason) = match &taken {
                _ if rule.status != EntityStatus::Active => (None, format!("it is {}", rule.status)),
                Some(name) => (None, format!("not asked, since {name} holds")),
                None => match explain(&rule.when, &mut library, &visit, list) {
                    Ok((holds, reason)) => (Some(holds), reason),
                    Err(why) => (Some(false), format!("it cannot be used: {why}")),
                },
            };
            if holds == Some(true) {
                taken =
                    Some(if rule.name.is_empty() { "an earlier one".to_owned() } else { rule.name.clone() });
            }
            TracedRule {
                id: rule.id,
                name: rule.name.clone(),
                sentence: rule.when.sentence(list),
                holds,
                reason,
            }
        };
        let rules = rules.iter().map(&mut ask).collect();
        Trace { record: routed.record.kept(), rules, url: routed.url }
    }
}
