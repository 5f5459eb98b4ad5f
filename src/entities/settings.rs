//! What the whole account is set to: read and changed in one place, for pages and API alike.

mod anomalies;
mod old_doors;

use super::Error;
use super::editing::{Fields, account_currency};
use crate::db::{self, AnyConnection, Db, Priority, rates, rollups, settings};
use crate::domain::anomaly::AnomalyRules;
use crate::domain::campaign::fallback;
use crate::domain::input::{self, Editable, FieldErrors, put};
use crate::domain::money::Currency;
use crate::domain::old_door::OldDoors;
use crate::domain::zone::TimeZone;
use crate::visitor::{AddressLimit, BotSwitches, LIMIT_CLICKS, LIMIT_MINUTES};
use serde_json::Value;
use std::ops::RangeInclusive;

/// The account's settings as people edit them.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The currency of reports.
    pub currency: Currency,
    /// Where days begin at midnight.
    pub time_zone: TimeZone,
    /// Where visitors go when neither their campaign nor its host has a place for them; empty for nowhere.
    pub fallback_url: String,
    /// Clicks from data centres are machines'.
    pub bot_data_centres: bool,
    /// Too many clicks of one address are a machine's.
    pub bot_address_limit: bool,
    /// More than so many,
    pub bot_address_clicks: Option<u32>,
    /// within so many minutes.
    pub bot_address_minutes: Option<u32>,
    /// The doors of the tracker before that are open.
    pub old: OldDoors,
    /// What is unusual about a conversion.
    pub anomalies: AnomalyRules,
}

impl Editable for Settings {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "currency" => put(&mut self.currency, field, input::currency(value)),
            "time_zone" => put(&mut self.time_zone, field, zone(value)),
            "fallback_url" => put(&mut self.fallback_url, field, fallback(value)),
            "bot_data_centres" => put(&mut self.bot_data_centres, field, input::flag(value)),
            "bot_address_limit" => put(&mut self.bot_address_limit, field, input::flag(value)),
            "bot_address_clicks" => put(&mut self.bot_address_clicks, field, within(value, &LIMIT_CLICKS)),
            "bot_address_minutes" => put(&mut self.bot_address_minutes, field, within(value, &LIMIT_MINUTES)),
            _ => Ok(anomalies::set(&mut self.anomalies, field, value)?
                || old_doors::set(&mut self.old, field, value)?),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        old_doors::check(&self.old, errors);
        let numbers = [
            ("bot_address_clicks", self.bot_address_clicks, &LIMIT_CLICKS),
            ("bot_address_minutes", self.bot_address_minutes, &LIMIT_MINUTES),
        ];
        for (field, number, range) in numbers {
            if self.bot_address_limit && number.is_none() {
                errors.push(field, range_message(range));
            }
        }
    }

    /// A number that is sent while its switch is off would be thrown away: that is said, and what stood there goes.
    fn apply(&mut self, fields: &Fields) -> Result<(), FieldErrors> {
        let mut errors = self.apply_each(fields).err().unwrap_or_default();
        if !self.bot_address_limit {
            (self.bot_address_clicks, self.bot_address_minutes) = (None, None);
            for field in ["bot_address_clicks", "bot_address_minutes"] {
                let is_sent = fields.get(field).is_some_and(|value| !input::is_blank(value));
                if is_sent && errors.message(field).is_none() {
                    errors.push(field, "Set bot_address_limit to true with it");
                }
            }
        }
        errors.into_result()
    }
}

impl Settings {
    /// The limit of clicks of one address, where there is one.
    fn address_limit(&self) -> Option<AddressLimit> {
        let limit = self.bot_address_clicks.zip(self.bot_address_minutes);
        limit.filter(|_| self.bot_address_limit).map(|(clicks, minutes)| AddressLimit { clicks, minutes })
    }

    fn switches(&self) -> BotSwitches {
        BotSwitches { data_centres: self.bot_data_centres, address_limit: self.address_limit() }
    }

    fn load(conn: &mut AnyConnection) -> db::Result<Self> {
        let zone = settings::find(conn, settings::TIME_ZONE)?;
        let zone = zone.as_deref().and_then(|name| TimeZone::parse(name).ok());
        let switches = BotSwitches::load(conn)?;
        Ok(Self {
            currency: account_currency(conn)?,
            time_zone: zone.unwrap_or(TimeZone::UTC),
            fallback_url: settings::find(conn, settings::FALLBACK_URL)?.unwrap_or_default(),
            old: settings::old_doors(conn)?,
            anomalies: settings::anomaly_rules(conn)?,
            bot_data_centres: switches.data_centres,
            bot_address_limit: switches.address_limit.is_some(),
            bot_address_clicks: switches.address_limit.map(|limit| limit.clicks),
            bot_address_minutes: switches.address_limit.map(|limit| limit.minutes),
        })
    }

    /// Writes what differs, so that two who change different settings at once both get what they wanted.
    fn store(&self, before: &Self, conn: &mut AnyConnection) -> db::Result<()> {
        if self.currency != before.currency {
            settings::put(conn, settings::CURRENCY, self.currency.as_str())?;
            // They were rates to the currency before.
            rates::delete_all(conn)?;
        }
        if self.time_zone != before.time_zone {
            settings::put(conn, settings::TIME_ZONE, self.time_zone.name())?;
        }
        if self.fallback_url != before.fallback_url {
            if self.fallback_url.is_empty() {
                settings::remove(conn, settings::FALLBACK_URL)?;
            } else {
                settings::put(conn, settings::FALLBACK_URL, &self.fallback_url)?;
            }
        }
        if self.old != before.old {
            settings::put_old_doors(conn, &self.old)?;
        }
        if self.anomalies != before.anomalies {
            settings::put_anomaly_rules(conn, &self.anomalies)?;
        }
        if self.switches() != before.switches() {
            self.switches().store(conn)?;
        }
        Ok(())
    }
}

fn zone(value: &Value) -> input::Reading<TimeZone> {
    TimeZone::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
}

fn range_message(range: &RangeInclusive<u32>) -> String {
    format!("Must be a whole number from {} to {}", range.start(), range.end())
}

fn within(value: &Value, range: &RangeInclusive<u32>) -> input::Reading<Option<u32>> {
    if input::is_blank(value) {
        return Ok(None);
    }
    let number = input::int(value, i64::from(*range.start()), i64::from(*range.end()))?;
    u32::try_from(number).map(Some).map_err(|_too_large| range_message(range))
}

/// The account's settings, and whether its currency is fixed: figures of real clicks are kept in it.
///
/// # Errors
/// The database fails.
pub fn load(db: &Db) -> Result<(Settings, bool), Error> {
    db.read(|conn| Ok((Settings::load(conn)?, rollups::has_real_clicks(conn)?)))
}

/// Changes the given settings and leaves the others as they are.
///
/// # Errors
/// Every field that must be mended; the database fails.
pub fn update(db: &Db, fields: &Fields) -> Result<(Settings, bool), Error> {
    db.write(Priority::Pages, |conn| {
        let before = Settings::load(conn)?;
        let is_fixed = rollups::has_real_clicks(conn)?;
        let mut value = before.clone();
        let mut errors = value.apply(fields).err().unwrap_or_default();
        if is_fixed && value.currency != before.currency {
            errors.push("currency", "Fixed since the first real click: its figures are in this currency");
        }
        old_doors::check_taken(&value.old, conn, &mut errors)?;
        errors.into_result()?;
        value.store(&before, conn)?;
        Ok((value, is_fixed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(fields: Value) -> Result<Settings, FieldErrors> {
        let mut settings = Settings {
            currency: Currency::USD,
            time_zone: TimeZone::UTC,
            fallback_url: String::new(),
            bot_data_centres: false,
            bot_address_limit: true,
            bot_address_clicks: Some(60),
            bot_address_minutes: Some(5),
            old: OldDoors::default(),
            anomalies: AnomalyRules::default(),
        };
        settings.apply(&serde_json::from_value(fields).unwrap())?;
        Ok(settings)
    }

    #[test]
    fn a_limit_is_whole_or_off() {
        let kept = changed(json!({"bot_address_clicks": "7"})).unwrap();
        assert_eq!(kept.address_limit(), Some(AddressLimit { clicks: 7, minutes: 5 }));
        assert_eq!(changed(json!({"bot_address_limit": false})).unwrap().address_limit(), None);
        let errors = changed(json!({"bot_address_minutes": null})).unwrap_err();
        assert_eq!(errors.message("bot_address_minutes"), Some("Must be a whole number from 1 to 1440"));
        let errors = changed(json!({"bot_address_limit": false, "bot_address_minutes": 7})).unwrap_err();
        assert!(errors.message("bot_address_minutes").unwrap().contains("bot_address_limit"));
        let errors = changed(json!({"bot_address_limit": false, "bot_address_clicks": 7})).unwrap_err();
        assert!(errors.message("bot_address_clicks").unwrap().contains("bot_address_limit"));
        assert!(changed(json!({"bot_address_clicks": 1})).is_err(), "one click is never too many");
    }

    #[test]
    fn a_threshold_of_nought_is_off_and_one_click_is_never_too_many() {
        let fields =
            json!({"anomaly_fast_seconds": "0", "anomaly_other_country": false, "anomaly_device_clicks": 0});
        let rules = changed(fields).unwrap().anomalies;
        assert_eq!((rules.fast_seconds, rules.other_country, rules.device_clicks), (0, false, 0));
        for wrong in [json!(1), json!(101), json!(-1), json!("two"), json!(null)] {
            let errors = changed(json!({"anomaly_address_clicks": wrong})).unwrap_err();
            assert!(errors.message("anomaly_address_clicks").unwrap().contains("from 2 to 100"));
        }
        assert!(changed(json!({"anomaly_fast_seconds": 3_601})).is_err());
    }

    #[test]
    fn every_wrong_field_is_named() {
        let fields = json!({"currency": "ZZZ", "time_zone": 7, "fallback_url": "data:x", "colour": 1});
        let errors = changed(fields).unwrap_err();
        let named: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["colour", "currency", "fallback_url", "time_zone"]);
    }
}
