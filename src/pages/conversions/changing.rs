//! Changes of conversions by hand: one on its own page, or those that are ticked in the log.

use super::{ChangeForm, drawn};
use crate::conversions::{CHANGED_MAX, HandChange, HandOutcome};
use crate::db::conversions::NewConversion;
use crate::domain::input::FieldErrors;
use crate::domain::money::Money;
use crate::http::{App, Error, PageWrite, Tracker, blocking};
use crate::pages::Answer;
use crate::pages::desk::{Desk, page_with, see_other};
use crate::pages::forms::{Field, Select};
use crate::pages::layout::Notice;
use crate::pages::typed::{Typed, number};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, web};

/// What a person may make of a conversion.
pub(super) const STATUSES: [(&str, &str); 4] =
    [("approved", "Approved"), ("pending", "Pending"), ("rejected", "Rejected"), ("reversed", "Reversed")];

/// The form on a conversion's page: as it stands, or as it was typed where that was refused.
pub(super) fn form(id: i64, value: &NewConversion, refused: Option<(Typed, FieldErrors)>) -> ChangeForm {
    let standing = Typed::of([
        ("status", value.status.to_string()),
        ("revenue", Money::from_micros(value.revenue_original_micros).to_string()),
        ("why", String::new()),
    ]);
    let (typed, errors) = refused.unwrap_or((standing, FieldErrors::default()));
    let field = |name: &str| Field::wrong(typed.get(name), errors.message(name).unwrap_or_default());
    let error = errors.message("status").unwrap_or_default().to_owned();
    ChangeForm {
        action: format!("/conversions/{id}"),
        status: Select { error, ..Select::new(&STATUSES, typed.get("status")) },
        revenue: field("revenue"),
        currency: value.currency.to_string(),
        why: field("why"),
    }
}

/// What a form asks for.
fn read(typed: &Typed) -> Result<HandChange, FieldErrors> {
    HandChange::read(&typed.fields(&["status", "revenue", "why"]))
}

/// `POST /conversions/{id}`
pub(super) async fn update(
    who: PageWrite,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    id: web::Path<String>,
    typed: Typed,
) -> Answer {
    let id = number(&id)?;
    let user_id = who.0.user.id;
    let refused = match read(&typed) {
        Ok(asked) => match hand(&tracker, vec![id], asked, user_id).await?.first() {
            Some((_, HandOutcome::Changed)) => return Ok(see_other(&format!("/conversions/{id}?changed=1"))),
            Some((_, HandOutcome::Unchanged)) => FieldErrors::one(
                "status",
                "It stands so already: choose another status, or write another revenue",
            ),
            Some((_, HandOutcome::Repeated)) => FieldErrors::one(
                "status",
                "A postback has made this conversion meanwhile: leave this report as it is",
            ),
            Some((_, HandOutcome::NotFound)) | None => return Err(Error::NotFound),
        },
        Err(errors) => errors,
    };
    let desk = Desk::open(&app, who.0).await?;
    let drawn = drawn(&app, desk, &request, id, Some((typed, refused))).await?;
    page_with(StatusCode::UNPROCESSABLE_ENTITY, &drawn)
}

/// `POST /conversions`: the ones that are ticked.
pub(super) async fn update_many(
    who: PageWrite,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    typed: Typed,
) -> Answer {
    let back = |said: &str| {
        let address = list_address(request.query_string());
        let and = if address.contains('?') { '&' } else { '?' };
        Ok(see_other(&format!("{address}{and}{said}")))
    };
    let ids: Vec<i64> = typed.all("id").filter_map(|id| id.parse().ok()).take(CHANGED_MAX).collect();
    if ids.is_empty() {
        return back("changed=none");
    }
    let Ok(asked) = read(&typed) else { return back("changed=why") };
    let outcomes = hand(&tracker, ids, asked, who.0.user.id).await?;
    let changed = outcomes.iter().filter(|(_, outcome)| *outcome == HandOutcome::Changed).count();
    back(&format!("changed={changed}"))
}

async fn hand(
    tracker: &web::Data<Tracker>,
    ids: Vec<i64>,
    asked: HandChange,
    user_id: i64,
) -> Result<Vec<(i64, HandOutcome)>, Error> {
    let tracker = tracker.clone();
    blocking(move || tracker.postbacks.change_by_hand(&ids, &asked, user_id)).await
}

/// The log with the same search and filters, without what was said of the last change.
pub(super) fn list_address(query: &str) -> String {
    let kept: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("changed=")).collect();
    if kept.is_empty() { "/conversions".to_owned() } else { format!("/conversions?{}", kept.join("&")) }
}

/// What is said after a change.
pub(super) fn notice(query: &str) -> Option<Notice> {
    let said = query.split('&').find_map(|pair| pair.strip_prefix("changed="))?;
    let (text, is_error) = match said {
        "none" => ("Tick the conversions to change first.".to_owned(), true),
        "why" => ("Nothing was changed: write why, in at most 500 characters.".to_owned(), true),
        "0" => ("Nothing was changed: they stood so already.".to_owned(), false),
        "added" => ("Added, and noted in its history with your name.".to_owned(), false),
        "known" => ("Nothing was added: this conversion says the same already.".to_owned(), false),
        "1" => ("Changed, and noted in its history.".to_owned(), false),
        count => {
            let count: usize = count.parse().ok()?;
            (format!("{count} conversions were changed, and it is noted in the history of each."), false)
        }
    };
    Some(Notice { text, is_error, undo: None })
}
