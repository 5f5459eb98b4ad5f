//! How many postbacks of each advertiser came, with which verdict, and when the last came: from indexes alone.

use super::{AnyConnection, Result, on_each, word};
use crate::domain::verdict::{Code, PostbackResult};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

/// Postbacks of one advertiser with one verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Whose.
    pub advertiser_id: i64,
    /// Test data.
    pub is_test: bool,
    /// What became of them.
    pub result: PostbackResult,
    /// How many.
    pub count: i64,
}

/// From the index by time, which holds all that is asked.
const HEARD: &str = "select advertiser_id, is_test, code, count(*) as count from postbacks_received \
    where received_at_ms >= $1 and received_at_ms < $2 and advertiser_id is not null group by advertiser_id, is_test, code";

/// The same of one advertiser. The sign keeps the databases from the index by advertiser, which lacks the code: each row
/// would be looked up.
const HEARD_OF: &str = "select code, count(*) as count from postbacks_received where received_at_ms >= $1 \
    and received_at_ms < $2 and is_test = $3 and +advertiser_id = $4 group by code";

/// From the index by advertiser, its end first.
const LAST: &str = "select received_at_ms as at_ms from postbacks_received where advertiser_id = $1 \
    and received_at_ms >= $2 and received_at_ms < $3 and is_test = $4 order by received_at_ms desc limit 1";

#[derive(QueryableByName)]
struct HeardRow {
    #[diesel(sql_type = BigInt)]
    advertiser_id: i64,
    #[diesel(sql_type = Bool)]
    is_test: bool,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct CodeRow {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct At {
    #[diesel(sql_type = BigInt)]
    at_ms: i64,
}

/// What came in a period, of every advertiser. What came under nobody's key is left out.
///
/// # Errors
/// The database fails.
pub fn heard(conn: &mut AnyConnection, from_ms: i64, to_ms: i64) -> Result<Vec<Heard>> {
    let asked = || diesel::sql_query(HEARD).bind::<BigInt, _>(from_ms).bind::<BigInt, _>(to_ms);
    let rows: Vec<HeardRow> = on_each!(conn, |c| asked().load(c))?;
    let read = |row: HeardRow| {
        let result = word(&row.code, Code::parse)?.result();
        Ok(Heard { advertiser_id: row.advertiser_id, is_test: row.is_test, result, count: row.count })
    };
    rows.into_iter().map(read).collect()
}

/// What came from one advertiser in a period, by verdict.
///
/// # Errors
/// The database fails.
pub fn heard_of(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    (from_ms, to_ms): (i64, i64),
    is_test: bool,
) -> Result<Vec<(PostbackResult, i64)>> {
    let asked = || {
        diesel::sql_query(HEARD_OF)
            .bind::<BigInt, _>(from_ms)
            .bind::<BigInt, _>(to_ms)
            .bind::<Bool, _>(is_test)
            .bind::<BigInt, _>(advertiser_id)
    };
    let rows: Vec<CodeRow> = on_each!(conn, |c| asked().load(c))?;
    rows.into_iter().map(|row| Ok((word(&row.code, Code::parse)?.result(), row.count))).collect()
}

/// When the last postback of an advertiser came in a period, Unix milliseconds.
///
/// # Errors
/// The database fails.
pub fn last_between(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    (from_ms, to_ms): (i64, i64),
    is_test: bool,
) -> Result<Option<i64>> {
    let asked = || {
        diesel::sql_query(LAST)
            .bind::<BigInt, _>(advertiser_id)
            .bind::<BigInt, _>(from_ms)
            .bind::<BigInt, _>(to_ms)
            .bind::<Bool, _>(is_test)
    };
    let found: Option<At> = on_each!(conn, |c| asked().get_result(c).optional())?;
    Ok(found.map(|at| at.at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Error, Priority, partitions, scratch};

    const NOW_MS: i64 = 1_790_000_000_000;

    #[derive(QueryableByName)]
    struct SqliteStep {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    #[derive(QueryableByName)]
    struct PgStep {
        #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
        text: String,
    }

    /// How the database goes about a question.
    fn plan(conn: &mut AnyConnection, text: &str) -> String {
        match conn {
            AnyConnection::Sqlite(c) => {
                let steps: Vec<SqliteStep> =
                    diesel::sql_query(format!("explain query plan {text}")).load(c).unwrap();
                steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n")
            }
            AnyConnection::Pg(c) => {
                // An empty table would be read whole: what is asked is whether an index can carry it.
                diesel::sql_query("set enable_seqscan = off").execute(c).unwrap();
                diesel::sql_query("set enable_bitmapscan = off").execute(c).unwrap();
                let steps: Vec<PgStep> = diesel::sql_query(format!("explain {text}")).load(c).unwrap();
                steps.into_iter().map(|step| step.text).collect::<Vec<_>>().join("\n")
            }
        }
    }

    #[test]
    fn indexes_carry_every_question() {
        scratch::on_each_database(|db| {
            db.write::<_, Error>(Priority::Pages, |conn| partitions::ensure(conn, NOW_MS, NOW_MS)).unwrap();
            db.read::<_, Error>(|conn| {
                // On PostgreSQL each month has its own index, named by the columns.
                let (by_time, by_advertiser) = match conn {
                    AnyConnection::Sqlite(_) => {
                        ("COVERING INDEX postbacks_by_time", "INDEX postbacks_by_advertiser")
                    }
                    AnyConnection::Pg(_) => ("_received_at_ms_is_test_", "_advertiser_id_received_at_ms_idx"),
                };
                let (from, to) = (NOW_MS.to_string(), (NOW_MS + 1).to_string());
                for text in [HEARD, HEARD_OF] {
                    let text = text
                        .replace("$1", &from)
                        .replace("$2", &to)
                        .replace("$3", "false")
                        .replace("$4", "1");
                    let counting = plan(conn, &text);
                    assert!(counting.contains(by_time) && !counting.contains("Seq Scan"), "{counting}");
                    assert!(
                        counting.contains("COVERING") || counting.contains("Index Only Scan"),
                        "{counting}"
                    );
                }
                let last =
                    LAST.replace("$1", "1").replace("$2", &from).replace("$3", &to).replace("$4", "false");
                let last = plan(conn, &last);
                assert!(last.contains(by_advertiser) && !last.contains("Seq Scan"), "{last}");
                assert!(!last.contains("B-TREE") && !last.contains("Sort"), "{last}");
                assert_eq!(heard(conn, NOW_MS, NOW_MS + 5)?, []);
                assert_eq!(heard_of(conn, 1, (NOW_MS, NOW_MS + 5), false)?, []);
                assert_eq!(last_between(conn, 1, (NOW_MS, NOW_MS + 5), false)?, None);
                Ok(())
            })
            .unwrap();
        });
    }
}
