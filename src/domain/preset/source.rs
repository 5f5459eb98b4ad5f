//! What is known of a source of traffic: what it writes into a campaign's address, and where it takes our postbacks.

use super::Preset;
use crate::domain::destination::{BodyKind, DestinationMethod};
use crate::domain::money::Currency;
use crate::domain::source::{CostModel, Token};
use crate::domain::status::Status;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Our name for a source's click id in a campaign's address, where the source does not choose it.
const CLICK_PARAM: &str = "external_id";

/// Our name for the cost there.
const COST_PARAM: &str = "cost";

/// What is known of a source of traffic. What is not known is not there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceFacts {
    /// Its macro that becomes its click id.
    pub click_macro: Option<String>,
    /// The parameter of a campaign's address in which it stands.
    pub click_param: String,
    /// Its macro that becomes what the click costs.
    pub cost_macro: Option<String>,
    /// The currency of that.
    pub cost_currency: Option<Currency>,
    /// What else it tells about a click.
    pub tokens: Vec<Token>,
    /// How it takes our postbacks; `None` where its panel alone says.
    #[serde(skip)]
    pub destination: Option<DestinationFacts>,
    /// What only the user has, in the order in which it is asked for.
    #[serde(skip)]
    pub values: Vec<AskedValue>,
}

impl Default for SourceFacts {
    fn default() -> Self {
        Self {
            click_macro: None,
            click_param: CLICK_PARAM.to_owned(),
            cost_macro: None,
            cost_currency: None,
            tokens: Vec::new(),
            destination: None,
            values: Vec::new(),
        }
    }
}

/// How a source takes our postbacks. What the user has to say stands in its texts as `REPLACE_NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DestinationFacts {
    /// Where, with our macros.
    pub url: String,
    /// How it is asked.
    pub method: DestinationMethod,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The body, with our macros.
    pub body: String,
    /// Header names with their values.
    pub headers: BTreeMap<String, String>,
    /// How its access tokens are fetched: the words of a destination's `oauth`; none where it needs none.
    pub oauth: BTreeMap<String, String>,
    /// What it is told of. A click that is paid for is one that converted: nobody takes back what he was told.
    pub statuses: Vec<Status>,
    /// The text in its answer that means success.
    pub success_match: String,
}

impl Default for DestinationFacts {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: DestinationMethod::Get,
            body_kind: BodyKind::None,
            body: String::new(),
            headers: BTreeMap::new(),
            oauth: BTreeMap::new(),
            statuses: vec![Status::Approved],
            success_match: String::new(),
        }
    }
}

/// What only the user has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedValue {
    /// Its name; `REPLACE_` and the name in capitals stands where it goes.
    pub name: String,
    /// What it is, and where it is found.
    pub label: String,
    /// What most people write.
    pub default: Option<String>,
    /// It is a key of some kind, and nobody should look over one's shoulder.
    #[serde(default)]
    pub secret: bool,
}

impl SourceFacts {
    /// The fields of a source that the preset fills, by the API's names, for an account in this currency.
    #[must_use]
    pub fn fields(&self, preset: &Preset, account: Currency) -> BTreeMap<String, Value> {
        let model = if self.is_cost_counted(account) { CostModel::Param } else { CostModel::None };
        let cost_param = self.cost_macro.as_ref().map(|_| COST_PARAM);
        let fields = [
            ("preset", json!(preset.slug)),
            ("name", json!(preset.name)),
            ("kind", json!("ad_network")),
            ("external_id_param", json!(self.click_param)),
            ("external_id_macro", json!(self.click_macro)),
            ("cost_param", json!(cost_param)),
            ("cost_macro", json!(self.cost_macro)),
            ("cost_model", json!(model)),
            ("tokens", json!(self.tokens)),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Whether what it says of a click's cost can be taken as it is.
    fn is_cost_counted(&self, account: Currency) -> bool {
        self.cost_macro.is_some() && self.cost_currency == Some(account)
    }

    /// Why the cost that it tells is not counted; `None` where it is.
    #[must_use]
    pub fn cost_note(&self, account: Currency) -> Option<String> {
        if self.is_cost_counted(account) {
            return None;
        }
        let why = match (&self.cost_macro, self.cost_currency) {
            (None, _) => {
                "It is not known to tell what a click costs: enter the cost on the campaign".to_owned()
            }
            (Some(cost), None) => format!(
                "In which currency it writes {cost} is not known, so the cost is not counted yet. Where its panel says \
                 {account}, set the cost model to the cost parameter"
            ),
            (Some(cost), Some(theirs)) => format!(
                "It writes {cost} in {theirs}, and this account reckons in {account}, so the cost is not counted: enter \
                 it on the campaign"
            ),
        };
        Some(format!("{why}."))
    }
}
