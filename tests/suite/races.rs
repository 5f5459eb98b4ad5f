//! Many at once: what is promised of concurrency is tried by racing.

use crate::app::{Answer, Backend, Campaign, Click, TestApp, client, send};
use clickledger::domain::status::Status;
use serde_json::json;
use std::collections::HashMap;

/// Requests at once.
const CROWD: usize = 64;

/// Sends postbacks about one click, all at once, each over a connection of its own.
async fn all_at_once(app: &TestApp, click: &Click, parameters: Vec<String>) -> Vec<Answer> {
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(parameters.len()));
    let sending = parameters.into_iter().map(|parameters| {
        let start = start.clone();
        async move {
            start.wait().await;
            app.say(click, &parameters).await
        }
    });
    futures_util::future::join_all(sending).await
}

fn counted(answers: &[Answer]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        *counts.entry(answer.code()).or_default() += 1;
    }
    counts
}

fn codes<const N: usize>(expected: [(&str, usize); N]) -> HashMap<String, usize> {
    expected.map(|(code, count)| (code.to_owned(), count)).into()
}

/// Copies of one postback come together with the click itself: whoever is first, it is counted once.
async fn copies_count_once(app: &TestApp, campaign: &Campaign) {
    let click = app.click(campaign).await;
    let answers = all_at_once(app, &click, vec!["payout=1.50&txid=t".to_owned(); CROWD]).await;
    assert_eq!(counted(&answers), codes([("recorded", 1), ("duplicate", CROWD - 1)]));
    let made = app.conversions(&click);
    assert_eq!(made.len(), 1);
    for answer in &answers {
        assert_eq!(answer.json()["conversion_id"], made[0].id);
    }
}

/// A campaign whose advertiser takes each event in one mode.
async fn campaign_in_mode(app: &TestApp, mode: &str) -> Campaign {
    crate::ledger::campaign_with(app, json!({"duplicate_mode": mode}), json!({})).await
}

/// On PostgreSQL two nodes write at once, and neither waits for the other's queue.
#[test]
fn two_nodes_count_each_transaction_once() {
    let Some(app) = TestApp::start(Backend::Postgres) else { return };
    crate::app::block_on(async {
        for (mode, recorded) in [("new", 16), ("add", 1), ("update", 16)] {
            let campaign = campaign_in_mode(&app, mode).await;
            let click = app.click(&campaign).await;
            app.stored(&click).await;
            let (app, click, campaign) = (&app, &click, &campaign);
            app.with_another_node(|other| async move {
                // Each of sixteen transactions twice at each of two nodes.
                let sending = (0..64).map(|n| {
                    let base = if n % 2 == 0 { &app.base } else { &other };
                    let (key, id, txid) = (&campaign.key, &click.id, n / 4);
                    send(client().get(format!("{base}/postback/{key}?cid={id}&payout=0.25&txid=t{txid}")))
                });
                let counts = counted(&futures_util::future::join_all(sending).await);
                assert_eq!(counts["recorded"], recorded, "{mode}: {counts:?}");
                assert_eq!(counts["duplicate"], 48, "{mode}: {counts:?}");
            })
            .await;
            assert_eq!(app.conversions(click).len(), recorded, "{mode}");
            assert_eq!(app.figures(campaign, ["revenue"]), ["4.00"], "{mode}");
        }
        app.finish().await;
    });
}

stories! {
    async fn copies_of_a_rebill_count_once_and_others_each(app: TestApp) {
        let campaign = campaign_in_mode(app, "new").await;
        let click = app.click(&campaign).await;
        let copies = vec!["payout=1&txid=t".to_owned(); 32];
        assert_eq!(counted(&all_at_once(app, &click, copies).await), codes([("recorded", 1), ("duplicate", 31)]));
        let others = (0..32).map(|n| format!("payout=1&txid=r{n}")).collect();
        assert_eq!(counted(&all_at_once(app, &click, others).await), codes([("recorded", 32)]));
        let nameless = (0..32).map(|n| format!("payout=1&p1={}", n % 8)).collect();
        let counts = counted(&all_at_once(app, &click, nameless).await);
        assert_eq!(counts, codes([("recorded", 8), ("duplicate", 24)]));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["41", "41.00"]);
    }

    async fn upsells_at_once_are_each_added_once(app: TestApp) {
        let campaign = campaign_in_mode(app, "add").await;
        let click = app.click(&campaign).await;
        let upsells = (0..32).map(|n| format!("payout=1&txid=t{}", n % 16)).collect();
        let counts = counted(&all_at_once(app, &click, upsells).await);
        assert_eq!(counts, codes([("recorded", 1), ("updated", 15), ("duplicate", 16)]));
        assert_eq!(app.conversions(&click).len(), 1);
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["1", "16.00"]);
    }

    async fn copies_of_one_postback_count_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for _ in 0..3 {
            copies_count_once(app, &campaign).await;
        }
        assert_eq!(app.figures(&campaign, ["clicks", "leads", "revenue"]), ["3", "3", "4.50"]);
        assert_eq!(app.number("select count(*) from postbacks_received"), 3 * 64);
    }

    async fn as_many_transactions_as_are_sent_are_counted(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let parameters = (0..CROWD).map(|n| format!("payout=0.25&txid=t{n}")).collect();
        let answers = all_at_once(app, &click, parameters).await;
        assert_eq!(counted(&answers), codes([("recorded", CROWD)]));
        assert_eq!(app.conversions(&click).len(), CROWD);
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["64", "16.00"]);
    }

    async fn opposite_decisions_at_once_leave_the_sums_right(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.say(&click, "payout=5&status=pending&txid=t").await;
        let parameters = (0..CROWD).map(|n| {
            let status = if n % 2 == 0 { "approved" } else { "rejected" };
            format!("payout={}&status={status}&txid=t&p1={n}", 5 + n % 3)
        });
        let answers = all_at_once(app, &click, parameters.collect()).await;
        let counts = counted(&answers);
        assert_eq!(counts.values().sum::<usize>(), CROWD);
        assert!(counts.keys().all(|code| code == "updated" || code == "duplicate"), "{counts:?}");
        let made = app.conversions(&click);
        assert_eq!(made.len(), 1);
        let is_approved = made[0].value.status == Status::Approved;
        let [leads, approved, rejected] = app.figures(&campaign, ["leads", "approved", "rejected"]);
        assert_eq!((leads.as_str(), approved == "1", rejected == "1"), ("1", is_approved, !is_approved));
        // Every answer "updated" stands behind one line of the history, and the lines join end to end.
        let changes = app.number("select count(*) from conversion_changes");
        assert_eq!(usize::try_from(changes).unwrap(), 1 + counts["updated"]);
        let torn = "select count(*) from conversion_changes later join conversion_changes earlier \
            on earlier.id = (select max(id) from conversion_changes where id < later.id) \
            where later.from_status <> earlier.to_status or later.from_revenue_micros <> earlier.to_revenue_micros";
        assert_eq!(app.number(torn), 0);
    }

    async fn visitors_who_come_together_are_each_stored_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let clicking = (0..200).map(|_| app.click(&campaign));
        let clicks = futures_util::future::join_all(clicking).await;
        app.settled().await;
        assert_eq!(app.figures(&campaign, ["clicks", "uniques"]), ["200", "1"]);
        let converting = clicks.iter().map(|click| app.postback(click, "1"));
        let answers = futures_util::future::join_all(converting).await;
        assert_eq!(counted(&answers), codes([("recorded", 200)]));
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["200", "200.00"]);
    }

    async fn edits_and_clicks_at_once_disturb_nobody(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let editing = async {
            for n in 0..20 {
                let url = format!("https://shop.example/{n}?ref={{click_id}}");
                app.patch(&format!("/offers/{}", campaign.offer), json!({"url": url})).await;
            }
        };
        let clicking = async {
            for _ in 0..100 {
                let click = app.click(&campaign).await;
                assert_eq!(app.postback(&click, "1").await.code(), "recorded");
            }
        };
        tokio::join!(editing, clicking);
        assert_eq!(app.figures(&campaign, ["clicks", "approved"]), ["100", "100"]);
    }
}
