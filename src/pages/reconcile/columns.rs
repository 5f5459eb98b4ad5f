//! Which column of a report is which, with its first rows beside.

use super::{ColumnChoice, ColumnsPage, PATH};
use crate::conversions::reconcile::sheet_of;
use crate::db;
use crate::db::reconciliations::{self, Reconciliation, ReconciliationState};
use crate::domain::input::FieldErrors;
use crate::domain::sheet::{DayOrder, Field, Mapping, Sheet};
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, reading};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::Select;
use crate::pages::layout::Nav;
use crate::pages::log::Names;
use crate::pages::parts::{Choice, Empty, Link};
use crate::pages::tables::{Cell, Column, Row, Shape, Table};
use crate::pages::typed::{Typed, mistakes, number};
use crate::pages::words::{counted, shortened};
use actix_web::http::StatusCode;
use actix_web::web;

/// Rows of the preview.
const PREVIEW_ROWS: usize = 5;

/// Characters of a cell of the preview.
const PREVIEW_CHARS: usize = 40;

/// A draft with its table.
struct Draft {
    found: Reconciliation,
    sheet: Sheet,
    advertiser: String,
}

/// A person's own draft; nobody else's.
async fn draft(app: &web::Data<App>, id: i64, user_id: i64) -> Result<Draft, Error> {
    let found = reading(app, move |app| {
        app.db.read(|conn| {
            let found = reconciliations::find(conn, id)?;
            Ok::<_, db::Error>((found, reconciliations::file(conn, id)?, Names::read(conn)?))
        })
    });
    let (found, bytes, names) = found.await?;
    let is_own =
        |one: &Reconciliation| one.state == ReconciliationState::Draft && one.value.user_id == user_id;
    let found = found.filter(is_own).ok_or(Error::NotFound)?;
    let advertiser = names.advertiser(Some(found.value.advertiser_id));
    let read = move || sheet_of(&bytes).map_err(|why| Error::from(FieldErrors::one("file", why.to_string())));
    Ok(Draft { found, sheet: blocking(read).await?, advertiser })
}

/// `GET /reconcile/{id}/columns`
pub(super) async fn show(who: SignedIn, app: web::Data<App>, id: web::Path<String>) -> Answer {
    let id = number(&id)?;
    let draft = draft(&app, id, who.user.id).await?;
    let desk = Desk::open(&app, who).await?;
    page_with(StatusCode::OK, &draw(&desk, &draft, &FieldErrors::default()))
}

/// `POST /reconcile/{id}/columns`: keeps the choice and compares.
pub(super) async fn choose(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let mut draft = draft(&app, id, who.0.user.id).await?;
    let (mapping, errors) = chosen(&typed);
    draft.found.value.mapping = mapping.clone();
    draft.found.value.day_order = DayOrder::parse(typed.get("day_order"));
    let day_order = draft.found.value.day_order;
    let made = match errors.into_result() {
        Ok(()) => {
            let (state, tracker) = (app.clone(), tracker.clone());
            blocking(move || {
                state.db.write(db::Priority::Pages, |conn| {
                    reconciliations::set_columns(conn, id, &mapping, day_order)
                })?;
                Ok::<_, Error>(tracker.postbacks.make_reconciliation(id)?)
            })
            .await
        }
        Err(errors) => Err(errors.into()),
    };
    let Err(error) = made else { return Ok(see_other(&format!("{PATH}/{id}"))) };
    let (status, errors) = mistakes(error)?;
    let desk = Desk::open(&app, who.0).await?;
    page_with(status, &draw(&desk, &draft, &errors))
}

/// The columns that were chosen, each one once.
fn chosen(typed: &Typed) -> (Mapping, FieldErrors) {
    let (mut mapping, mut errors) = (Mapping::default(), FieldErrors::default());
    for field in Field::ALL {
        let column = typed.get(field.as_str());
        if column.is_empty() {
            continue;
        }
        if let Some((other, _)) = mapping.0.iter().find(|(_, known)| *known == column) {
            errors.push(field.as_str(), format!("This column is {} already: choose another", other.label()));
        }
        mapping.0.insert(*field, column.to_owned());
    }
    (mapping, errors)
}

fn draw(desk: &Desk, draft: &Draft, errors: &FieldErrors) -> ColumnsPage {
    let (value, sheet) = (&draft.found.value, &draft.sheet);
    let error = |name: &str| errors.message(name).unwrap_or_default().to_owned();
    let choice = |field: &Field| {
        let current = value.mapping.0.get(field);
        let none =
            Choice { label: "Not in the file".to_owned(), selected: current.is_none(), ..Choice::default() };
        let of = |column: &String| Choice {
            value: column.clone(),
            label: shortened(column, PREVIEW_CHARS),
            selected: current == Some(column),
        };
        let options = std::iter::once(none).chain(sheet.columns.iter().map(of)).collect();
        let select = Select { options, error: error(field.as_str()) };
        ColumnChoice { name: field.as_str(), label: field.label(), select }
    };
    let orders = [
        ("", "As it can be told"),
        (DayOrder::DayFirst.as_str(), "The day first, 31/12/2026"),
        (DayOrder::MonthFirst.as_str(), "The month first, 12/31/2026"),
    ];
    let mut chrome = desk.chrome("Columns", Nav::Reconcile);
    chrome.parent = Some(Link::new("Reconcile", PATH));
    let whole: Vec<String> = ["file", "to", "advertiser_id"].iter().map(|name| error(name)).collect();
    let span = value.span;
    ColumnsPage {
        chrome,
        action: format!("{PATH}/{}/columns", draft.found.id),
        summary: format!(
            "{}, {} to {} ({}), {}.",
            draft.advertiser,
            span.from,
            span.to,
            span.zone.name(),
            counted(i64::try_from(sheet.rows.len()).unwrap_or(i64::MAX), "row", "rows")
        ),
        error: whole.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join(". "),
        fields: Field::ALL.iter().map(choice).collect(),
        day_order: Select::new(&orders, value.day_order.map_or("", DayOrder::as_str)),
        preview: preview(sheet),
    }
}

fn preview(sheet: &Sheet) -> Table {
    let row = |row: &crate::domain::sheet::Row| Row {
        cells: match &row.cells {
            Ok(cells) => cells.iter().map(|cell| Cell::code(&shortened(cell, PREVIEW_CHARS))).collect(),
            Err(why) => {
                let rest = sheet.columns.iter().skip(1).map(|_| Cell::default());
                std::iter::once(Cell::text(why)).chain(rest).collect()
            }
        },
    };
    Table {
        caption: "The first rows of the file".to_owned(),
        columns: sheet.columns.iter().map(|name| Column::text(&shortened(name, PREVIEW_CHARS))).collect(),
        totals: None,
        rows: sheet.rows.iter().take(PREVIEW_ROWS).map(row).collect(),
        empty: Empty::default(),
        shape: Shape::Log,
    }
}
