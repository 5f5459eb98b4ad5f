//! Sums in SQL that stop at [`SUM_MAX`] instead of failing: one absurd cost or amount after the other must neither end
//! the writing of clicks nor leave a report without an answer.

use super::{AnyConnection, Result};
use crate::domain::rollup::{Counters, SUM_MAX};
use diesel::QueryResult;
use diesel::result::Error;
use std::fmt::Write as _;

/// The bits that are summed apart in [`Width::Halves`].
const LOW_BITS: i64 = 0xffff_ffff;

/// How sums are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// SQLite's own sum: the quickest, and an error where it leaves 64 bits.
    Plain,
    /// SQLite, in two halves that cannot leave 64 bits before two thousand million rows.
    Halves,
    /// PostgreSQL's sum of bigint is numeric: it cannot leave anything, and is cut at the bound.
    Numeric,
}

/// Only money can come near the bound: everything else counts rows.
fn is_money(name: &str) -> bool {
    name.ends_with("_micros")
}

/// `, <sum> AS <name>` for each counter; `value` gives the SQL of what one row adds.
pub(super) fn columns<'a>(width: Width, value: impl Fn(&'static str) -> &'a str) -> String {
    let mut list = String::new();
    for name in Counters::NAMES {
        let value = value(name);
        // Writing to a String cannot fail.
        let _ = match width {
            Width::Numeric if is_money(name) => write!(
                list,
                ", CAST(LEAST(GREATEST(COALESCE(SUM({value}), 0), -{SUM_MAX}), {SUM_MAX}) AS BIGINT) AS {name}"
            ),
            Width::Halves if is_money(name) => {
                let high = format!("SUM(({value}) >> 32)");
                let low = format!("SUM(({value}) & {LOW_BITS})");
                let top = format!("COALESCE({high} + ({low} >> 32), 0)");
                let bound = SUM_MAX >> 32;
                write!(
                    list,
                    ", CASE WHEN {top} > {bound} THEN {SUM_MAX} WHEN {top} < -{bound} THEN -{SUM_MAX} \
                     ELSE ({top} << 32) + COALESCE({low} & {LOW_BITS}, 0) END AS {name}"
                )
            }
            Width::Plain | Width::Halves | Width::Numeric => {
                write!(list, ", CAST(COALESCE(SUM({value}), 0) AS BIGINT) AS {name}")
            }
        };
    }
    list
}

/// Asks for sums; on SQLite a second time in halves where a plain sum would leave 64 bits.
pub(super) fn ask<T>(
    conn: &mut AnyConnection,
    question: impl Fn(&mut AnyConnection, Width) -> QueryResult<T>,
) -> Result<T> {
    if matches!(conn, AnyConnection::Pg(_)) {
        return Ok(question(conn, Width::Numeric)?);
    }
    match question(conn, Width::Plain) {
        Err(Error::DatabaseError(_, why)) if why.message() == "integer overflow" => {
            Ok(question(conn, Width::Halves)?)
        }
        outcome => Ok(outcome?),
    }
}

/// What adds a new value to a column that is kept within the bound; the new one must be within it too.
pub(super) fn addition(table: &str, name: &str, is_pg: bool) -> String {
    let added = format!("{table}.{name} + excluded.{name}");
    match (is_money(name), is_pg) {
        (false, _) => format!("{name} = {added}"),
        (true, false) => format!("{name} = MAX(MIN({added}, {SUM_MAX}), -{SUM_MAX})"),
        (true, true) => format!("{name} = GREATEST(LEAST({added}, {SUM_MAX}), -{SUM_MAX})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::rollups::SumColumns;
    use diesel::{Connection as _, RunQueryDsl as _, SqliteConnection};
    use proptest::prelude::*;

    /// The sum of some values, as SQLite gives it.
    fn sum(conn: &mut AnyConnection, width: Width, values: &[i64]) -> QueryResult<i64> {
        let rows: Vec<String> = values.iter().map(|value| format!("({value})")).collect();
        let columns = columns(width, |name| if is_money(name) { "column1" } else { "1" });
        let text = format!("SELECT 0{columns} FROM (VALUES {})", rows.join(", "));
        let sums: SumColumns = diesel::sql_query(text).get_result(conn)?;
        Ok(Counters::from(sums).revenue_micros)
    }

    proptest! {
        #[test]
        fn halves_make_the_same_sum_and_stop_at_the_bound(
            values in prop::collection::vec(prop_oneof![-SUM_MAX..=SUM_MAX, -1_000..1_000_i64], 1..8),
        ) {
            let mut conn = AnyConnection::Sqlite(SqliteConnection::establish(":memory:").unwrap());
            let exact: i128 = values.iter().copied().map(i128::from).sum();
            let wanted = i64::try_from(exact.clamp(-i128::from(SUM_MAX), i128::from(SUM_MAX))).unwrap();
            prop_assert_eq!(sum(&mut conn, Width::Halves, &values).unwrap(), wanted);
            let whole = ask(&mut conn, |conn, width| sum(conn, width, &values)).unwrap();
            prop_assert_eq!(whole, wanted);
        }
    }
}
