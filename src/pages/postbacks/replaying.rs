//! Postbacks run again: first what would become of each, then the run.

use askama::Template;

use super::chosen::Chosen;
use super::request_line;
use crate::conversions::{REPLAYED_MAX, Released, ReplayOrder, ReplayOutcome, Replayed, replay_totals};
use crate::db;
use crate::db::conversions::Conversion;
use crate::db::judged_again;
use crate::db::postbacks::StoredPostback;
use crate::db::{AnyConnection, conversions};
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::{App, Error, PageWrite, Tracker, blocking, reading};
use crate::pages::Answer;
use crate::pages::click_story::unticked;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::{Field, Select};
use crate::pages::layout::{Chrome, Nav, Notice};
use crate::pages::log::Names;
use crate::pages::parts::{Empty, Hidden, Link, Pill};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Marked, Typed};
use crate::pages::words::{NONE, count, counted, moment, shortened};
use actix_web::http::StatusCode;
use actix_web::web;
use std::collections::HashMap;

/// Postbacks that the page lists; the totals above them are of all.
const ROWS_SHOWN: usize = 200;

/// Characters of a request that the page shows.
const REQUEST_CHARS_MAX: usize = 34;

/// What would become of postbacks, and what may be done about it.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "postbacks/replay.html")]
pub struct ReplayPage {
    /// The frame.
    pub chrome: Chrome,
    /// How many would count now, in one sentence.
    pub summary: String,
    /// What cannot be mended here, in one sentence. Empty for nothing.
    pub hopeless: String,
    /// How many go from which verdict to which.
    pub totals: Table,
    /// Each of them, as far as they are shown.
    pub rows: Table,
    /// Below the rows, where not all are shown.
    pub note: String,
    /// Which ones, as hidden fields.
    pub hidden: Vec<Hidden>,
    /// Whether parked ones are let pass.
    pub is_release: bool,
    /// Why.
    pub why: Field,
    /// The conversions that may be meant, where one postback is about one of several.
    pub meant: Option<Select>,
    /// Whether there is anything to run.
    pub can_run: bool,
}

/// `POST /postbacks/replay`: a look, or the run where `action` says so.
pub(super) async fn replay(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    typed: Typed,
) -> Answer {
    let Some(chosen) = Chosen::read(&typed) else { return Ok(see_other("/postbacks?replayed=none")) };
    let ids = chosen.ids(&app).await?;
    if ids.len() > REPLAYED_MAX {
        return Ok(see_other("/postbacks?replayed=many"));
    }
    let is_run = typed.get("action") == "run";
    let mut fields = typed.fields(&["release", "why", "conversion_id"]);
    fields.insert("dry_run".to_owned(), (!is_run).into());
    let user_id = who.0.user.id;
    let (order, errors) = match ReplayOrder::read(&fields, ids.len()) {
        Ok(order) => (order, FieldErrors::default()),
        Err(errors) => {
            let released = typed.is_on("release").then(Released::default);
            (ReplayOrder { released, is_dry_run: true, ..ReplayOrder::default() }, errors)
        }
    };
    let (asked, is_dry_run) = (ids.clone(), order.is_dry_run);
    let replayed = blocking(move || tracker.postbacks.replay(&asked, &order, user_id)).await?;
    if !is_dry_run {
        return Ok(see_other(&after(&ids, &replayed)));
    }
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let desk = Desk::open(&app, who.0).await?;
    page_with(
        status,
        &drawn(&app, &desk, &chosen, replayed, Marked { typed: &typed, errors: &errors }).await?,
    )
}

/// Where a run leads: back to the one postback, or to the log, which says how it went.
fn after(ids: &[i64], replayed: &[Replayed]) -> String {
    let run = replayed.iter().filter(|one| matches!(one.outcome, ReplayOutcome::Run { .. })).count();
    let count = counting(replayed);
    match ids {
        [id] => format!("/postbacks/{id}?replayed={count}-{run}"),
        _ => format!("/postbacks?replayed={count}-{run}"),
    }
}

/// How many count now, or say again what counts.
fn counting(replayed: &[Replayed]) -> usize {
    let is_counting = |one: &&Replayed| match &one.outcome {
        ReplayOutcome::Run { verdict, .. } => {
            matches!(verdict.code.result(), PostbackResult::Accepted | PostbackResult::Duplicate)
        }
        ReplayOutcome::Left { .. } | ReplayOutcome::NotFound => false,
    };
    replayed.iter().filter(is_counting).count()
}

/// What is said after a run.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let said = query.split('&').find_map(|pair| pair.strip_prefix("replayed="))?;
    let (text, is_error) = match said {
        "none" => ("Tick the postbacks to run again first.".to_owned(), true),
        "many" => {
            let most = count(i64::try_from(REPLAYED_MAX).unwrap_or(i64::MAX));
            (
                format!("More than {most} postbacks that did not count are shown: choose a shorter range."),
                true,
            )
        }
        figures => {
            let (counting, run) = figures.split_once('-')?;
            let (counting, run): (i64, i64) = (counting.parse().ok()?, run.parse().ok()?);
            (
                format!("Run again: of {} {} now.", counted(run, "postback", "postbacks"), counts(counting)),
                false,
            )
        }
    };
    Some(Notice { text, is_error, undo: None })
}

fn counts(n: i64) -> String {
    match n {
        0 => "none counts".to_owned(),
        1 => "one counts".to_owned(),
        more => format!("{} count", count(more)),
    }
}

/// The page of a look.
async fn drawn(
    app: &web::Data<App>,
    desk: &Desk,
    chosen: &Chosen,
    mut replayed: Vec<Replayed>,
    form: Marked<'_>,
) -> Result<ReplayPage, Error> {
    let totals = replay_totals(&replayed);
    let (counting, hopeless) = (counting(&replayed), hopeless(&replayed));
    let run: usize = totals.iter().map(|(_, count)| count).sum();
    let all = replayed.len();
    replayed.sort_by_key(|one| (order_of(&one.outcome), one.id));
    replayed.truncate(ROWS_SHOWN);
    let ids: Vec<i64> = replayed.iter().map(|one| one.id).collect();
    let (stored, names, meant) = reading(app, move |app| {
        app.db.read(|conn| {
            let stored = judged_again::find_all(conn, &ids)?;
            let meant = meant(conn, &stored)?;
            Ok::<_, db::Error>((stored, Names::read(conn)?, meant))
        })
    })
    .await?;
    let stored: HashMap<i64, StoredPostback> = stored.into_iter().map(|one| (one.id, one)).collect();
    let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mut chrome = desk.chrome("Run again", Nav::Postbacks);
    chrome.parent = Some(Link::new("Postbacks", "/postbacks"));
    Ok(ReplayPage {
        chrome,
        summary: format!(
            "Judged by today's settings, of {} {}. Nothing is kept yet.",
            counted(size(all), "postback", "postbacks"),
            counts(size(counting))
        ),
        hopeless,
        totals: totals_table(&totals),
        rows: Table {
            caption: "What would become of each".to_owned(),
            columns: columns(),
            totals: None,
            rows: replayed.iter().filter_map(|one| row(desk, &names, stored.get(&one.id)?, one)).collect(),
            empty: Empty {
                title: "Nothing to run again".to_owned(),
                text: "Everything that is shown counts already.".to_owned(),
                action: Some(Link::new("Back to the log", "/postbacks")),
            },
            shape: Shape::Log,
        },
        note: if all > ROWS_SHOWN {
            format!("{} shown of {}; the totals are of all", ROWS_SHOWN, count(size(all)))
        } else {
            String::new()
        },
        hidden: chosen.hidden(),
        is_release: form.typed.is_on("release"),
        why: form.field("why"),
        meant: meant.map(|meant| choices(&meant, form)),
        can_run: run > 0,
    })
}

/// What counts first, then what is judged otherwise, then what stays.
fn order_of(outcome: &ReplayOutcome) -> u8 {
    match outcome {
        ReplayOutcome::Run { verdict, .. } if verdict.code.result() == PostbackResult::Accepted => 0,
        ReplayOutcome::Run { before, verdict } if verdict.code != *before => 1,
        ReplayOutcome::Run { .. } => 2,
        ReplayOutcome::Left { .. } | ReplayOutcome::NotFound => 3,
    }
}

/// What no setting mends, since it never arrived.
fn hopeless(replayed: &[Replayed]) -> String {
    let never_came = |one: &&Replayed| match &one.outcome {
        ReplayOutcome::Run { verdict, .. } => {
            matches!(verdict.code, Code::UnresolvedMacro | Code::MissingClickId | Code::Unreadable)
        }
        ReplayOutcome::Left { .. } | ReplayOutcome::NotFound => false,
    };
    let n = i64::try_from(replayed.iter().filter(never_came).count()).unwrap_or(i64::MAX);
    if n == 0 {
        return String::new();
    }
    format!(
        "{} did not bring what is missing (a macro that was not replaced, no click id, a request that cannot be read): running \
         again does not help there. Ask them to send again, or import their file.",
        counted(n, "postback", "postbacks")
    )
}

fn totals_table(totals: &[((Code, Code), usize)]) -> Table {
    let row = |((from, to), n): &((Code, Code), usize)| Row {
        cells: vec![
            Cell::code(from.as_str()),
            Cell { pills: vec![Pill::verdict(to.result().as_str())], ..Cell::code(to.as_str()) },
            Cell::text(&count(i64::try_from(*n).unwrap_or(i64::MAX))),
        ],
    };
    Table {
        caption: "From which verdict to which".to_owned(),
        columns: vec![
            Column::text("Was"),
            Column::text("Becomes"),
            Column::figure("Postbacks", "All of them"),
        ],
        totals: None,
        rows: totals.iter().map(row).collect(),
        empty: Empty {
            title: "None of them is run again".to_owned(),
            text: "They count already, or were refused for who sent them.".to_owned(),
            action: None,
        },
        shape: Shape::List,
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::text("Time"),
        Column::text("Was"),
        Column::text("Becomes"),
        Column::text("Advertiser"),
        Column::text("Request"),
        Column { is_wide: true, ..Column::text("What it means") },
    ]
}

fn row(desk: &Desk, names: &Names, stored: &StoredPostback, one: &Replayed) -> Option<Row> {
    let value = &stored.value;
    let (before, becomes, means) = match &one.outcome {
        ReplayOutcome::NotFound => return None,
        ReplayOutcome::Left { code, why } => (*code, Cell::text("not run"), why),
        ReplayOutcome::Run { before, verdict } => {
            let pills = vec![Pill::verdict(verdict.code.result().as_str())];
            (*before, Cell { pills, ..Cell::code(verdict.code.as_str()) }, &verdict.message)
        }
    };
    let advertiser = names.advertiser(value.advertiser_id);
    Some(Row {
        cells: vec![
            Cell::link(
                &moment(desk.zone, value.received_at_ms, desk.now_ms),
                &format!("/postbacks/{}", stored.id),
            ),
            Cell::code(before.as_str()),
            becomes,
            Cell::text(if advertiser.is_empty() { NONE } else { &advertiser }),
            Cell::code(&shortened(&request_line(value), REQUEST_CHARS_MAX)),
            Cell::text(&unticked(means)),
        ],
    })
}

/// The conversions that one postback may be about, where that is what it was parked for.
fn meant(conn: &mut AnyConnection, stored: &[StoredPostback]) -> db::Result<Option<Vec<Conversion>>> {
    let [only] = stored else { return Ok(None) };
    let value = &only.value;
    let (Code::ParkedAmbiguous, Some(click_id)) = (value.code, value.click_id) else { return Ok(None) };
    let mut all = conversions::of_clicks(conn, &[click_id])?;
    all.retain(|one| {
        Some(one.value.advertiser_id) == value.advertiser_id && Some(&one.value.event) == value.event.as_ref()
    });
    Ok(Some(all))
}

fn choices(meant: &[Conversion], form: Marked<'_>) -> Select {
    let mut pairs = vec![(String::new(), "Choose the one that is meant".to_owned())];
    pairs.extend(meant.iter().map(|one| {
        let value = &one.value;
        let amount = Money::from_micros(value.revenue_original_micros);
        let txid = if value.txid.is_empty() { "no transaction" } else { &value.txid };
        let txid = shortened(txid, REQUEST_CHARS_MAX);
        (one.id.to_string(), format!("{}: {txid}, {amount} {}, {}", one.id, value.currency, value.status))
    }));
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(value, label)| (value.as_str(), label.as_str())).collect();
    form.select("conversion_id", &pairs)
}
