use super::*;
use crate::conversions::judge;
use crate::conversions::request::Incoming;
use crate::db::clicks::ClickFacts;
use crate::db::conversions::{NewConversion, of_clicks};
use crate::db::ledger::Numbers;
use crate::db::{Db, Priority, partitions, scratch};
use crate::domain::Device;
use crate::routing::Catalog;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const HOUR_MS: i64 = 3_600_000;
const CLICKED_MS: i64 = 1_790_000_000_000;

/// An advertiser with one event for each mode, and an offer of his.
fn prepare(db: &Db) -> Catalog {
    let modes = r#"{"once":"ignore","each":"new","sum":"add"}"#;
    scratch::run(
        db,
        &format!(
            "insert into advertisers (id, name, kind, currency, status, postback_key, missing_status, window_days, \
             duplicate_modes, created_at_ms, updated_at_ms) values (1, 'A', 'network', 'USD', 'active', 'k', 'approved', \
             30, '{modes}', 1, 1); insert into offers (id, name, advertiser_id, url, currency, revenue_mode, at_cap, \
             status, created_at_ms, updated_at_ms) values (1, 'O', 1, 'https://o.example/', 'USD', 'auto', \
             '{{\"do\":\"next\"}}', 'active', 1, 1)"
        ),
    );
    db.write(Priority::Pages, |conn| partitions::ensure(conn, CLICKED_MS, CLICKED_MS + 48 * HOUR_MS))
        .unwrap();
    db.read(|conn| Catalog::load(conn, None)).unwrap()
}

fn facts(id: ClickId) -> ClickFacts {
    ClickFacts {
        id,
        clicked_at_ms: CLICKED_MS,
        campaign_id: 1,
        source_id: None,
        path_id: None,
        lander_id: None,
        offer_id: Some(1),
        last_offer_id: None,
        lp_clicks: 0,
        is_bot: false,
        is_test: false,
        country: None,
        device: Device::Mobile,
        address: None,
    }
}

/// One postback: what it says, and how many hours after its click.
type Said = (String, i64);

/// Judges and writes postbacks about one click in transactions of these sizes; the last one takes what is left.
fn hear(
    db: &Db,
    catalog: &Catalog,
    click: ClickId,
    said: &[Said],
    sizes: &[usize],
) -> (Vec<Code>, Vec<Conversion>) {
    let all: Vec<Judged> = said
        .iter()
        .map(|(query, hours)| {
            let incoming = Incoming {
                key: "k".to_owned(),
                method: "GET".to_owned(),
                query: format!("cid={click}&{query}").into(),
                received_at_ms: CLICKED_MS + hours * HOUR_MS,
                ..Incoming::default()
            };
            judge::read(incoming, catalog)
        })
        .collect();
    let (mut rest, mut numbers, mut codes) = (all.as_slice(), Numbers::default(), Vec::new());
    for size in sizes.iter().copied().chain([usize::MAX]) {
        let (now, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        let judged: Vec<&Judged> = now.iter().collect();
        let written: db::Result<Vec<Code>> = db.write(Priority::Postbacks, |conn| {
            let mut group = Group::begin(conn, catalog, CLICKED_MS, &judged, &mut numbers)?;
            group.clicks.insert(click, facts(click));
            let mut codes = Vec::new();
            for one in &judged {
                let settled = group.settle(conn, one)?;
                let postback_id = group.draft.keep(conn, one.to_row(&settled.verdict))?;
                if let Some(change) = settled.change {
                    group
                        .draft
                        .note(crate::db::conversions::Change { postback_id: Some(postback_id), ..change });
                }
                codes.push(settled.verdict.code);
            }
            group.draft.write(conn)?;
            Ok(codes)
        });
        codes.extend(written.unwrap());
    }
    (codes, db.read(|conn| of_clicks(conn, &[click])).unwrap())
}

fn said() -> impl Strategy<Value = Said> {
    let event = prop::sample::select(vec!["sale", "once", "each", "sum"]);
    let txid = prop::sample::select(vec!["", "&txid=a", "&txid=b", "&txid=c"]);
    let status = prop::sample::select(vec![
        "",
        "",
        "",
        "&status=pending",
        "&status=approved",
        "&status=rejected",
        "&status=reversed",
    ]);
    let amount = prop::sample::select(vec!["", "&payout=1", "&payout=2", "&payout=-1&status=refund"]);
    (event, txid, status, amount).prop_map(|(event, txid, status, amount)| {
        let status = if amount.contains("status") { "" } else { status };
        (format!("event={event}{txid}{status}{amount}"), 0)
    })
}

/// A conversion without its number and its click.
fn facts_of(conversion: Conversion) -> NewConversion {
    NewConversion { click_id: ClickId::new(0, [0; 10]), ..conversion.value }
}

#[test]
fn the_outcome_is_the_same_however_postbacks_are_grouped() {
    scratch::on_each_database(|db| {
        let catalog = prepare(db);
        let sequences = prop::collection::vec((said(), 0..15_i64), 1..9);
        let sizes = prop::collection::vec(1..4_usize, 0..6);
        let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
        runner
            .run(&(sequences, sizes, any::<[u8; 10]>(), any::<[u8; 10]>()), |(steps, sizes, one, other)| {
                prop_assume!(one != other);
                let mut hours = 0;
                let said: Vec<Said> = steps
                    .into_iter()
                    .map(|((query, _), later)| {
                        hours = (hours + later).min(47);
                        (query, hours)
                    })
                    .collect();
                let alone = hear(db, &catalog, ClickId::new(CLICKED_MS, one), &said, &vec![1; said.len()]);
                let grouped = hear(db, &catalog, ClickId::new(CLICKED_MS, other), &said, &sizes);
                prop_assert_eq!(&alone.0, &grouped.0, "{:?}", said);
                let conversions = |all: Vec<Conversion>| all.into_iter().map(facts_of).collect::<Vec<_>>();
                prop_assert_eq!(conversions(alone.1), conversions(grouped.1), "{:?}", said);
                Ok(())
            })
            .unwrap();
    });
}

#[test]
fn a_request_counts_again_after_a_day() {
    scratch::on_each_database(|db| {
        let catalog = prepare(db);
        let rebill = |hours| ("event=each&payout=5".to_owned(), hours);
        let (codes, made) = hear(
            db,
            &catalog,
            ClickId::new(CLICKED_MS, [1; 10]),
            &[rebill(0), rebill(24), rebill(25)],
            &[1, 1],
        );
        // The second is at the very end of the day, and no count of its own.
        assert_eq!(codes, [Code::Recorded, Code::Duplicate, Code::Recorded]);
        assert_eq!(made.iter().map(|one| one.value.seq).collect::<Vec<_>>(), [0, 1]);
        let upsell = |hours| ("event=sum&payout=5".to_owned(), hours);
        let (codes, made) =
            hear(db, &catalog, ClickId::new(CLICKED_MS, [2; 10]), &[upsell(0), upsell(1), upsell(26)], &[]);
        assert_eq!(codes, [Code::Recorded, Code::Duplicate, Code::Updated]);
        assert_eq!((made.len(), made[0].value.revenue_micros), (1, 10_000_000));
    });
}
