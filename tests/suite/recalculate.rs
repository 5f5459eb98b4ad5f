//! Revenue counted anew after a wrong rate: looked at, run, and taken back.

use crate::app::{Campaign, Click, TestApp, assert_sums_are_raw, send};
use crate::ledger::campaign_with;
use crate::pages::Person;
use crate::postbacks::standing;
use clickledger::domain::rate::day_of;
use clickledger::domain::status::Status;
use clickledger::http::now_ms;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

/// Today and yesterday: a story may begin before midnight.
fn days() -> (String, String) {
    let today = day_of(now_ms());
    ((today - chrono::Days::new(1)).to_string(), today.to_string())
}

/// What is asked: some days of an offer, and what the story adds.
fn order(campaign: &Campaign, fields: &Value) -> Value {
    let (from, to) = days();
    let mut body = json!({"offer_id": campaign.offer, "from": from, "to": to, "time_zone": "UTC", "why": "a wrong rate"});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn recalculate(app: &TestApp, status: u16, body: Value) -> Value {
    app.api(Method::POST, "/recalculations", Some(body)).await.expect(status)
}

async fn rate(app: &TestApp, rate: &str) {
    for day in [days().0, days().1] {
        let body = json!({"currency": "EUR", "day": day, "rate": rate});
        app.api(Method::PUT, "/fx-rates", Some(body)).await.expect(200);
    }
}

async fn offer(app: &TestApp, campaign: &Campaign, fields: Value) {
    app.patch(&format!("/offers/{}", campaign.offer), fields).await;
}

async fn changes(app: &TestApp, click: &Click) -> Vec<Value> {
    let id = app.conversions(click)[0].id;
    let shown = app.api(Method::GET, &format!("/conversions/{id}"), None).await.expect(200);
    shown["changes"].as_array().unwrap().clone()
}

stories! {
    async fn the_offers_rate_was_wrong(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (own, sent, refused, by_hand, halved, later) = (app.click(&campaign).await, app.click(&campaign).await,
            app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await);
        app.say(&own, "").await;
        app.say(&sent, "payout=3").await;
        app.say(&refused, "status=rejected").await;
        app.say(&by_hand, "").await;
        app.say(&halved, "").await;
        app.say(&halved, "payout=-1&status=refund").await;
        app.say(&later, "status=pending").await;
        let path = format!("/conversions/{}", app.conversions(&by_hand)[0].id);
        app.patch(&path, json!({"revenue": "9", "why": "agreed"})).await;
        let figures = ["approved", "pending", "revenue", "pending_revenue"];
        assert_eq!(app.figures(&campaign, figures), ["4", "1", "15.00", "2.00"]);
        offer(app, &campaign, json!({"revenue": "2.50"})).await;

        let looked = recalculate(app, 200, order(&campaign, &json!({"terms": true, "dry_run": true}))).await;
        assert_eq!((&looked["conversions"], &looked["changed"], &looked["id"]), (&json!(6), &json!(3), &Value::Null));
        assert_eq!(looked["left"], json!({"by_hand": 1, "refunded": 1}));
        assert_eq!(looked["money"][0], json!({"status": "approved", "count": 1, "before": "2.00", "currency_before": "USD",
            "after": "2.50", "currency_after": "USD", "account_before": "2.00", "account_after": "2.50"}));
        assert_eq!(looked["money"].as_array().unwrap().len(), 3, "approved, pending, rejected");
        assert_eq!(app.figures(&campaign, figures), ["4", "1", "15.00", "2.00"], "a look keeps nothing");
        assert_eq!(app.number("select count(*) from recalculations"), 0);

        let run = recalculate(app, 201, order(&campaign, &json!({"terms": true}))).await;
        assert_eq!((&run["changed"], &run["left"], &run["money"]), (&looked["changed"], &looked["left"], &looked["money"]));
        assert_eq!(app.figures(&campaign, figures), ["4", "1", "15.50", "2.50"]);
        assert_eq!((standing(app, &own), standing(app, &refused)), ((Status::Approved, 2_500_000), (Status::Rejected, 2_500_000)));
        assert_eq!((standing(app, &sent).1, standing(app, &by_hand).1, standing(app, &halved).1), (3_000_000, 9_000_000, 1_000_000));
        let last = changes(app, &own).await[1].clone();
        assert_eq!((&last["by"], &last["from"]["revenue"], &last["to"]["revenue"]), (&json!("recalculation"), &json!("2.00"), &json!("2.50")));
        assert!(last["why"].as_str().unwrap().ends_with(": a wrong rate") && last["user_id"].is_i64(), "{last}");
        assert_sums_are_raw(&app.db);

        let again = recalculate(app, 200, order(&campaign, &json!({"terms": true}))).await;
        assert_eq!((&again["changed"], &again["id"]), (&json!(0), &Value::Null), "what changes nothing is none");

        let shown = app.api(Method::GET, "/recalculations", None).await.expect(200);
        let one = &shown["items"][0];
        assert_eq!((&shown["total"], &one["changed"], &one["terms"], &one["rates"]), (&json!(1), &json!(3), &json!(true), &json!(false)));
        assert!(one["finished_at"].is_string() && one["taken_back_at"].is_null(), "{one}");

        // What was changed since is left, a status that moved is not money.
        app.say(&own, "payout=4").await;
        app.say(&later, "status=approved").await;
        let path = format!("/recalculations/{}", one["id"]);
        let back = app.api(Method::DELETE, &path, None).await.expect(200);
        assert_eq!(back, json!({"restored": 2, "left": [app.conversions(&own)[0].id]}));
        assert_eq!(app.figures(&campaign, figures), ["5", "0", "19.00", "0.00"]);
        assert_eq!((standing(app, &own).1, standing(app, &refused).1, standing(app, &later).1), (4_000_000, 2_000_000, 2_000_000));
        assert_sums_are_raw(&app.db);
        let twice = app.api(Method::DELETE, &path, None).await.expect(200);
        assert_eq!(twice, json!({"restored": 0, "left": back["left"]}), "once more changes nothing");
        let shown = app.api(Method::GET, &path, None).await.expect(200);
        assert_eq!((&shown["restored"], &shown["left"]), (&json!(2), &json!(1)));
        assert!(shown["taken_back_at"].is_string());
    }

    async fn the_exchange_rate_was_wrong(app: TestApp) {
        rate(app, "2").await;
        let campaign = campaign_with(app, json!({"currency": "EUR"}), json!({"currency": "EUR"})).await;
        let (sent, own, dollars) = (app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await);
        app.say(&sent, "payout=5").await;
        app.say(&own, "").await;
        app.say(&dollars, "payout=5&currency=USD").await;
        assert_eq!(app.figures(&campaign, ["revenue"]), ["19.00"]);
        rate(app, "1.1").await;
        let body = |fields: Value| order(&campaign, &fields);
        assert_eq!(recalculate(app, 200, body(json!({"terms": true}))).await["changed"], 0, "terms leave the rate alone");
        let run = recalculate(app, 201, body(json!({"rates": true}))).await;
        assert_eq!((&run["changed"], &run["money"][0]["before"], &run["money"][0]["after"]), (&json!(2), &json!("7.00"), &json!("7.00")));
        assert_eq!((&run["money"][0]["account_before"], &run["money"][0]["account_after"]), (&json!("14.00"), &json!("7.70")));
        assert_eq!(app.figures(&campaign, ["revenue"]), ["12.70"]);
        assert_eq!(app.conversions(&sent)[0].value.rate_nanos, 1_100_000_000);
        // The offer is in dollars now, and what it paid itself with it.
        offer(app, &campaign, json!({"currency": "USD", "revenue": "3"})).await;
        let both = recalculate(app, 201, body(json!({"terms": true, "rates": true}))).await;
        assert_eq!((&both["money"][0]["currency_before"], &both["money"][0]["currency_after"]), (&json!("EUR"), &json!("USD")));
        assert_eq!(app.figures(&campaign, ["revenue"]), ["13.50"]);
        // Taken back in the other order, the first finds what it made again.
        for id in [both["id"].clone(), run["id"].clone()] {
            app.api(Method::DELETE, &format!("/recalculations/{id}"), None).await.expect(200);
        }
        assert_eq!(app.figures(&campaign, ["revenue"]), ["19.00"]);
        assert_eq!((app.conversions(&own)[0].value.currency.as_str(), app.conversions(&own)[0].value.rate_nanos), ("EUR", 2_000_000_000));
        crate::trust::behind(app, "delete from fx_rates");
        let left = recalculate(app, 200, body(json!({"rates": true}))).await;
        assert_eq!(left["left"], json!({"no_rate": 2}));
    }

    async fn other_terms_count_what_was_said_then(app: TestApp) {
        rate(app, "0.3").await;
        let percent = campaign_with(app, json!({}), json!({"revenue": null, "revenue_percent": "10"})).await;
        let (order_value, said) = (app.click(&percent).await, app.click(&percent).await);
        assert_eq!(app.say(&order_value, "sale_amount=33.33&currency=EUR").await.code(), "recorded");
        app.say(&said, "payout=5&sale_amount=100").await;
        let whole = recalculate(app, 200, order(&percent, &json!({"terms": true, "rates": true}))).await;
        assert_eq!(whole["changed"], 0, "what was rounded once is no change: {whole}");
        offer(app, &percent, json!({"revenue_percent": "20"})).await;
        let run = recalculate(app, 201, order(&percent, &json!({"terms": true}))).await;
        assert_eq!(run["changed"], 1);
        assert_eq!((standing(app, &order_value).1, standing(app, &said).1), (1_999_800, 5_000_000));

        let fixed = campaign_with(app, json!({}), json!({"revenue_mode": "fixed"})).await;
        let (more, foreign) = (app.click(&fixed).await, app.click(&fixed).await);
        app.say(&more, "payout=7").await;
        app.say(&foreign, "payout=10&currency=EUR").await;
        offer(app, &fixed, json!({"revenue_mode": "auto"})).await;
        recalculate(app, 201, order(&fixed, &json!({"terms": true}))).await;
        assert_eq!((standing(app, &more).1, standing(app, &foreign).1), (7_000_000, 3_000_000), "as it was sent, in its currency");
        let value = app.conversions(&foreign)[0].value.clone();
        assert_eq!((value.currency.as_str(), value.revenue_original_micros), ("EUR", 10_000_000));
    }

    async fn rows_of_a_file_are_counted_anew_as_postbacks_are(app: TestApp) {
        rate(app, "2").await;
        // Their map speaks of postbacks, not of files.
        let campaign = campaign_with(app, json!({"param_map": {"payout": "sale_amount"}}), json!({"revenue_mode": "fixed"})).await;
        let all = [app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await];
        for click in &all {
            app.stored(click).await;
        }
        let file = format!("click_id,payout,currency,status\n{},7,,\n{},10,EUR,\n{},,,\n{},3,,pending\n{},4,,approved\n",
            all[0].id, all[1].id, all[2].id, all[3].id, all[3].id);
        let path = format!("/api/v1/conversions/import?advertiser_id={}", campaign.advertiser);
        let request = app.request(Method::POST, &path).bearer_auth(&app.write_token).header("content-type", "text/csv");
        assert_eq!(send(request.body(file)).await.expect(200)["accepted"], 5);
        let stand = || [0, 1, 2, 3].map(|at: usize| standing(app, &all[at]).1);
        assert_eq!(stand(), [2_000_000; 4], "the offer's own amount counts");
        let reported = app.conversions(&all[1])[0].value.revenue_reported_micros;
        assert_eq!((reported, app.conversions(&all[2])[0].value.revenue_reported_micros), (Some(10_000_000), None), "the file's is kept");
        offer(app, &campaign, json!({"revenue_mode": "auto", "revenue": "2.50"})).await;
        let run = recalculate(app, 201, order(&campaign, &json!({"terms": true}))).await;
        assert_eq!((&run["changed"], &run["left"]), (&json!(4), &json!({})), "{run}");
        assert_eq!(stand(), [7_000_000, 20_000_000, 2_500_000, 4_000_000], "as the file says, in its currency");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["4", "33.50"]);
        rate(app, "3").await;
        let rates = recalculate(app, 201, order(&campaign, &json!({"rates": true}))).await;
        assert_eq!((&rates["changed"], stand()[1]), (&json!(1), 30_000_000));
        for id in [&rates["id"], &run["id"]] {
            app.api(Method::DELETE, &format!("/recalculations/{id}"), None).await.expect(200);
        }
        assert_eq!(stand(), [2_000_000; 4]);
        assert_sums_are_raw(&app.db);
    }

    async fn caps_of_money_follow(app: TestApp) {
        let campaign = campaign_with(app, json!({}), json!({"caps": [{"amount": "5.00", "of": "revenue", "per": "total"}]})).await;
        let (first, second) = (app.click(&campaign).await, app.click(&campaign).await);
        app.say(&first, "").await;
        app.say(&second, "").await;
        assert_eq!(app.number("select max(value) from cap_uses"), 4_000_000);
        offer(app, &campaign, json!({"revenue": "1.00"})).await;
        let run = recalculate(app, 201, order(&campaign, &json!({"terms": true}))).await;
        assert_eq!(app.number("select max(value) from cap_uses"), 2_000_000);
        app.api(Method::DELETE, &format!("/recalculations/{}", run["id"]), None).await.expect(200);
        assert_eq!(app.number("select max(value) from cap_uses"), 4_000_000);
        assert_eq!(app.number("select sum(cap_revenue_micros) from conversions"), 4_000_000);
    }

    async fn many_are_counted_in_groups_and_taken_back_whole(app: TestApp) {
        let campaign = campaign_with(app, json!({"duplicate_mode": "new"}), json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        for hundred in 0..3 {
            let all: Vec<Value> = (0..100).map(|n| json!({"cid": click.id, "txid": format!("t{hundred}-{n}")})).collect();
            app.post_body(&click.key, "application/json", Value::from(all).to_string()).await;
        }
        offer(app, &campaign, json!({"revenue": "0.10"})).await;
        let asked = order(&campaign, &json!({"terms": true}));
        let runs = join_all((0..3).map(|_| app.api(Method::POST, "/recalculations", Some(asked.clone())))).await;
        let changed: u64 = runs.iter().map(|run| run.json()["changed"].as_u64().unwrap()).sum();
        assert_eq!(changed, 300, "each is changed once, whoever comes first");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["300", "30.00"]);
        let ids: Vec<Value> = runs.iter().map(|run| run.json()["id"].clone()).filter(Value::is_i64).collect();
        let paths: Vec<String> = ids.iter().chain(&ids).map(|id| format!("/recalculations/{id}")).collect();
        let backs = paths.iter().map(|path| app.api(Method::DELETE, path, None));
        let backs = join_all(backs).await;
        let restored: u64 = backs.iter().map(|answer| answer.expect(200)["restored"].as_u64().unwrap()).sum();
        assert_eq!(restored, 300);
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["300", "600.00"]);
    }

    async fn the_page_looks_first_runs_and_takes_back(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.say(&click, "").await;
        offer(app, &campaign, json!({"revenue": "3", "name": "<i>Shop"})).await;
        let person = Person::enter(app).await;
        assert!(person.page("/conversions").await.contains("href=\"/recalculations\""));
        assert!(person.page("/recalculations").await.contains("None so far"));
        let (from, to) = days();
        let form = format!("offer_id={}&from={from}&to={to}&time_zone=UTC&terms=true", campaign.offer);
        let looked = person.send("/recalculations", &format!("{form}&action=look")).await;
        assert_eq!(looked.status, 200);
        assert!(looked.text.contains("Of 1 conversion one would change") && looked.text.contains("3.00 USD"), "{}", looked.text);
        assert!(!looked.text.contains("<i>Shop"), "names are escaped");
        let refused = person.send("/recalculations", &format!("{form}&action=run")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Write why") && refused.text.contains(&format!("value=\"{from}\"")), "{}", refused.text);
        let nothing = person.send("/recalculations", &format!("offer_id={}&from={from}&to={to}&why=x&action=run", campaign.offer)).await;
        assert!(nothing.status == 422 && nothing.text.contains("Choose what is taken"), "{}", nothing.text);
        let run = person.send("/recalculations", &format!("{form}&why=%3Cb%3Etypo&action=run")).await;
        assert_eq!(run.location(), "/recalculations?changed=1");
        assert_eq!(app.figures(&campaign, ["revenue"]), ["3.00"]);
        let page = person.page("/recalculations?changed=1").await;
        let id = app.number("select max(id) from recalculations");
        assert!(page.contains("1 conversion changed") && page.contains(&format!("/recalculations/{id}/take-back")), "{page}");
        assert!(!page.contains("<b>typo"), "reasons are escaped");
        let back = person.send(&format!("/recalculations/{id}/take-back"), "").await;
        assert_eq!(back.location(), "/recalculations?restored=1&left=0");
        let page = person.page(back.location()).await;
        assert!(page.contains("Taken back: 1 conversion") && !page.contains("take-back"), "{page}");
        assert_eq!(app.figures(&campaign, ["revenue"]), ["2.00"]);
        assert_eq!(person.send("/recalculations/999/take-back", "").await.status, 404);
    }

    async fn what_cannot_be_asked_for_is_said(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for (fields, field) in [
            (json!({"offer_id": 999, "terms": true}), "offer_id"),
            (json!({"advertiser_id": 1, "terms": true}), "offer_id"),
            (json!({"offer_id": null, "advertiser_id": 999, "terms": true}), "advertiser_id"),
            (json!({}), "terms"),
            (json!({"rates": "perhaps"}), "rates"),
            (json!({"terms": true, "why": ""}), "why"),
            (json!({"terms": true, "from": "yesterday"}), "from"),
            (json!({"terms": true, "to": "2020-01-01"}), "to"),
            (json!({"terms": true, "time_zone": "Mars"}), "time_zone"),
            (json!({"terms": true, "colour": 1}), "colour"),
        ] {
            let refused = recalculate(app, 422, order(&campaign, &fields)).await;
            assert_eq!(refused["fields"][0]["field"], field, "{fields}: {refused}");
        }
        assert_eq!(app.api(Method::DELETE, "/recalculations/999", None).await.status, 404);
        assert_eq!(app.api(Method::GET, "/recalculations/999", None).await.status, 404);
        assert_eq!(app.api(Method::GET, "/recalculations?q=x", None).await.status, 422);
    }
}
