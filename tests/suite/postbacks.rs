//! Postbacks and their conversions: what is recorded, every move of a status, what is matched later.

use crate::app::{Click, TestApp};
use clickledger::domain::status::Status;
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// What the revenue of a click's only conversion is, and its status.
pub fn standing(app: &TestApp, click: &Click) -> (Status, i64) {
    let conversions = app.conversions(click);
    assert_eq!(conversions.len(), 1, "{conversions:?}");
    (conversions[0].value.status, conversions[0].value.revenue_micros)
}

/// How many postbacks are stored under a verdict.
pub fn stored_as(app: &TestApp, code: &str) -> i64 {
    app.number(&format!("select count(*) from postbacks_received where code = '{code}'"))
}

stories! {
    async fn a_postback_makes_a_conversion(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let answer = app.say(&click, "payout=1.50&txid=t1&status=approved&sum=9&amount=80").await;
        let verdict = answer.expect(200);
        assert_eq!((&verdict["result"], &verdict["code"]), (&json!("accepted"), &json!("recorded")));
        assert_eq!(verdict["click_id"], click.id);
        assert!(verdict["conversion_id"].is_i64() && verdict["request_id"].is_string(), "{verdict}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let conversions = app.conversions(&click);
        let made = &conversions[0].value;
        assert_eq!(json!(conversions[0].id), verdict["conversion_id"]);
        assert_eq!((made.event.as_str(), made.txid.as_str()), ("sale", "t1"));
        assert_eq!((made.status, made.revenue_micros), (Status::Approved, 1_500_000));
        assert_eq!(made.sale_amount_micros, Some(80_000_000));
        assert_eq!((made.campaign_id, made.offer_id), (campaign.id, Some(campaign.offer)));
        assert_eq!(made.advertiser_id, campaign.advertiser);
        assert_eq!(
            app.figures(&campaign, ["leads", "conversions", "approved", "revenue", "sale_amount"]),
            ["1", "1", "1", "1.50", "80.00"]
        );
        let change = "select count(*) from conversion_changes where from_status is null and to_status = 'approved' \
            and postback_id is not null";
        assert_eq!(app.number(change), 1, "its first change is written down with the postback behind it");
    }

    async fn the_same_postback_again_is_a_duplicate(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let first = app.say(&click, "payout=1.50&txid=t1").await;
        for _ in 0..3 {
            let again = app.say(&click, "payout=1.50&txid=t1").await;
            let verdict = again.expect(200);
            assert_eq!((&verdict["result"], &verdict["code"]), (&json!("duplicate"), &json!("duplicate")));
            assert_eq!(verdict["conversion_id"], first.json()["conversion_id"]);
        }
        assert_eq!(app.figures(&campaign, ["conversions", "revenue"]), ["1", "1.50"]);
        assert_eq!((stored_as(app, "recorded"), stored_as(app, "duplicate")), (1, 3));
    }

    async fn another_amount_is_a_correction(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.postback(&click, "1.50").await;
        assert_eq!(app.postback(&click, "1.20").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 1_200_000));
        assert_eq!(app.figures(&campaign, ["conversions", "revenue"]), ["1", "1.20"]);
        assert_eq!(app.number("select count(*) from conversion_changes"), 2);
    }

    async fn without_an_amount_the_offers_own_counts(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "").await.code(), "recorded");
        assert_eq!(standing(app, &click), (Status::Approved, 2_000_000));
    }

    async fn a_fixed_rate_is_not_moved_by_what_is_sent(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let offer = app.offer(&advertiser, json!({"revenue_mode": "fixed"})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.postback(&click, "9.00").await.code(), "recorded");
        assert_eq!(standing(app, &click), (Status::Approved, 2_000_000));
        assert_eq!(app.conversions(&click)[0].value.revenue_reported_micros, Some(9_000_000));
        assert_eq!(app.postback(&click, "8.00").await.code(), "duplicate");
    }

    /// From each status to each status, as the table of moves says.
    async fn the_table_of_status_moves(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let words = ["pending", "approved", "rejected", "reversed"];
        let table = [
            ["duplicate", "updated", "updated", "updated"],
            ["duplicate", "duplicate", "updated", "updated"],
            ["duplicate", "updated", "duplicate", "updated"],
            ["duplicate", "updated", "duplicate", "duplicate"],
        ];
        for (from, row) in words.iter().zip(table) {
            for (to, expected) in words.iter().zip(row) {
                let click = app.click(&campaign).await;
                let first = app.say(&click, &format!("payout=5&status={from}&txid=a")).await;
                assert_eq!(first.code(), "recorded", "none to {from}");
                assert_eq!(standing(app, &click).0.as_str(), *from);
                let earned = app.number(&format!(
                    "select sum(revenue_micros) from conversions where status = 'approved' and id = {}",
                    app.conversions(&click)[0].id
                ));
                assert_eq!(earned, if *from == "approved" { 5_000_000 } else { 0 });
                // Not the very same request, which would be a retry.
                let second = app.say(&click, &format!("payout=5&status={to}&txid=a&p1=again")).await;
                assert_eq!(second.code(), expected, "{from} to {to}");
                let after = if expected == "updated" { to } else { from };
                assert_eq!(standing(app, &click).0.as_str(), *after, "{from} to {to}");
            }
        }
        // Of the sixteen: those that stand approved in the end.
        assert_eq!(app.figures(&campaign, ["leads", "approved", "revenue"]), ["16", "5", "25.00"]);
        for (word, count) in [("pending", "1"), ("rejected", "4"), ("reversed", "6")] {
            assert_eq!(app.figures(&campaign, [word]), [count], "{word}");
        }
    }

    async fn a_direct_advertiser_does_not_reopen_what_it_rejected(app: TestApp) {
        let advertiser = app.advertiser(json!({"kind": "direct"})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        app.say(&click, "payout=5&status=rejected").await;
        let answer = app.say(&click, "payout=5&status=approved").await;
        let verdict = answer.expect(200);
        assert_eq!((&verdict["result"], &verdict["code"]), (&json!("refused"), &json!("transition_refused")));
        assert_eq!(standing(app, &click).0, Status::Rejected);
    }

    async fn a_late_retry_moves_nothing_after_a_chargeback(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let sale = "payout=5&status=approved&txid=a";
        assert_eq!(app.say(&click, sale).await.code(), "recorded");
        assert_eq!(app.say(&click, "status=chargeback&txid=a").await.code(), "updated");
        assert_eq!(app.say(&click, sale).await.code(), "duplicate", "the very same request again");
        assert_eq!(app.say(&click, "payout=5&txid=a").await.code(), "duplicate", "a word without status");
        assert_eq!(standing(app, &click).0, Status::Reversed);
        assert_eq!(app.figures(&campaign, ["approved", "reversed", "revenue"]), ["0", "1", "0.00"]);
        // A chargeback that was won is another request.
        assert_eq!(app.say(&click, "payout=5&status=approved&txid=a&p1=won").await.code(), "updated");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["1", "5.00"]);
    }

    async fn refunds_take_until_nothing_is_left(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.say(&click, "payout=5&txid=a").await;
        assert_eq!(app.say(&click, "payout=-2&status=refund&txid=a").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 3_000_000));
        assert_eq!(app.figures(&campaign, ["revenue"]), ["3.00"]);
        let retry = app.say(&click, "payout=-2&status=refund&txid=a").await;
        assert_eq!(retry.code(), "duplicate", "one refund is taken once");
        assert_eq!(app.say(&click, "payout=-3&status=refund&txid=a").await.code(), "updated");
        assert_eq!(standing(app, &click).0, Status::Reversed);
        assert_eq!(app.figures(&campaign, ["approved", "reversed", "revenue"]), ["0", "1", "0.00"]);
    }

    async fn a_transaction_id_that_comes_later_joins(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.postback(&click, "5").await.code(), "recorded");
        assert_eq!(app.say(&click, "payout=5&txid=late").await.code(), "duplicate");
        assert_eq!(app.conversions(&click)[0].value.txid, "late");
        assert_eq!(app.say(&click, "payout=5&txid=other").await.code(), "recorded", "a second sale");
        assert_eq!(app.say(&click, "status=rejected").await.code(), "parked_ambiguous");
        assert_eq!(app.say(&click, "status=rejected&txid=other").await.code(), "updated");
        assert_eq!(app.figures(&campaign, ["approved", "rejected", "revenue"]), ["1", "1", "5.00"]);
        let lead = app.say(&click, "event=Lead&payout=1").await;
        assert_eq!(lead.code(), "recorded", "another event is another conversion");
        assert_eq!(app.figures(&campaign, ["conversions", "revenue"]), ["1", "6.00"], "but no sale");
    }

    async fn a_click_that_comes_after_its_postback_is_matched(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let known = app.click(&campaign).await;
        let record = app.like(&known, Duration::from_secs(60)).await;
        let click = Click { id: record.id.to_string(), ..known.clone() };
        let answer = app.postback(&click, "5").await.expect(200);
        assert_eq!((&answer["result"], &answer["code"]), (&json!("parked"), &json!("parked_unknown_click")));
        tokio::time::sleep(Duration::from_millis(700)).await;
        assert_eq!(stored_as(app, "parked_unknown_click"), 1, "it stays while there is no click");
        app.bring_click(&record);
        app.until("the parked postback is matched", || stored_as(app, "recorded") == 1).await;
        assert_eq!(standing(app, &click), (Status::Approved, 5_000_000));
        assert_eq!(app.number("select count(*) from postbacks_received"), 1);
        assert_eq!(app.postback(&click, "5").await.code(), "duplicate");
    }

    async fn a_postback_right_after_its_click_finds_it(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for _ in 0..30 {
            let click = app.click(&campaign).await;
            assert_eq!(app.postback(&click, "1").await.code(), "recorded");
        }
        assert_eq!(app.figures(&campaign, ["clicks", "approved", "revenue"]), ["30", "30", "30.00"]);
    }

    async fn ids_that_are_not_ours_are_parked(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let cut = &click.id[..20];
        for cid in ["abc123", cut, "4fa1b2c3-0000-4000-8000-1234567890ab", &format!("{}x", click.id)] {
            let answer = app.get(&format!("/postback/{}?cid={cid}&payout=1", campaign.key)).await;
            assert_eq!(answer.expect(200)["code"], "parked_foreign_click", "{cid}");
        }
        let shouted = Click { id: click.id.to_uppercase(), ..click.clone() };
        assert_eq!(app.postback(&shouted, "1").await.code(), "recorded", "ours in any case of letters");
    }

    async fn another_advertisers_click_is_not_his_to_count(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let other = app.advertiser(json!({"name": "Other"})).await;
        let click = app.click(&campaign).await;
        let foreign = Click { key: other["postback_key"].as_str().unwrap().to_owned(), ..click.clone() };
        assert_eq!(app.postback(&foreign, "1").await.code(), "parked_wrong_offer");
        assert!(app.conversions(&click).is_empty());
    }

    async fn advertisers_of_one_click_know_nothing_of_each_other(app: TestApp) {
        let (one, other) = (app.advertiser(json!({})).await, app.advertiser(json!({"name": "Other"})).await);
        let (first, second) = (app.offer(&one, json!({})).await, app.offer(&other, json!({})).await);
        let lander = app.post("/landers", json!({"name": "Quiz", "url": "https://l.example/?ref={click_id}"})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}],
            "offers": [{"offer_id": first["id"]}, {"offer_id": second["id"]}]}]);
        let campaign = app.campaign_to(&one, &first, json!({"paths": paths})).await;
        let click = app.click(&campaign).await;
        let his = Click { key: other["postback_key"].as_str().unwrap().to_owned(), ..click.clone() };
        assert_eq!(app.say(&click, "payout=1").await.code(), "recorded");
        assert_eq!(app.say(&his, "payout=2").await.code(), "recorded");
        // Both number their orders alike: one joins what it had, the other is not touched.
        assert_eq!(app.say(&his, "payout=2&txid=1001").await.code(), "duplicate");
        assert_eq!(app.say(&click, "payout=1&txid=1001").await.code(), "duplicate");
        assert_eq!(app.say(&click, "payout=1&txid=1002").await.code(), "recorded");
        assert_eq!(app.figures(&campaign, ["conversions", "revenue"]), ["3", "4.00"]);
    }

    async fn a_per_cent_of_an_order_moves_with_the_order(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let offer = app.offer(&advertiser, json!({"revenue": null, "revenue_percent": "10"})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "sale_amount=100&currency=EUR").await.code(), "parked_no_rate");
        assert_eq!(app.say(&click, "sale_amount=abc").await.code(), "malformed_revenue");
        assert_eq!(app.say(&click, "sale_amount=100").await.code(), "recorded");
        assert_eq!(standing(app, &click), (Status::Approved, 10_000_000));
        assert_eq!(app.say(&click, "sale_amount=250").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Approved, 25_000_000));
        assert_eq!(app.figures(&campaign, ["revenue", "sale_amount"]), ["25.00", "250.00"]);
        // A refund by its event's word is no second sale.
        assert_eq!(app.say(&click, "event=Refund").await.code(), "updated");
        assert_eq!(standing(app, &click), (Status::Reversed, 25_000_000));
    }

    async fn a_refusal_belongs_to_the_click_it_names(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        for (said, code) in [
            ("payout=abc&txid=a", "malformed_revenue"),
            ("status=maybe&txid=b", "unknown_status"),
            ("payout=1&currency=XYZ&txid=c", "unknown_currency"),
            ("payout={amount}&txid=d", "unresolved_macro"),
        ] {
            let answer = app.say(&click, said).await;
            assert_eq!((answer.code(), &answer.json()["click_id"]), (code.to_owned(), &json!(click.id)));
        }
        let story = app.api(Method::GET, &format!("/clicks/{}", click.id), None).await.expect(200);
        assert_eq!(story["postbacks"].as_array().unwrap().len(), 4, "{story}");
        let found = app.api(Method::GET, "/postbacks?txid=d", None).await.expect(200);
        assert_eq!((&found["total"], &found["items"][0]["click_id"]), (&json!(1), &json!(click.id)));
    }

    async fn a_new_conversion_of_an_old_click_waits_and_a_change_passes(app: TestApp) {
        let advertiser = app.advertiser(json!({"window_days": 1})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let young = app.click(&campaign).await;
        for (age, code) in [(DAY * 3, "parked_outside_window"), (DAY / 2, "recorded")] {
            let record = app.like(&young, age).await;
            app.bring_click(&record);
            let click = Click { id: record.id.to_string(), ..young.clone() };
            assert_eq!(app.postback(&click, "5").await.code(), code, "{age:?}");
        }
        // A sale within the window, refused by the advertiser long after it.
        app.postback(&young, "5").await;
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"window_days": 1})).await;
        let id = app.conversions(&young)[0].id;
        assert_eq!(app.say(&young, "status=rejected").await.expect(200)["conversion_id"], id);
    }
}
