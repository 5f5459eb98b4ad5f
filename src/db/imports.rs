//! Files of conversions: the file until it is through, how far it is, and the rows that were not counted.

use super::schema::{import_faults, import_mappings, import_parts, imports};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::import::{ImportCounts, ImportMode, ImportPlan, ImportState};
use crate::domain::sheet::Mapping;
use crate::domain::verdict::Code;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

/// Bytes of a file that one statement carries: so no statement holds the writer for long.
pub const PART_BYTES: usize = 1024 * 1024;

/// An import that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// Who sent it.
    pub user_id: i64,
    /// Whose conversions they are.
    pub advertiser_id: i64,
    /// The file's name, as the sender's system called it; empty for what was pasted.
    pub file_name: String,
    /// The file's length.
    pub byte_count: i64,
    /// How it is read.
    pub plan: ImportPlan,
    /// What becomes of the good rows where others are refused.
    pub mode: ImportMode,
}

/// An import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its number.
    pub id: i64,
    /// When it was sent, Unix milliseconds.
    pub created_at_ms: i64,
    /// What was sent.
    pub value: NewImport,
    /// How far it is.
    pub state: ImportState,
    /// Rows in all.
    pub rows: i64,
    /// What they came to so far.
    pub counts: ImportCounts,
    /// When it began, Unix milliseconds.
    pub started_at_ms: Option<i64>,
    /// When it was through, Unix milliseconds.
    pub ended_at_ms: Option<i64>,
    /// Why it could not be run.
    pub message: String,
}

/// A row that was not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its line in the file.
    pub line: i64,
    /// The verdict.
    pub code: Code,
    /// One sentence that says what to change.
    pub message: String,
    /// The row as it stands in the file.
    pub text: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = imports)]
struct Row {
    id: i64,
    created_at_ms: i64,
    user_id: i64,
    advertiser_id: i64,
    file_name: String,
    byte_count: i64,
    plan: String,
    mode: String,
    state: String,
    row_count: i64,
    done_count: i64,
    accepted_count: i64,
    duplicate_count: i64,
    parked_count: i64,
    refused_count: i64,
    started_at_ms: Option<i64>,
    ended_at_ms: Option<i64>,
    message: String,
}

impl TryFrom<Row> for Import {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            created_at_ms: row.created_at_ms,
            value: NewImport {
                user_id: row.user_id,
                advertiser_id: row.advertiser_id,
                file_name: row.file_name,
                byte_count: row.byte_count,
                plan: json(&row.plan)?,
                mode: word(&row.mode, ImportMode::parse)?,
            },
            state: word(&row.state, ImportState::parse)?,
            rows: row.row_count,
            counts: ImportCounts {
                done: row.done_count,
                accepted: row.accepted_count,
                duplicate: row.duplicate_count,
                parked: row.parked_count,
                refused: row.refused_count,
            },
            started_at_ms: row.started_at_ms,
            ended_at_ms: row.ended_at_ms,
            message: row.message,
        })
    }
}

/// Keeps a new import, as a draft without its file; comes back with its number.
///
/// # Errors
/// The database fails.
pub fn insert(conn: &mut AnyConnection, new: &NewImport, now_ms: i64) -> Result<i64> {
    let row = (
        imports::created_at_ms.eq(now_ms),
        imports::touched_at_ms.eq(now_ms),
        imports::user_id.eq(new.user_id),
        imports::advertiser_id.eq(new.advertiser_id),
        imports::file_name.eq(&new.file_name),
        imports::byte_count.eq(new.byte_count),
        imports::plan.eq(json_text(&new.plan)?),
        imports::mode.eq(new.mode.as_str()),
        imports::state.eq(ImportState::Draft.as_str()),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(imports::table)
        .values(row)
        .returning(imports::id)
        .get_result(c))?)
}

/// Keeps a part of an import's file.
///
/// # Errors
/// The database fails.
pub fn add_part(conn: &mut AnyConnection, id: i64, part: i64, bytes: &[u8]) -> Result<()> {
    diesel::insert_into(import_parts::table)
        .values((import_parts::import_id.eq(id), import_parts::part.eq(part), import_parts::bytes.eq(bytes)))
        .execute(conn)?;
    Ok(())
}

/// An import's file; empty once it is through.
///
/// # Errors
/// The database fails.
pub fn file(conn: &mut AnyConnection, id: i64) -> Result<Vec<u8>> {
    let parts: Vec<Vec<u8>> = import_parts::table
        .filter(import_parts::import_id.eq(id))
        .order(import_parts::part)
        .select(import_parts::bytes)
        .load(conn)?;
    Ok(parts.concat())
}

/// An import by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Import>> {
    let row: Option<Row> =
        imports::table.filter(imports::id.eq(id)).select(Row::as_select()).first(conn).optional()?;
    row.map(TryInto::try_into).transpose()
}

/// The newest imports; drafts are left out, they are one person's alone.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, rows_max: i64) -> Result<Vec<Import>> {
    let rows: Vec<Row> = imports::table
        .filter(imports::state.ne(ImportState::Draft.as_str()))
        .order(imports::id.desc())
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Imports that somebody must go on with: those of a process itself, and those that nobody has touched since a time.
///
/// # Errors
/// The database fails.
pub fn left_over(conn: &mut AnyConnection, node: i64, untouched_since_ms: i64) -> Result<Vec<i64>> {
    // In the words of the index, as with what is uncounted of postbacks.
    Ok(imports::table
        .filter(diesel::dsl::sql::<Bool>("state in ('waiting', 'running')"))
        .filter(imports::node.eq(node).or(imports::touched_at_ms.lt(untouched_since_ms)))
        .order(imports::id)
        .select(imports::id)
        .load(conn)?)
}

/// Changes how a draft is read.
///
/// # Errors
/// The database fails.
pub fn set_plan(conn: &mut AnyConnection, id: i64, plan: &ImportPlan, mode: ImportMode) -> Result<()> {
    diesel::update(imports::table.filter(imports::id.eq(id)))
        .filter(imports::state.eq(ImportState::Draft.as_str()))
        .set((imports::plan.eq(json_text(plan)?), imports::mode.eq(mode.as_str())))
        .execute(conn)?;
    Ok(())
}

/// Gives a draft to a process to run; says whether it was one: of two who ask, one is told so.
///
/// # Errors
/// The database fails.
pub fn hand_over(conn: &mut AnyConnection, id: i64, node: i64, now_ms: i64) -> Result<bool> {
    let draft =
        imports::table.filter(imports::id.eq(id)).filter(imports::state.eq(ImportState::Draft.as_str()));
    let changed = diesel::update(draft)
        .set((
            imports::state.eq(ImportState::Waiting.as_str()),
            imports::node.eq(node),
            imports::touched_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Begins an import, or goes on with it: its number of rows is known now, and this process runs it.
///
/// # Errors
/// The database fails.
pub fn begin(conn: &mut AnyConnection, id: i64, rows: i64, node: i64, now_ms: i64) -> Result<()> {
    diesel::update(imports::table.filter(imports::id.eq(id)))
        .filter(imports::state.eq_any([ImportState::Waiting.as_str(), ImportState::Running.as_str()]))
        .set((
            imports::state.eq(ImportState::Running.as_str()),
            imports::row_count.eq(rows),
            imports::node.eq(node),
            imports::touched_at_ms.eq(now_ms),
            imports::started_at_ms.eq(diesel::dsl::case_when(imports::started_at_ms.is_null(), Some(now_ms))
                .otherwise(imports::started_at_ms)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts some more rows of a running import, in the transaction that records them. `false` where another process has gone
/// on with it meanwhile: then nothing of that transaction may stand.
///
/// # Errors
/// The database fails.
pub fn advance(
    conn: &mut AnyConnection,
    id: i64,
    from_done: i64,
    more: ImportCounts,
    now_ms: i64,
) -> Result<bool> {
    let changed = diesel::update(imports::table.filter(imports::id.eq(id)))
        .filter(imports::state.eq(ImportState::Running.as_str()))
        .filter(imports::done_count.eq(from_done))
        .set((
            imports::done_count.eq(imports::done_count + more.done),
            imports::accepted_count.eq(imports::accepted_count + more.accepted),
            imports::duplicate_count.eq(imports::duplicate_count + more.duplicate),
            imports::parked_count.eq(imports::parked_count + more.parked),
            imports::refused_count.eq(imports::refused_count + more.refused),
            imports::touched_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Ends an import and takes its file away.
///
/// # Errors
/// The database fails.
pub fn finish(
    conn: &mut AnyConnection,
    id: i64,
    (state, message): (ImportState, &str),
    now_ms: i64,
) -> Result<()> {
    diesel::update(imports::table.filter(imports::id.eq(id)))
        .filter(imports::state.eq_any([ImportState::Waiting.as_str(), ImportState::Running.as_str()]))
        .set((
            imports::state.eq(state.as_str()),
            imports::message.eq(message),
            imports::ended_at_ms.eq(Some(now_ms)),
            imports::touched_at_ms.eq(now_ms),
        ))
        .execute(conn)?;
    diesel::delete(import_parts::table.filter(import_parts::import_id.eq(id))).execute(conn)?;
    Ok(())
}

/// Keeps rows that were not counted.
///
/// # Errors
/// The database fails.
pub fn add_faults(conn: &mut AnyConnection, id: i64, faults: &[Fault]) -> Result<()> {
    for some in faults.chunks(super::search::VALUES_MAX) {
        let rows: Vec<_> = some
            .iter()
            .map(|fault| {
                (
                    import_faults::import_id.eq(id),
                    import_faults::line.eq(fault.line),
                    import_faults::code.eq(fault.code.as_str()),
                    import_faults::message.eq(&fault.message),
                    import_faults::line_text.eq(&fault.text),
                )
            })
            .collect();
        on_each!(conn, |c| diesel::insert_into(import_faults::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// The first rows of an import that were not counted, by line.
///
/// # Errors
/// The database fails.
pub fn faults(conn: &mut AnyConnection, id: i64, rows_max: i64) -> Result<Vec<Fault>> {
    let rows: Vec<(i64, String, String, String)> = import_faults::table
        .filter(import_faults::import_id.eq(id))
        .order(import_faults::line)
        .limit(rows_max)
        .select((import_faults::line, import_faults::code, import_faults::message, import_faults::line_text))
        .load(conn)?;
    rows.into_iter()
        .map(|(line, code, message, text)| Ok(Fault { line, code: word(&code, Code::parse)?, message, text }))
        .collect()
}

/// Takes drafts away that nobody ran, and what is listed of imports that ended long ago.
///
/// # Errors
/// The database fails.
pub fn sweep(conn: &mut AnyConnection, drafts_before_ms: i64, faults_before_ms: i64) -> Result<()> {
    let drafts: Vec<i64> = imports::table
        .filter(imports::state.eq(ImportState::Draft.as_str()))
        .filter(imports::created_at_ms.lt(drafts_before_ms))
        .select(imports::id)
        .load(conn)?;
    diesel::delete(import_parts::table.filter(import_parts::import_id.eq_any(&drafts))).execute(conn)?;
    diesel::delete(imports::table.filter(imports::id.eq_any(&drafts))).execute(conn)?;
    diesel::sql_query(
        "delete from import_faults where import_id in (select id from imports where ended_at_ms < $1)",
    )
    .bind::<BigInt, _>(faults_before_ms)
    .execute(conn)?;
    Ok(())
}

/// Which column was which in an advertiser's last file; empty where there was none.
///
/// # Errors
/// The database fails.
pub fn mapping(conn: &mut AnyConnection, advertiser_id: i64) -> Result<Mapping> {
    let text: Option<String> =
        import_mappings::table.find(advertiser_id).select(import_mappings::mapping).first(conn).optional()?;
    text.map_or_else(|| Ok(Mapping::default()), |text| json(&text))
}

/// Remembers which column is which in an advertiser's files.
///
/// # Errors
/// The database fails.
pub fn remember_mapping(conn: &mut AnyConnection, advertiser_id: i64, mapping: &Mapping) -> Result<()> {
    let text = json_text(mapping)?;
    on_each!(conn, |c| diesel::insert_into(import_mappings::table)
        .values((import_mappings::advertiser_id.eq(advertiser_id), import_mappings::mapping.eq(&text)))
        .on_conflict(import_mappings::advertiser_id)
        .do_update()
        .set(import_mappings::mapping.eq(&text))
        .execute(c))?;
    Ok(())
}
