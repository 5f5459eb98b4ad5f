//! What stands beside a saved campaign: its addresses and the last test.

use super::{KIND, SavedCampaign, ready, tracing};
use crate::db::search::Saved;
use crate::domain::campaign::{Campaign, WeightedTarget};
use crate::domain::lander::EntityStatus;
use crate::entities;
use crate::http::App;
use crate::pages::advertisers::postback_box;
use crate::pages::desk::Desk;
use crate::pages::editing::Place;
use crate::pages::lists::archive_button;
use crate::pages::parts::{CodeBox, Link};
use crate::pages::test_steps::{self, LastTest};

/// Reads it.
///
/// # Errors
/// The database fails.
pub(super) fn beside(
    app: &App,
    place: &Place,
    desk: &Desk,
    campaign: &Saved<Campaign>,
) -> Result<SavedCampaign, entities::Error> {
    let id = campaign.id;
    let test = app.db.read(|conn| LastTest::of(conn, id))?;
    let at_ms = test.postback.as_ref().map(|postback| postback.value.received_at_ms);
    let at_ms = at_ms.or_else(|| test.click.as_ref().map(|click| click.record.clicked_at_ms));
    let steps_title = at_ms.map(|ms| format!("Last test, {}", desk.zone.local(ms).format("%H:%M:%S")));
    let status = campaign.value.status;
    Ok(SavedCampaign {
        campaign_url: ready::for_saved(app, place, &campaign.value)?,
        postback_urls: postback_urls(app, place, &campaign.value)?,
        script: script(app, place, &campaign.value),
        test_click_action: format!("{}/{id}/test-click", KIND.path),
        test_postback_action: format!("{}/{id}/test-postback", KIND.path),
        trace: tracing::form(id),
        steps: test_steps::all(&test, &app.catalog.get(), desk.currency),
        steps_title: steps_title.unwrap_or_default(),
        links: vec![
            Link::new("Its clicks", &format!("/clicks?campaign={id}")),
            Link::new("Its conversions", &format!("/conversions?campaign={id}")),
        ],
        archive: archive_button(KIND.path, id, status),
        is_archived: status == EntityStatus::Archived,
    })
}

/// Where a campaign's visitors come to: its own host where one in use is chosen, else the installation's address.
pub(super) fn address(app: &App, place: &Place, domain_id: Option<i64>) -> String {
    let catalog = app.catalog.get();
    let host = domain_id.and_then(|id| catalog.hosts().tracking(id));
    entities::on_host(&place.public_url, host)
}

/// The script's element for a page that ads lead to where redirects are forbidden.
fn script(app: &App, place: &Place, campaign: &Campaign) -> CodeBox {
    let (address, slug) = (address(app, place, campaign.domain_id), &campaign.slug);
    let address = format!("{address}{}", app.config.script_path);
    let element = format!("<script async src=\"{address}\" data-campaign=\"{slug}\"></script>");
    CodeBox {
        hint: "On the page that the ad leads to; mark its links with data-clickledger.".to_owned(),
        ..CodeBox::url("Script, where redirects are forbidden", &element)
    }
}

/// A postback address for each advertiser among the offers, in the order of the paths.
fn postback_urls(app: &App, place: &Place, campaign: &Campaign) -> Result<Vec<CodeBox>, entities::Error> {
    let catalog = app.catalog.get();
    let mut boxes = Vec::new();
    let mut seen = Vec::new();
    for id in campaign.all_paths().flat_map(|path| &path.offers).filter_map(WeightedTarget::offer_id) {
        let owner = catalog.offer(id).and_then(|offer| offer.offer.advertiser_id);
        let Some(advertiser) = owner.and_then(|id| catalog.advertiser(id)) else { continue };
        if seen.contains(&advertiser.id) {
            continue;
        }
        seen.push(advertiser.id);
        let label = format!("Postback URL, for {}", advertiser.advertiser.name);
        let preset = advertiser.advertiser.preset.as_deref();
        boxes.push(postback_box(&label, &place.public_url, &advertiser.key, preset));
    }
    Ok(boxes)
}
