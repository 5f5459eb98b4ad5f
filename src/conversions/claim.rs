//! What a postback claims: its parameters read into types, by named checks in one ordered list. None of
//! them needs the database.

use super::macros_seen::looks_like_macro;
use super::request::Params;
use super::said;
use crate::domain::advertiser::{Advertiser, MissingStatus, fold_event};
use crate::domain::anomaly::Said;
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money, MoneyError};
use crate::domain::offer::DEFAULT_EVENT;
use crate::domain::status::Status;
use crate::domain::verdict::Code;
use chrono::DateTime;
use std::collections::BTreeMap;

/// Characters of a transaction id that are kept; a longer one is refused, since cut ones could be alike.
pub const TXID_CHARS_MAX: usize = 255;

/// What a postback claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The click id as it came.
    pub cid: String,
    /// The same, where it is one of ours in form.
    pub click_id: Option<ClickId>,
    /// What happened.
    pub event: String,
    /// The sender's transaction; empty where none came.
    pub txid: String,
    /// The status, where one came.
    pub status: Option<Status>,
    /// The sender's word for it.
    pub status_word: Option<String>,
    /// What no status means for a new conversion.
    pub default_status: Status,
    /// The amount, where one came.
    pub revenue: Option<Money>,
    /// The currency of that amount.
    pub currency: Currency,
    /// The order value.
    pub sale_amount: Option<Money>,
    /// Why it was declined.
    pub reason: Option<String>,
    /// When it happened, where the sender says so, Unix milliseconds.
    pub conversion_time_ms: Option<i64>,
    /// The sender says that it is a test.
    pub is_test: bool,
    /// What it says of the person.
    pub said: Said,
    /// Things done to the values that somebody should know.
    pub notes: Vec<String>,
}

/// A verdict that ends the reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its code.
    pub code: Code,
    /// One sentence that says what to change.
    pub message: String,
    /// The click it names all the same, where it is one of ours in form: its story tells of the refusal.
    pub click_id: Option<ClickId>,
    /// The transaction it names; empty where none can be read.
    pub txid: String,
    /// A status word that nobody has given a meaning.
    pub unknown_word: Option<String>,
    /// The click it names, where that is not one of ours in form and nothing else is wrong.
    pub foreign_id: Option<String>,
}

impl Refusal {
    /// A refusal of something that names nothing.
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            click_id: None,
            txid: String::new(),
            unknown_word: None,
            foreign_id: None,
        }
    }
}

fn refuse<T>(code: Code, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(code, message))
}

/// Our parameters with the names that other systems' templates use. The order is precedence.
const CID: &[&str] =
    &["cid", "click_id", "clickid", "subid", "sub_id", "cnv_id", "sid", "aff_sub", "tid_click"];
const TXID: &[&str] = &["txid", "tid", "transaction_id", "order_id", "rdtk_event_id"];
const STATUS: &[&str] = &["status", "cnv_status", "standing"];
const EVENT: &[&str] = &["event", "et", "cet", "type", "ct", "goal", "goal_id"];
const CURRENCY: &[&str] = &["currency", "cnv_currency"];

/// Lists of their words in the address itself, as other trackers' templates have them: `sale_status=approved,confirmed`.
const STATUS_LISTS: [(&str, Status); 6] = [
    ("sale_status", Status::Approved),
    ("approved_status", Status::Approved),
    ("lead_status", Status::Pending),
    ("pending_status", Status::Pending),
    ("rejected_status", Status::Rejected),
    ("reversed_status", Status::Reversed),
];

const REASON: &[&str] = &["reason", "comment"];

/// A parameter that was found: the name it came under, and its value.
#[derive(Clone, Copy)]
struct Given<'a> {
    name: &'a str,
    value: &'a str,
}

struct Reader<'a> {
    params: &'a Params,
    advertiser: &'a Advertiser,
    /// The advertiser's own names, where they count.
    names: &'a BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    /// The advertiser's own name for a parameter first, then the aliases in their order.
    fn find(&self, ours: &str, aliases: &[&'a str]) -> Option<Given<'a>> {
        let mapped = self.names.iter().filter(|(_, to)| *to == ours).map(|(theirs, _)| theirs.as_str());
        mapped.chain(aliases.iter().copied()).find_map(|name| {
            // A name that the map gives another meaning is no alias any more.
            let is_ours = self.names.get(name).is_none_or(|to| to == ours);
            let value = self.params.get(name).filter(|_| is_ours)?;
            Some(Given { name, value })
        })
    }

    /// What the address itself says of a status word, in the first list that has it.
    fn listed_status(&self, word: &str) -> Option<Status> {
        let has = |list: &Given<'_>| list.value.split(',').any(|known| known.trim().to_lowercase() == word);
        STATUS_LISTS
            .iter()
            .find(|(name, _)| self.find(name, &[*name]).as_ref().is_some_and(has))
            .map(|(_, status)| *status)
    }
}

/// Reads a claim out of parameters.
///
/// # Errors
/// The first check that fails, with its code and what to change.
pub fn read(params: &Params, advertiser: &Advertiser) -> Result<Claim, Refusal> {
    read_by(&Reader { params, advertiser, names: &advertiser.param_map })
}

/// Reads a claim out of parameters that have our names, whatever the advertiser calls them in its postbacks.
///
/// # Errors
/// As [`read`].
pub(super) fn read_own_names(params: &Params, advertiser: &Advertiser) -> Result<Claim, Refusal> {
    read_by(&Reader { params, advertiser, names: &BTreeMap::new() })
}

fn read_by(reader: &Reader<'_>) -> Result<Claim, Refusal> {
    read_claim(reader).map_err(|refusal| {
        let whole = |given: &Given<'_>| !looks_like_macro(given.value);
        let (cid, txid) = (reader.find("cid", CID).filter(whole), reader.find("txid", TXID).filter(whole));
        let (cid, txid) = read_identity(cid, txid).unwrap_or_default();
        Refusal { click_id: ClickId::parse(&cid), txid, ..refusal }
    })
}

fn read_claim(reader: &Reader<'_>) -> Result<Claim, Refusal> {
    let advertiser = reader.advertiser;
    let amounts = Amounts::find(reader);
    let given = [
        reader.find("cid", CID),
        reader.find("txid", TXID),
        reader.find("status", STATUS),
        reader.find("event", EVENT),
        reader.find("currency", CURRENCY),
        amounts.revenue,
        amounts.sale_amount,
    ];
    check_macros(&given)?;
    let [cid, txid, status, event, currency, ..] = given;
    let (cid, txid) = read_identity(cid, txid)?;
    let mut notes = Vec::new();
    let (event, event_status) = read_event(event, advertiser);
    let (status, status_word) = read_status(status, event_status, reader)?;
    let revenue = read_revenue(amounts.revenue, status, &mut notes)?;
    let sale_amount = match amounts.sale_amount {
        // Where no other amount came, a per cent of this one may be what is earned.
        Some(given) if revenue.is_none() => read_revenue(Some(given), status, &mut notes)?,
        other => other.and_then(|given| read_sale_amount(given, &mut notes)),
    };
    let currency = read_currency(currency, advertiser)?;
    Ok(Claim {
        click_id: ClickId::parse(&cid),
        cid,
        event,
        txid,
        status,
        status_word,
        default_status: default_status(advertiser),
        revenue,
        currency,
        sale_amount,
        reason: reader.find("reason", REASON).map(|given| given.value.chars().take(255).collect()),
        conversion_time_ms: reader.find("conversion_time", &["conversion_time"]).and_then(read_time),
        is_test: reader.find("test", &["test"]).is_some_and(|given| matches!(given.value, "1" | "true")),
        said: said::read(|ours, names| reader.find(ours, names).map(|given| given.value)),
        notes,
    })
}

/// `payout` is our revenue; `revenue` and `amount` are too where no payout came beside them, and the
/// order's value where one did.
struct Amounts<'a> {
    revenue: Option<Given<'a>>,
    sale_amount: Option<Given<'a>>,
}

impl<'a> Amounts<'a> {
    fn find(reader: &Reader<'a>) -> Self {
        let payout = reader.find("revenue", &["payout", "sum"]);
        let Some(payout) = payout else {
            let revenue = reader.find("revenue", &["revenue", "amount", "quantity"]);
            return Self { revenue, sale_amount: reader.find("sale_amount", &["sale_amount"]) };
        };
        let sale_amount = reader
            .find("sale_amount", &["sale_amount", "amount", "revenue", "order_sum"])
            .filter(|sale| sale.name != payout.name);
        Self { revenue: Some(payout), sale_amount }
    }
}

/// A literal macro arrived: the most common failure of all.
fn check_macros(given: &[Option<Given<'_>>]) -> Result<(), Refusal> {
    for Given { name, value } in given.iter().flatten() {
        if looks_like_macro(value) {
            let shown: String = value.chars().take(60).collect();
            return refuse(
                Code::UnresolvedMacro,
                format!(
                    "`{name}` arrived as `{shown}`: the sender did not replace its macro; in its panel the macro may \
                     be spelled differently"
                ),
            );
        }
    }
    Ok(())
}

fn read_identity(cid: Option<Given<'_>>, txid: Option<Given<'_>>) -> Result<(String, String), Refusal> {
    let txid_text = txid.map_or("", |given| given.value);
    let (cid, txid) = match cid {
        Some(given) => (given.value, txid_text),
        // Some senders have one field only and put our click id there.
        None if ClickId::parse(txid_text).is_some() => (txid_text, ""),
        None => {
            return refuse(
                Code::MissingClickId,
                "No click id came: add `cid=` with the macro that returns the click id we passed in the offer's address",
            );
        }
    };
    if txid_text.chars().count() > TXID_CHARS_MAX {
        return refuse(Code::Unreadable, "The transaction id is longer than 255 characters");
    }
    Ok((cid.chars().take(1_024).collect(), txid.to_owned()))
}

/// The click id that parameters bring, in whatever form, as an advertiser names it.
///
/// # Errors
/// None came, or a macro that was not replaced.
pub(super) fn cid_of(params: &Params, advertiser: &Advertiser) -> Result<String, Refusal> {
    let reader = Reader { params, advertiser, names: &advertiser.param_map };
    let given = [reader.find("cid", CID), reader.find("txid", TXID)];
    check_macros(&given)?;
    let [cid, txid] = given;
    Ok(read_identity(cid, txid)?.0)
}

/// The event and the status of a report's row by the advertiser's maps; the word itself where it has no meaning.
pub(super) fn words_of(
    params: &Params,
    advertiser: &Advertiser,
) -> (Option<String>, Result<Option<Status>, String>) {
    let reader = Reader { params, advertiser, names: &BTreeMap::new() };
    let given = reader.find("event", EVENT);
    let (event, of_event) = read_event(given, advertiser);
    let status = match reader.find("status", STATUS) {
        Some(given) => read_status(Some(given), of_event, &reader)
            .map(|(status, _)| status)
            .map_err(|refusal| refusal.unknown_word.unwrap_or_default()),
        None => Ok(of_event),
    };
    (given.map(|_| event), status)
}

fn read_event(given: Option<Given<'_>>, advertiser: &Advertiser) -> (String, Option<Status>) {
    let Some(word) = given.map(|given| fold_event(given.value)).filter(|word| !word.is_empty()) else {
        return (DEFAULT_EVENT.to_owned(), None);
    };
    match advertiser.event_map.get(&word) {
        Some(meaning) => (meaning.event.clone(), meaning.status),
        // Words that mean money back wherever they stand: as events of their own they would count as sales.
        None if Status::from_vocabulary(&word) == Some(Status::Reversed) => {
            (DEFAULT_EVENT.to_owned(), Some(Status::Reversed))
        }
        None => (word, None),
    }
}

fn read_status(
    given: Option<Given<'_>>,
    of_event: Option<Status>,
    reader: &Reader<'_>,
) -> Result<(Option<Status>, Option<String>), Refusal> {
    let advertiser = reader.advertiser;
    let Some(Given { name, value }) = given else {
        if of_event.is_none() && advertiser.missing_status == MissingStatus::Refused {
            return refuse(
                Code::MissingStatus,
                "No status came, and this advertiser must send one: add `status=` with its status macro",
            );
        }
        return Ok((of_event, None));
    };
    let word: String = value.to_lowercase().chars().take(60).collect();
    let own = advertiser.status_map.get(&word).copied().or_else(|| reader.listed_status(&word));
    let known = own.or_else(|| Status::from_vocabulary(&word));
    match known {
        Some(status) => Ok((Some(of_event.unwrap_or(status)), Some(word))),
        None => {
            let message =
                format!("`{name}={word}` is no status we know: add the word to this advertiser's status map");
            Err(Refusal { unknown_word: Some(word), ..Refusal::new(Code::UnknownStatus, message) })
        }
    }
}

const fn default_status(advertiser: &Advertiser) -> Status {
    match advertiser.missing_status {
        MissingStatus::Pending => Status::Pending,
        MissingStatus::Approved | MissingStatus::Refused => Status::Approved,
    }
}

fn read_revenue(
    given: Option<Given<'_>>,
    status: Option<Status>,
    notes: &mut Vec<String>,
) -> Result<Option<Money>, Refusal> {
    let Some(Given { name, value }) = given else { return Ok(None) };
    let malformed = |why: String| refuse(Code::MalformedRevenue, format!("`{name}={}` {why}", short(value)));
    match Money::read(value) {
        Err(why) => malformed(why.to_string()),
        Ok(read) if read.money.micros() < 0 && status != Some(Status::Reversed) => malformed(
            "is negative: send a refund with a status that means reversed, like status=refund".to_owned(),
        ),
        Ok(read) => {
            if read.is_rounded {
                notes.push(format!("`{name}` had more than six decimals and was rounded"));
            }
            Ok(Some(read.money))
        }
    }
}

/// Beside a revenue the order value is for information: one that cannot be read is noted, not a reason to lose a sale.
fn read_sale_amount(given: Given<'_>, notes: &mut Vec<String>) -> Option<Money> {
    match Money::read(given.value) {
        Ok(read) if read.money.micros() >= 0 => Some(read.money),
        Ok(_) => None,
        Err(
            why @ (MoneyError::NotANumber
            | MoneyError::AmbiguousComma
            | MoneyError::TooPrecise
            | MoneyError::TooLarge),
        ) => {
            notes.push(format!("`{}={}` {why}", given.name, short(given.value)));
            None
        }
    }
}

fn read_currency(given: Option<Given<'_>>, advertiser: &Advertiser) -> Result<Currency, Refusal> {
    let Some(Given { name, value }) = given else { return Ok(advertiser.currency) };
    match Currency::parse(value) {
        Some(currency) => Ok(currency),
        None => refuse(
            Code::UnknownCurrency,
            format!("`{name}={}` is no currency: send three letters, like USD", short(value)),
        ),
    }
}

/// RFC 3339, or Unix seconds.
fn read_time(given: Given<'_>) -> Option<i64> {
    if let Ok(seconds) = given.value.parse::<i64>() {
        return seconds.checked_mul(1_000);
    }
    DateTime::parse_from_rfc3339(given.value).ok().map(|at| at.timestamp_millis())
}

fn short(value: &str) -> String {
    let shown: String = value.chars().take(60).collect();
    if shown.len() < value.len() { format!("{shown}...") } else { shown }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
