//! `/conversions/imports/{id}`: a draft with its columns and a look at what it would come to, or how far its import is.

use super::preview::looked;
use super::rows::{FAULTS_SHOWN, Total, fault_table, faults_href, first_rows, totals};
use super::{file_name, frame, state_pill};
use crate::conversions::sentences::too_many_at_once;
use crate::db::imports::{self, Import};
use crate::db::{self, users};
use crate::domain::import::{ALL_OR_NOTHING_MAX, ImportFormat, ImportMode, ImportPlan, ImportState};
use crate::domain::input::FieldErrors;
use crate::domain::sheet::{DayOrder, Field, Mapping};
use crate::domain::zone::TimeZone;
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page, page_with, see_other};
use crate::pages::forms::{self, Select};
use crate::pages::layout::Chrome;
use crate::pages::log::Names;
use crate::pages::parts::{Choice, Link, Pill};
use crate::pages::tables::Table;
use crate::pages::typed::{Marked, Typed, number};
use crate::pages::words::{moment, shortened};
use actix_web::http::StatusCode;
use actix_web::web;
use askama::Template;

/// What becomes of the good rows, to choose from.
const MODES: [(&str, &str); 2] =
    [("all_or_nothing", "Record all rows, or none"), ("good_rows", "Record the good rows, list the others")];

/// Formats to choose from.
const FORMATS: [(&str, &str); 3] = [
    ("csv", "A table with a header"),
    ("colon", "Lines like clickid:payout=5.00:cnv_status=approved"),
    ("comma", "Lines like subid,payout,tid,status"),
];

/// Orders of a day and its month to choose from.
const ORDERS: [(&str, &str); 3] = [
    ("", "Does not matter"),
    ("day_first", "3 April (the day first)"),
    ("month_first", "4 March (the month first)"),
];

/// One import.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "imports/show.html")]
pub struct ImportPage {
    /// The frame.
    pub chrome: Chrome,
    /// Its address.
    pub action: String,
    /// How far it is.
    pub state: Pill,
    /// One sentence about it.
    pub summary: String,
    /// What keeps it from being read. Empty for nothing.
    pub fault: String,
    /// It goes on by itself: the page asks again.
    pub is_open: bool,
    /// Rows that have their verdict, of so many.
    pub done: i64,
    /// Rows in all.
    pub rows: i64,
    /// How a draft is read; `None` once it is run.
    pub form: Option<PlanForm>,
    /// What rows came to, or would.
    pub totals: Vec<Total>,
    /// Where all rows that are not counted can be had. Empty for none.
    pub faults_href: String,
    /// Those rows, the first of them.
    pub faults: Option<Table>,
    /// The first rows with their verdicts.
    pub first_rows: Option<Table>,
}

/// How a file is read.
#[derive(Debug, Clone, Default)]
pub struct PlanForm {
    /// How it is written.
    pub format: Select,
    /// Which column is which; empty for lines.
    pub columns: Vec<ColumnPick>,
    /// The zone of times that name none.
    pub zone: forms::Field,
    /// What `03/04/2026` means.
    pub day_order: Select,
    /// What becomes of the good rows where others are refused.
    pub mode: Select,
    /// Destinations are told of what it records.
    pub is_told: bool,
    /// It can be run.
    pub can_run: bool,
}

/// The column of a field.
#[derive(Debug, Clone, Default)]
pub struct ColumnPick {
    /// The field's name in the form.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// The columns.
    pub select: Select,
}

/// An import that must be there.
pub(super) async fn opened(app: &web::Data<App>, id: i64) -> Result<Import, Error> {
    let found = reading(app, move |app| app.db.read(|conn| imports::find(conn, id))).await?;
    found.ok_or(Error::NotFound)
}

/// `GET /conversions/imports/{id}`
pub(super) async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    id: web::Path<String>,
) -> Answer {
    let import = opened(&app, number(&id)?).await?;
    let desk = Desk::open(&app, who).await?;
    if import.state == ImportState::Draft {
        let errors = FieldErrors::default();
        return page(&draft(&app, &tracker, &desk, (&import, &typed_of(&import), &errors)).await?);
    }
    page(&ran(&app, &desk, &import).await?)
}

/// `POST /conversions/imports/{id}`: how a draft is read, and with `action=run` that it is run.
pub(super) async fn update(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let import = opened(&app, id).await?;
    let here = format!("/conversions/imports/{id}");
    if import.state != ImportState::Draft {
        return Ok(see_other(&here));
    }
    let (plan, mode, mut errors) = read(&typed, &import);
    let is_run = typed.get("action") == "run";
    let mut asked = import.clone();
    (asked.value.plan, asked.value.mode) = (plan.clone(), mode);
    if is_run && errors.is_empty() {
        let preview = looked(&app, &tracker, &asked).await?;
        if !preview.fault.is_empty() {
            errors.push("format", preview.fault);
        } else if mode == ImportMode::AllOrNothing && preview.lines.len() > ALL_OR_NOTHING_MAX {
            errors.push("mode", too_many_at_once(preview.lines.len()));
        }
    }
    if !errors.is_empty() {
        let desk = Desk::open(&app, who.0).await?;
        let drawn = draft(&app, &tracker, &desk, (&asked, &typed, &errors)).await?;
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
    }
    blocking(move || {
        app.db.write(db::Priority::Pages, |conn| imports::set_plan(conn, id, &plan, mode))?;
        if is_run {
            tracker.postbacks.run_import(id)?;
        }
        Ok::<_, db::Error>(())
    })
    .await?;
    Ok(see_other(&here))
}

/// The plan that a form says; a field that is wrong keeps what stood there.
fn read(typed: &Typed, import: &Import) -> (ImportPlan, ImportMode, FieldErrors) {
    let mut errors = FieldErrors::default();
    let mut plan = import.value.plan.clone();
    plan.format = ImportFormat::parse(typed.get("format")).unwrap_or(plan.format);
    plan.day_order = DayOrder::parse(typed.get("day_order"));
    plan.is_told = typed.is_on("tell");
    match TimeZone::parse(typed.get("zone")) {
        Ok(zone) => plan.zone = zone.name().to_owned(),
        Err(why) => errors.push("zone", why.to_string()),
    }
    // Lines have no columns to choose from: what was chosen of a table stays.
    let picks = Field::ALL.iter().map(|field| (*field, typed.get(&column_name(*field))));
    let chosen: Vec<(Field, &str)> = picks.filter(|(_, column)| !column.is_empty()).collect();
    if typed.is_on("has_columns") {
        for (at, (field, column)) in chosen.iter().enumerate() {
            if chosen.iter().take(at).any(|(_, known)| known == column) {
                errors
                    .push(&column_name(*field), "This column is chosen above already: a column is one thing");
            }
        }
        plan.mapping = Mapping(chosen.iter().map(|(field, column)| (*field, (*column).to_owned())).collect());
    }
    let mode = ImportMode::parse(typed.get("mode")).unwrap_or(import.value.mode);
    (plan, mode, errors)
}

fn column_name(field: Field) -> String {
    format!("column_{field}")
}

fn typed_of(import: &Import) -> Typed {
    let plan = &import.value.plan;
    let mut typed = Typed::of([
        ("format", plan.format.to_string()),
        ("zone", plan.zone.clone()),
        ("day_order", plan.day_order.map(|order| order.to_string()).unwrap_or_default()),
        ("mode", import.value.mode.to_string()),
    ]);
    if plan.is_told {
        typed.push("tell".to_owned(), "true");
    }
    for (field, column) in &plan.mapping.0 {
        typed.push(column_name(*field), column.as_str());
    }
    typed
}

async fn draft(
    app: &web::Data<App>,
    tracker: &web::Data<Tracker>,
    desk: &Desk,
    (import, typed, errors): (&Import, &Typed, &FieldErrors),
) -> Result<ImportPage, Error> {
    let preview = looked(app, tracker, import).await?;
    let faults = preview.faults();
    let form = Marked { typed, errors };
    let pick = |field: &Field| {
        let name = column_name(*field);
        let none = Choice { label: "Not in the file".to_owned(), ..Choice::default() };
        let columns = preview.columns.iter().map(|column| Choice {
            value: column.clone(),
            label: shortened(column, 60),
            selected: false,
        });
        let choices: Vec<Choice> = std::iter::once(none).chain(columns).collect();
        ColumnPick { select: form.choose(&name, &choices), label: field.label().to_owned(), name }
    };
    let has_columns = !preview.columns.is_empty();
    let plan = PlanForm {
        format: form.select("format", &FORMATS),
        columns: if has_columns { Field::ALL.iter().map(pick).collect() } else { Vec::new() },
        zone: form.field("zone"),
        day_order: form.select("day_order", &ORDERS),
        mode: form.select("mode", &MODES),
        is_told: typed.is_on("tell"),
        can_run: preview.fault.is_empty(),
    };
    let names = reading(app, |app| app.db.read(Names::read)).await?;
    let advertiser = names.advertiser(Some(import.value.advertiser_id));
    let rows = i64::try_from(preview.lines.len()).unwrap_or(i64::MAX);
    Ok(ImportPage {
        chrome: chrome(desk, import),
        action: format!("/conversions/imports/{}", import.id),
        state: state_pill(import.state),
        summary: format!("{} of {advertiser}. Nothing is recorded yet.", file_name(import)),
        fault: preview.fault.clone(),
        rows,
        form: Some(plan),
        totals: totals(rows, preview.looked.counts, true),
        faults_href: faults_href(import, faults.len()),
        faults: fault_table(&faults),
        first_rows: first_rows(&preview),
        ..ImportPage::default()
    })
}

async fn ran(app: &web::Data<App>, desk: &Desk, import: &Import) -> Result<ImportPage, Error> {
    let (id, user_id) = (import.id, import.value.user_id);
    let shown = i64::try_from(FAULTS_SHOWN).unwrap_or(i64::MAX);
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let faults = imports::faults(conn, id, shown)?;
            Ok::<_, db::Error>((faults, users::find(conn, user_id)?, Names::read(conn)?))
        })
    });
    let (faults, user, names) = found.await?;
    let advertiser = names.advertiser(Some(import.value.advertiser_id));
    let by = user.map_or_else(|| format!("user {user_id}"), |user| user.email);
    let at = moment(desk.zone, import.created_at_ms, desk.now_ms);
    let outcome = match import.state {
        ImportState::Refused => {
            " Some rows cannot be counted, so nothing was recorded: mend them and send it again."
        }
        ImportState::Failed => " It could not be run.",
        _ => "",
    };
    Ok(ImportPage {
        chrome: chrome(desk, import),
        action: format!("/conversions/imports/{id}"),
        state: state_pill(import.state),
        summary: format!("{} of {advertiser}, sent {at} by {by}.{outcome}", file_name(import)),
        fault: import.message.clone(),
        is_open: import.state.is_open(),
        done: import.counts.done,
        rows: import.rows,
        totals: totals(import.rows, import.counts, false),
        faults_href: faults_href(import, faults.len()),
        faults: fault_table(&faults),
        ..ImportPage::default()
    })
}

fn chrome(desk: &Desk, import: &Import) -> Chrome {
    let parent = Some(Link::new("Import", "/conversions/imports"));
    Chrome { parent, ..frame(desk, &format!("File {}", import.id)) }
}
