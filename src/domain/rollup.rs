//! Rollups: sums per quarter hour (and hour) and campaign, as values that can be added and taken back.

use super::click::ClickRecord;
use super::status::Status;
use super::words::word_enum;
use std::collections::BTreeMap;

/// Milliseconds of a quarter hour: the finest step of any time zone's offset.
pub const QUARTER_MS: i64 = 15 * 60 * 1_000;

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 4 * QUARTER_MS;

/// Where a sum stops, in either direction: four million million units. A single amount is at most 10^9 units, so nobody
/// comes here but by mistake or malice; two such sums can still be added or taken from each other within 64 bits, in
/// SQL as here.
pub const SUM_MAX: i64 = 4_000_000_000_000_000_000;

const fn bounded(sum: i64) -> i64 {
    if sum > SUM_MAX {
        SUM_MAX
    } else if sum < -SUM_MAX {
        -SUM_MAX
    } else {
        sum
    }
}

word_enum! {
    /// By which time a conversion counts. Clicks and cost always stand at click time.
    pub enum Attribution {
        /// The time of its click.
        ClickTime => "click_time",
        /// Its own time.
        ConversionTime => "conversion_time",
    }
}

/// What a sum is for. Ordered, so that nodes take their row locks in one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey {
    /// Start of the quarter hour, Unix milliseconds.
    pub quarter_ms: i64,
    /// The campaign.
    pub campaign_id: i64,
    /// By which time.
    pub attribution: Attribution,
    /// Made by a machine.
    pub is_bot: bool,
    /// Made by a test.
    pub is_test: bool,
}

macro_rules! counters {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// Counts and sums; money in micros of the account currency.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters { $($(#[$meta])* pub $name: i64,)+ }

        impl Counters {
            /// The names of all, in order.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)+];

            /// The values of all, in the order of the names.
            #[must_use]
            pub const fn values(&self) -> [i64; Self::NAMES.len()] {
                [$(self.$name,)+]
            }

            /// Adds another. Sums stop at [`SUM_MAX`].
            pub const fn add(&mut self, other: &Self) {
                $(self.$name = bounded(self.$name.saturating_add(other.$name));)+
            }

            /// Takes another away.
            pub const fn subtract(&mut self, other: &Self) {
                $(self.$name = bounded(self.$name.saturating_sub(other.$name));)+
            }
        }
    };
}

counters! {
    /// Clicks.
    clicks,
    /// Clicks of visitors not seen before in the window.
    uniques,
    /// Clicks sent to a lander.
    lp_views,
    /// Buttons pressed on landers.
    lp_clicks,
    /// Clicks with at least one button pressed.
    lp_clickers,
    /// Cost.
    cost_micros,
    /// Clicks whose cost is known.
    costed_clicks,
    /// Counted conversions of any status.
    leads,
    /// Pending ones.
    pending,
    /// Approved ones.
    approved,
    /// Rejected ones.
    rejected,
    /// Reversed ones.
    reversed,
    /// Approved revenue.
    revenue_micros,
    /// Pending revenue.
    pending_revenue_micros,
    /// Approved payout.
    payout_micros,
    /// Pending payout.
    pending_payout_micros,
    /// Order values of approved and pending conversions.
    sale_amount_micros,
    /// How many conversions have an order value.
    sales,
}

/// A conversion as far as sums look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedConversion {
    /// Its click's time.
    pub clicked_at_ms: i64,
    /// Its own time.
    pub converted_at_ms: i64,
    /// Its campaign.
    pub campaign_id: i64,
    /// Its click was a machine's.
    pub is_bot: bool,
    /// Test data.
    pub is_test: bool,
    /// Status of the revenue.
    pub status: Status,
    /// Revenue in the account currency.
    pub revenue_micros: i64,
    /// Status of the payout.
    pub payout_status: Status,
    /// Payout in the account currency.
    pub payout_micros: i64,
    /// The order value, where one came.
    pub sale_amount_micros: Option<i64>,
    /// Its event counts as a conversion.
    pub counts_as_conversion: bool,
    /// Its event's money counts as revenue.
    pub counts_in_revenue: bool,
}

impl CountedConversion {
    /// What it adds to every sum it stands in.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut sums = Counters::default();
        if self.counts_as_conversion {
            sums.leads = 1;
            match self.status {
                Status::Pending => sums.pending = 1,
                Status::Approved => sums.approved = 1,
                Status::Rejected => sums.rejected = 1,
                Status::Reversed => sums.reversed = 1,
            }
        }
        if self.counts_in_revenue {
            match self.status {
                Status::Approved => sums.revenue_micros = self.revenue_micros,
                Status::Pending => sums.pending_revenue_micros = self.revenue_micros,
                Status::Rejected | Status::Reversed => {}
            }
        }
        match self.payout_status {
            Status::Approved => sums.payout_micros = self.payout_micros,
            Status::Pending => sums.pending_payout_micros = self.payout_micros,
            Status::Rejected | Status::Reversed => {}
        }
        if matches!(self.status, Status::Approved | Status::Pending)
            && let Some(amount) = self.sale_amount_micros
        {
            sums.sale_amount_micros = amount;
            sums.sales = 1;
        }
        sums
    }
}

/// Changes to sums, gathered over one transaction and applied in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RollupDelta(BTreeMap<RollupKey, Counters>);

/// The start of the quarter hour that holds a time.
#[must_use]
pub const fn quarter_of(unix_ms: i64) -> i64 {
    unix_ms - unix_ms.rem_euclid(QUARTER_MS)
}

/// The start of the UTC hour that holds a time.
#[must_use]
pub const fn hour_of(unix_ms: i64) -> i64 {
    unix_ms - unix_ms.rem_euclid(HOUR_MS)
}

impl RollupDelta {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No change at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The change under a key.
    #[must_use]
    pub fn get(&self, key: &RollupKey) -> Option<&Counters> {
        self.0.get(key)
    }

    /// The changes in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&RollupKey, &Counters)> {
        self.0.iter()
    }

    /// Adds sums under a key.
    pub fn add(&mut self, key: RollupKey, sums: &Counters) {
        self.0.entry(key).or_default().add(sums);
    }

    /// Adds a click. It stands under both attributions: clicks and cost always count at click time.
    pub fn add_click<Text>(&mut self, click: &ClickRecord<Text>) {
        let sums = Counters {
            clicks: 1,
            uniques: i64::from(click.is_unique),
            lp_views: i64::from(click.is_lp_view()),
            cost_micros: click.cost_micros,
            costed_clicks: i64::from(click.cost_original_micros.is_some()),
            ..Counters::default()
        };
        self.add_at_click(click.clicked_at_ms, click.campaign_id, click.bot.is_some(), click.is_test, &sums);
    }

    /// Adds sums that stand at click time under both attributions.
    pub fn add_at_click(
        &mut self,
        clicked_at_ms: i64,
        campaign_id: i64,
        is_bot: bool,
        is_test: bool,
        sums: &Counters,
    ) {
        for attribution in Attribution::ALL {
            let quarter_ms = quarter_of(clicked_at_ms);
            self.add(RollupKey { quarter_ms, campaign_id, attribution: *attribution, is_bot, is_test }, sums);
        }
    }

    /// Adds a conversion.
    pub fn add_conversion(&mut self, conversion: &CountedConversion) {
        self.move_conversion(conversion, &conversion.counters());
    }

    /// Replaces what a conversion added before by what it adds now.
    pub fn change_conversion(&mut self, before: &CountedConversion, after: &CountedConversion) {
        let mut taken = Counters::default();
        taken.subtract(&before.counters());
        self.move_conversion(before, &taken);
        self.move_conversion(after, &after.counters());
    }

    fn move_conversion(&mut self, conversion: &CountedConversion, sums: &Counters) {
        for attribution in Attribution::ALL {
            let at = match attribution {
                Attribution::ClickTime => conversion.clicked_at_ms,
                Attribution::ConversionTime => conversion.converted_at_ms,
            };
            let key = RollupKey {
                quarter_ms: quarter_of(at),
                campaign_id: conversion.campaign_id,
                attribution: *attribution,
                is_bot: conversion.is_bot,
                is_test: conversion.is_test,
            };
            self.add(key, sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn status() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::ALL)
    }

    prop_compose! {
        fn conversion()(
            status in status(), payout_status in status(),
            revenue in 0..1_000_000_i64, payout in 0..1_000_000_i64,
            sale in prop::option::of(0..1_000_000_i64), counts in any::<bool>(), money in any::<bool>(),
            clicked in 0..10_000_000_i64, lag in 0..10_000_000_i64,
        ) -> CountedConversion {
            CountedConversion {
                clicked_at_ms: clicked, converted_at_ms: clicked + lag, campaign_id: 1, is_bot: false,
                is_test: false, status, revenue_micros: revenue, payout_status, payout_micros: payout,
                sale_amount_micros: sale, counts_as_conversion: counts, counts_in_revenue: money,
            }
        }
    }

    fn without_zeros(delta: &RollupDelta) -> Vec<(RollupKey, Counters)> {
        delta.iter().filter(|(_, sums)| **sums != Counters::default()).map(|(k, s)| (*k, *s)).collect()
    }

    proptest! {
        #[test]
        fn changing_step_by_step_equals_recording_the_end(steps in prop::collection::vec(conversion(), 1..6)) {
            let mut stepwise = RollupDelta::new();
            stepwise.add_conversion(&steps[0]);
            for pair in steps.windows(2) {
                stepwise.change_conversion(&pair[0], &pair[1]);
            }
            let mut at_once = RollupDelta::new();
            at_once.add_conversion(steps.last().unwrap());
            prop_assert_eq!(without_zeros(&stepwise), without_zeros(&at_once));
        }
    }

    #[test]
    fn buckets_start_at_their_quarter_even_before_1970() {
        assert_eq!(quarter_of(QUARTER_MS * 3 + 1), QUARTER_MS * 3);
        assert_eq!(quarter_of(-1), -QUARTER_MS);
        assert_eq!(hour_of(HOUR_MS + QUARTER_MS), HOUR_MS);
    }
}
