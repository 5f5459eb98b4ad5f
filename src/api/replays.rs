//! `/postbacks/replay`: stored postbacks judged again by today's settings, looked at first or run.

use super::log_query::log_filter;
use super::postbacks::{self, OWN};
use super::{Answer, resource};
use crate::conversions::{REPLAYED_MAX, ReplayOrder, ReplayOutcome, Replayed, replay_totals};
use crate::db::postbacks::{PostbackQuery, ids};
use crate::domain::input::FieldErrors;
use crate::domain::verdict::{Code, PostbackResult};
use crate::http::{App, Error, Tracker, Writer, blocking, json_fields, reading};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;

/// Hangs the resource's address, which stands before that of one postback.
pub(super) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(
        web::resource("/postbacks/replay")
            .route(web::post().to(create))
            .default_service(web::to(resource::takes_post)),
    );
}

/// What is asked for: by number, or by what the log's filters find.
enum Chosen {
    Ids(Vec<i64>),
    Filter(Box<PostbackQuery>),
}

/// What became of all of them.
#[derive(Serialize)]
struct Body {
    dry_run: bool,
    run: usize,
    left: usize,
    not_found: Vec<i64>,
    totals: Vec<Total>,
    items: Vec<Item>,
}

/// How many went from one verdict to another.
#[derive(Serialize)]
struct Total {
    from: Code,
    to: Code,
    count: usize,
}

/// What became of one.
#[derive(Serialize)]
struct Item {
    id: i64,
    run: bool,
    before: Code,
    result: PostbackResult,
    code: Code,
    message: String,
    conversion_id: Option<i64>,
    click_id: Option<String>,
}

/// `POST /postbacks/replay` with `ids` or `filter`, and `dry_run`, `release`, `conversion_id`, `why`.
async fn create(
    who: Writer,
    app: web::Data<App>,
    tracker: web::Data<Tracker>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer {
    let mut fields = json_fields(&request, payload).await?;
    let chosen = chosen(fields.remove("ids").as_ref(), fields.remove("filter").as_ref());
    let count = if let Ok(Chosen::Ids(ids)) = &chosen { ids.len() } else { 0 };
    let (chosen, order) = match (chosen, ReplayOrder::read(&fields, count)) {
        (Ok(chosen), Ok(order)) => (chosen, order),
        (chosen, order) => {
            let mut errors = chosen.err().unwrap_or_default();
            errors.0.extend(order.err().unwrap_or_default().0);
            return Err(errors.into());
        }
    };
    let ids = match chosen {
        Chosen::Ids(ids) => ids,
        Chosen::Filter(query) => found(&app, *query).await?,
    };
    let (user_id, is_dry_run) = (who.user.id, order.is_dry_run);
    let replayed = blocking(move || tracker.postbacks.replay(&ids, &order, user_id)).await?;
    Ok(HttpResponse::Ok().json(body(replayed, is_dry_run)))
}

fn chosen(by_number: Option<&Value>, filter: Option<&Value>) -> Result<Chosen, FieldErrors> {
    match (by_number, filter) {
        (Some(listed), None) => {
            let numbers: Option<Vec<i64>> =
                listed.as_array().and_then(|ids| ids.iter().map(Value::as_i64).collect());
            let numbers = numbers.filter(|ids| (1..=REPLAYED_MAX).contains(&ids.len()));
            let wanted = || {
                let message = format!("Must be a list of 1 to {REPLAYED_MAX} numbers of postbacks");
                FieldErrors::one("ids", message)
            };
            numbers.map(Chosen::Ids).ok_or_else(wanted)
        }
        (None, Some(Value::Object(filter))) => {
            let mut asked = log_filter(filter, &OWN).map_err(|mut errors| {
                errors.0.iter_mut().for_each(|error| error.field = format!("filter.{}", error.field));
                errors
            })?;
            asked.list.page = 1;
            Ok(Chosen::Filter(Box::new(PostbackQuery { is_uncounted: true, ..postbacks::query(asked) })))
        }
        (None, Some(_)) => Err(FieldErrors::one(
            "filter",
            "Must be an object with the log's filters, like {\"code\":\"unknown_status\"}",
        )),
        _ => Err(FieldErrors::one("ids", "Write either ids, or filter with the log's filters")),
    }
}

/// What a filter finds, as far as it did not count.
async fn found(app: &web::Data<App>, query: PostbackQuery) -> Result<Vec<i64>, Error> {
    let rows_max = i64::try_from(REPLAYED_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let ids = reading(app, move |app| app.db.read(|conn| ids(conn, &query, rows_max))).await?;
    if ids.len() > REPLAYED_MAX {
        let message = format!(
            "Finds more than {REPLAYED_MAX} that did not count: narrow it, by from and to for example"
        );
        return Err(FieldErrors::one("filter", message).into());
    }
    Ok(ids)
}

fn body(replayed: Vec<Replayed>, dry_run: bool) -> Body {
    let totals: Vec<Total> =
        replay_totals(&replayed).into_iter().map(|((from, to), count)| Total { from, to, count }).collect();
    let gone = replayed.iter().filter(|one| one.outcome == ReplayOutcome::NotFound);
    let not_found: Vec<i64> = gone.map(|one| one.id).collect();
    let items: Vec<Item> = replayed.into_iter().filter_map(item).collect();
    let run = items.iter().filter(|item| item.run).count();
    Body { dry_run, run, left: items.len().saturating_sub(run), not_found, totals, items }
}

fn item(one: Replayed) -> Option<Item> {
    let id = one.id;
    Some(match one.outcome {
        ReplayOutcome::NotFound => return None,
        ReplayOutcome::Left { code, why } => Item {
            id,
            run: false,
            before: code,
            result: code.result(),
            code,
            message: why,
            conversion_id: None,
            click_id: None,
        },
        ReplayOutcome::Run { before, verdict } => Item {
            id,
            run: true,
            before,
            result: verdict.code.result(),
            code: verdict.code,
            message: verdict.message,
            conversion_id: verdict.conversion_id,
            click_id: verdict.click_id.map(|click| click.to_string()),
        },
    })
}
