//! Pages as a signed-in person's browser gets them.

use crate::app::{Answer, TestApp, send};
use crate::sql;
use clickledger::db::{AnyConnection, Priority, rollups};
use clickledger::domain::role::Role;
use clickledger::domain::rollup::{CountedConversion, HOUR_MS, RollupDelta};
use clickledger::http::{create_user, now_ms};
use clickledger::reports::{self, TimeZone};
use reqwest::Method;
use serde_json::json;

/// A person who has signed in.
pub struct Person<'a> {
    app: &'a TestApp,
    cookie: String,
}

impl<'a> Person<'a> {
    /// Makes an admin and signs him in.
    pub async fn enter(app: &'a TestApp) -> Self {
        create_user(&app.db, "person@example.com", "a quiet river bends", Role::Admin, now_ms()).unwrap();
        let form = "email=person%40example.com&password=a+quiet+river+bends";
        let request = app.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = send(request.body(form)).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        Self { app, cookie: answer.cookies.join("; ") }
    }

    /// What the browser sends to be known.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// A request from a page of this site.
    pub async fn ask(&self, method: Method, path: &str) -> Answer {
        let request = self.app.request(method, path).header("cookie", &self.cookie);
        send(request.header("sec-fetch-site", "same-origin")).await
    }

    /// A form sent from a page of this site.
    pub async fn send(&self, path: &str, form: &str) -> Answer {
        self.send_as(path, "application/x-www-form-urlencoded", form).await
    }

    /// A body of some kind sent from a page of this site.
    pub async fn send_as(&self, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
        let request = self.app.request(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("sec-fetch-site", "same-origin").header("content-type", kind);
        send(request.body(body.into())).await
    }

    /// A form with files sent from a page of this site.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            let named = if *name == "file" { "; filename=\"their list.csv\"" } else { "" };
            body.push_str(&format!(
                "--x\r\ncontent-disposition: form-data; name=\"{name}\"{named}\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--x--\r\n");
        let request = self.app.request(Method::POST, path).header("cookie", &self.cookie);
        let request = request.header("sec-fetch-site", "same-origin");
        send(request.header("content-type", "multipart/form-data; boundary=x").body(body)).await
    }

    /// The text of a page that must be there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.ask(Method::GET, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.text
    }
}

/// Runs a statement as nobody but a test does.
fn run(app: &TestApp, statement: &str) {
    app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, statement)).unwrap();
}

/// So many more offers, their names after all others.
fn more_offers(app: &TestApp, many: usize) {
    run(
        app,
        &format!(
            "insert into offers (name, advertiser_id, url, currency, revenue_mode, preview_url, status, tags, \
             notes, created_at_ms, updated_at_ms) \
             with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {many}) \
             select 'm' || n, (select min(id) from advertisers), 'https://m.example/', 'USD', 'auto', '', \
             'active', '[]', '', 1, 1 from numbers"
        ),
    );
}

/// So many more conversions like the ones there are, some hours earlier.
fn more_conversions(app: &TestApp, many: usize, hours_ago: i64) {
    let columns = "event, seq, advertiser_id, campaign_id, path_id, lander_id, offer_id, source_id, \
        recorded_at_ms, updated_at_ms, status, advertiser_status, revenue_original_micros, revenue_reported_micros, \
        currency, rate_nanos, revenue_micros, payout_status, payout_micros, sale_amount_micros, \
        counts_as_conversion, counts_in_revenue, is_over_cap, is_bot, is_test, reason, click_id";
    let earlier = hours_ago * HOUR_MS;
    run(
        app,
        &format!(
            "insert into conversions (txid, clicked_at_ms, converted_at_ms, {columns}) \
             with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < {many}) \
             select '{hours_ago}-' || n, clicked_at_ms - {earlier}, converted_at_ms - {earlier}, {columns} \
             from numbers, conversions where txid = ''"
        ),
    );
}

stories! {
    async fn a_campaigns_own_choices_keep_their_names_among_thousands(app: TestApp) {
        let person = Person::enter(app).await;
        let advertiser = app.advertiser(json!({})).await;
        let used = app.offer(&advertiser, json!({"name": "zzz used", "revenue": "6.60"})).await;
        let away = app.offer(&advertiser, json!({"name": "zzz away"})).await;
        let other = app.offer(&advertiser, json!({"name": "zzz other"})).await;
        let offers = json!([{"offer_id": used["id"]}, {"offer_id": away["id"]}]);
        let campaign =
            app.campaign_to(&advertiser, &used, json!({"paths": [{"offers": offers}]})).await;
        app.api(Method::DELETE, &format!("/offers/{}", away["id"]), None).await;
        let form = format!("/campaigns/{}/edit", campaign.id);
        more_offers(app, 1_998);
        let page = person.page(&form).await;
        assert!(page.contains("zzz other") && !page.contains("than can be shown here"), "all have their place");
        more_offers(app, 10);
        let page = person.page(&form).await;
        assert!(page.contains("There are more offers than can be shown here: the first 2,000 by name"));
        assert!(page.contains(&format!("value=\"{}\" selected>zzz used · $6.60</option>", used["id"])));
        assert!(page.contains(&format!("value=\"{}\" selected>zzz away · $2.00 (archived)</option>", away["id"])));
        assert!(!page.contains("zzz other"), "beyond the limit, and not in use here");
        app.patch(&format!("/offers/{}", used["id"]), json!({"status": "paused"})).await;
        assert!(person.page(&form).await.contains("zzz used · $6.60 (paused)</option>"));
        assert_eq!(other["status"], "active");
    }

    async fn what_was_archived_is_said_and_can_be_undone(app: TestApp) {
        let person = Person::enter(app).await;
        assert_eq!(person.ask(Method::GET, "/").await.location(), "/start");
        let campaign = app.campaign(json!({})).await;
        assert_eq!(person.ask(Method::GET, "/").await.status, 200);
        for (kind, one, id) in [("campaigns", "campaign", campaign.id), ("offers", "offer", campaign.offer)] {
            let answer = person.ask(Method::POST, &format!("/{kind}/{id}/archive")).await;
            let page = person.page(answer.location()).await;
            assert!(page.contains(&format!("The {one} is archived. Nothing was erased.")), "{kind}");
            let undo = format!("/{kind}/{id}/restore");
            assert!(page.contains(&undo), "{kind}");
            let page = person.page(person.ask(Method::POST, &undo).await.location()).await;
            assert!(page.contains(&format!("The {one} is back in use.")), "{kind}");
        }
    }

    async fn routing_is_set_on_the_forms(app: TestApp) {
        let person = Person::enter(app).await;
        let campaign = app.campaign(json!({})).await;
        let made = person.send("/lists", "name=Bad+zones&kind=values&has_values=1&values=Zone-7%0D%0Azone-8").await;
        let list = made.location().split('/').nth(2).unwrap().to_owned();
        let page = person.page(&format!("/lists/{list}/edit")).await;
        assert!(page.contains("zone-7\nzone-8</textarea>"), "{page}");
        assert!(person.page("/lists").await.contains("Bad zones"));
        let bad = person.send("/lists", "name=Nets&kind=addresses&has_values=1&values=10.0.0.0%2F8%0Anowhere").await;
        assert_eq!(bad.status, 422);
        assert!(bad.text.contains("Value 2: &#34;nowhere&#34; is no address") && bad.text.contains("nowhere</textarea>"), "{}", bad.text);
        let saved = person.send(&format!("/lists/{list}"), "name=Worse&kind=values").await;
        assert_eq!(saved.status, 303);
        assert!(person.page(&format!("/lists/{list}/edit")).await.contains("zone-8"));

        let when = json!({"any": [{"all": [{"fact": "sub1", "op": "in", "lists": [list.parse::<i64>().unwrap()]}]}]});
        let rules = json!([{"name": "Zones", "when": when, "paths": [{"offers": [{"offer_id": campaign.offer}]}]}]);
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"rules": rules})).await;
        let form = person.page(&format!("/campaigns/{}/edit", campaign.id)).await;
        assert!(form.contains("<b>sub1</b> is <b>on the list Worse</b>") && form.contains("Trace a visitor"));
        let fields = format!("name=Push&paths.0.weight=1&paths.0.offers.0.offer_id={}&sticky=true&redirect=double_meta&unique_window_hours=24&status=active", campaign.offer);
        assert_eq!(person.send(&format!("/campaigns/{}", campaign.id), &fields).await.status, 303);
        let kept = app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200);
        assert_eq!((&kept["sticky"], &kept["smart_order"], &kept["redirect"]), (&json!(true), &json!(false), &json!("double_meta")));
        assert_eq!(kept["rules"].as_array().unwrap().len(), 1, "rules that the form does not show stay");

        let trace = format!("/campaigns/{}/trace?address=8.8.8.8&user_agent=Mozilla%2F5.0&query=sub1%3Dzone-7&at=", campaign.id);
        let page = person.page(&trace).await;
        assert!(page.contains("Rule Zones") && page.contains("sub1 is zone-7") && page.contains("https://shop.example/?ref="), "{page}");
        assert!(person.page(&format!("/campaigns/{}/trace?address=x", campaign.id)).await.contains("Must be an address"));

        let offer = format!("/offers/{}", campaign.offer);
        let fields = "name=Shop&advertiser_id=1&url=https%3A%2F%2Fshop.example%2F&currency=USD&revenue_mode=auto&status=active\
            &countries=Germany%2C+at&active_from=2026-01-01T00%3A00&at_cap.do=url&at_cap.url=https%3A%2F%2Fo.example%2F";
        assert_eq!(person.send(&offer, fields).await.status, 303);
        let page = person.page(&format!("{offer}/edit")).await;
        assert!(page.contains("value=\"DE, AT\"") && page.contains("value=\"2026-01-01T00:00\"") && page.contains("https://o.example/"));
        let own = format!("{}&at_cap.do=offer&at_cap.offer_id={}", fields.replace("at_cap.do=url", "x=1"), campaign.offer);
        let refused = person.send(&offer, &own).await;
        assert!(refused.status == 422 && refused.text.contains("leads back to the offer itself"), "{}", refused.text);

        let settings = "time_zone=UTC&fallback_url=https%3A%2F%2Faccount.example%2F";
        assert_eq!(person.send("/settings", settings).await.status, 303);
        assert_eq!(app.get("/c/nobody").await.location(), "https://account.example/");
        let refused = person.send("/settings", "time_zone=UTC&fallback_url=javascript%3Ax").await;
        assert_eq!(refused.status, 422);
        assert_eq!(person.send("/settings", "time_zone=UTC&fallback_url=").await.status, 303);
        assert_eq!(app.get("/c/nobody").await.status, 404);
    }

    async fn sums_beyond_all_bounds_stop_and_are_answered(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let first = app.click(&campaign).await;
        assert_eq!(app.say(&first, "payout=1000000000.01").await.code(), "malformed_revenue");
        assert_eq!(app.say(&first, "payout=1000000000&amount=1000000000").await.code(), "recorded");
        for hours_ago in [1, 2, 3] {
            more_conversions(app, 10_000, hours_ago);
        }
        let now = now_ms();
        reports::rebuild(&app.db, now - 5 * HOUR_MS, now + HOUR_MS, 77).unwrap();
        // What is at the bound already is added to, in one row and over rows of several writers.
        for writer in [77, 77, 78] {
            let one = app.conversions(&first)[0].value.counted();
            let mut sums = RollupDelta::new();
            for hours in [1, 2, 3] {
                let earlier = one.clicked_at_ms - hours * HOUR_MS;
                let converted_at_ms = one.converted_at_ms - hours * HOUR_MS;
                let again = CountedConversion { clicked_at_ms: earlier, converted_at_ms, ..one };
                (0..9_000).for_each(|_| sums.add_conversion(&again));
            }
            app.db.write(Priority::Ingester, |conn: &mut AnyConnection| rollups::apply(conn, &sums, writer)).unwrap();
        }
        reports::rebuild(&app.db, now - 5 * HOUR_MS, now + HOUR_MS, 77).unwrap();

        let person = Person::enter(app).await;
        let range = "range=last_7_days";
        let wanted = "$4,000,000,000,000.00";
        for page in ["/", "/campaigns"] {
            for attribute in ["click_time", "conversion_time"] {
                let text = person.page(&format!("{page}?{range}&attribute={attribute}")).await;
                assert!(text.contains(wanted), "{page} by {attribute}");
            }
        }
        person.page(&format!("/conversions?{range}")).await;
        person.page(&format!("/clicks/{}", first.id)).await;
        let day = |ms: i64| TimeZone::UTC.date(ms).to_string();
        let asked = json!({"from": day(now - 24 * HOUR_MS), "to": day(now), "by": ["campaign"]});
        let report = app.api(Method::POST, "/reports", Some(asked)).await.expect(200);
        assert_eq!(report["totals"]["revenue"], "4000000000000.00");
        assert_eq!(report["totals"]["sale_amount"], "4000000000000.00");
        assert_eq!(report["totals"]["profit"], "4000000000000.00");

        let later = app.click(&campaign).await;
        assert_eq!(app.say(&later, "payout=1000000000").await.code(), "recorded");
        assert_eq!(app.say(&later, "status=rejected").await.code(), "updated");
        app.settled().await;
    }
}
