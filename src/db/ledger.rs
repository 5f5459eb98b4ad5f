//! Writing the conversion ledger for many postbacks in one go: what a transaction decides is collected, and written at its
//! end with a statement for each table instead of three for each postback. Over a network the round trips were what a
//! postback cost.

use super::conversions::{self, Change, Conversion, NewConversion};
use super::postbacks::{self, NewPostback};
use super::schema::{conversion_changes, conversions as conversions_table, postbacks_received};
use super::{AnyConnection, Result, on_each};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::BTreeMap;

/// Numbers for rows that are written later, taken from the database before. Kept from one transaction to the next, so
/// that what one has not used is not lost.
#[derive(Debug, Default)]
pub struct Numbers {
    conversions: Vec<i64>,
    postbacks: Vec<i64>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The next numbers of a table, the highest first.
fn reserve(conn: &mut AnyConnection, table: &str, count: usize) -> Result<Vec<i64>> {
    let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX);
    let text = match conn {
        // Nobody else writes before this transaction ends: the numbers after the last are free.
        AnyConnection::Sqlite(_) => {
            "with recursive free(number, left_over) as (\
             select coalesce((select seq from sqlite_sequence where name = $1), 0) + 1, $2 - 1 \
             union all select number + 1, left_over - 1 from free where left_over > 0) select number from free"
        }
        AnyConnection::Pg(_) => {
            "select nextval(pg_get_serial_sequence($1, 'id')) as number from generate_series(1, $2)"
        }
    };
    let asked = || diesel::sql_query(text).bind::<Text, _>(table).bind::<BigInt, _>(count);
    let rows: Vec<Number> = on_each!(conn, |c| asked().load(c))?;
    let mut numbers: Vec<i64> = rows.into_iter().map(|row| row.number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

fn next(free: &mut Vec<i64>, conn: &mut AnyConnection, table: &str, likely: usize) -> Result<i64> {
    if free.is_empty() {
        *free = reserve(conn, table, likely)?;
    }
    free.pop().ok_or_else(|| super::Error::broken_row("no number could be reserved"))
}

/// What a transaction is going to write: nothing stands in the database before [`Draft::write`].
#[derive(Debug)]
pub struct Draft<'a> {
    numbers: &'a mut Numbers,
    /// How many postbacks may still come: so many numbers are reserved at once.
    likely: usize,
    recorded: BTreeMap<i64, NewConversion>,
    changed: BTreeMap<i64, NewConversion>,
    changes: Vec<Change>,
    postbacks: Vec<(i64, NewPostback)>,
}

impl<'a> Draft<'a> {
    /// Begins a transaction's draft, for about so many postbacks.
    pub fn new(conn: &AnyConnection, numbers: &'a mut Numbers, likely: usize) -> Self {
        if matches!(conn, AnyConnection::Sqlite(_)) {
            // Numbers there are free only as long as the transaction that read them.
            *numbers = Numbers::default();
        }
        Self {
            numbers,
            likely,
            recorded: BTreeMap::new(),
            changed: BTreeMap::new(),
            changes: Vec::new(),
            postbacks: Vec::new(),
        }
    }

    /// A new conversion; comes back with its number.
    ///
    /// # Errors
    /// The database fails.
    pub fn record(&mut self, conn: &mut AnyConnection, new: NewConversion) -> Result<i64> {
        let left = self.likely.saturating_sub(self.recorded.len());
        let id = next(&mut self.numbers.conversions, conn, "conversions", left)?;
        self.recorded.insert(id, new);
        Ok(id)
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

    /// A row of a conversion's history.
    pub fn note(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// A postback with its verdict; comes back with its number.
    ///
    /// # Errors
    /// The database fails.
    pub fn keep(&mut self, conn: &mut AnyConnection, new: NewPostback) -> Result<i64> {
        let left = self.likely.saturating_sub(self.postbacks.len());
        let id = next(&mut self.numbers.postbacks, conn, "postbacks_received", left)?;
        self.postbacks.push((id, new));
        Ok(id)
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The database fails; [`super::Error::Taken`] where a conversion of the same identity was written meanwhile, past the
    /// locks: to be judged again.
    pub fn write(self, conn: &mut AnyConnection) -> Result<()> {
        for (id, value) in self.changed {
            conversions::update(conn, &Conversion { id, value })?;
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
        Ok(())
    }
}
