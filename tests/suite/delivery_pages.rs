//! Destinations and deliveries on their pages: the form, the test, the log, and what is sent again from there.

use crate::app::{TestApp, send};
use crate::delivery_log::{converted, told, until};
use crate::pages::Person;
use crate::receiver::Receiver;
use reqwest::Method;
use serde_json::{Value, json};

/// What a hostile source answers.
const HOSTILE: &str = "</code><script>alert(1)</script>\u{1b}[31m";

/// The value of a line of `/metrics`.
async fn metric(app: &TestApp, name: &str) -> f64 {
    let answer = send(app.request(Method::GET, "/metrics").bearer_auth(&app.read_token)).await;
    let line = answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{}", answer.text)).parse().unwrap()
}

stories! {
    async fn a_destination_is_made_on_its_form(app: TestApp) {
        let person = Person::enter(app).await;
        let empty = person.page("/destinations").await;
        assert!(empty.contains("No destinations yet") && empty.contains("href=\"/destinations/new\""), "{empty}");
        let campaign = app.campaign(json!({})).await;
        let source = app.post("/sources", json!({"name": "Push <house>", "kind": "partner"})).await["id"].as_i64().unwrap();
        let blank = person.page(&format!("/destinations/new?source_id={source}&campaign_id=999")).await;
        assert!(blank.contains(&format!("value=\"{source}\" selected>Push &#60;house&#62;</option>")), "{blank}");
        assert!(blank.contains("{status:approved=1,rejected=0}") && blank.contains("{external_id}"));

        let typed = format!(
            "action=save&name=&source_id={source}&campaign_id={}&offer_id=&statuses=approved&statuses=pending&events=Sale&fire=once\
             &method=GET&url=https%3A%2F%2Fs.example%2F%3Fc%3D%7Bexternal_idd%7D&body_kind=json&body=%7B%22a%22%3A%7Bsub1%7D%7D\
             &headers.0.name=Host&headers.0.value=s3cret&delay_seconds=900&success_match=OK&status=active",
            campaign.id
        );
        let refused = person.send("/destinations", &typed).await;
        assert_eq!(refused.status, 422);
        for said in [
            "Write a name",
            "<u>{external_idd}</u>",
            "did you mean {external_id}?",
            "This is no JSON once its macros are filled",
            "Host is set by us: leave it out",
            "Must be a whole number from 0 to 300",
            "A body is sent with POST or PUT",
            "value=\"approved\" checked",
            "value=\"pending\" checked",
            "value=\"Sale\"",
        ] {
            // The first mistakes hide those that are looked for on the whole.
            let is_later = ["Write a name", "<u>", "did you", "This is no JSON", "A body is"].iter().any(|late| said.starts_with(late));
            assert!(is_later || refused.text.contains(said), "{said}: {}", refused.text);
        }
        assert!(!refused.text.contains("s3cret"), "what is secret is never sent back");
        let mended = typed.replace("headers.0.name=Host", "headers.0.name=X-Key").replace("delay_seconds=900", "delay_seconds=30");
        let refused = person.send("/destinations", &mended).await;
        for said in ["Write a name", "<u>{external_idd}</u>", "did you mean {external_id}?", "This is no JSON once", "A body is sent with POST or PUT"] {
            assert!(refused.text.contains(said), "{said}: {}", refused.text);
        }
        let mended = mended.replace("name=&source", "name=Push+%3Cb%3E&source").replace("external_idd", "external_id").replace("method=GET", "method=POST")
            .replace("%7Bsub1%7D%7D", "%22%7Bsub1%7D%22%7D");
        let saved = person.send("/destinations", &mended).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let shown = person.page(saved.location()).await;
        assert!(shown.contains("Saved, and live for the next conversion"), "{shown}");
        assert!(shown.contains("Told of approved or pending conversions of source Push &#60;house&#62;, campaign Push with the event sale, once each: at the first of these statuses, 30 s after."), "{shown}");
        assert!(shown.contains("X-Key: …") && shown.contains("Push &#60;b&#62;") && !shown.contains("s3cret"), "{shown}");
        let edit = format!("{}/edit", saved.location().split('?').next().unwrap());
        let form = person.page(&edit).await;
        assert!(form.contains("value=\"X-Key\"") && form.contains("kept; write another") && !form.contains("s3cret"), "{form}");

        // A row for a header comes and goes without a script; what is left empty keeps its value, what is gone is taken away.
        let path = edit.trim_end_matches("/edit");
        let more = person.send(path, &mended.replace("action=save", "action=add-pair.headers").replace("s3cret", "")).await;
        assert!(more.status == 200 && more.text.contains("name=\"headers.1.name\""), "{more:?}");
        let kept = person.send(path, &mended.replace("s3cret", "")).await;
        assert_eq!(kept.status, 303, "{}", kept.text);
        let headers = async || app.api(Method::GET, path, None).await.expect(200)["headers"].clone();
        assert_eq!(headers().await, json!({"X-Key": null}));
        let twice = format!("{mended}&headers.1.name=X-Key&headers.1.value=other");
        assert!(person.send(path, &twice).await.text.contains("X-Key stands there twice"));
        let gone = mended.replace("headers.0.name=X-Key", "headers.0.name=").replace("s3cret", "");
        assert_eq!(person.send(path, &gone).await.status, 303);
        assert_eq!(headers().await, json!({}));

        let archived = person.ask(Method::POST, &format!("{path}/archive")).await;
        assert!(person.page(archived.location()).await.contains("The destination is archived."));
        assert!(person.page(path).await.contains("It is archived: it is told of nothing new"));
        assert_eq!(person.ask(Method::POST, &format!("{path}/restore")).await.status, 303);
        for (kind, template, said) in [
            ("told_url", "https://a.example/?p=%7Bpayout%7D", "{\"filled\":\"https://a.example/?p=5.00\"}"),
            ("told_body", "%7B%22a%22%3A%22%7Bamount%7D%22%7D", "\"start\":6"),
        ] {
            let preview = person.send("/templates/preview", &format!("kind={kind}&template={template}")).await;
            assert!(preview.status == 200 && preview.text.contains(said), "{preview:?}");
        }
    }

    async fn a_test_shows_what_was_sent_and_what_to_do(app: TestApp) {
        let person = Person::enter(app).await;
        let receiver = Receiver::saying(|| (403, HOSTILE.to_owned()));
        let told = told(app, &receiver, json!({"headers": {"X-Key": "s3cret"}, "status": "paused"})).await;
        let path = format!("/destinations/{}/test", told.destination);
        let none = person.send(&path, "conversion_id=").await;
        assert!(none.status == 422 && none.text.contains("There is no conversion yet to tell of"), "{none:?}");
        let wrong = person.send(&path, "conversion_id=x%22y").await;
        assert!(wrong.status == 422 && wrong.text.contains("value=\"x&#34;y\"") && wrong.text.contains("Must be a whole number"), "{wrong:?}");
        converted(app, &told.campaign, "w1", "payout=5").await;
        let tried = person.send(&path, "conversion_id=").await;
        assert_eq!(tried.status, 200);
        for said in [
            "It was answered by 403",
            "a delivery would not be tried again by itself",
            "The source does not let us in: look at the key",
            "&#60;/code&#62;&#60;script&#62;alert(1)&#60;/script&#62;\u{fffd}[31m",
            "/pb?c=w1&#38;p=5.00",
            "X-Key: …",
        ] {
            assert!(tried.text.contains(said), "{said}: {}", tried.text);
        }
        assert!(!tried.text.contains("<script>alert") && !tried.text.contains("s3cret"));
        assert_eq!(receiver.next().header("x-key"), "s3cret");
        let nameless = app.click(&told.campaign).await;
        app.settled().await;
        app.postback(&nameless, "1").await;
        let skipped = person.send(&path, &format!("conversion_id={}", app.conversions(&nameless)[0].id)).await;
        assert!(skipped.text.contains("Nothing was sent, and nothing would be: its click came without an external id"), "{}", skipped.text);
        assert_eq!(person.send("/destinations/999/test", "").await.status, 404);
        assert!(receiver.is_quiet());
    }

    async fn deliveries_are_found_and_sent_again_from_their_pages(app: TestApp) {
        let person = Person::enter(app).await;
        let answers = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let receiver = Receiver::saying(move || {
            let is_early = answers.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3;
            if is_early { (404, HOSTILE.to_owned()) } else { (200, "OK".to_owned()) }
        });
        let told = told(app, &receiver, json!({"name": "Told <i>"})).await;
        let click = converted(app, &told.campaign, "w0", "payout=5&txid=T-0").await;
        receiver.next();
        for n in 1..3 {
            converted(app, &told.campaign, &format!("w{n}"), &format!("payout=5&txid=T-{n}")).await;
            receiver.next();
        }
        until(app, "failed", 3).await;
        converted(app, &told.campaign, "w3", "payout=5&txid=T-3").await;
        until(app, "sent", 1).await;

        let log = person.page("/deliveries").await;
        assert!(log.contains("4 deliveries, 1–4 shown") && log.contains("Told &#60;i&#62;") && log.contains("It was answered by 404"), "{log}");
        for (filter, count) in [("state=failed", "3 deliveries"), (&*format!("q={}", click.id), "1 delivery,"), ("q=T-3", "1 delivery,"), ("q=answered+by", "3 deliveries"), ("state=sent&destination=999", "")] {
            let page = person.page(&format!("/deliveries?{filter}")).await;
            assert!(if count.is_empty() { page.contains("No deliveries here") } else { page.contains(count) }, "{filter}: {page}");
        }
        let id = app.number("select min(id) from deliveries");
        let one = person.page(&format!("/deliveries/{id}")).await;
        for said in ["It was answered by 404. It is not tried again by itself", "compare it with the one in the source", "Attempt 1, ", "&#60;script&#62;alert(1)", "/pb?c=w0&#38;p=5.00"] {
            assert!(one.contains(said), "{said}: {one}");
        }
        assert!(!one.contains("<script>alert"));
        let conversion = app.conversions(&click)[0].id;
        for (page, said) in [
            (format!("/conversions/{conversion}"), format!("/deliveries/{id}")),
            (format!("/clicks/{}", click.id), "Told to Told &#60;i&#62;".to_owned()),
            (format!("/sources/{}/edit", told.source), format!("<a href=\"/destinations/{}\">Told &#60;i&#62;</a>", told.destination)),
            (format!("/sources/{}/edit", told.source), format!("/destinations/new?source_id={}", told.source)),
            (format!("/destinations/{}", told.destination), "3 failed".to_owned()),
            ("/destinations".to_owned(), "It was answered by 404".to_owned()),
        ] {
            let text = person.page(&page).await;
            assert!(text.contains(&said), "{said} is not on {page}: {text}");
        }
        assert!(!person.page("/attention").await.contains("takes nothing"), "one of them was taken");

        // Nothing ticked, a look that sends nothing, then the run.
        let none = person.send("/deliveries/resend", "scope=ticked&shown=").await;
        assert!(person.page(none.location()).await.contains("Tick the deliveries"));
        let sent = app.number("select id from deliveries where state = 'sent'");
        let look = person.send("/deliveries/resend", &format!("scope=ticked&id={sent}&id={id}")).await;
        assert!(look.text.contains("2 deliveries are sent again at once") && look.text.contains("One was taken already"), "{}", look.text);
        let look = person.send("/deliveries/resend", "scope=shown&shown=q%3DT-1").await;
        assert!(look.text.contains("1 delivery is sent again at once") && look.text.contains("Send 1 delivery again"), "{}", look.text);
        assert!(receiver.next().line.contains("c=w3") && receiver.is_quiet());
        let run = person.send("/deliveries/resend", &format!("scope=shown&shown=destination%3D{}&action=run", told.destination)).await;
        assert!(person.page(run.location()).await.contains("3 deliveries are sent again now."), "{run:?}");
        until(app, "sent", 4).await;
        let again = person.ask(Method::POST, &format!("/deliveries/{id}/resend")).await;
        assert!(person.page(again.location()).await.contains("1 delivery is sent again now."));
        assert_eq!(person.ask(Method::POST, "/deliveries/999999/resend").await.status, 404);
        app.until("it was sent a third time", || app.number(&format!("select attempts from deliveries where id = {id}")) == 3).await;
        until(app, "sent", 4).await;
        assert!(person.page(&format!("/deliveries/{id}")).await.contains("at attempt 3."));
        app.patch(&format!("/destinations/{}", told.destination), json!({"status": "paused"})).await;
        let off = person.ask(Method::POST, &format!("/deliveries/{id}/resend")).await;
        assert!(person.page(off.location()).await.contains("to a destination that is off"));
    }

    async fn a_destination_that_takes_nothing_is_told_of(app: TestApp) {
        let person = Person::enter(app).await;
        let receiver = Receiver::with(|| 500);
        let told = told(app, &receiver, json!({"name": "Deaf <one>"})).await;
        converted(app, &told.campaign, "w1", "payout=5").await;
        receiver.next();
        app.until("the attempt is kept", || app.number("select count(*) from delivery_attempts") > 0).await;
        for page in ["/", "/attention"] {
            let text = person.page(page).await;
            assert!(text.contains("Deaf &#60;one&#62; takes nothing") && text.contains(&format!("/destinations/{}", told.destination)), "{page}: {text}");
        }
        let id = app.number("select id from deliveries");
        let one = person.page(&format!("/deliveries/{id}")).await;
        assert!(one.contains("; it is given up ") && one.contains("The source itself is in trouble"), "{one}");
        assert!(metric(app, "clickledger_delivery_attempts_total{outcome=\"failed\"}").await >= 1.0);
        assert_eq!(metric(app, "clickledger_delivery_attempts_total{outcome=\"sent\"}").await, 0.0);
        let mut due = 0.0;
        for _ in 0..100 {
            due = metric(app, "clickledger_deliveries_due").await;
            if due > 0.0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(due, 1.0);
        assert!(metric(app, "clickledger_deliveries_oldest_due_seconds").await > 0.0);
        app.patch(&format!("/destinations/{}", told.destination), json!({"status": "paused"})).await;
        assert!(!person.page("/attention").await.contains("takes nothing"), "who is off is not asked to answer");
        assert!(person.page(&format!("/deliveries/{id}")).await.contains("Its destination is paused"));
        let api = app.api(Method::GET, &format!("/deliveries/{id}"), None).await.expect(200);
        assert!(api["given_up_at"].is_string() && api["state"] == "due", "{api}");
        assert_ne!(api["last_error"], Value::Null);
    }
}
