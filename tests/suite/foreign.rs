//! Clicks of the tracker before: imported with their campaign, found by their ids there, counted or not.

use crate::app::{Answer, Campaign, TestApp, send};
use crate::pages::Person;
use crate::routing::offers;
use clickledger::http::now_ms;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use serde_json::{Value, json};

/// Imports lines by the API.
async fn import(app: &TestApp, query: &str, lines: &str) -> Value {
    bring(app, query, lines).await.expect(200)
}

async fn bring(app: &TestApp, query: &str, lines: &str) -> Answer {
    let request =
        app.request(Method::POST, &format!("/api/v1/foreign-clicks{query}")).bearer_auth(&app.write_token);
    send(request.header(CONTENT_TYPE, "text/csv").body(lines.to_owned())).await
}

/// The advertiser's postback about another tracker's click.
async fn say(app: &TestApp, campaign: &Campaign, query: &str) -> Answer {
    app.get(&format!("/postback/{}?{query}", campaign.key)).await
}

/// So many days before now, as a file writes it.
fn days_ago(days: i64) -> String {
    (now_ms() / 1_000 - days * 86_400).to_string()
}

stories! {
    async fn conversions_of_old_clicks_count_and_the_clicks_do_not(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push", "aliases": ["/old-one"]})).await;
        let lines = format!("clickid,campaign,offer,clicked_at,cost\nwAbC1,push,{},{},0.50\nwAbC2,{},,{}\nw-3,/old-one\n",
            campaign.offer, days_ago(2), campaign.id, days_ago(40));
        let looked = import(app, "?dry_run=true", &lines).await;
        assert_eq!((&looked["imported"], &looked["refused"]), (&json!(3), &json!([])));
        assert_eq!(app.number("select count(*) from clicks"), 0, "nothing was kept");
        let done = import(app, "", &lines).await;
        assert_eq!((&done["rows"], &done["imported"], &done["known"]), (&json!(3), &json!(3), &json!(0)));
        let again = import(app, "", &lines).await;
        assert_eq!((&again["imported"], &again["known"]), (&json!(0), &json!(3)), "the same file changes nothing");
        assert_eq!(app.number("select count(*) from clicks"), 3);
        assert_eq!(app.figures(&campaign, ["clicks", "cost", "revenue"]), ["0", "0.00", "0.00"]);
        assert_eq!(say(app, &campaign, "cid=wAbC1&payout=1.50").await.code(), "recorded");
        assert_eq!(say(app, &campaign, "cid=wAbC1&payout=2.50").await.code(), "updated");
        assert_eq!(say(app, &campaign, "subid=w-3&payout=1&txid=t1").await.code(), "recorded");
        assert_eq!(say(app, &campaign, "cid=wAbC2&payout=1").await.code(), "parked_outside_window");
        assert_eq!(say(app, &campaign, "cid=wabc1&payout=1").await.code(), "parked_foreign_click", "their letters' case counts");
        assert_eq!(app.figures(&campaign, ["clicks", "cost", "conversions", "revenue"]), ["0", "0.00", "2", "3.50"]);
        let click = app.number("select count(*) from postbacks_received where click_id is not null");
        assert_eq!(click, 4, "the click's story has them");
    }

    async fn old_clicks_may_be_counted_as_traffic(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push"})).await;
        let lines = format!("a1;push;;{};0,50\na2;push;;{};\na2;push;;;", days_ago(2), days_ago(1));
        let done = import(app, "?count_as_clicks=true", &lines).await;
        assert_eq!((&done["imported"], &done["known"]), (&json!(2), &json!(1)), "one stands there twice");
        assert_eq!(app.figures(&campaign, ["clicks", "cost"]), ["2", "0.50"]);
        import(app, "", &lines).await;
        assert_eq!(say(app, &campaign, "cid=a1&payout=4").await.code(), "recorded");
        assert_eq!(app.figures(&campaign, ["clicks", "cost", "revenue"]), ["2", "0.50", "4.00"]);
        let click = app.campaign(json!({"slug": "second"})).await;
        app.click(&click).await;
        app.settled().await;
        assert_eq!(app.figures(&click, ["clicks"]), ["1"]);
    }

    async fn what_was_parked_counts_once_its_click_is_imported(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push"})).await;
        app.patch("/settings", json!({"old_postbacks": ["without_key"], "old_postback_addresses": "127.0.0.1"})).await;
        assert_eq!(say(app, &campaign, "cid=wEarly&payout=3").await.code(), "parked_foreign_click");
        assert_eq!(say(app, &campaign, "cid=wEarly&payout=5").await.code(), "parked_foreign_click");
        assert_eq!(app.get("/postback?cid=wNobodys&payout=4").await.code(), "parked_foreign_click");
        let long = format!("cid={}&payout=1", "%C3%A4".repeat(1_024));
        assert_eq!(say(app, &campaign, &long).await.code(), "parked_foreign_click");
        assert_eq!(app.number("select count(*) from parked_foreign"), 3, "what no file can hold is not looked for");
        import(app, "", "wEarly,push\nwNobodys,push\n").await;
        app.until("both are counted", || app.number("select count(*) from conversions") == 2).await;
        app.until("all of them have their verdicts", || app.number("select count(*) from parked_foreign") == 0).await;
        assert_eq!(app.figures(&campaign, ["clicks", "conversions", "revenue"]), ["0", "2", "9.00"]);
        assert_eq!(app.number("select count(*) from postbacks_received where code = 'parked_foreign_click'"), 1);
        assert_eq!(app.get("/postback?cid=wNobodys&payout=4").await.code(), "duplicate");
    }

    async fn rows_of_a_file_find_old_clicks_by_their_ids(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push"})).await;
        import(app, "", "w1,push\nw2,push\n").await;
        let ours = app.click(&campaign).await;
        app.stored(&ours).await;
        let file = format!("cid,payout,txid,status\nw1,1.50,t1,\nw1,1.50,t1,\nw1,2.50,t1,\n{},4,t2,\nw2,1,t3,pending\nw9,8,t4,\n", ours.id);
        let send_rows = async |query: &str, file: &str| {
            let path = format!("/api/v1/conversions/import?advertiser_id={}&{query}", campaign.advertiser);
            let request = app.request(Method::POST, &path).bearer_auth(&app.write_token).header(CONTENT_TYPE, "text/csv");
            send(request.body(file.to_owned())).await.expect(200)
        };
        let looked = send_rows("dry_run=true", &file).await;
        assert_eq!((&looked["accepted"], &looked["duplicate"]), (&json!(4), &json!(1)), "{looked}");
        let whole = send_rows("mode=all_or_nothing", &file).await;
        assert_eq!((&whole["state"], &whole["refused"][0]["code"]), (&json!("refused"), &json!("parked_foreign_click")), "{whole}");
        assert_eq!(app.number("select count(*) from conversions") + app.number("select count(*) from parked_foreign"), 0);
        let ran = send_rows("", &file).await;
        assert_eq!((&ran["accepted"], &ran["duplicate"], &ran["refused"]), (&looked["accepted"], &looked["duplicate"], &looked["refused"]));
        assert_eq!(app.figures(&campaign, ["leads", "approved", "pending", "revenue"]), ["3", "2", "1", "6.50"]);
        assert_eq!(say(app, &campaign, "cid=w2&txid=t3&status=approved").await.code(), "updated", "a postback finds the row's conversion");
        let again = send_rows("mode=all_or_nothing", "cid,payout,txid\nw1,2.50,t1\nw2,1,t5\n").await;
        assert_eq!((&again["state"], &again["accepted"], &again["duplicate"]), (&json!("done"), &json!(1), &json!(1)), "{again}");
        // What waited for its click is counted once that is imported, and was never sent on to the other tracker.
        assert_eq!(app.number("select count(*) from parked_foreign"), 1);
        import(app, "", "w9,push\n").await;
        app.until("the row that waited is counted", || app.number("select count(*) from parked_foreign") == 0).await;
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["5", "16.50"]);
        assert_eq!(app.number("select count(*) from conversions where origin = 'import'"), 5);
        assert_eq!(app.number("select count(*) from forwards"), 0);
    }

    async fn a_clicks_page_says_where_it_was_imported_from(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push"})).await;
        let own = app.click(&campaign).await;
        app.stored(&own).await;
        import(app, "", "w<i>1,push\n").await;
        assert_eq!(say(app, &campaign, "cid=w%3Ci%3E1&payout=1").await.code(), "recorded");
        let found = app.api(Method::GET, "/conversions", None).await.expect(200);
        let click = found["items"][0]["click_id"].as_str().unwrap().to_owned();
        let person = Person::enter(app).await;
        let page = person.page(&format!("/clicks/{click}")).await;
        assert!(page.contains("Imported from the tracker before") && page.contains("Id at the tracker before"), "{page}");
        assert!(page.contains("w&#60;i&#62;1") && !page.contains("w<i>1"), "{page}");
        let story = app.api(Method::GET, &format!("/clicks/{click}"), None).await.expect(200);
        assert_eq!(story["foreign_id"], "w<i>1");
        let page = person.page(&format!("/clicks/{}", own.id)).await;
        assert!(!page.contains("tracker before"), "{page}");
        let story = app.api(Method::GET, &format!("/clicks/{}", own.id), None).await.expect(200);
        assert!(story["foreign_id"].is_null());
    }

    async fn each_line_says_what_is_wrong_with_it(app: TestApp) {
        let (advertiser, [one, other]) = offers(app, ["one", "other"]).await;
        let paths = json!([{"offers": [{"offer_id": one["id"]}, {"offer_id": other["id"]}]}]);
        let many = app.campaign_to(&advertiser, &one, json!({"slug": "many", "paths": paths})).await;
        let ours = app.click(&many).await;
        let lines = format!("x1,nobody\n,many\nx3,many,99999\n{},many\nx5,many,,tomorrow\nx6,many,,{}\nx7\nx8,many\n'; drop table clicks;--,many,{}\nx\u{1},many\n",
            ours.id, days_ago(500), one["id"]);
        let done = import(app, "", &lines).await;
        assert_eq!((&done["imported"], &done["refused_count"]), (&json!(2), &json!(8)), "{done}");
        let rows: Vec<i64> = done["refused"].as_array().unwrap().iter().map(|one| one["row"].as_i64().unwrap()).collect();
        assert_eq!(rows, [1, 2, 3, 4, 5, 6, 7, 10]);
        let counted = import(app, "?count_as_clicks=true", "y1,many\n").await;
        assert!(counted["refused"][0]["message"].as_str().unwrap().contains("name the offer's number"), "{counted}");
        let key = &many.key;
        assert_eq!(app.get(&format!("/postback/{key}?cid=%27%3B%20drop%20table%20clicks%3B--&payout=1")).await.code(), "recorded");
        assert_eq!(app.get(&format!("/postback/{key}?cid=x8&payout=1")).await.code(), "recorded", "its only path has this advertiser's offer");
        for (query, body, status) in [
            ("?count_as_clicks=yes", "a,b", 422), ("?colour=1", "a,b", 422), ("", "cid,colour\n1,2", 422), ("", "", 200), ("", "\u{feff}\n\n", 200),
        ] {
            assert_eq!(bring(app, query, body).await.status, status, "{query} {body:?}");
        }
        let as_json = app.api(Method::POST, "/foreign-clicks", Some(json!({"rows": []}))).await;
        assert_eq!(as_json.status, 415, "{as_json:?}");
        let flood = "z,many\n".repeat(200_010);
        assert!(bring(app, "", &flood).await.expect(422)["fields"][0]["message"].as_str().unwrap().contains("200000"));
        app.settled().await;
    }

    async fn the_page_imports_a_file(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "push"})).await;
        let person = Person::enter(app).await;
        let part = |name: &str, value: &str| format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let file = |content: &str| format!("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n{content}\r\n");
        let post = |body: String| {
            let request = app.request(Method::POST, "/settings/moving/clicks").header(COOKIE, person.cookie());
            send(request.header("sec-fetch-site", "same-origin").header(CONTENT_TYPE, "multipart/form-data; boundary=XX").body(format!("{body}--XX--\r\n")))
        };
        let looked = post(file("w1,push\nw2,nobody") + &part("action", "preview")).await;
        assert!(looked.text.contains("1 click would be imported") && looked.text.contains("Line 2: There is no campaign"), "{looked:?}");
        assert_eq!(app.number("select count(*) from foreign_clicks"), 0);
        let done = post(part("lines", "w1,push\n<script>,push") + &part("action", "save")).await;
        assert!(done.text.contains("2 clicks imported; 0 known before."), "{done:?}");
        let empty = post(part("lines", " ") + &part("action", "save")).await;
        assert_eq!(empty.status, 422);
        assert!(empty.text.contains("there is nothing to import"), "{empty:?}");
        let wrong = post(file("cid,colour\n1,2") + &part("action", "save")).await;
        assert!(wrong.status == 422 && wrong.text.contains("colour"), "{wrong:?}");
        for (kind, body) in [("text/plain", "w1,push"), ("multipart/form-data", "x"), ("multipart/form-data; boundary=XX", "--XX\r\nbroken")] {
            let request = app.request(Method::POST, "/settings/moving/clicks").header(COOKIE, person.cookie()).header("sec-fetch-site", "same-origin");
            let refused = send(request.header(CONTENT_TYPE, kind).body(body)).await;
            assert!([400, 415].contains(&refused.status), "{kind}: {refused:?}");
        }
        assert_eq!(say(app, &campaign, "cid=w1&payout=1").await.code(), "recorded");
    }
}
