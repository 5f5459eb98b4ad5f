//! `/reconcile`: a network's own report beside our conversions. Its list with the form for a new one, the choice of columns,
//! and what was found.

use askama::Template;

mod columns;
mod list;
mod show;
mod sides;

use super::forms::{Field, Select};
use super::layout::Chrome;
use super::tables::{Pager, Table};
use actix_web::web;

/// Where this family lives.
const PATH: &str = "/reconcile";

/// The reconciliations made so far, and the form for a new one.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "reconcile/list.html")]
pub struct ReconcilePage {
    /// The frame.
    pub chrome: Chrome,
    /// Whose report it is.
    pub advertiser: Select,
    /// How many advertisers the list leaves out, in a sentence; empty for none.
    pub cut: String,
    /// First day.
    pub from: Field,
    /// Last day.
    pub to: Field,
    /// The zone of the days, and of times that name none.
    pub zone: Field,
    /// Every zone that the field offers while one types.
    pub zones: Vec<&'static str>,
    /// What is wrong with the file; empty for nothing.
    pub file_error: String,
    /// What was pasted instead of a file.
    pub pasted: Field,
    /// The limits of a file, in words.
    pub limits: String,
    /// Those made so far, newest first.
    pub made: Table,
    /// The line below.
    pub pager: Pager,
}

/// A report whose columns are chosen.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "reconcile/columns.html")]
pub struct ColumnsPage {
    /// The frame.
    pub chrome: Chrome,
    /// Where it posts to.
    pub action: String,
    /// Whose report, which days, how many rows.
    pub summary: String,
    /// What is wrong as a whole; empty for nothing.
    pub error: String,
    /// Our fields, each with their columns to choose from.
    pub fields: Vec<ColumnChoice>,
    /// What `03/04/2026` means.
    pub day_order: Select,
    /// The first rows.
    pub preview: Table,
}

/// One of our fields with their columns.
#[derive(Debug, Clone, Default)]
pub struct ColumnChoice {
    /// Its name in the form.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// The columns.
    pub select: Select,
}

/// What was found.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "reconcile/show.html")]
pub struct FoundPage {
    /// The frame; its tabs are the lists.
    pub chrome: Chrome,
    /// Whose report, which days, how many rows of each side.
    pub summary: String,
    /// What the list is, and what a repair makes of it.
    pub lead: String,
    /// The days with their totals, or the rows of a list.
    pub table: Table,
    /// The line below.
    pub pager: Pager,
    /// Where the list is had as a file; empty for the days.
    pub csv: String,
    /// The form that repairs; none where nothing of the list can be repaired.
    pub repair: Option<RepairForm>,
}

/// A repair of rows.
#[derive(Debug, Clone, Default)]
pub struct RepairForm {
    /// Where it posts to.
    pub action: String,
    /// The list that is shown.
    pub list: &'static str,
    /// What becomes of conversions that only we have; none on the other lists.
    pub status: Option<Select>,
    /// Why, kept in each history.
    pub why: Field,
    /// How many of the list are not repaired yet, in words.
    pub all: String,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/reconcile", web::get().to(list::list))
        .route("/reconcile", web::post().to(list::create))
        .route("/reconcile/{id}/columns", web::get().to(columns::show))
        .route("/reconcile/{id}/columns", web::post().to(columns::choose))
        .route("/reconcile/{id}/csv", web::get().to(sides::csv))
        .route("/reconcile/{id}", web::get().to(show::show))
        .route("/reconcile/{id}", web::post().to(show::repair));
}
