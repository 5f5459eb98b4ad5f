//! Writing the conversion ledger for many postbacks in one go: what a transaction decides is collected, and written at its
//! end with a statement for each table instead of three for each postback. Over a network the round trips were what a
//! postback cost.

use super::conversions::{self, Change, Conversion, NewConversion};
use super::postbacks::{self, NewPostback};
use super::schema::{conversion_changes, conversions as conversions_table, postbacks_received};
use super::words_seen::Words;
use super::{AnyConnection, Result, on_each};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers for rows that are written later, taken from the database before. Kept from one transaction to the next, so
/// that what one has not used is not lost.
#[derive(Debug, Default)]
pub struct Numbers {
    conversions: Vec<i64>,
    postbacks: Vec<i64>,
    /// The last number that was thought up, where nothing will be written.
    imagined: Option<i64>,
}

/// From here on numbers are imagined: no row ever has one.
pub const IMAGINED_FROM: i64 = 1 << 62;

impl Numbers {
    /// Numbers that are no row's, for a look at what would be written.
    #[must_use]
    pub fn imagined() -> Self {
        Self { imagined: Some(IMAGINED_FROM), ..Self::default() }
    }

    fn imagine(&mut self) -> Option<i64> {
        let last = self.imagined.as_mut()?;
        *last = last.saturating_add(1);
        Some(*last)
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The next numbers of a table, the highest first. `drafted` is the highest of those that this transaction has given away.
fn reserve(conn: &mut AnyConnection, table: &str, drafted: i64, count: usize) -> Result<Vec<i64>> {
    let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX);
    let text = match conn {
        // Nobody else writes before this transaction ends: the numbers after the last are free.
        AnyConnection::Sqlite(_) => {
            "with recursive free(number, left_over) as (\
             select max(coalesce((select seq from sqlite_sequence where name = ?1), 0), ?3) + 1, ?2 - 1 \
             union all select number + 1, left_over - 1 from free where left_over > 0) select number from free"
        }
        AnyConnection::Pg(_) => {
            "select nextval(pg_get_serial_sequence($1, 'id')) as number from generate_series(1, $2) where $3 >= 0"
        }
    };
    let asked =
        || diesel::sql_query(text).bind::<Text, _>(table).bind::<BigInt, _>(count).bind::<BigInt, _>(drafted);
    let rows: Vec<Number> = on_each!(conn, |c| asked().load(c))?;
    let mut numbers: Vec<i64> = rows.into_iter().map(|row| row.number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

fn no_number() -> super::Error {
    super::Error::broken_row("no number could be reserved")
}

/// What a transaction is going to write: nothing stands in the database before [`Draft::write`].
#[derive(Debug)]
pub struct Draft<'a> {
    numbers: &'a mut Numbers,
    /// How many postbacks may still come: so many numbers are reserved at once.
    likely: usize,
    recorded: BTreeMap<i64, NewConversion>,
    changed: BTreeMap<i64, NewConversion>,
    /// Those of the changed ones that a postback took over from a pixel.
    taken_over: BTreeSet<i64>,
    changes: Vec<Change>,
    postbacks: Vec<(i64, NewPostback)>,
    /// Words that nobody has given a meaning.
    pub words: Words,
}

impl<'a> Draft<'a> {
    /// Begins a transaction's draft, for about so many postbacks.
    pub fn new(conn: &AnyConnection, numbers: &'a mut Numbers, likely: usize) -> Self {
        if matches!(conn, AnyConnection::Sqlite(_)) && numbers.imagined.is_none() {
            // Numbers there are free only as long as the transaction that read them.
            *numbers = Numbers::default();
        }
        Self {
            numbers,
            likely,
            recorded: BTreeMap::new(),
            changed: BTreeMap::new(),
            taken_over: BTreeSet::new(),
            changes: Vec::new(),
            postbacks: Vec::new(),
            words: Words::default(),
        }
    }

    /// A new conversion; comes back with its number.
    ///
    /// # Errors
    /// The database fails.
    pub fn record(&mut self, conn: &mut AnyConnection, new: NewConversion) -> Result<i64> {
        if let Some(id) = self.numbers.imagine() {
            self.recorded.insert(id, new);
            return Ok(id);
        }
        let free = &mut self.numbers.conversions;
        if free.is_empty() {
            let drafted = self.recorded.last_key_value().map_or(0, |(id, _)| *id);
            *free = reserve(conn, "conversions", drafted, self.likely.saturating_sub(self.recorded.len()))?;
        }
        let id = free.pop().ok_or_else(no_number)?;
        self.recorded.insert(id, new);
        Ok(id)
    }

    /// The new conversions with their numbers.
    pub fn recorded(&self) -> impl Iterator<Item = (i64, &NewConversion)> {
        self.recorded.iter().map(|(id, new)| (*id, new))
    }

    /// Whether a conversion is one of this draft: it stands nowhere yet.
    #[must_use]
    pub fn is_new(&self, id: i64) -> bool {
        self.recorded.contains_key(&id)
    }

    /// What became of a conversion.
    pub fn change(&mut self, conversion: &Conversion) {
        let value = conversion.value.clone();
        if let Some(recorded) = self.recorded.get_mut(&conversion.id) {
            *recorded = value;
        } else {
            self.changed.insert(conversion.id, value);
        }
    }

    /// What a postback made of a conversion that a pixel had reported.
    pub fn take_over(&mut self, conversion: &Conversion) {
        self.change(conversion);
        self.taken_over.insert(conversion.id);
    }

    /// A conversion of this draft came over a cap.
    pub fn flag_over_cap(&mut self, id: i64) {
        let found = self.recorded.get_mut(&id).or_else(|| self.changed.get_mut(&id));
        if let Some(value) = found {
            value.is_over_cap = true;
        }
    }

    /// A row of a conversion's history.
    pub fn note(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// A postback with its verdict; comes back with its number.
    ///
    /// # Errors
    /// The database fails.
    pub fn keep(&mut self, conn: &mut AnyConnection, new: NewPostback) -> Result<i64> {
        let free = &mut self.numbers.postbacks;
        if free.is_empty() {
            let drafted = self.postbacks.last().map_or(0, |(id, _)| *id);
            let left = self.likely.saturating_sub(self.postbacks.len());
            *free = reserve(conn, "postbacks_received", drafted, left)?;
        }
        let id = free.pop().ok_or_else(no_number)?;
        self.postbacks.push((id, new));
        Ok(id)
    }

    /// Every change that is written, with its conversion as it stands at the end, and whether a postback took it over from
    /// a pixel.
    pub fn changes(&self) -> impl Iterator<Item = (&Change, Option<&NewConversion>, bool)> {
        self.changes.iter().map(|change| {
            let id = change.conversion_id;
            let conversion = self.recorded.get(&id).or_else(|| self.changed.get(&id));
            (change, conversion, self.taken_over.contains(&id))
        })
    }

    /// Whether nothing of it will be written.
    #[must_use]
    pub const fn is_imagined(&self) -> bool {
        self.numbers.imagined.is_some()
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The database fails; [`super::Error::Taken`] where a conversion of the same identity was written meanwhile, past the
    /// locks: to be judged again.
    pub fn write(self, conn: &mut AnyConnection) -> Result<()> {
        // First what it is known by, in one statement: a part of it alone may be another report's.
        for (id, value) in self.changed.iter().filter(|(id, _)| self.taken_over.contains(id)) {
            conversions::take_over(conn, *id, value)?;
        }
        if !self.changed.is_empty() {
            conversions::update_all(conn, &self.changed)?;
        }
        let recorded: Vec<conversions::Numbered<'_>> =
            self.recorded.iter().map(|(id, new)| conversions::Numbered::new(*id, new)).collect();
        let postbacks: Vec<postbacks::Numbered<'_>> =
            self.postbacks.iter().map(|(id, new)| postbacks::Numbered::new(*id, new)).collect();
        match conn {
            AnyConnection::Sqlite(sqlite) => {
                // One short statement run again and again: faster here than a long one for many rows.
                for row in recorded {
                    diesel::insert_into(conversions_table::table).values(row).execute(sqlite)?;
                }
                for row in postbacks {
                    diesel::insert_into(postbacks_received::table).values(row).execute(sqlite)?;
                }
                for change in self.changes {
                    diesel::insert_into(conversion_changes::table).values(change).execute(sqlite)?;
                }
            }
            AnyConnection::Pg(pg) => {
                if !recorded.is_empty() {
                    diesel::copy_from(conversions_table::table).from_insertable(&recorded).execute(pg)?;
                }
                if !postbacks.is_empty() {
                    diesel::copy_from(postbacks_received::table).from_insertable(&postbacks).execute(pg)?;
                }
                if !self.changes.is_empty() {
                    diesel::copy_from(conversion_changes::table)
                        .from_insertable(&self.changes)
                        .execute(pg)?;
                }
            }
        }
        self.words.write(conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Error, Priority, scratch};
    use crate::domain::anomaly::{Anomalies, Said};
    use crate::domain::click_id::ClickId;
    use crate::domain::money::Currency;
    use crate::domain::origin::Origin;
    use crate::domain::status::Status;
    use crate::domain::verdict::Code;

    fn conversion(txid: &str) -> NewConversion {
        NewConversion {
            click_id: ClickId::new(1_000, [7; 10]),
            event: "sale".to_owned(),
            txid: txid.to_owned(),
            seq: 0,
            advertiser_id: 1,
            campaign_id: 1,
            path_id: None,
            lander_id: None,
            offer_id: None,
            source_id: None,
            clicked_at_ms: 1_000,
            converted_at_ms: 2_000,
            recorded_at_ms: 2_000,
            updated_at_ms: 2_000,
            status: Status::Pending,
            advertiser_status: None,
            revenue_original_micros: 5,
            revenue_reported_micros: None,
            currency: Currency::USD,
            rate_nanos: 1_000_000_000,
            revenue_micros: 5,
            payout_status: Status::Pending,
            payout_micros: 0,
            sale_amount_micros: None,
            counts_as_conversion: true,
            counts_in_revenue: true,
            is_over_cap: false,
            place: None,
            is_bot: false,
            is_test: false,
            reason: None,
            origin: Origin::Postback,
            is_unconfirmed: false,
            said: Said::default(),
            anomalies: Anomalies::default(),
        }
    }

    fn postback(now_ms: i64) -> NewPostback {
        NewPostback {
            received_at_ms: now_ms,
            advertiser_id: Some(1),
            method: "GET".to_owned(),
            address: "192.0.2.1".to_owned(),
            content_type: None,
            raw_query: b"cid=\xff\0".to_vec(),
            raw_body: Vec::new(),
            request_hash: [3; 16],
            code: Code::Recorded,
            message: "a\tb\\.".to_owned(),
            click_id: None,
            event: None,
            txid: None,
            conversion_id: None,
            is_test: false,
            is_waiting: false,
        }
    }

    /// Records conversions in one transaction; the last change of the first one counts.
    fn record(db: &Db, numbers: &mut Numbers, txids: &[&str]) -> Result<Vec<i64>> {
        db.write(Priority::Postbacks, |conn| {
            let mut draft = Draft::new(conn, numbers, 4);
            let mut ids = Vec::new();
            for txid in txids {
                ids.push(draft.record(conn, conversion(txid))?);
            }
            if let Some(id) = ids.first() {
                let value = NewConversion { status: Status::Approved, ..conversion(txids[0]) };
                draft.change(&Conversion { id: *id, value });
            }
            draft.write(conn)?;
            Ok(ids)
        })
    }

    #[test]
    fn numbers_are_used_once_and_what_is_taken_is_refused() {
        scratch::on_each_database(|db| {
            let (mut mine, mut others) = (Numbers::default(), Numbers::default());
            let mut all = record(db, &mut mine, &["a", "b"]).unwrap();
            all.extend(record(db, &mut others, &["c"]).unwrap());
            // A transaction that fails leaves nothing, and its numbers are not used for two rows.
            let refused = record(db, &mut mine, &["d", "a"]);
            assert!(matches!(refused, Err(Error::Taken(_))), "{refused:?}");
            all.extend(record(db, &mut mine, &["d", "e", "f", "g", "h"]).unwrap());
            all.extend(record(db, &mut others, &["i"]).unwrap());
            let click = ClickId::new(1_000, [7; 10]);
            let stored: Result<Vec<Conversion>> = db.read(|conn| conversions::of_clicks(conn, &[click]));
            let mut stored: Vec<(i64, String)> =
                stored.unwrap().into_iter().map(|one| (one.id, one.value.txid)).collect();
            stored.sort_by(|a, b| a.1.cmp(&b.1));
            let expected: Vec<(i64, String)> =
                all.into_iter().zip("abcdefghi".chars().map(String::from)).collect();
            assert_eq!(stored, expected);
        });
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        scratch::on_each_database(|db| {
            let now_ms = 1_790_000_000_000;
            let id = db.write(Priority::Postbacks, |conn| {
                super::super::partitions::ensure(conn, now_ms, now_ms + 1)?;
                let mut numbers = Numbers::default();
                let mut draft = Draft::new(conn, &mut numbers, 1);
                let id = draft.keep(conn, postback(now_ms))?;
                draft.write(conn)?;
                Ok::<_, Error>(id)
            });
            let found = db.read(|conn| postbacks::find(conn, id.unwrap())).unwrap();
            assert_eq!(found.unwrap().value, postback(now_ms));
            let mut numbers = Numbers::default();
            let first = record(db, &mut numbers, &["a"]).unwrap()[0];
            let of_first: Option<Conversion> = db.read(|conn| conversions::find(conn, first)).unwrap();
            assert_eq!(
                of_first.unwrap().value,
                NewConversion { status: Status::Approved, ..conversion("a") }
            );
            let later = NewConversion { status: Status::Reversed, ..conversion("a") };
            let change = Conversion { id: first, value: later.clone() };
            let changed: Result<()> = db.write(Priority::Postbacks, |conn| {
                let mut draft = Draft::new(conn, &mut numbers, 1);
                draft.change(&change);
                draft.write(conn)
            });
            changed.unwrap();
            assert_eq!(db.read(|conn| conversions::find(conn, first)).unwrap().unwrap().value, later);
        });
    }
}
