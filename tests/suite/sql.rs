//! Questions to the database that no part of the program asks.

use clickledger::db::{AnyConnection, Result};
use clickledger::domain::click_id::ClickId;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Nullable<BigInt>)]
    n: Option<i64>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// The one number that a query gives; nothing counts as 0.
pub fn number(conn: &mut AnyConnection, query: &str) -> Result<i64> {
    Ok(optional(conn, query)?.unwrap_or_default())
}

fn optional(conn: &mut AnyConnection, query: &str) -> Result<Option<i64>> {
    let row: Number = sql_query(format!("select cast(({query}) as bigint) as n")).get_result(conn)?;
    Ok(row.n)
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    said: String,
}

/// The texts that a query gives for its first column.
pub fn texts(conn: &mut AnyConnection, query: &str) -> Result<Vec<String>> {
    let rows: Vec<Said> = sql_query(format!(
        "with asked(said) as ({query}) select cast(coalesce(said, '') as text) as said from asked"
    ))
    .load(conn)?;
    Ok(rows.into_iter().map(|row| row.said).collect())
}

/// Every stored click's id.
pub fn click_ids(conn: &mut AnyConnection) -> Result<Vec<ClickId>> {
    let rows: Vec<Id> = sql_query("select id from clicks").load(conn)?;
    Ok(rows.into_iter().map(|row| ClickId::from_slice(&row.id).expect("an id of sixteen bytes")).collect())
}

/// From the first to the last moment that anything is stored for.
pub fn span(conn: &mut AnyConnection) -> Result<Option<(i64, i64)>> {
    let times = [
        ("clicks", "clicked_at_ms"),
        ("lp_clicks", "clicked_at_ms"),
        ("conversions", "clicked_at_ms"),
        ("conversions", "converted_at_ms"),
        ("rollup_hours", "bucket_ms"),
        ("rollup_quarters", "bucket_ms"),
    ];
    let mut all = Vec::new();
    for (table, column) in times {
        all.extend(optional(conn, &format!("select min({column}) from {table}"))?);
        all.extend(optional(conn, &format!("select max({column}) from {table}"))?);
    }
    Ok(all.iter().min().copied().zip(all.iter().max().copied()))
}

/// How many tables there are beside the migrations' own list.
pub fn tables(place: &crate::app::Place) -> i64 {
    use diesel::Connection as _;
    let (mut conn, query) = match place.url.strip_prefix("sqlite://") {
        Some(path) => (
            AnyConnection::Sqlite(diesel::SqliteConnection::establish(path).unwrap()),
            "select count(*) from sqlite_schema where type = 'table' and name not like 'sqlite_%' \
             and name not like '\\_\\_%' escape '\\'",
        ),
        None => (
            AnyConnection::Pg(diesel::PgConnection::establish(&place.url).unwrap()),
            "select count(*) from pg_tables where schemaname = 'public' and tablename not like '\\_\\_%'",
        ),
    };
    number(&mut conn, query).unwrap()
}

/// Runs a statement as it is.
pub fn run(conn: &mut AnyConnection, statement: &str) -> Result<()> {
    sql_query(statement).execute(conn)?;
    Ok(())
}
