//! Routing as a function: what happens at the cap, over a real catalog.

use super::{Arrival, Caps, Catalog, Draws, Memory, NoHeaders, Router, Sealer};
use crate::db::{Db, scratch};
use crate::domain::click::RouteRefusal;
use crate::domain::click_id::ClickId;
use crate::visitor::{self, Hints, Signals, Visitor};

/// These offers are at their cap.
struct Full(&'static [i64]);

impl Caps for Full {
    fn is_at_cap(&self, offer_id: i64, _: i64) -> bool {
        self.0.contains(&offer_id)
    }
}

/// Offers 1 to 4 at addresses of their own, and a campaign that draws the first alone, or the fourth by a hair.
fn prepare(db: &Db, at_cap: [&str; 3]) {
    let mut sql = "insert into advertisers (id, name, kind, currency, status, postback_key, missing_status, window_days, \
        created_at_ms, updated_at_ms) values (1, 'A', 'network', 'USD', 'active', 'k', 'approved', 30, 1, 1);"
        .to_owned();
    let all = at_cap.into_iter().chain([r#"{"do":"next"}"#]);
    for (id, at_cap) in (1..).zip(all) {
        sql.push_str(&format!(
            "insert into offers (id, name, advertiser_id, url, currency, revenue_mode, at_cap, status, created_at_ms, \
             updated_at_ms) values ({id}, 'O', 1, 'https://o{id}.example/', 'USD', 'auto', '{at_cap}', 'active', 1, 1);"
        ));
    }
    sql.push_str(
        "insert into campaigns (id, name, slug, append_query, redirect, unique_window_hours, fallback_url, status, \
         is_test, created_at_ms, updated_at_ms) values (1, 'C', 'c', false, '302', 24, 'https://fallback.example/', \
         'active', false, 1, 1);\
         insert into paths (campaign_id, position, name, weight, status, landers, offers) values (1, 0, '', 1, 'active', \
         '[]', '[{\"id\":1,\"weight\":100},{\"id\":4,\"weight\":0}]');",
    );
    scratch::run(db, &sql);
}

/// Where a visitor goes while these offers are full.
fn goes_to(db: &Db, full: &'static [i64]) -> (String, Option<i64>, Option<RouteRefusal>) {
    let catalog = db.read(|conn| Catalog::load(conn, None)).unwrap();
    let (visitor, sealer, memory, caps) =
        (Visitor::default(), Sealer::new(&[7; 32]), Memory::new(), Full(full));
    let router =
        Router { catalog: &catalog, visitor: &visitor, sealer: &sealer, memory: &memory, caps: &caps };
    let arrival = Arrival {
        id: ClickId::new(1, [1; 10]),
        now_ms: 1,
        query: "",
        host: None,
        visitor: visitor::Arrival {
            address: [8, 8, 8, 8].into(),
            agent_text: "Mozilla/5.0",
            referrer: None,
            accept_language: None,
            signals: Signals::default(),
            hints: Hints::default(),
        },
        is_known_by_cookie: false,
        headers: &NoHeaders,
        seen: None,
        is_test: false,
    };
    let campaign = catalog.by_slug("c").unwrap();
    let facts = router.learn(campaign, &arrival);
    let routed = router.route(campaign, &arrival, &facts, Draws::random());
    (routed.url.unwrap_or_default(), routed.record.offer_id, routed.record.refusal)
}

#[test]
fn at_the_cap_visitors_follow_the_chain_to_its_end() {
    scratch::on_each_database(|db| {
        let on = |id: i64| format!(r#"{{"do":"offer","offer_id":{id}}}"#);
        prepare(db, [&on(2), &on(3), r#"{"do":"url","url":"https://other.example/"}"#]);
        assert_eq!(goes_to(db, &[]), ("https://o1.example/".to_owned(), Some(1), None));
        assert_eq!(goes_to(db, &[1]), ("https://o2.example/".to_owned(), Some(2), None));
        assert_eq!(goes_to(db, &[1, 2]), ("https://o3.example/".to_owned(), Some(3), None));
        let over = ("https://other.example/".to_owned(), None, Some(RouteRefusal::AtCap));
        assert_eq!(goes_to(db, &[1, 2, 3]), over);
        scratch::run(db, r#"update offers set at_cap = '{"do":"offer","offer_id":1}' where id = 3"#);
        let none = ("https://fallback.example/".to_owned(), None, Some(RouteRefusal::NoOffer));
        assert_eq!(goes_to(db, &[1, 2, 3]), none, "a loop is cut when it is met");
        scratch::run(db, r#"update offers set at_cap = '{"do":"next"}' where id = 1"#);
        assert_eq!(goes_to(db, &[1]), none, "weight 0 takes nobody, at the cap neither");
        scratch::run(db, r#"update paths set offers = '[{"id":1,"weight":9},{"id":4,"weight":1}]'"#);
        assert_eq!(goes_to(db, &[1]).1, Some(4), "the other offers of the path");
    });
}
