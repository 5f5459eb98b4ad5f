//! `/presets`: what is known of networks and sources, to begin with.

use super::Answer;
use super::list::Page;
use super::resource;
use crate::domain::destination::{BodyKind, DestinationMethod};
use crate::domain::input::{self, FieldErrors};
use crate::domain::money::Currency;
use crate::domain::preset::{
    self, AskedValue, Confidence, DestinationFacts, Facts, NetworkFacts, Preset, PresetKind, Sends,
    SourceFacts,
};
use crate::domain::source::Token;
use crate::domain::status::Status;
use crate::entities::Fields;
use crate::http::limits::SEARCH_CHARS_MAX;
use crate::http::{App, Error, Reader};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Hangs the addresses.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    let reading = || web::to(resource::takes_reading);
    cfg.service(web::resource("/presets").route(web::get().to(list)).default_service(reading()));
    cfg.service(web::resource("/presets/{slug}").route(web::get().to(show)).default_service(reading()));
}

#[derive(Serialize)]
struct Body {
    slug: &'static str,
    name: &'static str,
    kind: PresetKind,
    confidence: Confidence,
    source: &'static str,
    source_url: Option<&'static str>,
    verified_on: NaiveDate,
    note: &'static str,
    #[serde(flatten)]
    facts: Known,
}

/// The facts, by kind.
#[derive(Serialize)]
#[serde(untagged)]
enum Known {
    Network(Box<Network>),
    Source(Box<Source>),
}

/// What is known of a network. `null` and empty mean that it is not known.
#[derive(Serialize)]
struct Network {
    sends: Sends,
    template: String,
    parameters: Vec<Parameter>,
    click_param: Option<&'static str>,
    click_param_alternatives: &'static [String],
    click_param_in_path: bool,
    click_param_chars_max: Option<u32>,
    words_without_meaning: &'static [String],
    retries: Option<&'static str>,
    fills: Fields,
}

/// What is known of a source of traffic. `null` and empty mean that it is not known.
#[derive(Serialize)]
struct Source {
    click_macro: Option<&'static str>,
    click_param: &'static str,
    cost_macro: Option<&'static str>,
    cost_currency: Option<Currency>,
    /// Why the cost that it tells is not counted in this account.
    cost_note: Option<String>,
    tokens: &'static [Token],
    /// How it takes postbacks; `null` where its panel alone says. `REPLACE_NAME` stands where a value goes.
    destination: Option<Destination>,
    /// What `values` of a new destination have to say.
    values: Vec<AskedFor>,
    /// The fields of a source.
    fills: Fields,
}

#[derive(Serialize)]
struct Destination {
    url: &'static str,
    method: DestinationMethod,
    body_kind: BodyKind,
    body: &'static str,
    headers: &'static BTreeMap<String, String>,
    /// The words of `oauth`; empty where it needs none.
    oauth: &'static BTreeMap<String, String>,
    statuses: &'static [Status],
    success_match: &'static str,
}

#[derive(Serialize)]
struct AskedFor {
    name: &'static str,
    label: &'static str,
    default: Option<&'static str>,
    secret: bool,
}

#[derive(Serialize)]
struct Parameter {
    param: &'static str,
    r#macro: &'static str,
    meaning: &'static str,
}

fn body(preset: &'static Preset, account: Currency) -> Body {
    let facts = match &preset.facts {
        Facts::Network(facts) => Known::Network(Box::new(network(preset, facts))),
        Facts::Source(facts) => Known::Source(Box::new(source(preset, facts, account))),
    };
    Body {
        slug: &preset.slug,
        name: &preset.name,
        kind: preset.kind(),
        confidence: preset.confidence,
        source: &preset.source,
        source_url: preset.source_url.as_deref(),
        verified_on: preset.verified_on,
        note: &preset.note,
        facts,
    }
}

fn network(preset: &Preset, facts: &'static NetworkFacts) -> Network {
    let parameter = |one: preset::Parameter<'static>| Parameter {
        param: one.ours,
        r#macro: one.theirs,
        meaning: one.meaning,
    };
    Network {
        sends: facts.sends,
        template: facts.query(),
        parameters: facts.parameters().map(parameter).collect(),
        click_param: facts.click_param.as_deref(),
        click_param_alternatives: &facts.click_param_alternatives,
        click_param_in_path: facts.is_click_param_in_path,
        click_param_chars_max: facts.click_param_chars_max,
        words_without_meaning: &facts.words_without_meaning,
        retries: facts.retries.as_deref(),
        fills: facts.fields(preset),
    }
}

fn source(preset: &Preset, facts: &'static SourceFacts, account: Currency) -> Source {
    let asked = |one: &'static AskedValue| AskedFor {
        name: &one.name,
        label: &one.label,
        default: one.default.as_deref(),
        secret: one.secret,
    };
    Source {
        click_macro: facts.click_macro.as_deref(),
        click_param: &facts.click_param,
        cost_macro: facts.cost_macro.as_deref(),
        cost_currency: facts.cost_currency,
        cost_note: facts.cost_note(account),
        tokens: &facts.tokens,
        destination: facts.destination.as_ref().map(destination),
        values: facts.values.iter().map(asked).collect(),
        fills: facts.fields(preset, account),
    }
}

fn destination(facts: &'static DestinationFacts) -> Destination {
    Destination {
        url: &facts.url,
        method: facts.method,
        body_kind: facts.body_kind,
        body: &facts.body,
        headers: &facts.headers,
        oauth: &facts.oauth,
        statuses: &facts.statuses,
        success_match: &facts.success_match,
    }
}

/// What the list is narrowed to.
#[derive(Debug, Default)]
struct Asked {
    kind: Option<PresetKind>,
    q: String,
}

fn asked(query_string: &str) -> Result<Asked, FieldErrors> {
    let (mut asked, mut errors) = (Asked::default(), FieldErrors::default());
    for (name, value) in url::form_urlencoded::parse(query_string.as_bytes()) {
        let value = Value::from(value.into_owned());
        let outcome = match name.as_ref() {
            "kind" => input::word(&value, PresetKind::parse, PresetKind::choices)
                .map(|kind| asked.kind = Some(kind)),
            "q" => input::line(&value, SEARCH_CHARS_MAX).map(|q| asked.q = q.to_lowercase()),
            _ => Err("There is no such parameter: there are kind, q".to_owned()),
        };
        if let Err(message) = outcome {
            errors.push(&name, message);
        }
    }
    errors.into_result().map(|()| asked)
}

/// All of them at once: they are few.
async fn list(_who: Reader, app: web::Data<App>, request: HttpRequest) -> Answer {
    let account = app.catalog.get().currency;
    let asked = asked(request.query_string())?;
    let is_asked = |preset: &&Preset| {
        asked.kind.is_none_or(|kind| preset.kind() == kind) && preset.name.to_lowercase().contains(&asked.q)
    };
    let items: Vec<Body> =
        preset::all().iter().filter(is_asked).map(|preset| body(preset, account)).collect();
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    Ok(HttpResponse::Ok().json(Page { items, page: 1, page_size: total, total }))
}

async fn show(_who: Reader, app: web::Data<App>, slug: web::Path<String>) -> Answer {
    let found = preset::all().iter().find(|preset| preset.slug == *slug);
    Ok(HttpResponse::Ok().json(body(found.ok_or(Error::NotFound)?, app.catalog.get().currency)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_narrowed_by_what_it_knows_alone() {
        assert_eq!(asked("kind=network&q=CAKE").unwrap().q, "cake");
        let errors = asked("kind=wallet&colour=1").unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["kind", "colour"]);
    }
}
