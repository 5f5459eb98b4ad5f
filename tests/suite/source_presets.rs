//! Every source's preset, end to end: a source made from it, the campaign's address as the source expands it, a click, the
//! advertiser's postback, and what the source is told of it.

use crate::app::{Answer, Campaign, TestApp};
use crate::pages::Person;
use crate::receiver::{Receiver, Seen};
use reqwest::Method;
use serde_json::{Map, Value, json};

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// As sources put values into an address.
fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// A source's click id with all that could be harmed on its way.
fn click_id(slug: &str) -> String {
    format!("{slug}-W%26 1&x=\u{e4}/+\"'<#>{{click_id}}")
}

/// What a person would write for a value, the odd ones among them.
fn value_for(asked: &Value) -> String {
    match text(asked, "name") {
        "host" => "ads.example".to_owned(),
        "page_url" => "https://shop.example/a?b=\"c\"&d=1".to_owned(),
        "client_id" => "c1ient".to_owned(),
        _ if asked["secret"] == true => "k3y-7/+=".to_owned(),
        name => format!("{name} 7/&=#+"),
    }
}

/// A source as a person sets it up: from its preset, with the macros that only its panel shows.
async fn source(app: &TestApp, preset: &Value) -> Value {
    let made = app.post("/sources", json!({"preset": preset["slug"]})).await;
    assert_eq!((&made["name"], &made["preset"]), (&preset["name"], &preset["slug"]));
    let path = format!("/sources/{}", made["id"]);
    let mut tokens = made["tokens"].clone();
    for token in tokens.as_array_mut().unwrap() {
        if token["macro"].is_null() {
            token["macro"] = json!(format!("[their_{}]", text(token, "param")));
        }
    }
    let is_named = !made["external_id_macro"].is_null() || made["external_id_param"] != "external_id";
    let theirs = if is_named { made["external_id_macro"].clone() } else { json!("[their-click]") };
    app.patch(&path, json!({"tokens": tokens, "external_id_macro": theirs})).await
}

/// The query of the campaign's address with the source's values in the place of its macros.
fn expanded(ready_url: &str, source: &Value, id: &str) -> String {
    let query = ready_url.split_once('?').map_or("", |(_, query)| query);
    let mut values = vec![
        (text(source, "external_id_macro"), encoded(id)),
        (text(source, "cost_macro"), "0.0123".to_owned()),
    ];
    for token in source["tokens"].as_array().unwrap() {
        values.push((text(token, "macro"), encoded(&format!("{} 1/\u{e4}", text(token, "param")))));
    }
    let value = |theirs: &str| {
        let known = values.iter().find(|(known, _)| *known == theirs);
        known.unwrap_or_else(|| panic!("{theirs} is no macro of {source}")).1.clone()
    };
    let pair = |pair: &str| {
        let (param, theirs) = pair.split_once('=').unwrap();
        format!("{param}={}", value(theirs))
    };
    let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
    if source["external_id_macro"].is_null() {
        pairs.push(format!("{}={}", text(source, "external_id_param"), encoded(id)));
    }
    pairs.join("&")
}

/// A destination of the source, from its preset where that has one, with the receiver in the place of its host.
async fn destination(app: &TestApp, preset: &Value, source: &Value, receiver: &Receiver) -> Value {
    let asked = preset["values"].as_array().unwrap();
    let values: Map<String, Value> =
        asked.iter().map(|one| (text(one, "name").to_owned(), json!(value_for(one)))).collect();
    let mut fields = json!({"preset": preset["slug"], "source_id": source["id"], "values": values});
    if preset["destination"].is_null() {
        let refused = app.api(Method::POST, "/destinations", Some(fields.clone())).await.expect(422);
        assert!(text(&refused["fields"][0], "message").contains("panel shows"), "{refused}");
        fields["url"] = json!("https://postback.example/own?c={external_id}&p={payout}");
    }
    let made = app.post("/destinations", fields).await;
    assert_eq!((&made["name"], &made["preset"]), (&preset["name"], &preset["slug"]));
    let behind = text(&made, "url").split_once("://").unwrap().1;
    let (host, rest) = behind.split_at(behind.find(['/', '?']).unwrap());
    assert!(!host.contains("REPLACE") && !made.to_string().contains("REPLACE"), "{made}");
    // The story's receiver is no API: what it answers is no answer of theirs, and it gives no tokens.
    let changes = json!({"url": format!("{}{rest}", receiver.base), "success_match": "", "oauth": null});
    app.patch(&format!("/destinations/{}", made["id"]), changes).await
}

/// Every text that was told: of the address its parts and values, decoded, and of a body its strings.
fn told(seen: &Seen) -> Vec<String> {
    let address = seen.line.split(' ').nth(1).unwrap();
    let url = url::Url::parse(&format!("http://a.example{address}")).unwrap();
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned();
    let mut texts: Vec<String> = url.path_segments().unwrap().map(decoded).collect();
    // Not as a form: a source may well read a plus as a plus.
    let query = url.query().unwrap_or_default();
    texts.extend(query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| decoded(value)));
    let mut open = vec![serde_json::from_str::<Value>(&seen.body).unwrap_or_default()];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => texts.push(text),
            Value::Number(number) => texts.push(number.to_string()),
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    texts
}

/// What the source was told, against what it wrote and what the user did.
fn assert_told(seen: &Seen, preset: &Value, made: &Value, id: &str) {
    let (slug, texts) = (text(preset, "slug"), told(seen));
    let has = |wanted: &str| texts.iter().any(|text| text == wanted);
    let ends = |wanted: &str| texts.iter().any(|text| text.starts_with("fb.1.") && text.ends_with(wanted));
    assert!(has(id) || ends(id), "{slug}: {id} is not in {texts:?}");
    let message = format!("{}{}", text(made, "url"), text(made, "body"));
    assert!(!message.contains("{payout}") || has("5.00") || has("5.0"), "{slug}: {texts:?}");
    for token in preset["tokens"].as_array().unwrap() {
        let sub = format!("{{sub{}}}", token["slot"]);
        assert!(
            !message.contains(&sub) || has(&format!("{} 1/\u{e4}", text(token, "param"))),
            "{slug}: {texts:?}"
        );
    }
    let headers = seen.headers.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>().join("\n");
    for asked in preset["values"].as_array().unwrap().iter().filter(|asked| asked["name"] != "host") {
        let value = value_for(asked);
        let is_token_fetched = text(asked, "name").starts_with("client_") || asked["name"] == "refresh_token";
        let is_there = texts.iter().any(|text| text.contains(&value)) || headers.contains(&value);
        assert!(is_there || is_token_fetched, "{slug}: {value} is not in {texts:?} or {headers}");
    }
}

async fn campaign_of(app: &TestApp, source: &Value) -> (Campaign, String) {
    let campaign = app.campaign(json!({"source_id": source["id"]})).await;
    let shown = app.api(Method::GET, &format!("/campaigns/{}", campaign.id), None).await.expect(200);
    let (url, ready) = (text(&shown, "url"), text(&shown, "url_with_macros"));
    assert!(ready.starts_with(url), "{shown}");
    (campaign, ready.to_owned())
}

/// The messages of a refusal, by field.
fn messages(answer: &Answer) -> Vec<(String, String)> {
    let fields = answer.expect(422)["fields"].as_array().unwrap().clone();
    fields.iter().map(|one| (text(one, "field").to_owned(), text(one, "message").to_owned())).collect()
}

stories! {
    async fn every_source_gets_its_own_click_id_back(app: TestApp) {
        let receiver = Receiver::start();
        let presets = app.api(Method::GET, "/presets?kind=source", None).await.expect(200);
        let presets = presets["items"].as_array().unwrap();
        assert!(presets.len() >= 44, "{}", presets.len());
        for (before, preset) in (0_i64..).zip(presets) {
            let slug = text(preset, "slug");
            let source = source(app, preset).await;
            let (campaign, ready) = campaign_of(app, &source).await;
            let made = destination(app, preset, &source, &receiver).await;
            let id = click_id(slug);
            let query = expanded(&ready, &source, &id);
            let click = app.click_as(&campaign, &query, |request| request).await;
            let stored = app.stored(&click).await.record;
            assert_eq!(stored.external_id.as_deref(), Some(id.as_str()), "{slug}: {query}");
            let cost = if source["cost_model"] == "param" { 12_300 } else { 0 };
            assert_eq!(stored.cost_micros, cost, "{slug}");
            let is_said = source["notes"].as_array().unwrap().iter().any(|note| note.as_str().unwrap().contains("cost"));
            assert!(is_said || cost > 0, "{slug}: {source}");
            assert_eq!(app.postback(&click, "5").await.code(), "recorded");
            assert_told(&receiver.next(), preset, &made, &id);
            let sent = || app.number("select count(*) from deliveries where state = 'sent'");
            app.until("it is sent", || sent() == before + 1).await;
        }
        assert!(receiver.is_quiet());
    }

    async fn a_source_preset_fills_what_the_body_leaves_unsaid(app: TestApp) {
        let made = app.post("/sources", json!({"preset": "pushground", "name": "Mine"})).await;
        assert_eq!((&made["name"], &made["cost_model"], &made["cost_param"]), (&json!("Mine"), &json!("param"), &json!("cost")));
        let (campaign, ready) = campaign_of(app, &made).await;
        assert_eq!(ready, format!("{}/c/{}?external_id={{click_id}}&cost={{bid}}", app.base, campaign.slug));
        let own = json!({"preset": "pushground", "external_id_param": "cid", "cost_param": "price", "cost_macro": "{bidcpm}", "cost_unit": "mille",
            "tokens": [{"slot": 1, "param": "zone", "macro": "{site_id}"}]});
        let own = app.post("/sources", own).await;
        assert!(campaign_of(app, &own).await.1.ends_with("?cid={click_id}&price={bidcpm}&zone={site_id}"), "{own}");
        // Once it is there, the preset is a name: nothing that was edited is filled again.
        let path = format!("/sources/{}", own["id"]);
        let bare = app.patch(&path, json!({"preset": "pushground", "external_id_macro": "", "cost_param": null, "cost_macro": null, "cost_model": "none", "tokens": []})).await;
        assert_eq!((&bare["external_id_macro"], &bare["cost_macro"]), (&Value::Null, &Value::Null));
        assert!(campaign_of(app, &bare).await.1.ends_with("?cid={cid}"), "as before presets");
        let unknown_currency = app.post("/sources", json!({"preset": "propellerads"})).await;
        assert_eq!((&unknown_currency["cost_model"], &unknown_currency["cost_macro"]), (&json!("none"), &json!("{cost}")));
        assert!(unknown_currency["notes"].to_string().contains("set the cost model to the cost parameter"), "{unknown_currency}");
        let nobody = app.api(Method::POST, "/sources", Some(json!({"name": "X", "preset": "cake"}))).await;
        assert!(messages(&nobody)[0].1.contains("/api/v1/presets?kind=source"), "a network is no source");
        let sourceless = app.campaign(json!({})).await;
        let shown = app.api(Method::GET, &format!("/campaigns/{}", sourceless.id), None).await.expect(200);
        assert_eq!(shown["url"], shown["url_with_macros"]);
    }

    async fn values_that_lack_are_asked_for_by_name(app: TestApp) {
        let source = app.post("/sources", json!({"preset": "propellerads"})).await;
        let ask = |fields: Value| app.api(Method::POST, "/destinations", Some(fields));
        let lacking = ask(json!({"preset": "propellerads", "source_id": source["id"]})).await;
        let said = messages(&lacking);
        assert_eq!(said[0], ("values.aid".to_owned(), "Write your advertiser id in PropellerAds's panel".to_owned()));
        assert_eq!(said[1].0, "values.tid");
        let made = ask(json!({"preset": "propellerads", "source_id": source["id"], "values": {"aid": "123", "tid": 9}})).await.expect(201);
        assert_eq!(text(&made, "url"), "http://ad.propellerads.com/conversion.php?aid=123&pid=&tid=9&visitor_id={external_id}&price={payout}");
        assert_eq!((&made["statuses"], &made["method"], &made["fire"]), (&json!(["approved"]), &json!("GET"), &json!("once")));
        let own = ask(json!({"preset": "propellerads", "url": "https://own.example/{external_id}", "statuses": []})).await.expect(201);
        assert_eq!((text(&own, "url"), &own["statuses"]), ("https://own.example/{external_id}", &json!([])));
        for (fields, field) in [
            (json!({"preset": "propellerads", "values": {"aid": "1", "tid": "2", "pid": "3"}}), "values.pid"),
            (json!({"preset": "propellerads", "values": "aid=1"}), "values"),
            (json!({"preset": "propellerads", "values": {"aid": ["1"], "tid": "2"}}), "values.aid"),
            (json!({"preset": "exoclick", "values": {"host": "https://x.example/a", "goal": "1"}}), "values.host"),
            (json!({"name": "N", "url": "https://a.example/", "values": {"aid": "1"}}), "values"),
            (json!({"name": "N", "url": "https://a.example/", "preset": "nobody"}), "preset"),
        ] {
            assert_eq!(messages(&ask(fields.clone()).await)[0].0, field, "{fields}");
        }
        let later = app.api(Method::PATCH, &format!("/destinations/{}", made["id"]), Some(json!({"values": {"aid": "5"}}))).await;
        assert_eq!(messages(&later)[0].0, "values", "what is there is edited as it stands");
    }

    async fn a_source_is_chosen_on_the_form_and_its_address_shown(app: TestApp) {
        let person = Person::enter(app).await;
        let filled = person.send("/sources", "action=fill-preset&preset=pushground&name=&currency=USD&kind=partner&status=active\
            &tokens.1.param=old&tokens.1.label=Old").await;
        assert_eq!(filled.status, 200, "{filled:?}");
        for wanted in ["value=\"Pushground\"", "value=\"{click_id}\"", "value=\"{bid}\"", "<option value=\"pushground\" selected>",
            "<option value=\"param\" selected>", "unverified", "make a destination with this preset"] {
            assert!(filled.text.contains(wanted), "{wanted} is not in {}", filled.text);
        }
        assert!(!filled.text.contains("value=\"old\""), "tokens are replaced");
        let unknown = person.send("/sources", "action=fill-preset&preset=propellerads&name=Own&currency=USD").await.text;
        assert!(unknown.contains("is not known, so the cost is not counted yet") && unknown.contains("value=\"Own\""), "{unknown}");
        assert!(unknown.contains("your advertiser id in PropellerAds&#39;s panel"), "{unknown}");

        let saved = person.send("/sources", "action=save&preset=adsterra&name=Ads+%26+co&kind=ad_network&currency=USD&cost_unit=click\
            &cost_model=none&external_id_param=external_id&external_id_macro=%23%23SUB_ID_SHORT%28action%29%23%23&status=active\
            &tokens.2.param=zone&tokens.2.macro=%3Czone%3E&tokens.2.label=Zone").await;
        let shown = person.page(saved.location()).await;
        assert!(shown.contains("?external_id=<b>##SUB_ID_SHORT(action)##</b>"), "{shown}");
        assert!(shown.contains("<b>&#60;zone&#62;</b>"), "{shown}");
        let id = saved.location().split(['/', '?']).nth(2).unwrap().to_owned();
        let wrong = person.send(&format!("/sources/{id}"), "name=A&kind=ad_network&currency=USD&cost_unit=click&cost_model=none&status=active\
            &tokens.3.param=p&tokens.3.macro=a+b&cost_macro=%7Bbid%7D").await;
        assert!(wrong.status == 422 && wrong.text.contains("without spaces and &#38;") && wrong.text.contains("in which {bid} stands"), "{wrong:?}");

        let ready = person.send("/campaigns/ready-url", &format!("source_id={id}&slug=my-push")).await;
        assert!(ready.status == 200 && ready.text.contains("/c/my-push") && ready.text.contains("own macros: paste it as it is"), "{ready:?}");
        assert!(!ready.text.contains("hx-swap-oob"), "an address that was written stays");
        let fresh = person.send("/campaigns/ready-url", &format!("source_id={id}&slug=")).await.text;
        let slug = fresh.split("name=\"slug\"").nth(1).unwrap().split("value=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(slug.len() == 8 && fresh.contains(&format!("/c/{slug}")) && fresh.contains("once the campaign is saved"), "{fresh}");
        assert_eq!(person.send("/campaigns/ready-url", "source_id=&slug=").await.text.trim(), "");
        assert_eq!(person.send("/campaigns/ready-url", "source_id=999&slug=").await.text.trim(), "");

        let campaign = app.campaign(json!({"source_id": id.parse::<i64>().unwrap()})).await;
        let page = person.page(&format!("/campaigns/{}/edit", campaign.id)).await;
        assert!(page.contains("Campaign URL, for Ads &#38; co") && page.contains("<b>##SUB_ID_SHORT(action)##</b>"), "{page}");
        assert!(page.contains("&#38;zone="), "{page}");
    }
}
