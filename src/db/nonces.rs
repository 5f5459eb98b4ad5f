//! Signed requests of the last minutes, so that none of them counts twice: each under its nonce, or under its hash where it
//! has none.

use super::schema::nonces;
use super::{AnyConnection, Result, on_each};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Text};
use std::collections::BTreeSet;

/// The first half of the locks on PostgreSQL under which nonces are looked up; the second is a part of the nonce. Caps are
/// the other locks of two halves.
const LOCK_CLASS: i32 = 2;

/// Rows that one sweep takes away, so that postbacks never wait long behind it.
const SWEEP_ROWS_MAX: i64 = 5_000;

/// What a signed request is known by: its advertiser, and the hash of its nonce or of all it says.
pub type NonceKey = (i64, [u8; 32]);

type Row = (i64, Vec<u8>, Vec<u8>, i64, String);

/// A signed request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is known by.
    pub key: NonceKey,
    /// The hash of what it says.
    pub content: [u8; 32],
    /// When it came, Unix milliseconds.
    pub seen_at_ms: i64,
    /// Its verdict, as the one who stored it wrote it.
    pub answer: String,
}

/// Holds some nonces until the transaction ends, so that of two nodes with one nonce the later sees what the earlier wrote.
/// In one order for all, so that no two wait for each other; SQLite's one writer needs no such lock.
///
/// # Errors
/// The database fails.
pub fn lock(conn: &mut AnyConnection, keys: &[NonceKey]) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    // Two that share this part merely wait for each other.
    let part = |(_, [a, b, c, d, ..]): &NonceKey| i32::from_be_bytes([*a, *b, *c, *d]);
    let parts: BTreeSet<i32> = keys.iter().map(part).collect();
    diesel::sql_query(
        "select pg_advisory_xact_lock($1, k) from (select k from unnest($2) as k order by k) as keys",
    )
    .bind::<Integer, _>(LOCK_CLASS)
    .bind::<Array<Integer>, _>(parts.into_iter().collect::<Vec<_>>())
    .execute(pg)?;
    Ok(())
}

/// Those of some requests that were seen since a time.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, keys: &[NonceKey], since_ms: i64) -> Result<Vec<Seen>> {
    let advertisers: BTreeSet<i64> = keys.iter().map(|(advertiser_id, _)| *advertiser_id).collect();
    let hashes: Vec<&[u8]> = keys.iter().map(|(_, hash)| hash.as_slice()).collect();
    let rows: Vec<Row> = nonces::table
        .filter(nonces::advertiser_id.eq_any(advertisers))
        .filter(nonces::nonce.eq_any(hashes))
        .filter(nonces::seen_at_ms.ge(since_ms))
        .load(conn)?;
    let seen = |(advertiser_id, nonce, content, seen_at_ms, answer): Row| {
        let key = (advertiser_id, nonce.as_slice().try_into().ok()?);
        Some(Seen { key, content: content.as_slice().try_into().ok()?, seen_at_ms, answer })
    };
    Ok(rows.into_iter().filter_map(seen).collect())
}

/// Keeps requests with their verdicts. One that was there and is over is written over.
///
/// # Errors
/// The database fails.
pub fn put(conn: &mut AnyConnection, seen: &[Seen]) -> Result<()> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            // One short statement run again and again: faster here than a long one for many rows.
            for one in seen {
                diesel::replace_into(nonces::table)
                    .values((
                        nonces::advertiser_id.eq(one.key.0),
                        nonces::nonce.eq(one.key.1.as_slice()),
                        nonces::request_hash.eq(one.content.as_slice()),
                        nonces::seen_at_ms.eq(one.seen_at_ms),
                        nonces::answer.eq(&one.answer),
                    ))
                    .execute(sqlite)?;
            }
        }
        AnyConnection::Pg(pg) => {
            diesel::sql_query(
                "insert into nonces (advertiser_id, nonce, request_hash, seen_at_ms, answer) \
                 select * from unnest($1, $2, $3, $4, $5) on conflict (advertiser_id, nonce) do update set \
                 request_hash = excluded.request_hash, seen_at_ms = excluded.seen_at_ms, answer = excluded.answer",
            )
            .bind::<Array<BigInt>, _>(seen.iter().map(|one| one.key.0).collect::<Vec<_>>())
            .bind::<Array<Binary>, _>(seen.iter().map(|one| one.key.1.as_slice()).collect::<Vec<_>>())
            .bind::<Array<Binary>, _>(seen.iter().map(|one| one.content.as_slice()).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(seen.iter().map(|one| one.seen_at_ms).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(seen.iter().map(|one| one.answer.as_str()).collect::<Vec<_>>())
            .execute(pg)?;
        }
    }
    Ok(())
}

/// Whether any was seen before a time.
///
/// # Errors
/// The database fails.
pub fn has_before(conn: &mut AnyConnection, before_ms: i64) -> Result<bool> {
    let old = nonces::table.filter(nonces::seen_at_ms.lt(before_ms));
    Ok(diesel::select(diesel::dsl::exists(old)).get_result(conn)?)
}

/// Takes away what was seen before a time, as many as one turn may, and says whether there may be more. What another node
/// is taking away is left to it.
///
/// # Errors
/// The database fails.
pub fn sweep(conn: &mut AnyConnection, before_ms: i64) -> Result<bool> {
    let text = match conn {
        AnyConnection::Sqlite(_) => {
            "delete from nonces where (advertiser_id, nonce) in (select advertiser_id, nonce from nonces \
             where seen_at_ms < $1 order by seen_at_ms limit $2)"
        }
        AnyConnection::Pg(_) => {
            "delete from nonces where (advertiser_id, nonce) in (select advertiser_id, nonce from nonces \
             where seen_at_ms < $1 order by seen_at_ms limit $2 for update skip locked)"
        }
    };
    let asked = || diesel::sql_query(text).bind::<BigInt, _>(before_ms).bind::<BigInt, _>(SWEEP_ROWS_MAX);
    let gone = on_each!(conn, |c| asked().execute(c))?;
    Ok(i64::try_from(gone).is_ok_and(|gone| gone >= SWEEP_ROWS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Error, Priority, scratch};

    fn seen(nonce: u8, seen_at_ms: i64, answer: &str) -> Seen {
        Seen { key: (1, [nonce; 32]), content: [nonce; 32], seen_at_ms, answer: answer.to_owned() }
    }

    #[test]
    fn what_was_seen_is_found_until_it_is_over() {
        scratch::on_each_database(|db| {
            let keys: Vec<NonceKey> = [1, 2, 3].map(|nonce| (1, [nonce; 32])).to_vec();
            let found = |since_ms| {
                let mut found = db.read(|conn| find(conn, &keys, since_ms)).unwrap();
                found.sort_by_key(|one| one.key);
                found
            };
            db.write(Priority::Postbacks, |conn| {
                lock(conn, &keys)?;
                put(conn, &[seen(1, 100, "a"), seen(2, 200, "b")])?;
                put(conn, &[Seen { key: (2, [1; 32]), ..seen(1, 300, "another's") }])?;
                put(conn, &[])?;
                Ok::<_, Error>(())
            })
            .unwrap();
            assert_eq!(found(0), [seen(1, 100, "a"), seen(2, 200, "b")]);
            assert_eq!(found(150), [seen(2, 200, "b")]);
            db.write(Priority::Postbacks, |conn| put(conn, &[seen(1, 400, "anew")])).unwrap();
            assert_eq!(found(150), [seen(1, 400, "anew"), seen(2, 200, "b")]);
            assert!(db.read(|conn| has_before(conn, 300)).unwrap());
            assert!(!db.write(Priority::Maintenance, |conn| sweep(conn, 300)).unwrap());
            assert_eq!(found(0), [seen(1, 400, "anew")]);
            assert!(!db.read(|conn| has_before(conn, 300)).unwrap());
        });
    }
}
