//! What a reconciliation found: the days, the lists, and the repair of rows.

use super::sides::{self, done};
use super::{FoundPage, PATH, RepairForm};
use crate::conversions::reconcile::{Asked, REPAIRED_MAX};
use crate::db;
use crate::db::reconciliation_rows::{self as list_rows, ListRow};
use crate::db::reconciliations::Reconciliation;
use crate::db::search::{PAGE_MAX, PAGE_SIZE};
use crate::domain::input::FieldErrors;
use crate::domain::money::{Currency, Money};
use crate::domain::reconcile::{DayFigures, List, totals};
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::{Field, Select};
use crate::pages::layout::{Nav, Notice};
use crate::pages::log::Names;
use crate::pages::parts::{Empty, Link, Tone};
use crate::pages::tables::{Cell, Column, Pager, Row, Shape, Table};
use crate::pages::typed::{Typed, mistakes, number};
use crate::pages::words::{MoneyWords, NONE, count, counted, moment, signed_percent};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What may become of conversions that only we have.
const TAKEN_BACK: [(&str, &str); 3] =
    [("", "Choose one"), ("rejected", "Rejected: never earned"), ("reversed", "Reversed: taken back")];

/// What a page needs of the database.
struct Found {
    one: Reconciliation,
    counts: BTreeMap<List, (i64, i64)>,
    rows: Vec<ListRow>,
    advertiser: String,
}

async fn found(app: &web::Data<App>, id: i64, list: Option<List>, page: i64) -> Result<Found, Error> {
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let Some(one) = done(conn, id)? else { return Ok(None) };
            let counts = list_rows::counts(conn, id)?;
            let part = (PAGE_SIZE, (page - 1) * PAGE_SIZE);
            let rows = match list {
                Some(list) => list_rows::list(conn, (id, list), part)?,
                None => Vec::new(),
            };
            let advertiser = Names::read(conn)?.advertiser(Some(one.value.advertiser_id));
            Ok::<_, db::Error>(Some(Found { one, counts, rows, advertiser }))
        })
    });
    found.await?.ok_or(Error::NotFound)
}

/// `GET /reconcile/{id}`
pub(super) async fn show(
    who: SignedIn,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let asked = Typed::parse(request.query_string().as_bytes());
    let list = List::parse(asked.get("list"));
    let page = asked.get("page").parse().unwrap_or(1).clamp(1, PAGE_MAX);
    let found = found(&app, number(&id)?, list, page).await?;
    let desk = Desk::open(&app, who).await?;
    let mut drawn = draw(&desk, &found, list, page);
    drawn.chrome.notice = notice(&asked);
    page_with(StatusCode::OK, &drawn)
}

/// `POST /reconcile/{id}`: repairs the rows that are ticked, or the whole list.
pub(super) async fn repair(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let list = List::parse(typed.get("list")).ok_or(Error::NotFound)?;
    let user_id = who.0.user.id;
    let repaired = match asked(&typed, list) {
        Ok(asked) => {
            blocking(move || tracker.postbacks.repair(id, &asked, user_id).map_err(Error::from)).await
        }
        Err(errors) => Err(errors.into()),
    };
    let error = match repaired {
        Ok(repaired) => {
            let (done, left) = (repaired.done(), repaired.marks.len() - repaired.done());
            let more = if repaired.has_more { "&more=1" } else { "" };
            return Ok(see_other(&format!("{PATH}/{id}?list={list}&repaired={done}&left={left}{more}")));
        }
        Err(error) => error,
    };
    let (status, errors) = mistakes(error)?;
    let found = found(&app, id, Some(list), 1).await?;
    let desk = Desk::open(&app, who.0).await?;
    let mut drawn = draw(&desk, &found, Some(list), 1);
    if let Some(form) = &mut drawn.repair {
        form.why = Field::wrong(typed.get("why"), errors.message("why").unwrap_or_default());
        if let Some(select) = &mut form.status {
            *select = Select::new(&TAKEN_BACK, typed.get("status"));
            select.error = errors.message("status").unwrap_or_default().to_owned();
        }
    }
    let said = errors.0.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join(". ");
    drawn.chrome.notice =
        Some(Notice { text: format!("Nothing was repaired. {said}."), is_error: true, undo: None });
    page_with(status, &drawn)
}

fn asked(typed: &Typed, list: List) -> Result<Asked, FieldErrors> {
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    if typed.get("scope") == "list" {
        fields.insert("list".to_owned(), json!(list));
    } else {
        let ids: Vec<i64> = typed.all("id").filter_map(|id| id.parse().ok()).take(REPAIRED_MAX).collect();
        if ids.is_empty() {
            return Err(FieldErrors::one("rows", "Tick the rows to repair first"));
        }
        fields.insert("rows".to_owned(), json!(ids));
    }
    for name in ["status", "why"] {
        fields.insert(name.to_owned(), json!(typed.get(name)));
    }
    Asked::read(&fields)
}

/// What is said after a repair.
fn notice(asked: &Typed) -> Option<Notice> {
    let done: i64 = asked.get("repaired").parse().ok()?;
    let left: i64 = asked.get("left").parse().unwrap_or(0);
    let mut text = format!("{} repaired.", counted(done, "row is", "rows are"));
    if left > 0 {
        text.push_str(&format!(" {} as they were: each says why.", counted(left, "stays", "stay")));
    }
    if asked.get("more") == "1" {
        text.push_str(" The list has more than one repair takes: repair the rest of it again.");
    }
    Some(Notice { text, is_error: done == 0 && left > 0, undo: None })
}

fn draw(desk: &Desk, found: &Found, list: Option<List>, page: i64) -> FoundPage {
    let (one, span) = (&found.one, found.one.value.span);
    let href = |list: Option<List>| match list {
        Some(list) => format!("{PATH}/{}?list={list}", one.id),
        None => format!("{PATH}/{}", one.id),
    };
    let count_of = |list: List| found.counts.get(&list).copied().unwrap_or_default();
    let tab = |of: Option<List>| {
        let label = of
            .map_or_else(|| "By day".to_owned(), |of| format!("{} ({})", of.label(), count(count_of(of).0)));
        Link { current: of == list, ..Link::new(&label, &href(of)) }
    };
    let is_shown = |of: &List| of.is_difference() || count_of(*of).0 > 0;
    let lists = List::ALL.iter().copied().filter(is_shown).map(Some);
    let mut chrome = desk.chrome(&format!("Reconciliation {}", one.id), Nav::Reconcile);
    chrome.parent = Some(Link::new("Reconcile", PATH));
    chrome.tabs = std::iter::once(None).chain(lists).map(tab).collect();
    let total = list.map_or(0, |list| count_of(list).0);
    let shown = i64::try_from(found.rows.len()).unwrap_or(0);
    let to_page = |page: i64| format!("{}&page={page}", href(list));
    FoundPage {
        chrome,
        summary: summary(desk, found),
        lead: lead(list).to_owned(),
        table: list.map_or_else(|| days(one), |list| sides::table(&found.rows, list, span.zone, desk.now_ms)),
        pager: Pager {
            note: if list.is_some() && total > 0 { counted(total, "row", "rows") } else { String::new() },
            previous: if list.is_some() && page > 1 { to_page(page - 1) } else { String::new() },
            next: if (page - 1) * PAGE_SIZE + shown < total { to_page(page + 1) } else { String::new() },
        },
        csv: list.map_or_else(String::new, |list| format!("{PATH}/{}/csv?list={list}", one.id)),
        repair: list.and_then(|list| form(one.id, list, count_of(list))),
    }
}

fn form(id: i64, list: List, (all, repaired): (i64, i64)) -> Option<RepairForm> {
    let open = all - repaired;
    (list.is_repairable() && open > 0).then(|| RepairForm {
        action: format!("{PATH}/{id}"),
        list: list.as_str(),
        status: (list == List::OnlyOurs).then(|| Select::new(&TAKEN_BACK, "")),
        why: Field::default(),
        all: format!("Repair all {}", count(open)),
    })
}

fn summary(desk: &Desk, found: &Found) -> String {
    let (value, standings) = (&found.one.value, &found.one.standings);
    let name = if value.file_name.is_empty() { "pasted rows" } else { &value.file_name };
    let outside = match standings.outside {
        0 => String::new(),
        many => format!(" {} of other days were left out.", counted(many, "row", "rows")),
    };
    format!(
        "{}, {} to {} ({}), {name}, made {}: {} of theirs, {} of ours, {} belong together.{outside}",
        found.advertiser,
        value.span.from,
        value.span.to,
        value.span.zone.name(),
        moment(desk.zone, found.one.created_at_ms, desk.now_ms),
        counted(standings.theirs, "row", "rows"),
        counted(standings.ours, "conversion", "conversions"),
        count(standings.matched),
    )
}

const fn lead(list: Option<List>) -> &'static str {
    match list {
        None => {
            "Approved and pending of both sides, as it was when this was made. What was declined or taken back is no money on \
             either side and stands in the lists alone."
        }
        Some(List::OnlyOurs) => {
            "Our conversions, approved or pending, which no row of theirs is about. A repair rejects or reverses them."
        }
        Some(List::OnlyTheirs) => {
            "Their rows, which no conversion of ours is about. A repair records them by the checks of an import; those it \
             cannot record say why."
        }
        Some(List::StatusDiffers) => "A repair gives our conversion the status that they say.",
        Some(List::AmountDiffers) => {
            "A repair gives our conversion the amount that they say, where both are in one currency."
        }
        Some(List::DayDiffers) => {
            "The time of a conversion stays as it was recorded: reports of closed days would change without a word. Check the \
             time zone of their file first."
        }
        Some(List::Repeated) => "Rows that say again what an earlier row says. They were left out.",
        Some(List::Unreadable) => {
            "Rows, or parts of them, that cannot be read. Mend them in the file and reconcile again."
        }
    }
}

fn days(one: &Reconciliation) -> Table {
    let (figure, text) = (Column::figure, Column::text);
    let line = |name: &str, currency: Currency, figures: &DayFigures| {
        let money = MoneyWords::new(currency);
        let (more, owed) = (figures.count_difference(), figures.amount_difference());
        let tone = |differs: bool| if differs { Tone::Warn } else { Tone::Plain };
        Row {
            cells: vec![
                Cell::text(name),
                Cell::text(currency.as_str()),
                Cell::text(&count(figures.ours)),
                Cell::text(&count(figures.theirs)),
                Cell::tone(&count(more), tone(more != 0)),
                Cell::text(&signed_percent(figures.count_ratio(), 2)),
                Cell::text(&money.exact(Money::from_micros(figures.ours_micros))),
                Cell::text(&money.exact(Money::from_micros(figures.theirs_micros))),
                Cell::tone(&money.signed(owed), tone(owed != Money::ZERO)),
                Cell::text(&signed_percent(figures.amount_ratio(), 2)),
            ],
        }
    };
    let days = &one.standings.days;
    let of_day = days.iter().map(|day| {
        let name = day.day.map_or_else(|| NONE.to_owned(), |day| day.to_string());
        line(&name, day.currency, &day.figures)
    });
    let sums = totals(days);
    let sums = sums.iter().map(|(currency, figures)| line("All days", *currency, figures));
    Table {
        caption: "Both sides by day".to_owned(),
        columns: vec![
            text("Day"),
            text("Currency"),
            figure("Ours", "Our conversions, approved or pending"),
            figure("Theirs", "Their rows, approved or pending"),
            figure("Difference", "Theirs less ours"),
            figure("%", "The difference as a share of ours"),
            figure("Our amount", "What they earned in their own currency"),
            figure("Their amount", "What their rows say"),
            figure("Difference", "Theirs less ours"),
            figure("%", "The difference as a share of ours"),
        ],
        totals: None,
        rows: sums.chain(of_day).collect(),
        empty: Empty {
            title: "Nothing on these days".to_owned(),
            text: "Neither side has anything that is approved or pending.".to_owned(),
            action: None,
        },
        shape: Shape::Report,
    }
}
