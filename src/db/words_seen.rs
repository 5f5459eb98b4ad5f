//! Words of advertisers that nobody has given a meaning: counted in the transaction of the postbacks that brought them.

use super::schema::words_seen;
use super::{AnyConnection, Result, word};
use crate::domain::seen_word::{SeenWord, WORD_KEPT_MS, WORDS_MAX, WordKind};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use std::collections::BTreeMap;

/// How often a word came in one transaction, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Came {
    times: i64,
    first_ms: i64,
    last_ms: i64,
}

/// The words of one transaction. In the order of the key, so that two writers never wait for each other in a circle.
#[derive(Debug, Default)]
pub struct Words(BTreeMap<(i64, &'static str, String), Came>);

impl Words {
    /// A word came.
    pub fn note(&mut self, advertiser_id: i64, kind: WordKind, word: &str, at_ms: i64) {
        let came = self.0.entry((advertiser_id, kind.as_str(), word.to_owned()));
        let came = came.or_insert(Came { times: 0, first_ms: at_ms, last_ms: at_ms });
        came.times = came.times.saturating_add(1);
        came.first_ms = came.first_ms.min(at_ms);
        came.last_ms = came.last_ms.max(at_ms);
    }

    /// Counts them. Costs nothing where all words were known.
    ///
    /// # Errors
    /// The database fails.
    pub(super) fn write(self, conn: &mut AnyConnection) -> Result<()> {
        let Some(now_ms) = self.0.values().map(|came| came.last_ms).max() else { return Ok(()) };
        let mut advertisers: Vec<i64> = self.0.keys().map(|(advertiser_id, ..)| *advertiser_id).collect();
        advertisers.dedup();
        // What has not come for long makes room first.
        let gone = words_seen::table
            .filter(words_seen::advertiser_id.eq_any(advertisers))
            .filter(words_seen::last_seen_at_ms.lt(now_ms.saturating_sub(WORD_KEPT_MS)));
        diesel::delete(gone).execute(conn)?;
        match conn {
            AnyConnection::Sqlite(sqlite) => {
                for ((advertiser_id, kind, word), came) in self.0 {
                    diesel::sql_query(ADD_ONE)
                        .bind::<BigInt, _>(advertiser_id)
                        .bind::<Text, _>(kind)
                        .bind::<Text, _>(word)
                        .bind::<BigInt, _>(came.times)
                        .bind::<BigInt, _>(came.first_ms)
                        .bind::<BigInt, _>(came.last_ms)
                        .bind::<BigInt, _>(WORDS_MAX)
                        .execute(sqlite)?;
                }
            }
            AnyConnection::Pg(pg) => {
                let column = |of: fn(&Came) -> i64| self.0.values().map(of).collect::<Vec<_>>();
                diesel::sql_query(ADD_ALL)
                    .bind::<Array<BigInt>, _>(self.0.keys().map(|(id, ..)| *id).collect::<Vec<_>>())
                    .bind::<Array<Text>, _>(self.0.keys().map(|(_, kind, _)| *kind).collect::<Vec<_>>())
                    .bind::<Array<Text>, _>(self.0.keys().map(|(.., word)| word.as_str()).collect::<Vec<_>>())
                    .bind::<Array<BigInt>, _>(column(|came| came.times))
                    .bind::<Array<BigInt>, _>(column(|came| came.first_ms))
                    .bind::<Array<BigInt>, _>(column(|came| came.last_ms))
                    .bind::<BigInt, _>(WORDS_MAX)
                    .execute(pg)?;
            }
        }
        Ok(())
    }
}

/// A new word only while there is room; one that is there always.
const ADD_ONE: &str = "insert into words_seen (advertiser_id, kind, word, seen, first_seen_at_ms, last_seen_at_ms) \
    select ?1, ?2, ?3, ?4, ?5, ?6 where exists (select 1 from words_seen where advertiser_id = ?1 and kind = ?2 and \
    word = ?3) or (select count(*) from words_seen where advertiser_id = ?1 and kind = ?2) < ?7 \
    on conflict (advertiser_id, kind, word) do update set seen = words_seen.seen + excluded.seen, \
    last_seen_at_ms = max(words_seen.last_seen_at_ms, excluded.last_seen_at_ms)";

/// The same for all words of a transaction.
const ADD_ALL: &str = "with came as (select c.*, exists (select 1 from words_seen as k where k.advertiser_id = \
    c.advertiser_id and k.kind = c.kind and k.word = c.word) as is_known from unnest($1, $2, $3, $4, $5, $6) \
    as c(advertiser_id, kind, word, seen, first_ms, last_ms)), placed as (select came.*, row_number() over (partition by \
    advertiser_id, kind, is_known order by word) + (select count(*) from words_seen as k where k.advertiser_id = \
    came.advertiser_id and k.kind = came.kind) as place from came) \
    insert into words_seen (advertiser_id, kind, word, seen, first_seen_at_ms, last_seen_at_ms) \
    select advertiser_id, kind, word, seen, first_ms, last_ms from placed where is_known or place <= $7 \
    order by advertiser_id, kind, word on conflict (advertiser_id, kind, word) do update set \
    seen = words_seen.seen + excluded.seen, \
    last_seen_at_ms = greatest(words_seen.last_seen_at_ms, excluded.last_seen_at_ms)";

/// The words of an advertiser that came since a time, those that came most first.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, advertiser_id: i64, since_ms: i64) -> Result<Vec<SeenWord>> {
    type Row = (String, String, i64, i64, i64);
    let rows: Vec<Row> = words_seen::table
        .filter(words_seen::advertiser_id.eq(advertiser_id))
        .filter(words_seen::last_seen_at_ms.ge(since_ms))
        .order((words_seen::seen.desc(), words_seen::kind, words_seen::word))
        .select((
            words_seen::kind,
            words_seen::word,
            words_seen::seen,
            words_seen::first_seen_at_ms,
            words_seen::last_seen_at_ms,
        ))
        .load(conn)?;
    let read = |(kind, text, seen, first_seen_at_ms, last_seen_at_ms): Row| {
        let kind = word(&kind, WordKind::parse)?;
        Ok(SeenWord { kind, word: text, seen, first_seen_at_ms, last_seen_at_ms })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Error, Priority, scratch};

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    fn write(db: &Db, notes: impl IntoIterator<Item = (i64, WordKind, String, i64)>) {
        let mut words = Words::default();
        notes.into_iter().for_each(|(id, kind, word, at_ms)| words.note(id, kind, &word, at_ms));
        db.write::<_, Error>(Priority::Postbacks, |conn| words.write(conn)).unwrap();
    }

    fn listed(db: &Db, advertiser_id: i64, since_ms: i64) -> Vec<SeenWord> {
        db.read::<_, Error>(|conn| list(conn, advertiser_id, since_ms)).unwrap()
    }

    #[test]
    fn words_are_counted_and_forgotten() {
        scratch::on_each_database(|db| {
            let word = |at_ms| (1, WordKind::Status, "held".to_owned(), at_ms);
            write(db, [word(5_000), word(4_000), (2, WordKind::Event, "held".to_owned(), 9_000)]);
            write(db, [word(3_000)]);
            let expected = SeenWord {
                kind: WordKind::Status,
                word: "held".to_owned(),
                seen: 3,
                first_seen_at_ms: 4_000,
                last_seen_at_ms: 5_000,
            };
            assert_eq!(listed(db, 1, 0), [expected]);
            assert_eq!(listed(db, 1, 5_001), []);
            let later = 5_001 + WORD_KEPT_MS;
            write(db, [(1, WordKind::Event, "deposit".to_owned(), later)]);
            let left: Vec<String> = listed(db, 1, 0).into_iter().map(|seen| seen.word).collect();
            assert_eq!(left, ["deposit"]);
            assert_eq!(listed(db, 2, 0).len(), 1, "another advertiser's words stay");
        });
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        scratch::on_each_database(|db| {
            let many =
                |from: i64, to: i64| (from..to).map(|n| (1, WordKind::Event, format!("w{n:04}"), DAY_MS + n));
            write(db, many(0, 150));
            write(db, many(100, 400));
            write(db, many(300, 320).chain([(1, WordKind::Status, "own".to_owned(), DAY_MS)]));
            let stored = listed(db, 1, 0);
            let events = stored.iter().filter(|seen| seen.kind == WordKind::Event).count();
            assert_eq!(events, usize::try_from(WORDS_MAX).unwrap());
            let again = stored.iter().filter(|seen| seen.kind == WordKind::Event && seen.seen == 2).count();
            assert_eq!(again, 50, "what has its place is counted on");
            assert_eq!(stored.len(), events + 1, "each kind has its own room");
        });
    }
}
