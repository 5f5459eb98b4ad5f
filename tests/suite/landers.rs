//! Landers' buttons: what a visitor keeps behind them.

use crate::app::{Answer, Campaign, Click, TestApp, send};
use crate::routing::{from, host, offers, to, when};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

/// A campaign with a lander before four offers, one for each name.
async fn behind_a_lander(app: &TestApp, fields: Value) -> (Campaign, [Value; 4]) {
    let (advertiser, offers) = offers(app, ["a", "b", "c", "d"]).await;
    let url = "https://lander.example/?ct={click_token}&ref={click_id}";
    let lander = app.post("/landers", json!({"name": "L", "url": url, "offer_links": 4})).await;
    let entries: Vec<Value> = offers.iter().map(|offer| json!({"offer_id": offer["id"]})).collect();
    let mut all = json!({"paths": [{"landers": [{"lander_id": lander["id"]}], "offers": entries}]});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    (app.campaign_to(&advertiser, &offers[0], all).await, offers)
}

/// A visitor of a lander, by a fresh address for each request where none is said.
struct Guest<'a> {
    app: &'a TestApp,
    campaign: &'a Campaign,
    address: Option<&'static str>,
    keeps_cookies: bool,
    seen: Option<String>,
    requests: u8,
}

impl Guest<'_> {
    fn address(&mut self) -> String {
        self.requests += 1;
        self.address.map_or_else(|| format!("198.51.100.{}", self.requests), str::to_owned)
    }

    fn keep(&mut self, cookies: &[String]) {
        if self.keeps_cookies {
            let seen = cookies.iter().find(|cookie| cookie.starts_with("cl_seen="));
            self.seen = seen.cloned().or_else(|| self.seen.take());
        }
    }

    /// Clicks, and presses the lander's button: the click, and the offer's name.
    async fn go(&mut self, button: &str) -> (Click, String) {
        let (address, cookie) = (self.address(), self.seen.clone());
        let click = self.app.click_as(self.campaign, "", |request| {
            let request = request.header("x-forwarded-for", &address);
            match &cookie {
                Some(cookie) => request.header("cookie", cookie),
                None => request,
            }
        });
        let click = click.await;
        self.keep(&click.cookies);
        let answer = self.press(&click, button).await;
        (click, host(answer.location()).to_owned())
    }

    async fn press(&mut self, click: &Click, button: &str) -> Answer {
        let token = click.location.split("ct=").nth(1).unwrap().split('&').next().unwrap();
        let request = self.app.request(Method::GET, &format!("/go{button}?ct={token}"));
        let mut request = request.header("x-forwarded-for", self.address());
        if let Some(cookie) = &self.seen {
            request = request.header("cookie", cookie);
        }
        let answer = send(request).await;
        self.keep(&answer.cookies);
        answer
    }
}

fn guest<'a>(app: &'a TestApp, campaign: &'a Campaign) -> Guest<'a> {
    Guest { app, campaign, address: None, keeps_cookies: true, seen: None, requests: 0 }
}

stories! {
    async fn a_button_on_another_node_finds_a_click_of_a_moment_ago(app: TestApp) {
        let (campaign, _) = behind_a_lander(app, json!({"fallback_url": "https://fallback.example/"})).await;
        app.with_another_node(async |other| {
            // The other node follows the catalog.
            tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
            for _ in 0..5 {
                let click = app.click(&campaign).await;
                let pressed = send(crate::app::client().get(format!("{other}/go/2?cid={}", click.id))).await;
                assert_eq!(host(pressed.location()), "b", "no cookie and no token: it is looked for until it is there");
            }
        })
        .await;
    }

    async fn a_guessed_machine_is_led_on_and_stays_out_of_the_landers_figures(app: TestApp) {
        let (campaign, _) = behind_a_lander(app, json!({})).await;
        let limit = json!({"bot_address_limit": true, "bot_address_clicks": 2, "bot_address_minutes": 60});
        app.api(Method::PATCH, "/settings", Some(limit)).await.expect(200);
        let mut visitor = Guest { address: Some("198.51.100.77"), keeps_cookies: false, ..guest(app, &campaign) };
        let mut clicks = Vec::new();
        for _ in 0..3 {
            let (click, offer) = visitor.go("/1").await;
            assert_eq!(offer, "a", "whoever it is, he is led on");
            clicks.push(click);
        }
        let guessed = app.stored(&clicks[2]).await.record.bot.map(|reason| reason.as_str());
        assert_eq!(guessed, Some("too_many_clicks"));
        app.until("every button is counted", || app.number("select count(*) from lp_clicks") == 3).await;
        assert_eq!(app.figures(&campaign, ["clicks", "bots", "lp_views", "lp_clicks"]), ["2", "1", "2", "2"]);
        crate::app::assert_sums_are_raw(&app.db);
    }

    async fn a_sticky_visitor_keeps_his_offer_behind_a_lander(app: TestApp) {
        let (campaign, _) = behind_a_lander(app, json!({"sticky": true})).await;
        for _ in 0..4 {
            let mut guest = guest(app, &campaign);
            let (_, first) = guest.go("").await;
            for _ in 0..4 {
                assert_eq!(guest.go("").await.1, first);
            }
            let wanted = if first == "b" { ("/3", "c") } else { ("/2", "b") };
            assert_eq!(guest.go(wanted.0).await.1, wanted.1, "a button of an offer's own leads there");
            assert_eq!(guest.go("").await.1, wanted.1, "and is kept then");
        }
        // Without cookies by address and agent.
        let mut still = Guest { address: Some("192.0.2.9"), keeps_cookies: false, ..guest(app, &campaign) };
        let (_, first) = still.go("").await;
        let other = if first == "d" { ("/1", "a") } else { ("/4", "d") };
        assert_eq!(still.go(other.0).await.1, other.1);
        assert_eq!(still.go("").await.1, other.1);
        app.settled().await;
    }

    async fn what_was_not_seen_comes_first_behind_a_lander(app: TestApp) {
        let (campaign, _) = behind_a_lander(app, json!({"smart_order": true})).await;
        let mut guest = guest(app, &campaign);
        let mut seen = HashSet::new();
        for _ in 0..4 {
            seen.insert(guest.go("").await.1);
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
        app.settled().await;
    }

    async fn no_button_leads_where_a_visitor_converted(app: TestApp) {
        let (campaign, offers) = behind_a_lander(app, json!({"skip_converted": true})).await;
        let mut guest = Guest { address: Some("192.0.2.7"), keeps_cookies: false, ..guest(app, &campaign) };
        let (click, _) = guest.go("/1").await;
        assert_eq!(host(guest.press(&click, "/2").await.location()), "b");
        app.settled().await;
        app.until("the buttons are stored", || app.number("select count(*) from lp_clicks") == 2).await;
        for (txid, offer) in [("one", &offers[0]), ("two", &offers[1])] {
            let said = format!("payout=1&txid={txid}&offer_id={}", offer["id"]);
            assert_eq!(app.say(&click, &said).await.code(), "recorded");
        }
        let converted: HashSet<i64> = app.conversions(&click).iter().filter_map(|one| one.value.offer_id).collect();
        let closed: HashSet<&str> = ["a", "b"].into_iter().zip(&offers)
            .filter(|(_, offer)| converted.contains(&offer["id"].as_i64().unwrap())).map(|(name, _)| name).collect();
        assert!(!closed.is_empty());
        for button in ["", "/1", "/2", "", "", ""] {
            let (_, offer) = guest.go(button).await;
            assert!(!closed.contains(offer.as_str()), "{offer} of {closed:?}");
        }
        // By the click itself where he comes from another address.
        guest.address = Some("203.0.113.99");
        for _ in 0..6 {
            assert!(!closed.contains(host(guest.press(&click, "/1").await.location())));
        }
        app.settled().await;
    }

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
