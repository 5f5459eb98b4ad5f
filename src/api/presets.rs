//! `/presets`: what is known of networks and sources, to begin with.

use super::Answer;
use super::list::Page;
use super::resource;
use crate::domain::input::{self, FieldErrors};
use crate::domain::preset::{self, Confidence, NetworkFacts, Preset, PresetKind, Sends};
use crate::entities::Fields;
use crate::http::limits::SEARCH_CHARS_MAX;
use crate::http::{Error, Reader};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

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
    network: Option<Network>,
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

#[derive(Serialize)]
struct Parameter {
    param: &'static str,
    r#macro: &'static str,
    meaning: &'static str,
}

fn body(preset: &'static Preset) -> Body {
    Body {
        slug: &preset.slug,
        name: &preset.name,
        kind: preset.kind(),
        confidence: preset.confidence,
        source: &preset.source,
        source_url: preset.source_url.as_deref(),
        verified_on: preset.verified_on,
        note: &preset.note,
        network: preset.network().map(|facts| network(preset, facts)),
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
async fn list(_who: Reader, request: HttpRequest) -> Answer {
    let asked = asked(request.query_string())?;
    let is_asked = |preset: &&Preset| {
        asked.kind.is_none_or(|kind| preset.kind() == kind) && preset.name.to_lowercase().contains(&asked.q)
    };
    let items: Vec<Body> = preset::all().iter().filter(is_asked).map(body).collect();
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    Ok(HttpResponse::Ok().json(Page { items, page: 1, page_size: total, total }))
}

async fn show(_who: Reader, slug: web::Path<String>) -> Answer {
    let found = preset::all().iter().find(|preset| preset.slug == *slug);
    Ok(HttpResponse::Ok().json(body(found.ok_or(Error::NotFound)?)))
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
