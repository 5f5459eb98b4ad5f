//! What is known of a network: how it fills our address, which words it uses, which parameter of its links comes back.

use super::Preset;
use crate::domain::advertiser::{Answers, DuplicateMode, EventMeaning, MissingStatus};
use crate::domain::status::Status;
use crate::domain::words::word_enum;
use ipnet::IpNet;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

word_enum! {
    /// How a network sends.
    pub enum Sends {
        /// An address with everything in it.
        Get => "get",
        /// A form.
        PostForm => "post_form",
        /// An object.
        PostJson => "post_json",
    }
}

/// What is known of a network. What is not known is not there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkFacts {
    /// The parameter of an offer's address whose value comes back with a conversion: our click id goes there.
    pub click_param: Option<String>,
    /// Others that would do.
    pub click_param_alternatives: Vec<String>,
    /// It is a part of the path and cannot simply be appended.
    pub is_click_param_in_path: bool,
    /// The longest value that it takes, in characters.
    pub click_param_chars_max: Option<u32>,
    /// How it sends.
    pub sends: Sends,
    /// Our parameter -> its macro, or a word that never changes.
    pub template: BTreeMap<String, String>,
    /// Its parameter -> ours, where it chooses the names itself.
    pub param_map: BTreeMap<String, String>,
    /// Its status word, lower case -> ours.
    pub status_map: BTreeMap<String, Status>,
    /// Its event word, lower case -> ours.
    pub event_map: BTreeMap<String, EventMeaning>,
    /// Words that it is known to send, and whose meaning is not known.
    pub words_without_meaning: Vec<String>,
    /// What a second postback about one conversion means.
    pub duplicate_mode: Option<DuplicateMode>,
    /// The same for events that differ.
    pub duplicate_modes: BTreeMap<String, DuplicateMode>,
    /// What no status means.
    pub missing_status: Option<MissingStatus>,
    /// What a refusal is answered with.
    pub answers: Option<Answers>,
    /// The word that it looks for in the answer.
    pub reply_body: Option<String>,
    /// Where it sends from.
    pub addresses: Vec<IpNet>,
    /// How often it sends again, in words.
    pub retries: Option<String>,
}

impl Default for NetworkFacts {
    fn default() -> Self {
        Self {
            click_param: None,
            click_param_alternatives: Vec::new(),
            is_click_param_in_path: false,
            click_param_chars_max: None,
            sends: Sends::Get,
            template: BTreeMap::new(),
            param_map: BTreeMap::new(),
            status_map: BTreeMap::new(),
            event_map: BTreeMap::new(),
            words_without_meaning: Vec::new(),
            duplicate_mode: None,
            duplicate_modes: BTreeMap::new(),
            missing_status: None,
            answers: None,
            reply_body: None,
            addresses: Vec::new(),
            retries: None,
        }
    }
}

/// Our parameters in the order of a template, with what each carries.
const MEANINGS: [(&str, &str); 9] = [
    ("cid", "our click id, as it went out in the offer's address"),
    ("payout", "what they pay us for the conversion"),
    ("sale_amount", "the value of the order"),
    ("currency", "the currency of the amounts"),
    ("txid", "their number of the transaction: tells copies from new conversions"),
    ("status", "what became of it"),
    ("event", "what happened"),
    ("reason", "why it was declined"),
    ("ip", "the buyer's address"),
];

/// A parameter of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Our name for it.
    pub ours: &'static str,
    /// Their macro, or a word that never changes.
    pub theirs: &'a str,
    /// What it carries.
    pub meaning: &'static str,
}

impl NetworkFacts {
    /// The parameters of the template, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter<'_>> {
        MEANINGS.iter().filter_map(|(ours, meaning)| {
            let theirs = self.template.get(*ours)?;
            Some(Parameter { ours, theirs, meaning })
        })
    }

    /// What stands behind the `?` of the address that its panel takes; empty where its macros are not known.
    #[must_use]
    pub fn query(&self) -> String {
        let pairs = self.parameters().map(|one| format!("{}={}", one.ours, one.theirs));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The fields of an advertiser that the preset fills, by the API's names.
    #[must_use]
    pub fn fields(&self, preset: &Preset) -> BTreeMap<String, Value> {
        let mut fields = BTreeMap::from([
            ("preset", json!(preset.slug)),
            ("name", json!(preset.name)),
            ("kind", json!("network")),
            ("param_map", json!(self.param_map)),
            ("status_map", json!(self.status_map)),
            ("event_map", json!(self.event_map)),
            ("duplicate_mode", json!(self.duplicate_mode.unwrap_or(DuplicateMode::Update))),
            ("missing_status", json!(self.missing_status.unwrap_or(MissingStatus::Approved))),
            ("answers", json!(self.answers.unwrap_or(Answers::Standard))),
            ("reply_body", json!(self.reply_body.as_deref().unwrap_or_default())),
        ]);
        if !self.duplicate_modes.is_empty() {
            fields.insert("duplicate_modes", json!(self.duplicate_modes));
        }
        if !self.addresses.is_empty() {
            fields.insert("allow_addresses", json!(self.addresses));
        }
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The parameters of a link that come back, the usual one first.
    fn click_params(&self) -> impl Iterator<Item = &String> {
        self.click_param.iter().chain(&self.click_param_alternatives)
    }
}

/// The name of a click-id parameter that an offer's address lacks; `None` where it hands the click id over already, or
/// where nothing is known of it.
#[must_use]
pub fn lacks_click_param<'a>(facts: &'a NetworkFacts, url: &str) -> Option<&'a str> {
    let ours = facts.click_param.as_deref()?;
    let has = if facts.is_click_param_in_path {
        url.contains("{click_id")
    } else {
        facts.click_params().any(|param| carries_click_id(url, param))
    };
    (!has).then_some(ours)
}

/// Whether a parameter of an address holds our click id.
fn carries_click_id(url: &str, param: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', ';']).any(|pair| {
        pair.split_once('=').is_some_and(|(name, value)| name == param && value.starts_with("{click_id"))
    })
}

/// The address with the click id in that parameter, before a fragment where it has one. A value that the parameter
/// has already gives way.
#[must_use]
pub fn with_click_param(url: &str, param: &str) -> String {
    let (whole, fragment) = match url.split_once('#') {
        Some((whole, fragment)) => (whole, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(param);
    let mut pairs: Vec<&str> = query.split('&').filter(is_other).collect();
    let own = format!("{param}={{click_id}}");
    pairs.push(&own);
    format!("{path}?{}{fragment}", pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::preset::{network, networks};
    use crate::domain::template::{Template, TemplateUse};
    use proptest::prelude::*;

    /// The signs around a macro's name.
    fn signs(text: &str) -> (&str, &str) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (text.split(is_name).next().unwrap_or(""), text.rsplit(is_name).next().unwrap_or(""))
    }

    #[test]
    fn a_network_writes_all_its_macros_alike_and_knows_our_parameters_alone() {
        for (preset, facts) in networks() {
            let known: Vec<&str> = facts.parameters().map(|one| one.ours).collect();
            assert_eq!(known.len(), facts.template.len(), "{}: {:?}", preset.slug, facts.template);
            let Some(first) = facts.template.get("cid") else {
                assert!(facts.template.is_empty(), "{}: a template names the click", preset.slug);
                continue;
            };
            for one in facts.parameters() {
                let is_fixed =
                    one.ours == "currency" && !one.theirs.contains(|c: char| !c.is_ascii_uppercase());
                assert!(is_fixed || signs(one.theirs) == signs(first), "{}: {one:?}", preset.slug);
                assert!(is_fixed || !signs(one.theirs).0.is_empty(), "{}: {one:?}", preset.slug);
            }
        }
    }

    #[test]
    fn click_params_are_bare_names_that_take_our_click_id() {
        for (preset, facts) in networks() {
            for param in facts.click_params() {
                assert!(
                    crate::domain::input::param(&json!(param)).is_ok_and(|name| name.is_some()),
                    "{}",
                    preset.slug
                );
            }
            assert!(facts.click_param_chars_max.is_none_or(|max| max >= 26), "{}", preset.slug);
            let words = facts.words_without_meaning.iter();
            let mut mapped = words.clone().filter(|word| facts.status_map.contains_key(*word));
            assert_eq!(mapped.next(), None, "{}: a word has a meaning or none", preset.slug);
            for word in words {
                assert_eq!(
                    Status::from_vocabulary(word),
                    None,
                    "{}: {word} is known to everybody",
                    preset.slug
                );
            }
        }
    }

    #[test]
    fn the_click_id_is_appended_where_it_lacks() {
        let (_, tune) = network("tune").unwrap();
        for (url, lacks) in [
            ("https://x.example/aff_c?offer_id=1", true),
            ("https://x.example/aff_c?offer_id=1&aff_click_id=5", true),
            ("https://x.example/aff_c?offer_id=1&my_aff_sub={click_id}", true),
            ("https://x.example/aff_c?offer_id=1&aff_click_id={click_id}", false),
            ("https://x.example/aff_c?aff_sub={click_id|raw}&offer_id=1", false),
        ] {
            assert_eq!(lacks_click_param(tune, url).is_some(), lacks, "{url}");
        }
        let appended = |url: &str| with_click_param(url, "s2");
        assert_eq!(appended("https://x.example"), "https://x.example?s2={click_id}");
        assert_eq!(
            appended("https://x.example/?a=1&s2=7&b=2#top"),
            "https://x.example/?a=1&b=2&s2={click_id}#top"
        );
        assert_eq!(appended("https://x.example/?"), "https://x.example/?s2={click_id}");
        let (_, partnerize) = network("partnerize").unwrap();
        assert_eq!(lacks_click_param(partnerize, "https://x.example/a/b:{click_id}"), None);
        let (_, monetizer) = network("monetizer").unwrap();
        assert_eq!(lacks_click_param(monetizer, "https://x.example/"), None);
    }

    proptest! {
        #[test]
        fn what_was_appended_lacks_no_more_and_is_still_an_address(
            path in "[a-z]{0,6}", query in "[a-z0-9=&]{0,12}", fragment in "(#[a-z]{0,3})?",
        ) {
            let (_, cake) = network("cake").unwrap();
            let url = format!("https://x.example/{path}?{query}{fragment}");
            let appended = with_click_param(&url, "s2");
            prop_assert_eq!(lacks_click_param(cake, &appended), None);
            prop_assert!(Template::parse(&appended, TemplateUse::Offer).is_ok());
            prop_assert_eq!(with_click_param(&appended, "s2"), appended);
        }
    }
}
