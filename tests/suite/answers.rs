//! How postbacks are answered: many at once, strictly, in the sender's own words; and every move of a status by its row.

use crate::app::{Click, TestApp};
use crate::ledger::campaign_with;
use crate::postbacks::{standing, stored_as};
use clickledger::domain::status::Status;
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// What one postback says of a conversion that stands somewhere, and where it stands after.
type Row = (&'static str, &'static str, &'static str, &'static str, i64);

/// STORAGE, "Status moves": from, what the postback says, the verdict, the status and the amount after. A conversion
/// begins with 5.00.
const MOVES: [Row; 46] = [
    ("none", "payout=5&status=pending", "recorded", "pending", 5),
    ("none", "payout=5&status=approved", "recorded", "approved", 5),
    ("none", "payout=5", "recorded", "approved", 5),
    ("none", "payout=5&status=rejected", "recorded", "rejected", 5),
    ("none", "payout=5&status=reversed", "recorded", "reversed", 5),
    ("none", "payout=-5&status=refund", "recorded", "reversed", 0),
    ("none", "payout=-5", "malformed_revenue", "none", 0),
    ("pending", "payout=5&status=pending", "duplicate", "pending", 5),
    ("pending", "status=pending", "duplicate", "pending", 5),
    ("pending", "", "duplicate", "pending", 5),
    ("pending", "payout=6&status=pending", "updated", "pending", 6),
    ("pending", "payout=6", "updated", "pending", 6),
    ("pending", "status=approved", "updated", "approved", 5),
    ("pending", "payout=4&status=approved", "updated", "approved", 4),
    ("pending", "status=rejected", "updated", "rejected", 5),
    ("pending", "status=reversed", "updated", "reversed", 5),
    ("pending", "payout=-2&status=refund", "updated", "pending", 3),
    ("pending", "payout=-5&status=refund", "updated", "reversed", 5),
    ("approved", "status=pending", "duplicate", "approved", 5),
    ("approved", "payout=6&status=pending", "duplicate", "approved", 5),
    ("approved", "payout=5&status=approved", "duplicate", "approved", 5),
    ("approved", "payout=3", "updated", "approved", 3),
    ("approved", "payout=6&status=approved", "updated", "approved", 6),
    ("approved", "status=rejected", "updated", "rejected", 5),
    ("approved", "payout=5&status=reversed", "updated", "reversed", 5),
    ("approved", "payout=2&status=chargeback", "updated", "reversed", 5),
    ("approved", "payout=-2&status=refund", "updated", "approved", 3),
    ("approved", "payout=-9&status=refund", "updated", "reversed", 5),
    ("approved", "payout=-2", "malformed_revenue", "approved", 5),
    ("rejected", "status=pending", "duplicate", "rejected", 5),
    ("rejected", "payout=6&status=pending", "duplicate", "rejected", 5),
    ("rejected", "payout=6", "duplicate", "rejected", 5),
    ("rejected", "status=approved", "updated", "approved", 5),
    ("rejected", "payout=6&status=approved", "updated", "approved", 6),
    ("rejected", "status=rejected", "duplicate", "rejected", 5),
    ("rejected", "status=reversed", "updated", "reversed", 5),
    ("rejected", "payout=-2&status=refund", "duplicate", "rejected", 5),
    ("reversed", "status=pending", "duplicate", "reversed", 5),
    ("reversed", "payout=6", "duplicate", "reversed", 5),
    ("reversed", "status=approved", "updated", "approved", 5),
    ("reversed", "payout=6&status=approved", "updated", "approved", 6),
    ("reversed", "status=rejected", "duplicate", "reversed", 5),
    ("reversed", "status=reversed", "duplicate", "reversed", 5),
    ("reversed", "payout=-2&status=refund", "duplicate", "reversed", 5),
    ("direct rejected", "payout=5&status=approved", "transition_refused", "rejected", 5),
    ("direct reversed", "payout=5&status=approved", "updated", "approved", 5),
];

/// Where a click's conversion stands, in words and units.
fn stands(app: &TestApp, click: &Click) -> (String, i64) {
    match app.conversions(click).as_slice() {
        [] => ("none".to_owned(), 0),
        [one] => (one.value.status.to_string(), one.value.revenue_micros / 1_000_000),
        more => panic!("{more:?}"),
    }
}

stories! {
    async fn every_row_of_the_table_of_moves(app: TestApp) {
        let network = campaign_with(app, json!({}), json!({})).await;
        let direct = campaign_with(app, json!({"kind": "direct"}), json!({})).await;
        for (from, said, code, status, units) in MOVES {
            let (campaign, from) = from.strip_prefix("direct ").map_or((&network, from), |from| (&direct, from));
            let click = app.click(campaign).await;
            if from != "none" {
                assert_eq!(app.say(&click, &format!("payout=5&txid=a&status={from}")).await.code(), "recorded");
            }
            // Not the very same request as before, which would be a retry.
            let answer = app.say(&click, &format!("{said}&txid=a&p1=then")).await;
            assert_eq!(answer.code(), code, "{from}, {said}: {}", answer.text);
            assert_eq!(stands(app, &click), (status.to_owned(), units), "{from}, {said}");
            let told = answer.text.contains("turned round");
            let is_alerted = matches!((from, status), ("rejected" | "reversed", "approved"));
            assert_eq!(told, is_alerted, "{from}, {said}: {}", answer.text);
            let again = app.say(&click, &format!("{said}&txid=a&p1=then")).await;
            assert_ne!(again.json()["result"], "accepted", "{from}, {said}: a retry moves nothing");
            assert_eq!(stands(app, &click), (status.to_owned(), units), "{from}, {said}, again");
        }
    }

    async fn a_missing_amount_is_noted_where_the_mode_wants_one(app: TestApp) {
        for (offer, is_noted) in [
            (json!({"revenue_mode": "postback"}), true), (json!({"revenue": null}), true),
            (json!({}), false), (json!({"revenue_mode": "fixed"}), false),
        ] {
            let campaign = campaign_with(app, json!({}), offer).await;
            let answer = app.say(&app.click(&campaign).await, "").await;
            assert_eq!(answer.code(), "recorded");
            assert_eq!(answer.text.contains("missing_revenue"), is_noted, "{}", answer.text);
        }
    }

    async fn words_of_a_status_come_in_the_address(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let lists = "from=adcombo.com&lead_status=hold&sale_status=lead,buyout&rejected_status=reject,trash";
        for (word, status) in [("hold", Status::Pending), ("Lead", Status::Approved), ("buyout", Status::Approved), ("reject", Status::Rejected)] {
            let click = app.click(&campaign).await;
            assert_eq!(app.say(&click, &format!("payout=5&{lists}&status={word}")).await.code(), "recorded");
            assert_eq!(standing(app, &click).0, status, "{word}");
        }
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, &format!("payout=5&{lists}&status=buy")).await.code(), "unknown_status");
    }

    async fn an_array_gets_a_verdict_for_each_in_order(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({})).await;
        let (one, other) = (app.click(&campaign).await, app.click(&campaign).await);
        let body = format!(
            r#"[{{"cid":"{0}","payout":5.50,"status":"pending"}}, {{"cid":"{0}","status":"approved"}}, 17, {{"cid":"{1}","payout":"x"}},
               {{"cid":"{1}","payout":2, "note":"}},{{"}}, [1], {{"cid":"{0}","status":"approved"}}]"#, one.id, other.id);
        let answer = app.post_body(&campaign.key, JSON, body).await;
        let verdicts = answer.expect(200);
        let codes: Vec<&str> = verdicts.as_array().unwrap().iter().map(|verdict| verdict["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["recorded", "updated", "unreadable", "malformed_revenue", "recorded", "unreadable", "duplicate"]);
        assert_eq!(standing(app, &one), (Status::Approved, 5_500_000));
        assert_eq!(app.number("select count(*) from postbacks_received"), 7, "each is kept by itself");
        let kept = app.api(reqwest::Method::GET, "/postbacks?code=malformed_revenue", None).await.expect(200);
        let own = format!(r#"{{"cid":"{}","payout":"x"}}"#, other.id);
        assert_eq!(kept["items"][0]["raw_body"], own, "as it was sent, without its neighbours");
        let thousand: Vec<Value> = (0..1_000).map(|n| json!({"cid": one.id, "txid": format!("t{n}"), "payout": 1})).collect();
        let answer = app.post_body(&campaign.key, JSON, Value::from(thousand.clone()).to_string()).await;
        let verdicts = answer.expect(200);
        assert_eq!(verdicts.as_array().unwrap().len(), 1_000);
        // The first joins the conversion that had no transaction yet, as a correction of its amount.
        assert_eq!(verdicts[0]["code"], "updated");
        assert!(verdicts.as_array().unwrap()[1..].iter().all(|verdict| verdict["code"] == "recorded"));
        assert_eq!(app.figures(&campaign, ["leads", "revenue"]), ["1001", "1002.00"]);
        let mut more = thousand;
        more.push(json!({"cid": one.id}));
        assert_eq!(app.post_body(&campaign.key, JSON, Value::from(more).to_string()).await.expect(400)["code"], "unreadable");
        assert_eq!(app.post_body(&campaign.key, JSON, "[17]").await.expect(400)[0]["code"], "unreadable");
        assert_eq!(app.post_body("nobodyhasthiskey", JSON, "[{}]").await.expect(403)[0]["code"], "bad_key");
    }

    async fn strict_answers_tell_refusals_by_their_status(app: TestApp) {
        let campaign = campaign_with(app, json!({"answers": "strict", "kind": "direct", "missing_status": "refused"}), json!({})).await;
        let click = app.click(&campaign).await;
        for (said, status, code) in [
            ("payout={payout}", 422, "unresolved_macro"), ("payout=x&status=1", 422, "malformed_revenue"),
            ("status=perhaps", 422, "unknown_status"), ("payout=1", 422, "missing_status"),
            ("currency=XXXX&status=1", 422, "unknown_currency"), ("payout=1&currency=EUR&status=1", 200, "parked_no_rate"),
            ("payout=1&status=rejected", 200, "recorded"), ("payout=1&status=approved", 409, "transition_refused"),
            ("payout=1&status=rejected", 200, "duplicate"),
        ] {
            assert_eq!(app.say(&click, said).await.expect(status)["code"], code, "{said}");
        }
        assert_eq!(app.get(&format!("/postback/{}?payout=1", campaign.key)).await.expect(422)["code"], "missing_click_id");
        let array = format!(r#"[{{"cid":"{0}"}},{{"cid":"{0}","status":"rejected"}}]"#, click.id);
        assert_eq!(app.post_body(&campaign.key, JSON, array).await.expect(200)[0]["code"], "missing_status", "one of them was taken");
    }

    async fn an_advertiser_is_answered_in_its_own_words(app: TestApp) {
        let campaign = campaign_with(app, json!({"reply_body": "OK <1>", "answers": "strict"}), json!({})).await;
        let click = app.click(&campaign).await;
        for (said, status) in [("payout=1", 200), ("payout=1", 200), ("payout=x", 422)] {
            let answer = app.say(&click, said).await;
            assert_eq!((answer.status, answer.text.as_str()), (status, "OK <1>"), "{said}");
            assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
        let array = format!(r#"[{{"cid":"{}"}}]"#, click.id);
        assert_eq!(app.post_body(&campaign.key, JSON, array).await.text, "OK <1>");
        assert_eq!((stored_as(app, "recorded"), stored_as(app, "malformed_revenue")), (1, 1));
        let stranger = app.get(&format!("/postback/nobodyhasthiskey?cid={}", click.id)).await;
        assert_eq!(stranger.expect(403)["code"], "bad_key");
    }
}
