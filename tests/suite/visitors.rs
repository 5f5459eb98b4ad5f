//! Who is this: what a click's address, agent and headers tell, from the request to the click's story.

use crate::app::{Backend, PATIENCE, Place, TestApp, block_on, click_id_in, client, send};
use crate::mmdb;
use crate::pages::Person;
use crate::program::{Program, command, token};
use clickledger::config::Config;
use clickledger::db::{Db, click_log};
use clickledger::domain::click_id::ClickId;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Runs a story on both databases, with settings of its own.
fn on_each<Story: AsyncFn(&TestApp)>(set: impl Fn(&Place, &mut Config), story: &Story) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        block_on(async {
            let Some(place) = Place::new(backend) else { return };
            let mut config = place.config();
            set(&place, &mut config);
            let app = TestApp::start_with(place, &config);
            story(&app).await;
            app.finish().await;
        });
    }
}

/// Puts a database into a place's data folder in one step.
fn put(folder: &std::path::Path, name: &str, networks: &[(&str, Value)]) -> Option<PathBuf> {
    let (path, new) = (folder.join(name), folder.join("new"));
    std::fs::write(&new, mmdb::database(name, networks)).unwrap();
    std::fs::rename(new, &path).unwrap();
    Some(path)
}

fn cologne(city: &str) -> Value {
    json!({"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "North Rhine-Westphalia"}}],
        "city": {"names": {"en": city}}})
}

#[test]
fn a_users_databases_tell_place_and_network_and_are_read_anew() {
    let files = |place: &Place, config: &mut Config| {
        let folder = place.folder.path();
        let asn =
            json!({"autonomous_system_number": 64_500, "autonomous_system_organization": "Example Tel"});
        config.geo_city = put(folder, "city.mmdb", &[("203.0.113.0/24", cologne("K\u{f6}ln"))]);
        config.geo_asn = put(folder, "asn.mmdb", &[("203.0.0.0/8", asn)]);
        let cellular = json!({"connection_type": "Cellular"});
        config.geo_connection = put(
            folder,
            "connection.mmdb",
            &[("2001:db8::/32", cellular.clone()), ("203.0.113.0/24", cellular)],
        );
    };
    on_each(files, &async |app: &TestApp| {
        let advertiser = app.advertiser(json!({})).await;
        let url = "https://shop.example/?ref={click_id}&p={country}-{region}-{city}-{isp}-{asn}-{connection}-{brand}-{model}";
        let offer = app.offer(&advertiser, json!({"url": url})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let from = async |address: &str| {
            let phone = "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) \
                Chrome/126.0.0.0 Mobile Safari/537.36";
            app.click_as(&campaign, "", |request| {
                request.header("x-forwarded-for", address).header("user-agent", phone)
            })
            .await
        };
        let click = from("::ffff:203.0.113.7").await;
        let told = "DE-North%20Rhine-Westphalia-K%C3%B6ln-Example%20Tel-64500-mobile-Samsung-SM-S918B";
        assert_eq!(click.location.split("p=").nth(1), Some(told));
        app.stored(&click).await;
        let story = app.api(reqwest::Method::GET, &format!("/clicks/{}", click.id), None).await.expect(200);
        for (fact, value) in [
            ("country", json!("DE")),
            ("region", json!("North Rhine-Westphalia")),
            ("city", json!("K\u{f6}ln")),
            ("isp", json!("Example Tel")),
            ("asn", json!(64_500)),
            ("connection", json!("mobile")),
            ("brand", json!("Samsung")),
            ("model", json!("SM-S918B")),
            ("address", json!("203.0.113.7")),
        ] {
            assert_eq!(story[fact], value, "{fact}");
        }
        let person = Person::enter(app).await;
        let page = person.page(&format!("/clicks/{}", click.id)).await;
        for shown in
            ["North Rhine-Westphalia", "K\u{f6}ln", "Example Tel", "AS64500", "mobile", "Samsung SM-S918B"]
        {
            assert!(page.contains(shown), "{shown} is not in the story");
        }

        assert!(from("2001:db8::5").await.location.ends_with("p=-----mobile-Samsung-SM-S918B"));
        put(app.folder(), "city.mmdb", &[("203.0.113.0/24", cologne("Bonn am Rhein"))]);
        let begun = Instant::now();
        while !from("203.0.113.7").await.location.contains("Bonn%20am%20Rhein") {
            assert!(begun.elapsed() < PATIENCE, "the new file is not in use");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
}

/// Clicks without cookies from an address, and says whether the visitor counted as new.
async fn is_new(program: &Program, place: &Place, slug: &str, address: &str) -> bool {
    let url = format!("{}/c/{slug}", program.base);
    let answer = send(client().get(url).header("x-forwarded-for", address)).await;
    let id = ClickId::parse(&click_id_in(answer.location()).unwrap()).unwrap();
    let db = Db::open(&place.url, false).unwrap();
    let begun = Instant::now();
    loop {
        if let Some(stored) = db.read(|conn| click_log::find(conn, id)).unwrap() {
            return stored.record.is_unique;
        }
        assert!(begun.elapsed() < PATIENCE, "the click is not stored");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn who_was_here_is_known_after_an_end_and_after_a_kill() {
    crate::program::on_each(|place| {
        block_on(async {
            let start = || {
                let mut start = command(&place);
                start.env("CLICKLEDGER_TRUSTED_PROXIES", "127.0.0.1");
                Program::from(start)
            };
            let token = token(&place);
            let program = start();
            let post = async |path: &str, body: Value| {
                let request = client().post(format!("{}/api/v1{path}", program.base)).bearer_auth(&token);
                send(request.json(&body)).await.expect(201)
            };
            let url = "https://shop.example/?ref={click_id}";
            let advertiser = post("/advertisers", json!({"name": "Net"})).await;
            let offer =
                post("/offers", json!({"name": "Shop", "advertiser_id": advertiser["id"], "url": url})).await;
            let paths = json!([{"offers": [{"offer_id": offer["id"]}]}]);
            let campaign = post("/campaigns", json!({"name": "Push", "paths": paths})).await;
            let slug = campaign["slug"].as_str().unwrap();
            let new = async |program: &Program, address: &str| is_new(program, &place, slug, address).await;

            assert!(new(&program, "203.0.113.1").await);
            assert!(!new(&program, "203.0.113.1").await);
            assert!(program.end().0);
            let program = start();
            assert!(!new(&program, "203.0.113.1").await, "after an orderly end");
            assert!(new(&program, "203.0.113.2").await);
            // The stated bound is a second.
            tokio::time::sleep(Duration::from_secs(3)).await;
            program.kill();
            let program = start();
            assert!(!new(&program, "203.0.113.2").await, "after a kill");
            assert!(!new(&program, "203.0.113.1").await);
            assert!(new(&program, "203.0.113.3").await);
            program.kill();
        });
    });
}

#[test]
fn guesses_about_machines_are_off_until_a_person_switches_them_on() {
    let files = |place: &Place, config: &mut Config| {
        let rented =
            json!({"autonomous_system_number": 14_061, "autonomous_system_organization": "DIGITALOCEAN"});
        config.geo_asn = put(place.folder.path(), "asn.mmdb", &[("203.0.113.0/24", rented)]);
    };
    on_each(files, &async |app: &TestApp| {
        let campaign = app.campaign(json!({})).await;
        let reason = async |address: &str| {
            let click =
                app.click_as(&campaign, "", |request| request.header("x-forwarded-for", address)).await;
            let stored = app.stored(&click).await.record;
            stored.bot.map(|reason| reason.as_str())
        };
        assert_eq!(reason("203.0.113.7").await, None);
        let person = Person::enter(app).await;
        let page = person.page("/settings/bots").await;
        assert!(page.contains("Clicks from data centres are bots") && !page.contains("No effect now"));
        assert!(!page.contains(" checked"));

        let wrong = person
            .send("/settings/bots", "bot_address_limit=true&bot_address_clicks=1&bot_address_minutes=x")
            .await;
        assert_eq!(wrong.status, 422, "{wrong:?}");
        assert_eq!(wrong.text.matches("class=\"field-error\"").count(), 2, "{}", wrong.text);
        let form =
            "bot_data_centres=true&bot_address_limit=true&bot_address_clicks=3&bot_address_minutes=1440";
        assert_eq!(person.send("/settings/bots", form).await.location(), "/settings/bots?saved=1");
        let page = person.page("/settings/bots?saved=1").await;
        assert_eq!(page.matches(" checked").count(), 2);
        assert!(page.contains("value=\"3\"") && page.contains("value=\"1440\""));

        assert_eq!(reason("203.0.113.7").await, Some("data_centre"));
        for _ in 0..3 {
            assert_eq!(reason("198.51.100.9").await, None);
        }
        assert_eq!(reason("198.51.100.9").await, Some("too_many_clicks"));
        assert_eq!(reason("198.51.100.10").await, None);

        assert_eq!(person.send("/settings/bots", "bot_address_clicks=3").await.status, 303);
        assert_eq!(reason("203.0.113.7").await, None);
        assert_eq!(reason("198.51.100.9").await, None);
    });
}

stories! {
    async fn what_a_browser_says_beside_its_agent_is_used_where_it_comes(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let hidden = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 \
            Mobile Safari/537.36";
        let told = async |with_hints: bool| {
            let click = app.click_as(&campaign, "", |request| {
                let request = request.header("user-agent", hidden).header("sec-ch-ua-mobile", "?1");
                if with_hints {
                    request.header("sec-ch-ua-model", "\"SM-S918B\"").header("sec-ch-ua-platform-version", "\"14.0.0\"")
                } else {
                    request
                }
            }).await;
            let record = app.stored(&click).await.record;
            assert_eq!(&*record.agent, hidden);
            [record.brand, record.model, record.os_version].map(|fact| fact.as_deref().unwrap_or("-").to_owned())
        };
        assert_eq!(told(true).await, ["Samsung", "SM-S918B", "14"]);
        assert_eq!(told(false).await, ["-", "-", "10"]);
    }
}
