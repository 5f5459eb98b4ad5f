//! What the first steps make: an advertiser, an offer and a campaign, each once, however often one retries.

use super::Stage;
use crate::db::search::Saved;
use crate::db::{Db, Priority, settings};
use crate::domain::advertiser::Advertiser;
use crate::domain::campaign::Campaign;
use crate::domain::input::{Editable as _, FieldErrors};
use crate::domain::lander::EntityStatus;
use crate::domain::macros::Macro;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::template::{Template, TemplateUse};
use crate::entities::{self, Error, Fields};
use crate::pages::parts::{CodeBox, Mark, Piece, Step, Steps};
use crate::pages::test_steps::{LastTest, code, done, plain, refused};
use crate::pages::words::MoneyWords;
use serde_json::{Value, json};

/// Characters of a click id that tell one from another at a glance.
const ID_CHARS_SHOWN: usize = 9;

/// What stands already.
pub(super) struct Made {
    /// The campaign.
    pub(super) campaign: Saved<Campaign>,
    /// Its offer.
    pub(super) offer: Saved<Offer>,
    /// The key of the offer's advertiser.
    pub(super) postback_key: String,
}

/// A thing that the first steps made and that was not put away since.
fn kept<T>(
    db: &Db,
    setting: &str,
    find: fn(&Db, i64) -> Result<Saved<T>, Error>,
    status: fn(&T) -> EntityStatus,
) -> Result<Option<Saved<T>>, Error> {
    let id = db.read(|conn| settings::find(conn, setting))?.and_then(|id| id.parse().ok());
    let Some(id) = id else { return Ok(None) };
    match find(db, id) {
        Ok(saved) => Ok(Some(saved).filter(|saved| status(&saved.value) != EntityStatus::Archived)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn kept_advertiser(db: &Db) -> Result<Option<Saved<Advertiser>>, Error> {
    kept(db, settings::START_ADVERTISER, entities::advertisers::find, |value| value.status)
}

fn kept_offer(db: &Db) -> Result<Option<Saved<Offer>>, Error> {
    kept(db, settings::START_OFFER, entities::offers::find, |value| value.status)
}

fn kept_campaign(db: &Db) -> Result<Option<Saved<Campaign>>, Error> {
    kept(db, settings::START_CAMPAIGN, entities::campaigns::find, |value| value.status)
}

/// What the first steps made so far, where all of it is there.
///
/// # Errors
/// The database fails.
pub(super) fn find(db: &Db) -> Result<Option<Made>, Error> {
    let (Some(campaign), Some(offer)) = (kept_campaign(db)?, kept_offer(db)?) else { return Ok(None) };
    let Some(advertiser_id) = offer.value.advertiser_id else { return Ok(None) };
    let key = entities::advertisers::postback_keys(db, &[advertiser_id])?.remove(&advertiser_id);
    Ok(key.map(|postback_key| Made { campaign, offer, postback_key }))
}

/// Makes what is missing and changes what is there.
///
/// # Errors
/// Fields that must be mended; nothing was made then. The database fails.
pub(super) fn make(db: &Db, mut fields: Fields, now_ms: i64, caller: Option<i64>) -> Result<(), Error> {
    check(db, &fields)?;
    let host = host_of(fields.get("url").and_then(Value::as_str).unwrap_or_default());
    let advertiser_id = match kept_advertiser(db)? {
        Some(saved) => saved.id,
        None => {
            let name = host.clone().unwrap_or_else(|| "My first advertiser".to_owned());
            let new = Fields::from([("name".to_owned(), json!(name)), ("kind".to_owned(), json!("direct"))]);
            let made = entities::advertisers::create(db, &new, now_ms, caller)?.id;
            remember(db, settings::START_ADVERTISER, made)?;
            made
        }
    };
    let offer_id = match kept_offer(db)? {
        Some(saved) => entities::offers::update(db, saved.id, &fields, now_ms)?.id,
        None => {
            let name = host.map_or_else(|| "My first offer".to_owned(), |host| format!("Offer at {host}"));
            fields.insert("name".to_owned(), json!(name));
            fields.insert("advertiser_id".to_owned(), json!(advertiser_id));
            let made = entities::offers::create(db, &fields, now_ms, caller)?.id;
            remember(db, settings::START_OFFER, made)?;
            made
        }
    };
    if kept_campaign(db)?.is_none() {
        let paths = json!([{ "name": "Path 1", "offers": [{ "offer_id": offer_id, "weight": 100 }] }]);
        let new =
            Fields::from([("name".to_owned(), json!("My first campaign")), ("paths".to_owned(), paths)]);
        let made = entities::campaigns::create(db, &new, now_ms, caller)?.id;
        remember(db, settings::START_CAMPAIGN, made)?;
    }
    Ok(())
}

/// Everything that could be wrong with the offer, before anything is made for it.
fn check(db: &Db, fields: &Fields) -> Result<(), Error> {
    let account = db.read(entities::account_currency)?;
    let mut offer = Offer::blank(account);
    offer.name = "checked".to_owned();
    offer.advertiser_id = Some(1);
    let mut errors = offer.apply(fields).err().unwrap_or_default();
    if offer.currency != account && errors.message("currency").is_none() {
        let message = format!("There is no exchange rate from {} yet: use {account}", offer.currency);
        errors.0.extend(FieldErrors::one("currency", message).0);
    }
    let template =
        fields.get("url").and_then(Value::as_str).map(|url| Template::parse(url, TemplateUse::Offer));
    if let Some(Ok(template)) = template
        && !template.has(Macro::ClickId)
    {
        let message = "Add {click_id} where this offer takes your click id, like &sub1={click_id}: without it no \
                       conversion can come back";
        errors.0.extend(FieldErrors::one("url", message).0);
    }
    Ok(errors.into_result()?)
}

fn remember(db: &Db, setting: &str, id: i64) -> Result<(), Error> {
    Ok(db.write(Priority::Pages, |conn| settings::put(conn, setting, &id.to_string()))?)
}

/// The host of an address, short enough for a name.
fn host_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#', ':', '{', '@']).next()?.trim_start_matches("www.");
    (!host.is_empty()).then(|| host.chars().take(80).collect())
}

/// The postback's address with the two words that the shop replaces.
pub(super) fn postback_box(public_url: &str, key: &str) -> CodeBox {
    let before = format!("{}?cid=", entities::postback_url(public_url, key));
    let copy = format!("{before}REF&payout=AMOUNT");
    let pieces: Vec<Piece> = vec![plain(&before), code("REF"), plain("&payout="), code("AMOUNT")];
    CodeBox {
        label: "For the shop: it calls this when someone buys".to_owned(),
        pieces,
        copy,
        hint: "REF is the reference that came with the visitor, AMOUNT what you earn.".to_owned(),
    }
}

/// How far the steps have come.
pub(super) fn stage(test: &LastTest) -> Stage {
    match (&test.click, test.conversion()) {
        (None, _) => Stage::Addresses,
        (Some(_), None) => Stage::Clicked,
        (Some(_), Some(_)) => Stage::Done,
    }
}

/// The three lines of the first steps.
pub(super) fn steps(test: &LastTest, made: &Made, currency: Currency, took_us: Option<u64>) -> Steps {
    let Some(click) = &test.click else { return Steps::default() };
    let id: String = click.record.id.to_string().chars().take(ID_CHARS_SHOWN).collect();
    let host = host_of(&made.offer.value.url).unwrap_or_else(|| "the offer".to_owned());
    let time = took_us.map(|us| format!(" in {}.{} ms", us / 1_000, us % 1_000 / 100)).unwrap_or_default();
    let sent = match click.record.refusal {
        None => format!(" kept and sent on to {host}{time}"),
        Some(refusal) => format!(" kept, but not sent on: {}", refused(refusal)),
    };
    let mut steps = vec![done("Click", vec![code(&format!("{id}…")), plain(&sent)])];
    if let Some(postback) = &test.postback {
        let step = match test.conversion() {
            Some(conversion) => {
                let revenue =
                    MoneyWords::new(currency).exact(Money::from_micros(conversion.value.revenue_micros));
                let words = format!(
                    "{revenue}, recorded as conversion {} (a test; delete it whenever you like)",
                    conversion.id
                );
                done("Postback", vec![plain(&words)])
            }
            None => Step {
                mark: Mark::Failed,
                ..done(
                    "Postback",
                    vec![code(postback.value.code.as_str()), plain(&format!(" {}", postback.value.message))],
                )
            },
        };
        steps.push(step);
        steps.push(test.result(currency));
    }
    Steps { steps }
}
