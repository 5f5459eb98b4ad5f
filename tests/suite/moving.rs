//! Moving in: the old tracker's links lead to campaigns here, and its postback addresses take postbacks.

use crate::app::{Answer, Campaign, Click, click_id_in, send};
use crate::pages::Person;
use crate::routing::{offers, visit};
use reqwest::Method;
use serde_json::{Value, json};

const UUID: &str = "/3fa85f64-5717-4562-b3fc-2c963f66afa6";

/// A click that came to an old address of a campaign.
fn click_of(answer: &Answer, campaign: &Campaign) -> Click {
    let id = click_id_in(answer.location()).unwrap_or_else(|| panic!("no click id: {answer:?}"));
    let location = answer.location().to_owned();
    Click { id, key: campaign.key.clone(), location, cookies: answer.cookies.clone() }
}

/// What is said about a field that was refused.
fn said(refused: &Value, field: &str) -> String {
    let fields = refused["fields"].as_array().unwrap();
    let found = fields.iter().find(|one| one["field"] == field).unwrap_or_else(|| panic!("{refused}"));
    found["message"].as_str().unwrap().to_owned()
}

stories! {
    async fn old_links_are_clicks_on_the_campaign(app: TestApp) {
        let source = app.post("/sources", json!({"name": "Push", "external_id_param": "externalid", "cost_param": "cost",
            "cost_model": "param", "tokens": [{"slot": 1, "param": "t1", "label": "Zone"}]})).await;
        let aliases = json!([UUID, "https://old.example/DqT9jR/", "/click.php?key=abc", "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0"]);
        let campaign = app.campaign(json!({"source_id": source["id"], "aliases": aliases})).await;
        let shown = app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200);
        assert_eq!(shown["aliases"], json!([UUID, "/DqT9jR", "/click.php?key=abc", "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0"]));
        for (number, path) in [
            UUID, "/DqT9jR", "/dqt9jr", "/DqT9jR/", "/%44qT9jR", "/click.php?key=abc", "/click.php?x=1&key=ab%63", "/CLICK.PHP?key=ABC",
            "/click?key=abc", "/go/0b1c-uuid", "/cf/r/66f0",
        ].into_iter().enumerate() {
            let joint = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{joint}externalid=e{number}&cost=0.02&t1=zone-{number}");
            let answer = visit(app, &path, "any.example").await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let stored = app.stored(&click_of(&answer, &campaign)).await.record;
            assert_eq!(stored.campaign_id, campaign.id, "{path}");
            assert_eq!((stored.external_id.as_deref(), stored.sub(1)), (Some(&*format!("e{number}")), Some(&*format!("zone-{number}"))));
        }
        let clicks = app.number("select count(*) from clicks");
        for other in ["/click.php", "/click.php?key=", "/click.php?key=abcd", "/click", "/DqT9jR/x", "/go/other-uuid", "/cf/r", "/click.php?key=abc%00"] {
            assert_eq!(visit(app, other, "any.example").await.status, 404, "{other}");
        }
        let head = send(app.request(Method::HEAD, UUID)).await;
        assert_eq!(head.status, 302, "looked at, and counted as a machine's");
        let posted = send(app.request(Method::POST, UUID)).await;
        assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"));
        app.until("the look is stored", || app.number("select count(*) from clicks") == clicks + 1).await;
        let click = click_of(&visit(app, UUID, "any.example").await, &campaign);
        assert_eq!(app.postback(&click, "1.50").await.code(), "recorded");
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"aliases": []})).await;
        assert_eq!(visit(app, UUID, "any.example").await.status, 404, "live at once");
    }

    async fn an_old_link_leads_to_one_campaign(app: TestApp) {
        let first = app.campaign(json!({"name": "First", "aliases": [UUID, "/two", UUID]})).await;
        let (_, [offer]) = offers(app, ["there"]).await;
        let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
        let taken = app.api(Method::POST, "/campaigns", Some(json!({"name": "Second", "paths": paths, "aliases": ["/free", "/two"]}))).await;
        let taken = said(&taken.expect(422), "aliases");
        assert!(taken.contains("/two") && taken.contains(&format!("campaign {}, First", first.id)), "{taken}");
        let made = app.post("/campaigns", json!({"name": "Second", "paths": paths, "aliases": ["/free"]})).await;
        let path = format!("/campaigns/{}", made["id"]);
        app.api(Method::PATCH, &path, Some(json!({"aliases": [UUID]}))).await.expect(422);
        app.api(Method::DELETE, &format!("/campaigns/{}", first.id), None).await.expect(204);
        app.api(Method::PATCH, &path, Some(json!({"aliases": [UUID]}))).await.expect(422);
        app.patch(&format!("/campaigns/{}", first.id), json!({"aliases": ["/two"]})).await;
        assert_eq!(app.patch(&path, json!({"aliases": ["/free", UUID]})).await["aliases"], json!(["/free", UUID]));
        assert_eq!(app.patch(&path, json!({"notes": "kept"})).await["aliases"], json!(["/free", UUID]));
        assert!(visit(app, UUID, "any.example").await.location().contains("there"));
    }

    async fn no_old_address_takes_what_is_ours(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let path = format!("/campaigns/{}", campaign.id);
        for evil in [
            "/", "//evil.example", "https://evil.example", "/api/v1/x", "/%61pi/v1/x", "/API/v1", "/settings", "/campaigns", "/c/x", "/go", "/go/1",
            "/postback/k", "/x/postback", "/t.js", "/static/app.css", "/healthz", "/metrics", "/../settings", "/a/../../api", "/%2e%2e/api",
            "/a%2fb%2f", "/a%00", "/ä", "/<script>", "/a?b=c&d=e", "/a?b", "/click", "/click/1", "javascript:alert(1)", "/a b", "/%ff", "a",
        ] {
            let refused = app.api(Method::PATCH, &path, Some(json!({"aliases": [evil]}))).await;
            let why = said(&refused.expect(422), "aliases");
            assert!(why.len() > 20, "{evil}: {why}");
        }
        let many: Vec<String> = (0..5_000).map(|n| format!("/old-{n}")).collect();
        let refused = app.api(Method::PATCH, &path, Some(json!({"aliases": many}))).await.expect(422);
        assert!(said(&refused, "aliases").contains("at most 200"), "{refused}");
        for wrong in [json!("/a /b"), json!(7), json!([7]), json!({"a": "b"}), json!([["/a"]]), json!(["/a".repeat(200)])] {
            app.api(Method::PATCH, &path, Some(json!({"aliases": wrong}))).await.expect(422);
        }
        assert_eq!(app.get("/healthz").await.text, "ok\n");
        assert_eq!(app.patch(&path, json!({"aliases": null})).await["aliases"], json!([]));
    }

    async fn the_form_keeps_old_addresses(app: TestApp) {
        let person = Person::enter(app).await;
        let (_, [offer]) = offers(app, ["there"]).await;
        let form = |aliases: &str| format!("action=save&name=Old&slug=old&redirect=302&unique_window_hours=24&status=active&paths.0.weight=100\
            &paths.0.offers.0.offer_id={}&paths.0.offers.0.weight=100&aliases={aliases}", offer["id"]);
        let refused = person.send("/campaigns", &form("%2Fone%0D%0A%2Fapi%2Fx")).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("addresses under /api are this tracker") && refused.text.contains("/one\r\n/api/x"), "{refused:?}");
        let made = person.send("/campaigns", &form("%2Fone%0D%0A%0D%0A%2Fclick.php%3Fkey%3D7")).await;
        let page = person.page(made.location()).await;
        assert!(page.contains(">/one\n/click.php?key=7</textarea>"), "{page}");
        assert!(visit(app, "/click.php?key=7", "any.example").await.location().contains("there"));
    }

    async fn an_old_address_as_a_fallback_is_no_circle(app: TestApp) {
        let base = app.base.clone();
        let host = base.trim_start_matches("http://");
        let campaign = app.campaign(json!({"status": "paused", "aliases": ["/one", "/click.php?key=1"]})).await;
        let path = format!("/campaigns/{}", campaign.id);
        for fallback in [format!("{base}/one"), format!("{base}/%6fne?x={{country}}"), format!("{base}/click.php?key=1")] {
            app.patch(&path, json!({"fallback_url": fallback})).await;
            assert_eq!(visit(app, "/one", host).await.status, 404, "{fallback}");
        }
        // By a name that nobody told us, a mark ends it.
        app.patch(&path, json!({"fallback_url": "http://alias.example/one"})).await;
        let (mut next, mut hops) = ("/one".to_owned(), 0);
        loop {
            let answer = visit(app, &next, host).await;
            if answer.status == 404 {
                break;
            }
            hops += 1;
            assert!(hops < 10, "a circle");
            next = answer.location().trim_start_matches("http://alias.example").to_owned();
        }
        let (_, [offer]) = offers(app, ["there"]).await;
        let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
        app.post("/campaigns", json!({"name": "Second", "paths": paths, "aliases": ["/second"]})).await;
        app.patch(&path, json!({"fallback_url": format!("{base}/second")})).await;
        assert!(visit(app, "/one", host).await.location().contains("there"), "followed inside");
    }

    async fn old_postback_addresses_are_not_there_until_they_are_switched_on(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.settled().await;
        let old = |id: &str| [
            format!("/click.php?cnv_id={id}&payout=1"), format!("/click?cnv_id={id}&payout=1"), format!("/cf/cv?click_id={id}&payout=1"),
            format!("/fa0a0c2/postback?subid={id}&payout=1"), "/click".to_owned(), "/click/2".to_owned(), "/click.php?lp=1".to_owned(),
        ];
        for address in old(&click.id) {
            for method in [Method::GET, Method::POST, Method::HEAD] {
                assert_eq!(send(app.request(method.clone(), &address)).await.status, 404, "{method} {address}");
            }
        }
        assert_eq!(app.get(&format!("/postback?cid={}&payout=1", click.id)).await.expect(403)["code"], "bad_key");
        assert_eq!(app.number("select count(*) from conversions"), 0);
        let before = app.number("select count(*) from postbacks_received");
        assert_eq!(before, 1, "what is not there is not stored");
        for (wrong, field) in [
            (json!({"old_postbacks": ["binom"]}), "old_postback_addresses"),
            (json!({"old_postbacks": ["binom"], "old_postback_addresses": ["0.0.0.0/0"]}), "old_postback_addresses"),
            (json!({"old_postback_addresses": ["::/0"]}), "old_postback_addresses"),
            (json!({"old_postbacks": ["keitaro"], "old_postback_addresses": ["203.0.113.7"]}), "old_postbacks"),
            (json!({"old_forward_unknown_to": "ftp://x/"}), "old_forward_unknown_to"),
            (json!({"old_postbacks": 7}), "old_postbacks"), (json!({"old_postbacks": [7]}), "old_postbacks"),
            (json!({"old_postback_key": "abc"}), "old_postback_key"), (json!({"old_postback_key": "a/b/c/d"}), "old_postback_key"),
            (json!({"old_postback_key": "settings"}), "old_postback_key"), (json!({"old_postback_key": ["x"]}), "old_postback_key"),
            (json!({"old_buttons": "perhaps"}), "old_buttons"),
        ] {
            let refused = app.api(Method::PATCH, "/settings", Some(wrong.clone())).await.expect(422);
            assert!(said(&refused, field).len() > 12, "{wrong}: {refused}");
        }
    }

    async fn binom_and_clickflare_post_back_to_their_old_addresses(app: TestApp) {
        app.campaign(json!({"aliases": ["/click.php?key=abc", "/click?key=abc"]})).await;
        app.patch("/settings", json!({"old_postbacks": ["binom", "clickflare"], "old_postback_addresses": "127.0.0.0/8"})).await;
        let id = |answer: &Answer| click_id_in(answer.location()).unwrap();
        let first = id(&app.get("/click.php?key=abc").await);
        app.settled().await;
        let recorded = app.get(&format!("/click.php?cnv_id={first}&payout=1.50&cnv_status=approved")).await;
        assert_eq!((recorded.status, recorded.code()), (200, "recorded".to_owned()));
        let again = app.get(&format!("/click?cnv_id={first}&payout=1.75")).await;
        assert_eq!(again.code(), "updated");
        let second = id(&app.get("/click?key=abc&lp=0").await);
        let listed = app.get(&format!("/cf/cv?click_id={second}&payout=2&txid=t1&status=sold&sale_status=won,sold&rejected_status=lost")).await;
        assert_eq!(listed.code(), "recorded", "{listed:?}");
        let posted = send(app.request(Method::POST, "/cf/postback").header("content-type", "application/x-www-form-urlencoded")
            .body(format!("cid={second}&payout=3&txid=t2&status=lost&rejected_status=lost"))).await;
        assert_eq!(posted.code(), "recorded", "{posted:?}");
        assert_eq!(app.number("select count(*) from conversions where status = 'rejected'"), 1);
        let look = send(app.request(Method::HEAD, &format!("/click.php?cnv_id={first}"))).await;
        assert_eq!((look.status, look.header("allow")), (405, "GET, POST"));
        assert_eq!(app.get("/click.php?cnv_id=").await.code(), "missing_click_id");
        let from = |address: &'static str, path: String| send(app.request(Method::GET, &path).header("x-forwarded-for", address));
        let refused = from("198.51.100.1", format!("/click.php?cnv_id={first}&payout=9")).await;
        assert_eq!(refused.expect(403)["code"], "address_not_allowed");
        assert_eq!(app.get(&format!("/postback?cid={first}&payout=9")).await.expect(403)["code"], "bad_key", "its own switch is off");
        app.patch("/settings", json!({"old_postbacks": ["without_key"]})).await;
        assert_eq!(app.get(&format!("/click.php?cnv_id={first}&payout=9")).await.status, 404);
        assert_eq!(app.get(&format!("/postback?cid={first}&payout=2")).await.code(), "updated");
        assert_eq!(from("198.51.100.1", format!("/postback?cid={first}&payout=9")).await.expect(403)["code"], "address_not_allowed");
        assert_eq!(app.get("/click.php?key=abc").await.status, 302, "its links are links all the same");
        app.settled().await;
        app.until("all clicks are stored", || app.number("select count(*) from clicks") == 3).await;
    }

    async fn keitaros_key_is_one_for_all_or_an_advertisers(app: TestApp) {
        let (one, other) = (app.campaign(json!({})).await, app.campaign(json!({})).await);
        let (first, second) = (app.click(&one).await, app.click(&other).await);
        app.settled().await;
        app.patch("/settings", json!({"old_postback_key": "fa0a0c2"})).await;
        for click in [&first, &second] {
            let answer = app.get(&format!("/fa0a0c2/postback?subid={}&payout=1&status=lead&from=net.example&lead_status=hold&sale_status=lead", click.id)).await;
            assert_eq!((answer.status, answer.code()), (200, "recorded".to_owned()), "{answer:?}");
            assert_eq!(app.conversions(click)[0].value.status.as_str(), "approved", "their lead is a sale");
        }
        assert_eq!(app.conversions(&second)[0].value.advertiser_id, other.advertiser, "its click tells whose it is");
        assert_eq!(app.get("/fa0a0c3/postback?subid=x").await.status, 404);
        let path = format!("/advertisers/{}", one.advertiser);
        app.api(Method::PATCH, &path, Some(json!({"old_keys": ["fa0a0c2"]}))).await.expect(422);
        let changed = app.patch(&path, json!({"old_keys": "key-one1\nkey-one2 key-one1"})).await;
        assert_eq!(changed["old_keys"], json!(["key-one1", "key-one2"]));
        let taken = app.api(Method::PATCH, &format!("/advertisers/{}", other.advertiser), Some(json!({"old_keys": ["key-one2"]}))).await;
        assert!(said(&taken.expect(422), "old_keys").contains(&format!("advertiser {}", one.advertiser)));
        app.api(Method::PATCH, "/settings", Some(json!({"old_postback_key": "key-one1"}))).await.expect(422);
        let many: Vec<String> = (0..30).map(|n| format!("key-{n:05}")).collect();
        for wrong in [json!(["api"]), json!(["settings"]), json!("a/b/c/d"), json!(many), json!(7)] {
            app.api(Method::PATCH, &path, Some(json!({"old_keys": wrong}))).await.expect(422);
        }
        assert_eq!(app.get(&format!("/key-one1/postback?subid={}&payout=4", first.id)).await.code(), "updated");
        let parked = app.get(&format!("/key-one2/postback?sub_id={}&payout=4", second.id)).await;
        assert_eq!(parked.code(), "parked_wrong_offer", "whose key it is counts");
        app.patch("/settings", json!({"old_postback_key": ""})).await;
        assert_eq!(app.get(&format!("/fa0a0c2/postback?subid={}", first.id)).await.status, 404);
        assert_eq!(app.patch(&path, json!({"name": "Renamed"})).await["old_keys"], json!(["key-one1", "key-one2"]));
    }

    async fn keitaros_answer_is_the_text_that_the_postback_names(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.settled().await;
        app.patch("/settings", json!({"old_postback_key": "fa0a0c2"})).await;
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"old_keys": ["key-one1"], "reply_body": "THANKS"})).await;
        for (query, said) in [
            (format!("subid={}&payout=1&return=OK", click.id), "OK"),
            (format!("return=OK&subid={}&payout=1", click.id), "OK"),
            ("subid=unknown&return=%3Cscript%3E%0D%0ASet-Cookie:+a=b%00".to_owned(), "<script>Set-Cookie: a=b"),
            ("return=OK".to_owned(), "OK"),
        ] {
            let answer = app.get(&format!("/fa0a0c2/postback?{query}")).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, said), "{query}");
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!((answer.header("x-content-type-options"), answer.header("cache-control")), ("nosniff", "no-store"));
            assert!(answer.cookies.is_empty(), "{answer:?}");
        }
        assert_eq!(app.conversions(&click).len(), 1);
        assert_eq!(app.figures(&campaign, ["revenue"]), ["1.00"]);
        let own = format!("/key-one1/postback?subid={}&payout=1", click.id);
        assert_eq!(app.get(&format!("{own}&return=fine")).await.text, "fine", "asked for by this postback");
        assert_eq!(app.get(&own).await.text, "THANKS");
        let long = app.get(&format!("{own}&return={}", "%C3%A4".repeat(2_000))).await;
        assert_eq!(long.text, "\u{e4}".repeat(255));
        for empty in ["return=", "return=%0A", "retur=OK", "sreturn=OK"] {
            assert_eq!(app.get(&format!("{own}&{empty}")).await.text, "THANKS", "{empty}");
        }
        // Our own address never says what a sender makes up.
        let ours = app.get(&format!("/postback/{}?cid={}&payout=1&return=OK", campaign.key, click.id)).await;
        assert_eq!(ours.text, "THANKS");
        app.patch(&format!("/advertisers/{}", campaign.advertiser), json!({"answers": "strict", "reply_body": ""})).await;
        let refused = app.get(&format!("{own}x&return=OK")).await;
        assert!(refused.status >= 400 && refused.json()["code"] == "malformed_revenue", "a refusal says why: {refused:?}");
    }

    async fn old_lander_buttons_lead_on(app: TestApp) {
        let (advertiser, [there, last]) = offers(app, ["there", "last"]).await;
        let lander = app.post("/landers", json!({"name": "L", "url": "https://lander.example/?ref={click_id}", "offer_links": 2})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}], "offers": [{"offer_id": there["id"]}, {"offer_id": last["id"]}]}]);
        let campaign = app.campaign_to(&advertiser, &there, json!({"paths": paths, "aliases": ["/click.php?key=abc"]})).await;
        app.patch("/settings", json!({"old_buttons": true})).await;
        let click = app.click(&campaign).await;
        for (old, new) in [
            ("/click", "/go"), ("/click/2", "/go/2"), ("/click/2/?a=b", "/go/2?a=b"), ("/click.php?lp=1", "/go?lp=1"),
            ("/click.php?lp=1&to_offer=2", "/go/2?lp=1&to_offer=2"), ("/click?lp=1&event1=3", "/go?lp=1&event1=3"),
        ] {
            assert_eq!(app.get(old).await.location(), new, "{old}");
        }
        for other in ["/click/x", "/click/-1", "/click/99999999", "/click.php", "/clicked"] {
            assert!([303, 404].contains(&app.get(other).await.status), "{other}");
        }
        let cookie = click.cookies.join("; ");
        let pressed = send(app.request(Method::GET, app.get("/click/2").await.location()).header("cookie", cookie)).await;
        assert!(pressed.location().contains("last"), "{pressed:?}");
        assert_eq!(send(app.request(Method::POST, "/click")).await.status, 405);
        assert!(app.get("/click.php?key=abc").await.location().contains("lander"), "a link is no button");
        app.until("all clicks are stored", || app.number("select count(*) from clicks") == 2).await;
    }

    async fn the_page_says_what_is_kept_open(app: TestApp) {
        let person = Person::enter(app).await;
        let page = person.page("/settings/moving").await;
        assert!(page.contains("/click.php?cnv_id=") && !page.contains("checked"), "{page}");
        let refused = person.send("/settings/moving", "binom=true&old_postback_addresses=&old_postback_key=x%2Fy").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Add the addresses that the networks send from") && refused.text.contains("value=\"x/y\""), "{refused:?}");
        let saved = person.send("/settings/moving", "binom=true&old_buttons=true&old_postback_addresses=203.0.113.0%2F24%0D%0A198.51.100.7&old_postback_key=fa0a0c2").await;
        let page = person.page(saved.location()).await;
        assert!(page.contains("203.0.113.0/24\n198.51.100.7/32</textarea>") && page.contains("value=\"fa0a0c2\""), "{page}");
        let settings = app.api(Method::GET, "/settings", None).await.expect(200);
        assert_eq!((&settings["old_postbacks"], &settings["old_buttons"]), (&json!(["binom"]), &json!(true)));
        person.send("/settings/moving", "old_postback_addresses=&old_postback_key=").await;
        let settings = app.api(Method::GET, "/settings", None).await.expect(200);
        assert_eq!((&settings["old_postbacks"], &settings["old_postback_key"]), (&json!([]), &json!("")));
    }
}
