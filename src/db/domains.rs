//! The installation's hosts.

use super::entity::entity_store;
use super::schema::{campaigns, domains};
use super::search::{ListQuery, Listed, Saved, contains, fold_case};
use super::{AnyConnection, Error, Result, on_each, word};
use crate::domain::host::{Domain, HostKind};
use crate::domain::lander::EntityStatus;
use diesel::prelude::*;

#[derive(Queryable, Selectable)]
#[diesel(table_name = domains)]
struct Row {
    id: i64,
    host: String,
    kind: String,
    fallback_url: String,
    status: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = domains, treat_none_as_null = true, treat_none_as_default_value = false)]
struct Fields {
    host: String,
    kind: &'static str,
    fallback_url: String,
    status: &'static str,
    updated_at_ms: i64,
}

impl Fields {
    #[allow(clippy::unnecessary_wraps, reason = "every noun has the same form, and some write JSON")]
    fn new(value: &Domain, now_ms: i64) -> Result<Self> {
        Ok(Self {
            host: value.host.clone(),
            kind: value.kind.as_str(),
            fallback_url: value.fallback_url.clone(),
            status: value.status.as_str(),
            updated_at_ms: now_ms,
        })
    }
}

impl TryFrom<Row> for Saved<Domain> {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = Domain {
            host: row.host,
            kind: word(&row.kind, HostKind::parse)?,
            fallback_url: row.fallback_url,
            status: word(&row.status, EntityStatus::parse)?,
        };
        Ok(Self { id: row.id, created_at_ms: row.created_at_ms, updated_at_ms: row.updated_at_ms, value })
    }
}

entity_store!(domains, Domain, search: host);

/// Keeps a new host and returns its number.
///
/// # Errors
/// [`Error::Taken`] where the host is there already.
pub fn insert(conn: &mut AnyConnection, value: &Domain, now_ms: i64) -> Result<i64> {
    let row = (Fields::new(value, now_ms)?, domains::created_at_ms.eq(now_ms));
    Ok(on_each!(conn, |c| diesel::insert_into(domains::table)
        .values(row)
        .returning(domains::id)
        .get_result(c))?)
}

/// How many campaigns that are not archived show this host in their address.
///
/// # Errors
/// The database fails.
pub fn count_campaigns(conn: &mut AnyConnection, id: i64) -> Result<i64> {
    let own = campaigns::table.filter(campaigns::domain_id.eq(id));
    let shown = own.filter(campaigns::status.ne(EntityStatus::Archived.as_str()));
    Ok(shown.count().get_result(conn)?)
}
