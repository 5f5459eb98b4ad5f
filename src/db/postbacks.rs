//! Postbacks received: every one raw, with its verdict.

use super::log::{given, page};
use super::schema::postbacks_received;
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Error, Result, word};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::click_id::ClickId;
use crate::domain::verdict::{Code, PostbackResult};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::collections::HashMap;

/// The method under which a page's report by pixel or script is kept: no request of a postback has it.
pub const PIXEL: &str = "PIXEL";

/// What was parked or refused: in the words of the index, not as values, else SQLite does not see that the index holds all
/// of them.
const UNCOUNTED: &str = "result in ('parked', 'refused')";

/// A postback to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPostback {
    /// Unix milliseconds.
    pub received_at_ms: i64,
    /// Whose key it came to; for a page's report, whose click it was.
    pub advertiser_id: Option<i64>,
    /// GET or POST; [`PIXEL`] for what a page reported.
    pub method: String,
    /// The sender's address.
    pub address: String,
    /// As the sender named it.
    pub content_type: Option<String>,
    /// The query string as it came.
    pub raw_query: Vec<u8>,
    /// The body as it came.
    pub raw_body: Vec<u8>,
    /// A hash of all parameters but time, nonce and signature.
    pub request_hash: [u8; 16],
    /// The verdict.
    pub code: Code,
    /// One sentence about it.
    pub message: String,
    /// The click it names, where it is one of ours in form.
    pub click_id: Option<ClickId>,
    /// The event it names.
    pub event: Option<String>,
    /// The transaction it names.
    pub txid: Option<String>,
    /// The conversion it made, changed or repeated.
    pub conversion_id: Option<i64>,
    /// Test data.
    pub is_test: bool,
    /// Parked for a click that may still come.
    pub is_waiting: bool,
}

impl NewPostback {
    /// Whether a page reported it.
    #[must_use]
    pub fn is_pixel(&self) -> bool {
        self.method == PIXEL
    }
}

/// A postback as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPostback {
    /// Its number.
    pub id: i64,
    /// What was kept.
    pub value: NewPostback,
    /// When a parked one got its final verdict, Unix milliseconds.
    pub settled_at_ms: Option<i64>,
}

#[derive(Insertable)]
#[diesel(table_name = postbacks_received, treat_none_as_default_value = false)]
pub(super) struct Numbered<'a> {
    id: i64,
    received_at_ms: i64,
    advertiser_id: Option<i64>,
    method: &'a str,
    address: &'a str,
    content_type: Option<&'a str>,
    raw_query: &'a [u8],
    raw_body: &'a [u8],
    request_hash: &'a [u8],
    result: &'static str,
    code: &'static str,
    message: &'a str,
    click_id: Option<&'a [u8]>,
    event: Option<&'a str>,
    txid: Option<&'a str>,
    conversion_id: Option<i64>,
    is_test: bool,
    is_waiting: bool,
}

impl<'a> Numbered<'a> {
    /// A postback's row, its number reserved before.
    pub(super) fn new(id: i64, new: &'a NewPostback) -> Self {
        Self {
            id,
            received_at_ms: new.received_at_ms,
            advertiser_id: new.advertiser_id,
            method: &new.method,
            address: &new.address,
            content_type: new.content_type.as_deref(),
            raw_query: &new.raw_query,
            raw_body: &new.raw_body,
            request_hash: &new.request_hash,
            result: new.code.result().as_str(),
            code: new.code.as_str(),
            message: &new.message,
            click_id: new.click_id.as_ref().map(|id| id.bytes().as_slice()),
            event: new.event.as_deref(),
            txid: new.txid.as_deref(),
            conversion_id: new.conversion_id,
            is_test: new.is_test,
            is_waiting: new.is_waiting,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = postbacks_received)]
pub(super) struct Row {
    id: i64,
    received_at_ms: i64,
    advertiser_id: Option<i64>,
    method: String,
    address: String,
    content_type: Option<String>,
    raw_query: Vec<u8>,
    raw_body: Vec<u8>,
    request_hash: Vec<u8>,
    code: String,
    message: String,
    click_id: Option<Vec<u8>>,
    event: Option<String>,
    txid: Option<String>,
    conversion_id: Option<i64>,
    is_test: bool,
    is_waiting: bool,
    settled_at_ms: Option<i64>,
}

impl TryFrom<Row> for StoredPostback {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let hash: Option<[u8; 16]> = row.request_hash.as_slice().try_into().ok();
        let value = NewPostback {
            received_at_ms: row.received_at_ms,
            advertiser_id: row.advertiser_id,
            method: row.method,
            address: row.address,
            content_type: row.content_type,
            raw_query: row.raw_query,
            raw_body: row.raw_body,
            request_hash: hash.ok_or_else(|| Error::broken_row("request hash"))?,
            code: word(&row.code, Code::parse)?,
            message: row.message,
            click_id: row.click_id.and_then(|bytes| ClickId::from_slice(&bytes)),
            event: row.event,
            txid: row.txid,
            conversion_id: row.conversion_id,
            is_test: row.is_test,
            is_waiting: row.is_waiting,
        };
        Ok(Self { id: row.id, value, settled_at_ms: row.settled_at_ms })
    }
}

/// What a retry of a request is known by: whose it is, about which click, and the hash of what it says.
pub type Accepted = (i64, ClickId, [u8; 16]);

/// When a request was accepted, and the conversion it made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AcceptedAt {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// The conversion.
    pub conversion_id: Option<i64>,
}

type AcceptedRow = (Option<i64>, Option<Vec<u8>>, Vec<u8>, i64, Option<i64>);

/// When some requests about some clicks were accepted, since a time.
///
/// # Errors
/// The database fails.
pub fn accepted(
    conn: &mut AnyConnection,
    clicks: &[ClickId],
    hashes: &[[u8; 16]],
    since_ms: i64,
) -> Result<HashMap<Accepted, Vec<AcceptedAt>>> {
    let accepted = [Code::Recorded.as_str(), Code::Updated.as_str()];
    let clicks: Vec<&[u8]> = clicks.iter().map(|id| id.bytes().as_slice()).collect();
    let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 16]>::as_slice).collect();
    let rows: Vec<AcceptedRow> = postbacks_received::table
        .filter(postbacks_received::click_id.eq_any(clicks))
        .filter(postbacks_received::request_hash.eq_any(hashes))
        .filter(postbacks_received::received_at_ms.ge(since_ms))
        .filter(postbacks_received::code.eq_any(accepted))
        .select((
            postbacks_received::advertiser_id,
            postbacks_received::click_id,
            postbacks_received::request_hash,
            postbacks_received::received_at_ms,
            postbacks_received::conversion_id,
        ))
        .load(conn)?;
    let known = |(advertiser_id, click, hash, at_ms, conversion_id): AcceptedRow| {
        let request = (advertiser_id?, ClickId::from_slice(&click?)?, hash.as_slice().try_into().ok()?);
        Some((request, AcceptedAt { at_ms, conversion_id }))
    };
    let mut all: HashMap<Accepted, Vec<AcceptedAt>> = HashMap::new();
    for (request, accepted) in rows.into_iter().filter_map(known) {
        all.entry(request).or_default().push(accepted);
    }
    Ok(all)
}

/// A postback by number.
///
/// # Errors
/// The database fails.
pub fn find(conn: &mut AnyConnection, id: i64) -> Result<Option<StoredPostback>> {
    let row: Option<Row> = postbacks_received::table
        .filter(postbacks_received::id.eq(id))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    row.map(TryInto::try_into).transpose()
}

/// Which postbacks a log shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostbackQuery {
    /// Start, Unix milliseconds.
    pub from_ms: Option<i64>,
    /// End, exclusive.
    pub to_ms: Option<i64>,
    /// One advertiser only.
    pub advertiser_id: Option<i64>,
    /// One result only.
    pub result: Option<String>,
    /// Only what did not count: parked or refused.
    pub is_uncounted: bool,
    /// One code only.
    pub code: Option<String>,
    /// One click only.
    pub click_id: Option<ClickId>,
    /// One transaction only.
    pub txid: Option<String>,
    /// In the message, the transaction or the address.
    pub q: String,
    /// Test data only, real data only, or both.
    pub is_test: Option<bool>,
    /// Rows before the page.
    pub offset: i64,
    /// Rows of the page.
    pub limit: i64,
}

/// The rows that a query is about.
macro_rules! matching {
    ($query:ident) => {{
        let rows = postbacks_received::table.into_boxed();
        let mut rows = given!(
            rows,
            $query,
            postbacks_received,
            received_at_ms,
            [advertiser_id, result, code, txid, is_test]
        );
        if $query.is_uncounted {
            rows = rows.filter(diesel::dsl::sql::<Bool>(UNCOUNTED));
        }
        if !$query.q.is_empty() {
            let found = fold_case(postbacks_received::message).like(contains(&$query.q)).escape('\\');
            let found = found.or(postbacks_received::address.eq($query.q.clone()));
            rows = rows.filter(found.nullable().or(postbacks_received::txid.eq($query.q.clone())));
        }
        rows
    }};
}

/// A page of postbacks, newest first. The total is counted up to [`COUNTED_MAX`] and one.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &PostbackQuery) -> Result<Listed<StoredPostback>> {
    let matching = || matching!(query);
    page!(conn, query, postbacks_received, received_at_ms, matching)
}

/// The numbers of the postbacks that a query is about, oldest first; at most so many. Its page says nothing here.
///
/// # Errors
/// The database fails.
pub fn ids(conn: &mut AnyConnection, query: &PostbackQuery, rows_max: i64) -> Result<Vec<i64>> {
    let oldest_first = (postbacks_received::received_at_ms, postbacks_received::id);
    let rows = matching!(query).order(oldest_first).limit(rows_max);
    Ok(rows.select(postbacks_received::id).load(conn)?)
}

/// Postbacks of one advertiser that did not count, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncounted {
    /// Whose; `None` where the key belongs to nobody.
    pub advertiser_id: Option<i64>,
    /// Why: parked or refused.
    pub code: Code,
    /// How many.
    pub count: i64,
    /// When the last of them came, Unix milliseconds.
    pub last_ms: i64,
}

/// What was parked or refused in a period.
///
/// # Errors
/// The database fails.
pub fn uncounted(
    conn: &mut AnyConnection,
    from_ms: i64,
    to_ms: i64,
    is_test: bool,
) -> Result<Vec<Uncounted>> {
    let is_uncounted = diesel::dsl::sql::<Bool>(UNCOUNTED);
    let rows: Vec<(Option<i64>, String, i64, Option<i64>)> = postbacks_received::table
        .filter(is_uncounted)
        .filter(postbacks_received::received_at_ms.ge(from_ms))
        .filter(postbacks_received::received_at_ms.lt(to_ms))
        .filter(postbacks_received::is_test.eq(is_test))
        .group_by((postbacks_received::advertiser_id, postbacks_received::code))
        .select((
            postbacks_received::advertiser_id,
            postbacks_received::code,
            diesel::dsl::count_star(),
            diesel::dsl::max(postbacks_received::received_at_ms),
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(advertiser_id, code, count, last_ms)| {
            let code = word(&code, Code::parse)?;
            Ok(Uncounted { advertiser_id, code, count, last_ms: last_ms.unwrap_or(0) })
        })
        .collect()
}

/// How many were accepted in a period, of one advertiser or of all.
///
/// # Errors
/// The database fails.
pub fn count_accepted(
    conn: &mut AnyConnection,
    from_ms: i64,
    to_ms: i64,
    is_test: bool,
    advertiser_id: Option<i64>,
) -> Result<i64> {
    let accepted = Code::ALL.iter().filter(|code| code.result() == PostbackResult::Accepted);
    let codes: Vec<&str> = accepted.map(|code| code.as_str()).collect();
    let mut asked = postbacks_received::table
        .filter(postbacks_received::received_at_ms.ge(from_ms))
        .filter(postbacks_received::received_at_ms.lt(to_ms))
        .filter(postbacks_received::is_test.eq(is_test))
        .filter(postbacks_received::code.eq_any(codes))
        .select(diesel::dsl::count_star())
        .into_boxed();
    if let Some(advertiser_id) = advertiser_id {
        asked = asked.filter(postbacks_received::advertiser_id.eq(advertiser_id));
    }
    Ok(asked.first(conn)?)
}

/// Takes all test postbacks away.
///
/// # Errors
/// The database fails.
pub fn delete_test(conn: &mut AnyConnection) -> Result<()> {
    diesel::sql_query(
        "delete from postback_replays where postback_id in (select id from postbacks_received where is_test)",
    )
    .execute(conn)?;
    diesel::delete(postbacks_received::table.filter(postbacks_received::is_test.eq(true))).execute(conn)?;
    Ok(())
}
