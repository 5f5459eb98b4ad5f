//! Made-up clicks in the order of time, one after the other: a month needs no more memory than an hour.

use super::campaigns::{HOURS, Trend};
use super::catalog::{TRACKING_HOST, Target};
use super::people::{KINDS, Kind, People, address};
use super::plan::{OfferPlan, SOURCES};
use super::random::Random;
use crate::domain::click::{ClickRecord, LpClickRecord};
use crate::domain::click_id::ClickId;
use crate::domain::money::Currency;
use crate::domain::rollup::{HOUR_MS, hour_of};

/// Days of traffic.
pub(super) const DAYS: i64 = 30;

const DAY_MS: i64 = 24 * HOUR_MS;

/// Clicks that machines make, of a thousand.
const BOTS_MILLE: u64 = 44;

/// Clicks of visitors not seen before, of a thousand.
const UNIQUE_MILLE: u64 = 805;

/// A click, with what it led to.
pub(super) struct Visit {
    pub(super) click: ClickRecord,
    pub(super) pressed: Option<LpClickRecord>,
    pub(super) conversion: Option<Converting>,
}

/// A click that converts: all that is remembered of it until its postback is made.
#[derive(Clone, Copy)]
pub(super) struct Converting {
    pub(super) click_id: ClickId,
    pub(super) campaign_id: i64,
    pub(super) source_id: i64,
    pub(super) path_id: Option<i64>,
    pub(super) lander_id: Option<i64>,
    pub(super) offer: &'static OfferPlan,
    pub(super) offer_id: i64,
    /// When the visitor went to the offer, Unix milliseconds.
    pub(super) reached_at_ms: i64,
}

/// The stream of visits.
pub(super) struct Traffic<'a> {
    targets: &'a [Target],
    people: &'a People,
    random: Random,
    start_ms: i64,
    now_ms: i64,
    /// The hour to come, counted from the start.
    hour: i64,
    /// Weights of all hours and campaigns, and of those that are over.
    weight_all: u128,
    weight_done: u128,
    clicks_all: u64,
    clicks_done: u64,
    /// The present hour's visits: when, and to which campaign; the last to come first.
    waiting: Vec<(i64, usize)>,
}

impl<'a> Traffic<'a> {
    pub(super) fn new(
        targets: &'a [Target],
        people: &'a People,
        clicks: u64,
        seed: u64,
        now_ms: i64,
    ) -> Self {
        let start_ms = start_of(now_ms);
        let mut traffic = Self {
            targets,
            people,
            random: Random::of(seed, 2),
            start_ms,
            now_ms,
            hour: 0,
            weight_all: 0,
            weight_done: 0,
            clicks_all: clicks,
            clicks_done: 0,
            waiting: Vec::new(),
        };
        traffic.weight_all = (0..traffic.hours())
            .flat_map(|hour| targets.iter().map(move |target| (hour, target)))
            .map(|(hour, target)| u128::from(traffic.weight(hour, target)))
            .sum();
        traffic
    }

    const fn hours(&self) -> i64 {
        (self.now_ms - self.start_ms + HOUR_MS - 1) / HOUR_MS
    }

    /// How much of all traffic a campaign gets in an hour.
    fn weight(&self, hour: i64, target: &Target) -> u64 {
        let at_ms = self.start_ms + hour * HOUR_MS;
        let local_hours = (at_ms / HOUR_MS) + target.plan.hours_ahead;
        let of_day = usize::try_from(local_hours.rem_euclid(24)).unwrap_or(0);
        // 1970 began on a Thursday: day 2 of it was a Saturday.
        let is_weekend = matches!(local_hours.div_euclid(24).rem_euclid(7), 2 | 3);
        let weekly = if is_weekend { target.plan.weekend_percent } else { 100 };
        let length_ms = (self.now_ms - at_ms).clamp(0, HOUR_MS);
        let rhythm = HOURS.get(of_day).copied().unwrap_or(0) * weekly * percent(target.plan.trend, hour / 24);
        rhythm * target.plan.share * u64::try_from(length_ms / 60_000).unwrap_or(0)
    }

    /// Draws the visits of the next hour: as many as its weight says, spread over it.
    fn next_hour(&mut self) {
        let at_ms = self.start_ms + self.hour * HOUR_MS;
        let length_ms = u64::try_from((self.now_ms - at_ms).clamp(1, HOUR_MS)).unwrap_or(1);
        for (number, target) in self.targets.iter().enumerate() {
            self.weight_done += u128::from(self.weight(self.hour, target));
            let due = u128::from(self.clicks_all) * self.weight_done / self.weight_all.max(1);
            let due = u64::try_from(due).unwrap_or(self.clicks_all);
            for _ in self.clicks_done..due {
                let offset = i64::try_from(self.random.below(length_ms)).unwrap_or(0);
                self.waiting.push((at_ms + offset, number));
            }
            self.clicks_done = due;
        }
        self.waiting.sort_unstable_by(|one, other| other.cmp(one));
        self.hour += 1;
    }

    fn visit(&mut self, at_ms: i64, target: &'a Target) -> Visit {
        let random = &mut self.random;
        let plan = target.plan;
        let kind = KINDS.get(random.weighted(&plan.devices)).copied().unwrap_or(Kind::Android);
        let is_bot = random.is_one_of_mille(BOTS_MILLE);
        let (agent, bot) = if is_bot {
            let (agent, reason) = self.people.machine(random);
            (agent, Some(reason))
        } else {
            (self.people.person(random, kind), None)
        };
        let zone = random.skewed(plan.zones);
        let lander_id = picked(random, &target.landers).copied();
        let offer = picked(random, &target.offers).copied();
        let cost_micros = plan.cost_micros * random.between(80, 120) / 100 / 10 * 10;
        let source = SOURCES.get(plan.source);
        let external_id = random.hex(source.map_or(16, |source| source.id_digits));
        let is_search = plan.tag == "search";
        let click = ClickRecord {
            id: ClickId::new(at_ms, random.bytes()),
            clicked_at_ms: at_ms,
            campaign_id: target.id,
            source_id: Some(target.source_id),
            path_id: target.path_id,
            rule_id: None,
            lander_id,
            offer_id: if lander_id.is_some() { None } else { offer.map(|(_, id)| id) },
            refusal: None,
            params: if is_search {
                vec![("msclkid".into(), external_id.as_str().into())]
            } else {
                Vec::new()
            },
            external_id: Some(external_id.into()),
            cost_original_micros: Some(cost_micros),
            cost_currency: Some(Currency::USD),
            cost_micros,
            country: target.country,
            region: None,
            city: None,
            isp: None,
            asn: None,
            connection: None,
            device: agent.device,
            brand: agent.brand.as_deref().map(Into::into),
            model: agent.model.as_deref().map(Into::into),
            os: agent.os.as_deref().map(Into::into),
            os_version: agent.os_version.as_deref().map(Into::into),
            browser: agent.browser.as_deref().map(Into::into),
            browser_version: agent.browser_version.as_deref().map(Into::into),
            language: if random.is_one_of_mille(930) { target.language } else { None },
            referrer_host: plan.referrer.map(Into::into),
            address: Some(address(random)),
            agent_id: agent.hash,
            agent: Box::default(),
            domain: Some(TRACKING_HOST.into()),
            is_unique: random.is_one_of_mille(UNIQUE_MILLE),
            bot,
            is_test: false,
            is_cut: false,
            subs: subs(random, target, zone),
        };
        let pressed = self.pressed(&click, target, offer);
        let conversion = self.conversion(&click, target, zone, offer, pressed.as_ref());
        Visit { click, pressed, conversion }
    }

    fn pressed(
        &mut self,
        click: &ClickRecord,
        target: &Target,
        offer: Option<(&'static OfferPlan, i64)>,
    ) -> Option<LpClickRecord> {
        click.lander_id?;
        if click.bot.is_some() || !self.random.is_one_of_mille(target.plan.pressed_mille) {
            return None;
        }
        let clicked_at_ms = click.clicked_at_ms + self.random.between(4_000, 95_000);
        (clicked_at_ms < self.now_ms).then(|| LpClickRecord {
            id: ClickId::new(clicked_at_ms, self.random.bytes()),
            click_id: click.id,
            clicked_at_ms,
            campaign_id: click.campaign_id,
            lander_id: click.lander_id,
            offer_id: offer.map(|(_, id)| id),
        })
    }

    fn conversion(
        &mut self,
        click: &ClickRecord,
        target: &Target,
        zone: u64,
        offer: Option<(&'static OfferPlan, i64)>,
        pressed: Option<&LpClickRecord>,
    ) -> Option<Converting> {
        let (offer, offer_id) = offer?;
        if click.bot.is_some() || (click.lander_id.is_some() && pressed.is_none()) {
            return None;
        }
        let chance = target.plan.converted_ppm * quality_percent(target.id, zone) / 100;
        (self.random.below(1_000_000) < chance).then(|| Converting {
            click_id: click.id,
            campaign_id: click.campaign_id,
            source_id: target.source_id,
            path_id: click.path_id,
            lander_id: click.lander_id,
            offer,
            offer_id,
            reached_at_ms: pressed.map_or(click.clicked_at_ms, |pressed| pressed.clicked_at_ms),
        })
    }
}

impl Iterator for Traffic<'_> {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        loop {
            if let Some((at_ms, number)) = self.waiting.pop() {
                if let Some(target) = self.targets.get(number) {
                    return Some(self.visit(at_ms, target));
                }
            } else if self.hour < self.hours() {
                self.next_hour();
            } else {
                return None;
            }
        }
    }
}

/// The full hour at which the month begins.
pub(super) const fn start_of(now_ms: i64) -> i64 {
    hour_of(now_ms - DAYS * DAY_MS)
}

/// Traffic on a day of the month, in per cent of the usual.
fn percent(trend: Trend, day: i64) -> u64 {
    // A little up and down, the same for all: some days are better.
    let wave = day * 5 % 13 - 6;
    let level = match trend {
        Trend::Flat => 100,
        Trend::Growing => 62 + 3 * day,
        Trend::Declining => 145 - 3 * day,
        Trend::From(first) if day < first => return 0,
        Trend::From(first) => 40 + 7 * (day - first),
        Trend::Until(last) if day >= last => return 0,
        Trend::Until(_) => 100,
    };
    u64::try_from(level + wave).unwrap_or(0)
}

/// How well a zone's visitors convert, in per cent of the campaign's: some zones are worth their money, some are not.
fn quality_percent(campaign_id: i64, zone: u64) -> u64 {
    let thing = u64::try_from(campaign_id).unwrap_or(0) << 32 | zone;
    match Random::of(0, thing).below(100) {
        0..15 => 40,
        15..40 => 75,
        40..75 => 100,
        75..92 => 140,
        _ => 180,
    }
}

fn picked<'b, T>(random: &mut Random, some: &'b [T]) -> Option<&'b T> {
    let at = random.below(u64::try_from(some.len()).unwrap_or(0));
    some.get(usize::try_from(at).unwrap_or(0))
}

/// Zone, creative and the source's own campaign: numbers as networks give them.
fn subs(random: &mut Random, target: &Target, zone: u64) -> Vec<(u8, Box<str>)> {
    let campaign = u64::try_from(target.id).unwrap_or(0);
    let zone_number = 10_000 + (zone * 7_919 + campaign * 104_729) % 90_000;
    let creative = 4_100 + campaign * 10 + random.skewed(6);
    vec![
        (1, format!("zone-{zone_number}").into()),
        (2, creative.to_string().into()),
        (3, (77_000 + campaign).to_string().into()),
    ]
}
