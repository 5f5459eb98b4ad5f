//! The page of imports: from the upload to what was not counted, and a conversion added by hand.

use crate::app::{Campaign, TestApp};
use crate::pages::Person;
use reqwest::Method;
use serde_json::json;

/// Sends the upload's form: the file under a name, or pasted rows where it has none.
async fn upload(person: &Person<'_>, advertiser: i64, name: &str, bytes: &[u8]) -> crate::app::Answer {
    let mut body = Vec::new();
    let mut part = |head: &str, value: &[u8]| {
        body.extend_from_slice(
            format!("--line\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    };
    part("name=\"advertiser_id\"", advertiser.to_string().as_bytes());
    part(&format!("name=\"file\"; filename=\"{name}\""), if name.is_empty() { b"" } else { bytes });
    part("name=\"pasted\"", if name.is_empty() { bytes } else { b"" });
    body.extend_from_slice(b"--line--\r\n");
    person.send_as("/conversions/imports", "multipart/form-data; boundary=line", body).await
}

/// The page of an import once it is through.
async fn through(person: &Person<'_>, path: &str) -> String {
    for _ in 0..400 {
        let page = person.page(path).await;
        if !page.contains("every 1s") {
            return page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} did not come to its end");
}

/// What the form says of a table.
fn plan(columns: &[(&str, &str)], more: &str) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("format", "csv").append_pair("zone", "UTC").append_pair("has_columns", "true");
    for (field, column) in columns {
        form.append_pair(&format!("column_{field}"), column);
    }
    format!("{}&{more}", form.finish())
}

async fn refused_upload(app: &TestApp, person: &Person<'_>, campaign: &Campaign) {
    for (advertiser, bytes, said) in [
        (campaign.advertiser, &b""[..], "Choose a file, or paste its rows"),
        (999, b"a,b\n1,2\n", "Choose whose conversions"),
        (campaign.advertiser, b"PK\x03\x04", "workbook"),
    ] {
        let refused = upload(person, advertiser, "file.csv", bytes).await;
        assert_eq!(refused.status, 422, "{said}");
        assert!(refused.text.contains(said), "{said}: {}", refused.text);
    }
    assert_eq!(person.send("/conversions/imports", "advertiser_id=1").await.status, 415);
    let broken = person
        .send_as("/conversions/imports", "multipart/form-data; boundary=line", "--line\r\nnonsense")
        .await;
    assert_eq!(broken.status, 400);
    assert_eq!(app.number("select count(*) from imports"), 0);
}

stories! {
    async fn a_file_is_looked_at_mended_and_recorded(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let (first, second) = (app.click(&campaign).await, app.click(&campaign).await);
        app.stored(&second).await;
        let person = Person::enter(app).await;
        refused_upload(app, &person, &campaign).await;
        let file = format!(
            "What;Their sale;Sum;When\n{};s-1;1,50;03/04/2026\n{};s-2;2,50;\n=cmd();s-3;1;\n<script>;s-4;1;\n",
            first.id, second.id
        );
        let sent = upload(&person, campaign.advertiser, "C:\\files\\may <b>.csv", file.as_bytes()).await;
        let path = sent.location().to_owned();
        let draft = person.page(&path).await;
        assert!(draft.contains("may &#60;b&#62;.csv") || draft.contains("may &lt;b&gt;.csv"), "{draft}");
        assert!(draft.contains("Nothing is recorded yet") && !draft.contains("<script>;"), "{draft}");
        let guessed = |column: &str| draft.contains(&format!("value=\"{column}\" selected"));
        assert!(guessed("What") && guessed("Sum"), "click ids are known by themselves, amounts by their name: {draft}");

        let columns = [("click_id", "What"), ("txid", "Their sale"), ("revenue", "Sum"), ("time", "When")];
        let twice = plan(&[("click_id", "What"), ("txid", "What")], "mode=good_rows&action=look");
        let twice = person.send(&path, &twice).await;
        assert!(twice.status == 422 && twice.text.contains("chosen above already"), "{}", twice.text);
        let mars = person.send(&path, "format=csv&zone=Mars&mode=good_rows&action=run").await;
        assert!(mars.status == 422 && mars.text.contains("is not a time zone"), "{}", mars.text);
        let nobody = person.send(&path, &plan(&[("txid", "What")], "mode=good_rows&action=run")).await;
        assert!(nobody.status == 422 && nobody.text.contains("column of the click id"), "{}", nobody.text);

        assert_eq!(person.send(&path, &plan(&columns, "mode=good_rows&action=look")).await.status, 303);
        let draft = person.page(&path).await;
        assert!(draft.contains("could be two days"), "{draft}");
        let looked = person.page(&format!("{path}/faults.csv")).await;
        assert_eq!(looked.lines().count(), 4, "{looked}");
        assert_eq!(app.number("select count(*) from conversions"), 0);

        let columns = &columns[..3];
        let run = person.send(&path, &plan(columns, "mode=all_or_nothing&action=run")).await;
        assert_eq!(run.location(), path);
        let page = through(&person, &path).await;
        assert!(page.contains("nothing was recorded") && page.contains("parked_foreign_click"), "{page}");
        assert_eq!(app.number("select count(*) from conversions") + app.number("select count(*) from postbacks_received"), 0);
        let again = person.send(&path, &plan(columns, "mode=good_rows&action=run")).await;
        assert_eq!(again.status, 303);
        assert_eq!(app.number("select count(*) from conversions"), 0, "what is through is not run again");

        let path = upload(&person, campaign.advertiser, "", file.as_bytes()).await.location().to_owned();
        let draft = person.page(&path).await;
        assert!(draft.contains("Pasted rows"), "{draft}");
        person.send(&path, &plan(columns, "mode=good_rows&action=run")).await;
        let page = through(&person, &path).await;
        assert!(page.contains("person@example.com") && page.contains(">done<"), "{page}");
        assert_eq!(app.figures(&campaign, ["approved", "revenue"]), ["2", "4.00"]);
        let faults = person.ask(Method::GET, &format!("{path}/faults.csv")).await;
        assert!(faults.headers["content-disposition"].contains("attachment"), "{faults:?}");
        let rows: Vec<&str> = faults.text.lines().collect();
        assert_eq!(rows.len(), 3, "{faults:?}");
        assert!(rows[1].starts_with("4,parked_foreign_click,") && rows[1].ends_with("'=cmd();s-3;1;"), "{}", rows[1]);
        assert!(person.page("/conversions/imports").await.contains("Pasted rows"));

        // The next file of this advertiser is read the same way.
        let path = upload(&person, campaign.advertiser, "june.csv", file.as_bytes()).await.location().to_owned();
        assert!(person.page(&path).await.contains("value=\"Their sale\" selected"));
        assert_eq!(person.ask(Method::GET, "/conversions/imports/999").await.status, 404);
        assert_eq!(person.ask(Method::GET, "/conversions/imports/x/faults.csv").await.status, 404);
    }

    async fn a_conversion_is_added_on_a_form(app: TestApp) {
        let campaign = app.campaign(json!({})).await;
        let click = app.click(&campaign).await;
        app.stored(&click).await;
        let person = Person::enter(app).await;
        assert!(person.page(&format!("/clicks/{}", click.id)).await.contains(&format!("/conversions/new?click_id={}", click.id)));
        let form = person.page(&format!("/conversions/new?click_id={}", click.id)).await;
        assert!(form.contains(&format!("value=\"{}\"", click.id)), "{form}");
        let refused = person.send("/conversions/new", "click_id=nonsense&revenue=x&status=approved&why=").await;
        assert_eq!(refused.status, 422);
        assert!(refused.text.contains("Write the click id") && refused.text.contains("Write why"), "{}", refused.text);
        let sent = format!("click_id={}&event=&txid=h1&revenue=4.20&currency=&status=pending&why=by+phone", click.id);
        let made = person.send("/conversions/new", &sent).await;
        assert!(made.location().ends_with("?changed=added"), "{made:?}");
        let page = person.page(made.location()).await;
        assert!(page.contains("by hand") && page.contains("by phone") && page.contains("Added, and noted"), "{page}");
        let again = person.send("/conversions/new", &sent).await;
        assert!(again.location().ends_with("?changed=known"), "{again:?}");
        assert_eq!(app.figures(&campaign, ["pending", "pending_revenue"]), ["1", "4.20"]);
        assert!(person.page("/postbacks").await.contains(">by hand<"));
        assert!(person.page(&format!("/clicks/{}", click.id)).await.contains("By hand, for Net"));
    }
}
