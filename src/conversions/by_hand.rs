//! A conversion that a person records by hand: judged as a postback is, and stored only where it counts.

use super::door::Postbacks;
use super::hand::WHY_CHARS_MAX;
use super::import::By;
use super::judge::Verdict;
use super::keyless::advertisers_of;
use super::person;
use super::record::Group;
use super::request::Incoming;
use super::writer::{Shared, now_ms};
use crate::db::ledger::Numbers;
use crate::db::postbacks::HAND;
use crate::db::{self, AnyConnection, Priority, clicks};
use crate::domain::click_id::ClickId;
use crate::domain::input::{self, FieldErrors};
use crate::domain::moment;
use crate::domain::money::{Currency, Money};
use crate::domain::status::Status;
use crate::domain::verdict::{Code, PostbackResult};
use crate::routing::{AdvertiserRoute, Catalog};
use chrono::{DateTime, SecondsFormat};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The fields of a conversion that a person records.
const FIELDS: [&str; 10] = [
    "click_id",
    "event",
    "txid",
    "revenue",
    "sale_amount",
    "currency",
    "status",
    "converted_at",
    "advertiser_id",
    "why",
];

/// Characters of an event's name and of a transaction.
const EVENT_CHARS_MAX: usize = 60;
const TXID_CHARS_MAX: usize = super::claim::TXID_CHARS_MAX;

/// A conversion as a person records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandRecord {
    click_id: ClickId,
    /// Whose it is, where the click alone does not say.
    advertiser_id: Option<i64>,
    why: String,
    /// What a postback would say.
    said: Vec<(&'static str, String)>,
}

/// Why a person's conversion was not recorded.
#[derive(Debug)]
pub enum NotRecorded {
    /// Something must be mended.
    Fields(FieldErrors),
    /// The database fails.
    Db(db::Error),
}

impl From<db::Error> for NotRecorded {
    fn from(error: db::Error) -> Self {
        Self::Db(error)
    }
}

fn wrong(field: &str, message: &str) -> NotRecorded {
    NotRecorded::Fields(FieldErrors::one(field, message))
}

impl HandRecord {
    /// Reads the fields of a form or a JSON body.
    ///
    /// # Errors
    /// Every fault found, with its field.
    pub fn read(fields: &BTreeMap<String, Value>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        for unknown in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            errors.push(unknown, format!("There is no such field: there are {}", FIELDS.join(", ")));
        }
        let mut given = Given { fields, errors: &mut errors };
        let click_id = given.text("click_id", 64).and_then(|text| ClickId::parse(&text));
        let event = given.text("event", EVENT_CHARS_MAX);
        let txid = given.text("txid", TXID_CHARS_MAX);
        let revenue = given.money("revenue");
        let sale_amount = given.money("sale_amount");
        let currency = given.text("currency", 3);
        let status = given.text("status", EVENT_CHARS_MAX);
        let at_ms = given.read("converted_at", moment::read).flatten();
        let advertiser_id = given.text("advertiser_id", 20);
        let why = given.text("why", WHY_CHARS_MAX);
        let known_currency = currency.as_deref().map(Currency::parse);
        let known_status = status.as_deref().map(Status::parse);
        let known_advertiser = advertiser_id.as_deref().map(str::parse::<i64>);
        if click_id.is_none() && errors.message("click_id").is_none() {
            errors
                .push("click_id", "Write the click id: 26 letters and digits, as the click's page shows it");
        }
        if known_currency == Some(None) {
            errors.push("currency", "Write three letters, like USD");
        }
        if known_status == Some(None) {
            errors.push("status", format!("Choose one of {}", Status::choices()));
        }
        if matches!(known_advertiser, Some(Err(_))) {
            errors.push("advertiser_id", "Must be an advertiser's number");
        }
        if why.is_none() && errors.message("why").is_none() {
            errors.push("why", "Write why: it is kept in the conversion's history with your name");
        }
        let (Some(click_id), true) = (click_id, errors.is_empty()) else { return Err(errors) };
        let time = at_ms.and_then(DateTime::from_timestamp_millis);
        let said = [
            ("cid", Some(click_id.to_string())),
            ("event", event),
            ("txid", txid),
            ("payout", revenue.map(|money| money.to_string())),
            ("sale_amount", sale_amount.map(|money| money.to_string())),
            ("currency", currency),
            ("status", status),
            ("conversion_time", time.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))),
        ];
        let said = said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let advertiser_id = known_advertiser.and_then(Result::ok);
        Ok(Self { click_id, advertiser_id, why: why.unwrap_or_default(), said })
    }

    /// As the log keeps it.
    fn incoming(&self, advertiser: &AdvertiserRoute, received_at_ms: i64) -> Incoming {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.said);
        Incoming {
            key: advertiser.key.clone(),
            method: HAND.to_owned(),
            query: query.finish().into_bytes(),
            received_at_ms,
            ..Incoming::default()
        }
    }
}

/// Fields as they came, and what is wrong with them.
struct Given<'a> {
    fields: &'a BTreeMap<String, Value>,
    errors: &'a mut FieldErrors,
}

impl Given<'_> {
    fn read<T>(&mut self, name: &str, reader: impl FnOnce(&Value) -> input::Reading<T>) -> Option<T> {
        let value = self.fields.get(name).unwrap_or(&Value::Null);
        reader(value).map_err(|message| self.errors.push(name, message)).ok()
    }

    /// A text that is not blank; a number counts as its text.
    fn text(&mut self, name: &str, chars_max: usize) -> Option<String> {
        let reader = |value: &Value| match value {
            Value::Number(number) => Ok(number.to_string()),
            value if input::is_blank(value) => Ok(String::new()),
            value => input::line(value, chars_max),
        };
        self.read(name, reader).filter(|text| !text.is_empty())
    }

    fn money(&mut self, name: &str) -> Option<Money> {
        self.read(name, input::money).flatten()
    }
}

impl Postbacks {
    /// Waits until a click that was made a moment ago is in the database.
    pub async fn settle_click(&self, asked: &HandRecord) {
        self.wait_for_click(asked.click_id).await;
    }

    /// Records a person's conversion, or changes the one that it says the same of. For a blocking thread.
    ///
    /// # Errors
    /// What must be mended, or the database fails; nothing is stored then.
    pub fn record_by_hand(&self, asked: &HandRecord, user_id: i64) -> Result<Verdict, NotRecorded> {
        self.shared.record_by_hand(asked, user_id)
    }
}

impl Shared {
    fn record_by_hand(&self, asked: &HandRecord, user_id: i64) -> Result<Verdict, NotRecorded> {
        let (catalog, now_ms, mut numbers) = (self.catalog.get(), now_ms(), Numbers::default());
        let (verdict, effects) = self.db.write(Priority::Pages, |conn| {
            self.ensure_partitions(conn, now_ms)?;
            let advertiser = advertiser(conn, asked, &catalog)?;
            let judged = person::read(asked.incoming(&advertiser, now_ms), Some(Arc::clone(&advertiser)));
            let mut group = Group::begin(conn, &catalog, now_ms, &[&judged], &mut numbers)?;
            let by = By { user_id, why: &asked.why };
            let (verdict, _number) = group.keep_row(conn, &judged, &by)?;
            if matches!(verdict.code.result(), PostbackResult::Parked | PostbackResult::Refused) {
                return Err(wrong(field_of(verdict.code), &verdict.message));
            }
            Ok::<_, NotRecorded>((verdict, group.finish(conn, self.writer_id)?))
        })?;
        self.tell(effects);
        Ok(verdict)
    }
}

/// Whose conversion it is: as is said, else by the offer that the click reached.
fn advertiser(
    conn: &mut AnyConnection,
    asked: &HandRecord,
    catalog: &Catalog,
) -> Result<Arc<AdvertiserRoute>, NotRecorded> {
    if let Some(id) = asked.advertiser_id {
        let found = catalog.advertiser(id).cloned();
        return found.ok_or_else(|| wrong("advertiser_id", "There is no such advertiser, or it is archived"));
    }
    let Some(click) = clicks::facts(conn, &[asked.click_id])?.pop() else {
        return Err(wrong("click_id", "No such click is stored: copy the id from the click's page"));
    };
    match advertisers_of(conn, &click, catalog)?.as_slice() {
        [only] => Ok(Arc::clone(only)),
        [] => Err(wrong("click_id", "This click reached no offer of an advertiser: nobody could pay for it")),
        _ => {
            let message =
                "This click could have reached offers of several advertisers: say whose the conversion is";
            Err(wrong("advertiser_id", message))
        }
    }
}

/// The field that a refusal is about.
const fn field_of(code: Code) -> &'static str {
    match code {
        Code::MalformedRevenue => "revenue",
        Code::UnknownCurrency | Code::ParkedNoRate => "currency",
        Code::UnknownStatus | Code::MissingStatus | Code::TransitionRefused => "status",
        Code::ParkedWrongOffer => "advertiser_id",
        Code::ParkedAmbiguous => "txid",
        Code::Unreadable => "converted_at",
        _ => "click_id",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OURS: &str = "01jcz7m3v8f4n9q2r5t6w7x8y9";

    fn read(fields: Value) -> Result<HandRecord, Vec<String>> {
        HandRecord::read(&serde_json::from_value(fields).unwrap())
            .map_err(|errors| errors.0.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn a_record_needs_a_click_and_a_reason() {
        let record =
            read(json!({"click_id": OURS, "why": " their mail ", "revenue": "5", "event": ""})).unwrap();
        assert_eq!(record.said, [("cid", OURS.to_owned()), ("payout", "5.00".to_owned())]);
        assert_eq!((record.why.as_str(), record.advertiser_id), ("their mail", None));
        assert_eq!(read(json!({})).unwrap_err(), ["click_id", "why"]);
        assert_eq!(
            read(json!({
                "click_id": "x", "why": "so", "revenue": "-1", "currency": "EURO", "status": "sold",
                "converted_at": "soon", "advertiser_id": "one", "colour": 1, "txid": "t".repeat(256)
            }))
            .unwrap_err(),
            ["colour", "txid", "revenue", "currency", "converted_at", "click_id", "status", "advertiser_id"]
        );
    }
}
