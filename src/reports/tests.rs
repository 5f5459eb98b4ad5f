//! Every report equals the same question asked of the raw rows, on both databases.

use super::*;
use crate::db::{self, Db, Priority, campaigns, scratch};
use crate::domain::campaign::Campaign;
use crate::domain::figures::{Bots, Metric, Value};
use crate::domain::lander::EntityStatus;
use crate::domain::rollup::{Attribution, HOUR_MS};
use crate::domain::status::Status;
use chrono::NaiveDate;
use plans::{Planned, planned, store};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

mod plans;

const CASES: u32 = 24;
const CAMPAIGNS: i64 = 4;
const ZONES: &[&str] = &["UTC", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"];

/// 2026-10-23: the days around it hold the end of summer time in Europe, and a month's end.
const START_MS: i64 = 1_792_713_600_000;
const SPAN_MS: i64 = 12 * 24 * HOUR_MS;

/// A database with campaigns 1 to 4 (the last archived), without traffic.
fn with_campaigns(db: &Db) {
    db.write::<(), db::Error>(Priority::Pages, |conn| {
        for number in 1..=CAMPAIGNS {
            let campaign = Campaign {
                name: ["Delta", "alpha", "Charlie", "bravo"][usize::try_from(number).unwrap() - 1].to_owned(),
                slug: format!("slug{number}"),
                status: if number == CAMPAIGNS { EntityStatus::Archived } else { EntityStatus::Active },
                ..Campaign::default()
            };
            assert_eq!(campaigns::insert(conn, &campaign, START_MS)?, number);
        }
        Ok(())
    })
    .unwrap();
}

fn on_each_database(test: impl Fn(&Db)) {
    scratch::on_each_database(|db| {
        with_campaigns(db);
        test(db);
    });
}

fn query() -> impl Strategy<Value = Query> {
    let day = |days: i64| {
        NaiveDate::from_ymd_opt(2026, 10, 22).unwrap() + chrono::Days::new(u64::try_from(days).unwrap())
    };
    let period = (prop::sample::select(ZONES), 0..12_i64, 0..6_i64, any::<bool>(), 0..90_i64).prop_map(
        move |(zone, from, length, is_cut, cut)| {
            let zone = TimeZone::parse(zone).unwrap();
            let days = Period::days(zone, day(from), day(from + length)).unwrap();
            let to_ms = days.to_ms() - cut * HOUR_MS / 4;
            if is_cut { Period::moments(zone, days.from_ms(), to_ms).unwrap() } else { days }
        },
    );
    let metric = prop::option::of(prop::sample::select(Metric::ALL));
    (
        (period, prop::sample::select(By::ALL), prop::sample::select(Attribution::ALL)),
        (prop::sample::select(Bots::ALL), any::<bool>(), any::<bool>()),
        (metric, any::<bool>(), prop::option::of(prop::collection::vec(1..=CAMPAIGNS, 0..3))),
        prop::sample::select(&["", "a", "2026-10"][..]),
    )
        .prop_map(
            |((period, by, attribution), (bots, is_test, with_idle), (metric, is_descending, ids), q)| {
                Query {
                    attribution,
                    bots,
                    is_test,
                    with_idle,
                    order: Order { metric, is_descending },
                    campaign_ids: ids,
                    search: q.to_owned(),
                    ..Query::new(period, by)
                }
            },
        )
}

fn ask(db: &Db, query: &Query) -> (Report, Report) {
    db.read::<_, Error>(|conn| Ok((report(conn, query)?, plain(conn, query)?))).unwrap()
}

#[test]
fn every_report_equals_the_raw_rows() {
    on_each_database(|db| {
        let mut runner = TestRunner::new(ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let strategy = (prop::collection::vec(planned(), 1..60), prop::collection::vec(query(), 12));
        runner
            .run(&strategy, |(plans, queries)| {
                scratch::empty_of_traffic(db);
                db.write(Priority::Ingester, |conn| store(conn, &plans)).unwrap();
                for query in &queries {
                    let (quick, slow) = ask(db, query);
                    prop_assert_eq!(quick, slow, "{:?}", query);
                }
                let (from, to) = (START_MS - HOUR_MS, START_MS + 2 * SPAN_MS);
                let differences = db.read(|conn| verify(conn, from, to)).unwrap();
                prop_assert_eq!(differences, Vec::new());
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn what_adds_nothing_makes_no_row() {
    on_each_database(|db| {
        // Rejected, and of an event that is no conversion: it stands in no figure at its own time.
        let conversion = Some((50 * HOUR_MS, vec![(Status::Rejected, 2_546)], Some(1_373_755), false));
        let plan = Planned {
            at_ms: START_MS,
            campaign: 4,
            cost: None,
            is_unique: false,
            is_bot: false,
            is_test: false,
            lander: false,
            lp_clicks: 0,
            conversion,
        };
        db.write(Priority::Ingester, |conn| store(conn, &[plan])).unwrap();
        let period =
            Period::moments(TimeZone::UTC, START_MS + 40 * HOUR_MS, START_MS + 60 * HOUR_MS).unwrap();
        for by in [By::Campaign, By::Source] {
            let query = Query { attribution: Attribution::ConversionTime, ..Query::new(period, by) };
            let (quick, slow) = ask(db, &query);
            assert_eq!((quick.row_count, slow.row_count), (0, 0), "{by}");
        }
    });
}

#[test]
fn days_hold_what_clocks_there_say() {
    on_each_database(|db| {
        let zone = TimeZone::parse("Australia/Lord_Howe").unwrap();
        let plans: Vec<Planned> = (0..200)
            .map(|number| Planned {
                at_ms: START_MS + number * 3_700_000,
                campaign: 1,
                cost: Some(10),
                is_unique: true,
                is_bot: false,
                is_test: false,
                lander: false,
                lp_clicks: 0,
                conversion: None,
            })
            .collect();
        db.write(Priority::Ingester, |conn| store(conn, &plans)).unwrap();
        let day = |d| NaiveDate::from_ymd_opt(2026, 10, d).unwrap();
        let period = Period::days(zone, day(22), day(31)).unwrap();
        let (report, _) = ask(db, &Query::new(period, By::Day));
        assert_eq!(report.rows.len(), 10);
        for row in &report.rows {
            let clicks = plans.iter().filter(|plan| zone.date(plan.at_ms).to_string() == row.label).count();
            assert_eq!(row.figures.value(Metric::Clicks), Value::Count(clicks as i64), "{}", row.label);
        }
    });
}

#[test]
fn a_broken_sum_is_found_and_mended() {
    on_each_database(|db| {
        let plans: Vec<Planned> = {
            let mut runner = TestRunner::deterministic();
            let tree = prop::collection::vec(planned(), 80..81).new_tree(&mut runner).unwrap();
            proptest::strategy::ValueTree::current(&tree)
        };
        db.write(Priority::Ingester, |conn| store(conn, &plans)).unwrap();
        let (from, to) = (START_MS + 5, START_MS + 2 * SPAN_MS);
        let verified = || db.read(|conn| verify(conn, from, to)).unwrap();
        assert_eq!(verified(), []);
        scratch::run(db, "update rollup_hours set clicks = clicks + 1; delete from rollup_quarters");
        assert!(verified().len() > 20);
        rebuild(db, from, to, 9).unwrap();
        assert_eq!(verified(), []);
    });
}

#[test]
fn rows_are_sorted_paged_and_totalled() {
    on_each_database(|db| {
        let click = |campaign, cost| Planned {
            at_ms: START_MS,
            campaign,
            cost: Some(cost),
            is_unique: true,
            is_bot: false,
            is_test: false,
            lander: false,
            lp_clicks: 0,
            conversion: None,
        };
        let plans = [click(1, 5), click(2, 9), click(4, 5)];
        db.write(Priority::Ingester, |conn| store(conn, &plans)).unwrap();
        let day = |d| NaiveDate::from_ymd_opt(2026, 10, d).unwrap();
        let period = Period::days(TimeZone::UTC, day(22), day(31)).unwrap();
        let all = Query { with_idle: true, ..Query::new(period, By::Campaign) };
        let labels = |query: &Query| {
            let report = ask(db, query).0;
            report.rows.into_iter().map(|row| row.label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&all), "alpha bravo Charlie Delta");
        let by = |word| Query { order: Order::parse(word).unwrap(), ..all.clone() };
        assert_eq!(labels(&by("-label")), "Delta Charlie bravo alpha");
        assert_eq!(labels(&by("-cost")), "alpha bravo Delta Charlie");
        assert_eq!(labels(&by("cpc")), "bravo Delta alpha Charlie", "no base stands last");
        assert_eq!(labels(&by("-cpc")), "alpha bravo Delta Charlie");
        let idle = Query { with_idle: false, ..all.clone() };
        assert_eq!(labels(&idle), "alpha bravo Delta");
        let page = Query { limit: Some(1), offset: 1, search: "A".to_owned(), ..all.clone() };
        let report = ask(db, &page).0;
        assert_eq!((report.row_count, report.rows[0].label.as_str()), (4, "bravo"));
        assert_eq!(report.totals.value(Metric::Clicks), Value::Count(3));
        let source = ask(db, &Query { by: By::Source, ..all }).0;
        assert_eq!((source.rows.len(), source.rows[0].key, source.value(&source.rows[0])), (1, None, None));
    });
}

#[test]
fn the_dashboard_compares_like_with_like() {
    on_each_database(|db| {
        let click = |hours: i64, campaign| Planned {
            at_ms: START_MS + hours * HOUR_MS + HOUR_MS / 2 - 60_000,
            campaign,
            cost: Some(1_000_000),
            is_unique: true,
            is_bot: false,
            is_test: false,
            lander: false,
            lp_clicks: 0,
            conversion: (campaign == 2).then(|| (0, vec![(Status::Approved, 6_000_000)], None, true)),
        };
        // Yesterday at 10:29 and, after the comparison is cut, 12:44; today at 10:29, 11:29 and a moment ago.
        let mut plans = [click(10, 1), click(12, 1), click(34, 2), click(35, 1), click(36, 1)];
        plans[1].at_ms += HOUR_MS / 4;
        db.write(Priority::Ingester, |conn| store(conn, &plans)).unwrap();
        let now_ms = START_MS + 36 * HOUR_MS + HOUR_MS / 2 - 1;
        let period = Period::preset(Preset::Today, TimeZone::UTC, now_ms).unwrap();
        let asked = DashboardQuery {
            period,
            now_ms,
            attribution: Attribution::ClickTime,
            bots: Bots::Exclude,
            is_test: false,
            campaign_ids: None,
            step: None,
            campaigns_max: 5,
        };
        let shown = db.read(|conn| dashboard(conn, &asked)).unwrap();
        let clicks = |figures: &crate::domain::figures::Figures| figures.sort_key(Metric::Clicks).unwrap();
        assert_eq!((clicks(&shown.figures), clicks(&shown.so_far), clicks(&shown.before)), (3, 3, 1));
        assert_eq!(shown.compared.cut_at.as_deref(), Some("12:30"));
        assert_eq!((shown.step, shown.points.len()), (Step::Hour, 24));
        assert_eq!(shown.points[12].before.as_ref().map(clicks), Some(1));
        assert!(!shown.points[12].is_to_come && shown.points[13].is_to_come);
        let names = |rows: &[Row]| rows.iter().map(|row| row.label.clone()).collect::<Vec<_>>();
        assert_eq!((names(&shown.best), names(&shown.worst)), (vec!["alpha".into()], vec!["Delta".into()]));
        assert_eq!(shown.attention, []);
        assert_eq!(db.read(|conn| campaign_list(conn, &asked)).unwrap().rows.len(), 3);
    });
}
