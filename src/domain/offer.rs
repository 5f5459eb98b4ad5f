//! An offer: where visitors are sent to buy, and what a conversion there earns.

mod events;
mod terms;

use super::cap::{self, Cap};
use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, require_url, status, template};
use super::money::{Currency, Money};
use super::template::TemplateUse;
use super::words::word_enum;
use super::{Country, moment};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use events::OfferEvent;
pub use terms::{DEFAULT_EVENT, EventTerms};

word_enum! {
    /// Where the revenue of a conversion comes from.
    pub enum RevenueMode {
        /// The postback's amount, else the offer's.
        Auto => "auto",
        /// Always the offer's.
        Fixed => "fixed",
        /// Only the postback's.
        Postback => "postback",
    }
}

/// One hundred per cent, in millionths: how shares are kept.
pub const WHOLE_MILLIONTHS: i64 = 1_000_000;

/// Countries that one offer names: all there are.
const COUNTRIES_MAX: usize = 250;

/// What becomes of visitors when an offer is at its cap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub enum AtCap {
    /// They are drawn for the other offers of their path.
    #[default]
    Next,
    /// They go to another offer, and on from there where that one is at its cap too.
    Offer {
        /// That offer's number.
        offer_id: i64,
    },
    /// They go to an address that is no offer.
    Url {
        /// The address, with macros.
        url: String,
    },
}

/// An offer as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub advertiser_id: Option<i64>,
    /// Its address, with macros.
    pub url: String,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What a conversion earns, where the postback does not say.
    pub revenue: Option<Money>,
    /// Or: the share of the order value, in millionths.
    pub revenue_percent_millionths: Option<i64>,
    /// Where the revenue comes from.
    pub revenue_mode: RevenueMode,
    /// What other events than the sale earn, and how they count.
    pub events: Vec<OfferEvent>,
    /// A page to look at the offer.
    pub preview_url: String,
    /// The countries whose visitors it takes; none takes all.
    pub countries: Vec<Country>,
    /// How much it takes; none takes all that comes.
    pub caps: Vec<Cap>,
    /// What becomes of visitors when it is at one of them.
    pub at_cap: AtCap,
    /// From when it takes visitors, Unix milliseconds.
    pub active_from_ms: Option<i64>,
    /// Until when (that moment is not in it).
    pub active_until_ms: Option<i64>,
    /// In use or not.
    pub status: EntityStatus,
    /// Free words.
    pub tags: Vec<String>,
    /// Free text.
    pub notes: String,
}

impl Offer {
    /// An empty offer in a currency.
    #[must_use]
    pub fn blank(currency: Currency) -> Self {
        Self {
            name: String::new(),
            advertiser_id: None,
            url: String::new(),
            currency,
            revenue: None,
            revenue_percent_millionths: None,
            revenue_mode: RevenueMode::Auto,
            events: Vec::new(),
            preview_url: String::new(),
            countries: Vec::new(),
            caps: Vec::new(),
            at_cap: AtCap::Next,
            active_from_ms: None,
            active_until_ms: None,
            status: EntityStatus::Active,
            tags: Vec::new(),
            notes: String::new(),
        }
    }

    /// What is said of an event; `None` for one that the offer does not list.
    #[must_use]
    pub fn event(&self, event: &str) -> Option<&OfferEvent> {
        self.events.iter().find(|known| known.event == event)
    }
}

impl Editable for Offer {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "advertiser_id" => put(&mut self.advertiser_id, field, input::id(value)),
            "url" => put(&mut self.url, field, template(value, TemplateUse::Offer)),
            "currency" => put(&mut self.currency, field, input::currency(value)),
            "revenue" => put(&mut self.revenue, field, input::money(value)),
            "revenue_percent" => put(&mut self.revenue_percent_millionths, field, percent(value)),
            "revenue_mode" => put(
                &mut self.revenue_mode,
                field,
                input::word(value, RevenueMode::parse, RevenueMode::choices),
            ),
            "events" => {
                self.events = events::read_all(value)?;
                Ok(true)
            }
            "preview_url" => put(&mut self.preview_url, field, web_address(value)),
            "countries" => put(&mut self.countries, field, countries(value)),
            "caps" => {
                self.caps = cap::read_all(value)?;
                Ok(true)
            }
            "at_cap" => {
                self.at_cap = at_cap(value)?;
                Ok(true)
            }
            "active_from" => put(&mut self.active_from_ms, field, moment::read(value)),
            "active_until" => put(&mut self.active_until_ms, field, moment::read(value)),
            "status" => put(&mut self.status, field, status(value)),
            "tags" => put(&mut self.tags, field, input::tags(value)),
            "notes" => put(&mut self.notes, field, input::text(value, input::NOTES_CHARS_MAX)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        require_url(&self.url, errors);
        if self.advertiser_id.is_none() {
            errors.push("advertiser_id", "Choose the advertiser who owns the offer");
        }
        if self.revenue.is_some() && self.revenue_percent_millionths.is_some() {
            errors.push("revenue_percent", "Set an amount or a per cent of the sale amount, not both");
        }
        let has_own = self.revenue.is_some() || self.revenue_percent_millionths.is_some();
        if self.revenue_mode == RevenueMode::Fixed && !has_own {
            errors.push("revenue", "Mode fixed needs the amount that a conversion earns");
        }
        if let (Some(from), Some(until)) = (self.active_from_ms, self.active_until_ms)
            && until <= from
        {
            errors.push("active_until", "Must be after the moment from which the offer is active");
        }
    }
}

/// Countries: a list of their letters or names, or a text with commas.
fn countries(value: &Value) -> input::Reading<Vec<Country>> {
    let words: Vec<String> = match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
        Value::Array(items) => {
            items.iter().map(|item| input::line(item, input::WORD_CHARS_MAX)).collect::<Result<_, _>>()?
        }
        _ => return Err("Must be a list of countries, like [\"DE\", \"AT\"]".to_owned()),
    };
    if words.len() > COUNTRIES_MAX {
        return Err(format!("At most {COUNTRIES_MAX} countries"));
    }
    let mut countries: Vec<Country> = Vec::new();
    for word in words.iter().filter(|word| !word.is_empty()) {
        let country = Country::find(word).ok_or_else(|| {
            format!("{word:?} is no country: write two letters, like DE, or its English name")
        })?;
        if !countries.contains(&country) {
            countries.push(country);
        }
    }
    Ok(countries)
}

/// What is done at the cap: `{"do":"next"}`, `{"do":"offer","offer_id":1}`, `{"do":"url","url":"..."}`.
fn at_cap(value: &Value) -> Result<AtCap, FieldErrors> {
    let refuse = |field: &str, message: &str| Err(FieldErrors::one(field, message));
    let parts = match value {
        Value::Null => return Ok(AtCap::Next),
        Value::Object(parts) => parts,
        _ => return refuse("at_cap", "Must be like {\"do\":\"next\"}"),
    };
    if let Some(unknown) = parts.keys().find(|name| !["do", "offer_id", "url"].contains(&name.as_str())) {
        return refuse(&format!("at_cap.{unknown}"), "There is no such field");
    }
    let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
    match part("do").as_str().unwrap_or("") {
        "next" => Ok(AtCap::Next),
        "offer" => match input::id(part("offer_id")) {
            Ok(Some(offer_id)) => Ok(AtCap::Offer { offer_id }),
            Ok(None) => refuse("at_cap.offer_id", "Choose the offer that visitors go to instead"),
            Err(message) => refuse("at_cap.offer_id", &message),
        },
        "url" if input::is_blank(part("url")) => {
            refuse("at_cap.url", "Write the address that visitors go to instead")
        }
        "url" => match template(part("url"), TemplateUse::Offer) {
            Ok(url) => Ok(AtCap::Url { url }),
            Err(message) => refuse("at_cap.url", &message),
        },
        _ => refuse("at_cap.do", "Must be one of: next, offer, url"),
    }
}

/// A per cent with up to four decimals, kept in millionths of the whole.
///
/// # Errors
/// Not a number from 0 to 100, or more than four decimals.
pub fn percent(value: &Value) -> input::Reading<Option<i64>> {
    let Some(number) = input::money(value)? else { return Ok(None) };
    let micros = number.micros();
    if micros > 100 * 1_000_000 || micros % 100 != 0 {
        return Err("Must be from 0 to 100 with at most four decimals".to_owned());
    }
    Ok(Some(micros / 100))
}

/// Writes such a per cent back: `12.50`.
#[must_use]
pub fn percent_text(millionths: i64) -> String {
    Money::from_micros(millionths.saturating_mul(100)).to_string()
}

/// A plain http or https address without macros, or nothing.
///
/// # Errors
/// Not such an address.
pub fn web_address(value: &Value) -> input::Reading<String> {
    let text = input::line(value, 2_048)?;
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if text.is_empty() || (is_web && url::Url::parse(&text).is_ok()) {
        Ok(text)
    } else {
        Err("Must be an address that starts with https://".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_per_cent_is_kept_exactly() {
        assert_eq!(percent(&json!("12.5")), Ok(Some(125_000)));
        assert_eq!(percent_text(125_000), "12.50");
        assert!(percent(&json!("100.01")).is_err());
        let mut offer = Offer::blank(Currency::USD);
        offer.revenue_percent_millionths = Some(125_000);
        assert_eq!(
            offer.terms(DEFAULT_EVENT).own_revenue(Some(Money::from_micros(80_000_000))),
            Some(Money::from_micros(10_000_000))
        );
        assert_eq!(offer.terms(DEFAULT_EVENT).own_revenue(None), None);
    }
}
