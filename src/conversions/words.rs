//! Words that nobody has given a meaning, noted for the advertiser's page.

use super::claim::Claim;
use super::judge::Judged;
use crate::db::ledger::Draft;
use crate::domain::advertiser::Advertiser;
use crate::domain::offer::DEFAULT_EVENT;
use crate::domain::seen_word::WordKind;
use crate::routing::{AdvertiserRoute, OfferRoute};

/// Notes the status word that a postback was refused for. What our own tests send is no word of the advertiser's.
pub(super) fn note_status(draft: &mut Draft<'_>, judged: &Judged) {
    let word = judged.claim.as_ref().err().and_then(|refusal| refusal.unknown_word.as_deref());
    if let (Some(word), Some(advertiser), false) = (word, &judged.advertiser, judged.incoming.is_test) {
        draft.words.note(advertiser.id, WordKind::Status, word, judged.incoming.received_at_ms);
    }
}

/// Notes an event that the offer does not list and that the advertiser's map does not know.
pub(super) fn note_event(
    draft: &mut Draft<'_>,
    judged: &Judged,
    claim: &Claim,
    advertiser: &AdvertiserRoute,
    offer: &OfferRoute,
) {
    let event = claim.event.as_str();
    let is_listed = offer.offer.events.iter().any(|listed| listed.event == event);
    if event == DEFAULT_EVENT
        || is_listed
        || judged.incoming.is_test
        || is_mapped(&advertiser.advertiser, event)
    {
        return;
    }
    draft.words.note(advertiser.id, WordKind::Event, event, judged.incoming.received_at_ms);
}

/// Whether the advertiser's map speaks of an event, as their word or as ours.
fn is_mapped(advertiser: &Advertiser, event: &str) -> bool {
    let map = &advertiser.event_map;
    map.contains_key(event) || map.values().any(|meaning| meaning.event == event)
}
