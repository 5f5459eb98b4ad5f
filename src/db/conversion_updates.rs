//! Keeping what changes made of conversions: many of them by one statement, where a statement travels over a network.

use super::conversion_anomalies;
use super::conversions::NewConversion;
use super::schema::conversions;
use super::{AnyConnection, Result};
use crate::domain::Country;
use crate::domain::device::Device;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, SqliteConnection};
use std::collections::BTreeMap;

/// Rows of one statement on PostgreSQL: an import at once may change ten thousand.
const ROWS_MAX: usize = 5_000;

/// What [`update`] keeps of one, for many.
const UPDATE_ALL: &str = "update conversions as c set txid = u.txid, updated_at_ms = u.updated_at_ms, status = u.status, \
    advertiser_status = u.advertiser_status, revenue_original_micros = u.revenue_original_micros, \
    revenue_reported_micros = u.revenue_reported_micros, currency = u.currency, rate_nanos = u.rate_nanos, \
    revenue_micros = u.revenue_micros, payout_status = u.payout_status, payout_micros = u.payout_micros, \
    sale_amount_micros = u.sale_amount_micros, reason = u.reason, is_over_cap = u.is_over_cap, \
    cap_revenue_micros = u.cap_revenue_micros, cap_payout_micros = u.cap_payout_micros \
    from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) as u (id, txid, \
    updated_at_ms, status, advertiser_status, revenue_original_micros, revenue_reported_micros, currency, rate_nanos, \
    revenue_micros, payout_status, payout_micros, sale_amount_micros, reason, is_over_cap, cap_revenue_micros, \
    cap_payout_micros) where c.id = u.id";

/// Keeps what changes made of conversions, by number.
///
/// # Errors
/// The database fails.
pub fn update_all(conn: &mut AnyConnection, changed: &BTreeMap<i64, NewConversion>) -> Result<()> {
    match conn {
        // One short statement run again and again: faster here than a long one for many rows.
        AnyConnection::Sqlite(sqlite) => changed.iter().try_for_each(|(id, now)| update(sqlite, *id, now)),
        AnyConnection::Pg(pg) => {
            let rows: Vec<(i64, &NewConversion)> = changed.iter().map(|(id, now)| (*id, now)).collect();
            rows.chunks(ROWS_MAX).try_for_each(|some| update_some(pg, some))
        }
    }
}

fn update(sqlite: &mut SqliteConnection, id: i64, now: &NewConversion) -> Result<()> {
    diesel::update(conversions::table.find(id))
        .set((
            conversions::txid.eq(&now.txid),
            conversions::updated_at_ms.eq(now.updated_at_ms),
            conversions::status.eq(now.status.as_str()),
            conversions::advertiser_status.eq(&now.advertiser_status),
            conversions::revenue_original_micros.eq(now.revenue_original_micros),
            conversions::revenue_reported_micros.eq(now.revenue_reported_micros),
            conversions::currency.eq(now.currency.as_str()),
            conversions::rate_nanos.eq(now.rate_nanos),
            conversions::revenue_micros.eq(now.revenue_micros),
            conversions::payout_status.eq(now.payout_status.as_str()),
            conversions::payout_micros.eq(now.payout_micros),
            conversions::sale_amount_micros.eq(now.sale_amount_micros),
            conversions::reason.eq(&now.reason),
            conversions::is_over_cap.eq(now.is_over_cap),
            conversions::cap_revenue_micros.eq(now.place.map(|place| place.revenue_micros)),
            conversions::cap_payout_micros.eq(now.place.map(|place| place.payout_micros)),
        ))
        .execute(sqlite)?;
    Ok(())
}

fn update_some(pg: &mut PgConnection, rows: &[(i64, &NewConversion)]) -> Result<()> {
    fn all<'a, T>(rows: &[(i64, &'a NewConversion)], of: impl Fn(&'a NewConversion) -> T) -> Vec<T> {
        rows.iter().map(|(_, now)| of(now)).collect()
    }
    diesel::sql_query(UPDATE_ALL)
        .bind::<Array<BigInt>, _>(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(all(rows, |now| now.txid.as_str()))
        .bind::<Array<BigInt>, _>(all(rows, |now| now.updated_at_ms))
        .bind::<Array<Text>, _>(all(rows, |now| now.status.as_str()))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |now| now.advertiser_status.as_deref()))
        .bind::<Array<BigInt>, _>(all(rows, |now| now.revenue_original_micros))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |now| now.revenue_reported_micros))
        .bind::<Array<Text>, _>(all(rows, |now| now.currency.as_str()))
        .bind::<Array<BigInt>, _>(all(rows, |now| now.rate_nanos))
        .bind::<Array<BigInt>, _>(all(rows, |now| now.revenue_micros))
        .bind::<Array<Text>, _>(all(rows, |now| now.payout_status.as_str()))
        .bind::<Array<BigInt>, _>(all(rows, |now| now.payout_micros))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |now| now.sale_amount_micros))
        .bind::<Array<Nullable<Text>>, _>(all(rows, |now| now.reason.as_deref()))
        .bind::<Array<Bool>, _>(all(rows, |now| now.is_over_cap))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |now| now.place.map(|place| place.revenue_micros)))
        .bind::<Array<Nullable<BigInt>>, _>(all(rows, |now| now.place.map(|place| place.payout_micros)))
        .execute(pg)?;
    Ok(())
}

/// Keeps what a postback made of a conversion that a pixel had reported, beside what [`update_all`] keeps of every change.
///
/// # Errors
/// The database fails.
pub fn take_over(conn: &mut AnyConnection, id: i64, now: &NewConversion) -> Result<()> {
    diesel::update(conversions::table.find(id))
        .set((
            conversions::txid.eq(&now.txid),
            conversions::seq.eq(now.seq),
            conversions::advertiser_id.eq(now.advertiser_id),
            conversions::offer_id.eq(now.offer_id),
            conversions::converted_at_ms.eq(now.converted_at_ms),
            conversions::currency.eq(now.currency.as_str()),
            conversions::rate_nanos.eq(now.rate_nanos),
            conversions::counts_as_conversion.eq(now.counts_as_conversion),
            conversions::counts_in_revenue.eq(now.counts_in_revenue),
            conversions::is_test.eq(now.is_test),
            conversions::is_unconfirmed.eq(now.is_unconfirmed),
            conversions::said_address.eq(now.said.address.map(|address| address.to_string())),
            conversions::said_country.eq(now.said.country.as_ref().map(Country::as_str)),
            conversions::said_device.eq(now.said.device.map(Device::as_str)),
            conversions::said_device_id.eq(&now.said.device_id),
            conversions::said_agent.eq(&now.said.agent),
            conversions::anomalies.eq(conversion_anomalies::with(now.anomalies)),
        ))
        .execute(conn)?;
    Ok(())
}
