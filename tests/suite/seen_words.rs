//! Words that nobody has given a meaning: counted with the postbacks that bring them, mapped by a button.

use crate::app::TestApp;
use crate::pages::Person;
use crate::postbacks::standing;
use clickledger::domain::status::Status;
use serde_json::json;

/// How often a word was counted; 0 where it is not there.
fn counted(app: &TestApp, kind: &str, word: &str) -> i64 {
    app.number(&format!("select sum(seen) from words_seen where kind = '{kind}' and word = '{word}'"))
}

stories! {
    async fn a_word_that_came_is_shown_and_mapped_by_a_button(app: TestApp) {
        let person = Person::enter(app).await;
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        let page = format!("/advertisers/{}", campaign.advertiser);
        assert_eq!(app.say(&click, "payout=5&status=approved&event=sale").await.code(), "recorded");
        assert!(!person.page(&page).await.contains("Words without a meaning"));
        assert_eq!(app.number("select count(*) from words_seen"), 0, "known words cost nothing");

        let other = app.click(&campaign).await;
        for _ in 0..3 {
            assert_eq!(app.say(&other, "payout=5&status=Pre%3CApproved").await.code(), "unknown_status");
        }
        assert_eq!(app.say(&other, "payout=5&event=FTD").await.code(), "recorded");
        assert_eq!((counted(app, "status", "pre<approved"), counted(app, "event", "ftd")), (3, 1));
        let shown = person.page(&page).await;
        assert!(shown.contains("pre&#60;approved") && shown.contains("3 times, last just now"), "{shown}");
        assert!(shown.contains("status, refused") && shown.contains("event, recorded, and no conversion"), "{shown}");

        let words = format!("{page}/words");
        let refused = person.send(&words, "kind=status&word=pre%3Capproved&ours=maybe").await;
        assert!(refused.status == 422 && refused.text.contains("Must be one of: pending, approved"), "{refused:?}");
        let mapped = person.send(&words, "kind=status&word=pre%3Capproved&ours=pending").await;
        let shown = person.page(mapped.location()).await;
        assert!(shown.contains("The word is mapped") && !shown.contains("pre&#60;approved</code>"), "{shown}");
        assert!(shown.contains("<code>ftd</code>"), "the other word stays");
        assert_eq!(app.say(&click, "payout=5&status=Pre%3CApproved&txid=b").await.code(), "duplicate");
        let third = app.click(&campaign).await;
        assert_eq!(app.say(&third, "payout=5&status=Pre%3CApproved").await.code(), "recorded");
        assert_eq!(standing(app, &third), (Status::Pending, 5_000_000));
        assert_eq!(counted(app, "status", "pre<approved"), 3, "it is known now");

        let empty = person.send(&words, "kind=event&word=ftd&ours=+").await;
        assert!(empty.status == 422 && empty.text.contains("Write the event"), "{empty:?}");
        assert_eq!(person.send(&words, "kind=event&word=ftd&ours=deposit").await.status, 303);
        assert!(!person.page(&page).await.contains("Words without a meaning"));
        assert_eq!(app.say(&third, "payout=7&event=ftd").await.code(), "recorded");
        assert!(app.conversions(&third).iter().any(|made| made.value.event == "deposit"));
        assert_eq!((counted(app, "event", "deposit"), counted(app, "event", "ftd")), (0, 1));
        assert_eq!(person.send("/advertisers/99/words", "kind=event&word=ftd&ours=deposit").await.status, 404);
    }

    async fn an_event_that_an_offer_lists_is_known_for_that_offer(app: TestApp) {
        let person = Person::enter(app).await;
        let advertiser = app.advertiser(json!({})).await;
        let listing = app.offer(&advertiser, json!({"name": "Lists it", "events": [{"event": "deposit"}]})).await;
        let other = app.offer(&advertiser, json!({"name": "Does not"})).await;
        let first = app.campaign_to(&advertiser, &listing, json!({})).await;
        let second = app.campaign_to(&advertiser, &other, json!({})).await;
        let click = app.click(&first).await;
        assert_eq!(app.say(&click, "payout=5&event=deposit").await.code(), "recorded");
        assert_eq!(counted(app, "event", "deposit"), 0);
        let click = app.click(&second).await;
        assert_eq!(app.say(&click, "payout=5&event=deposit").await.code(), "recorded");
        assert_eq!(counted(app, "event", "deposit"), 1);
        let page = format!("/advertisers/{}", advertiser["id"]);
        assert!(person.page(&page).await.contains("<code>deposit</code>"));
        app.patch(&format!("/offers/{}", other["id"]), json!({"events": [{"event": "deposit"}]})).await;
        assert!(!person.page(&page).await.contains("<code>deposit</code>"), "the offer has taken care of it");
    }
}
