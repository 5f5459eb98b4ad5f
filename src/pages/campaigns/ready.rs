//! The campaign's address as its source takes it: beside a saved campaign, and while a source is being chosen.

use super::saved::address;
use crate::domain::campaign::Campaign;
use crate::domain::source::Source;
use crate::entities::{self, random};
use crate::http::{App, PageWrite, reading};
use crate::pages::Answer;
use crate::pages::desk::page;
use crate::pages::editing::Place;
use crate::pages::parts::CodeBox;
use crate::pages::sources::ready_box;
use crate::pages::typed::Typed;
use actix_web::{HttpRequest, web};
use askama::Template;

/// The address with the macros of the source that is chosen on the form.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "campaigns/ready_url.html")]
pub struct ReadyUrl {
    /// The address; `None` where neither a source is chosen nor an address written.
    pub code: Option<CodeBox>,
    /// The address's last part where none was written: it is put into the form, so that the address holds once the
    /// campaign is saved. Empty where one stands there.
    pub new_slug: String,
}

/// The addresses of this part.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/campaigns/ready-url", web::post().to(show));
}

/// `POST /campaigns/ready-url`: the address alone, while the form is being filled in.
async fn show(_who: PageWrite, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
    let place = Place::of(&app, &request);
    page(&reading(&app, move |app| for_typed(app, &place, &typed)).await?)
}

/// The address for what stands in the form.
pub(super) fn for_typed(app: &App, place: &Place, typed: &Typed) -> Result<ReadyUrl, entities::Error> {
    let source = source(app, typed.get("source_id").trim().parse().ok())?;
    let written = typed.get("slug").trim();
    if source.is_none() && written.is_empty() {
        return Ok(ReadyUrl::default());
    }
    let new_slug = if written.is_empty() { random::slug() } else { String::new() };
    let slug = if written.is_empty() { &new_slug } else { written };
    let url = entities::campaign_url(&address(app, place, typed.get("domain_id").parse().ok()), slug);
    Ok(ReadyUrl { code: Some(code(&url, source.as_ref())), new_slug })
}

/// The saved campaign's address, with the source's macros where one is chosen.
pub(super) fn for_saved(app: &App, place: &Place, campaign: &Campaign) -> Result<CodeBox, entities::Error> {
    let url = entities::campaign_url(&address(app, place, campaign.domain_id), &campaign.slug);
    Ok(code(&url, source(app, campaign.source_id)?.as_ref()))
}

fn code(url: &str, source: Option<&Source>) -> CodeBox {
    match source {
        Some(source) => ready_box(&format!("Campaign URL, for {}", source.name), url, source),
        None => CodeBox::url("Campaign URL", url),
    }
}

fn source(app: &App, id: Option<i64>) -> Result<Option<Source>, entities::Error> {
    match id.map(|id| entities::sources::find(&app.db, id)) {
        Some(Ok(source)) => Ok(Some(source.value)),
        Some(Err(entities::Error::NotFound)) | None => Ok(None),
        Some(Err(error)) => Err(error),
    }
}
