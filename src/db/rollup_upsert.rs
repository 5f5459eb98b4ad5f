//! Adding to the rollups' rows: the statement behind every written click, so it is made ready once.

use super::rollups::Grain;
use super::{AnyConnection, Result, sums};
use crate::domain::rollup::{Counters, RollupKey};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};
use std::sync::LazyLock;

/// Rows of one statement on PostgreSQL.
const ROWS_MAX: usize = 5_000;

const KEYS: &str = "bucket_ms, campaign_id, attribution, is_bot, is_test, writer_id";

static HOUR_TEXT: LazyLock<Texts> = LazyLock::new(|| Texts::new(Grain::Hour, false));
static QUARTER_TEXT: LazyLock<Texts> = LazyLock::new(|| Texts::new(Grain::Quarter, false));
static PG_HOUR_TEXT: LazyLock<Texts> = LazyLock::new(|| Texts::new(Grain::Hour, true));
static PG_QUARTER_TEXT: LazyLock<Texts> = LazyLock::new(|| Texts::new(Grain::Quarter, true));

/// What stands before and after the row.
struct Texts {
    insert: String,
    on_conflict: String,
}

impl Texts {
    fn new(grain: Grain, is_pg: bool) -> Self {
        let (table, names) = (grain.table(), Counters::NAMES);
        let sets: Vec<String> = names.iter().map(|name| sums::addition(table, name, is_pg)).collect();
        Self {
            insert: format!("INSERT INTO {table} ({KEYS}, {})", names.join(", ")),
            on_conflict: format!(" ON CONFLICT ({KEYS}) DO UPDATE SET {}", sets.join(", ")),
        }
    }

    fn of(grain: Grain, is_pg: bool) -> &'static Self {
        match (grain, is_pg) {
            (Grain::Hour, false) => &HOUR_TEXT,
            (Grain::Quarter, false) => &QUARTER_TEXT,
            (Grain::Hour, true) => &PG_HOUR_TEXT,
            (Grain::Quarter, true) => &PG_QUARTER_TEXT,
        }
    }
}

/// Adds sums to the writer's rows, in the order they come.
pub(super) fn add<'a>(
    conn: &mut AnyConnection,
    grain: Grain,
    rows: impl Iterator<Item = (&'a RollupKey, &'a Counters)>,
    writer_id: i64,
) -> Result<()> {
    match conn {
        AnyConnection::Sqlite(sqlite) => {
            for (key, sums) in rows {
                let row = Row {
                    key: *key,
                    attribution: key.attribution.as_str(),
                    values: sums.values(),
                    writer_id,
                };
                match grain {
                    Grain::Hour => AddHour(row).execute(sqlite)?,
                    Grain::Quarter => AddQuarter(row).execute(sqlite)?,
                };
            }
        }
        AnyConnection::Pg(pg) => {
            let rows: Vec<(&RollupKey, &Counters)> = rows.collect();
            for some in rows.chunks(ROWS_MAX) {
                add_many(pg, grain, some, writer_id)?;
            }
        }
    }
    Ok(())
}

/// PostgreSQL takes many rows as one array a column: a round trip for each row would cost more than the rows.
fn add_many(
    pg: &mut diesel::PgConnection,
    grain: Grain,
    rows: &[(&RollupKey, &Counters)],
    writer_id: i64,
) -> Result<()> {
    let texts = Texts::of(grain, true);
    let arrays: Vec<String> = (7..7 + Counters::NAMES.len()).map(|number| format!("${number}")).collect();
    let text = format!(
        "{} SELECT * FROM unnest($1, $2, $3, $4, $5, $6, {}){}",
        texts.insert,
        arrays.join(", "),
        texts.on_conflict
    );
    let mut statement = diesel::sql_query(text)
        .into_boxed()
        .bind::<Array<BigInt>, _>(rows.iter().map(|(key, _)| key.quarter_ms).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(rows.iter().map(|(key, _)| key.campaign_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(rows.iter().map(|(key, _)| key.attribution.as_str()).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(rows.iter().map(|(key, _)| key.is_bot).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(rows.iter().map(|(key, _)| key.is_test).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(vec![writer_id; rows.len()]);
    let values: Vec<_> = rows.iter().map(|(_, sums)| sums.values()).collect();
    for at in 0..Counters::NAMES.len() {
        let column: Vec<i64> = values.iter().filter_map(|row| row.get(at).copied()).collect();
        statement = statement.bind::<Array<BigInt>, _>(column);
    }
    statement.execute(pg)?;
    Ok(())
}

struct Row {
    key: RollupKey,
    attribution: &'static str,
    values: [i64; Counters::NAMES.len()],
    writer_id: i64,
}

impl Row {
    fn walk<'b>(&'b self, texts: &'static Texts, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(&texts.insert);
        out.push_sql(" VALUES (");
        out.push_bind_param::<BigInt, _>(&self.key.quarter_ms)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.key.campaign_id)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(self.attribution)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.key.is_bot)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.key.is_test)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(&self.writer_id)?;
        for value in &self.values {
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(value)?;
        }
        out.push_sql(")");
        out.push_sql(&texts.on_conflict);
        Ok(())
    }
}

/// A statement of one grain. Its text never changes, so Diesel finds the prepared one by type, without writing it anew.
macro_rules! add_statement {
    ($name:ident, $grain:expr) => {
        struct $name(Row);

        impl QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl QueryFragment<Sqlite> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                self.0.walk(Texts::of($grain, false), &mut out)
            }
        }

        impl RunQueryDsl<SqliteConnection> for $name {}
    };
}

add_statement!(AddHour, Grain::Hour);
add_statement!(AddQuarter, Grain::Quarter);
