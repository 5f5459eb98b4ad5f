//! Words that came from an advertiser and that nobody has given a meaning: listed with a button that gives them one.

use super::form::meaning;
use super::{KIND, show};
use crate::db::search::Saved;
use crate::db::{self, AnyConnection};
use crate::domain::advertiser::Advertiser;
use crate::domain::offer::Offer;
use crate::domain::seen_word::{SeenWord, WORD_KEPT_MS, WordKind};
use crate::domain::status::Status;
use crate::entities;
use crate::http::{App, PageWrite, changing, now_ms};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Notice;
use crate::pages::typed::{Typed, mistakes, number};
use crate::pages::words::{ago, counted};
use actix_web::{HttpRequest, web};
use serde_json::json;

/// Words that the page shows, those that came most; mapped ones make room for the others.
const SHOWN_MAX: usize = 20;

/// A word without a meaning.
#[derive(Debug, Clone, Default)]
pub struct WordRow {
    /// The word.
    pub word: String,
    /// What it stood for: `status` or `event`.
    pub kind: &'static str,
    /// How often it came, and when last.
    pub seen: String,
    /// What became of what it came with.
    pub outcome: &'static str,
}

/// The words without a meaning.
#[derive(Debug, Clone, Default)]
pub struct WordList {
    /// The words.
    pub rows: Vec<WordRow>,
    /// Where a meaning is posted to.
    pub action: String,
    /// How many more there are, in words. Empty for none.
    pub more: String,
    /// The statuses to choose from.
    pub statuses: Vec<&'static str>,
    /// Events that are known already.
    pub events: Vec<String>,
}

/// What the list is drawn from.
pub(super) struct Known {
    words: Vec<SeenWord>,
    events: Vec<String>,
}

/// Reads the words of the last thirty days that still have no meaning.
pub(super) fn read(
    conn: &mut AnyConnection,
    advertiser: &Saved<Advertiser>,
    now_ms: i64,
) -> db::Result<Known> {
    let words = db::words_seen::list(conn, advertiser.id, now_ms - WORD_KEPT_MS)?;
    if words.is_empty() {
        return Ok(Known { words, events: Vec::new() });
    }
    let offers = db::offers::of_advertiser(conn, advertiser.id)?;
    let mut events: Vec<String> =
        offers.iter().flat_map(|offer| &offer.value.events).map(|listed| listed.event.clone()).collect();
    events.push("sale".to_owned());
    events.sort_unstable();
    events.dedup();
    let is_open = |seen: &SeenWord| is_open(seen, &advertiser.value, &offers);
    Ok(Known { words: words.into_iter().filter(is_open).collect(), events })
}

/// Whether a word still has no meaning. An offer that lists an event and was saved after the event came last has taken
/// care of it.
fn is_open(seen: &SeenWord, advertiser: &Advertiser, offers: &[Saved<Offer>]) -> bool {
    let word = seen.word.as_str();
    match seen.kind {
        WordKind::Status => {
            !advertiser.status_map.contains_key(word) && Status::from_vocabulary(word).is_none()
        }
        WordKind::Event => {
            let map = &advertiser.event_map;
            let is_mapped = map.contains_key(word) || map.values().any(|meaning| meaning.event == word);
            let lists = |offer: &Saved<Offer>| {
                let is_later = offer.updated_at_ms > seen.last_seen_at_ms;
                is_later && offer.value.events.iter().any(|listed| listed.event == word)
            };
            !is_mapped && !offers.iter().any(lists)
        }
    }
}

/// The list as it is shown; `None` where every word has a meaning.
pub(super) fn draw(known: &Known, id: i64, now_ms: i64) -> Option<WordList> {
    let row = |seen: &SeenWord| WordRow {
        word: seen.word.clone(),
        kind: seen.kind.as_str(),
        seen: format!(
            "{}, last {}",
            counted(seen.seen, "time", "times"),
            since(now_ms - seen.last_seen_at_ms)
        ),
        outcome: match seen.kind {
            WordKind::Status => "refused",
            WordKind::Event => "recorded, and no conversion",
        },
    };
    let more = known.words.len().saturating_sub(SHOWN_MAX);
    (!known.words.is_empty()).then(|| WordList {
        rows: known.words.iter().take(SHOWN_MAX).map(row).collect(),
        action: format!("{}/{id}/words", KIND.path),
        more: if more > 0 { format!("{more} more came less often.") } else { String::new() },
        statuses: Status::ALL.iter().map(|status| status.as_str()).collect(),
        events: known.events.clone(),
    })
}

fn since(ms: i64) -> String {
    match ago(ms).as_str() {
        "now" => "just now".to_owned(),
        ago => format!("{ago} ago"),
    }
}

/// The addresses of the list.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/advertisers/{id}/words", web::post().to(map));
}

/// `POST /advertisers/{id}/words`: gives a word its meaning.
async fn map(
    who: PageWrite,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let (word, ours) = (typed.get("word").to_owned(), typed.get("ours").trim().to_owned());
    let kind = WordKind::parse(typed.get("kind")).unwrap_or(WordKind::Status);
    let mapped = changing(&app, move |app| {
        let ours = if kind == WordKind::Event { meaning(&ours) } else { json!(ours) };
        entities::advertisers::map_word(&app.db, id, (kind, &word), ours, now_ms())
    });
    match mapped.await {
        Ok(_) => Ok(see_other(&format!("{}/{id}?mapped=1", KIND.path))),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            let said = errors.0.into_iter().map(|error| error.message).collect::<Vec<_>>().join(". ");
            let notice = Notice { text: format!("Not mapped. {said}."), is_error: true, undo: None };
            let desk = Desk::open(&app, who.0).await?;
            page_with(status, &show::drawn(&app, &desk, &request, id, Some(notice)).await?)
        }
    }
}

/// What is said after a word was mapped.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let text = "The word is mapped: it is read so from the next postback on. What was refused before stays refused until \
                it is sent or run again.";
    let is_mapped = query.split('&').any(|pair| pair == "mapped=1");
    is_mapped.then(|| Notice { text: text.to_owned(), ..Notice::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input::Editable as _;
    use crate::domain::money::Currency;

    #[test]
    fn a_word_is_open_until_somebody_takes_care_of_it() {
        let seen = |kind, word: &str| SeenWord {
            kind,
            word: word.to_owned(),
            seen: 1,
            first_seen_at_ms: 5,
            last_seen_at_ms: 10,
        };
        let mut advertiser = Advertiser::blank(Currency::USD);
        let fields =
            json!({"name": "N", "status_map": {"geil": "approved"}, "event_map": {"dep": "deposit"}});
        advertiser.apply(&serde_json::from_value(fields).unwrap()).unwrap();
        let offer = |updated_at_ms| {
            let mut value = Offer::blank(Currency::USD);
            let fields = json!({"name": "O", "advertiser_id": 1, "url": "https://o.example/", "events": [{"event": "install"}]});
            value.apply(&serde_json::from_value(fields).unwrap()).unwrap();
            Saved { id: 1, created_at_ms: 1, updated_at_ms, value }
        };
        let open =
            |kind, word: &str, offers: &[Saved<Offer>]| is_open(&seen(kind, word), &advertiser, offers);
        assert!(open(WordKind::Status, "held", &[]));
        assert!(!open(WordKind::Status, "geil", &[]) && !open(WordKind::Status, "approved", &[]));
        assert!(!open(WordKind::Event, "dep", &[]) && !open(WordKind::Event, "deposit", &[]));
        assert!(open(WordKind::Event, "install", &[]) && open(WordKind::Event, "install", &[offer(9)]));
        assert!(!open(WordKind::Event, "install", &[offer(9), offer(11)]));
    }
}
