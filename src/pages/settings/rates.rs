//! Exchange rates: what is known, one more, many more.

use super::{RatesPage, chrome, moment, said};
use crate::db::rates::{self, SavedRate};
use crate::domain::input::FieldErrors;
use crate::domain::rate::{STALE_DAYS_MAX, Sheet, shown};
use crate::domain::role::Role;
use crate::domain::sheet::decode;
use crate::entities;
use crate::entities::rate_fetch::{self, RateFetch};
use crate::http::{App, Error, PageWrite, SignedIn, now_ms, read_upload, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::layout::Notice;
use crate::pages::parts::Empty;
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// Rates that the page shows, the newest first; the API gives all.
const ROWS_SHOWN: i64 = 200;

/// Bytes of a file that stand in the form after a look: as many rates as a file may have fit.
const FILE_BACK_BYTES_MAX: usize = 128 * 1_024;

/// Where neither a file nor a row came.
const NO_ROWS: &str = "Choose a file, or paste its rows below";

/// The addresses of the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/settings/rates", web::get().to(show))
        .route("/settings/rates", web::post().to(add))
        .route("/settings/rates/file", web::post().to(add_file))
        .route("/settings/rates/fetch", web::post().to(fetch));
}

fn may_edit(role: Role) -> bool {
    matches!(role, Role::Admin | Role::Manager)
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let notice = match request.query_string() {
        "saved=1" => said("Saved. Postbacks that waited for a rate are judged again within seconds."),
        "fetched=1" => said("Fetched. The newest rates are in the table."),
        "off=1" => said("Rates are no longer fetched. Those that are known stay."),
        _ => None,
    };
    let drawn = draw(&app, &desk, (&Typed::default(), &FieldErrors::default()), notice).await?;
    page_with(StatusCode::OK, &drawn)
}

async fn add(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    if !may_edit(who.0.user.role) {
        return Err(Error::NotFound);
    }
    let desk = Desk::open(&app, who.0).await?;
    let sent = typed.clone();
    let saved = reading(&app, move |app| {
        let fields = (sent.get("currency"), sent.get("day"), sent.get("rate"));
        entities::rates::put(&app.db, fields, "person", now_ms())
    })
    .await;
    let Err(error) = saved else { return Ok(see_other("/settings/rates?saved=1")) };
    let (status, errors) = mistakes(error)?;
    page_with(status, &draw(&app, &desk, (&typed, &errors), None).await?)
}

/// Looks at a file, and keeps its rates where that is asked and nothing is wrong with any row.
async fn add_file(
    who: PageWrite,
    app: web::Data<App>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    if !may_edit(who.0.user.role) {
        return Err(Error::NotFound);
    }
    let sent = read_upload(&request, payload).await?;
    let desk = Desk::open(&app, who.0).await?;
    let is_look = sent.field("action") == "preview";
    let text = match decode(&sent.file) {
        Ok((text, _)) => text,
        Err(why) => {
            let why = if sent.file.is_empty() { NO_ROWS.to_owned() } else { why.to_string() };
            let field = if sent.file_name.is_empty() { "pasted" } else { "file" };
            let errors = FieldErrors::one(field, why);
            let typed = Typed::of([("pasted", sent.pasted_back())]);
            return page_with(
                StatusCode::UNPROCESSABLE_ENTITY,
                &draw(&app, &desk, (&typed, &errors), None).await?,
            );
        }
    };
    // What was looked at stands in the form: a browser forgets which file was chosen.
    let is_short = text.len() <= FILE_BACK_BYTES_MAX;
    let typed = Typed::of([("pasted", if is_short { text.clone() } else { String::new() })]);
    let sheet: Sheet = reading(&app, move |app| {
        if is_look {
            entities::rates::look(&app.db, &text)
        } else {
            entities::rates::put_sheet(&app.db, &text, "file", now_ms())
        }
    })
    .await?;
    if !is_look && sheet.faults.is_empty() {
        return Ok(see_other("/settings/rates?saved=1"));
    }
    let status = if is_look { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let mut drawn = draw(&app, &desk, (&typed, &FieldErrors::default()), None).await?;
    let count = match sheet.rates.len() {
        1 => "One rate".to_owned(),
        more => format!("{more} rates"),
    };
    drawn.found = if sheet.faults.is_empty() && is_short {
        format!("{count}, nothing is wrong: save below.")
    } else if sheet.faults.is_empty() {
        format!("{count}, nothing is wrong: choose the file again and save.")
    } else {
        format!("{count} can be read. Nothing is saved while these rows are wrong:")
    };
    drawn.faults = sheet.faults.iter().map(|(row, why)| format!("Row {row}: {why}")).collect();
    page_with(status, &drawn)
}

/// Sets where rates are fetched from, and fetches them at once: whoever names an address sees whether it is right.
async fn fetch(who: PageWrite, app: web::Data<App>, typed: Typed) -> Answer {
    if !may_edit(who.0.user.role) {
        return Err(Error::NotFound);
    }
    let desk = Desk::open(&app, who.0).await?;
    let url = typed.get("rates_url").trim().to_owned();
    let is_off = url.is_empty();
    let fetched = reading(&app, move |app| {
        rate_fetch::set_url(&app.db, &url, now_ms())?;
        if is_off { Ok(0) } else { rate_fetch::fetch(&app.db, &app.outgoing, now_ms()) }
    });
    let Err(error) = fetched.await else {
        return Ok(see_other(if is_off { "/settings/rates?off=1" } else { "/settings/rates?fetched=1" }));
    };
    let (status, errors) = mistakes(error)?;
    page_with(status, &draw(&app, &desk, (&typed, &errors), None).await?)
}

/// When rates were fetched last and are fetched next, and why not.
fn fetch_state(desk: &Desk, stand: &RateFetch) -> String {
    if stand.url.is_empty() {
        return "Not fetched: rates are added by hand.".to_owned();
    }
    let last = stand.fetched_at_ms.map_or_else(
        || "Never fetched yet".to_owned(),
        |at_ms| format!("Fetched last {}", moment(desk, at_ms)),
    );
    let next = stand.due_at_ms.map_or_else(String::new, |at_ms| format!(", next {}", moment(desk, at_ms)));
    match &stand.error {
        Some(why) => format!("{last}{next}. The last attempt failed: {why}"),
        None => format!("{last}{next}."),
    }
}

async fn draw(
    app: &web::Data<App>,
    desk: &Desk,
    (typed, errors): (&Typed, &FieldErrors),
    notice: Option<Notice>,
) -> Result<RatesPage, Error> {
    let ((known, total), stand) = reading(app, |app| {
        let known = app.db.read(|conn| rates::list(conn, None, (ROWS_SHOWN, 0)))?;
        Ok::<_, entities::Error>((known, rate_fetch::load(&app.db)?))
    })
    .await?;
    let form = Marked { typed, errors };
    let mut rates_url = form.field("rates_url");
    if rates_url.value.is_empty() && rates_url.error.is_empty() {
        rates_url.value.clone_from(&stand.url);
    }
    let account = desk.currency;
    let row = |saved: &SavedRate| Row {
        cells: vec![
            Cell::text(saved.rate.currency.as_str()),
            Cell::text(&saved.rate.day.to_string()),
            Cell::text(&shown(saved.rate.rate_nanos)),
            Cell::text(&saved.source),
            Cell::text(&moment(desk, saved.created_at_ms)),
        ],
    };
    let shown_rows = known.len();
    let mut frame = chrome(desk, "/settings/rates");
    frame.notice = notice;
    Ok(RatesPage {
        chrome: frame,
        rate_label: format!("One unit in {account}"),
        stale_days: STALE_DAYS_MAX,
        currency: form.field("currency"),
        day: form.field("day"),
        rate: form.field("rate"),
        file_error: form.error("file"),
        rows: form.field("pasted"),
        rates_url,
        fetch_state: fetch_state(desk, &stand),
        is_failing: stand.error.is_some(),
        found: String::new(),
        faults: Vec::new(),
        note: match usize::try_from(total) {
            Ok(total) if total > shown_rows => format!("{total} rates, the newest {shown_rows} shown"),
            _ => String::new(),
        },
        is_editable: may_edit(desk.who.user.role),
        rates: Table {
            caption: "Exchange rates".to_owned(),
            columns: vec![
                Column::text("Currency"),
                Column::text("Day (UTC)"),
                Column::figure(account.as_str(), "Units of the account currency for one unit"),
                Column::text("From"),
                Column::text("Written"),
            ],
            totals: None,
            rows: known.iter().map(row).collect(),
            empty: Empty {
                title: "No rates yet".to_owned(),
                text: format!(
                    "Needed where an advertiser or an offer pays in another currency than {account}: until then such \
                     postbacks are parked, and counted once there is a rate."
                ),
                action: None,
            },
            shape: Shape::List,
        },
    })
}
