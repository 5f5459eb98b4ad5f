//! The hint below an offer's address: where its network wants our click id.

use super::super::editing::Shown;
use super::super::typed::Typed;
use super::super::{Answer, desk::page};
use crate::db;
use crate::domain::offer::Offer as Noun;
use crate::domain::preset;
use crate::http::{App, PageWrite, reading};
use actix_web::web;
use askama::Template;

/// The button that appends the parameter.
const APPEND: &str = "append-click-param";

/// Says which parameter is missing, and offers to append it.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "offers/click_param.html")]
pub struct ClickParamHint {
    /// The network. Empty where nothing is to be said.
    pub network: String,
    /// What is missing: `s2={click_id}`.
    pub missing: String,
    /// It cannot be appended, since it is a part of the path.
    pub is_in_path: bool,
}

/// The hint for an address and an advertiser, as they are typed.
pub(super) fn hint(app: &App, typed: &Typed) -> Result<ClickParamHint, db::Error> {
    let Some((preset, facts)) = chosen(app, typed)? else { return Ok(ClickParamHint::default()) };
    let url = typed.get("url").trim();
    let Some(param) = preset::lacks_click_param(facts, url).filter(|_| !url.is_empty()) else {
        return Ok(ClickParamHint::default());
    };
    Ok(ClickParamHint {
        network: preset.name.clone(),
        missing: if facts.is_click_param_in_path {
            param.to_owned()
        } else {
            format!("{param}={{click_id}}")
        },
        is_in_path: facts.is_click_param_in_path,
    })
}

/// The preset of the advertiser that is chosen.
fn chosen(
    app: &App,
    typed: &Typed,
) -> Result<Option<(&'static preset::Preset, &'static preset::NetworkFacts)>, db::Error> {
    let Ok(id) = typed.get("advertiser_id").trim().parse::<i64>() else { return Ok(None) };
    let advertiser = app.db.read(|conn| db::advertisers::find(conn, id))?;
    Ok(advertiser.and_then(|saved| saved.value.preset).and_then(|slug| preset::network(&slug)))
}

/// Marks the button: the form is drawn again with the parameter appended.
pub(super) fn is_append(shown: &Shown<Noun>) -> bool {
    shown.typed.get("action") == APPEND
}

/// The address with the parameter appended, where that was asked for; `None` otherwise.
pub(super) fn appended(app: &App, typed: &Typed) -> Result<Option<String>, db::Error> {
    if typed.get("action") != APPEND {
        return Ok(None);
    }
    let Some((_, facts)) = chosen(app, typed)? else { return Ok(None) };
    let url = typed.get("url").trim();
    let param =
        preset::lacks_click_param(facts, url).filter(|_| !url.is_empty() && !facts.is_click_param_in_path);
    Ok(param.map(|param| preset::with_click_param(url, param)))
}

/// `POST /offers/click-param`: the hint alone, while the form is being filled in.
pub(super) async fn show(_who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    page(&reading(&app, move |app| hint(app, &typed)).await?)
}
