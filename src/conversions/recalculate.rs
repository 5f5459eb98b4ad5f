//! Recalculation: the revenue of a period counted anew after a wrong rate, in groups, each with its history, its sums and what
//! it takes to put everything back.

use super::change::change_row;
use super::door::Postbacks;
use super::recalculation_order::RecalculationOrder;
use super::record::Group;
use super::reprice::{LeftFor, Told, asks_first_postback, earning, repriced};
use super::sentences;
use super::writer::{GROUP_MAX, Shared, now_ms};
use crate::db::conversions::{Change, Conversion, RECALCULATION, changes_of};
use crate::db::ledger::Numbers;
use crate::db::postbacks::NewPostback;
use crate::db::recalculations::{self, Earning, Entry, Recalculation, Scope};
use crate::db::{self, AnyConnection, Priority, advertisers, conversions, judged_again, offers};
use crate::domain::input::FieldErrors;
use crate::domain::money::Currency;
use crate::domain::status::Status;
use std::collections::{BTreeMap, HashMap};

/// Conversions of one recalculation: below a minute of the database's time, in groups that hold nobody up.
pub const RECALCULATED_MAX: usize = 100_000;

/// Money of conversions that changed, of one status and currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many.
    pub count: i64,
    /// In the currency before.
    pub before_micros: i64,
    /// In the currency after.
    pub after_micros: i64,
    /// Before, in the account currency.
    pub account_before_micros: i64,
    /// After, in the account currency.
    pub account_after_micros: i64,
}

/// What a recalculation changed, or would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recalculated {
    /// Its number; `None` after a look, and where nothing changed.
    pub id: Option<i64>,
    /// Conversions that were looked at.
    pub looked: usize,
    /// Those that changed.
    pub changed: usize,
    /// Those that were left as they are, by why.
    pub left: BTreeMap<&'static str, usize>,
    /// What changed, by status, the currency before and the currency after.
    pub money: BTreeMap<(&'static str, String, String), Moved>,
}

/// What became of the conversions of one that is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// How many were put back, by this request.
    pub restored: usize,
    /// The numbers of those that were changed since and left as they are.
    pub left: Vec<i64>,
}

/// Why a recalculation was not done.
#[derive(Debug)]
pub enum NotRecalculated {
    /// What is asked for cannot be; says which field.
    Fields(FieldErrors),
    /// The database failed; groups that were written stay written, and it may be asked for again without harm.
    Db(db::Error),
}

impl From<db::Error> for NotRecalculated {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

impl Postbacks {
    /// Counts the revenue of a period anew, in groups: each group is one transaction. For a blocking thread.
    ///
    /// # Errors
    /// There is nothing of that number, there are too many, or the database fails.
    pub fn recalculate(
        &self,
        order: &RecalculationOrder,
        user_id: i64,
    ) -> Result<Recalculated, NotRecalculated> {
        let (shared, asked) = (&self.shared, &order.asked);
        let ids = shared.db.read(|conn| meant(conn, asked))?;
        let mut told = Recalculated { looked: ids.len(), ..Recalculated::default() };
        for group in ids.chunks(GROUP_MAX) {
            shared.recalculate_group(order, user_id, group, &mut told)?;
        }
        if let Some(id) = told.id {
            shared.db.write(Priority::Pages, |conn| recalculations::finish(conn, id, now_ms()))?;
        }
        Ok(told)
    }

    /// Takes a recalculation back: each conversion that earns still what it made of it earns again what it did before. What is
    /// taken back already stays so. `None` where there is none of that number. For a blocking thread.
    ///
    /// # Errors
    /// The database fails; groups that were put back stay so, and the rest may be asked for again.
    pub fn take_back(&self, id: i64, user_id: i64) -> db::Result<Option<TakenBack>> {
        let mut told = TakenBack::default();
        while let Some(restored) = self.shared.take_group_back(id, user_id)? {
            told.restored = told.restored.saturating_add(restored);
        }
        let is_there = self.shared.db.read(|conn| {
            told.left = recalculations::left(conn, id)?;
            Ok::<_, db::Error>(recalculations::find(conn, id)?.is_some())
        })?;
        Ok(is_there.then_some(told))
    }
}

/// The conversions that are meant.
fn meant(conn: &mut AnyConnection, asked: &Recalculation) -> Result<Vec<i64>, NotRecalculated> {
    let (field, is_there) = match asked.scope {
        Scope::Offer(id) => ("offer_id", offers::find(conn, id)?.is_some()),
        Scope::Advertiser(id) => ("advertiser_id", advertisers::find(conn, id)?.is_some()),
    };
    let wrong = |field: &str, message: String| Err(NotRecalculated::Fields(FieldErrors::one(field, message)));
    if !is_there {
        return wrong(field, "There is none of that number".to_owned());
    }
    let rows_max = i64::try_from(RECALCULATED_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let ids = recalculations::conversions_in(conn, asked, rows_max)?;
    if ids.len() > RECALCULATED_MAX {
        return wrong("to", format!("More than {RECALCULATED_MAX} conversions: choose fewer days at a time"));
    }
    Ok(ids)
}

/// Why a group's transaction was undone.
enum Undone {
    /// It was a look.
    Looked,
    /// The database failed.
    Failed(db::Error),
}

impl From<db::Error> for Undone {
    fn from(error: db::Error) -> Self {
        Self::Failed(error)
    }
}

impl Shared {
    fn recalculate_group(
        &self,
        order: &RecalculationOrder,
        user_id: i64,
        ids: &[i64],
        told: &mut Recalculated,
    ) -> db::Result<()> {
        let (catalog, now_ms, mut numbers) = (self.catalog.get(), now_ms(), Numbers::default());
        let known = told.clone();
        let mut now = known.clone();
        let written = self.db.write(Priority::Pages, |conn| {
            let mut clicks = conversions::clicks_of(conn, ids)?;
            clicks.sort_unstable();
            clicks.dedup();
            let mut group = Group::of_clicks(conn, &catalog, now_ms, &clicks, (&mut numbers, 0))?;
            let entries = group.price_all(conn, &order.asked, ids, &mut now)?;
            if order.is_dry_run {
                return Err(Undone::Looked);
            }
            if !entries.is_empty() {
                let id = match known.id {
                    Some(id) => id,
                    None => recalculations::begin(conn, &order.asked, user_id, now_ms)?,
                };
                now.id = Some(id);
                let why = sentences::recalculated(id, &order.asked.why);
                for entry in &entries {
                    group.reprice(entry.conversion_id, entry.after, (user_id, &why));
                }
                recalculations::keep(conn, id, &entries)?;
            }
            Ok(group.finish(conn, self.writer_id)?)
        });
        match written {
            Ok(effects) => self.tell(effects),
            Err(Undone::Looked) => {}
            Err(Undone::Failed(why)) => return Err(why),
        }
        *told = now;
        Ok(())
    }

    /// Puts some conversions back; how many of them. `None` where there are no more.
    fn take_group_back(&self, id: i64, user_id: i64) -> db::Result<Option<usize>> {
        let (catalog, now_ms, mut numbers) = (self.catalog.get(), now_ms(), Numbers::default());
        let rows_max = i64::try_from(GROUP_MAX).unwrap_or(i64::MAX);
        let written = self.db.write(Priority::Pages, |conn| {
            if !recalculations::hold(conn, id)? {
                return Ok(None);
            }
            let entries = recalculations::open_entries(conn, id, rows_max)?;
            if entries.is_empty() {
                recalculations::take_back(conn, id, user_id, now_ms)?;
                return Ok(None);
            }
            let ids: Vec<i64> = entries.iter().map(|entry| entry.conversion_id).collect();
            let mut clicks = conversions::clicks_of(conn, &ids)?;
            clicks.sort_unstable();
            clicks.dedup();
            let mut group = Group::of_clicks(conn, &catalog, now_ms, &clicks, (&mut numbers, 0))?;
            let why = sentences::taken_back(id);
            let (mut restored, mut left) = (Vec::new(), Vec::new());
            for entry in entries {
                let stands = group.held(entry.conversion_id).map(|held| earning(&held.value));
                if stands == Some(entry.after) {
                    group.reprice(entry.conversion_id, entry.before, (user_id, &why));
                    restored.push(entry.conversion_id);
                } else {
                    left.push(entry.conversion_id);
                }
            }
            let effects = group.finish(conn, self.writer_id)?;
            recalculations::settle(conn, id, &restored, true)?;
            recalculations::settle(conn, id, &left, false)?;
            Ok::<_, db::Error>(Some((restored.len(), effects)))
        })?;
        Ok(written.map(|(restored, effects)| {
            self.tell(effects);
            restored
        }))
    }
}

impl Group<'_> {
    /// A conversion that the group holds.
    fn held(&self, id: i64) -> Option<&Conversion> {
        self.conversions.values().flatten().find(|known| known.id == id)
    }

    /// What some conversions would earn today, and what that changes in all.
    fn price_all(
        &mut self,
        conn: &mut AnyConnection,
        asked: &Recalculation,
        ids: &[i64],
        told: &mut Recalculated,
    ) -> db::Result<Vec<Entry>> {
        let held: HashMap<i64, Conversion> =
            self.conversions.values().flatten().map(|one| (one.id, one.clone())).collect();
        let mut histories: HashMap<i64, Vec<Change>> = HashMap::new();
        for change in changes_of(conn, ids)? {
            histories.entry(change.conversion_id).or_default().push(change);
        }
        let history = |id: &i64| histories.get(id).map_or(&[][..], Vec::as_slice);
        let first = |id: &i64| asks_first_postback(&held.get(id)?.value, history(id));
        let needed: Vec<i64> =
            if asked.takes_terms { ids.iter().filter_map(first).collect() } else { Vec::new() };
        let stored = judged_again::find_all(conn, &needed)?;
        let postbacks: HashMap<i64, NewPostback> =
            stored.into_iter().map(|one| (one.id, one.value)).collect();
        let mut entries = Vec::new();
        for id in ids {
            let Some(one) = held.get(id) else { continue };
            let told_of = Told { changes: history(id), postbacks: &postbacks };
            match self.priced_anew(conn, asked, &one.value, &told_of)? {
                Ok(after) => {
                    let before = earning(&one.value);
                    if after != before {
                        told.add(one.value.status, before, after);
                        entries.push(Entry { conversion_id: *id, before, after });
                    }
                }
                Err(why) => told.leave(why),
            }
        }
        Ok(entries)
    }

    /// Writes other money into a conversion that the group holds.
    fn reprice(&mut self, id: i64, to: Earning, (user_id, why): (i64, &str)) {
        let Some(existing) = self.held(id).cloned() else { return };
        let before = existing.value.clone();
        let after = repriced(&existing, to, self.now_ms);
        self.draft.change(&after);
        self.takings.add(self.catalog, id, before.place, &after.value);
        self.sums.change_conversion(&before.counted(), &after.value.counted());
        let row = change_row(id, Some(&before), &after.value, self.now_ms);
        let cause = RECALCULATION.to_owned();
        self.draft.note(Change { cause, why: why.to_owned(), user_id: Some(user_id), ..row });
        self.replace(after);
    }
}

impl Recalculated {
    fn add(&mut self, status: Status, before: Earning, after: Earning) {
        self.changed = self.changed.saturating_add(1);
        let currency = |currency: Currency| currency.to_string();
        let place = (status.as_str(), currency(before.currency), currency(after.currency));
        let moved = self.money.entry(place).or_default();
        moved.count = moved.count.saturating_add(1);
        moved.before_micros = moved.before_micros.saturating_add(before.original_micros);
        moved.after_micros = moved.after_micros.saturating_add(after.original_micros);
        moved.account_before_micros = moved.account_before_micros.saturating_add(before.revenue_micros);
        moved.account_after_micros = moved.account_after_micros.saturating_add(after.revenue_micros);
    }

    fn leave(&mut self, why: LeftFor) {
        let count = self.left.entry(why.as_str()).or_default();
        *count = count.saturating_add(1);
    }
}
