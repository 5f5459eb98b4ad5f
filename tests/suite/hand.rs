//! Conversions changed by hand: any move, with who and why, one or many.

use crate::app::{Click, TestApp};
use crate::pages::Person;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// The conversion of a click, as the API shows it.
async fn only(app: &TestApp, click: &Click) -> Value {
    let found = app.api(Method::GET, &format!("/conversions?click_id={}", click.id), None).await.expect(200);
    assert_eq!(found["total"], 1, "{found}");
    found["items"][0].clone()
}

stories! {
    async fn a_person_changes_status_and_amount_and_says_why(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=5&status=rejected").await.code(), "recorded");
        let path = format!("/conversions/{}", only(app, &click).await["id"]);
        let change = |body: Value| app.api(Method::PATCH, &path, Some(body));

        let changed = change(json!({"status": "approved", "revenue": "7.25", "why": "their e-mail"})).await.expect(200);
        assert_eq!((&changed["status"], &changed["revenue"]), (&json!("approved"), &json!("7.25")));
        assert_eq!(changed["payout_status"], "approved");
        let last = &changed["changes"][1];
        assert_eq!((&last["by"], &last["why"]), (&json!("person"), &json!("their e-mail")));
        assert!(last["user_id"].is_i64() && last["postback_id"].is_null(), "{last}");
        assert_eq!((&last["from"]["status"], &last["to"]["revenue"]), (&json!("rejected"), &json!("7.25")));
        assert_eq!(app.figures(&campaign, ["approved", "rejected", "revenue"]), ["1", "0", "7.25"]);

        let again = change(json!({"status": "approved", "why": "twice"})).await.expect(200);
        assert_eq!(again["changes"].as_array().unwrap().len(), 2, "what changes nothing is no change");
        for (body, field) in [
            (json!({"status": "approved"}), "why"),
            (json!({"why": "so"}), "status"),
            (json!({"status": "sold", "why": "so"}), "status"),
            (json!({"revenue": "-1", "why": "so"}), "revenue"),
            (json!({"revenue": 1, "why": "so"}), "revenue"),
            (json!({"txid": "a", "status": "pending", "why": "so"}), "txid"),
        ] {
            let refused = change(body).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field, "{refused}");
        }
        let nobody = app.api(Method::PATCH, "/conversions/999", Some(json!({"status": "pending", "why": "so"}))).await;
        assert_eq!(nobody.status, 404);
        // What the network sends later is judged by how it stands now.
        assert_eq!(app.say(&click, "status=approved").await.code(), "duplicate");
        assert_eq!(app.say(&click, "status=refund").await.code(), "updated");
        assert_eq!(app.figures(&campaign, ["approved", "reversed", "revenue"]), ["0", "1", "0.00"]);
    }

    async fn many_are_changed_at_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let click = app.click(&campaign).await;
            app.say(&click, "payout=5&status=pending").await;
            ids.push(only(app, &click).await["id"].as_i64().unwrap());
        }
        let body = json!({"ids": [ids[0], ids[1], 999], "status": "rejected", "why": "fraud"});
        let told = app.api(Method::PATCH, "/conversions", Some(body)).await.expect(200);
        assert_eq!(told, json!({"changed": [ids[0], ids[1]], "unchanged": [], "repeated": [], "not_found": [999]}));
        let body = json!({"ids": ids, "status": "rejected", "why": "fraud"});
        let told = app.api(Method::PATCH, "/conversions", Some(body)).await.expect(200);
        assert_eq!((&told["changed"], &told["unchanged"]), (&json!([ids[2]]), &json!([ids[0], ids[1]])));
        assert_eq!(app.figures(&campaign, ["pending", "rejected"]), ["0", "3"]);
        for ids in [json!([]), json!("1"), json!([1.5]), json!((0..1_001).collect::<Vec<_>>()), Value::Null] {
            let body = json!({"ids": ids, "status": "rejected", "why": "fraud"});
            let refused = app.api(Method::PATCH, "/conversions", Some(body)).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], "ids");
        }

        let person = Person::enter(app).await;
        let log = person.send("/conversions?status=rejected", &format!("id={}&id={}&status=approved&why=settled", ids[0], ids[1])).await;
        assert_eq!((log.status, log.location()), (303, "/conversions?status=rejected&changed=2"));
        assert_eq!(app.figures(&campaign, ["approved", "rejected"]), ["2", "1"]);
        for (form, said) in [("status=approved&why=x", "none"), (&format!("id={}&status=approved", ids[0])[..], "why")] {
            let log = person.send("/conversions", form).await;
            assert_eq!(log.location(), format!("/conversions?changed={said}"));
        }
        let page = format!("/conversions/{}", ids[2]);
        let refused = person.send(&page, "status=approved&revenue=x&why=").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Write why") && refused.text.contains("value=\"x\""), "{}", refused.text);
        assert_eq!(person.send(&page, "status=approved&revenue=6.00&why=settled").await.location(), format!("{page}?changed=1"));
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["3", "16.00"]);
    }

    async fn a_person_takes_over_what_a_page_reported(app: TestApp) {
        let advertiser = app.advertiser(json!({"pixel": true})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let (reported, repeated) = (app.click(&campaign).await, app.click(&campaign).await);
        for click in [&reported, &repeated] {
            app.stored(click).await;
            assert_eq!(app.get(&format!("/pixel.gif?cid={}&txid=o1", click.id)).await.status, 200);
        }
        let mine = only(app, &reported).await;
        assert_eq!(mine["unconfirmed"], true);
        let body = json!({"status": "approved", "revenue": "4.00", "why": "the order is paid"});
        let taken = app.api(Method::PATCH, &format!("/conversions/{}", mine["id"]), Some(body.clone())).await.expect(200);
        assert_eq!((&taken["unconfirmed"], &taken["revenue"]), (&json!(false), &json!("4.00")));
        assert_eq!(app.say(&reported, "payout=4&txid=o1").await.code(), "duplicate", "a postback finds it");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["1", "4.00"]);
    }

    async fn changes_at_once_are_all_in_the_history(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.postback(&click, "5").await;
        let path = format!("/conversions/{}", only(app, &click).await["id"]);
        let asked = (1..=16).map(|cents| {
            let body = json!({"revenue": format!("1.{cents:02}"), "why": "race"});
            app.api(Method::PATCH, &path, Some(body))
        });
        for answer in join_all(asked).await {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let changes = only(app, &click).await["changes"].as_array().unwrap().clone();
        assert_eq!(changes.len(), 17);
        for pair in changes.windows(2) {
            assert_eq!(pair[0]["to"]["revenue"], pair[1]["from"]["revenue"], "each began where the one before ended");
        }
    }
}
