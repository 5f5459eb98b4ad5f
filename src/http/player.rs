//! A traced click: who it plays, read from a form or a JSON body, and followed through a campaign.

use super::{App, Error, Tracker, now_ms};
use crate::domain::click_id::ClickId;
use crate::domain::input::{self, FieldErrors};
use crate::domain::moment;
use crate::entities::{self, Fields};
use crate::routing::{Arrival, Headers, Trace};
use crate::visitor::{self, Hints, Signals};
use serde_json::Value;
use std::collections::HashMap;
use std::net::IpAddr;

/// Characters of the query of a traced click.
const QUERY_CHARS_MAX: usize = 4_096;

/// Characters of its user agent, its referrer, a header.
const TEXT_CHARS_MAX: usize = 1_024;

/// Headers of a traced click.
const HEADERS_MAX: usize = 50;

/// Whom a traced click plays.
#[derive(Debug)]
pub struct Player {
    address: IpAddr,
    agent: String,
    query: String,
    at_ms: i64,
    referrer: Option<String>,
    language: Option<String>,
    host: Option<String>,
    headers: Named,
    is_unique: bool,
}

/// Headers by their names in small letters.
#[derive(Debug, Default)]
struct Named(HashMap<String, String>);

impl Headers for Named {
    fn header(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl Player {
    /// Reads one: `address`, `user_agent`, `query` (an object, or a query string), `at`, and what rules may ask besides:
    /// `referrer`, `language`, `host`, `headers`, `unique`.
    ///
    /// # Errors
    /// Every field that must be mended.
    pub fn read(fields: &Fields) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut player = Self {
            address: IpAddr::from([0, 0, 0, 0]),
            agent: String::new(),
            query: String::new(),
            at_ms: now_ms(),
            referrer: None,
            language: None,
            host: None,
            headers: Named::default(),
            is_unique: true,
        };
        if fields.get("address").is_none_or(input::is_blank) {
            errors.push("address", "Write the visitor's address, like 203.0.113.7");
        }
        for (name, value) in fields {
            if let Err(message) = player.set(name, value) {
                errors.push(name, message);
            }
        }
        errors.into_result()?;
        Ok(player)
    }

    fn set(&mut self, name: &str, value: &Value) -> input::Reading<()> {
        let text = |value: &Value| input::line(value, TEXT_CHARS_MAX);
        let some = |value: &Value| text(value).map(|text| (!text.is_empty()).then_some(text));
        match name {
            "address" if input::is_blank(value) => {}
            "address" => {
                let address = text(value)?.parse::<IpAddr>();
                self.address = address
                    .map_err(|_unparsed| "Must be an address, like 203.0.113.7 or 2001:db8::1".to_owned())?
                    .to_canonical();
            }
            "user_agent" => self.agent = text(value)?,
            "query" => self.query = query(value)?,
            "at" => self.at_ms = moment::read(value)?.unwrap_or(self.at_ms),
            "referrer" => self.referrer = some(value)?,
            "language" => self.language = some(value)?,
            "host" => self.host = some(value)?,
            "headers" => self.headers = headers(value)?,
            "unique" => self.is_unique = input::flag(value)?,
            _ => return Err("There is no such field".to_owned()),
        }
        Ok(())
    }
}

/// A query as a query string.
fn query(value: &Value) -> input::Reading<String> {
    let Value::Object(parts) = value else {
        let text = input::line(value, QUERY_CHARS_MAX)?;
        return Ok(text.trim_start_matches('?').to_owned());
    };
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parts {
        written.append_pair(name, &input::line(value, TEXT_CHARS_MAX)?);
    }
    let query = written.finish();
    if query.len() > QUERY_CHARS_MAX {
        Err(format!("At most {QUERY_CHARS_MAX} characters"))
    } else {
        Ok(query)
    }
}

fn headers(value: &Value) -> input::Reading<Named> {
    let parts = match value {
        Value::Null => return Ok(Named::default()),
        Value::Object(parts) if parts.len() <= HEADERS_MAX => parts,
        Value::Object(_) => return Err(format!("At most {HEADERS_MAX} headers")),
        _ => return Err("Must be an object: {\"name\":\"value\"}".to_owned()),
    };
    let mut named = Named::default();
    for (name, value) in parts {
        named.0.insert(name.to_ascii_lowercase(), input::line(value, TEXT_CHARS_MAX)?);
    }
    Ok(named)
}

/// Follows a click through a campaign. Records nothing.
///
/// # Errors
/// There is no such campaign; the database fails.
pub fn follow(app: &App, tracker: &Tracker, id: i64, player: &Player) -> Result<Trace, Error> {
    let saved = entities::campaigns::find(&app.db, id)?;
    let ids: Vec<i64> = saved.value.rules.iter().flat_map(|rule| rule.when.list_ids()).collect();
    let names = entities::lists::names(&app.db, &ids)?;
    let catalog = tracker.catalog.get();
    let campaign = catalog.campaign(id).ok_or(Error::NotFound)?;
    let arrival = Arrival {
        id: ClickId::new(player.at_ms, rand::random()),
        now_ms: player.at_ms,
        query: &player.query,
        host: player.host.as_deref(),
        visitor: visitor::Arrival {
            address: player.address,
            agent_text: &player.agent,
            referrer: player.referrer.as_deref(),
            accept_language: player.language.as_deref(),
            signals: Signals::default(),
            hints: Hints::default(),
        },
        is_known_by_cookie: false,
        headers: &player.headers,
        seen: None,
        is_test: false,
    };
    let list = |id: i64| names.get(&id).cloned();
    Ok(tracker.router(&catalog).trace(campaign, &saved.value.rules, &arrival, player.is_unique, &list))
}
