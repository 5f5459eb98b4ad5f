//! The reconciliations made so far, and the form for a new one.

use super::{PATH, ReconcilePage};
use crate::conversions::reconcile::ReportAsked;
use crate::db;
use crate::db::reconciliation_rows as list_rows;
use crate::db::reconciliations::{self, Reconciliation};
use crate::db::search::{PAGE_MAX, PAGE_SIZE};
use crate::db::{choices, search::Listed};
use crate::domain::input::FieldErrors;
use crate::domain::reconcile::List;
use crate::domain::sheet::{FILE_BYTES_MAX, ROWS_MAX};
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, read_upload, reading};
use crate::pages::Answer;
use crate::pages::choosing;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::Field;
use crate::pages::layout::Nav;
use crate::pages::log::Names;
use crate::pages::parts::Empty;
use crate::pages::tables::{Cell, Column, Pager, Row, Shape, Table};
use crate::pages::typed::{Marked, Typed, mistakes};
use crate::pages::words::{count, counted, moment};
use crate::reports::{Period, Preset, TimeZone};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// `GET /reconcile`
pub(super) async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let asked = Typed::parse(request.query_string().as_bytes());
    let page = asked.get("page").parse().unwrap_or(1).clamp(1, PAGE_MAX);
    let last_month = Period::preset(Preset::LastMonth, desk.zone, desk.now_ms).ok();
    let days = last_month.and_then(|period| period.whole_days());
    let day = |of: fn((chrono::NaiveDate, chrono::NaiveDate)) -> chrono::NaiveDate| {
        days.map_or_else(String::new, |days| of(days).to_string())
    };
    let typed = Typed::of([
        ("advertiser_id", asked.get("advertiser").to_owned()),
        ("from", day(|days| days.0)),
        ("to", day(|days| days.1)),
        ("time_zone", desk.zone.name().to_owned()),
    ]);
    let drawn = draw(&app, &desk, (&typed, &FieldErrors::default()), page).await?;
    page_with(StatusCode::OK, &drawn)
}

/// `POST /reconcile`: keeps the report and goes on to its columns.
pub(super) async fn create(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let sent = read_upload(&request, payload).await?;
    let mut typed = Typed::default();
    for (name, value) in &sent.fields {
        typed.push(name.clone(), value.as_str());
    }
    typed.push("pasted".to_owned(), sent.pasted_back());
    let user_id = who.0.user.id;
    let kept = blocking(move || {
        let asked = ReportAsked::read(sent.fields.into_iter()).map_err(Error::from)?;
        let file = (sent.file_name.as_str(), sent.file.as_slice());
        tracker.postbacks.draft_report(&asked, file, user_id).map_err(Error::from)
    });
    match kept.await {
        Ok(id) => Ok(see_other(&format!("{PATH}/{id}/columns"))),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            let desk = Desk::open(&app, who.0).await?;
            page_with(status, &draw(&app, &desk, (&typed, &errors), 1).await?)
        }
    }
}

/// One that was made, with its counts.
type Made = (Reconciliation, i64, i64);

async fn draw(
    app: &web::Data<App>,
    desk: &Desk,
    (typed, errors): (&Typed, &FieldErrors),
    page: i64,
) -> Result<ReconcilePage, Error> {
    let rows_max = choosing::rows_max(1);
    let part = (PAGE_SIZE, (page - 1) * PAGE_SIZE);
    let chosen: Vec<i64> = typed.get("advertiser_id").parse().ok().into_iter().collect();
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let Listed { items, total } = reconciliations::list(conn, part)?;
            let mut made: Vec<Made> = Vec::new();
            for one in items {
                let counts = list_rows::counts(conn, one.id)?;
                let differing = || counts.iter().filter(|(list, _)| List::is_difference(**list));
                let all = differing().map(|(_, (all, _))| all).sum();
                made.push((one, all, differing().map(|(_, (_, repaired))| repaired).sum()));
            }
            let advertisers = choices::advertisers(conn, rows_max, &chosen)?;
            Ok::<_, db::Error>((made, total, advertisers, Names::read(conn)?))
        })
    });
    let (made, total, advertisers, names) = found.await?;
    let form = Marked { typed, errors };
    let options = choosing::choices("Choose one", &advertisers, |_| None);
    let shown = i64::try_from(made.len()).unwrap_or(0);
    let to_page = |page: i64| format!("{PATH}?page={page}");
    Ok(ReconcilePage {
        chrome: desk.chrome("Reconcile", Nav::Reconcile),
        advertiser: form.choose("advertiser_id", &options),
        cut: choosing::cut(&[("advertisers", &advertisers)], rows_max),
        from: form.field("from"),
        to: form.field("to"),
        zone: form.field("time_zone"),
        zones: TimeZone::names().collect(),
        file_error: form.error("file"),
        pasted: Field::new(typed.get("pasted")),
        limits: format!(
            "CSV with a header, at most {} rows and {} MiB.",
            count(i64::try_from(ROWS_MAX).unwrap_or(i64::MAX)),
            FILE_BYTES_MAX / 1_024 / 1_024
        ),
        made: table(desk, &names, &made),
        pager: Pager {
            note: if shown == 0 {
                String::new()
            } else {
                counted(total, "reconciliation", "reconciliations")
            },
            previous: if page > 1 { to_page(page - 1) } else { String::new() },
            next: if part.1 + shown < total { to_page(page + 1) } else { String::new() },
        },
    })
}

fn table(desk: &Desk, names: &Names, made: &[Made]) -> Table {
    let row = |(one, differing, repaired): &Made| {
        let (value, span) = (&one.value, one.value.span);
        let name = if value.file_name.is_empty() { "pasted" } else { &value.file_name };
        Row {
            cells: vec![
                Cell::link(
                    &format!("{}, {} to {}", names.advertiser(Some(value.advertiser_id)), span.from, span.to),
                    &format!("{PATH}/{}", one.id),
                ),
                Cell::text(name),
                Cell::text(&moment(desk.zone, one.created_at_ms, desk.now_ms)),
                Cell::text(&count(one.standings.theirs)),
                Cell::text(&count(one.standings.ours)),
                Cell::text(&count(*differing)),
                Cell::text(&count(*repaired)),
            ],
        }
    };
    Table {
        caption: "Reconciliations, newest first".to_owned(),
        columns: vec![
            Column::text("Report"),
            Column::text("File"),
            Column::text("Made"),
            Column::figure("Theirs", "Rows of their file"),
            Column::figure("Ours", "Our conversions of the days"),
            Column::figure("Differences", "Rows of the five lists"),
            Column::figure("Repaired", "Rows that were repaired since"),
        ],
        totals: None,
        rows: made.iter().map(row).collect(),
        empty: Empty {
            title: "Nothing compared yet".to_owned(),
            text: "Export the conversions of a month from the network's panel and send the file above: rows are matched by \
                   transaction, then by click id, and what differs can be repaired."
                .to_owned(),
            action: None,
        },
        shape: Shape::List,
    }
}
