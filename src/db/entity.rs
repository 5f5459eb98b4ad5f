//! What every editable noun does with its table: find, lock, list with search, all, statuses, update.

use super::Result;

/// What becomes of a row that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is an error: who edits it would lose it unseen.
    Refused,
    /// It is left out and said so: it must harm no other.
    LeftOut,
}

impl Broken {
    /// A value, nothing where it is left out, or the error.
    pub(super) fn judge<T>(self, what: &str, id: i64, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Err(why) if self == Self::LeftOut => {
                tracing::error!(what, id, %why, "a row cannot be read: clicks are routed without it");
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }
}

/// Writes those functions for a table whose `Row` reads into [`super::search::Saved`] and whose
/// `Fields` are made by `Fields::new(&value, now_ms)`. The search looks into the named text columns; the first
/// is what they are ordered by.
macro_rules! entity_store {
    ($table:ident, $value:ty, search: $first:ident $(, $other:ident)*) => {
        /// One row. Where it cannot be read the error names it, for whoever has to mend it by hand.
        fn read(row: Row) -> Result<Saved<$value>> {
            let id = row.id;
            row.try_into().map_err(|why: $crate::db::Error| why.in_row(stringify!($table), id))
        }

        /// One by number.
        ///
        /// # Errors
        /// The database fails.
        pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Saved<$value>>> {
            let row: Option<Row> = $table::table.find(id).select(Row::as_select()).first(conn).optional()?;
            row.map(read).transpose()
        }

        /// Holds one until the transaction ends, so that of two changes at once the later sees what the
        /// earlier wrote. SQLite has one writer as it is.
        ///
        /// # Errors
        /// The database fails.
        pub fn lock(conn: &mut AnyConnection, id: i64) -> Result<()> {
            if let AnyConnection::Pg(pg) = conn {
                let one = $table::table.find(id).select($table::id).for_update();
                one.first::<i64>(pg).optional()?;
            }
            Ok(())
        }

        /// The status of each that is there among some numbers.
        ///
        /// # Errors
        /// The database fails.
        pub fn statuses(
            conn: &mut AnyConnection,
            ids: &[i64],
        ) -> Result<std::collections::HashMap<i64, EntityStatus>> {
            let mut statuses = std::collections::HashMap::new();
            for some in ids.chunks($crate::db::search::VALUES_MAX) {
                let rows: Vec<(i64, String)> = $table::table
                    .filter($table::id.eq_any(some))
                    .select(($table::id, $table::status))
                    .load(conn)?;
                for (id, status) in rows {
                    statuses.insert(id, $crate::db::word(&status, EntityStatus::parse)?);
                }
            }
            Ok(statuses)
        }

        /// A page of them by name; what is archived only when asked for.
        ///
        /// # Errors
        /// The database fails.
        pub fn list(conn: &mut AnyConnection, query: &ListQuery) -> Result<Listed<Saved<$value>>> {
            // SQLite has no sign of escape unless one is named.
            let pattern = contains(&query.q);
            let matching = || {
                let found = fold_case($table::$first).like(pattern.clone()).escape('\\')
                    $(.or(fold_case($table::$other).like(pattern.clone()).escape('\\')))*;
                let rows = $table::table.into_boxed().filter(found);
                match &query.status {
                    Some(status) => rows.filter($table::status.eq(status.clone())),
                    None => rows.filter($table::status.ne(EntityStatus::Archived.as_str())),
                }
            };
            let total = matching().count().get_result(conn)?;
            let rows: Vec<Row> = matching()
                .order((fold_case($table::$first), $table::id))
                .limit(query.limit())
                .offset(query.offset())
                .select(Row::as_select())
                .load(conn)?;
            let items = rows.into_iter().map(read).collect::<Result<_>>()?;
            Ok(Listed { items, total })
        }

        /// All of them, archived ones too, by number.
        ///
        /// # Errors
        /// The database fails.
        pub fn all(conn: &mut AnyConnection) -> Result<Vec<Saved<$value>>> {
            let rows: Vec<Row> = $table::table.order($table::id).select(Row::as_select()).load(conn)?;
            rows.into_iter().map(read).collect()
        }

        /// All of them as clicks are routed by them: what cannot be read is left out, so that it harms no other.
        ///
        /// # Errors
        /// The database fails.
        pub fn routed(conn: &mut AnyConnection) -> Result<Vec<Saved<$value>>> {
            let rows: Vec<Row> = $table::table.order($table::id).select(Row::as_select()).load(conn)?;
            let mut whole = Vec::with_capacity(rows.len());
            for row in rows {
                let id = row.id;
                whole.extend($crate::db::entity::Broken::LeftOut.judge(stringify!($table), id, row.try_into())?);
            }
            Ok(whole)
        }

        /// Changes one.
        ///
        /// # Errors
        /// The database fails, or a value that must be there once is another's.
        pub fn update(conn: &mut AnyConnection, id: i64, value: &$value, now_ms: i64) -> Result<()> {
            diesel::update($table::table.find(id)).set(Fields::new(value, now_ms)?).execute(conn)?;
            Ok(())
        }
    };
}
pub(super) use entity_store;
