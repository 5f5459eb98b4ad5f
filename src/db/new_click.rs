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
use std::ops::Deref;

/// Sub slots of a click.
const SUBS: usize = 20;

/// Declares the row, and the walks over its columns that write the statement and hand over the values. The columns
/// stand in groups: what a group leaves out when all of it is empty need not be handed over, and on SQLite each value
/// handed over costs about as much as it costs to store it.
macro_rules! click_row {
    ($($group:ident { $($column:ident: $rust:ty as $sql:ty,)+ })+) => {
        #[derive(Insertable)]
        #[diesel(table_name = clicks, treat_none_as_default_value = false)]
        pub(super) struct NewClick<'a> {
            id: &'a [u8],
            $($($column: $rust,)+)+
        }

        impl NewClick<'_> {
            $(
                fn $group<'b>(&'b self, part: Part, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                    $(
                        match part {
                            Part::Names => out.push_sql(concat!(", ", stringify!($column))),
                            Part::Values => {
                                out.push_sql(", ");
                                out.push_bind_param::<$sql, _>(&self.$column)?;
                            }
                        }
                    )+
                    Ok(())
                }
            )+
        }
    };
}

/// Which part of the statement is written.
#[derive(Clone, Copy)]
enum Part {
    Names,
    Values,
}

click_row! {
    always {
        campaign_id: i64 as BigInt,
        clicked_at_ms: i64 as BigInt,
        source_id: Option<i64> as Nullable<BigInt>,
        path_id: Option<i64> as Nullable<BigInt>,
        lander_id: Option<i64> as Nullable<BigInt>,
        offer_id: Option<i64> as Nullable<BigInt>,
        external_id: Option<&'a str> as Nullable<Text>,
        cost_original_micros: Option<i64> as Nullable<BigInt>,
        cost_currency: Option<&'a str> as Nullable<Text>,
        cost_recorded_micros: i64 as BigInt,
        cost_micros: i64 as BigInt,
        country: Option<&'a str> as Nullable<Text>,
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
        is_test: bool as Bool,
        is_cut: bool as Bool,
        sub1: Option<&'a str> as Nullable<Text>,
        sub2: Option<&'a str> as Nullable<Text>,
        sub3: Option<&'a str> as Nullable<Text>,
    }
    rare {
        rule_id: Option<i64> as Nullable<BigInt>,
        refusal: Option<&'a str> as Nullable<Text>,
        bot_reason: Option<&'a str> as Nullable<Text>,
        params: Option<String> as Nullable<Text>,
    }
    place {
        region: Option<&'a str> as Nullable<Text>,
        city: Option<&'a str> as Nullable<Text>,
        isp: Option<&'a str> as Nullable<Text>,
        asn: Option<i64> as Nullable<BigInt>,
        connection: Option<&'a str> as Nullable<Text>,
    }
    more_subs {
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
}

/// Inserts a click unless it is there, with these groups of columns. Diesel would write the text of this statement anew
/// for each row, which costs more than inserting it; as a type's text never changes, the prepared one is found by type.
struct InsertClick<'a, const RARE: bool, const PLACE: bool, const MORE_SUBS: bool>(&'a NewClick<'a>);

impl<const RARE: bool, const PLACE: bool, const MORE_SUBS: bool> QueryId
    for InsertClick<'_, RARE, PLACE, MORE_SUBS>
{
    type QueryId = InsertClick<'static, RARE, PLACE, MORE_SUBS>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const RARE: bool, const PLACE: bool, const MORE_SUBS: bool> QueryFragment<Sqlite>
    for InsertClick<'_, RARE, PLACE, MORE_SUBS>
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT INTO clicks (id");
        self.walk(Part::Names, &mut out)?;
        out.push_sql(") VALUES (");
        out.push_bind_param::<Binary, _>(&self.0.id)?;
        self.walk(Part::Values, &mut out)?;
        out.push_sql(") ON CONFLICT DO NOTHING");
        Ok(())
    }
}

impl<const RARE: bool, const PLACE: bool, const MORE_SUBS: bool> InsertClick<'_, RARE, PLACE, MORE_SUBS> {
    fn walk<'b>(&'b self, part: Part, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.always(part, out)?;
        if RARE {
            self.0.rare(part, out)?;
        }
        if PLACE {
            self.0.place(part, out)?;
        }
        if MORE_SUBS {
            self.0.more_subs(part, out)?;
        }
        Ok(())
    }
}

impl<const RARE: bool, const PLACE: bool, const MORE_SUBS: bool> RunQueryDsl<SqliteConnection>
    for InsertClick<'_, RARE, PLACE, MORE_SUBS>
{
}

/// Inserts a click on SQLite unless it is there; returns the number of rows.
pub(super) fn insert(sqlite: &mut SqliteConnection, click: &NewClick<'_>) -> QueryResult<usize> {
    match (click.has_rare(), click.has_place(), click.has_more_subs()) {
        (false, false, false) => InsertClick::<false, false, false>(click).execute(sqlite),
        (false, false, true) => InsertClick::<false, false, true>(click).execute(sqlite),
        (false, true, false) => InsertClick::<false, true, false>(click).execute(sqlite),
        (false, true, true) => InsertClick::<false, true, true>(click).execute(sqlite),
        (true, false, false) => InsertClick::<true, false, false>(click).execute(sqlite),
        (true, false, true) => InsertClick::<true, false, true>(click).execute(sqlite),
        (true, true, false) => InsertClick::<true, true, false>(click).execute(sqlite),
        (true, true, true) => InsertClick::<true, true, true>(click).execute(sqlite),
    }
}

impl<'a> NewClick<'a> {
    pub(super) fn new<Text: Deref<Target = str>>(click: &'a ClickRecord<Text>) -> Result<Self> {
        let [
            sub1,
            sub2,
            sub3,
            sub4,
            sub5,
            sub6,
            sub7,
            sub8,
            sub9,
            sub10,
            sub11,
            sub12,
            sub13,
            sub14,
            sub15,
            sub16,
            sub17,
            sub18,
            sub19,
            sub20,
        ] = subs(click);
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
            params: params_text(&click.params)?,
            sub1,
            sub2,
            sub3,
            sub4,
            sub5,
            sub6,
            sub7,
            sub8,
            sub9,
            sub10,
            sub11,
            sub12,
            sub13,
            sub14,
            sub15,
            sub16,
            sub17,
            sub18,
            sub19,
            sub20,
        })
    }
}

impl NewClick<'_> {
    /// Whether a rule chose, the visitor was refused, is a machine, or came with parameters to keep.
    const fn has_rare(&self) -> bool {
        self.rule_id.is_some() || self.refusal.is_some() || self.bot_reason.is_some() || self.params.is_some()
    }

    /// Whether anything is known of the place and the network.
    const fn has_place(&self) -> bool {
        self.region.is_some()
            || self.city.is_some()
            || self.isp.is_some()
            || self.asn.is_some()
            || self.connection.is_some()
    }

    /// Whether any sub value stands above the third.
    const fn has_more_subs(&self) -> bool {
        self.sub4.is_some()
            || self.sub5.is_some()
            || self.sub6.is_some()
            || self.sub7.is_some()
            || self.sub8.is_some()
            || self.sub9.is_some()
            || self.sub10.is_some()
            || self.sub11.is_some()
            || self.sub12.is_some()
            || self.sub13.is_some()
            || self.sub14.is_some()
            || self.sub15.is_some()
            || self.sub16.is_some()
            || self.sub17.is_some()
            || self.sub18.is_some()
            || self.sub19.is_some()
            || self.sub20.is_some()
    }
}

/// Sub values in the order of their slots.
fn subs<Text: Deref<Target = str>>(click: &ClickRecord<Text>) -> [Option<&str>; SUBS] {
    let mut subs = [None; SUBS];
    for (slot, value) in &click.subs {
        if let Some(place) = usize::from(*slot).checked_sub(1).and_then(|at| subs.get_mut(at)) {
            *place = Some(&**value);
        }
    }
    subs
}

fn params_text<Text: Deref<Target = str>>(params: &[(Text, Text)]) -> Result<Option<String>> {
    if params.is_empty() {
        return Ok(None);
    }
    let map: BTreeMap<&str, &str> = params.iter().map(|(name, value)| (&**name, &**value)).collect();
    json_text(&map).map(Some)
}

#[cfg(test)]
mod tests {
    use super::super::{Priority, Result, click_log, clicks, partitions, scratch};
    use super::*;
    use crate::domain::click_id::ClickId;
    use crate::domain::device::Device;

    const AT_MS: i64 = 1_780_000_000_000;

    /// A click of which so many texts are known as the bits of a number say.
    fn click(bits: u8) -> ClickRecord {
        let some = |bit: u8, text: &str| (bits >> bit & 1 == 1).then(|| text.into());
        ClickRecord {
            id: ClickId::new(AT_MS, [bits; 10]),
            clicked_at_ms: AT_MS,
            campaign_id: 1,
            source_id: None,
            path_id: Some(3),
            rule_id: some(0, "").map(|_: Box<str>| 4),
            lander_id: None,
            offer_id: Some(5),
            refusal: None,
            external_id: some(3, "network's own"),
            cost_original_micros: None,
            cost_currency: None,
            cost_micros: 0,
            country: Country::parse("DE"),
            region: None,
            city: some(1, "K\u{f6}ln"),
            isp: None,
            asn: some(1, "").map(|_: Box<str>| 64_512),
            connection: None,
            device: Device::Mobile,
            brand: some(3, "Samsung"),
            model: None,
            os: None,
            os_version: None,
            browser: None,
            browser_version: None,
            language: Language::parse("de"),
            referrer_host: None,
            address: Some([203, 0, 113, bits].into()),
            agent_id: 0,
            agent: Box::default(),
            domain: None,
            is_unique: true,
            bot: some(0, "").map(|_: Box<str>| BotReason::EmptyAgent),
            is_test: false,
            is_cut: false,
            params: some(0, "spring").map(|value| ("utm_campaign".into(), value)).into_iter().collect(),
            subs: (1..=20).filter_map(|slot| Some((slot, some(2, &format!("value {slot}"))?))).collect(),
        }
    }

    #[test]
    fn whatever_is_known_of_a_click_comes_back() {
        scratch::on_each_database(|db| {
            let records: Vec<ClickRecord> = (0..16).map(click).collect();
            let all: Vec<&ClickRecord> = records.iter().collect();
            let stored: Result<Vec<ClickRecord>> = db.write(Priority::Pages, |conn| {
                partitions::ensure(conn, AT_MS, AT_MS)?;
                assert_eq!(clicks::insert(conn, &all)?, [true; 16]);
                records.iter().map(|one| Ok(click_log::find(conn, one.id)?.unwrap().record)).collect()
            });
            assert_eq!(stored.unwrap(), records);
        });
    }
}
