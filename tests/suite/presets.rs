//! Every network's preset, end to end: an advertiser made from it, a click that hands our id over, and the network's own
//! postback in the network's own words.

use crate::app::{Answer, Campaign, Click, TestApp};
use crate::pages::Person;
use crate::postbacks::standing;
use clickledger::domain::status::Status;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A network, its advertiser, and a campaign to an offer of it.
struct Network<'a> {
    app: &'a TestApp,
    preset: Value,
    advertiser: Value,
    campaign: Campaign,
}

/// What became of one postback.
struct Outcome {
    word: String,
    code: String,
    status: Option<Status>,
    micros: i64,
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// As networks put values into an address.
fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

impl<'a> Network<'a> {
    /// Sets a network up as a person does who chooses its preset.
    async fn enter(app: &'a TestApp, preset: Value) -> Self {
        let advertiser = app.post("/advertisers", json!({"preset": preset["slug"]})).await;
        assert_eq!((&advertiser["name"], &advertiser["preset"]), (&preset["name"], &preset["slug"]));
        // `ref` is the suite's own: by it the click is known. What the network sees stands in its own parameter.
        let url = match preset["click_param"].as_str() {
            Some(param) if preset["click_param_in_path"] == true => {
                format!("https://shop.example/{param}:{{click_id}}?ref={{click_id}}")
            }
            Some(param) => format!("https://shop.example/?ref={{click_id}}&{param}={{click_id}}"),
            None => "https://shop.example/?ref={click_id}".to_owned(),
        };
        let offer = app.offer(&advertiser, json!({"url": url})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        Self { app, preset, advertiser, campaign }
    }

    /// The id as the network read it off the link.
    async fn click(&self) -> (Click, String) {
        let click = self.app.click(&self.campaign).await;
        let Some(param) = self.preset["click_param"].as_str() else { return (click.clone(), click.id) };
        let link = url::Url::parse(&click.location).unwrap();
        let seen = if self.preset["click_param_in_path"] == true {
            link.path().rsplit(':').next().unwrap().to_owned()
        } else {
            link.query_pairs().find(|(name, _)| name == param).unwrap().1.into_owned()
        };
        let longest = self.preset["click_param_chars_max"].as_u64().unwrap_or(255);
        assert!(seen.len() as u64 <= longest, "{seen}");
        (click, seen)
    }

    /// The template with the network's values in the place of its macros.
    fn expand(&self, values: &BTreeMap<&str, String>) -> String {
        let (_, template) = text(&self.advertiser, "template").split_once("/postback/").unwrap();
        let (key, query) = template.split_once('?').unwrap();
        let parameters = self.preset["parameters"].as_array().unwrap();
        let value = |(ours, theirs): (&str, &str)| {
            let is_macro = parameters.is_empty() || theirs != "USD";
            let value = values.get(ours).filter(|_| is_macro).map_or(theirs, String::as_str);
            format!("{ours}={}", encoded(value))
        };
        let pairs = query.split('&').map(|pair| value(pair.split_once('=').unwrap()));
        format!("/postback/{key}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// Sends a postback as the network does.
    async fn fire(&self, cid: &str, txid: &str, word: &str) -> Answer {
        if text(&self.preset, "sends") == "post_json" {
            let body = json!({"event": word, "data": {"meta": {"ref": cid}, "amount": 12.5, "key": txid}});
            return self.app.post_body(&self.campaign.key, "application/json", body.to_string()).await;
        }
        let values =
            [("cid", cid), ("payout", "12.50"), ("currency", "USD"), ("txid", txid), ("status", word)];
        let mut values: BTreeMap<&str, String> =
            values.into_iter().map(|(ours, value)| (ours, value.to_owned())).collect();
        values.insert("event", "sale".to_owned());
        self.app.get(&self.expand(&values)).await
    }

    /// The verdict as the log has it: the answer may be a word of the network's own.
    async fn verdict(&self) -> String {
        let path = format!("/postbacks?advertiser_id={}&page_size=1", self.advertiser["id"]);
        let log = self.app.api(Method::GET, &path, None).await.expect(200);
        text(&log["items"][0], "code").to_owned()
    }

    async fn outcome(&self, click: &Click, cid: &str, txid: &str, word: &str) -> Outcome {
        let answer = self.fire(cid, txid, word).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let made = self.app.conversions(click);
        Outcome {
            word: word.to_owned(),
            code: self.verdict().await,
            status: made.first().map(|one| one.value.status),
            micros: made.first().map_or(0, |one| one.value.revenue_micros),
        }
    }

    /// The words of the network that mean a status.
    fn words(&self, status: &str) -> Vec<String> {
        let map = self.preset["fills"]["status_map"].as_object().unwrap();
        map.iter().filter(|(_, ours)| *ours == status).map(|(theirs, _)| theirs.clone()).collect()
    }

    fn has(&self, ours: &str) -> bool {
        self.preset["parameters"].as_array().unwrap().iter().any(|one| one["param"] == ours)
            || self.preset["template"] == ""
    }
}

/// What each word of a network makes of a new conversion, and what its words make of one another.
async fn simulate(network: &Network<'_>) -> Vec<Outcome> {
    let slug = text(&network.preset, "slug").to_owned();
    let mut outcomes = Vec::new();
    let all = [("approved", Status::Approved), ("pending", Status::Pending), ("rejected", Status::Rejected)];
    for (ours, status) in all {
        for word in network.words(ours) {
            let (click, cid) = network.click().await;
            let outcome = network.outcome(&click, &cid, "t-1", &word.to_uppercase()).await;
            assert_eq!((outcome.code.as_str(), outcome.status), ("recorded", Some(status)), "{slug}: {word}");
            outcomes.push(outcome);
        }
    }
    let (click, cid) = network.click().await;
    let pending = network.words("pending").first().cloned();
    let approved = network.words("approved").first().cloned().unwrap_or_else(|| "approved".to_owned());
    let first = pending.as_ref().unwrap_or(&approved);
    let recorded = network.outcome(&click, &cid, "t-2", first).await;
    assert_eq!(recorded.code, "recorded", "{slug}");
    let earned = if network.has("payout") { 12_500_000 } else { 2_000_000 };
    assert_eq!(recorded.micros, earned, "{slug}");
    outcomes.push(recorded);
    if pending.is_some() {
        let moved = network.outcome(&click, &cid, "t-2", &approved).await;
        assert_eq!((moved.code.as_str(), moved.status), ("updated", Some(Status::Approved)), "{slug}");
        outcomes.push(moved);
    }
    let again = network.outcome(&click, &cid, "t-2", &approved).await;
    assert_eq!((again.code.as_str(), again.status), ("duplicate", Some(Status::Approved)), "{slug}");
    outcomes.push(again);
    if let Some(word) = network.words("rejected").first() {
        let declined = network.outcome(&click, &cid, "t-2", word).await;
        assert_eq!((declined.code.as_str(), declined.status), ("updated", Some(Status::Rejected)), "{slug}");
        outcomes.push(declined);
    }
    for word in network.preset["words_without_meaning"].as_array().unwrap() {
        let (click, cid) = network.click().await;
        let outcome = network.outcome(&click, &cid, "t-3", word.as_str().unwrap()).await;
        assert_eq!((outcome.code.as_str(), outcome.status), ("unknown_status", None), "{slug}");
        outcomes.push(outcome);
    }
    outcomes
}

stories! {
    async fn every_network_is_understood_in_its_own_words(app: TestApp) {
        let presets = app.api(Method::GET, "/presets?kind=network", None).await.expect(200);
        let presets = presets["items"].as_array().unwrap();
        assert!(presets.len() >= 34, "{}", presets.len());
        for preset in presets {
            let network = Network::enter(app, preset.clone()).await;
            let slug = text(preset, "slug");
            if text(preset, "sends") == "post_json" {
                // The pointers that a person writes who has seen the first postback in the log.
                let pointers = json!({"/data/meta/ref": "cid", "/data/amount": "revenue", "/data/key": "txid"});
                let path = format!("/advertisers/{}", network.advertiser["id"]);
                app.patch(&path, json!({"param_map": pointers, "event_map": {"paid": "sale", "approved": "sale"}})).await;
            } else {
                let nothing = BTreeMap::new();
                let literal = app.get(&network.expand(&nothing)).await;
                assert_eq!(literal.status, 200, "{slug}: {literal:?}");
                assert_eq!(network.verdict().await, "unresolved_macro", "{slug}: macros that were left as they are");
            }
            for Outcome { word, code, status, micros } in simulate(&network).await {
                let word = if network.has("status") { word } else { "-".to_owned() };
                let status = status.map_or("-", Status::as_str);
                println!("{slug:20} {word:18} {code:15} {status:10} {micros}");
            }
        }
    }

    async fn a_preset_fills_what_the_body_leaves_unsaid(app: TestApp) {
        let made = app.post("/advertisers", json!({"preset": "terraleads", "name": "Mine", "missing_status": "pending"})).await;
        assert_eq!((&made["name"], &made["missing_status"], &made["reply_body"]), (&json!("Mine"), &json!("pending"), &json!("OK")));
        assert_eq!((&made["status_map"]["confirm"], &made["kind"]), (&json!("approved"), &json!("network")));
        assert!(text(&made, "template").ends_with("?cid={sub_id}&payout={payment}&txid={lead_id}&status={status}"), "{made}");
        // Once it is there, the preset is a name: nothing that was edited is filled again.
        let path = format!("/advertisers/{}", made["id"]);
        let edited = app.patch(&path, json!({"status_map": {"confirm": "pending"}, "preset": "terraleads"})).await;
        assert_eq!(edited["status_map"], json!({"confirm": "pending"}));
        let refused = app.api(Method::POST, "/advertisers", Some(json!({"name": "X", "preset": "nobody"}))).await;
        assert!(refused.status == 422 && refused.text.contains("/api/v1/presets"), "{refused:?}");

        let one = app.api(Method::GET, "/presets/cake", None).await.expect(200);
        assert_eq!((&one["click_param"], &one["confidence"]), (&json!("s2"), &json!("documented")));
        assert_eq!(app.api(Method::GET, "/presets/nobody", None).await.status, 404);
        let sources = app.api(Method::GET, "/presets?kind=source&q=propeller", None).await.expect(200);
        let source = &sources["items"][0];
        assert_eq!((&source["click_macro"], &source["click_param"]), (&json!("${SUBID}"), &json!("external_id")));
        assert_eq!((&source["values"][0]["name"], &source["destination"]["statuses"]), (&json!("aid"), &json!(["approved"])));
        assert!(text(source, "cost_note").contains("{cost} is not known"), "{source}");
        assert_eq!(app.api(Method::GET, "/presets?kind=wallet", None).await.status, 422);
        assert_eq!(app.api(Method::POST, "/presets", Some(json!({}))).await.status, 405);
        assert_eq!(app.get("/api/v1/presets").await.status, 401);
    }

    async fn a_preset_is_chosen_on_the_form_and_edited(app: TestApp) {
        let person = Person::enter(app).await;
        let filled = person.send("/advertisers", "action=fill-preset&preset=affise&name=&currency=USD&window_days=30&status=active\
            &status_map.0.theirs=old&status_map.0.ours=approved&allow_addresses=203.0.113.0%2F24").await;
        assert_eq!(filled.status, 200, "{filled:?}");
        let page = &filled.text;
        for wanted in ["value=\"Affise\"", "status_map.3.theirs\" value=\"5\"", "https://help-center.affise.com/", "documented",
            "203.0.113.0/24", "<option value=\"affise\" selected>", "Status 5 is hold."] {
            assert!(page.contains(wanted), "{wanted} is not in {page}");
        }
        assert!(!page.contains("value=\"old\""), "maps are replaced");
        let unverified = person.send("/advertisers", "action=fill-preset&preset=maxbounty&name=Own&currency=USD").await.text;
        assert!(unverified.contains("and not verified:") && unverified.contains("value=\"Own\""), "{unverified}");

        let saved = person.send("/advertisers", "action=save&preset=cake&name=Orchard&kind=network&currency=USD&missing_status=approved\
            &window_days=30&duplicate_mode=update&hmac_mode=off&answers=standard&status=active").await;
        let shown = person.page(saved.location()).await;
        for wanted in ["What CAKE sends", "<b>#price#</b>", "what they pay us for the conversion", "reserved for sub-affiliates", "These are CAKE&#39;s own macros"] {
            assert!(shown.contains(wanted), "{wanted} is not in {shown}");
        }
        let id = saved.location().split(['/', '?']).nth(2).unwrap().to_owned();
        let form = format!("name=Shop&advertiser_id={id}&url=https%3A%2F%2Fshop.example%2F%3Fo%3D1%23top&currency=USD&revenue_mode=auto&status=active");
        let hint = person.send("/offers/click-param", &form).await;
        assert!(hint.status == 200 && hint.text.contains("s2={click_id}"), "{hint:?}");
        let appended = person.send("/offers", &format!("{form}&action=append-click-param")).await.text;
        assert!(appended.contains("value=\"https://shop.example/?o=1&#38;s2={click_id}#top\""), "{appended}");
        assert!(!appended.contains("append-click-param"), "nothing lacks any more");
        let made = person.send("/offers", &form).await;
        assert!(person.page(made.location()).await.contains("Append s2={click_id}"), "an offer may be saved without it");
        assert_eq!(person.send("/offers/click-param", "advertiser_id=99&url=x").await.text.trim(), "");
    }

    async fn an_edited_preset_reads_a_network_that_changed(app: TestApp) {
        let advertiser = app.post("/advertisers", json!({"preset": "mylead"})).await;
        let offer = app.offer(&advertiser, json!({})).await;
        let campaign = app.campaign_to(&advertiser, &offer, json!({})).await;
        let click = app.click(&campaign).await;
        assert_eq!(app.say(&click, "payout=5&status=pre_approved").await.code(), "unknown_status");
        let mut map = advertiser["status_map"].clone();
        map["pre_approved"] = json!("pending");
        app.patch(&format!("/advertisers/{}", advertiser["id"]), json!({"status_map": map})).await;
        assert_eq!(app.say(&click, "payout=5&status=pre_approved").await.code(), "recorded");
        assert_eq!(standing(app, &click), (Status::Pending, 5_000_000));
    }
}
