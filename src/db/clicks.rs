//! Clicks, lander clicks and raw user agents: written by the ingester, read by logs and postbacks.

use super::schema::{clicks, lp_clicks, user_agents};
use super::{AnyConnection, Error, Result, json_text, on_each, savepoint};
use crate::domain::bot::BotReason;
use crate::domain::click::{ClickRecord, LpClickRecord, RouteRefusal};
use crate::domain::click_id::ClickId;
use crate::domain::country::Country;
use crate::domain::language::Language;
use crate::domain::money::Currency;
use diesel::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// Ids in one statement: SQLite takes a bounded number of values.
const IDS_MAX: usize = 500;

#[derive(Insertable)]
#[diesel(table_name = clicks, treat_none_as_default_value = false)]
struct NewClick<'a> {
    id: &'a [u8],
    campaign_id: i64,
    clicked_at_ms: i64,
    source_id: Option<i64>,
    path_id: Option<i64>,
    rule_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    refusal: Option<&'a str>,
    external_id: Option<&'a str>,
    cost_original_micros: Option<i64>,
    cost_currency: Option<&'a str>,
    cost_recorded_micros: i64,
    cost_micros: i64,
    country: Option<&'a str>,
    region: Option<&'a str>,
    city: Option<&'a str>,
    isp: Option<&'a str>,
    asn: Option<i64>,
    connection: Option<&'a str>,
    device: &'a str,
    brand: Option<&'a str>,
    model: Option<&'a str>,
    os: Option<&'a str>,
    os_version: Option<&'a str>,
    browser: Option<&'a str>,
    browser_version: Option<&'a str>,
    language: Option<&'a str>,
    referrer_host: Option<&'a str>,
    address: Option<String>,
    agent_id: i64,
    domain: Option<&'a str>,
    is_unique: bool,
    is_bot: bool,
    bot_reason: Option<&'a str>,
    is_test: bool,
    is_cut: bool,
    lp_clicks: i64,
    last_offer_id: Option<i64>,
    params: Option<String>,
    sub1: Option<&'a str>,
    sub2: Option<&'a str>,
    sub3: Option<&'a str>,
    sub4: Option<&'a str>,
    sub5: Option<&'a str>,
    sub6: Option<&'a str>,
    sub7: Option<&'a str>,
    sub8: Option<&'a str>,
    sub9: Option<&'a str>,
    sub10: Option<&'a str>,
    sub11: Option<&'a str>,
    sub12: Option<&'a str>,
    sub13: Option<&'a str>,
    sub14: Option<&'a str>,
    sub15: Option<&'a str>,
    sub16: Option<&'a str>,
    sub17: Option<&'a str>,
    sub18: Option<&'a str>,
    sub19: Option<&'a str>,
    sub20: Option<&'a str>,
}

impl<'a> NewClick<'a> {
    fn new(click: &'a ClickRecord) -> Result<Self> {
        let sub = |slot: u8| click.subs.iter().find(|(known, _)| *known == slot).map(|(_, value)| &**value);
        Ok(Self {
            id: click.id.bytes(),
            campaign_id: click.campaign_id,
            clicked_at_ms: click.clicked_at_ms,
            source_id: click.source_id,
            path_id: click.path_id,
            rule_id: click.rule_id,
            lander_id: click.lander_id,
            offer_id: click.offer_id,
            refusal: click.refusal.map(RouteRefusal::as_str),
            external_id: click.external_id.as_deref(),
            cost_original_micros: click.cost_original_micros,
            cost_currency: click.cost_currency.as_ref().map(Currency::as_str),
            cost_recorded_micros: click.cost_micros,
            cost_micros: click.cost_micros,
            country: click.country.as_ref().map(Country::as_str),
            region: click.region.as_deref(),
            city: click.city.as_deref(),
            isp: click.isp.as_deref(),
            asn: click.asn,
            connection: click.connection.as_deref(),
            device: click.device.as_str(),
            brand: click.brand.as_deref(),
            model: click.model.as_deref(),
            os: click.os.as_deref(),
            os_version: click.os_version.as_deref(),
            browser: click.browser.as_deref(),
            browser_version: click.browser_version.as_deref(),
            language: click.language.as_ref().map(Language::as_str),
            referrer_host: click.referrer_host.as_deref(),
            address: click.address.map(|address| address.to_string()),
            agent_id: click.agent_id,
            domain: click.domain.as_deref(),
            is_unique: click.is_unique,
            is_bot: click.bot.is_some(),
            bot_reason: click.bot.map(BotReason::as_str),
            is_test: click.is_test,
            is_cut: click.is_cut,
            lp_clicks: 0,
            last_offer_id: None,
            params: params_text(&click.params)?,
            sub1: sub(1),
            sub2: sub(2),
            sub3: sub(3),
            sub4: sub(4),
            sub5: sub(5),
            sub6: sub(6),
            sub7: sub(7),
            sub8: sub(8),
            sub9: sub(9),
            sub10: sub(10),
            sub11: sub(11),
            sub12: sub(12),
            sub13: sub(13),
            sub14: sub(14),
            sub15: sub(15),
            sub16: sub(16),
            sub17: sub(17),
            sub18: sub(18),
            sub19: sub(19),
            sub20: sub(20),
        })
    }
}

fn params_text(params: &[(Box<str>, Box<str>)]) -> Result<Option<String>> {
    if params.is_empty() {
        return Ok(None);
    }
    let map: BTreeMap<&str, &str> = params.iter().map(|(name, value)| (&**name, &**value)).collect();
    json_text(&map).map(Some)
}

/// Inserts clicks and says of each whether it was new. One that is there already is left as it is.
///
/// # Errors
/// The database fails, or refuses a value.
pub fn insert(conn: &mut AnyConnection, records: &[&ClickRecord]) -> Result<Vec<bool>> {
    match conn {
        AnyConnection::Sqlite(sqlite) => records
            .iter()
            .map(|record| {
                // One prepared statement, run once a row: faster here than many rows in one statement.
                let inserted = diesel::insert_into(clicks::table)
                    .values(NewClick::new(record)?)
                    .on_conflict_do_nothing()
                    .execute(sqlite)?;
                Ok(inserted > 0)
            })
            .collect(),
        AnyConnection::Pg(_) => copy_in(conn, records),
    }
}

/// PostgreSQL takes rows fastest by COPY, which cannot skip rows that are there. None are, unless a
/// journal is moved a second time (a restored backup): so copy, and only when that is refused look which
/// are there and copy the rest.
fn copy_in(conn: &mut AnyConnection, records: &[&ClickRecord]) -> Result<Vec<bool>> {
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
    let fresh: Vec<&ClickRecord> =
        records.iter().zip(&is_new).filter_map(|(record, is_new)| is_new.then_some(*record)).collect();
    savepoint(conn, |conn| copy(conn, &fresh))?;
    Ok(is_new)
}

fn copy(conn: &mut AnyConnection, records: &[&ClickRecord]) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    if records.is_empty() {
        return Ok(());
    }
    let rows: Vec<NewClick<'_>> =
        records.iter().map(|record| NewClick::new(record)).collect::<Result<_>>()?;
    diesel::copy_from(clicks::table).from_insertable(&rows).execute(pg)?;
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

/// Notes on a click that one more of its lander's buttons was pressed.
///
/// # Errors
/// The database fails.
pub fn count_lp_click(conn: &mut AnyConnection, click: ClickId, offer_id: Option<i64>) -> Result<()> {
    let row = clicks::table.filter(clicks::id.eq(click.bytes().as_slice()));
    diesel::update(row)
        .set((clicks::lp_clicks.eq(clicks::lp_clicks + 1), clicks::last_offer_id.eq(offer_id)))
        .execute(conn)?;
    Ok(())
}

/// Lander clicks whose click had not come yet, oldest first, at most so many.
///
/// # Errors
/// The database fails.
pub fn uncounted_lp_clicks(conn: &mut AnyConnection, rows_max: i64) -> Result<Vec<LpClickRecord>> {
    let rows: Vec<LpRow> = lp_clicks::table
        .filter(lp_clicks::is_counted.eq(false))
        .order(lp_clicks::id)
        .limit(rows_max)
        .select((
            lp_clicks::id,
            lp_clicks::click_id,
            lp_clicks::clicked_at_ms,
            lp_clicks::campaign_id,
            lp_clicks::lander_id,
            lp_clicks::offer_id,
        ))
        .load(conn)?;
    rows.into_iter().map(read_lp_click).collect()
}

type LpRow = (Vec<u8>, Vec<u8>, i64, i64, Option<i64>, Option<i64>);

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

/// Marks a lander click as counted.
///
/// # Errors
/// The database fails.
pub fn mark_lp_click_counted(conn: &mut AnyConnection, id: ClickId) -> Result<()> {
    diesel::update(lp_clicks::table.filter(lp_clicks::id.eq(id.bytes().as_slice())))
        .set(lp_clicks::is_counted.eq(true))
        .execute(conn)?;
    Ok(())
}

/// The lander clicks of a click, oldest first.
///
/// # Errors
/// The database fails.
pub fn lp_clicks_of(conn: &mut AnyConnection, click: ClickId) -> Result<Vec<LpClickRecord>> {
    let rows: Vec<LpRow> = lp_clicks::table
        .filter(lp_clicks::click_id.eq(click.bytes().as_slice()))
        .order(lp_clicks::id)
        .select((
            lp_clicks::id,
            lp_clicks::click_id,
            lp_clicks::clicked_at_ms,
            lp_clicks::campaign_id,
            lp_clicks::lander_id,
            lp_clicks::offer_id,
        ))
        .load(conn)?;
    rows.into_iter().map(read_lp_click).collect()
}
