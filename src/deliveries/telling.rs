//! What one destination is told of one conversion: its address, body and headers, filled.

use crate::db::conversions::Conversion;
use crate::db::deliveries::Due;
use crate::db::{self, AnyConnection, click_log, conversions, rates};
use crate::domain::click::ClickRecord;
use crate::domain::destination::{
    BodyKind, Destination, DestinationMethod, HEADERS_PLACE, OAUTH_PLACE, Told, ToldValues, Unfilled,
};
use crate::domain::macros::Macro;
use crate::domain::money::{Currency, Money};
use crate::domain::rate::{ONE_NANOS, day_of, exchange};
use crate::domain::source::SourceKind;
use crate::domain::status::Status;
use crate::domain::template::MacroValues as _;
use crate::domain::vault::Vault;
use crate::outgoing::{Call, Grant, Method};
use crate::routing::{Catalog, ClickValues, DestinationRoute, SourceRoute};
use chrono::DateTime;
use std::fmt::Write as _;
use std::time::Duration;

/// How long one may take, redirects included.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read, to find in them what means success.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Bytes of a filled address: proxies cut longer ones.
const URL_BYTES_MAX: usize = 8_192;

/// Why a conversion is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTold {
    /// There is nothing to tell here.
    Skipped(String),
    /// It cannot be told as things are; once they were mended it can be sent again.
    Failed(String),
}

impl NotTold {
    /// Why, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Self::Skipped(why) | Self::Failed(why) => why,
        }
    }
}

/// A call with what is kept of it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What is sent.
    pub call: Call,
    /// The text in its answer that means success.
    pub success_match: String,
}

/// What is known of a conversion that is told.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its click; `None` where it is no longer kept.
    pub click: Option<ClickRecord>,
    /// The conversion.
    pub conversion: Conversion,
    /// What one of the source's currency was worth in the account's on the conversion's day; `None` where nobody knows.
    pub rate_nanos: Option<i64>,
}

impl Facts {
    /// Reads them; `None` where there is no such conversion.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(conn: &mut AnyConnection, catalog: &Catalog, conversion_id: i64) -> db::Result<Option<Self>> {
        let Some(conversion) = conversions::find(conn, conversion_id)? else { return Ok(None) };
        let click = click_log::find(conn, conversion.value.click_id)?.map(|stored| stored.record);
        let currency = currency_of(source_of(catalog, &conversion), catalog);
        let rate_nanos = if currency == catalog.currency {
            Some(ONE_NANOS)
        } else {
            rates::rate_on(conn, currency, day_of(conversion.value.converted_at_ms))?
        };
        Ok(Some(Self { click, conversion, rate_nanos }))
    }
}

fn source_of<'a>(catalog: &'a Catalog, conversion: &Conversion) -> Option<&'a SourceRoute> {
    conversion.value.source_id.and_then(|id| catalog.source(id)).map(AsRef::as_ref)
}

fn currency_of(source: Option<&SourceRoute>, catalog: &Catalog) -> Currency {
    source.map_or(catalog.currency, |route| route.source.currency)
}

/// Fills a destination's texts for a delivery.
///
/// # Errors
/// Why it is not told.
pub fn prepare(
    route: &DestinationRoute,
    due: &Due,
    facts: Option<&Facts>,
    catalog: &Catalog,
    vault: &Vault,
) -> Result<Prepared, NotTold> {
    let skipped = |why: &str| NotTold::Skipped(why.to_owned());
    let facts = facts.ok_or_else(|| skipped("The conversion is no longer kept"))?;
    let click = facts.click.as_ref().ok_or_else(|| skipped("Its click is no longer kept"))?;
    let url = route.url.as_ref().map_err(|why| NotTold::Failed(why.clone()))?;
    let body = route.body.as_ref().map_err(|why| NotTold::Failed(why.clone()))?;
    let messages = || std::iter::once(url).chain(body.iter());
    let needs = |wanted: &Told| messages().any(|message| message.has(wanted));
    if needs(&Told::Click(Macro::ExternalId)) && click.external_id.as_deref().is_none_or(str::is_empty) {
        return Err(skipped("Its click came without an external id: the source would not know it"));
    }
    let source = source_of(catalog, &facts.conversion);
    let is_ad_network = source.is_some_and(|route| route.source.kind == SourceKind::AdNetwork);
    if !is_ad_network && messages().any(|message| message.told().any(Told::is_ours)) {
        return Err(skipped(
            "Revenue, cost and profit are told of clicks from ad networks alone, and this one came from none",
        ));
    }
    let values = Telling { catalog, click, facts, due, source };
    let failed = |why: Unfilled| NotTold::Failed(why.0);
    let url = url.fill(&values).map_err(failed)?;
    if url.len() > URL_BYTES_MAX {
        return Err(NotTold::Failed(format!(
            "The address with its values is longer than {URL_BYTES_MAX} bytes"
        )));
    }
    let body = body.as_ref().map(|body| body.fill(&values)).transpose().map_err(failed)?;
    let destination = &route.destination;
    let call = Call {
        method: match destination.method {
            DestinationMethod::Get => Method::Get,
            DestinationMethod::Post => Method::Post,
            DestinationMethod::Put => Method::Put,
        },
        url,
        headers: headers(destination, due, vault)?,
        body: body.map(String::into_bytes),
        timeout: TIMEOUT,
        answer_bytes_max: ANSWER_BYTES_MAX,
        grant: grant(destination, vault)?,
    };
    Ok(Prepared { call, success_match: destination.success_match.clone() })
}

fn headers(destination: &Destination, due: &Due, vault: &Vault) -> Result<Vec<(String, String)>, NotTold> {
    let mut headers = vec![("Idempotency-Key".to_owned(), due.idempotency_key.clone())];
    match destination.body_kind {
        BodyKind::None => {}
        BodyKind::Json => headers.push(("Content-Type".to_owned(), "application/json".to_owned())),
        BodyKind::Form => {
            headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
    }
    for (name, sealed) in &destination.headers.0 {
        let Some(value) = vault.open(HEADERS_PLACE, sealed) else {
            return Err(NotTold::Failed(format!(
                "The header {name} cannot be opened with this installation's key: write its value anew"
            )));
        };
        headers.push((name.clone(), value));
    }
    Ok(headers)
}

/// What the destination's access token is fetched with.
fn grant(destination: &Destination, vault: &Vault) -> Result<Option<Grant>, NotTold> {
    let Some(oauth) = &destination.oauth else { return Ok(None) };
    let open = |word: &str, sealed: &str| {
        vault.open(OAUTH_PLACE, sealed).ok_or_else(|| {
            NotTold::Failed(format!(
                "The {word} cannot be opened with this installation's key: write it anew"
            ))
        })
    };
    Ok(Some(Grant {
        token_url: oauth.token_url.clone(),
        client_id: open("client_id", &oauth.client_id)?,
        client_secret: open("client_secret", &oauth.client_secret)?,
        refresh_token: open("refresh_token", &oauth.refresh_token)?,
    }))
}

/// The values of one delivery.
struct Telling<'a> {
    catalog: &'a Catalog,
    click: &'a ClickRecord,
    facts: &'a Facts,
    due: &'a Due,
    source: Option<&'a SourceRoute>,
}

impl Telling<'_> {
    /// An amount of the account's currency in the source's.
    fn in_currency(&self, micros: i64) -> Result<Money, Unfilled> {
        let (amount, own) = (Money::from_micros(micros), currency_of(self.source, self.catalog));
        if own == self.catalog.currency || micros == 0 {
            return Ok(amount);
        }
        let conversion = &self.facts.conversion.value;
        if own == conversion.currency && conversion.rate_nanos > 0 {
            if micros == conversion.revenue_micros {
                return Ok(Money::from_micros(conversion.revenue_original_micros));
            }
            return Ok(exchange(amount, ONE_NANOS, conversion.rate_nanos));
        }
        match self.facts.rate_nanos {
            Some(rate_nanos) => Ok(exchange(amount, ONE_NANOS, rate_nanos)),
            None => Err(Unfilled(format!(
                "The source's amounts are in {}, and there is no rate of it for {}: add one under Settings, Rates",
                own.as_str(),
                day_of(conversion.converted_at_ms)
            ))),
        }
    }

    /// What a conversion is worth to the source; nothing once it is taken back.
    fn payout(&self) -> i64 {
        let is_partner = self.source.is_some_and(|route| route.source.kind == SourceKind::Partner);
        match self.due.told_status {
            Status::Rejected | Status::Reversed => 0,
            Status::Pending | Status::Approved if is_partner => self.due.payout_micros,
            Status::Pending | Status::Approved => self.due.revenue_micros,
        }
    }

    fn write_click(&self, name: Macro, out: &mut String) {
        let mut values = ClickValues::later(self.click, self.catalog);
        let offer = self.facts.conversion.value.offer_id.and_then(|id| self.catalog.offer(id));
        values.offer = offer.map(AsRef::as_ref).or(values.offer);
        values.write_value(name, out);
    }
}

impl ToldValues for Telling<'_> {
    fn write_told(&self, told: &Told, out: &mut String) -> Result<(), Unfilled> {
        let conversion = &self.facts.conversion.value;
        let mut money = |micros: i64| -> Result<(), Unfilled> {
            push(out, self.in_currency(micros)?);
            Ok(())
        };
        match told {
            Told::Payout => money(self.payout())?,
            Told::Revenue => money(self.due.revenue_micros)?,
            Told::Cost => money(self.click.cost_micros)?,
            Told::Profit => money(self.due.revenue_micros.saturating_sub(self.click.cost_micros))?,
            Told::SaleAmount => self.due.sale_amount_micros.map_or(Ok(()), money)?,
            Told::Currency => out.push_str(currency_of(self.source, self.catalog).as_str()),
            Told::Event => out.push_str(&conversion.event),
            Told::Status => out.push_str(self.due.told_status.as_str()),
            Told::StatusAs(words) => {
                let word = words.iter().find(|(status, _)| *status == self.due.told_status);
                out.push_str(word.map_or("", |(_, word)| word));
            }
            Told::Txid => out.push_str(&conversion.txid),
            Told::ConversionId => push(out, self.facts.conversion.id),
            Told::ConversionTime => push(out, conversion.converted_at_ms.div_euclid(1_000)),
            Told::ConversionMoment => {
                let at = DateTime::from_timestamp_millis(conversion.converted_at_ms).unwrap_or_default();
                push(out, at.format("%Y-%m-%d %H:%M:%S+00:00"));
            }
            Told::ClickTimeMs => push(out, conversion.clicked_at_ms),
            Told::DeliveryKey => out.push_str(&self.due.idempotency_key),
            Told::Param(name) => {
                let found = self.click.params.iter().find(|(known, _)| **known == **name);
                out.push_str(found.map_or("", |(_, value)| value));
            }
            Told::Click(name) => self.write_click(*name, out),
        }
        Ok(())
    }
}

/// Writing to a String cannot fail.
fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}
