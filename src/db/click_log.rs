//! Whole clicks as they are stored: the click log, a click's story, a lander button's last resort.

use super::schema::{clicks, user_agents};
use super::search::Listed;
use super::{AnyConnection, Error, Result, json, word};
use crate::domain::bot::BotReason;
use crate::domain::click::{ClickRecord, RouteRefusal};
use crate::domain::click_id::ClickId;
use crate::domain::country::Country;
use crate::domain::device::Device;
use crate::domain::figures::Bots;
use crate::domain::language::Language;
use crate::domain::money::Currency;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Rows a log counts before it says "more than": counting millions would take longer than anybody reads.
pub const COUNTED_MAX: i64 = 10_000;

/// A click as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredClick {
    /// What was recorded, at its present cost.
    pub record: ClickRecord,
    /// Lander buttons pressed.
    pub lp_clicks: i64,
    /// The offer the last of them led to.
    pub last_offer_id: Option<i64>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = clicks)]
struct ClickRow {
    id: Vec<u8>,
    campaign_id: i64,
    clicked_at_ms: i64,
    source_id: Option<i64>,
    path_id: Option<i64>,
    rule_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    refusal: Option<String>,
    external_id: Option<String>,
    cost_original_micros: Option<i64>,
    cost_currency: Option<String>,
    cost_micros: i64,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    isp: Option<String>,
    asn: Option<i64>,
    connection: Option<String>,
    device: String,
    brand: Option<String>,
    model: Option<String>,
    os: Option<String>,
    os_version: Option<String>,
    browser: Option<String>,
    browser_version: Option<String>,
    language: Option<String>,
    referrer_host: Option<String>,
    address: Option<String>,
    agent_id: i64,
    domain: Option<String>,
    is_unique: bool,
    bot_reason: Option<String>,
    is_test: bool,
    is_cut: bool,
    lp_clicks: i64,
    last_offer_id: Option<i64>,
    params: Option<String>,
    sub1: Option<String>,
    sub2: Option<String>,
    sub3: Option<String>,
    sub4: Option<String>,
    sub5: Option<String>,
    sub6: Option<String>,
    sub7: Option<String>,
    sub8: Option<String>,
    sub9: Option<String>,
    sub10: Option<String>,
    sub11: Option<String>,
    sub12: Option<String>,
    sub13: Option<String>,
    sub14: Option<String>,
    sub15: Option<String>,
    sub16: Option<String>,
    sub17: Option<String>,
    sub18: Option<String>,
    sub19: Option<String>,
    sub20: Option<String>,
}

fn boxed(text: Option<String>) -> Option<Box<str>> {
    text.map(Into::into)
}

impl TryFrom<ClickRow> for StoredClick {
    type Error = Error;
    fn try_from(row: ClickRow) -> Result<Self> {
        let params: BTreeMap<Box<str>, Box<str>> = row.params.as_deref().map_or(Ok(BTreeMap::new()), json)?;
        let subs = [
            row.sub1, row.sub2, row.sub3, row.sub4, row.sub5, row.sub6, row.sub7, row.sub8, row.sub9,
            row.sub10, row.sub11, row.sub12, row.sub13, row.sub14, row.sub15, row.sub16, row.sub17,
            row.sub18, row.sub19, row.sub20,
        ];
        let record = ClickRecord {
            id: ClickId::from_slice(&row.id).ok_or_else(|| Error::broken_row("click id"))?,
            clicked_at_ms: row.clicked_at_ms,
            campaign_id: row.campaign_id,
            source_id: row.source_id,
            path_id: row.path_id,
            rule_id: row.rule_id,
            lander_id: row.lander_id,
            offer_id: row.offer_id,
            refusal: row.refusal.as_deref().and_then(RouteRefusal::parse),
            cost_original_micros: row.cost_original_micros,
            cost_currency: row.cost_currency.as_deref().and_then(Currency::parse),
            cost_micros: row.cost_micros,
            country: row.country.as_deref().and_then(Country::parse),
            asn: row.asn,
            device: word(&row.device, Device::parse)?,
            address: row.address.as_deref().and_then(|address| address.parse().ok()),
            agent_id: row.agent_id,
            agent: Box::default(),
            is_unique: row.is_unique,
            bot: row.bot_reason.as_deref().and_then(BotReason::parse),
            is_test: row.is_test,
            is_cut: row.is_cut,
            params: params.into_iter().collect(),
            subs: (1..).zip(subs).filter_map(|(slot, value)| Some((slot, value?.into()))).collect(),
            external_id: boxed(row.external_id),
            region: boxed(row.region),
            city: boxed(row.city),
            isp: boxed(row.isp),
            connection: boxed(row.connection),
            brand: row.brand.map(Into::into),
            model: row.model.map(Into::into),
            os: row.os.map(Into::into),
            os_version: row.os_version.map(Into::into),
            browser: row.browser.map(Into::into),
            browser_version: row.browser_version.map(Into::into),
            language: row.language.as_deref().and_then(Language::parse),
            referrer_host: boxed(row.referrer_host),
            domain: boxed(row.domain),
        };
        Ok(Self { record, lp_clicks: row.lp_clicks, last_offer_id: row.last_offer_id })
    }
}

/// A click by id, with its raw user agent.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: ClickId) -> Result<Option<StoredClick>> {
    let row: Option<ClickRow> = clicks::table
        .filter(clicks::id.eq(id.bytes().as_slice()))
        .select(ClickRow::as_select())
        .first(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let mut stored = StoredClick::try_from(row)?;
    let agent: Option<String> =
        user_agents::table.find(stored.record.agent_id).select(user_agents::agent).first(conn).optional()?;
    stored.record.agent = agent.unwrap_or_default().into();
    Ok(Some(stored))
}

/// Which clicks a log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClickQuery {
    /// Start, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// End, exclusive.
    pub to_ms: Option<i64>,
    /// One campaign only.
    pub campaign_id: Option<i64>,
    /// Humans, machines, or both.
    pub bots: Bots,
    /// Test data only, real data only, or both.
    pub is_test: Option<bool>,
    /// One click id only.
    pub click_id: Option<ClickId>,
    /// Exactly this external id or address.
    pub q: String,
    /// Rows before the page.
    pub offset: i64,
    /// Rows of the page.
    pub limit: i64,
}

/// A page of clicks, newest first. The total is counted up to [`COUNTED_MAX`] and one.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &ClickQuery) -> Result<Listed<StoredClick>> {
    let matching = || {
        let mut rows = clicks::table.into_boxed();
        if let Some(from_ms) = query.from_ms {
            rows = rows.filter(clicks::id.ge(ClickId::floor(from_ms).bytes().to_vec()));
        }
        if let Some(to_ms) = query.to_ms {
            rows = rows.filter(clicks::id.lt(ClickId::floor(to_ms).bytes().to_vec()));
        }
        if let Some(campaign_id) = query.campaign_id {
            rows = rows.filter(clicks::campaign_id.eq(campaign_id));
        }
        if let Some(is_test) = query.is_test {
            rows = rows.filter(clicks::is_test.eq(is_test));
        }
        if let Some(click_id) = query.click_id {
            rows = rows.filter(clicks::id.eq(click_id.bytes().to_vec()));
        }
        if !query.q.is_empty() {
            let text = query.q.clone();
            rows = rows.filter(clicks::external_id.eq(text.clone()).or(clicks::address.eq(text)));
        }
        match query.bots {
            Bots::Exclude => rows.filter(clicks::is_bot.eq(false)),
            Bots::Only => rows.filter(clicks::is_bot.eq(true)),
            Bots::Include => rows,
        }
    };
    let counted: Vec<i64> = matching().limit(COUNTED_MAX + 1).select(clicks::campaign_id).load(conn)?;
    let rows: Vec<ClickRow> = matching()
        .order(clicks::id.desc())
        .offset(query.offset)
        .limit(query.limit)
        .select(ClickRow::as_select())
        .load(conn)?;
    let items = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    Ok(Listed { items, total: i64::try_from(counted.len()).unwrap_or(COUNTED_MAX) })
}
