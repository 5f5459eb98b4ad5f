//! Conversions by file and by hand: the same checks as a postback's, with who recorded them.

use crate::app::{Answer, Campaign, Click, TestApp, send};
use reqwest::Method;
use serde_json::{Value, json};

/// Sends a file to the API, as this advertiser's.
async fn import_as(
    app: &TestApp,
    kind: &str,
    campaign: &Campaign,
    query: &str,
    file: impl Into<Vec<u8>>,
) -> Answer {
    let path = format!("/api/v1/conversions/import?advertiser_id={}&{query}", campaign.advertiser);
    let request = app.request(Method::POST, &path).bearer_auth(&app.write_token).header("content-type", kind);
    send(request.body(file.into())).await
}

/// The same, where it must be taken.
async fn import(app: &TestApp, campaign: &Campaign, query: &str, file: impl Into<Vec<u8>>) -> Value {
    import_as(app, "text/csv", campaign, query, file).await.expect(200)
}

/// Rows, accepted, duplicate, and line with code of each that was not counted.
fn told(answer: &Value) -> (i64, i64, i64, Vec<String>) {
    let number = |name: &str| answer[name].as_i64().unwrap_or_else(|| panic!("no {name}: {answer}"));
    let refused = answer["refused"].as_array().unwrap_or_else(|| panic!("no list: {answer}"));
    let refused = refused.iter().map(|one| format!("{} {}", one["row"], one["code"].as_str().unwrap()));
    (number("rows"), number("accepted"), number("duplicate"), refused.collect())
}

fn lines(all: &[&str]) -> Vec<String> {
    all.iter().map(|line| (*line).to_owned()).collect()
}

async fn clicks(app: &TestApp, campaign: &Campaign, many: usize) -> Vec<Click> {
    let mut clicks = Vec::new();
    for _ in 0..many {
        clicks.push(app.click(campaign).await);
    }
    clicks
}

stories! {
    async fn a_table_is_looked_at_and_recorded_and_its_second_copy_counts_nothing(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let all = clicks(app, &campaign, 4).await;
        let file = format!(
            "Date;Sub ID;Order ID;Commission;Status\r\n\
             ;{};o-1;$1.50;approved\r\n\
             ;{};o-2;2,5;pending\r\n\
             ;{};o-1;1.50;approved\r\n\
             ;{};o-4;x;approved\r\n\
             ;{};o-5;1;perhaps\r\n\
             ;0nobody;o-6;1;approved\r\n\
             ;{};o-7;3;rejected;more\r\n",
            all[0].id, all[1].id, all[0].id, all[2].id, all[2].id, all[3].id
        );
        let expected = (7, 2, 1, lines(&["5 malformed_revenue", "6 unknown_status", "7 parked_foreign_click", "8 unreadable"]));
        let looked = import(app, &campaign, "dry_run=true", file.clone()).await;
        assert_eq!(told(&looked), expected, "{looked}");
        assert_eq!(app.number("select count(*) from conversions") + app.number("select count(*) from postbacks_received"), 0);
        let all_or_nothing = import(app, &campaign, "mode=all_or_nothing", file.clone()).await;
        assert_eq!(told(&all_or_nothing), (7, 0, 0, expected.3.clone()), "{all_or_nothing}");
        assert_eq!(all_or_nothing["state"], "refused");
        assert_eq!(app.number("select count(*) from conversions") + app.number("select count(*) from postbacks_received"), 0);

        let ran = import(app, &campaign, "file_name=may.csv", file.clone()).await;
        assert_eq!((told(&ran), ran["state"].as_str()), (expected, Some("done")), "{ran}");
        assert_eq!(ran["refused"], looked["refused"], "the look said the very same");
        assert_eq!(app.figures(&campaign, ["approved", "pending", "revenue"]), ["1", "1", "1.50"]);
        let found = app.api(Method::GET, &format!("/conversions?click_id={}", all[0].id), None).await.expect(200);
        let one = &found["items"][0];
        assert_eq!((&one["origin"], &one["txid"]), (&json!("import"), &json!("o-1")));
        let change = &one["changes"][0];
        assert_eq!(change["by"], "import");
        assert!(change["user_id"].is_i64() && change["why"].as_str().unwrap().contains("may.csv, line 2"), "{change}");
        let log = app.api(Method::GET, "/postbacks?result=refused", None).await.expect(200);
        assert_eq!(log["total"], 3, "each row is in the log: {log}");

        let again = import(app, &campaign, "", file).await;
        assert_eq!((again["accepted"].as_i64(), again["duplicate"].as_i64()), (Some(0), Some(3)), "{again}");
        assert_eq!(app.say(&all[1], "payout=2.5&txid=o-2&status=approved").await.code(), "updated", "a postback finds it");
    }

    async fn lines_of_other_trackers_are_taken(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let all = clicks(app, &campaign, 3).await;
        let colon = format!("{}:payout=1.25:cnv_status=approved\n{}:payout=2:cnv_status=declined:txid=t\n", all[0].id, all[1].id);
        let ran = import_as(app, "text/plain", &campaign, "", colon).await.expect(200);
        assert_eq!(told(&ran), (2, 2, 0, vec![]), "{ran}");
        let comma = format!("{},3.00,t-1,approved\n{},0.5\n{}\n", all[2].id, all[0].id, all[1].id);
        let ran = import_as(app, "text/plain", &campaign, "dry_run=false", comma).await.expect(200);
        assert_eq!(told(&ran), (3, 2, 1, vec![]), "{ran}");
        assert_eq!(app.figures(&campaign, ["approved", "rejected", "revenue"]), ["2", "1", "3.50"]);
    }

    async fn a_rows_time_is_the_conversions(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let all = clicks(app, &campaign, 4).await;
        let now = chrono::Utc::now();
        let local = now.with_timezone(&chrono_tz::Asia::Kolkata).format("%d/%m/%Y %H:%M:%S");
        let file = format!(
            "click_id,time\n{},{local}\n{},{}\n{},2001-05-05 10:00\n{},31/31/2026\n",
            all[0].id,
            all[1].id,
            (now - chrono::TimeDelta::hours(3)).timestamp(),
            all[2].id,
            all[3].id
        );
        let ran = import(app, &campaign, "time_zone=Asia/Kolkata&day_order=day_first", file).await;
        assert_eq!(told(&ran), (4, 2, 0, lines(&["4 unreadable", "5 unreadable"])), "{ran}");
        for (click, off_ms) in [(&all[0], 10_000), (&all[1], 10_000)] {
            let value = &app.conversions(click)[0].value;
            assert!((value.converted_at_ms - now.timestamp_millis()).abs() < off_ms, "{value:?}");
            assert!(value.converted_at_ms >= value.clicked_at_ms, "never before its click");
        }
        let why = ran["refused"][0]["message"].as_str().unwrap();
        assert!(why.contains("before its click"), "{why}");
    }

    async fn all_or_nothing_records_every_row_or_none(app: TestApp) {
        let advertiser = app.advertiser(json!({"duplicate_modes": {"deposit": "new"}})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let all = clicks(app, &campaign, 3).await;
        let mut file = "cid,event,payout,txid\n".to_owned();
        for n in 0..600 {
            let (click, event) = (&all[n % 3].id, if n % 2 == 0 { "sale" } else { "deposit" });
            file.push_str(&format!("{click},{event},1.00,t{n}\n"));
        }
        let bad = format!("{file}{},sale,1.00,{}\n", all[0].id, "x".repeat(300));
        let refused = import(app, &campaign, "mode=all_or_nothing", bad).await;
        assert_eq!(told(&refused), (601, 0, 0, lines(&["602 unreadable"])), "{refused}");
        assert_eq!(app.number("select count(*) from conversions"), 0);
        let ran = import(app, &campaign, "mode=all_or_nothing", file.clone()).await;
        assert_eq!(told(&ran), (600, 600, 0, vec![]), "{ran}");
        let again = import(app, &campaign, "mode=all_or_nothing", file).await;
        assert_eq!(told(&again), (600, 0, 600, vec![]));
        assert_eq!(app.number("select count(*) from import_parts"), 0, "a file is not kept longer than needed");
    }

    async fn what_is_signed_elsewhere_needs_no_signature_here(app: TestApp) {
        let fields = json!({"hmac_mode": "required", "allow_addresses": ["192.0.2.0/24"], "param_map": {"payout": "sale_amount"}});
        let advertiser = app.advertiser(fields).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=5").await.status, 403);
        let ran = import(app, &campaign, "", format!("cid,payout\n{},5\n", click.id)).await;
        assert_eq!(told(&ran), (1, 1, 0, vec![]), "{ran}");
        assert_eq!(app.figures(&campaign, ["revenue"]), ["5.00"]);
        // Nobody outside can claim to be a file.
        for method in ["IMPORT", "HAND", "PIXEL"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let path = format!("/postback/{}?cid={}&payout=9&txid=forged", campaign.key, click.id);
            assert_eq!(send(app.request(method, &path)).await.status, 405);
        }
    }

    async fn hostile_files_are_refused_with_a_sentence(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let id = &click.id;
        let many = format!("click_id\n{}", format!("{id}\n").repeat(60_000));
        let files: Vec<(Vec<u8>, &str)> = vec![
            (Vec::new(), "empty"),
            ((0..=255).collect(), "no text"),
            (b"PK\x03\x04rest".to_vec(), "workbook"),
            (b"click_id,status\n".to_vec(), "no row"),
            (b"status,amount\napproved,1\n".to_vec(), "column of the click id"),
            (format!("click_id,status\n{id},\"approved\n{id},x\n").into_bytes(), "never closed"),
            (many.into_bytes(), "more than 50000 rows"),
            (format!("click_id,{}\n{id}\n", "x,".repeat(300)).into_bytes(), "columns"),
            (b"\xff\xfea\0\0".to_vec(), "UTF-16"),
        ];
        for (file, said) in files {
            for query in ["", "dry_run=true"] {
                let refused = import_as(app, "text/csv", &campaign, query, file.clone()).await.expect(422);
                let message = refused["fields"][0]["message"].as_str().unwrap();
                assert!(message.contains(said), "{said}: {message}");
            }
        }
        let cell = format!("click_id,txid\n{id},{}\n{id}\0,t\n\"{id}\",\"=cmd()\"\n", "t".repeat(10_000));
        let ran = import(app, &campaign, "", cell).await;
        assert_eq!(told(&ran), (3, 1, 0, lines(&["2 unreadable", "3 parked_foreign_click"])), "{ran}");
        let western = [format!("click_id,txid\n{id},").into_bytes(), b"\xe4\xf6\n".to_vec()].concat();
        import(app, &campaign, "event=", western).await;
        assert_eq!(app.number("select count(*) from conversions where txid = 'äö'"), 1);
        let too_long = vec![b'a'; 32 * 1024 * 1024 + 1];
        assert_eq!(import_as(app, "text/csv", &campaign, "", too_long).await.status, 413);
        assert_eq!(import_as(app, "application/json", &campaign, "", "{}").await.status, 415);
    }

    async fn what_is_asked_must_be_known(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        for (query, field) in [
            ("mode=some", "mode"),
            ("format=xml", "format"),
            ("time_zone=Mars", "time_zone"),
            ("day_order=x", "day_order"),
            ("dry_run=perhaps", "dry_run"),
            ("colour=1", "colour"),
            ("revenue=gone", "file"),
        ] {
            let refused = import_as(app, "text/csv", &campaign, query, "click_id,payout\n1,2\n").await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field, "{query}");
        }
        let nobody = send(
            app.request(Method::POST, "/api/v1/conversions/import?advertiser_id=999")
                .bearer_auth(&app.write_token)
                .header("content-type", "text/csv")
                .body("click_id\n1\n"),
        )
        .await;
        assert_eq!(nobody.expect(422)["fields"][0]["field"], "advertiser_id");
        assert_eq!(app.api(Method::GET, "/conversions/import/99", None).await.status, 404);
    }

    async fn a_person_records_a_conversion(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let body = json!({"click_id": click.id, "event": "sale", "txid": "h-1", "revenue": "7.50", "currency": "USD",
            "status": "approved", "why": "their e-mail of Monday"});
        let made = app.api(Method::POST, "/conversions", Some(body.clone())).await.expect(201);
        assert_eq!((&made["revenue"], &made["origin"], &made["verdict"]["code"]), (&json!("7.50"), &json!("hand"), &json!("recorded")));
        let change = &made["changes"][0];
        assert_eq!((&change["by"], &change["why"]), (&json!("person"), &json!("their e-mail of Monday")));
        assert!(change["user_id"].is_i64() && change["postback_id"].is_i64(), "{change}");
        let again = app.api(Method::POST, "/conversions", Some(body)).await.expect(200);
        assert_eq!((&again["id"], &again["verdict"]["result"]), (&made["id"], &json!("duplicate")));
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["1", "7.50"]);
        assert_eq!(app.say(&click, "txid=h-1&payout=7.50&status=refund").await.code(), "updated");

        let kept = app.number("select count(*) from postbacks_received");
        for (body, field) in [
            (json!({"why": "so"}), "click_id"),
            (json!({"click_id": "01jcz7m3v8f4n9q2r5t6w7x8y9", "why": "so"}), "click_id"),
            (json!({"click_id": click.id}), "why"),
            (json!({"click_id": click.id, "why": "so", "revenue": "-1"}), "revenue"),
            (json!({"click_id": click.id, "why": "so", "txid": "new", "currency": "EUR", "revenue": "5"}), "currency"),
            (json!({"click_id": click.id, "why": "so", "txid": "new", "converted_at": "2001-01-01T00:00:00Z"}), "converted_at"),
            (json!({"click_id": click.id, "why": "so", "advertiser_id": 999}), "advertiser_id"),
            (json!({"click_id": click.id, "why": "so", "payout": "5"}), "payout"),
        ] {
            let refused = app.api(Method::POST, "/conversions", Some(body)).await.expect(422);
            assert_eq!(refused["fields"][0]["field"], field, "{refused}");
        }
        assert_eq!(app.number("select count(*) from postbacks_received"), kept, "a mistake leaves nothing");
    }
}
