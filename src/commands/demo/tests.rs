use super::*;
use crate::db::click_log::{self, ClickQuery};
use crate::db::{campaigns, conversions, postbacks, scratch};
use crate::domain::figures::Metric;
use crate::domain::rollup::HOUR_MS;
use crate::domain::verdict::Code;
use crate::reports::{self, By, Period, Query, TimeZone};

/// 2026-11-20 14:40 UTC.
const NOW_MS: i64 = 1_795_185_600_000;
const CLICKS: u64 = 2_000;

fn made(db: &Db) -> DemoSummary {
    let options = DemoOptions { clicks: CLICKS, ..DemoOptions::until(NOW_MS) };
    let mut told = 0;
    let summary = fill(db, &options, &mut |clicks| told = clicks).unwrap();
    assert_eq!((told, summary.clicks), (CLICKS, CLICKS));
    summary
}

/// Everything that must be the same for the same seed.
fn contents(db: &Db) -> String {
    db.read::<_, Error>(|conn| {
        let clicks = click_log::list(
            conn,
            &ClickQuery {
                limit: 5_000,
                bots: crate::domain::figures::Bots::Include,
                ..ClickQuery::default()
            },
        )?;
        let conversions =
            conversions::list(conn, &conversions::ConversionQuery { limit: 5_000, ..Default::default() })?;
        let postbacks =
            postbacks::list(conn, &postbacks::PostbackQuery { limit: 5_000, ..Default::default() })?;
        let campaigns = campaigns::all(conn)?;
        Ok(format!("{clicks:?} {conversions:?} {postbacks:?} {campaigns:?}"))
    })
    .unwrap()
}

#[test]
fn the_same_seed_makes_the_same_month() {
    let contents_of = || {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/demo.db", folder.path().display()), false).unwrap();
        let summary = made(&db);
        let error = fill(&db, &DemoOptions::until(NOW_MS), &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("has campaigns already"), "{error}");
        (summary, contents(&db))
    };
    assert_eq!(contents_of(), contents_of());
}

#[test]
fn the_demo_adds_up_like_real_traffic() {
    scratch::on_each_database(|db| {
        let summary = made(db);
        assert!(summary.lp_clicks > 20 && summary.conversions > 5, "{summary:?}");
        let (from, to) = (NOW_MS - 32 * 24 * HOUR_MS, NOW_MS + HOUR_MS);
        assert_eq!(db.read(|conn| reports::verify(conn, from, to)).unwrap(), []);
        let zone = TimeZone::parse("Europe/Berlin").unwrap();
        let period = Period::days(zone, zone.date(from), zone.date(NOW_MS)).unwrap();
        for by in [By::Campaign, By::Day, By::Source] {
            let query = Query::new(period, by);
            let (quick, slow) = db
                .read::<_, reports::Error>(|conn| {
                    Ok((reports::report(conn, &query)?, reports::plain(conn, &query)?))
                })
                .unwrap();
            assert_eq!(quick, slow);
            let count = |metric| quick.totals.sort_key(metric).unwrap().unsigned_abs();
            assert_eq!(count(Metric::Clicks) + count(Metric::Bots), CLICKS);
            assert!(count(Metric::Bots) * 100 / CLICKS >= 2 && count(Metric::Bots) * 100 / CLICKS <= 7);
        }
    });
}

#[test]
fn what_went_wrong_is_told_as_the_ledger_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/demo.db", folder.path().display()), false).unwrap();
    made(&db);
    let query = postbacks::PostbackQuery { limit: 5_000, ..Default::default() };
    let stored = db.read(|conn| postbacks::list(conn, &query)).unwrap().items;
    let count = |code: Code| stored.iter().filter(|postback| postback.value.code == code).count();
    for (code, wanted) in [
        (Code::UnresolvedMacro, 14),
        (Code::UnknownStatus, 6),
        (Code::ParkedUnknownClick, 3),
        (Code::ParkedForeignClick, 5),
        (Code::MissingClickId, 4),
        (Code::MalformedRevenue, 2),
        (Code::BadKey, 2),
    ] {
        assert_eq!(count(code), wanted, "{code}");
    }
    let said = |text: &str| stored.iter().any(|postback| postback.value.message.contains(text));
    assert!(said("`cid` arrived as `{sub2}`"), "names the macro");
    assert!(said(" USD, approved") && said(" went from pending to approved, "), "and what was counted");
    let counted = stored.iter().filter(|postback| postback.value.conversion_id.is_some());
    for postback in counted {
        let value = &postback.value;
        let named = value.click_id.is_some() && value.event.is_some() && value.advertiser_id.is_some();
        assert!(named, "read as it was meant: {value:?}");
    }
}
