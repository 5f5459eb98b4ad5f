//! Settings of the installation that live in the database: account currency, time zone, setup token, guesses
//! about machines.

use super::schema::settings;
use super::{AnyConnection, Result, json, json_text, on_each};
use crate::domain::anomaly::{AnomalyRules, CLICKS, FAST_SECONDS};
use crate::domain::old_door::OldDoors;
use diesel::prelude::*;
use std::ops::RangeInclusive;

/// The account currency's code.
pub const CURRENCY: &str = "currency";
/// The account's time zone, an IANA name.
pub const TIME_ZONE: &str = "time_zone";
/// Where visitors go when neither their campaign nor its host has a place for them.
pub const FALLBACK_URL: &str = "fallback_url";
/// Where people and networks find the installation, as a node was told when it started. It stays until another is named.
pub const PUBLIC_URL: &str = "public_url";
/// SHA-256 (hex) of the one-time setup link's token.
pub const SETUP_TOKEN_HASH: &str = "setup_token_hash";
/// The campaign that the first steps made.
pub const START_CAMPAIGN: &str = "start_campaign";
/// The offer that the first steps made.
pub const START_OFFER: &str = "start_offer";
/// The advertiser that the first steps made.
pub const START_ADVERTISER: &str = "start_advertiser";
/// Fingerprint of the installation's secret key.
pub const KEY_FINGERPRINT: &str = "key_fingerprint";
/// There where clicks from data centres are held to be machines'.
pub const BOT_DATA_CENTRES: &str = "bot_data_centres";
/// How many clicks of one address are people's; there only where that is asked.
pub const BOT_ADDRESS_CLICKS: &str = "bot_address_clicks";
/// Within how many minutes.
pub const BOT_ADDRESS_MINUTES: &str = "bot_address_minutes";
/// Where exchange rates are fetched every day; there only where that is asked.
pub const RATES_URL: &str = "rates_url";
/// When they are fetched next, Unix milliseconds: whoever moves it on fetches.
pub const RATES_DUE: &str = "rates_due";
/// When they were fetched last, Unix milliseconds.
pub const RATES_FETCHED: &str = "rates_fetched";
/// Why the last attempt failed; there only until one succeeds.
pub const RATES_ERROR: &str = "rates_error";

/// Sooner after the click than so many seconds is unusual; 0 for never.
pub const ANOMALY_FAST_SECONDS: &str = "anomaly_fast_seconds";
/// Another country than the click's is unusual; 0 for never.
pub const ANOMALY_OTHER_COUNTRY: &str = "anomaly_other_country";
/// Another kind of device than the click's is unusual; 0 for never.
pub const ANOMALY_OTHER_DEVICE: &str = "anomaly_other_device";
/// One device id with so many clicks that converted is unusual; 0 for never.
pub const ANOMALY_DEVICE_CLICKS: &str = "anomaly_device_clicks";
/// One address with so many clicks that converted is unusual; 0 for never.
pub const ANOMALY_ADDRESS_CLICKS: &str = "anomaly_address_clicks";

/// The doors of the tracker before that are kept open, as JSON.
pub const OLD_DOORS: &str = "old_doors";

/// The doors of the tracker before that are kept open; none until they are.
///
/// # Errors
/// The database fails, or holds what cannot be read.
pub fn old_doors(conn: &mut AnyConnection) -> Result<OldDoors> {
    find(conn, OLD_DOORS)?.map_or_else(|| Ok(OldDoors::default()), |text| json(&text))
}

/// Keeps these doors open, and no others.
///
/// # Errors
/// The database fails.
pub fn put_old_doors(conn: &mut AnyConnection, doors: &OldDoors) -> Result<()> {
    put(conn, OLD_DOORS, &json_text(doors)?)
}

/// What is held to be unusual about a conversion. What is not set, or cannot be read, is as it is at first.
///
/// # Errors
/// The database fails.
pub fn anomaly_rules(conn: &mut AnyConnection) -> Result<AnomalyRules> {
    let usual = AnomalyRules::default();
    let mut number = |name: &str, range: &RangeInclusive<i64>, usual: i64| -> Result<i64> {
        let read = find(conn, name)?.and_then(|text| text.parse().ok());
        Ok(read.filter(|number| range.contains(number)).unwrap_or(usual))
    };
    let switch = 0..=1;
    Ok(AnomalyRules {
        fast_seconds: number(ANOMALY_FAST_SECONDS, &FAST_SECONDS, usual.fast_seconds)?,
        other_country: number(ANOMALY_OTHER_COUNTRY, &switch, usual.other_country.into())? > 0,
        other_device: number(ANOMALY_OTHER_DEVICE, &switch, usual.other_device.into())? > 0,
        device_clicks: number(ANOMALY_DEVICE_CLICKS, &CLICKS, usual.device_clicks)?,
        address_clicks: number(ANOMALY_ADDRESS_CLICKS, &CLICKS, usual.address_clicks)?,
    })
}

/// Sets what is held to be unusual about a conversion.
///
/// # Errors
/// The database fails.
pub fn put_anomaly_rules(conn: &mut AnyConnection, rules: &AnomalyRules) -> Result<()> {
    let values = [
        (ANOMALY_FAST_SECONDS, rules.fast_seconds),
        (ANOMALY_OTHER_COUNTRY, rules.other_country.into()),
        (ANOMALY_OTHER_DEVICE, rules.other_device.into()),
        (ANOMALY_DEVICE_CLICKS, rules.device_clicks),
        (ANOMALY_ADDRESS_CLICKS, rules.address_clicks),
    ];
    values.into_iter().try_for_each(|(name, value)| put(conn, name, &value.to_string()))
}

/// The value of a setting.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, name: &str) -> Result<Option<String>> {
    Ok(settings::table.find(name).select(settings::value).first(conn).optional()?)
}

/// Sets a setting.
///
/// # Errors
/// The database fails.
pub fn put(conn: &mut AnyConnection, name: &str, value: &str) -> Result<()> {
    on_each!(conn, |c| diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq(value)))
        .on_conflict(settings::name)
        .do_update()
        .set(settings::value.eq(value))
        .execute(c))?;
    Ok(())
}

/// Sets a setting unless it is set, and returns what then stands.
///
/// # Errors
/// The database fails.
pub fn put_first(conn: &mut AnyConnection, name: &str, value: &str) -> Result<String> {
    on_each!(conn, |c| diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq(value)))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(find(conn, name)?.unwrap_or_else(|| value.to_owned()))
}

/// Takes a setting away; says whether it was there.
///
/// # Errors
/// The database fails.
pub fn remove(conn: &mut AnyConnection, name: &str) -> Result<bool> {
    Ok(diesel::delete(settings::table.find(name)).execute(conn)? > 0)
}

/// Sets a setting where it still has the value it was read with; says whether it had. Of several nodes that try at once
/// one succeeds.
///
/// # Errors
/// The database fails.
pub fn swap(conn: &mut AnyConnection, name: &str, (from, to): (&str, &str)) -> Result<bool> {
    let known = settings::table.find(name).filter(settings::value.eq(from));
    Ok(diesel::update(known).set(settings::value.eq(to)).execute(conn)? > 0)
}
