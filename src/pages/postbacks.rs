//! `/postbacks`: every postback received, and one with its raw request and its verdict.

use askama::Template;

mod chosen;
mod replaying;
mod sent_on;

use super::click_story::{code, fact, group, link, plain, raw, ticked, unticked};
use super::clicks::story_zone;
use super::dashboard_parts::code_words;
use super::desk::{Desk, page};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{CodeBox, Fact, FactGroup, Link, Moment, Piece, Pill, Steps, Tone};
use super::tables::{Cell, Column, FilterSelect, Filters, Listing, Row, Shape, Table};
use super::view::{Defaults, View, choice};
use super::words::{NONE, count, moment, shortened};
use super::{Answer, checks, log};
use crate::conversions::may_replay;
use crate::db;
use crate::db::forwards;
use crate::db::judged_again::{self, Replay};
use crate::db::postbacks::{self, NewPostback, PostbackQuery, StoredPostback, Uncounted};
use crate::db::search::PAGE_SIZE;
use crate::domain::click_id::ClickId;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::{App, Error, SignedIn, reading};
use crate::reports::{Preset, TimeZone};
use actix_web::{HttpRequest, web};

/// The log of postbacks received.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "postbacks/list.html")]
pub struct PostbacksPage {
    /// The frame, with range and zone.
    pub chrome: Chrome,
    /// Search, filters, the log.
    pub listing: Listing,
    /// Whether something that is shown may be run again.
    pub has_uncounted: bool,
    /// What is shown, as the form carries it that runs all of it again.
    pub shown: String,
}

/// One postback.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "postbacks/show.html")]
pub struct PostbackPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its result.
    pub result: Pill,
    /// Its code.
    pub code: String,
    /// One sentence that says what it means and what to change; marked pieces are set as code.
    pub meaning: Vec<Piece>,
    /// The checks in their order.
    pub steps: Steps,
    /// The request as it came: line, headers kept, body.
    pub raw: CodeBox,
    /// The answer that was given.
    pub answer: CodeBox,
    /// Facts in groups.
    pub groups: Vec<FactGroup>,
    /// What people had run again, and what it said before.
    pub runs: Vec<Moment>,
    /// Its number, where it may be run again. Empty where its verdict stands.
    pub replay_id: String,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/postbacks", web::get().to(list))
        .route("/postbacks/replay", web::post().to(replaying::replay))
        .route("/postbacks/{id}", web::get().to(show));
}

/// Characters of a request that the log shows.
const REQUEST_CHARS_MAX: usize = 34;

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let defaults = Defaults { preset: Preset::Last7Days, ..Defaults::default() };
    let mut view = View::read(&desk, "/postbacks", request.query_string(), defaults)?;
    let advertiser = view.take_id("advertiser");
    let (result, code) = (view.take("result", PostbackResult::parse), view.take("code", Code::parse));
    let click_id = ClickId::parse(view.own("q"));
    // While only tests have come, what a network sent amiss is just what one looks for here.
    let is_test = (!desk.shows_test()).then(|| log::is_test(&desk, &view));
    let query = match click_id {
        Some(_) => {
            PostbackQuery { click_id, limit: PAGE_SIZE, offset: view.offset(), ..PostbackQuery::default() }
        }
        None => PostbackQuery {
            from_ms: Some(view.period.from_ms()),
            to_ms: Some(view.period.to_ms()),
            advertiser_id: advertiser,
            result: result.map(|result| result.as_str().to_owned()),
            code: code.map(|code| code.as_str().to_owned()),
            q: view.own("q").to_owned(),
            is_test,
            offset: view.offset(),
            limit: PAGE_SIZE,
            ..PostbackQuery::default()
        },
    };
    let shown = chosen::shown(&query);
    let (from_ms, to_ms) = (view.period.from_ms(), view.period.to_ms());
    let found = reading(&app, move |app| {
        app.db.read(|conn| {
            let is_test = is_test.unwrap_or(false);
            let accepted = postbacks::count_accepted(conn, from_ms, to_ms, is_test, advertiser)?;
            let counts = Counts { accepted, others: postbacks::uncounted(conn, from_ms, to_ms, is_test)? };
            Ok::<_, db::Error>((postbacks::list(conn, &query)?, counts, Names::read(conn)?))
        })
    });
    let (listed, counts, names) = found.await?;
    let table = Table {
        caption: "Postbacks received, newest first".to_owned(),
        columns: columns(),
        totals: None,
        rows: listed.items.iter().map(|one| row(&view, &desk, &names, one)).collect(),
        empty: log::empty(
            &view,
            "No postbacks here",
            "An advertiser's page has the address and the template that they paste on their side.",
        ),
        shape: Shape::Log,
    };
    let pager = log::pager(&view, listed.total, listed.items.len(), ("postback", "postbacks"));
    let filters = filters(&view, &desk, &names, (advertiser, code), &counts);
    let notice = replaying::notice(request.query_string());
    let chrome = view.dress(Chrome { notice, ..desk.chrome("Postbacks", Nav::Postbacks) });
    let has_uncounted = listed.items.iter().any(|one| may_replay(one.value.code));
    page(&PostbacksPage { chrome, listing: Listing { filters, table, pager }, has_uncounted, shown })
}

/// How many came in the range, whatever is searched for.
struct Counts {
    accepted: i64,
    others: Vec<Uncounted>,
}

fn filters(
    view: &View,
    desk: &Desk,
    names: &Names,
    (advertiser, code): (Option<i64>, Option<Code>),
    counts: &Counts,
) -> Filters {
    let results = [
        ("", "All"),
        ("accepted", "Accepted"),
        ("duplicate", "Duplicate"),
        ("parked", "Parked"),
        ("refused", "Refused"),
    ];
    let mut codes = vec![choice("", "All", code.is_none())];
    codes.extend(Code::ALL.iter().map(|one| choice(one.as_str(), one.as_str(), code == Some(*one))));
    let counted = |result: PostbackResult| {
        let of = counts.others.iter().filter(|one| {
            one.code.result() == result && (advertiser.is_none() || one.advertiser_id == advertiser)
        });
        let others: i64 = of.map(|one| one.count).sum();
        let total = if result == PostbackResult::Accepted { counts.accepted } else { others };
        let tone = if result == PostbackResult::Refused && total > 0 { Tone::Loss } else { Tone::Plain };
        Pill { text: format!("{} {}", count(total), result.as_str()), tone }
    };
    Filters {
        numbers: Vec::new(),
        action: "/postbacks".to_owned(),
        query: view.own("q").to_owned(),
        placeholder: "Click id, transaction, address".to_owned(),
        segments: vec![view.segments("result", "Result", &results)],
        selects: vec![
            FilterSelect { name: "code".to_owned(), label: "Code".to_owned(), options: codes },
            names.advertiser_filter(advertiser),
        ],
        switches: log::test_switch(desk, view),
        hidden: view.hidden(&["q", "result", "code", "advertiser", "test"]),
        counts: [PostbackResult::Accepted, PostbackResult::Parked, PostbackResult::Refused]
            .map(counted)
            .into(),
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("Time"),
        Column::text("Result"),
        Column::text("Code"),
        Column::text("Advertiser"),
        Column::text("Request"),
        Column { is_wide: true, ..Column::text("What it means") },
        Column::text("Click"),
    ]
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c })
        .collect()
}

/// The request in one line.
fn request_line(value: &NewPostback) -> String {
    let (query, body) = (text_of(&value.raw_query), text_of(&value.raw_body));
    match (query.is_empty(), body.is_empty()) {
        (false, true) => query,
        (true, false) => body,
        (false, false) => format!("{query} {body}"),
        (true, true) => NONE.to_owned(),
    }
}

fn row(view: &View, desk: &Desk, names: &Names, one: &StoredPostback) -> Row {
    let value = &one.value;
    let mut pills = vec![Pill::verdict(value.code.result().as_str())];
    if let Some(way) = value.came_by() {
        pills.push(Pill { text: way.to_owned(), tone: Tone::Quiet });
    }
    if value.is_test {
        pills.push(Pill { text: "test".to_owned(), tone: Tone::Quiet });
    }
    let advertiser = names.advertiser(value.advertiser_id);
    let click =
        value.click_id.map(|id| Cell { href: format!("/clicks/{id}"), ..Cell::code(&log::id_end(id)) });
    let means = if value.message.is_empty() { code_words(value.code) } else { &value.message };
    Row {
        cells: vec![
            Cell {
                pick: if may_replay(value.code) { one.id.to_string() } else { String::new() },
                ..Cell::link(
                    &moment(view.zone(), value.received_at_ms, desk.now_ms),
                    &format!("/postbacks/{}", one.id),
                )
            },
            Cell { pills, ..Cell::default() },
            Cell::code(value.code.as_str()),
            Cell::text(if advertiser.is_empty() { NONE } else { &advertiser }),
            Cell::code(&shortened(&request_line(value), REQUEST_CHARS_MAX)),
            Cell::text(&unticked(means)),
            click.unwrap_or_else(|| Cell::text(NONE)),
        ],
    }
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest, id: web::Path<String>) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let id: i64 = id.parse().map_err(|_no_number| Error::NotFound)?;
    let zone = story_zone(&desk, &request);
    let found = reading(&app, move |app| {
        app.db.read(|conn| {
            let replays = judged_again::replays_of(conn, id)?;
            let forward = forwards::of_postback(conn, id)?;
            Ok::<_, db::Error>((postbacks::find(conn, id)?, replays, forward, Names::read(conn)?))
        })
    });
    let (postback, replays, forward, names) = found.await?;
    let postback = postback.ok_or(Error::NotFound)?;
    let value = &postback.value;
    let mut chrome = desk.chrome(&format!("Postback {id}"), Nav::Postbacks);
    chrome.parent = Some(Link::new("Postbacks", "/postbacks"));
    chrome.notice = replaying::notice(request.query_string());
    let meaning = if value.message.is_empty() { code_words(value.code) } else { &value.message };
    page(&PostbackPage {
        chrome,
        result: Pill::verdict(value.code.result().as_str()),
        code: value.code.as_str().to_owned(),
        meaning: ticked(meaning),
        steps: checks::steps(value),
        raw: raw_box(value),
        answer: answer_box(&postback),
        groups: groups(&postback, &names, (zone, desk.now_ms))
            .into_iter()
            .chain(forward.map(|forward| sent_on::group_of(&forward, (zone, desk.now_ms))))
            .collect(),
        runs: replays.iter().map(|(replay, who)| run(replay, who, (zone, desk.now_ms))).collect(),
        replay_id: if may_replay(value.code) { id.to_string() } else { String::new() },
    })
}

/// A run that somebody asked for: who, why, and what the postback was told before.
fn run(replay: &Replay, who: &str, (zone, now_ms): (TimeZone, i64)) -> Moment {
    let result = Code::parse(&replay.code_after).map_or("", |code| code.result().as_str());
    let mut detail = vec![code(&replay.code_before), plain(" → "), code(&replay.code_after)];
    if !replay.why.is_empty() {
        detail.push(plain(&format!(" · {}", replay.why)));
    }
    detail.push(plain(". Before it said: "));
    detail.extend(ticked(&replay.message_before));
    Moment {
        time: moment(zone, replay.at_ms, now_ms),
        title: if replay.is_release { format!("Released by {who}") } else { format!("Run again by {who}") },
        pill: Some(Pill::verdict(result)),
        detail,
        ..Moment::default()
    }
}

fn raw_box(value: &NewPostback) -> CodeBox {
    let query = text_of(&value.raw_query);
    let mark = if query.is_empty() { "" } else { "?" };
    let address = if value.came_by().is_some() { "…" } else { "/postback/…" };
    let mut text = format!("{} {address}{mark}{query}", value.method);
    if let Some(kind) = &value.content_type {
        text.push_str(&format!("\nContent-Type: {kind}"));
    }
    if !value.raw_body.is_empty() {
        text.push_str(&format!("\n\n{}", text_of(&value.raw_body)));
    }
    CodeBox {
        label: "The request as it came".to_owned(),
        pieces: vec![plain(&text)],
        copy: text,
        hint: String::new(),
    }
}

fn answer_box(postback: &StoredPostback) -> CodeBox {
    let value = &postback.value;
    let answer = serde_json::json!({
        "result": value.code.result(),
        "code": value.code,
        "message": value.message,
        "conversion_id": value.conversion_id,
        "click_id": value.click_id.map(|id| id.to_string()),
    });
    let text = serde_json::to_string_pretty(&answer).unwrap_or_default();
    let hint = match postback.settled_at_ms {
        Some(_) => "It was refused or parked at first, and judged again since.",
        None if value.code == Code::ParkedNoRate => {
            "It waits for an exchange rate and is judged again when one is added under Settings, Rates."
        }
        None if value.is_waiting => "It waits for its click and is judged again when that comes.",
        None => "",
    };
    CodeBox {
        label: format!("The verdict, HTTP {}", value.code.http_status()),
        pieces: vec![plain(&text)],
        copy: text,
        hint: hint.to_owned(),
    }
}

fn groups(postback: &StoredPostback, names: &Names, (zone, now_ms): (TimeZone, i64)) -> Vec<FactGroup> {
    let value = &postback.value;
    let advertiser = names.advertiser(value.advertiser_id);
    let whose = match value.advertiser_id {
        Some(id) => link("Advertiser", &advertiser, &format!("/advertisers/{id}")),
        None => fact("Advertiser", ""),
    };
    let click = match value.click_id {
        Some(id) => Fact { is_code: true, ..link("Click", &id.to_string(), &format!("/clicks/{id}")) },
        None => fact("Click", ""),
    };
    let conversion = match value.conversion_id {
        Some(id) => link("Conversion", &id.to_string(), &format!("/conversions/{id}")),
        None => fact("Conversion", ""),
    };
    let settled = postback.settled_at_ms.map(|at| moment(zone, at, now_ms)).unwrap_or_default();
    let mut groups = vec![
        group(
            "Received",
            vec![
                fact("Time", &format!("{} {}", moment(zone, value.received_at_ms, now_ms), zone.name())),
                whose,
                raw("From", &value.address),
                fact("Method", &value.method),
                fact("Settled", &settled),
                fact("Test", if value.is_test { "yes" } else { "no" }),
            ],
        ),
        group(
            "What it is about",
            vec![
                click,
                conversion,
                raw("Event", value.event.as_deref().unwrap_or("")),
                raw("Transaction", value.txid.as_deref().unwrap_or("")),
            ],
        ),
    ];
    let params: Vec<Fact> = url::form_urlencoded::parse(&value.raw_query)
        .take(PARAMS_SHOWN_MAX)
        .map(|(name, value)| raw(&name, &value))
        .collect();
    if !params.is_empty() {
        groups.push(group("Parameters, decoded", params));
    }
    groups
}

/// Parameters shown beside a request; the request itself has them all.
const PARAMS_SHOWN_MAX: usize = 40;
