//! The test console of an advertiser: a postback written by hand, sent through the same door, shown with each check.

use super::{KIND, tabs};
use crate::conversions::{Incoming, Standing, Step as Check, Trial};
use crate::domain::input::FieldErrors;
use crate::entities;
use crate::http::trials::{self, Draft};
use crate::http::{App, OwnJournal, PageWrite, SignedIn, Tracker, reading};
use crate::pages::Answer;
use crate::pages::click_story::unticked;
use crate::pages::desk::{Desk, page, page_with};
use crate::pages::forms::Field;
use crate::pages::layout::{Chrome, Nav, Notice};
use crate::pages::parts::{CodeBox, Link, Mark, Pill, Step, Steps};
use crate::pages::test_steps::plain;
use crate::pages::typed::{Marked, Typed, mistakes, number};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use askama::Template;
use std::net::IpAddr;

/// The console with what was sent last.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "advertisers/console.html")]
pub struct ConsolePage {
    /// The frame, with tabs.
    pub chrome: Chrome,
    /// Where the form posts to.
    pub action: String,
    /// The query string.
    pub query: Field,
    /// The body.
    pub body: Field,
    /// The address that it is to come from.
    pub address: Field,
    /// It is to be signed.
    pub sign: bool,
    /// What is wrong with that.
    pub sign_error: String,
    /// Address and signature are judged too.
    pub outside: bool,
    /// What became of it.
    pub sent: Option<SentTrial>,
}

/// What was sent and what became of it.
#[derive(Debug, Clone, Default)]
pub struct SentTrial {
    /// The verdict.
    pub verdict: Pill,
    /// Its sentence.
    pub message: String,
    /// The HTTP status that this advertiser would be answered.
    pub status: u16,
    /// Every check.
    pub steps: Steps,
    /// What was sent.
    pub request: CodeBox,
    /// The conversion it is about.
    pub conversion: Option<Link>,
}

/// The address of the console.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/advertisers/{id}/console").route(web::get().to(show)).route(web::post().to(send)),
    );
}

async fn show(
    who: SignedIn,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who).await?;
    let known = reading(&app, move |app| {
        let own = entities::credentials::of(&app.db, &[id])?.remove(&id).ok_or(entities::Error::NotFound)?;
        let found = match own.test_click_id {
            Some(click_id) => app.db.read(|conn| trials::led_to(conn, click_id))?.map(|to| (click_id, to)),
            None => None,
        };
        Ok::<_, entities::Error>(found)
    })
    .await?;
    let route = trials::advertiser(&tracker, id)?;
    let mut typed = Typed::default();
    // A copy of what was received before may come along, from the log.
    let asked = Typed::parse(request.query_string().as_bytes());
    let sample = trials::sample(&tracker, &route, known);
    typed.put("query", if asked.get("query").is_empty() { &sample } else { asked.get("query") });
    page(&draw(&desk, (id, &route.advertiser.name), (&typed, &FieldErrors::default()), None))
}

async fn send(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    journal: OwnJournal,
    request: HttpRequest,
    id: web::Path<String>,
    mut typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who.0).await?;
    let route = trials::advertiser(&tracker, id)?;
    let name = route.advertiser.name.clone();
    if typed.get("query").trim().is_empty() && typed.get("body").trim().is_empty() {
        let click = trials::test_click_of(&app, &tracker, &journal, &request, id).await?;
        typed.put("query", &trials::sample(&tracker, &route, click));
        if click.is_none() {
            let mut drawn = draw(&desk, (id, &name), (&typed, &FieldErrors::default()), None);
            drawn.chrome.notice = Some(Notice { text: NO_CLICK.to_owned(), is_error: true, undo: None });
            return page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
        }
    }
    let draft = match draft(&typed) {
        Ok(draft) => draft,
        Err(errors) => {
            let drawn = draw(&desk, (id, &name), (&typed, &errors), None);
            return page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn);
        }
    };
    match trials::send(&tracker, &request, &route, &draft).await {
        Ok((incoming, trial)) => {
            let strict = route.advertiser.answers == crate::domain::advertiser::Answers::Strict;
            let base = entities::postback_url(&app.public_url(&request), &route.key);
            let sent = sent(&base, &incoming, &trial, strict);
            page(&draw(&desk, (id, &name), (&typed, &FieldErrors::default()), Some(sent)))
        }
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            page_with(status, &draw(&desk, (id, &name), (&typed, &errors), None))
        }
    }
}

/// Why there is nothing to send.
pub(super) const NO_CLICK: &str =
    "No active campaign leads to an offer of this advertiser yet: make one, then test.";

fn draft(typed: &Typed) -> Result<Draft, FieldErrors> {
    let address = match typed.get("address").trim() {
        "" => None,
        text => match text.parse::<IpAddr>() {
            Ok(address) => Some(address),
            Err(_) => return Err(FieldErrors::one("address", "Must be an address like 203.0.113.7")),
        },
    };
    Ok(Draft {
        // Lines are for reading: an address has none.
        query: typed.get("query").split(['\r', '\n']).map(str::trim).collect(),
        body: typed.get("body").to_owned(),
        address,
        is_signed: typed.is_on("sign"),
        is_as_from_outside: typed.is_on("outside"),
    })
}

fn sent(base: &str, incoming: &Incoming, trial: &Trial, strict: bool) -> SentTrial {
    let verdict = &trial.verdict;
    let query = String::from_utf8_lossy(&incoming.query);
    let join = if query.is_empty() { "" } else { "?" };
    let mut shown = format!("{} {base}{join}{query}", incoming.method);
    if let Some(signature) = &incoming.signature {
        shown.push_str(&format!("\nX-Clickledger-Signature: {signature}"));
    }
    if !incoming.body.is_empty() {
        shown.push_str(&format!("\n\n{}", String::from_utf8_lossy(&incoming.body)));
    }
    let status = if strict { verdict.code.strict_http_status() } else { verdict.code.http_status() };
    SentTrial {
        verdict: Pill::verdict(verdict.code.result().as_str()),
        message: unticked(&verdict.message),
        status,
        steps: Steps { steps: trial.steps.iter().map(step).collect() },
        request: CodeBox { copy: shown.clone(), ..CodeBox::url("What was sent", &shown) },
        conversion: verdict
            .conversion_id
            .map(|id| Link::new(&format!("Conversion {id}"), &format!("/conversions/{id}"))),
    }
}

fn step(check: &Check) -> Step {
    let mark = match check.standing {
        Standing::Passed => Mark::Done,
        Standing::Failed => Mark::Failed,
        Standing::NotAsked | Standing::NotReached => Mark::NotReached,
    };
    let detail = match check.standing {
        Standing::NotReached => "not reached".to_owned(),
        _ => unticked(&check.detail),
    };
    Step { mark, name: check.check.label().to_owned(), detail: vec![plain(&detail)], ..Step::default() }
}

fn draw(
    desk: &Desk,
    (id, name): (i64, &str),
    (typed, errors): (&Typed, &FieldErrors),
    sent: Option<SentTrial>,
) -> ConsolePage {
    let form = Marked { typed, errors };
    let chrome = Chrome {
        parent: Some(Link::new("Advertisers", KIND.path)),
        tabs: tabs(id, "/console"),
        ..desk.chrome(name, Nav::Advertisers)
    };
    ConsolePage {
        chrome,
        action: format!("{}/{id}/console", KIND.path),
        query: form.field("query"),
        body: form.field("body"),
        address: form.field("address"),
        sign: typed.is_on("sign"),
        sign_error: errors.message("sign").unwrap_or_default().to_owned(),
        outside: typed.is_on("outside"),
        sent,
    }
}
