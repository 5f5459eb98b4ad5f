//! A source: where traffic comes from, and what its parameters mean.

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status};
use super::macros::SUBS;
use super::money::{Currency, Money, divide_half_even};
use super::words::word_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

word_enum! {
    /// What kind of source it is.
    pub enum SourceKind {
        /// An ad network: its traffic costs.
        AdNetwork => "ad_network",
        /// An affiliate: paid by the conversion.
        Partner => "partner",
    }
}

word_enum! {
    /// What the number in the cost parameter is.
    pub enum CostUnit {
        /// The price of this click.
        Click => "click",
        /// The price of a thousand.
        Mille => "mille",
        /// The price of this click in hundredths.
        Cents => "cents",
    }
}

word_enum! {
    /// How the cost of a click is known.
    pub enum CostModel {
        /// It is not, until it is entered.
        None => "none",
        /// A fixed price a click.
        Cpc => "cpc",
        /// A fixed price a thousand clicks.
        Cpm => "cpm",
        /// The cost parameter says.
        Param => "param",
    }
}

/// A parameter of the source that fills a sub value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The slot, 1 to 20.
    pub slot: u8,
    /// The parameter in the campaign's address.
    pub param: String,
    /// What people call it.
    pub label: String,
}

/// A source as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Ad network or partner.
    pub kind: SourceKind,
    /// The parameter that carries its click id.
    pub external_id_param: Option<String>,
    /// The parameter that carries the cost.
    pub cost_param: Option<String>,
    /// What that number is.
    pub cost_unit: CostUnit,
    /// How the cost is known.
    pub cost_model: CostModel,
    /// The price, for CPC and CPM.
    pub cost_amount: Option<Money>,
    /// The currency of its amounts.
    pub currency: Currency,
    /// Its parameters for sub values.
    pub tokens: Vec<Token>,
    /// In use or not.
    pub status: EntityStatus,
}

impl Source {
    /// An empty source in a currency.
    #[must_use]
    pub fn blank(currency: Currency) -> Self {
        Self {
            name: String::new(),
            kind: SourceKind::AdNetwork,
            external_id_param: None,
            cost_param: None,
            cost_unit: CostUnit::Click,
            cost_model: CostModel::None,
            cost_amount: None,
            currency,
            tokens: Vec::new(),
            status: EntityStatus::Active,
        }
    }
}

/// The price of one click from an amount per thousand, rounded half-even to the micro.
#[must_use]
pub fn per_mille(amount: Money) -> Money {
    divided(amount, 1_000)
}

/// The price of one click from an amount in the given unit.
#[must_use]
pub fn in_unit(amount: Money, unit: CostUnit) -> Money {
    match unit {
        CostUnit::Click => amount,
        CostUnit::Mille => divided(amount, 1_000),
        CostUnit::Cents => divided(amount, 100),
    }
}

fn divided(amount: Money, by: i128) -> Money {
    let micros = divide_half_even(i128::from(amount.micros()), by).unwrap_or(0);
    Money::from_micros(i64::try_from(micros).unwrap_or(0))
}

impl Editable for Source {
    fn set(&mut self, field: &str, value: &Value) -> Result<bool, FieldErrors> {
        match field {
            "name" => put(&mut self.name, field, input::name(value)),
            "kind" => put(&mut self.kind, field, input::word(value, SourceKind::parse, SourceKind::choices)),
            "external_id_param" => put(&mut self.external_id_param, field, input::param(value)),
            "cost_param" => put(&mut self.cost_param, field, input::param(value)),
            "cost_unit" => {
                put(&mut self.cost_unit, field, input::word(value, CostUnit::parse, CostUnit::choices))
            }
            "cost_model" => put(&mut self.cost_model, field, cost_model(value)),
            "cost_amount" => put(&mut self.cost_amount, field, input::money(value)),
            "currency" => put(&mut self.currency, field, input::currency(value)),
            "tokens" => {
                self.tokens = tokens(value)?;
                Ok(true)
            }
            "status" => put(&mut self.status, field, status(value)),
            _ => Ok(false),
        }
    }

    fn check(&self, errors: &mut FieldErrors) {
        require_name(&self.name, errors);
        check_cost(Some(self.cost_model), self.cost_amount, errors);
        if self.cost_model == CostModel::Param && self.cost_param.is_none() {
            errors.push("cost_param", "Name the parameter that carries the cost");
        }
        if self.kind == SourceKind::Partner && self.cost_model != CostModel::None {
            errors.push("cost_model", "A partner is paid by the conversion: leave the cost at none");
        }
    }
}

/// A cost model's word.
///
/// # Errors
/// Another word.
pub fn cost_model(value: &Value) -> input::Reading<CostModel> {
    input::word(value, CostModel::parse, CostModel::choices)
}

/// A price is needed where the model has one.
pub fn check_cost(model: Option<CostModel>, amount: Option<Money>, errors: &mut FieldErrors) {
    if matches!(model, Some(CostModel::Cpc | CostModel::Cpm)) && amount.is_none() {
        errors.push("cost_amount", "Write the price, like 0.05");
    }
}

fn tokens(value: &Value) -> Result<Vec<Token>, FieldErrors> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(FieldErrors::one("tokens", "Must be a list of {slot, param, label}")),
    };
    let mut errors = FieldErrors::default();
    let mut tokens: Vec<Token> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match token(item) {
            Ok(Some(token)) if tokens.iter().any(|known| known.slot == token.slot) => {
                errors.push(&format!("tokens[{at}].slot"), format!("sub{} is taken twice", token.slot));
            }
            Ok(token) => tokens.extend(token),
            Err((part, message)) => errors.push(&format!("tokens[{at}].{part}"), message),
        }
    }
    errors.into_result()?;
    tokens.sort_by_key(|token| token.slot);
    Ok(tokens)
}

fn token(item: &Value) -> Result<Option<Token>, (&'static str, String)> {
    let Value::Object(parts) = item else { return Err(("slot", "Must be {slot, param, label}".to_owned())) };
    if let Some(unknown) = parts.keys().find(|key| !["slot", "param", "label"].contains(&key.as_str())) {
        return Err(("slot", format!("There is no field {unknown:?}: write slot, param, label")));
    }
    let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
    let label = input::line(part("label"), input::WORD_CHARS_MAX).map_err(|message| ("label", message))?;
    let Some(param) = input::param(part("param")).map_err(|message| ("param", message))? else {
        return if label.is_empty() { Ok(None) } else { Err(("param", "Name the parameter".to_owned())) };
    };
    let slot = input::int(part("slot"), 1, i64::from(SUBS)).map_err(|message| ("slot", message))?;
    Ok(Some(Token { slot: u8::try_from(slot).unwrap_or(1), label, param }))
}
