//! Pages as a signed-in person's browser gets them.

use crate::app::{Answer, TestApp, send};
use crate::sql;
use clickledger::db::{AnyConnection, Priority};
use clickledger::domain::role::Role;
use clickledger::http::{create_user, now_ms};
use reqwest::Method;
use serde_json::json;

/// A person who has signed in.
struct Person<'a> {
    app: &'a TestApp,
    cookie: String,
}

impl<'a> Person<'a> {
    async fn enter(app: &'a TestApp) -> Self {
        create_user(&app.db, "person@example.com", "a quiet river bends", Role::Admin, now_ms()).unwrap();
        let form = "email=person%40example.com&password=a+quiet+river+bends";
        let request = app.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = send(request.body(form)).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        Self { app, cookie: answer.cookies.join("; ") }
    }

    async fn ask(&self, method: Method, path: &str) -> Answer {
        let request = self.app.request(method, path).header("cookie", &self.cookie);
        send(request.header("sec-fetch-site", "same-origin")).await
    }

    /// The text of a page that must be there.
    async fn page(&self, path: &str) -> String {
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
}
