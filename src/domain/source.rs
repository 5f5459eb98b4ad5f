//! A source: where traffic comes from, and what its parameters mean.

mod ready;

pub use ready::{AD_PLATFORM_IDS, ReadyParam};

use super::input::{self, Editable, FieldErrors, put};
use super::lander::{EntityStatus, require_name, status};
use super::macros::SUBS;
use super::money::{Currency, Money, divide_half_even};
use super::words::word_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Characters of a source's own macro: the longest known have about thirty.
const MACRO_CHARS_MAX: usize = 120;

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
    /// What the source writes there in its own words, like `{zone}`; `None` where nobody said.
    #[serde(rename = "macro", default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
}

/// A source as people edit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Ad network or partner.
    pub kind: SourceKind,
    /// The preset that it was filled from.
    pub preset: Option<String>,
    /// The parameter that carries its click id.
    pub external_id_param: Option<String>,
    /// The source's own macro for that, like `{click_id}`; opaque to us.
    pub external_id_macro: Option<String>,
    /// The parameter that carries the cost.
    pub cost_param: Option<String>,
    /// The source's own macro for that.
    pub cost_macro: Option<String>,
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
            preset: None,
            external_id_param: None,
            external_id_macro: None,
            cost_param: None,
            cost_macro: None,
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
            "preset" => put(&mut self.preset, field, preset_name(value)),
            "external_id_param" => put(&mut self.external_id_param, field, input::param(value)),
            "external_id_macro" => put(&mut self.external_id_macro, field, theirs(value)),
            "cost_param" => put(&mut self.cost_param, field, input::param(value)),
            "cost_macro" => put(&mut self.cost_macro, field, theirs(value)),
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
        let pairs = [
            ("external_id_param", &self.external_id_param, &self.external_id_macro),
            ("cost_param", &self.cost_param, &self.cost_macro),
        ];
        for (field, param, theirs) in pairs {
            if let (None, Some(theirs)) = (param, theirs) {
                errors.push(
                    field,
                    format!("Name the parameter of the campaign's address in which {theirs} stands"),
                );
            }
        }
        if self.kind == SourceKind::Partner && self.cost_model != CostModel::None {
            errors.push("cost_model", "A partner is paid by the conversion: leave the cost at none");
        }
    }
}

/// A source's own macro, as its panel shows it. It is text to us, whatever its signs.
fn theirs(value: &Value) -> input::Reading<Option<String>> {
    let text = input::line(value, MACRO_CHARS_MAX)?;
    if text.chars().any(|c| c.is_whitespace() || c == '&') {
        return Err("Write the source's own macro as its panel shows it, like {click_id} or [CLICK_ID], without spaces \
                    and &"
            .to_owned());
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The name of a source's preset.
///
/// # Errors
/// There is no such preset.
pub(super) fn preset_name(value: &Value) -> input::Reading<Option<String>> {
    let name = input::line(value, input::WORD_CHARS_MAX)?;
    if name.is_empty() {
        return Ok(None);
    }
    match super::preset::source_preset(&name) {
        Some(_) => Ok(Some(name)),
        None => Err(format!(
            "There is no preset {name:?} of a source: GET /api/v1/presets?kind=source lists them"
        )),
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
        _ => return Err(FieldErrors::one("tokens", "Must be a list of {slot, param, label, macro}")),
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
    let Value::Object(parts) = item else {
        return Err(("slot", "Must be {slot, param, label, macro}".to_owned()));
    };
    if let Some(unknown) =
        parts.keys().find(|key| !["slot", "param", "label", "macro"].contains(&key.as_str()))
    {
        return Err(("slot", format!("There is no field {unknown:?}: write slot, param, label, macro")));
    }
    let part = |name: &str| parts.get(name).unwrap_or(&Value::Null);
    let label = input::line(part("label"), input::WORD_CHARS_MAX).map_err(|message| ("label", message))?;
    let theirs = theirs(part("macro")).map_err(|message| ("macro", message))?;
    let Some(param) = input::param(part("param")).map_err(|message| ("param", message))? else {
        return if label.is_empty() && theirs.is_none() {
            Ok(None)
        } else {
            Err(("param", "Name the parameter".to_owned()))
        };
    };
    let slot = input::int(part("slot"), 1, i64::from(SUBS)).map_err(|message| ("slot", message))?;
    Ok(Some(Token { slot: u8::try_from(slot).unwrap_or(1), label, param, theirs }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(fields: Value) -> FieldErrors {
        let mut source = Source::blank(Currency::USD);
        source.name = "Push".to_owned();
        source.apply(&serde_json::from_value(fields).unwrap()).unwrap_err()
    }

    #[test]
    fn macros_are_text_without_an_end_of_their_parameter() {
        let mut source = Source::blank(Currency::USD);
        let fields = json!({"name": "Push", "external_id_param": "c", "external_id_macro": " ##SUB(action)## ",
            "tokens": [{"slot": 2, "param": "zone", "label": "Zone", "macro": "{{zone}}"}, {"slot": 1, "param": "a"}]});
        source.apply(&serde_json::from_value(fields).unwrap()).unwrap();
        assert_eq!(source.external_id_macro.as_deref(), Some("##SUB(action)##"));
        assert_eq!(source.tokens[1].theirs.as_deref(), Some("{{zone}}"));
        let errors = refused(json!({"external_id_macro": "{a}&b={c}", "cost_macro": "{bid}"}));
        assert!(errors.message("external_id_macro").unwrap().contains("without spaces"));
        assert!(errors.message("cost_param").unwrap().contains("in which {bid} stands"));
        let errors = refused(
            json!({"tokens": [{"slot": 1, "macro": "{zone}"}, {"slot": 2, "param": "x", "macro": "a b"}]}),
        );
        assert!(
            errors.message("tokens[0].param").is_some() && errors.message("tokens[1].macro").is_some(),
            "{errors:?}"
        );
        assert!(refused(json!({"preset": "cake"})).message("preset").unwrap().contains("kind=source"));
    }
}
