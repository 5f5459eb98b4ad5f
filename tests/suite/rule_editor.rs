//! A campaign's rules on its form, as a person sends it.

use crate::app::{Answer, Campaign, TestApp};
use crate::pages::Person;
use reqwest::Method;
use serde_json::{Value, json};

/// A form's fields, as a browser sends them.
fn form(fields: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields);
    text.finish()
}

/// The fields of a campaign besides its rules.
fn whole(offer: &str, rules: &[(&str, &str)]) -> String {
    let own = [
        ("name", "Push"),
        ("redirect", "302"),
        ("unique_window_hours", "24"),
        ("status", "active"),
        ("paths.0.weight", "100"),
        ("paths.0.offers.0.offer_id", offer),
        ("has_rules", "true"),
    ];
    form(&[&own[..], rules].concat())
}

async fn saved(app: &TestApp, campaign: &Campaign) -> Value {
    app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200)["rules"].clone()
}

/// Where a click with this query is sent.
async fn sent_to(app: &TestApp, campaign: &Campaign, query: &str) -> String {
    app.get(&format!("/c/{}?{query}", campaign.slug)).await.location().to_owned()
}

fn says(answer: &Answer, wanted: &[&str]) {
    for one in wanted {
        assert!(answer.text.contains(one), "{one} is not in {}", answer.text);
    }
}

stories! {
    async fn a_rule_is_made_changed_and_taken_away_by_the_form(app: TestApp) {
        let person = Person::enter(app).await;
        let advertiser = app.advertiser(json!({})).await;
        let main = app.offer(&advertiser, json!({"name": "Main"})).await;
        let other = app.offer(&advertiser, json!({"name": "Other", "url": "https://other.example/"})).await;
        let list = app.post("/lists", json!({"name": "Bad <zones>", "kind": "values", "values": ["zone-8"]})).await;
        let campaign = app.campaign_to(&advertiser, &main, json!({})).await;
        let (main, other, list) = (main["id"].to_string(), other["id"].to_string(), list["id"].to_string());
        let address = format!("/campaigns/{}", campaign.id);

        // The buttons draw the form anew and store nothing.
        let drawn = person.send(&address, &whole(&main, &[("action", "add-rule")])).await;
        assert_eq!(drawn.status, 200);
        says(&drawn, &["rules.0.any.0.all.0.fact", "rules.0.paths.0.offers.0.offer_id", "If <span", " autofocus"]);
        assert_eq!(saved(app, &campaign).await, json!([]));

        let mut rules = vec![
            ("rules.0.name", "Zones"), ("rules.0.on", "true"),
            ("rules.0.any.0.all.0.fact", "sub1"), ("rules.0.any.0.all.0.op", "in"),
            ("rules.0.any.0.all.0.values", "zone-7\r\nzone, 9"), ("rules.0.any.0.all.0.lists.0.list_id", &list),
            ("rules.0.any.1.all.0.fact", "query"), ("rules.0.any.1.all.0.fact_name", "utm_term"),
            ("rules.0.any.1.all.0.op", "matches"), ("rules.0.any.1.all.0.values", "^a{1,3}$"),
            ("rules.0.paths.0.weight", "1"), ("rules.0.paths.0.offers.0.offer_id", &other),
            ("rules.0.paths.0.offers.0.weight", "1"),
        ];
        assert_eq!(person.send(&address, &whole(&main, &rules)).await.status, 303);
        let made = saved(app, &campaign).await;
        assert_eq!(made[0]["when"], json!({"any": [
            {"all": [{"fact": "sub1", "op": "in", "values": ["zone-7", "zone, 9"], "lists": [list.parse::<i64>().unwrap()]}]},
            {"all": [{"fact": "query:utm_term", "op": "matches", "values": ["^a{1,3}$"]}]}]}));
        let page = person.page(&format!("{address}/edit")).await;
        let sentence = "<b>sub1</b> is <b>zone-7</b>, <b>zone, 9</b> or <b>on the list Bad &#60;zones&#62;</b>, or \
            <b>parameter utm_term</b> matches <b>“^a{1,3}$”</b>";
        assert!(page.contains(sentence) && page.contains("\nzone-7\nzone, 9</textarea>"), "{page}");
        for (query, way) in [("sub1=zone-8", "other"), ("utm_term=AAA", "other"), ("sub1=zone-1", "shop")] {
            assert!(sent_to(app, &campaign, query).await.starts_with(&format!("https://{way}.example")), "{query}");
        }

        // A second rule goes before the first by its button, and both keep what they are.
        let ids = [made[0]["id"].to_string(), made[0]["paths"][0]["id"].to_string()];
        rules.extend([("rules.0.id", &*ids[0]), ("rules.0.paths.0.id", &*ids[1]), ("rules.0.paths.0.status", "paused")]);
        let second = [
            ("rules.5.any.0.all.0.fact", "hour"), ("rules.5.any.0.all.0.op", "not_in"),
            ("rules.5.any.0.all.0.values", "22-5, 7"), ("rules.5.any.0.all.0.time_zone", "Europe/Berlin"),
            ("rules.5.paths.0.weight", "1"), ("rules.5.paths.0.offers.0.offer_id", &other),
        ];
        let moved = person.send(&address, &whole(&main, &[&rules[..], &second, &[("action", "up.rules.5")]].concat())).await;
        let place = |text: &str| moved.text.find(text).unwrap();
        assert!(place("id=\"rules-5\"") < place("id=\"rules-0\""), "{}", moved.text);
        says(&moved, &["on the clocks of", "is neither <b>22–5</b> nor <b>7</b> (Europe/Berlin)", "<span class=\"pill\">off</span>"]);
        assert_eq!(person.send(&address, &whole(&main, &[&second[..], &rules].concat())).await.status, 303);
        let both = saved(app, &campaign).await;
        assert_eq!((&both[0]["status"], &both[0]["when"]["any"][0]["all"][0]["time_zone"]), (&json!("paused"), &json!("Europe/Berlin")));
        assert_eq!((&both[1]["id"], &both[1]["paths"][0]["id"]), (&made[0]["id"], &made[0]["paths"][0]["id"]));
        assert_eq!(both[1]["paths"][0]["status"], "paused");

        // Without a row of them all are taken away; without the mark none is.
        let bare = whole(&main, &[]);
        assert_eq!(person.send(&address, &bare.replace("has_rules", "x")).await.status, 303);
        assert_eq!(saved(app, &campaign).await.as_array().unwrap().len(), 2);
        assert_eq!(person.send(&address, &bare).await.status, 303);
        assert_eq!(saved(app, &campaign).await, json!([]));
    }

    async fn what_is_wrong_in_a_rule_stands_beside_its_field(app: TestApp) {
        let person = Person::enter(app).await;
        let campaign = app.campaign(json!({})).await;
        let (address, offer) = (format!("/campaigns/{}", campaign.id), campaign.offer.to_string());
        let wrong = [
            ("rules.3.any.0.all.0.fact", "country"), ("rules.3.any.0.all.0.op", "in"),
            ("rules.3.any.0.all.0.values", "DE, Nowhere<b>"),
            ("rules.3.any.0.all.1.fact", "header"), ("rules.3.any.0.all.1.fact_name", "a b"), ("rules.3.any.0.all.1.op", "is"),
            ("rules.3.any.0.all.2.fact", "sub2"), ("rules.3.any.0.all.2.op", "matches"), ("rules.3.any.0.all.2.values", "(a"),
            ("rules.3.any.0.all.3.fact", "hour"), ("rules.3.any.0.all.3.op", "contains"), ("rules.3.any.0.all.3.values", "1"),
            ("rules.3.any.0.all.4.fact", "hour"), ("rules.3.any.0.all.4.op", "is"), ("rules.3.any.0.all.4.values", "1"),
            ("rules.3.any.0.all.4.time_zone", "Berlin"), ("rules.3.paths.0.weight", "-1"),
        ];
        let refused = person.send(&address, &whole(&offer, &wrong)).await;
        assert_eq!(refused.status, 422);
        says(&refused, &[
            "Value 2: &#34;Nowhere&#60;b&#62;&#34; is no country", "DE, Nowhere&#60;b&#62;</textarea>",
            "Write the header&#39;s name", "value=\"a b\"", "This is no regular expression", "\n(a</textarea>",
            "The hour cannot be compared by contains", "Write a name of the IANA list", "value=\"Berlin\"",
            "Must be a whole number from 0 to 10000", "value=\"true\" checked aria-label=\"Edit this rule\"",
        ]);
        let empty = person.send(&address, &whole(&offer, &[("rules.0.name", "Nobody")])).await;
        assert_eq!(empty.status, 422);
        says(&empty, &["Add a condition: a rule says whom it is for"]);
        let many: Vec<(String, &str)> = (0..51).map(|at| (format!("rules.{at}.name"), "x")).collect();
        let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, *value)).collect();
        says(&person.send(&address, &whole(&offer, &many)).await, &["At most 50 rules"]);
        assert_eq!(saved(app, &campaign).await, json!([]));

        // The sentence while it is typed, whatever is typed.
        let typed = form(&[("rules.3.any.0.all.0.fact", "sub1"), ("rules.3.any.0.all.0.op", "is"), ("rules.3.any.0.all.0.values", "<i>")]);
        let told = person.send("/campaigns/rules/sentence?rule=3", &typed).await;
        assert_eq!((told.status, told.text.trim()), (200, "<b>sub1</b> is <b>&#60;i&#62;</b>"));
        for rule in ["7", "", "%FF.."] {
            let told = person.send(&format!("/campaigns/rules/sentence?rule={rule}"), &typed).await;
            assert_eq!((told.status, told.text.trim()), (200, "…"), "{rule}");
        }
    }

    async fn rules_are_copied_from_another_campaign(app: TestApp) {
        let person = Person::enter(app).await;
        let advertiser = app.advertiser(json!({})).await;
        let main = app.offer(&advertiser, json!({"name": "Main"})).await;
        let gone = app.offer(&advertiser, json!({"name": "Gone"})).await;
        let own = app.campaign_to(&advertiser, &main, json!({})).await;
        let when = |value: &str| json!({"any": [{"all": [{"fact": "sub1", "op": "is", "values": [value]}]}]});
        let rules = json!([
            {"name": "One", "when": when("a"), "status": "paused", "paths": [{"name": "Way", "weight": 7, "offers": [{"offer_id": main["id"], "weight": 3}]}]},
            {"name": "Two", "when": when("b"), "paths": [{"offers": [{"offer_id": gone["id"]}, {"offer_id": main["id"]}]}]},
            {"name": "Three", "when": when("c"), "paths": [{"offers": [{"campaign_id": own.id}]}]},
        ]);
        let from = app.campaign_to(&advertiser, &main, json!({"name": "From", "rules": rules})).await;
        app.api(Method::DELETE, &format!("/offers/{}", gone["id"]), None).await;
        let (address, offer, from_id) = (format!("/campaigns/{}", own.id), own.offer.to_string(), from.id.to_string());
        let send = async |more: &[(&str, &str)]| person.send(&address, &whole(&offer, more)).await;

        says(&send(&[("action", "show-rules")]).await, &["Choose the campaign to copy from."]);
        says(&send(&[("action", "show-rules"), ("copy_from", "9999")]).await, &["There is no campaign 9999."]);
        let shown = send(&[("action", "show-rules"), ("copy_from", &from_id)]).await;
        says(&shown, &["One: Sub1 is a", "Two: Sub1 is b", "Three: Sub1 is c", "Copy the ticked rules"]);
        says(&send(&[("action", "copy-rules"), ("copy_from", &from_id)]).await, &["Tick the rules to copy."]);

        let theirs = saved(app, &from).await;
        let ticks: Vec<String> = (0..3).map(|at| format!("copy.{}.on", theirs[at]["id"])).collect();
        let mut asked = vec![("action", "copy-rules"), ("copy_from", &*from_id)];
        asked.extend(ticks.iter().map(|tick| (&**tick, "true")));
        let copied = send(&asked).await;
        says(&copied, &[
            "3 rules are copied behind the others. Save the campaign to keep this.",
            &format!("The offer {} is archived and was left out.", gone["id"]),
            "A way into this campaign itself was left out.", "A copied rule has no path left",
            "name=\"rules.0.id\" value=\"\"", "name=\"rules.0.paths.0.id\" value=\"\"", "value=\"Way\"",
            "name=\"rules.0.paths.0.weight\" value=\"7\"", "name=\"rules.2.paths.0.offers.0.offer_id\"",
        ]);
        assert!(!copied.text.contains("name=\"rules.3."), "three, each once");
        assert_eq!(saved(app, &own).await, json!([]), "nothing is stored before it is saved");
    }
}
