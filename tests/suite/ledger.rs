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

    async fn a_listed_sale_says_what_a_sale_is(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({"events": [
            {"event": "sale", "revenue": "3.00", "revenue_mode": "fixed", "counts_as_conversion": false},
        ]})).await;
        let click = app.click(&campaign).await;
        assert_eq!(said(app, &click, "payout=9").await.0, "recorded");
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["0", "3.00"]);
    }
}
