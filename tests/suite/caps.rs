//! Caps: counted exactly, in their own zone, and what becomes of visitors beyond them.

use crate::app::{Answer, Campaign, Click, TestApp, block_on, client, send};
use crate::pages::Person;
use crate::program::Program;
use crate::raw_http::Connection;
use crate::sql;
use clickledger::db::{AnyConnection, Priority};
use clickledger::domain::click::RouteRefusal;
use reqwest::Method;
use serde_json::{Value, json};

/// Runs a statement behind the server's back.
fn behind(app: &TestApp, statement: &str) {
    app.db.write(Priority::Pages, |conn: &mut AnyConnection| sql::run(conn, statement)).unwrap();
}

/// An offer with caps, a second one, and a campaign that goes to the first and, where that cannot be, to the second.
async fn capped(app: &TestApp, fields: Value) -> (Value, Value, Campaign) {
    let advertiser = app.advertiser(json!({})).await;
    let second = app
        .offer(&advertiser, json!({"name": "Second", "url": "https://second.example/?ref={click_id}"}))
        .await;
    let mut own = json!({"name": "First", "url": "https://first.example/?ref={click_id}"});
    own.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    if own["at_cap"]["do"] == "offer" {
        own["at_cap"]["offer_id"] = second["id"].clone();
    }
    let first = app.offer(&advertiser, own).await;
    let to = |offer: &Value| json!([{"offers": [{"offer_id": offer["id"]}]}]);
    let everybody = json!({"any": [{"all": [{"fact": "device", "op": "is_not", "values": ["tablet"]}]}]});
    let fields = json!({"rules": [{"when": everybody, "paths": to(&first)}], "paths": to(&second)});
    let campaign = app.campaign_to(&advertiser, &first, fields).await;
    (first, second, campaign)
}

/// The host that a click was sent to, without `.example`.
fn host(location: &str) -> &str {
    location.split("://").nth(1).unwrap().split(".example").next().unwrap()
}

async fn goes_to(app: &TestApp, campaign: &Campaign) -> String {
    host(&app.click(campaign).await.location).to_owned()
}

/// The conversion that an answer tells of, as the API shows it.
async fn told(app: &TestApp, answer: &Answer) -> Value {
    let id = answer.json()["conversion_id"].as_i64().unwrap();
    app.api(Method::GET, &format!("/conversions/{id}"), None).await.expect(200)
}

/// A click converts: whether it came over the cap.
async fn converts(app: &TestApp, click: &Click, parameters: &str) -> bool {
    let answer = app.say(click, parameters).await;
    assert_eq!(answer.json()["result"], "accepted", "{answer:?}");
    told(app, &answer).await["over_cap"].as_bool().unwrap()
}

const TWO_A_DAY: &str =
    r#"[{"count":2,"of":"conversions","per":"day","event":null,"time_zone":"Europe/Berlin"}]"#;

fn two_a_day() -> Value {
    serde_json::from_str(TWO_A_DAY).unwrap()
}

/// With two of two conversions made, where the third visitor goes; the one who was there before still converts.
async fn the_third_goes(app: &TestApp, at_cap: Value) -> (Click, Campaign) {
    let (first, _, campaign) = capped(app, json!({"caps": two_a_day(), "at_cap": at_cap})).await;
    assert_eq!(first["caps"], two_a_day());
    let early = [app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await];
    for click in &early {
        assert_eq!(host(&click.location), "first");
    }
    assert!(!converts(app, &early[0], "payout=1").await);
    assert_eq!(goes_to(app, &campaign).await, "first", "one place is left");
    assert!(!converts(app, &early[1], "payout=1").await);
    let third = app.click(&campaign).await;
    assert!(converts(app, &early[2], "payout=1").await, "it is recorded and flagged");
    (third, campaign)
}

stories! {
    async fn at_its_cap_visitors_go_to_the_next_offer(app: TestApp) {
        let (third, campaign) = the_third_goes(app, json!({"do": "next"})).await;
        assert_eq!(host(&third.location), "second");
        // Rejected later: the place is not given back.
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=1&status=rejected").await.code(), "recorded");
        behind(app, "delete from cap_uses");
        app.patch(&format!("/offers/{}", campaign.offer), json!({"notes": "count anew"})).await;
        assert_eq!(goes_to(app, &campaign).await, "second", "summed from the conversions again");
        assert_eq!(app.number("select count(*) from cap_uses"), 0);
    }

    async fn at_its_cap_visitors_go_to_another_offer(app: TestApp) {
        let (third, campaign) = the_third_goes(app, json!({"do": "offer"})).await;
        assert_eq!(host(&third.location), "second");
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": [{"count": 4, "of": "conversions", "per": "day", "time_zone": "Europe/Berlin"}]})).await;
        assert_eq!(goes_to(app, &campaign).await, "first", "a higher limit is live at once, with three of four used");
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": [{"count": 3, "of": "conversions", "per": "month"}]})).await;
        assert_eq!(goes_to(app, &campaign).await, "second", "a new cap knows what came before it");
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": []})).await;
        assert_eq!(goes_to(app, &campaign).await, "first");
    }

    async fn at_its_cap_visitors_go_to_an_address(app: TestApp) {
        let (third, _) = the_third_goes(app, json!({"do": "url", "url": "https://full.example/?ref={click_id}"})).await;
        assert_eq!(host(&third.location), "full");
        assert_eq!(app.stored(&third).await.record.refusal, Some(RouteRefusal::AtCap));
    }

    async fn a_place_is_kept_through_rejection_and_reversal(app: TestApp) {
        let (_, _, campaign) = capped(app, json!({"caps": two_a_day()})).await;
        let (a, b) = (app.click(&campaign).await, app.click(&campaign).await);
        let (c, tried) = (app.click(&campaign).await, app.click(&campaign).await);
        assert!(!converts(app, &a, "payout=1&status=rejected").await, "rejected at once: it takes no place");
        assert!(!converts(app, &b, "payout=1&status=pending").await);
        assert!(!converts(app, &b, "status=rejected").await);
        assert_eq!(goes_to(app, &campaign).await, "first");
        assert!(!converts(app, &a, "status=approved").await, "approved later: it takes the second place");
        assert_eq!(goes_to(app, &campaign).await, "second");
        assert!(!converts(app, &a, "status=reversed").await);
        assert_eq!(goes_to(app, &campaign).await, "second");
        assert!(converts(app, &c, "payout=1").await);
        assert_eq!(app.number("select value from cap_uses"), 3);
        // A test takes none.
        assert_eq!(app.say(&tried, "payout=1&test=1").await.code(), "recorded");
        assert_eq!(app.number("select value from cap_uses"), 3);
        let told = Person::enter(app).await.page("/conversions").await;
        assert!(told.contains("over the cap"), "{told}");
    }

    async fn caps_of_money_and_of_events(app: TestApp) {
        let caps = json!([
            {"amount": "10.00", "of": "revenue", "per": "total"},
            {"count": 1, "of": "conversions", "per": "week", "event": "Deposit"},
        ]);
        let (_, _, campaign) = capped(app, json!({"caps": caps})).await;
        let clicks = [app.click(&campaign).await, app.click(&campaign).await, app.click(&campaign).await];
        assert!(!converts(app, &clicks[0], "payout=4&txid=1").await);
        assert!(!converts(app, &clicks[0], "payout=9&txid=1").await, "a correction counts");
        assert_eq!(goes_to(app, &campaign).await, "first");
        assert!(!converts(app, &clicks[0], "payout=-5&status=reversed&txid=1").await, "a refund does not");
        assert!(!converts(app, &clicks[1], "payout=2&txid=2").await, "9 of 10 were used when it came");
        assert_eq!(goes_to(app, &campaign).await, "second");
        assert!(converts(app, &clicks[2], "payout=0.01&txid=3").await);
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": [caps[1]]})).await;
        assert_eq!(goes_to(app, &campaign).await, "first", "sales do not fill a cap of deposits");
        assert!(!converts(app, &clicks[2], "event=deposit&payout=1").await);
        assert_eq!(goes_to(app, &campaign).await, "second");
        assert!(converts(app, &clicks[1], "event=DEPOSIT&payout=1").await);
    }

    async fn windows_begin_anew(app: TestApp) {
        let caps = json!([{"count": 1, "of": "conversions", "per": "day", "time_zone": "Pacific/Auckland"}]);
        let (_, _, campaign) = capped(app, json!({"caps": caps})).await;
        let click = app.click(&campaign).await;
        // A click of three days ago, and its conversion an hour later.
        let old = app.like(&click, std::time::Duration::from_secs(3 * 86_400)).await;
        app.bring_click(&old);
        let old = Click { id: old.id.to_string(), ..click.clone() };
        let at = (old.number().unix_ms() + 3_600_000) / 1_000;
        assert!(!converts(app, &old, &format!("payout=1&conversion_time={at}")).await);
        assert_eq!(goes_to(app, &campaign).await, "first", "what came in an earlier day keeps nobody out");
        let more = app.click(&campaign).await;
        assert!(!converts(app, &more, "payout=1").await);
        assert_eq!(goes_to(app, &campaign).await, "second");
        assert_eq!(app.number("select count(*) from cap_uses"), 2);
    }

    async fn another_node_learns_what_is_used(app: TestApp) {
        let (_, _, campaign) = capped(app, json!({"caps": two_a_day()})).await;
        let click = app.click(&campaign).await;
        assert!(!converts(app, &click, "payout=1").await);
        assert_eq!(goes_to(app, &campaign).await, "first");
        behind(app, "update cap_uses set value = 2");
        let begun = std::time::Instant::now();
        while goes_to(app, &campaign).await == "first" {
            assert!(begun.elapsed() < std::time::Duration::from_secs(10));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    async fn clicks_are_capped_to_the_last_one(app: TestApp) {
        let caps = json!([{"count": 10, "of": "clicks", "per": "total"}]);
        let (_, _, campaign) = capped(app, json!({"caps": caps})).await;
        // A machine takes no place.
        let bot = send(app.request(Method::HEAD, &format!("/c/{}", campaign.slug))).await;
        assert_eq!(host(bot.location()), "first");
        let crowd = (0..40).map(|_| app.click(&campaign));
        let clicks = futures_util::future::join_all(crowd).await;
        let there = clicks.iter().filter(|click| host(&click.location) == "first").count();
        assert_eq!(there, 10, "no more than its limit, however many come at once");
        assert_eq!(clicks.iter().filter(|click| host(&click.location) == "second").count(), 30);
        app.settled().await;
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": [{"count": 11, "of": "clicks", "per": "day"}]})).await;
        assert_eq!(goes_to(app, &campaign).await, "first", "ten were counted in the database");
        assert_eq!(goes_to(app, &campaign).await, "second");
        app.settled().await;
    }

    async fn a_landers_button_takes_a_place(app: TestApp) {
        let caps = json!([{"count": 2, "of": "clicks", "per": "day"}]);
        let (first, second, campaign) = capped(app, json!({"caps": caps})).await;
        let lander = app.post("/landers", json!({"name": "L", "url": "https://lander.example/?ct={click_token}&ref={click_id}"})).await;
        let paths = json!([{"landers": [{"lander_id": lander["id"]}],
            "offers": [{"offer_id": first["id"]}, {"offer_id": second["id"]}]}]);
        app.patch(&format!("/campaigns/{}", campaign.id), json!({"paths": paths, "rules": []})).await;
        let click = app.click(&campaign).await;
        let token = click.location.split("ct=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let press = async || host(app.get(&format!("/go/1?ct={token}")).await.location()).to_owned();
        let mut machine = app.request(Method::GET, &format!("/go/1?ct={token}"));
        machine = machine.header("purpose", "prefetch");
        assert_eq!(host(send(machine).await.location()), "first");
        assert_eq!([press().await, press().await, press().await], ["first", "first", "second"]);
        app.until("the buttons are stored", || app.number("select count(*) from lp_clicks") == 3).await;
        app.patch(&format!("/offers/{}", campaign.offer), json!({"caps": [{"count": 3, "of": "clicks", "per": "week"}]})).await;
        assert_eq!([press().await, press().await], ["first", "second"], "two were counted in the database");
        app.settled().await;
        app.until("the buttons are stored", || app.number("select count(*) from lp_clicks") == 5).await;
    }

    async fn conversions_that_race_are_flagged_once_each(app: TestApp) {
        let caps = json!([{"count": 20, "of": "conversions", "per": "month"}]);
        let (_, _, campaign) = capped(app, json!({"caps": caps})).await;
        let clicks = futures_util::future::join_all((0..48).map(|_| app.click(&campaign))).await;
        let answers = futures_util::future::join_all(clicks.iter().map(|click| app.postback(click, "1.00"))).await;
        assert!(answers.iter().all(|answer| answer.code() == "recorded"));
        assert_eq!(app.number("select count(*) from conversions where is_over_cap"), 28);
        assert_eq!(app.number("select value from cap_uses"), 48);
        assert_eq!(goes_to(app, &campaign).await, "second");
    }

    async fn what_is_wrong_with_a_cap_is_said_beside_it(app: TestApp) {
        let (first, _, _) = capped(app, json!({})).await;
        let path = format!("/offers/{}", first["id"]);
        let wrong = json!({"caps": [{"count": 5, "of": "revenue", "per": "day"}, {"count": 0, "of": "clicks", "per": "year", "time_zone": "Mars"}]});
        let refused = app.api(Method::PATCH, &path, Some(wrong)).await.expect(422);
        let fields: Vec<&str> = refused["fields"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["caps[0].count", "caps[1].per", "caps[1].time_zone", "caps[1].count"]);
        assert!(app.api(Method::GET, &path, None).await.expect(200)["caps"].as_array().unwrap().is_empty());

        let person = Person::enter(app).await;
        let form = format!("name=First&advertiser_id={}&url=https%3A%2F%2Ffirst.example%2F&currency=USD&revenue_mode=auto\
            &status=active&at_cap.do=next", first["advertiser_id"]);
        let row = |n: usize, limit: &str, of: &str, zone: &str| format!("&caps.{n}.limit={limit}&caps.{n}.of={of}&caps.{n}.per=day&caps.{n}.event=&caps.{n}.time_zone={zone}");
        let added = person.send(&path, &format!("{form}&action=add-pair.caps")).await;
        assert_eq!(added.status, 200, "{added:?}");
        assert!(added.text.contains("name=\"caps.0.limit\""), "a row more without a script");
        let sent = person.send(&path, &format!("{form}{}{}", row(0, "many", "conversions", "UTC"), row(7, "5", "clicks", "Mars"))).await;
        assert_eq!(sent.status, 422);
        assert!(sent.text.contains("Must be a whole number from 1") && sent.text.contains("is not a time zone"), "{}", sent.text);
        assert!(sent.text.contains("value=\"many\"") && sent.text.contains("value=\"Mars\""), "what was typed stays");
        let gone = person.send(&path, &format!("{form}{}&action=remove-pair.caps.7", row(7, "5", "clicks", "UTC"))).await;
        assert!(!gone.text.contains("name=\"caps.7.limit\""));
        let sent = person.send(&path, &format!("{form}{}{}", row(0, "12.50", "revenue", "Europe%2FBerlin"), row(7, "5", "clicks", ""))).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        let saved = app.api(Method::GET, &path, None).await.expect(200);
        assert_eq!(saved["caps"], json!([
            {"amount": "12.50", "of": "revenue", "per": "day", "event": null, "time_zone": "Europe/Berlin"},
            {"count": 5, "of": "clicks", "per": "day", "event": null, "time_zone": "UTC"},
        ]));
    }

    async fn a_cap_that_nothing_fills_is_refused(app: TestApp) {
        let (first, _, _) = capped(app, json!({})).await;
        let path = format!("/offers/{}", first["id"]);
        let payout = json!({"caps": [{"amount": "5.00", "of": "payout", "per": "day"}]});
        let refused = app.api(Method::PATCH, &path, Some(payout.clone())).await.expect(422);
        assert_eq!(refused["fields"][0]["field"], "caps[0].of");
        assert!(refused["fields"][0]["message"].as_str().unwrap().contains("never fill"), "{refused}");
        // One that was saved before is read, shown and may stay.
        behind(app, "update offers set caps = '[{\"amount\":\"5.00\",\"of\":\"payout\",\"per\":\"day\"}]' where name = 'First'");
        assert_eq!(app.patch(&path, json!({"notes": "kept"})).await["caps"][0]["of"], "payout");
        assert_eq!(app.patch(&path, payout).await["caps"][0]["of"], "payout");
        let person = Person::enter(app).await;
        let payout = "<option value=\"payout\"";
        assert!(person.page(&format!("{path}/edit")).await.contains(payout));
        app.patch(&path, json!({"caps": []})).await;
        assert!(!person.page(&format!("{path}/edit")).await.contains(payout));
    }

    async fn what_is_used_is_seen(app: TestApp) {
        let caps = json!([
            {"count": 5, "of": "conversions", "per": "day", "time_zone": "Asia/Kathmandu"},
            {"amount": "400.00", "of": "revenue", "per": "total"},
        ]);
        let (first, second, campaign) = capped(app, json!({"name": "Tea & Co", "caps": caps})).await;
        let person = Person::enter(app).await;
        let edit = format!("/offers/{}/edit", first["id"]);
        let mut clicks = Vec::new();
        for _ in 0..5 {
            clicks.push(app.click(&campaign).await);
        }
        for click in &clicks[..3] {
            assert!(!converts(app, click, "payout=10").await);
        }
        let page = person.page(&edit).await;
        assert!(page.contains("<progress max=\"100\" value=\"60\"") && page.contains("3 of 5 conversions a day (Asia/Kathmandu)"), "{page}");
        assert!(page.contains("<progress max=\"100\" value=\"7\"") && page.contains("$30.00 of $400.00 revenue in total"), "{page}");
        assert!(!person.page(&format!("/offers/{}/edit", second["id"])).await.contains("<progress"));
        let list = person.page("/offers").await;
        assert!(list.contains("3 of 5 conversions a day") && list.contains("and 1 more"), "{list}");
        assert!(!person.page("/").await.contains("of its cap"), "below 80 % nobody is told");
        assert!(!converts(app, &clicks[3], "payout=10").await);
        let told = person.page("/").await;
        assert!(told.contains("Tea &#38; Co: 80 % of its cap") && told.contains("dot amber"), "{told}");
        assert!(told.contains(&format!("href=\"{edit}#caps\"")), "{told}");
        assert!(!converts(app, &clicks[4], "payout=10").await);
        let told = person.page("/").await;
        assert!(told.contains("Tea &#38; Co is at its cap") && told.contains("dot bad"), "{told}");
        assert!(person.page("/offers").await.contains("class=\"capbar loss\""));
        app.patch(&format!("/offers/{}", first["id"]), json!({"status": "paused"})).await;
        assert!(!person.page("/").await.contains("at its cap</a>"), "an offer that is out of use needs nothing");
    }

    async fn many_full_caps_stand_in_one_line(app: TestApp) {
        // A campaign, so that there is a dashboard; its offer is the first.
        app.campaign(json!({})).await;
        let advertiser = app.advertiser(json!({})).await;
        let caps = json!({"caps": [{"count": 10, "of": "conversions", "per": "total"}, {"amount": "1000.00", "of": "revenue", "per": "total"}]});
        for n in 0..7 {
            let mut fields = caps.clone();
            fields["name"] = json!(format!("Offer {n}"));
            app.offer(&advertiser, fields).await;
        }
        // Three are full, three nearly, and one is not.
        behind(app, "insert into cap_uses (offer_id, cap, window_ms, value) select id, 'conversions total UTC ', 0, 14 - id from offers where id between 2 and 4");
        behind(app, "insert into cap_uses (offer_id, cap, window_ms, value) select id, 'conversions total UTC ', 0, 8 from offers where id between 5 and 7");
        app.patch("/offers/8", json!({"notes": "read the catalog anew"})).await;
        let person = Person::enter(app).await;
        let told = person.page("/").await;
        assert!(told.contains("3 offers are at their cap") && told.contains("3 offers are near their cap"), "{told}");
        assert!(told.contains("href=\"/offers?cap=near\"") && told.contains("Offer 0, Offer 1 and Offer 2"), "{told}");
        assert!(told.contains("href=\"/attention"), "{told}");
        let all = person.page("/attention").await;
        for n in 0..3 {
            assert!(all.contains(&format!("Offer {n} is at its cap")), "{all}");
        }
        for n in 3..6 {
            assert!(all.contains(&format!("Offer {n}: 80 % of its cap")), "{all}");
        }
        assert!(!all.contains("Offer 6"), "{all}");
        let list = person.page("/offers?cap=near").await;
        let places: Vec<usize> = (0..6).map(|n| list.find(&format!(">Offer {n}<")).unwrap()).collect();
        assert!(places.is_sorted() && !list.contains(">Offer 6<"), "the fullest first: {list}");
        assert!(person.page("/offers?cap=near&q=offer+4").await.contains("1 offer"));
        assert!(person.page("/offers?cap=near&status=paused").await.contains("Nothing found"));
        assert!(person.page("/offers").await.contains(">Offer 6<"));
    }
}

#[test]
fn a_cap_of_clicks_outlives_a_kill() {
    crate::program::on_each(|place| {
        let (slug, _) = crate::kills::set_up(&place);
        let mut program = Program::start(&place);
        let token = crate::program::another_token(&place);
        block_on(async {
            let caps = json!({"caps": [{"count": 60, "of": "clicks", "per": "total"}], "at_cap": {"do": "url", "url": "https://full.example/"}});
            let offer = client().patch(format!("{}/api/v1/offers/1", program.base)).bearer_auth(&token);
            send(offer.json(&caps)).await.expect(200);
        });
        let mut there = 0;
        for life in 0..4 {
            let mut visitor =
                Connection::open(program.base.trim_start_matches("http://").parse().unwrap()).unwrap();
            for n in 0..25 {
                let answer = visitor.get(&format!("/c/{slug}?sub1={life}-{n}")).unwrap();
                there += usize::from(answer.location.unwrap().contains("shop.example"));
            }
            // What these clicks left in the journal is counted before the first of the next life.
            program.kill();
            program = Program::start(&place);
        }
        assert_eq!(there, 60);
    });
}
