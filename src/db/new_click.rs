//! A click's row as it is written: by one statement made ready once on SQLite, by COPY on PostgreSQL.

use super::schema::clicks;
use super::{Result, json_text};
use crate::domain::bot::BotReason;
use crate::domain::click::{ClickRecord, RouteRefusal};
use crate::domain::country::Country;
use crate::domain::language::Language;
use crate::domain::money::Currency;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use diesel::{Insertable, QueryResult, RunQueryDsl, SqliteConnection};
use std::collections::BTreeMap;

/// Declares the row, and the walk over its columns that writes the statement and hands over the values.
macro_rules! click_row {
    ($($column:ident: $rust:ty as $sql:ty,)+) => {
        #[derive(Insertable)]
        #[diesel(table_name = clicks, treat_none_as_default_value = false)]
        pub(super) struct NewClick<'a> { $($column: $rust,)+ }

        /// The columns, and as many places for values.
        const INSERT: &str = concat!("INSERT INTO clicks (", $(stringify!($column), ", ",)+);

        impl NewClick<'_> {
            fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                out.push_sql(INSERT.trim_end_matches(", "));
                let mut mark = ") VALUES (";
                $(
                    out.push_sql(mark);
                    out.push_bind_param::<$sql, _>(&self.$column)?;
                    mark = ", ";
                )+
                let _ = mark;
                Ok(())
            }
        }
    };
}

click_row! {
    id: &'a [u8] as Binary,
    campaign_id: i64 as BigInt,
    clicked_at_ms: i64 as BigInt,
    source_id: Option<i64> as Nullable<BigInt>,
    path_id: Option<i64> as Nullable<BigInt>,
    rule_id: Option<i64> as Nullable<BigInt>,
    lander_id: Option<i64> as Nullable<BigInt>,
    offer_id: Option<i64> as Nullable<BigInt>,
    refusal: Option<&'a str> as Nullable<Text>,
    external_id: Option<&'a str> as Nullable<Text>,
    cost_original_micros: Option<i64> as Nullable<BigInt>,
    cost_currency: Option<&'a str> as Nullable<Text>,
    cost_recorded_micros: i64 as BigInt,
    cost_micros: i64 as BigInt,
    country: Option<&'a str> as Nullable<Text>,
    region: Option<&'a str> as Nullable<Text>,
    city: Option<&'a str> as Nullable<Text>,
    isp: Option<&'a str> as Nullable<Text>,
    asn: Option<i64> as Nullable<BigInt>,
    connection: Option<&'a str> as Nullable<Text>,
    device: &'a str as Text,
    brand: Option<&'a str> as Nullable<Text>,
    model: Option<&'a str> as Nullable<Text>,
    os: Option<&'a str> as Nullable<Text>,
    os_version: Option<&'a str> as Nullable<Text>,
    browser: Option<&'a str> as Nullable<Text>,
    browser_version: Option<&'a str> as Nullable<Text>,
    language: Option<&'a str> as Nullable<Text>,
    referrer_host: Option<&'a str> as Nullable<Text>,
    address: Option<String> as Nullable<Text>,
    agent_id: i64 as BigInt,
    domain: Option<&'a str> as Nullable<Text>,
    is_unique: bool as Bool,
    is_bot: bool as Bool,
    bot_reason: Option<&'a str> as Nullable<Text>,
    is_test: bool as Bool,
    is_cut: bool as Bool,
    lp_clicks: i64 as BigInt,
    last_offer_id: Option<i64> as Nullable<BigInt>,
    params: Option<String> as Nullable<Text>,
    sub1: Option<&'a str> as Nullable<Text>,
    sub2: Option<&'a str> as Nullable<Text>,
    sub3: Option<&'a str> as Nullable<Text>,
    sub4: Option<&'a str> as Nullable<Text>,
    sub5: Option<&'a str> as Nullable<Text>,
    sub6: Option<&'a str> as Nullable<Text>,
    sub7: Option<&'a str> as Nullable<Text>,
    sub8: Option<&'a str> as Nullable<Text>,
    sub9: Option<&'a str> as Nullable<Text>,
    sub10: Option<&'a str> as Nullable<Text>,
    sub11: Option<&'a str> as Nullable<Text>,
    sub12: Option<&'a str> as Nullable<Text>,
    sub13: Option<&'a str> as Nullable<Text>,
    sub14: Option<&'a str> as Nullable<Text>,
    sub15: Option<&'a str> as Nullable<Text>,
    sub16: Option<&'a str> as Nullable<Text>,
    sub17: Option<&'a str> as Nullable<Text>,
    sub18: Option<&'a str> as Nullable<Text>,
    sub19: Option<&'a str> as Nullable<Text>,
    sub20: Option<&'a str> as Nullable<Text>,
}

/// Inserts a click unless it is there. Diesel would write the text of this statement anew for each row, which costs more
/// than inserting it; as its text never changes, the prepared one is found by type.
pub(super) struct InsertClick<'a>(pub(super) NewClick<'a>);

impl QueryId for InsertClick<'_> {
    type QueryId = InsertClick<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for InsertClick<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk(&mut out)?;
        out.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for InsertClick<'_> {}

impl<'a> NewClick<'a> {
    pub(super) fn new(click: &'a ClickRecord) -> Result<Self> {
        let sub = |slot: u8| click.subs.iter().find(|(known, _)| *known == slot).map(|(_, value)| &**value);
        Ok(Self {
            id: click.id.bytes(),
            campaign_id: click.campaign_id,
            clicked_at_ms: click.clicked_at_ms,
            source_id: click.source_id,
            path_id: click.path_id,
            rule_id: click.rule_id,
            lander_id: click.lander_id,
            offer_id: click.offer_id,
            refusal: click.refusal.map(RouteRefusal::as_str),
            external_id: click.external_id.as_deref(),
            cost_original_micros: click.cost_original_micros,
            cost_currency: click.cost_currency.as_ref().map(Currency::as_str),
            cost_recorded_micros: click.cost_micros,
            cost_micros: click.cost_micros,
            country: click.country.as_ref().map(Country::as_str),
            region: click.region.as_deref(),
            city: click.city.as_deref(),
            isp: click.isp.as_deref(),
            asn: click.asn,
            connection: click.connection.as_deref(),
            device: click.device.as_str(),
            brand: click.brand.as_deref(),
            model: click.model.as_deref(),
            os: click.os.as_deref(),
            os_version: click.os_version.as_deref(),
            browser: click.browser.as_deref(),
            browser_version: click.browser_version.as_deref(),
            language: click.language.as_ref().map(Language::as_str),
            referrer_host: click.referrer_host.as_deref(),
            address: click.address.map(|address| address.to_string()),
            agent_id: click.agent_id,
            domain: click.domain.as_deref(),
            is_unique: click.is_unique,
            is_bot: click.bot.is_some(),
            bot_reason: click.bot.map(BotReason::as_str),
            is_test: click.is_test,
            is_cut: click.is_cut,
            lp_clicks: 0,
            last_offer_id: None,
            params: params_text(&click.params)?,
            sub1: sub(1),
            sub2: sub(2),
            sub3: sub(3),
            sub4: sub(4),
            sub5: sub(5),
            sub6: sub(6),
            sub7: sub(7),
            sub8: sub(8),
            sub9: sub(9),
            sub10: sub(10),
            sub11: sub(11),
            sub12: sub(12),
            sub13: sub(13),
            sub14: sub(14),
            sub15: sub(15),
            sub16: sub(16),
            sub17: sub(17),
            sub18: sub(18),
            sub19: sub(19),
            sub20: sub(20),
        })
    }
}

fn params_text(params: &[(Box<str>, Box<str>)]) -> Result<Option<String>> {
    if params.is_empty() {
        return Ok(None);
    }
    let map: BTreeMap<&str, &str> = params.iter().map(|(name, value)| (&**name, &**value)).collect();
    json_text(&map).map(Some)
}
