//! `/conversions/new`: a conversion that a person records.

use super::{AddPage, changing};
use crate::conversions::HandRecord;
use crate::db::choices;
use crate::domain::input::FieldErrors;
use crate::domain::verdict::Code;
use crate::http::{App, Error, PageWrite, SignedIn, Tracker, blocking, reading};
use crate::pages::Answer;
use crate::pages::choosing::{self, rows_max};
use crate::pages::desk::{Desk, page, page_with, see_other};
use crate::pages::forms::Select;
use crate::pages::layout::{Chrome, Nav};
use crate::pages::parts::Link;
use crate::pages::typed::{Marked, Typed, mistakes};
use actix_web::{HttpRequest, web};

/// The fields of the form.
const FIELDS: [&str; 10] = [
    "click_id",
    "advertiser_id",
    "event",
    "txid",
    "revenue",
    "currency",
    "sale_amount",
    "status",
    "converted_at",
    "why",
];

/// `GET /conversions/new`, with `click_id` where a click's page led here.
pub(super) async fn new(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let mut typed = Typed::parse(request.query_string().as_bytes());
    typed.put("status", "approved");
    page(&drawn(&app, &desk, (&typed, &FieldErrors::default())).await?)
}

/// `POST /conversions/new`
pub(super) async fn create(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    typed: Typed,
) -> Answer {
    let user_id = who.0.user.id;
    let recorded = match HandRecord::read(&typed.fields(&FIELDS)) {
        Ok(asked) => {
            tracker.postbacks.settle_click(&asked).await;
            blocking(move || tracker.postbacks.record_by_hand(&asked, user_id)).await
        }
        Err(errors) => Err(Error::Fields(errors)),
    };
    match recorded {
        Ok(verdict) => {
            let id = verdict.conversion_id.ok_or(Error::NotFound)?;
            let said = match verdict.code {
                Code::Recorded => "added",
                Code::Updated => "1",
                _ => "known",
            };
            Ok(see_other(&format!("/conversions/{id}?changed={said}")))
        }
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            let desk = Desk::open(&app, who.0).await?;
            page_with(status, &drawn(&app, &desk, (&typed, &errors)).await?)
        }
    }
}

async fn drawn(
    app: &web::Data<App>,
    desk: &Desk,
    (typed, errors): (&Typed, &FieldErrors),
) -> Result<AddPage, Error> {
    let found = reading(app, |app| app.db.read(|conn| choices::advertisers(conn, rows_max(1), &[]))).await?;
    let form = Marked { typed, errors };
    let parent = Some(Link::new("Conversions", "/conversions"));
    let advertisers = choosing::choices("The click's own", &found, |_| None);
    Ok(AddPage {
        chrome: Chrome { parent, ..desk.chrome("Add a conversion", Nav::Conversions) },
        click_id: form.field("click_id"),
        advertiser_id: form.choose("advertiser_id", &advertisers),
        event: form.field("event"),
        txid: form.field("txid"),
        revenue: form.field("revenue"),
        currency: form.field("currency"),
        sale_amount: form.field("sale_amount"),
        status: Select { error: form.error("status"), ..form.select("status", &changing::STATUSES) },
        converted_at: form.field("converted_at"),
        why: form.field("why"),
    })
}
