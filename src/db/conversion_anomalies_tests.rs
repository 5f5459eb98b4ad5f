use super::*;
use crate::db::{Error, Priority, partitions, scratch};

const NOW_MS: i64 = 1_790_000_000_000;

#[derive(QueryableByName)]
struct SqliteStep {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PgStep {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    text: String,
}

/// How the database goes about a question.
fn plan(conn: &mut AnyConnection, text: &str) -> String {
    let text = text.replace("$1", &NOW_MS.to_string()).replace("$2", &(NOW_MS + 9).to_string());
    match conn {
        AnyConnection::Sqlite(c) => {
            let steps: Vec<SqliteStep> =
                diesel::sql_query(format!("explain query plan {text}")).load(c).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("\n")
        }
        AnyConnection::Pg(c) => {
            // An empty table would be read whole: what is asked is whether an index can carry it.
            diesel::sql_query("set enable_seqscan = off").execute(c).unwrap();
            diesel::sql_query("set enable_bitmapscan = off").execute(c).unwrap();
            let steps: Vec<PgStep> = diesel::sql_query(format!("explain {text}")).load(c).unwrap();
            steps.into_iter().map(|step| step.text).collect::<Vec<_>>().join("\n")
        }
    }
}

/// A conversion on an offer, of a source or none, so many milliseconds after its click.
fn stored(offer: i64, source: &str, after_ms: i64, more: (i64, bool)) -> String {
    let (anomalies, is_test) = more;
    let click = NOW_MS - after_ms;
    format!(
        "insert into conversions (click_id, event, txid, advertiser_id, campaign_id, offer_id, source_id, clicked_at_ms, \
         converted_at_ms, recorded_at_ms, updated_at_ms, status, revenue_original_micros, currency, rate_nanos, \
         revenue_micros, payout_status, payout_micros, counts_as_conversion, counts_in_revenue, is_bot, is_test, anomalies) \
         select '', 'sale', '{offer} {after_ms} ' || count(*), 1, 4, {offer}, {source}, {click}, {NOW_MS}, 1, 1, 'approved', 0, \
         'USD', 1, 0, 'approved', 0, true, true, false, {is_test}, {anomalies} from conversions;"
    )
}

#[test]
fn indexes_carry_every_question_and_none_reads_the_clicks() {
    scratch::on_each_database(|db| {
        db.write::<_, Error>(Priority::Pages, |conn| partitions::ensure(conn, NOW_MS, NOW_MS)).unwrap();
        db.read::<_, Error>(|conn| {
            let is_sqlite = matches!(conn, AnyConnection::Sqlite(_));
            let counting = plan(conn, COUNTS);
            assert!(counting.contains("conversions_unusual"), "{counting}");
            let timing = plan(conn, &times_query(&[3, 4]));
            assert!(timing.contains("conversions_by_offer") && !timing.contains("clicks"), "{timing}");
            let reading = plan(conn, SINCE);
            let by_id = if is_sqlite { "clicks_by_id" } else { "clicks_" };
            assert!(reading.contains("conversions_by_time") && reading.contains(by_id), "{reading}");
            for plan in [&counting, &timing, &reading] {
                assert!(!plan.contains("Seq Scan") && !plan.contains("SCAN conversions\n"), "{plan}");
                assert!(!plan.contains("SCAN k") && !plan.contains("SCAN clicks"), "{plan}");
            }
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn times_are_medians_by_source_without_tests() {
    scratch::on_each_database(|db| {
        let mut rows = String::new();
        for (offer, source, after_ms, more) in [
            (3, "7", 1_000, (1, false)),
            (3, "7", 5_000, (0, false)),
            (4, "7", 9_000, (16, false)),
            (4, "8", 2_000, (0, false)),
            (4, "8", 4_000, (0, false)),
            (4, "8", 1, (0, true)),
            (5, "7", 1, (0, false)),
            (4, "null", 1, (0, false)),
        ] {
            rows.push_str(&stored(offer, source, after_ms, more));
        }
        scratch::run(db, &rows);
        let asked = (NOW_MS - 1, NOW_MS + 1);
        let mut found = db.read(|conn| times_of_sources(conn, &[3, 4], asked)).unwrap();
        found.sort_by_key(|one| one.source_id);
        let of = |source_id, count, unusual, median_ms| SourceTimes { source_id, count, unusual, median_ms };
        assert_eq!(found, [of(7, 3, 2, 5_000), of(8, 2, 0, 2_000)]);
        let unusual: i64 =
            db.read(|conn| counts(conn, NOW_MS, NOW_MS + 1)).unwrap().iter().map(|one| one.count).sum();
        assert_eq!(unusual, 2);
        let mut all = db.read(|conn| all_of_offers(conn, &[3, 4, 9], asked)).unwrap();
        all.sort_unstable();
        assert_eq!(all, [(3, 2), (4, 5)]);
        let nothing = db.read(|conn| times_of_sources(conn, &[], asked)).unwrap();
        assert!(nothing.is_empty());
    });
}
