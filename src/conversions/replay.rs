//! Replay: stored postbacks that did not count are judged again by today's settings, because a person asks for it. A preview
//! does all of it and keeps nothing.

use super::again::{Again, Released, is_whole};
use super::door::Postbacks;
use super::hand::WHY_CHARS_MAX;
use super::judge::{Judged, Verdict};
use super::record::Group;
use super::sentences;
use super::writer::{GROUP_MAX, Shared, now_ms};
use crate::db::judged_again::{self, Replay, Standing};
use crate::db::ledger::Numbers;
use crate::db::postbacks::NewPostback;
use crate::db::{self, AnyConnection, Priority};
use crate::domain::click_id::ClickId;
use crate::domain::input::{self, FieldErrors};
use crate::domain::verdict::{Code, PostbackResult};
use crate::routing::Catalog;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// Postbacks that one request runs again: some seconds of the database's time, and an answer that can be read.
pub const REPLAYED_MAX: usize = 10_000;

/// How postbacks are to be run again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayOrder {
    /// Parked ones are let pass.
    pub released: Option<Released>,
    /// Why, kept with each; never empty where something is released.
    pub why: String,
    /// Nothing is kept: what would become of them is answered.
    pub is_dry_run: bool,
}

/// A postback that somebody asked to run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Its number.
    pub id: i64,
    /// What became of it.
    pub outcome: ReplayOutcome,
}

/// What became of a postback that somebody asked to run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// There is none of that number.
    NotFound,
    /// It was not run again, and its verdict stands.
    Left {
        /// That verdict.
        code: Code,
        /// Why it was not run again, in one sentence.
        why: String,
    },
    /// It was judged again.
    Run {
        /// The verdict before.
        before: Code,
        /// The verdict now.
        verdict: Verdict,
    },
}

impl ReplayOrder {
    /// Reads `release`, `conversion_id`, `why` and `dry_run`, as a form or a JSON body sends them, for so many postbacks.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(fields: &BTreeMap<String, Value>, count: usize) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let known = ["release", "conversion_id", "why", "dry_run"];
        for unknown in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            errors.push(
                unknown,
                "There is no such field: write ids or filter, release, conversion_id, why and dry_run",
            );
        }
        let part = |name: &str| fields.get(name).unwrap_or(&Value::Null);
        let mut flag = |name: &str| match part(name) {
            value if input::is_blank(value) => false,
            value => input::flag(value).unwrap_or_else(|message| {
                errors.push(name, message);
                false
            }),
        };
        let (is_release, is_dry_run) = (flag("release"), flag("dry_run"));
        let conversion_id = input::id(part("conversion_id")).unwrap_or_else(|message| {
            errors.push("conversion_id", message);
            None
        });
        let why = input::line(part("why"), WHY_CHARS_MAX).unwrap_or_else(|message| {
            errors.push("why", message);
            String::new()
        });
        if conversion_id.is_some() && (!is_release || count != 1) {
            errors.push(
                "conversion_id",
                "Goes with the release of one postback: it says which conversion that one means",
            );
        }
        // A look needs no reason.
        if is_release && !is_dry_run && why.is_empty() && errors.message("why").is_none() {
            errors.push(
                "why",
                "Write why it is released: it is kept in the conversion's history with your name",
            );
        }
        let released = is_release.then_some(Released { conversion_id });
        errors.into_result().map(|()| Self { released, why, is_dry_run })
    }
}

/// How many of those that were run went from which verdict to which, in the order of the codes.
#[must_use]
pub fn replay_totals(replayed: &[Replayed]) -> Vec<((Code, Code), usize)> {
    let place = |code: Code| Code::ALL.iter().position(|known| *known == code);
    let mut totals: Vec<((Code, Code), usize)> = Vec::new();
    for one in replayed {
        let ReplayOutcome::Run { before, verdict } = &one.outcome else { continue };
        let pair = (*before, verdict.code);
        match totals.iter_mut().find(|(known, _)| *known == pair) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => totals.push((pair, 1)),
        }
    }
    totals.sort_unstable_by_key(|((from, to), _)| (place(*from), place(*to)));
    totals
}

/// Why a postback is not run again; `None` where it may be.
fn why_left(code: Code) -> Option<&'static str> {
    match code.result() {
        PostbackResult::Accepted | PostbackResult::Duplicate => Some(sentences::HAS_VERDICT),
        _ if code.is_security() => Some(sentences::STAYS_REFUSED),
        PostbackResult::Parked | PostbackResult::Refused => None,
    }
}

/// Whether a postback of this verdict may be run again.
#[must_use]
pub fn may_replay(code: Code) -> bool {
    why_left(code).is_none()
}

/// A replay under way.
struct Run<'a> {
    catalog: &'a Catalog,
    order: &'a ReplayOrder,
    user_id: i64,
    numbers: Numbers,
}

/// What a group leaves of its postbacks.
#[derive(Default)]
struct Left {
    rows: Vec<(i64, NewPostback)>,
    replays: Vec<Replay>,
}

/// Why a group's transaction was undone.
enum Undone {
    /// It was a look.
    Looked(Vec<Replayed>),
    /// The database failed.
    Failed(db::Error),
}

impl From<db::Error> for Undone {
    fn from(error: db::Error) -> Self {
        Self::Failed(error)
    }
}

impl Postbacks {
    /// Runs postbacks again, at most [`REPLAYED_MAX`], in groups: each group is one transaction. The answer has each number
    /// once. For a blocking thread.
    ///
    /// # Errors
    /// The database fails; groups that were written stay written, and may be asked for again without harm.
    pub fn replay(&self, ids: &[i64], order: &ReplayOrder, user_id: i64) -> db::Result<Vec<Replayed>> {
        let shared = &self.shared;
        let catalog = shared.catalog.get();
        let mut run = Run { catalog: &catalog, order, user_id, numbers: Numbers::default() };
        let mut seen = HashSet::new();
        let ids: Vec<i64> = ids.iter().copied().filter(|id| seen.insert(*id)).take(REPLAYED_MAX).collect();
        let (mut outcomes, due) = shared.plan(&run, &ids)?;
        for group in groups(due, order.is_dry_run) {
            outcomes.extend(shared.run_group(&mut run, &group)?);
        }
        outcomes.sort_unstable_by_key(|one| one.id);
        Ok(outcomes)
    }
}

/// A postback that is due to be run, by the click it names, where that matters, and the time it came.
type Due = (Option<ClickId>, i64, i64);

/// Due postbacks in groups of the writer's size, those of one click the oldest first. Only they can touch one another: a
/// preview, which keeps nothing from one group to the next, has them in one group, however many there are.
fn groups(mut due: Vec<Due>, is_dry_run: bool) -> Vec<Vec<i64>> {
    due.sort_unstable();
    let mut groups: Vec<Vec<i64>> = Vec::new();
    let mut last = None;
    for (click, _, id) in due {
        let is_same = is_dry_run && click.is_some() && last == Some(click);
        last = Some(click);
        match groups.last_mut() {
            Some(group) if is_same || group.len() < GROUP_MAX => group.push(id),
            _ => groups.push(vec![id]),
        }
    }
    groups
}

impl Shared {
    /// Which are due, and what is said of the others.
    fn plan(&self, run: &Run<'_>, ids: &[i64]) -> db::Result<(Vec<Replayed>, Vec<Due>)> {
        let (mut outcomes, mut due) = (Vec::new(), Vec::new());
        for some in ids.chunks(GROUP_MAX) {
            let stored = self.db.read(|conn| judged_again::find_all(conn, some))?;
            let found: HashSet<i64> = stored.iter().map(|one| one.id).collect();
            let gone = some.iter().filter(|id| !found.contains(id));
            outcomes.extend(gone.map(|id| Replayed { id: *id, outcome: ReplayOutcome::NotFound }));
            for one in stored {
                let (id, received_at_ms) = (one.id, one.value.received_at_ms);
                if let Some(why) = self.why_stands(run, &one.value) {
                    let outcome = ReplayOutcome::Left { code: one.value.code, why };
                    outcomes.push(Replayed { id, outcome });
                    continue;
                }
                // What is written stays from one group to the next: the order of time is enough.
                let click = if run.order.is_dry_run {
                    self.judge_again(run.catalog, one, run.again())?.click_id()
                } else {
                    None
                };
                due.push((click, received_at_ms, id));
            }
        }
        Ok((outcomes, due))
    }

    /// Why a postback's verdict stands; `None` where it may be judged again.
    fn why_stands(&self, run: &Run<'_>, value: &NewPostback) -> Option<String> {
        if let Some(why) = why_left(value.code) {
            return Some(why.to_owned());
        }
        if !is_whole(value) {
            return Some(sentences::NOT_WHOLE.to_owned());
        }
        let is_gone = value.advertiser_id.is_some_and(|id| run.catalog.advertiser(id).is_none());
        is_gone.then(|| sentences::ADVERTISER_GONE.to_owned())
    }

    /// Runs a group; where one of it cannot be written, each by itself, so that it harms no other.
    fn run_group(&self, run: &mut Run<'_>, ids: &[i64]) -> db::Result<Vec<Replayed>> {
        match self.run_together(run, ids) {
            Ok(outcomes) => Ok(outcomes),
            Err(why @ db::Error::Unavailable(_)) => Err(why),
            Err(why) if ids.len() <= 1 => Err(why),
            Err(_) => {
                let mut outcomes = Vec::with_capacity(ids.len());
                for id in ids {
                    outcomes.extend(self.run_together(run, std::slice::from_ref(id))?);
                }
                Ok(outcomes)
            }
        }
    }

    fn run_together(&self, run: &mut Run<'_>, ids: &[i64]) -> db::Result<Vec<Replayed>> {
        let stored = self.db.read(|conn| judged_again::find_all(conn, ids))?;
        let mut jobs = Vec::with_capacity(stored.len());
        for one in stored {
            jobs.push((one.id, self.judge_again(run.catalog, one, run.again())?));
        }
        let (now_ms, is_dry_run) = (now_ms(), run.order.is_dry_run);
        let all: Vec<&Judged> = jobs.iter().map(|(_, judged)| judged).collect();
        let mut numbers = std::mem::take(&mut run.numbers);
        let written = self.db.write(Priority::Pages, |conn| {
            let held = judged_again::hold(conn, ids)?;
            let mut group = Group::begin(conn, run.catalog, now_ms, &all, &mut numbers)?;
            let (mut outcomes, mut left) = (Vec::with_capacity(jobs.len()), Left::default());
            for (id, judged) in &jobs {
                let outcome = run.one(conn, &mut group, (*id, judged, held.get(id)), &mut left)?;
                outcomes.push(Replayed { id: *id, outcome });
            }
            let effects = group.finish(conn, self.writer_id)?;
            judged_again::settle_all(conn, &left.rows, now_ms)?;
            judged_again::keep_replays(conn, &left.replays)?;
            if is_dry_run { Err(Undone::Looked(outcomes)) } else { Ok((outcomes, effects)) }
        });
        run.numbers = numbers;
        match written {
            Ok((outcomes, effects)) => {
                self.tell(effects);
                self.look_for_parked();
                Ok(outcomes)
            }
            Err(Undone::Looked(outcomes)) => Ok(outcomes),
            Err(Undone::Failed(why)) => Err(why),
        }
    }
}

impl Run<'_> {
    const fn again(&self) -> Again {
        Again { released: self.order.released }
    }

    /// Judges one and writes what came of it.
    fn one(
        &self,
        conn: &mut AnyConnection,
        group: &mut Group<'_>,
        (id, judged, standing): (i64, &Judged, Option<&Standing>),
        left: &mut Left,
    ) -> db::Result<ReplayOutcome> {
        let Some(standing) = standing else { return Ok(ReplayOutcome::NotFound) };
        if let Some(why) = why_left(standing.code) {
            // Judged meanwhile, by another request or another node.
            return Ok(ReplayOutcome::Left { code: standing.code, why: why.to_owned() });
        }
        let mut settled = group.settle(conn, judged)?;
        let mut row = judged.to_row(&settled.verdict);
        row.advertiser_id = row.advertiser_id.or(settled.advertiser_id);
        left.replays.push(Replay {
            postback_id: id,
            at_ms: group.now_ms,
            user_id: self.user_id,
            is_release: self.order.released.is_some(),
            why: self.order.why.clone(),
            code_before: standing.code.as_str().to_owned(),
            message_before: standing.message.clone(),
            code_after: row.code.as_str().to_owned(),
            message_after: row.message.clone(),
        });
        left.rows.push((id, row));
        if let Some(mut change) = settled.change {
            change.postback_id = Some(id);
            if self.order.released.is_some() {
                change.user_id = Some(self.user_id);
                change.why = sentences::released(&change.why, &self.order.why);
            }
            group.draft.note(change);
        }
        let verdict = &mut settled.verdict;
        if let Some(new) = verdict.conversion_id.filter(|id| self.order.is_dry_run && group.draft.is_new(*id))
        {
            // It will have another number.
            verdict.message = sentences::of_new(&verdict.message, new);
            verdict.conversion_id = None;
        }
        Ok(ReplayOutcome::Run { before: standing.code, verdict: settled.verdict })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn those_of_one_click_come_together_the_oldest_first() {
        let click = |n: u8| Some(ClickId::new(1_000, [n; 10]));
        let mut due: Vec<Due> = (0..300).map(|id| (None, 5, id)).collect();
        due.extend([(click(2), 9, 400), (click(1), 8, 401), (click(2), 7, 402)]);
        due.extend((0..300).map(|n| (click(3), 1_000 - n, 1_000 + n)));
        let sizes: Vec<usize> = groups(due.clone(), false).iter().map(Vec::len).collect();
        assert_eq!(sizes, [256, 256, 91]);
        let groups = groups(due, true);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [256, 347]);
        assert_eq!(groups[1][44..48], [401, 402, 400, 1_299]);
        assert_eq!(groups[1].last(), Some(&1_000));
    }

    #[test]
    fn a_release_says_why_and_a_conversion_goes_with_one() {
        let read = |fields: Value, count| {
            ReplayOrder::read(&serde_json::from_value(fields).unwrap(), count)
                .map_err(|errors| errors.0.into_iter().map(|error| error.field).collect::<Vec<_>>())
        };
        assert_eq!(read(json!({}), 5), Ok(ReplayOrder::default()));
        let released = Some(Released { conversion_id: Some(7) });
        assert_eq!(
            read(json!({"release": true, "why": " late ", "conversion_id": 7}), 1),
            Ok(ReplayOrder { released, why: "late".to_owned(), is_dry_run: false })
        );
        assert!(read(json!({"release": true, "dry_run": true}), 2).is_ok());
        assert_eq!(read(json!({"release": true}), 2), Err(vec!["why".to_owned()]));
        for fields in [json!({"release": true, "why": "x", "conversion_id": 7}), json!({"conversion_id": 7})]
        {
            assert_eq!(read(fields, 2), Err(vec!["conversion_id".to_owned()]));
        }
        assert_eq!(read(json!({"dry_run": "perhaps", "ids": [1]}), 1).unwrap_err().len(), 2);
    }

    #[test]
    fn what_counts_and_what_was_refused_for_its_sender_stays() {
        let left = Code::ALL.iter().filter(|code| why_left(**code).is_some()).count();
        assert_eq!(left, 3 + 5, "recorded, updated, duplicate, and the five of security");
    }
}
