//! Clicks: from the address to the target, and what is kept of the visitor.

use crate::app::{BROWSER, Click, PHONE, TestApp, send};
use clickledger::db::{AnyConnection, Priority, clicks};
use clickledger::domain::click::{LpClickRecord, RouteRefusal};
use clickledger::domain::click_id::ClickId;
use clickledger::domain::{BotReason, Device};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;

/// The number of an address in a query (`...?n=3&...`).
fn parameter<'a>(location: &'a str, name: &str) -> Option<&'a str> {
    let query = location.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// A campaign over a lander with two offers, and its visitor on the lander.
async fn on_a_lander(app: &TestApp) -> (crate::app::Campaign, Vec<Value>) {
    let advertiser = app.advertiser(json!({})).await;
    let mut offers = Vec::new();
    for name in ["first", "second"] {
        let url = format!("https://shop.example/{name}?ref={{click_id}}");
        offers.push(app.offer(&advertiser, json!({"name": name, "url": url})).await);
    }
    let lander = json!({"name": "Quiz", "offer_links": 2,
        "url": "https://lander.example/?ref={click_id}&ct={click_token}"});
    let lander = app.post("/landers", lander).await;
    let entries: Vec<Value> = offers.iter().map(|offer| json!({"offer_id": offer["id"]})).collect();
    let paths = json!([{"landers": [{"lander_id": lander["id"]}], "offers": entries}]);
    (app.campaign_to(&advertiser, &offers[0], json!({"paths": paths})).await, offers)
}

stories! {
    async fn a_click_is_sent_on_and_stored_with_its_facts(app: TestApp) {
        let source = app.post("/sources", json!({"name": "Ads", "external_id_param": "zid",
            "cost_model": "param", "cost_param": "bid", "cost_unit": "click",
            "tokens": [{"slot": 3, "param": "zone", "label": "Zone"}]})).await;
        let campaign = app.campaign(json!({"source_id": source["id"]})).await;
        let query = "zid=their%20id&bid=0.0125&zone=z%26z&sub1=one&utm_source=mail&other=x";
        let click = app.click_as(&campaign, query, |request| {
            request
                .header("x-forwarded-for", "8.8.8.8")
                .header("user-agent", PHONE)
                .header("accept-language", "pt-BR,pt;q=0.9")
                .header("referer", "https://News.Example/page")
        }).await;
        assert_eq!(click.location, format!("https://shop.example/?ref={}", click.id));

        let stored = app.stored(&click).await.record;
        assert_eq!((stored.campaign_id, stored.offer_id), (campaign.id, Some(campaign.offer)));
        assert_eq!(stored.source_id, source["id"].as_i64());
        assert_eq!(stored.country.unwrap().as_str(), "US");
        assert_eq!(stored.address.unwrap().to_string(), "8.8.8.8");
        assert_eq!((stored.device, stored.os.as_deref()), (Device::Mobile, Some("Android")));
        assert_eq!(stored.os_version.as_deref(), Some("14"));
        assert_eq!(stored.language.unwrap().as_str(), "pt");
        assert_eq!(stored.referrer_host.as_deref(), Some("news.example"));
        assert_eq!(stored.external_id.as_deref(), Some("their id"));
        assert_eq!(stored.cost_micros, 12_500);
        assert_eq!(stored.subs, [(1, "one".into()), (3, "z&z".into())]);
        assert_eq!(stored.params, [("utm_source".into(), "mail".into())]);
        assert_eq!(&*stored.agent, PHONE);
        assert!(stored.is_unique && stored.bot.is_none() && !stored.is_test && !stored.is_cut);
        let now_ms = clickledger::http::now_ms();
        assert!((now_ms - 60_000..=now_ms).contains(&stored.clicked_at_ms));
        assert_eq!(
            app.figures(&campaign, ["clicks", "uniques", "bots", "cost"]),
            ["1", "1", "0", "0.0125"]
        );
    }

    async fn an_address_that_no_country_has_is_unknown(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app
            .click_as(&campaign, "", |request| request.header("x-forwarded-for", "203.0.113.7"))
            .await;
        let stored = app.stored(&click).await.record;
        assert_eq!(stored.address.unwrap().to_string(), "203.0.113.7");
        assert_eq!(stored.country, None);
        assert_eq!(stored.cost_original_micros, None, "no cost was named: unknown, not free");
    }

    async fn machines_are_sent_on_and_counted_apart(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let path = format!("/c/{}", campaign.slug);
        let head = send(app.request(Method::HEAD, &path)).await;
        assert_eq!(head.status, 302);
        let mut seen = vec![(BotReason::Head, crate::app::click_id_in(head.location()).unwrap())];
        for (reason, header, value) in [
            (BotReason::Prefetch, "sec-purpose", "prefetch;prerender"),
            (BotReason::Prefetch, "purpose", "prefetch"),
            (BotReason::Preview, "x-purpose", "preview"),
            (BotReason::EmptyAgent, "user-agent", ""),
            (BotReason::Crawler, "user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1)"),
        ] {
            let click = app.click_as(&campaign, "", |request| request.header(header, value)).await;
            seen.push((reason, click.id));
        }
        let person = app.click_as(&campaign, "", |request| {
            // Some phones name their model in their own letters, some even in bytes that are no text.
            let agent = [PHONE.as_bytes(), " Galaxy \u{421}\u{430}\u{43c} ".as_bytes(), b"\xe9"].concat();
            request.header("user-agent", agent)
        }).await;
        for (reason, id) in seen {
            let click = Click { id, ..person.clone() };
            assert_eq!(app.stored(&click).await.record.bot, Some(reason), "{reason}");
        }
        app.settled().await;
        assert_eq!(app.stored(&person).await.record.bot, None);
        assert_eq!(app.figures(&campaign, ["clicks", "bots"]), ["1", "6"]);
    }

    async fn a_visitor_is_unique_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let other = app.campaign(json!({"name": "Another"})).await;
        let from = |address: &'static str| {
            move |request: reqwest::RequestBuilder| request.header("x-forwarded-for", address)
        };
        let first = app.click_as(&campaign, "", from("198.51.100.1")).await;
        assert!(first.cookies.iter().any(|cookie| *cookie == format!("cl_u{}=1", campaign.id)));
        let again = app.click_as(&campaign, "", from("198.51.100.1")).await;
        assert!(again.cookies.is_empty(), "{:?}", again.cookies);
        // The same person elsewhere: the cookie tells.
        let cookie = first.cookies.join("; ");
        let moved = app
            .click_as(&campaign, "", |request| from("198.51.100.2")(request).header("cookie", &cookie))
            .await;
        let stranger = app.click_as(&campaign, "", from("198.51.100.3")).await;
        let elsewhere = app.click_as(&other, "", from("198.51.100.1")).await;
        let mut unique = Vec::new();
        for click in [&first, &again, &moved, &stranger, &elsewhere] {
            unique.push(app.stored(click).await.record.is_unique);
        }
        assert_eq!(unique, [true, false, false, true, true]);
        assert_eq!(app.figures(&campaign, ["clicks", "uniques"]), ["4", "2"]);
    }

    async fn an_unknown_address_gets_a_page_that_says_so(app: TestApp) {
        let answer = app.get("/c/nobody-has-this").await;
        assert_eq!(answer.status, 404);
        assert!(answer.headers["content-type"].starts_with("text/html"));
        assert!(answer.text.contains("<h1>"), "{}", answer.text);
        assert_eq!(answer.headers["cache-control"], "no-store");
    }

    async fn an_address_is_known_by_what_it_means_and_takes_get_and_head_alone(app: TestApp) {
        let campaign = app.campaign(json!({"slug": "spring-sale"})).await;
        assert_eq!(app.get("/c/spring%2Dsale?utm_source=x").await.status, 302);
        for other in ["/c", "/c/", "/c/spring-sale/", "/c/spring-sale/more", "/c/Spring", "/cspring-sale"] {
            assert_eq!(app.get(other).await.status, 404, "{other}");
        }
        let posted = send(app.request(Method::POST, &format!("/c/{}", campaign.slug))).await;
        assert_eq!(posted.status, 405);
        assert_eq!(posted.headers["allow"], "GET, HEAD");
        app.until("the one click is stored", || app.number("select count(*) from clicks") == 1).await;
    }

    async fn a_paused_campaign_leads_to_its_fallback_and_says_why(app: TestApp) {
        let with = app.campaign(json!({"fallback_url": "https://later.example/?ref={click_id}"})).await;
        let without = app.campaign(json!({"name": "No fallback"})).await;
        for campaign in [&with, &without] {
            app.patch(&format!("/campaigns/{}", campaign.id), json!({"status": "paused"})).await;
        }
        let click = app.click(&with).await;
        assert_eq!(click.location, format!("https://later.example/?ref={}", click.id));
        let stored = app.stored(&click).await.record;
        assert_eq!((stored.refusal, stored.offer_id), (Some(RouteRefusal::CampaignPaused), None));

        let answer = app.get(&format!("/c/{}", without.slug)).await;
        assert_eq!(answer.status, 404);
        assert!(answer.text.contains("<h1>"));
        let refused = format!("select count(*) from clicks where campaign_id = {} and refusal = 'campaign_paused'",
            without.id);
        app.until("the refused click is stored", || app.number(&refused) == 1).await;
        let postback = app.postback(&click, "1.00").await;
        assert_eq!(postback.code(), "parked_wrong_offer");
    }

    async fn a_paused_offer_is_passed_over(app: TestApp) {
        let campaign = app.campaign(json!({"fallback_url": "https://later.example/?ref={click_id}"})).await;
        app.patch(&format!("/offers/{}", campaign.offer), json!({"status": "paused"})).await;
        let click = app.click(&campaign).await;
        assert!(click.location.starts_with("https://later.example/"));
        assert_eq!(app.stored(&click).await.record.refusal, Some(RouteRefusal::NoOffer));
    }

    async fn weight_zero_is_never_drawn(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let mut offers = Vec::new();
        for n in 0..3 {
            let url = format!("https://shop.example/{n}?ref={{click_id}}");
            offers.push(app.offer(&advertiser, json!({"url": url})).await);
        }
        let entry = |n: usize, weight: i64| json!({"offer_id": offers[n]["id"], "weight": weight});
        let paths = json!([
            {"weight": 50, "offers": [entry(0, 1), entry(1, 0)]},
            {"weight": 0, "offers": [entry(2, 100)]},
        ]);
        let campaign = app.campaign_to(&advertiser, &offers[0], json!({"paths": paths})).await;
        for _ in 0..60 {
            let click = app.click(&campaign).await;
            assert!(click.location.starts_with("https://shop.example/0?"), "{}", click.location);
        }
        let no_weight = json!({"paths": [{"weight": 0, "offers": [entry(0, 1)]}]});
        app.patch(&format!("/campaigns/{}", campaign.id), no_weight).await;
        assert_eq!(app.get(&format!("/c/{}", campaign.slug)).await.status, 404);
    }

    async fn both_sides_of_an_even_split_are_drawn(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let mut entries = Vec::new();
        let mut last = Value::Null;
        for n in 0..2 {
            let url = format!("https://shop.example/{n}?ref={{click_id}}");
            last = app.offer(&advertiser, json!({"url": url})).await;
            entries.push(json!({"offer_id": last["id"]}));
        }
        let campaign = app.campaign_to(&advertiser, &last, json!({"paths": [{"offers": entries}]})).await;
        let mut sides = HashSet::new();
        for _ in 0..60 {
            let click = app.click(&campaign).await;
            sides.insert(click.location.split('?').next().unwrap().to_owned());
        }
        assert_eq!(sides.len(), 2, "sixty draws of an even split came out on one side");
    }

    async fn a_landers_buttons_lead_to_its_offers(app: TestApp) {
        let (campaign, offers) = on_a_lander(app).await;
        let click = app.click(&campaign).await;
        assert!(click.location.starts_with("https://lander.example/"), "{}", click.location);
        let token = parameter(&click.location, "ct").unwrap().to_owned();
        let cookie = click.cookies.iter().find(|cookie| cookie.starts_with("cl_click=")).unwrap().clone();
        let target = |name: &str| format!("https://shop.example/{name}?ref={}", click.id);

        let answer = app.get(&format!("/go/1?ct={token}")).await;
        assert_eq!(answer.location(), target("first"), "by the token");
        let answer = app.get(&format!("/go/2?cid={}", click.id.to_uppercase())).await;
        assert_eq!(answer.location(), target("second"), "by the click id, in any case");
        let answer = send(app.request(Method::GET, "/go/1").header("cookie", &cookie)).await;
        assert_eq!(answer.location(), target("first"), "by the cookie");
        let answer = send(app.request(Method::GET, "/go").header("cookie", &cookie)).await;
        assert!([target("first"), target("second")].contains(&answer.location().to_owned()), "one by weight");
        let answer = app.get(&format!("/go/9?ct={token}")).await;
        assert!(answer.location().starts_with("https://shop.example/"), "no button is dead");
        let looked_ahead = send(app.request(Method::HEAD, &format!("/go/1?ct={token}"))).await;
        assert_eq!(looked_ahead.location(), target("first"));
        assert_eq!(app.get("/go/1").await.status, 404, "nobody knows whose click this is");
        assert_eq!(app.get(&format!("/go/1?ct={token}x")).await.status, 404, "a token that was changed");

        app.until("five buttons are counted, the HEAD is not", || app.number("select count(*) from lp_clicks") == 5)
            .await;
        app.until("the click knows of them", || {
            app.number("select count(*) from clicks where lp_clicks = 5 and last_offer_id is not null") == 1
        }).await;
        assert_eq!(app.figures(&campaign, ["clicks", "lp_views", "lp_clicks"]), ["1", "1", "5"]);
        let pressed = app.stored(&click).await;
        assert!(offers.iter().any(|offer| offer["id"].as_i64() == pressed.last_offer_id));
        let postback = app.postback(&click, "3.00").await;
        assert_eq!(postback.code(), "recorded");
        assert_eq!(app.conversions(&click)[0].value.offer_id, pressed.last_offer_id);
    }

    async fn a_button_that_missed_its_click_is_counted_all_the_same(app: TestApp) {
        let (campaign, offers) = on_a_lander(app).await;
        let click = app.click(&campaign).await;
        let stored = app.stored(&click).await.record;
        // As two nodes leave it that bring the click and its button in the same moment: neither sees the other's row.
        let press = |offer: &Value, at_ms: i64| LpClickRecord {
            id: ClickId::new(at_ms, rand::random()),
            click_id: stored.id,
            clicked_at_ms: at_ms,
            campaign_id: campaign.id,
            lander_id: stored.lander_id,
            offer_id: offer["id"].as_i64(),
        };
        let at_ms = stored.clicked_at_ms;
        let (first, last) = (press(&offers[0], at_ms + 1_000), press(&offers[1], at_ms + 2_000));
        app.db
            .write(Priority::Ingester, |conn: &mut AnyConnection| {
                clicks::insert_lp_click(conn, &last, false)?;
                clicks::insert_lp_click(conn, &first, false)
            })
            .unwrap();
        app.until("both are counted", || app.number("select count(*) from lp_clicks where is_counted") == 2).await;
        let counted = app.figures(&campaign, ["clicks", "lp_views", "lp_clicks"]);
        assert_eq!(counted, ["1", "1", "2"]);
        assert_eq!(app.number("select max(lp_clickers) from rollup_hours"), 1, "one visitor pressed twice");
        assert_eq!(app.stored(&click).await.last_offer_id, offers[1]["id"].as_i64(), "the later one, whenever it came");
    }

    async fn a_button_finds_a_click_that_only_the_database_remembers(app: TestApp) {
        let (campaign, _) = on_a_lander(app).await;
        let click = app.click(&campaign).await;
        // One that another process brought is in nobody's memory here.
        let brought = app.like(&click, Duration::from_secs(5)).await;
        app.bring_click(&brought);
        let unseen = brought.id;
        let answer = app.get(&format!("/go/2?cid={unseen}")).await;
        assert_eq!(answer.location(), format!("https://shop.example/second?ref={unseen}"));
        app.until("the button is counted", || app.number("select count(*) from lp_clicks") == 1).await;
        let unknown = app.like(&click, Duration::from_secs(5)).await.id;
        assert_eq!(app.get(&format!("/go/1?cid={unknown}")).await.status, 404);
    }

    async fn a_postback_may_come_before_any_button_is_known(app: TestApp) {
        let (campaign, _) = on_a_lander(app).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.postback(&click, "3.00").await.code(), "recorded", "an offer that the path can reach");
    }

    async fn an_edit_is_live_at_once(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        app.click(&campaign).await;
        for n in 0..10 {
            let url = format!("https://shop.example/v{n}?ref={{click_id}}");
            app.patch(&format!("/offers/{}", campaign.offer), json!({"url": url})).await;
            let click = app.click(&campaign).await;
            assert!(click.location.starts_with(&format!("https://shop.example/v{n}?")), "{}", click.location);
        }
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"slug": "another-name"})).await;
        assert_eq!(app.get(&format!("/c/{}", campaign.slug)).await.status, 404);
        assert_eq!(app.get("/c/another-name").await.status, 302);
    }

    async fn a_slug_belongs_to_one_campaign(app: TestApp) {
        let first = app.campaign(json!({"slug": "summer"})).await;
        assert_eq!(first.slug, "summer");
        let second = json!({"name": "B", "slug": "SUMMER", "paths": [{"offers": [{"offer_id": first.offer}]}]});
        let answer = app.api(Method::POST, "/campaigns", Some(second)).await;
        assert_eq!(answer.expect(409)["fields"][0]["field"], "slug");
        let other = app.campaign(json!({})).await;
        let answer = app.api(Method::PATCH, &format!("/campaigns/{}", other.id), Some(json!({"slug": "summer"}))).await;
        answer.expect(409);
        assert_eq!(app.get(&format!("/c/{}", other.slug)).await.status, 302, "the old slug still leads on");
    }

    async fn an_archived_campaign_ends_its_address(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        assert_eq!(app.api(Method::DELETE, &format!("/campaigns/{}", campaign.id), None).await.status, 204);
        assert_eq!(app.get(&format!("/c/{}", campaign.slug)).await.status, 404);
    }

    async fn macros_are_filled_and_encoded(app: TestApp) {
        let advertiser = app.advertiser(json!({})).await;
        let url = "https://shop.example/?ref={click_id}&s={sub1}&c={country}&o={offer_name}&r={sub2|default:none}";
        let offer = app.offer(&advertiser, json!({"name": "A & B", "url": url})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({"append_query": true})).await;
        let click = app.click_as(&campaign, "sub1=a%26b%3Dc%0d%0aX", |request| {
            request.header("x-forwarded-for", "8.8.8.8")
        }).await;
        let start = format!("https://shop.example/?ref={}&s=a%26b%3Dc%0D%0AX&c=US&o=A%20%26%20B&r=none&", click.id);
        assert_eq!(click.location, format!("{start}sub1=a%26b%3Dc%0d%0aX"));
    }

    async fn long_and_broken_values_are_cut_and_never_an_error(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let long = "x".repeat(3_000);
        let click = app.click_as(&campaign, &format!("sub1={long}&sub2=%ff%00&sub3=%zz"), |request| {
            request.header("user-agent", format!("{BROWSER} {long}"))
        }).await;
        let stored = app.stored(&click).await.record;
        assert!(stored.is_cut);
        assert_eq!(stored.subs[0].1.len(), 255);
        assert_eq!(&*stored.subs[1].1, "\u{fffd}\u{fffd}");
        assert_eq!(&*stored.subs[2].1, "%zz");
    }
}
