//! Destinations from presets: every one passes, and what lacks is named.

use super::*;
use crate::domain::destination::Destination;
use crate::domain::input::Editable as _;
use crate::domain::preset::sources;

fn given(fields: Value) -> Fields {
    serde_json::from_value(fields).unwrap()
}

fn refused(fields: Value) -> Vec<(String, String)> {
    let errors = destination_fields(given(fields)).unwrap_err();
    errors.0.into_iter().map(|error| (error.field, error.message)).collect()
}

/// What a person would write: each value another one, and the odd ones among them.
fn sample(name: &str) -> String {
    match name {
        "host" => "ads.example".to_owned(),
        "page_url" => "https://shop.example/a?b=\"c\"&d={e}".to_owned(),
        "version" => "v23.0".to_owned(),
        key if key.contains("token") || key.starts_with("client_") => format!("{key}-7/+="),
        other => format!("{other} 7/&\u{e4}"),
    }
}

/// The fields of a preset's destination, its headers put as the vault would leave them.
fn filled(preset: &Preset, facts: &SourceFacts) -> Fields {
    let values: Map<String, Value> =
        facts.values.iter().map(|one| (one.name.clone(), json!(sample(&one.name)))).collect();
    let mut fields = destination_fields(given(json!({"preset": preset.slug, "values": values})))
        .unwrap_or_else(|errors| panic!("{}: {errors:?}", preset.slug));
    let headers = fields.get("headers").cloned().unwrap_or_default();
    let sealed =
        crate::domain::destination::sealed_headers(&json!(headers), |text| format!("<{}>", text.len()));
    fields.insert("headers".to_owned(), sealed.unwrap_or_else(|why| panic!("{}: {why}", preset.slug)));
    let oauth = fields.get("oauth").cloned().unwrap_or_default();
    let sealed = crate::domain::destination::sealed_oauth(&oauth, |text| format!("<{text}>"));
    fields.insert("oauth".to_owned(), sealed.unwrap_or_else(|errors| panic!("{}: {errors:?}", preset.slug)));
    fields
}

#[test]
fn every_destination_passes_once_its_values_are_there() {
    let mut count = 0;
    for (preset, facts) in sources().filter(|(_, facts)| facts.destination.is_some()) {
        let fields = filled(preset, facts);
        let mut made = Destination::default();
        made.apply(&fields).unwrap_or_else(|errors| panic!("{}: {errors:?}", preset.slug));
        assert_eq!((&made.name, made.statuses.len()), (&preset.name, 1), "{}", preset.slug);
        let tells_click = |text: &str| text.contains("{external_id}");
        assert!(tells_click(&made.url) || tells_click(&made.body), "{}: it names no click", preset.slug);
        for value in facts.values.iter().map(|one| sample(&one.name)) {
            assert!(is_host(&value) || !made.url.contains(&value), "{}: {value} stands encoded", preset.slug);
        }
        assert!(facts.destination.as_ref().is_some_and(|known| !known.url.contains('#')), "{}", preset.slug);
        count += 1;
    }
    assert!(count >= 38, "{count} destinations");
}

#[test]
fn every_placeholder_has_a_value_and_every_value_a_placeholder() {
    for (preset, facts) in sources() {
        let asked: BTreeSet<String> = facts.values.iter().map(|one| one.name.clone()).collect();
        assert_eq!(asked.len(), facts.values.len(), "{}: each name once", preset.slug);
        assert_eq!(facts.names_in_texts(), asked, "{}", preset.slug);
        for one in &facts.values {
            let is_word = one
                .name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            assert!(is_word && one.label.len() > 8 && !one.label.ends_with('.'), "{}: {one:?}", preset.slug);
        }
    }
}

#[test]
fn a_value_that_lacks_is_asked_for_by_its_name() {
    let errors = refused(json!({"preset": "propellerads", "values": {"tid": " ", "pid": "1"}}));
    assert_eq!(errors[0].0, "values.pid");
    assert!(errors[0].1.contains("asks for aid, tid"), "{errors:?}");
    let errors = refused(json!({"preset": "propellerads", "values": {"tid": " "}}));
    let fields: Vec<&str> = errors.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["values.aid", "values.tid"]);
    assert_eq!(errors[0].1, "Write your advertiser id in PropellerAds's panel");
    assert_eq!(refused(json!({"preset": "pushground", "values": [1]}))[0].0, "values");
    assert_eq!(refused(json!({"values": {"aid": "1"}}))[0].0, "values");
    assert!(refused(json!({"preset": "popads"}))[0].1.contains("PopAds's panel"));
    assert!(
        refused(json!({"preset": "exoclick", "values": {"host": "https://x/y", "goal": "1"}}))[0]
            .1
            .contains("host alone")
    );
}

#[test]
fn what_the_user_says_wins_and_asks_for_nothing() {
    let own = "https://own.example/?c={external_id}";
    let fields =
        destination_fields(given(json!({"preset": "propellerads", "url": own, "name": "Mine"}))).unwrap();
    assert_eq!(
        (&fields["url"], &fields["name"], &fields["method"]),
        (&json!(own), &json!("Mine"), &json!("GET"))
    );
    let fields = destination_fields(given(json!({"preset": "popads", "url": own}))).unwrap();
    assert_eq!((&fields["name"], &fields["preset"]), (&json!("PopAds"), &json!("popads")));
    let untouched = given(json!({"name": "N", "url": own}));
    assert_eq!(destination_fields(untouched.clone()).unwrap(), untouched);
}

#[test]
fn values_stand_as_the_text_around_them_wants_it() {
    let fields = given(json!({"preset": "taboola", "values": {"name": "a&b={cost}"}}));
    let url = destination_fields(fields).unwrap()["url"].as_str().unwrap().to_owned();
    assert!(url.contains("name=a%26b%3D%7Bcost%7D&revenue={payout}"), "{url}");
    let fields = given(json!({"preset": "taboola", "values": {"name": "{event}"}}));
    assert!(destination_fields(fields).unwrap()["url"].as_str().unwrap().contains("name={event}&"));
    let values =
        json!({"pixel_id": "1", "access_token": "t0ken", "page_url": "https://a.example/\"q\"{cost}"});
    let fields =
        destination_fields(given(json!({"preset": "meta-conversions-api", "values": values}))).unwrap();
    let body = fields["body"].as_str().unwrap();
    let read: Value =
        serde_json::from_str(&body.replace("{payout}", "1").replace("{conversion_time}", "1")).unwrap();
    assert_eq!(read["data"][0]["event_source_url"], "https://a.example/\"q\"{cost}");
    assert!(!body.contains("{cost}"), "a brace of the user's own begins no macro");
    assert!(fields["body"].as_str().unwrap().contains("\"event_name\": \"Purchase\""), "its default");
    assert_eq!(fields["headers"], json!({"Authorization": "Bearer t0ken"}));
}
