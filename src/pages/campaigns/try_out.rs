//! A campaign's test click and test postback.

use super::KIND;
use crate::domain::click_id::ClickId;
use crate::entities;
use crate::http::{App, Error, OwnJournal, PageWrite, Tracker, reading};
use crate::http::{test_click, test_postback};
use crate::pages::Answer;
use crate::pages::desk::see_other;
use crate::pages::test_steps::LastTest;
use crate::pages::typed::number;
use actix_web::{HttpRequest, web};

/// The addresses of the tests.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/campaigns/{id}/test-click", web::post().to(send_click))
        .route("/campaigns/{id}/test-postback", web::post().to(send_postback));
}

async fn send_click(
    _who: PageWrite,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    test_click::send(&request, &tracker, &journal.0, (id, None)).await?;
    Ok(back(id))
}

async fn send_postback(
    _who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let known: Option<(ClickId, i64)> = reading(&app, move |app| {
        entities::campaigns::find(&app.db, id)?;
        let test = app.db.read(|conn| LastTest::of(conn, id))?;
        let click_id = test.click.as_ref().map(|click| click.record.id);
        Ok::<_, entities::Error>(click_id.zip(test.offer_id()))
    })
    .await?;
    let known = match known {
        Some(known) => Some(known),
        None => {
            let sent = test_click::send(&request, &tracker, &journal.0, (id, None)).await?;
            sent.offer_id.map(|offer_id| (sent.id, offer_id))
        }
    };
    if let Some((click_id, offer_id)) = known {
        match test_postback::send(&request, &tracker, click_id, offer_id).await {
            // An offer that is gone since the click: the page shows the click alone.
            Ok(_) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(back(id))
}

fn back(id: i64) -> actix_web::HttpResponse {
    see_other(&format!("{}/{id}/edit", KIND.path))
}
