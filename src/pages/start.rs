//! The first three steps: offer in, two addresses out, try both. Shown instead of the dashboard until they are done.

use askama::Template;

mod made;

use super::Answer;
use super::desk::{Desk, page_with, see_other};
use super::forms::{Field, TemplateField};
use super::layout::{Chrome, Nav};
use super::parts::{CodeBox, Steps};
use super::test_steps::LastTest;
use super::typed::{Marked, Typed, mistakes};
use crate::db::{self, AnyConnection, Priority};
use crate::domain::input::FieldErrors;
use crate::domain::template::TemplateUse;
use crate::entities;
use crate::http::{App, OwnJournal, PageWrite, SignedIn, Tracker, changing, now_ms, reading};
use crate::http::{test_click, test_postback};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use made::Made;

/// The first steps. What is done decides what is shown.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "start/show.html")]
pub struct StartPage {
    /// The frame.
    pub chrome: Chrome,
    /// How far the person has come.
    pub stage: Stage,
    /// The offer's URL.
    pub offer_url: TemplateField,
    /// What the advertiser pays for a conversion.
    pub revenue: Field,
    /// Its currency.
    pub currency: Field,
    /// The campaign URL, once there is one.
    pub campaign_url: Option<CodeBox>,
    /// The postback URL, once there is one.
    pub postback_url: Option<CodeBox>,
    /// Where the two test buttons post to.
    pub test_click_action: String,
    /// See above.
    pub test_postback_action: String,
    /// What the tests did so far.
    pub steps: Steps,
}

impl StartPage {
    /// Whether the offer has been given.
    pub fn has_offer(&self) -> bool {
        self.stage != Stage::Offer
    }

    /// Whether a test click has been sent.
    pub fn has_click(&self) -> bool {
        matches!(self.stage, Stage::Clicked | Stage::Done)
    }

    /// Whether the test conversion has been recorded.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }
}

/// How far the first steps have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing yet: the offer is asked for.
    #[default]
    Offer,
    /// The addresses are there; nothing was tried.
    Addresses,
    /// A test click was sent.
    Clicked,
    /// A test conversion was recorded.
    Done,
}

/// The addresses of this family.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route(START, web::get().to(show))
        .route(START, web::post().to(make))
        .route("/start/test-click", web::post().to(send_click))
        .route("/start/test-postback", web::post().to(send_postback))
        .route(super::desk::DELETE_TEST_DATA, web::post().to(delete_test_data));
}

/// Where the first steps are.
pub(super) const START: &str = "/start";

/// Whether the dashboard has nothing to show yet and the first steps come first: there is no campaign.
///
/// # Errors
/// The database fails.
pub(super) fn needs_start(conn: &mut AnyConnection) -> db::Result<bool> {
    Ok(!db::report_names::has_campaigns(conn)?)
}

async fn show(who: SignedIn, app: web::Data<App>, request: HttpRequest) -> Answer {
    let desk = Desk::open(&app, who).await?;
    let made = reading(&app, |app| made::find(&app.db)).await?;
    let typed = match &made {
        Some(made) => Typed::of([
            ("url", made.offer.value.url.clone()),
            ("revenue", made.offer.value.revenue.map(|money| money.to_string()).unwrap_or_default()),
            ("currency", made.offer.value.currency.to_string()),
        ]),
        None => Typed::of([("currency", desk.currency.to_string())]),
    };
    answer(&app, &request, desk, made, (typed, FieldErrors::default(), StatusCode::OK)).await
}

async fn make(who: PageWrite, app: web::Data<App>, request: HttpRequest, typed: Typed) -> Answer {
    let desk = Desk::open(&app, who.0).await?;
    let fields = typed.fields(&["url", "revenue", "currency"]);
    let caller = Some(desk.who.user.id);
    let outcome = changing(&app, move |app| made::make(&app.db, fields, now_ms(), caller)).await;
    let Err(error) = outcome else { return Ok(see_other(START)) };
    let (status, errors) = mistakes(error)?;
    let made = reading(&app, |app| made::find(&app.db)).await?;
    answer(&app, &request, desk, made, (typed, errors, status)).await
}

async fn send_click(
    _who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
) -> Answer {
    let Some(made) = reading(&app, |app| made::find(&app.db)).await? else { return Ok(see_other(START)) };
    let sent = test_click::send(&request, &tracker, &journal.0, (made.campaign.id, None)).await?;
    Ok(see_other(&format!("{START}?us={}", sent.took.as_micros())))
}

async fn send_postback(
    _who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
) -> Answer {
    let found = reading(&app, |app| {
        let Some(made) = made::find(&app.db)? else { return Ok(None) };
        let test = app.db.read(|conn| LastTest::of(conn, made.campaign.id))?;
        let id = test.click.as_ref().map(|click| click.record.id);
        Ok::<_, entities::Error>(id.zip(test.offer_id()))
    })
    .await?;
    if let Some((click_id, offer_id)) = found {
        test_postback::send(&request, &tracker, click_id, offer_id).await?;
    }
    Ok(see_other(&match took(&request) {
        Some(us) => format!("{START}?us={us}"),
        None => START.to_owned(),
    }))
}

async fn delete_test_data(_who: PageWrite, app: web::Data<App>) -> Answer {
    reading(&app, |app| app.db.write(Priority::Pages, db::test_data::delete)).await?;
    Ok(see_other("/"))
}

/// How long the last test click took, in microseconds, as the address says.
fn took(request: &HttpRequest) -> Option<u64> {
    let query = Typed::parse(request.query_string().as_bytes());
    query.get("us").parse().ok().filter(|us| *us < 60_000_000)
}

/// Draws the page as far as the steps have come.
async fn answer(
    app: &web::Data<App>,
    request: &HttpRequest,
    desk: Desk,
    made: Option<Made>,
    (typed, errors, status): (Typed, FieldErrors, StatusCode),
) -> Answer {
    let marked = Marked { typed: &typed, errors: &errors };
    let mut drawn = StartPage {
        chrome: Chrome { search: None, banner: None, ..desk.chrome("Your first conversion", Nav::Dashboard) },
        offer_url: marked.template("url", TemplateUse::Offer),
        revenue: marked.field("revenue"),
        currency: marked.field("currency"),
        test_click_action: "/start/test-click".to_owned(),
        test_postback_action: "/start/test-postback".to_owned(),
        ..StartPage::default()
    };
    if typed.get("url").is_empty() && errors.is_empty() {
        drawn.offer_url = TemplateField::default();
    }
    if let Some(made) = made {
        let campaign_id = made.campaign.id;
        let test = reading(app, move |app| app.db.read(|conn| LastTest::of(conn, campaign_id))).await?;
        let public_url = app.public_url(request);
        drawn.campaign_url = Some(CodeBox::url(
            "For your traffic: people click this",
            &entities::campaign_url(&public_url, &made.campaign.value.slug),
        ));
        drawn.postback_url = Some(made::postback_box(&public_url, &made.postback_key));
        drawn.stage = made::stage(&test);
        drawn.steps = made::steps(&test, &made, desk.currency, took(request));
        if let Some(us) = took(request) {
            drawn.test_postback_action = format!("/start/test-postback?us={us}");
        }
    }
    page_with(status, &drawn)
}
