//! `POST /reports`: figures by one dimension.

use super::{Answer, resource};
use crate::db::settings;
use crate::domain::figures::{Bots, Figures, Metric, Value as Figure};
use crate::domain::input::{self, FieldErrors};
use crate::domain::money::Currency;
use crate::domain::rollup::Attribution;
use crate::entities::Fields;
use crate::http::{App, Error, Reader, json_fields, reading};
use crate::reports::{self, By, Order, Period, PeriodError, Query, TimeZone, report};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value, json};

/// Rows of an answer where nothing is said, and the most.
const LIMIT: i64 = 50;
const LIMIT_MAX: i64 = 10_000;
/// Campaigns that a filter may name.
const FILTER_VALUES_MAX: usize = 1_000;
/// Characters of a date, a zone or a word.
const WORD_CHARS_MAX: usize = 60;
/// Levels that a report may be asked for.
const LEVELS_MAX: usize = 3;
/// The dimensions that are there.
const DIMENSIONS: &str = "campaign, source, owner, hour, day, week, month";

/// Hangs the address.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/reports")
            .route(web::post().to(answer))
            .default_service(web::to(resource::takes_post)),
    );
}

/// What is asked, read.
struct Asked {
    query: Query,
    min_clicks: i64,
    limit: usize,
    offset: usize,
}

async fn answer(_who: Reader, app: web::Data<App>, request: HttpRequest, payload: web::Payload) -> Answer {
    let fields = json_fields(&request, payload).await?;
    let body = reading(&app, move |app| {
        let facts = app.db.read(|conn| {
            Ok::<_, crate::db::Error>((
                settings::find(conn, settings::CURRENCY)?,
                settings::find(conn, settings::TIME_ZONE)?,
            ))
        });
        let (currency, zone) = facts.map_err(Error::from)?;
        let currency = currency.as_deref().and_then(Currency::parse).unwrap_or(Currency::USD);
        let zone = zone.as_deref().and_then(|name| TimeZone::parse(name).ok()).unwrap_or(TimeZone::UTC);
        let asked = read(&fields, zone).map_err(Error::from)?;
        let found = app.db.read(|conn| report(conn, &asked.query)).map_err(of_report)?;
        Ok::<_, Error>(body(&asked, found, currency))
    });
    Ok(HttpResponse::Ok().json(body.await?))
}

fn of_report(error: reports::Error) -> Error {
    match error {
        reports::Error::Db(error) => error.into(),
        reports::Error::Period(error) => FieldErrors::one("by", error.to_string()).into(),
    }
}

/// Rows under the wanted number of clicks are left out of the totals too: the sums are those of what is shown.
fn body(asked: &Asked, mut found: reports::Report, currency: Currency) -> Value {
    let clicks = |figures: &Figures| figures.sort_key(Metric::Clicks).unwrap_or(0);
    if asked.min_clicks > 0 {
        found.rows.retain(|row| clicks(&row.figures) >= asked.min_clicks);
        found.row_count = found.rows.len();
        found.totals = Figures::new(asked.query.bots);
        found.rows.iter().for_each(|row| found.totals.add_row(&row.figures));
    }
    let row = |row: &reports::Row| {
        let by = match found.by {
            By::Total => json!([]),
            _ => json!([{"value": found.value(row), "label": row.label}]),
        };
        let mut object = figures(&row.figures);
        object.insert("by".to_owned(), by);
        Value::Object(object)
    };
    let rows: Vec<Value> = found.rows.iter().skip(asked.offset).take(asked.limit).map(row).collect();
    json!({
        "rows": rows,
        "totals": figures(&found.totals),
        "row_count": found.row_count,
        "currency": currency,
    })
}

fn figures(figures: &Figures) -> Map<String, Value> {
    let value = |metric: &Metric| match figures.value(*metric) {
        Figure::Count(count) => Value::from(count),
        Figure::Amount(money) => Value::from(money.to_string()),
        Figure::PerUnit(money) => money.map_or(Value::Null, |money| Value::from(money.to_string())),
        Figure::Ratio(ratio) => ratio.map_or(Value::Null, |ratio| Value::from(ratio_text(ratio))),
    };
    Metric::ALL.iter().map(|metric| (metric.as_str().to_owned(), value(metric))).collect()
}

/// Ten-thousandths as a decimal with four places.
fn ratio_text(ratio: i64) -> String {
    let (sign, size) = (if ratio < 0 { "-" } else { "" }, ratio.unsigned_abs());
    format!("{sign}{}.{:04}", size / 10_000, size % 10_000)
}

fn read(fields: &Fields, account_zone: TimeZone) -> Result<Asked, FieldErrors> {
    let mut errors = FieldErrors::default();
    let zone = word(fields, "time_zone", &mut errors, |name| {
        TimeZone::parse(name).map_err(|unknown| unknown.to_string())
    });
    let zone = zone.unwrap_or(account_zone);
    let by = by(fields.get("by"), &mut errors);
    // Without a period there is nothing to ask; what else is wrong is said once that is mended.
    let Some(period) = period(fields, zone, &mut errors) else { return Err(errors) };
    let mut asked = Asked {
        query: Query::new(period, by),
        min_clicks: 0,
        limit: usize::try_from(LIMIT).unwrap_or(50),
        offset: 0,
    };
    for (name, value) in fields {
        if let Err(message) = set(&mut asked, name, value) {
            let at = message.0.into_iter();
            at.for_each(|error| errors.push(&error.field, error.message));
        }
    }
    errors.into_result()?;
    Ok(asked)
}

fn set(asked: &mut Asked, name: &str, value: &Value) -> Result<(), FieldErrors> {
    let one = |message: String| FieldErrors::one(name, message);
    let count = |max: i64| input::int(value, 0, max).map_err(one);
    let size = |n: i64| usize::try_from(n).unwrap_or(0);
    match name {
        "from" | "to" | "time_zone" | "by" => {}
        "attribute" => {
            let read = input::word(value, Attribution::parse, Attribution::choices);
            asked.query.attribution = read.map_err(one)?;
        }
        "bots" => asked.query.bots = input::word(value, Bots::parse, Bots::choices).map_err(one)?,
        "test" => asked.query.is_test = test(value).map_err(one)?,
        "min_clicks" => asked.min_clicks = count(1_000_000_000)?,
        "limit" => asked.limit = size(count(LIMIT_MAX)?),
        "offset" => asked.offset = size(count(i64::from(u32::MAX))?),
        "order" => asked.query.order = order(value).map_err(one)?,
        "filters" => asked.query.campaign_ids = filters(value)?,
        _ => return Err(one("There is no such field".to_owned())),
    }
    Ok(())
}

fn test(value: &Value) -> Result<bool, String> {
    match input::word(value, Bots::parse, Bots::choices)? {
        Bots::Exclude => Ok(false),
        Bots::Only => Ok(true),
        Bots::Include => Err("Test data is never counted beside real data: exclude, only".to_owned()),
    }
}

fn order(value: &Value) -> Result<Order, String> {
    let word = input::line(value, WORD_CHARS_MAX)?;
    Order::parse(&word).ok_or_else(|| {
        format!("Is no figure: one of label, {}, with - before it for the highest first", Metric::choices())
    })
}

/// A word, read; `None` where it is not there or an error was noted.
fn word<T>(
    fields: &Fields,
    name: &str,
    errors: &mut FieldErrors,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let value = fields.get(name).filter(|value| !value.is_null())?;
    let read = input::line(value, WORD_CHARS_MAX).and_then(|text| parse(&text));
    read.map_err(|message| errors.push(name, message)).ok()
}

fn by(value: Option<&Value>, errors: &mut FieldErrors) -> By {
    let levels = match value {
        None | Some(Value::Null) => return By::Total,
        Some(Value::Array(levels)) => levels,
        Some(_) => {
            errors.push("by", "Must be a list, like [\"campaign\"]");
            return By::Total;
        }
    };
    let mut known = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        match level.as_str().and_then(By::parse).filter(|by| *by != By::Total) {
            Some(by) => known.push(by),
            None => errors.push(
                &format!("by[{at}]"),
                format!("Reports have no such dimension yet: there are {DIMENSIONS}"),
            ),
        }
    }
    match levels.len() {
        0 | 1 => {}
        2..=LEVELS_MAX => errors.push("by", format!("One level at a time for now: one of {DIMENSIONS}")),
        _ => errors.push("by", format!("At most {LEVELS_MAX} levels")),
    }
    known.first().copied().unwrap_or(By::Total)
}

/// Days of the zone, both included, or moments, the end excluded.
fn period(fields: &Fields, zone: TimeZone, errors: &mut FieldErrors) -> Option<Period> {
    enum At {
        Day(NaiveDate),
        Moment(i64),
    }
    let at = |text: &str| {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(At::Moment(at.timestamp_millis()));
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(At::Day)
            .map_err(|_unread| "Is neither a day (2026-11-01) nor a moment (2026-11-01T10:00:00Z)".to_owned())
    };
    for name in ["from", "to"] {
        if fields.get(name).is_none_or(Value::is_null) {
            errors.push(name, "Is needed: a day (2026-11-01) or a moment (2026-11-01T10:00:00Z)");
        }
    }
    let (from, to) = (word(fields, "from", errors, at), word(fields, "to", errors, at));
    let period: Result<Period, PeriodError> = match (from?, to?) {
        (At::Day(from), At::Day(to)) => Period::days(zone, from, to),
        (At::Moment(from), At::Moment(to)) => Period::moments(zone, from, to),
        _ => {
            errors.push("to", "Must be of the same kind as from: two days, or two moments");
            return None;
        }
    };
    period.map_err(|error| errors.push("to", error.to_string())).ok()
}

/// The campaigns that are asked for; of several filters only what fits all of them.
fn filters(value: &Value) -> Result<Option<Vec<i64>>, FieldErrors> {
    let Some(filters) = value.as_array() else {
        return Err(FieldErrors::one("filters", "Must be a list of {fact, op, values}"));
    };
    let mut wanted: Option<Vec<i64>> = None;
    for (at, filter) in filters.iter().enumerate() {
        let one = |field: &str, message: &str| FieldErrors::one(&format!("filters[{at}].{field}"), message);
        let unknown = filter
            .as_object()
            .and_then(|object| object.keys().find(|key| !matches!(key.as_str(), "fact" | "op" | "values")));
        if let Some(unknown) = unknown {
            return Err(one(unknown, "There is no such field"));
        }
        let text = |field: &str| filter.get(field).and_then(Value::as_str).unwrap_or_default();
        if text("fact") != "campaign" {
            return Err(one("fact", "Filters on campaign alone for now"));
        }
        if !matches!(text("op"), "in" | "is") {
            return Err(one("op", "Must be one of: is, in"));
        }
        let values =
            filter.get("values").and_then(Value::as_array).filter(|all| all.len() <= FILTER_VALUES_MAX);
        let Some(values) = values else {
            return Err(one("values", "Must be a list of at most 1000 campaign numbers"));
        };
        let ids: Option<Vec<i64>> = values.iter().map(|value| input::int(value, 1, i64::MAX).ok()).collect();
        let Some(ids) = ids else { return Err(one("values", "Must be numbers of campaigns")) };
        wanted = Some(match wanted {
            None => ids,
            Some(before) => before.into_iter().filter(|id| ids.contains(id)).collect(),
        });
    }
    Ok(wanted)
}
