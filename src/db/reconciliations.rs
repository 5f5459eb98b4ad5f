//! Reconciliations: a network's report, the days it was compared for, and how the two sides stood. Its rows have their own file.

use super::schema::{conversions, reconciliation_parts, reconciliation_rows, reconciliations};
use super::search::{Listed, VALUES_MAX};
use super::{AnyConnection, Error, Result, json, json_text, on_each, word};
use crate::domain::click_id::ClickId;
use crate::domain::money::{Currency, Money};
use crate::domain::reconcile::{DayLine, Ours, Span};
use crate::domain::sheet::{DayOrder, Mapping};
use crate::domain::status::Status;
use crate::domain::words::word_enum;
use crate::domain::zone::TimeZone;
use diesel::prelude::*;
use diesel::sql_types::Bool;

word_enum! {
    /// How far a reconciliation is.
    pub enum ReconciliationState {
        /// Its columns are being chosen.
        Draft => "draft",
        /// What was found is being stored.
        Making => "making",
        /// It can be looked at.
        Done => "done",
    }
}

/// Drafts that one sweep takes.
const SWEPT_MAX: i64 = 100;

/// A reconciliation that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReconciliation {
    /// Who asked.
    pub user_id: i64,
    /// Whose report it is.
    pub advertiser_id: i64,
    /// The file's name, as the sender's system called it; empty for what was pasted.
    pub file_name: String,
    /// The file's length.
    pub byte_count: i64,
    /// The days.
    pub span: Span,
    /// Which column is which.
    pub mapping: Mapping,
    /// What `03/04/2026` means, where somebody chose.
    pub day_order: Option<DayOrder>,
}

/// How both sides stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// Rows of the file.
    pub theirs: i64,
    /// Our conversions of the days.
    pub ours: i64,
    /// Rows that belong to a conversion.
    pub matched: i64,
    /// Rows of other days.
    pub outside: i64,
    /// Both sides by day and currency.
    pub days: Vec<DayLine>,
}

/// A reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// Its number.
    pub id: i64,
    /// When it was made, Unix milliseconds.
    pub created_at_ms: i64,
    /// What was sent.
    pub value: NewReconciliation,
    /// How far it is.
    pub state: ReconciliationState,
    /// How both sides stood.
    pub standings: Standings,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = reconciliations)]
struct Row {
    id: i64,
    created_at_ms: i64,
    user_id: i64,
    advertiser_id: i64,
    file_name: String,
    byte_count: i64,
    first_day: String,
    last_day: String,
    zone: String,
    mapping: String,
    day_order: Option<String>,
    state: String,
    their_count: i64,
    our_count: i64,
    matched_count: i64,
    outside_count: i64,
    days: String,
}

impl TryFrom<Row> for Reconciliation {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let day = |text: &str| text.parse().map_err(|_unparsed| Error::broken_row(text));
        let zone = TimeZone::parse(&row.zone).map_err(|_unknown| Error::broken_row(&row.zone))?;
        Ok(Self {
            id: row.id,
            created_at_ms: row.created_at_ms,
            value: NewReconciliation {
                user_id: row.user_id,
                advertiser_id: row.advertiser_id,
                file_name: row.file_name,
                byte_count: row.byte_count,
                span: Span { zone, from: day(&row.first_day)?, to: day(&row.last_day)? },
                mapping: json(&row.mapping)?,
                day_order: row.day_order.as_deref().map(|text| word(text, DayOrder::parse)).transpose()?,
            },
            state: word(&row.state, ReconciliationState::parse)?,
            standings: Standings {
                theirs: row.their_count,
                ours: row.our_count,
                matched: row.matched_count,
                outside: row.outside_count,
                days: json(&row.days)?,
            },
        })
    }
}

/// Keeps a new reconciliation, as a draft without its file; comes back with its number.
///
/// # Errors
/// The database fails.
pub fn insert(conn: &mut AnyConnection, new: &NewReconciliation, now_ms: i64) -> Result<i64> {
    let row = (
        reconciliations::created_at_ms.eq(now_ms),
        reconciliations::user_id.eq(new.user_id),
        reconciliations::advertiser_id.eq(new.advertiser_id),
        reconciliations::file_name.eq(&new.file_name),
        reconciliations::byte_count.eq(new.byte_count),
        reconciliations::first_day.eq(new.span.from.to_string()),
        reconciliations::last_day.eq(new.span.to.to_string()),
        reconciliations::zone.eq(new.span.zone.name()),
        reconciliations::mapping.eq(json_text(&new.mapping)?),
        reconciliations::day_order.eq(new.day_order.map(DayOrder::as_str)),
        reconciliations::state.eq(ReconciliationState::Draft.as_str()),
    );
    Ok(on_each!(conn, |c| diesel::insert_into(reconciliations::table)
        .values(row)
        .returning(reconciliations::id)
        .get_result(c))?)
}

/// Keeps a part of its file.
///
/// # Errors
/// The database fails.
pub fn add_part(conn: &mut AnyConnection, id: i64, part: i64, bytes: &[u8]) -> Result<()> {
    let row = (
        reconciliation_parts::reconciliation_id.eq(id),
        reconciliation_parts::part.eq(part),
        reconciliation_parts::bytes.eq(bytes),
    );
    diesel::insert_into(reconciliation_parts::table).values(row).execute(conn)?;
    Ok(())
}

/// Its file; empty once it was compared.
///
/// # Errors
/// The database fails.
pub fn file(conn: &mut AnyConnection, id: i64) -> Result<Vec<u8>> {
    let parts: Vec<Vec<u8>> = reconciliation_parts::table
        .filter(reconciliation_parts::reconciliation_id.eq(id))
        .order(reconciliation_parts::part)
        .select(reconciliation_parts::bytes)
        .load(conn)?;
    Ok(parts.concat())
}

/// Changes how a draft's columns are read.
///
/// # Errors
/// The database fails.
pub fn set_columns(
    conn: &mut AnyConnection,
    id: i64,
    mapping: &Mapping,
    day_order: Option<DayOrder>,
) -> Result<()> {
    diesel::update(reconciliations::table.filter(reconciliations::id.eq(id)))
        .filter(reconciliations::state.eq(ReconciliationState::Draft.as_str()))
        .set((
            reconciliations::mapping.eq(json_text(mapping)?),
            reconciliations::day_order.eq(day_order.map(DayOrder::as_str)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Begins to store what was found of a draft; of two who ask, one is told so.
///
/// # Errors
/// The database fails.
pub fn begin(conn: &mut AnyConnection, id: i64, standings: &Standings) -> Result<bool> {
    let changed = diesel::update(reconciliations::table.filter(reconciliations::id.eq(id)))
        .filter(reconciliations::state.eq(ReconciliationState::Draft.as_str()))
        .set((
            reconciliations::state.eq(ReconciliationState::Making.as_str()),
            reconciliations::their_count.eq(standings.theirs),
            reconciliations::our_count.eq(standings.ours),
            reconciliations::matched_count.eq(standings.matched),
            reconciliations::outside_count.eq(standings.outside),
            reconciliations::days.eq(json_text(&standings.days)?),
        ))
        .execute(conn)?;
    Ok(changed == 1)
}

/// Ends one whose rows are all stored, and takes its file away.
///
/// # Errors
/// The database fails.
pub fn finish(conn: &mut AnyConnection, id: i64) -> Result<()> {
    diesel::update(reconciliations::table.filter(reconciliations::id.eq(id)))
        .set(reconciliations::state.eq(ReconciliationState::Done.as_str()))
        .execute(conn)?;
    diesel::delete(reconciliation_parts::table.filter(reconciliation_parts::reconciliation_id.eq(id)))
        .execute(conn)?;
    Ok(())
}

/// A reconciliation by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<Reconciliation>> {
    let row: Option<Row> = reconciliations::table.find(id).select(Row::as_select()).first(conn).optional()?;
    row.map(TryInto::try_into).transpose()
}

/// A page of those that are done, newest first.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, (limit, offset): (i64, i64)) -> Result<Listed<Reconciliation>> {
    let done =
        || reconciliations::table.filter(reconciliations::state.eq(ReconciliationState::Done.as_str()));
    let total: i64 = done().count().get_result(conn)?;
    let rows: Vec<Row> = done()
        .order(reconciliations::id.desc())
        .limit(limit)
        .offset(offset)
        .select(Row::as_select())
        .load(conn)?;
    Ok(Listed { items: rows.into_iter().map(TryInto::try_into).collect::<Result<_>>()?, total })
}

/// Takes away what nobody finished.
///
/// # Errors
/// The database fails.
pub fn sweep(conn: &mut AnyConnection, before_ms: i64) -> Result<()> {
    let ids: Vec<i64> = reconciliations::table
        .filter(reconciliations::state.ne(ReconciliationState::Done.as_str()))
        .filter(reconciliations::created_at_ms.lt(before_ms))
        .limit(SWEPT_MAX)
        .select(reconciliations::id)
        .load(conn)?;
    diesel::delete(reconciliation_parts::table.filter(reconciliation_parts::reconciliation_id.eq_any(&ids)))
        .execute(conn)?;
    diesel::delete(reconciliation_rows::table.filter(reconciliation_rows::reconciliation_id.eq_any(&ids)))
        .execute(conn)?;
    diesel::delete(reconciliations::table.filter(reconciliations::id.eq_any(&ids))).execute(conn)?;
    Ok(())
}

/// What a report is compared with of a conversion, as it is read.
type OursRow = (i64, Vec<u8>, String, String, String, i64, String, i64, bool);

macro_rules! ours_of {
    ($conn:expr, $advertiser:expr, $narrowed:expr, $limit:expr) => {{
        let rows: Vec<OursRow> = conversions::table
            .filter(conversions::advertiser_id.eq($advertiser))
            .filter(conversions::is_test.eq(false))
            // What a pixel alone reported is no conversion yet: their row confirms it when it is recorded.
            .filter(conversions::is_unconfirmed.eq(false))
            .filter($narrowed)
            .limit($limit)
            .select((
                conversions::id,
                conversions::click_id,
                conversions::txid,
                conversions::event,
                conversions::status,
                conversions::revenue_original_micros,
                conversions::currency,
                conversions::converted_at_ms,
                conversions::counts_as_conversion,
            ))
            .load($conn)?;
        rows.into_iter().map(ours).collect::<Result<Vec<Ours>>>()
    }};
}

fn ours(row: OursRow) -> Result<Ours> {
    let (id, click_id, txid, event, status, micros, currency, at_ms, counts) = row;
    Ok(Ours {
        id,
        click_id: ClickId::from_slice(&click_id).ok_or_else(|| Error::broken_row("click id"))?,
        txid,
        event,
        status: word(&status, Status::parse)?,
        amount: Money::from_micros(micros),
        currency: word(&currency, Currency::parse)?,
        at_ms,
        is_silent: !counts && micros == 0,
    })
}

/// An advertiser's conversions of some days, at most so many.
///
/// # Errors
/// The database fails.
pub fn ours_within(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    (from_ms, to_ms): (i64, i64),
    limit: i64,
) -> Result<Vec<Ours>> {
    let within = conversions::converted_at_ms.ge(from_ms).and(conversions::converted_at_ms.lt(to_ms));
    ours_of!(conn, advertiser_id, within, limit)
}

/// An advertiser's conversions of some transactions, whenever they were.
///
/// # Errors
/// The database fails.
pub fn ours_by_txid(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    txids: &[&str],
    limit: i64,
) -> Result<Vec<Ours>> {
    let mut found = Vec::new();
    for some in txids.chunks(VALUES_MAX) {
        // In the words of the index: a value that is bound tells no planner that it may be used.
        let named = diesel::dsl::sql::<Bool>("txid <> ''").and(conversions::txid.eq_any(some));
        found.extend(ours_of!(conn, advertiser_id, named, limit)?);
    }
    Ok(found)
}

/// An advertiser's conversions of some clicks, whenever they were.
///
/// # Errors
/// The database fails.
pub fn ours_by_click(
    conn: &mut AnyConnection,
    advertiser_id: i64,
    clicks: &[ClickId],
    limit: i64,
) -> Result<Vec<Ours>> {
    let mut found = Vec::new();
    for some in clicks.chunks(VALUES_MAX) {
        let wanted: Vec<&[u8]> = some.iter().map(|id| id.bytes().as_slice()).collect();
        found.extend(ours_of!(conn, advertiser_id, conversions::click_id.eq_any(wanted), limit)?);
    }
    Ok(found)
}
