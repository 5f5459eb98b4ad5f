//! Fallbacks: where visitors go for whom nothing else is left, and never in a circle.

use crate::app::{Campaign, Click, TestApp, click_id_in};
use crate::routing::{behind, host, offers, to, visit};
use clickledger::domain::click::RouteRefusal;
use reqwest::Method;
use serde_json::{Value, json};

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

/// A paused campaign, which takes nobody, with a fallback.
async fn paused(app: &TestApp, slug: &str, fallback_url: &str) -> Campaign {
    app.campaign(json!({"name": slug, "slug": slug, "status": "paused", "fallback_url": fallback_url})).await
}

/// Where our server listens, as addresses name it.
fn own_host(app: &TestApp) -> &str {
    app.base.trim_start_matches("http://")
}

/// Follows redirects like a browser without cookies, for as long as they come back to a tracker's door here: how many,
/// and where the last answer leads; nowhere for a page.
async fn follow(app: &TestApp, path: &str, on: &str) -> (usize, String) {
    let (mut path, mut on) = (path.to_owned(), on.to_owned());
    for count in 0..30 {
        let answer = visit(app, &path, &on).await;
        if answer.status != 302 {
            assert_eq!(answer.status, 404, "{answer:?}");
            return (count, String::new());
        }
        let location = answer.location().to_owned();
        let Some((host, rest)) = location.split_once("://").and_then(|(_, rest)| rest.split_once('/')) else {
            path = location;
            continue;
        };
        let rest = rest.split('#').next().unwrap().replace("%63", "c");
        if !rest.starts_with("c/") && !rest.starts_with("go") {
            return (count, location);
        }
        (path, on) = (format!("/{rest}"), host.to_owned());
    }
    panic!("a circle");
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

    async fn a_fallback_to_another_campaign_is_followed_inside(app: TestApp) {
        let (advertiser, [there, last]) = offers(app, ["there", "last"]).await;
        let second = app.campaign_to(&advertiser, &there, json!({"name": "Second", "slug": "second"})).await;
        let first = app.campaign_to(&advertiser, &last, json!({"name": "First", "slug": "first", "sticky": true})).await;
        let path = format!("/campaigns/{}", first.id);
        app.patch(&path, json!({"status": "paused"})).await;
        let on = own_host(app);
        for written in [
            format!("http://{on}/c/second"), format!("http://x:y@{on}/c/second?sub1={{country}}"), format!("HTTP://{on}//c/Second"),
            format!("http://{on}/%63/second"), format!("http://{on}/x/../c/./second"),
        ] {
            app.patch(&path, json!({"fallback_url": written})).await;
            let click = app.click(&first).await;
            assert_eq!(host(&click.location), "there", "{written}");
            let stored = app.stored(&click).await.record;
            assert_eq!((stored.campaign_id, stored.offer_id, stored.refusal), (first.id, Some(second.offer), None));
        }
        let click = app.click(&first).await;
        assert_eq!(app.postback(&click, "1.00").await.code(), "recorded");
        let traced = app.api(Method::POST, &format!("{path}/trace"), Some(json!({"address": "8.8.8.8", "host": on}))).await.expect(200);
        assert_eq!(traced["offer_id"], there["id"], "{traced}");
        // On to the second's own fallback where it takes nobody either.
        app.patch(&format!("/campaigns/{}", second.id), json!({"status": "paused", "fallback_url": "https://own.example/?ref={click_id}"})).await;
        let click = app.click(&first).await;
        assert_eq!(host(&click.location), "own");
        assert_eq!(app.stored(&click).await.record.refusal, Some(RouteRefusal::CampaignPaused));
    }

    async fn whoever_is_lost_may_be_led_into_a_campaign(app: TestApp) {
        let (advertiser, [there]) = offers(app, ["there"]).await;
        let campaign = app.campaign_to(&advertiser, &there, json!({"slug": "second"})).await;
        behind(app, &format!("insert into settings (name, value) values ('fallback_url', 'http://{}/c/second')", own_host(app)));
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"notes": "read the catalog anew"})).await;
        let lost = app.get("/c/nobody-knows?sub1=x").await;
        assert_eq!(host(lost.location()), "there");
        let click = Click { id: click_id_in(lost.location()).unwrap(), key: campaign.key.clone(), location: String::new(), cookies: Vec::new() };
        let stored = app.stored(&click).await.record;
        assert_eq!((stored.campaign_id, stored.sub(1)), (campaign.id, Some("x")), "a click on that campaign");
        assert_eq!(app.get("/go/1").await.location(), "/c/second");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"status": "paused"})).await;
        assert_eq!(app.get("/c/nobody-knows").await.status, 404, "never a circle");
        assert_eq!(follow(app, "/go", own_host(app)).await, (1, String::new()));
    }

    async fn a_button_falls_back_into_a_campaign(app: TestApp) {
        let (advertiser, [there, gone]) = offers(app, ["there", "gone"]).await;
        let second = app.campaign_to(&advertiser, &there, json!({"slug": "second"})).await;
        let lander = app.post("/landers", json!({"name": "L", "url": "https://lander.example/?ct={click_token}&ref={click_id}"})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}], "offers": [{"offer_id": gone["id"]}]}]);
        let fields = json!({"paths": paths, "fallback_url": format!("http://{}/c/second", own_host(app))});
        let first = app.campaign_to(&advertiser, &gone, fields).await;
        let click = app.click(&first).await;
        let token = click.location.split("ct=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        app.patch(&format!("/offers/{}", gone["id"]), json!({"status": "paused"})).await;
        assert_eq!(host(app.get(&format!("/go/1?ct={token}")).await.location()), "there");
        app.settled().await;
        let reached = format!("select count(*) from lp_clicks where offer_id = {}", second.offer);
        app.until("the button is stored", || app.number(&reached) == 1).await;
    }

    async fn no_fallback_is_a_circle(app: TestApp) {
        let on = own_host(app).to_owned();
        let alone = paused(app, "alone", "").await;
        for written in [
            format!("http://{on}/c/alone"), format!("http://{on}/%63/alone"), format!("http://{on}//c/alone"),
            format!("http://x@{on}/c/alone"), format!("HTTP://{on}/./c/%61lone"), format!("http://{on}/go"), format!("http://{on}/c/nobody"),
        ] {
            app.patch(&format!("/campaigns/{}", alone.id), json!({"fallback_url": written})).await;
            assert_eq!(follow(app, "/c/alone", &on).await, (0, String::new()), "{written}");
        }
        // Two that lead to one another, each by a name that nobody told us: a mark ends it, whoever keeps no cookies.
        paused(app, "la", "http://one.example/c/lb").await;
        paused(app, "lb", "http://two.example/%63/la#top").await;
        paused(app, "lc", "http://three.example:81/go?x=1").await;
        let (count, end) = follow(app, "/c/la", "zero.example").await;
        assert!(count <= 4 && end.is_empty(), "{count} {end}");
        set_fallbacks(app).await;
        let (count, end) = follow(app, "/c/la", "zero.example").await;
        assert!(count <= 4 && end == "https://account.example/", "{count} {end}");
        behind(app, "update settings set value = 'http://four.example/c/lc' where name = 'fallback_url'");
        app.patch(&format!("/campaigns/{}", alone.id), json!({"notes": "read the catalog anew"})).await;
        for begin in ["/c/lc", "/c/la", "/go", "/c/nobody"] {
            let (count, end) = follow(app, begin, "zero.example").await;
            assert!(count <= 4 && end.is_empty(), "{begin}: {count} {end}");
        }
    }

    async fn circles_and_long_chains_are_refused_when_saved(app: TestApp) {
        behind(app, "insert into domains (host, kind, fallback_url, status, created_at_ms) values ('trk.example', 'tracking', '', 'active', 1)");
        let (advertiser, [there]) = offers(app, ["there"]).await;
        let refused = async |method: Method, path: &str, fields: Value, field: &str| -> String {
            let answer = app.api(method, path, Some(fields)).await.expect(422);
            assert_eq!(answer["fields"][0]["field"], field, "{answer}");
            answer["fields"][0]["message"].as_str().unwrap().to_owned()
        };
        let a = paused(app, "fa", "https://trk.example/c/fb").await;
        let b = paused(app, "fb", "https://elsewhere.example/c/fa").await;
        let back = json!({"fallback_url": "https://x@TRK.example/%63/FA"});
        let message = refused(Method::PATCH, &format!("/campaigns/{}", b.id), back, "fallback_url").await;
        assert!(message.contains("(fb \u{2192} fa \u{2192} fb)"), "{message}");
        let own = json!({"name": "Own", "slug": "own", "paths": to(&there), "fallback_url": "https://trk.example/c/own"});
        refused(Method::POST, "/campaigns", own, "fallback_url").await;
        app.patch(&format!("/campaigns/{}", a.id), json!({"notes": "may be renamed"})).await;

        let mut chain: Vec<Campaign> = Vec::new();
        for n in 0..6 {
            let paths = chain.last().map_or_else(|| to(&there), |last| json!([{"offers": [{"campaign_id": last.id}]}]));
            chain.push(app.campaign_to(&advertiser, &there, json!({"name": format!("N{n}"), "paths": paths})).await);
            assert_eq!(host(&app.click(&chain[n]).await.location), "there", "{n}");
        }
        let to_last = json!([{"offers": [{"campaign_id": chain[5].id}]}]);
        let message = refused(Method::POST, "/campaigns", json!({"name": "N6", "paths": to_last}), "paths[0].offers").await;
        assert!(message.contains("7 campaigns (N6 \u{2192} N5 \u{2192} N4 \u{2192} N3 \u{2192} N2 \u{2192} N1 \u{2192} N0)"), "{message}");
        // At its other end likewise.
        let more = app.campaign_to(&advertiser, &there, json!({"name": "More"})).await;
        let longer = json!({"paths": [{"offers": [{"campaign_id": more.id}]}]});
        let message = refused(Method::PATCH, &format!("/campaigns/{}", chain[0].id), longer, "paths[0].offers").await;
        assert!(message.contains("N0 \u{2192} More"), "{message}");
        // One that slipped past the check ends at a fallback, be it of a campaign within.
        app.patch(&format!("/campaigns/{}", chain[0].id), json!({"fallback_url": "https://own.example/?ref={click_id}"})).await;
        behind(app, &format!("update paths set offers = '[{{\"campaign_id\":{},\"weight\":1}}]' where campaign_id = {}", more.id, chain[0].id));
        app.patch(&format!("/campaigns/{}", more.id), json!({"notes": "read the catalog anew"})).await;
        assert_eq!(host(&app.click(&chain[5]).await.location), "own");
        assert_eq!(host(&app.click(&chain[4]).await.location), "there");
        app.patch(&format!("/campaigns/{}", chain[0].id), json!({"notes": "may be changed all the same"})).await;
    }
}
