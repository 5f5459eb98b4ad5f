//! Clicks, lander clicks and raw user agents: written by the ingester, read by logs and postbacks.

use super::new_click::{self, NewClick};
use super::schema::{clicks, lp_clicks, user_agents};
use super::{AnyConnection, Error, Result, on_each, savepoint, word};
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::domain::country::Country;
use crate::domain::device::Device;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::ops::Deref;

/// Ids in one statement: SQLite takes a bounded number of values.
const IDS_MAX: usize = 500;

/// Inserts clicks and says of each whether it was new. One that is there already is left as it is.
///
/// # Errors
/// The database fails, or refuses a value.
pub fn insert<Text: Deref<Target = str>>(
    conn: &mut AnyConnection,
    records: &[&ClickRecord<Text>],
) -> Result<Vec<bool>> {
    match conn {
        AnyConnection::Sqlite(sqlite) => records
            .iter()
            .map(|record| {
                // One prepared statement, run once a row: faster here than many rows in one statement.
                Ok(new_click::insert(sqlite, &NewClick::new(record)?)? > 0)
            })
            .collect(),
        AnyConnection::Pg(_) => copy_in(conn, records),
    }
}

/// PostgreSQL takes rows fastest by COPY, which cannot skip rows that are there. None are, unless a
/// journal is moved a second time (a restored backup): so copy, and only when that is refused look which
/// are there and copy the rest.
fn copy_in<Text: Deref<Target = str>>(
    conn: &mut AnyConnection,
    records: &[&ClickRecord<Text>],
) -> Result<Vec<bool>> {
    let distinct: HashSet<ClickId> = records.iter().map(|record| record.id).collect();
    if distinct.len() == records.len() {
        match savepoint(conn, |conn| copy(conn, records)) {
            Ok(()) => return Ok(vec![true; records.len()]),
            Err(Error::Taken(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let mut known = existing(conn, &distinct.into_iter().collect::<Vec<_>>())?;
    let is_new: Vec<bool> = records.iter().map(|record| known.insert(record.id)).collect();
    let fresh: Vec<&ClickRecord<Text>> =
        records.iter().zip(&is_new).filter_map(|(record, is_new)| is_new.then_some(*record)).collect();
    savepoint(conn, |conn| copy(conn, &fresh))?;
    Ok(is_new)
}

fn copy<Text: Deref<Target = str>>(conn: &mut AnyConnection, records: &[&ClickRecord<Text>]) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    if records.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewClick<'_>> =
        records.iter().map(|record| NewClick::new(record)).collect::<Result<_>>()?;
    diesel::copy_from(clicks::table).from_insertable(&rows).execute(pg)?;
    Ok(())
}

/// Takes the lock that inserting clicks takes, and changes nothing: fails where no click could be inserted now.
///
/// # Errors
/// The database fails.
pub fn touch(conn: &mut AnyConnection) -> Result<()> {
    diesel::delete(clicks::table.filter(sql::<Bool>("1 = 0"))).execute(conn)?;
    Ok(())
}

/// Which of some ids are stored.
///
/// # Errors
/// The database fails.
pub fn existing(conn: &mut AnyConnection, ids: &[ClickId]) -> Result<HashSet<ClickId>> {
    let mut known = HashSet::new();
    for some in ids.chunks(IDS_MAX) {
        let wanted: Vec<&[u8]> = some.iter().map(|id| id.bytes().as_slice()).collect();
        let found: Vec<Vec<u8>> =
            clicks::table.filter(clicks::id.eq_any(wanted)).select(clicks::id).load(conn)?;
        known.extend(found.iter().filter_map(|bytes| ClickId::from_slice(bytes)));
    }
    Ok(known)
}

/// Keeps raw user agents that are not known yet, by their keys.
///
/// # Errors
/// The database fails.
pub fn insert_agents(conn: &mut AnyConnection, agents: &[(i64, &str)]) -> Result<()> {
    for (id, agent) in agents {
        let row = (user_agents::id.eq(id), user_agents::agent.eq(agent));
        on_each!(conn, |c| diesel::insert_into(user_agents::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))?;
    }
    Ok(())
}

/// What a postback and the ingester need to know of a stored click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickFacts {
    /// Its id.
    pub id: ClickId,
    /// Unix milliseconds.
    pub clicked_at_ms: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// Its source.
    pub source_id: Option<i64>,
    /// The path drawn.
    pub path_id: Option<i64>,
    /// The lander drawn.
    pub lander_id: Option<i64>,
    /// The offer it was sent to at once.
    pub offer_id: Option<i64>,
    /// The offer its last lander button led to.
    pub last_offer_id: Option<i64>,
    /// Lander buttons pressed.
    pub lp_clicks: i64,
    /// A machine's.
    pub is_bot: bool,
    /// Test data.
    pub is_test: bool,
    /// The visitor's country.
    pub country: Option<Country>,
    /// What the visitor held.
    pub device: Device,
    /// The visitor's address.
    pub address: Option<IpAddr>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clicks)]
struct FactsRow {
    id: Vec<u8>,
    clicked_at_ms: i64,
    campaign_id: i64,
    source_id: Option<i64>,
    path_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    last_offer_id: Option<i64>,
    lp_clicks: i64,
    is_bot: bool,
    is_test: bool,
    country: Option<String>,
    device: String,
    address: Option<String>,
}

fn click_id(bytes: &[u8]) -> Result<ClickId> {
    ClickId::from_slice(bytes).ok_or_else(|| Error::broken_row("click id"))
}

impl TryFrom<FactsRow> for ClickFacts {
    type Error = Error;
    fn try_from(row: FactsRow) -> Result<Self> {
        Ok(Self {
            id: click_id(&row.id)?,
            clicked_at_ms: row.clicked_at_ms,
            campaign_id: row.campaign_id,
            source_id: row.source_id,
            path_id: row.path_id,
            lander_id: row.lander_id,
            offer_id: row.offer_id,
            last_offer_id: row.last_offer_id,
            lp_clicks: row.lp_clicks,
            is_bot: row.is_bot,
            is_test: row.is_test,
            country: row.country.as_deref().and_then(Country::parse),
            device: word(&row.device, Device::parse)?,
            address: row.address.and_then(|text| text.parse().ok()),
        })
    }
}

/// The facts of some clicks, those that are stored.
///
/// # Errors
/// The database fails.
pub fn facts(conn: &mut AnyConnection, ids: &[ClickId]) -> Result<Vec<ClickFacts>> {
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(IDS_MAX) {
        let wanted: Vec<&[u8]> = some.iter().map(|id| id.bytes().as_slice()).collect();
        let rows: Vec<FactsRow> =
            clicks::table.filter(clicks::id.eq_any(wanted)).select(FactsRow::as_select()).load(conn)?;
        for row in rows {
            found.push(row.try_into()?);
        }
    }
    Ok(found)
}

/// Every offer a click reached: the one it was sent to, and those its lander buttons led to.
///
/// # Errors
/// The database fails.
pub fn offers_reached(conn: &mut AnyConnection, click: &ClickFacts) -> Result<Vec<i64>> {
    let mut offers: Vec<i64> = click.offer_id.into_iter().chain(click.last_offer_id).collect();
    // One button leads to one offer, which is the last one: no need to look.
    if click.lp_clicks > 1 {
        let more: Vec<Option<i64>> = lp_clicks::table
            .filter(lp_clicks::click_id.eq(click.id.bytes().as_slice()))
            .select(lp_clicks::offer_id)
            .distinct()
            .load(conn)?;
        offers.extend(more.into_iter().flatten());
    }
    Ok(offers)
}

/// Keeps a lander click; says whether it was new.
///
/// # Errors
/// The database fails.
pub fn insert_lp_click(conn: &mut AnyConnection, record: &LpClickRecord, is_counted: bool) -> Result<bool> {
    let row = (
        lp_clicks::id.eq(record.id.bytes().as_slice()),
        lp_clicks::click_id.eq(record.click_id.bytes().as_slice()),
        lp_clicks::campaign_id.eq(record.campaign_id),
        lp_clicks::lander_id.eq(record.lander_id),
        lp_clicks::offer_id.eq(record.offer_id),
        lp_clicks::clicked_at_ms.eq(record.clicked_at_ms),
        lp_clicks::is_counted.eq(is_counted),
    );
    let inserted = on_each!(conn, |c| diesel::insert_into(lp_clicks::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(inserted > 0)
}

/// Notes on a click that one more of its lander's buttons was pressed, and where the last of them led; says how many
/// there are now. What is asked of the row is asked while it is held, so that two nodes never see the same number.
///
/// # Errors
/// The database fails, or the click is not stored.
pub fn count_lp_click(conn: &mut AnyConnection, click: ClickId) -> Result<i64> {
    let last_offer = sql::<Nullable<BigInt>>(
        "(select pressed.offer_id from lp_clicks pressed where pressed.click_id = clicks.id \
         order by pressed.id desc limit 1)",
    );
    let counted = (clicks::lp_clicks.eq(clicks::lp_clicks + 1), clicks::last_offer_id.eq(last_offer));
    let row = clicks::table.filter(clicks::id.eq(click.bytes().as_slice()));
    Ok(on_each!(conn, |c| diesel::update(row).set(counted).returning(clicks::lp_clicks).get_result(c))?)
}

/// Lander clicks that are not counted yet, of these clicks, oldest first.
///
/// # Errors
/// The database fails.
pub fn uncounted_lp_clicks(conn: &mut AnyConnection, of: &[ClickId]) -> Result<Vec<LpClickRecord>> {
    let mut found = Vec::new();
    for some in of.chunks(IDS_MAX) {
        let wanted: Vec<&[u8]> = some.iter().map(|id| id.bytes().as_slice()).collect();
        let rows: Vec<LpRow> = lp_clicks::table
            .filter(lp_clicks::is_counted.eq(false).and(lp_clicks::click_id.eq_any(wanted)))
            .order(lp_clicks::id)
            .select(LP_COLUMNS)
            .load(conn)?;
        for row in rows {
            found.push(read_lp_click(row)?);
        }
    }
    Ok(found)
}

/// Whether any lander click waits for its click.
///
/// # Errors
/// The database fails.
pub fn has_uncounted_lp_clicks(conn: &mut AnyConnection) -> Result<bool> {
    let waiting = lp_clicks::table.filter(lp_clicks::is_counted.eq(false));
    Ok(diesel::select(exists(waiting)).get_result(conn)?)
}

/// Lander clicks that are not counted though their click is stored, oldest first, at most so many, each with its click.
///
/// # Errors
/// The database fails.
pub fn late_lp_clicks(conn: &mut AnyConnection, rows_max: i64) -> Result<Vec<(LpClickRecord, ClickFacts)>> {
    let is_stored = sql::<Bool>("exists (select 1 from clicks where clicks.id = lp_clicks.click_id)");
    let rows: Vec<LpRow> = lp_clicks::table
        .filter(lp_clicks::is_counted.eq(false).and(is_stored))
        .order(lp_clicks::id)
        .limit(rows_max)
        .select(LP_COLUMNS)
        .load(conn)?;
    let records: Vec<LpClickRecord> = rows.into_iter().map(read_lp_click).collect::<Result<_>>()?;
    let ids: HashSet<ClickId> = records.iter().map(|record| record.click_id).collect();
    let ids: Vec<ClickId> = ids.into_iter().collect();
    let known: HashMap<ClickId, ClickFacts> =
        facts(conn, &ids)?.into_iter().map(|facts| (facts.id, facts)).collect();
    let with_click = |record: LpClickRecord| known.get(&record.click_id).map(|click| (record, click.clone()));
    Ok(records.into_iter().filter_map(with_click).collect())
}

type LpRow = (Vec<u8>, Vec<u8>, i64, i64, Option<i64>, Option<i64>);

type LpColumns = (
    lp_clicks::id,
    lp_clicks::click_id,
    lp_clicks::clicked_at_ms,
    lp_clicks::campaign_id,
    lp_clicks::lander_id,
    lp_clicks::offer_id,
);

const LP_COLUMNS: LpColumns = (
    lp_clicks::id,
    lp_clicks::click_id,
    lp_clicks::clicked_at_ms,
    lp_clicks::campaign_id,
    lp_clicks::lander_id,
    lp_clicks::offer_id,
);

fn read_lp_click(
    (id, click, clicked_at_ms, campaign_id, lander_id, offer_id): LpRow,
) -> Result<LpClickRecord> {
    Ok(LpClickRecord {
        id: click_id(&id)?,
        click_id: click_id(&click)?,
        clicked_at_ms,
        campaign_id,
        lander_id,
        offer_id,
    })
}

/// Marks a lander click as counted; says whether it was not yet, so that of two who count at once one does.
///
/// # Errors
/// The database fails.
pub fn mark_lp_click_counted(conn: &mut AnyConnection, id: ClickId) -> Result<bool> {
    let waiting = lp_clicks::is_counted.eq(false).and(lp_clicks::id.eq(id.bytes().as_slice()));
    let marked =
        diesel::update(lp_clicks::table.filter(waiting)).set(lp_clicks::is_counted.eq(true)).execute(conn)?;
    Ok(marked > 0)
}

/// The lander clicks of a click, oldest first.
///
/// # Errors
/// The database fails.
pub fn lp_clicks_of(conn: &mut AnyConnection, click: ClickId) -> Result<Vec<LpClickRecord>> {
    let rows: Vec<LpRow> = lp_clicks::table
        .filter(lp_clicks::click_id.eq(click.bytes().as_slice()))
        .order(lp_clicks::id)
        .select(LP_COLUMNS)
        .load(conn)?;
    rows.into_iter().map(read_lp_click).collect()
}
