//! Users, their sessions and their API tokens.

use super::schema::{api_tokens, sessions, users};
use super::{AnyConnection, Error, Result, on_each, word};
use crate::domain::lander::EntityStatus;
use crate::domain::role::{Role, TokenScope};
use diesel::prelude::*;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: i64,
    /// The address it signs in with, lower case.
    pub email: String,
    /// argon2id in PHC form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// In use or not.
    pub status: EntityStatus,
    /// Unix milliseconds.
    pub created_at_ms: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct UserRow {
    id: i64,
    email: String,
    password_hash: String,
    role: String,
    status: String,
    created_at_ms: i64,
}

impl TryFrom<UserRow> for User {
    type Error = Error;
    fn try_from(row: UserRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            role: word(&row.role, Role::parse)?,
            status: word(&row.status, EntityStatus::parse)?,
            email: row.email,
            password_hash: row.password_hash,
            created_at_ms: row.created_at_ms,
        })
    }
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user_id: i64,
    /// Unix milliseconds.
    pub created_at_ms: i64,
    /// Unix milliseconds, to about a minute.
    pub last_seen_at_ms: i64,
    /// Unix milliseconds.
    pub expires_at_ms: i64,
    /// The address it was made from.
    pub address: String,
    /// The browser's user agent.
    pub agent: String,
}

/// An API token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: i64,
    /// Whose.
    pub user_id: i64,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scope: TokenScope,
    /// Unix milliseconds.
    pub created_at_ms: i64,
    /// Unix milliseconds, to about a minute.
    pub last_used_at_ms: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
struct ApiTokenRow {
    id: i64,
    user_id: i64,
    name: String,
    scope: String,
    created_at_ms: i64,
    last_used_at_ms: Option<i64>,
}

impl TryFrom<ApiTokenRow> for ApiToken {
    type Error = Error;
    fn try_from(row: ApiTokenRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id,
            name: row.name,
            scope: word(&row.scope, TokenScope::parse)?,
            created_at_ms: row.created_at_ms,
            last_used_at_ms: row.last_used_at_ms,
        })
    }
}

/// How many users there are.
///
/// # Errors
/// The database fails.
pub fn count(conn: &mut AnyConnection) -> Result<i64> {
    Ok(users::table.count().get_result(conn)?)
}

/// Every user, by address.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection) -> Result<Vec<User>> {
    let rows: Vec<UserRow> = users::table.order(users::email).select(UserRow::as_select()).load(conn)?;
    rows.into_iter().map(User::try_from).collect()
}

/// A user by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<User>> {
    let row: Option<UserRow> = users::table.find(id).select(UserRow::as_select()).first(conn).optional()?;
    row.map(User::try_from).transpose()
}

/// A user by address.
///
/// # Errors
/// The database fails.
pub fn find_by_email(conn: &mut AnyConnection, email: &str) -> Result<Option<User>> {
    let row: Option<UserRow> =
        users::table.filter(users::email.eq(email)).select(UserRow::as_select()).first(conn).optional()?;
    row.map(User::try_from).transpose()
}

/// Makes a user and returns its number.
///
/// # Errors
/// [`Error::Taken`] where the address is another user's.
pub fn insert(
    conn: &mut AnyConnection,
    email: &str,
    password_hash: &str,
    role: Role,
    now_ms: i64,
) -> Result<i64> {
    let row = (
        users::email.eq(email),
        users::password_hash.eq(password_hash),
        users::role.eq(role.as_str()),
        users::created_at_ms.eq(now_ms),
        users::updated_at_ms.eq(now_ms),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(users::table).values(row).returning(users::id).get_result(c))?)
}

/// Sets a user's password and ends its sessions, all but one.
///
/// # Errors
/// The database fails.
pub fn set_password(
    conn: &mut AnyConnection,
    id: i64,
    password_hash: &str,
    kept_session: Option<i64>,
    now_ms: i64,
) -> Result<()> {
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(password_hash), users::updated_at_ms.eq(now_ms)))
        .execute(conn)?;
    diesel::delete(
        sessions::table.filter(sessions::user_id.eq(id)).filter(sessions::id.ne(kept_session.unwrap_or(0))),
    )
    .execute(conn)?;
    Ok(())
}

/// Keeps a new session and returns its number.
///
/// # Errors
/// The database fails.
pub fn insert_session(
    conn: &mut AnyConnection,
    token_hash: &[u8],
    user_id: i64,
    (now_ms, expires_at_ms): (i64, i64),
    (address, agent): (&str, &str),
) -> Result<i64> {
    let row = (
        sessions::token_hash.eq(token_hash),
        sessions::user_id.eq(user_id),
        sessions::created_at_ms.eq(now_ms),
        sessions::last_seen_at_ms.eq(now_ms),
        sessions::expires_at_ms.eq(expires_at_ms),
        sessions::address.eq(address),
        sessions::agent.eq(agent),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(sessions::table)
        .values(row)
        .returning(sessions::id)
        .get_result(c))?)
}

/// The session and the user behind a token's hash, where neither has ended.
///
/// # Errors
/// The database fails.
pub fn find_session(
    conn: &mut AnyConnection,
    token_hash: &[u8],
    now_ms: i64,
) -> Result<Option<(Session, User)>> {
    let found: Option<(Session, UserRow)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::expires_at_ms.gt(now_ms))
        .filter(users::status.eq(EntityStatus::Active.as_str()))
        .select((Session::as_select(), UserRow::as_select()))
        .first(conn)
        .optional()?;
    found.map(|(session, user)| Ok((session, User::try_from(user)?))).transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// The database fails.
pub fn touch_session(conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<()> {
    diesel::update(sessions::table.find(id)).set(sessions::last_seen_at_ms.eq(now_ms)).execute(conn)?;
    Ok(())
}

/// A user's sessions that have not ended, newest first.
///
/// # Errors
/// The database fails.
pub fn list_sessions(conn: &mut AnyConnection, user_id: i64, now_ms: i64) -> Result<Vec<Session>> {
    Ok(sessions::table
        .filter(sessions::user_id.eq(user_id))
        .filter(sessions::expires_at_ms.gt(now_ms))
        .order(sessions::last_seen_at_ms.desc())
        .select(Session::as_select())
        .load(conn)?)
}

/// Ends one session of a user; says whether it was there. Takes those that have expired with it.
///
/// # Errors
/// The database fails.
pub fn delete_session(conn: &mut AnyConnection, user_id: i64, id: i64, now_ms: i64) -> Result<bool> {
    let gone =
        diesel::delete(sessions::table.filter(sessions::id.eq(id)).filter(sessions::user_id.eq(user_id)))
            .execute(conn)?;
    diesel::delete(sessions::table.filter(sessions::expires_at_ms.le(now_ms))).execute(conn)?;
    Ok(gone > 0)
}

/// Keeps a new API token and returns its number.
///
/// # Errors
/// The database fails.
pub fn insert_token(
    conn: &mut AnyConnection,
    token_hash: &[u8],
    user_id: i64,
    name: &str,
    scope: TokenScope,
    now_ms: i64,
) -> Result<i64> {
    let row = (
        api_tokens::token_hash.eq(token_hash),
        api_tokens::user_id.eq(user_id),
        api_tokens::name.eq(name),
        api_tokens::scope.eq(scope.as_str()),
        api_tokens::created_at_ms.eq(now_ms),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(api_tokens::table)
        .values(row)
        .returning(api_tokens::id)
        .get_result(c))?)
}

/// The token and the user behind a token's hash, where neither has ended.
///
/// # Errors
/// The database fails.
pub fn find_token(conn: &mut AnyConnection, token_hash: &[u8]) -> Result<Option<(ApiToken, User)>> {
    let found: Option<(ApiTokenRow, UserRow)> = api_tokens::table
        .inner_join(users::table)
        .filter(api_tokens::token_hash.eq(token_hash))
        .filter(api_tokens::revoked_at_ms.is_null())
        .filter(users::status.eq(EntityStatus::Active.as_str()))
        .select((ApiTokenRow::as_select(), UserRow::as_select()))
        .first(conn)
        .optional()?;
    found.map(|(token, user)| Ok((ApiToken::try_from(token)?, User::try_from(user)?))).transpose()
}

/// Notes that a token was used.
///
/// # Errors
/// The database fails.
pub fn touch_token(conn: &mut AnyConnection, id: i64, now_ms: i64) -> Result<()> {
    diesel::update(api_tokens::table.find(id)).set(api_tokens::last_used_at_ms.eq(now_ms)).execute(conn)?;
    Ok(())
}

/// A user's tokens that have not been revoked, newest first.
///
/// # Errors
/// The database fails.
pub fn list_tokens(conn: &mut AnyConnection, user_id: i64) -> Result<Vec<ApiToken>> {
    let rows: Vec<ApiTokenRow> = api_tokens::table
        .filter(api_tokens::user_id.eq(user_id))
        .filter(api_tokens::revoked_at_ms.is_null())
        .order(api_tokens::id.desc())
        .select(ApiTokenRow::as_select())
        .load(conn)?;
    rows.into_iter().map(ApiToken::try_from).collect()
}

/// Revokes a user's token; says whether it was there.
///
/// # Errors
/// The database fails.
pub fn revoke_token(conn: &mut AnyConnection, user_id: i64, id: i64, now_ms: i64) -> Result<bool> {
    let own = api_tokens::table.filter(api_tokens::id.eq(id)).filter(api_tokens::user_id.eq(user_id));
    let gone = diesel::update(own.filter(api_tokens::revoked_at_ms.is_null()))
        .set(api_tokens::revoked_at_ms.eq(now_ms))
        .execute(conn)?;
    Ok(gone > 0)
}
