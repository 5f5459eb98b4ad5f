//! Routing: rules, rotation, what a visitor has seen, fallbacks, redirect modes.

use crate::app::{Answer, Campaign, Click, PATIENCE, PHONE, TestApp, click_id_in, send};
use crate::sql;
use clickledger::db::{AnyConnection, Priority};
use clickledger::domain::click::RouteRefusal;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Runs a statement behind the server's back.
pub fn behind(app: &TestApp, statement: &str) {
    app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, statement)).unwrap();
}

/// Offers `a`, `b`, ... of one advertiser, each at an address of its own.
pub async fn offers<const N: usize>(app: &TestApp, names: [&str; N]) -> (Value, [Value; N]) {
    let advertiser = app.advertiser(json!({})).await;
    let mut made = Vec::new();
    for name in names {
        let url = format!("https://{name}.example/?ref={{click_id}}");
        made.push(app.offer(&advertiser, json!({"name": name, "url": url})).await);
    }
    (advertiser, made.try_into().unwrap())
}

/// One path to an offer.
pub fn to(offer: &Value) -> Value {
    json!([{"offers": [{"offer_id": offer["id"]}]}])
}

/// Conditions of one.
pub fn when(fact: &str, op: &str, values: impl Into<Value>) -> Value {
    let values: Value = values.into();
    json!({"any": [{"all": [{"fact": fact, "op": op, "values": values}]}]})
}

/// The host that a click was sent to, without `.example`.
pub fn host(location: &str) -> &str {
    location.split("://").nth(1).unwrap().split(".example").next().unwrap()
}

/// A request from an address.
pub fn from(address: &'static str) -> impl Fn(RequestBuilder) -> RequestBuilder {
    move |request| request.header("x-forwarded-for", address)
}

/// A visitor who keeps his cookies.
struct Visitor<'a> {
    app: &'a TestApp,
    campaign: &'a Campaign,
    cookie: Option<String>,
}

impl Visitor<'_> {
    async fn click(&mut self) -> Click {
        let cookie = self.cookie.clone();
        // Another address each time: only the cookie tells who it is.
        let n: u8 = rand_byte();
        let click = self.app.click_as(self.campaign, "", |request| {
            let request = request.header("x-forwarded-for", format!("198.51.100.{n}"));
            match &cookie {
                Some(cookie) => request.header("cookie", cookie),
                None => request,
            }
        });
        let click = click.await;
        if let Some(seen) = click.cookies.iter().find(|cookie| cookie.starts_with("cl_seen=")) {
            self.cookie = Some(seen.clone());
        }
        click
    }
}

fn rand_byte() -> u8 {
    use std::hash::{BuildHasher as _, RandomState};
    u8::try_from(RandomState::new().hash_one(1) % 250).unwrap()
}

/// A request to one of our hosts.
pub async fn visit(app: &TestApp, path: &str, host: &str) -> Answer {
    send(app.request(Method::GET, path).header("host", host)).await
}

stories! {
    async fn the_first_rule_that_holds_decides(app: TestApp) {
        let (advertiser, [german, phones, listed, others]) = offers(app, ["german", "phones", "listed", "others"]).await;
        let list = app.post("/lists", json!({"name": "Bad zones", "values": ["ZONE-7"]})).await;
        let on_list = json!({"any": [{"all": [{"fact": "sub1", "op": "in", "lists": [list["id"]]}]}]});
        let rules = json!([
            {"name": "Zones", "when": on_list, "paths": to(&listed)},
            {"name": "US", "when": when("country", "is", json!(["us"])), "paths": to(&german)},
            {"name": "Phones", "when": {"any": [
                {"all": [{"fact": "device", "op": "is", "values": ["mobile"]}, {"fact": "header:x-app", "op": "contains", "values": ["mail"]}]},
                {"all": [{"fact": "query:v", "op": "matches", "values": ["^7\\d$"]}]},
            ]}, "paths": to(&phones)},
        ]);
        let campaign = app.campaign_to(&advertiser, &others, json!({"rules": rules})).await;
        let saved = app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200);
        assert_eq!(saved["rules"][1]["when"], when("country", "is", json!(["US"])));

        let click = app.click_as(&campaign, "", from("8.8.8.8")).await;
        assert_eq!(host(&click.location), "german");
        let stored = app.stored(&click).await.record;
        assert_eq!(stored.rule_id, saved["rules"][1]["id"].as_i64());
        assert_eq!(stored.path_id, saved["rules"][1]["paths"][0]["id"].as_i64());
        let click = app.click_as(&campaign, "sub1=zone-7", from("8.8.8.8")).await;
        assert_eq!(host(&click.location), "listed", "the first wins");
        let click = app.click_as(&campaign, "v=78", from("203.0.113.1")).await;
        assert_eq!(host(&click.location), "phones");
        let on_phone = |request: RequestBuilder| request.header("user-agent", PHONE).header("x-app", "MAILER");
        assert_eq!(host(&app.click_as(&campaign, "", on_phone).await.location), "phones");
        let click = app.click_as(&campaign, "v=7", from("203.0.113.1")).await;
        assert_eq!(host(&click.location), "others");
        assert_eq!(app.stored(&click).await.record.rule_id, None);

        let values = format!("/lists/{}/values", list["id"]);
        app.api(Method::DELETE, &values, Some(json!({"values": ["zone-7"]}))).await.expect(200);
        let click = app.click_as(&campaign, "sub1=zone-7", from("203.0.113.1")).await;
        assert_eq!(host(&click.location), "others", "a change of a list is live at once");
        let added = app.api(Method::POST, &values, Some(json!({"values": ["Zone-8", "zone-9"]}))).await.expect(200);
        assert_eq!(added["values"], json!(["zone-8", "zone-9"]));
        let click = app.click_as(&campaign, "sub1=ZONE-8", from("203.0.113.1")).await;
        assert_eq!(host(&click.location), "listed");
    }

    async fn a_broken_rule_harms_no_other(app: TestApp) {
        let (advertiser, [first, second, others]) = offers(app, ["first", "second", "others"]).await;
        let rule = |offer: &Value| json!({"when": when("device", "is_not", json!(["tablet"])), "paths": to(offer)});
        let rules = json!([rule(&first), rule(&second)]);
        let campaign = app.campaign_to(&advertiser, &others, json!({"rules": rules})).await;
        let other = app.campaign_to(&advertiser, &others, json!({})).await;
        assert_eq!(host(&app.click(&campaign).await.location), "first");
        let ids = format!("select min(id) from rules where campaign_id = {}", campaign.id);
        let lowest = app.number(&ids);
        behind(app, &format!("update rules set conditions = 'no json' where id = {lowest}"));
        app.patch(&format!("/campaigns/{}", other.id), json!({"notes": "read the catalog anew"})).await;
        assert_eq!(host(&app.click(&campaign).await.location), "second");
        assert_eq!(host(&app.click(&other).await.location), "others");
        behind(app, &format!("update rules set conditions = '{{\"any\":[{{\"all\":[{{\"fact\":\"sub1\",\"op\":\"in\",\"lists\":[99]}}]}}]}}' where id = {lowest}"));
        behind(app, &format!("update campaigns set redirect = 'sideways' where id = {}", other.id));
        app.patch(&format!("/offers/{}", others["id"]), json!({"notes": "again"})).await;
        assert_eq!(host(&app.click(&campaign).await.location), "second", "a list that is gone");
        assert_eq!(app.get(&format!("/c/{}", other.slug)).await.status, 404, "the broken campaign alone is out");
        for table in ["offers", "landers", "sources", "advertisers"] {
            behind(app, &format!("update {table} set status = 'sideways' where id <> {} and id <> {}",
                others["id"], others["advertiser_id"]));
        }
        let late = app.campaign_to(&advertiser, &others, json!({})).await;
        assert_eq!(host(&app.click(&late).await.location), "others", "changes are followed past rows that cannot be read");
    }

    async fn a_sticky_visitor_keeps_his_way(app: TestApp) {
        let (advertiser, [a, b, c]) = offers(app, ["a", "b", "c"]).await;
        let entries: Vec<Value> = [&a, &b, &c].iter().map(|offer| json!({"offer_id": offer["id"]})).collect();
        let paths = json!([{"offers": entries}, {"offers": entries}]);
        let campaign = app.campaign_to(&advertiser, &a, json!({"paths": paths, "sticky": true})).await;
        let mut visitor = Visitor { app, campaign: &campaign, cookie: None };
        let first = visitor.click().await;
        let kept = app.stored(&first).await.record;
        for _ in 0..12 {
            let again = visitor.click().await;
            assert_eq!(host(&again.location), host(&first.location));
            assert_eq!(app.stored(&again).await.record.path_id, kept.path_id);
        }
        let mut without = HashSet::new();
        for _ in 0..12 {
            without.insert(host(&app.click_as(&campaign, "", from("192.0.2.5")).await.location).to_owned());
        }
        assert_eq!(without.len(), 1, "by address and agent where no cookie comes");
        app.patch(&format!("/offers/{}", kept.offer_id.unwrap()), json!({"status": "paused"})).await;
        assert_ne!(host(&visitor.click().await.location), host(&first.location), "what is gone is not kept");
        visitor.cookie = Some("cl_seen=forged".to_owned());
        visitor.click().await;
    }

    async fn what_was_not_seen_comes_first(app: TestApp) {
        let (advertiser, [a, b, c, d]) = offers(app, ["a", "b", "c", "d"]).await;
        let entry = |offer: &Value, weight: i64| json!({"offer_id": offer["id"], "weight": weight});
        let paths = json!([
            {"weight": 9000, "offers": [entry(&a, 9000), entry(&b, 1)]},
            {"weight": 1, "offers": [entry(&c, 1), entry(&d, 0)]},
        ]);
        let campaign = app.campaign_to(&advertiser, &a, json!({"paths": paths, "smart_order": true})).await;
        let mut visitor = Visitor { app, campaign: &campaign, cookie: None };
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(host(&visitor.click().await.location).to_owned());
        }
        let firsts: HashSet<&str> = seen[..2].iter().map(String::as_str).collect();
        assert!(firsts.contains("c"), "the other path comes second at the latest: {seen:?}");
        assert!(!seen.contains(&"d".to_owned()), "weight 0 is never drawn: {seen:?}");
        for _ in 0..6 {
            seen.push(host(&visitor.click().await.location).to_owned());
        }
        assert!(seen.contains(&"b".to_owned()), "the offer not seen yet comes first on its path: {seen:?}");
    }

    async fn nobody_is_sent_where_he_converted(app: TestApp) {
        let (advertiser, [a, b]) = offers(app, ["a", "b"]).await;
        let paths = json!([{"offers": [{"offer_id": a["id"]}, {"offer_id": b["id"], "weight": 0}]}]);
        let more = json!({"paths": paths, "skip_converted": true, "fallback_url": "https://fallback.example/"});
        let campaign = app.campaign_to(&advertiser, &a, more).await;
        let mut visitor = Visitor { app, campaign: &campaign, cookie: None };
        let click = visitor.click().await;
        assert_eq!(host(&click.location), "a");
        assert_eq!(host(&visitor.click().await.location), "a");
        app.stored(&click).await;
        assert_eq!(app.postback(&click, "2.00").await.code(), "recorded");
        let again = send(app.request(Method::GET, &format!("/c/{}", campaign.slug)).header("cookie", visitor.cookie.clone().unwrap())).await;
        assert_eq!(host(again.location()), "fallback");
        assert_eq!(host(&app.click_as(&campaign, "", from("192.0.2.77")).await.location), "a", "somebody else");
        let paths = json!([{"offers": [{"offer_id": a["id"]}, {"offer_id": b["id"]}]}]);
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"paths": paths})).await;
        for _ in 0..8 {
            assert_eq!(host(&visitor.click().await.location), "b");
        }
    }

    async fn offers_that_cannot_take_a_visitor_are_passed_over(app: TestApp) {
        let (advertiser, [us, later, over, paused, all]) = offers(app, ["us", "later", "over", "paused", "all"]).await;
        let change = async |offer: &Value, fields: Value| app.patch(&format!("/offers/{}", offer["id"]), fields).await;
        let kept = change(&us, json!({"countries": ["us", "Canada"]})).await;
        assert_eq!(kept["countries"], json!(["US", "CA"]));
        let kept = change(&later, json!({"active_from": "2099-01-01T00:00:00Z"})).await;
        assert_eq!(kept["active_from"], "2099-01-01T00:00:00.000Z");
        change(&over, json!({"active_until": "2020-01-01T00:00:00+02:00"})).await;
        change(&paused, json!({"status": "paused"})).await;
        let entry = |offer: &Value, weight: i64| json!({"offer_id": offer["id"], "weight": weight});
        let heavy = [entry(&us, 9000), entry(&later, 9000), entry(&over, 9000), entry(&paused, 9000)];
        let paths = json!([{"weight": 9000, "offers": heavy}, {"weight": 1, "offers": [entry(&all, 1)]}]);
        let campaign = app.campaign_to(&advertiser, &all, json!({"paths": paths})).await;
        for _ in 0..5 {
            assert_eq!(host(&app.click_as(&campaign, "", from("203.0.113.1")).await.location), "all");
        }
        let mut seen = HashSet::new();
        for _ in 0..5 {
            seen.insert(host(&app.click_as(&campaign, "", from("8.8.8.8")).await.location).to_owned());
        }
        assert!(seen.contains("us") && seen.is_subset(&["us".to_owned(), "all".to_owned()].into()), "{seen:?}");
        let wrong = json!({"active_from": "2026-01-02T00:00Z", "countries": ["XX"], "at_cap": {"do": "url", "url": "javascript:x"}});
        let refused = app.api(Method::PATCH, &format!("/offers/{}", all["id"]), Some(wrong)).await.expect(422);
        let fields: HashSet<&str> = refused["fields"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, HashSet::from(["active_from", "countries", "at_cap.url"]));
    }

    async fn a_campaign_may_stand_in_the_place_of_an_offer(app: TestApp) {
        let (advertiser, [inner, other]) = offers(app, ["inner", "other"]).await;
        let rules = json!([{"when": when("sub1", "is", json!(["x"])), "paths": to(&other)}]);
        let second = app.campaign_to(&advertiser, &inner, json!({"name": "Second", "rules": rules})).await;
        let paths = json!([{"offers": [{"campaign_id": second.id}]}]);
        let first = app.campaign_to(&advertiser, &inner, json!({"name": "First", "paths": paths, "fallback_url": "https://fallback.example/"})).await;
        let click = app.click(&first).await;
        assert_eq!(host(&click.location), "inner");
        let stored = app.stored(&click).await.record;
        assert_eq!((stored.campaign_id, stored.offer_id), (first.id, Some(second.offer)));
        assert_eq!(host(&app.click_as(&first, "sub1=X", |request| request).await.location), "other", "by the other's rules");
        assert_eq!(app.postback(&click, "1.00").await.code(), "recorded");

        // A loop that slipped past the check is cut.
        behind(app, &format!("update paths set offers = '[{{\"campaign_id\":{},\"weight\":1}}]' where campaign_id = {}", first.id, second.id));
        app.patch(&format!("/offers/{}", inner["id"]), json!({"notes": "read the catalog anew"})).await;
        let answer = app.get(&format!("/c/{}", first.slug)).await;
        assert_eq!(host(answer.location()), "fallback");
        app.patch(&format!("/campaigns/{}", second.id), json!({"paths": to(&inner), "rules": []})).await;
        assert_eq!(host(&app.click(&first).await.location), "inner");
        app.patch(&format!("/campaigns/{}", second.id), json!({"status": "paused"})).await;
        assert_eq!(host(app.get(&format!("/c/{}", first.slug)).await.location()), "fallback");
    }

    async fn a_landers_button_leads_through_a_campaign(app: TestApp) {
        let (advertiser, [inner, direct]) = offers(app, ["inner", "direct"]).await;
        let second = app.campaign_to(&advertiser, &inner, json!({"name": "Second"})).await;
        let lander = app.post("/landers", json!({"name": "L", "url": "https://lander.example/?ct={click_token}&ref={click_id}"})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}],
            "offers": [{"offer_id": direct["id"]}, {"campaign_id": second.id}]}]);
        let first = app.campaign_to(&advertiser, &direct, json!({"paths": paths, "sticky": true})).await;
        let click = app.click(&first).await;
        let token = click.location.split("ct=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        assert_eq!(host(app.get(&format!("/go/1?ct={token}")).await.location()), "direct");
        assert_eq!(host(app.get(&format!("/go/2?ct={token}")).await.location()), "inner");
        let drawn = app.get(&format!("/go?ct={token}")).await.location().to_owned();
        for _ in 0..6 {
            assert_eq!(app.get(&format!("/go?ct={token}")).await.location(), drawn, "sticky behind the button too");
        }
        app.settled().await;
    }

    async fn paid_traffic_ends_somewhere(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (path, unknown) = (format!("/c/{}", campaign.slug), "/c/nobody-knows");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"status": "paused"})).await;
        assert_eq!(visit(app, &path, "trk.example:80").await.status, 404);
        assert_eq!(visit(app, unknown, "trk.example").await.status, 404);
        behind(app, "insert into settings (name, value) values ('fallback_url', 'https://account.example/?c={country}')");
        behind(app, "insert into domains (host, kind, fallback_url, status, created_at_ms) values ('Trk.example', 'tracking', 'https://host.example/?d={tracking_domain}', 'active', 1)");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"notes": "again"})).await;
        assert_eq!(host(visit(app, &path, "other.example").await.location()), "account");
        assert_eq!(host(visit(app, unknown, "other.example").await.location()), "account");
        assert_eq!(visit(app, &path, "TRK.example:8080").await.location(), "https://host.example/?d=TRK.example%3A8080");
        assert_eq!(host(visit(app, unknown, "trk.example").await.location()), "host");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"fallback_url": "https://own.example/?ref={click_id}"})).await;
        let own = visit(app, &path, "trk.example").await;
        assert_eq!(host(own.location()), "own");
        let id = click_id_in(own.location()).unwrap();
        let click = Click { id, key: String::new(), location: String::new(), cookies: Vec::new() };
        assert_eq!(app.stored(&click).await.record.refusal, Some(RouteRefusal::CampaignPaused));
        // One that slipped past the check is cut when it is met.
        behind(app, &format!("update campaigns set fallback_url = 'https://trk.example/c/{}'", campaign.slug));
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"notes": "and again"})).await;
        assert_eq!(host(visit(app, &path, "trk.example").await.location()), "host", "never a loop");
    }

    async fn redirects_hide_what_they_say(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let offer = app.offer(&advertiser, json!({"url": "https://shop.example/?a='{sub1}'&ref={click_id}"})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({"redirect": "meta"})).await;
        let path = format!("/c/{}?sub1=%22%3E%3Cscript%3E", campaign.slug);
        let answer = app.get(&path).await;
        assert_eq!((answer.status, answer.header("cache-control"), answer.header("referrer-policy")), (200, "no-store", "no-referrer"));
        assert!(answer.text.contains("content=\"0;url=https://shop.example/?a=&#39;%22%3E%3Cscript%3E&#39;&amp;ref="), "{}", answer.text);
        assert!(!answer.text.contains("<script"));

        app.patch(&format!("/campaigns/{}", campaign.id), json!({"redirect": "double_meta"})).await;
        let answer = app.get(&path).await;
        assert!(!answer.text.contains("shop.example"), "{}", answer.text);
        let hop = answer.text.split("0;url=").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert!(hop.starts_with("/r/"));
        let second = app.get(&hop).await;
        assert_eq!((second.status, second.header("cache-control"), second.header("referrer-policy")), (200, "no-store", "no-referrer"));
        assert!(second.text.contains("0;url=https://shop.example/"), "{}", second.text);
        for forged in [format!("{hop}x"), "/r/https://evil.example".to_owned(), "/r/aHR0cHM6Ly9ldmlsLmV4YW1wbGU".to_owned()] {
            assert_eq!(app.get(&forged).await.status, 404, "{forged}");
        }
        for (mode, status) in [("302", 302), ("307", 307)] {
            app.patch(&format!("/campaigns/{}", campaign.id), json!({"redirect": mode})).await;
            let answer = app.get(&path).await;
            assert_eq!((answer.status, answer.header("cache-control")), (status, "no-store"));
        }
    }

    async fn a_trace_tells_the_way_and_keeps_nothing(app: TestApp) {
        let (advertiser, [german, others]) = offers(app, ["german", "others"]).await;
        let rules = json!([
            {"name": "Nights", "when": when("hour", "is", json!(["22-5"])), "paths": to(&german)},
            {"name": "US", "when": when("country", "in", json!(["US", "CA"])), "paths": to(&german)},
            {"name": "Later", "when": when("sub1", "is", json!(["x"])), "paths": to(&german)},
        ]);
        let campaign = app.campaign_to(&advertiser, &others, json!({"rules": rules})).await;
        let path = format!("/campaigns/{}/trace", campaign.id);
        let ask = json!({"address": "8.8.8.8", "user_agent": PHONE, "query": {"sub1": "x y"}, "at": "2026-11-21T12:00:00Z"});
        let traced = app.api(Method::POST, &path, Some(ask)).await.expect(200);
        assert_eq!((&traced["facts"]["country"], &traced["facts"]["device"]), (&json!("US"), &json!("mobile")));
        let steps = traced["steps"].as_array().unwrap();
        assert_eq!(steps[0]["holds"], false);
        assert_eq!(steps[0]["reason"], "it is Saturday, 12:00 UTC, so not: hour is 22\u{2013}5 (UTC)");
        assert_eq!((&steps[1]["holds"], &steps[1]["reason"]), (&json!(true), &json!("country is US")));
        assert_eq!(steps[1]["when"], "Country is United States or Canada");
        assert_eq!((&steps[2]["holds"], &steps[2]["reason"]), (&Value::Null, &json!("not asked, since US holds")));
        assert_eq!(steps[4]["name"], "german");
        assert_eq!(traced["url"], "https://german.example/?ref=");
        assert_eq!(traced["rule_id"], steps[1]["id"]);
        let wrong = json!({"address": "nowhere", "at": "soon", "colour": 1});
        let refused = app.api(Method::POST, &path, Some(wrong)).await.expect(422);
        assert_eq!(refused["fields"].as_array().unwrap().len(), 3);
        assert_eq!(app.api(Method::POST, "/campaigns/99/trace", Some(json!({"address": "::1"}))).await.status, 404);
        app.click(&campaign).await;
        app.settled().await;
        assert_eq!(app.number("select count(*) from clicks"), 1, "the click alone");
    }
}

stories! {
    /// As another node, or a person on the command line, changes it: this process is told nothing.
    async fn what_others_change_is_followed(app: TestApp) {
        let (advertiser, [first]) = offers(app, ["a"]).await;
        let campaign = app.campaign_to(&advertiser, &first, json!({})).await;
        assert_eq!(host(&app.click(&campaign).await.location), "a");
        let begun = std::time::Instant::now();
        behind(app, "update offers set url = 'https://b.example/?ref={click_id}'");
        while host(&app.click(&campaign).await.location) != "b" {
            assert!(begun.elapsed() < PATIENCE, "not followed");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        behind(app, &format!("update campaigns set status = 'paused' where id = {}", campaign.id));
        let begun = std::time::Instant::now();
        while app.get(&format!("/c/{}", campaign.slug)).await.status != 404 {
            assert!(begun.elapsed() < PATIENCE, "the pause was not followed");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
