//! What an advertiser's postbacks are known by: its key in the address and its secret, and those before while they still
//! work.

use super::schema::advertisers;
use super::{AnyConnection, Result};
use crate::domain::click_id::ClickId;
use crate::domain::vault::Place;
use diesel::prelude::*;
use std::collections::HashMap;

/// The column of an advertiser's sealed secret.
pub const SECRET: &str = "hmac_secret_sealed";

/// The column of the one before.
pub const PREVIOUS_SECRET: &str = "previous_secret_sealed";

/// What an advertiser's sealed secret is bound to.
#[must_use]
pub const fn secret_place(advertiser_id: i64, column: &'static str) -> Place {
    Place { table: "advertisers", row: advertiser_id, column }
}

/// What came before, and until when it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// What was valid before.
    pub value: String,
    /// When it ends, Unix milliseconds.
    pub until_ms: i64,
}

impl Previous {
    /// One where both columns are filled.
    fn of(value: Option<String>, until_ms: Option<i64>) -> Option<Self> {
        Some(Self { value: value?, until_ms: until_ms? })
    }

    /// Whether it still works at a time.
    #[must_use]
    pub const fn is_live(&self, now_ms: i64) -> bool {
        now_ms < self.until_ms
    }
}

/// An advertiser's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Its postback key.
    pub key: String,
    /// The key before, ended or not.
    pub previous_key: Option<Previous>,
    /// Its secret, sealed for [`SECRET`].
    pub secret_sealed: Option<String>,
    /// The secret before, sealed for [`PREVIOUS_SECRET`], ended or not.
    pub previous_secret: Option<Previous>,
    /// The click that its tests are about, once one was made.
    pub test_click_id: Option<ClickId>,
}

impl Credentials {
    /// The key before, while it works.
    #[must_use]
    pub fn live_previous_key(&self, now_ms: i64) -> Option<&Previous> {
        self.previous_key.as_ref().filter(|previous| previous.is_live(now_ms))
    }

    /// The secret before, sealed, while it works.
    #[must_use]
    pub fn live_previous_secret(&self, now_ms: i64) -> Option<&Previous> {
        self.previous_secret.as_ref().filter(|previous| previous.is_live(now_ms))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = advertisers)]
struct Row {
    id: i64,
    postback_key: String,
    previous_key: Option<String>,
    previous_key_until_ms: Option<i64>,
    hmac_secret_sealed: Option<String>,
    previous_secret_sealed: Option<String>,
    previous_secret_until_ms: Option<i64>,
    test_click_id: Option<String>,
}

impl From<Row> for (i64, Credentials) {
    fn from(row: Row) -> Self {
        let previous_key = Previous::of(row.previous_key, row.previous_key_until_ms);
        let previous_secret = Previous::of(row.previous_secret_sealed, row.previous_secret_until_ms);
        let own = Credentials {
            key: row.postback_key,
            previous_key,
            secret_sealed: row.hmac_secret_sealed,
            previous_secret,
            test_click_id: row.test_click_id.as_deref().and_then(ClickId::parse),
        };
        (row.id, own)
    }
}

/// The credentials of every advertiser, by its number.
///
/// # Errors
/// The database fails.
pub fn all(conn: &mut AnyConnection) -> Result<HashMap<i64, Credentials>> {
    let rows: Vec<Row> = advertisers::table.select(Row::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The credentials of some advertisers, by their numbers.
///
/// # Errors
/// The database fails.
pub fn of(conn: &mut AnyConnection, ids: &[i64]) -> Result<HashMap<i64, Credentials>> {
    let own = advertisers::table.filter(advertisers::id.eq_any(ids));
    let rows: Vec<Row> = own.select(Row::as_select()).load(conn)?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Gives an advertiser a new key. `previous` is the one that goes on working for a while, where one does.
///
/// # Errors
/// The database fails, or the key is another's.
pub fn put_key(
    conn: &mut AnyConnection,
    id: i64,
    key: &str,
    previous: Option<&Previous>,
    now_ms: i64,
) -> Result<()> {
    diesel::update(advertisers::table.find(id))
        .set((
            advertisers::postback_key.eq(key),
            advertisers::previous_key.eq(previous.map(|previous| previous.value.as_str())),
            advertisers::previous_key_until_ms.eq(previous.map(|previous| previous.until_ms)),
            advertisers::updated_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    Ok(())
}

/// Gives an advertiser a new secret, sealed. `previous` is the one that goes on working for a while, where one does, sealed
/// for its own column.
///
/// # Errors
/// The database fails.
pub fn put_secret(
    conn: &mut AnyConnection,
    id: i64,
    sealed: &str,
    previous: Option<&Previous>,
    now_ms: i64,
) -> Result<()> {
    diesel::update(advertisers::table.find(id))
        .set((
            advertisers::hmac_secret_sealed.eq(sealed),
            advertisers::previous_secret_sealed.eq(previous.map(|previous| previous.value.as_str())),
            advertisers::previous_secret_until_ms.eq(previous.map(|previous| previous.until_ms)),
            advertisers::updated_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    Ok(())
}

/// Sets the click that an advertiser's tests are about.
///
/// # Errors
/// The database fails.
pub fn put_test_click(conn: &mut AnyConnection, id: i64, click: ClickId) -> Result<()> {
    diesel::update(advertisers::table.find(id))
        .set(advertisers::test_click_id.eq(click.to_string()))
        .execute(conn)?;
    Ok(())
}
