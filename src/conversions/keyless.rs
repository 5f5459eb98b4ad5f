//! Postbacks without a key of an advertiser in the address, as old templates send them: taken where the installation says so,
//! from listed addresses alone, or with the one key that the tracker before had. The advertiser is the one whose offer the click reached, and what it asks of its postbacks holds.

use super::claim::{self, Refusal};
use super::door::{NotStored, Postbacks};
use super::judge::{self, Judged};
use super::request::{self, Incoming};
use super::sentences;
use super::writer::Shared;
use crate::db::{self, AnyConnection, clicks, foreign_clicks};
use crate::domain::advertiser::{Advertiser, is_allowed};
use crate::domain::click_id::ClickId;
use crate::domain::old_door::OldDoor;
use crate::domain::verdict::Code;
use crate::routing::{AdvertiserRoute, Catalog};
use std::net::IpAddr;
use std::sync::Arc;

/// Whether a postback without a key of an advertiser may come to a door from an address.
fn is_open(shared: &Shared, incoming: &Incoming, door: OldDoor, catalog: &Catalog) -> Result<(), Refusal> {
    let (old, own) = (catalog.old_doors(), &shared.admission.without_key);
    if old.is_key(&incoming.key) {
        return Ok(());
    }
    let has_own = door == OldDoor::WithoutKey && !own.is_empty();
    if !has_own && !old.has(door) {
        return Err(Refusal::new(Code::BadKey, sentences::NO_KEY));
    }
    let is_listed = |address: IpAddr| old.lets_in(door, address) || (has_own && is_allowed(own, address));
    if incoming.address.parse::<IpAddr>().is_ok_and(is_listed) {
        return Ok(());
    }
    let message = sentences::address_not_allowed_without_key(&incoming.address);
    Err(Refusal::new(Code::AddressNotAllowed, message))
}

/// The click that a postback without a key names.
///
/// # Errors
/// The refusal: not to be read, or without a click id.
pub(super) fn named(incoming: &Incoming, catalog: &Catalog) -> Result<Named, Refusal> {
    let params = request::read(incoming).map_err(|message| Refusal::new(Code::Unreadable, message))?;
    let cid = claim::cid_of(&params, &Advertiser::blank(catalog.currency))?;
    Ok(ClickId::parse(&cid).map_or_else(|| Named::Foreign(cid), Named::Own))
}

/// The click that a postback names.
pub(super) enum Named {
    /// One of ours in form.
    Own(ClickId),
    /// One that another tracker gave out.
    Foreign(String),
}

/// What is said of a postback that belongs to no advertiser (yet).
pub(super) fn nobodys(incoming: Incoming, refusal: Refusal) -> Judged {
    let request_hash = request::read(&incoming).as_ref().map(request::Params::hash).unwrap_or_default();
    Judged {
        incoming,
        advertiser: None,
        old_key_until_ms: None,
        signed: None,
        request_hash,
        claim: Err(refusal),
        again: None,
    }
}

/// Reads a postback that names a click as if it had come to the key of the click's advertiser.
///
/// # Errors
/// The database fails.
pub(super) fn read(
    conn: &mut AnyConnection,
    mut incoming: Incoming,
    id: ClickId,
    catalog: &Catalog,
) -> db::Result<Judged> {
    let about = |code, message: &str| Refusal { click_id: Some(id), ..Refusal::new(code, message) };
    let Some(click) = clicks::facts(conn, &[id])?.pop() else {
        return Ok(nobodys(incoming, about(Code::ParkedUnknownClick, sentences::UNKNOWN_CLICK)));
    };
    let found = advertisers_of(conn, &click, catalog)?;
    let refusal = match found.as_slice() {
        [only] => {
            incoming.key.clone_from(&only.key);
            return Ok(judge::read(incoming, catalog));
        }
        [] => about(Code::ParkedWrongOffer, sentences::NO_OFFER),
        _ => about(Code::ParkedWrongOffer, sentences::SEVERAL_ADVERTISERS),
    };
    Ok(nobodys(incoming, refusal))
}

/// Reads a postback without a key by the click that it names.
///
/// # Errors
/// The database fails.
pub(super) fn read_named(
    conn: &mut AnyConnection,
    incoming: Incoming,
    named: Named,
    catalog: &Catalog,
) -> db::Result<Judged> {
    match named {
        Named::Own(id) => read(conn, incoming, id, catalog),
        Named::Foreign(cid) => read_foreign(conn, incoming, cid, catalog),
    }
}

/// Reads a postback that names another tracker's click, where that was imported.
fn read_foreign(
    conn: &mut AnyConnection,
    incoming: Incoming,
    cid: String,
    catalog: &Catalog,
) -> db::Result<Judged> {
    match foreign_clicks::known(conn, [cid.as_str()])?.remove(&cid) {
        Some(id) => read(conn, incoming, id, catalog),
        None => {
            let refusal = Refusal::new(Code::ParkedForeignClick, sentences::foreign_click(&cid));
            Ok(nobodys(incoming, Refusal { foreign_id: Some(cid), ..refusal }))
        }
    }
}

/// Whose offer a click reached, the last one first; while no lander button is known to have been pressed, all whose offers it
/// could reach on its path.
pub(super) fn advertisers_of(
    conn: &mut AnyConnection,
    click: &clicks::ClickFacts,
    catalog: &Catalog,
) -> db::Result<Vec<Arc<AdvertiserRoute>>> {
    let of = |offer_id: &i64| catalog.advertiser(catalog.offer(*offer_id)?.offer.advertiser_id?).cloned();
    let reached = click.last_offer_id.iter().chain(click.offer_id.iter()).find_map(of);
    if let Some(reached) = reached {
        return Ok(vec![reached]);
    }
    if let Some(reached) = clicks::offers_reached(conn, click)?.iter().find_map(of) {
        return Ok(vec![reached]);
    }
    let path = click.path_id.and_then(|path_id| catalog.path(click.campaign_id, path_id));
    let mut all: Vec<Arc<AdvertiserRoute>> = Vec::new();
    for offer in path.map(|path| catalog.offers_on(path)).unwrap_or_default() {
        if let Some(route) = of(&offer.id)
            && all.iter().all(|known| known.id != route.id)
        {
            all.push(route);
        }
    }
    Ok(all)
}

impl Postbacks {
    /// Reads a postback without a key, after its click has had a moment to come.
    ///
    /// # Errors
    /// The database cannot be asked: the sender should come again.
    pub(super) async fn read_without_key(
        &self,
        incoming: Incoming,
        door: OldDoor,
    ) -> Result<Judged, NotStored> {
        let shared = Arc::clone(&self.shared);
        let catalog = shared.catalog.get();
        let admitted = is_open(&shared, &incoming, door, &catalog);
        let named = match admitted.and_then(|()| named(&incoming, &catalog)) {
            Ok(named) => named,
            Err(refusal) => return Ok(nobodys(incoming, refusal)),
        };
        if let Named::Own(id) = named {
            self.wait_for_click(id).await;
        }
        let asked = tokio::task::spawn_blocking(move || {
            shared.db.read(|conn| read_named(conn, incoming, named, &catalog))
        });
        match asked.await {
            Ok(Ok(judged)) => Ok(judged),
            Ok(Err(why)) => {
                tracing::error!(%why, "a postback without a key was not stored: its sender comes again");
                Err(NotStored)
            }
            Err(_) => Err(NotStored),
        }
    }
}
