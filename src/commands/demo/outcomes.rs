//! What became of the clicks that convert: postbacks, conversions and the history of their changes, in the order of time.

use super::WRITER_ID;
use super::catalog::Catalog;
use super::plan::{ORDER_SHARE_MILLIONTHS, OfferPlan};
use super::random::Random;
use super::traffic::Converting;
use super::{DemoSummary, trouble};
use crate::conversions::{Verdict, change_row, sentences};
use crate::db::ledger::{Draft, Numbers};
use crate::db::{AnyConnection, Db, Priority, Result, conversions, rollups};
use crate::domain::anomaly::{Anomalies, Said};
use crate::domain::money::{Currency, Money, share};
use crate::domain::origin::Origin;
use crate::domain::rollup::{HOUR_MS, RollupDelta};
use crate::domain::status::{Standing, Status};
use crate::domain::verdict::Code;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Postbacks of a transaction.
const BATCH_POSTBACKS: usize = 2_000;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Of a thousand conversions, so many have their first postback sent twice.
const REPEATED_MILLE: u64 = 25;

/// Of a thousand approved ones, so many are charged back in the end.
const REVERSED_MILLE: u64 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It is recorded, or changed, with this status.
    Stands(Status),
    /// The first postback comes again.
    Again,
}

/// What is to become of a conversion.
struct Life {
    steps: Vec<(i64, Step)>,
    revenue: Money,
    sale_amount: Option<Money>,
    txid: String,
}

/// A postback to come: when, of which conversion, and the how-manieth.
type Event = (i64, usize, usize);

/// All conversions of the month.
pub(super) struct Outcomes<'a> {
    converting: &'a [Converting],
    seed: u64,
    events: Vec<Event>,
}

impl<'a> Outcomes<'a> {
    pub(super) fn new(converting: &'a [Converting], seed: u64, now_ms: i64) -> Self {
        let mut outcomes = Self { converting, seed, events: Vec::new() };
        for (number, one) in converting.iter().enumerate() {
            let steps = outcomes.life(number, one).steps.into_iter().enumerate();
            let known = steps.filter(|(_, (at_ms, _))| *at_ms < now_ms);
            outcomes.events.extend(known.map(|(step, (at_ms, _))| (at_ms, number, step)));
        }
        outcomes.events.sort_unstable();
        outcomes
    }

    /// The same each time it is asked, so that it need not be kept.
    fn life(&self, number: usize, one: &Converting) -> Life {
        let thing = u64::try_from(number).unwrap_or(0) | 1 << 40;
        let mut random = Random::of(self.seed, thing);
        let (offer, advertiser) = (one.offer, one.offer.advertiser);
        let (revenue, sale_amount) = amounts(offer, &mut random);
        let txid = if advertiser.has_txid { random.hex(12) } else { String::new() };
        let first_ms = one.reached_at_ms + lag_ms(&mut random);
        let is_at_once = random.is_one_of_mille(advertiser.at_once_mille);
        let is_good = random.is_one_of_mille(offer.approved_mille);
        let decided_ms = first_ms + random.between(5 * HOUR_MS, 4 * DAY_MS);
        let mut steps =
            vec![(first_ms, Step::Stands(if is_at_once { Status::Approved } else { Status::Pending }))];
        if random.is_one_of_mille(REPEATED_MILLE) {
            steps.push((first_ms + random.between(MINUTE_MS, 20 * MINUTE_MS), Step::Again));
        }
        match (is_at_once, is_good) {
            (true, true) => {}
            (false, true) => steps.push((decided_ms, Step::Stands(Status::Approved))),
            (_, false) => steps.push((decided_ms, Step::Stands(Status::Rejected))),
        }
        if is_good && random.is_one_of_mille(REVERSED_MILLE) {
            steps.push((decided_ms + random.between(DAY_MS, 7 * DAY_MS), Step::Stands(Status::Reversed)));
        }
        Life { steps, revenue, sale_amount, txid }
    }

    /// Stores everything that has come until now.
    pub(super) fn store(&self, db: &Db, catalog: &Catalog, summary: &mut DemoSummary) -> Result<()> {
        let mut open: HashMap<usize, conversions::Conversion> = HashMap::new();
        let mut numbers = Numbers::default();
        for events in self.events.chunks(BATCH_POSTBACKS) {
            db.write(Priority::Maintenance, |conn| {
                let mut sums = RollupDelta::new();
                let mut draft = Draft::new(conn, &mut numbers, events.len());
                for event in events {
                    self.store_one(conn, catalog, *event, &mut open, (&mut draft, &mut sums), summary)?;
                }
                draft.write(conn)?;
                rollups::apply(conn, &sums, WRITER_ID)
            })?;
        }
        Ok(())
    }

    fn store_one(
        &self,
        conn: &mut AnyConnection,
        catalog: &Catalog,
        (at_ms, number, step): Event,
        open: &mut HashMap<usize, conversions::Conversion>,
        (draft, sums): (&mut Draft<'_>, &mut RollupDelta),
        summary: &mut DemoSummary,
    ) -> Result<()> {
        let Some(one) = self.converting.get(number) else { return Ok(()) };
        let life = self.life(number, one);
        let Some((_, what)) = life.steps.get(step) else { return Ok(()) };
        let advertiser_id =
            catalog.advertisers.get(one.offer.advertiser.position).copied().unwrap_or_default();
        summary.postbacks += 1;
        let (before, after, code) = match (*what, open.remove(&number)) {
            (Step::Stands(status), None) => {
                let value = first(one, &life, advertiser_id, status, at_ms);
                sums.add_conversion(&value.counted());
                let id = draft.record(conn, value.clone())?;
                summary.conversions += 1;
                (None, conversions::Conversion { id, value }, Code::Recorded)
            }
            (Step::Stands(status), Some(before)) => {
                let after = changed(&before, status, at_ms, one.offer);
                sums.change_conversion(&before.value.counted(), &after.value.counted());
                draft.change(&after);
                (Some(before.value), after, Code::Updated)
            }
            (Step::Again, Some(before)) => (None, before, Code::Duplicate),
            (Step::Again, None) => return Ok(()),
        };
        let query = query(one, &life, &after.value);
        let judged = trouble::read(catalog, one.offer.advertiser.position, query, at_ms);
        let row = judged.to_row(&verdict(before.as_ref(), &after, code));
        let postback_id = Some(draft.keep(conn, row)?);
        if code != Code::Duplicate {
            let change = change_row(after.id, before.as_ref(), &after.value, at_ms);
            draft.note(conversions::Change { postback_id, ..change });
        }
        // What has no further step need not be remembered.
        if step + 1 < life.steps.len() {
            open.insert(number, after);
        }
        Ok(())
    }
}

/// From the offer's page to the conversion: minutes mostly, days at times.
fn lag_ms(random: &mut Random) -> i64 {
    match random.below(100) {
        0..70 => random.between(60_000, 45 * MINUTE_MS),
        70..90 => random.between(45 * MINUTE_MS, 6 * HOUR_MS),
        90..98 => random.between(6 * HOUR_MS, DAY_MS),
        _ => random.between(DAY_MS, 3 * DAY_MS),
    }
}

/// Revenue and, where the offer pays by the order, the order's value in whole cents.
fn amounts(offer: &OfferPlan, random: &mut Random) -> (Money, Option<Money>) {
    let Some(usual) = offer.order_micros else { return (Money::from_micros(offer.revenue_micros), None) };
    let cents = usual / 10_000 * random.between(55, 160) / 100;
    let order = Money::from_micros(cents * 10_000);
    // The shop pays whole cents.
    let revenue = share(order, ORDER_SHARE_MILLIONTHS).micros() / 10_000 * 10_000;
    (Money::from_micros(revenue), Some(order))
}

fn word(offer: &OfferPlan, status: Status) -> Option<&'static str> {
    let at = Status::ALL.iter().position(|known| *known == status)?;
    offer.advertiser.words.get(at).copied()
}

fn first(
    one: &Converting,
    life: &Life,
    advertiser_id: i64,
    status: Status,
    at_ms: i64,
) -> conversions::NewConversion {
    let mut first = conversions::NewConversion {
        click_id: one.click_id,
        event: one.offer.event.to_owned(),
        txid: life.txid.clone(),
        seq: 0,
        advertiser_id,
        campaign_id: one.campaign_id,
        path_id: one.path_id,
        lander_id: one.lander_id,
        offer_id: Some(one.offer_id),
        source_id: Some(one.source_id),
        clicked_at_ms: one.click_id.unix_ms(),
        converted_at_ms: at_ms,
        recorded_at_ms: at_ms,
        updated_at_ms: at_ms,
        status,
        advertiser_status: word(one.offer, status).map(str::to_owned),
        revenue_original_micros: life.revenue.micros(),
        revenue_reported_micros: None,
        currency: Currency::USD,
        rate_nanos: 1_000_000_000,
        revenue_micros: life.revenue.micros(),
        payout_status: status,
        payout_micros: 0,
        sale_amount_micros: life.sale_amount.map(Money::micros),
        counts_as_conversion: true,
        counts_in_revenue: true,
        is_over_cap: false,
        place: None,
        is_bot: false,
        is_test: false,
        reason: None,
        origin: Origin::Postback,
        is_unconfirmed: false,
        said: Said::default(),
        anomalies: Anomalies::default(),
    };
    first.take_place();
    first
}

fn changed(
    before: &conversions::Conversion,
    status: Status,
    at_ms: i64,
    offer: &OfferPlan,
) -> conversions::Conversion {
    let reason = match status {
        Status::Rejected => Some("duplicate or invalid data".to_owned()),
        Status::Reversed => Some("chargeback".to_owned()),
        Status::Pending | Status::Approved => None,
    };
    let mut value = conversions::NewConversion {
        status,
        payout_status: status,
        advertiser_status: word(offer, status).map(str::to_owned),
        updated_at_ms: at_ms,
        reason,
        ..before.value.clone()
    };
    value.take_place();
    conversions::Conversion { id: before.id, value }
}

/// The postback as its sender wrote it.
fn query(one: &Converting, life: &Life, value: &conversions::NewConversion) -> String {
    let mut query = format!("cid={}&payout={}", one.click_id, life.revenue);
    // Writing to a String cannot fail.
    if let Some(order) = life.sale_amount {
        let _ = write!(query, "&amount={order}");
    }
    if !life.txid.is_empty() {
        let _ = write!(query, "&txid={}", life.txid);
    }
    if one.offer.event != "sale" {
        let _ = write!(query, "&event={}", one.offer.event);
    }
    if let Some(word) = &value.advertiser_status {
        let _ = write!(query, "&status={word}");
    }
    query
}

/// What the ledger says of it.
fn verdict(
    before: Option<&conversions::NewConversion>,
    after: &conversions::Conversion,
    code: Code,
) -> Verdict {
    let (id, value) = (after.id, &after.value);
    let standing = |value: &conversions::NewConversion| Standing {
        status: value.status,
        revenue: Money::from_micros(value.revenue_original_micros),
    };
    let to = standing(value);
    let message = match (code, before) {
        (Code::Recorded, _) => sentences::recorded(id, to.revenue, value.currency, to.status),
        (Code::Updated, Some(before)) => sentences::moved(id, standing(before), to, value.currency, false),
        _ => sentences::repeated(id),
    };
    Verdict { conversion_id: Some(id), click_id: Some(value.click_id), ..Verdict::new(code, message) }
}
