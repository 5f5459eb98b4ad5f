//! Made-up clicks and conversions, stored as the ingester and the postback writer store them.

use super::{CAMPAIGNS, SPAN_MS, START_MS};
use crate::db::ledger::{Draft, Numbers};
use crate::db::lp_clicks::{self, Pressed};
use crate::db::{self, AnyConnection, clicks, conversions, partitions, rollups};
use crate::domain::anomaly::{Anomalies, Said};
use crate::domain::bot::BotReason;
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::domain::device::Device;
use crate::domain::money::Currency;
use crate::domain::origin::Origin;
use crate::domain::rollup::{Counters, HOUR_MS, RollupDelta};
use crate::domain::status::Status;
use proptest::prelude::*;

/// A conversion to come: after so long, these statuses and amounts, an order value, whether it counts.
type Converts = (i64, Vec<(Status, i64)>, Option<i64>, bool);

#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) at_ms: i64,
    pub(super) campaign: i64,
    pub(super) cost: Option<i64>,
    pub(super) is_unique: bool,
    pub(super) is_bot: bool,
    pub(super) is_test: bool,
    pub(super) lander: bool,
    pub(super) lp_clicks: i64,
    pub(super) conversion: Option<Converts>,
}

pub(super) fn planned() -> impl Strategy<Value = Planned> {
    let status = || (prop::sample::select(Status::ALL), 0..20_000_000_i64);
    let conversion = (
        0..5 * 24 * HOUR_MS,
        prop::collection::vec(status(), 1..4),
        prop::option::of(0..90_000_000_i64),
        any::<bool>(),
    );
    (
        (0..SPAN_MS, 1..=CAMPAIGNS, prop::option::of(0..500_000_i64)),
        (any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1)),
        (any::<bool>(), 0..3_i64),
        prop::option::of(conversion),
    )
        .prop_map(
            |((at, campaign, cost), (is_unique, is_bot, is_test), (lander, lp_clicks), conversion)| Planned {
                at_ms: START_MS + at,
                campaign,
                cost,
                is_unique,
                is_bot,
                is_test,
                lander,
                lp_clicks: if lander { lp_clicks } else { 0 },
                conversion,
            },
        )
}

fn record(number: usize, plan: &Planned) -> ClickRecord {
    let mut random = [0_u8; 10];
    random[..8].copy_from_slice(&number.to_be_bytes());
    ClickRecord {
        id: ClickId::new(plan.at_ms, random),
        clicked_at_ms: plan.at_ms,
        campaign_id: plan.campaign,
        source_id: None,
        path_id: None,
        rule_id: None,
        lander_id: plan.lander.then_some(1),
        offer_id: None,
        refusal: None,
        external_id: None,
        cost_original_micros: plan.cost,
        cost_currency: plan.cost.map(|_| Currency::USD),
        cost_micros: plan.cost.unwrap_or(0),
        country: None,
        region: None,
        city: None,
        isp: None,
        asn: None,
        connection: None,
        device: Device::Mobile,
        brand: None,
        model: None,
        os: None,
        os_version: None,
        browser: None,
        browser_version: None,
        language: None,
        referrer_host: None,
        address: None,
        agent_id: 1,
        agent: "".into(),
        domain: None,
        is_unique: plan.is_unique,
        bot: plan.is_bot.then_some(BotReason::Crawler),
        is_test: plan.is_test,
        is_cut: false,
        params: Vec::new(),
        subs: Vec::new(),
    }
}

fn conversion(click: &ClickRecord, plan: &Planned, step: usize) -> Option<conversions::NewConversion> {
    let (lag_ms, steps, sale, counts) = plan.conversion.as_ref()?;
    let (status, revenue) = steps.get(step)?;
    Some(conversions::NewConversion {
        click_id: click.id,
        event: "sale".to_owned(),
        txid: String::new(),
        seq: 0,
        advertiser_id: 1,
        campaign_id: click.campaign_id,
        path_id: None,
        lander_id: None,
        offer_id: None,
        source_id: None,
        clicked_at_ms: click.clicked_at_ms,
        converted_at_ms: click.clicked_at_ms + lag_ms,
        recorded_at_ms: click.clicked_at_ms + lag_ms,
        updated_at_ms: click.clicked_at_ms + lag_ms,
        status: *status,
        advertiser_status: None,
        revenue_original_micros: *revenue,
        revenue_reported_micros: None,
        currency: Currency::USD,
        rate_nanos: 1_000_000_000,
        revenue_micros: *revenue,
        payout_status: *status,
        payout_micros: revenue / 3,
        sale_amount_micros: *sale,
        counts_as_conversion: *counts,
        counts_in_revenue: plan.is_unique,
        is_over_cap: false,
        place: None,
        is_bot: click.bot.is_some(),
        is_test: click.is_test,
        reason: None,
        origin: Origin::Postback,
        is_unconfirmed: false,
        said: Said::default(),
        anomalies: Anomalies::default(),
    })
}

/// Records plans as the ingester and the postback writer do: rows and sums together, each change on its own.
pub(super) fn store(conn: &mut AnyConnection, plans: &[Planned]) -> db::Result<()> {
    partitions::ensure(conn, START_MS, START_MS + SPAN_MS)?;
    for (some, writer_id) in plans.chunks(7).zip((0..3).cycle()) {
        let first = number_of_first(plans, some);
        let records: Vec<ClickRecord> =
            some.iter().enumerate().map(|(at, plan)| record(first + at, plan)).collect();
        let all: Vec<&ClickRecord> = records.iter().collect();
        assert!(clicks::insert(conn, &all)?.iter().all(|is_new| *is_new));
        assert!(!clicks::insert(conn, &all)?.iter().any(|is_new| *is_new), "a second time is no news");
        let mut sums = RollupDelta::new();
        for (click, plan) in records.iter().zip(some) {
            sums.add_click(click);
            press(conn, click, plan, &mut sums)?;
        }
        rollups::apply(conn, &sums, writer_id)?;
        for (click, plan) in records.iter().zip(some) {
            convert(conn, click, plan, writer_id)?;
        }
    }
    Ok(())
}

/// The lander's buttons, as often as planned; a record that comes twice is no news.
fn press(
    conn: &mut AnyConnection,
    click: &ClickRecord,
    plan: &Planned,
    sums: &mut RollupDelta,
) -> db::Result<()> {
    let records: Vec<LpClickRecord> = (0..plan.lp_clicks)
        .map(|number| LpClickRecord {
            id: ClickId::new(click.clicked_at_ms + number, [3; 10]),
            click_id: click.id,
            clicked_at_ms: click.clicked_at_ms + number,
            campaign_id: click.campaign_id,
            lander_id: Some(1),
            offer_id: Some(number),
        })
        .collect();
    // Ids of other clicks' buttons may be the same: what counts is what was new.
    let all: Vec<&LpClickRecord> = records.iter().chain(records.first()).collect();
    let count = lp_clicks::insert(conn, &all, true)?.iter().map(|is_new| i64::from(*is_new)).sum();
    if count > 0 {
        lp_clicks::count(conn, &[Pressed { click_id: click.id, count, last_offer_id: Some(7) }])?;
    }
    let sum = Counters { lp_clicks: count, lp_clickers: count.min(1), ..Counters::default() };
    sums.add_at_click(click.clicked_at_ms, click.campaign_id, plan.is_bot, plan.is_test, &sum);
    Ok(())
}

fn number_of_first(plans: &[Planned], some: &[Planned]) -> usize {
    plans.iter().position(|plan| std::ptr::eq(plan, &raw const some[0])).unwrap()
}

fn convert(conn: &mut AnyConnection, click: &ClickRecord, plan: &Planned, writer_id: i64) -> db::Result<()> {
    let Some(first) = conversion(click, plan, 0) else { return Ok(()) };
    let mut numbers = Numbers::default();
    let mut draft = Draft::new(conn, &mut numbers, 1);
    let id = draft.record(conn, first.clone())?;
    draft.write(conn)?;
    let mut sums = RollupDelta::new();
    sums.add_conversion(&first.counted());
    let mut before = first;
    for step in 1.. {
        let Some(value) = conversion(click, plan, step) else { break };
        sums.change_conversion(&before.counted(), &value.counted());
        conversions::update_all(conn, &[(id, value.clone())].into())?;
        before = value;
    }
    rollups::apply(conn, &sums, writer_id)
}
