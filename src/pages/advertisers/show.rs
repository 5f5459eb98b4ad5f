//! One advertiser: what it pastes, the last test, what was received.

use super::console::NO_CLICK;
use super::security::{self, SecurityCard};
use super::{AdvertiserPage, KIND, KnownPreset, health, pixel, preset, tabs, words};
use crate::db::conversions::{self, Conversion};
use crate::db::credentials::Credentials;
use crate::db::postbacks::{self, PostbackQuery, StoredPostback};
use crate::db::search::Saved;
use crate::db::{self, AnyConnection};
use crate::domain::advertiser::Advertiser;
use crate::entities;
use crate::http::{App, Error, OwnJournal, PageWrite, SignedIn, Tracker, reading};
use crate::http::{test_postback, trials};
use crate::pages::Answer;
use crate::pages::click_story::unticked;
use crate::pages::desk::{Desk, page, see_other};
use crate::pages::layout::{Chrome, Nav, Notice};
use crate::pages::lists::saved_notice;
use crate::pages::parts::{CodeBox, Empty, Link, Pill, Steps};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::test_steps::postback_steps;
use crate::pages::typed::number;
use actix_web::{HttpRequest, web};

/// Postbacks that the page shows; the log has the others.
const RECEIVED_SHOWN: i64 = 20;

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/advertisers/{id}", web::get().to(show))
        .route("/advertisers/{id}/test-postback", web::post().to(send));
}

/// A postback and the conversion that it is about.
type LastPostback = (StoredPostback, Option<Conversion>);

/// What the page is drawn from.
struct Known {
    advertiser: Saved<Advertiser>,
    credentials: Credentials,
    test: Option<LastPostback>,
    received: Vec<StoredPostback>,
    words: words::Known,
    health: health::Known,
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who).await?;
    page(&drawn(&app, &desk, &request, id, None).await?)
}

/// The page, perhaps with what the last action did.
///
/// # Errors
/// There is no such advertiser; the database fails.
pub(super) async fn drawn(
    app: &web::Data<App>,
    desk: &Desk,
    request: &HttpRequest,
    id: i64,
    notice: Option<Notice>,
) -> Result<AdvertiserPage, Error> {
    let (now_ms, is_test) = (desk.now_ms, desk.shows_test());
    let known = reading(app, move |app| {
        let advertiser = entities::advertisers::find(&app.db, id)?;
        let credentials = entities::credentials::of(&app.db, &[id])?.remove(&id);
        let credentials = credentials.ok_or(entities::Error::NotFound)?;
        let query =
            PostbackQuery { advertiser_id: Some(id), limit: RECEIVED_SHOWN, ..PostbackQuery::default() };
        let (test, received, words, health) = app.db.read(|conn| {
            let test = last_test(conn, id)?;
            let words = words::read(conn, &advertiser, now_ms)?;
            let health = health::read(conn, &app.postback_hours, id, (now_ms, is_test))?;
            Ok::<_, db::Error>((test, postbacks::list(conn, &query)?.items, words, health))
        })?;
        Ok::<_, entities::Error>(Known { advertiser, credentials, test, received, words, health })
    })
    .await?;
    let public_url = app.public_url(request);
    let mut page = draw(desk, &known, &public_url, request.query_string());
    page.chrome.notice = notice.or(page.chrome.notice);
    if known.advertiser.value.is_pixel_on {
        page.pixel = pixel::boxes(&public_url, &app.config.script_path);
    }
    Ok(page)
}

/// The latest test postback of an advertiser, with the conversion that it is about.
fn last_test(conn: &mut AnyConnection, id: i64) -> db::Result<Option<LastPostback>> {
    let query =
        PostbackQuery { advertiser_id: Some(id), is_test: Some(true), limit: 1, ..PostbackQuery::default() };
    let Some(postback) = postbacks::list(conn, &query)?.items.pop() else { return Ok(None) };
    let conversion = match postback.value.conversion_id {
        Some(id) => conversions::find(conn, id)?,
        None => None,
    };
    Ok(Some((postback, conversion)))
}

async fn send(
    _who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let Some((click_id, offer_id)) = trials::test_click_of(&app, &tracker, &journal, &request, id).await?
    else {
        return Ok(see_other(&format!("{}/{id}?test=none", KIND.path)));
    };
    match test_postback::send(&request, &tracker, click_id, offer_id).await {
        Ok(_) | Err(Error::NotFound) => Ok(see_other(&format!("{}/{id}", KIND.path))),
        Err(error) => Err(error),
    }
}

fn draw(desk: &Desk, known: &Known, public_url: &str, query: &str) -> AdvertiserPage {
    let (id, value) = (known.advertiser.id, &known.advertiser.value);
    let preset = value.preset.as_deref();
    let nowhere = query.split('&').any(|pair| pair == "test=none").then(|| Notice {
        text: NO_CLICK.to_owned(),
        is_error: true,
        undo: None,
    });
    let chrome = Chrome {
        parent: Some(Link::new("Advertisers", KIND.path)),
        note: format!("{} · {}", value.kind, value.currency),
        tabs: tabs(id, ""),
        notice: nowhere
            .or_else(|| words::notice(query))
            .or_else(|| saved_notice(query))
            .or_else(|| security::notice(query)),
        ..desk.chrome(&value.name, Nav::Advertisers)
    };
    let time = |ms: i64| desk.zone.local(ms).format("%H:%M:%S").to_string();
    let mut steps = Steps::default();
    let (mut test_title, mut test_result) = (String::new(), None);
    if let Some((postback, conversion)) = &known.test {
        test_title = format!("Last test, {}", time(postback.value.received_at_ms));
        test_result = Some(Pill::verdict(postback.value.code.result().as_str()));
        steps.steps = postback_steps(postback, conversion.as_ref(), desk.currency);
    }
    AdvertiserPage {
        chrome,
        postback_url: CodeBox {
            hint: preset::hint(preset),
            ..preset::postback_box("Postback URL, to paste there", public_url, &known.credentials.key, preset)
        },
        preset: KnownPreset::of(preset),
        words: words::draw(&known.words, id, desk.now_ms),
        test_click_id: test_click_box(known),
        pixel: Vec::new(),
        test_action: format!("{}/{id}/test-postback", KIND.path),
        test_title,
        test_result,
        test_steps: steps,
        health: health::draw(&known.health, desk.now_ms),
        counts: health::counts(&known.health),
        received: received(desk, &known.received),
        received_link: Link::new("All postbacks", &format!("/postbacks?advertiser={id}")),
        security: security(desk, known, public_url),
    }
}

fn security(desk: &Desk, known: &Known, public_url: &str) -> SecurityCard {
    let shown = security::Shown {
        id: known.advertiser.id,
        advertiser: &known.advertiser.value,
        own: &known.credentials,
        postback_url: &entities::postback_url(public_url, &known.credentials.key),
        click_id: known.credentials.test_click_id.map(|id| id.to_string()),
    };
    SecurityCard::new(desk, &shown)
}

fn test_click_box(known: &Known) -> CodeBox {
    let id = known.credentials.test_click_id;
    let label = "Permanent test click id, for tests from their server";
    match id {
        Some(id) => CodeBox {
            hint: "What is sent with it is test data and never counted.".to_owned(),
            ..CodeBox::url(label, &id.to_string())
        },
        None => CodeBox {
            hint: "\"Send test postback\" makes a test click, whose id their server may use then.".to_owned(),
            ..CodeBox::url("", "No test click id yet")
        },
    }
}

/// The latest postbacks as a log.
fn received(desk: &Desk, postbacks: &[StoredPostback]) -> Table {
    let row = |postback: &StoredPostback| {
        let value = &postback.value;
        let time = desk.zone.local(value.received_at_ms).format("%-d %b %H:%M:%S").to_string();
        let mut verdict = Cell::pill(Pill::verdict(value.code.result().as_str()));
        let notes = [(value.is_pixel(), "pixel"), (value.is_test, "test")];
        let notes: Vec<&str> = notes.iter().filter_map(|(is_so, note)| is_so.then_some(*note)).collect();
        verdict.note = notes.join(", ");
        let click = value.click_id.map_or_else(
            || Cell::text("–"),
            |id| {
                let text = id.to_string();
                Cell { is_code: true, ..Cell::link(&text, &format!("/clicks/{text}")) }
            },
        );
        let cells = vec![
            Cell::link(&time, &format!("/postbacks/{}", postback.id)),
            verdict,
            Cell::text(&unticked(&value.message)),
            click,
        ];
        Row { cells }
    };
    let message = Column { is_wide: true, ..Column::text("What was said") };
    Table {
        caption: "Postbacks received".to_owned(),
        columns: vec![Column::text("Received"), Column::text("Verdict"), message, Column::text("Click")],
        totals: None,
        rows: postbacks.iter().map(row).collect(),
        empty: Empty {
            title: "Nothing received yet".to_owned(),
            text: "Paste the postback URL into the advertiser's panel, or send a test postback.".to_owned(),
            action: None,
        },
        shape: Shape::Log,
    }
}
