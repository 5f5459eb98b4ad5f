//! Fallbacks: where visitors go for whom nothing else is left, and never in a circle.

use crate::app::TestApp;
use crate::routing::{behind, host, visit};
use serde_json::json;

/// Sets the account's fallback, and a host's.
async fn set_fallbacks(app: &TestApp) {
    behind(app, "insert into settings (name, value) values ('fallback_url', 'https://account.example/')");
    behind(
        app,
        "insert into domains (host, kind, fallback_url, status, created_at_ms) \
         values ('trk.example', 'tracking', 'https://host.example/', 'active', 1)",
    );
    let advertiser = app.advertiser(json!({})).await;
    app.patch(&format!("/advertisers/{}", advertiser["id"]), json!({"name": "Read the catalog anew"})).await;
}

stories! {
    async fn a_button_whose_click_is_unknown_leads_to_the_fallback(app: TestApp) {
        let buttons = ["/go", "/go/1", "/go/1?ct=forged", "/go/2?cid=01h0000000000000000000000a"];
        for button in buttons {
            let answer = visit(app, button, "trk.example").await;
            assert_eq!(answer.status, 404, "{button}");
            assert!(answer.text.contains("leads nowhere"), "{answer:?}");
        }
        set_fallbacks(app).await;
        for button in buttons {
            assert_eq!(host(visit(app, button, "trk.example:8080").await.location()), "host", "{button}");
            assert_eq!(host(visit(app, button, "other.example").await.location()), "account", "{button}");
        }
    }
}
