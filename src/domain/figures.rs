//! Figures: what a row of a report shows, worked out from its counters (PRODUCT section 6).

use super::money::{Money, per_unit, ratio};
use super::rollup::Counters;
use super::words::word_enum;

word_enum! {
    /// A figure that a report can show and sort by.
    pub enum Metric {
        /// Clicks.
        Clicks => "clicks",
        /// Unique clicks.
        Uniques => "uniques",
        /// Clicks of machines.
        Bots => "bots",
        /// Lander views.
        LpViews => "lp_views",
        /// Lander buttons pressed.
        LpClicks => "lp_clicks",
        /// Clicks with an LP click / LP views.
        LpCtr => "lp_ctr",
        /// Conversions of any status.
        Leads => "leads",
        /// Approved and pending conversions.
        Conversions => "conversions",
        /// Approved conversions.
        Approved => "approved",
        /// Pending conversions.
        Pending => "pending",
        /// Rejected conversions.
        Rejected => "rejected",
        /// Reversed conversions.
        Reversed => "reversed",
        /// Approved / (approved + rejected + reversed).
        ApprovalRate => "approval_rate",
        /// Conversions / clicks.
        Cr => "cr",
        /// Approved revenue.
        Revenue => "revenue",
        /// Pending revenue.
        PendingRevenue => "pending_revenue",
        /// Approved payout.
        Payout => "payout",
        /// Pending payout.
        PendingPayout => "pending_payout",
        /// Cost.
        Cost => "cost",
        /// Cost of clicks by machines.
        CostOnBots => "cost_on_bots",
        /// Approved revenue - cost - approved payout.
        Profit => "profit",
        /// Profit / (cost + payout).
        Roi => "roi",
        /// Revenue / cost.
        Roas => "roas",
        /// Revenue / clicks.
        Epc => "epc",
        /// Revenue / LP clicks.
        Eplc => "eplc",
        /// Cost / clicks.
        Cpc => "cpc",
        /// Cost / conversions.
        Cpa => "cpa",
        /// Cost / approved conversions.
        CpaApproved => "cpa_approved",
        /// Order value / conversions that have one.
        Aov => "aov",
        /// Order values.
        SaleAmount => "sale_amount",
    }
}

/// A figure's value, with what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of things.
    Count(i64),
    /// An amount in the account currency.
    Amount(Money),
    /// An amount per one of something; `None` where nothing stands under the line.
    PerUnit(Option<Money>),
    /// Ten-thousandths; `None` where nothing stands under the line.
    Ratio(Option<i64>),
}

/// The figures of one row. Bots are left out of clicks, uniques and lander figures by choice; cost,
/// revenue and conversions always count (STORAGE, "Rules of counting").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    human: Counters,
    bot: Counters,
    bots: Bots,
}

word_enum! {
    /// Whose clicks count among clicks, uniques and lander figures.
    #[derive(Default)]
    pub enum Bots {
        /// Without machines.
        #[default]
        Exclude => "exclude",
        /// With machines.
        Include => "include",
        /// Machines alone.
        Only => "only",
    }
}

impl Figures {
    /// An empty row that counts bots as told.
    #[must_use]
    pub fn new(bots: Bots) -> Self {
        Self { bots, ..Self::default() }
    }

    /// Adds sums of humans or of machines.
    pub const fn add(&mut self, is_bot: bool, sums: &Counters) {
        if is_bot { self.bot.add(sums) } else { self.human.add(sums) }
    }

    /// Adds another row.
    pub const fn add_row(&mut self, other: &Self) {
        self.human.add(&other.human);
        self.bot.add(&other.bot);
    }

    /// Takes another row away, which must be a part of this one.
    pub const fn subtract_row(&mut self, other: &Self) {
        self.human.subtract(&other.human);
        self.bot.subtract(&other.bot);
    }

    fn visits(&self, pick: impl Fn(&Counters) -> i64) -> i64 {
        match self.bots {
            Bots::Exclude => pick(&self.human),
            Bots::Include => pick(&self.human).saturating_add(pick(&self.bot)),
            Bots::Only => pick(&self.bot),
        }
    }

    fn all(&self, pick: impl Fn(&Counters) -> i64) -> i64 {
        pick(&self.human).saturating_add(pick(&self.bot))
    }

    fn amount(&self, pick: impl Fn(&Counters) -> i64) -> Money {
        Money::from_micros(self.all(pick))
    }

    /// Nothing happened in this row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.human == Counters::default() && self.bot == Counters::default()
    }

    /// Clicks came, and for none of them a cost is known: the profit is not one yet.
    #[must_use]
    pub fn is_cost_unknown(&self) -> bool {
        self.all(|c| c.clicks) > 0 && self.all(|c| c.costed_clicks) == 0 && self.all(|c| c.cost_micros) == 0
    }

    /// Approved revenue - cost - approved payout.
    #[must_use]
    pub fn profit(&self) -> Money {
        self.amount(|c| c.revenue_micros) - self.amount(|c| c.cost_micros) - self.amount(|c| c.payout_micros)
    }

    /// One figure of the row.
    #[must_use]
    pub fn value(&self, metric: Metric) -> Value {
        let (clicks, lp_clicks) = (self.visits(|c| c.clicks), self.visits(|c| c.lp_clicks));
        let (approved, pending) = (self.all(|c| c.approved), self.all(|c| c.pending));
        let (revenue, cost) = (self.amount(|c| c.revenue_micros), self.amount(|c| c.cost_micros));
        let payout = self.amount(|c| c.payout_micros);
        match metric {
            Metric::Clicks => Value::Count(clicks),
            Metric::Uniques => Value::Count(self.visits(|c| c.uniques)),
            Metric::Bots => Value::Count(self.bot.clicks),
            Metric::LpViews => Value::Count(self.visits(|c| c.lp_views)),
            Metric::LpClicks => Value::Count(lp_clicks),
            Metric::LpCtr => Value::Ratio(ratio(self.visits(|c| c.lp_clickers), self.visits(|c| c.lp_views))),
            Metric::Leads => Value::Count(self.all(|c| c.leads)),
            Metric::Conversions => Value::Count(approved + pending),
            Metric::Approved => Value::Count(approved),
            Metric::Pending => Value::Count(pending),
            Metric::Rejected => Value::Count(self.all(|c| c.rejected)),
            Metric::Reversed => Value::Count(self.all(|c| c.reversed)),
            Metric::ApprovalRate => {
                let decided = approved + self.all(|c| c.rejected) + self.all(|c| c.reversed);
                Value::Ratio(ratio(approved, decided))
            }
            Metric::Cr => Value::Ratio(ratio(approved + pending, clicks)),
            Metric::Revenue => Value::Amount(revenue),
            Metric::PendingRevenue => Value::Amount(self.amount(|c| c.pending_revenue_micros)),
            Metric::Payout => Value::Amount(payout),
            Metric::PendingPayout => Value::Amount(self.amount(|c| c.pending_payout_micros)),
            Metric::Cost => Value::Amount(cost),
            Metric::CostOnBots => Value::Amount(Money::from_micros(self.bot.cost_micros)),
            Metric::Profit => Value::Amount(self.profit()),
            Metric::Roi => Value::Ratio(ratio(self.profit().micros(), (cost + payout).micros())),
            Metric::Roas => Value::Ratio(ratio(revenue.micros(), cost.micros())),
            Metric::Epc => Value::PerUnit(per_unit(revenue, clicks)),
            Metric::Eplc => Value::PerUnit(per_unit(revenue, lp_clicks)),
            Metric::Cpc => Value::PerUnit(per_unit(cost, clicks)),
            Metric::Cpa => Value::PerUnit(per_unit(cost, approved + pending)),
            Metric::CpaApproved => Value::PerUnit(per_unit(cost, approved)),
            Metric::Aov => {
                let sales = self.amount(|c| c.sale_amount_micros);
                Value::PerUnit(per_unit(sales, self.all(|c| c.sales)))
            }
            Metric::SaleAmount => Value::Amount(self.amount(|c| c.sale_amount_micros)),
        }
    }

    /// A number that orders rows by a figure; `None` where it has no base.
    #[must_use]
    pub fn sort_key(&self, metric: Metric) -> Option<i64> {
        match self.value(metric) {
            Value::Count(count) => Some(count),
            Value::Amount(money) => Some(money.micros()),
            Value::PerUnit(money) => money.map(Money::micros),
            Value::Ratio(ratio) => ratio,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(bots: Bots) -> Figures {
        let mut row = Figures::new(bots);
        let money = |units: i64| units * 1_000_000;
        row.add(
            false,
            &Counters {
                clicks: 120,
                uniques: 100,
                leads: 5,
                approved: 3,
                pending: 1,
                rejected: 1,
                revenue_micros: money(15),
                pending_revenue_micros: money(5),
                cost_micros: 5_850_000,
                costed_clicks: 120,
                ..Counters::default()
            },
        );
        row.add(true, &Counters { clicks: 3, cost_micros: 150_000, costed_clicks: 3, ..Counters::default() });
        row
    }

    #[test]
    fn the_figures_of_the_contracts_example() {
        let row = row(Bots::Exclude);
        assert_eq!(row.value(Metric::Clicks), Value::Count(120));
        assert_eq!(row.value(Metric::Bots), Value::Count(3));
        assert_eq!(row.value(Metric::Cost), Value::Amount(Money::from_micros(6_000_000)));
        assert_eq!(row.value(Metric::CostOnBots), Value::Amount(Money::from_micros(150_000)));
        assert_eq!(row.value(Metric::ApprovalRate), Value::Ratio(Some(7_500)));
        assert_eq!(row.value(Metric::Cr), Value::Ratio(Some(333)));
        assert_eq!(row.value(Metric::Profit), Value::Amount(Money::from_micros(9_000_000)));
        assert_eq!(row.value(Metric::Roi), Value::Ratio(Some(15_000)));
        assert_eq!(row.value(Metric::Epc), Value::PerUnit(Some(Money::from_micros(125_000))));
        assert_eq!(row.value(Metric::Cpc), Value::PerUnit(Some(Money::from_micros(50_000))));
        assert_eq!(row.value(Metric::LpCtr), Value::Ratio(None));
    }

    #[test]
    fn the_switch_moves_clicks_and_never_money() {
        assert_eq!(row(Bots::Include).value(Metric::Clicks), Value::Count(123));
        assert_eq!(row(Bots::Only).value(Metric::Clicks), Value::Count(3));
        assert_eq!(row(Bots::Only).value(Metric::Profit), row(Bots::Exclude).value(Metric::Profit));
    }

    #[test]
    fn a_row_without_known_cost_says_so() {
        let mut row = Figures::default();
        assert!(!row.is_cost_unknown());
        row.add(false, &Counters { clicks: 1, ..Counters::default() });
        assert!(row.is_cost_unknown());
    }
}
