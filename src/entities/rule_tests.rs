//! Rules, lists and chains as they are kept, on both databases.

use super::{Error, Fields, advertisers, campaigns, lists, offers};
use crate::db::{Db, scratch};
use crate::domain::input::FieldErrors;
use serde_json::{Value, json};

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

fn errors<T: std::fmt::Debug>(outcome: Result<T, Error>) -> FieldErrors {
    match outcome {
        Err(Error::Fields(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

fn an_offer(db: &Db) -> i64 {
    let advertiser = advertisers::create(db, &fields(json!({"name": "Net"})), 1, None).unwrap();
    let offer = json!({"name": "Shop", "advertiser_id": advertiser.id, "url": "https://shop.example/"});
    offers::create(db, &fields(offer), 1, None).unwrap().id
}

fn when(country: &str) -> Value {
    json!({"any": [{"all": [{"fact": "country", "op": "is", "values": [country]}]}]})
}

#[test]
fn rules_keep_their_numbers_and_their_order() {
    scratch::on_each_database(|db| {
        let offer = an_offer(db);
        let paths = json!([{"offers": [{"offer_id": offer}]}]);
        let rule = |country: &str| json!({"name": country, "when": when(country), "paths": paths});
        let sent =
            json!({"name": "Push", "paths": paths, "rules": [rule("DE"), rule("AT")], "smart_order": true});
        let made = campaigns::create(db, &fields(sent), 1, None).unwrap();
        let [german, austrian] = made.value.rules.as_slice() else { panic!("{:?}", made.value.rules) };
        assert_eq!((german.name.as_str(), german.paths.len(), made.value.paths.len()), ("DE", 1, 1));
        assert!(made.value.smart_order && !made.value.sticky);

        let back = |rule: &crate::domain::campaign::CampaignRule, name: &str| {
            json!({"id": rule.id, "name": name, "when": rule.when,
                "paths": [{"id": rule.paths[0].id, "offers": [{"offer_id": offer}]}]})
        };
        let swapped = json!({"rules": [back(austrian, "second"), rule("CH"), back(german, "first")]});
        let changed = campaigns::update(db, made.id, &fields(swapped), 2).unwrap().value;
        let ids: Vec<_> = changed.rules.iter().map(|rule| rule.id).collect();
        assert_eq!((ids[0], ids[2]), (austrian.id, german.id));
        assert_eq!(changed.rules[0].paths[0].id, austrian.paths[0].id);
        assert_eq!(changed.paths, made.value.paths, "what was not sent stays");

        let fewer =
            campaigns::update(db, made.id, &fields(json!({"rules": [back(german, "only")]})), 3).unwrap();
        assert_eq!(fewer.value.rules.len(), 1);
        let gone = json!({"rules": [back(austrian, "gone")]});
        let refused = errors(campaigns::update(db, made.id, &fields(gone), 4));
        assert!(refused.message("rules[0].id").unwrap().contains("no rule"));
        assert!(refused.message("rules[0].paths[0].id").unwrap().contains("no path"));
        assert_eq!(campaigns::find(db, made.id).unwrap(), fewer);
    });
}

#[test]
fn loops_are_refused_when_they_are_saved() {
    scratch::on_each_database(|db| {
        let first = an_offer(db);
        let at_cap = |to: i64| fields(json!({"at_cap": {"do": "offer", "offer_id": to}}));
        let second = an_offer(db);
        offers::update(db, first, &at_cap(second), 2).unwrap();
        let refused = errors(offers::update(db, second, &at_cap(first), 2));
        assert!(refused.message("at_cap.offer_id").unwrap().contains("back to the offer itself"));
        assert!(errors(offers::update(db, second, &at_cap(second), 2)).message("at_cap.offer_id").is_some());
        assert!(errors(offers::update(db, second, &at_cap(99), 2)).message("at_cap.offer_id").is_some());

        let campaign =
            |paths: Value| campaigns::create(db, &fields(json!({"name": "C", "paths": paths})), 1, None);
        let a = campaign(json!([{"offers": [{"offer_id": first}]}])).unwrap().id;
        let to = |id: i64| json!([{"offers": [{"campaign_id": id}]}]);
        let b = campaign(to(a)).unwrap().id;
        let change = |id: i64, fields_of: Value| campaigns::update(db, id, &fields(fields_of), 2);
        let refused = errors(change(a, json!({"paths": to(b)})));
        assert!(refused.message("paths[0].offers").unwrap().contains("back to the campaign itself"));
        let refused = errors(change(a, json!({"rules": [{"when": when("DE"), "paths": to(b)}]})));
        assert!(refused.message("rules[0].paths[0].offers").is_some());
        assert!(errors(change(b, json!({"paths": to(77)}))).message("paths[0].offers").is_some());
    });
}

#[test]
fn lists_hold_each_value_once_and_fit_their_facts() {
    scratch::on_each_database(|db| {
        let made =
            lists::create(db, &fields(json!({"name": "Bad", "values": ["B", "b", "a"]})), 1, None).unwrap();
        let values = || lists::values(db, made.id, 10).unwrap();
        assert_eq!(values(), (vec!["a".to_owned(), "b".to_owned()], 2));
        lists::add_values(db, made.id, &json!(["c", "A"]), 2).unwrap();
        lists::remove_values(db, made.id, &json!(["B", "z"]), 3).unwrap();
        assert_eq!(values(), (vec!["a".to_owned(), "c".to_owned()], 2));
        lists::update(db, made.id, &fields(json!({"name": "Worse"})), 4).unwrap();
        assert_eq!(values().1, 2, "a new name changes no value");
        lists::update(db, made.id, &fields(json!({"values": "x\ny"})), 4).unwrap();
        assert_eq!(values().0, ["x", "y"]);
        let many: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
        lists::add_values(db, made.id, &json!(many), 5).unwrap();
        assert_eq!(values().1, 2_002);
        assert!(
            errors(lists::update(db, made.id, &fields(json!({"kind": "asns"})), 6)).message("kind").is_some()
        );
        assert!(matches!(lists::add_values(db, 99, &json!(["a"]), 2), Err(Error::NotFound)));

        let offer = an_offer(db);
        let with = |fact: &str, list: i64| {
            let when = json!({"any": [{"all": [{"fact": fact, "op": "in", "lists": [list]}]}]});
            let paths = json!([{"offers": [{"offer_id": offer}]}]);
            campaigns::create(
                db,
                &fields(json!({"name": "C", "rules": [{"when": when, "paths": paths}]})),
                1,
                None,
            )
        };
        with("sub1", made.id).unwrap();
        let place = "rules[0].when.any[0].all[0].lists";
        assert!(errors(with("address", made.id)).message(place).unwrap().contains("holds values"));
        assert_eq!(errors(with("sub1", 99)).message(place), Some("There is no list 99"));
    });
}
