//! `/conversions/imports`: files of conversions, from the upload to the list of what was not counted.

use askama::Template;

mod faults;
mod preview;
mod rows;
mod show;

use super::Answer;
use super::choosing::{self, rows_max};
use super::desk::{Desk, page, page_with, see_other};
use super::forms::{Field, Select};
use super::layout::{Chrome, Nav};
use super::log::Names;
use super::parts::{CodeBox, Empty, Link, Pill, Tone};
use super::tables::{Cell, Column, Row, Shape, Table};
use super::typed::{Marked, Typed, mistakes};
use super::words::{counted, moment};
use crate::conversions::import;
use crate::db;
use crate::db::imports::{self as db_imports, Import, NewImport};
use crate::db::{choices, settings};
use crate::domain::import::{ALL_OR_NOTHING_MAX, ImportMode, ImportState};
use crate::domain::input::FieldErrors;
use crate::domain::sheet::{self, decode};
use crate::domain::zone::TimeZone;
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, Upload, blocking, read_upload, reading};
use actix_web::{HttpRequest, web};

/// Bytes of a file's name that are kept.
const FILE_NAME_BYTES_MAX: usize = 120;

/// Imports that the page shows.
const SHOWN_MAX: i64 = 50;

/// The files that came, and the form for one more.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "imports/list.html")]
pub struct ImportsPage {
    /// The frame.
    pub chrome: Chrome,
    /// Whose conversions they are.
    pub advertiser_id: Select,
    /// What is wrong with the file. Empty for nothing.
    pub file_error: String,
    /// Rows that were pasted.
    pub text: Field,
    /// The files that came before.
    pub imports: Table,
    /// The same from a program.
    pub curl: CodeBox,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/conversions/imports", web::get().to(list))
        .route("/conversions/imports", web::post().to(create))
        .route("/conversions/imports/{id}", web::get().to(show::show))
        .route("/conversions/imports/{id}", web::post().to(show::update))
        .route("/conversions/imports/{id}/faults.csv", web::get().to(faults::download));
}

async fn list(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let typed = Typed::parse(request.query_string().as_bytes());
    let url = app.public_url(&request);
    page(&drawn(&app, &desk, &url, (&typed, &FieldErrors::default())).await?)
}

/// `POST /conversions/imports`: keeps a file as a draft, and leads to it.
async fn create(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let sent = read_upload(&request, payload).await?;
    let user_id = who.0.user.id;
    let typed = Typed::of([
        ("advertiser_id", sent.field("advertiser_id").to_owned()),
        ("pasted", sent.pasted_back()),
    ]);
    let kept = blocking({
        let app = app.clone();
        move || {
            let (new, bytes) = draft(&app, sent, user_id)?;
            Ok::<_, Error>(tracker.postbacks.keep_import(&new, &bytes)?)
        }
    });
    match kept.await {
        Ok(id) => Ok(see_other(&format!("/conversions/imports/{id}"))),
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            let desk = Desk::open(&app, who.0).await?;
            let url = app.public_url(&request);
            page_with(status, &drawn(&app, &desk, &url, (&typed, &errors)).await?)
        }
    }
}

/// A file as it is kept until somebody says how it is to be read.
fn draft(app: &App, sent: Upload, user_id: i64) -> Result<(NewImport, Vec<u8>), Error> {
    let mut errors = FieldErrors::default();
    let advertiser_id = sent.field("advertiser_id").trim().parse().unwrap_or(0);
    if app.catalog.get().advertiser(advertiser_id).is_none() {
        errors.push("advertiser_id", "Choose whose conversions they are");
    }
    let (bytes, field) = (sent.file, if sent.file_name.is_empty() { "pasted" } else { "file" });
    let text = match decode(&bytes) {
        _ if bytes.is_empty() => {
            errors.push("file", "Choose a file, or paste its rows below");
            String::new()
        }
        Ok((text, _)) => text,
        Err(why) => {
            errors.push(field, why.to_string());
            String::new()
        }
    };
    errors.into_result()?;
    let (known, zone) = app.db.read(|conn| {
        let zone = settings::find(conn, settings::TIME_ZONE)?;
        Ok::<_, db::Error>((db_imports::mapping(conn, advertiser_id)?, zone))
    })?;
    let zone = zone.as_deref().and_then(|name| TimeZone::parse(name).ok()).unwrap_or(TimeZone::UTC);
    let plan = import::guess_plan(&text, &known, zone);
    let is_long = text.lines().nth(ALL_OR_NOTHING_MAX + 1).is_some();
    let new = NewImport {
        user_id,
        advertiser_id,
        file_name: sheet::cut(&sent.file_name, FILE_NAME_BYTES_MAX).to_owned(),
        byte_count: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        plan,
        mode: if is_long { ImportMode::GoodRows } else { ImportMode::AllOrNothing },
    };
    Ok((new, bytes))
}

async fn drawn(
    app: &web::Data<App>,
    desk: &Desk,
    url: &str,
    (typed, errors): (&Typed, &FieldErrors),
) -> Result<ImportsPage, Error> {
    let chosen: Vec<i64> = typed.get("advertiser_id").parse().into_iter().collect();
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let advertisers = choices::advertisers(conn, rows_max(1), &chosen)?;
            Ok::<_, db::Error>((advertisers, db_imports::list(conn, SHOWN_MAX)?, Names::read(conn)?))
        })
    });
    let (advertisers, known, names) = found.await?;
    let form = Marked { typed, errors };
    let curl = format!(
        "curl -H 'Authorization: Bearer {{token}}' -H 'Content-Type: text/csv' --data-binary @{{file.csv}} \
         '{url}/api/v1/conversions/import?advertiser_id={{1}}&dry_run=true'"
    );
    Ok(ImportsPage {
        chrome: frame(desk, "Import"),
        advertiser_id: form.choose("advertiser_id", &choosing::choices("Choose one", &advertisers, |_| None)),
        file_error: form.error("file"),
        text: form.field("pasted"),
        imports: table(desk, &names, &known),
        curl: CodeBox {
            hint:
                "Looks at the file; without dry_run it records the good rows. A token is made under Settings."
                    .to_owned(),
            ..CodeBox::url("The same from a program", &curl)
        },
    })
}

/// The frame of a page below the conversions.
fn frame(desk: &Desk, title: &str) -> Chrome {
    let parent = Some(Link::new("Conversions", "/conversions"));
    Chrome { parent, ..desk.chrome(title, Nav::Conversions) }
}

fn table(desk: &Desk, names: &Names, known: &[Import]) -> Table {
    let number = |n: i64| Cell::text(&super::words::count(n));
    let row = |one: &Import| Row {
        cells: vec![
            Cell::link(
                &moment(desk.zone, one.created_at_ms, desk.now_ms),
                &format!("/conversions/imports/{}", one.id),
            ),
            Cell::text(&names.advertiser(Some(one.value.advertiser_id))),
            Cell::text(file_name(one)),
            Cell::pill(state_pill(one.state)),
            number(one.rows),
            number(one.counts.accepted),
            number(one.counts.duplicate),
            number(one.counts.uncounted()),
        ],
    };
    Table {
        caption: "Files that came, newest first".to_owned(),
        columns: vec![
            Column::text("Time"),
            Column::text("Advertiser"),
            Column::text("File"),
            Column::text("State"),
            Column::figure("Rows", "Rows of the file"),
            Column::figure("Counted", "New conversions, and changes of known ones"),
            Column::figure("Known", "Rows that say nothing new"),
            Column::figure("Not counted", "Refused or parked rows"),
        ],
        totals: None,
        rows: known.iter().map(row).collect(),
        empty: Empty {
            title: "No file yet".to_owned(),
            text: "A network's export of conversions can be recorded here: each row is judged as its postback would be."
                .to_owned(),
            action: None,
        },
        shape: Shape::Log,
    }
}

/// What an import's file is called.
fn file_name(import: &Import) -> &str {
    if import.value.file_name.is_empty() { "Pasted rows" } else { &import.value.file_name }
}

fn state_pill(state: ImportState) -> Pill {
    let (text, tone) = match state {
        ImportState::Draft => ("draft", Tone::Quiet),
        ImportState::Waiting => ("waiting", Tone::Warn),
        ImportState::Running => ("running", Tone::Warn),
        ImportState::Done => ("done", Tone::Gain),
        ImportState::Refused => ("nothing recorded", Tone::Loss),
        ImportState::Failed => ("failed", Tone::Loss),
    };
    Pill { text: text.to_owned(), tone }
}

/// How many rows, in words.
fn rows_in_words(n: i64) -> String {
    counted(n, "row", "rows")
}
