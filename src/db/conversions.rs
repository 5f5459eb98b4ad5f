//! Conversions.

use super::schema::conversions;
use super::{AnyConnection, Error, Result, word};
use crate::domain::anomaly::{Anomalies, Said};
use crate::domain::cap::Place;
use crate::domain::click_id::ClickId;
use crate::domain::country::Country;
use crate::domain::device::Device;
use crate::domain::money::{Currency, Money};
use crate::domain::origin::Origin;
use crate::domain::rollup::CountedConversion;
use crate::domain::status::{Standing, Status};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer};

pub use super::conversion_changes::{Change, RECALCULATION, changes_of, is_changed_by_newer};
pub use super::conversion_log::{ConversionQuery, list, newest_for};
pub use super::conversion_updates::{take_over, update_all};

/// A conversion's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConversion {
    /// The click it belongs to.
    pub click_id: ClickId,
    /// What happened.
    pub event: String,
    /// The sender's transaction; empty where none came.
    pub txid: String,
    /// 0, but for repeated ones without a transaction, and for what only a pixel reported.
    pub seq: i64,
    /// Whose postback made it.
    pub advertiser_id: i64,
    /// Copied from the click.
    pub campaign_id: i64,
    /// Copied from the click.
    pub path_id: Option<i64>,
    /// Copied from the click.
    pub lander_id: Option<i64>,
    /// The advertiser's offer that the click reached.
    pub offer_id: Option<i64>,
    /// Copied from the click.
    pub source_id: Option<i64>,
    /// Its click's time, Unix milliseconds.
    pub clicked_at_ms: i64,
    /// Its own time, Unix milliseconds.
    pub converted_at_ms: i64,
    /// When it was recorded, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// When it was last changed, Unix milliseconds.
    pub updated_at_ms: i64,
    /// Its status.
    pub status: Status,
    /// The sender's own word for it.
    pub advertiser_status: Option<String>,
    /// Revenue in its own currency.
    pub revenue_original_micros: i64,
    /// What the postback said, where the offer's own rate counts instead.
    pub revenue_reported_micros: Option<i64>,
    /// Its own currency.
    pub currency: Currency,
    /// The rate to the account currency, in billionths.
    pub rate_nanos: i64,
    /// Revenue in the account currency.
    pub revenue_micros: i64,
    /// Status of what we pay.
    pub payout_status: Status,
    /// What we pay, in the account currency.
    pub payout_micros: i64,
    /// The order value.
    pub sale_amount_micros: Option<i64>,
    /// Its event counts as a conversion.
    pub counts_as_conversion: bool,
    /// Its event's money counts as revenue.
    pub counts_in_revenue: bool,
    /// It came over a cap.
    pub is_over_cap: bool,
    /// What it holds of its offer's caps; `None` while it was neither pending nor approved, and for tests.
    pub place: Option<Place>,
    /// Its click was a machine's.
    pub is_bot: bool,
    /// Test data.
    pub is_test: bool,
    /// Why it was declined, in the sender's words.
    pub reason: Option<String>,
    /// How it became known.
    pub origin: Origin,
    /// A pixel reported it and no postback has taken it over: it holds no money and no place of any cap.
    pub is_unconfirmed: bool,
    /// What its sender says of the person.
    pub said: Said,
    /// What is unusual about it.
    pub anomalies: Anomalies,
}

impl NewConversion {
    /// The `seq` of what a pixel reported until a postback takes it over: such rows stand apart, so that they never take
    /// the place of what a postback makes.
    pub const UNCONFIRMED_SEQ: i64 = -1;

    /// Takes its place under caps, or changes what it holds there, where its status is one that counts.
    pub fn take_place(&mut self) {
        let counts = !self.is_test && !self.is_unconfirmed;
        if counts && matches!(self.status, Status::Pending | Status::Approved) {
            let (revenue_micros, payout_micros) = (self.revenue_micros, self.payout_micros);
            self.place = Some(Place { revenue_micros, payout_micros });
        }
    }

    /// From its click to itself, in milliseconds.
    #[must_use]
    pub const fn after_ms(&self) -> i64 {
        self.converted_at_ms.saturating_sub(self.clicked_at_ms)
    }

    /// How it stands, in its own currency.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing { status: self.status, revenue: Money::from_micros(self.revenue_original_micros) }
    }

    /// What sums look at.
    #[must_use]
    pub const fn counted(&self) -> CountedConversion {
        CountedConversion {
            clicked_at_ms: self.clicked_at_ms,
            converted_at_ms: self.converted_at_ms,
            campaign_id: self.campaign_id,
            is_bot: self.is_bot,
            is_test: self.is_test,
            status: self.status,
            revenue_micros: self.revenue_micros,
            payout_status: self.payout_status,
            payout_micros: self.payout_micros,
            sale_amount_micros: self.sale_amount_micros,
            counts_as_conversion: self.counts_as_conversion,
            counts_in_revenue: self.counts_in_revenue,
        }
    }
}

/// A conversion as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Its number.
    pub id: i64,
    /// Its facts.
    pub value: NewConversion,
}

#[derive(Insertable)]
#[diesel(table_name = conversions, treat_none_as_default_value = false)]
pub(super) struct Numbered<'a> {
    id: i64,
    click_id: &'a [u8],
    event: &'a str,
    txid: &'a str,
    seq: i64,
    advertiser_id: i64,
    campaign_id: i64,
    path_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    source_id: Option<i64>,
    clicked_at_ms: i64,
    converted_at_ms: i64,
    recorded_at_ms: i64,
    updated_at_ms: i64,
    status: &'static str,
    advertiser_status: Option<&'a str>,
    revenue_original_micros: i64,
    revenue_reported_micros: Option<i64>,
    currency: &'a str,
    rate_nanos: i64,
    revenue_micros: i64,
    payout_status: &'static str,
    payout_micros: i64,
    sale_amount_micros: Option<i64>,
    counts_as_conversion: bool,
    counts_in_revenue: bool,
    is_over_cap: bool,
    is_bot: bool,
    is_test: bool,
    reason: Option<&'a str>,
    origin: &'static str,
    is_unconfirmed: bool,
    cap_revenue_micros: Option<i64>,
    cap_payout_micros: Option<i64>,
    said_address: Option<String>,
    said_country: Option<&'a str>,
    said_device: Option<&'static str>,
    said_device_id: Option<&'a str>,
    said_agent: Option<&'a str>,
    anomalies: i64,
}

impl<'a> Numbered<'a> {
    /// A conversion's row, its number reserved before.
    pub(super) fn new(id: i64, new: &'a NewConversion) -> Self {
        Self {
            id,
            click_id: new.click_id.bytes(),
            event: &new.event,
            txid: &new.txid,
            seq: new.seq,
            advertiser_id: new.advertiser_id,
            campaign_id: new.campaign_id,
            path_id: new.path_id,
            lander_id: new.lander_id,
            offer_id: new.offer_id,
            source_id: new.source_id,
            clicked_at_ms: new.clicked_at_ms,
            converted_at_ms: new.converted_at_ms,
            recorded_at_ms: new.recorded_at_ms,
            updated_at_ms: new.updated_at_ms,
            status: new.status.as_str(),
            advertiser_status: new.advertiser_status.as_deref(),
            revenue_original_micros: new.revenue_original_micros,
            revenue_reported_micros: new.revenue_reported_micros,
            currency: new.currency.as_str(),
            rate_nanos: new.rate_nanos,
            revenue_micros: new.revenue_micros,
            payout_status: new.payout_status.as_str(),
            payout_micros: new.payout_micros,
            sale_amount_micros: new.sale_amount_micros,
            counts_as_conversion: new.counts_as_conversion,
            counts_in_revenue: new.counts_in_revenue,
            is_over_cap: new.is_over_cap,
            is_bot: new.is_bot,
            is_test: new.is_test,
            reason: new.reason.as_deref(),
            origin: new.origin.as_str(),
            is_unconfirmed: new.is_unconfirmed,
            cap_revenue_micros: new.place.map(|place| place.revenue_micros),
            cap_payout_micros: new.place.map(|place| place.payout_micros),
            said_address: new.said.address.map(|address| address.to_string()),
            said_country: new.said.country.as_ref().map(Country::as_str),
            said_device: new.said.device.map(Device::as_str),
            said_device_id: new.said.device_id.as_deref(),
            said_agent: new.said.agent.as_deref(),
            anomalies: new.anomalies.bits(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = conversions)]
pub(super) struct Row {
    id: i64,
    click_id: Vec<u8>,
    event: String,
    txid: String,
    seq: i64,
    advertiser_id: i64,
    campaign_id: i64,
    path_id: Option<i64>,
    lander_id: Option<i64>,
    offer_id: Option<i64>,
    source_id: Option<i64>,
    clicked_at_ms: i64,
    converted_at_ms: i64,
    recorded_at_ms: i64,
    updated_at_ms: i64,
    status: String,
    advertiser_status: Option<String>,
    revenue_original_micros: i64,
    revenue_reported_micros: Option<i64>,
    currency: String,
    rate_nanos: i64,
    revenue_micros: i64,
    payout_status: String,
    payout_micros: i64,
    sale_amount_micros: Option<i64>,
    counts_as_conversion: bool,
    counts_in_revenue: bool,
    is_over_cap: bool,
    is_bot: bool,
    is_test: bool,
    reason: Option<String>,
    origin: String,
    is_unconfirmed: bool,
    cap_revenue_micros: Option<i64>,
    cap_payout_micros: Option<i64>,
    said_address: Option<String>,
    said_country: Option<String>,
    said_device: Option<String>,
    said_device_id: Option<String>,
    said_agent: Option<String>,
    anomalies: i64,
}

impl TryFrom<Row> for Conversion {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let value = NewConversion {
            click_id: ClickId::from_slice(&row.click_id).ok_or_else(|| Error::broken_row("click id"))?,
            event: row.event,
            txid: row.txid,
            seq: row.seq,
            advertiser_id: row.advertiser_id,
            campaign_id: row.campaign_id,
            path_id: row.path_id,
            lander_id: row.lander_id,
            offer_id: row.offer_id,
            source_id: row.source_id,
            clicked_at_ms: row.clicked_at_ms,
            converted_at_ms: row.converted_at_ms,
            recorded_at_ms: row.recorded_at_ms,
            updated_at_ms: row.updated_at_ms,
            status: word(&row.status, Status::parse)?,
            advertiser_status: row.advertiser_status,
            revenue_original_micros: row.revenue_original_micros,
            revenue_reported_micros: row.revenue_reported_micros,
            currency: word(&row.currency, Currency::parse)?,
            rate_nanos: row.rate_nanos,
            revenue_micros: row.revenue_micros,
            payout_status: word(&row.payout_status, Status::parse)?,
            payout_micros: row.payout_micros,
            sale_amount_micros: row.sale_amount_micros,
            counts_as_conversion: row.counts_as_conversion,
            counts_in_revenue: row.counts_in_revenue,
            is_over_cap: row.is_over_cap,
            place: row.cap_revenue_micros.map(|revenue_micros| Place {
                revenue_micros,
                payout_micros: row.cap_payout_micros.unwrap_or(0),
            }),
            is_bot: row.is_bot,
            is_test: row.is_test,
            reason: row.reason,
            origin: word(&row.origin, Origin::parse)?,
            is_unconfirmed: row.is_unconfirmed,
            said: Said {
                address: row.said_address.and_then(|text| text.parse().ok()),
                country: row.said_country.as_deref().and_then(Country::parse),
                device: row.said_device.as_deref().and_then(Device::parse),
                device_id: row.said_device_id,
                agent: row.said_agent,
            },
            anomalies: Anomalies::from_bits(row.anomalies),
        };
        Ok(Self { id: row.id, value })
    }
}

/// Holds the clicks of a group of postbacks until the transaction ends, so that no other node judges the
/// same click meanwhile. SQLite's one writer needs no such lock.
///
/// # Errors
/// The database fails.
pub fn lock_clicks(conn: &mut AnyConnection, clicks: &[ClickId]) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    let mut keys: Vec<i64> = clicks.iter().map(lock_key).collect();
    // One order for all nodes: no two wait for each other.
    keys.sort_unstable();
    keys.dedup();
    diesel::sql_query(
        "with whole as materialized (select pg_advisory_xact_lock_shared($1, 0)) \
         select pg_advisory_xact_lock(k) from whole, (select k from unnest($2) as k order by k) as keys",
    )
    .bind::<Integer, _>(WHOLE_LEDGER)
    .bind::<Array<BigInt>, _>(keys)
    .execute(pg)?;
    Ok(())
}

/// The lock of the whole ledger: shared by all who hold clicks, and taken alone by who holds more of them than the server
/// has room for.
const WHOLE_LEDGER: i32 = 0x6c65_6467;

/// Holds all clicks' conversions until the transaction ends, as [`lock_clicks`] does some.
///
/// # Errors
/// The database fails.
pub fn lock_all(conn: &mut AnyConnection) -> Result<()> {
    let AnyConnection::Pg(pg) = conn else { return Ok(()) };
    diesel::sql_query("select pg_advisory_xact_lock($1, 0)").bind::<Integer, _>(WHOLE_LEDGER).execute(pg)?;
    Ok(())
}

/// The random half of the id: two clicks that share it merely wait for each other.
fn lock_key(id: &ClickId) -> i64 {
    let [.., a, b, c, d, e, f, g, h] = *id.bytes();
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The conversions of some clicks, oldest first.
///
/// # Errors
/// The database fails.
pub fn of_clicks(conn: &mut AnyConnection, clicks: &[ClickId]) -> Result<Vec<Conversion>> {
    let wanted: Vec<&[u8]> = clicks.iter().map(|id| id.bytes().as_slice()).collect();
    let rows: Vec<Row> = match conn {
        AnyConnection::Sqlite(sqlite) => {
            let asked = conversions::table.select(Row::as_select());
            asked.filter(conversions::click_id.eq_any(wanted)).load(sqlite)?
        }
        // As a list of values a planner that knows little of a young table takes them for most of its rows, and reads all of
        // it for each group.
        AnyConnection::Pg(pg) => {
            let is_wanted = sql::<Bool>("conversions.click_id in (select unnest(");
            let asked = conversions::table.select(Row::as_select());
            asked.filter(is_wanted.bind::<Array<Binary>, _>(wanted).sql("))")).load(pg)?
        }
    };
    // Sorted here: asked for the order of the numbers, a planner may walk the whole table in that order instead of looking
    // the clicks up.
    let mut found: Vec<Conversion> = rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?;
    found.sort_unstable_by_key(|conversion| conversion.id);
    Ok(found)
}

/// The clicks of the newest conversions that people made, each with the offer it converted on.
///
/// # Errors
/// The database fails.
pub fn newest_offers(conn: &mut AnyConnection, rows_max: i64) -> Result<Vec<(ClickId, i64)>> {
    let real = conversions::table.filter(conversions::is_test.eq(false));
    let rows: Vec<(Vec<u8>, Option<i64>)> = real
        .order(conversions::id.desc())
        .limit(rows_max)
        .select((conversions::click_id, conversions::offer_id))
        .load(conn)?;
    let known = |(id, offer): (Vec<u8>, Option<i64>)| Some((ClickId::from_slice(&id)?, offer?));
    Ok(rows.into_iter().filter_map(known).collect())
}

/// A conversion by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Conversion>> {
    let row: Option<Row> = conversions::table.find(id).select(Row::as_select()).first(conn).optional()?;
    row.map(TryInto::try_into).transpose()
}

/// The clicks of some conversions, those that are there.
///
/// # Errors
/// The database fails.
pub fn clicks_of(conn: &mut AnyConnection, ids: &[i64]) -> Result<Vec<ClickId>> {
    let mut found = Vec::new();
    for some in ids.chunks(super::search::VALUES_MAX) {
        let rows: Vec<Vec<u8>> = conversions::table
            .filter(conversions::id.eq_any(some))
            .select(conversions::click_id)
            .load(conn)?;
        found.extend(rows.iter().filter_map(|bytes| ClickId::from_slice(bytes)));
    }
    Ok(found)
}
