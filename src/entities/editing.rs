//! The one way in which every noun is created and changed.

use super::Error;
use crate::db::search::{ListQuery, Listed, Saved};
use crate::db::{self, AnyConnection, Db, Priority, settings};
use crate::domain::input::{Editable, FieldErrors};
use crate::domain::lander::EntityStatus;
use crate::domain::money::Currency;
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields by name, as a form or a JSON body brought them.
pub type Fields = BTreeMap<String, Value>;

/// What a noun knows of itself and its table.
pub(super) trait Noun: Editable + Clone {
    /// A new one before its fields are set.
    fn blank(account: Currency) -> Self;
    /// The fields of a new one with what they leave unsaid and a preset says; `None` where nothing is to be added.
    fn filled(_fields: &Fields, _account: Currency) -> Option<Fields> {
        None
    }
    /// What was left open at creation and is filled for the caller.
    fn complete(&mut self, _caller_id: Option<i64>) {}
    /// In use, paused or put away.
    fn status_mut(&mut self) -> &mut EntityStatus;
    /// Checks what only the database knows. `before` is the noun as it was, where there was one.
    fn check_references(&self, before: Option<&Self>, checks: &mut Checks<'_>) -> db::Result<()>;
    /// Holds one until the transaction ends.
    fn lock(conn: &mut AnyConnection, id: i64) -> db::Result<()>;
    /// One by number.
    fn find(conn: &mut AnyConnection, id: i64) -> db::Result<Option<Saved<Self>>>;
    /// A page of them.
    fn list(conn: &mut AnyConnection, query: &ListQuery) -> db::Result<Listed<Saved<Self>>>;
    /// Keeps a new one.
    fn insert(&self, conn: &mut AnyConnection, now_ms: i64) -> Result<i64, Error>;
    /// Keeps a changed one.
    fn update(&self, conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<(), Error>;
}

/// The database to check against, and what was found wrong so far.
pub(super) struct Checks<'a> {
    /// The transaction.
    pub(super) conn: &'a mut AnyConnection,
    /// The account's currency.
    pub(super) account: Currency,
    /// The noun's own number, where it has one already.
    pub(super) id: Option<i64>,
    errors: FieldErrors,
}

impl Checks<'_> {
    /// Notes an error, unless the field has one already: the first says what to do first.
    pub(super) fn push(&mut self, field: &str, message: impl Into<String>) {
        if self.errors.message(field).is_none() {
            self.errors.push(field, message);
        }
    }
}

/// The account's currency: US dollars until another is set.
///
/// # Errors
/// The database fails, or holds a code that is no currency.
pub fn account_currency(conn: &mut AnyConnection) -> db::Result<Currency> {
    let code = settings::find(conn, settings::CURRENCY)?;
    code.map_or(Ok(Currency::USD), |code| db::word(&code, Currency::parse))
}

/// Sets the fields and gathers every error at once, the database's among them.
fn apply<T: Noun>(
    value: &mut T,
    before: Option<(i64, &T)>,
    fields: &Fields,
    conn: &mut AnyConnection,
    account: Currency,
) -> Result<(), Error> {
    let errors = value.apply(fields).err().unwrap_or_default();
    let id = before.map(|(id, _)| id);
    let mut checks = Checks { conn, account, id, errors };
    value.check_references(before.map(|(_, value)| value), &mut checks)?;
    Ok(checks.errors.into_result()?)
}

pub(super) fn create<T: Noun>(
    db: &Db,
    fields: &Fields,
    now_ms: i64,
    caller_id: Option<i64>,
) -> Result<Saved<T>, Error> {
    db.write(Priority::Pages, |conn| {
        let account = account_currency(conn)?;
        let mut value = T::blank(account);
        let filled = T::filled(fields, account);
        apply(&mut value, None, filled.as_ref().unwrap_or(fields), conn, account)?;
        value.complete(caller_id);
        let id = value.insert(conn, now_ms)?;
        T::find(conn, id)?.ok_or(Error::NotFound)
    })
}

pub(super) fn update<T: Noun>(db: &Db, id: i64, fields: &Fields, now_ms: i64) -> Result<Saved<T>, Error> {
    update_with(db, id, now_ms, |_| fields.clone())
}

/// Changes one by fields that depend on what it is, with nobody in between.
pub(super) fn update_with<T: Noun>(
    db: &Db,
    id: i64,
    now_ms: i64,
    fields_of: impl FnOnce(&T) -> Fields,
) -> Result<Saved<T>, Error> {
    db.write(Priority::Pages, |conn| {
        T::lock(conn, id)?;
        let before = T::find(conn, id)?.ok_or(Error::NotFound)?.value;
        let account = account_currency(conn)?;
        let mut value = before.clone();
        apply(&mut value, Some((id, &before)), &fields_of(&before), conn, account)?;
        value.update(conn, id, now_ms)?;
        T::find(conn, id)?.ok_or(Error::NotFound)
    })
}

pub(super) fn set_status<T: Noun>(
    db: &Db,
    id: i64,
    status: EntityStatus,
    now_ms: i64,
) -> Result<Saved<T>, Error> {
    db.write(Priority::Pages, |conn| {
        T::lock(conn, id)?;
        let mut saved = T::find(conn, id)?.ok_or(Error::NotFound)?;
        if *saved.value.status_mut() == status {
            return Ok(saved);
        }
        *saved.value.status_mut() = status;
        saved.value.update(conn, id, now_ms)?;
        saved.updated_at_ms = now_ms;
        Ok(saved)
    })
}

pub(super) fn find<T: Noun>(db: &Db, id: i64) -> Result<Saved<T>, Error> {
    db.read(|conn| T::find(conn, id)?.ok_or(Error::NotFound))
}

pub(super) fn list<T: Noun>(db: &Db, query: &ListQuery) -> Result<Listed<Saved<T>>, Error> {
    db.read(|conn| Ok(T::list(conn, query)?))
}

/// Writes a noun's door: the six things that can be done with it.
macro_rules! door {
    ($noun:ty) => {
        /// Creates one. What is not said takes its default.
        ///
        /// # Errors
        /// Every field that must be mended; a value that is another's; the database fails.
        pub fn create(
            db: &$crate::db::Db,
            fields: &$crate::entities::Fields,
            now_ms: i64,
            caller_id: Option<i64>,
        ) -> Result<Saved<$noun>, $crate::entities::Error> {
            $crate::entities::editing::create(db, fields, now_ms, caller_id)
        }

        /// Changes the given fields of one and leaves the others as they are.
        ///
        /// # Errors
        /// As [`create`]; there is none of that number.
        pub fn update(
            db: &$crate::db::Db,
            id: i64,
            fields: &$crate::entities::Fields,
            now_ms: i64,
        ) -> Result<Saved<$noun>, $crate::entities::Error> {
            $crate::entities::editing::update(db, id, fields, now_ms)
        }

        /// Puts one away. Nothing is erased; what still refers to it is kept, and routing passes it by.
        ///
        /// # Errors
        /// There is none of that number; the database fails.
        pub fn archive(
            db: &$crate::db::Db,
            id: i64,
            now_ms: i64,
        ) -> Result<Saved<$noun>, $crate::entities::Error> {
            $crate::entities::editing::set_status(db, id, EntityStatus::Archived, now_ms)
        }

        /// Takes one that was put away back into use.
        ///
        /// # Errors
        /// There is none of that number; the database fails.
        pub fn restore(
            db: &$crate::db::Db,
            id: i64,
            now_ms: i64,
        ) -> Result<Saved<$noun>, $crate::entities::Error> {
            $crate::entities::editing::set_status(db, id, EntityStatus::Active, now_ms)
        }

        /// One by number, put away or not.
        ///
        /// # Errors
        /// There is none of that number; the database fails.
        pub fn find(db: &$crate::db::Db, id: i64) -> Result<Saved<$noun>, $crate::entities::Error> {
            $crate::entities::editing::find(db, id)
        }

        /// A page of them by name; what was put away only when asked for.
        ///
        /// # Errors
        /// The database fails.
        pub fn list(
            db: &$crate::db::Db,
            query: &ListQuery,
        ) -> Result<Listed<Saved<$noun>>, $crate::entities::Error> {
            $crate::entities::editing::list(db, query)
        }
    };
}
pub(super) use door;

/// Writes the parts of [`Noun`] that only name the noun's table and are the same for all.
macro_rules! stored_in {
    ($table:ident) => {
        fn status_mut(&mut self) -> &mut EntityStatus {
            &mut self.status
        }

        fn lock(conn: &mut AnyConnection, id: i64) -> db::Result<()> {
            db::$table::lock(conn, id)
        }

        fn find(conn: &mut AnyConnection, id: i64) -> db::Result<Option<Saved<Self>>> {
            db::$table::find(conn, id)
        }

        fn list(conn: &mut AnyConnection, query: &ListQuery) -> db::Result<Listed<Saved<Self>>> {
            db::$table::list(conn, query)
        }
    };
}
pub(super) use stored_in;
