//! What the logs of conversions and of postbacks share: how they are narrowed, and one page of them.

/// The rows of a log within the query's time, of its click, and of the values given for some columns.
macro_rules! given {
    ($rows:ident, $query:ident, $table:ident, $time:ident, [$($column:ident),+]) => {{
        let mut rows = $rows;
        if let Some(from_ms) = $query.from_ms {
            rows = rows.filter($table::$time.ge(from_ms));
        }
        if let Some(to_ms) = $query.to_ms {
            rows = rows.filter($table::$time.lt(to_ms));
        }
        if let Some(id) = $query.click_id {
            rows = rows.filter($table::click_id.eq(id.bytes().to_vec()));
        }
        $(if let Some(value) = &$query.$column {
            rows = rows.filter($table::$column.eq(ToOwned::to_owned(value)));
        })+
        rows
    }};
}
pub(super) use given;

/// A page of what a closure finds, newest first, read as the log's `Row`. The total is counted up to
/// [`COUNTED_MAX`](crate::db::click_log::COUNTED_MAX) and one.
macro_rules! page {
    ($conn:ident, $query:ident, $table:ident, $time:ident, $matching:ident) => {{
        let counted: Vec<i64> = $matching().limit(COUNTED_MAX + 1).select($table::id).load($conn)?;
        let rows: Vec<Row> = $matching()
            .order(($table::$time.desc(), $table::id.desc()))
            .offset($query.offset)
            .limit($query.limit)
            .select(Row::as_select())
            .load($conn)?;
        let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
        Ok(Listed { items, total: i64::try_from(counted.len()).unwrap_or(COUNTED_MAX) })
    }};
}
pub(super) use page;
