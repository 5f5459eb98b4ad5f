//! What conversions are worth: events with money of their own, postbacks that repeat themselves, what the log says of both.

use crate::app::{Campaign, Click, TestApp};
use crate::postbacks::standing;
use clickledger::domain::status::Status;
use serde_json::{Value, json};

/// A campaign whose offer and advertiser have settings of their own.
pub async fn campaign_with(app: &TestApp, advertiser: Value, offer: Value) -> Campaign {
    let advertiser = app.advertiser(advertiser).await;
    let offer = app.offer(&advertiser, offer).await;
    app.campaign_to(&advertiser, &offer, json!({})).await
}

/// A postback's code and its message.
async fn said(app: &TestApp, click: &Click, parameters: &str) -> (String, String) {
    let answer = app.say(click, parameters).await;
    (answer.code(), answer.json()["message"].as_str().unwrap_or_default().to_owned())
}

stories! {
    async fn an_event_earns_and_counts_as_the_offer_lists_it(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({"events": [
            {"event": "deposit", "revenue": "20.00", "revenue_mode": "fixed"},
            {"event": "install", "revenue": "0.50", "counts_as_conversion": false},
            {"event": "bet", "counts_in_revenue": false},
        ]})).await;
        let click = app.click(&campaign).await;
        assert_eq!(said(app, &click, "event=Deposit&payout=7").await.0, "recorded");
        assert_eq!(app.conversions(&click)[0].value.revenue_micros, 20_000_000);
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["1", "20.00"]);
        let other = app.click(&campaign).await;
        assert_eq!(said(app, &other, "event=deposit").await.0, "recorded");
        assert_eq!(said(app, &click, "event=install").await.0, "recorded");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["2", "40.50"], "an install is no conversion");
        assert_eq!(said(app, &click, "event=bet&payout=100").await.0, "recorded");
        assert_eq!(app.figures(&campaign, ["leads", "conversions", "revenue"]), ["3", "3", "40.50"], "a stake is no revenue");
        assert_eq!(said(app, &click, "").await.0, "recorded");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["4", "42.50"], "the sale goes by the offer");
        // What moves later goes by the same terms.
        assert_eq!(said(app, &click, "event=install&payout=0.75").await.0, "updated");
        assert_eq!(said(app, &click, "event=bet&payout=50&status=rejected").await.0, "updated");
        assert_eq!(app.figures(&campaign, ["leads", "rejected", "revenue"]), ["4", "1", "42.75"]);
    }

    async fn an_event_nobody_configured_is_seen_and_no_conversion(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let click = app.click(&campaign).await;
        let (code, message) = said(app, &click, "event=lead").await;
        assert_eq!(code, "recorded");
        assert!(message.contains("`lead` was seen, not configured"), "{message}");
        let (_, message) = said(app, &click, "event=quiz&payout=0.30").await;
        assert!(message.contains("seen, not configured"), "{message}");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["0", "0.30"]);
        let fixed = campaign_with(app, json!({}), json!({"revenue_mode": "fixed"})).await;
        let click = app.click(&fixed).await;
        assert_eq!(said(app, &click, "event=lead&payout=5").await.0, "recorded");
        assert_eq!(standing(app, &click), (Status::Approved, 0), "a fixed offer earns nothing it does not name");
        assert_eq!(app.conversions(&click)[0].value.revenue_reported_micros, Some(5_000_000));
    }

    async fn in_mode_ignore_the_first_counts(app: TestApp) {
        let campaign = campaign_with(app, json!({"duplicate_mode": "ignore"}), json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(said(app, &click, "payout=5&status=pending").await.0, "recorded");
        for again in ["payout=6", "payout=5&status=approved", "status=rejected", "payout=-1&status=refund", "payout=7&txid=late"] {
            assert_eq!(said(app, &click, again).await.0, "duplicate", "{again}");
        }
        assert_eq!(standing(app, &click), (Status::Pending, 5_000_000));
        assert_eq!(app.conversions(&click)[0].value.txid, "late");
        assert_eq!(said(app, &click, "payout=7&txid=other").await.0, "recorded", "another transaction is another sale");
    }

    async fn in_mode_new_each_counts_and_retries_do_not(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({"events": [{"event": "rebill", "revenue": "9.00"}]})).await;
        let click = app.click(&campaign).await;
        let codes = [
            ("event=rebill&payout=5", "recorded"), ("event=rebill&payout=5", "duplicate"),
            ("event=rebill&payout=6", "recorded"), ("event=rebill&payout=5&txid=a", "recorded"),
            ("event=rebill&payout=5&txid=a", "duplicate"), ("event=rebill&payout=8&txid=a&status=1", "duplicate"),
            ("event=rebill&txid=b&status=pending", "recorded"), ("event=rebill&txid=b&status=approved", "updated"),
            ("event=rebill&status=refund", "parked_ambiguous"), ("event=rebill&payout=-2&status=refund&txid=a", "updated"),
            ("event=rebill&payout=-2&status=refund&txid=a", "duplicate"), ("event=rebill&status=chargeback&txid=b", "updated"),
            ("event=rebill&txid=b&status=approved", "duplicate"), ("payout=1", "recorded"), ("payout=2", "updated"),
        ];
        for (parameters, code) in codes {
            assert_eq!(said(app, &click, parameters).await.0, code, "{parameters}");
        }
        let seqs: Vec<(String, i64)> = app.conversions(&click).iter().map(|one| (one.value.txid.clone(), one.value.seq)).collect();
        let expected = [("", 0), ("", 1), ("a", 0), ("b", 0), ("", 0)].map(|(txid, seq)| (txid.to_owned(), seq));
        assert_eq!(seqs, expected);
        // 5 + 6 + 3 of the rebills, 2 of the sale.
        assert_eq!(app.figures(&campaign, ["leads", "reversed", "revenue"]), ["5", "1", "16.00"]);
        let (_, message) = said(app, &click, "event=rebill&payout=5").await;
        assert!(message.contains("within 24 hours") && message.contains("txid"), "{message}");
    }

    async fn in_mode_add_amounts_are_added_to_one(app: TestApp) {
        let campaign = campaign_with(app, json!({"duplicate_mode": "add"}), json!({})).await;
        let click = app.click(&campaign).await;
        let codes = [
            ("payout=5&txid=a&sale_amount=50&status=pending", "recorded"), ("payout=5&txid=a&status=pending", "duplicate"),
            ("status=approved&txid=a", "updated"), ("payout=3&txid=b&sale_amount=30", "updated"),
            ("payout=3&txid=b", "duplicate"), ("payout=1", "updated"), ("payout=1", "duplicate"),
            ("txid=b&status=refund", "parked_ambiguous"), ("txid=b&payout=-3&status=refund", "updated"),
            ("txid=c&payout=1000000000", "malformed_revenue"), ("txid=c", "updated"),
        ];
        for (parameters, code) in codes {
            assert_eq!(said(app, &click, parameters).await.0, code, "{parameters}");
        }
        assert_eq!(standing(app, &click), (Status::Approved, 8_000_000), "5 + 3 + 1 - 3, and the offer's own 2");
        assert_eq!(app.figures(&campaign, ["leads", "revenue", "sale_amount"]), ["1", "8.00", "80.00"]);
        assert_eq!(app.number("select count(*) from conversion_changes where source_txid is not null"), 2);
        assert_eq!(said(app, &click, "status=chargeback&txid=a").await.0, "updated");
        assert_eq!(app.figures(&campaign, ["reversed", "revenue"]), ["1", "0.00"]);
        assert_eq!(said(app, &click, "payout=4&txid=d").await.0, "recorded", "nothing is added to what was taken back");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["1", "4.00"]);
    }

    async fn a_listed_sale_says_what_a_sale_is(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({"events": [
            {"event": "sale", "revenue": "3.00", "revenue_mode": "fixed", "counts_as_conversion": false},
        ]})).await;
        let click = app.click(&campaign).await;
        assert_eq!(said(app, &click, "payout=9").await.0, "recorded");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["0", "3.00"]);
    }
}
