//! Landers' buttons: what a visitor keeps behind them.

use crate::routing::{from, host, offers, to, when};
use serde_json::{Value, json};

stories! {
    async fn weight_0_takes_nobody_who_was_there_before(app: TestApp) {
        let (advertiser, [a, b]) = offers(app, ["a", "b"]).await;
        let entries = |first: i64, second: i64| json!([{"offer_id": a["id"], "weight": first}, {"offer_id": b["id"], "weight": second}]);
        let campaign = app.campaign_to(&advertiser, &a, json!({"sticky": true, "paths": [{"offers": entries(100, 0)}]})).await;
        let goes_to = async || host(&app.click_as(&campaign, "", from("192.0.2.5")).await.location).to_owned();
        assert_eq!(goes_to().await, "a");
        let path = format!("/campaigns/{}", campaign.id);
        let kept = app.api(reqwest::Method::GET, &path, None).await.expect(200)["paths"][0]["id"].clone();
        app.patch(&path, json!({"paths": [{"id": kept, "offers": entries(0, 100)}]})).await;
        assert_eq!(goes_to().await, "b");
        // A campaign in the place of an offer likewise.
        let inner = app.campaign_to(&advertiser, &a, json!({"name": "Inner"})).await;
        let through = |weight: i64| -> Value {
            json!([{"id": kept, "offers": [{"campaign_id": inner.id, "weight": weight}, {"offer_id": b["id"], "weight": 100 - weight}]}])
        };
        app.patch(&path, json!({"paths": through(100)})).await;
        assert_eq!(goes_to().await, "a");
        assert_eq!(goes_to().await, "a");
        app.patch(&path, json!({"paths": through(0)})).await;
        assert_eq!(goes_to().await, "b");
    }

    async fn the_domain_is_asked_without_its_port(app: TestApp) {
        let (advertiser, [a, b]) = offers(app, ["a", "b"]).await;
        for (op, value) in [("is", "trk.example"), ("in", "TRK.example:8080"), ("matches", "^trk\\.example$")] {
            let rules = json!([{"when": when("domain", op, json!([value])), "paths": to(&a)}]);
            let campaign = app.campaign_to(&advertiser, &b, json!({"rules": rules})).await;
            let at = async |domain: &'static str| {
                let click = app.click_as(&campaign, "", |request| request.header("host", domain)).await;
                host(&click.location).to_owned()
            };
            assert_eq!([at("trk.example:18555").await, at("Trk.Example").await], ["a", "a"], "{value}");
            assert_eq!(at("trk.example.org").await, "b", "{value}");
        }
    }
}
