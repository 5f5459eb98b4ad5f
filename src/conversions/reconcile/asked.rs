//! What somebody says about a report: whose it is, which days, which column is which. Pages and API ask the same way.

use super::make::{NotMade, wrong};
use super::rows;
use crate::conversions::door::Postbacks;
use crate::db;
use crate::db::imports;
use crate::db::reconciliations::NewReconciliation;
use crate::db::settings;
use crate::domain::input::{self, FieldErrors};
use crate::domain::reconcile::{Span, read_day};
use crate::domain::sheet::{DayOrder, Field};
use crate::domain::zone::TimeZone;
use chrono::NaiveDate;
use serde_json::Value;

/// Characters of a file's name.
const FILE_NAME_CHARS_MAX: usize = 120;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportAsked {
    advertiser_id: i64,
    from: NaiveDate,
    to: NaiveDate,
    zone: Option<TimeZone>,
    day_order: Option<DayOrder>,
    file_name: String,
    /// Their column for each field that is said; an empty name takes a guess away.
    columns: Vec<(Field, String)>,
}

impl ReportAsked {
    /// Reads names and values, as an address or a form brings them.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, FieldErrors> {
        let (mut asked, mut errors) = (Self::default(), FieldErrors::default());
        let (mut from, mut to) = (None, None);
        for (name, value) in pairs {
            let outcome = match name.as_str() {
                "from" if !value.is_empty() => read_day(&value).map(|day| from = Some(day)),
                "to" if !value.is_empty() => read_day(&value).map(|day| to = Some(day)),
                "from" | "to" => Ok(()),
                _ => asked.set(&name, value.trim()),
            };
            if let Err(message) = outcome {
                errors.push(&name, message);
            }
        }
        for (name, day) in [("from", &from), ("to", &to)] {
            if day.is_none() && errors.message(name).is_none() {
                errors.push(
                    name,
                    "Write the first and the last day to compare, like 2026-11-01 and 2026-11-30",
                );
            }
        }
        if asked.advertiser_id < 1 && errors.message("advertiser_id").is_none() {
            errors.push("advertiser_id", "Choose the advertiser whose report it is");
        }
        (asked.from, asked.to) = (from.unwrap_or_default(), to.unwrap_or_default());
        if let (true, Err(why)) = (errors.is_empty(), Span::new(TimeZone::UTC, asked.from, asked.to)) {
            errors.push("to", why);
        }
        errors.into_result().map(|()| asked)
    }

    fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let value = Value::from(text);
        match name {
            "advertiser_id" => self.advertiser_id = input::id(&value)?.unwrap_or_default(),
            "time_zone" if text.is_empty() => {}
            "time_zone" => self.zone = Some(TimeZone::parse(text).map_err(|why| why.to_string())?),
            "day_order" if text.is_empty() => {}
            "day_order" => self.day_order = Some(input::word(&value, DayOrder::parse, DayOrder::choices)?),
            "file_name" => self.file_name = input::line(&value, FILE_NAME_CHARS_MAX)?,
            _ => {
                let Some(field) = Field::parse(name) else {
                    return Err(format!(
                        "There is no such parameter: there are advertiser_id, from, to, time_zone, day_order, \
                         file_name, and for the names of your columns {}",
                        Field::choices()
                    ));
                };
                self.columns.push((field, text.to_owned()));
            }
        }
        Ok(())
    }
}

impl Postbacks {
    /// Keeps a report as a draft, its columns as they are said or guessed; comes back with its number. For a blocking thread.
    ///
    /// # Errors
    /// There is no such advertiser, the file is no table, or the database fails.
    pub fn draft_report(
        &self,
        asked: &ReportAsked,
        (file_name, bytes): (&str, &[u8]),
        user_id: i64,
    ) -> Result<i64, NotMade> {
        let advertiser_id = asked.advertiser_id;
        if self.shared.catalog.get().advertiser(advertiser_id).is_none() {
            return Err(wrong("advertiser_id", "There is no such advertiser, or it is archived"));
        }
        let sheet = rows::sheet_of(bytes).map_err(|why| wrong("file", why.to_string()))?;
        let (known, account) = self.shared.db.read(|conn| {
            let zone = settings::find(conn, settings::TIME_ZONE)?;
            Ok::<_, db::Error>((imports::mapping(conn, advertiser_id)?, zone))
        })?;
        let account = account.as_deref().and_then(|name| TimeZone::parse(name).ok());
        let zone = asked.zone.or(account).unwrap_or(TimeZone::UTC);
        let span = Span::new(zone, asked.from, asked.to).map_err(|why| wrong("to", why))?;
        let mut mapping = rows::guess(&sheet, &known);
        for (field, column) in &asked.columns {
            // A column is one field's alone.
            mapping.0.retain(|known, name| known != field && name != column);
            if !column.is_empty() {
                mapping.0.insert(*field, column.clone());
            }
        }
        let named = if asked.file_name.is_empty() { file_name } else { &asked.file_name };
        let file_name = named.chars().filter(|c| !c.is_control()).take(FILE_NAME_CHARS_MAX).collect();
        let byte_count = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let day_order = asked.day_order;
        let new =
            NewReconciliation { user_id, advertiser_id, file_name, byte_count, span, mapping, day_order };
        Ok(self.keep_report(&new, bytes)?)
    }
}
