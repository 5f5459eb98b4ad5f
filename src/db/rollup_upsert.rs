//! Adding to the rollups' rows: the statement behind every written click, so it is made ready once.

use super::rollups::Grain;
use super::{AnyConnection, Result, sums};
use crate::domain::rollup::{Counters, RollupKey};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel::sqlite::Sqlite;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};
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
                let columns = Columns::new(some, writer_id);
                match grain {
                    Grain::Hour => AddHours(columns).execute(pg)?,
                    Grain::Quarter => AddQuarters(columns).execute(pg)?,
                };
            }
        }
    }
    Ok(())
}

/// PostgreSQL takes many rows as one array a column: a round trip for each row would cost more than the rows.
struct Columns {
    quarters: Vec<i64>,
    campaigns: Vec<i64>,
    attributions: Vec<&'static str>,
    are_bots: Vec<bool>,
    are_tests: Vec<bool>,
    writers: Vec<i64>,
    counters: [Vec<i64>; Counters::NAMES.len()],
}

impl Columns {
    fn new(rows: &[(&RollupKey, &Counters)], writer_id: i64) -> Self {
        let values: Vec<_> = rows.iter().map(|(_, sums)| sums.values()).collect();
        let column = |at: usize| values.iter().filter_map(|row| row.get(at).copied()).collect();
        Self {
            quarters: rows.iter().map(|(key, _)| key.quarter_ms).collect(),
            campaigns: rows.iter().map(|(key, _)| key.campaign_id).collect(),
            attributions: rows.iter().map(|(key, _)| key.attribution.as_str()).collect(),
            are_bots: rows.iter().map(|(key, _)| key.is_bot).collect(),
            are_tests: rows.iter().map(|(key, _)| key.is_test).collect(),
            writers: vec![writer_id; rows.len()],
            counters: std::array::from_fn(column),
        }
    }

    fn walk<'b>(&'b self, texts: &'static Texts, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&texts.insert);
        out.push_sql(" SELECT * FROM unnest(");
        out.push_bind_param::<Array<BigInt>, _>(&self.quarters)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.campaigns)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.attributions)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.are_bots)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.are_tests)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.writers)?;
        for column in &self.counters {
            out.push_sql(", ");
            out.push_bind_param::<Array<BigInt>, _>(column)?;
        }
        out.push_sql(")");
        out.push_sql(&texts.on_conflict);
        Ok(())
    }
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
    ($name:ident, $rows:ty, $grain:expr, $backend:ty, $conn:ty, $is_pg:literal) => {
        struct $name($rows);

        impl QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl QueryFragment<$backend> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $backend>) -> QueryResult<()> {
                self.0.walk(Texts::of($grain, $is_pg), &mut out)
            }
        }

        impl RunQueryDsl<$conn> for $name {}
    };
}

add_statement!(AddHour, Row, Grain::Hour, Sqlite, SqliteConnection, false);
add_statement!(AddQuarter, Row, Grain::Quarter, Sqlite, SqliteConnection, false);
add_statement!(AddHours, Columns, Grain::Hour, Pg, PgConnection, true);
add_statement!(AddQuarters, Columns, Grain::Quarter, Pg, PgConnection, true);
