use super::*;
use crate::domain::rollup::{HOUR_MS, QUARTER_MS};
use proptest::prelude::*;

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "America/Havana",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Asia/Beirut",
];

fn zone(name: &str) -> TimeZone {
    TimeZone::parse(name).unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(name: &str, from: &str, to: &str) -> Period {
    Period::days(zone(name), date(from), date(to)).unwrap()
}

fn utc(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

fn labels(period: &Period, step: Step) -> Vec<String> {
    period.buckets(step).unwrap().into_iter().map(|bucket| bucket.label).collect()
}

#[test]
fn the_long_and_the_short_day_of_berlin() {
    let short = days("Europe/Berlin", "2026-03-29", "2026-03-29");
    assert_eq!(short.from_ms(), utc("2026-03-28T23:00:00Z"));
    assert_eq!(short.to_ms() - short.from_ms(), 23 * HOUR_MS);
    assert_eq!(labels(&short, Step::Hour)[1..3], ["2026-03-29 01:00", "2026-03-29 03:00"]);

    let long = days("Europe/Berlin", "2026-10-25", "2026-10-25");
    assert_eq!(long.to_ms() - long.from_ms(), 25 * HOUR_MS);
    let hours = labels(&long, Step::Hour);
    assert_eq!(hours.len(), 25);
    assert_eq!(hours[2..5], ["2026-10-25 02:00 CEST", "2026-10-25 02:00 CET", "2026-10-25 03:00"]);
}

#[test]
fn zones_between_the_hours() {
    let india = days("Asia/Kolkata", "2026-11-01", "2026-11-01");
    assert_eq!(india.from_ms(), utc("2026-10-31T18:30:00Z"));
    let nepal = days("Asia/Kathmandu", "2026-11-01", "2026-11-07");
    assert_eq!(nepal.from_ms(), utc("2026-10-31T18:15:00Z"));
    assert_eq!(labels(&nepal, Step::Day).len(), 7);
    assert_eq!(nepal.buckets(Step::Hour).unwrap()[0].end_ms, utc("2026-10-31T19:15:00Z"));
}

#[test]
fn half_an_hour_is_put_back_on_lord_howe() {
    let long = days("Australia/Lord_Howe", "2026-04-05", "2026-04-05");
    assert_eq!(long.to_ms() - long.from_ms(), 24 * HOUR_MS + HOUR_MS / 2);
    let hours = labels(&long, Step::Hour);
    assert_eq!(hours[1..4], ["2026-04-05 01:00", "2026-04-05 01:30", "2026-04-05 02:00"]);
    let short = days("Australia/Lord_Howe", "2026-10-04", "2026-10-04");
    assert_eq!(short.to_ms() - short.from_ms(), 23 * HOUR_MS + HOUR_MS / 2);
    assert_eq!(
        labels(&short, Step::Hour)[1..4],
        ["2026-10-04 01:00", "2026-10-04 02:30", "2026-10-04 03:00"]
    );
}

#[test]
fn a_day_that_began_at_one() {
    let day = days("America/Sao_Paulo", "2018-11-04", "2018-11-04");
    assert_eq!(day.from_ms(), utc("2018-11-04T03:00:00Z"));
    assert_eq!(day.to_ms() - day.from_ms(), 23 * HOUR_MS);
    assert_eq!(labels(&day, Step::Hour)[0], "2018-11-04 01:00");
}

#[test]
fn a_day_that_never_was_is_left_out() {
    let days = days("Pacific/Apia", "2011-12-29", "2011-12-31");
    assert_eq!(labels(&days, Step::Day), ["2011-12-29", "2011-12-31"]);
}

#[test]
fn weeks_and_months_are_cut_at_the_period() {
    let period = days("Europe/Berlin", "2026-01-01", "2026-12-31");
    let weeks = labels(&period, Step::Week);
    assert_eq!(
        (weeks.len(), weeks[0].as_str(), weeks[1].as_str(), weeks[52].as_str()),
        (53, "2026-W01", "2026-W02", "2026-W53")
    );
    let months = period.buckets(Step::Month).unwrap();
    assert_eq!((months.len(), months[11].label.as_str()), (12, "2026-12"));
    assert_eq!(months[11].end_ms, utc("2026-12-31T23:00:00Z"));
    assert_eq!(labels(&days("UTC", "2000-01-01", "2000-01-01"), Step::Week), ["1999-W52"]);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let ask = |from: &str, to: &str| Period::days(TimeZone::UTC, date(from), date(to));
    assert_eq!(ask("2026-02-02", "2026-02-01"), Err(PeriodError::EndsBeforeStart));
    assert_eq!(ask("1999-12-31", "2026-02-01"), Err(PeriodError::OutOfYears));
    assert_eq!(ask("2100-12-31", "2101-01-01"), Err(PeriodError::OutOfYears));
    assert!(ask("2000-01-01", "2100-12-31").is_ok());
    assert_eq!(
        Period::moments(TimeZone::UTC, utc("2026-01-01T10:10:00Z"), utc("2026-01-01T11:00:00Z")),
        Err(PeriodError::NotOnQuarter)
    );
    assert_eq!(ask("2000-01-01", "2100-12-31").unwrap().buckets(Step::Hour), Err(PeriodError::TooFine));
}

#[test]
fn presets_are_days_of_the_zone() {
    let now = utc("2026-11-20T23:30:00Z");
    let shown = |preset, name: &str| {
        let (from, to) = Period::preset(preset, zone(name), now).unwrap().whole_days().unwrap();
        format!("{from} {to}")
    };
    assert_eq!(shown(Preset::Today, "UTC"), "2026-11-20 2026-11-20");
    assert_eq!(shown(Preset::Today, "Europe/Berlin"), "2026-11-21 2026-11-21");
    assert_eq!(shown(Preset::Yesterday, "UTC"), "2026-11-19 2026-11-19");
    assert_eq!(shown(Preset::Last7Days, "UTC"), "2026-11-14 2026-11-20");
    assert_eq!(shown(Preset::Last30Days, "UTC"), "2026-10-22 2026-11-20");
    assert_eq!(shown(Preset::ThisMonth, "UTC"), "2026-11-01 2026-11-30");
    assert_eq!(shown(Preset::LastMonth, "UTC"), "2026-10-01 2026-10-31");
}

#[test]
fn today_is_compared_up_to_the_same_time_of_day() {
    let now = utc("2026-11-20T14:40:12Z");
    let today = Period::preset(Preset::Today, zone("Europe/Berlin"), now).unwrap();
    let compared = today.compared(now);
    assert_eq!(compared.cut_at.as_deref(), Some("15:45"));
    assert_eq!(compared.so_far.to_ms(), utc("2026-11-20T14:45:00Z"));
    assert_eq!(
        (compared.before.from_ms(), compared.before.to_ms()),
        (utc("2026-11-18T23:00:00Z"), utc("2026-11-19T14:45:00Z"))
    );
    assert_eq!(compared.whole_before.to_ms(), today.from_ms());
}

#[test]
fn in_its_last_quarter_hour_a_day_is_compared_whole() {
    let now = utc("2026-11-20T22:50:00Z");
    let today = Period::preset(Preset::Today, zone("Europe/Berlin"), now).unwrap();
    let compared = today.compared(now);
    assert_eq!((compared.cut_at, compared.so_far), (None, today));
    assert_eq!(compared.before, compared.whole_before);
    assert_eq!(compared.before.to_ms() - compared.before.from_ms(), 24 * HOUR_MS);
}

#[test]
fn the_same_time_of_day_holds_when_clocks_are_changed() {
    // 15:30 on the day with 25 hours is 16.5 hours in; on the day before it is 15.5.
    let now = utc("2026-10-25T14:30:00Z");
    let compared = Period::preset(Preset::Today, zone("Europe/Berlin"), now).unwrap().compared(now);
    assert_eq!(compared.so_far.to_ms() - compared.so_far.from_ms(), 16 * HOUR_MS + HOUR_MS / 2);
    assert_eq!(compared.before.to_ms() - compared.before.from_ms(), 15 * HOUR_MS + HOUR_MS / 2);
}

#[test]
fn what_is_over_is_compared_to_the_equally_long_period_before() {
    let now = utc("2026-11-20T14:40:00Z");
    let week = days("UTC", "2026-11-01", "2026-11-07").compared(now);
    assert_eq!(week.before, days("UTC", "2026-10-25", "2026-10-31"));
    assert_eq!((week.cut_at, week.before), (None, week.whole_before));
    let running = Period::preset(Preset::Last7Days, TimeZone::UTC, now).unwrap().compared(now);
    assert_eq!(
        (running.before.from_ms(), running.before.to_ms()),
        (utc("2026-11-07T00:00:00Z"), utc("2026-11-13T14:45:00Z"))
    );
    let month = Period::preset(Preset::ThisMonth, TimeZone::UTC, now).unwrap().compared(now);
    assert_eq!(month.before.from_ms(), utc("2026-10-12T00:00:00Z"));
    let moments =
        Period::moments(TimeZone::UTC, utc("2026-11-20T10:00:00Z"), utc("2026-11-20T12:15:00Z")).unwrap();
    assert_eq!(moments.compared(now).before.from_ms(), utc("2026-11-20T07:45:00Z"));
}

fn any_period() -> impl Strategy<Value = Period> {
    let first = date("2000-01-02");
    (prop::sample::select(ZONES), 0..36_000_i64, 0..400_i64).prop_map(move |(name, start, length)| {
        let from = days_later(first, start);
        Period::days(zone(name), from, days_later(from, length)).unwrap()
    })
}

fn assert_tiled(period: &Period, step: Step) {
    let buckets = period.buckets(step).unwrap();
    let mut at = period.from_ms();
    for bucket in &buckets {
        assert_eq!(bucket.start_ms, at);
        assert!(bucket.end_ms > bucket.start_ms);
        assert_eq!(bucket.end_ms.rem_euclid(QUARTER_MS), 0);
        at = bucket.end_ms;
    }
    assert_eq!(at, period.to_ms());
    let distinct: std::collections::HashSet<&str> =
        buckets.iter().map(|bucket| bucket.label.as_str()).collect();
    assert_eq!(distinct.len(), buckets.len(), "{:?}", period);
}

proptest! {
    #[test]
    fn buckets_tile_the_period(period in any_period(), step in prop::sample::select(Step::ALL)) {
        assert_tiled(&period, step);
    }

    #[test]
    fn neighbouring_days_tile_time(name in prop::sample::select(ZONES), day in 0..36_500_i64) {
        let zone = zone(name);
        let day = days_later(date("2000-01-02"), day);
        let start = zone.day_start(day);
        prop_assert!(zone.day_start(days_later(day, 1)) >= start);
        if zone.date(start) != day {
            // Skipped altogether.
            prop_assert_eq!(start, zone.day_start(days_later(day, 1)));
        }
    }

    #[test]
    fn the_period_before_ends_where_this_one_starts(period in any_period(), part in 0..1_000_i64) {
        let now = period.from_ms() + (period.to_ms() - period.from_ms()) * part / 1_000;
        let compared = period.compared(now);
        prop_assert_eq!(compared.whole_before.to_ms(), period.from_ms());
        prop_assert!(compared.before.to_ms() <= period.from_ms());
        prop_assert!(compared.so_far.to_ms() < now + QUARTER_MS);
        prop_assert!(compared.so_far.to_ms() >= now);
        prop_assert_eq!(compared.before.from_ms(), compared.whole_before.from_ms());
    }
}
