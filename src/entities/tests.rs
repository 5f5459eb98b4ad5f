//! What the doors of the nouns promise, over a real database.

use super::{Error, Fields, advertisers, campaigns, offers, sources};
use crate::db::search::ListQuery;
use crate::db::{Db, Priority, scratch, settings};
use crate::domain::lander::EntityStatus;
use serde_json::{Value, json};
use std::sync::Barrier;

fn database() -> (Db, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    (Db::open(&url, false).unwrap(), folder)
}

fn fields(value: Value) -> Fields {
    serde_json::from_value(value).unwrap()
}

/// A campaign's fields with a path to an offer of its own.
fn a_campaign(db: &Db) -> Fields {
    let advertiser = advertisers::create(db, &fields(json!({"name": "Net"})), 1, None).unwrap();
    let offer = json!({"name": "Shop", "advertiser_id": advertiser.id, "url": "https://shop.example/"});
    let offer = offers::create(db, &fields(offer), 1, None).unwrap();
    fields(json!({"name": "Push", "paths": [{"offers": [{"offer_id": offer.id}]}]}))
}

#[test]
fn what_is_archived_can_be_taken_back() {
    let (db, _folder) = database();
    let made = sources::create(&db, &fields(json!({"name": "Push"})), 1, None).unwrap();
    let away = sources::archive(&db, made.id, 2).unwrap();
    assert_eq!((away.value.status, away.updated_at_ms, away.created_at_ms), (EntityStatus::Archived, 2, 1));
    assert_eq!(
        sources::archive(&db, made.id, 3).unwrap().updated_at_ms,
        2,
        "nothing changed the second time"
    );
    assert_eq!(sources::list(&db, &ListQuery::default()).unwrap().total, 0);
    assert_eq!(sources::restore(&db, made.id, 4).unwrap().value.status, EntityStatus::Active);
    assert_eq!(sources::list(&db, &ListQuery::default()).unwrap().total, 1);
    assert!(matches!(sources::restore(&db, 99, 4), Err(Error::NotFound)));
}

#[test]
fn the_accounts_currency_is_the_default_and_a_sources_only_one() {
    let (db, _folder) = database();
    db.write(Priority::Pages, |conn| settings::put(conn, settings::CURRENCY, "EUR")).unwrap();
    let made = advertisers::create(&db, &fields(json!({"name": "Net"})), 1, None).unwrap();
    assert_eq!(made.value.currency.as_str(), "EUR");
    let Err(Error::Fields(errors)) =
        sources::create(&db, &fields(json!({"name": "Net", "currency": "USD"})), 1, None)
    else {
        panic!("taken")
    };
    assert_eq!(errors.message("currency"), Some("There is no exchange rate from USD to EUR yet: use EUR"));
}

#[test]
fn a_refused_change_leaves_nothing_behind() {
    let (db, _folder) = database();
    let good = a_campaign(&db);
    let made = campaigns::create(&db, &good, 1, None).unwrap();
    assert_eq!(made.value.owner_id, None, "nobody asked");
    let bad = fields(json!({"name": "Renamed", "paths": [{"offers": [{"offer_id": 77}]}]}));
    assert!(matches!(campaigns::update(&db, made.id, &bad, 2), Err(Error::Fields(_))));
    assert_eq!(campaigns::find(&db, made.id).unwrap(), made);
}

#[test]
fn of_many_who_want_one_slug_one_gets_it() {
    let (db, _folder) = database();
    let mut wanted = a_campaign(&db);
    wanted.insert("slug".to_owned(), json!("push"));
    let start = Barrier::new(8);
    let won = std::thread::scope(|scope| {
        let racer = || {
            start.wait();
            campaigns::create(&db, &wanted, 1, None)
        };
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(racer)).collect();
        let outcomes = racers.into_iter().map(|racer| racer.join().unwrap());
        outcomes
            .filter(|outcome| match outcome {
                Ok(_) => true,
                Err(Error::Conflict { field, .. }) => {
                    assert_eq!(*field, "slug");
                    false
                }
                Err(other) => panic!("{other}"),
            })
            .count()
    });
    assert_eq!(won, 1);
}

#[test]
fn changes_of_different_fields_at_once_all_last() {
    let (db, _folder) = database();
    let made = campaigns::create(&db, &a_campaign(&db), 1, None).unwrap();
    let changes =
        [json!({"name": "A"}), json!({"notes": "B"}), json!({"redirect": "307"}), json!({"tags": ["c"]})];
    std::thread::scope(|scope| {
        for change in &changes {
            scope.spawn(|| campaigns::update(&db, made.id, &fields(change.clone()), 2).unwrap());
        }
    });
    let now = campaigns::find(&db, made.id).unwrap().value;
    assert_eq!((now.name.as_str(), now.notes.as_str(), now.redirect.as_str()), ("A", "B", "307"));
    assert_eq!(now.tags, ["c"]);
}

#[test]
fn a_search_finds_letters_in_either_case_on_both_databases() {
    // The PostgreSQL of tests has the locale C, where the server's own lower case knows ASCII only.
    scratch::on_each_database(|db| {
        for name in ["Übergröße ÄÖ", "ŁÓDŹ Push", "ΑΘΗΝΑ", "Ёлка", "Плохо", "100%"] {
            sources::create(db, &fields(json!({"name": name})), 1, None).unwrap();
        }
        let found = |q: &str| {
            let query = ListQuery { q: q.to_owned(), ..ListQuery::default() };
            let items = sources::list(db, &query).unwrap().items;
            items.into_iter().map(|saved| saved.value.name).collect::<Vec<_>>()
        };
        assert_eq!(found("übergrößE äö"), ["Übergröße ÄÖ"]);
        assert_eq!(found("Łódź pUSH"), ["ŁÓDŹ Push"]);
        assert_eq!(found("αθηνα"), ["ΑΘΗΝΑ"]);
        assert_eq!(found("ЁЛ"), ["Ёлка"]);
        assert_eq!(found("0%"), ["100%"]);
        assert!(found("ubergro").is_empty(), "other letters");
    });
}
