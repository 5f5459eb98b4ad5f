//! Postbacks received: every one raw, with its verdict.

use super::log::{given, page};
use super::schema::{clicks, postbacks_received};
use super::search::{Listed, contains, fold_case};
use super::{AnyConnection, Error, Result, word};
use crate::db::click_log::COUNTED_MAX;
use crate::domain::click_id::ClickId;
use crate::domain::verdict::{Code, PostbackResult};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::collections::HashMap;

/// The method under which a page's report by pixel or script is kept: no request of a postback has it.
pub const PIXEL: &str = "PIXEL";

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
struct Row {
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

/// Gives a parked postback its new verdict.
///
/// # Errors
/// The database fails.
pub fn settle(conn: &mut AnyConnection, id: i64, new: &NewPostback, now_ms: i64) -> Result<()> {
    let settled_at_ms = (!new.is_waiting).then_some(now_ms);
    diesel::update(postbacks_received::table.filter(postbacks_received::id.eq(id)))
        .set((
            postbacks_received::advertiser_id.eq(new.advertiser_id),
            postbacks_received::result.eq(new.code.result().as_str()),
            postbacks_received::code.eq(new.code.as_str()),
            postbacks_received::message.eq(&new.message),
            postbacks_received::conversion_id.eq(new.conversion_id),
            postbacks_received::click_id.eq(new.click_id.map(|id| id.bytes().to_vec())),
            postbacks_received::is_test.eq(new.is_test),
            postbacks_received::is_waiting.eq(new.is_waiting),
            postbacks_received::settled_at_ms.eq(settled_at_ms),
        ))
        .execute(conn)?;
    Ok(())
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

/// When some requests about some clicks were last accepted, those that were since a time.
///
/// # Errors
/// The database fails.
pub fn accepted(
    conn: &mut AnyConnection,
    clicks: &[ClickId],
    hashes: &[[u8; 16]],
    since_ms: i64,
) -> Result<HashMap<Accepted, AcceptedAt>> {
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
    let mut last = HashMap::new();
    for (request, accepted) in rows.into_iter().filter_map(known) {
        let latest = last.entry(request).or_insert(accepted);
        *latest = accepted.max(*latest);
    }
    Ok(last)
}

/// Postbacks parked for a click that has come by now, received since a time; at most so many.
///
/// # Errors
/// The database fails.
pub fn waiting_with_click(
    conn: &mut AnyConnection,
    since_ms: i64,
    rows_max: i64,
) -> Result<Vec<StoredPostback>> {
    let click = clicks::table
        .filter(clicks::id.nullable().eq(postbacks_received::click_id))
        .select(clicks::campaign_id);
    let rows: Vec<Row> = postbacks_received::table
        .filter(postbacks_received::is_waiting)
        .filter(postbacks_received::code.ne(Code::ParkedNoRate.as_str()))
        .filter(postbacks_received::received_at_ms.ge(since_ms))
        .filter(exists(click))
        .order(postbacks_received::id)
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Postbacks parked for an exchange rate, by number, after one of them; at most so many.
///
/// # Errors
/// The database fails.
pub fn waiting_for_rate(
    conn: &mut AnyConnection,
    after_id: i64,
    rows_max: i64,
) -> Result<Vec<StoredPostback>> {
    // In the words of the index, as with what is uncounted.
    let rows: Vec<Row> = postbacks_received::table
        .filter(diesel::dsl::sql::<Bool>("code = 'parked_no_rate'"))
        .filter(postbacks_received::is_waiting)
        .filter(postbacks_received::id.gt(after_id))
        .order(postbacks_received::id)
        .limit(rows_max)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(TryInto::try_into).collect()
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

/// A page of postbacks, newest first. The total is counted up to [`COUNTED_MAX`] and one.
///
/// # Errors
/// The database fails.
pub fn list(conn: &mut AnyConnection, query: &PostbackQuery) -> Result<Listed<StoredPostback>> {
    let matching = || {
        let rows = postbacks_received::table.into_boxed();
        let mut rows = given!(
            rows,
            query,
            postbacks_received,
            received_at_ms,
            [advertiser_id, result, code, txid, is_test]
        );
        if !query.q.is_empty() {
            let found = fold_case(postbacks_received::message).like(contains(&query.q)).escape('\\');
            let found = found.or(postbacks_received::address.eq(query.q.clone()));
            rows = rows.filter(found.nullable().or(postbacks_received::txid.eq(query.q.clone())));
        }
        rows
    };
    page!(conn, query, postbacks_received, received_at_ms, matching)
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
    // In the words of the index, not as values: else SQLite does not see that the index holds all of them.
    let is_uncounted = diesel::dsl::sql::<Bool>("result in ('parked', 'refused')");
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
    diesel::delete(postbacks_received::table.filter(postbacks_received::is_test.eq(true))).execute(conn)?;
    Ok(())
}
