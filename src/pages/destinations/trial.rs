//! The test of a destination on its page: a conversion told now, with the whole exchange to look at.

use super::{KIND, exchange, show};
use crate::deliveries::{NotTold, Trial};
use crate::domain::delivery::DeliveryState;
use crate::domain::input;
use crate::http::try_destination::{self, Tried};
use crate::http::{App, PageWrite};
use crate::pages::Answer;
use crate::pages::deliveries::state_pill;
use crate::pages::desk::{Desk, page_with};
use crate::pages::forms::Field;
use crate::pages::parts::{CodeBox, Link, Pill};
use crate::pages::typed::{Marked, Typed, mistakes, number};
use crate::pages::words::span;
use crate::{domain::input::FieldErrors, http::Error};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};
use serde_json::Value;

/// The test, with what it did last.
#[derive(Debug, Clone, Default)]
pub struct TestCard {
    /// Where it posts to.
    pub action: String,
    /// The conversion that it tells of.
    pub conversion_id: Field,
    /// What was sent and what came back.
    pub tried: Option<TriedCard>,
}

/// What was sent and what came back.
#[derive(Debug, Clone, Default)]
pub struct TriedCard {
    /// How a delivery would stand after it.
    pub state: Pill,
    /// What that means, in one sentence.
    pub lead: String,
    /// What to do about it. Empty for nothing.
    pub advice: String,
    /// The conversion that it told of.
    pub conversion: Link,
    /// What is to be known of that choice. Empty for nothing.
    pub note: String,
    /// What was sent; `None` where nothing was.
    pub request: Option<CodeBox>,
    /// The beginning of the answer; `None` where there was none.
    pub response: Option<CodeBox>,
}

/// The address of the test.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/destinations/{id}/test", web::post().to(send));
}

/// The card before anything was sent.
pub(super) fn card(id: i64) -> TestCard {
    TestCard { action: format!("{}/{id}/test#test", KIND.path), ..TestCard::default() }
}

async fn send(
    who: PageWrite,
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let desk = Desk::open(&app, who.0).await?;
    let conversion_id = input::id(&Value::from(typed.get("conversion_id")))
        .map_err(|message| Error::from(FieldErrors::one("conversion_id", message)));
    let tried = match conversion_id {
        Ok(conversion_id) => try_destination::send(&app, id, conversion_id).await,
        Err(error) => Err(error),
    };
    let mut page = show::drawn(&app, &desk, &request, id).await?;
    page.test.conversion_id = Field::new(typed.get("conversion_id"));
    let status = match tried {
        Ok(tried) => {
            page.test.tried = Some(of(&tried));
            StatusCode::OK
        }
        Err(error) => {
            let (status, errors) = mistakes(error)?;
            page.test.conversion_id = Marked { typed: &typed, errors: &errors }.field("conversion_id");
            status
        }
    };
    page_with(status, &page)
}

fn of(tried: &Tried) -> TriedCard {
    let (id, state) = (tried.conversion_id, tried.state());
    let note = match tried.is_fitting {
        Some(false) => {
            "None of the newest conversions is one that it would be told of, so this is the newest of all."
        }
        Some(true) | None => "",
    };
    let card = TriedCard {
        state: state_pill(state),
        conversion: Link::new(&format!("Conversion {id}"), &format!("/conversions/{id}")),
        note: note.to_owned(),
        ..TriedCard::default()
    };
    match &tried.outcome {
        Ok(trial) => TriedCard {
            lead: lead(state, trial),
            advice: trial.advice.clone(),
            request: Some(exchange::request_box(
                trial.method,
                &trial.url,
                &trial.header_names,
                trial.body.as_deref(),
            )),
            response: trial.response.as_deref().map(exchange::response_box),
            ..card
        },
        Err(NotTold::Skipped(why)) => {
            TriedCard { lead: format!("Nothing was sent, and nothing would be: {}.", lower(why)), ..card }
        }
        Err(NotTold::Failed(why)) => {
            TriedCard { lead: format!("Nothing could be sent: {}.", lower(why)), ..card }
        }
    }
}

/// A sentence within another.
fn lower(why: &str) -> String {
    let mut letters = why.chars();
    let first = letters.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn lead(state: DeliveryState, trial: &Trial) -> String {
    let took = span(trial.duration_ms);
    let answered = match trial.code {
        Some(code) => format!("Answered by {code} after {took}"),
        None => format!("Not answered within {took}"),
    };
    let why = trial.judged.error.as_deref().unwrap_or_default();
    match state {
        DeliveryState::Sent => format!("{answered}: it was taken."),
        DeliveryState::Due => format!("{why} ({took}): a delivery would be tried again, for a day."),
        DeliveryState::Failed | DeliveryState::Skipped => {
            format!("{why} ({took}): a delivery would not be tried again by itself.")
        }
    }
}
