//! Copying rules from another campaign into the form, with their paths. Nothing is stored until the form is saved.

use super::rows;
use super::rules_typed::put_one;
use crate::db::{self, AnyConnection};
use crate::domain::campaign::{Campaign, CampaignPath, CampaignRule, Target, WeightedTarget};
use crate::domain::lander::EntityStatus;
use crate::domain::rule::RULES_MAX;
use crate::entities;
use crate::http::App;
use crate::pages::forms::Select;
use crate::pages::parts::Choice;
use crate::pages::typed::{Typed, chosen};
use std::collections::HashMap;

/// The field with the campaign that rules are copied from.
pub(super) const FROM: &str = "copy_from";

/// Shows the rules of the chosen campaign.
const SHOW: &str = "show-rules";

/// Copies the ticked ones.
const COPY: &str = "copy-rules";

/// The part of the form that copies rules.
#[derive(Debug, Clone, Default)]
pub struct CopyForm {
    /// The campaigns that there are besides this one.
    pub from: Select,
    /// Whether the part is opened.
    pub is_open: bool,
    /// The rules of the chosen one.
    pub rules: Vec<CopyRule>,
    /// What was done, and what could not be copied, each in a sentence.
    pub said: Vec<String>,
}

/// A rule that can be copied.
#[derive(Debug, Clone, Default)]
pub struct CopyRule {
    /// Its id.
    pub id: String,
    /// Its sentence, with its name where it has one.
    pub label: String,
    /// Whether it is ticked.
    pub is_on: bool,
}

/// Whether a button is one of this part; [`act`] does what it says once the database can be asked.
pub(super) fn is_mine(action: &str) -> bool {
    matches!(action, SHOW | COPY)
}

/// The rules of the chosen campaign, and what became of the ticked ones; puts those into the form.
///
/// # Errors
/// The database fails.
pub(super) fn act(app: &App, typed: &mut Typed, own: Option<i64>) -> Result<CopyForm, entities::Error> {
    let action = typed.get("action").to_owned();
    let mut form = CopyForm { is_open: is_mine(&action), ..CopyForm::default() };
    if !form.is_open {
        return Ok(form);
    }
    let Ok(id) = typed.get(FROM).parse::<i64>() else {
        form.said.push("Choose the campaign to copy from.".to_owned());
        return Ok(form);
    };
    let from = match entities::campaigns::find(&app.db, id) {
        Ok(found) => found.value,
        Err(entities::Error::NotFound) => {
            form.said.push(format!("There is no campaign {id}."));
            return Ok(form);
        }
        Err(error) => return Err(error),
    };
    if action == COPY {
        form.said = copy(app, typed, &from, own)?;
    }
    let lists: Vec<i64> = from.rules.iter().flat_map(|rule| rule.when.list_ids()).collect();
    let names = entities::lists::names(&app.db, &lists)?;
    let label = |rule: &CampaignRule| {
        let sentence = rule.when.sentence(&|id| names.get(&id).cloned());
        if rule.name.is_empty() { sentence } else { format!("{}: {sentence}", rule.name) }
    };
    form.rules = from
        .rules
        .iter()
        .filter_map(|rule| {
            Some(CopyRule { id: rule.id?.to_string(), label: label(rule), is_on: action == SHOW })
        })
        .collect();
    if form.rules.is_empty() {
        form.said.push("That campaign has no rules.".to_owned());
    }
    Ok(form)
}

/// The campaigns to choose from: those that a path may lead to, by their own numbers.
pub(super) fn from(campaigns: &[Choice], typed: &Typed) -> Select {
    let none = Choice { label: "Choose a campaign".to_owned(), ..Choice::default() };
    let all: Vec<Choice> = std::iter::once(none).chain(campaigns.iter().cloned()).collect();
    Select { options: chosen(&all, typed.get(FROM)), error: String::new() }
}

/// Copies the ticked rules behind those of the form, and says what was done.
fn copy(
    app: &App,
    typed: &mut Typed,
    from: &Campaign,
    own: Option<i64>,
) -> Result<Vec<String>, entities::Error> {
    let is_ticked = |rule: &&CampaignRule| rule.id.is_some_and(|id| typed.is_on(&format!("copy.{id}.on")));
    let ticked: Vec<&CampaignRule> = from.rules.iter().filter(is_ticked).collect();
    if ticked.is_empty() {
        return Ok(vec!["Tick the rules to copy.".to_owned()]);
    }
    let paths: Vec<&CampaignPath> = ticked.iter().flat_map(|rule| &rule.paths).collect();
    let known = app.db.read(|conn| Known::read(conn, &paths))?;
    let mut said = Vec::new();
    let mut count = 0;
    for rule in ticked {
        if typed.rows("rules").len() >= RULES_MAX {
            said.push(format!("A campaign has at most {RULES_MAX} rules: the others were not copied."));
            break;
        }
        let mut copied = CampaignRule { id: None, ..rule.clone() };
        for path in &mut copied.paths {
            path.id = None;
            known.leave_out(path, own, &mut said);
        }
        copied.paths.retain(|path| !path.offers.is_empty() || !path.landers.is_empty());
        if copied.paths.is_empty() {
            said.push("A copied rule has no path left: choose where its visitors go.".to_owned());
        }
        let place = put_one(typed, &copied);
        if copied.paths.is_empty() {
            rows::add(typed, &format!("{place}.paths"));
        }
        count += 1;
    }
    let done = if count == 1 { "1 rule is copied".to_owned() } else { format!("{count} rules are copied") };
    said.insert(0, format!("{done} behind the others. Save the campaign to keep this."));
    said.dedup();
    Ok(said)
}

/// What became of everything that some paths lead to.
struct Known {
    landers: HashMap<i64, EntityStatus>,
    offers: HashMap<i64, EntityStatus>,
    campaigns: HashMap<i64, EntityStatus>,
}

impl Known {
    fn read(conn: &mut AnyConnection, paths: &[&CampaignPath]) -> db::Result<Self> {
        let once = |mut ids: Vec<i64>| {
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let landers = paths.iter().flat_map(|path| &path.landers).map(|entry| entry.id);
        let targets = || paths.iter().flat_map(|path| &path.offers);
        let offers = targets().filter_map(WeightedTarget::offer_id);
        let campaigns = targets().filter_map(WeightedTarget::campaign_id);
        Ok(Self {
            landers: db::landers::statuses(conn, &once(landers.collect()))?,
            offers: db::offers::statuses(conn, &once(offers.collect()))?,
            campaigns: db::campaigns::statuses(conn, &once(campaigns.collect()))?,
        })
    }

    /// Takes what a campaign may not choose anew out of a path, and says so.
    fn leave_out(&self, path: &mut CampaignPath, own: Option<i64>, said: &mut Vec<String>) {
        let mut is_kept = |noun: &str, id: i64, statuses: &HashMap<i64, EntityStatus>| {
            let is_archived = statuses.get(&id).is_none_or(|status| *status == EntityStatus::Archived);
            if is_archived {
                said.push(format!("The {noun} {id} is archived and was left out."));
            }
            !is_archived
        };
        path.landers.retain(|entry| is_kept("lander", entry.id, &self.landers));
        path.offers.retain(|entry| match entry.target {
            Target::Offer(id) => is_kept("offer", id, &self.offers),
            Target::Campaign(id) if Some(id) == own => true,
            Target::Campaign(id) => is_kept("campaign", id, &self.campaigns),
        });
        let before = path.offers.len();
        path.offers.retain(|entry| own.is_none() || entry.campaign_id() != own);
        if path.offers.len() < before {
            said.push("A way into this campaign itself was left out.".to_owned());
        }
    }
}
