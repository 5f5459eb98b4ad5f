//! How an advertiser's postbacks are doing, on its page and on the dashboard.

use crate::app::TestApp;
use crate::pages::Person;
use crate::sql;
use clickledger::db::{AnyConnection, Priority, partitions};
use clickledger::domain::rollup::HOUR_MS;
use clickledger::http::now_ms;
use serde_json::json;

/// The postbacks of an advertiser once more, so many hours earlier.
fn copy_to(app: &TestApp, advertiser: i64, hours_ago: i64) {
    let columns = "advertiser_id, method, address, raw_query, raw_body, request_hash, result, code, message, is_test, is_waiting";
    let earlier = hours_ago * HOUR_MS;
    let statement = format!(
        "insert into postbacks_received (received_at_ms, {columns}) select received_at_ms - {earlier}, {columns} \
         from postbacks_received where advertiser_id = {advertiser} and received_at_ms > {}",
        now_ms() - HOUR_MS
    );
    let written = app.db.write(Priority::Pages, |conn: &mut AnyConnection| {
        partitions::ensure(conn, now_ms() - 20 * 24 * HOUR_MS, now_ms())?;
        sql::run(conn, &statement)
    });
    written.unwrap();
}

stories! {
    async fn an_advertisers_page_says_how_its_postbacks_are_doing(app: TestApp) {
        let person = Person::enter(app).await;
        let campaign = app.campaign(json!({})).await;
        let page = format!("/advertisers/{}", campaign.advertiser);
        let click = app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.postback(&click, "5").await.code(), "recorded");
        assert_eq!(app.postback(&click, "5").await.code(), "duplicate");
        assert_eq!(app.postback(&click, "five").await.code(), "malformed_revenue");
        copy_to(app, campaign.advertiser, 30);
        let shown = person.page(&page).await;
        for wanted in ["The last postback came just now.", "Last 24 hours: 1 accepted, 1 duplicate, 1 refused",
            "Last 7 days: 2 accepted, 2 duplicate, 2 refused", "<span class=\"loss\">1 refused</span>", "last 24 h:"] {
            assert!(shown.contains(wanted), "{wanted} is not in {shown}");
        }
        let other = app.advertiser(json!({"name": "Other"})).await;
        assert!(person.page(&format!("/advertisers/{}", other["id"])).await.contains("Nothing came yet."));
    }

    async fn the_dashboard_says_who_has_gone_silent_and_whose_refusals_jumped(app: TestApp) {
        let person = Person::enter(app).await;
        let (quiet, loud) = (app.advertiser(json!({"name": "Quiet"})).await, app.advertiser(json!({"name": "Loud"})).await);
        for advertiser in [&quiet, &loud] {
            let offer = app.offer(advertiser, json!({})).await;
            let campaign = app.campaign_to(advertiser, &offer, json!({})).await;
            let click = app.click(&campaign).await;
            app.settled().await;
            for n in 0..25 {
                assert_eq!(app.say(&click, &format!("payout=5&txid={n}")).await.code(), "recorded");
            }
            for day in 1..=6 {
                copy_to(app, campaign.advertiser, day * 24 + 2);
            }
            if advertiser["name"] == "Loud" {
                for n in 0..30 {
                    assert_eq!(app.say(&click, &format!("payout=5&status=odd&txid={n}")).await.code(), "unknown_status");
                }
            } else {
                let since = now_ms() - HOUR_MS;
                let statement = format!("delete from postbacks_received where advertiser_id = {} and received_at_ms > {since}", advertiser["id"]);
                app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, &statement)).unwrap();
            }
        }
        let shown = person.page("/").await;
        assert!(shown.contains("Quiet has gone silent") && shown.contains("after postbacks on 6 of 7 days"), "{shown}");
        assert!(shown.contains("Loud: refusals jumped") && shown.contains("30 of 55 postbacks in the last hour"), "{shown}");
        assert!(!shown.contains("Loud has gone silent") && !shown.contains("Quiet: refusals jumped"), "{shown}");
    }
}
