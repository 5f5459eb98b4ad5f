//! Whom rules and weights take.

use crate::routing::{host, offers, to, when};
use serde_json::json;

stories! {
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
