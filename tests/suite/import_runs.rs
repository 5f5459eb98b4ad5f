//! How imports run: in groups that a restart goes on with exactly, beside postbacks that come meanwhile.

use crate::app::{
    Backend, Campaign, PATIENCE, Place, TestApp, assert_sums_are_raw, block_on, click_id_in, client, send,
};
use crate::kills::set_up;
use crate::program::{Program, another_token};
use clickledger::db::imports::{self, NewImport};
use clickledger::db::{self, AnyConnection, Db, Priority};
use clickledger::domain::import::{ImportCounts, ImportFormat, ImportMode, ImportPlan, ImportState};
use clickledger::domain::sheet::{Field, Mapping};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

/// A file of so many rows, each a transaction of its own, spread over some clicks.
fn file(clicks: &[String], rows: usize) -> String {
    let row = |n: usize| format!("{},t{n},0.50\n", clicks[n % clicks.len()]);
    format!("click_id,txid,payout\n{}", (0..rows).map(row).collect::<String>())
}

fn new_import(campaign: &Campaign, user_id: i64, mode: ImportMode) -> NewImport {
    let columns = [(Field::ClickId, "click_id"), (Field::Txid, "txid"), (Field::Revenue, "payout")];
    let mapping = Mapping(columns.map(|(field, name)| (field, name.to_owned())).into());
    let plan = ImportPlan {
        format: ImportFormat::Csv,
        mapping,
        zone: "UTC".to_owned(),
        day_order: None,
        is_told: false,
    };
    NewImport {
        user_id,
        advertiser_id: campaign.advertiser,
        file_name: "left.csv".to_owned(),
        byte_count: 1,
        plan,
        mode,
    }
}

async fn many_clicks(app: &TestApp, campaign: &Campaign, many: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..many {
        ids.push(app.click(campaign).await);
    }
    app.stored(ids.last().unwrap()).await;
    ids.into_iter().map(|click| click.id).collect()
}

/// Advertisers whose sales are many on one click.
async fn busy_campaign(app: &TestApp) -> Campaign {
    let advertiser = app.advertiser(json!({})).await;
    let offer = app.offer(&advertiser, json!({})).await;
    app.campaign_to(&advertiser, &offer, json!({})).await
}

stories! {
    async fn postbacks_are_answered_while_a_large_file_is_recorded(app: TestApp) {
        let campaign = busy_campaign(app).await;
        let ids = many_clicks(app, &campaign, 300).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        let path = format!("/api/v1/conversions/import?advertiser_id={}", campaign.advertiser);
        let request = app.request(Method::POST, &path).bearer_auth(&app.write_token).header("content-type", "text/csv");
        let begun = Instant::now();
        let sent = send(request.body(file(&ids, 6_000)).timeout(Duration::from_secs(120)));
        let postbacks = async {
            let mut longest = Duration::ZERO;
            for n in 0..40 {
                let asked = Instant::now();
                assert_eq!(app.say(&click, &format!("payout=1&txid=p{n}")).await.code(), "recorded");
                longest = longest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            longest
        };
        let (answer, longest) = tokio::join!(sent, postbacks);
        let told = answer.expect(200);
        assert_eq!((&told["accepted"], &told["state"]), (&json!(6_000), &json!("done")), "{}", told["refused"]);
        assert!(longest < Duration::from_secs(2), "a postback waited {longest:?}");
        println!("6,000 rows in {:?}, a postback waited {longest:?} at most", begun.elapsed());
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["6040", "3040.00"]);
    }

    async fn what_another_process_left_is_gone_on_with(app: TestApp) {
        let campaign = busy_campaign(app).await;
        let ids = many_clicks(app, &campaign, 3).await;
        let user_id = app.number("select min(id) from users");
        let write = |work: &dyn Fn(&mut AnyConnection) -> db::Result<()>| app.db.write(Priority::Pages, |conn| work(conn)).unwrap();
        // A node that is gone had recorded the first two of five rows.
        let new = new_import(&campaign, user_id, ImportMode::GoodRows);
        let left = app.db.write(Priority::Pages, |conn| imports::insert(conn, &new, 1)).unwrap();
        write(&|conn| {
            imports::add_part(conn, left, 0, &file(&ids, 5).as_bytes()[..40])?;
            imports::add_part(conn, left, 1, &file(&ids, 5).as_bytes()[40..])?;
            assert!(imports::hand_over(conn, left, 999, 1)?);
            assert!(!imports::hand_over(conn, left, 999, 1)?, "one alone runs it");
            imports::begin(conn, left, 5, 999, 1)?;
            let two = ImportCounts { done: 2, accepted: 2, ..ImportCounts::default() };
            assert!(imports::advance(conn, left, 0, two, 1)?);
            assert!(!imports::advance(conn, left, 0, two, 1)?, "a group stands once");
            Ok(())
        });
        app.until("the import is through", || {
            let found = app.db.read(|conn| imports::find(conn, left)).unwrap().unwrap();
            found.state == ImportState::Done
        })
        .await;
        let found = app.db.read(|conn| imports::find(conn, left)).unwrap().unwrap();
        assert_eq!((found.counts.done, found.counts.accepted), (5, 5));
        assert_eq!(app.number("select count(*) from conversions"), 3, "the first two were not recorded again");
        assert_eq!(app.number("select count(*) from import_parts"), 0);
    }
}

/// Kills the program while it records a file, starts it again, and looks.
fn killed_while_importing(backend: Backend) {
    const ROWS: usize = 6_000;
    let Some(place) = Place::new(backend) else { return };
    let (slug, _) = set_up(&place);
    let token = another_token(&place);
    let db = Db::open(&place.url, false).unwrap();
    let number = |query: &str| db.read(|conn: &mut AnyConnection| crate::sql::number(conn, query)).unwrap();
    let program = Program::start(&place);
    block_on(async {
        let http = client();
        let mut ids = Vec::new();
        for _ in 0..200 {
            let answer = send(http.get(format!("{}/c/{slug}", program.base))).await;
            ids.push(click_id_in(answer.location()).unwrap());
        }
        let begun = Instant::now();
        while number("select count(*) from clicks") < 200 {
            assert!(begun.elapsed() < PATIENCE, "the clicks are not stored");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let url = format!("{}/api/v1/conversions/import?advertiser_id=1&file_name=big.csv", program.base);
        let sending = http
            .post(url)
            .bearer_auth(&token)
            .header("content-type", "text/csv")
            .body(file(&ids, ROWS))
            .send();
        let sent = tokio::spawn(sending);
        let begun = Instant::now();
        while number("select count(*) from conversions") < 500 {
            assert!(begun.elapsed() < PATIENCE, "nothing is recorded");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        program.kill();
        let _broken = sent.await;
    });
    let before = number("select done_count from imports");
    assert!(before > 0, "some groups stand");
    assert_eq!(number("select count(*) from conversions"), before, "as many as are said to be done");
    let program = Program::start(&place);
    let begun = Instant::now();
    while number("select count(*) from imports where state = 'done'") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is not gone on with");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (is_well, _) = program.end();
    assert!(is_well, "it did not end in order");
    let rows = i64::try_from(ROWS).unwrap();
    assert_eq!(number("select accepted_count from imports"), rows);
    assert_eq!(number("select count(*) from conversions"), rows);
    assert_eq!(number("select count(distinct txid) from conversions"), rows);
    assert_eq!(number("select count(*) from postbacks_received"), rows);
    assert_sums_are_raw(&db);
    println!("killed after {before} of {ROWS} rows");
}

#[test]
fn a_killed_import_is_gone_on_with_on_sqlite() {
    killed_while_importing(Backend::Sqlite);
}

#[test]
fn a_killed_import_is_gone_on_with_on_postgres() {
    killed_while_importing(Backend::Postgres);
}
